package retention

import (
	"fmt"
	"slices"
)

// RetentionRate is the standard formula (end − new) / start: 1000 customers at
// the start, 1100 at the end of which 200 are new, keep 0.9. It fails on
// numbers that cannot be: negative ones, more new than there are at the end,
// more kept than there were; and without anybody at the start.
func RetentionRate(start, fresh, end int64) (float64, error) {
	switch {
	case start < 0 || fresh < 0 || end < 0:
		return 0, fmt.Errorf("customers cannot be negative: start %d, new %d, end %d", start, fresh, end)
	case fresh > end:
		return 0, fmt.Errorf("%d new customers are more than the %d at the end", fresh, end)
	case end-fresh > start:
		return 0, fmt.Errorf("%d kept are more than the %d at the start: count those won back as new", end-fresh, start)
	case start == 0:
		return 0, fmt.Errorf("nobody was a customer at the start, so nobody could be kept")
	}
	return float64(end-fresh) / float64(start), nil
}

// Base counts the customers of a period where nobody signs a contract:
// somebody counts as a customer on a day when they bought in the Window days up
// to and including it.
type Base struct {
	Span   Span  `json:"span"`
	Window int32 `json:"window"` // days
	Start  int64 `json:"start"`  // customers on the eve of the period
	End    int64 `json:"end"`    // customers on its last day
	// New bought for the first time in the period and are customers at its end.
	New int64 `json:"new"`
	// WonBack had bought before, were no customers at the start, and are at
	// the end. They are taken off like new ones, or the rate could pass 100 %.
	WonBack int64 `json:"won_back"`
	// Warming: the history begins less than a window before the period, so
	// Start misses customers whose last order was before the history.
	Warming bool `json:"warming"`
	// Running: the period ends after the last day known.
	Running bool `json:"running"`
}

// BaseOf counts the base of a span with a window of days.
func BaseOf(h *History, in Span, window int32) (Base, error) {
	if window < 1 {
		return Base{}, fmt.Errorf("a window of %d days: it needs at least one", window)
	}
	if in.To < in.From {
		return Base{}, fmt.Errorf("the period ends before it begins")
	}
	return Over(h, func(h *History) Base {
		b := Base{
			Span: in, Window: window,
			Warming: h.FirstDay > in.From-window, Running: h.LastDay < in.To,
		}
		for i := range h.ID {
			b.count(h.Days(i))
		}
		return b
	}), nil
}

func (b *Base) count(days []int32) {
	eve := b.Span.From - 1
	lastBefore, lastWithin := int32(firstDay-1), int32(firstDay-1)
	for _, day := range days {
		if day <= eve {
			lastBefore = day
		} else if day <= b.Span.To {
			lastWithin = day
		}
	}
	atStart := days[0] <= eve && lastBefore > eve-b.Window
	atEnd := max(lastBefore, lastWithin) > b.Span.To-b.Window && days[0] <= b.Span.To
	if atStart {
		b.Start++
	}
	if !atEnd {
		return
	}
	b.End++
	switch {
	case days[0] > eve:
		b.New++
	case !atStart:
		b.WonBack++
	}
}

// Merge adds other customers of the same period and window.
func (b Base) Merge(c Base) Base {
	b.Start += c.Start
	b.End += c.End
	b.New += c.New
	b.WonBack += c.WonBack
	b.Warming = b.Warming || c.Warming
	b.Running = b.Running || c.Running
	return b
}

// Kept are the customers of the start who are customers at the end.
func (b Base) Kept() int64 { return b.End - b.New - b.WonBack }

// Retention is the standard formula with those won back counted as new; unknown
// with nobody at the start.
func (b Base) Retention() (float64, bool) {
	rate, err := RetentionRate(b.Start, b.New+b.WonBack, b.End)
	return rate, err == nil
}

// Plain is the standard formula to the letter, those won back among the kept;
// unknown with nobody at the start, or where it would pass 100 %.
func (b Base) Plain() (float64, bool) {
	rate, err := RetentionRate(b.Start, b.New, b.End)
	return rate, err == nil
}

// Churn is the rest: 1 − Retention.
func (b Base) Churn() (float64, bool) { return ratio(b.Start-b.Kept(), b.Start) }

// BasesOf counts the base of each calendar period that a span touches.
func BasesOf(h *History, g Grain, in Span, window int32) ([]Base, error) {
	if window < 1 {
		return nil, fmt.Errorf("a window of %d days: it needs at least one", window)
	}
	var empty bases
	for p := g.PeriodOf(in.From); p <= g.PeriodOf(in.To); p++ {
		span := Span{From: g.First(p), To: g.Last(p)}
		empty = append(empty, Base{
			Span: span, Window: window,
			Warming: h.FirstDay > span.From-window, Running: h.LastDay < span.To,
		})
	}
	if len(empty) == 0 {
		return nil, nil
	}
	return Over(h, func(h *History) bases {
		all := slices.Clone(empty)
		for i := range h.ID {
			days := h.Days(i)
			all.count(days, int(max(0, g.PeriodOf(days[0])-g.PeriodOf(in.From))))
		}
		return all
	}), nil
}

// bases are consecutive periods.
type bases []Base

func (b bases) Merge(c bases) bases {
	for i := range b {
		b[i] = b[i].Merge(c[i])
	}
	return b
}

// count walks one customer's days once, from the period of the first: who is
// there at the end of a period is there at the start of the next.
func (b bases) count(days []int32, from int) {
	k := 0 // days passed
	var there bool
	upTo := func(day, window int32) bool {
		for k < len(days) && days[k] <= day {
			k++
		}
		return k > 0 && days[k-1] > day-window
	}
	for i := from; i < len(b); i++ {
		p := &b[i]
		if i == from {
			there = upTo(p.Span.From-1, p.Window)
		}
		before := there
		there = upTo(p.Span.To, p.Window)
		if before {
			p.Start++
		}
		if there {
			p.End++
			switch {
			case days[0] >= p.Span.From:
				p.New++
			case !before:
				p.WonBack++
			}
		} else if k == len(days) {
			return
		}
	}
}
