package importers

import (
	"runtime"
	"sync"
	"sync/atomic"

	"regulars/internal/platform/workspace"
)

// people numbers the customers in the order in which they are first met, and
// returns the number of each page's people; all of a book, then of the next.
func (l *Ledger) people() [][][]int32 {
	number := make([][][]int32, len(l.books))
	plain := true
	var key []byte
	for n, b := range l.books {
		number[n] = make([][]int32, len(b.pages))
		at := make([]int, len(b.pages))
		met := make([][]int32, len(b.pages)) // in the order in which they were
		for i, p := range b.pages {
			number[n][i] = make([]int32, p.roster.count())
			met[i] = p.roster.met()
		}
		for {
			next := -1
			for i, p := range b.pages {
				if at[i] < len(met[i]) && (next < 0 || p.roster.first[met[i][at[i]]] < b.pages[next].roster.first[met[next][at[next]]]) {
					next = i
				}
			}
			if next < 0 {
				break
			}
			r, i := b.pages[next].roster, met[next][at[next]]
			at[next]++
			if v := r.known[i]; v > 0 && l.roster.takes(r.source) {
				number[n][next][i] = l.roster.bySmall(r.source, v, 0)
				continue
			}
			key = r.key(key[:0], i)
			before := l.roster.count()
			number[n][next][i] = l.roster.number(key, 0)
			if l.roster.count() > before {
				plain = plain && onlyExternal(key)
			}
		}
		for _, p := range b.pages {
			p.roster = nil
		}
	}
	l.Counts.Customers = int64(l.roster.count())
	if !plain {
		l.recognise(number)
	}
	return number
}

// recognise finds who of the roster is the same person, as the store would:
// by email, phone, card and number, the first that is known already.
func (l *Ledger) recognise(number [][][]int32) {
	owner := map[string]int32{}
	who := make([]int32, l.roster.count())
	l.Counts.Customers = 0
	keys := make([][]string, min(len(who), atOnce))
	for from := 0; from < len(who); from += atOnce {
		some := who[from:min(from+atOnce, len(who))]
		l.roster.identitiesOf(int32(from), keys[:len(some)])
		for n := range some {
			i := int32(from + n)
			some[n] = -1
			for _, k := range keys[n] {
				if o, ok := owner[k]; ok {
					some[n] = o
					break
				}
			}
			if some[n] < 0 {
				some[n] = i
				l.Counts.Customers++
				for _, k := range keys[n] {
					owner[k] = i
				}
			}
		}
	}
	for _, pages := range number {
		for _, page := range pages {
			for i, n := range page {
				page[i] = who[n]
			}
		}
	}
}

// atOnce is of how many people the identities are worked out side by side.
const atOnce = 8192

// identitiesOf works out the identities of people from one on, on all cores:
// parsing a phone takes many times as long as looking it up.
func (r *roster) identitiesOf(from int32, keys [][]string) {
	const some = 128
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(keys)+some-1)/some) {
		wg.Go(func() {
			for {
				to := int(next.Add(some))
				if to-some >= len(keys) {
					return
				}
				for n := to - some; n < min(to, len(keys)); n++ {
					keys[n] = r.identities(from+int32(n), workspace.Guess.Country)
				}
			}
		})
	}
	wg.Wait()
}
