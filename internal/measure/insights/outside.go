package insights

import (
	"context"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
)

// Answer says of what an answer is: when it was computed, and whether of the
// data and the day as they are now.
type Answer struct {
	ComputedAt time.Time
	Fresh      bool
}

// Forecast is what is to be expected of the customers already had. Money is in
// the smallest unit of the business's currency.
type Forecast struct {
	AsOf       string    `json:"as_of" doc:"The last day known"`
	Trouble    string    `json:"trouble" doc:"Why nothing can be expected; empty: horizons say it"`
	Buyers     int64     `json:"buyers"`
	Again      int64     `json:"again" doc:"Of them: bought on two days or more"`
	Unvalued   int64     `json:"unvalued" doc:"Orders that wait for a rate, in no sum"`
	Horizons   []Horizon `json:"horizons"`
	YearMinor  int64     `json:"year_minor" doc:"What the last year brought"`
	YearOrders int64     `json:"year_orders"`
	YearWhole  bool      `json:"year_whole" doc:"There was a whole one"`
}

// Horizon is what is expected within some days, and what the same forecast
// said in the past.
type Horizon struct {
	Key     string          `json:"key" enum:"month,quarter,year"`
	Days    int32           `json:"days"`
	Alive   float64         `json:"alive" doc:"How many will not have left by then"`
	Orders  retention.Range `json:"orders"`
	Revenue retention.Range `json:"revenue_minor"`
	Tests   []Backtest      `json:"tests" doc:"The same forecast made in the past, and what came"`
}

// Backtest is a forecast of the past, and what came.
type Backtest struct {
	Day         string          `json:"day" doc:"The last one known to it"`
	Orders      retention.Range `json:"orders"`
	Revenue     retention.Range `json:"revenue_minor"`
	CameOrders  int64           `json:"came_orders"`
	CameRevenue int64           `json:"came_revenue_minor"`
}

// Within reports whether the revenue came within the range of 90 %.
func (t Backtest) Within() bool {
	came := float64(t.CameRevenue)
	return came >= t.Revenue.Low90 && came <= t.Revenue.High90
}

func (a *ahead) forecast() Forecast {
	f := Forecast{AsOf: retention.DayText(a.AsOf), Trouble: a.Trouble, Buyers: a.Buyers, Again: a.Again, Unvalued: a.Unvalued,
		YearMinor: a.YearMinor, YearOrders: a.YearOrders, YearWhole: a.YearWhole}
	if a.Empty {
		f.Trouble = "empty"
	}
	for _, h := range a.Horizons {
		out := Horizon{Key: h.Key, Days: h.Days, Alive: h.Alive, Orders: h.Orders, Revenue: h.Revenue}
		for _, t := range h.Tests {
			out.Tests = append(out.Tests, Backtest{retention.DayText(t.Day), t.Orders, t.Revenue, t.CameOrders, t.CameRevenue})
		}
		f.Horizons = append(f.Horizons, out)
	}
	return f
}

// ReadForecast returns the forecast as it was kept; false if there is none yet.
func ReadForecast(ctx context.Context, q store.Querier, now time.Time) (Forecast, Answer, bool, error) {
	var a ahead
	how, ok, err := forecasting.read(ctx, q, now, &a)
	return a.forecast(), Answer{how.At, how.Fresh}, ok, err
}

// ReadGoal reads the growth wanted against that forecast, as the page and the
// API have it; nil: nothing can be said.
func ReadGoal(ctx context.Context, q store.Querier, now time.Time) (*Goal, error) {
	var a ahead
	if _, ok, err := forecasting.read(ctx, q, now, &a); err != nil || !ok {
		return nil, err
	}
	costs, err := LoadCosts(ctx, q)
	if err != nil {
		return nil, err
	}
	return a.goal(costs), nil
}

// AskForecast sees to it that the forecast is computed soon.
func AskForecast(ctx context.Context, tx *store.Tx) error { return forecasting.ask(ctx, tx) }

var forecasting = inquiry{Question: aheadQuestion, Filter: Standing}

// Moved is what changed from one period to another, and what of it stands out
// from chance.
type Moved struct {
	AsOf   string   `json:"as_of"`
	Before Compared `json:"before"`
	After  Compared `json:"after"`
	Asked  int      `json:"asked" doc:"Groups that were tested"`
	Told   []Move   `json:"told" doc:"Groups whose change stands out from chance, by figure, the largest first"`
	Odd    []Move   `json:"odd" doc:"Groups whose orders come back, or are cancelled, otherwise than the rest"`
}

// Compared is what one of two periods that are compared came to.
type Compared struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Revenue   int64  `json:"revenue_minor"`
	Orders    int64  `json:"orders"`
	Customers int64  `json:"customers"`
	Again     int64  `json:"again" doc:"Bought twice or more in it"`
	Cancelled int64  `json:"cancelled"`
	Refunded  int64  `json:"refunded"`
}

// Move is a group whose change stands out.
type Move struct {
	Figure string  `json:"figure" enum:"revenue,repeat,refund,cancel"`
	By     string  `json:"by" enum:"product,category,channel,country,staff,promise,discount" doc:"What it was grouped by"`
	Label  string  `json:"label" doc:"The group: the id of a product or category, or a name"`
	Before float64 `json:"before" doc:"Its rate, or its revenue"`
	After  float64 `json:"after"`
	Change float64 `json:"change" doc:"Its part of the whole change"`
	Chance float64 `json:"chance" doc:"That it is nothing but chance"`
}

func (m *moves) moved() Moved {
	compared := func(span retention.Span, s sum) Compared {
		return Compared{retention.DayText(span.From), retention.DayText(span.To), s.RevenueMinor, s.Orders, s.Customers, s.Again, s.Cancelled, s.Refunded}
	}
	shown := func(all []move) (out []Move) {
		for _, t := range all {
			out = append(out, Move{t.Figure, t.By, t.Label, t.Cause.Before, t.Cause.After, t.Change, t.P})
		}
		return out
	}
	return Moved{retention.DayText(m.AsOf), compared(m.Before, m.Sums[0]), compared(m.After, m.Sums[1]), m.Asked, shown(m.Told), shown(m.Odd)}
}

// Compares are the pairs of periods that ReadMoved knows, the usual one first.
func Compares() []string { return append([]string(nil), compares...) }

// ReadMoved returns what moved the figures, as it was kept; false if there is
// nothing yet. compare is one of Compares.
func ReadMoved(ctx context.Context, q store.Querier, compare string, now time.Time) (Moved, Answer, bool, error) {
	var m moves
	how, ok, err := moving(compare).read(ctx, q, now, &m)
	return m.moved(), Answer{how.At, how.Fresh}, ok, err
}

// AskMoved sees to it that what moved the figures is found out soon.
func AskMoved(ctx context.Context, tx *store.Tx, compare string) error {
	return moving(compare).ask(ctx, tx)
}

func moving(compare string) inquiry {
	return inquiry{Question: movedQuestion, Filter: Standing, Compare: compare}
}
