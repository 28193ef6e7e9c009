package retention

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAPointOfRetentionIsWorthWhatThoseWhoReturnBuy(t *testing.T) {
	h := onlineRetail(t)
	m, _, err := FitBGNBD(BuyersOf(h, h.LastDay))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := FitGammaGamma(SpendersOf(h, h.LastDay, true))
	if err != nil {
		t.Fatal(err)
	}
	c := MoneyCaseOf(h, m, s, 3000)
	one, five, all := c.Point(1), c.Point(5), c.Point(1000)
	t.Logf("%+v: one point %.0f, five %.0f", c, one.TotalMinor(), five.TotalMinor())
	if !(one.TotalMinor() > 0) || math.Abs(five.TotalMinor()/one.TotalMinor()-5) > 1e-9 {
		t.Error("five points are not worth five times one")
	}
	if all.HadMinor > (1-c.Return)*float64(c.Customers)*c.BackMinor*(1+1e-12) || c.Point(0).TotalMinor() != 0 {
		t.Error("more return than stay away")
	}
	p := ProspectOf(h, h.LastDay, m, s, year)
	exact(t, "revenue", "a year", c.HadMinor, p.RevenueMinor)
}

// TestValueOfReturningIsWhatHappensToThoseWhoReturn simulates a year of equal
// customers: those who come again come as often as the money case says.
func TestValueOfReturningIsWhatHappensToThoseWhoReturn(t *testing.T) {
	m, s := BGNBD{0.9, 200, 0.8, 3}, GammaGamma{3, 4, 3000}
	var in Orders
	for c := range 20 {
		in.Add(int64(c+1), 1000, 2000)
	}
	h, _, err := Build(in, Rules{LastDay: 1000 + 100})
	if err != nil {
		t.Fatal(err)
	}
	c := MoneyCaseOf(h, m, s, 0)
	r := rand.New(rand.NewPCG(6, 1))
	var returned, visits float64
	for range 400000 {
		rate := gammaDraw(r, m.R) / (m.Alpha + 100) // given 100 days of silence
		a, b := gammaDraw(r, m.A), gammaDraw(r, m.B)
		n := 0.0
		for now := r.ExpFloat64() / rate; now < year; now += r.ExpFloat64() / rate {
			n++
			if r.Float64() < a/(a+b) {
				break
			}
		}
		if n > 0 {
			returned++
			visits += n
		}
	}
	near(t, "return", c.Return, returned/400000, 0.003)
	near(t, "visits of those who return", c.BackMinor/s.Spend(1, 2000), visits/returned, 0.02)
}

func TestGoalsNeedSoManyNewCustomers(t *testing.T) {
	if n, ok := Needed(100, 40, 25); !ok || n != 3 {
		t.Error("needed", n)
	}
	if n, ok := Needed(100, 140, 0); !ok || n != 0 {
		t.Error("a goal that is reached needs", n)
	}
	if _, ok := Needed(100, 40, 0); ok {
		t.Error("a goal reached by winning nothing")
	}
	c := MoneyCase{FirstMinor: 1000, NewMinor: 500, BackMinor: 800}
	if got := c.Payback(300, 100, 0.4); got != (Payback{WinMinor: 300, KeepMinor: 220}) {
		t.Errorf("%+v", got)
	}
}
