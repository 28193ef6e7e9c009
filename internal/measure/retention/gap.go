package retention

// Gaps count the days between one purchase and the next of the same customer.
// Orders on one day are one visit here: a basket paid in two parts says nothing
// about when people return.
type Gaps struct {
	Days      Tally `json:"days"`
	SameDay   int64 `json:"same_day"`  // orders that followed another on the same day
	Customers int64 `json:"customers"` // who have at least one gap
}

// GapsOf counts the gaps that end within a span; h.Whole() for all.
func GapsOf(h *History, in Span) Gaps {
	return Over(h, func(h *History) Gaps {
		var g Gaps
		dense := make([]int64, 0, 512)
		for i := range h.ID {
			days := h.Days(i)
			had := false
			for k := 1; k < len(days); k++ {
				if days[k] < in.From || days[k] > in.To {
					continue
				}
				gap := int(days[k] - days[k-1])
				if gap == 0 {
					g.SameDay++
					continue
				}
				dense = grow(dense, gap)
				dense[gap]++
				had = true
			}
			if had {
				g.Customers++
			}
		}
		g.Days = tallyDense(dense, 0)
		return g
	})
}

// Merge adds other customers.
func (g Gaps) Merge(o Gaps) Gaps {
	return Gaps{
		Days: g.Days.Merge(o.Days), SameDay: g.SameDay + o.SameDay,
		Customers: g.Customers + o.Customers,
	}
}

// MedianDays is the median number of days between purchases. Gaps still open
// are not in it, so it is shorter than the truth where many are still away.
func (g Gaps) MedianDays() (float64, bool) { return g.Days.Median() }
