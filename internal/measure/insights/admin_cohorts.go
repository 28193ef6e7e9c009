package insights

import (
	"math"
	"net/http"
	"slices"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type cohortsPage struct {
	frame
	View    cohortView
	Show    []kit.Tab // customers, orders, revenue
	As      []kit.Tab // share, number, each
	Sum     []kit.Tab // each period alone, or all up to it
	Heading string
	Says    string
	Heats   []cohortTable
	Since   string // from which event on, when it is not the first purchase
	Others  string // how many customers are in none of them
}

// cohortTable is one table, with the name of its group.
type cohortTable struct {
	Title string
	Heat  kit.Heat
}

// cohortView is what the table of cohorts shows.
type cohortView struct {
	Show string // customers, orders, revenue
	As   string // share: of the first period; number; each: per customer of the cohort
	Sum  bool   // all periods up to this one
}

var (
	cohortShows = []string{"customers", "orders", "revenue"}
	cohortAs    = []string{"share", "number", "each"}
)

// readView reads the view from the address. Customers cannot be added up over
// periods, as the same ones come again, and each of them is one.
func readView(r *web.Request) cohortView {
	q := r.URL.Query()
	v := cohortView{Show: q.Get("show"), As: q.Get("as"), Sum: q.Get("sum") == "1"}
	if !slices.Contains(cohortShows, v.Show) {
		v.Show = cohortShows[0]
	}
	if !slices.Contains(cohortAs, v.As) {
		v.As = cohortAs[0]
	}
	if v.Show == "customers" {
		v.Sum = false
		if v.As == "each" {
			v.As = "share"
		}
	}
	return v
}

// value is cell k of a cohort; false where it cannot be known.
func (v cohortView) value(c retention.Cohort, k int) (float64, bool) {
	some, all := v.parts(c, k)
	return part(some, all)
}

// parts are what is divided by what in cell k.
func (v cohortView) parts(c retention.Cohort, k int) (some, all int64) {
	column := map[string][]int64{"customers": c.Customers, "orders": c.Orders, "revenue": c.RevenueMinor}[v.Show]
	if k >= len(column) || c.Size == 0 {
		return 0, 0
	}
	some = column[k]
	if v.Sum {
		some = 0
		for _, x := range column[:k+1] {
			some += x
		}
	}
	switch v.As {
	case "share":
		return some, column[0]
	case "each":
		return some, c.Size
	}
	return some, 1
}

// average is cell k of the row beneath: all cohorts together whose k-th
// period is over, so that each weighs as much as it has; for plain numbers,
// the mean of the cohorts.
func (v cohortView) average(c retention.Cohorts, k int) (float64, bool) {
	var some, all int64
	for i, row := range c.Rows {
		if row.Size > 0 && k < len(row.Customers) && !c.Running(i, k) {
			s, a := v.parts(row, k)
			some, all = some+s, all+a
		}
	}
	return part(some, all)
}

// write is a cell as people read it.
func (v cohortView) write(r *web.Request, x float64) string {
	switch {
	case v.As == "share":
		return r.Print.Percent(x, 1)
	case v.Show == "revenue":
		return whole(r, int64(math.Round(x)))
	case v.As == "each":
		return r.Print.Decimal(x, 2)
	}
	return r.Print.Decimal(x, 0)
}

// first is the first column: the period of the first purchase is 100 % of
// itself, so shares begin with the one after it.
func (v cohortView) first() int {
	if v.As == "share" && !v.Sum {
		return 1
	}
	return 0
}

func (d desk) cohorts(w http.ResponseWriter, r *web.Request) error {
	p := cohortsPage{View: readView(r)}
	v := p.View
	i := splitInquiry(r)
	var err error
	if i.Split == "" && i.Since == "" {
		if p.frame, err = d.page(r, "cohorts"); err == nil && p.Fig != nil {
			p.Heats = []cohortTable{{Heat: cohortHeat(r, "cohorts", "", p.Fig.Rows, v)}}
		}
	} else {
		err = d.splitCohorts(r, &p, i)
	}
	if err != nil {
		return err
	}
	p.Show = tabsOf(r, "show", v.Show, cohortShows)
	if v.Show == "customers" {
		p.As = tabsOf(r, "as", v.As, cohortAs[:2])
	} else {
		p.As = tabsOf(r, "as", v.As, cohortAs)
		sum := ""
		if v.Sum {
			sum = "1"
		}
		p.Sum = tabsOf(r, "sum", sum, []string{"", "1"})
	}
	p.Says = r.T("insights.cohorts.says." + v.Show + "." + v.As)
	return r.Render(w, "insights/cohorts.html", p)
}

// tabsOf are the choices of one name in the address.
func tabsOf(r *web.Request, name, now string, values []string) []kit.Tab {
	var all []kit.Tab
	for _, value := range values {
		key := "insights." + name + "." + value
		if value == "" {
			key += "none"
		}
		all = append(all, kit.Tab{Active: value == now, Link: kit.Link{Href: kit.With(r.Href(r.URL.Path), r.URL.Query(), name, value), Text: r.T(key)}})
	}
	return all
}

// cohortHeat is the table of a group's cohorts, with the row of averages
// beneath.
func cohortHeat(r *web.Request, id, group string, c retention.Cohorts, v cohortView) kit.Heat {
	g := c.Grain
	caption := r.T("insights.cohorts.caption." + v.Show)
	if group != "" {
		caption = group + ": " + caption
	}
	heat := kit.Heat{ID: id, Caption: caption, Corner: r.T("insights.cohorts.corner"),
		Across: r.T("insights.cohorts.across." + g.String()), Export: kit.With(r.Href("/insights/cohorts/export"), r.URL.Query())}
	widest, most := 0, 0.0
	for i, row := range c.Rows {
		widest = max(widest, len(row.Customers))
		for k := range row.Customers {
			if x, ok := v.value(row, k); ok && (k > 0 || v.Sum) && !c.Running(i, k) {
				most = max(most, x)
			}
		}
	}
	if most == 0 { // nothing but first periods
		for _, row := range c.Rows {
			x, _ := v.value(row, 0)
			most = max(most, x)
		}
	}
	for k := v.first(); k < widest; k++ {
		heat.Columns = append(heat.Columns, r.Print.Int(int64(k)))
	}
	for i, row := range c.Rows {
		if row.Size == 0 {
			continue
		}
		line := kit.HeatRow{Head: periodText(r, g, c.Period(i)), Note: r.Print.Int(row.Size)}
		for k := v.first(); k < widest; k++ {
			cell := kit.HeatCell{Level: -1}
			if x, ok := v.value(row, k); ok && k < len(row.Customers) {
				cell = kit.HeatCell{Text: v.write(r, x), Level: kit.LevelOf(x, most), Open: c.Running(i, k)}
			}
			line.Cells = append(line.Cells, cell)
		}
		heat.Rows = append(heat.Rows, line)
	}
	if len(heat.Rows) > 1 {
		heat.Rows = append(heat.Rows, averageRow(r, c, v, widest, most))
	}
	if most > 0 {
		heat.Low, heat.High = v.write(r, 0), v.write(r, most)
		if v.As == "share" {
			heat.Low, heat.High = r.Print.Percent(0, 0), r.Print.Percent(most, 0)
		}
	}
	return heat
}

func averageRow(r *web.Request, c retention.Cohorts, v cohortView, widest int, most float64) kit.HeatRow {
	line := kit.HeatRow{Head: r.T("insights.cohorts.average"), Sum: true}
	for k := v.first(); k < widest; k++ {
		cell := kit.HeatCell{Level: -1}
		if x, ok := v.average(c, k); ok {
			cell = kit.HeatCell{Text: v.write(r, x), Level: kit.LevelOf(x, most)}
		}
		line.Cells = append(line.Cells, cell)
	}
	return line
}

func cohortsFile(r *web.Request, res *Result) sheet {
	return cohortsSheet(r, []cohortGroup{{Rows: res.Rows}}, false)
}

// cohortsSheet is the tables of all groups beneath each other, with the group
// in front where there are several.
func cohortsSheet(r *web.Request, groups []cohortGroup, split bool) sheet {
	v := readView(r)
	s := sheet{heading: []string{"cohort", "customers", "complete_periods"}}
	if split {
		s.heading = append([]string{"group"}, s.heading...)
	}
	widest := 0
	for _, g := range groups {
		for _, row := range g.Rows.Rows {
			widest = max(widest, len(row.Customers))
		}
	}
	for k := range widest {
		s.heading = append(s.heading, strconv.Itoa(k))
	}
	for _, g := range groups {
		for _, line := range cohortLines(r, v, g.Rows, widest) {
			if split {
				line = append([]string{groupText(r, splitInquiry(r).Split, g.Label)}, line...)
			}
			s.rows = append(s.rows, line)
		}
	}
	return s
}

func cohortLines(r *web.Request, v cohortView, c retention.Cohorts, widest int) (lines [][]string) {
	for i, row := range c.Rows {
		if row.Size == 0 {
			continue
		}
		complete := 0
		for complete < len(row.Customers) && !c.Running(i, complete) {
			complete++
		}
		line := []string{c.Label(i), number(row.Size), strconv.Itoa(complete)}
		for k := range widest {
			cell := ""
			if x, ok := v.value(row, k); ok && k < len(row.Customers) {
				cell = decimal(x, true)
				if v.Show == "revenue" && v.As != "share" {
					cell = moneyCell(r, x)
				}
			}
			line = append(line, cell)
		}
		lines = append(lines, line)
	}
	return lines
}
