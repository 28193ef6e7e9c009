package orders

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// surplus are the lines of given that have does not hold, equal ones counted.
func surplus(have, given []Line) []Line {
	count := make(map[Line]int, len(have))
	for _, l := range have {
		count[l.plain()]++
	}
	var more []Line
	for _, l := range given {
		if k := l.plain(); count[k] > 0 {
			count[k]--
		} else {
			more = append(more, l)
		}
	}
	return more
}

// plain is the line with its price in the stored scale, so that lines of
// different accounts can be compared.
func (l Line) plain() Line {
	if price, err := l.priceMicro(); err == nil {
		l.Price, l.Scale = price, priceScale
	}
	return l
}

// amend brings orders that were there up to what the sales know.
func (p *placing) amend(ctx context.Context) error {
	var spots []spot
	for _, e := range p.entries {
		if !e.known {
			continue
		}
		if e.order.Customer == 0 && e.sale.Customer != 0 {
			if err := p.claimWalkin(ctx, e); err != nil {
				return err
			}
		}
		spots = append(spots, e.order.spot())
	}
	if len(spots) == 0 {
		return nil
	}
	found, lines, err := readSpots(ctx, p.tx, spots)
	if err != nil {
		return err
	}
	for _, e := range p.entries {
		if !e.known {
			continue
		}
		o, ok := found[e.order.ID]
		if !ok {
			return fmt.Errorf("the number of order %s leads to no order", e.order.ID)
		}
		e.order = o
		if err := p.amendOne(ctx, e, lines[o.ID]); err != nil {
			return err
		}
	}
	return nil
}

// claimWalkin moves a walk-in order to the customer whom the sale names.
func (p *placing) claimWalkin(ctx context.Context, e *entry) error {
	by := customers.By{Actor: e.sale.Actor, Source: e.sale.Source, Import: e.sale.Import, History: e.sale.History}
	e.order.Customer = e.sale.Customer
	return Claim(ctx, p.tx, e.order.ID, e.sale.Customer, by)
}

func (p *placing) amendOne(ctx context.Context, e *entry, have []OrderLine) error {
	if e.order.Told {
		return p.amendTold(ctx, e, have)
	}
	before, o := e.order, &e.order
	told := make([]Line, len(have))
	for i, l := range have {
		told[i] = l.line()
	}
	more, replaced := o.compare(&e.sale, told)
	if replaced {
		o.add(told, p.services, -1)
	}
	o.add(more, p.services, 1)
	changes := o.takeOver(&e.sale)
	if len(more) == 0 && len(changes) == 0 {
		p.done.Same++
		return nil
	}
	if replaced {
		if err := dropRough(ctx, p.tx, o, have, changes); err != nil {
			return err
		}
	}
	if err := o.settle(p.books.base); err != nil {
		return err
	}
	last := int64(0)
	if len(have) > 0 {
		last = have[len(have)-1].Ordinal
	}
	w := newLineWriter(ctx, p.tx, o.Customer)
	if err := errors.Join(w.add(o, last, more, e.sale.Import), w.rows.Close()); err != nil {
		return err
	}
	if err := rewrite(ctx, p.tx, o); err != nil {
		return err
	}
	// Also without changes: a row here leads the undoing of the import to the
	// lines it added.
	if e.sale.Import != 0 {
		if err := rememberChanges(ctx, p.tx, o, e.sale.Import, changes); err != nil {
			return err
		}
	}
	if err := p.refundedAgain(ctx, o, before.Total); err != nil {
		return err
	}
	p.done.Changed++
	p.done.Lines += len(more)
	if o.Customer != 0 {
		p.tellAmended(e, &before, len(more))
	}
	return nil
}

// compare says which lines the sale has beyond those that the order has, and
// whether they take the place of these, which only stood for the whole.
func (o *Order) compare(s *Sale, have []Line) (more []Line, replaced bool) {
	switch {
	case s.Rough && len(have) > 0:
		if !o.Rough {
			s.yield()
		}
		return nil, false
	case o.Rough && len(s.Lines) > 0:
		if s.Whole == nil {
			total := o.Total
			s.Whole = &total
		}
		return s.Lines, true
	}
	return surplus(have, s.Lines), false
}

// refundedAgain adds what a return grew by to what its order has refunded.
func (p *placing) refundedAgain(ctx context.Context, o *Order, before int64) error {
	if !o.Return || o.Of == 0 || o.Total == before {
		return nil
	}
	return countRefunds(ctx, p.tx, o.Customer, o.Of)
}

// tellAmended notes the events of what changed.
func (p *placing) tellAmended(e *entry, before *Order, lines int) {
	o, at := &e.order, p.tx.Now
	if e.sale.Import != 0 || e.sale.History {
		at = o.At // a file tells of the past, not of today
	}
	moved := !o.At.Equal(before.At) || o.Currency != before.Currency
	if lines > 0 || moved || o.Total != before.Total || o.Goods != before.Goods || o.Items != before.Items {
		diff := p.told(o, lines)
		diff.Total, diff.Goods, diff.Items = o.Total-before.Total, o.Goods-before.Goods, o.Items-before.Items
		diff.Promised, diff.Arrived, diff.Reason = "", "", ""
		p.events = append(p.events, e.event(EventAmended, at, diff))
	}
	if o.PromisedDay != before.PromisedDay {
		p.events = append(p.events, e.event(EventPromised, at, Promised{o.Number, o.PromisedDay, before.PromisedDay}))
	}
	if o.DeliveredDay != before.DeliveredDay {
		p.events = append(p.events, e.event(EventDelivered, p.books.noon(o.DeliveredDay, at), Delivered{o.Number, o.DeliveredDay, o.PromisedDay}))
	}
	if o.Cancelled() && !before.Cancelled() && !o.Return {
		p.events = append(p.events, e.event(EventCancelled, o.CancelledAt, Cancelled{o.Number, p.books.day(o.CancelledAt), o.Reason}))
	}
}

