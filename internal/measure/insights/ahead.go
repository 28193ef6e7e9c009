package insights

import (
	"errors"
	"fmt"
	"math"

	"regulars/internal/measure/retention"
)

// ahead is what comes from the customers already had, and what more of it
// would be worth. Money is in minor units.
type ahead struct {
	Empty    bool              `json:"empty,omitempty"`
	AsOf     int32             `json:"as_of"`
	First    int32             `json:"first"`
	LeftOut  retention.LeftOut `json:"left_out"`
	Unvalued int64             `json:"unvalued"`
	Orders   int64             `json:"orders"`
	Buyers   int64             `json:"buyers"`
	Again    int64             `json:"again"` // of them: bought on two days or more

	// Trouble is why nothing can be expected; empty: the rest is there.
	Trouble       string               `json:"trouble,omitempty"`
	Buying        retention.BGNBD      `json:"buying"`
	LogLikelihood float64              `json:"log_likelihood"`
	Edge          bool                 `json:"edge,omitempty"`
	SameSpending  bool                 `json:"same_spending,omitempty"`
	Horizons      []horizon            `json:"horizons"`
	Case          *retention.MoneyCase `json:"case,omitempty"`

	// What the last year brought, up to AsOf; YearWhole: there was a whole one.
	YearMinor  int64 `json:"year_minor"`
	YearOrders int64 `json:"year_orders"`
	YearWhole  bool  `json:"year_whole"`
	Won        int64 `json:"won"` // first bought in it

	Top  []top     `json:"top"`  // of the revenue of that year
	Most *bringers `json:"most"` // who bring four fifths of it; nil without revenue
	Gini float64   `json:"gini"`
}

// horizon is a forecast with what the same one of the past came to.
type horizon struct {
	Key     string          `json:"key"`
	Days    int32           `json:"days"`
	Alive   float64         `json:"alive"`
	Orders  retention.Range `json:"orders_range"`
	Revenue retention.Range `json:"revenue_range"`
	Shock   float64         `json:"shock"` // of revenue
	Tests   []test          `json:"tests"`
}

// test is one forecast of the past.
type test struct {
	Day         int32           `json:"day"` // the last one known
	Orders      retention.Range `json:"orders_range"`
	Revenue     retention.Range `json:"revenue_range"`
	CameOrders  int64           `json:"came_orders"`
	CameRevenue int64           `json:"came_revenue"`
}

type top struct {
	Share  float64 `json:"share"`  // of customers
	Brings float64 `json:"brings"` // share of revenue
}

type bringers struct {
	Customers int64   `json:"customers"`
	Of        float64 `json:"of"`
	All       int64   `json:"all"`
}

func (a *ahead) count() int64 { return a.Orders }

// horizons are how far it is looked ahead.
var horizons = []horizon{{Key: "month", Days: 30}, {Key: "quarter", Days: 91}, {Key: "year", Days: 365}}

// mostTests is how often each forecast is repeated on the past, at the ends of
// as many months.
const mostTests = 12

// lookAhead computes what the columns of a filter let expect.
func lookAhead(c *columns) (*ahead, error) {
	a := &ahead{AsOf: c.asOf, Unvalued: c.unvalued}
	h, left, err := c.purchases.History()
	a.LeftOut = left
	if errors.Is(err, retention.ErrNoOrders) {
		a.Empty = true
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("build the history: %w", err)
	}
	if c.asOf < c.today {
		h = h.Until(c.asOf)
	}
	if a.Empty = h.Orders() == 0; a.Empty {
		return a, nil
	}
	a.First, a.Orders, a.Buyers = h.FirstDay, int64(h.Orders()), int64(h.Customers())
	a.lastYear(h)
	rows := retention.BuyersOf(h, h.LastDay)
	_, again := rows.Customers()
	a.Again = int64(again)
	buying, how, err := retention.FitBGNBD(rows)
	var trouble *retention.Trouble
	if errors.As(err, &trouble) {
		a.Trouble = trouble.Key
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fit the model of buying: %w", err)
	}
	a.Buying, a.LogLikelihood, a.Edge = buying, how.LogLikelihood, how.Edge
	spenders := retention.SpendersOf(h, h.LastDay, true)
	spending, _, err := retention.FitGammaGamma(spenders)
	if err != nil {
		a.SameSpending = true
		spending = retention.SameForAll(meanOf(spenders))
	}
	if err := a.expect(h, buying, spending); err != nil {
		return nil, err
	}
	won := float64(a.Won)
	if !a.YearWhole { // as many in a year as in the days there were
		won *= 365 / float64(h.LastDay-h.FirstDay+1)
	}
	if m := retention.MoneyCaseOf(h, buying, spending, won); numbers(m.Return, m.ReturnWon, m.HadMinor, m.WonMinor, m.BackMinor, m.BackWonMinor, m.NewMinor, m.FirstMinor) {
		a.Case = &m
	}
	return a, nil
}

