package retention

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestOrdersThatComeCustomerByCustomerMakeTheSameHistory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for try := range 300 {
		var in Orders
		for range rng.IntN(200) {
			in.Add(rng.Int64N(12), int32(rng.IntN(40))-3, rng.Int64N(30)-2)
			if rng.IntN(30) == 0 {
				in.Day[len(in.Day)-1] = []int32{-30_000, 90_000}[rng.IntN(2)]
				in.AmountMinor[0] = MaxAmountMinor + 1
			}
		}
		// As a database sorts by customer: the rest as it comes.
		at := make([]int, len(in.Day))
		for i := range at {
			at[i] = i
		}
		slices.SortStableFunc(at, func(a, b int) int { return int(in.Customer[a] - in.Customer[b]) })
		rules := Rules{LastDay: int32(30 * rng.IntN(2)), FreeOrders: rng.IntN(2) == 0}
		s := NewSorted(rules, rng.IntN(300))
		for _, i := range at {
			if err := s.Add(in.Customer[i], in.Day[i], in.AmountMinor[i]); err != nil {
				t.Fatal(err)
			}
		}
		want, left, err := Build(in, rules)
		got, gotLeft, gotErr := s.History()
		if left != gotLeft || !errors.Is(gotErr, err) {
			t.Fatalf("try %d: left out %+v and %+v, %v and %v", try, gotLeft, left, gotErr, err)
		}
		if err != nil {
			continue
		}
		want.Row = nil
		same := func(what string, got, want *History) {
			if !slices.Equal(got.ID, want.ID) || !slices.Equal(got.Start, want.Start) || !slices.Equal(got.Day, want.Day) ||
				!slices.Equal(got.AmountMinor, want.AmountMinor) || got.FirstDay != want.FirstDay || got.LastDay != want.LastDay {
				t.Fatalf("try %d, %s:\n%+v\n%+v", try, what, got, want)
			}
		}
		same("all of it", got, want)
		day := int32(rng.IntN(50))
		same("up to a day", got.Until(day), want.Until(day))
		if odd := func(i int) int { return i % 2 }; !reflect.DeepEqual(got.Split(2, odd), want.Split(2, odd)) {
			t.Fatalf("try %d: split it is another one", try)
		}
	}
	s := NewSorted(Rules{}, 0)
	if err := errors.Join(s.Add(2, 1, 1), s.Add(3, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(2, 2, 1); err == nil {
		t.Error("an order of a customer who is through already was taken")
	}
}
