// Package retention is the mathematics of customers who come back: numbers in,
// numbers out, with no input or output of its own and no clock.
//
// Its one rule: every result over a History is a partial that can be merged.
// Computed over parts of the customers and merged, it equals the result over
// all of them, so the same code serves one file, one database and the shards of
// a cluster. Days are counted from 1970-01-01 in the business's own calendar,
// money is in minor units, and a figure that cannot be known is reported as
// unknown instead of as zero or NaN.
package retention

import (
	"runtime"
	"sync"
)

// Partial is a result that can be merged with the same result over other
// customers.
type Partial[T any] interface {
	Merge(T) T
}

// Over computes a partial over all customers of h, in parallel parts, and
// merges them in order, so that the answer does not depend on the number of
// processors.
func Over[T Partial[T]](h *History, work func(part *History) T) T {
	const smallest = 2048
	n := min(runtime.GOMAXPROCS(0), max(1, h.Customers()/smallest))
	if n == 1 {
		return work(h)
	}
	parts := h.Parts(n)
	results := make([]T, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { results[i] = work(part) })
	}
	wg.Wait()
	sum := results[0]
	for _, r := range results[1:] {
		sum = sum.Merge(r)
	}
	return sum
}

// ratio divides, and says whether there was anything to divide by.
func ratio(part, whole int64) (float64, bool) {
	if whole == 0 {
		return 0, false
	}
	return float64(part) / float64(whole), true
}

// grow lengthens s with zeros so that s[i] exists.
func grow(s []int64, i int) []int64 {
	for len(s) <= i {
		s = append(s, 0)
	}
	return s
}

// addInto adds b to a place by place and returns the longer of the two,
// leaving b as it was.
func addInto(a, b []int64) []int64 {
	if len(b) > 0 {
		a = grow(a, len(b)-1)
	}
	for i, v := range b {
		a[i] += v
	}
	return a
}
