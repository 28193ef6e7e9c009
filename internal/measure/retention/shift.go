package retention

import (
	"cmp"
	"math"
	"slices"
)

// Cell is one group (a product, a country, a promise broken) in one period:
// how many customers bought or cases there were, how many of them did what is
// asked about (bought again, asked for a refund), and what was paid.
type Cell struct {
	Cases        int64 `json:"cases"`
	Hits         int64 `json:"hits"`
	RevenueMinor int64 `json:"revenue_minor"`
	// Squares is Σ (revenue of one customer)² in major units of a thousand
	// minor ones, rounded: what the scatter of a sum is judged by.
	Squares int64 `json:"squares"`
}

// Cells are the groups of one period.
type Cells []Cell

// CellsOf counts a span by a group of each order: group numbers order k of the
// columns from 0 to n−1, or anything else to leave it out. A customer is a case
// of the group of their first order in the span, and a hit when they bought
// again in it; revenue is counted where each order belongs.
func CellsOf(h *History, in Span, n int, group func(k int) int) Cells {
	return Over(h, func(h *History) Cells {
		cells := make(Cells, n)
		own := make([]int64, n)
		for i := range h.ID {
			first, orders := -1, 0
			for k := int(h.Start[i]); k < int(h.Start[i+1]); k++ {
				if h.Day[k] < in.From || h.Day[k] > in.To {
					continue
				}
				g := group(k)
				if orders++; orders == 1 {
					first = g
				}
				if g >= 0 && g < n {
					cells[g].RevenueMinor += h.AmountMinor[k]
					own[g] += h.AmountMinor[k]
				}
			}
			if first >= 0 && first < n {
				cells[first].Cases++
				if orders > 1 {
					cells[first].Hits++
				}
			}
			cells.square(own)
		}
		return cells
	})
}

func (c Cells) square(own []int64) {
	for g, sum := range own {
		if sum != 0 {
			thousands := float64(sum) / 1000
			c[g].Squares += int64(math.Round(thousands * thousands))
			own[g] = 0
		}
	}
}

// Merge adds other customers.
func (c Cells) Merge(d Cells) Cells {
	m := make(Cells, max(len(c), len(d)))
	for _, part := range []Cells{c, d} {
		for g, cell := range part {
			m[g].Cases += cell.Cases
			m[g].Hits += cell.Hits
			m[g].RevenueMinor += cell.RevenueMinor
			m[g].Squares += cell.Squares
		}
	}
	return m
}

func (c Cells) total() (t Cell) {
	for _, cell := range c {
		t.Cases += cell.Cases
		t.Hits += cell.Hits
		t.RevenueMinor += cell.RevenueMinor
		t.Squares += cell.Squares
	}
	return t
}

// Cause is what one group did to the change of a figure.
type Cause struct {
	Group int `json:"group"`
	// Before and After are the group's own figure: its rate, or its revenue.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Change is its part of the whole change; the parts add up to it. For a
	// rate, Rate is what comes from the group's own rate, Mix from its share of
	// all cases; for revenue all is Rate.
	Change float64 `json:"change"`
	Rate   float64 `json:"rate"`
	Mix    float64 `json:"mix"`
	// P is the chance of a difference between this group's change and that of
	// all others, or of a shift of its share, as large by chance alone.
	P float64 `json:"p"`
}

// RateCauses splits the change of a rate (hits of cases) between two periods
// over the groups: Kitagawa, "Components of a Difference Between Two Rates"
// (JASA 50, 1955). For each group it is tested whether its rate, or its share
// of the cases, moved otherwise than that of the rest. The figure is unknown,
// and nil returned, where a period has no cases.
func RateCauses(before, after Cells) []Cause {
	a, b := before.total(), after.total()
	if a.Cases == 0 || b.Cases == 0 {
		return nil
	}
	overall := (share(a) + share(b)) / 2
	causes := make([]Cause, 0, len(after))
	for g := range max(len(before), len(after)) {
		x, y := at(before, g), at(after, g)
		if x.Cases+y.Cases == 0 {
			continue
		}
		c := Cause{Group: g, Before: share(x), After: share(y)}
		// A group without cases in one period has no rate there: its own
		// change is all mix.
		if x.Cases == 0 {
			c.Before = c.After
		} else if y.Cases == 0 {
			c.After = c.Before
		}
		w, v := float64(x.Cases)/float64(a.Cases), float64(y.Cases)/float64(b.Cases)
		c.Rate = (w + v) / 2 * (c.After - c.Before)
		c.Mix = (v - w) * ((c.Before+c.After)/2 - overall)
		c.Change = c.Rate + c.Mix
		own := difference(x.Cases, x.Hits, y.Cases, y.Hits)
		rest := difference(a.Cases-x.Cases, a.Hits-x.Hits, b.Cases-y.Cases, b.Hits-y.Hits)
		byRate := twoSided(own.delta-rest.delta, own.variance+rest.variance)
		mix := difference(a.Cases, x.Cases, b.Cases, y.Cases)
		byMix := twoSided(mix.delta, mix.variance)
		c.P = min(1, 2*min(byRate, byMix)) // Bonferroni for the two questions
		causes = append(causes, c)
	}
	return causes
}

