// Package facts keeps one row a customer: what their own history comes to.
//
// Its one rule: the row is a pure fold of the customer's events and is never
// added to. Whatever happens, late, twice or in another order, the customer is
// folded anew, so the row says the same as if it were made from scratch.
package facts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// Facts are one customer's. Amounts are minor units of the business's own
// currency; orders are purchases, see package orders.
type Facts struct {
	Orders         int64
	Spend          int64
	Refunded       int64
	Net            int64 // Spend - Refunded
	Unvalued       int64 // purchases and returns that wait for a rate: not in the sums
	Items          int64
	FirstOrderAt   time.Time
	FirstOrderDay  string
	LastOrderAt    time.Time
	LastOrderDay   string
	Refunds        int64
	Cancellations  int64
	PromisesKept   int64
	PromisesMissed int64
	MeanGapDays    float64 // between days with a purchase; 0: fewer than two such days
	LastChannel    string
	Events         int64
	LastEventAt    time.Time
}

// View is a history being folded. The zero View is that of nobody yet.
type View struct {
	orders      map[int64]order
	seen        map[id.Event]bool
	lastEventAt time.Time
}

// order is what the events said of one order or return so far. It does not
// depend on the order in which they were told.
type order struct {
	told      bool // order.placed, .refunded or .amended was seen
	isReturn  bool
	of        int64
	day       string
	at        int64
	currency  money.Currency
	base      money.Currency
	total     int64
	goods     int64
	items     int64
	rate      money.Rate
	channel   string
	toldLast  latest   // the newest account of its day, time and channel
	off, on   id.Event // that cancelled it last, and put it on again
	promised  latest
	delivered latest
}

// latest is the newest of several accounts of a day.
type latest struct {
	day string
	at  int64
	id  id.Event
}

// tell takes a newer account over, and reports whether it was newer.
func (l *latest) tell(day string, e timeline.Event) bool {
	if day == "" || !l.before(e.OccurredAt.UnixMicro(), e.ID) {
		return false
	}
	*l = latest{day, e.OccurredAt.UnixMicro(), e.ID}
	return true
}

func (l *latest) before(at int64, event id.Event) bool {
	return l.day == "" || at > l.at || at == l.at && event > l.id
}

// cancelled reports whether it was cancelled and is not on again: what was
// written down later counts.
func (o *order) cancelled() bool { return o.off > o.on }

// kinds are the events of orders, to bring old payloads up to date.
var kinds = timeline.NewKinds(orders.Kinds)

// folded are the names of the events that facts are folded from: what was
// dealt with a customer. What they looked at on a site, often thousands of
// events, is none of it and must not have everything folded anew.
var folded = func() (names []string) {
	for _, k := range slices.Concat(orders.Kinds, customers.Kinds) {
		names = append(names, k.Name)
	}
	return names
}()

// Apply is the view after one more event of the same customer. An event that
// was applied before changes nothing, and the order in which events come does
// not matter. The view given is used up. It fails when the event cannot be
// read.
func Apply(view View, e timeline.Event) (View, error) {
	if view.seen == nil {
		view.seen, view.orders = map[id.Event]bool{}, map[int64]order{}
	}
	if view.seen[e.ID] || !slices.Contains(folded, e.Kind) {
		return view, nil
	}
	if kind, ok := kinds[e.Kind]; ok {
		latest, err := kind.Latest(e)
		if err != nil {
			return view, err
		}
		o := view.orders[e.Ref]
		if err := o.apply(latest); err != nil {
			return view, err
		}
		view.orders[e.Ref] = o
	}
	view.seen[e.ID] = true
	if e.OccurredAt.After(view.lastEventAt) {
		view.lastEventAt = e.OccurredAt
	}
	return view, nil
}

func (o *order) apply(e timeline.Event) error {
	switch e.Kind {
	case orders.EventPlaced, orders.EventRefunded, orders.EventAmended:
		return o.applyTold(e)
	case orders.EventCancelled:
		o.off = max(o.off, e.ID)
	case orders.EventReinstated:
		o.on = max(o.on, e.ID)
	case orders.EventPromised:
		v, err := timeline.Decode[orders.Promised](e)
		o.promised.tell(v.Day, e)
		return err
	case orders.EventDelivered:
		v, err := timeline.Decode[orders.Delivered](e)
		o.delivered.tell(v.Day, e)
		return err
	case orders.EventValued:
		v, err := timeline.Decode[orders.Valued](e)
		o.rate = max(o.rate, v.Rate)
		return err
	}
	return nil
}

func (o *order) applyTold(e timeline.Event) error {
	v, err := timeline.Decode[orders.Told](e)
	if err != nil {
		return err
	}
	o.told = true
	o.isReturn = v.Return
	if o.toldLast.tell(v.Day, e) {
		o.day, o.at, o.currency, o.base, o.channel = v.Day, v.At, v.Currency, v.Base, v.Channel
	}
	if v.Of != 0 {
		o.of = v.Of
	}
	o.total += v.Total
	o.goods += v.Goods
	o.items += v.Items
	o.rate = max(o.rate, v.Rate)
	o.promised.tell(v.Promised, e)
	o.delivered.tell(v.Arrived, e)
	return nil
}

// worth is the total in the business's currency; false: it waits for a rate.
func (o *order) worth() (int64, bool, error) {
	if o.rate == 0 {
		return 0, false, nil
	}
	a, err := money.Amount{Minor: o.total, Currency: o.currency}.Convert(o.base, o.rate)
	return a.Minor, true, err
}

