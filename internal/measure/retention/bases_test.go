package retention

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestBasesOfManyPeriodsAreThoseOfEach(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 4))
	var in Orders
	for range 3000 {
		in.Add(1+rng.Int64N(400), Day(2022, 3, 5)+rng.Int32N(900), 100)
	}
	h, _, err := Build(in, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []Grain{Week, Month, Quarter, Year} {
		for _, window := range []int32{1, 30, 365} {
			span := Span{From: h.FirstDay + rng.Int32N(200), To: h.LastDay + 40}
			all, err := BasesOf(h, g, span, window)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range all {
				p := g.PeriodOf(span.From) + Period(i)
				want, err := BaseOf(h, Span{From: g.First(p), To: g.Last(p)}, window)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("%s %s, window %d: %+v, want %+v (%v)", g, g.Label(p), window, got, want, err)
				}
			}
		}
	}
}
