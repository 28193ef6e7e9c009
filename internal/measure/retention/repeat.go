package retention

// Span is a range of days, both ends included.
type Span struct {
	From int32 `json:"from"`
	To   int32 `json:"to"`
}

// Whole is the span from the first order to the last day known.
func (h *History) Whole() Span { return Span{From: h.FirstDay, To: h.LastDay} }

// Repeat counts who bought and who bought more than once within a span. Two
// orders on one day are two orders.
type Repeat struct {
	Customers          int64 `json:"customers"` // bought at least once
	Again              int64 `json:"again"`     // bought at least twice
	Orders             int64 `json:"orders"`
	RevenueMinor       int64 `json:"revenue_minor"`
	RevenueAgainMinor  int64 `json:"revenue_again_minor"` // of those who bought at least twice
	ByOrders           Tally `json:"by_orders"`           // customers by their number of orders
	OrdersBeyondFirsts int64 `json:"orders_beyond_firsts"`
}

// RepeatOf counts the orders of a span; h.Whole() for all.
func RepeatOf(h *History, in Span) Repeat {
	return Over(h, func(h *History) Repeat {
		var r Repeat
		byOrders := make([]int64, 0, 64)
		for i := range h.ID {
			var orders, revenue int64
			amounts := h.Amounts(i)
			for k, day := range h.Days(i) {
				if day >= in.From && day <= in.To {
					orders++
					revenue += amounts[k]
				}
			}
			if orders == 0 {
				continue
			}
			r.Customers++
			r.Orders += orders
			r.RevenueMinor += revenue
			if orders > 1 {
				r.Again++
				r.RevenueAgainMinor += revenue
			}
			byOrders = grow(byOrders, int(orders))
			byOrders[orders]++
		}
		r.OrdersBeyondFirsts = r.Orders - r.Customers
		r.ByOrders = tallyDense(byOrders, 0)
		return r
	})
}

// Merge adds other customers.
func (r Repeat) Merge(s Repeat) Repeat {
	return Repeat{
		Customers: r.Customers + s.Customers, Again: r.Again + s.Again,
		Orders: r.Orders + s.Orders, RevenueMinor: r.RevenueMinor + s.RevenueMinor,
		RevenueAgainMinor:  r.RevenueAgainMinor + s.RevenueAgainMinor,
		ByOrders:           r.ByOrders.Merge(s.ByOrders),
		OrdersBeyondFirsts: r.OrdersBeyondFirsts + s.OrdersBeyondFirsts,
	}
}

// Rate is the repeat-purchase rate: of those who bought, the share that bought
// more than once. Unknown when nobody bought.
func (r Repeat) Rate() (float64, bool) { return ratio(r.Again, r.Customers) }

// AtLeast is the share of buyers with n orders or more.
func (r Repeat) AtLeast(n int64) (float64, bool) {
	var some int64
	for i, orders := range r.ByOrders.Value {
		if orders >= n {
			some += r.ByOrders.Count[i]
		}
	}
	return ratio(some, r.Customers)
}

// Frequency is orders per buying customer.
func (r Repeat) Frequency() (float64, bool) { return ratio(r.Orders, r.Customers) }

// OrderValueMinor is revenue per order.
func (r Repeat) OrderValueMinor() (float64, bool) { return ratio(r.RevenueMinor, r.Orders) }

// CustomerValueMinor is revenue per buying customer.
func (r Repeat) CustomerValueMinor() (float64, bool) { return ratio(r.RevenueMinor, r.Customers) }

// RepeatsOf counts each calendar period that a span touches by itself: who
// bought twice within it.
func RepeatsOf(h *History, g Grain, in Span) []Repeat {
	var repeats []Repeat
	for p := g.PeriodOf(in.From); p <= g.PeriodOf(in.To); p++ {
		repeats = append(repeats, RepeatOf(h, Span{From: g.First(p), To: g.Last(p)}))
	}
	return repeats
}
