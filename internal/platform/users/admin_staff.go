package users

import (
	"net/http"

	"regulars/internal/platform/id"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type staffPage struct {
	Unsent    []kit.Alert // letters that have not gone out
	Table     kit.Table
	Form      *web.Form
	Roles     []kit.Option
	Languages []kit.Option
}

func showStaff(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		return renderStaff(db, w, r, http.StatusOK, r.NewForm().Set("role", web.Agent.String()))
	}
}

func renderStaff(db *store.DB, w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	all, err := List(r.Context(), db)
	if err != nil {
		return err
	}
	failures, err := mail.Failures(r.Context(), db)
	if err != nil {
		return err
	}
	var unsent []kit.Alert
	t := kit.Table{
		ID: "staff", Caption: r.T("users.staff.title"), First: true, Path: r.Href("/staff"), Query: r.URL.Query(),
		Total: r.Print.N("users.staff.total", len(all)), Export: r.Href("/staff/export"),
		Columns: []kit.Column{
			{Key: "name", Title: r.T("users.field.name")}, {Key: "email", Title: r.T("users.field.email")},
			{Key: "role", Title: r.T("users.field.role")}, {Key: "state", Title: r.T("users.field.state")},
			{Key: "signed-in", Title: r.T("users.field.signed-in")},
		},
	}
	for _, u := range all {
		tone, state := u.state()
		if a := u.unsent(r, failures); a != nil {
			tone, state = kit.Bad, "users.state.unsent"
			a.Action = kit.Link{Href: r.Href("/staff/"+u.ID.String()) + "#access", Text: r.T("users.unsent.open", "Name", u.Name)}
			unsent = append(unsent, *a)
		}
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/staff/" + u.ID.String()), Cells: []any{
			u.Name, u.Email, r.T("users.role." + u.Role.String()), kit.Badge(tone, r.T(state)), moment(r, u.SignedInAt),
		}})
	}
	return r.RenderStatus(w, status, "users/staff.html", staffPage{Unsent: unsent, Table: t, Form: f, Roles: roleOptions(r), Languages: languageOptions(r)})
}

// state says in one word whether somebody can sign in.
func (u User) state() (kit.Tone, string) {
	switch {
	case !u.DisabledAt.IsZero():
		return kit.Plain, "users.state.disabled"
	case !u.HasWay:
		return kit.Warn, "users.state.invited"
	}
	return kit.Good, "users.state.active"
}

// unsent says why the letter with their link has not gone out; nil: there is
// none, or they have come in since.
func (u User) unsent(r *web.Request, failures map[string]mail.Failure) *kit.Alert {
	f, ok := failures[u.ID.String()]
	if !ok || u.SignedInAt.After(f.At) {
		return nil
	}
	what := "users.unsent.again"
	if f.Final {
		what = "users.unsent.final"
	}
	return &kit.Alert{Tone: kit.Bad, Title: r.T("users.unsent", "Name", u.Name),
		Text: r.T(what, "Why", r.Print.Sentence(f.Reason), "Ago", r.Print.Ago(f.At, r.Now))}
}

type givenPage struct {
	User    User
	Address string
}

// giveLink shows a link, once. It is the answer to the post itself: the
// address of the page must not lead to a link that lets somebody in.
func giveLink(w http.ResponseWriter, r *web.Request, user User, token string) error {
	return r.Render(w, "users/link.html", givenPage{User: user, Address: address(r, "/password/"+token)})
}

