package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Account is an order as its shop has it now, with all that came back of it.
type Account struct {
	Sale Sale   // with Keys
	Back []Sale // its returns, each with Keys of its own; Return, Source and ReturnsNumber are seen to
}

// Restated says what Restate did.
type Restated struct {
	Order id.Order
	// Stale are customers of whom events were taken away: what is folded from
	// those is to be folded anew. Others are told by what was recorded.
	Stale []id.Customer
}

// Restate makes an order and its returns what the shop says they are, whatever
// they were before: lines and amounts are replaced and not added to, and what
// is told again changes nothing. Rough lines do not replace those of a fuller
// account. It records order.placed and order.refunded of
// what is new, order.amended with the difference, order.cancelled and
// order.reinstated. From then on files and other accounts of the same order
// leave it alone, and it outlives the undoing of an import that brought it.
//
// Returns that an import or the shop told of and that are not in the account
// are taken away with their events; those that staff wrote down here stay.
func Restate(ctx context.Context, tx *store.Tx, a Account) (Restated, error) {
	s := a.Sale
	s.Return, s.Import, s.told = false, 0, true
	var done Restated
	if len(s.Keys) == 0 {
		return done, errors.New("restate an order: it has no id")
	}
	r := restating{tx: tx, done: &done}
	o, err := r.one(ctx, s)
	if err != nil {
		return done, err
	}
	done.Order = o.ID
	return done, r.returns(ctx, o, a.Back)
}

type restating struct {
	tx   *store.Tx
	done *Restated
}

// one places or changes one order or return, and returns it as it stands.
func (r *restating) one(ctx context.Context, s Sale) (Order, error) {
	p := placing{tx: r.tx, done: Placed{IDs: make([]id.Order, 1)}}
	var err error
	if p.books, err = openBooks(ctx, r.tx); err != nil {
		return Order{}, err
	}
	if p.services, err = services(ctx, r.tx); err != nil {
		return Order{}, err
	}
	if err := p.take(0, &s); err != nil {
		return Order{}, err
	}
	for _, step := range []func(context.Context) error{p.lock, p.claim, p.trace, p.insert} {
		if err := step(ctx); err != nil {
			return Order{}, err
		}
	}
	e := p.entries[0]
	if e.known {
		if err := r.change(ctx, &p, e); err != nil {
			return Order{}, err
		}
	} else if err := p.link(ctx); err != nil {
		return Order{}, err
	}
	return e.order, timeline.Record(ctx, r.tx, p.events...)
}

// change makes an order that is there what the entry's sale says.
func (r *restating) change(ctx context.Context, p *placing, e *entry) error {
	o, err := r.own(ctx, e)
	if err != nil {
		return err
	}
	e.order = o
	lines, err := Lines(ctx, r.tx, o)
	if err != nil {
		return err
	}
	have := make([]Line, len(lines))
	for i, l := range lines {
		have[i] = l.line()
	}
	before, now := o, &e.order
	now.At, now.Day, now.Currency, now.Told = e.sale.At, p.books.day(e.sale.At), e.sale.Currency, true
	now.restate(&e.sale)
	if whole := e.sale.total(); e.sale.Rough && !before.Rough && len(have) > 0 {
		e.sale.Lines, e.sale.Whole = have, &whole
	} else {
		now.Discount, now.Shipping, now.Tax, now.Rough = e.sale.Discount, e.sale.Shipping, e.sale.Tax, e.sale.Rough
	}
	now.LinesTotal, now.Goods, now.Items = 0, 0, 0
	now.add(e.sale.Lines, p.services, 1)
	if e.sale.Whole != nil {
		now.balance(*e.sale.Whole)
	}
	if now.Currency != before.Currency || now.Rate == 0 {
		if now.Rate, err = p.rateOf(ctx, e, now.Day); err != nil {
			return err
		}
	}
	if err := now.settle(p.books.base); err != nil {
		return err
	}
	fresh := -1 // the lines are as they were
	if !slices.EqualFunc(have, e.sale.Lines, func(a, b Line) bool { return a.plain() == b.plain() }) {
		fresh = len(surplus(have, e.sale.Lines))
	}
	return r.write(ctx, p, e, &before, fresh)
}