// Facts is what the events applied so far come to. It fails only when a sum is
// too large to be counted.
func (v View) Facts() (Facts, error) {
	f := Facts{Events: int64(len(v.seen)), LastEventAt: v.lastEventAt}
	var bought []bought
	for ref, o := range v.orders {
		if !o.told {
			continue
		}
		worth, valued, err := o.worth()
		if err != nil {
			return f, fmt.Errorf("value an order: %w", err)
		}
		if !valued {
			worth = 0
		}
		switch {
		case o.isReturn:
			f.Refunds++
			if of := v.orders[o.of]; of.cancelled() {
				break // what was paid for it is not in the spend either
			}
			f.Refunded += worth
			f.count(valued)
		case o.cancelled():
			f.Cancellations++
		case o.goods > 0:
			f.Orders++
			f.Spend += worth
			f.Items += o.items
			f.count(valued)
			bought = append(bought, purchase(ref, o))
		}
		f.keep(o)
	}
	f.Net = f.Spend - f.Refunded
	f.days(bought)
	return f, nil
}

func (f *Facts) count(valued bool) {
	if !valued {
		f.Unvalued++
	}
}

// keep counts a promise that was kept or missed; one whose order has not
// arrived is neither.
func (f *Facts) keep(o order) {
	switch {
	case o.isReturn || o.cancelled() || o.promised.day == "" || o.delivered.day == "":
	case o.delivered.day <= o.promised.day:
		f.PromisesKept++
	default:
		f.PromisesMissed++
	}
}

// bought is when and where a purchase was made.
type bought struct {
	at, ref int64
	day     string
	channel string
}

func purchase(ref int64, o order) bought { return bought{o.at, ref, o.day, o.channel} }

// days works out what follows from when purchases were made.
func (f *Facts) days(all []bought) {
	if len(all) == 0 {
		return
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].at < all[j].at || all[i].at == all[j].at && all[i].ref < all[j].ref
	})
	first, last := all[0], all[len(all)-1]
	f.FirstOrderAt, f.FirstOrderDay = time.UnixMicro(first.at).UTC(), first.day
	f.LastOrderAt, f.LastOrderDay, f.LastChannel = time.UnixMicro(last.at).UTC(), last.day, last.channel
	days := map[string]bool{}
	for _, b := range all {
		days[b.day] = true
	}
	from, errFrom := time.Parse(time.DateOnly, first.day)
	to, errTo := time.Parse(time.DateOnly, last.day)
	if len(days) > 1 && errFrom == nil && errTo == nil {
		f.MeanGapDays = math.Round(to.Sub(from).Hours()/24) / float64(len(days)-1)
	}
}

// Fold is what a whole history comes to.
func Fold(events []timeline.Event) (Facts, error) {
	var view View
	var err error
	for _, e := range events {
		if view, err = Apply(view, e); err != nil {
			return Facts{}, err
		}
	}
	return view.Facts()
}

const columns = `orders, spend_minor, refunded_minor, net_minor, unvalued, items, first_order_at, first_order_day,
	last_order_at, last_order_day, refunds, cancellations, promises_kept, promises_missed, mean_gap_days, last_channel,
	events, last_event_at`

// Of returns a customer's facts as stored; those of a customer to whom nothing
// happened yet are zero.
func Of(ctx context.Context, q store.Querier, c id.Customer) (Facts, error) {
	var f stored
	err := q.QueryRow(ctx, `select customer_id, `+columns+` from customer_facts where customer_id = $1`, int64(c)).Scan(f.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Facts{}, nil
	}
	if err != nil {
		return Facts{}, fmt.Errorf("read facts of %s: %w", c, err)
	}
	return f.facts(), nil
}

// stored is a row of customer_facts.
type stored struct {
	customer           id.Customer
	f                  Facts
	first, last, event sql.NullInt64
	firstDay, lastDay  sql.NullString
	gap                sql.NullFloat64
}

func (s *stored) into() []any {
	f := &s.f
	return []any{&s.customer, &f.Orders, &f.Spend, &f.Refunded, &f.Net, &f.Unvalued, &f.Items, &s.first, &s.firstDay,
		&s.last, &s.lastDay, &f.Refunds, &f.Cancellations, &f.PromisesKept, &f.PromisesMissed, &s.gap, &f.LastChannel,
		&f.Events, &s.event}
}

func (s *stored) facts() Facts {
	f := s.f
	f.FirstOrderAt, f.LastOrderAt, f.LastEventAt = moment(s.first), moment(s.last), moment(s.event)
	f.FirstOrderDay, f.LastOrderDay, f.MeanGapDays = s.firstDay.String, s.lastDay.String, s.gap.Float64
	return f
}

func moment(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}

func (f *Facts) values() []any {
	var gap any
	if f.MeanGapDays != 0 {
		gap = f.MeanGapDays
	}
	return []any{f.Orders, f.Spend, f.Refunded, f.Net, f.Unvalued, f.Items, null(f.FirstOrderAt), nullText(f.FirstOrderDay),
		null(f.LastOrderAt), nullText(f.LastOrderDay), f.Refunds, f.Cancellations, f.PromisesKept, f.PromisesMissed, gap, f.LastChannel,
		f.Events, null(f.LastEventAt)}
}

func null(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
