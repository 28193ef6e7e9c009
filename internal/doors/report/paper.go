package report

import (
	"math"
	"strings"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
	"regulars/internal/platform/web/kit"
)

// Paper is a report in words, numbers written out and pictures, in the
// language of one printer: what the terminal and the page show.
type Paper struct {
	Title    string
	Lead     string
	Notes    []Note // what was left out, and why
	Sections []Section
	Foot     string
}

// Note is a sentence that stands out.
type Note struct {
	Tone kit.Tone
	Text string
}

// Section is one subject.
type Section struct {
	ID     string
	Title  string
	Lead   string
	Stats  []kit.Stat
	Charts []kit.Chart
	Heats  []kit.Heat
	Tables []kit.Table
	Notes  []Note
	How    string // how it is worked out, and from what
}

// writer makes a paper of a report.
type writer struct {
	*locale.Printer
	r *Report
}

// Write puts a report into words.
func Write(r *Report, p *locale.Printer) *Paper {
	w := writer{p, r}
	for i, b := range r.Unread {
		r.Unread[i].Said = strings.TrimSuffix(p.Sentence(b.Reason), ".")
	}
	paper := &Paper{Title: w.T("report.title"), Notes: w.leftOut()}
	if r.Empty {
		paper.Lead = w.T("report.empty")
		return paper
	}
	paper.Lead = w.T("report.lead", "Files", strings.Join(r.Files, ", "), "Customers", w.N("report.customers", int(r.Customers)),
		"Orders", w.N("report.orders", int(r.Orders)), "From", w.Day(r.FirstDay), "To", w.Day(r.LastDay))
	for _, make := range []func() (Section, bool){
		w.overview, w.compared, w.kept, w.cohorts, w.split, w.splitCohorts, w.groups, w.between, w.revenue, w.concentration,
		w.followUp, w.due, w.forecast, w.backtest, w.money, w.models,
	} {
		if s, ok := make(); ok {
			paper.Sections = append(paper.Sections, s)
		}
	}
	paper.Foot = w.T("report.foot", "Zone", r.Zone, "Currency", string(r.Currency), "Today", w.Day(r.Today),
		"Seconds", w.Decimal(r.Seconds, 1), "Read", w.Decimal(r.ReadSeconds, 1))
	return paper
}

func (w writer) amount(minor int64) string {
	return w.Money(money.Amount{Minor: minor, Currency: w.r.Currency})
}

// whole is an amount in whole units; – where it is not known.
func (w writer) whole(minor float64) string {
	if math.IsNaN(minor) || math.Abs(minor) > math.MaxInt64/2 {
		return "–"
	}
	return w.MoneyWhole(money.Amount{Minor: int64(math.Round(minor)), Currency: w.r.Currency})
}

func (w writer) exact(v *float64) string {
	if v == nil {
		return "–"
	}
	return w.amount(int64(math.Round(*v)))
}

func (w writer) share(v *float64) string { return w.shareTo(v, 1) }

func (w writer) shareTo(v *float64, digits int) string {
	if v == nil {
		return "–"
	}
	return w.Percent(*v, digits)
}

func (w writer) number(v *float64, digits int) string {
	if v == nil {
		return "–"
	}
	return w.Decimal(*v, digits)
}

func (w writer) days(v *int64) string {
	if v == nil {
		return "–"
	}
	return w.N("report.days", int(*v))
}

// count is a sentence about a number of things, where there are any.
func (w writer) count(notes []Note, tone kit.Tone, key string, n int64, args ...any) []Note {
	if n == 0 {
		return notes
	}
	return append(notes, Note{tone, w.N(key, int(n), args...)})
}

