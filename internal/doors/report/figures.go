package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/measure/retention"
)

// figures is the making of one report.
type figures struct {
	options Options
	report  *Report
	ledger  *importers.Ledger
	h       *retention.History
	asOf    int32
	window  int32
	gaps    retention.Gaps
	span    retention.Span // of the retention rate
	revenue retention.Revenue
}

// Repeat is who bought again.
type Repeat struct {
	Customers          int64    `json:"customers"`
	Again              int64    `json:"again"`
	Rate               *float64 `json:"rate"`
	OrdersPerCustomer  *float64 `json:"orders_per_customer"`
	OrderValueMinor    *float64 `json:"order_value_minor"`
	CustomerValueMinor *float64 `json:"customer_value_minor"`
	RevenueShare       *float64 `json:"revenue_share"` // of those who bought again
	ByOrders           []Count  `json:"by_orders"`
}

// Count is how many have a value.
type Count struct {
	Value     int64 `json:"value"`
	Customers int64 `json:"customers"`
}

// Retention is the rate of one period by the standard formula.
type Retention struct {
	From       string   `json:"from"`
	To         string   `json:"to"`
	WindowDays int32    `json:"window_days"`
	Chosen     bool     `json:"window_chosen"`
	Within     *float64 `json:"gaps_within_window"`
	Start      int64    `json:"start"`
	End        int64    `json:"end"`
	New        int64    `json:"new"`
	WonBack    int64    `json:"won_back"`
	Kept       int64    `json:"kept"`
	Rate       *float64 `json:"rate"`
	Warming    bool     `json:"warming"` // less than a window is known before
}

// Period is one week, month, quarter or year.
type Period struct {
	Label              string   `json:"label"`
	Running            bool     `json:"running,omitempty"`
	Start              int64    `json:"start"`
	End                int64    `json:"end"`
	Retention          *float64 `json:"retention"`
	Warming            bool     `json:"warming,omitempty"`
	NewCustomers       int64    `json:"new_customers"`
	ReturningCustomers int64    `json:"returning_customers"`
	Orders             int64    `json:"orders"`
	NewMinor           int64    `json:"new_minor"`
	ReturningMinor     int64    `json:"returning_minor"`
	ReturningShare     *float64 `json:"returning_share"`
}

// Cohort is the customers who first bought in one period. Place k of the
// columns is the k-th period after it; the last may be running.
type Cohort struct {
	Label        string     `json:"label"`
	Size         int64      `json:"size"`
	Customers    []int64    `json:"customers"`
	Kept         []*float64 `json:"kept"`
	RevenueMinor []int64    `json:"revenue_minor"`
	WorthMinor   []*float64 `json:"worth_minor"` // by customer, so far
	Running      bool       `json:"running"`     // the last place is
}

// Group is a named group of customers by recency and frequency.
type Group struct {
	Group        string   `json:"group"`
	Customers    int64    `json:"customers"`
	Share        *float64 `json:"share"`
	Orders       int64    `json:"orders"`
	RevenueMinor int64    `json:"revenue_minor"`
	RecencyDays  *float64 `json:"recency_days"` // mean
}

// Between is the days between one purchase and the next.
type Between struct {
	Gaps    int64    `json:"gaps"`
	Median  *float64 `json:"median_days"`
	Quarter *int64   `json:"quarter_days"` // a quarter of the gaps is no longer
	Three   *int64   `json:"three_quarter_days"`
	SameDay int64    `json:"same_day"`
	Weeks   []Count  `json:"by_week"` // gaps by whole weeks, 26 meaning as many or more
	HalfIn  *int64   `json:"half_return_within_days"`
}

// Concentration is who brings the money.
type Concentration struct {
	TopHundredth float64 `json:"top_1_percent"`
	TopTenth     float64 `json:"top_10_percent"`
	TopFifth     float64 `json:"top_20_percent"`
	Bring80      int64   `json:"customers_bringing_80_percent"`
	Bring80Share float64 `json:"share_bringing_80_percent"`
	Gini         float64 `json:"gini"`
}

// lively is how long ago the last sale may be for a store to be in business:
// then today is the last day known. As in insights.
const lively = 31

