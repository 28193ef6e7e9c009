package users

import (
	"net/http"
	"strconv"

	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// mailPage is how mail goes out.
type mailPage struct {
	Form     *web.Form
	Security []kit.Option
	Told     bool // at the program's start: shown, and not to be changed here
	Ready    bool
	Password bool // there is one
	Last     mail.Last
}

func (d Desk) showMail(w http.ResponseWriter, r *web.Request) error {
	s, err := mail.Current(r.Context(), d.DB, d.Mail)
	if err != nil {
		return err
	}
	if s.Security == "" {
		s.Security = mail.StartTLS
	}
	if s.URL == "" {
		s.URL = address(r, "")
	}
	if s.FromName == "" && s.Host == "" {
		s.FromName = r.Shop.Name
	}
	f := r.NewForm().Set("host", s.Host).Set("security", s.Security).Set("login", s.User).Set("from", s.From).Set("from_name", s.FromName).Set("url", s.URL)
	if s.Port != 0 {
		f.Set("port", strconv.Itoa(s.Port))
	}
	return d.renderMail(w, r, http.StatusOK, f, s)
}

func (d Desk) renderMail(w http.ResponseWriter, r *web.Request, status int, f *web.Form, s mail.Settings) error {
	p := mailPage{Form: f, Told: d.Mail.Host != "", Ready: s.Ready(), Password: s.Password != ""}
	for _, way := range mail.Securities {
		p.Security = append(p.Security, kit.Option{Value: way, Text: r.T("users.mail.security." + way)})
	}
	var err error
	if p.Last, err = mail.LastTry(r.Context(), d.DB); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "users/mail.html", p)
}

func (d Desk) saveMail(w http.ResponseWriter, r *web.Request) error {
	before, err := mail.Load(r.Context(), d.DB)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	s := mail.Settings{Host: f.Text("host", 253), Port: f.Int("port", 0, 65535), Security: f.Choice("security", mail.Securities...),
		User: f.Text("login", 254), Password: before.Password, From: f.Email("from"), FromName: f.Text("from_name", maxName), URL: f.Text("url", 300)}
	if p := f.Values.Get("mail_password"); p != "" {
		s.Password = p
	}
	if s.User == "" {
		s.Password = ""
	}
	if f.OK() {
		err = f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error { return keepMail(tx, r, before, s) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderMail(w, r, http.StatusUnprocessableEntity, f, before)
	}
	r.Flash(w, "good", r.T("users.account.saved"))
	return r.Redirect(w, "/settings/mail")
}

func keepMail(tx *store.Tx, r *web.Request, before, s mail.Settings) error {
	if err := mail.Save(r.Context(), tx, s); err != nil {
		return err
	}
	c := Change{By: r.Staff.ID, Action: "mail.changed", Values: Changed("host", before.Host, s.Host, "port", strconv.Itoa(before.Port), strconv.Itoa(s.Port),
		"security", before.Security, s.Security, "login", before.User, s.User, "from", before.From, s.From,
		"from_name", before.FromName, s.FromName, "url", before.URL, s.URL)}
	if before.Password != s.Password {
		c.Fields = []string{"password"}
	}
	return Audit(r.Context(), tx, c)
}

// tryMail sends whoever asks a letter.
func (d Desk) tryMail(w http.ResponseWriter, r *web.Request) error {
	base, ready, err := d.mailing(r)
	if err != nil {
		return err
	}
	if !ready {
		r.Flash(w, "warn", r.T("users.mail.none"))
		return r.Redirect(w, "/settings/mail")
	}
	u, err := ByID(r.Context(), d.DB, r.Staff.ID)
	if err != nil {
		return err
	}
	err = d.DB.Tx(r.Context(), func(tx *store.Tx) error {
		if err := d.post(r.Context(), tx, u, letter{kind: letterTest, shop: r.Shop.Name, args: []any{"At", base}}); err != nil {
			return err
		}
		return Audit(r.Context(), tx, Change{By: u.ID, Action: "mail.tried"})
	})
	if err != nil {
		return err
	}
	r.Flash(w, "good", r.T("users.mail.tried", "Email", u.Email))
	return r.Redirect(w, "/settings/mail")
}
