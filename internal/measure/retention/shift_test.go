package retention

import (
	"math/rand/v2"
	"testing"
)

func TestPartsOfAChangeAddUpToIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		before, after := make(Cells, 12), make(Cells, 12)
		for g := range before {
			for _, c := range []*Cell{&before[g], &after[g]} {
				c.Cases = r.Int64N(300) * r.Int64N(2)
				c.Hits = r.Int64N(c.Cases + 1)
				c.RevenueMinor = r.Int64N(1e6)
				c.Squares = c.RevenueMinor / 3
			}
		}
		before[0].Cases, after[0].Cases = 10, 10
		var rate, revenue float64
		for _, c := range RateCauses(before, after) {
			rate += c.Change
		}
		for _, c := range RevenueCauses(before, after) {
			revenue += c.Change
		}
		a, b := before.total(), after.total()
		near(t, "rate", rate, share(b)-share(a), 1e-12)
		near(t, "revenue", revenue, float64(b.RevenueMinor-a.RevenueMinor), 1e-6)
	}
}

func TestOnlyWhatIsBeyondChanceStandsOut(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 7))
	var false0, found, wrong int
	const worlds = 300
	for range worlds {
		// Nothing moved, in 40 groups; and the same with two groups that did.
		draw := func(fallen bool) Cells {
			c := make(Cells, 40)
			for g := range c {
				p := 0.2 + 0.3*float64(g)/40
				if fallen && g < 2 {
					p -= 0.15
				}
				for range 100 + 20*g {
					c[g].Cases++
					if r.Float64() < p {
						c[g].Hits++
					}
				}
			}
			return c
		}
		before := draw(false)
		if len(StandOut(RateCauses(before, draw(false)), 0.1)) > 0 {
			false0++
		}
		for _, c := range StandOut(RateCauses(before, draw(true)), 0.1) {
			if c.Group < 2 {
				found++
			} else {
				wrong++
			}
		}
	}
	if share := float64(false0) / worlds; share > 0.14 {
		t.Errorf("something stood out in %.0f %% of worlds where nothing moved", 100*share)
	}
	if float64(wrong) > 0.13*float64(found+wrong) {
		t.Errorf("%d of %d that stood out were false", wrong, found+wrong)
	}
	if float64(found) < worlds {
		t.Errorf("found %d of %d groups that fell", found, 2*worlds)
	}
	t.Logf("%d of %d worlds without a cause had one; %d found, %d wrong", false0, worlds, found, wrong)
}

func TestBenjaminiAndHochbergAsPublished(t *testing.T) {
	// The fifteen values of their paper's example: at 0.05 the first four stand.
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1}
	var causes []Cause
	for i, v := range p {
		causes = append(causes, Cause{Group: i, P: v})
	}
	if got := StandOut(causes, 0.05); len(got) != 4 {
		t.Errorf("%d stand out, published 4", len(got))
	}
}

func TestCellsCountCustomersOnceAndMoneyWhereItBelongs(t *testing.T) {
	h := build(t, randomOrders(5, 20000, 3000))
	in := Span{From: h.FirstDay + 50, To: h.LastDay - 50}
	group := func(k int) int { return int(h.Row[k] % 7) }
	cells := CellsOf(h, in, 7, group)
	all, want := cells.total(), RepeatOf(h, in)
	if all.Cases != want.Customers || all.Hits != want.Again || all.RevenueMinor != want.RevenueMinor {
		t.Errorf("%+v of %+v", all, want)
	}
	merges(t, "cells", h, func(h *History) Cells { return CellsOf(h, in, 7, group) })
	if len(Patterns(cells)) != 7 {
		t.Error("a group without a pattern")
	}
}
