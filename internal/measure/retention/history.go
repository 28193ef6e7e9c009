package retention

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	Row []int32
	// LastDay is the last day known: Rules.LastDay, or else the last order's.
	LastDay int32
	// FirstDay is the day of the first order. Both are of the whole history,
	// in every part of it.
	FirstDay int32
}

// ErrNoOrders says that nothing is left to compute on.
var ErrNoOrders = errors.New("no orders: nothing can be said about retention until somebody has bought")

// Build sorts orders into a History. Orders that cannot count are left out and
// counted by reason. It fails when the columns are of different lengths, with
// more than 2^31-1 orders, and with ErrNoOrders when none is left; the counts
// are right in that case too.
func Build(in Orders, rules Rules) (*History, LeftOut, error) {
	n := len(in.Customer)
	if len(in.Day) != n || len(in.AmountMinor) != n {
		return nil, LeftOut{}, fmt.Errorf("columns differ in length: %d customers, %d days, %d amounts",
			n, len(in.Day), len(in.AmountMinor))
	}
	if n > 1<<31-1 {
		return nil, LeftOut{}, fmt.Errorf("%d orders are more than can be read at once: split them by customer", n)
	}
	left, kept := choose(in, rules)
	if len(kept) == 0 {
		return nil, left, ErrNoOrders
	}
	h := &History{Row: make([]int32, len(kept))}
	dense := h.place(in, kept)
	next := slices.Clone(h.Start[:len(h.ID)])
	for k, row := range kept {
		c := dense[k]
		h.Row[next[c]] = row
		next[c]++
	}
	h.fill(in)
	if rules.LastDay != 0 {
		h.LastDay = rules.LastDay
	}
	return h, left, nil
}

// choose returns the rows that count, in their sequence.
func choose(in Orders, rules Rules) (LeftOut, []int32) {
	var left LeftOut
	kept := make([]int32, 0, len(in.Customer))
	for i, amount := range in.AmountMinor {
		switch day := in.Day[i]; {
		case in.Customer[i] == 0:
			left.Nobody++
		case amount < 0:
			left.Negative++
		case amount == 0 && !rules.FreeOrders:
			left.Free++
		case amount > MaxAmountMinor:
			left.BeyondBelief++
		case day < firstDay || day > finalDay:
			left.NoSuchDay++
		case rules.LastDay != 0 && day > rules.LastDay:
			left.Future++
		default:
			kept = append(kept, int32(i))
		}
	}
	return left, kept
}

// place numbers the customers in ascending order of their ids, sets ID and
// Start, and returns the number of each kept row's customer.
func (h *History) place(in Orders, kept []int32) []int32 {
	dense := make([]int32, len(kept))
	seen := newIndex(len(kept) / 4)
	var count []int32
	for k, row := range kept {
		c := seen.number(in.Customer[row])
		if int(c) == len(count) {
			count = append(count, 0)
		}
		count[c]++
		dense[k] = c
	}
	byID := make([]int32, len(seen.ids))
	for i := range byID {
		byID[i] = int32(i)
	}
	slices.SortFunc(byID, func(a, b int32) int { return cmp.Compare(seen.ids[a], seen.ids[b]) })
	rank := make([]int32, len(byID))
	h.ID = make([]int64, len(byID))
	h.Start = make([]int32, len(byID)+1)
	for r, c := range byID {
		rank[c] = int32(r)
		h.ID[r] = seen.ids[c]
		h.Start[r+1] = h.Start[r] + count[c]
	}
	for k := range dense {
		dense[k] = rank[dense[k]]
	}
	return dense
}

