package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/store"
)

// The box that comes every month: how those who take it are spread. What they
// pay for it is not among the sales, so that these stay comparable with those
// of a real store.
const (
	boxesFrom   = 120 // the day from which it can be had
	coffeeBoxes = 0.12
	teaBoxes    = 0.06
	yearly      = 0.08 // of coffee boxes, paid for a year
	boxA, boxB  = 1.1, 13.0
	boxNotice   = 0.6  // of who leaves says so before
	boxUnpaid   = 0.08 // of who leaves does so by not paying
	boxOverdue  = 0.02 // a renewal is paid late
	boxPauses   = 0.014
	boxSecond   = 0.006 // notice is given and taken back
	boxLarger   = 0.018
	boxSmaller  = 0.008
	boxStreams  = 1 << 42 // of dice: those of a customer's box
	boxYears    = 4       // how much likelier who pays a year ahead is to leave when it is over
)

// boxSizes are the coffee boxes, by size, with the price of a month in cents.
var boxSizes = []struct {
	name  string
	price int64
}{{"Coffee box, 250 g", 1250}, {"Coffee box, 500 g", 2300}, {"Coffee box, 1 kg", 4200}}

// boxReasons are why somebody leaves, with how often.
var boxReasons = []string{"too_expensive", "unused", "switched", "quality", "service", "other"}

// boxNews is what became known of somebody's box.
type boxNews struct {
	who   int
	at    time.Time
	terms orders.Terms
}

// boxes draws who takes a box. Each has dice of their own beside those of
// their purchases.
func (p *plan) boxes(cast int) {
	for i := cast; i < len(p.people); i++ {
		who := &p.people[i]
		d := newDice(p.seed, boxStreams+uint64(i))
		if who.kind == coffee && d.chance(coffeeBoxes) || who.kind == tea && d.chance(teaBoxes) {
			p.box(d, i)
		}
	}
	slices.SortStableFunc(p.news, func(a, b boxNews) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.who, b.who)) })
}

// taking is somebody's box while it is drawn.
type taking struct {
	p     *plan
	d     dice
	who   int
	end   time.Time // of the store
	began time.Time
	size  int
	terms orders.Terms
	risen bool
	leave float64   // the chance at each renewal
	told  time.Time // of the last news
}

// box draws one box from its beginning to its end or that of the store.
func (p *plan) box(d dice, who int) {
	first := max(boxesFrom, int(p.people[who].JoinedAt.Sub(p.day(0)).Hours()/24)+7)
	if first >= Days-3 {
		return
	}
	t := taking{p: p, d: d, who: who, end: p.day(Days-1).AddDate(0, 0, 1), leave: d.beta(boxA, boxB)}
	t.began = p.clock(d, d.between(first, Days-3), "online")
	if t.began.Day() > 28 { // every month has a 28th
		t.began = t.began.AddDate(0, 0, 28-t.began.Day())
	}
	t.terms = orders.Terms{Plan: "Tea box", Status: orders.Active, Amount: 1600, Currency: Settings.Currency, Unit: "month", Every: 1, Quantity: 1, StartedAt: t.began}
	t.risen = !t.began.Before(p.day(pricesRose))
	if p.people[who].kind == coffee {
		t.size = d.pick(0.45, 0.4, 0.15)
		t.terms.Plan, t.terms.Amount = boxSizes[t.size].name, boxSizes[t.size].price
		if d.chance(yearly) {
			t.terms.Plan, t.terms.Unit, t.terms.Amount, t.leave = t.terms.Plan+", a year", "year", t.terms.Amount*11, min(0.9, t.leave*boxYears)
		}
	}
	if t.risen {
		t.rise()
	}
	t.tell(t.began, 0)
	last := 0
	for k := 1; t.due(k - 1).Before(t.end); k++ {
		var gone bool
		if k, gone = t.renew(k); gone {
			return
		}
		if t.due(k).Before(t.end) {
			last = k
		}
	}
	if last > 0 && t.told.Before(t.due(last)) {
		t.tell(t.due(last), last)
	}
}

// due is when the k-th renewal is.
func (t *taking) due(k int) time.Time {
	if t.terms.Unit == "year" {
		return t.began.AddDate(k, 0, 0)
	}
	return t.began.AddDate(0, k, 0)
}

