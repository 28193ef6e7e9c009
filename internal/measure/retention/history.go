package retention

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
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
	h := &History{}
	h.fill(in, kept, h.place(in, kept))
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
		if left.counts(in.Customer[i], in.Day[i], amount, rules) {
			kept = append(kept, int32(i))
		}
	}
	return left, kept
}

// counts reports whether an order counts, and notes why it does not.
func (l *LeftOut) counts(customer int64, day int32, amount int64, rules Rules) bool {
	switch {
	case customer == 0:
		l.Nobody++
	case amount < 0:
		l.Negative++
	case amount == 0 && !rules.FreeOrders:
		l.Free++
	case amount > MaxAmountMinor:
		l.BeyondBelief++
	case day < firstDay || day > finalDay:
		l.NoSuchDay++
	case rules.LastDay != 0 && day > rules.LastDay:
		l.Future++
	default:
		return true
	}
	return false
}

// place numbers the customers in ascending order of their ids, sets ID and
// Start, and returns the number of each kept row's customer. The ids are dealt
// out to workers by their hash, so that each has a table of its own.
func (h *History) place(in Orders, kept []int32) []int32 {
	if dense, ok := h.placeDense(in, kept); ok {
		return dense
	}
	workers := 1
	for workers*2 <= min(runtime.GOMAXPROCS(0), 16) && len(kept) > 1<<16 {
		workers *= 2
	}
	dense := make([]int32, len(kept))
	found := make([][]customer, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			seen := newIndex(len(kept) / 4 / workers)
			var list []customer
			for k, row := range kept {
				id := in.Customer[row]
				if int(hash(id)>>56)&(workers-1) != w {
					continue
				}
				c := seen.number(id)
				if int(c) == len(list) {
					list = append(list, customer{id: id, number: c})
				}
				list[c].orders++
				dense[k] = c
			}
			slices.SortFunc(list, func(a, b customer) int { return cmp.Compare(a.id, b.id) })
			found[w] = list
		})
	}
	wg.Wait()
	rank := h.rank(found)
	each(len(kept), func(from, to int) {
		for k := from; k < to; k++ {
			w := int(hash(in.Customer[kept[k]])>>56) & (workers - 1)
			dense[k] = rank[w][dense[k]]
		}
	})
	return dense
}

// placeDense is place for ids that count from 1, or nearly: a table of the ids
// themselves finds them without hashing.
func (h *History) placeDense(in Orders, kept []int32) ([]int32, bool) {
	most := int64(0)
	for _, row := range kept {
		id := in.Customer[row]
		if most = max(most, id); id < 1 || most > int64(len(kept)) {
			return nil, false
		}
	}
	orders := make([]int32, most+1)
	for _, row := range kept {
		orders[in.Customer[row]]++
	}
	h.Start = []int32{0}
	for id, n := range orders {
		if n > 0 {
			orders[id] = int32(len(h.ID))
			h.ID = append(h.ID, int64(id))
			h.Start = append(h.Start, h.Start[len(h.Start)-1]+n)
		}
	}
	dense := make([]int32, len(kept))
	each(len(kept), func(from, to int) {
		for k := from; k < to; k++ {
			dense[k] = orders[in.Customer[kept[k]]]
		}
	})
	return dense, true
}

// customer is what one worker knows of a customer: its number there, and how
// many orders it saw.
type customer struct {
	id     int64
	number int32
	orders int32
}

// rank merges the workers' sorted customers into ID and Start, and returns the
// final number of each worker's own numbers.
func (h *History) rank(found [][]customer) [][]int32 {
	total := 0
	rank := make([][]int32, len(found))
	for w, list := range found {
		rank[w] = make([]int32, len(list))
		total += len(list)
	}
	h.ID = make([]int64, total)
	h.Start = make([]int32, total+1)
	at := make([]int, len(found))
	for n := range total {
		w := -1
		for v, list := range found {
			if at[v] < len(list) && (w < 0 || list[at[v]].id < found[w][at[w]].id) {
				w = v
			}
		}
		c := found[w][at[w]]
		at[w]++
		rank[w][c.number] = int32(n)
		h.ID[n] = c.id
		h.Start[n+1] = h.Start[n] + c.orders
	}
	return rank
}

// fill puts every row in its place and reads the columns along. Day and row
// travel in one number, which sorts by day and then by the sequence they came
// in.
func (h *History) fill(in Orders, kept, dense []int32) {
	keys := make([]uint64, len(kept))
	next := slices.Clone(h.Start[:len(h.ID)])
	for k, row := range kept {
		c := dense[k]
		keys[next[c]] = uint64(in.Day[row]-firstDay)<<32 | uint64(row)
		next[c]++
	}
	h.Row = make([]int32, len(kept))
	h.Day = make([]int32, len(kept))
	h.AmountMinor = make([]int64, len(kept))
	each(len(h.ID), func(from, to int) {
		for i := from; i < to; i++ {
			if own := keys[h.Start[i]:h.Start[i+1]]; !slices.IsSorted(own) {
				slices.Sort(own)
			}
		}
		for k := h.Start[from]; k < h.Start[to]; k++ {
			row := int32(keys[k])
			h.Row[k], h.Day[k], h.AmountMinor[k] = row, int32(keys[k]>>32)+firstDay, in.AmountMinor[row]
		}
	})
	h.FirstDay, h.LastDay = slices.Min(h.Day), slices.Max(h.Day)
}

// each shares n things out between the processors.
func each(n int, work func(from, to int)) {
	workers := max(1, min(runtime.GOMAXPROCS(0), n/8192))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { work(n*w/workers, n*(w+1)/workers) })
	}
	wg.Wait()
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

// index numbers 64-bit keys in the sequence they first appear: a hash table
// with open addressing, several times quicker than a map for millions of keys.
type index struct {
	slots []slot
	used  int32
}

// slot is empty where next is 0; else the key has the number next−1.
type slot struct {
	key  int64
	next int32
}

func newIndex(expect int) *index {
	size := 1024
	for size < expect*2 {
		size *= 2
	}
	return &index{slots: make([]slot, size)}
}

func (x *index) number(key int64) int32 {
	if int(x.used)*2 >= len(x.slots) {
		old := x.slots
		x.slots = make([]slot, len(old)*2)
		for _, s := range old {
			if s.next > 0 {
				*x.find(s.key) = s
			}
		}
	}
	s := x.find(key)
	if s.next == 0 {
		x.used++
		*s = slot{key: key, next: x.used}
	}
	return s.next - 1
}

// find returns the slot of a key, or the empty one where it belongs.
func (x *index) find(key int64) *slot {
	mask := uint64(len(x.slots) - 1)
	for i := hash(key) & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; s.next == 0 || s.key == key {
			return s
		}
	}
}

// hash mixes the bits of an id: the finaliser of MurmurHash3.
func hash(id int64) uint64 {
	h := uint64(id)
	h = (h ^ h>>33) * 0xFF51AFD7ED558CCD
	h = (h ^ h>>33) * 0xC4CEB9FE1A85EC53
	return h ^ h>>33
}
