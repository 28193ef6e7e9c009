package customers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
	"regulars/internal/platform/workspace"
)

// change is what a form asks for, done to the customer who lives.
type change = func(ctx context.Context, tx *store.Tx, c id.Customer) error

// small reads one of the small forms; what is wrong with it is in the form.
type small func(r *web.Request, f *web.Form) (change, error)

// do handles a small form of the customer's page: back to the page when it
// succeeded, the page with what was typed when not.
func (d desk) do(said string, read small) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		asked, err := web.PathID(r, "customer", id.ParseCustomer)
		if err != nil {
			return err
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		if err := d.apply(r, asked, f, read); err != nil {
			return err
		}
		if f.OK() {
			r.Flash(w, "good", r.T("customers.done."+said))
			return r.Redirect(w, customerPath(asked, ""))
		}
		c, done, err := d.living(w, r)
		if done || err != nil {
			return err
		}
		return d.render(w, r, http.StatusUnprocessableEntity, c, f)
	}
}

func (d desk) apply(r *web.Request, c id.Customer, f *web.Form, read small) error {
	change, err := read(r, f)
	if err != nil || !f.OK() {
		return err
	}
	return f.Take(d.write(r, c, audited(r.Staff.ID, "customer.changed", change)))
}

// under gives an error in the field of a verb the name of the form's field.
func under(name string, err error) error {
	if errs.FieldOf(err) == "" {
		return err
	}
	return errs.In(name, err)
}

func addNote(r *web.Request, f *web.Form) (change, error) {
	body := f.Area("note", maxText)
	if body == "" {
		f.Wrong("note", r.T("web.form.required"))
	}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return under("note", Note(ctx, tx, c, by(r), body))
	}, nil
}

func removeNote(r *web.Request, _ *web.Form) (change, error) {
	note, err := strconv.ParseInt(r.PathValue("note"), 10, 64)
	if err != nil {
		return nil, errs.Missing("customers.wrong.no-note")
	}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return RemoveNote(ctx, tx, c, by(r), note)
	}, nil
}

func addCall(r *web.Request, f *web.Form) (change, error) {
	call := Call{Direction: f.Choice("direction", Directions...), Outcome: f.Choice("outcome", Outcomes...), Body: f.Area("said", maxText)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return under("said", LogCall(ctx, tx, c, by(r), call))
	}, nil
}

func addTag(r *web.Request, f *web.Form) (change, error) {
	tag := f.Need("tag", maxLabel)
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return Tag(ctx, tx, c, by(r), tag)
	}, nil
}

func removeTag(r *web.Request, f *web.Form) (change, error) {
	tag := f.Need("tag", maxLabel)
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Untag(ctx, tx, c, by(r), tag) }, nil
}

func addTaste(r *web.Request, f *web.Form) (change, error) {
	t := Taste{Kind: f.Choice("taste_kind", TasteKinds...), Label: f.Need("taste", maxLabel)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Like(ctx, tx, c, by(r), t) }, nil
}

func removeTaste(r *web.Request, f *web.Form) (change, error) {
	t := Taste{Kind: f.Choice("taste_kind", TasteKinds...), Label: f.Need("taste", maxLabel)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Unlike(ctx, tx, c, by(r), t) }, nil
}

func addDate(r *web.Request, f *web.Form) (change, error) {
	date := Date{Kind: f.Choice("date_kind", DateKinds...), Label: f.Text("date_label", maxLabel)}
	month := f.Choice("date_month", months()...)
	date.MonthDay = fmt.Sprintf("%s-%02d", month, f.Int("date_day", 1, 31))
	if f.Value("date_year") != "" {
		date.Year = f.Int("date_year", 1800, 2200)
	}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return under("date_day", SetDate(ctx, tx, c, by(r), date))
	}, nil
}

func months() []string {
	var all []string
	for m := 1; m <= 12; m++ {
		all = append(all, fmt.Sprintf("%02d", m))
	}
	return all
}

