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
// minor units of the business's own currency.
type Forecast struct {
	Answer
	AsOf       string
	Trouble    string // why nothing can be expected; empty: Horizons say it
	Horizons   []Horizon
	YearMinor  int64 // what the last year brought
	YearOrders int64
	YearWhole  bool // there was a whole one
}

// Horizon is what is expected within some days, and how well the same was
// foretold in the past.
type Horizon struct {
	Days    int32
	Alive   float64 // customers who have not left by then
	Orders  retention.Range
	Revenue retention.Range
	Tests   int // forecasts of the past
	Within  int // of them, whose revenue came within the range of 90 %
}

// ReadForecast returns the forecast as it was kept; false if there is none yet.
func ReadForecast(ctx context.Context, q store.Querier, now time.Time) (Forecast, bool, error) {
	var a ahead
	how, ok, err := forecasting.read(ctx, q, now, &a)
	if err != nil || !ok {
		return Forecast{}, false, err
	}
	f := Forecast{Answer: Answer{how.At, how.Fresh}, Trouble: a.Trouble, YearMinor: a.YearMinor, YearOrders: a.YearOrders, YearWhole: a.YearWhole}
	if a.Empty {
		f.Trouble = "empty"
		return f, true, nil
	}
	f.AsOf = retention.DayText(a.AsOf)
	for _, h := range a.Horizons {
		out := Horizon{Days: h.Days, Alive: h.Alive, Orders: h.Orders, Revenue: h.Revenue, Tests: len(h.Tests)}
		for _, t := range h.Tests {
			if came := float64(t.CameRevenue); came >= t.Revenue.Low90 && came <= t.Revenue.High90 {
				out.Within++
			}
		}
		f.Horizons = append(f.Horizons, out)
	}
	return f, true, nil
}

// AskForecast sees to it that the forecast is computed soon.
func AskForecast(ctx context.Context, tx *store.Tx) error { return forecasting.ask(ctx, tx) }

var forecasting = inquiry{Question: aheadQuestion, Filter: Standing}

// Moved is what changed from one period to another, and what of it stands out
// from chance.
type Moved struct {
	Answer
	Before, After Period
	Told          []Move // those that stand out
}

// Period is what one of two periods that are compared came to.
type Period struct {
	From, To     string
	RevenueMinor int64
	Orders       int64
	Customers    int64
	Again        int64 // bought twice or more in it
	Cancelled    int64
	Refunded     int64
}

// Move is a group whose change stands out.
type Move struct {
	Figure        string // revenue, repeat, refund or cancel
	By            string // what it was grouped by
	Label         string
	Before, After float64
	Chance        float64 // that it is nothing but chance
}

// Compares are the pairs of periods that ReadMoved knows, the usual one first.
func Compares() []string { return append([]string(nil), compares...) }

// ReadMoved returns what moved the figures, as it was kept; false if there is
// nothing yet. compare is one of Compares.
func ReadMoved(ctx context.Context, q store.Querier, compare string, now time.Time) (Moved, bool, error) {
	var m moves
	how, ok, err := moving(compare).read(ctx, q, now, &m)
	if err != nil || !ok {
		return Moved{}, false, err
	}
	out := Moved{Answer: Answer{how.At, how.Fresh}, Before: m.Sums[0].of(m.Before), After: m.Sums[1].of(m.After)}
	for _, t := range append(append([]move(nil), m.Told...), m.Odd...) {
		out.Told = append(out.Told, Move{Figure: t.Figure, By: t.By, Label: t.Label, Before: t.Cause.Before, After: t.Cause.After, Chance: t.P})
	}
	return out, true, nil
}

// AskMoved sees to it that what moved the figures is found out soon.
func AskMoved(ctx context.Context, tx *store.Tx, compare string) error {
	return moving(compare).ask(ctx, tx)
}

func moving(compare string) inquiry {
	return inquiry{Question: movedQuestion, Filter: Standing, Compare: compare}
}

func (s sum) of(span retention.Span) Period {
	return Period{From: retention.DayText(span.From), To: retention.DayText(span.To), RevenueMinor: s.RevenueMinor,
		Orders: s.Orders, Customers: s.Customers, Again: s.Again, Cancelled: s.Cancelled, Refunded: s.Refunded}
}
