package retention

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestManyOrdersBuiltOnAllProcessorsAreSortedAsOneAfterTheOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for try, customer := range []func() int64{
		func() int64 { return rng.Int64N(3_000) },         // numbers without gaps; 0 is nobody
		func() int64 { return rng.Int64N(9_000) * 7 },     // gaps
		func() int64 { return rng.Int64() - 1<<62 },       // any number
		func() int64 { return rng.Int64N(40) * 1 << 40 },  // few, far apart
		func() int64 { return 1 + rng.Int64N(2)*100_000 }, // as many as rows could be
	} {
		var in Orders
		for range 120_000 {
			in.Add(customer(), int32(rng.IntN(400)), rng.Int64N(500)-2)
		}
		rules := Rules{LastDay: 390}
		var rows []int32
		var left LeftOut
		for i, amount := range in.AmountMinor {
			if left.counts(in.Customer[i], in.Day[i], amount, rules) {
				rows = append(rows, int32(i))
			}
		}
		slices.SortStableFunc(rows, func(a, b int32) int {
			return cmp.Or(cmp.Compare(in.Customer[a], in.Customer[b]), cmp.Compare(in.Day[a], in.Day[b]))
		})
		h, got, err := Build(in, rules)
		if err != nil || got != left || !slices.Equal(h.Row, rows) {
			t.Fatalf("try %d: %v, left out %+v, want %+v, %d rows, want %d, same sequence: %v", try, err, got, left, len(h.Row), len(rows), slices.Equal(h.Row, rows))
		}
		for i, id := range h.ID {
			for k := h.Start[i]; k < h.Start[i+1]; k++ {
				if row := rows[k]; in.Customer[row] != id || in.Day[row] != h.Day[k] || in.AmountMinor[row] != h.AmountMinor[k] {
					t.Fatalf("try %d: order %d of customer %d is another's", try, k, id)
				}
			}
		}
		first := slices.Min(h.Day)
		if int(h.Start[len(h.ID)]) != len(rows) || h.FirstDay != first || h.LastDay != rules.LastDay {
			t.Fatalf("try %d: ends at %d from day %d to %d, want %d, %d and %d", try, h.Start[len(h.ID)], h.FirstDay, h.LastDay, len(rows), first, rules.LastDay)
		}
	}
}
