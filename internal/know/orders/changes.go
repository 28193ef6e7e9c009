package orders

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// hold locks the customer of an order and reads it.
func hold(ctx context.Context, tx *store.Tx, c id.Customer, o id.Order) (Order, error) {
	if c != 0 {
		if err := customers.Lock(ctx, tx, c); err != nil {
			return Order{}, err
		}
	} else if _, err := tx.Exec(ctx, `update walkin_orders set recorded_at = recorded_at where order_id = $1`, int64(o)); err != nil {
		return Order{}, err // the row lock of a walk-in
	}
	return ByID(ctx, tx, c, o)
}

// record records an event of an order, if it is a customer's.
func record(ctx context.Context, tx *store.Tx, o *Order, by customers.By, kind string, payload any) error {
	if o.Customer == 0 {
		return nil
	}
	return timeline.Record(ctx, tx, timeline.Event{Customer: o.Customer, Kind: kind, History: by.History, Source: by.Source,
		Ref: int64(o.ID), Actor: by.Actor, Import: by.Import, Payload: timeline.Payload(payload)})
}

// Back is money to be given back for an order.
type Back struct {
	Lines  []BackLine // what came back; none: only money
	Amount int64      // minor units of the order's currency; 0: what the lines cost, or all that is left
	Reason string     // of Reasons
	Note   string
	Seen   int64 // what Order.Refunded was when the decision was made
}

// BackLine is how much of a line came back.
type BackLine struct {
	Ordinal  int64
	Quantity int64 // thousandths
}

// Refund gives money back for an order, in part or, with nothing but a
// reason, all that is left of it. It returns the id of the return and records
// order.refunded. More than was paid, or a decision that was made before
// another refund, is refused, so that a form sent twice refunds once.
func Refund(ctx context.Context, tx *store.Tx, c id.Customer, order id.Order, back Back, by customers.By) (id.Order, error) {
	o, err := hold(ctx, tx, c, order)
	if err != nil {
		return 0, err
	}
	left := o.Total - o.Refunded
	switch {
	case o.Return:
		return 0, errs.Wrong("", "orders.wrong.return")
	case back.Seen != o.Refunded:
		return 0, errs.Clash("", "orders.wrong.refunded-meanwhile")
	case back.Reason == "":
		return 0, errs.Wrong("reason", "orders.wrong.refund-reason")
	case left <= 0:
		return 0, errs.Wrong("amount", "orders.wrong.refunded-all")
	}
	lines, err := o.backLines(ctx, tx, back, left)
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, l := range lines {
		sum += l.Total
	}
	amount := back.Amount
	if amount == 0 {
		amount = sum
	}
	if amount == 0 && len(back.Lines) == 0 {
		amount = left
	}
	whole := len(back.Lines) == 0 && back.Amount == 0
	if whole {
		amount = left
	}
	if amount <= 0 || amount > left {
		return 0, errs.Wrong("amount", "orders.wrong.refund-amount", "Left", money.Amount{Minor: left, Currency: o.Currency})
	}
	returns, err := Returns(ctx, tx, o)
	if err != nil {
		return 0, err
	}
	s := Sale{Customer: o.Customer, Number: fmt.Sprintf("%s-R%d", o.Number, len(returns)+1), Source: o.Source, At: tx.Now,
		Currency: o.Currency, Channel: o.Channel, Lines: lines, Return: true, ReturnsNumber: o.Number,
		Reason: back.Reason, Note: back.Note, Actor: by.Actor, History: by.History}
	// What is given back beyond the goods is shipping and the like, what is
	// kept of their price is a discount.
	s.Shipping, s.Discount = max(0, amount-sum), max(0, sum-amount)
	if s.At.Before(o.At) {
		s.At = o.At
	}
	return Place(ctx, tx, s)
}

// backLines are the lines of a return, checked against what is left of the
// order's own. All that is left comes back when nothing was chosen.
func (o Order) backLines(ctx context.Context, q store.Querier, back Back, left int64) ([]Line, error) {
	if len(back.Lines) == 0 && (back.Amount != 0 || left < o.Total) {
		return nil, nil // money only
	}
	had, err := Lines(ctx, q, o)
	if err != nil {
		return nil, err
	}
	remaining, err := Remaining(ctx, q, o, had)
	if err != nil {
		return nil, err
	}
	chosen := map[int64]int64{}
	for _, l := range back.Lines {
		chosen[l.Ordinal] = l.Quantity
	}
	var lines []Line
	for _, l := range had {
		n := chosen[l.Ordinal]
		if len(back.Lines) == 0 {
			n = max(0, l.Quantity)
		}
		if n < 0 || n > max(0, remaining[l.Ordinal]) {
			return nil, errs.Wrong("lines", "orders.wrong.refund-lines")
		}
		if n == 0 {
			continue
		}
		total, err := share(l.Total, n, l.Quantity)
		if err != nil {
			return nil, errs.Wrong("lines", "orders.wrong.amount-large")
		}
		lines = append(lines, Line{l.Product, n, l.PriceMicro, priceScale, total})
	}
	return lines, nil
}