// RevenueCauses splits the change of revenue between two periods over the
// groups, and tests for each whether it grew otherwise than the rest, judged by
// how much single customers scatter.
func RevenueCauses(before, after Cells) []Cause {
	a, b := before.total(), after.total()
	var causes []Cause
	for g := range max(len(before), len(after)) {
		x, y := at(before, g), at(after, g)
		if x.RevenueMinor == 0 && y.RevenueMinor == 0 {
			continue
		}
		c := Cause{Group: g, Before: float64(x.RevenueMinor), After: float64(y.RevenueMinor), P: 1}
		c.Rate = c.After - c.Before
		c.Change = c.Rate
		restA, restB := float64(a.RevenueMinor-x.RevenueMinor), float64(b.RevenueMinor-y.RevenueMinor)
		if restA > 0 {
			growth := restB / restA
			rest := (float64(b.Squares-y.Squares) + growth*growth*float64(a.Squares-x.Squares)) * math.Pow(c.Before/restA, 2)
			variance := 1e6 * (float64(y.Squares) + growth*growth*float64(x.Squares) + rest)
			c.P = twoSided(c.After-growth*c.Before, variance)
		}
		causes = append(causes, c)
	}
	return causes
}

// Patterns tests, in one period, whether each group's rate (refunds of orders,
// cancellations) differs from that of all others. Before is the rest's rate,
// After the group's own, Change the cases more or less than at the rest's rate.
func Patterns(in Cells) []Cause {
	all := in.total()
	var causes []Cause
	for g, x := range in {
		rest := Cell{Cases: all.Cases - x.Cases, Hits: all.Hits - x.Hits}
		if x.Cases == 0 || rest.Cases == 0 {
			continue
		}
		d := difference(rest.Cases, rest.Hits, x.Cases, x.Hits)
		c := Cause{Group: g, Before: share(rest), After: share(x), P: twoSided(d.delta, d.variance)}
		c.Change = float64(x.Cases) * (c.After - c.Before)
		c.Rate = c.Change
		causes = append(causes, c)
	}
	return causes
}

// StandOut keeps the causes beyond chance, largest change first, so that at
// most the share of those kept are false: Benjamini and Hochberg, "Controlling
// the False Discovery Rate" (JRSS B 57, 1995). Ask all groups of all questions
// together: the more is asked, the more stands out by chance.
func StandOut(causes []Cause, rate float64) []Cause {
	byP := slices.Clone(causes)
	slices.SortStableFunc(byP, func(a, b Cause) int { return cmp.Compare(a.P, b.P) })
	keep := 0
	for i, c := range byP {
		if c.P <= rate*float64(i+1)/float64(len(byP)) {
			keep = i + 1
		}
	}
	kept := byP[:keep]
	slices.SortStableFunc(kept, func(a, b Cause) int { return cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)) })
	return kept
}

func at(c Cells, g int) Cell {
	if g < len(c) {
		return c[g]
	}
	return Cell{}
}

func share(c Cell) float64 {
	s, _ := ratio(c.Hits, c.Cases)
	return s
}

type contrast struct{ delta, variance float64 }

// difference of two rates with its variance, each rate with one half added to
// hits and misses, so that none and all are not thought certain (Agresti and
// Caffo, "Simple and Effective Confidence Intervals", 2000).
func difference(n, k, m, l int64) contrast {
	p, q := (float64(k)+0.5)/(float64(n)+1), (float64(l)+0.5)/(float64(m)+1)
	return contrast{q - p, p*(1-p)/(float64(n)+1) + q*(1-q)/(float64(m)+1)}
}

// twoSided is the chance of a deviation as large under the normal distribution.
func twoSided(delta, variance float64) float64 {
	if !(variance > 0) {
		return 1
	}
	return math.Erfc(math.Abs(delta) / math.Sqrt(2*variance))
}
