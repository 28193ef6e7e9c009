package users

import (
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// proofPage asks who is signed in to prove it, with all that they posted, so
// that it is done at once when they have.
type proofPage struct {
	Form        *web.Form
	Path        string
	Posted      []kit.Option
	HasPassword bool
	Passkey     Ceremony // empty: they have none, or none can be had here
	Email       string
}

// proofField begins the names of the fields with which a person proves
// themselves.
const proofField = "proof_"

// Proven lets a sensitive form through only when the person has given their
// password or a passkey within ProofFor; else it asks for one first.
func (d Desk) Proven(then web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		if r.Now.Sub(r.Staff.ProvedAt) <= ProofFor {
			return then(w, r)
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		proof := r.NewForm()
		switch {
		case f.Value(proofField+"response") != "":
			err = ProveByPasskey(r.Context(), d.DB, d.house(r), Ceremony{Ticket: f.Value(proofField + "ticket")}, f.Value(proofField+"response"), r.Staff.ID, r.Token())
		case f.Value(proofField+"password") != "":
			u, err2 := ByID(r.Context(), d.DB, r.Staff.ID)
			if err2 != nil {
				return err2
			}
			err = Prove(r.Context(), d.DB, Try{Email: u.Email, Password: f.Value(proofField + "password"), Address: r.Address()}, r.Token())
		default:
			return d.askProof(w, r, http.StatusOK, f, proof)
		}
		status, err := d.refused(r, proof, err, "users.proof.wrong")
		if err != nil {
			return err
		}
		if !proof.OK() {
			return d.askProof(w, r, status, f, proof)
		}
		return then(w, r)
	}
}

func (d Desk) askProof(w http.ResponseWriter, r *web.Request, status int, posted, proof *web.Form) error {
	u, err := ByID(r.Context(), d.DB, r.Staff.ID)
	if err != nil {
		return err
	}
	p := proofPage{Form: proof, Path: r.URL.RequestURI(), HasPassword: u.HasPassword, Email: u.Email}
	for name, values := range posted.Values {
		for _, v := range values {
			if !strings.HasPrefix(name, proofField) {
				p.Posted = append(p.Posted, kit.Option{Value: name, Text: v})
			}
		}
	}
	slices.SortStableFunc(p.Posted, func(a, b kit.Option) int { return strings.Compare(a.Value, b.Value) })
	keys, err := Passkeys(r.Context(), d.DB, r.Staff.ID)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		p.Passkey, _ = AskPasskey(d.DB, d.house(r))
	}
	return r.RenderStatus(w, status, "users/proof.html", p)
}
