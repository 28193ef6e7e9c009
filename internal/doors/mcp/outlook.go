package mcp

import (
	"context"
	"math"
	"slices"
	"time"

	"regulars/internal/measure/insights"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

type forecastOut struct {
	ComputedAt time.Time    `json:"computed_at"`
	AsOf       string       `json:"as_of"`
	LastYear   Amount       `json:"the_last_year_brought"`
	Horizons   []horizonOut `json:"horizons"`
	Goal       *goalOut     `json:"growth_goal,omitempty"` // none without a whole year behind, or when nobody was won in it
}

type goalOut struct {
	Goal     Amount   `json:"revenue_of_the_year_to_come_with_the_growth_wanted"`
	Expected Amount   `json:"of_it_expected_of_the_customers_already_had"`
	Each     Amount   `json:"a_new_customer_brings_within_the_year"`
	Needed   *float64 `json:"new_customers_needed,omitempty"` // none: new customers bring too little for it
	Cost     *Amount  `json:"cost_of_winning_them,omitempty"` // none until somebody entered what one costs
}

func (a asking) goal(ctx context.Context, c money.Currency) (*goalOut, error) {
	g, err := insights.ReadGoal(ctx, a.DB, a.DB.Now())
	if err != nil || g == nil {
		return nil, err
	}
	amount := func(minor float64) Amount { return a.amount(int64(math.Round(minor)), c) }
	out := &goalOut{Goal: amount(g.Goal), Expected: amount(g.Expected), Each: amount(g.Each)}
	if g.Needed != nil {
		out.Needed = g.Needed
	}
	if g.Cost != nil {
		cost := amount(*g.Cost)
		out.Cost = &cost
	}
	return out, nil
}

type horizonOut struct {
	Days    int32    `json:"days"`
	Alive   float64  `json:"customers_who_have_not_left"`
	Orders  rangeOut `json:"orders"`
	Revenue [3]int64 `json:"revenue_minor_low_expected_high"`
	Shown   string   `json:"revenue"`
	Tests   int      `json:"forecasts_of_the_past"`
	Within  int      `json:"of_them_within_the_range_of_90_percent"`
}

type rangeOut struct {
	Low      float64 `json:"low_90"`
	Expected float64 `json:"expected"`
	High     float64 `json:"high_90"`
}

func (a asking) forecast(ctx context.Context, _ struct{}) (out forecastOut, err error) {
	out.Horizons = []horizonOut{}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	var f insights.Forecast
	var how insights.Answer
	err = a.await(ctx, func() (bool, bool, error) {
		found := false
		f, how, found, err = insights.ReadForecast(ctx, a.DB, a.DB.Now())
		return found && how.Fresh, found, err
	}, insights.AskForecast)
	if err != nil {
		return out, err
	}
	if f.Trouble != "" {
		return out, errs.Missing("mcp.wrong.forecast")
	}
	out.ComputedAt, out.AsOf, out.LastYear = how.ComputedAt, f.AsOf, a.amount(f.YearMinor, shop.Currency)
	for _, h := range f.Horizons {
		low, mid, high := int64(h.Revenue.Low90), int64(h.Revenue.Expected), int64(h.Revenue.High90)
		within := 0
		for _, t := range h.Tests {
			if t.Within() {
				within++
			}
		}
		text := func(minor int64) string { return a.amount(minor, shop.Currency).Text }
		out.Horizons = append(out.Horizons, horizonOut{Days: h.Days, Alive: brief(h.Alive), Orders: rangeOut{brief(h.Orders.Low90), brief(h.Orders.Expected), brief(h.Orders.High90)},
			Revenue: [3]int64{low, mid, high}, Shown: text(mid) + " (" + text(low) + " – " + text(high) + ")", Tests: len(h.Tests), Within: within})
	}
	out.Goal, err = a.goal(ctx, shop.Currency)
	return out, err
}

type movedIn struct {
	Compare string `json:"compare,omitempty" jsonschema:"quarter: the last one with that of a year before, which is usual; month; days90: the last 90 days with those before; year"`
}

type movedOut struct {
	ComputedAt time.Time `json:"computed_at"`
	Before     sumOut    `json:"before"`
	After      sumOut    `json:"after"`
	StandOut   []moveOut `json:"groups_that_stand_out"`
}

type sumOut struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Revenue   Amount `json:"revenue"`
	Orders    int64  `json:"orders"`
	Customers int64  `json:"customers"`
	Again     int64  `json:"bought_twice_or_more"`
	Cancelled int64  `json:"cancelled_orders"`
	Refunded  int64  `json:"refunded_orders"`
}

type moveOut struct {
	Figure string  `json:"figure"` // revenue (minor units), repeat, refund, cancel (shares)
	By     string  `json:"by"`
	Group  string  `json:"group"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Chance float64 `json:"chance_that_it_is_nothing"`
}

func (a asking) moved(ctx context.Context, in movedIn) (out movedOut, err error) {
	out.StandOut = []moveOut{}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	compare := in.Compare
	if compare == "" {
		compare = insights.Compares()[0]
	}
	if !slices.Contains(insights.Compares(), compare) {
		return out, errs.Wrong("compare", "mcp.wrong.by")
	}
	var m insights.Moved
	var how insights.Answer
	err = a.await(ctx, func() (bool, bool, error) {
		found := false
		m, how, found, err = insights.ReadMoved(ctx, a.DB, compare, a.DB.Now())
		return found && how.Fresh, found, err
	}, func(ctx context.Context, tx *store.Tx) error { return insights.AskMoved(ctx, tx, compare) })
	if err != nil {
		return out, err
	}
	sum := func(p insights.Compared) sumOut {
		return sumOut{p.From, p.To, a.amount(p.Revenue, shop.Currency), p.Orders, p.Customers, p.Again, p.Cancelled, p.Refunded}
	}
	out.ComputedAt, out.Before, out.After = how.ComputedAt, sum(m.Before), sum(m.After)
	told := append(m.Told, m.Odd...)
	for _, t := range told[:min(len(told), most)] {
		out.StandOut = append(out.StandOut, moveOut{t.Figure, t.By, t.Label, brief(t.Before), brief(t.After), brief(t.Chance)})
	}
	return out, nil
}