// leftOut says what the figures are not counted from, and why.
func (w writer) leftOut() []Note {
	r := w.r
	c, l := r.Read, r.LeftOut
	var notes []Note
	notes = w.count(notes, kit.Warn, "report.left.bad", c.Bad)
	for _, b := range r.Unread {
		column := ""
		if b.Column != "" {
			column = w.T("report.left.column", "Column", b.Column)
		}
		notes = append(notes, Note{kit.Plain, w.T("report.left.row", "File", b.File, "Line", w.Int(b.Line), "Column", column, "Reason", b.Said)})
	}
	notes = w.count(notes, kit.Warn, "report.left.future", l.Future, "Today", w.Day(r.Today))
	notes = w.count(notes, kit.Warn, "report.left.negative", l.Negative)
	notes = w.count(notes, kit.Warn, "report.left.nosuchday", l.NoSuchDay)
	notes = w.count(notes, kit.Warn, "report.left.beyond", l.BeyondBelief)
	notes = w.count(notes, kit.Warn, "report.left.unvalued", c.Unvalued, "Currency", string(r.Currency))
	notes = w.count(notes, kit.Plain, "report.left.again", c.Again)
	notes = w.count(notes, kit.Plain, "report.left.walkins", c.Walkins, "Sum", w.amount(c.WalkinSum))
	notes = w.count(notes, kit.Plain, "report.left.returns", c.Returns, "Sum", w.amount(c.ReturnSum))
	notes = w.count(notes, kit.Plain, "report.left.cancelled", c.Cancelled)
	notes = w.count(notes, kit.Plain, "report.left.nothing", c.Nothing)
	return notes
}

func (w writer) section(id string) Section {
	return Section{ID: id, Title: w.T("report." + id + ".title"), How: w.T("report." + id + ".how")}
}

func (w writer) overview() (Section, bool) {
	r := w.r
	s := w.section("overview")
	s.Stats = []kit.Stat{
		{Label: w.T("report.overview.customers"), Value: w.Int(r.Customers), Note: w.N("report.orders", int(r.Orders))},
		{Label: w.T("report.overview.repeat"), Value: w.shareTo(r.Repeat.Rate, 2), Note: w.T("report.overview.repeat.note", "Again", w.Int(r.Repeat.Again), "All", w.Int(r.Repeat.Customers))},
		{Label: w.T("report.overview.retention"), Value: w.shareTo(r.Retention.Rate, 1), Note: w.T("report.overview.retention.note", "From", w.Day(r.Retention.From), "To", w.Day(r.Retention.To))},
		{Label: w.T("report.overview.revenue"), Value: w.whole(float64(r.RevenueMinor)), Note: w.T("report.overview.revenue.note", "Share", w.share(r.Repeat.RevenueShare))},
		{Label: w.T("report.overview.value"), Value: w.exact(r.Repeat.OrderValueMinor), Note: w.T("report.overview.value.note", "Orders", w.number(r.Repeat.OrdersPerCustomer, 2), "Value", w.exact(r.Repeat.CustomerValueMinor))},
	}
	if r.Alive != nil {
		s.Stats = append(s.Stats, kit.Stat{Label: w.T("report.overview.alive"), Value: w.Decimal(*r.Alive, 0), Note: w.T("report.overview.alive.note", "Share", w.share(known(*r.Alive/float64(r.Customers), r.Customers > 0)))})
	}
	table := w.table("report.overview.orders", "report.col.orders", "report.col.customers", "report.col.share")
	for _, c := range r.Repeat.ByOrders {
		name := w.Int(c.Value)
		if c.Value == 10 {
			name = w.T("report.or-more", "N", name)
		}
		row(&table, name, w.Int(c.Customers), w.share(share(c.Customers, r.Customers)))
	}
	s.Tables = append(s.Tables, table)
	return s, true
}

// table has a first column of words and further ones of numbers.
func (w writer) table(caption string, columns ...string) kit.Table {
	t := kit.Table{ID: strings.ReplaceAll(strings.TrimPrefix(caption, "report."), ".", "-"), Caption: w.T(caption), Dense: true, First: true}
	for i, c := range columns {
		t.Columns = append(t.Columns, kit.Column{Key: c, Title: w.T(c), Number: i > 0})
	}
	return t
}

func row(t *kit.Table, cells ...any) { t.Rows = append(t.Rows, kit.Row{Cells: cells}) }

