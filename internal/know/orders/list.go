package orders

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// The states an order can be filtered by.
const (
	StateLate      = "late"      // delivered after the day promised, or not yet and it is past
	StateOpen      = "open"      // promised and not delivered
	StateDelivered = "delivered" //
	StateCancelled = "cancelled" //
	StateRefunded  = "refunded"  // in part or whole
	StateReturn    = "return"    // a return itself
	StateUnvalued  = "unvalued"  // waits for a rate
)

// States are all of them.
var States = []string{StateLate, StateOpen, StateDelivered, StateCancelled, StateRefunded, StateReturn, StateUnvalued}

// Filter says which orders are wanted. The zero value: all of customers.
type Filter struct {
	Number   string // the beginning of a number, of customers' orders and walk-ins both
	From, To string // days, both within
	Channel  string
	State    string
	Walkin   bool        // walk-ins instead of customers' orders
	Customer id.Customer // only this one's, 0: everybody's
	Today    string      // for StateLate
}

// Listed is a part of a list and the cursor of what follows.
type Listed struct {
	Orders []Order
	Next   string // empty: nothing follows
}

// sorts are the columns a list can be sorted by.
var sorts = map[string]string{"placed": "placed_at", "total": "coalesce(base_minor, 0)"}

// List returns a part of the orders that match. A number is looked up by its
// beginning, at most 100 of them, the other filters then hold too.
func List(ctx context.Context, q store.Querier, f Filter, p Page) (Listed, error) {
	if f.Number != "" {
		return search(ctx, q, f)
	}
	column, ok := sorts[p.Sort]
	if !ok {
		column = sorts["placed"]
	}
	tail, args, err := p.of(f.conditions(), column, "order_id")
	if err != nil {
		return Listed{}, err
	}
	all, err := read(ctx, q, f.Walkin, tail, args...)
	if err != nil {
		return Listed{}, fmt.Errorf("list orders: %w", err)
	}
	var found Listed
	found.Orders, found.Next = cut(p, all, func(o Order) (int64, int64) { return o.sorted(p.Sort), int64(o.ID) })
	return found, nil
}

// sorted is the value of the column by which a list is sorted.
func (o *Order) sorted(sort string) int64 {
	if sort == "total" {
		return o.Base
	}
	return o.At.UnixMicro()
}

func (f Filter) conditions() (c conditions) {
	if f.Customer != 0 {
		c.add("customer_id = ?", int64(f.Customer))
	}
	if f.From != "" {
		c.add("placed_day >= ?", f.From)
	}
	if f.To != "" {
		c.add("placed_day <= ?", f.To)
	}
	if f.Channel != "" {
		c.add("channel = ?", f.Channel)
	}
	switch f.State {
	case StateLate:
		c.add("cancelled_at is null and promised_day < coalesce(delivered_day, ?)", f.Today)
	case StateOpen:
		c.add("cancelled_at is null and promised_day is not null and delivered_day is null")
	case StateDelivered:
		c.add("delivered_day is not null")
	case StateCancelled:
		c.add("cancelled_at is not null")
	case StateRefunded:
		c.add("refunded_minor > 0")
	case StateReturn:
		c.add("is_return")
	case StateUnvalued:
		c.add("rate is null")
	}
	return c
}

// match is conditions for one order.
func (f Filter) match(o Order) bool {
	states := map[string]bool{
		"": true, StateLate: o.Late(f.Today), StateOpen: !o.Cancelled() && o.PromisedDay != "" && o.DeliveredDay == "",
		StateDelivered: o.DeliveredDay != "", StateCancelled: o.Cancelled(), StateRefunded: o.Refunded > 0, StateReturn: o.Return,
		StateUnvalued: o.Rate == 0,
	}
	return states[f.State] && (f.From == "" || o.Day >= f.From) && (f.To == "" || o.Day <= f.To) && (f.Channel == "" || o.Channel == f.Channel) &&
		(f.Customer == 0 || o.Customer == f.Customer)
}

// maxFound is how many numbers one search looks at.
const maxFound = 100

// search finds orders by the beginning of their number.
func search(ctx context.Context, q store.Querier, f Filter) (Listed, error) {
	var spots []spot
	seen := map[id.Order]bool{}
	number := text.Short(text.Line(f.Number), maxText)
	for _, start := range slices.Compact([]string{number, strings.ToUpper(number)}) {
		rows, err := q.Query(ctx, `select order_id, coalesce(customer_id, 0) from order_keys
			where number >= $1 and number < $2 and not also order by number, source limit $3`, start, start+"\U0010ffff", maxFound)
		if err != nil {
			return Listed{}, fmt.Errorf("search orders: %w", err)
		}
		for rows.Next() {
			var s spot
			if err := rows.Scan(&s.order, &s.customer); err != nil {
				rows.Close()
				return Listed{}, err
			}
			if !seen[s.order] {
				seen[s.order] = true
				spots = append(spots, s)
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return Listed{}, err
		}
	}
	var found Listed
	all, _, err := readSpots(ctx, q, spots)
	for _, s := range spots {
		if o, ok := all[s.order]; ok && f.match(o) {
			found.Orders = append(found.Orders, o)
		}
	}
	return found, err
}

// Count returns how many orders match, counting up to a limit.
func Count(ctx context.Context, q store.Querier, f Filter, limit int) (int, error) {
	table := "orders"
	if f.Walkin {
		table = "walkin_orders"
	}
	return f.conditions().count(ctx, q, table, limit)
}

// All goes through every order that matches, the newest first.
func All(ctx context.Context, q store.Querier, f Filter, p Page) iter.Seq2[Order, error] {
	return parts(p, func(p Page) ([]Order, string, error) {
		part, err := List(ctx, q, f, p)
		return part.Orders, part.Next, err
	})
}

// Channels returns the channels of the newest orders, by name.
func Channels(ctx context.Context, q store.Querier) ([]string, error) {
	seen := map[string]bool{}
	for _, table := range []string{"orders", "walkin_orders"} {
		all, err := store.All(ctx, q, store.Scalar[string], `
			select distinct channel from (select channel from `+table+` order by placed_at desc, order_id desc limit 5000) recent`)
		if err != nil {
			return nil, fmt.Errorf("read channels: %w", err)
		}
		for _, c := range all {
			if c != "" {
				seen[c] = true
			}
		}
	}
	var all []string
	for c := range seen {
		all = append(all, c)
	}
	slices.Sort(all)
	return all, nil
}
