package retention

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestKaplanMeierAsPublished(t *testing.T) {
	// Freireich et al. (1963), 6-MP arm, as in Cox and Oakes (1984).
	s := Survival{
		Happened: TallyOf([]int64{6, 6, 6, 7, 10, 13, 16, 22, 23}),
		Waiting:  TallyOf([]int64{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}),
	}
	want := []Step{
		{6, 21, 0.857, 0.0764}, {7, 17, 0.807, 0.0869}, {10, 15, 0.753, 0.0963}, {13, 12, 0.690, 0.1068},
		{16, 11, 0.627, 0.1141}, {22, 7, 0.538, 0.1282}, {23, 6, 0.448, 0.1346},
	}
	got := s.Curve()
	if len(got) != len(want) {
		t.Fatalf("%d steps", len(got))
	}
	for i, w := range want {
		if got[i].Days != w.Days || got[i].AtRisk != w.AtRisk {
			t.Errorf("step %+v, published %+v", got[i], w)
		}
		near(t, "still", got[i].Still, w.Still, 0.0005)
		near(t, "error", got[i].Error, w.Error, 0.0001)
	}
	if m, ok := s.MedianDays(); !ok || m != 23 {
		t.Error("median", m)
	}
}

func TestReturnsHearThoseWhoAreAway(t *testing.T) {
	var in Orders
	in.Add(1, 10, 1)
	in.Add(1, 10, 1)
	in.Add(1, 15, 1)
	in.Add(1, 18, 1)
	in.Add(2, 12, 1)
	in.Add(3, 30, 1) // after the day asked for
	h := build(t, in)
	first, second := ReturnsOf(h, 20, 1), ReturnsOf(h, 20, 2)
	if first.Happened.Sum() != 5 || first.Happened.N() != 1 || first.Waiting.Sum() != 8 || first.Waiting.N() != 1 {
		t.Errorf("after the first visit %+v", first)
	}
	if second.Happened.Sum() != 3 || second.Waiting.N() != 0 {
		t.Errorf("after the second %+v", second)
	}
	whole := build(t, randomOrders(3, 9000, 1500))
	for _, k := range []int32{1, 2, 5} {
		merges(t, "returns", whole, func(h *History) Survival { return ReturnsOf(h, whole.LastDay-40, k) })
	}
}

func TestIntervalsHoldWhatCustomersSpend(t *testing.T) {
	// Customers drawn as the models say: what they bring lies within the
	// interval as often as it says.
	r := rand.New(rand.NewPCG(12, 5))
	m, s := BGNBD{0.8, 40, 0.7, 2.5}, GammaGamma{3, 4, 3000}
	var within, longRun int
	const draws = 20000
	const visits, mean = 3, 1500.0
	outlook := m.Outlook(2, 70, 90, 120)
	expected, low, high := s.Value(outlook, visits, mean, 0.9)
	lowMean, highMean := s.SpendInterval(visits, mean, 0.9)
	var sum float64
	for range draws {
		rate := gammaDraw(r, s.Q+s.P*visits) / (s.Gamma + visits*mean)
		k, u := 0, r.Float64()
		for u > outlook[k] && k < len(outlook)-1 {
			u -= outlook[k]
			k++
		}
		spent := 0.0
		if k > 0 {
			spent = gammaDraw(r, s.P*float64(k)) / rate
		}
		sum += spent
		if spent >= low && spent <= high {
			within++
		}
		if own := s.P / rate; own >= lowMean && own <= highMean {
			longRun++
		}
	}
	// The lower end is nothing at all, so the interval holds up to 95 %.
	near(t, "within", float64(within)/draws, 0.95, 0.01)
	near(t, "mean within", float64(longRun)/draws, 0.9, 0.01)
	near(t, "expected", sum/draws/expected, 1, 0.03)
	if low50, high50 := outlook.Interval(0.5); low50 > high50 || low50 < 0 {
		t.Error("interval of visits", low50, high50)
	}
	if math.IsNaN(expected) || low != 0 {
		t.Error("value", expected, low)
	}
}

func BenchmarkHistoryOfTenMillionOrders(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var in Orders
	for range 10_000_000 {
		in.Add(int64(r.ExpFloat64()*300_000)*7919+1, int32(14000+r.IntN(730)), 1+int64(r.ExpFloat64()*5000))
	}
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := Build(in, Rules{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	h, _, err := Build(in, Rules{})
	if err != nil {
		b.Fatal(err)
	}
	for name, figure := range map[string]func(){
		"repeat":        func() { RepeatOf(h, h.Whole()) },
		"cohorts":       func() { CohortsOf(h, Month) },
		"rfm":           func() { f, _ := StandingsOf(h, h.LastDay).Fifths(); RFMOf(h, h.LastDay, f) },
		"gaps":          func() { GapsOf(h, h.Whole()) },
		"revenue":       func() { RevenueOf(h, Month) },
		"concentration": func() { ConcentrationOf(h, h.Whole()) },
		"buyers":        func() { BuyersOf(h, h.LastDay) },
		"spenders":      func() { SpendersOf(h, h.LastDay, true) },
		"paces":         func() { PacesOf(h, h.LastDay) },
		"bgnbd":         func() { FitBGNBD(BuyersOf(h, h.LastDay)) },
		"gammagamma":    func() { FitGammaGamma(SpendersOf(h, h.LastDay, true)) },
		"rhythm":        func() { FitRhythm(PacesOf(h, h.LastDay)) },
		"forecast":      func() { ForecastOf(h, 90, nil) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				figure()
			}
		})
	}
}
