package users

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

type signInPage struct {
	Form    *web.Form
	Next    string
	Empty   bool     // nobody works here yet
	Passkey Ceremony // empty: none can be had at this address
	Other   string   // what the button of the other system says; empty: none
	Mail    bool     // a forgotten password can be mended by mail
}

func (d Desk) showSignIn(w http.ResponseWriter, r *web.Request) error {
	next := web.Local(r.FormValue("next"))
	if r.Staff.ID != 0 {
		return r.Redirect(w, next)
	}
	return d.renderSignIn(w, r, http.StatusOK, r.NewForm(), next)
}

func (d Desk) renderSignIn(w http.ResponseWriter, r *web.Request, status int, f *web.Form, next string) error {
	n, err := Count(r.Context(), d.DB)
	if err != nil {
		return err
	}
	access, err := LoadAccess(r.Context(), d.DB)
	if err != nil {
		return err
	}
	out, err := mail.Current(r.Context(), d.DB, d.Mail)
	if err != nil {
		return err
	}
	p := signInPage{Form: f, Next: next, Empty: n == 0, Mail: out.Ready()}
	if access.OIDC.Issuer != "" {
		p.Other = access.OIDC.Name
		if p.Other == "" {
			p.Other = access.OIDC.Issuer
		}
	}
	if n > 0 {
		p.Passkey, _ = AskPasskey(d.DB, d.house(r)) // none where the address is no name
	}
	return r.RenderStatus(w, status, "users/sign-in.html", p)
}

// try is what is known of who tries to come in.
func (d Desk) try(r *web.Request) Try {
	return Try{Address: r.Address(), Device: Device(r.UserAgent()), Known: r.Kept(knownCookie), Started: d.started(r)}
}

func (d Desk) signIn(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	next := web.Local(f.Values.Get("next"))
	try := d.try(r)
	try.Email, try.Password = f.Need("email", maxEmail), f.Values.Get("password")
	if try.Password == "" {
		f.Wrong("password", r.T("web.form.required"))
	}
	token := ""
	if f.OK() {
		token, err = SignIn(r.Context(), d.DB, try)
	}
	if half, ok := ErrHalf(err); ok {
		return d.half(w, r, *half, next)
	}
	status, err := d.refused(r, f, err, "users.sign-in.wrong")
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderSignIn(w, r, status, f, next)
	}
	return d.enter(w, r, token, next)
}

// refused puts why somebody was not let in into the form.
func (d Desk) refused(r *web.Request, f *web.Form, err error, wrong string) (status int, _ error) {
	var many *TooMany
	switch {
	case errors.As(err, &many):
		f.Wrong("", r.Print.N("users.sign-in.wait", many.Minutes))
		return http.StatusTooManyRequests, nil
	case wrong != "" && errs.Is(err, errs.Invalid):
		f.Wrong("", r.T(wrong))
	default:
		err = f.Take(err)
		return http.StatusUnprocessableEntity, err
	}
	return http.StatusUnprocessableEntity, nil
}

// knownCookie names what a browser keeps of those who signed in with it.
const knownCookie = "known"

// Enter gives the browser the session of a token, and has it keep who signed
// in with it.
func Enter(db *store.DB, w http.ResponseWriter, r *web.Request, token string) error {
	staff, err := Authenticate(r.Context(), db, token)
	if err != nil {
		return err
	}
	if err := keepKnown(db, w, r, staff.ID); err != nil {
		return err
	}
	r.SignIn(w, token, SessionFor)
	return nil
}

// keepKnown has the browser keep who signed in with it.
func keepKnown(db *store.DB, w http.ResponseWriter, r *web.Request, user id.User) error {
	kept, err := Remember(r.Context(), db, r.Kept(knownCookie), user)
	if err != nil {
		return err
	}
	r.Keep(w, knownCookie, kept, KnownFor)
	return nil
}

// enter lets the browser in and leads on.
func (d Desk) enter(w http.ResponseWriter, r *web.Request, token, next string) error {
	if err := endSession(d.DB, r); err != nil {
		return err
	}
	if err := Enter(d.DB, w, r, token); err != nil {
		return err
	}
	return r.Redirect(w, next)
}

// started tells a member of staff by mail when they sign in with a device that
// they never used.
func (d Desk) started(r *web.Request) Started {
	return func(ctx context.Context, tx *store.Tx, user id.User, device string) error {
		fresh, err := newDevice(ctx, tx, user, device)
		if err != nil || !fresh {
			return err
		}
		out, err := mail.Current(ctx, d.DB, d.Mail)
		if err != nil || !out.Ready() {
			return err
		}
		link := ""
		if out.URL != "" { // what a stranger's browser says we are called is no address to send
			link = out.URL + "/account"
		}
		u, err := ByID(ctx, tx, user)
		if err != nil {
			return err
		}
		p := d.Letters.For(u.Language).In(zoneOf(r, u))
		if device == "" {
			device = p.T("letter.device.unknown")
		}
		return d.post(ctx, tx, u, letter{kind: letterSignedIn, shop: r.Shop.Name, link: link, args: []any{"Device", device, "At", p.Time(tx.Now)}})
	}
}

