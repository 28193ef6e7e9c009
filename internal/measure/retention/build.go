package retention

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
)

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
	if left.Total() == int64(n) {
		return nil, left, ErrNoOrders
	}
	p, ids := place(in, kept)
	h := &History{}
	h.fill(p, ids)
	if rules.LastDay != 0 {
		h.LastDay = rules.LastDay
	}
	return h, left, nil
}

// choose returns the rows that count, in their sequence; nil: all do.
func choose(in Orders, rules Rules) (LeftOut, []int32) {
	parts := cut(len(in.Customer))
	left := make([]LeftOut, len(parts))
	inParts(parts, func(w, from, to int) {
		for i := from; i < to; i++ {
			left[w].counts(in.Customer[i], in.Day[i], in.AmountMinor[i], rules)
		}
	})
	var all LeftOut
	before := make([]int, len(parts)) // left out of the parts before
	for w := range parts {
		before[w] = int(all.Total())
		all = all.Merge(left[w])
	}
	if all.Total() == 0 {
		return all, nil
	}
	kept := make([]int32, len(in.Customer)-int(all.Total()))
	inParts(parts, func(w, from, to int) {
		at, again := from-before[w], LeftOut{}
		for i := from; i < to; i++ {
			if again.counts(in.Customer[i], in.Day[i], in.AmountMinor[i], rules) {
				kept[at] = int32(i)
				at++
			}
		}
	})
	return all, kept
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

// placed are rows that count, each with the number of its customer.
type placed struct {
	in     Orders
	kept   []int32 // which rows they are; nil: all
	number []int32 // of their customers; nil: the id less one
}

func (p *placed) len() int {
	if p.kept != nil {
		return len(p.kept)
	}
	return len(p.in.Customer)
}

func (p *placed) row(k int) int32 {
	if p.kept != nil {
		return p.kept[k]
	}
	return int32(k)
}

func (p *placed) at(k int) (number, row int32) {
	row = p.row(k)
	if p.number != nil {
		return p.number[k], row
	}
	return int32(p.in.Customer[row] - 1), row
}

// place numbers the customers in ascending order of their ids, and returns the
// id of each number; a number may have no row. The ids are dealt out to workers
// by their hash, so that each has a table of its own.
func place(in Orders, kept []int32) (p placed, ids []int64) {
	p = placed{in: in, kept: kept}
	if ids, ok := p.dense(); ok {
		return p, ids
	}
	n := p.len()
	workers := 1
	for workers*2 <= min(runtime.GOMAXPROCS(0), 16) && n > 1<<16 {
		workers *= 2
	}
	p.number = make([]int32, n)
	found := make([][]customer, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			seen := newIndex(n / 4 / workers)
			var list []customer
			for k := range n {
				id := in.Customer[p.row(k)]
				if int(hash(id)>>56)&(workers-1) != w {
					continue
				}
				c := seen.number(id)
				if int(c) == len(list) {
					list = append(list, customer{id, c})
				}
				p.number[k] = c
			}
			slices.SortFunc(list, func(a, b customer) int { return cmp.Compare(a.id, b.id) })
			found[w] = list
		})
	}
	wg.Wait()
	rank, ids := rank(found)
	inParts(cut(n), func(_, from, to int) {
		for k := from; k < to; k++ {
			w := int(hash(in.Customer[p.row(k)])>>56) & (workers - 1)
			p.number[k] = rank[w][p.number[k]]
		}
	})
	return p, ids
}

// dense is place for ids that count from 1, or nearly: each is its own number.
func (p *placed) dense() (ids []int64, ok bool) {
	parts := cut(p.len())
	most := make([]int64, len(parts))
	inParts(parts, func(w, from, to int) {
		last := int64(0)
		for k := from; k < to; k++ {
			id := p.in.Customer[p.row(k)]
			if id < 1 {
				id = math.MaxInt64
			}
			last = max(last, id)
		}
		most[w] = last
	})
	last := slices.Max(most)
	if last > int64(p.len()) {
		return nil, false
	}
	ids = make([]int64, last)
	for n := range ids {
		ids[n] = int64(n) + 1
	}
	return ids, true
}

