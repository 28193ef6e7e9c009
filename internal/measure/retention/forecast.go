package retention

import (
	"fmt"
	"math"
	"slices"
)

// Buying is a fitted model of visits: BGNBD, MBGNBD or ParetoNBD.
type Buying interface {
	// Alive is the chance that a customer has not left.
	Alive(x, last, age float64) float64
	// Return is the chance of at least one visit in the next horizon.
	Return(x, last, age, horizon float64) float64
	// Moments are mean and variance of the visits in the next horizon.
	Moments(x, last, age, horizon float64) (mean, variance float64)
}

// Prospect is what the customers already had are expected to bring in a number
// of days. Customers won in that time are not in it.
type Prospect struct {
	Days            float64 `json:"days"`
	Customers       int64   `json:"customers"`
	Alive           float64 `json:"alive"` // expected number who have not left
	Visits          float64 `json:"visits"`
	VisitsVariance  float64 `json:"visits_variance"`
	RevenueMinor    float64 `json:"revenue_minor"`
	RevenueVariance float64 `json:"revenue_variance"` // minor units squared
}

// ProspectOf adds up the expectations of everybody who had bought by the end of
// a day. Customers are taken as independent; what moves all of them at once is
// in the Shock of a forecast.
func ProspectOf(h *History, asOf int32, buying Buying, spending GammaGamma, days float64) Prospect {
	return Over(h, func(h *History) Prospect {
		p := Prospect{Days: days}
		known := map[[3]int32][3]float64{} // equal rows have equal visits
		for i := range h.ID {
			x, last, age, ok := Visits(h.Days(i), asOf)
			if !ok {
				continue
			}
			row := [3]int32{x, last, age}
			v, ok := known[row]
			if !ok {
				X, L, T := float64(x), float64(last), float64(age)
				v[0] = buying.Alive(X, L, T)
				v[1], v[2] = buying.Moments(X, L, T, days)
				known[row] = v
			}
			c := spentBy(h.Days(i), h.Amounts(i), asOf, true)
			mean := spending.Spend(float64(c.visits), float64(c.total)/float64(c.visits))
			p.Add(v[0], v[1], v[2], mean, spending)
		}
		return p
	})
}

// Add adds one customer: the chance not to have left, mean and variance of the
// visits, and what each is expected to bring.
func (p *Prospect) Add(alive, visits, variance, mean float64, spending GammaGamma) {
	p.Customers++
	p.Alive += alive
	p.Visits += visits
	p.VisitsVariance += variance
	p.RevenueMinor += visits * mean
	// Payments around the customer's own mean vary by mean²/p.
	p.RevenueVariance += mean * mean * (variance + visits/spending.P)
}

// Merge adds other customers; sums of floats, so parts agree with the whole to
// rounding.
func (p Prospect) Merge(q Prospect) Prospect {
	return Prospect{
		Days: p.Days, Customers: p.Customers + q.Customers, Alive: p.Alive + q.Alive,
		Visits: p.Visits + q.Visits, VisitsVariance: p.VisitsVariance + q.VisitsVariance,
		RevenueMinor: p.RevenueMinor + q.RevenueMinor, RevenueVariance: p.RevenueVariance + q.RevenueVariance,
	}
}

// Range is an expectation with the intervals that hold the truth with 50 and
// with 90 % chance.
type Range struct {
	Expected float64 `json:"expected"`
	Low50    float64 `json:"low_50"`
	High50   float64 `json:"high_50"`
	Low90    float64 `json:"low_90"`
	High90   float64 `json:"high_90"`
}

// Forecast is what the customers already had bring in the next days.
type Forecast struct {
	Prospect Prospect `json:"prospect"`
	Orders   Range    `json:"orders"`
	Revenue  Range    `json:"revenue"` // minor units
	// The shocks are how far, as a share, forecasts of the past were off for
	// what moves all customers at once: season, prices, the economy. Tests is
	// how many forecasts they were learnt from.
	OrdersShock  float64 `json:"orders_shock"`
	RevenueShock float64 `json:"revenue_shock"`
	Tests        int     `json:"tests"`
	// SameSpending: who spends how much could not be learnt, so the average is
	// expected of everybody.
	SameSpending bool `json:"same_spending"`
}

// Backcast is one forecast of the past with what came.
type Backcast struct {
	Day      int32    `json:"day"` // the last day known
	Forecast Forecast `json:"forecast"`
	Orders   int64    `json:"orders"`
	Revenue  int64    `json:"revenue"` // minor units
}

// off is how far the truth was, as a logarithm, from the expectation.
func (b Backcast) off() (orders, revenue float64) {
	orders = math.Log((float64(b.Orders) + 0.5) / (b.Forecast.Orders.Expected + 0.5))
	revenue = math.Log((float64(b.Revenue) + 1) / (b.Forecast.Revenue.Expected + 1))
	return orders, revenue
}

// Covered says whether the truth lay within the intervals.
func (b Backcast) Covered() (orders50, orders90, revenue50, revenue90 bool) {
	in := func(v, low, high float64) bool { return v >= low && v <= high }
	o, r, f := float64(b.Orders), float64(b.Revenue), b.Forecast
	return in(o, f.Orders.Low50, f.Orders.High50), in(o, f.Orders.Low90, f.Orders.High90),
		in(r, f.Revenue.Low50, f.Revenue.High50), in(r, f.Revenue.Low90, f.Revenue.High90)
}