// own gives the order to the customer of the sale, and takes it out of the
// import that brought it.
func (r *restating) own(ctx context.Context, e *entry) (Order, error) {
	o, err := ByID(ctx, r.tx, e.order.Customer, e.order.ID)
	if err != nil {
		return o, fmt.Errorf("the number of order %s leads to no order: %w", e.order.ID, err)
	}
	if err := customers.Lock(ctx, r.tx, lockable(o.Customer, e.sale.Customer)...); err != nil {
		return o, err
	}
	brought, err := imported(ctx, r.tx, &o)
	if err != nil {
		return o, err
	}
	if brought {
		if err := adopt(ctx, r.tx, &o); err != nil {
			return o, err
		}
	}
	if e.sale.Customer == 0 || e.sale.Customer == o.Customer {
		return o, nil
	}
	by := customers.By{Actor: e.sale.Actor, Source: e.sale.Source, History: e.sale.History}
	if o.Customer != 0 {
		who, err := customers.ByID(ctx, r.tx, o.Customer)
		if err != nil || !who.ErasedAt.IsZero() {
			return o, err // what an erased person bought stays nobody's
		}
		r.done.Stale = append(r.done.Stale, o.Customer)
		if err := release(ctx, r.tx, &o); err != nil {
			return o, err
		}
	}
	if err := Claim(ctx, r.tx, o.ID, e.sale.Customer, by); err != nil {
		return o, err
	}
	return ByID(ctx, r.tx, e.sale.Customer, o.ID)
}

func lockable(cs ...id.Customer) []id.Customer {
	return slices.DeleteFunc(cs, func(c id.Customer) bool { return c == 0 })
}

// release makes an order and its returns a walk-in's, as if the customer had
// never had them.
func release(ctx context.Context, tx *store.Tx, o *Order) error {
	back, err := Returns(ctx, tx, *o)
	if err != nil {
		return err
	}
	for i := range back {
		if err := release(ctx, tx, &back[i]); err != nil {
			return err
		}
	}
	if err := timeline.Forget(ctx, tx, o.Customer, int64(o.ID), 0); err != nil {
		return err
	}
	return move(ctx, tx, o, 0)
}

// restate takes over what else the shop says. What it does not know stays.
func (o *Order) restate(s *Sale) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&o.Channel, s.Channel}, {&o.Staff, s.Staff}, {&o.PromisedDay, s.PromisedDay}, {&o.DeliveredDay, s.DeliveredDay}, {&o.Note, s.Note}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	o.CancelledAt, o.Reason = s.CancelledAt.UTC().Truncate(time.Microsecond), s.Reason
	if s.CancelledAt.IsZero() {
		o.CancelledAt = time.Time{}
	}
}

// total is what the sale comes to.
func (s *Sale) total() int64 {
	if s.Whole != nil {
		return *s.Whole
	}
	sum := -s.Discount + s.Shipping + s.Tax
	for _, l := range s.Lines {
		sum += l.Total
	}
	return sum
}

// write writes the order as it is now, if it differs, and notes its events.
// fresh is how many lines it did not have; -1: they are as they were.
func (r *restating) write(ctx context.Context, p *placing, e *entry, before *Order, fresh int) error {
	o := &e.order
	if *o == *before && fresh < 0 {
		return nil
	}
	if err := rewrite(ctx, r.tx, o); err != nil {
		return err
	}
	where, key := o.key(5)
	if _, err := r.tx.Exec(ctx, `update `+o.prefix()+`orders set placed_at = $1, placed_day = $2, currency = $3, told = $4 where `+where,
		append([]any{o.At.UnixMicro(), o.Day, string(o.Currency), o.Told}, key...)...); err != nil {
		return fmt.Errorf("write the order %s: %w", o.ID, err)
	}
	if fresh >= 0 {
		if err := replaceLines(ctx, r.tx, o, e.sale.Lines); err != nil {
			return err
		}
	}
	if o.Return && o.Of != 0 && o.Total != before.Total {
		if err := countRefunds(ctx, r.tx, o.Customer, o.Of); err != nil {
			return err
		}
	}
	if o.Customer == 0 {
		return nil
	}
	p.tellAmended(e, before, fresh)
	if before.Cancelled() && !o.Cancelled() && !o.Return {
		p.events = append(p.events, e.event(EventReinstated, p.tx.Now, Reinstated{o.Number, p.books.day(p.tx.Now)}))
	}
	return nil
}

