package report

import (
	"fmt"

	"regulars/internal/measure/retention"
)

// Split is the customers side by side: by their country, or by the channel,
// the product or the category of their first order.
type Split struct {
	By      retention.Split `json:"by"`
	Parts   []Part          `json:"parts"`   // the largest first, then the others
	Without int64           `json:"without"` // customers of whom the files do not say it
	Share   *float64        `json:"without_share"`
}

// Part is the customers who have one value, and what the figures of all are of
// them alone.
type Part struct {
	Kind         string     `json:"kind"`
	Name         string     `json:"name"` // of PartValue: what they have in common; a country by its code
	Customers    int64      `json:"customers"`
	Share        *float64   `json:"share"` // of all customers
	Orders       int64      `json:"orders"`
	RevenueMinor int64      `json:"revenue_minor"`
	Repeat       *float64   `json:"repeat_rate"`
	Retention    Retention  `json:"retention"` // with the window of all customers
	Cohorts      []Cohort   `json:"cohorts"`
	Average      []*float64 `json:"cohort_average"`
}

// The kinds of part.
const (
	PartValue   = "value"
	PartWithout = "without" // the files do not say it
	PartOthers  = "others"  // all further values together
)

// split sets the customers side by side.
func (f *figures) split() error {
	by, h := f.options.Split, f.h
	if by == retention.Together {
		return nil
	}
	names := f.ledger.Groups
	in := retention.GroupBy(h, len(names), retention.MostSplit, func(i int) int32 { return f.ledger.Group(h.ID[i]) })
	s := &Split{By: by}
	place := make([]int, len(names)) // of each group's part
	for i := range place {
		place[i] = len(in.Shown)
	}
	for i, n := range in.Shown {
		place[n] = i
		part := Part{Kind: PartValue, Name: names[n]}
		if part.Name == "" {
			part.Kind = PartWithout
		}
		s.Parts = append(s.Parts, part)
	}
	if in.Others > 0 {
		s.Parts = append(s.Parts, Part{Kind: PartOthers})
	}
	for i, name := range names {
		if name == "" {
			s.Without = in.Sizes[i]
		}
	}
	s.Share = share(s.Without, int64(h.Customers()))
	for n := range s.Parts {
		one := h.Of(func(i int) bool {
			if g := in.Of[i]; g >= 0 {
				return place[g] == n
			}
			return n == len(in.Shown)
		})
		if err := f.part(&s.Parts[n], one); err != nil {
			return fmt.Errorf("count a part of the customers: %w", err)
		}
	}
	f.report.Split = s
	return nil
}

// part works out the figures of some of the customers.
func (f *figures) part(p *Part, h *retention.History) error {
	repeat := retention.RepeatOf(h, h.Whole())
	p.Customers, p.Orders, p.RevenueMinor = repeat.Customers, repeat.Orders, repeat.RevenueMinor
	p.Share, p.Repeat = share(p.Customers, f.report.Customers), known(repeat.Rate())
	base, err := retention.BaseOf(h, f.span, f.window)
	if err != nil {
		return err
	}
	p.Retention = f.rate(base)
	p.Retention.Within = f.report.Retention.Within
	p.Cohorts, p.Average = f.follow(h)
	return nil
}