// The shock that a shop of which nothing is known yet is thought to have, and
// how many tests that thought is worth.
const (
	usualShock = 0.2
	usualTests = 2
)

// ForecastOf fits the models to a history and forecasts the next days, with
// intervals that know how far off the same forecast was in the past (Backtest).
// The error is a *Trouble.
func ForecastOf(h *History, days float64, past []Backcast) (Forecast, error) {
	m, err := modelsOf(h)
	if err != nil {
		return Forecast{}, err
	}
	return m.forecast(h, days, past), nil
}

// models are what a forecast is made with.
type models struct {
	buying       BGNBD
	spending     GammaGamma
	sameSpending bool
}

func modelsOf(h *History) (m models, err error) {
	if m.buying, _, err = FitBGNBD(BuyersOf(h, h.LastDay)); err != nil {
		return m, err
	}
	spenders := SpendersOf(h, h.LastDay, true)
	if m.spending, _, err = FitGammaGamma(spenders); err != nil {
		m.spending, m.sameSpending = SameForAll(spenders.mean()), true
	}
	return m, nil
}

func (m models) forecast(h *History, days float64, past []Backcast) Forecast {
	f := ForecastBy(h, days, m.buying, m.spending, past)
	f.SameSpending = m.sameSpending
	return f
}

// ForecastBy is ForecastOf with models that are fitted already.
func ForecastBy(h *History, days float64, buying Buying, spending GammaGamma, past []Backcast) Forecast {
	return ForecastFrom(ProspectOf(h, h.LastDay, buying, spending, days), ordersPerVisit(h), past)
}

// ForecastFrom is the forecast of a prospect, with so many orders a visit.
func ForecastFrom(p Prospect, perVisit float64, past []Backcast) Forecast {
	f := Forecast{Prospect: p, Tests: len(past)}
	orders2 := float64(usualTests) * usualShock * usualShock
	revenue2 := orders2
	for _, b := range past {
		orders, revenue := b.off()
		orders2 += orders * orders
		revenue2 += revenue * revenue
	}
	f.OrdersShock = math.Sqrt(orders2 / float64(usualTests+len(past)))
	f.RevenueShock = math.Sqrt(revenue2 / float64(usualTests+len(past)))
	f.Orders = rangeOf(p.Visits*perVisit, p.VisitsVariance*perVisit*perVisit, f.OrdersShock)
	f.Revenue = rangeOf(p.RevenueMinor, p.RevenueVariance, f.RevenueShock)
	return f
}

// ordersPerVisit is how many orders a day with orders has.
func ordersPerVisit(h *History) float64 {
	gaps := GapsOf(h, h.Whole())
	visits := float64(h.Customers()) + float64(gaps.Days.N())
	if visits == 0 {
		return 1
	}
	return float64(h.Orders()) / visits
}

// rangeOf is log-normal: chance of single customers and shocks of all.
func rangeOf(expected, variance, shock float64) Range {
	if expected <= 0 {
		return Range{}
	}
	s := math.Sqrt(math.Log1p(variance/(expected*expected)) + shock*shock)
	at := func(q float64) float64 { return expected * math.Exp(s*normalQuantile(q)) }
	return Range{Expected: expected, Low50: at(0.25), High50: at(0.75), Low90: at(0.05), High90: at(0.95)}
}

// Trial is a forecast of some days to be repeated on the past: at the end of
// each of the origins.
type Trial struct {
	Days    int32
	Origins []int32
}

// Backtest repeats forecasts on days of the past, each with only what was known
// then (the models fitted before it, and the shocks of the tests of its trial
// that had ended by it), and compares them with what the customers of that day
// brought: a list a trial. Trials of one day share its models. Days before whom
// too few had bought are left out.
func Backtest(h *History, trials ...Trial) ([][]Backcast, error) {
	var origins []int32
	for _, t := range trials {
		if t.Days < 1 {
			return nil, fmt.Errorf("a forecast of %d days: it needs at least one", t.Days)
		}
		origins = append(origins, t.Origins...)
	}
	slices.Sort(origins)
	tests := make([][]Backcast, len(trials))
	for _, day := range slices.Compact(origins) {
		asked := func(t Trial) bool { return slices.Contains(t.Origins, day) && day+t.Days <= h.LastDay }
		if !slices.ContainsFunc(trials, asked) {
			continue
		}
		past := h.Until(day)
		models, err := modelsOf(past)
		if err != nil {
			continue // too few had bought by then
		}
		for i, t := range trials {
			if !asked(t) {
				continue
			}
			var known []Backcast
			for _, before := range tests[i] {
				if before.Day+t.Days <= day {
					known = append(known, before)
				}
			}
			b := Backcast{Day: day, Forecast: models.forecast(past, float64(t.Days), known)}
			b.Orders, b.Revenue = came(h, day, t.Days)
			tests[i] = append(tests[i], b)
		}
	}
	return tests, nil
}

// came adds up what the customers of a day brought in the days after it.
func came(h *History, day, days int32) (orders, revenue int64) {
	for i := range h.ID {
		own := h.Days(i)
		if own[0] > day {
			continue
		}
		amounts := h.Amounts(i)
		for k, d := range own {
			if d > day && d <= day+days {
				orders++
				revenue += amounts[k]
			}
		}
	}
	return orders, revenue
}
