package customers

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// customerPage is the page of one person.
type customerPage struct {
	Customer  Customer
	Called    string
	Language  string
	Country   string
	Form      *web.Form // of the small forms; holds the errors of the one that failed
	Stats     []kit.Stat
	Known     []Known
	Addresses []Address
	Tags      []string
	Tastes    []tasteLine
	Dates     []dateLine
	Consents  []consentLine
	Merges    []mergeLine
	Story     kit.Timeline
	Tabs      kit.Tabs
	Panels    []web.Box
	Choices   choices
}

// choices are the selects of the small forms.
type choices struct{ Directions, Outcomes, Tastes, Dates, Months, Channels, Answers []kit.Option }

type tasteLine struct {
	Taste
	KindText string
}

type dateLine struct {
	Date
	KindText string
	Text     string
}

type consentLine struct {
	Proof
	ChannelText string
	AuthorName  string
	Current     bool
	SourceText  string
}

type mergeLine struct {
	Join
	Name string
	Can  bool // be undone from this page
}

func (d desk) show(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	return d.render(w, r, http.StatusOK, c, r.NewForm())
}

// render shows the page of a customer, with what was typed into a form that
// failed.
func (d desk) render(w http.ResponseWriter, r *web.Request, status int, c Customer, f *web.Form) error {
	p := customerPage{Customer: c, Form: f, Choices: smallChoices(r)}
	var err error
	if p.Called, err = calling(r, d.db, c); err != nil {
		return err
	}
	if !c.ErasedAt.IsZero() {
		return d.renderErased(w, r, status, p)
	}
	for _, fill := range []func(context.Context, *web.Request, *customerPage) error{d.fillFacts, d.fillProfile, d.fillConsents, d.fillMerges, d.fillStory} {
		if err := fill(r.Context(), r, &p); err != nil {
			return err
		}
	}
	p.Panels = r.Panels(d.db, c.ID)
	return r.RenderStatus(w, status, "customers/customer.html", p)
}

// fillFacts reads the figures on top of the page.
func (d desk) fillFacts(ctx context.Context, r *web.Request, p *customerPage) error {
	facts, err := readRows(ctx, d.db, "customer_facts", `customer_id = $1`, int64(p.Customer.ID))
	if err != nil {
		return err
	}
	figure := func(name string) int64 { return 0 }
	last := ""
	if len(facts) == 1 {
		figure = func(name string) int64 { n, _ := facts[0].get(name).(int64); return n }
		last, _ = facts[0].get("last_order_day").(string)
	}
	stat := func(key, icon, value, note string) {
		p.Stats = append(p.Stats, kit.Stat{Label: r.T("customers.stat." + key), Icon: icon, Value: value, Note: note})
	}
	refunds := ""
	if n := figure("refunds"); n > 0 {
		refunds = r.Print.N("customers.stat.refunds", int(n))
	}
	stat("orders", "shopping-cart", r.Print.Int(figure("orders")), refunds)
	net := ""
	if figure("refunded_minor") != 0 {
		net = r.T("customers.stat.net", "Amount", r.Print.Money(money.Amount{Minor: figure("net_minor"), Currency: r.Shop.Currency}))
	}
	stat("spend", "coin", r.Print.Money(money.Amount{Minor: figure("spend_minor"), Currency: r.Shop.Currency}), net)
	if last == "" {
		stat("last", "calendar-event", "–", r.T("customers.stat.never"))
	} else {
		stat("last", "calendar-event", r.Print.Day(last), daysAgo(r, last))
	}
	stat("joined", "user-plus", r.Print.Day(p.Customer.JoinedDay), sourceText(r.Print, p.Customer.Source))
	return nil
}

// daysAgo says how long ago a day was.
func daysAgo(r *web.Request, day string) string {
	then, err := time.ParseInLocation(time.DateOnly, day, r.Print.Zone())
	if err != nil {
		return ""
	}
	days := int(r.Now.Sub(then).Hours() / 24)
	if days <= 0 {
		return r.T("customers.stat.today")
	}
	return r.T("locale.ago", "Time", r.Print.N("locale.days", days))
}

