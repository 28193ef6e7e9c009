package retention

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestForecastsOfThePastHoldWhatCame(t *testing.T) {
	for _, c := range []struct {
		name string
		h    *History
	}{{"Online Retail", onlineRetail(t)}, {"CDNOW", cdnow(t)}} {
		var origins []int32
		for p := Month.PeriodOf(c.h.FirstDay) + 2; p <= Month.PeriodOf(c.h.LastDay); p++ {
			origins = append(origins, Month.First(p)-1)
		}
		both, err := Backtest(c.h, Trial{30, origins}, Trial{91, origins})
		if err != nil {
			t.Fatal(err)
		}
		for n, days := range []int32{30, 91} {
			tests := both[n]
			// Beside each other they say what each says alone.
			if alone, err := Backtest(c.h, Trial{days, origins}); err != nil || !reflect.DeepEqual(alone[0], tests) {
				t.Fatalf("%s: forecasts of %d days differ by what is asked beside them, %v", c.name, days, err)
			}
			var covered [4]int
			for i, b := range tests {
				ended := 0
				for _, earlier := range tests[:i] {
					if earlier.Day+days <= b.Day {
						ended++
					}
				}
				if b.Forecast.Tests != ended {
					t.Fatalf("%s: forecast %d knows %d tests of which %d had ended", c.name, i, b.Forecast.Tests, ended)
				}
			}
			for _, b := range tests {
				var in [4]bool
				in[0], in[1], in[2], in[3] = b.Covered()
				for i := range in {
					if in[i] {
						covered[i]++
					}
				}
				o, r := b.off()
				t.Logf("%s %d days from %s: %.0f orders, came %d (%+.0f %%); revenue %+.0f %%, shocks %.2f %.2f", c.name, days,
					Month.Label(Month.PeriodOf(b.Day+1)), b.Forecast.Orders.Expected, b.Orders, 100*math.Expm1(o), 100*math.Expm1(r), b.Forecast.OrdersShock, b.Forecast.RevenueShock)
			}
			t.Logf("%s %d days: of %d, orders %d within 50 %%, %d within 90 %%; revenue %d and %d",
				c.name, days, len(tests), covered[0], covered[1], covered[2], covered[3])
			if len(tests) < 5 || covered[1]*10 < len(tests)*7 || covered[3]*10 < len(tests)*7 {
				t.Errorf("%s: the 90 %% intervals of %d days held %d and %d of %d", c.name, days, covered[1], covered[3], len(tests))
			}
		}
	}
}

func TestForecastIsRightWhereTheModelIs(t *testing.T) {
	// A world without shocks that is BG/NBD and gamma-gamma: the sum of the
	// expectations is what comes, within what chance allows.
	r := rand.New(rand.NewPCG(8, 8))
	truth := BGNBD{R: 0.9, Alpha: 50, A: 0.8, B: 3}
	var in Orders
	for c := range 20000 {
		rate := gammaDraw(r, truth.R) / truth.Alpha
		stopA, stopB := gammaDraw(r, truth.A), gammaDraw(r, truth.B)
		stop, mean := stopA/(stopA+stopB), 3000/gammaDraw(r, 4)
		for day, first := 10000+300*r.Float64(), true; day < 10800; day += r.ExpFloat64() / rate {
			in.Add(int64(c+1), int32(day), 1+int64(mean*gammaDraw(r, 5)))
			if !first && r.Float64() < stop {
				break
			}
			first = false
		}
	}
	h := build(t, in)
	past := h.Until(10600)
	f, err := ForecastOf(past, 199, nil)
	if err != nil {
		t.Fatal(err)
	}
	orders, revenue := came(h, 10600, 199)
	t.Logf("%+v, came %d %d", f, orders, revenue)
	if off := math.Abs(float64(orders)/f.Orders.Expected - 1); off > 0.04 {
		t.Errorf("orders %.0f, came %d", f.Orders.Expected, orders)
	}
	if off := math.Abs(float64(revenue)/f.Revenue.Expected - 1); off > 0.06 {
		t.Errorf("revenue %.0f, came %d", f.Revenue.Expected, revenue)
	}
	if v := f.Prospect.VisitsVariance; v < f.Prospect.Visits || v > 10*f.Prospect.Visits {
		t.Errorf("variance %.0f of %.0f visits", v, f.Prospect.Visits)
	}
}

func TestProspectsOfPartsAddUp(t *testing.T) {
	h := onlineRetail(t)
	m, s := BGNBD{0.8, 40, 0.5, 3}, GammaGamma{2, 3, 50000}
	whole := ProspectOf(h, h.LastDay, m, s, 90)
	var sum Prospect
	sum.Days = 90
	for _, part := range h.Parts(7) {
		sum = sum.Merge(ProspectOf(part, h.LastDay, m, s, 90))
	}
	exact(t, "visits", "parts", sum.Visits, whole.Visits)
	exact(t, "revenue", "parts", sum.RevenueMinor, whole.RevenueMinor)
	exact(t, "variance", "parts", sum.RevenueVariance, whole.RevenueVariance)
	if sum.Customers != whole.Customers {
		t.Error("customers lost")
	}
}

func TestOnlyWhatCameAfterTheDayCame(t *testing.T) {
	var in Orders
	for day, amount := range map[int32]int64{100: 1, 110: 20, 111: 300, 120: 4000, 121: 50000} {
		in.Add(1, day, amount)
	}
	in.Add(2, 115, 600000) // not had on the day
	if orders, revenue := came(build(t, in), 110, 10); orders != 2 || revenue != 4300 {
		t.Errorf("%d orders, %d", orders, revenue)
	}
}

func TestQuantilesOfAnOutlook(t *testing.T) {
	o := Outlook{0.5, 0.3, 0.2}
	for q, want := range map[float64]int{0.1: 0, 0.5: 0, 0.501: 1, 0.8: 1, 0.81: 2, 1: 2} {
		if got := o.Quantile(q); got != want {
			t.Errorf("quantile %g is %d", q, got)
		}
	}
	if low, high := o.Interval(0.5); low != 0 || high != 1 {
		t.Error(low, high)
	}
	exact(t, "mean", o, o.Mean(), 0.7)
}
