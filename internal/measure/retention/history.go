package retention

import (
	"errors"
	"sort"
)

// Orders are the columns of orders in any sequence; the three slices are
// equally long. Customer is any number but zero (zero is nobody: a walk-in
// sale); Day counts from 1970-01-01; AmountMinor is what was paid.
type Orders struct {
	Customer    []int64
	Day         []int32
	AmountMinor []int64
}

// Add appends one order.
func (o *Orders) Add(customer int64, day int32, amountMinor int64) {
	o.Customer = append(o.Customer, customer)
	o.Day = append(o.Day, day)
	o.AmountMinor = append(o.AmountMinor, amountMinor)
}

// Rules say which orders count.
type Rules struct {
	// LastDay is the last day known; later orders are left out. Zero: no end.
	LastDay int32
	// FreeOrders lets orders of zero count as purchases.
	FreeOrders bool
}

// LeftOut counts the orders that Build did not take, by reason.
type LeftOut struct {
	Nobody       int64 `json:"nobody"`        // no customer
	Negative     int64 `json:"negative"`      // less than nothing was paid
	Free         int64 `json:"free"`          // nothing was paid
	Future       int64 `json:"future"`        // after Rules.LastDay
	NoSuchDay    int64 `json:"no_such_day"`   // before 1900 or after 2199
	BeyondBelief int64 `json:"beyond_belief"` // above MaxAmountMinor
}

// Total is the number of orders left out.
func (l LeftOut) Total() int64 {
	return l.Nobody + l.Negative + l.Free + l.Future + l.NoSuchDay + l.BeyondBelief
}

// Merge adds the counts of other orders.
func (l LeftOut) Merge(m LeftOut) LeftOut {
	return LeftOut{
		Nobody: l.Nobody + m.Nobody, Negative: l.Negative + m.Negative, Free: l.Free + m.Free,
		Future: l.Future + m.Future, NoSuchDay: l.NoSuchDay + m.NoSuchDay,
		BeyondBelief: l.BeyondBelief + m.BeyondBelief,
	}
}

// MaxAmountMinor bounds one order, so that nine million of the largest still
// add up without overflow.
const MaxAmountMinor = 1_000_000_000_000

const (
	firstDay = -25567 // 1900-01-01
	finalDay = 84005  // 2199-12-31
)

// History is orders sorted by customer, then day, then the sequence they came
// in. Customer i has the orders Start[i] up to Start[i+1] of the columns. Treat
// it as read-only: parts share the columns.
type History struct {
	ID          []int64 // customers, ascending
	Start       []int32 // len(ID)+1 places in the columns
	Day         []int32
	AmountMinor []int64
	// Row is each order's place in the Orders it was built from, so that any
	// other column of the same orders can be read along: country[h.Row[k]].
	// Nil of Sorted.
	Row []int32
	// LastDay is the last day known: Rules.LastDay, or else the last order's.
	LastDay int32
	// FirstDay is the day of the first order. Both are of the whole history,
	// in every part of it.
	FirstDay int32
}

// ErrNoOrders says that nothing is left to compute on.
var ErrNoOrders = errors.New("no orders: nothing can be said about retention until somebody has bought")

// Customers is the number of customers.
func (h *History) Customers() int { return len(h.ID) }

// Orders is the number of orders.
func (h *History) Orders() int { return int(h.Start[len(h.ID)] - h.Start[0]) }

// Days are the days of customer i's orders, ascending.
func (h *History) Days(i int) []int32 { return h.Day[h.Start[i]:h.Start[i+1]] }

// Amounts are what customer i paid, in the sequence of Days.
func (h *History) Amounts(i int) []int64 { return h.AmountMinor[h.Start[i]:h.Start[i+1]] }

// eachWeighs is how many orders a customer weighs beside their own: what is
// worked out once for each takes about so long.
const eachWeighs = 6

// Parts cuts the customers into at most n parts that weigh about the same.
func (h *History) Parts(n int) []*History {
	var parts []*History
	weight := func(i int) int64 { return int64(h.Start[i]-h.Start[0]) + eachWeighs*int64(i) }
	from := 0
	for k := 1; k <= n && from < len(h.ID); k++ {
		goal := weight(len(h.ID)) * int64(k) / int64(n)
		to := sort.Search(len(h.ID), func(i int) bool { return weight(i) >= goal })
		if to > from {
			parts = append(parts, h.Slice(from, to))
			from = to
		}
	}
	return parts
}

// Slice is the part with the customers from up to but not including to. It
// shares the columns.
func (h *History) Slice(from, to int) *History {
	part := *h
	part.ID, part.Start = h.ID[from:to], h.Start[from:to+1]
	return &part
}

// Where keeps the orders that keep says yes to (it gets an order's place in the
// columns), and the customers who still have one. Use it for a channel, a
// country, or the past up to a day. The days known stay the same.
func (h *History) Where(keep func(k int) bool) *History { return h.where(0, keep) }

// where is Where that keeps about so many orders.
func (h *History) where(expect int, keep func(k int) bool) *History {
	out := &History{Start: []int32{0}, FirstDay: h.FirstDay, LastDay: h.LastDay,
		Day: make([]int32, 0, expect), AmountMinor: make([]int64, 0, expect)}
	for i, id := range h.ID {
		for k := int(h.Start[i]); k < int(h.Start[i+1]); k++ {
			if keep(k) {
				out.Day = append(out.Day, h.Day[k])
				out.AmountMinor = append(out.AmountMinor, h.AmountMinor[k])
				if h.Row != nil {
					out.Row = append(out.Row, h.Row[k])
				}
			}
		}
		if len(out.Day) > int(out.Start[len(out.ID)]) {
			out.ID = append(out.ID, id)
			out.Start = append(out.Start, int32(len(out.Day)))
		}
	}
	return out
}

// Until is the history as it was known at the end of a day.
func (h *History) Until(day int32) *History {
	known := 0
	for _, d := range h.Day[h.Start[0]:h.Start[len(h.ID)]] {
		if d <= day {
			known++
		}
	}
	past := new(*h)
	if known < h.Orders() {
		past = h.where(known, func(k int) bool { return h.Day[k] <= day })
	}
	past.LastDay = min(day, h.LastDay)
	past.FirstDay = min(h.FirstDay, past.LastDay)
	return past
}

// Split gives each group its customers: group returns the group of customer i,
// from 0 to n-1; customers of any other group are in none.
func (h *History) Split(n int, group func(i int) int) []*History {
	parts := make([]*History, n)
	for g := range parts {
		parts[g] = &History{Start: []int32{0}, FirstDay: h.FirstDay, LastDay: h.LastDay}
	}
	for i, id := range h.ID {
		g := group(i)
		if g < 0 || g >= n {
			continue
		}
		p, from, to := parts[g], h.Start[i], h.Start[i+1]
		p.ID = append(p.ID, id)
		p.Day = append(p.Day, h.Day[from:to]...)
		p.AmountMinor = append(p.AmountMinor, h.AmountMinor[from:to]...)
		if h.Row != nil {
			p.Row = append(p.Row, h.Row[from:to]...)
		}
		p.Start = append(p.Start, int32(len(p.Day)))
	}
	return parts
}
