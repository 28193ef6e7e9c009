package users

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "users.place.staff", Href: "/staff", Icon: "users-group", Order: 920, Role: web.Owner},
	{Section: "users.section.house", Key: "users.place.audit", Href: "/audit", Icon: "history", Order: 930, Role: web.Owner},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB) []web.Route {
	return []web.Route{
		{Pattern: "GET /sign-in", Role: web.Public, Handler: showSignIn(db)},
		{Pattern: "POST /sign-in", Role: web.Public, Handler: signIn(db)},
		{Pattern: "POST /sign-out", Role: web.Public, Handler: signOut(db)},
		{Pattern: "GET /password/{token}", Role: web.Public, Handler: showLink(db)},
		{Pattern: "POST /password/{token}", Role: web.Public, Handler: useLink(db)},

		{Pattern: "GET /account", Role: web.Viewer, Handler: showAccount(db)},
		{Pattern: "POST /account", Role: web.Viewer, Handler: saveAccount(db)},
		{Pattern: "POST /account/password", Role: web.Viewer, Handler: changePassword(db)},
		{Pattern: "POST /account/sessions/closure", Role: web.Viewer, Handler: closeOthers(db)},
		{Pattern: "POST /account/sessions/{session}/closure", Role: web.Viewer, Handler: closeSession(db)},

		{Pattern: "GET /staff/export", Role: web.Owner, Handler: exportStaff(db)},
		{Pattern: "GET /staff", Role: web.Owner, Handler: showStaff(db)},
		{Pattern: "POST /staff", Role: web.Owner, Handler: addStaff(db)},
		{Pattern: "GET /staff/{user}", Role: web.Owner, Handler: showMember(db)},
		{Pattern: "POST /staff/{user}/role", Role: web.Owner, Handler: changeRole(db)},
		{Pattern: "POST /staff/{user}/link", Role: web.Owner, Handler: makeLink(db)},
		{Pattern: "POST /staff/{user}/leave", Role: web.Owner, Handler: disable(db)},
		{Pattern: "POST /staff/{user}/return", Role: web.Owner, Handler: enable(db)},
		{Pattern: "GET /audit", Role: web.Owner, Handler: showAudit(db)},
		{Pattern: "GET /audit/export", Role: web.Owner, Handler: exportAudit(db)},
	}
}

type signInPage struct {
	Form  *web.Form
	Next  string
	Empty bool // nobody works here yet
}

func showSignIn(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		next := web.Local(r.FormValue("next"))
		if r.Staff.ID != 0 {
			return r.Redirect(w, next)
		}
		n, err := Count(r.Context(), db)
		if err != nil {
			return err
		}
		return r.Render(w, "users/sign-in.html", signInPage{Form: r.NewForm(), Next: next, Empty: n == 0})
	}
}

func signIn(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		next := web.Local(f.Values.Get("next"))
		try := Try{Email: f.Need("email", maxEmail), Password: f.Values.Get("password"), Address: web.Address(r.Request), Device: Device(r.UserAgent())}
		if try.Password == "" {
			f.Wrong("password", r.T("web.form.required"))
		}
		token, status := "", http.StatusUnprocessableEntity
		if f.OK() {
			token, err = SignIn(r.Context(), db, try)
		}
		var many *TooMany
		switch {
		case errors.As(err, &many):
			status = http.StatusTooManyRequests
			f.Wrong("", r.Print.N("users.sign-in.wait", many.Minutes))
		case errs.Is(err, errs.Invalid):
			f.Wrong("", r.T("users.sign-in.wrong"))
		case err != nil:
			return err
		}
		if !f.OK() {
			return r.RenderStatus(w, status, "users/sign-in.html", signInPage{Form: f, Next: next})
		}
		if err := endSession(db, r); err != nil {
			return err
		}
		r.SignIn(w, token, SessionFor)
		return r.Redirect(w, next)
	}
}

// endSession ends the session that the browser came with, if any: a token is
// never carried over from one person to the next.
func endSession(db *store.DB, r *web.Request) error {
	if r.Token() == "" {
		return nil
	}
	return db.Tx(r.Context(), func(tx *store.Tx) error { return SignOut(r.Context(), tx, r.Token()) })
}

func signOut(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		if err := endSession(db, r); err != nil {
			return err
		}
		r.SignOut(w)
		r.Flash(w, "good", r.T("users.signed-out"))
		return r.Redirect(w, "/sign-in")
	}
}

type linkPage struct {
	User  User
	Token string
	Form  *web.Form
}

func showLink(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		token := r.PathValue("token")
		user, err := LinkOf(r.Context(), db, token, r.Now)
		if err != nil {
			return err
		}
		return r.Render(w, "users/password.html", linkPage{User: user, Token: token, Form: r.NewForm()})
	}
}

func useLink(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		token := r.PathValue("token")
		user, err := LinkOf(r.Context(), db, token, r.Now)
		if err != nil {
			return err
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		p, err := NewPassword(f.Values.Get("password"), user.Name, user.Email)
		if err := f.Take(err); err != nil {
			return err
		}
		if !f.OK() {
			return r.RenderStatus(w, http.StatusUnprocessableEntity, "users/password.html", linkPage{User: user, Token: token, Form: f})
		}
		var session string
		err = db.Tx(r.Context(), func(tx *store.Tx) error {
			of, err := UseLink(r.Context(), tx, token, p)
			if err == nil {
				session, err = Start(r.Context(), tx, of, Device(r.UserAgent()))
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := endSession(db, r); err != nil {
			return err
		}
		r.SignIn(w, session, SessionFor)
		r.Flash(w, "good", r.T("users.link.done"))
		return r.Redirect(w, "/")
	}
}

// Device names a browser and its system in words that need no translation.
func Device(agent string) string {
	first := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	// The order matters: Edge says it is Chrome, and Chrome that it is Safari.
	browser := first("Firefox/", "Firefox", "Edg/", "Edge", "OPR/", "Opera", "Chrome/", "Chrome", "CriOS/", "Chrome", "Safari/", "Safari")
	system := first("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	return strings.Join(slices.DeleteFunc([]string{browser, system}, func(s string) bool { return s == "" }), " · ")
}

// address makes the complete address of a path of ours, as the one who posted
// a form reached us.
func address(r *web.Request, path string) string {
	if origin, err := url.Parse(r.Header.Get("Origin")); err == nil && origin.Host == r.Host {
		return origin.Scheme + "://" + origin.Host + r.Href(path)
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.Href(path)
}

// roleOptions are the roles with what each may do.
func roleOptions(r *web.Request) []kit.Option {
	var all []kit.Option
	for role := web.Viewer; role <= web.Owner; role++ {
		all = append(all, kit.Option{Value: role.String(), Text: r.T("users.role." + role.String())})
	}
	return all
}

// moment is a time as a table cell shows it; the zero time is a dash.
func moment(r *web.Request, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return r.Print.Time(t)
}

func pathUser(r *web.Request) (id.User, error) { return web.PathID(r, "user", id.ParseUser) }