// meanOf is the mean paid at a visit.
func meanOf(s retention.Spenders) float64 {
	var sum, visits float64
	for i, n := range s.Count {
		sum += s.Mean[i] * s.Visits[i] * n
		visits += s.Visits[i] * n
	}
	if visits == 0 {
		return 0
	}
	return sum / visits
}

// expect forecasts each horizon, after it was repeated on the past.
func (a *ahead) expect(h *retention.History, buying retention.BGNBD, spending retention.GammaGamma) error {
	var trials []retention.Trial
	for _, z := range horizons {
		trials = append(trials, retention.Trial{Days: z.Days, Origins: origins(h, z.Days)})
	}
	tests, err := retention.Backtest(h, trials...)
	if err != nil {
		return fmt.Errorf("repeat the forecast on the past: %w", err)
	}
	for i, z := range horizons {
		past := tests[i]
		f := retention.ForecastBy(h, float64(z.Days), buying, spending, past)
		z.Alive, z.Orders, z.Revenue, z.Shock = f.Prospect.Alive, f.Orders, f.Revenue, f.RevenueShock
		for _, b := range past {
			if sound(b.Forecast.Orders) && sound(b.Forecast.Revenue) {
				z.Tests = append(z.Tests, test{b.Day, b.Forecast.Orders, b.Forecast.Revenue, b.Orders, b.Revenue})
			}
		}
		if !sound(f.Orders) || !sound(f.Revenue) || !numbers(z.Alive, z.Shock) {
			a.Trouble, a.Horizons = "no_convergence", nil
			return nil
		}
		a.Horizons = append(a.Horizons, z)
	}
	return nil
}

// testsFor is how many tests a shop has time for: each fits the models anew, so
// that a million customers have four a horizon.
func testsFor(customers int) int {
	const quick = 250_000 // customers for whom all are soon done
	return max(4, min(mostTests, mostTests*quick/max(1, customers)))
}

// origins are the ends of the last months from which the days ahead are known,
// two months of history before the first.
func origins(h *retention.History, days int32) []int32 {
	var all []int32
	tests := testsFor(h.Customers())
	first := retention.Month.PeriodOf(h.FirstDay) + 2
	for p := retention.Month.PeriodOf(h.LastDay); p >= first && len(all) < tests; p-- {
		if day := retention.Month.First(p) - 1; day+days <= h.LastDay {
			all = append(all, day)
		}
	}
	return all
}

func numbers(all ...float64) bool {
	for _, v := range all {
		// What no business ever took is no number either.
		if math.IsNaN(v) || math.Abs(v) > 1e17 {
			return false
		}
	}
	return true
}

func sound(r retention.Range) bool {
	return numbers(r.Expected, r.Low50, r.High50, r.Low90, r.High90)
}

// lastYear adds up the year up to the last day, and who brought it.
func (a *ahead) lastYear(h *retention.History) {
	from := h.LastDay - 364
	a.YearWhole = h.FirstDay <= from
	for i := range h.ID {
		amounts := h.Amounts(i)
		for k, day := range h.Days(i) {
			if day < from {
				continue
			}
			if k == 0 {
				a.Won++
			}
			a.YearOrders++
			a.YearMinor += amounts[k]
		}
	}
	spread := retention.ConcentrationOf(h, retention.Span{From: from, To: h.LastDay})
	for _, share := range []float64{0.01, 0.05, 0.1, 0.2, 0.5} {
		if brings, ok := spread.TopShare(share); ok {
			a.Top = append(a.Top, top{share, brings})
		}
	}
	if n, of, ok := spread.Bring(0.8); ok {
		a.Most = &bringers{n, of, spread.Spent.N()}
		a.Gini, _ = spread.Gini()
	}
}
