package insights

import (
	"fmt"
	"net/http"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type retentionPage struct {
	frame
	Rate    string
	Formula string
	Plain   string // the formula to the letter, where somebody was won back
	Terms   []kit.Term
	Window  string // how the window was chosen
	Span    string
	Note    string // why there is no rate, or what it lacks
	Chart   kit.Chart
	Table   kit.Table

	Contracts *contractsPart // nil: nobody has any
}

func (d desk) retention(w http.ResponseWriter, r *web.Request) error {
	f, err := d.page(r, "retention")
	if err != nil {
		return err
	}
	p := retentionPage{frame: f}
	if f.Fig != nil {
		p.fill(r)
	}
	if err := d.contracts(r, &p); err != nil {
		return err
	}
	return r.Render(w, "insights/retention.html", p)
}

func (p *retentionPage) fill(r *web.Request) {
	fig, b := p.Fig, p.Fig.Base
	eve, end := r.Print.Day(retention.DayText(b.Span.From-1)), r.Print.Day(retention.DayText(b.Span.To))
	window := r.Print.N("insights.days", int(b.Window))
	p.Rate, p.Formula, p.Span = share(r, b.Retention), formula(r, b), spanText(r, b.Span)
	if b.WonBack > 0 && b.Start > 0 {
		p.Plain = r.T("insights.formula.beyond")
		if _, ok := b.Plain(); ok {
			p.Plain = r.T("insights.formula.plain", "Rate", share(r, b.Plain))
		}
	}
	term := func(key string, n int64, pairs ...any) {
		p.Terms = append(p.Terms, kit.Term{Name: r.T("insights.base."+key, pairs...), Value: r.Print.Int(n)})
	}
	term("start", b.Start, "Day", eve)
	term("end", b.End, "Day", end)
	term("new", b.New)
	term("back", b.WonBack)
	term("kept", b.Kept())
	term("lost", b.Start-b.Kept())
	switch within := share(r, func() (float64, bool) { return part(fig.Window.Within, fig.Window.Of) }); {
	case fig.Window.Of == 0:
		p.Window = r.T("insights.window.nothing", "Days", window)
	case fig.Window.Chosen:
		p.Window = r.T("insights.window.chosen", "Days", window, "Share", within)
	default:
		p.Window = r.T("insights.window.found", "Days", window, "Share", within)
	}
	switch _, ok := b.Retention(); {
	case !ok:
		p.Note = r.T("insights.rate.nobody", "Day", r.Print.Day(retention.DayText(b.Span.From)))
	case b.Warming:
		p.Note = r.T("insights.rate.warming", "Days", window, "First", r.Print.Day(retention.DayText(fig.First)))
	}
	p.Chart = keptChart(r, fig)
	p.Table = basesTable(r, p.frame)
}

// formula writes the standard formula with a period's own numbers. Those won
// back are taken off the end like new ones.
func formula(r *web.Request, b retention.Base) string {
	taken := r.Print.Int(b.New)
	if b.WonBack > 0 {
		taken = fmt.Sprintf("%s − %s", taken, r.Print.Int(b.WonBack))
	}
	return fmt.Sprintf("(%s − %s) ÷ %s × 100 = %s", r.Print.Int(b.End), taken, r.Print.Int(b.Start), share(r, b.Retention))
}

func part(some, all int64) (float64, bool) {
	if all == 0 {
		return 0, false
	}
	return float64(some) / float64(all), true
}

// rate is the retention of a period of a line: unknown where the history is
// too short to say who was a customer at its start, and where the period is
// not over.
func rate(b retention.Base) (float64, bool) {
	if b.Warming || b.Running {
		return 0, false
	}
	return b.Retention()
}

// keptChart is the retention rate by period.
func keptChart(r *web.Request, fig *Result) kit.Chart {
	g := fig.Rows.Grain
	c := kit.Chart{ID: "kept", Title: r.T("insights.kept." + g.String()), Period: r.T("insights.by." + g.String()), Fit: true,
		Axis: percentAxis(r), Export: kit.With(r.Href("/insights/retention/export"), r.URL.Query()), Empty: r.T("insights.kept.none")}
	line := kit.Series{Name: r.T("insights.rate")}
	var low, high float64
	some := false
	for _, b := range fig.Bases {
		v, ok := rate(b)
		if !ok && !some {
			continue // a line begins where it is known
		}
		if b.Running {
			continue
		}
		if ok && (!some || v < low) {
			low = v
		}
		if ok && v > high {
			high = v
		}
		some = true
		c.Labels = append(c.Labels, periodText(r, g, g.PeriodOf(b.Span.From)))
		line.Values = append(line.Values, known(v, ok))
		line.Texts = append(line.Texts, r.Print.Percent(known(v, ok), 1))
	}
	if some {
		c.Series = []kit.Series{line}
		c.Desc = r.T("insights.kept.desc", "Low", r.Print.Percent(low, 1), "High", r.Print.Percent(high, 1))
	}
	return c
}

// basesTable is the formula's numbers for each period, the newest first.
func basesTable(r *web.Request, f frame) kit.Table {
	fig := f.Fig
	g := fig.Rows.Grain
	t := kit.Table{ID: "bases", Caption: r.T("insights.kept.numbers"), First: true, Dense: true,
		Export: kit.With(r.Href("/insights/retention/export"), r.URL.Query())}
	t.Columns = []kit.Column{{Key: "period", Title: r.T("insights.by." + g.String())}}
	for _, key := range []string{"start", "new", "back", "end", "kept", "rate"} {
		t.Columns = append(t.Columns, kit.Column{Key: key, Title: r.T("insights.column." + key), Number: true})
	}
	for i := len(fig.Bases) - 1; i >= 0; i-- {
		b := fig.Bases[i]
		v, ok := rate(b)
		row := kit.Row{Cells: []any{periodText(r, g, g.PeriodOf(b.Span.From)), r.Print.Int(b.Start), r.Print.Int(b.New), r.Print.Int(b.WonBack),
			r.Print.Int(b.End), r.Print.Int(b.Kept()), r.Print.Percent(known(v, ok), 1)}}
		switch {
		case b.Running:
			row.Cells[6] = r.T("insights.running")
		case b.Warming:
			row.Cells[6] = r.T("insights.warming")
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func retentionFile(_ *web.Request, res *Result) sheet {
	s := sheet{heading: []string{"period", "from", "to", "window_days", "start", "new", "won_back", "end", "kept", "retention", "running", "history_too_short"}}
	g := res.Rows.Grain
	for _, b := range res.Bases {
		v, ok := b.Retention()
		s.rows = append(s.rows, []string{g.Label(g.PeriodOf(b.Span.From)), retention.DayText(b.Span.From), retention.DayText(b.Span.To), number(int64(b.Window)), number(b.Start),
			number(b.New), number(b.WonBack), number(b.End), number(b.Kept()), decimal(v, ok), yes(b.Running), yes(b.Warming)})
	}
	return s
}