// share is total × part / whole, rounded half away from zero.
func share(total, part, whole int64) (int64, error) {
	if part == whole || whole == 0 {
		return total, nil
	}
	n := new(big.Int).Mul(big.NewInt(total), big.NewInt(part))
	n.Mul(n, big.NewInt(2)).Add(n, new(big.Int).Mul(big.NewInt(whole), big.NewInt(int64(n.Sign()*big.NewInt(whole).Sign()))))
	n.Quo(n, new(big.Int).Mul(big.NewInt(whole), big.NewInt(2)))
	if !n.IsInt64() {
		return 0, money.ErrRange
	}
	return n.Int64(), nil
}

// Remaining is how much of each line has not come back, by ordinal.
func Remaining(ctx context.Context, q store.Querier, o Order, lines []OrderLine) (map[int64]int64, error) {
	returns, err := Returns(ctx, q, o)
	if err != nil {
		return nil, err
	}
	came := map[id.Product]int64{}
	for _, r := range returns {
		back, err := Lines(ctx, q, r)
		if err != nil {
			return nil, err
		}
		for _, l := range back {
			came[l.Product] += l.Quantity
		}
	}
	left := make(map[int64]int64, len(lines))
	for _, l := range lines {
		gone := min(max(0, came[l.Product]), max(0, l.Quantity))
		came[l.Product] -= gone
		left[l.Ordinal] = l.Quantity - gone
	}
	return left, nil
}

// Cancel calls an order off, with its reason, and records order.cancelled. An
// order that is cancelled already stays as it is.
func Cancel(ctx context.Context, tx *store.Tx, c id.Customer, order id.Order, reason, note string, by customers.By) error {
	o, err := hold(ctx, tx, c, order)
	if err != nil || o.Cancelled() {
		return err
	}
	switch {
	case o.Return:
		return errs.Wrong("", "orders.wrong.cancel-return")
	case o.DeliveredDay != "":
		return errs.Wrong("", "orders.wrong.cancel-delivered")
	case strings.TrimSpace(reason) == "":
		return errs.Wrong("reason", "orders.wrong.cancel-reason")
	}
	b, err := openBooks(ctx, tx)
	if err != nil {
		return err
	}
	o.Reason, o.Note = knownReason(reason, text.Short(text.Clean(note), 2000))
	o.CancelledAt = tx.Now
	if err := o.settle(b.base); err != nil {
		return err
	}
	if err := rewrite(ctx, tx, &o); err != nil {
		return err
	}
	return record(ctx, tx, &o, by, EventCancelled, Cancelled{o.Number, b.day(o.CancelledAt), o.Reason})
}

// Promise sets the day an order is promised for, and records order.promised.
// The same day again changes nothing.
func Promise(ctx context.Context, tx *store.Tx, c id.Customer, order id.Order, day string, by customers.By) error {
	o, err := hold(ctx, tx, c, order)
	if err != nil || o.PromisedDay == day {
		return err
	}
	switch {
	case !isDay(day):
		return errs.Wrong("day", "orders.wrong.promise-day")
	case o.Return || o.Cancelled():
		return errs.Wrong("day", "orders.wrong.promise-closed")
	case day < o.Day:
		return errs.Wrong("day", "orders.wrong.promise-before")
	}
	former := o.PromisedDay
	o.PromisedDay = day
	if err := rewrite(ctx, tx, &o); err != nil {
		return err
	}
	return record(ctx, tx, &o, by, EventPromised, Promised{o.Number, day, former})
}

// Deliver notes the day an order arrived, and records order.delivered. The
// same day again changes nothing.
func Deliver(ctx context.Context, tx *store.Tx, c id.Customer, order id.Order, day string, by customers.By) error {
	o, err := hold(ctx, tx, c, order)
	if err != nil || o.DeliveredDay == day {
		return err
	}
	switch {
	case !isDay(day):
		return errs.Wrong("day", "orders.wrong.delivery-day")
	case o.Return || o.Cancelled():
		return errs.Wrong("day", "orders.wrong.delivery-closed")
	case day < o.Day:
		return errs.Wrong("day", "orders.wrong.delivery-before")
	}
	o.DeliveredDay = day
	if err := rewrite(ctx, tx, &o); err != nil {
		return err
	}
	return record(ctx, tx, &o, by, EventDelivered, Delivered{o.Number, day, o.PromisedDay})
}
