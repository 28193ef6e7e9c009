package customers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// mergePage compares two customers side by side; without the second one it
// helps to find them.
type mergePage struct {
	One, Two   Customer
	Names      [2]string
	Query      string
	Found      []foundLine
	Lines      []compareLine
	Form       *web.Form
	TwoChosen  bool
	SearchDone bool
}

type foundLine struct {
	Customer
	Name string
	Also string
	Href string
}

// compareLine is one thing known of both.
type compareLine struct {
	Title string
	A, B  []string
	Same  bool
}

func (d desk) compare(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	return d.renderMerge(w, r, http.StatusOK, c, r.URL.Query().Get("with"), r.NewForm())
}

func (d desk) renderMerge(w http.ResponseWriter, r *web.Request, status int, c Customer, with string, f *web.Form) error {
	p := mergePage{One: c, Form: f, Query: r.URL.Query().Get("q")}
	var err error
	if p.Names[0], err = calling(r, d.db, c); err != nil {
		return err
	}
	if with != "" {
		two, err := id.ParseCustomer(with)
		if err != nil {
			return errs.Of(errs.NotFound, err, "web.error.address")
		}
		if p.Two, err = ByID(r.Context(), d.db, two); err != nil {
			return err
		}
		if p.Names[1], err = calling(r, d.db, p.Two); err != nil {
			return err
		}
		p.TwoChosen = true
		if p.Lines, err = d.compareLines(r, p.One, p.Two); err != nil {
			return err
		}
	} else if p.Found, err = d.findOther(r, c, p.Query); err != nil {
		return err
	}
	p.SearchDone = p.Query != ""
	return r.RenderStatus(w, status, "customers/merge.html", p)
}

// findOther lists who could be the same person: what was searched for, else
// those of the same name.
func (d desk) findOther(r *web.Request, c Customer, q string) ([]foundLine, error) {
	if q == "" {
		q = c.Name
	}
	all, err := Search(r.Context(), d.db, q, 20)
	if err != nil {
		return nil, err
	}
	var rows []Listed
	for _, o := range all {
		rows = append(rows, Listed{Customer: o})
	}
	names, err := naming(r.Context(), d.db, r.Print, customersOf(rows))
	if err != nil {
		return nil, err
	}
	var found []foundLine
	for _, o := range all {
		if o.ID != c.ID {
			found = append(found, foundLine{o, names[o.ID], strings.Join(nonEmpty(o.Email, o.Phone, countryName(r, o.Country)), " · "),
				kit.With(r.Href(customerPath(c.ID, "/merge")), url.Values{}, "with", o.ID.String())})
		}
	}
	return found, nil
}

func nonEmpty(values ...string) []string {
	var all []string
	for _, v := range values {
		if v != "" {
			all = append(all, v)
		}
	}
	return all
}

func (d desk) compareLines(r *web.Request, a, b Customer) ([]compareLine, error) {
	one, err := d.facets(r, a)
	if err != nil {
		return nil, err
	}
	two, err := d.facets(r, b)
	if err != nil {
		return nil, err
	}
	var lines []compareLine
	for i, f := range one {
		l := compareLine{Title: f.title, A: f.values, B: two[i].values}
		x, _ := json.Marshal(l.A)
		y, _ := json.Marshal(l.B)
		l.Same = len(l.A) > 0 && strings.EqualFold(string(x), string(y))
		if len(l.A)+len(l.B) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// facet is one thing known of a customer, as text.
type facet struct {
	title  string
	values []string
}

// facets are what tells two customers apart, always in the same order.
func (d desk) facets(r *web.Request, c Customer) ([]facet, error) {
	p := customerPage{Customer: c}
	if err := d.fillProfile(r.Context(), r, &p); err != nil {
		return nil, err
	}
	if err := d.fillConsents(r.Context(), r, &p); err != nil {
		return nil, err
	}
	facts, err := readRows(r.Context(), d.db, "customer_facts", `customer_id = $1`, int64(c.ID))
	if err != nil {
		return nil, err
	}
	identities := map[string][]string{}
	for _, k := range p.Known {
		identities[k.Kind] = append(identities[k.Kind], k.Value)
	}
	all := []facet{{r.T("customers.name"), nonEmpty(c.Name)}}
	for _, kind := range IdentityKinds {
		all = append(all, facet{r.T("customers.identity." + kind), identities[kind]})
	}
	var addresses, dates, tastes, consents []string
	for _, a := range p.Addresses {
		addresses = append(addresses, strings.Join(a.Lines(), ", "))
	}
	for _, date := range p.Dates {
		dates = append(dates, date.KindText+": "+date.Text)
	}
	for _, t := range p.Tastes {
		tastes = append(tastes, t.KindText+": "+t.Label)
	}
	for _, consent := range p.Consents {
		if consent.Current && consent.Given {
			consents = append(consents, consent.ChannelText)
		}
	}
	all = append(all, facet{r.T("customers.compare.addresses"), addresses}, facet{r.T("customers.compare.dates"), dates},
		facet{r.T("customers.column.country"), nonEmpty(countryName(r, c.Country))}, facet{r.T("customers.column.language"), nonEmpty(languageName(r, c.Language))},
		facet{r.T("customers.tags"), p.Tags}, facet{r.T("customers.tastes"), tastes}, facet{r.T("customers.filter.consent"), consents},
		facet{r.T("customers.column.joined"), nonEmpty(r.Print.Day(c.JoinedDay))})
	orders, spend := []string{}, []string{}
	if len(facts) == 1 {
		n, _ := facts[0].get("orders").(int64)
		minor, _ := facts[0].get("spend_minor").(int64)
		orders, spend = []string{r.Print.Int(n)}, []string{r.Print.Money(money.Amount{Minor: minor, Currency: r.Shop.Currency})}
	}
	return append(all, facet{r.T("customers.column.orders"), orders}, facet{r.T("customers.column.spend"), spend}), nil
}

func (d desk) merge(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	with, err := id.ParseCustomer(f.Value("with"))
	if err != nil {
		return errs.Of(errs.NotFound, err, "web.error.address")
	}
	survivor, other := c.ID, with
	if f.Choice("keep", c.ID.String(), with.String()) == with.String() {
		survivor, other = with, c.ID
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if _, err := MergeInto(r.Context(), tx, d.tables, survivor, other, by(r)); err != nil {
				return err
			}
			return users.Audit(r.Context(), tx, noted(r, "customer.merged", survivor))
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderMerge(w, r, http.StatusUnprocessableEntity, c, with.String(), f)
	}
	r.Flash(w, "good", r.T("customers.done.merged"))
	return r.Redirect(w, customerPath(survivor, ""))
}

func (d desk) undoMerge(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	merge, err := strconv.ParseInt(r.PathValue("merge"), 10, 64)
	if err != nil {
		return errs.Of(errs.NotFound, err, "web.error.address")
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if _, err := UndoMerge(r.Context(), tx, d.tables, c.ID, merge, by(r)); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, noted(r, "customer.unmerged", c.ID))
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("customers.done.unmerged"))
	return r.Redirect(w, customerPath(c.ID, ""))
}
