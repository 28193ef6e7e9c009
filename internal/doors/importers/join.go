package importers

import (
	"cmp"
	"runtime"
	"slices"
	"sync"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
)

// join makes one ledger of what the workers have read of all files.
func (l *Ledger) join(upTo int32, by retention.Split) error {
	var all []stretch
	total := 0
	for n, b := range l.books {
		own := b.stretches()
		for i := range own {
			own[i].book = n
		}
		all = append(all, own...)
		l.countRows(b)
	}
	for _, st := range all {
		total += st.to - st.from
	}
	if total > 1<<31-2 {
		return errs.Wrong("", "importers.wrong.many")
	}
	j := joining{books: l.books, customer: l.people(), upTo: upTo}
	if by != retention.Together {
		j.split = l.split(by)
	}
	if len(l.books) == 1 && rising(all) {
		l.together(all, total, &j)
	} else {
		j.out, j.openings = newColumns(total), l.openings(j.split)
		j.scattered(all, l.firsts(all, total))
		l.take(&j)
		l.Purchases = j.out
	}
	l.grouped(&j)
	return nil
}

func newColumns(n int) retention.Orders {
	return retention.Orders{Customer: make([]int64, 0, n), Day: make([]int32, 0, n), AmountMinor: make([]int64, 0, n)}
}

// take adds what a part of the runs came to.
func (l *Ledger) take(j *joining) {
	c, d := &l.Counts, j.counts
	c.Again += d.Again
	c.Walkins, c.WalkinSum = c.Walkins+d.Walkins, c.WalkinSum+d.WalkinSum
	c.Returns, c.ReturnSum = c.Returns+d.Returns, c.ReturnSum+d.ReturnSum
	c.Bad += d.Bad
	c.Cancelled, c.Nothing, c.Unvalued = c.Cancelled+d.Cancelled, c.Nothing+d.Nothing, c.Unvalued+d.Unvalued
	if !j.any {
		return
	}
	if l.FirstDay == NoSales || j.first < l.FirstDay {
		l.FirstDay = j.first
	}
	l.LastDay = max(l.LastDay, j.last)
}

// together makes the orders where the runs of each stand together, on all
// cores: the runs are cut where an order ends.
func (l *Ledger) together(all []stretch, total int, whole *joining) {
	workers := runtime.GOMAXPROCS(0)
	parts := make([]joining, workers)
	out := newColumns(total)
	var wg sync.WaitGroup
	from, before := 0, 0
	for w := range workers {
		to, size := from, 0
		for to < len(all) && (w == workers-1 || before+size < total*(w+1)/workers || to > 0 && all[to].first == all[to-1].last) {
			size += all[to].to - all[to].from
			to++
		}
		j := &parts[w]
		*j = joining{books: l.books, customer: whole.customer, upTo: whole.upTo, split: whole.split, openings: l.openings(whole.split), out: retention.Orders{
			Customer: out.Customer[before : before : before+size], Day: out.Day[before : before : before+size],
			AmountMinor: out.AmountMinor[before : before : before+size]}}
		mine := all[from:to]
		wg.Go(func() { j.runs(mine) })
		from, before = to, before+size
	}
	wg.Wait()
	for i := range parts {
		j := &parts[i]
		out.Customer = behind(out.Customer, j.out.Customer)
		out.Day = behind(out.Day, j.out.Day)
		out.AmountMinor = behind(out.AmountMinor, j.out.AmountMinor)
		l.take(j)
		if i == 0 {
			whole.openings = j.openings
		} else {
			whole.openings.merge(j.openings)
		}
	}
	l.Purchases = out
}

// behind appends more, which may stand where it belongs already.
func behind[T any](all, more []T) []T {
	n := len(all) + len(more)
	if len(more) > 0 && &all[:n][len(all)] == &more[0] {
		return all[:n]
	}
	return append(all, more...)
}

func (l *Ledger) countRows(b *book) {
	var bad []UnreadRow
	for _, p := range b.pages {
		l.Counts.Rows += p.rows
		l.Counts.Bad += p.wrong
		bad = append(bad, p.bad...)
	}
	slices.SortFunc(bad, func(a, b UnreadRow) int { return cmp.Compare(a.Line, b.Line) })
	for _, r := range bad[:min(len(bad), maxUnread-len(l.Bad))] {
		r.File = b.file
		l.Bad = append(l.Bad, r)
	}
}

// stretches are those of all pages, as they stand in the file.
func (b *book) stretches() []stretch {
	var all []stretch
	for n, p := range b.pages {
		for _, st := range p.chunks {
			st.page = n
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.chunk, b.chunk) })
	return all
}

// rising reports whether the numbers of all orders rise from the first to the
// last, so that the runs of an order stand together.
func rising(all []stretch) bool {
	last := ""
	for _, st := range all {
		if !st.ascending {
			return false
		}
		if st.first == "" {
			continue
		}
		if last != "" && st.first != last && !above([]byte(st.first), []byte(last)) {
			return false
		}
		last = st.last
	}
	return true
}

// firsts gives each run the place of the first run of its order; earlier is for
// those whose order an earlier file has.
func (l *Ledger) firsts(all []stretch, total int) []int32 {
	hashes := make([]uint64, 0, total)
	books := make([]uint8, 0, len(all))
	starts := make([]int, 0, len(all))
	for _, st := range all {
		starts = append(starts, len(hashes))
		books = append(books, uint8(min(st.book, 255)))
		hashes = append(hashes, l.books[st.book].pages[st.page].hash[st.from:st.to]...)
	}
	bookOf := func(i int32) uint8 {
		n, found := slices.BinarySearch(starts, int(i))
		if !found {
			n--
		}
		// Empty stretches start where the next one does.
		for n+1 < len(starts) && starts[n+1] == starts[n] {
			n++
		}
		return books[n]
	}
	size := 1024
	for size < total*2 {
		size *= 2
	}
	slots, mask := make([]int32, size), uint64(size-1)
	first := make([]int32, total)
	for i, hash := range hashes {
		first[i] = int32(i)
		if hash == alone {
			continue
		}
		s := hash >> 1 & mask
		for slots[s] != 0 && hashes[slots[s]-1] != hash {
			s = (s + 1) & mask
		}
		if slots[s] == 0 {
			slots[s] = int32(i) + 1
			continue
		}
		first[i] = slots[s] - 1
		if len(l.books) > 1 && bookOf(first[i]) != bookOf(int32(i)) {
			first[i] = earlier
		}
	}
	return first
}

// What first says instead of a place.
const (
	earlier = int32(-1) // an earlier file has the order
	goesOn  = int32(-2) // the order begins here, and goes on further down
)