func (d desk) fillProfile(ctx context.Context, r *web.Request, p *customerPage) (err error) {
	c := p.Customer
	p.Language, p.Country = languageName(r, c.Language), countryName(r, c.Country)
	if p.Known, err = Identities(ctx, d.db, c); err != nil {
		return err
	}
	if p.Addresses, err = Addresses(ctx, d.db, c.ID); err != nil {
		return err
	}
	if p.Tags, err = Tags(ctx, d.db, c.ID); err != nil {
		return err
	}
	tastes, err := Tastes(ctx, d.db, c.ID)
	if err != nil {
		return err
	}
	for _, t := range tastes {
		p.Tastes = append(p.Tastes, tasteLine{t, r.T("customers.taste." + t.Kind)})
	}
	dates, err := Dates(ctx, d.db, c.ID)
	for _, date := range dates {
		p.Dates = append(p.Dates, dateLine{date, r.T("customers.date." + date.Kind), dateText(r, date)})
	}
	return err
}

func dateText(r *web.Request, d Date) string {
	if d.Year != 0 {
		return r.Print.Day(d.Day())
	}
	return r.Print.DayMonth("2000-" + d.MonthDay)
}

func (d desk) fillConsents(ctx context.Context, r *web.Request, p *customerPage) error {
	proofs, err := Proofs(ctx, d.db, p.Customer.ID)
	if err != nil {
		return err
	}
	var authors []id.User
	for _, proof := range proofs {
		authors = append(authors, proof.Author)
	}
	names, err := staffNames(ctx, d.db, authors)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, proof := range proofs {
		p.Consents = append(p.Consents, consentLine{Proof: proof, ChannelText: r.T("customers.channel." + proof.Channel),
			AuthorName: names[proof.Author], Current: !seen[proof.Channel], SourceText: sourceText(r.Print, proof.Source)})
		seen[proof.Channel] = true
	}
	return nil
}

func (d desk) fillMerges(ctx context.Context, r *web.Request, p *customerPage) error {
	merges, err := Merges(ctx, d.db, p.Customer.ID)
	if err != nil {
		return err
	}
	var others []id.Customer
	for _, m := range merges {
		others = append(others, m.Other)
	}
	all, err := ByIDs(ctx, d.db, others)
	if err != nil {
		return err
	}
	var rows []Listed
	for _, c := range all {
		rows = append(rows, Listed{Customer: c})
	}
	names, err := naming(ctx, d.db, r.Print, customersOf(rows))
	for _, m := range merges {
		if m.UndoneAt.IsZero() {
			p.Merges = append(p.Merges, mergeLine{Join: m, Name: names[m.Other], Can: m.Survivor == p.Customer.ID})
		}
	}
	return err
}

// noteLine names a note, for the button that takes its text back.
type noteLine struct {
	Customer id.Customer
	Note     int64
}

// staffNames are the names of members of staff. Nobody's is "".
func staffNames(ctx context.Context, q store.Querier, ids []id.User) (map[id.User]string, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	names := map[id.User]string{}
	if len(ids) == 0 {
		return names, nil
	}
	args := make([]any, len(ids))
	for i, u := range ids {
		args[i] = int64(u)
	}
	_, err := store.All(ctx, q, func(rows *sql.Rows) (u id.User, err error) {
		var name string
		err = rows.Scan(&u, &name)
		names[u] = name
		return u, err
	}, `select id, name from users where id in (`+store.List(1, len(args))+`)`, args...)
	return names, err
}

// smallChoices are the selects of the forms on the page.
func smallChoices(r *web.Request) choices {
	named := func(prefix string, values []string) []kit.Option {
		var all []kit.Option
		for _, v := range values {
			all = append(all, kit.Option{Value: v, Text: r.T(prefix + v)})
		}
		return all
	}
	c := choices{Directions: named("customers.call.", Directions), Outcomes: named("customers.outcome.", Outcomes),
		Tastes: named("customers.taste.", TasteKinds), Dates: named("customers.date.", DateKinds), Channels: named("customers.channel.", Channels),
		Answers: []kit.Option{{Value: "yes", Text: r.T("customers.consent.yes")}, {Value: "no", Text: r.T("customers.consent.no")}}}
	for m := 1; m <= 12; m++ {
		month := fmt.Sprintf("%02d", m)
		name := strings.TrimSpace(strings.ReplaceAll(r.Print.MonthLong("2000-"+month), "2000", ""))
		c.Months = append(c.Months, kit.Option{Value: month, Text: name})
	}
	return c
}
