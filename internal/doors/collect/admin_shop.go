package collect

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// shopPart is what the page of a source says of a shop: what to paste where.
type shopPart struct {
	Source   Source
	Address  string // that the shop sends to
	Steps    []string
	Topics   []string
	Form     *web.Form
	Secret   string // how the secret stands
	Tone     kit.Tone
	Refused  string // how many were; empty: none
	Ignored  []kit.Term
	Requests bool // people's requests about their data come by it
	Typed    bool // the shop signs the address too
}

func (d door) shopPart(r *web.Request, s Source, f *web.Form) (*shopPart, error) {
	k, ok := shopKindOf(s.Kind)
	if !ok {
		return nil, nil
	}
	p := &shopPart{Source: s, Address: address(r) + "/shops/" + k.name + "/" + s.Token, Topics: k.topics, Form: f,
		Requests: k.name == Shopify, Typed: k.name == Square}
	for _, n := range []string{"1", "2", "3"} {
		p.Steps = append(p.Steps, r.T("collect.shop.step."+k.name+"."+n))
	}
	if f == nil {
		p.Form = r.NewForm()
		p.Form.Set("address", s.Settings["address"])
	}
	secrets, err := openSecrets(d.db, s)
	valid := secrets.valid(r.Now)
	switch {
	case err != nil:
		p.Secret, p.Tone = r.T("collect.shop.secret.lost"), kit.Bad
	case len(valid) == 0:
		p.Secret, p.Tone = r.T("collect.shop.secret.none"), kit.Warn
	case len(valid) == 2:
		p.Secret, p.Tone = r.T("collect.shop.secret.two", "Until", r.Print.Time(micros(secrets.Until))), kit.Good
	default:
		p.Secret, p.Tone = r.T("collect.shop.secret.there"), kit.Good
	}
	counts, err := Counts(r.Context(), d.db, s.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		if topic, ok := strings.CutPrefix(c.What, countIgnored); ok {
			p.Ignored = append(p.Ignored, kit.Term{Name: topic, Value: r.Print.Int(c.N)})
		} else if c.What == countRefused {
			p.Refused = r.Print.N("collect.shop.refused", int(c.N), "When", r.Print.Time(c.LastAt))
		}
	}
	return p, nil
}

// setSecret takes a new secret; the one before is good for another day.
func (d door) setSecret(w http.ResponseWriter, r *web.Request) error {
	s, k, err := d.named(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	secret, typed := strings.TrimSpace(f.Text("secret", 500)), strings.TrimSpace(f.Text("address", 500))
	if !k.Signed || secret == "" && s.Secret == nil {
		f.Wrong("secret", r.T("collect.shop.secret.needed"))
	}
	if typed != "" && !strings.HasPrefix(typed, "https://") && !strings.HasPrefix(typed, "http://") {
		f.Wrong("address", r.T("collect.shop.address.wrong"))
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error { return KeepSecret(r.Context(), tx, d.db, r.Staff.ID, s, secret, typed) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		own := r.NewForm()
		own.Set("name", s.Name).Set("space", s.Space)
		return d.showSource(w, r, http.StatusUnprocessableEntity, sourcePage{Source: s, Kind: k, Form: own, ShopForm: f})
	}
	r.Flash(w, "good", r.T("collect.shop.secret.kept"))
	return r.Redirect(w, "/settings/sources/"+s.ID.String())
}

// KeepSecret keeps what a shop signs with (empty: as it was) and the address as
// it was typed into the shop (empty: as its deliveries call it). The secret
// that was there before is good for another day, so that nothing is refused
// while it is being changed on both sides.
func KeepSecret(ctx context.Context, tx *store.Tx, db *store.DB, by id.User, s Source, secret, address string) error {
	var sealed []byte
	if secret != "" {
		had, err := openSecrets(db, s)
		if err != nil {
			had = shopSecrets{} // sealed with a key that was given up
		}
		if sealed, err = had.replace(secret, tx.Now).seal(db); err != nil {
			return err
		}
	}
	settings := map[string]string{}
	for k, v := range s.Settings {
		settings[k] = v
	}
	delete(settings, "address")
	if address != "" {
		settings["address"] = address
	}
	if err := Change(ctx, tx, by, s.ID, NewSource{Kind: s.Kind, Name: s.Name, Space: s.Space, Secret: sealed, Settings: settings}); err != nil {
		return err
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "source.secret", Subject: s.ID.String()})
}

// requestsPage lists what people asked for about their data.
type requestsPage struct {
	Open, Done []requestLine
}

type requestLine struct {
	ID       string
	What     string
	Who      string
	Href     string // of the customer; empty: nobody
	Copy     string // of the file that they asked for
	Erase    string
	Source   string
	Asked    string
	Due      string
	Late     bool
	Answered string
	Why      string
}

func (d door) requests(w http.ResponseWriter, r *web.Request) error {
	all, err := Requests(r.Context(), d.db, 500)
	if err != nil {
		return err
	}
	sources, err := Sources(r.Context(), d.db)
	if err != nil {
		return err
	}
	var who []id.Customer
	for i := range all {
		if c := all[i].Customer; c != 0 {
			if all[i].Customer, err = customers.Resolve(r.Context(), d.db, c); err != nil {
				return err
			}
			who = append(who, all[i].Customer)
		}
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, who...)
	if err != nil {
		return err
	}
	var p requestsPage
	for _, v := range all {
		line := d.requestLine(r, v, names[v.Customer], sources)
		if v.DoneAt.IsZero() {
			p.Open = append(p.Open, line)
		} else {
			p.Done = append(p.Done, line)
		}
	}
	return r.Render(w, "collect/requests.html", p)
}

func (d door) requestLine(r *web.Request, v Request, name string, sources []Source) requestLine {
	word := map[string]string{askedCopy: "copy", askedErasure: "erasure", askedShopErasure: "shop"}[v.Topic]
	line := requestLine{ID: id.Show("request", v.ID), What: r.T("collect.request." + word), Who: name, Asked: r.Print.Time(v.AskedAt), Due: r.Print.Time(v.DueAt),
		Late: r.Now.After(v.DueAt)}
	if i := slices.IndexFunc(sources, func(s Source) bool { return s.ID == v.Source }); i >= 0 {
		line.Source = sources[i].Name
	}
	if !v.DoneAt.IsZero() {
		line.Answered = r.T("collect.request.outcome."+v.Outcome) + " · " + r.Print.Time(v.DoneAt)
	}
	if v.Customer != 0 {
		at := "/customers/" + v.Customer.String()
		line.Href = r.Href(at)
		switch v.Topic {
		case askedCopy:
			line.Copy = r.Href(at + "/export")
		case askedErasure:
			line.Erase = r.Href(at + "/erasure")
		}
	}
	if v.DoneAt.IsZero() {
		line.Why = r.T("collect.request.why." + word)
	}
	return line
}

func (d door) settle(w http.ResponseWriter, r *web.Request) error {
	request, err := web.PathID(r, "request", func(s string) (int64, error) { return id.Parse("request", s) })
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return Settle(r.Context(), tx, r.Staff.ID, request) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("collect.request.settled"))
	return r.Redirect(w, "/settings/privacy")
}

// Counted is how often something was refused or ignored.
type Counted struct {
	What   string
	N      int64
	LastAt time.Time
}
