package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
)

// team are the members of staff; the first is who signs in. Giulia, Paolo,
// Matěj and Tibor at the counters have no account.
var team = []users.New{
	{Name: "Elena Bora", Email: OwnerEmail, Role: web.Owner},
	{Name: "Marta Bora", Email: "marta@example.com", Role: web.Manager},
	{Name: "Радка Илиева", Email: "radka@example.com", Role: web.Agent},
}

// writing is a plan on its way into a database.
type writing struct {
	*plan
	tx       *store.Tx
	tables   []customers.Table
	staff    []id.User
	products map[string]id.Product
	ids      []id.Customer // of people; 0: not written yet
	joining  []int         // people by the time they joined
	report   func(done, of int)
}

// stepDays is how much is written at once: the verbs for many work best on
// many, and time goes on between.
const stepDays = 14

// write makes the store out of the plan, in the order of time.
func (p *plan) write(ctx context.Context, tx *store.Tx, o Options) error {
	w := writing{plan: p, tx: tx, tables: o.Tables, ids: make([]id.Customer, len(p.people)), report: o.Report}
	if w.report == nil {
		w.report = func(int, int) {}
	}
	if err := w.open(ctx, o.Password); err != nil {
		return err
	}
	for i := range p.people {
		w.joining = append(w.joining, i)
	}
	slices.SortStableFunc(w.joining, func(a, b int) int { return p.people[a].JoinedAt.Compare(p.people[b].JoinedAt) })
	sales, deeds, news := p.sales, p.deeds, p.news
	for day := stepDays; ; day += stepDays {
		until := p.day(min(day, Days))
		n := cutAt(sales, until, func(s *sale) time.Time { return s.at })
		m := cutAt(deeds, until, func(d deed) time.Time { return d.at })
		if err := w.step(ctx, until, sales[:n], deeds[:m]); err != nil {
			return err
		}
		k := cutAt(news, until, func(n boxNews) time.Time { return n.at })
		if err := w.subscribe(ctx, w.tx.At(until), news[:k]); err != nil {
			return err
		}
		sales, deeds, news = sales[n:], deeds[m:], news[k:]
		w.report(min(day, Days), Days)
		if day >= Days {
			break
		}
	}
	return w.settle(ctx)
}

// cutAt is how many of a list lie before a time.
func cutAt[T any](list []T, until time.Time, at func(T) time.Time) int {
	n, _ := slices.BinarySearchFunc(list, until, func(v T, until time.Time) int {
		if at(v).Before(until) {
			return -1
		}
		return 1
	})
	return n
}

// open writes what was there before the first customer.
func (w *writing) open(ctx context.Context, password users.Password) error {
	tx := w.tx.At(w.day(0).Add(8 * time.Hour))
	if err := workspace.Save(ctx, tx, 0, Settings); err != nil {
		return err
	}
	for i, member := range team {
		if i == 0 {
			member.Password = password
		}
		user, err := users.Add(ctx, tx, member)
		if err != nil {
			return err
		}
		w.staff = append(w.staff, user)
	}
	rates := make([]orders.Rate, len(w.rates))
	for i, r := range w.rates {
		rates[i] = orders.Rate{Currency: "CZK", Day: r.day, Rate: money.Rate(r.nanos), Source: Source}
	}
	if err := orders.SetRates(ctx, tx, rates); err != nil {
		return err
	}
	goods := make([]orders.NewProduct, len(w.goods.all))
	for i, g := range w.goods.all {
		goods[i] = orders.NewProduct{SKU: g.sku, Name: g.name, Category: g.shelf}
	}
	var err error
	w.products, err = orders.EnsureProducts(ctx, tx, goods)
	return err
}

// step writes what happened before a moment and after the last step.
func (w *writing) step(ctx context.Context, until time.Time, sales []*sale, deeds []deed) error {
	tx := w.tx.At(until)
	n := cutAt(w.joining, until, func(i int) time.Time { return w.people[i].JoinedAt })
	profiles := make([]customers.Profile, n)
	for k, i := range w.joining[:n] {
		profiles[k] = w.people[i].Profile
		profiles[k].Actor = w.staff[0]
	}
	ids, err := customers.CreateMany(ctx, tx, profiles)
	if err != nil {
		return err
	}
	for k, i := range w.joining[:n] {
		w.ids[i] = ids[k]
	}
	w.joining = w.joining[n:]
	told := make([]orders.Sale, len(sales))
	for i, s := range sales {
		if told[i], err = w.sale(s); err != nil {
			return err
		}
	}
	if _, err := orders.PlaceMany(ctx, tx, told); err != nil {
		return err
	}
	for _, d := range deeds {
		if err := w.deed(ctx, w.tx.At(d.at), d); err != nil {
			return fmt.Errorf("%s of %s: %w", d.what, w.people[d.who].Name, err)
		}
	}
	return nil
}

// sale is a sale as the module of orders is told of it.
func (w *writing) sale(s *sale) (orders.Sale, error) {
	o := orders.Sale{Number: s.number, Source: Source, At: s.at, Currency: Settings.Currency, Channel: s.channel, Staff: s.staff,
		Discount: s.discount, Shipping: s.shipping, PromisedDay: s.promised, DeliveredDay: s.delivered,
		CancelledAt: s.cancelled, Reason: s.reason, Note: s.note, History: true}
	if s.koruna {
		o.Currency = "CZK"
	}
	if s.who >= 0 {
		o.Customer = w.ids[s.who]
	}
	if s.of != nil {
		o.Return, o.ReturnsNumber = true, s.of.number
	}
	for _, l := range s.lines {
		line, err := orders.NewLine(w.products[w.goods.all[l.product].sku], int64(l.quantity)*1000, l.price, 2, o.Currency)
		if err != nil {
			return o, err
		}
		o.Lines = append(o.Lines, line)
	}
	return o, nil
}

// deed does one thing about somebody.
func (w *writing) deed(ctx context.Context, tx *store.Tx, d deed) error {
	c := w.ids[d.who]
	if c == 0 {
		return fmt.Errorf("they join later, on %s", w.people[d.who].JoinedDay)
	}
	who := &w.people[d.who]
	by := customers.By{Actor: w.staff[len(d.text)%len(w.staff)], Source: Source, History: true}
	switch d.what {
	case "note":
		return customers.Note(ctx, tx, c, by, d.text)
	case "call":
		return customers.LogCall(ctx, tx, c, by, customers.Call{Direction: d.direction, Outcome: d.outcome, Body: d.text})
	case "tag":
		return customers.Tag(ctx, tx, c, by, d.text)
	case "withdraw":
		by.Actor = 0
		return customers.Decide(ctx, tx, c, by, customers.Consent{Channel: "email", Place: "Link in a newsletter"})
	case "move":
		if err := customers.Change(ctx, tx, c, by, customers.Edit{Name: who.Name, Given: who.Given, Family: who.Family,
			Language: who.Language, Country: d.address.Country}); err != nil {
			return err
		}
		return customers.WriteAddress(ctx, tx, c, by, d.address)
	case "erase":
		return customers.EraseForGood(ctx, tx, w.tables, c, by)
	}
	return fmt.Errorf("no deed is called %q", d.what)
}

// settle folds everybody's facts at once, so that the first page has them, and
// asks for the search for customers who are there twice.
func (w *writing) settle(ctx context.Context) error {
	if err := facts.Refresh(ctx, w.tx, w.ids...); err != nil {
		return err
	}
	return customers.LookForDuplicates(ctx, w.tx)
}
