package insights

import (
	"net/http"
	"slices"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type movedPage struct {
	frame
	Nothing *kit.Empty
	Spans   string
	Stats   []kit.Stat
	Revenue []string // sentences
	Repeat  []string
	Quiet   string // why there are none
	Table   kit.Table
	Odd     []string
	Even    string
	How     []string
}

// mostSaid is how many sentences of each figure are said; the table has all.
const mostSaid = 12

func compareOf(r *web.Request) string {
	if c := r.URL.Query().Get("compare"); slices.Contains(compares, c) {
		return c
	}
	return compares[0]
}

func movedInquiry(r *web.Request) inquiry {
	return inquiry{Question: movedQuestion, Filter: Standing, Compare: compareOf(r)}
}

func (d desk) moved(w http.ResponseWriter, r *web.Request) error {
	var m moves
	f, err := d.inquire(r, "moved", movedInquiry(r), &m)
	if err != nil {
		return err
	}
	p := movedPage{frame: f}
	p.Filter = kit.Filter{Path: r.Href("/insights/moved"), Query: r.URL.Query(), Target: "figures"}
	choice := kit.Field{Kind: "select", Name: "compare", Label: r.T("insights.moved.compare"), Value: compareOf(r)}
	for _, c := range compares {
		choice.Choices = append(choice.Choices, kit.Option{Value: c, Text: r.T("insights.moved.compare." + c)})
	}
	p.Filter.Fields = []kit.Field{choice}
	switch {
	case p.Fig == nil:
	case m.First == noSuchDay:
		blank := d.blank(r, &Result{})
		p.Blank, p.Fig = &blank, nil
	default:
		p.fill(r, &m)
	}
	return r.Render(w, "insights/moved.html", p)
}

func (p *movedPage) fill(r *web.Request, m *moves) {
	p.Spans = r.T("insights.moved.spans", "After", spanText(r, m.After), "Before", spanText(r, m.Before))
	if m.Sums[0].Customers == 0 || m.Sums[1].Customers == 0 {
		p.Nothing = &kit.Empty{Icon: "scale", Title: r.T("insights.moved.nothing"), Text: r.T("insights.moved.nothing.text", "First", r.Print.Day(retention.DayText(m.First)))}
		if compareOf(r) != "days90" {
			p.Nothing.Action = kit.Link{Href: r.Href("/insights/moved?compare=days90"), Text: r.T("insights.moved.compare.days90")}
		}
		return
	}
	if m.First > m.Before.From {
		p.Notes = append(p.Notes, kit.Alert{Tone: kit.Warn, Text: r.T("insights.moved.partly", "First", r.Print.Day(retention.DayText(m.First)))})
	}
	p.Stats = movedStats(r, m)
	for _, x := range m.Told {
		said := &p.Repeat
		if x.Figure == "revenue" {
			said = &p.Revenue
		}
		if len(*said) < mostSaid {
			*said = append(*said, sayMove(r, x))
		}
	}
	if len(m.Told) == 0 {
		p.Quiet = r.Print.N("insights.moved.quiet", m.Asked)
	}
	for _, x := range m.Odd[:min(len(m.Odd), mostSaid)] {
		p.Odd = append(p.Odd, sayMove(r, x))
	}
	if len(m.Odd) == 0 {
		p.Even = r.Print.N("insights.moved.even", m.Checked)
	}
	p.Table = movedTable(r, m)
	p.How = []string{r.Print.N("insights.moved.how", m.Asked), r.T("insights.moved.how.groups"), r.T("insights.moved.how.limits")}
}

func movedStats(r *web.Request, m *moves) []kit.Stat {
	a, b := m.Sums[0], m.Sums[1]
	stat := func(key, was, is, change string, better bool, explain string) kit.Stat {
		s := kit.Stat{Label: r.T("insights.moved." + key), Value: is, Note: r.T("insights.moved.was", "Was", was), Change: change, Tone: kit.Bad, Explain: explain}
		if better {
			s.Tone = kit.Good
		}
		return s
	}
	grown := func(was, is int64) string {
		v, ok := part(is-was, was)
		if !ok {
			return ""
		}
		return plus(v) + r.Print.Percent(v, 1)
	}
	again := func(s sum) float64 { v, _ := part(s.Again, s.Customers); return v }
	points := (again(b) - again(a)) * 100
	return []kit.Stat{
		stat("revenue", whole(r, a.RevenueMinor), whole(r, b.RevenueMinor), grown(a.RevenueMinor, b.RevenueMinor), b.RevenueMinor >= a.RevenueMinor, ""),
		stat("repeat", r.Print.Percent(again(a), 1), r.Print.Percent(again(b), 1), r.T("insights.moved.points", "N", plus(points)+r.Print.Decimal(points, 1)), points >= 0, r.T("insights.moved.repeat.how")),
		stat("customers", r.Print.Int(a.Customers), r.Print.Int(b.Customers), grown(a.Customers, b.Customers), b.Customers >= a.Customers, ""),
		stat("orders", r.Print.Int(a.Orders), r.Print.Int(b.Orders), grown(a.Orders, b.Orders), b.Orders >= a.Orders, ""),
	}
}

func plus(v float64) string {
	if v > 0 {
		return "+"
	}
	return ""
}

// labelOf writes a group as people call it.
func labelOf(r *web.Request, by, label string) string {
	switch {
	case by == byPromise || by == byDiscount:
		return r.T("insights.moved." + by + "." + label)
	case label == "":
		return r.T("insights.moved." + by + ".unknown")
	case by == byCountry:
		label = r.Print.Country(label)
	}
	return r.T("insights.moved.by."+by, "Name", label)
}

// sayMove is a group that stands out as a sentence.
func sayMove(r *web.Request, x move) string {
	who := labelOf(r, x.By, x.Label)
	way := "up"
	if x.After < x.Before || x.After == x.Before && x.Change < 0 {
		way = "down"
	}
	switch x.Figure {
	case "revenue":
		return r.T("insights.moved.say.revenue."+way, "Who", who, "Before", whole(r, round(x.Before)), "After", whole(r, round(x.After)), "Change", whole(r, abs(round(x.Change))),
			"Rest", plus(x.Rest)+r.Print.Percent(x.Rest, 1))
	case "repeat":
		key := way
		if abs(round(x.Mix*1e6)) > abs(round(x.Rate*1e6)) {
			key = "mix"
		}
		return r.T("insights.moved.say.repeat."+key, "Who", who, "Before", r.Print.Percent(x.Before, 1), "After", r.Print.Percent(x.After, 1),
			"Change", plus(x.Change)+r.Print.Decimal(x.Change*100, 2))
	}
	return r.T("insights.moved.say."+x.Figure+"."+way, "Who", who, "Own", r.Print.Percent(x.After, 1), "Rest", r.Print.Percent(x.Before, 1), "N", r.Print.Int(abs(round(x.Change))))
}

func abs(n int64) int64 { return max(n, -n) }

// movedTable holds the numbers behind the sentences.
func movedTable(r *web.Request, m *moves) kit.Table {
	t := kit.Table{ID: "causes", Caption: r.T("insights.moved.table"), First: true, Dense: true, Export: kit.With(r.Href("/insights/moved/export"), r.URL.Query()),
		Columns: []kit.Column{{Key: "group", Title: r.T("insights.moved.group")}, {Key: "figure", Title: r.T("insights.moved.figure")},
			{Key: "before", Title: r.T("insights.moved.before"), Number: true}, {Key: "after", Title: r.T("insights.moved.after"), Number: true},
			{Key: "change", Title: r.T("insights.moved.change"), Number: true, Explain: r.T("insights.moved.change.how")},
			{Key: "p", Title: r.T("insights.moved.chance"), Number: true, Explain: r.T("insights.moved.chance.how")}},
		Empty: kit.Empty{Icon: "scale", Title: r.T("insights.moved.none"), Text: r.T("insights.moved.none.text")}}
	for _, x := range slices.Concat(m.Told, m.Odd) {
		row := kit.Row{Cells: []any{labelOf(r, x.By, x.Label), r.T("insights.moved.figure." + x.Figure)}}
		if x.Figure == "revenue" {
			row.Cells = append(row.Cells, whole(r, round(x.Before)), whole(r, round(x.After)), plus(x.Change)+whole(r, round(x.Change)))
		} else {
			change := r.T("insights.moved.points", "N", plus(x.Change)+r.Print.Decimal(x.Change*100, 2))
			if x.Figure != "repeat" {
				change = r.Print.N("insights.moved.cases", int(abs(round(x.Change))), "Sign", sign(x.Change))
			}
			row.Cells = append(row.Cells, r.Print.Percent(x.Before, 1), r.Print.Percent(x.After, 1), change)
		}
		row.Cells = append(row.Cells, chanceText(r, x.P))
		t.Rows = append(t.Rows, row)
	}
	return t
}

func sign(v float64) string {
	if v < 0 {
		return "−"
	}
	return "+"
}

// chanceText writes a small chance.
func chanceText(r *web.Request, p float64) string {
	if p < 0.0001 {
		return "< " + r.Print.Percent(0.0001, 2)
	}
	return r.Print.Percent(p, 2)
}

func (d desk) movedFile(w http.ResponseWriter, r *web.Request) error {
	var m moves
	return d.inquiryFile(w, r, "moved", movedInquiry(r), &m, func() sheet {
		s := sheet{heading: []string{"figure", "by", "group", "before_from", "before_to", "after_from", "after_to", "before", "after", "change", "of_rate", "of_mix", "p"}}
		for _, x := range slices.Concat(m.Told, m.Odd) {
			number := func(v float64) string {
				if x.Figure == "revenue" {
					return moneyCell(r, v)
				}
				return strconv.FormatFloat(v, 'g', 8, 64)
			}
			s.rows = append(s.rows, append([]string{x.Figure, x.By, x.Label}, append(spanCells(&m), number(x.Before), number(x.After), number(x.Change),
				number(x.Rate), number(x.Mix), strconv.FormatFloat(x.P, 'g', 4, 64))...))
		}
		return s
	})
}

func spanCells(m *moves) []string {
	var all []string
	for _, s := range []retention.Span{m.Before, m.After} {
		all = append(all, retention.DayText(s.From), retention.DayText(s.To))
	}
	return all
}