func zoneOf(r *web.Request, u User) *time.Location {
	if z, err := time.LoadLocation(u.Zone); err == nil && u.Zone != "" {
		return z
	}
	if r.Shop.Zone != nil {
		return r.Shop.Zone
	}
	return time.UTC
}

// half asks who is half in for the second factor. The ticket stands in the
// address: it opens nothing without the factor, and soon ends.
func (d Desk) half(w http.ResponseWriter, r *web.Request, h Half, next string) error {
	ticket, err := seal(d.DB, halfPurpose, r.Now.Add(HalfFor), h)
	if err != nil {
		return err
	}
	path := "/sign-in/second/" + ticket
	if next != "/" {
		r.Keep(w, "next", next, HalfFor)
	}
	return r.Redirect(w, path)
}

type secondPage struct {
	Form    *web.Form
	Ticket  string
	Factors Factors
	Passkey Ceremony
}

func (d Desk) showSecond(w http.ResponseWriter, r *web.Request) error {
	return d.renderSecond(w, r, http.StatusOK, r.NewForm())
}

func (d Desk) renderSecond(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	ticket := r.PathValue("ticket")
	h, err := unseal[Half](d.DB, halfPurpose, ticket)
	if errs.Is(err, errs.Invalid) {
		r.Flash(w, "warn", r.T("users.wrong.ticket"))
		return r.Redirect(w, "/sign-in")
	}
	if err != nil {
		return err
	}
	p := secondPage{Form: f, Ticket: ticket}
	if p.Factors, err = FactorsOf(r.Context(), d.DB, h.User); err != nil {
		return err
	}
	if len(p.Factors.Passkeys) > 0 {
		p.Passkey, _ = AskPasskey(d.DB, d.house(r))
	}
	return r.RenderStatus(w, status, "users/second.html", p)
}

// second takes the second factor: a code, or a passkey, which is enough by
// itself.
func (d Desk) second(w http.ResponseWriter, r *web.Request) error {
	h, err := unseal[Half](d.DB, halfPurpose, r.PathValue("ticket"))
	if err != nil {
		return d.renderSecond(w, r, http.StatusOK, r.NewForm())
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	token, err := Finish(r.Context(), d.DB, h, f.Need("code", 60), d.try(r))
	status, err := d.refused(r, f, err, "")
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderSecond(w, r, status, f)
	}
	return d.enter(w, r, token, d.next(w, r))
}

// next is where somebody wanted to go before they were half in.
func (d Desk) next(w http.ResponseWriter, r *web.Request) string {
	next := web.Local(r.Kept("next"))
	if next != "/" {
		r.Keep(w, "next", "", -1)
	}
	return next
}

func (d Desk) signInByPasskey(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	next := web.Local(f.Values.Get("next"))
	if next == "/" {
		next = d.next(w, r)
	}
	token, err := SignInByPasskey(r.Context(), d.DB, d.house(r), Ceremony{Ticket: f.Values.Get("ticket")}, f.Values.Get("response"), d.try(r))
	status, err := d.refused(r, f, err, "")
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderSignIn(w, r, status, f, next)
	}
	return d.enter(w, r, token, next)
}

// otherCookie names the cookie of who is away at the other system.
const otherCookie = "other"

func (d Desk) otherBack(r *web.Request) string { return d.public(r) + "/sign-in/other/back" }

// calling is the context with the client that calls the other system.
func (d Desk) calling(r *web.Request) context.Context {
	return oidc.ClientContext(r.Context(), d.Client)
}

func (d Desk) toOther(w http.ResponseWriter, r *web.Request) error {
	access, err := LoadAccess(r.Context(), d.DB)
	if err != nil {
		return err
	}
	if access.OIDC.Issuer == "" {
		return errs.Missing("users.wrong.oidc-none")
	}
	// Each of these asks the other system, so nobody may ask without end.
	if err := d.DB.Tx(r.Context(), func(tx *store.Tx) error {
		return count(r.Context(), tx, "other:"+r.Address(), tryOther)
	}); err != nil {
		return err
	}
	to, kept, err := BeginOther(d.calling(r), d.DB, access.OIDC, d.otherBack(r), web.Local(r.FormValue("next")))
	if err != nil {
		return err
	}
	r.Keep(w, otherCookie, kept, otherFor)
	http.Redirect(w, r.Request, to, http.StatusSeeOther) // the one address that is not ours
	return nil
}

func (d Desk) fromOther(w http.ResponseWriter, r *web.Request) error {
	access, err := LoadAccess(r.Context(), d.DB)
	if err != nil {
		return err
	}
	if access.OIDC.Issuer == "" {
		return errs.Missing("users.wrong.oidc-none")
	}
	kept := r.Kept(otherCookie)
	r.Keep(w, otherCookie, "", -1)
	token, next, err := FinishOther(d.calling(r), d.DB, access.OIDC, d.otherBack(r), kept, r.URL.Query(), d.try(r))
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Forbidden) {
		f := r.NewForm()
		f.Wrong("", r.Print.Sentence(err))
		return d.renderSignIn(w, r, http.StatusUnprocessableEntity, f, "/")
	}
	if err != nil {
		return err
	}
	return d.enter(w, r, token, next)
}