// noon is the middle of a local day, or fallback when it is none.
func (b *books) noon(day string, fallback time.Time) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, b.zone)
	if err != nil {
		return fallback
	}
	return t.Add(12 * time.Hour)
}

// field is something of an order that a later account may know otherwise; its
// value as text.
type field struct {
	name string
	get  func(*Order) string
	set  func(*Order, string)
}

func amountField(name string, at func(*Order) *int64) field {
	return field{name, func(o *Order) string { return strconv.FormatInt(*at(o), 10) },
		func(o *Order, v string) { *at(o), _ = strconv.ParseInt(v, 10, 64) }}
}

func textField(name string, at func(*Order) *string) field {
	return field{name, func(o *Order) string { return *at(o) }, func(o *Order, v string) { *at(o) = v }}
}

var fields = []field{
	amountField("discount", func(o *Order) *int64 { return &o.Discount }),
	amountField("shipping", func(o *Order) *int64 { return &o.Shipping }),
	amountField("tax", func(o *Order) *int64 { return &o.Tax }),
	textField("channel", func(o *Order) *string { return &o.Channel }),
	textField("staff", func(o *Order) *string { return &o.Staff }),
	textField("promised", func(o *Order) *string { return &o.PromisedDay }),
	textField("delivered", func(o *Order) *string { return &o.DeliveredDay }),
	textField("reason", func(o *Order) *string { return &o.Reason }),
	textField("note", func(o *Order) *string { return &o.Note }),
	{"cancelled", func(o *Order) string {
		if !o.Cancelled() {
			return ""
		}
		return strconv.FormatInt(o.CancelledAt.UnixMicro(), 10)
	}, func(o *Order, v string) {
		o.CancelledAt = time.Time{}
		if us, err := strconv.ParseInt(v, 10, 64); err == nil {
			o.CancelledAt = time.UnixMicro(us).UTC()
		}
	}},
}

// change is what a field was and what it became.
type change struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// takeOver changes what the sale knows otherwise, and says what. What the sale
// leaves empty stays, and who cancelled first was right.
func (o *Order) takeOver(s *Sale) map[string]change {
	now := *o
	if s.Whole != nil {
		now.Discount, now.Shipping, now.Tax = s.Discount, s.Shipping, s.Tax
		whole := *s.Whole
		if o.Return {
			whole = max(whole, o.Total)
		}
		now.balance(whole)
	} else {
		now.Discount, now.Shipping, now.Tax = cmp.Or(s.Discount, o.Discount), cmp.Or(s.Shipping, o.Shipping), cmp.Or(s.Tax, o.Tax)
	}
	now.Channel, now.Staff = cmp.Or(s.Channel, o.Channel), cmp.Or(s.Staff, o.Staff)
	now.PromisedDay, now.DeliveredDay = cmp.Or(s.PromisedDay, o.PromisedDay), cmp.Or(s.DeliveredDay, o.DeliveredDay)
	if o.Return || !s.CancelledAt.IsZero() || o.Cancelled() {
		now.Reason, now.Note = cmp.Or(s.Reason, o.Reason), cmp.Or(s.Note, o.Note)
	}
	if !o.Cancelled() {
		now.CancelledAt = s.CancelledAt.UTC().Truncate(time.Microsecond)
		if s.CancelledAt.IsZero() {
			now.CancelledAt = time.Time{}
		}
	}
	changes := map[string]change{}
	for _, f := range fields {
		if was, is := f.get(o), f.get(&now); was != is {
			changes[f.name] = change{was, is}
		}
	}
	*o = now
	return changes
}

// rememberChanges keeps what an import changed in an order that was not its
// own. A second change by the same import keeps the first former value.
func rememberChanges(ctx context.Context, tx *store.Tx, o *Order, i id.Import, changes map[string]change) error {
	if o.Import == i {
		return nil // it goes whole with its import
	}
	had, err := readChanges(ctx, tx, o, i)
	if err != nil {
		return err
	}
	for name, c := range changes {
		if first, ok := had[name]; ok {
			c.Old = first.Old
		}
		had[name] = c
	}
	return writeChanges(ctx, tx, o, i, had)
}

func writeChanges(ctx context.Context, tx *store.Tx, o *Order, i id.Import, changes map[string]change) error {
	body, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	if o.Customer == 0 {
		_, err = tx.Exec(ctx, `
			insert into walkin_order_changes (order_id, import_id, fields, changed_at) values ($1, $2, $3, $4)
			on conflict (order_id, import_id) do update set fields = excluded.fields`,
			int64(o.ID), int64(i), string(body), tx.Now.UnixMicro())
	} else {
		_, err = tx.Exec(ctx, `
			insert into order_changes (customer_id, order_id, import_id, fields, changed_at) values ($1, $2, $3, $4, $5)
			on conflict (customer_id, order_id, import_id) do update set fields = excluded.fields`,
			int64(o.Customer), int64(o.ID), int64(i), string(body), tx.Now.UnixMicro())
	}
	if err != nil {
		return fmt.Errorf("keep what the import changed in %s: %w", o.ID, err)
	}
	return nil
}

func readChanges(ctx context.Context, q store.Querier, o *Order, i id.Import) (map[string]change, error) {
	where, args := o.key(2)
	bodies, err := store.All(ctx, q, store.Scalar[string], `select fields from `+o.prefix()+`order_changes where import_id = $1 and `+where,
		append([]any{int64(i)}, args...)...)
	changes := map[string]change{}
	if err == nil && len(bodies) > 0 {
		err = json.Unmarshal([]byte(bodies[0]), &changes)
	}
	return changes, err
}