// build sorts the purchases.
func (f *figures) build(today int32) error {
	l := f.ledger
	f.asOf = today
	if last := l.LastDay; last != importers.NoSales && last < today-lively {
		f.asOf = last
	}
	h, left, err := retention.Build(l.Purchases, retention.Rules{LastDay: today, FreeOrders: true})
	f.report.LeftOut = left
	if err != nil {
		return err
	}
	l.Purchases = retention.Orders{}
	if f.asOf < today {
		h.LastDay = f.asOf
	}
	f.h = h
	return nil
}

// all works out the figures, those that are cheap to have first.
func (f *figures) all(ctx context.Context) error {
	r, h := f.report, f.h
	r.FirstDay, r.LastDay = dayText(h.FirstDay), dayText(f.asOf)
	steps := []struct {
		key string
		do  func() error
	}{
		{"report.step.count", f.count}, {"report.step.cohorts", f.cohorts}, {"report.step.groups", f.groups}, {"report.step.split", f.split},
		{"report.step.models", f.models}, {"report.step.compare", f.compare},
	}
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.options.Step(s.key)
		if err := s.do(); err != nil {
			return err
		}
	}
	return nil
}

func (f *figures) count() error {
	r, h := f.report, f.h
	repeat := retention.RepeatOf(h, h.Whole())
	r.Customers, r.Orders, r.RevenueMinor = repeat.Customers, repeat.Orders, repeat.RevenueMinor
	r.Repeat = Repeat{
		Customers: repeat.Customers, Again: repeat.Again, Rate: known(repeat.Rate()), OrdersPerCustomer: known(repeat.Frequency()),
		OrderValueMinor: known(repeat.OrderValueMinor()), CustomerValueMinor: known(repeat.CustomerValueMinor()),
		RevenueShare: share(repeat.RevenueAgainMinor, repeat.RevenueMinor), ByOrders: upTo(repeat.ByOrders, 10),
	}
	f.between()
	if err := f.retention(); err != nil {
		return err
	}
	c := retention.ConcentrationOf(h, h.Whole())
	if one, ok := c.TopShare(0.01); ok {
		k := &Concentration{TopHundredth: one}
		k.TopTenth, _ = c.TopShare(0.1)
		k.TopFifth, _ = c.TopShare(0.2)
		k.Bring80, k.Bring80Share, _ = c.Bring(0.8)
		k.Gini, _ = c.Gini()
		r.Concentration = k
	}
	return nil
}

// upTo counts a tally's values, those of most or more together.
func upTo(t retention.Tally, most int64) []Count {
	var counts []Count
	for i, v := range t.Value {
		v = min(v, most)
		if n := len(counts); n > 0 && counts[n-1].Value == v {
			counts[n-1].Customers += t.Count[i]
			continue
		}
		counts = append(counts, Count{v, t.Count[i]})
	}
	return counts
}

func (f *figures) between() {
	h := f.h
	gaps := retention.GapsOf(h, h.Whole())
	f.gaps = gaps
	b := Between{Gaps: gaps.Days.N(), SameDay: gaps.SameDay, Median: known(gaps.MedianDays())}
	b.Quarter, b.Three = knownInt(gaps.Days.Quantile(0.25)), knownInt(gaps.Days.Quantile(0.75))
	weeks := retention.Tally{}
	for i, d := range gaps.Days.Value {
		w := (d - 1) / 7
		if n := len(weeks.Value); n == 0 || weeks.Value[n-1] != w {
			weeks.Value, weeks.Count = append(weeks.Value, w), append(weeks.Count, 0)
		}
		weeks.Count[len(weeks.Count)-1] += gaps.Days.Count[i]
	}
	b.Weeks = upTo(weeks, 26)
	b.HalfIn = knownInt(retention.ReturnsOf(h, h.LastDay, 1).MedianDays())
	f.report.Between = b
	f.window = f.options.Window
	if f.window == 0 {
		f.window = retention.WindowFor(gaps.Days)
	}
}

// period is the longest of a year, a quarter and a month up to now before
// which a whole window is known.
func (f *figures) period() retention.Span {
	span := retention.Span{To: f.asOf}
	for _, months := range []int{12, 3, 1} {
		span.From = back(f.asOf, months) + 1
		if f.h.FirstDay <= span.From-f.window {
			break
		}
	}
	return span
}

