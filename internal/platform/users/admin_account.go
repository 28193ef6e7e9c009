package users

import (
	"errors"
	"net/http"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type accountPage struct {
	User      User
	Form      *web.Form
	Secret    *web.Form // the password's
	Languages []kit.Option
	Themes    []kit.Option
	Sessions  []Session
}

// SessionID is the session as in addresses.
func (s Session) SessionID() string { return id.Show("ses", s.ID) }

func showAccount(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		return renderAccount(db, w, r, nil, nil)
	}
}

// renderAccount shows the page, with the form that was found wrong if there
// is one.
func renderAccount(db *store.DB, w http.ResponseWriter, r *web.Request, form, secret *web.Form) error {
	user, err := ByID(r.Context(), db, r.Staff.ID)
	if err != nil {
		return err
	}
	p := accountPage{User: user, Form: form, Secret: secret}
	if p.Sessions, err = Sessions(r.Context(), db, user.ID, r.Token(), r.Now); err != nil {
		return err
	}
	status := http.StatusOK
	if form != nil || secret != nil {
		status = http.StatusUnprocessableEntity
	}
	if form == nil {
		p.Form = r.NewForm().Set("name", user.Name).Set("language", user.Language).Set("theme", user.Theme).Set("zone", user.Zone)
	}
	if secret == nil {
		p.Secret = r.NewForm()
	}
	p.Languages = languageOptions(r)
	p.Themes = []kit.Option{
		{Value: "", Text: r.T("web.theme.system")}, {Value: "light", Text: r.T("web.theme.light")}, {Value: "dark", Text: r.T("web.theme.dark")},
	}
	return r.RenderStatus(w, status, "users/account.html", p)
}

// languages are those that the interface is, or is about to be, written in.
// One without a catalogue falls back to English.
var languages = []struct{ tag, name string }{
	{"en", "English"}, {"bg", "Български"}, {"cs", "Čeština"}, {"it", "Italiano"}, {"ko", "한국어"}, {"ru", "Русский"},
}

func languageOptions(r *web.Request) []kit.Option {
	all := []kit.Option{{Value: "", Text: r.T("users.account.language.browser")}}
	for _, l := range languages {
		all = append(all, kit.Option{Value: l.tag, Text: l.name})
	}
	return all
}

func languageTags() []string {
	tags := []string{""}
	for _, l := range languages {
		tags = append(tags, l.tag)
	}
	return tags
}

func saveAccount(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		p := Preferences{
			Name: f.Need("name", maxName), Language: f.Choice("language", languageTags()...),
			Theme: f.Choice("theme", "", "light", "dark"), Zone: f.Text("zone", 64),
		}
		if f.OK() {
			err := f.Take(db.Tx(r.Context(), func(tx *store.Tx) error { return Prefer(r.Context(), tx, r.Staff.ID, p) }))
			if err != nil {
				return err
			}
		}
		if !f.OK() {
			return renderAccount(db, w, r, f, nil)
		}
		r.Flash(w, "good", r.T("users.account.saved"))
		return r.Redirect(w, "/account")
	}
}

func changePassword(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		user, err := ByID(r.Context(), db, r.Staff.ID)
		if err != nil {
			return err
		}
		p, err := NewPassword(f.Values.Get("password"), user.Name, user.Email)
		if err := f.Take(err); err != nil {
			return err
		}
		if f.OK() {
			try := Try{Email: user.Email, Password: f.Values.Get("old"), Address: r.Address()}
			err = ChangePassword(r.Context(), db, try, p, r.Token())
		}
		var many *TooMany
		switch {
		case errors.As(err, &many):
			f.Wrong("old", r.Print.N("users.sign-in.wait", many.Minutes))
		case errs.Is(err, errs.Invalid) && f.OK():
			f.Wrong("old", r.T("users.account.password.wrong"))
		case err != nil && f.OK():
			return err
		}
		if !f.OK() {
			return renderAccount(db, w, r, nil, f)
		}
		if err := keepKnown(db, w, r, user.ID); err != nil {
			return err
		}
		r.Flash(w, "good", r.T("users.account.password.changed"))
		return r.Redirect(w, "/account")
	}
}

func closeSession(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		session, err := web.PathID(r, "session", func(s string) (int64, error) { return id.Parse("ses", s) })
		if err != nil {
			return err
		}
		err = db.Tx(r.Context(), func(tx *store.Tx) error { return SignOutOf(r.Context(), tx, r.Staff.ID, session) })
		if err != nil {
			return err
		}
		r.Flash(w, "good", r.T("users.session.closed"))
		return r.Redirect(w, "/account")
	}
}

func closeOthers(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		err := db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := SignOutEverywhere(r.Context(), tx, r.Staff.ID, r.Token()); err != nil {
				return err
			}
			return Audit(r.Context(), tx, Change{By: r.Staff.ID, Action: "user.signed_out", Subject: r.Staff.ID.String()})
		})
		if err != nil {
			return err
		}
		if err := keepKnown(db, w, r, r.Staff.ID); err != nil {
			return err
		}
		r.Flash(w, "good", r.T("users.sessions.closed"))
		return r.Redirect(w, "/account")
	}
}
