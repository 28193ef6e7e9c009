package mcp

import (
	"context"
	"strings"
	"time"

	"regulars/internal/measure/insights"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// wait is how long an answer waits for figures that nobody asked for before.
const wait = 8 * time.Second

// await reads figures; where there are none yet, or old ones, it sees to it
// that they are computed, and waits a while for them. Old ones are better than
// none.
func (a asking) await(ctx context.Context, read func() (fresh, found bool, err error), ask func(context.Context, *store.Tx) error) error {
	fresh, _, err := read()
	if err != nil || fresh {
		return err
	}
	if err := a.DB.Tx(ctx, func(tx *store.Tx) error { return ask(ctx, tx) }); err != nil {
		return err
	}
	if a.Compute != nil {
		if err := a.Compute(ctx); err != nil {
			return err
		}
	}
	end := time.After(wait)
	found := false
	for tick := 50 * time.Millisecond; ; tick = min(2*tick, time.Second) {
		if fresh, found, err = read(); err != nil || fresh {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			if found {
				return nil
			}
			return errs.Of(errs.Unavailable, nil, "mcp.wrong.computing")
		case <-time.After(tick):
		}
	}
}

type periodIn struct {
	From    string `json:"from,omitempty" jsonschema:"the first day: 2026-03-02; usually the first order"`
	To      string `json:"to,omitempty" jsonschema:"the last day; usually today"`
	Channel string `json:"channel,omitempty" jsonschema:"only orders of a channel, such as online or store"`
	Country string `json:"country,omitempty" jsonschema:"only customers of a country, by its two letters"`
}

func (in periodIn) filter(by retention.Grain) (insights.Filter, error) {
	f := insights.Filter{From: in.From, To: in.To, Channel: in.Channel, Country: strings.ToUpper(in.Country), By: by}
	for field, v := range map[string]string{"from": in.From, "to": in.To} {
		if v == "" {
			continue
		}
		if _, err := day(field, v, ""); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (a asking) read(ctx context.Context, f insights.Filter) (r insights.Result, err error) {
	err = a.await(ctx, func() (bool, bool, error) {
		found := false
		r, found, err = insights.Read(ctx, a.DB, f, a.DB.Now())
		return found && r.Fresh, found, err
	}, func(ctx context.Context, tx *store.Tx) error { return insights.Ask(ctx, tx, f) })
	if err == nil && r.Empty {
		err = errs.Missing("mcp.wrong.empty")
	}
	return r, err
}

type retentionOut struct {
	ComputedAt time.Time  `json:"computed_at"`
	From       string     `json:"from"`
	To         string     `json:"to"`
	Customers  int64      `json:"customers_who_bought"`
	Orders     int64      `json:"orders"`
	Retention  *rateOut   `json:"retention_rate,omitempty"`
	Repeat     float64    `json:"repeat_rate"`
	MedianGap  float64    `json:"median_days_between_purchases,omitempty"`
	Months     []moneyOut `json:"months"` // the latest 12
}

type rateOut struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Rate    float64 `json:"rate"`
	Window  int32   `json:"customer_is_who_bought_within_days"`
	AtStart int64   `json:"customers_at_the_start"`
	AtEnd   int64   `json:"customers_at_the_end"`
	New     int64   `json:"new"`
	WonBack int64   `json:"won_back"`
	Warming bool    `json:"history_begins_too_late_to_be_exact,omitempty"`
	Running bool    `json:"not_over_yet,omitempty"`
}

type moneyOut struct {
	Month     string `json:"month"`
	New       Amount `json:"from_new_customers"`
	Returning Amount `json:"from_returning_customers"`
	Newcomers int64  `json:"new_customers"`
	Returners int64  `json:"returning_customers"`
}

func (a asking) retention(ctx context.Context, in periodIn) (out retentionOut, err error) {
	out.Months = []moneyOut{}
	f, err := in.filter(retention.Month)
	if err != nil {
		return out, err
	}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	r, err := a.read(ctx, f)
	if err != nil {
		return out, err
	}
	out.ComputedAt, out.From, out.To = r.ComputedAt, retention.DayText(r.Span.From), retention.DayText(r.Span.To)
	out.Customers, out.Orders = r.Repeat.Customers, r.Repeat.Orders
	rate, _ := r.Repeat.Rate()
	out.Repeat = brief(rate)
	out.MedianGap, _ = r.Gaps.MedianDays()
	if rate, ok := r.Base.Retention(); ok {
		out.Retention = &rateOut{retention.DayText(r.Base.Span.From), retention.DayText(r.Base.Span.To), brief(rate), r.Base.Window, r.Base.Start, r.Base.End,
			r.Base.New, r.Base.WonBack, r.Base.Warming, r.Base.Running}
	}
	first := max(0, len(r.Money.Rows)-12)
	for i, p := range r.Money.Rows[first:] {
		out.Months = append(out.Months, moneyOut{r.Money.Grain.Label(r.Money.First + retention.Period(first+i)), a.amount(p.NewMinor, shop.Currency),
			a.amount(p.ReturningMinor, shop.Currency), p.NewCustomers, p.ReturningCustomers})
	}
	return out, nil
}

type cohortsIn struct {
	periodIn
	By string `json:"by,omitempty" jsonschema:"month, which is usual, quarter or year"`
}

type cohortsOut struct {
	ComputedAt time.Time   `json:"computed_at"`
	By         string      `json:"by"`
	Cohorts    []cohortOut `json:"cohorts"` // the latest 24
}

type cohortOut struct {
	Began string    `json:"began"`
	Size  int64     `json:"customers"`
	Kept  []float64 `json:"share_that_bought_after_1_2_3_periods"`
}

func (a asking) cohorts(ctx context.Context, in cohortsIn) (out cohortsOut, err error) {
	out.Cohorts = []cohortOut{}
	grains := map[string]retention.Grain{"": retention.Month, "month": retention.Month, "quarter": retention.Quarter, "year": retention.Year}
	grain, ok := grains[in.By]
	if !ok {
		return out, errs.Wrong("by", "mcp.wrong.by")
	}
	f, err := in.filter(grain)
	if err != nil {
		return out, err
	}
	r, err := a.read(ctx, f)
	if err != nil {
		return out, err
	}
	out.ComputedAt, out.By = r.ComputedAt, grain.String()
	for i := max(0, len(r.Rows.Rows)-24); i < len(r.Rows.Rows); i++ {
		row := cohortOut{Began: r.Rows.Label(i), Size: r.Rows.Rows[i].Size, Kept: []float64{}}
		for k := 1; k < len(r.Rows.Rows[i].Customers) && k <= 24; k++ {
			if kept, ok := r.Rows.Kept(i, k); ok && !r.Rows.Running(i, k) {
				row.Kept = append(row.Kept, brief(kept))
			}
		}
		out.Cohorts = append(out.Cohorts, row)
	}
	return out, nil
}
