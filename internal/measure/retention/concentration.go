package retention

import "math"

// Concentration is the distribution of revenue over customers.
type Concentration struct {
	Spent Tally `json:"spent"` // customers by what they paid, minor units
}

// ConcentrationOf adds up what each customer paid in a span.
func ConcentrationOf(h *History, in Span) Concentration {
	return Over(h, func(h *History) Concentration {
		spent := make([]int64, 0, len(h.ID))
		for i := range h.ID {
			var sum int64
			bought := false
			amounts := h.Amounts(i)
			for k, day := range h.Days(i) {
				if day >= in.From && day <= in.To {
					sum += amounts[k]
					bought = true
				}
			}
			if bought {
				spent = append(spent, sum)
			}
		}
		return Concentration{Spent: TallyOf(spent)}
	})
}

// Merge adds other customers.
func (c Concentration) Merge(d Concentration) Concentration {
	return Concentration{Spent: c.Spent.Merge(d.Spent)}
}

// TopShare is the share of revenue from the best-paying share x of customers,
// rounded up to whole customers. Unknown without revenue.
func (c Concentration) TopShare(x float64) (float64, bool) {
	top := int64(math.Ceil(x*float64(c.Spent.N()) - 1e-9))
	var sum int64
	for i := len(c.Spent.Value) - 1; i >= 0 && top > 0; i-- {
		n := min(top, c.Spent.Count[i])
		sum += n * c.Spent.Value[i]
		top -= n
	}
	return ratio(sum, c.Spent.Sum())
}

// Bring is the smallest number of customers who together bring at least the
// share of revenue, and what share of all customers they are. Unknown without
// revenue.
func (c Concentration) Bring(share float64) (customers int64, of float64, ok bool) {
	total := c.Spent.Sum()
	if total == 0 {
		return 0, 0, false
	}
	goal := share * float64(total) * (1 - 1e-12)
	var sum int64
	for i := len(c.Spent.Value) - 1; i >= 0 && float64(sum) < goal; i-- {
		value, n := c.Spent.Value[i], c.Spent.Count[i]
		if value == 0 {
			break
		}
		need := int64(math.Ceil((goal - float64(sum)) / float64(value)))
		n = min(n, need)
		sum += n * value
		customers += n
	}
	of, ok = ratio(customers, c.Spent.N())
	return customers, of, ok
}

// Gini is the Gini coefficient of revenue: 0 when all pay alike, near 1 when
// one pays nearly everything. Unknown without revenue.
func (c Concentration) Gini() (float64, bool) {
	n, total := float64(c.Spent.N()), float64(c.Spent.Sum())
	if total == 0 {
		return 0, false
	}
	// Sum of rank times value, with equal values at their mean rank.
	var below, weighted float64
	for i, v := range c.Spent.Value {
		count := float64(c.Spent.Count[i])
		weighted += (below + (count+1)/2) * count * float64(v)
		below += count
	}
	return 2*weighted/(n*total) - (n+1)/n, true
}
