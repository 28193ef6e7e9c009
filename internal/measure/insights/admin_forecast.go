package insights

import (
	"math"
	"net/http"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type forecastPage struct {
	frame
	Nothing *kit.Empty // why nothing can be expected
	Warns   []kit.Alert
	Stats   []kit.Stat
	Table   kit.Table
	Chart   kit.Chart
	Held    kit.Table // how often the intervals held
	Tests   kit.Table
	How     []string
}

func (d desk) forecast(w http.ResponseWriter, r *web.Request) error {
	var a ahead
	f, ok, err := d.lookingAhead(r, "forecast", &a)
	if err != nil {
		return err
	}
	p := forecastPage{frame: f}
	if ok && a.Trouble != "" {
		none := trouble(r, a.Trouble, a.Buyers, a.Again)
		p.Nothing = &none
	} else if ok {
		p.fill(r, &a)
	}
	return r.Render(w, "insights/forecast.html", p)
}

func (p *forecastPage) fill(r *web.Request, a *ahead) {
	for _, z := range a.Horizons {
		p.Stats = append(p.Stats, kit.Stat{Label: r.T("insights.forecast." + z.Key), Value: whole(r, round(z.Revenue.Expected)),
			Note:    r.T("insights.forecast.between", "Low", whole(r, round(z.Revenue.Low90)), "High", whole(r, round(z.Revenue.High90))),
			Explain: r.T("insights.forecast.how.stat", "Orders", r.Print.Decimal(z.Orders.Expected, 0), "Customers", r.Print.Int(a.Buyers), "Alive", r.Print.Decimal(z.Alive, 0))})
	}
	p.Table = forecastTable(r, a)
	p.Chart = forecastChart(r, a)
	p.Held, p.Tests = heldTable(r, a), testTable(r, a)
	warn := func(key string, args ...any) {
		p.Warns = append(p.Warns, kit.Alert{Tone: kit.Warn, Text: r.T("insights.forecast.warn."+key, args...)})
	}
	if a.AsOf-a.First < 730 {
		warn("season", "Days", r.Print.Int(int64(a.AsOf-a.First+1)))
	}
	if len(a.Horizons) > 0 && len(a.Horizons[0].Tests) == 0 {
		warn("untested")
	}
	if a.SameSpending {
		warn("spending")
	}
	if a.Edge {
		warn("edge")
	}
	p.How = []string{r.T("insights.forecast.how"), r.T("insights.forecast.how.range"),
		r.T("insights.forecast.how.model", "R", r.Print.Decimal(a.Buying.R, 3), "Alpha", r.Print.Decimal(a.Buying.Alpha, 3),
			"A", r.Print.Decimal(a.Buying.A, 3), "B", r.Print.Decimal(a.Buying.B, 3), "LL", r.Print.Decimal(a.LogLikelihood, 2))}
}

func round(v float64) int64 { return int64(math.Round(v)) }

// money range and orders range, as they are written.
func spread(r *web.Request, low, high float64, inMoney bool) string {
	if inMoney {
		if round(low) == round(high) {
			return whole(r, round(low))
		}
		return whole(r, round(low)) + " – " + whole(r, round(high))
	}
	return r.Print.Int(round(low)) + " – " + r.Print.Int(round(high))
}

func forecastTable(r *web.Request, a *ahead) kit.Table {
	t := kit.Table{ID: "ahead", Caption: r.T("insights.forecast.table"), First: true, Dense: true,
		Export: kit.With(r.Href("/insights/forecast/export"), r.URL.Query()),
		Columns: []kit.Column{{Key: "until", Title: r.T("insights.forecast.until")}, {Key: "what", Title: r.T("insights.forecast.what")},
			{Key: "expected", Title: r.T("insights.forecast.expected"), Number: true},
			{Key: "half", Title: r.T("insights.forecast.half"), Number: true}, {Key: "nine", Title: r.T("insights.forecast.nine"), Number: true}}}
	for _, z := range a.Horizons {
		until := r.T("insights.forecast.until.day", "Name", r.T("insights.forecast."+z.Key), "Day", r.Print.Day(retention.DayText(a.AsOf+z.Days)))
		t.Rows = append(t.Rows,
			kit.Row{Cells: []any{until, r.T("insights.forecast.revenue"), whole(r, round(z.Revenue.Expected)),
				spread(r, z.Revenue.Low50, z.Revenue.High50, true), spread(r, z.Revenue.Low90, z.Revenue.High90, true)}},
			kit.Row{Cells: []any{until, r.T("insights.forecast.orders"), r.Print.Int(round(z.Orders.Expected)),
				spread(r, z.Orders.Low50, z.Orders.High50, false), spread(r, z.Orders.Low90, z.Orders.High90, false)}})
	}
	return t
}

// forecastChart is what thirty days brought beside what was forecast for them,
// and the days to come.
func forecastChart(r *web.Request, a *ahead) kit.Chart {
	c := kit.Chart{ID: "forecast", Title: r.T("insights.forecast.chart"), Period: r.T("insights.forecast.from"), Axis: moneyAxis(r),
		Desc: r.T("insights.forecast.desc"), Export: kit.With(r.Href("/insights/forecast/export"), r.URL.Query()), Empty: r.T("insights.forecast.untested")}
	if len(a.Horizons) == 0 {
		return c
	}
	month := a.Horizons[0]
	series := []kit.Series{{Name: r.T("insights.forecast.came")}, {Name: r.T("insights.forecast.expected"), Guess: true},
		{Name: r.T("insights.forecast.low"), Guess: true}, {Name: r.T("insights.forecast.high"), Guess: true}}
	point := func(from int32, came int64, has bool, x retention.Range) {
		c.Labels = append(c.Labels, r.Print.Day(retention.DayText(from+1)))
		for i, v := range []float64{float64(came), x.Expected, x.Low90, x.High90} {
			text := whole(r, round(v))
			if i == 0 && !has {
				v, text = math.NaN(), "–"
			}
			series[i].Values = append(series[i].Values, v)
			series[i].Texts = append(series[i].Texts, text)
		}
	}
	for _, b := range month.Tests {
		point(b.Day, b.CameRevenue, true, b.Revenue)
	}
	point(a.AsOf, 0, false, month.Revenue)
	c.Series = series
	return c
}

// heldTable says how often what came lay within the intervals.
func heldTable(r *web.Request, a *ahead) kit.Table {
	t := kit.Table{ID: "held", Caption: r.T("insights.forecast.held"), First: true, Dense: true,
		Columns: []kit.Column{{Key: "days", Title: r.T("insights.forecast.ahead")}, {Key: "tests", Title: r.T("insights.forecast.tests"), Number: true},
			{Key: "o50", Title: r.T("insights.forecast.held.o50"), Number: true}, {Key: "o90", Title: r.T("insights.forecast.held.o90"), Number: true},
			{Key: "r50", Title: r.T("insights.forecast.held.r50"), Number: true}, {Key: "r90", Title: r.T("insights.forecast.held.r90"), Number: true},
			{Key: "off", Title: r.T("insights.forecast.off"), Number: true, Explain: r.T("insights.forecast.off.how")}}}
	for _, z := range a.Horizons {
		row := kit.Row{Cells: []any{r.T("insights.forecast." + z.Key), r.Print.Int(int64(len(z.Tests))), "–", "–", "–", "–", r.Print.Percent(z.Shock, 0)}}
		var n [4]int64
		for _, b := range z.Tests {
			for i, in := range b.within() {
				if in {
					n[i]++
				}
			}
		}
		for i := range n {
			if len(z.Tests) > 0 {
				row.Cells[2+i] = r.T("insights.forecast.of", "N", r.Print.Int(n[i]), "Of", r.Print.Int(int64(len(z.Tests))))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// within says whether what came lay within the intervals of 50 and 90 %, of
// the orders and of the revenue.
func (b test) within() [4]bool {
	in := func(v int64, low, high float64) bool { return float64(v) >= low && float64(v) <= high }
	return [4]bool{in(b.CameOrders, b.Orders.Low50, b.Orders.High50), in(b.CameOrders, b.Orders.Low90, b.Orders.High90),
		in(b.CameRevenue, b.Revenue.Low50, b.Revenue.High50), in(b.CameRevenue, b.Revenue.Low90, b.Revenue.High90)}
}

// testTable is every forecast of the past with what came.
func testTable(r *web.Request, a *ahead) kit.Table {
	t := kit.Table{ID: "tests", Caption: r.T("insights.forecast.past"), First: true, Dense: true,
		Export: kit.With(r.Href("/insights/forecast/export"), r.URL.Query()),
		Columns: []kit.Column{{Key: "from", Title: r.T("insights.forecast.made")}, {Key: "days", Title: r.T("insights.forecast.ahead")},
			{Key: "expected", Title: r.T("insights.forecast.expected"), Number: true}, {Key: "nine", Title: r.T("insights.forecast.nine"), Number: true},
			{Key: "came", Title: r.T("insights.forecast.came"), Number: true}, {Key: "held", Title: r.T("insights.forecast.inside")}},
		Empty: kit.Empty{Icon: "history", Title: r.T("insights.forecast.untested"), Text: r.T("insights.forecast.warn.untested")}}
	for _, z := range a.Horizons {
		for i := len(z.Tests) - 1; i >= 0; i-- {
			b := z.Tests[i]
			held := r.T("insights.forecast.inside.none")
			if in := b.within(); in[2] {
				held = r.T("insights.forecast.inside.50")
			} else if in[3] {
				held = r.T("insights.forecast.inside.90")
			}
			t.Rows = append(t.Rows, kit.Row{Cells: []any{r.Print.Day(retention.DayText(b.Day)), r.T("insights.forecast." + z.Key), whole(r, round(b.Revenue.Expected)),
				spread(r, b.Revenue.Low90, b.Revenue.High90, true), whole(r, b.CameRevenue), held}})
		}
	}
	return t
}

func (d desk) forecastFile(w http.ResponseWriter, r *web.Request) error {
	var a ahead
	return d.inquiryFile(w, r, "forecast", aheadOf(r), &a, func() sheet {
		s := sheet{heading: []string{"last_day_known", "days", "orders_expected", "orders_low_50", "orders_high_50", "orders_low_90", "orders_high_90",
			"revenue_expected", "revenue_low_50", "revenue_high_50", "revenue_low_90", "revenue_high_90", "orders_came", "revenue_came"}}
		line := func(day, days int32, o, m retention.Range, came ...string) {
			row := []string{retention.DayText(day), number(int64(days))}
			for _, v := range []float64{o.Expected, o.Low50, o.High50, o.Low90, o.High90} {
				row = append(row, decimal(math.Round(v*100)/100, true))
			}
			for _, v := range []float64{m.Expected, m.Low50, m.High50, m.Low90, m.High90} {
				row = append(row, moneyCell(r, v))
			}
			s.rows = append(s.rows, append(row, came...))
		}
		for _, z := range a.Horizons {
			line(a.AsOf, z.Days, z.Orders, z.Revenue, "", "")
			for _, b := range z.Tests {
				line(b.Day, z.Days, b.Orders, b.Revenue, number(b.CameOrders), moneyCell(r, float64(b.CameRevenue)))
			}
		}
		return s
	})
}
