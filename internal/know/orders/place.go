package orders

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// Placed says what PlaceMany did.
type Placed struct {
	IDs     []id.Order // one a sale, as given
	New     int        // orders and returns that were not there
	Changed int        // those that were there and are fuller now
	Same    int        // those that were there as told
	Lines   int        // lines written
}

// PlaceMany writes sales and returns with their events, sorted by customer,
// and is idempotent by source and number: an order that is there gets only
// the lines that it has not, equal lines counted (order.amended tells the
// difference), and those days, amounts and names that the sale knows
// otherwise. Nothing is ever taken from an order, but that rough lines give
// way to a fuller account; what its source says that it comes to, it comes to.
// The order stays with whom it belongs to, but a walk-in's goes to the customer
// whom the sale names.
//
// A sale must be whole: an order's lines given in two parts, in two calls,
// cannot be told from the same lines given twice.
func PlaceMany(ctx context.Context, tx *store.Tx, sales []Sale) (Placed, error) {
	p := placing{tx: tx, done: Placed{IDs: make([]id.Order, len(sales))}}
	var err error
	if p.books, err = openBooks(ctx, tx); err != nil {
		return p.done, err
	}
	if p.services, err = services(ctx, tx); err != nil {
		return p.done, err
	}
	for i := range sales {
		if err := p.take(i, &sales[i]); err != nil {
			return p.done, err
		}
	}
	p.sort()
	for _, step := range []func(context.Context) error{p.lock, p.claim, p.trace, p.insert, p.amend, p.link} {
		if err := step(ctx); err != nil {
			return p.done, err
		}
	}
	for _, e := range p.entries {
		for _, i := range e.given {
			p.done.IDs[i] = e.order.ID
		}
	}
	if err := timeline.Record(ctx, tx, p.events...); err != nil {
		return p.done, err
	}
	return p.done, nil
}

// placing is one call of PlaceMany.
type placing struct {
	tx       *store.Tx
	books    *books
	services map[id.Product]bool
	entries  []*entry
	byKey    map[orderKey]*entry
	events   []timeline.Event
	done     Placed
}

// entry is one order of the call.
type entry struct {
	sale  Sale
	order Order
	given []int    // the places in the caller's list
	known bool     // it was there before
	met   bool     // found by an id, not by its number
	idle  bool     // nothing is to be done about it
	of    id.Order // of a new return: its order, if it is there
}

type orderKey struct{ number, source string }

// sort brings the entries into the order of the tables: rows that follow each
// other go in several times faster.
func (p *placing) sort() {
	slices.SortFunc(p.entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.sale.Customer, b.sale.Customer), a.sale.At.Compare(b.sale.At),
			strings.Compare(a.sale.Source, b.sale.Source), strings.Compare(a.sale.Number, b.sale.Number))
	})
}

// lock holds the customers, so that none is merged away meanwhile.
func (p *placing) lock(ctx context.Context) error {
	var ids []id.Customer
	for _, e := range p.entries {
		if c := e.sale.Customer; c != 0 && (len(ids) == 0 || ids[len(ids)-1] != c) {
			ids = append(ids, c)
		}
	}
	if err := customers.Lock(ctx, p.tx, ids...); err != nil {
		return err
	}
	merged := map[id.Customer]id.Customer{}
	for some := range slices.Chunk(ids, inList) {
		gone, err := store.All(ctx, p.tx, store.Scalar[id.Customer], `
			select customer_id from customers where merged_into is not null and customer_id in (`+store.List(1, len(some))+`)`, int64s(some)...)
		if err != nil {
			return err
		}
		for _, c := range gone {
			if merged[c], err = customers.Resolve(ctx, p.tx, c); err != nil {
				return err
			}
		}
	}
	for _, e := range p.entries {
		if c, ok := merged[e.sale.Customer]; ok {
			e.sale.Customer = c
		}
	}
	if len(merged) > 0 {
		p.sort()
	}
	return nil
}

// claim claims every order's number, and finds those that are claimed
// already.
func (p *placing) claim(ctx context.Context) error {
	for _, e := range p.entries {
		e.order.ID = id.Order(p.tx.NewID())
	}
	if err := p.meet(ctx); err != nil {
		return err
	}
	byNumber := slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return e.met })
	if err := p.claimNumbers(ctx, byNumber); err != nil {
		return err
	}
	if err := p.part(ctx); err != nil {
		return err
	}
	return p.addKeys(ctx)
}

