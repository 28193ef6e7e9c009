package users

import (
	"net/http"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

type forgottenPage struct {
	Form *web.Form
	Mail bool
	Sent bool
}

func (d Desk) showForgotten(w http.ResponseWriter, r *web.Request) error {
	return d.renderForgotten(w, r, http.StatusOK, forgottenPage{Form: r.NewForm()})
}

func (d Desk) renderForgotten(w http.ResponseWriter, r *web.Request, status int, p forgottenPage) error {
	s, err := mail.Current(r.Context(), d.DB, d.Mail)
	if err != nil {
		return err
	}
	p.Mail = s.Ready() && s.URL != ""
	return r.RenderStatus(w, status, "users/forgotten.html", p)
}

// Letters with a new link that an account is sent within the window.
const triesReset = 3

// forgotten posts a link to choose a new password. The answer is the same
// whoever works here. The link's address is the one that was configured, never
// what a stranger's browser says we are called.
func (d Desk) forgotten(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	email := f.Email("email")
	if email == "" && f.OK() {
		f.Wrong("email", r.T("web.form.required"))
	}
	s, err := mail.Current(r.Context(), d.DB, d.Mail)
	if err != nil {
		return err
	}
	if f.OK() && s.Ready() && s.URL != "" {
		err = d.DB.Tx(r.Context(), func(tx *store.Tx) error { return countAddress(r.Context(), tx, r.Address()) })
		if err == nil {
			err = d.DB.Tx(r.Context(), func(tx *store.Tx) error { return d.postReset(tx, r, email, s.URL) })
		}
	}
	status, err := d.refused(r, f, err, "")
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderForgotten(w, r, status, forgottenPage{Form: f})
	}
	return d.renderForgotten(w, r, http.StatusOK, forgottenPage{Form: f, Sent: true})
}

func (d Desk) postReset(tx *store.Tx, r *web.Request, email, base string) error {
	ctx := r.Context()
	err := count(ctx, tx, fingerprint("reset:"+text.Fold(email)), triesReset)
	if errs.Is(err, errs.TooLarge) {
		return nil // they have letters enough; nobody is told who works here
	}
	if err != nil {
		return err
	}
	u, err := ByEmail(ctx, tx, email)
	if errs.Is(err, errs.NotFound) || err == nil && !u.DisabledAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	token, err := ResetLink(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	return d.post(ctx, tx, u, letter{kind: letterReset, shop: r.Shop.Name, link: base + "/password/" + token})
}