// fill sorts each customer's rows by day and reads the columns along.
func (h *History) fill(in Orders) {
	h.Day = make([]int32, len(h.Row))
	h.AmountMinor = make([]int64, len(h.Row))
	for i := range h.ID {
		rows := h.Row[h.Start[i]:h.Start[i+1]]
		byDay := func(a, b int32) int { return cmp.Compare(in.Day[a], in.Day[b]) }
		if !slices.IsSortedFunc(rows, byDay) {
			slices.SortStableFunc(rows, byDay)
		}
	}
	h.FirstDay, h.LastDay = finalDay, firstDay
	for k, row := range h.Row {
		day := in.Day[row]
		h.Day[k], h.AmountMinor[k] = day, in.AmountMinor[row]
		h.FirstDay, h.LastDay = min(h.FirstDay, day), max(h.LastDay, day)
	}
}

// Customers is the number of customers.
func (h *History) Customers() int { return len(h.ID) }

// Orders is the number of orders.
func (h *History) Orders() int { return int(h.Start[len(h.ID)] - h.Start[0]) }

// Days are the days of customer i's orders, ascending.
func (h *History) Days(i int) []int32 { return h.Day[h.Start[i]:h.Start[i+1]] }

// Amounts are what customer i paid, in the sequence of Days.
func (h *History) Amounts(i int) []int64 { return h.AmountMinor[h.Start[i]:h.Start[i+1]] }

// Parts cuts the customers into at most n parts of about as many orders each.
func (h *History) Parts(n int) []*History {
	var parts []*History
	from := 0
	for k := 1; k <= n && from < len(h.ID); k++ {
		goal := h.Start[0] + int32(int64(h.Orders())*int64(k)/int64(n))
		to, _ := slices.BinarySearch(h.Start, goal)
		if k == n {
			to = len(h.ID)
		}
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
func (h *History) Where(keep func(k int) bool) *History {
	out := &History{Start: []int32{0}, FirstDay: h.FirstDay, LastDay: h.LastDay}
	for i, id := range h.ID {
		for k := int(h.Start[i]); k < int(h.Start[i+1]); k++ {
			if keep(k) {
				out.Day = append(out.Day, h.Day[k])
				out.AmountMinor = append(out.AmountMinor, h.AmountMinor[k])
				out.Row = append(out.Row, h.Row[k])
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
	past := h.Where(func(k int) bool { return h.Day[k] <= day })
	past.LastDay = min(day, h.LastDay)
	past.FirstDay = min(h.FirstDay, past.LastDay)
	return past
}

// Split gives each group its customers: group returns the group of customer i,
// from 0 to n-1; customers of any other group are in none.
func (h *History) Split(n int, group func(i int) int) []*History {
	of := make([]int, len(h.ID)+1)
	for i := range h.ID {
		of[i] = group(i)
	}
	parts := make([]*History, n)
	for g := range parts {
		i := 0
		parts[g] = h.Where(func(k int) bool {
			for k >= int(h.Start[i+1]) {
				i++
			}
			return of[i] == g
		})
	}
	return parts
}

// index numbers 64-bit keys in the sequence they first appear: a hash table
// with open addressing, several times quicker than a map for millions of keys.
type index struct {
	slots []int32 // number+1, or 0 where empty
	ids   []int64
}

func newIndex(expect int) *index {
	size := 1024
	for size < expect*2 {
		size *= 2
	}
	return &index{slots: make([]int32, size)}
}

func (x *index) number(id int64) int32 {
	if len(x.ids)*2 >= len(x.slots) {
		x.slots = make([]int32, len(x.slots)*2)
		for n, id := range x.ids {
			x.slots[x.slot(id)] = int32(n) + 1
		}
	}
	s := x.slot(id)
	if x.slots[s] == 0 {
		x.ids = append(x.ids, id)
		x.slots[s] = int32(len(x.ids))
	}
	return x.slots[s] - 1
}

// slot finds where id is, or the empty place where it belongs.
func (x *index) slot(id int64) int {
	mask := uint64(len(x.slots) - 1)
	hash := uint64(id) * 0x9E3779B97F4A7C15
	for s := (hash ^ hash>>32) & mask; ; s = (s + 1) & mask {
		if n := x.slots[s]; n == 0 || x.ids[n-1] == id {
			return int(s)
		}
	}
}