// customer is what one worker knows of a customer: its number there.
type customer struct {
	id     int64
	number int32
}

// rank merges the workers' sorted customers, and returns the final number of
// each worker's own numbers, and the ids.
func rank(found [][]customer) (rank [][]int32, ids []int64) {
	rank = make([][]int32, len(found))
	total := 0
	for w, list := range found {
		rank[w] = make([]int32, len(list))
		total += len(list)
	}
	ids = make([]int64, total)
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
		rank[w][c.number], ids[n] = int32(n), c.id
	}
	return rank, ids
}

// order is one order on its way to its place. Day and row travel in one number,
// which sorts by day and then by the sequence they came in.
type order struct {
	key    uint64
	amount int64
}

// fill puts every row in its place. Each processor counts the rows of its part
// first, and so knows where they belong.
func (h *History) fill(p placed, ids []int64) {
	parts := cut(p.len())
	next := make([][]int32, len(parts)) // by part and number: where its next row belongs
	inParts(parts, func(w, from, to int) {
		own := make([]int32, len(ids))
		for k := from; k < to; k++ {
			c, _ := p.at(k)
			own[c]++
		}
		next[w] = own
	})
	h.ID, h.Start = make([]int64, 0, len(ids)), make([]int32, 1, len(ids)+1)
	at := int32(0)
	for c, id := range ids {
		before := at
		for w := range next {
			at, next[w][c] = at+next[w][c], at
		}
		if at > before {
			h.ID, h.Start = append(h.ID, id), append(h.Start, at)
		}
	}
	all := make([]order, p.len())
	inParts(parts, func(w, from, to int) {
		next := next[w]
		for k := from; k < to; k++ {
			c, row := p.at(k)
			all[next[c]] = order{uint64(p.in.Day[row]-firstDay)<<32 | uint64(row), p.in.AmountMinor[row]}
			next[c]++
		}
	})
	h.Row = make([]int32, len(all))
	h.Day = make([]int32, len(all))
	h.AmountMinor = make([]int64, len(all))
	shares := h.Parts(len(parts))
	first, last := make([]int32, len(shares)), make([]int32, len(shares))
	earlier := func(a, b order) int { return cmp.Compare(a.key, b.key) }
	var wg sync.WaitGroup
	for w, part := range shares {
		wg.Go(func() {
			for i := range part.ID {
				if own := all[part.Start[i]:part.Start[i+1]]; !slices.IsSortedFunc(own, earlier) {
					slices.SortFunc(own, earlier)
				}
			}
			first[w], last[w] = finalDay, firstDay
			for k := part.Start[0]; k < part.Start[len(part.ID)]; k++ {
				o := all[k]
				day := int32(o.key>>32) + firstDay
				h.Row[k], h.Day[k], h.AmountMinor[k] = int32(o.key), day, o.amount
				first[w], last[w] = min(first[w], day), max(last[w], day)
			}
		})
	}
	wg.Wait()
	h.FirstDay, h.LastDay = slices.Min(first), slices.Max(last)
}

// stretch is a part of the rows or customers.
type stretch struct{ from, to int }

// cut cuts n things into a part for each processor, few things into fewer.
func cut(n int) []stretch {
	parts := make([]stretch, max(1, min(runtime.GOMAXPROCS(0), 16, n/8192)))
	for w := range parts {
		parts[w] = stretch{n * w / len(parts), n * (w + 1) / len(parts)}
	}
	return parts
}

// inParts does the work of all parts, at once.
func inParts(parts []stretch, work func(w, from, to int)) {
	var wg sync.WaitGroup
	for w, p := range parts {
		wg.Go(func() { work(w, p.from, p.to) })
	}
	wg.Wait()
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