// tell notes what the box is at a time of the k-th period, unless that is after
// the end of the store.
func (t *taking) tell(at time.Time, k int) {
	if !at.After(t.told) {
		at = t.told.Add(time.Second) // one thing after the other
	}
	if !at.Before(t.end) {
		return
	}
	t.told = at
	t.terms.PeriodEnd = t.due(k + 1)
	terms := t.terms
	terms.EndedAt = time.Time{}
	if terms.Status == orders.Ended {
		terms.EndedAt = at
	}
	t.p.news = append(t.p.news, boxNews{t.who, at, terms})
}

// rise is what everything costs since the day on which prices rose.
func (t *taking) rise() { t.terms.Amount = (t.terms.Amount*105/100 + 5) / 10 * 10 }

// renew draws what happens up to and at the k-th renewal; the next one may be
// later, and there may be none.
func (t *taking) renew(k int) (int, bool) {
	d, due := t.d, t.due(k)
	if d.chance(t.leave) {
		t.part(k)
		return k, true
	}
	if d.chance(boxSecond) {
		t.notice(due.AddDate(0, 0, -d.between(8, 14)), k)
		t.terms.CancelAt, t.terms.Reason = time.Time{}, ""
		t.tell(due.AddDate(0, 0, -d.between(2, 6)), k-1)
	}
	if !t.risen && !due.Before(t.p.day(pricesRose)) {
		t.risen = true
		t.rise()
		t.tell(due, k)
	}
	switch step := d.Float64(); {
	case t.terms.Unit == "year" || t.p.people[t.who].kind != coffee:
	case step < boxLarger && t.size < len(boxSizes)-1:
		t.resize(k, t.size+1)
	case step > 1-boxSmaller && t.size > 0:
		t.resize(k, t.size-1)
	}
	if d.chance(boxOverdue) {
		t.terms.Status = orders.PastDue
		t.tell(due, k)
		t.terms.Status = orders.Active
		t.tell(due.AddDate(0, 0, d.between(1, 6)), k)
	}
	if t.terms.Unit == "month" && d.chance(boxPauses) {
		t.terms.Status = orders.Paused
		t.tell(due, k)
		k += d.between(1, 3)
		t.terms.Status = orders.Active
		t.tell(t.due(k), k)
	}
	return k, false
}

// resize changes the box for a larger or smaller one.
func (t *taking) resize(k, size int) {
	t.size = size
	t.terms.Plan, t.terms.Amount = boxSizes[size].name, boxSizes[size].price
	if t.risen {
		t.rise()
	}
	t.tell(t.due(k), k)
}

// notice notes that the box ends with the k-th period.
func (t *taking) notice(at time.Time, k int) {
	t.terms.CancelAt, t.terms.Reason = t.due(k), boxReasons[t.d.pick(0.34, 0.27, 0.12, 0.09, 0.06, 0.12)]
	t.tell(at, k-1)
}

// part draws how somebody leaves at the k-th renewal.
func (t *taking) part(k int) {
	d, due := t.d, t.due(k)
	switch way := d.Float64(); {
	case way < boxUnpaid:
		t.terms.Status = orders.PastDue
		t.tell(due, k)
		t.terms.Reason = "payment"
		due = due.AddDate(0, 0, 14)
	case way < boxUnpaid+boxNotice:
		t.notice(due.AddDate(0, 0, -d.between(1, 20)), k)
	default:
		t.terms.Reason = boxReasons[d.pick(0.34, 0.27, 0.12, 0.09, 0.06, 0.12)]
	}
	t.terms.Status, t.terms.CancelAt = orders.Ended, time.Time{}
	t.tell(due, k)
}

// subscribe tells what became known of boxes, in the order of time.
func (w *writing) subscribe(ctx context.Context, tx *store.Tx, news []boxNews) error {
	for _, n := range news {
		if _, err := orders.Subscribe(ctx, tx, orders.SubscriptionNews{Customer: w.ids[n.who], Source: Source, External: fmt.Sprintf("box-%d", n.who+1), At: n.at,
			Terms: n.terms, History: true}); err != nil {
			return fmt.Errorf("the box of %s: %w", w.people[n.who].Name, err)
		}
	}
	return nil
}
