package retention

// Revenue splits what each period brought by who brought it.
type Revenue struct {
	Grain Grain           `json:"grain"`
	AsOf  int32           `json:"as_of"`
	First Period          `json:"first"`
	Rows  []PeriodRevenue `json:"rows"` // consecutive periods
}

// PeriodRevenue is one period. A new customer is one whose first order ever is
// in it; all their orders in it count as new.
type PeriodRevenue struct {
	NewCustomers       int64 `json:"new_customers"`
	ReturningCustomers int64 `json:"returning_customers"`
	NewOrders          int64 `json:"new_orders"`
	ReturningOrders    int64 `json:"returning_orders"`
	NewMinor           int64 `json:"new_minor"`
	ReturningMinor     int64 `json:"returning_minor"`
	// FirstOrdersMinor is what first orders brought, without the further
	// orders of new customers in the same period.
	FirstOrdersMinor int64 `json:"first_orders_minor"`
}

// RevenueOf splits the whole history by periods of a grain.
func RevenueOf(h *History, g Grain) Revenue {
	return Over(h, func(h *History) Revenue {
		days := g.calendar(h.FirstDay, h.LastDay)
		r := Revenue{Grain: g, AsOf: h.LastDay, First: g.PeriodOf(h.FirstDay)}
		r.Rows = make([]PeriodRevenue, g.PeriodOf(h.LastDay)-r.First+1)
		for i := range h.ID {
			amounts := h.Amounts(i)
			began, last := days.of(h.Days(i)[0]), Period(-1<<30)
			for k, day := range h.Days(i) {
				p := days.of(day)
				r.Rows[p-r.First].add(amounts[k], p == began, p != last)
				last = p
			}
			r.Rows[began-r.First].FirstOrdersMinor += amounts[0]
		}
		return r
	})
}

func (p *PeriodRevenue) add(amount int64, isNew, counts bool) {
	var one int64
	if counts {
		one = 1
	}
	if isNew {
		p.NewCustomers += one
		p.NewOrders++
		p.NewMinor += amount
	} else {
		p.ReturningCustomers += one
		p.ReturningOrders++
		p.ReturningMinor += amount
	}
}

// Merge adds other customers of the same grain.
func (r Revenue) Merge(s Revenue) Revenue {
	if len(r.Rows) == 0 {
		return s
	}
	if len(s.Rows) == 0 {
		return r
	}
	m := Revenue{Grain: r.Grain, AsOf: max(r.AsOf, s.AsOf), First: min(r.First, s.First)}
	last := max(r.First+Period(len(r.Rows)), s.First+Period(len(s.Rows)))
	m.Rows = make([]PeriodRevenue, last-m.First)
	for _, part := range []Revenue{r, s} {
		for i, p := range part.Rows {
			row := &m.Rows[int(part.First-m.First)+i]
			row.NewCustomers += p.NewCustomers
			row.ReturningCustomers += p.ReturningCustomers
			row.NewOrders += p.NewOrders
			row.ReturningOrders += p.ReturningOrders
			row.NewMinor += p.NewMinor
			row.ReturningMinor += p.ReturningMinor
			row.FirstOrdersMinor += p.FirstOrdersMinor
		}
	}
	return m
}

// Between keeps the periods that a span touches.
func (r Revenue) Between(in Span) Revenue {
	from := max(r.Grain.PeriodOf(in.From), r.First)
	to := min(r.Grain.PeriodOf(in.To)+1, r.First+Period(len(r.Rows)))
	if from >= to {
		return Revenue{Grain: r.Grain, AsOf: r.AsOf, First: from}
	}
	out := r
	out.First, out.Rows = from, r.Rows[from-r.First:to-r.First]
	return out
}

// Label names row i.
func (r Revenue) Label(i int) string { return r.Grain.Label(r.First + Period(i)) }

// Running says whether row i is a period that is not over.
func (r Revenue) Running(i int) bool { return r.Grain.Running(r.First+Period(i), r.AsOf) }

// Returning is the share of a period's revenue from customers who had bought
// before it.
func (p PeriodRevenue) Returning() (float64, bool) {
	return ratio(p.ReturningMinor, p.NewMinor+p.ReturningMinor)
}
