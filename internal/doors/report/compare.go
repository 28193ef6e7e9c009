package report

import (
	"context"
	"slices"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
)

// Compared is the figures of two files or periods, side by side.
type Compared struct {
	Before  string  `json:"before"` // the name of the file, or the days
	After   string  `json:"after"`
	Figures []Moved `json:"figures"`
}

// Moved is one figure, before and after.
type Moved struct {
	Figure string   `json:"figure"`
	Kind   string   `json:"kind"` // count, share, money or number
	Before *float64 `json:"before"`
	After  *float64 `json:"after"`
}

// key are the figures that are compared, of the days in a span.
func (f *figures) key(in retention.Span) ([]Moved, error) {
	h := f.h
	repeat := retention.RepeatOf(h, in)
	base, err := retention.BaseOf(h, in, f.window)
	if err != nil {
		return nil, err
	}
	var fresh, freshMinor int64
	for i := range h.ID {
		if first := h.Days(i)[0]; first >= in.From && first <= in.To {
			fresh++
			for k, d := range h.Days(i) {
				if d <= in.To {
					freshMinor += h.Amounts(i)[k]
				}
			}
		}
	}
	gaps := retention.GapsOf(h, in)
	count := func(n int64) *float64 { return known(float64(n), true) }
	return []Moved{
		{"customers", "count", nil, count(repeat.Customers)},
		{"new", "count", nil, count(fresh)},
		{"orders", "count", nil, count(repeat.Orders)},
		{"revenue", "money", nil, count(repeat.RevenueMinor)},
		{"returning-revenue", "share", nil, share(repeat.RevenueMinor-freshMinor, repeat.RevenueMinor)},
		{"repeat", "share", nil, known(repeat.Rate())},
		{"frequency", "number", nil, known(repeat.Frequency())},
		{"order-value", "money", nil, known(repeat.OrderValueMinor())},
		{"customer-value", "money", nil, known(repeat.CustomerValueMinor())},
		{"retention", "share", nil, known(base.Retention())},
		{"gap", "number", nil, known(gaps.MedianDays())},
	}, nil
}

// compare sets the latest period beside the one before it.
func (f *figures) compare() error {
	if f.options.Compare != TwoPeriods {
		return nil
	}
	now := f.span
	days := now.To - now.From + 1
	then := retention.Span{From: now.From - days, To: now.From - 1}
	if then.To < f.h.FirstDay {
		return errs.Wrong("compare", "report.wrong.first-period", "Day", dayText(f.h.FirstDay))
	}
	before, err := f.key(then)
	if err != nil {
		return err
	}
	after, err := f.key(now)
	if err != nil {
		return err
	}
	f.report.Compared = beside(spanText(then), spanText(now), before, after)
	return nil
}

func spanText(s retention.Span) string { return dayText(s.From) + " – " + dayText(s.To) }

func beside(before, after string, was, is []Moved) *Compared {
	c := &Compared{Before: before, After: after}
	for i, m := range is {
		m.Before = was[i].After
		c.Figures = append(c.Figures, m)
	}
	return c
}

// makeBeside reports on the second of two files, with the first beside it.
func makeBeside(ctx context.Context, o Options, started time.Time) (*Report, error) {
	var figuresOf [2][]Moved
	var r *Report
	for i, s := range o.Sources {
		one := o
		one.Sources, one.Compare = o.Sources[i:i+1], Alone
		if i == 0 {
			one.Customers, one.All, one.Backtest, one.Top, one.Split = nil, false, false, 0, retention.Together
		}
		made, f, err := makeOne(ctx, one)
		if err != nil {
			return nil, err
		}
		if made.Empty {
			return nil, errs.Wrong("compare", "report.wrong.empty", "File", s.Name)
		}
		if i > 0 && made.Currency != r.Currency {
			return nil, errs.Wrong("compare", "report.wrong.currencies", "First", r.Currency, "Second", made.Currency)
		}
		if figuresOf[i], err = f.key(f.h.Whole()); err != nil {
			return nil, err
		}
		if i == 1 {
			made.ReadSeconds += r.ReadSeconds
		}
		r = made
	}
	r.Compared = beside(o.Sources[0].Name, o.Sources[1].Name, figuresOf[0], figuresOf[1])
	// Of a file alone all are new, and nobody is known before it.
	r.Compared.Figures = slices.DeleteFunc(r.Compared.Figures, func(m Moved) bool {
		return m.Figure == "new" || m.Figure == "returning-revenue" || m.Figure == "retention"
	})
	r.Seconds = time.Since(started).Seconds()
	return r, nil
}
