package report

import (
	"errors"
	"slices"
	"sync"

	"regulars/internal/measure/retention"
)

// Trouble is why a model could not be learnt.
type Trouble struct {
	Key       string `json:"key"` // of the text that says it
	Customers int64  `json:"customers"`
	Repeaters int64  `json:"repeaters"`
}

// Model is a fitted model: what it is, and how well it describes the
// customers.
type Model struct {
	Name          string             `json:"name"`
	Parameters    map[string]float64 `json:"parameters"`
	LogLikelihood float64            `json:"log_likelihood"`
	Customers     int64              `json:"customers"`
	Edge          bool               `json:"edge,omitempty"`
	Trouble       *Trouble           `json:"trouble,omitempty"`
	order         []string           // of the parameters
}

// Forecast is what the customers already had bring in the next days.
type Forecast struct {
	Name    string          `json:"name"` // month, quarter or year
	Days    int             `json:"days"`
	Orders  retention.Range `json:"orders"`
	Revenue retention.Range `json:"revenue_minor"`
	Tests   int             `json:"tests"` // forecasts of the past that the intervals were learnt from
}

// Backtest is the forecast of a quarter repeated on the past.
type Backtest struct {
	Days      int        `json:"days"`
	Tests     []Backcast `json:"tests"`
	Orders50  int        `json:"orders_within_50"`
	Orders90  int        `json:"orders_within_90"`
	Revenue50 int        `json:"revenue_within_50"`
	Revenue90 int        `json:"revenue_within_90"`
}

// Backcast is one forecast of the past with what came.
type Backcast struct {
	Day         string          `json:"day"`
	Orders      retention.Range `json:"orders"`
	CameOrders  int64           `json:"came_orders"`
	Revenue     retention.Range `json:"revenue_minor"`
	CameRevenue int64           `json:"came_revenue_minor"`
	OrdersIn90  bool            `json:"orders_within_90"`
	RevenueIn90 bool            `json:"revenue_within_90"`
}

// MoneyCase is what retention is worth over a year.
type MoneyCase struct {
	retention.MoneyCase
	Points []retention.Point `json:"points"` // +1 and +5
}

// horizons are the days ahead that are forecast.
var horizons = []Forecast{{Name: "month", Days: 30}, {Name: "quarter", Days: 91}, {Name: "year", Days: 365}}

// year is the length of the money case's year.
const year = 365.25

// yearAhead is for how many days a customer's visits and value are expected, as
// scores do.
const yearAhead = 365.0

// models learns how customers come and what they spend, and says what follows
// from it. What cannot be learnt is Trouble.
func (f *figures) models() error {
	r, h := f.report, f.h
	var spending retention.GammaGamma
	var rhythm retention.Rhythm
	var spendingModel, rhythmModel Model
	var beside sync.WaitGroup
	beside.Go(func() { spending, spendingModel = f.spending() })
	beside.Go(func() { rhythm, rhythmModel = f.rhythm() })
	buyers := retention.BuyersOf(h, h.LastDay)
	buying, fit, err := retention.FitBGNBD(buyers)
	beside.Wait()
	r.Models = append(r.Models, model("BG/NBD", fit, err, []string{"r", "alpha", "a", "b"}, buying.R, buying.Alpha, buying.A, buying.B))
	if err != nil {
		r.Trouble = troubleOf(err)
		if f.options.Customers != nil {
			return f.everybody(&scorer{h: h})
		}
		return nil
	}
	r.Models = append(r.Models, spendingModel, rhythmModel)
	if spendingModel.Trouble != nil {
		visits := float64(h.Customers())
		for i, x := range buyers.Repeats {
			visits += x * buyers.Count[i]
		}
		spending = retention.SameForAll(float64(r.RevenueMinor) / visits)
	}
	if f.options.All {
		f.others(buyers)
	}
	days := []float64{year} // its table is the first, that of yearAhead the last
	for _, ahead := range horizons {
		days = append(days, float64(ahead.Days))
	}
	quick := remember(buying, buyers, days...)
	s := newScorer(h, quick, spending)
	if rhythmModel.Trouble == nil {
		s.setRhythm(rhythm, buyers)
	}
	f.options.Step("report.step.customers")
	ahead := f.followUp(s)
	if f.options.Customers != nil {
		if err := f.everybody(s); err != nil {
			return err
		}
	}
	f.options.Step("report.step.forecast")
	if err := f.forecast(ahead); err != nil {
		return err
	}
	f.money(quick, spending)
	return nil
}

func model(name string, fit retention.Fit, err error, order []string, values ...float64) Model {
	m := Model{Name: name, order: order}
	if err != nil {
		m.Trouble = troubleOf(err)
		return m
	}
	m.Parameters = map[string]float64{}
	for i, p := range order {
		m.Parameters[p] = values[i]
	}
	m.LogLikelihood, m.Customers, m.Edge = fit.LogLikelihood, fit.Customers, fit.Edge
	return m
}