// claimNumbers claims the numbers of entries, and looks who has them.
func (p *placing) claimNumbers(ctx context.Context, byNumber []*entry) error {
	slices.SortFunc(byNumber, func(a, b *entry) int {
		return cmp.Or(strings.Compare(a.sale.Source, b.sale.Source), strings.Compare(a.sale.Number, b.sale.Number))
	})
	rows := p.tx.Bulk(ctx, "order_keys", "number, source, order_id, customer_id", "on conflict (number, source) do nothing")
	for _, e := range byNumber {
		if err := rows.Add(e.sale.Number, e.sale.Source, int64(e.order.ID), null(int64(e.sale.Customer))); err != nil {
			return fmt.Errorf("claim the number of an order: %w", err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("claim %d numbers of orders: %w", len(byNumber), err)
	}
	for len(byNumber) > 0 {
		n := 1
		for n < len(byNumber) && n < inList && byNumber[n].sale.Source == byNumber[0].sale.Source {
			n++
		}
		if err := p.look(ctx, byNumber[:n]); err != nil {
			return err
		}
		byNumber = byNumber[n:]
	}
	return nil
}

// look reads who holds the numbers of some entries of one source.
func (p *placing) look(ctx context.Context, some []*entry) error {
	numbers := make([]string, len(some))
	for i, e := range some {
		numbers[i] = e.sale.Number
	}
	held, err := findKeys(ctx, p.tx, some[0].sale.Source, numbers)
	if err != nil {
		return err
	}
	for _, e := range some {
		at := held[e.sale.Number]
		e.known = at.order != e.order.ID
		e.order.ID, e.order.Customer = at.order, at.customer
	}
	return nil
}

// findKeys returns where the numbers of a source lead.
func findKeys(ctx context.Context, q store.Querier, source string, numbers []string) (map[string]spot, error) {
	held := make(map[string]spot, len(numbers))
	for some := range slices.Chunk(numbers, inList) {
		rows, err := q.Query(ctx, `select number, order_id, coalesce(customer_id, 0) from order_keys
			where source = $1 and number in (`+store.List(2, len(some))+`)`, append([]any{source}, store.Args(some)...)...)
		if err != nil {
			return nil, fmt.Errorf("find orders by number: %w", err)
		}
		for rows.Next() {
			var number string
			var s spot
			if err := rows.Scan(&number, &s.order, &s.customer); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			held[number] = s
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// build makes the row of an order that was not there.
func (p *placing) build(ctx context.Context, e *entry) error {
	s, o := &e.sale, &e.order
	*o = Order{ID: o.ID, Customer: s.Customer, Number: s.Number, Source: s.Source, Return: s.Return, At: s.At, Day: p.books.day(s.At),
		Currency: s.Currency, Discount: s.Discount, Shipping: s.Shipping, Tax: s.Tax, Channel: s.Channel, Staff: s.Staff,
		PromisedDay: s.PromisedDay, DeliveredDay: s.DeliveredDay, CancelledAt: s.CancelledAt.Truncate(time.Microsecond),
		Reason: s.Reason, Note: s.Note, Rough: s.Rough, Told: s.told, Import: s.Import, RecordedAt: p.tx.Now}
	if s.Return {
		o.OfNumber, o.Of = s.ReturnsNumber, e.of
	}
	o.add(s.Lines, p.services, 1)
	if s.Whole != nil {
		o.balance(*s.Whole)
	}
	var err error
	if o.Rate, err = p.rateOf(ctx, e, o.Day); err != nil {
		return err
	}
	return o.settle(p.books.base)
}

// insert writes the orders that were not there, table by table.
func (p *placing) insert(ctx context.Context) error {
	var walkins, known []*entry
	for _, e := range p.entries {
		switch {
		case e.known || e.idle:
			continue
		case e.sale.Customer == 0:
			walkins = append(walkins, e)
		default:
			known = append(known, e)
		}
		if err := p.build(ctx, e); err != nil {
			return err
		}
	}
	p.done.New = len(walkins) + len(known)
	for _, group := range [][]*entry{walkins, known} {
		if len(group) == 0 {
			continue
		}
		if err := p.insertOrders(ctx, group); err != nil {
			return err
		}
		if err := p.insertLines(ctx, group); err != nil {
			return err
		}
	}
	for _, e := range known {
		p.tell(e)
	}
	return nil
}

func (p *placing) insertOrders(ctx context.Context, group []*entry) error {
	table, columns := "walkin_orders", shared
	if group[0].order.Customer != 0 {
		table, columns = "orders", "customer_id, "+shared
	}
	rows := p.tx.Bulk(ctx, table, columns, "")
	for _, e := range group {
		values := e.order.values()
		if e.order.Customer != 0 {
			values = append([]any{int64(e.order.Customer)}, values...)
		}
		if err := rows.Add(values...); err != nil {
			return fmt.Errorf("write the order %s: %w", e.order.ID, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("write %d orders: %w", len(group), err)
	}
	return nil
}

func (p *placing) insertLines(ctx context.Context, group []*entry) error {
	w := newLineWriter(ctx, p.tx, group[0].order.Customer)
	for _, e := range group {
		if err := w.add(&e.order, 0, e.sale.Lines, e.sale.Import); err != nil {
			return err
		}
		p.done.Lines += len(e.sale.Lines)
	}
	return w.rows.Close()
}

// lineWriter writes lines of orders of one sort.
type lineWriter struct {
	rows *store.Bulk
}

func newLineWriter(ctx context.Context, tx *store.Tx, c id.Customer) lineWriter {
	if c == 0 {
		return lineWriter{tx.Bulk(ctx, "walkin_order_lines", sharedLine, "")}
	}
	return lineWriter{tx.Bulk(ctx, "order_lines", "customer_id, "+sharedLine, "")}
}

// add writes lines behind those that the order has.
func (w lineWriter) add(o *Order, have int64, lines []Line, imported id.Import) error {
	for i, l := range lines {
		price, err := l.priceMicro()
		if err != nil {
			return errs.Wrong("price", "orders.wrong.price-large", "Number", o.Number)
		}
		ordinal := have + int64(i) + 1
		if o.Customer == 0 {
			err = w.rows.Add(int64(o.ID), ordinal, int64(l.Product), l.Quantity, price, l.Total, null(int64(imported)))
		} else {
			err = w.rows.Add(int64(o.Customer), int64(o.ID), ordinal, int64(l.Product), l.Quantity, price, l.Total, null(int64(imported)))
		}
		if err != nil {
			return fmt.Errorf("write a line of the order %s: %w", o.ID, err)
		}
	}
	return nil
}

// priceScale is how many decimals a stored price has.
const priceScale = 6

// priceMicro is the price in millionths, rounded half away from zero.
func (l Line) priceMicro() (int64, error) {
	if l.Scale <= priceScale && l.Scale >= 0 && l.Price > -1e12 && l.Price < 1e12 {
		v := l.Price
		for range priceScale - l.Scale {
			v *= 10
		}
		return v, nil
	}
	// CLF has four decimals; two digits less of scale make them six.
	return money.Times(l.Price, l.Scale-2, 1000, "CLF")
}

// told is the payload of an event about the order as it stands.
func (p *placing) told(o *Order, lines int) Told {
	return Told{Number: o.Number, Return: o.Return, Of: int64(o.Of), Day: o.Day, At: o.At.UnixMicro(), Currency: o.Currency, Base: p.books.base,
		Total: o.Total, Rate: o.Rate, Goods: o.Goods, Items: o.Items, Lines: lines, Channel: o.Channel,
		Promised: o.PromisedDay, Arrived: o.DeliveredDay, Reason: o.Reason}
}

// tell notes the events of a new order.
func (p *placing) tell(e *entry) {
	o := &e.order
	kind := EventPlaced
	if o.Return {
		kind = EventRefunded
	}
	told := p.told(o, len(e.sale.Lines))
	if !o.Return {
		told.Reason = ""
	}
	p.events = append(p.events, e.event(kind, o.At, told))
	if o.Cancelled() && !o.Return {
		p.events = append(p.events, e.event(EventCancelled, o.CancelledAt, Cancelled{o.Number, p.books.day(o.CancelledAt), o.Reason}))
	}
}

func (e *entry) event(kind string, at time.Time, payload any) timeline.Event {
	return timeline.Event{Customer: e.order.Customer, OccurredAt: at, Kind: kind, History: e.sale.History, Source: e.sale.Source,
		Ref: int64(e.order.ID), Actor: e.sale.Actor, Import: e.sale.Import, Payload: timeline.Payload(payload)}
}

// lockOwners locks the customers of orders.
func lockOwners(ctx context.Context, tx *store.Tx, all []Order) error {
	return customers.Lock(ctx, tx, owners(all)...)
}
