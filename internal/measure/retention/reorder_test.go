package retention

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pantry simulates pairs of customers and products with known rhythms.
func pantry(r *rand.Rand, products, pairs int, elasticity float64) (*History, func(i int) int) {
	var in Orders
	means := make([]float64, products)
	for p := range means {
		means[p] = 3.2 + 0.5*r.NormFloat64()
	}
	for c := range pairs {
		own := means[c%products] + 0.3*r.NormFloat64()
		for day := float64(10000); day < 10700; {
			pieces := float64(1 + r.IntN(4))
			in.Add(int64(c+1), int32(day), int64(pieces*1000))
			day += max(1, math.Exp(own+elasticity*math.Log(pieces)+0.4*r.NormFloat64()))
		}
	}
	h, _, err := Build(in, Rules{})
	if err != nil {
		panic(err)
	}
	return h, func(i int) int { return (int(h.ID[i]) - 1) % products }
}

func TestReorderingLearnsProductsPairsAndQuantity(t *testing.T) {
	h, product := pantry(rand.New(rand.NewPCG(1, 1)), 25, 1500, 0.7)
	effect := QuantityEffectOf(h).Elasticity()
	near(t, "elasticity", effect, 0.7, 0.03)
	m, err := ReordersOf(h, 25, product, effect).Fit()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "within", math.Sqrt(m.Within), 0.4, 0.03)
	near(t, "between", math.Sqrt(m.Between), 0.3, 0.05)
	near(t, "among", math.Sqrt(m.Among), 0.5, 0.2)
	// Of the gaps, eight in ten end by the day that eight in ten should.
	var ended, all float64
	for i := range h.ID {
		var own OwnGaps
		eachGap(h, i, func(gap, quantity float64) {
			if gap <= m.Due(product(i), own, quantity, 0.8) {
				ended++
			}
			all++
			own.Gaps++
			own.Sum += math.Log(gap) - effect*math.Log(quantity)
		})
	}
	near(t, "promised for four in five", ended/all, 0.8, 0.02)
	if one, many := m.Due(0, OwnGaps{}, 1, 0.9)/m.Due(0, OwnGaps{}, 1, 0.1),
		m.Due(0, OwnGaps{Gaps: 9, Sum: 27}, 1, 0.9)/m.Due(0, OwnGaps{Gaps: 9, Sum: 27}, 1, 0.1); one <= many {
		t.Error("a pair without gaps is not answered wider")
	}
}

func TestReordersMerge(t *testing.T) {
	h, _ := pantry(rand.New(rand.NewPCG(2, 1)), 7, 300, 0.3)
	merges(t, "quantity", h, QuantityEffectOf)
	merges(t, "reorders", h, func(part *History) Reorders {
		return ReordersOf(part, 7, func(i int) int { return (int(part.ID[i]) - 1) % 7 }, 0.3)
	})
	if _, err := (Reorders{Products: make([]ProductGaps, 3)}).Fit(); err == nil {
		t.Error("a rhythm out of nothing")
	}
}

func TestPiecesBoughtOnOneDayLastTogether(t *testing.T) {
	var in Orders
	in.Add(1, 10, 2000)
	in.Add(1, 10, 1000)
	in.Add(1, 40, 1000)
	in.Add(1, 52, 500)
	var got [][2]float64
	eachGap(build(t, in), 0, func(days, quantity float64) { got = append(got, [2]float64{days, quantity}) })
	if len(got) != 2 || got[0] != [2]float64{30, 3} || got[1] != [2]float64{12, 1} {
		t.Errorf("%v", got)
	}
}
