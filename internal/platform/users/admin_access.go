package users

import (
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// accessPage is how staff may sign in.
type accessPage struct {
	Form    *web.Form
	Roles   []kit.Option
	Default []kit.Option // the roles, and none
	Back    string       // the address the other system sends people back to
	Secret  bool         // there is one
}

func (d Desk) showAccess(w http.ResponseWriter, r *web.Request) error {
	a, err := LoadAccess(r.Context(), d.DB)
	if err != nil {
		return err
	}
	f := r.NewForm().Set("issuer", a.OIDC.Issuer).Set("client", a.OIDC.Client).Set("name", a.OIDC.Name).
		Set("domains", strings.Join(a.OIDC.Domains, " ")).Set("claim", a.OIDC.Claim).Set("roles", showRoles(a.OIDC.Roles))
	if a.OIDC.Role != 0 {
		f.Set("role", a.OIDC.Role.String())
	}
	for _, role := range a.Second {
		f.Values.Add("second", role.String())
	}
	return d.renderAccess(w, r, http.StatusOK, f, a)
}

func (d Desk) renderAccess(w http.ResponseWriter, r *web.Request, status int, f *web.Form, a Access) error {
	p := accessPage{Form: f, Roles: roleOptions(r), Back: d.otherBack(r), Secret: a.OIDC.Secret != ""}
	p.Default = append([]kit.Option{{Value: "", Text: r.T("users.access.invited")}}, p.Roles...)
	return r.RenderStatus(w, status, "users/access.html", p)
}

// Needs reports whether a role's box is ticked.
func (p accessPage) Needs(role string) bool { return slices.Contains(p.Form.Values["second"], role) }

func (d Desk) saveAccess(w http.ResponseWriter, r *web.Request) error {
	before, err := LoadAccess(r.Context(), d.DB)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	a := Access{Second: rolesOf(strings.Join(f.Values["second"], ",")), OIDC: OIDC{
		Issuer: f.Text("issuer", 300), Client: f.Text("client", 300), Name: f.Text("name", 60), Claim: f.Text("claim", 60),
		Domains: strings.Fields(strings.ToLower(strings.ReplaceAll(f.Text("domains", 500), ",", " "))), Secret: before.OIDC.Secret,
	}}
	if s := f.Text("secret", 500); s != "" {
		a.OIDC.Secret = s
	}
	a.OIDC.Role, _ = web.ParseRole(f.Choice("role", "", "viewer", "till", "agent", "manager", "owner"))
	a.OIDC.Roles, err = parseRoles(f.Area("roles", 2000))
	if err := f.Take(err); err != nil {
		return err
	}
	if f.OK() {
		err := f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error { return SaveAccess(r.Context(), tx, r.Staff.ID, before, a) }))
		if err != nil {
			return err
		}
	}
	if !f.OK() {
		return d.renderAccess(w, r, http.StatusUnprocessableEntity, f, before)
	}
	r.Flash(w, "good", r.T("users.account.saved"))
	return r.Redirect(w, "/settings/sign-in")
}