func removeDate(r *web.Request, f *web.Form) (change, error) {
	kind, label := f.Choice("date_kind", DateKinds...), f.Text("date_label", maxLabel)
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return DropDate(ctx, tx, c, by(r), kind, label)
	}, nil
}

func addConsent(r *web.Request, f *web.Form) (change, error) {
	d := Consent{Channel: f.Choice("channel", Channels...), Given: f.Choice("answer", "yes", "no") == "yes",
		Place: f.Need("place", maxName), Words: f.Area("words", maxText), Author: r.Staff.ID}
	if d.Given && d.Words == "" {
		f.Wrong("words", r.T("customers.consent.words-needed"))
	}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Decide(ctx, tx, c, by(r), d) }, nil
}

func revive(r *web.Request, f *web.Form) (change, error) {
	address := f.Need("address", maxIdentity)
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return Revive(ctx, tx, c, by(r), address)
	}, nil
}

// editPage is the form of a customer's own fields, with identities and
// addresses beside it.
type editPage struct {
	Customer  Customer // zero on the page of a new one
	Called    string
	Form      *web.Form
	Known     []Known
	Addresses []Address
	Kinds     []kit.Option
	Countries []kit.Option
	Languages []kit.Option
}

func (d desk) edit(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	f := r.NewForm().Set("name", c.Name).Set("given", c.Given).Set("family", c.Family).Set("language", c.Language).Set("country", c.Country).
		Set("seen", strconv.FormatInt(c.ChangedAt.UnixMicro(), 10))
	return d.renderEdit(w, r, http.StatusOK, c, f)
}

func (d desk) renderEdit(w http.ResponseWriter, r *web.Request, status int, c Customer, f *web.Form) error {
	p := editPage{Customer: c, Form: f, Countries: countryChoices(r, c.Country), Languages: languageChoices(r, c.Language)}
	for _, kind := range IdentityKinds {
		p.Kinds = append(p.Kinds, kit.Option{Value: kind, Text: r.T("customers.identity." + kind)})
	}
	var err error
	if p.Called, err = calling(r, d.db, c); err != nil {
		return err
	}
	if p.Known, err = Identities(r.Context(), d.db, c); err != nil {
		return err
	}
	if p.Addresses, err = Addresses(r.Context(), d.db, c.ID); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "customers/edit.html", p)
}

func (d desk) save(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	e := Edit{Name: f.Text("name", maxName), Given: f.Text("given", maxName), Family: f.Text("family", maxName),
		Language: f.Text("language", 35), Country: f.Text("country", 2)}
	if seen, err := strconv.ParseInt(f.Value("seen"), 10, 64); err == nil {
		e.Seen = moment(seen)
	}
	if f.OK() {
		err = f.Take(d.write(r, c.ID, audited(r.Staff.ID, "customer.changed", func(ctx context.Context, tx *store.Tx, c id.Customer) error {
			return Change(ctx, tx, c, by(r), e)
		})))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		f.Set("seen", strconv.FormatInt(c.ChangedAt.UnixMicro(), 10)) // having seen the message, the person may save again
		return d.renderEdit(w, r, http.StatusUnprocessableEntity, c, f)
	}
	r.Flash(w, "good", r.T("customers.done.saved"))
	return r.Redirect(w, customerPath(c.ID, ""))
}

// editing handles a small form of the edit page.
func (d desk) editing(read small) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		c, done, err := d.living(w, r)
		if done || err != nil {
			return err
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		if err := d.apply(r, c.ID, f, read); err != nil {
			return err
		}
		if f.OK() {
			r.Flash(w, "good", r.T("customers.done.saved"))
			return r.Redirect(w, customerPath(c.ID, "/edit"))
		}
		for name, v := range map[string]string{"name": c.Name, "given": c.Given, "family": c.Family, "language": c.Language, "country": c.Country} {
			f.Set(name, v)
		}
		return d.renderEdit(w, r, http.StatusUnprocessableEntity, c, f)
	}
}

