package insights

import (
	"math"
	"net/http"
	"net/url"
	"strings"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/money"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type overviewPage struct {
	frame
	Stats []kit.Stat
	Money kit.Chart
	Kept  kit.Chart
}

func (d desk) overview(w http.ResponseWriter, r *web.Request) error {
	f, err := d.page(r, "overview")
	if err != nil {
		return err
	}
	p := overviewPage{frame: f}
	if f.Fig != nil {
		p.Stats = d.tiles(r, f)
		p.Money, p.Kept = moneyChart(r, f.Fig), keptChart(r, f.Fig)
	}
	return r.Render(w, "insights/overview.html", p)
}

// tiles are the figures at a glance, each with how it is computed.
func (d desk) tiles(r *web.Request, f frame) []kit.Stat {
	fig := f.Fig
	span := spanText(r, fig.Span)
	lead := func(path string) string { return kit.With(r.Href(path), r.URL.Query()) }
	whom := kit.Stat{Label: r.T("insights.customers"), Icon: "users", Value: r.Print.Int(fig.Repeat.Customers),
		Note: r.Print.N("insights.customers.note", int(fig.Repeat.Orders), "Span", span), Explain: r.T("insights.customers.how")}
	if f.F.From == "" && f.F.To == "" && f.F.Channel == "" && f.F.Category == 0 {
		whom.Href = kit.With(r.Href("/customers"), url.Values{"orders_from": {"1"}}, "country", f.F.Country)
	}
	again := kit.Stat{Label: r.T("insights.repeat"), Icon: "shopping-bag", Value: share(r, fig.Repeat.Rate),
		Note:    r.Print.N("insights.repeat.note", int(fig.Repeat.Again), "Of", r.Print.Int(fig.Repeat.Customers)),
		Explain: r.T("insights.repeat.how", "Again", r.Print.Int(fig.Repeat.Again), "Customers", r.Print.Int(fig.Repeat.Customers), "Rate", share(r, fig.Repeat.Rate))}
	kept := kit.Stat{Label: r.T("insights.rate"), Icon: "repeat", Value: share(r, fig.Base.Retention), Href: lead("/insights/retention"),
		Note: spanText(r, fig.Base.Span), Explain: r.T("insights.rate.how", "Formula", formula(r, fig.Base), "Days", r.Print.N("insights.days", int(fig.Window.Days)))}
	if _, ok := fig.Base.Retention(); !ok {
		kept.Note = r.T("insights.rate.nobody", "Day", r.Print.Day(retention.DayText(fig.Base.Span.From)))
	}
	gap := kit.Stat{Label: r.T("insights.gap"), Icon: "clock", Value: days(r, fig.Gaps.MedianDays), Href: lead("/insights/rhythm"),
		Note: r.Print.N("insights.gap.note", int(fig.Gaps.Days.N())), Explain: r.T("insights.gap.how")}
	sum, rest := fig.total()
	returning := kit.Stat{Label: r.T("insights.returning"), Icon: "cash", Value: share(r, sum.Returning), Href: lead("/insights/revenue"),
		Note: r.T("insights.returning.note", "Returning", whole(r, sum.ReturningMinor), "All", whole(r, sum.ReturningMinor+sum.NewMinor)),
		Explain: r.T("insights.returning.how", "Returning", amount(r, sum.ReturningMinor), "New", amount(r, sum.NewMinor),
			"Walkin", amount(r, rest.WalkinMinor), "Returned", amount(r, rest.ReturnedMinor))}
	often := kit.Stat{Label: r.T("insights.often"), Icon: "shopping-cart", Value: r.Print.Decimal(known(fig.Repeat.Frequency()), 2),
		Note: r.T("insights.often.note"), Explain: r.T("insights.often.how", "Orders", r.Print.Int(fig.Repeat.Orders), "Customers", r.Print.Int(fig.Repeat.Customers))}
	return []kit.Stat{whom, again, kept, gap, returning, often, worth(r, "basket", fig.Repeat.OrderValueMinor), worth(r, "worth", fig.Repeat.CustomerValueMinor)}
}

// worth is a tile with an average of money.
func worth(r *web.Request, key string, of func() (float64, bool)) kit.Stat {
	s := kit.Stat{Label: r.T("insights." + key), Icon: "coin", Value: "–", Note: r.T("insights." + key + ".note"), Explain: r.T("insights." + key + ".how")}
	if v, ok := of(); ok {
		s.Value = amount(r, int64(math.Round(v)))
	}
	return s
}

// The ways in which figures are written.

func amount(r *web.Request, minor int64) string {
	return r.Print.Money(money.Amount{Minor: minor, Currency: r.Shop.Currency})
}

func whole(r *web.Request, minor int64) string {
	return r.Print.MoneyWhole(money.Amount{Minor: minor, Currency: r.Shop.Currency})
}

// share writes a share, or a dash for one that is unknown.
func share(r *web.Request, of func() (float64, bool)) string {
	v, ok := of()
	return r.Print.Percent(known(v, ok), 1)
}

func days(r *web.Request, of func() (float64, bool)) string {
	v, ok := of()
	if !ok {
		return "–"
	}
	if v != math.Trunc(v) {
		return r.Print.Decimal(v, 1)
	}
	return r.Print.Int(int64(v))
}

func spanText(r *web.Request, s retention.Span) string {
	return r.T("insights.range", "From", r.Print.Day(retention.DayText(s.From)), "To", r.Print.Day(retention.DayText(s.To)))
}

// periodText names a period as people do, in one line.
func periodText(r *web.Request, g retention.Grain, p retention.Period) string {
	if g == retention.Month {
		return strings.ReplaceAll(r.Print.Month(g.Label(p)), " ", "\u00a0")
	}
	return g.Label(p)
}

func moneyAxis(r *web.Request) func(float64) string {
	return func(v float64) string { return whole(r, int64(math.Round(v))) }
}

func percentAxis(r *web.Request) func(float64) string {
	return func(v float64) string { return r.Print.Percent(v, 0) }
}
