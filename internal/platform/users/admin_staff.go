package users

import (
	"net/http"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type staffPage struct {
	Table kit.Table
	Form  *web.Form
	Roles []kit.Option
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
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/staff/" + u.ID.String()), Cells: []any{
			u.Name, u.Email, r.T("users.role." + u.Role.String()), kit.Badge(tone, r.T(state)), moment(r, u.SignedInAt),
		}})
	}
	return r.RenderStatus(w, status, "users/staff.html", staffPage{Table: t, Form: f, Roles: roleOptions(r)})
}

// state says in one word whether somebody can sign in.
func (u User) state() (kit.Tone, string) {
	switch {
	case !u.DisabledAt.IsZero():
		return kit.Plain, "users.state.disabled"
	case !u.HasPassword:
		return kit.Warn, "users.state.invited"
	}
	return kit.Good, "users.state.active"
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

func addStaff(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		n := New{By: r.Staff.ID, Name: f.Need("name", maxName), Email: f.Email("email")}
		if n.Email == "" {
			f.Wrong("email", r.T("web.form.required"))
		}
		n.Role = chosenRole(f)
		var user User
		var token string
		if f.OK() {
			err = f.Take(db.Tx(r.Context(), func(tx *store.Tx) error {
				added, err := Add(r.Context(), tx, n)
				if err != nil {
					return err
				}
				if token, err = Link(r.Context(), tx, r.Staff.ID, added); err != nil {
					return err
				}
				user, err = ByID(r.Context(), tx, added)
				return err
			}))
		}
		if err != nil {
			return err
		}
		if !f.OK() {
			return renderStaff(db, w, r, http.StatusUnprocessableEntity, f)
		}
		return giveLink(w, r, user, token)
	}
}

func chosenRole(f *web.Form) web.Role {
	role, _ := web.ParseRole(f.Choice("role", "viewer", "till", "agent", "manager", "owner"))
	return role
}

type memberPage struct {
	User  User
	Form  *web.Form
	Roles []kit.Option
	State any
	Self  bool
	Terms []kit.Term
}

func showMember(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		user, err := pathUser(r)
		if err != nil {
			return err
		}
		u, err := ByID(r.Context(), db, user)
		if err != nil {
			return err
		}
		return renderMember(w, r, http.StatusOK, u, r.NewForm().Set("role", u.Role.String()))
	}
}

func renderMember(w http.ResponseWriter, r *web.Request, status int, u User, f *web.Form) error {
	tone, state := u.state()
	return r.RenderStatus(w, status, "users/member.html", memberPage{
		User: u, Form: f, Roles: roleOptions(r), State: kit.Badge(tone, r.T(state)), Self: u.ID == r.Staff.ID,
		Terms: []kit.Term{
			{Name: r.T("users.field.email"), Value: u.Email}, {Name: r.T("users.field.state"), Value: kit.Badge(tone, r.T(state))},
			{Name: r.T("users.field.added"), Value: moment(r, u.CreatedAt)}, {Name: r.T("users.field.signed-in"), Value: moment(r, u.SignedInAt)},
		},
	})
}

// changeMember does one thing to the member of staff in the address and shows
// their page again, with the sentence done or with what is wrong.
func changeMember(db *store.DB, done string, change func(tx *store.Tx, r *web.Request, f *web.Form, user id.User) error) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		user, err := pathUser(r)
		if err != nil {
			return err
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		err = f.Take(db.Tx(r.Context(), func(tx *store.Tx) error { return change(tx, r, f, user) }))
		if err != nil {
			return err
		}
		if !f.OK() {
			u, err := ByID(r.Context(), db, user)
			if err != nil {
				return err
			}
			f.Set("role", u.Role.String()) // what holds, not what was refused
			return renderMember(w, r, http.StatusUnprocessableEntity, u, f)
		}
		r.Flash(w, "good", r.T(done))
		return r.Redirect(w, "/staff/"+user.String())
	}
}

func changeRole(db *store.DB) web.Handler {
	return changeMember(db, "users.role.changed", func(tx *store.Tx, r *web.Request, f *web.Form, user id.User) error {
		role := chosenRole(f)
		if !f.OK() {
			return nil
		}
		return SetRole(r.Context(), tx, r.Staff.ID, user, role)
	})
}

func disable(db *store.DB) web.Handler {
	return changeMember(db, "users.disabled", func(tx *store.Tx, r *web.Request, _ *web.Form, user id.User) error {
		return Disable(r.Context(), tx, r.Staff.ID, user)
	})
}

func enable(db *store.DB) web.Handler {
	return changeMember(db, "users.enabled", func(tx *store.Tx, r *web.Request, _ *web.Form, user id.User) error {
		return Enable(r.Context(), tx, r.Staff.ID, user)
	})
}

func makeLink(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		user, err := pathUser(r)
		if err != nil {
			return err
		}
		var u User
		var token string
		err = db.Tx(r.Context(), func(tx *store.Tx) (err error) {
			if u, err = ByID(r.Context(), tx, user); err != nil {
				return err
			}
			token, err = Link(r.Context(), tx, r.Staff.ID, user)
			return err
		})
		if err != nil {
			return err
		}
		return giveLink(w, r, u, token)
	}
}
