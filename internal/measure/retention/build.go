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
	if len(kept) == 0 {
		return nil, left, ErrNoOrders
	}
	number, ids := place(in, kept)
	h := &History{}
	h.fill(in, kept, number, ids)
	if rules.LastDay != 0 {
		h.LastDay = rules.LastDay
	}
	return h, left, nil
}

// choose returns the rows that count, in their sequence.
func choose(in Orders, rules Rules) (LeftOut, []int32) {
	kept := make([]int32, len(in.Customer))
	parts := cut(len(kept))
	left, ends := make([]LeftOut, len(parts)), make([]int, len(parts))
	inParts(parts, func(w, from, to int) {
		n, out := from, LeftOut{}
		for i := from; i < to; i++ {
			if out.counts(in.Customer[i], in.Day[i], in.AmountMinor[i], rules) {
				kept[n] = int32(i)
				n++
			}
		}
		left[w], ends[w] = out, n
	})
	n := 0
	for w, p := range parts {
		if n == p.from {
			n = ends[w] // they stand where they should
		} else {
			n += copy(kept[n:], kept[p.from:ends[w]])
		}
		if w > 0 {
			left[0] = left[0].Merge(left[w])
		}
	}
	return left[0], kept[:n]
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

// place numbers the customers in ascending order of their ids, and returns the
// number of each kept row's customer, and the id of each number; a number may
// have no row. The ids are dealt out to workers by their hash, so that each has
// a table of its own.
func place(in Orders, kept []int32) (number []int32, ids []int64) {
	if number, ids, ok := placeDense(in, kept); ok {
		return number, ids
	}
	workers := 1
	for workers*2 <= min(runtime.GOMAXPROCS(0), 16) && len(kept) > 1<<16 {
		workers *= 2
	}
	number = make([]int32, len(kept))
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
					list = append(list, customer{id, c})
				}
				number[k] = c
			}
			slices.SortFunc(list, func(a, b customer) int { return cmp.Compare(a.id, b.id) })
			found[w] = list
		})
	}
	wg.Wait()
	rank, ids := rank(found)
	inParts(cut(len(kept)), func(_, from, to int) {
		for k := from; k < to; k++ {
			w := int(hash(in.Customer[kept[k]])>>56) & (workers - 1)
			number[k] = rank[w][number[k]]
		}
	})
	return number, ids
}

// placeDense is place for ids that count from 1, or nearly: each is its own
// number.
func placeDense(in Orders, kept []int32) (number []int32, ids []int64, ok bool) {
	number = make([]int32, len(kept))
	parts := cut(len(kept))
	most := make([]int64, len(parts))
	inParts(parts, func(w, from, to int) {
		for k, row := range kept[from:to] {
			id := in.Customer[row]
			if most[w] = max(most[w], id); id < 1 || id > int64(len(kept)) {
				most[w] = math.MaxInt64
				return
			}
			number[from+k] = int32(id - 1)
		}
	})
	last := slices.Max(most)
	if last > int64(len(kept)) {
		return nil, nil, false
	}
	ids = make([]int64, last)
	for n := range ids {
		ids[n] = int64(n) + 1
	}
	return number, ids, true
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

// fill puts every row in its place and reads the columns along. Day and row
// travel in one number, which sorts by day and then by the sequence they came
// in. Each processor counts the rows of its part first, and so knows where they
// belong.
func (h *History) fill(in Orders, kept, number []int32, ids []int64) {
	parts := cut(len(kept))
	next := make([][]int32, len(parts)) // by part and number: where its next row belongs
	inParts(parts, func(w, from, to int) {
		next[w] = make([]int32, len(ids))
		for _, c := range number[from:to] {
			next[w][c]++
		}
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
	keys := make([]uint64, len(kept))
	inParts(parts, func(w, from, to int) {
		next := next[w]
		for k := from; k < to; k++ {
			c, row := number[k], kept[k]
			keys[next[c]] = uint64(in.Day[row]-firstDay)<<32 | uint64(row)
			next[c]++
		}
	})
	h.Row = make([]int32, len(kept))
	h.Day = make([]int32, len(kept))
	h.AmountMinor = make([]int64, len(kept))
	customers := cut(len(h.ID))
	first, last := make([]int32, len(customers)), make([]int32, len(customers))
	inParts(customers, func(w, from, to int) {
		for i := from; i < to; i++ {
			if own := keys[h.Start[i]:h.Start[i+1]]; !slices.IsSorted(own) {
				slices.Sort(own)
			}
		}
		first[w], last[w] = finalDay, firstDay
		for k := h.Start[from]; k < h.Start[to]; k++ {
			row, day := int32(keys[k]), int32(keys[k]>>32)+firstDay
			h.Row[k], h.Day[k], h.AmountMinor[k] = row, day, in.AmountMinor[row]
			first[w], last[w] = min(first[w], day), max(last[w], day)
		}
	})
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
