package orders

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type orderPage struct {
	Order    Order
	Customer string // the name; empty: a walk-in
	State    any
	Lines    []shownLine
	Many     bool // more lines than a form can show
	Sums     []kit.Term
	About    []kit.Term
	Returns  []shownReturn
	Of       string // of a return: the address of its order
	Story    kit.Timeline
	Form     *web.Form
	Reasons  []kit.Option
	Left     string // what can be given back
	CanBack  bool
	CanDo    bool // promise, deliver, cancel
	At       string
}

type shownLine struct {
	Ordinal  int64
	Product  Product
	Quantity string
	Price    string
	Total    string
	Left     string // how much can come back, empty: nothing
}

type shownReturn struct {
	Href, Number, When, Total, Reason string
}

func (d desk) show(w http.ResponseWriter, r *web.Request) error {
	o, done, err := d.find(w, r)
	if err != nil || done {
		return err
	}
	return d.page(w, r, o, r.NewForm(), http.StatusOK)
}

// page shows an order, with the form that failed or an empty one.
func (d desk) page(w http.ResponseWriter, r *web.Request, o Order, f *web.Form, status int) error {
	today := r.Now.In(r.Shop.Zone).Format(time.DateOnly)
	p := orderPage{Order: o, Form: f, Reasons: reasonOptions(r), State: state(r, o, today), At: o.Href(),
		CanBack: !o.Return && o.Total > o.Refunded, CanDo: !o.Return && !o.Cancelled(),
		Left: r.Print.Money(money.Amount{Minor: o.Total - o.Refunded, Currency: o.Currency})}
	for name, value := range map[string]string{"promised": o.PromisedDay, "delivered": o.DeliveredDay} {
		if !f.Values.Has(name) {
			f.Set(name, value)
		}
	}
	if o.DeliveredDay == "" && f.Value("delivered") == "" {
		f.Set("delivered", today)
	}
	if o.Customer != 0 {
		names, err := customers.Names(r.Context(), d.db, r.Print, o.Customer)
		if err != nil {
			return err
		}
		p.Customer = names[o.Customer]
	}
	for _, part := range []func(*web.Request, *orderPage) error{d.fillLines, d.fillReturns, d.fillStory} {
		if err := part(r, &p); err != nil {
			return err
		}
	}
	p.Sums, p.About = sums(r, o), about(r, o)
	return r.RenderStatus(w, status, "orders/order.html", p)
}

// maxBackLines is how many lines the form of a refund shows.
const maxBackLines = 60