// back is the day n months before another, at most the last of its month.
func back(day int32, months int) int32 {
	y, m, d := retention.Civil(day)
	first := time.Date(y, time.Month(m-months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return retention.Day(first.Year(), int(first.Month()), min(d, last))
}

func (f *figures) retention() error {
	f.span = f.period()
	base, err := retention.BaseOf(f.h, f.span, f.window)
	if err != nil {
		return fmt.Errorf("count the customers of a period: %w", err)
	}
	var within int64
	for i, d := range f.gaps.Days.Value {
		if d <= int64(f.window) {
			within += f.gaps.Days.Count[i]
		}
	}
	f.report.Retention = f.rate(base)
	f.report.Retention.Within = share(within, f.gaps.Days.N())
	return nil
}

// rate is the customers of the span of the retention rate.
func (f *figures) rate(base retention.Base) Retention {
	return Retention{
		From: dayText(f.span.From), To: dayText(f.span.To), WindowDays: f.window, Chosen: f.options.Window > 0,
		Start: base.Start, End: base.End, New: base.New, WonBack: base.WonBack, Kept: base.Kept(),
		Rate: known(base.Retention()), Warming: base.Warming,
	}
}

// longest is how many periods the tables show, the latest.
const longest = 104

func (f *figures) cohorts() error {
	h, by, r := f.h, f.options.By, f.report
	shown := f.shown()
	f.revenue = retention.RevenueOf(h, by).Between(shown)
	bases, err := retention.BasesOf(h, by, shown, f.window)
	if err != nil {
		return fmt.Errorf("count the customers of each period: %w", err)
	}
	for i, p := range f.revenue.Rows {
		row := Period{
			Label: f.revenue.Label(i), Running: f.revenue.Running(i), NewCustomers: p.NewCustomers, ReturningCustomers: p.ReturningCustomers,
			Orders: p.NewOrders + p.ReturningOrders, NewMinor: p.NewMinor, ReturningMinor: p.ReturningMinor, ReturningShare: known(p.Returning()),
		}
		if i < len(bases) {
			b := bases[i]
			row.Start, row.End, row.Retention, row.Warming = b.Start, b.End, known(b.Retention()), b.Warming
			if b.Running {
				row.Retention = nil
			}
		}
		r.Periods = append(r.Periods, row)
	}
	r.Cohorts, r.Average = f.follow(h)
	return nil
}

// shown is the days that the tables show.
func (f *figures) shown() retention.Span {
	by := f.options.By
	return retention.Span{From: max(f.h.FirstDay, by.First(by.PeriodOf(f.asOf)-longest+1)), To: f.asOf}
}

// follow follows customers from their first purchase on.
func (f *figures) follow(h *retention.History) (all []Cohort, kept []*float64) {
	by := f.options.By
	shown := f.shown()
	c := retention.CohortsOf(h, by).Between(retention.Span{From: shown.From, To: h.LastDay})
	for i, row := range c.Rows {
		out := Cohort{Label: c.Label(i), Size: row.Size, Customers: row.Customers, RevenueMinor: row.RevenueMinor}
		for k := range row.Customers {
			out.Kept = append(out.Kept, known(c.Kept(i, k)))
			out.WorthMinor = append(out.WorthMinor, known(c.WorthMinor(i, k)))
			out.Running = c.Running(i, k)
		}
		all = append(all, out)
	}
	average := c.Average()
	for k := range average.Size {
		kept = append(kept, known(average.Kept(k)))
	}
	return all, kept
}

func (f *figures) groups() error {
	r := f.report
	t, ok := retention.StandingsOf(f.h, f.asOf).Fifths()
	if !ok {
		return nil
	}
	rfm := retention.RFMOf(f.h, f.asOf, t)
	for _, g := range retention.Groups() {
		field := rfm.Groups[g]
		r.RFM = append(r.RFM, Group{
			Group: g.String(), Customers: field.Customers, Share: share(field.Customers, r.Customers), Orders: field.Orders,
			RevenueMinor: field.RevenueMinor, RecencyDays: share(field.RecencyDays, field.Customers),
		})
	}
	for i, row := range rfm.Map {
		for j, field := range row {
			r.Map[i][j] = field.Customers
		}
	}
	return nil
}

// known is a figure, or nil where it cannot be known.
func known(v float64, ok bool) *float64 {
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func knownInt(v int64, ok bool) *int64 {
	if !ok {
		return nil
	}
	return &v
}

func share(part, whole int64) *float64 {
	return known(float64(part)/float64(whole), whole != 0)
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// last returns the last n of a list.
func last[T any](all []T, n int) []T { return slices.Clip(all[max(0, len(all)-n):]) }