func addIdentity(r *web.Request, f *web.Form) (change, error) {
	i := Identity{Kind: f.Choice("kind", IdentityKinds...), Value: f.Need("value", maxIdentity)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return under("value", Claim(ctx, tx, c, by(r), i))
	}, nil
}

func removeIdentity(r *web.Request, f *web.Form) (change, error) {
	i := Identity{Kind: f.Choice("kind", IdentityKinds...), Value: f.Need("value", maxIdentity)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Release(ctx, tx, c, by(r), i) }, nil
}

func preferIdentity(r *web.Request, f *web.Form) (change, error) {
	i := Identity{Kind: f.Choice("kind", Email, Phone), Value: f.Need("value", maxIdentity)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error { return Prefer(ctx, tx, c, by(r), i) }, nil
}

func addAddress(r *web.Request, f *web.Form) (change, error) {
	a := Address{Recipient: f.Text("recipient", maxName), Street: f.Area("street", 500), City: f.Text("city", maxName), Region: f.Text("region", maxName),
		Postcode: f.Text("postcode", 20), Country: f.Text("address_country", 2)}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return WriteAddress(ctx, tx, c, by(r), a)
	}, nil
}

func removeAddress(r *web.Request, f *web.Form) (change, error) {
	address, err := strconv.ParseInt(f.Value("address"), 10, 64)
	if err != nil {
		return nil, errs.Missing("customers.wrong.no-address")
	}
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		return DropAddress(ctx, tx, c, by(r), address)
	}, nil
}

// blank is the page of a new customer. What was searched for without success
// stands in the form.
func (d desk) blank(w http.ResponseWriter, r *web.Request) error {
	f := r.NewForm()
	switch q := strings.TrimSpace(r.URL.Query().Get("q")); {
	case strings.Contains(q, "@"):
		f.Set("email", q)
	case len(digits(q)) >= 5:
		f.Set("phone", q)
	default:
		f.Set("name", q)
	}
	return d.renderNew(w, r, http.StatusOK, f)
}

func (d desk) renderNew(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	return r.RenderStatus(w, status, "customers/new.html", editPage{Form: f,
		Countries: countryChoices(r, f.Value("country")), Languages: languageChoices(r, f.Value("language"))})
}

func (d desk) make(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	p := Profile{Name: f.Text("name", maxName), Language: f.Text("language", 35), Country: f.Text("country", 2), Source: "staff", Actor: r.Staff.ID,
		JoinedAt: r.Now, JoinedDay: r.Now.In(shopZone(r)).Format(time.DateOnly)}
	shop, err := workspace.Load(r.Context(), d.db)
	if err != nil {
		return err
	}
	if p.Country == "" {
		p.Region = shop.Country // a phone is written as in the business's own country
	}
	for _, kind := range []string{Email, Phone, Card} {
		if v := f.Text(kind, maxIdentity); v != "" {
			p.Identities = append(p.Identities, Identity{kind, v})
		}
	}
	if tag := f.Text("tag", maxLabel); tag != "" {
		p.Tags = []string{tag}
	}
	var c id.Customer
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) (err error) {
			if c, err = Create(r.Context(), tx, p); err != nil {
				return err
			}
			made, err := picture(r.Context(), tx, c)
			if err != nil {
				return err
			}
			return Audit(r.Context(), tx, c, users.Change{By: r.Staff.ID, Action: "customer.added", Values: differences(nil, made)})
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderNew(w, r, http.StatusUnprocessableEntity, f)
	}
	r.Flash(w, "good", r.T("customers.done.made"))
	return r.Redirect(w, customerPath(c, ""))
}

func shopZone(r *web.Request) *time.Location {
	if r.Shop.Zone == nil {
		return time.UTC
	}
	return r.Shop.Zone
}
