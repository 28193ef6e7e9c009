package users

import (
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/mail"
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
	{Section: "users.section.house", Key: "users.place.access", Href: "/settings/sign-in", Icon: "key", Order: 921, Role: web.Owner, Under: "/settings"},
	{Section: "users.section.house", Key: "users.place.mail", Href: "/settings/mail", Icon: "mail", Order: 914, Role: web.Owner, Under: "/settings"},
	{Section: "users.section.house", Key: "users.place.audit", Href: "/audit", Icon: "history", Order: 945, Role: web.Owner, Under: "/status"},
}

// Desk is what this module's pages are made with.
type Desk struct {
	DB      *store.DB
	Letters *locale.Catalog // as LetterTexts loads them
	Mail    mail.Settings   // told at the program's start; without a host those of the settings page hold
	Client  *http.Client    // calls the other system by which staff sign in
}

// Admin is the list of this module's pages.
func Admin(d Desk) []web.Route {
	db := d.DB
	return []web.Route{
		{Pattern: "GET /sign-in", Role: web.Public, Handler: d.showSignIn},
		{Pattern: "POST /sign-in", Role: web.Public, Handler: d.signIn},
		{Pattern: "GET /sign-in/second/{ticket}", Role: web.Public, Handler: d.showSecond},
		{Pattern: "POST /sign-in/second/{ticket}", Role: web.Public, Handler: d.second},
		{Pattern: "POST /sign-in/passkey", Role: web.Public, Handler: d.signInByPasskey},
		{Pattern: "GET /sign-in/other", Role: web.Public, Handler: d.toOther},
		{Pattern: "GET /sign-in/other/back", Role: web.Public, Handler: d.fromOther},
		{Pattern: "GET /sign-in/forgotten", Role: web.Public, Handler: d.showForgotten},
		{Pattern: "POST /sign-in/forgotten", Role: web.Public, PerMinute: 30, Handler: d.forgotten},
		{Pattern: "POST /sign-out", Role: web.Public, Handler: signOut(db)},
		{Pattern: "GET /password/{token}", Role: web.Public, PerMinute: 60, Handler: showLink(db)},
		{Pattern: "POST /password/{token}", Role: web.Public, PerMinute: 30, Handler: d.useLink},

		{Pattern: "GET /account", Role: web.Viewer, Handler: showAccount(db)},
		{Pattern: "POST /account", Role: web.Viewer, Handler: saveAccount(db)},
		{Pattern: "POST /account/password", Role: web.Viewer, Handler: changePassword(db)},
		{Pattern: "POST /account/sessions/closure", Role: web.Viewer, Handler: closeOthers(db)},
		{Pattern: "POST /account/sessions/{session}/closure", Role: web.Viewer, Handler: closeSession(db)},

		{Pattern: "GET /account/security", Role: web.Viewer, Handler: d.showSecurity},
		{Pattern: "GET /account/security/app", Role: web.Viewer, Handler: d.showTOTP},
		{Pattern: "POST /account/security/app", Role: web.Viewer, Handler: d.Proven(d.setTOTP)},
		{Pattern: "POST /account/security/app/removal", Role: web.Viewer, Handler: d.Proven(d.removeTOTP)},
		{Pattern: "POST /account/security/codes", Role: web.Viewer, Handler: d.Proven(d.newCodes)},
		{Pattern: "POST /account/security/passkeys", Role: web.Viewer, Handler: d.Proven(d.addPasskey)},
		{Pattern: "POST /account/security/passkeys/{passkey}", Role: web.Viewer, Handler: d.renamePasskey},
		{Pattern: "POST /account/security/passkeys/{passkey}/removal", Role: web.Viewer, Handler: d.Proven(d.removePasskey)},

		{Pattern: "GET /staff", Role: web.Owner, Handler: showStaff(db)},
		{Pattern: "GET /staff/export", Role: web.Owner, Handler: exportStaff(db)},
		{Pattern: "POST /staff", Role: web.Owner, Handler: d.Proven(d.addStaff)},
		{Pattern: "GET /staff/{user}", Role: web.Owner, Handler: d.showMember},
		{Pattern: "POST /staff/{user}/role", Role: web.Owner, Handler: d.Proven(d.changeRole)},
		{Pattern: "POST /staff/{user}/link", Role: web.Owner, Handler: d.Proven(d.makeLink)},
		{Pattern: "POST /staff/{user}/factors/removal", Role: web.Owner, Handler: d.Proven(d.resetFactors)},
		{Pattern: "POST /staff/{user}/leave", Role: web.Owner, Handler: d.Proven(d.disable)},
		{Pattern: "POST /staff/{user}/return", Role: web.Owner, Handler: d.Proven(d.enable)},
		{Pattern: "GET /settings/sign-in", Role: web.Owner, Handler: d.showAccess},
		{Pattern: "POST /settings/sign-in", Role: web.Owner, Handler: d.Proven(d.saveAccess)},
		{Pattern: "GET /settings/mail", Role: web.Owner, Handler: d.showMail},
		{Pattern: "POST /settings/mail", Role: web.Owner, Handler: d.Proven(d.saveMail)},
		{Pattern: "POST /settings/mail/test", Role: web.Owner, Handler: d.tryMail},
		{Pattern: "GET /audit", Role: web.Owner, Handler: showAudit(db)},
		{Pattern: "GET /audit/export", Role: web.Owner, Handler: exportAudit(db)},
	}
}

// public is the complete address at which people reach the program: the one it
// was told, or that of the browser which asks.
func (d Desk) public(r *web.Request) string {
	if d.Mail.URL != "" {
		return d.Mail.URL
	}
	return address(r, "")
}

// house is whom passkeys are made for.
func (d Desk) house(r *web.Request) House { return House{Name: r.Shop.Name, Address: d.public(r)} }

// mailing says whether letters go out, and with which address of ours in them.
func (d Desk) mailing(r *web.Request) (base string, ready bool, err error) {
	s, err := mail.Current(r.Context(), d.DB, d.Mail)
	if s.URL == "" {
		s.URL = address(r, "")
	}
	return s.URL, s.Ready(), err
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

func (d Desk) useLink(w http.ResponseWriter, r *web.Request) error {
	token := r.PathValue("token")
	user, err := LinkOf(r.Context(), d.DB, token, r.Now)
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
	var half *Half
	device := Device(r.UserAgent())
	err = d.DB.Tx(r.Context(), func(tx *store.Tx) error {
		of, err := UseLink(r.Context(), tx, token, p)
		if err != nil {
			return err
		}
		// A link chooses a password; it does not stand for the second factor.
		if half, err = halfOf(r.Context(), tx, of, device); err != nil || half != nil {
			return err
		}
		session, err = Start(r.Context(), tx, of, device)
		return err
	})
	if err != nil {
		return err
	}
	r.Flash(w, "good", r.T("users.link.done"))
	if half != nil {
		return d.half(w, r, *half, "/")
	}
	return d.enter(w, r, session, "/")
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