func (w writer) compared() (Section, bool) {
	c := w.r.Compared
	if c == nil {
		return Section{}, false
	}
	s := w.section("compared")
	s.Lead = w.T("report.compared.lead", "Before", c.Before, "After", c.After)
	t := w.table("report.compared.table", "report.col.figure", "report.col.before", "report.col.after", "report.col.change")
	for _, m := range c.Figures {
		write := func(v *float64) string {
			switch m.Kind {
			case "share":
				return w.share(v)
			case "money":
				return w.exact(v)
			case "count":
				return w.number(v, 0)
			}
			return w.number(v, 2)
		}
		change := "–"
		if m.Before != nil && m.After != nil {
			switch {
			case m.Kind == "share":
				change = w.T("report.points", "N", signed(w.Decimal(100*(*m.After-*m.Before), 1), *m.After-*m.Before))
			case *m.Before != 0:
				change = signed(w.Percent(*m.After / *m.Before - 1, 1), *m.After-*m.Before)
			}
		}
		row(&t, w.T("report.figure."+m.Figure), write(m.Before), write(m.After), change)
	}
	s.Tables = append(s.Tables, t)
	return s, true
}

func signed(text string, v float64) string {
	if v > 0 {
		return "+" + text
	}
	return text
}

func (w writer) kept() (Section, bool) {
	r := w.r
	k := r.Retention
	s := w.section("retention")
	s.Lead = w.T("report.retention.lead", "Window", w.N("report.days", int(k.WindowDays)), "Start", w.Int(k.Start), "End", w.Int(k.End),
		"New", w.Int(k.New), "Back", w.Int(k.WonBack), "Kept", w.Int(k.Kept), "From", w.Day(k.From), "To", w.Day(k.To), "Rate", w.share(k.Rate))
	if k.Rate == nil {
		s.Lead = w.T("report.retention.none")
	}
	if k.Warming {
		s.Notes = append(s.Notes, Note{kit.Warn, w.T("report.retention.warming", "Window", w.N("report.days", int(k.WindowDays)))})
	}
	if !k.Chosen && k.Within != nil {
		s.Notes = append(s.Notes, Note{kit.Plain, w.T("report.retention.window", "Window", w.N("report.days", int(k.WindowDays)), "Share", w.share(k.Within))})
	}
	chart := w.chart("retention-line", "report.retention.chart")
	chart.Axis = func(v float64) string { return w.Percent(v, 0) }
	chart.Fit = true
	line := kit.Series{Name: w.T("report.overview.retention")}
	some := false
	for _, p := range r.Periods {
		if p.Warming || p.Running {
			continue
		}
		chart.Labels = append(chart.Labels, w.period(p.Label))
		line.Values = append(line.Values, value(p.Retention))
		line.Texts = append(line.Texts, w.share(p.Retention))
		some = some || p.Retention != nil
	}
	chart.Series = []kit.Series{line}
	if some && len(chart.Labels) > 1 {
		s.Charts = append(s.Charts, chart)
	}
	return s, true
}

func (w writer) chart(id, key string) kit.Chart {
	return kit.Chart{ID: id, Title: w.T(key), Desc: w.T(key), Period: w.T("report.period." + w.r.By), Empty: w.T("report.none")}
}

// period writes the label of a period as people do.
func (w writer) period(label string) string {
	if w.r.By == retention.Month.String() {
		return w.Month(label)
	}
	return label
}

func (w writer) groups() (Section, bool) {
	s := w.section("groups")
	t := w.table("report.groups.table", "report.col.group", "report.col.customers", "report.col.share", "report.col.orders", "report.col.revenue", "report.col.recency")
	for _, g := range w.r.RFM {
		row(&t, w.T("report.group."+g.Group), w.Int(g.Customers), w.share(g.Share), w.Int(g.Orders), w.whole(float64(g.RevenueMinor)), w.number(g.RecencyDays, 0))
	}
	s.Tables = append(s.Tables, t)
	return s, len(w.r.RFM) > 0
}

