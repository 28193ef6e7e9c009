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

// forgotten asks for a link to choose a new password. The answer, and how long
// it takes, is the same whoever works here. The link's address is the one that
// was configured, never what a stranger's browser says we are called.
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
		err = d.DB.Tx(r.Context(), func(tx *store.Tx) error { return count(r.Context(), tx, "forgotten:"+r.Address(), tryForgotten) })
		if err == nil {
			err = d.DB.Tx(r.Context(), func(tx *store.Tx) error {
				if err := count(r.Context(), tx, "reset:"+text.Fold(email), tryReset); err != nil {
					return err
				}
				return askReset(r.Context(), tx, email, r.Shop.Name)
			})
			if errs.Is(err, errs.TooLarge) {
				err = nil // they have letters enough
			}
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
