package retention

// NoDay marks a customer without a starting day in CohortsSince.
const NoDay = int32(-1 << 31)

// Cohorts follow customers from the period they began in: Rows are consecutive
// periods of the grain, from First on.
type Cohorts struct {
	Grain Grain    `json:"grain"`
	AsOf  int32    `json:"as_of"` // the last day known
	First Period   `json:"first"`
	Rows  []Cohort `json:"rows"`
}

// Cohort is one row; place k of its columns is the k-th period after the one
// the customers began in, 0 being that one itself.
type Cohort struct {
	Size         int64   `json:"size"`
	Customers    []int64 `json:"customers"` // bought in that period
	Orders       []int64 `json:"orders"`
	RevenueMinor []int64 `json:"revenue_minor"`
}

// CohortsOf groups customers by the period of their first purchase.
func CohortsOf(h *History, g Grain) Cohorts {
	return Over(h, func(h *History) Cohorts {
		return cohorts(h, g, func(i int) int32 { return h.Days(i)[0] })
	})
}

// CohortsSince groups customers by the period of any event: since returns
// customer i's day of it, or NoDay. Orders before that day are not counted.
func CohortsSince(h *History, g Grain, since func(i int) int32) Cohorts {
	return cohorts(h, g, since)
}

func cohorts(h *History, g Grain, since func(i int) int32) Cohorts {
	c := Cohorts{Grain: g, AsOf: h.LastDay}
	days := g.calendar(h.FirstDay, max(h.LastDay, h.FirstDay))
	for i := range h.ID {
		from := since(i)
		if from == NoDay || from > h.LastDay {
			continue
		}
		began := g.PeriodOf(from)
		row := c.row(began)
		row.Size++
		amounts := h.Amounts(i)
		last := Period(-1 << 30)
		for k, day := range h.Days(i) {
			if day < from {
				continue
			}
			p := days.of(day)
			at := int(p - began)
			row.reach(at)
			if p != last {
				row.Customers[at]++
				last = p
			}
			row.Orders[at]++
			row.RevenueMinor[at] += amounts[k]
		}
	}
	c.square()
	return c
}

// row finds the row of a period, adding those between.
func (c *Cohorts) row(p Period) *Cohort {
	if len(c.Rows) == 0 {
		c.First = p
	}
	if p < c.First {
		c.Rows = append(make([]Cohort, c.First-p), c.Rows...)
		c.First = p
	}
	for int(p-c.First) >= len(c.Rows) {
		c.Rows = append(c.Rows, Cohort{})
	}
	return &c.Rows[p-c.First]
}

func (r *Cohort) reach(at int) {
	if at >= len(r.Customers) {
		r.Customers = grow(r.Customers, at)
		r.Orders = grow(r.Orders, at)
		r.RevenueMinor = grow(r.RevenueMinor, at)
	}
}

// square gives each row a place for every period up to the last day known, so
// that "nobody came back" and "not yet" differ.
func (c *Cohorts) square() {
	now := c.Grain.PeriodOf(c.AsOf)
	for i := range c.Rows {
		c.Rows[i].reach(int(now - c.First - Period(i)))
	}
}

// Merge adds other customers; the grain and the last day known are the same.
func (c Cohorts) Merge(d Cohorts) Cohorts {
	m := Cohorts{Grain: c.Grain, AsOf: max(c.AsOf, d.AsOf)}
	for _, part := range []Cohorts{c, d} {
		for i, r := range part.Rows {
			row := m.row(part.First + Period(i))
			row.Size += r.Size
			row.Customers = addInto(row.Customers, r.Customers)
			row.Orders = addInto(row.Orders, r.Orders)
			row.RevenueMinor = addInto(row.RevenueMinor, r.RevenueMinor)
		}
	}
	m.square()
	return m
}