// replaceLines writes an order's lines in the place of those that it has.
func replaceLines(ctx context.Context, tx *store.Tx, o *Order, lines []Line) error {
	where, key := o.key(1)
	if _, err := tx.Exec(ctx, `delete from `+o.prefix()+`order_lines where `+where, key...); err != nil {
		return fmt.Errorf("replace the lines of the order %s: %w", o.ID, err)
	}
	w := newLineWriter(ctx, tx, o.Customer)
	return errors.Join(w.add(o, 0, lines, 0), w.rows.Close())
}

// returns makes the returns of an order those of the account.
func (r *restating) returns(ctx context.Context, of Order, back []Sale) error {
	told := map[id.Order]bool{}
	for _, s := range back {
		s.Customer, s.Source, s.Return, s.ReturnsNumber, s.Import = of.Customer, of.Source, true, of.Number, 0
		s.told = true
		if len(s.Keys) == 0 {
			return errors.New("restate a return: it has no id")
		}
		o, err := r.one(ctx, s)
		if err != nil {
			return err
		}
		told[o.ID] = true
	}
	have, err := Returns(ctx, r.tx, of)
	if err != nil {
		return err
	}
	gone := false
	for i := range have {
		o := &have[i]
		if told[o.ID] || o.Source != of.Source || o.Import == 0 && !o.Told {
			continue
		}
		if err := drop(ctx, r.tx, o); err != nil {
			return fmt.Errorf("take away the return %s: %w", o.ID, err)
		}
		gone = true
	}
	if !gone {
		return nil
	}
	if of.Customer != 0 {
		r.done.Stale = append(r.done.Stale, of.Customer)
	}
	return countRefunds(ctx, r.tx, of.Customer, of.ID)
}

// drop takes an order away with its lines, names and events.
func drop(ctx context.Context, tx *store.Tx, o *Order) error {
	where, key := o.key(1)
	for _, table := range []string{"order_lines", "order_changes", "orders"} {
		if _, err := tx.Exec(ctx, `delete from `+o.prefix()+table+` where `+where, key...); err != nil {
			return err
		}
	}
	if err := dropKeys(ctx, tx, o); err != nil {
		return err
	}
	if o.Customer == 0 {
		return nil
	}
	return timeline.Forget(ctx, tx, o.Customer, int64(o.ID), 0)
}

// amendTold takes over what another account may add to an order that its shop
// told of: lines in the place of rough ones, and days
// and names that the shop did not know.
func (p *placing) amendTold(ctx context.Context, e *entry, have []OrderLine) error {
	before, o := e.order, &e.order
	for _, f := range []struct {
		to   *string
		from string
	}{{&o.Channel, e.sale.Channel}, {&o.Staff, e.sale.Staff}, {&o.PromisedDay, e.sale.PromisedDay}, {&o.DeliveredDay, e.sale.DeliveredDay}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	fuller := o.Rough && !e.sale.Rough && len(e.sale.Lines) > 0
	if fuller {
		whole := o.Total
		o.Discount, o.Shipping, o.Tax, o.Rough = e.sale.Discount, e.sale.Shipping, e.sale.Tax, false
		o.LinesTotal, o.Goods, o.Items = 0, 0, 0
		o.add(e.sale.Lines, p.services, 1)
		o.balance(whole)
		if err := o.settle(p.books.base); err != nil {
			return err
		}
		if err := replaceLines(ctx, p.tx, o, e.sale.Lines); err != nil {
			return err
		}
	}
	if *o == before {
		p.done.Same++
		return nil
	}
	if err := rewrite(ctx, p.tx, o); err != nil {
		return err
	}
	p.done.Changed++
	if o.Customer != 0 {
		e.sale.Import = 0 // it outlives the import that told it
		lines := 0
		if fuller {
			lines = len(e.sale.Lines)
		}
		p.tellAmended(e, &before, lines)
	}
	return nil
}

// refuse leaves out new returns that files tell of, of orders whose shop tells
// of returns itself.
func (p *placing) refuse(ctx context.Context) error {
	for _, e := range p.entries {
		if e.of == 0 || e.sale.Import == 0 {
			continue
		}
		of, err := ByID(ctx, p.tx, e.sale.Customer, e.of)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		if err != nil || !of.Told {
			continue
		}
		if err := dropKeys(ctx, p.tx, &Order{ID: e.order.ID, Number: e.sale.Number, Source: e.sale.Source}); err != nil {
			return err
		}
		e.idle, e.order.ID = true, e.of
		p.done.Same++
	}
	return nil
}
