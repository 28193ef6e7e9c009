package insights

import (
	"math"
	"net/http"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/money"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type revenuePage struct {
	frame
	Stats []kit.Stat
	Chart kit.Chart
	Table kit.Table
}

func (d desk) revenue(w http.ResponseWriter, r *web.Request) error {
	f, err := d.page(r, "revenue")
	if err != nil {
		return err
	}
	p := revenuePage{frame: f}
	if f.Fig != nil {
		p.Stats = revenueStats(r, f.Fig)
		p.Chart, p.Table = moneyChart(r, f.Fig), moneyTable(r, f.Fig)
	}
	return r.Render(w, "insights/revenue.html", p)
}

func revenueStats(r *web.Request, fig *Result) []kit.Stat {
	sum, rest := fig.total()
	stat := func(key string, minor int64, note string) kit.Stat {
		return kit.Stat{Label: r.T("insights.money." + key), Value: whole(r, minor), Note: note, Explain: r.T("insights.money." + key + ".how")}
	}
	all := []kit.Stat{
		stat("returning", sum.ReturningMinor, r.Print.N("insights.orders", int(sum.ReturningOrders))),
		stat("new", sum.NewMinor, r.Print.N("insights.orders", int(sum.NewOrders))),
	}
	if rest.WalkinOrders > 0 {
		all = append(all, stat("walkin", rest.WalkinMinor, r.Print.N("insights.orders", int(rest.WalkinOrders))))
	}
	left := stat("net", net(sum, rest), spanText(r, fig.Span))
	if rest.Returns > 0 {
		left.Note = r.Print.N("insights.money.less", int(rest.Returns), "Returned", whole(r, rest.ReturnedMinor))
	}
	return append(all, left)
}

// moneyChart is what returning, new and unknown customers brought by period.
func moneyChart(r *web.Request, fig *Result) kit.Chart {
	g := fig.Money.Grain
	c := kit.Chart{ID: "money", Title: r.T("insights.money." + g.String()), Period: r.T("insights.by." + g.String()), Bars: true,
		Axis: moneyAxis(r), Export: kit.With(r.Href("/insights/revenue/export"), r.URL.Query()), Empty: r.T("insights.money.none")}
	series := []kit.Series{{Name: r.T("insights.money.returning")}, {Name: r.T("insights.money.new")}, {Name: r.T("insights.money.walkin")}}
	walkins := false
	for i, p := range fig.Money.Rows {
		c.Labels = append(c.Labels, periodText(r, g, fig.Money.First+retention.Period(i)))
		for k, minor := range []int64{p.ReturningMinor, p.NewMinor, fig.Beside[i].WalkinMinor} {
			series[k].Values = append(series[k].Values, float64(minor))
			series[k].Texts = append(series[k].Texts, whole(r, minor))
		}
		walkins = walkins || fig.Beside[i].WalkinMinor != 0
	}
	if !walkins {
		series = series[:2]
	}
	c.Series = series
	c.Running = len(fig.Money.Rows) > 0 && fig.Money.Running(len(fig.Money.Rows)-1)
	sum, _ := fig.total()
	c.Desc = r.T("insights.money.desc", "Share", share(r, sum.Returning))
	return c
}

// moneyTable is the same in numbers, the newest first, with what came back.
func moneyTable(r *web.Request, fig *Result) kit.Table {
	g := fig.Money.Grain
	sum, rest := fig.total()
	t := kit.Table{ID: "takings", Caption: r.T("insights.money.numbers"), First: true, Dense: true,
		Export: kit.With(r.Href("/insights/revenue/export"), r.URL.Query())}
	t.Columns = []kit.Column{{Key: "period", Title: r.T("insights.by." + g.String())}}
	column := func(key string) {
		t.Columns = append(t.Columns, kit.Column{Key: key, Title: r.T("insights.money." + key), Number: true})
	}
	column("returning")
	column("new")
	column("share")
	other := map[string]bool{"walkin": rest.WalkinOrders > 0, "other": rest.OtherMinor != 0, "returned": rest.Returns > 0}
	for _, key := range []string{"walkin", "other", "returned"} {
		if other[key] {
			column(key)
		}
	}
	column("net")
	line := func(name string, i int) kit.Row {
		p, b := sum, rest
		if i >= 0 {
			p, b = fig.Money.Rows[i], fig.Beside[i]
		}
		row := kit.Row{Cells: []any{name, whole(r, p.ReturningMinor), whole(r, p.NewMinor), share(r, p.Returning)}}
		for _, x := range []struct {
			key   string
			minor int64
		}{{"walkin", b.WalkinMinor}, {"other", b.OtherMinor}, {"returned", -b.ReturnedMinor}} {
			if other[x.key] {
				row.Cells = append(row.Cells, whole(r, x.minor))
			}
		}
		row.Cells = append(row.Cells, whole(r, net(p, b)))
		return row
	}
	for i := len(fig.Money.Rows) - 1; i >= 0; i-- {
		name := periodText(r, g, fig.Money.First+retention.Period(i))
		if fig.Money.Running(i) {
			name = r.T("insights.money.running", "Period", name)
		}
		t.Rows = append(t.Rows, line(name, i))
	}
	if len(t.Rows) > 1 {
		total := line(r.T("insights.money.total"), -1)
		total.Tone = kit.Accent
		t.Rows = append(t.Rows, total)
	}
	return t
}

func revenueFile(r *web.Request, res *Result) sheet {
	s := sheet{heading: []string{"period", "returning_revenue", "new_revenue", "returning_orders", "new_orders", "returning_customers", "new_customers",
		"walk_in_sales", "walk_in_orders", "other", "returned", "returns", "net", "running"}}
	for i, p := range res.Money.Rows {
		b := res.Beside[i]
		m := func(minor int64) string { return moneyCell(r, float64(minor)) }
		s.rows = append(s.rows, []string{res.Money.Label(i), m(p.ReturningMinor), m(p.NewMinor), number(p.ReturningOrders), number(p.NewOrders),
			number(p.ReturningCustomers), number(p.NewCustomers), m(b.WalkinMinor), number(b.WalkinOrders), m(b.OtherMinor), m(b.ReturnedMinor),
			number(b.Returns), m(net(p, b)), yes(res.Money.Running(i))})
	}
	return s
}

// The cells of files: plain numbers with a point.

func number(n int64) string { return strconv.FormatInt(n, 10) }

func decimal(v float64, ok bool) string {
	if !ok {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func moneyCell(r *web.Request, minor float64) string {
	return money.Amount{Minor: int64(math.Round(minor)), Currency: r.Shop.Currency}.Decimal()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