// Between keeps the rows that began in the span's periods.
func (c Cohorts) Between(in Span) Cohorts {
	m := Cohorts{Grain: c.Grain, AsOf: c.AsOf}
	for i, r := range c.Rows {
		p := c.First + Period(i)
		if p >= c.Grain.PeriodOf(in.From) && p <= c.Grain.PeriodOf(in.To) {
			*m.row(p) = r
		}
	}
	return m
}

// Period is the period of row i.
func (c Cohorts) Period(i int) Period { return c.First + Period(i) }

// Label names row i, such as 2010-12.
func (c Cohorts) Label(i int) string { return c.Grain.Label(c.Period(i)) }

// Running says whether place k of row i lies in a period that is not over.
func (c Cohorts) Running(i, k int) bool {
	return c.Grain.Running(c.Period(i)+Period(k), c.AsOf)
}

// Kept is the share of row i that bought in its k-th period; unknown for an
// empty row or a period that has not begun.
func (c Cohorts) Kept(i, k int) (float64, bool) {
	if k >= len(c.Rows[i].Customers) {
		return 0, false
	}
	return ratio(c.Rows[i].Customers[k], c.Rows[i].Size)
}

// RevenueKept is the revenue of row i's k-th period as a share of its first.
func (c Cohorts) RevenueKept(i, k int) (float64, bool) {
	if k >= len(c.Rows[i].RevenueMinor) {
		return 0, false
	}
	return ratio(c.Rows[i].RevenueMinor[k], c.Rows[i].RevenueMinor[0])
}

// WorthMinor is the revenue per customer of row i up to and including its k-th
// period: the curve of lifetime value so far.
func (c Cohorts) WorthMinor(i, k int) (float64, bool) {
	if k >= len(c.Rows[i].RevenueMinor) {
		return 0, false
	}
	var sum int64
	for _, v := range c.Rows[i].RevenueMinor[:k+1] {
		sum += v
	}
	return ratio(sum, c.Rows[i].Size)
}

// Average is the average row: the cohorts together, so that each weighs as
// much as it has customers. Place k counts only cohorts whose k-th period is
// over; Size[k] are their customers.
type Average struct {
	Size         []int64 `json:"size"`
	Customers    []int64 `json:"customers"`
	Orders       []int64 `json:"orders"`
	RevenueMinor []int64 `json:"revenue_minor"`
}

// Average adds the rows up, leaving running periods out.
func (c Cohorts) Average() Average {
	var a Average
	for i, r := range c.Rows {
		if r.Size == 0 {
			continue
		}
		for k := range r.Customers {
			if c.Running(i, k) {
				break
			}
			a.Size, a.Customers = grow(a.Size, k), grow(a.Customers, k)
			a.Orders, a.RevenueMinor = grow(a.Orders, k), grow(a.RevenueMinor, k)
			a.Size[k] += r.Size
			a.Customers[k] += r.Customers[k]
			a.Orders[k] += r.Orders[k]
			a.RevenueMinor[k] += r.RevenueMinor[k]
		}
	}
	return a
}

// Kept is the average share that bought in the k-th period.
func (a Average) Kept(k int) (float64, bool) {
	if k >= len(a.Size) {
		return 0, false
	}
	return ratio(a.Customers[k], a.Size[k])
}

// WorthMinor is the average revenue per customer up to and including the k-th
// period, each period averaged over the cohorts that have completed it.
func (a Average) WorthMinor(k int) (float64, bool) {
	if k >= len(a.Size) {
		return 0, false
	}
	var worth float64
	for i := range k + 1 {
		v, ok := a.RevenuePerCustomerMinor(i)
		if !ok {
			return 0, false
		}
		worth += v
	}
	return worth, true
}

// RevenuePerCustomerMinor is the revenue of the k-th period alone, by customer.
func (a Average) RevenuePerCustomerMinor(k int) (float64, bool) {
	if k >= len(a.Size) {
		return 0, false
	}
	return ratio(a.RevenueMinor[k], a.Size[k])
}