func (d desk) fillLines(r *web.Request, p *orderPage) error {
	lines, err := Lines(r.Context(), d.db, p.Order)
	if err != nil {
		return err
	}
	left, err := Remaining(r.Context(), d.db, p.Order, lines)
	if err != nil {
		return err
	}
	p.Many = len(lines) > maxBackLines
	var ids []id.Product
	for _, l := range lines {
		ids = append(ids, l.Product)
	}
	slices.Sort(ids)
	products, err := Products(r.Context(), d.db, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, l := range lines {
		shown := shownLine{Ordinal: l.Ordinal, Product: products[l.Product], Quantity: quantity(r, l.Quantity),
			Price: price(r, l.PriceMicro, p.Order.Currency), Total: r.Print.Money(money.Amount{Minor: l.Total, Currency: p.Order.Currency})}
		if n := left[l.Ordinal]; n > 0 {
			shown.Left = quantity(r, n)
		}
		p.Lines = append(p.Lines, shown)
	}
	return nil
}

// quantity writes thousandths: 12, 0.35.
func quantity(r *web.Request, milli int64) string {
	if milli%1000 == 0 {
		return r.Print.Int(milli / 1000)
	}
	digits := 3
	for n := milli; n%10 == 0; n /= 10 {
		digits--
	}
	return r.Print.Decimal(float64(milli)/1000, digits)
}

// price writes millionths of a currency, with more digits than it has where
// that is how something is priced.
func price(r *web.Request, micro int64, c money.Currency) string {
	minor, err := money.FromDecimal(micro, priceScale, c)
	if err == nil {
		if back, err := (Line{Price: minor, Scale: c.Exponent()}).priceMicro(); err == nil && back == micro {
			return r.Print.Money(money.Amount{Minor: minor, Currency: c})
		}
	}
	return r.Print.Decimal(float64(micro)/1e6, 4) + " " + string(c)
}

func (d desk) fillReturns(r *web.Request, p *orderPage) error {
	returns, err := Returns(r.Context(), d.db, p.Order)
	if err != nil {
		return err
	}
	for _, o := range returns {
		reason := ""
		if o.Reason != "" {
			reason = r.T("orders.reason." + o.Reason)
		}
		p.Returns = append(p.Returns, shownReturn{r.Href(o.Href()), o.Number, r.Print.Time(o.At), r.Print.Money(o.Amount()), reason})
	}
	if p.Order.Of != 0 {
		of := Order{Customer: p.Order.Customer, ID: p.Order.Of}
		p.Of = r.Href(of.Href())
	}
	return nil
}

// fillStory tells what happened to the order and to its returns.
func (d desk) fillStory(r *web.Request, p *orderPage) error {
	if p.Order.Customer == 0 {
		return nil
	}
	returns, err := Returns(r.Context(), d.db, p.Order)
	if err != nil {
		return err
	}
	refs := []int64{int64(p.Order.ID)}
	for _, o := range returns {
		refs = append(refs, int64(o.ID))
	}
	events, err := timeline.Of(r.Context(), d.db, p.Order.Customer, refs...)
	if err != nil {
		return err
	}
	p.Story, err = storyOf(r, events)
	return err
}

// storyOf tells events day by day.
func storyOf(r *web.Request, events []timeline.Event) (kit.Timeline, error) {
	kinds := timeline.NewKinds(Kinds)
	group, story := kit.MomentGroup{}, kit.Timeline{Label: r.T("orders.story")}
	for _, e := range events {
		line, err := kinds.Tell(r.Print, e)
		if err != nil {
			return story, err
		}
		day := r.Print.Day(e.OccurredAt.In(r.Print.Zone()).Format(time.DateOnly))
		if group.Title != day {
			if group.Title != "" {
				story.Groups = append(story.Groups, group)
			}
			group = kit.MomentGroup{Title: day}
		}
		group.Moments = append(group.Moments, kit.Moment{Icon: kinds[e.Kind].Icon, Tone: kit.Tone(line.Tone), Title: line.Text,
			When: r.Print.Clock(e.OccurredAt), ISO: e.OccurredAt.Format(time.RFC3339)})
	}
	if group.Title != "" {
		story.Groups = append(story.Groups, group)
	}
	return story, nil
}

// sums are the amounts from the lines to the total.
func sums(r *web.Request, o Order) []kit.Term {
	amount := func(minor int64) string { return r.Print.Money(money.Amount{Minor: minor, Currency: o.Currency}) }
	all := []kit.Term{{Name: r.T("orders.sum.lines"), Value: amount(o.LinesTotal)}}
	for _, s := range []struct {
		key   string
		minor int64
	}{{"discount", -o.Discount}, {"shipping", o.Shipping}, {"tax", o.Tax}} {
		if s.minor != 0 {
			all = append(all, kit.Term{Name: r.T("orders.sum." + s.key), Value: amount(s.minor)})
		}
	}
	all = append(all, kit.Term{Name: r.T("orders.sum.total"), Value: amount(o.Total)})
	if o.Refunded > 0 {
		all = append(all, kit.Term{Name: r.T("orders.sum.refunded"), Value: amount(-o.Refunded)}, kit.Term{Name: r.T("orders.sum.left"), Value: amount(o.Total - o.Refunded)})
	}
	switch {
	case o.Rate == 0:
		all = append(all, kit.Term{Name: r.T("orders.sum.base"), Value: r.T("orders.sum.waits", "Currency", string(o.Currency), "Day", r.Print.Day(o.Day))})
	case o.Currency != r.Shop.Currency:
		rate := strconv.FormatFloat(float64(o.Rate)/1e9, 'f', -1, 64)
		all = append(all, kit.Term{Name: r.T("orders.sum.base"),
			Value: fmt.Sprintf("%s (× %s)", r.Print.Money(money.Amount{Minor: o.Base, Currency: r.Shop.Currency}), rate)})
	}
	return all
}

// about is what else is known of an order.
func about(r *web.Request, o Order) []kit.Term {
	all := []kit.Term{{Name: r.T("orders.column.placed"), Value: r.Print.Time(o.At)}}
	add := func(key string, value any) {
		if value != "" && value != nil {
			all = append(all, kit.Term{Name: r.T(key), Value: value})
		}
	}
	if o.Channel != "" {
		add("orders.column.channel", channelName(r, o.Channel))
	}
	add("orders.about.staff", o.Staff)
	if o.PromisedDay != "" {
		add("orders.about.promised", r.Print.Day(o.PromisedDay))
	}
	if o.DeliveredDay != "" {
		value := r.Print.Day(o.DeliveredDay)
		if late := daysBetween(o.PromisedDay, o.DeliveredDay); o.PromisedDay != "" && late > 0 {
			value += " – " + r.Print.N("orders.about.late", late)
		} else if o.PromisedDay != "" {
			value += " – " + r.T("orders.about.kept")
		}
		add("orders.about.delivered", value)
	}
	if o.Cancelled() {
		add("orders.about.cancelled", r.Print.Time(o.CancelledAt))
	}
	if o.Reason != "" {
		add("orders.about.reason", r.T("orders.reason."+o.Reason))
	}
	add("orders.about.note", o.Note)
	add("orders.about.source", o.Source)
	if o.Import != 0 && r.Can(web.Manager) {
		add("orders.about.import", link(r.Href("/imports/"+o.Import.String()), r.T("orders.about.import.show")))
	}
	return all
}