func (d Desk) addStaff(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	n := New{By: r.Staff.ID, Name: f.Need("name", maxName), Email: f.Email("email"), Language: f.Choice("language", languageTags()...)}
	if n.Email == "" {
		f.Wrong("email", r.T("web.form.required"))
	}
	n.Role = chosenRole(f)
	var g given
	if f.OK() {
		err = f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error {
			added, err := Add(r.Context(), tx, n)
			if err == nil {
				g, err = d.invite(tx, r, added, true)
			}
			return err
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return renderStaff(d.DB, w, r, http.StatusUnprocessableEntity, f)
	}
	return g.show(w, r)
}

// given is a link that was made for somebody.
type given struct {
	user   User
	token  string
	posted bool
}

// invite makes a link for a member of staff, and posts it if that is wanted
// and mail goes out.
func (d Desk) invite(tx *store.Tx, r *web.Request, user id.User, wanted bool) (g given, err error) {
	if g.user, err = ByID(r.Context(), tx, user); err != nil {
		return g, err
	}
	if g.token, err = Link(r.Context(), tx, r.Staff.ID, user); err != nil {
		return g, err
	}
	base, ready, err := d.mailing(r)
	if err != nil || !ready || !wanted {
		return g, err
	}
	g.posted = true
	return g, d.post(r.Context(), tx, g.user, letter{kind: letterInvited, shop: r.Shop.Name, link: base + "/password/" + g.token, args: []any{"By", r.Staff.Name}})
}

// show says that the link was posted, or shows it to be handed over.
func (g given) show(w http.ResponseWriter, r *web.Request) error {
	if !g.posted {
		return giveLink(w, r, g.user, g.token)
	}
	r.Flash(w, "good", r.T("users.given.posted", "Email", g.user.Email))
	return r.Redirect(w, "/staff/"+g.user.ID.String())
}

func chosenRole(f *web.Form) web.Role {
	role, _ := web.ParseRole(f.Choice("role", "viewer", "till", "agent", "manager", "owner"))
	return role
}

type memberPage struct {
	User    User
	Form    *web.Form
	Roles   []kit.Option
	State   any
	Self    bool
	Mail    bool
	Unsent  *kit.Alert // a letter to them has not gone out
	Factors Factors
	Terms   []kit.Term
}

func (d Desk) showMember(w http.ResponseWriter, r *web.Request) error {
	user, err := pathUser(r)
	if err != nil {
		return err
	}
	u, err := ByID(r.Context(), d.DB, user)
	if err != nil {
		return err
	}
	return d.renderMember(w, r, http.StatusOK, u, r.NewForm().Set("role", u.Role.String()))
}

func (d Desk) renderMember(w http.ResponseWriter, r *web.Request, status int, u User, f *web.Form) error {
	tone, state := u.state()
	p := memberPage{User: u, Form: f, Roles: roleOptions(r), State: kit.Badge(tone, r.T(state)), Self: u.ID == r.Staff.ID}
	var err error
	if _, p.Mail, err = d.mailing(r); err != nil {
		return err
	}
	failures, err := mail.Failures(r.Context(), d.DB)
	if err != nil {
		return err
	}
	if p.Unsent = u.unsent(r, failures); p.Unsent != nil {
		p.State = kit.Badge(kit.Bad, r.T("users.state.unsent"))
	}
	if p.Factors, err = FactorsOf(r.Context(), d.DB, u.ID); err != nil {
		return err
	}
	second := r.T("users.factors.none")
	if p.Factors.Any() {
		second = r.T("users.factors.some")
	}
	p.Terms = []kit.Term{
		{Name: r.T("users.field.email"), Value: u.Email}, {Name: r.T("users.field.state"), Value: p.State},
		{Name: r.T("users.factors.title"), Value: second},
		{Name: r.T("users.field.added"), Value: moment(r, u.CreatedAt)}, {Name: r.T("users.field.signed-in"), Value: moment(r, u.SignedInAt)},
	}
	return r.RenderStatus(w, status, "users/member.html", p)
}

// changeMember does one thing to the member of staff in the address and shows
// their page again, with the sentence done or with what is wrong.
func (d Desk) changeMember(w http.ResponseWriter, r *web.Request, done string, change func(tx *store.Tx, f *web.Form, user id.User) error) error {
	user, err := pathUser(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	err = f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error { return change(tx, f, user) }))
	if err != nil {
		return err
	}
	if !f.OK() {
		u, err := ByID(r.Context(), d.DB, user)
		if err != nil {
			return err
		}
		f.Set("role", u.Role.String()) // what holds, not what was refused
		return d.renderMember(w, r, http.StatusUnprocessableEntity, u, f)
	}
	r.Flash(w, "good", r.T(done))
	return r.Redirect(w, "/staff/"+user.String())
}

func (d Desk) changeRole(w http.ResponseWriter, r *web.Request) error {
	return d.changeMember(w, r, "users.role.changed", func(tx *store.Tx, f *web.Form, user id.User) error {
		role := chosenRole(f)
		if !f.OK() {
			return nil
		}
		return SetRole(r.Context(), tx, r.Staff.ID, user, role)
	})
}

func (d Desk) disable(w http.ResponseWriter, r *web.Request) error {
	return d.changeMember(w, r, "users.disabled", func(tx *store.Tx, _ *web.Form, user id.User) error {
		return Disable(r.Context(), tx, r.Staff.ID, user)
	})
}

func (d Desk) enable(w http.ResponseWriter, r *web.Request) error {
	return d.changeMember(w, r, "users.enabled", func(tx *store.Tx, _ *web.Form, user id.User) error {
		return Enable(r.Context(), tx, r.Staff.ID, user)
	})
}

func (d Desk) resetFactors(w http.ResponseWriter, r *web.Request) error {
	return d.changeMember(w, r, "users.factors.reset", func(tx *store.Tx, _ *web.Form, user id.User) error {
		return ResetFactors(r.Context(), tx, r.Staff.ID, user)
	})
}

func (d Desk) makeLink(w http.ResponseWriter, r *web.Request) error {
	user, err := pathUser(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	var g given
	err = d.DB.Tx(r.Context(), func(tx *store.Tx) (err error) {
		g, err = d.invite(tx, r, user, f.Value("by") == "mail")
		return err
	})
	if err != nil {
		return err
	}
	return g.show(w, r)
}