func (w writer) between() (Section, bool) {
	b := w.r.Between
	s := w.section("between")
	if b.Gaps == 0 {
		s.Notes = []Note{{kit.Plain, w.T("report.between.none")}}
		return s, true
	}
	s.Stats = []kit.Stat{
		{Label: w.T("report.between.median"), Value: w.number(b.Median, 0), Note: w.T("report.between.median.note", "Quarter", w.days(b.Quarter), "Three", w.days(b.Three))},
		{Label: w.T("report.between.half"), Value: w.days(b.HalfIn), Note: w.T("report.between.half.note")},
	}
	if b.HalfIn == nil {
		s.Stats[1].Note = w.T("report.between.half.none")
	}
	chart := w.chart("gaps", "report.between.chart")
	chart.Period, chart.Bars = w.T("report.between.week"), true
	chart.Axis = func(v float64) string { return w.Decimal(v, 0) }
	bars := kit.Series{Name: w.T("report.between.gaps")}
	weeks := map[int64]int64{}
	for _, c := range b.Weeks {
		weeks[c.Value] = c.Customers
	}
	for n := int64(0); n <= 26; n++ {
		name := w.Int(n + 1)
		if n == 26 {
			name = w.T("report.or-more", "N", name)
		}
		chart.Labels = append(chart.Labels, name)
		bars.Values, bars.Texts = append(bars.Values, float64(weeks[n])), append(bars.Texts, w.Int(weeks[n]))
	}
	chart.Series = []kit.Series{bars}
	s.Charts = append(s.Charts, chart)
	s.Notes = w.count(s.Notes, kit.Plain, "report.between.sameday", b.SameDay)
	return s, true
}

func (w writer) revenue() (Section, bool) {
	s := w.section("revenue")
	chart := w.chart("revenue-bars", "report.revenue.chart")
	chart.Bars = true
	chart.Axis = func(v float64) string { return w.whole(v) }
	old, fresh := kit.Series{Name: w.T("report.revenue.returning")}, kit.Series{Name: w.T("report.revenue.new")}
	for _, p := range w.r.Periods {
		chart.Labels = append(chart.Labels, w.period(p.Label))
		old.Values, old.Texts = append(old.Values, float64(p.ReturningMinor)), append(old.Texts, w.whole(float64(p.ReturningMinor)))
		fresh.Values, fresh.Texts = append(fresh.Values, float64(p.NewMinor)), append(fresh.Texts, w.whole(float64(p.NewMinor)))
		chart.Running = p.Running
	}
	chart.Series = []kit.Series{old, fresh}
	s.Charts = append(s.Charts, chart)
	t := w.table("report.revenue.table", "report.period."+w.r.By, "report.col.orders", "report.col.new", "report.col.returning", "report.revenue.new", "report.revenue.returning", "report.col.returning-share")
	for _, p := range last(w.r.Periods, 13) {
		row(&t, w.period(p.Label), w.Int(p.Orders), w.Int(p.NewCustomers), w.Int(p.ReturningCustomers), w.whole(float64(p.NewMinor)), w.whole(float64(p.ReturningMinor)), w.share(p.ReturningShare))
	}
	s.Tables = append(s.Tables, t)
	return s, true
}

func (w writer) concentration() (Section, bool) {
	c := w.r.Concentration
	s := w.section("concentration")
	if c == nil {
		s.Notes = []Note{{kit.Plain, w.T("report.concentration.none")}}
		return s, true
	}
	s.Lead = w.T("report.concentration.lead", "Customers", w.N("report.customers", int(c.Bring80)), "Share", w.Percent(c.Bring80Share, 1))
	s.Stats = []kit.Stat{
		{Label: w.T("report.concentration.hundredth"), Value: w.Percent(c.TopHundredth, 1), Note: w.T("report.concentration.note")},
		{Label: w.T("report.concentration.tenth"), Value: w.Percent(c.TopTenth, 1), Note: w.T("report.concentration.note")},
		{Label: w.T("report.concentration.fifth"), Value: w.Percent(c.TopFifth, 1), Note: w.T("report.concentration.note")},
		{Label: w.T("report.concentration.gini"), Value: w.Decimal(c.Gini, 2), Note: w.T("report.concentration.gini.note")},
	}
	return s, true
}
