package users

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/boombuler/barcode/qr"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

type securityPage struct {
	Form    *web.Form
	Factors Factors
	New     Ceremony // of a passkey; empty: none can be had at this address
	Must    bool     // they may go on only with a second factor
	Rename  int64    // the passkey whose new name was refused
}

// PasskeyID is the passkey as in addresses.
func (p Passkey) PasskeyID() string { return id.Show("pky", p.ID) }

func (d Desk) showSecurity(w http.ResponseWriter, r *web.Request) error {
	return d.renderSecurity(w, r, http.StatusOK, r.NewForm())
}

func (d Desk) renderSecurity(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	p := securityPage{Form: f, Must: r.Staff.Confined != ""}
	var err error
	if p.Factors, err = FactorsOf(r.Context(), d.DB, r.Staff.ID); err != nil {
		return err
	}
	p.New, _ = AskNewPasskey(r.Context(), d.DB, d.house(r), r.Staff.ID) // none where the address is no name
	return r.RenderStatus(w, status, "users/security.html", p)
}

type totpPage struct {
	Form    *web.Form
	Secret  string // in groups of four, to be typed
	Ticket  string
	Picture template.HTML
}

const newTOTPPurpose = "new totp"

func (d Desk) showTOTP(w http.ResponseWriter, r *web.Request) error {
	ticket, err := seal(d.DB, newTOTPPurpose, r.Now.Add(ceremonyFor), newSecret())
	if err != nil {
		return err
	}
	return d.renderTOTP(w, r, http.StatusOK, r.NewForm(), ticket)
}

func (d Desk) renderTOTP(w http.ResponseWriter, r *web.Request, status int, f *web.Form, ticket string) error {
	secret, err := unseal[string](d.DB, newTOTPPurpose, ticket)
	if err != nil {
		return r.Redirect(w, securityPath+"/app")
	}
	u, err := ByID(r.Context(), d.DB, r.Staff.ID)
	if err != nil {
		return err
	}
	address, err := otpAddress(secret, r.Shop.Name, u.Email)
	if err != nil {
		return err
	}
	picture, err := qrCode(address)
	if err != nil {
		return err
	}
	p := totpPage{Form: f, Ticket: ticket, Picture: picture}
	for i := 0; i < len(secret); i += 4 {
		p.Secret += secret[i:min(i+4, len(secret))] + " "
	}
	return r.RenderStatus(w, status, "users/totp.html", p)
}

// qrCode draws a text as a picture within the page.
func qrCode(s string) (template.HTML, error) {
	code, err := qr.Encode(s, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw a code: %w", err)
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	for y := range n {
		for x := range n {
			if red, _, _, _ := code.At(x, y).RGBA(); red == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return template.HTML(fmt.Sprintf(`<svg class="qr" viewBox="-4 -4 %d %d" aria-hidden="true" focusable="false"><rect x="-4" y="-4" width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/></svg>`,
		n+8, n+8, n+8, n+8, b.String())), nil
}

// codesPage shows fresh recovery codes, once.
type codesPage struct {
	Codes []string
	Text  string // the same, to be copied
}

func (d Desk) setTOTP(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	ticket := f.Values.Get("ticket")
	secret, err := unseal[string](d.DB, newTOTPPurpose, ticket)
	if err != nil {
		return err
	}
	code := f.Need("code", 20)
	var codes []string
	if f.OK() {
		err = f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error {
			if err := useOnce(r.Context(), tx, ticket); err != nil {
				return err
			}
			if err := SetTOTP(r.Context(), tx, r.Staff.ID, secret, code); err != nil {
				return err
			}
			codes, err = d.firstCodes(tx, r)
			return err
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderTOTP(w, r, http.StatusUnprocessableEntity, f, ticket)
	}
	return d.showCodes(w, r, codes)
}

// firstCodes makes recovery codes for who has none.
func (d Desk) firstCodes(tx *store.Tx, r *web.Request) ([]string, error) {
	has, err := FactorsOf(r.Context(), tx, r.Staff.ID)
	if err != nil || has.Codes > 0 {
		return nil, err
	}
	return NewCodes(r.Context(), tx, r.Staff.ID)
}

// showCodes is the answer to a post: the codes are shown only now.
func (d Desk) showCodes(w http.ResponseWriter, r *web.Request, codes []string) error {
	if len(codes) == 0 {
		r.Flash(w, "good", r.T("users.security.saved"))
		return r.Redirect(w, securityPath)
	}
	return r.Render(w, "users/codes.html", codesPage{Codes: codes, Text: strings.Join(codes, "\n")})
}

func (d Desk) removeTOTP(w http.ResponseWriter, r *web.Request) error {
	if err := d.DB.Tx(r.Context(), func(tx *store.Tx) error { return RemoveTOTP(r.Context(), tx, r.Staff.ID, r.Staff.ID) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("users.security.removed"))
	return r.Redirect(w, securityPath)
}

func (d Desk) newCodes(w http.ResponseWriter, r *web.Request) error {
	var codes []string
	err := d.DB.Tx(r.Context(), func(tx *store.Tx) (err error) {
		codes, err = NewCodes(r.Context(), tx, r.Staff.ID)
		return err
	})
	if err != nil {
		return err
	}
	return d.showCodes(w, r, codes)
}

func (d Desk) addPasskey(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	name := f.Text("name", maxName)
	if name == "" {
		name = Device(r.UserAgent())
	}
	var codes []string
	if f.OK() {
		err = AddPasskey(r.Context(), d.DB, d.house(r), r.Staff.ID, Ceremony{Ticket: f.Values.Get("ticket")}, f.Values.Get("response"), name)
		if err == nil {
			err = d.DB.Tx(r.Context(), func(tx *store.Tx) (err error) { codes, err = d.firstCodes(tx, r); return err })
		}
		err = f.Take(err)
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderSecurity(w, r, http.StatusUnprocessableEntity, f)
	}
	return d.showCodes(w, r, codes)
}

func pathPasskey(r *web.Request) (int64, error) {
	return web.PathID(r, "passkey", func(s string) (int64, error) { return id.Parse("pky", s) })
}

func (d Desk) renamePasskey(w http.ResponseWriter, r *web.Request) error {
	passkey, err := pathPasskey(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	name := f.Need("name", maxName)
	if f.OK() {
		err = f.Take(d.DB.Tx(r.Context(), func(tx *store.Tx) error { return RenamePasskey(r.Context(), tx, r.Staff.ID, passkey, name) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderSecurity(w, r, http.StatusUnprocessableEntity, f)
	}
	r.Flash(w, "good", r.T("users.security.saved"))
	return r.Redirect(w, securityPath)
}

func (d Desk) removePasskey(w http.ResponseWriter, r *web.Request) error {
	passkey, err := pathPasskey(r)
	if err != nil {
		return err
	}
	if err := d.DB.Tx(r.Context(), func(tx *store.Tx) error { return RemovePasskey(r.Context(), tx, r.Staff.ID, passkey) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("users.security.removed"))
	return r.Redirect(w, securityPath)
}
