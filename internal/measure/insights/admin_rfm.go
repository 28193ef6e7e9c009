package insights

import (
	"net/http"
	"net/url"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type rfmPage struct {
	frame
	Map    kit.Heat
	Groups kit.Table
	How    []string
	Lists  bool // each group leads to its customers
}

func (d desk) rfm(w http.ResponseWriter, r *web.Request) error {
	f, err := d.page(r, "rfm")
	if err != nil {
		return err
	}
	p := rfmPage{frame: f}
	if f.Fig != nil {
		p.Lists = f.F.listed()
		p.Map, p.Groups = rfmMap(r, f), rfmGroups(r, f)
		p.How = []string{r.T("insights.rfm.how"), r.T("insights.rfm.how.thresholds", "Day", r.Print.Day(retention.DayText(f.Fig.AsOf)))}
		if f.Fig.RFM.Thresholds.FrequencyIsOne {
			p.How = append(p.How, r.T("insights.rfm.how.one"))
		}
	}
	return r.Render(w, "insights/rfm.html", p)
}

// listed says whether the list of customers can show the same people: it knows
// all orders up to now, and countries.
func (f Filter) listed() bool { return f.To == "" && f.Channel == "" && f.Category == 0 }

// field is a rectangle of the map: scores from and up to, both included.
type field struct{ r0, r1, f0, f1 int }

// fields are where the named groups lie. Champions and the loyal are two
// levels wide, as are most others: each group is one rectangle.
func fieldOf(g retention.Group) (field, bool) {
	found := field{6, 0, 6, 0}
	n := 0
	for r := 1; r <= 5; r++ {
		for f := 1; f <= 5; f++ {
			if (retention.Score{R: r, F: f, M: 1}).Group() == g {
				found = field{min(found.r0, r), max(found.r1, r), min(found.f0, f), max(found.f1, f)}
				n++
			}
		}
	}
	return found, n > 0 && n == (found.r1-found.r0+1)*(found.f1-found.f0+1)
}

// days are the days since the last order that have the scores of a field, and
// orders the numbers of orders; a high of -1 is no bound.
func (x field) days(t retention.Thresholds) (low, high int64) {
	low, high = 0, -1
	if x.r1 < 5 {
		low = t.RecencyDays[4-x.r1] + 1
	}
	if x.r0 > 1 {
		high = t.RecencyDays[5-x.r0]
	}
	return low, high
}

func (x field) orders(t retention.Thresholds) (low, high int64) {
	low, high = 1, -1
	if x.f0 > 1 {
		low = t.Orders[x.f0-2] + 1
	}
	if x.f1 < 5 {
		high = t.Orders[x.f1-1]
	}
	return low, high
}

// href is the list of the customers of a field.
func (x field) href(r *web.Request, f frame) string {
	t := f.Fig.RFM.Thresholds
	q := url.Values{"sort": {"spend"}, "desc": {"1"}}
	low, high := x.days(t)
	q.Set("last_to", retention.DayText(f.Fig.AsOf-int32(low)))
	if high >= 0 {
		q.Set("last_from", retention.DayText(f.Fig.AsOf-int32(high)))
	}
	low, high = x.orders(t)
	q.Set("orders_from", strconv.FormatInt(low, 10))
	if high >= 0 {
		q.Set("orders_to", strconv.FormatInt(high, 10))
	}
	if f.F.Country != "" {
		q.Set("country", f.F.Country)
	}
	return kit.With(r.Href("/customers"), q)
}

// rangeOf writes "3–5", "3" or "3 or more".
func rangeOf(r *web.Request, low, high int64) string {
	switch {
	case high < 0:
		return r.T("insights.or-more", "N", r.Print.Int(low))
	case low == high:
		return r.Print.Int(low)
	case low > high:
		return "–"
	}
	return r.Print.Int(low) + "–" + r.Print.Int(high)
}

// rfmMap is the map of recency by frequency, the best customers in the upper
// right corner.
func rfmMap(r *web.Request, f frame) kit.Heat {
	rfm := f.Fig.RFM
	heat := kit.Heat{ID: "rfm", Caption: r.T("insights.rfm.caption"), Corner: r.T("insights.rfm.orders"), Across: r.T("insights.rfm.days"),
		Square: true, Export: kit.With(r.Href("/insights/rfm/export"), r.URL.Query())}
	var all, most int64
	for _, row := range rfm.Map {
		for _, x := range row {
			all, most = all+x.Customers, max(most, x.Customers)
		}
	}
	for score := 1; score <= 5; score++ {
		low, high := field{r0: score, r1: score}.days(rfm.Thresholds)
		heat.Columns = append(heat.Columns, rangeOf(r, low, high))
	}
	for fs := 5; fs >= 1; fs-- {
		low, high := field{f0: fs, f1: fs}.orders(rfm.Thresholds)
		row := kit.HeatRow{Head: rangeOf(r, low, high)}
		for rs := 1; rs <= 5; rs++ {
			n := rfm.Map[rs-1][fs-1].Customers
			cell := kit.HeatCell{Text: r.Print.Int(n), Level: kit.LevelOf(float64(n), float64(most)),
				Small: r.T("insights.group." + retention.Score{R: rs, F: fs, M: 1}.Group().String())}
			if n > 0 && f.F.listed() {
				cell.Href = field{rs, rs, fs, fs}.href(r, f)
			}
			row.Cells = append(row.Cells, cell)
		}
		heat.Rows = append(heat.Rows, row)
	}
	if most > 0 {
		heat.Low, heat.High = r.Print.Int(0), r.Print.Int(most)
	}
	return heat
}

// rfmGroups lists the named groups, the best first.
func rfmGroups(r *web.Request, f frame) kit.Table {
	t := kit.Table{ID: "groups", Caption: r.T("insights.rfm.groups"), First: true, Dense: true,
		Export: kit.With(r.Href("/insights/rfm/export"), r.URL.Query()),
		Columns: []kit.Column{
			{Key: "group", Title: r.T("insights.rfm.group")}, {Key: "who", Title: r.T("insights.rfm.who")},
			{Key: "customers", Title: r.T("insights.customers"), Number: true}, {Key: "share", Title: r.T("insights.rfm.share"), Number: true},
			{Key: "money", Title: r.T("insights.rfm.money"), Number: true, Explain: r.T("insights.rfm.money.how")},
			{Key: "mean", Title: r.T("insights.rfm.each"), Number: true}, {Key: "ago", Title: r.T("insights.rfm.ago"), Number: true},
		}}
	var customers, revenue int64
	for _, g := range f.Fig.RFM.Groups {
		customers, revenue = customers+g.Customers, revenue+g.RevenueMinor
	}
	for _, g := range retention.Groups() {
		x := f.Fig.RFM.Groups[g]
		row := kit.Row{Cells: []any{r.T("insights.group." + g.String()), r.T("insights.group." + g.String() + ".who"), r.Print.Int(x.Customers),
			share(r, func() (float64, bool) { return part(x.Customers, customers) }),
			share(r, func() (float64, bool) { return part(x.RevenueMinor, revenue) }), "–", "–"}}
		if x.Customers > 0 {
			row.Cells[5] = whole(r, x.RevenueMinor/x.Customers)
			row.Cells[6] = r.Print.Int(x.RecencyDays / x.Customers)
			if at, ok := fieldOf(g); ok && f.F.listed() {
				row.Href = at.href(r, f)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func rfmFile(r *web.Request, res *Result) sheet {
	s := sheet{heading: []string{"group", "recency_score", "frequency_score", "days_from", "days_to", "orders_from", "orders_to", "customers", "orders", "revenue"}}
	bound := func(high int64) string {
		if high < 0 {
			return ""
		}
		return number(high)
	}
	for rs := 5; rs >= 1; rs-- {
		for fs := 5; fs >= 1; fs-- {
			x, at := res.RFM.Map[rs-1][fs-1], field{rs, rs, fs, fs}
			d0, d1 := at.days(res.RFM.Thresholds)
			o0, o1 := at.orders(res.RFM.Thresholds)
			s.rows = append(s.rows, []string{retention.Score{R: rs, F: fs, M: 1}.Group().String(), strconv.Itoa(rs), strconv.Itoa(fs),
				number(d0), bound(d1), number(o0), bound(o1), number(x.Customers), number(x.Orders), moneyCell(r, float64(x.RevenueMinor))})
		}
	}
	return s
}
