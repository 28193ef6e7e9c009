package users

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

// Access is how staff may sign in.
type Access struct {
	Second []web.Role // who needs a second factor
	OIDC   OIDC
}

// OIDC is another system by which staff sign in: OpenID Connect.
type OIDC struct {
	Issuer  string // its address; empty: there is none
	Client  string // what it calls us
	Secret  string
	Name    string   // what the button says
	Domains []string // of email addresses that may come without an invitation
	Role    web.Role // what they may do; 0: nobody comes without an invitation
	Claim   string   // a claim that says the role; empty: none does
	Roles   map[string]web.Role
}

const oidcPurpose = "users oidc"

// LoadAccess reads how staff may sign in. A secret sealed with a lost key is
// empty.
func LoadAccess(ctx context.Context, db *store.DB) (a Access, err error) {
	var second, domains, role, roles string
	var sealed []byte
	err = db.QueryRow(ctx, `
		select second_roles, oidc_issuer, oidc_client, oidc_secret, oidc_name, oidc_domains, oidc_role, oidc_claim, oidc_roles
		from user_access where id = 1`).
		Scan(&second, &a.OIDC.Issuer, &a.OIDC.Client, &sealed, &a.OIDC.Name, &domains, &role, &a.OIDC.Claim, &roles)
	if errors.Is(err, sql.ErrNoRows) {
		return Access{}, nil
	}
	if err != nil {
		return a, fmt.Errorf("read how staff sign in: %w", err)
	}
	a.Second = rolesOf(second)
	a.OIDC.Domains = strings.Fields(domains)
	a.OIDC.Role, _ = web.ParseRole(role)
	if a.OIDC.Roles, err = parseRoles(roles); err != nil {
		return a, err
	}
	if len(sealed) > 0 {
		if plain, err := db.Unseal(oidcPurpose, sealed); err == nil {
			a.OIDC.Secret = string(plain)
		}
	}
	return a, nil
}

// rolesOf reads names with commas between.
func rolesOf(s string) (roles []web.Role) {
	for name := range strings.SplitSeq(s, ",") {
		if role, err := web.ParseRole(name); err == nil {
			roles = append(roles, role)
		}
	}
	return roles
}

// parseRoles reads "admins=owner, shop=till".
func parseRoles(s string) (map[string]web.Role, error) {
	roles := map[string]web.Role{}
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		value, name, ok := strings.Cut(strings.TrimSpace(pair), "=")
		role, err := web.ParseRole(strings.TrimSpace(name))
		if value = strings.TrimSpace(value); !ok || err != nil || role == web.Public || value == "" {
			return nil, errs.Wrong("roles", "users.wrong.roles")
		}
		roles[value] = role
	}
	return roles, nil
}

func showRoles(roles map[string]web.Role) string {
	var pairs []string
	for _, value := range slices.Sorted(maps.Keys(roles)) {
		pairs = append(pairs, value+"="+roles[value].String())
	}
	return strings.Join(pairs, ", ")
}

func namesOfRoles(roles []web.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.String()
	}
	return strings.Join(names, ",")
}

// SaveAccess keeps how staff may sign in. What cannot be is errs.Invalid with
// its field.
func SaveAccess(ctx context.Context, tx *store.Tx, by id.User, before, a Access) error {
	o := &a.OIDC
	o.Issuer, o.Client, o.Name, o.Claim = text.Line(o.Issuer), text.Line(o.Client), text.Line(o.Name), text.Line(o.Claim)
	if u, err := url.Parse(o.Issuer); o.Issuer != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "") {
		return errs.Wrong("issuer", "users.wrong.issuer")
	}
	if o.Issuer != "" && o.Client == "" {
		return errs.Wrong("client", "users.wrong.client")
	}
	if o.Role == web.Public || o.Role != 0 && len(o.Domains) == 0 {
		return errs.Wrong("domains", "users.wrong.domains")
	}
	sealed := []byte{}
	if o.Secret != "" {
		sealed = tx.Seal(oidcPurpose, []byte(o.Secret))
	}
	role := ""
	if o.Role != 0 {
		role = o.Role.String()
	}
	_, err := tx.Exec(ctx, `
		insert into user_access (id, second_roles, oidc_issuer, oidc_client, oidc_secret, oidc_name, oidc_domains, oidc_role, oidc_claim, oidc_roles, changed_at)
		values (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (id) do update set second_roles = excluded.second_roles, oidc_issuer = excluded.oidc_issuer, oidc_client = excluded.oidc_client,
			oidc_secret = excluded.oidc_secret, oidc_name = excluded.oidc_name, oidc_domains = excluded.oidc_domains,
			oidc_role = excluded.oidc_role, oidc_claim = excluded.oidc_claim, oidc_roles = excluded.oidc_roles, changed_at = excluded.changed_at`,
		namesOfRoles(a.Second), o.Issuer, o.Client, sealed, o.Name, strings.Join(o.Domains, " "), role, o.Claim, showRoles(o.Roles), tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep how staff sign in: %w", err)
	}
	c := Change{By: by, Action: "access.changed", Values: Changed(
		"second_factor", namesOfRoles(before.Second), namesOfRoles(a.Second), "issuer", before.OIDC.Issuer, o.Issuer,
		"client", before.OIDC.Client, o.Client, "name", before.OIDC.Name, o.Name,
		"domains", strings.Join(before.OIDC.Domains, " "), strings.Join(o.Domains, " "),
		"role", before.OIDC.Role.String(), o.Role.String(), "claim", before.OIDC.Claim, o.Claim, "roles", showRoles(before.OIDC.Roles), showRoles(o.Roles))}
	if before.OIDC.Secret != o.Secret {
		c.Fields = []string{"secret"}
	}
	return Audit(ctx, tx, c)
}