func troubleOf(err error) *Trouble {
	var t *retention.Trouble
	if !errors.As(err, &t) {
		return &Trouble{Key: "no_convergence"}
	}
	return &Trouble{t.Key, t.Customers, t.Repeaters}
}

// rhythmFrom is how many customers a rhythm is learnt from at most: more tell
// nothing new, and take long.
const rhythmFrom = 60_000

// spending learns what customers spend.
func (f *figures) spending() (retention.GammaGamma, Model) {
	m, fit, err := retention.FitGammaGamma(retention.SpendersOf(f.h, f.h.LastDay, true))
	return m, model("Gamma-Gamma", fit, err, []string{"p", "q", "gamma"}, m.P, m.Q, m.Gamma)
}

// rhythm learns the rhythm, of many customers from every n-th as they came.
func (f *figures) rhythm() (retention.Rhythm, Model) {
	h := f.h
	if n := h.Customers(); n > 2*rhythmFrom {
		h = every(h, n/rhythmFrom)
	}
	m, fit, err := retention.FitRhythm(retention.PacesOf(h, h.LastDay))
	return m, model("MBG/CNBD-k", fit, err, []string{"k", "r", "alpha", "a", "b"}, float64(m.K), m.R, m.Alpha, m.A, m.B)
}

// every keeps every n-th customer.
func every(h *retention.History, n int) *retention.History {
	i := 0
	return h.Where(func(k int) bool {
		for k >= int(h.Start[i+1]) {
			i++
		}
		return i%n == 0
	})
}

// others fits the other models, to compare.
func (f *figures) others(b retention.Buyers) {
	r := f.report
	four := []string{"r", "alpha", "a", "b"}
	m, fit, err := retention.FitMBGNBD(b)
	r.Models = append(r.Models, model("MBG/NBD", fit, err, four, m.R, m.Alpha, m.A, m.B))
	p, fit, err := retention.FitParetoNBD(b)
	r.Models = append(r.Models, model("Pareto/NBD", fit, err, []string{"r", "alpha", "s", "beta"}, p.R, p.Alpha, p.S, p.Beta))
	d, fit, err := retention.FitBGBB(retention.ChancesOf(f.h, retention.Month))
	r.Models = append(r.Models, model("BG/BB", fit, err, []string{"alpha", "beta", "gamma", "delta"}, d.Alpha, d.Beta, d.Gamma, d.Delta))
}

// quarter is how far ahead the past is forecast.
const quarter = 91

// backtests is how many times.
const backtests = 8

func (f *figures) forecast(prospects []retention.Prospect) error {
	var past []retention.Backcast
	if f.options.Backtest {
		f.options.Step("report.step.backtest")
		var origins []int32
		for n := int32(1); n <= backtests; n++ {
			origins = append(origins, f.h.LastDay-quarter*n)
		}
		tests, err := retention.Backtest(f.h, retention.Trial{Days: quarter, Origins: origins})
		if err != nil {
			return err
		}
		past = tests[0]
		f.report.Backtest = coverage(past)
	}
	visits := float64(f.h.Customers()) + float64(f.gaps.Days.N())
	for i, ahead := range horizons {
		got := retention.ForecastFrom(prospects[i], float64(f.h.Orders())/visits, past)
		ahead.Orders, ahead.Revenue, ahead.Tests = got.Orders, got.Revenue, got.Tests
		f.report.Forecast = append(f.report.Forecast, ahead)
	}
	return nil
}

func coverage(past []retention.Backcast) *Backtest {
	b := &Backtest{Days: quarter}
	count := func(n *int, in bool) {
		if in {
			*n++
		}
	}
	for _, p := range past {
		o50, o90, r50, r90 := p.Covered()
		count(&b.Orders50, o50)
		count(&b.Orders90, o90)
		count(&b.Revenue50, r50)
		count(&b.Revenue90, r90)
		b.Tests = append(b.Tests, Backcast{Day: dayText(p.Day), Orders: p.Forecast.Orders, CameOrders: p.Orders,
			Revenue: p.Forecast.Revenue, CameRevenue: p.Revenue, OrdersIn90: o90, RevenueIn90: r90})
	}
	return b
}

// money reckons what points of retention are worth, with as many new customers
// as in the last year known.
func (f *figures) money(buying retention.Buying, spending retention.GammaGamma) {
	h := f.h
	from := max(h.FirstDay, h.LastDay-364)
	var won float64
	for i := range h.ID {
		if h.Days(i)[0] >= from {
			won++
		}
	}
	won *= year / float64(h.LastDay-from+1)
	c := retention.MoneyCaseOf(h, buying, spending, won)
	m := &MoneyCase{MoneyCase: c, Points: []retention.Point{c.Point(1), c.Point(5)}}
	all := []float64{c.Return, c.ReturnWon, c.HadMinor, c.WonMinor, c.BackMinor, c.BackWonMinor, c.NewMinor, c.FirstMinor}
	for _, p := range m.Points {
		all = append(all, p.HadMinor, p.WonMinor, p.EachMinor)
	}
	if slices.ContainsFunc(all, func(v float64) bool { return known(v, true) == nil }) {
		return
	}
	f.report.Money = m
}
