package report

import (
	"slices"
	"strconv"
	"strings"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web/kit"
)

func (w writer) cohorts() (Section, bool) {
	s := w.section("cohorts")
	c := cohortTable{ID: "cohort-table", Caption: w.T("report.cohorts.caption"), Rows: last(w.r.Cohorts, 36), Average: w.r.Average, Columns: columnsOf(w.r.Cohorts)}
	if c.Columns < 1 {
		s.Notes = []Note{{kit.Plain, w.T("report.cohorts.one")}}
		return s, true
	}
	c.Top = topOf(c.Rows, c.Columns)
	s.Heats = append(s.Heats, w.heat(c))
	return s, true
}

// cohortTable is what a table of cohorts is made of.
type cohortTable struct {
	ID, Caption string
	Rows        []Cohort
	Average     []*float64
	Columns     int     // periods after the first
	Top         float64 // the share with the deepest colour
}

// columnsOf is how many periods after the first a table shows.
func columnsOf(all []Cohort) int {
	most := 0
	for _, c := range all {
		most = max(most, len(c.Kept)-1)
	}
	return min(most, 24)
}

func topOf(rows []Cohort, columns int) float64 {
	top := 0.0
	for _, c := range rows {
		for k := 1; k <= columns && k < len(c.Kept); k++ {
			if v := c.Kept[k]; v != nil {
				top = max(top, *v)
			}
		}
	}
	return top
}

// frame is a table of shares without its rows.
func (w writer) frame(c cohortTable) kit.Heat {
	heat := kit.Heat{ID: c.ID, Caption: c.Caption, Corner: w.T("report.cohorts.corner"), Across: w.T("report.cohorts.across." + w.r.By)}
	for k := 1; k <= c.Columns; k++ {
		heat.Columns = append(heat.Columns, strconv.Itoa(k))
	}
	heat.Low, heat.High = w.Percent(0, 0), w.Percent(c.Top, 0)
	return heat
}

func (w writer) heat(c cohortTable) kit.Heat {
	heat := w.frame(c)
	for _, row := range c.Rows {
		if row.Size > 0 {
			heat.Rows = append(heat.Rows, w.shares(c, w.period(row.Label), row.Size, row.Kept, row.Running))
		}
	}
	heat.Rows = append(heat.Rows, w.shares(c, w.T("report.cohorts.average"), 0, c.Average, false))
	return heat
}

// shares is a row of a table of shares; the last may be of a period that runs.
func (w writer) shares(c cohortTable, head string, size int64, kept []*float64, running bool) kit.HeatRow {
	line := kit.HeatRow{Head: head}
	if size > 0 {
		line.Note = w.Int(size)
	}
	for k := 1; k <= c.Columns; k++ {
		cell := kit.HeatCell{Level: -1}
		if k < len(kept) && kept[k] != nil {
			cell = kit.HeatCell{Text: w.shareTo(kept[k], 1), Level: kit.LevelOf(*kept[k], c.Top), Open: running && k == len(kept)-1}
		}
		line.Cells = append(line.Cells, cell)
	}
	return line
}

// split sets the customers side by side.
func (w writer) split() (Section, bool) {
	p := w.r.Split
	if p == nil {
		return Section{}, false
	}
	by := string(p.By)
	s := w.section("split")
	s.Title, s.How = w.T("report.split.title."+by), w.T("report.split.how."+by)+" "+s.How
	if !p.some() {
		s.Notes = []Note{{kit.Warn, w.T("report.split.none." + by)}}
		return s, true
	}
	if p.Without > 0 {
		s.Notes = []Note{{kit.Plain, w.N("report.split.without."+by, int(p.Without), "Share", w.share(p.Share))}}
	}
	t := w.table("report.split.table", "report.split.by."+by, "report.col.customers", "report.col.share", "report.col.orders", "report.col.revenue",
		"report.overview.repeat", "report.overview.retention")
	for _, one := range p.Parts {
		row(&t, w.part(p.By, one), w.Int(one.Customers), w.share(one.Share), w.Int(one.Orders), w.whole(float64(one.RevenueMinor)),
			w.share(one.Repeat), w.share(one.Retention.Rate))
	}
	s.Tables = append(s.Tables, t)
	return s, true
}

// splitCohorts follows the cohorts of each part: all of them in a row, then
// each by itself.
func (w writer) splitCohorts() (Section, bool) {
	p := w.r.Split
	columns := columnsOf(w.r.Cohorts)
	if p == nil || !p.some() || columns < 1 {
		return Section{}, false
	}
	by := string(p.By)
	s := w.section("split-cohorts")
	s.Title = w.T("report.split-cohorts.title." + by)
	all := cohortTable{ID: "split-average", Caption: w.T("report.split-cohorts.average"), Columns: columns}
	tables := make([]cohortTable, len(p.Parts))
	top := 0.0 // one scale for all
	for n, one := range p.Parts {
		tables[n] = cohortTable{ID: "split-" + strconv.Itoa(n+1), Rows: last(one.Cohorts, 13), Average: one.Average,
			Caption: w.T("report.split-cohorts.part", "Part", w.part(p.By, one), "Customers", w.N("report.customers", int(one.Customers)))}
		tables[n].Columns = min(columns, columnsOf(tables[n].Rows))
		all.Top = max(all.Top, topOf([]Cohort{{Kept: one.Average}}, columns))
		top = max(top, topOf(tables[n].Rows, columns))
	}
	all.Columns = 0 // as far as any period is over
	for _, one := range p.Parts {
		all.Columns = max(all.Columns, min(columns, len(one.Average)-1))
	}
	for all.Columns > 1 && !slices.ContainsFunc(p.Parts, func(one Part) bool { return all.Columns < len(one.Average) && one.Average[all.Columns] != nil }) {
		all.Columns--
	}
	heat := w.frame(all)
	heat.Corner = w.T("report.split.by." + by)
	for _, one := range p.Parts {
		heat.Rows = append(heat.Rows, w.shares(all, w.part(p.By, one), one.Customers, one.Average, false))
	}
	s.Heats = append(s.Heats, heat)
	for _, table := range tables {
		if table.Columns > 0 {
			table.Top = top
			s.Heats = append(s.Heats, w.heat(table))
		}
	}
	return s, true
}

// some reports whether anybody is known to have a value.
func (s *Split) some() bool { return len(s.Parts) > 1 || s.Parts[0].Kind != PartWithout }

// part names a part of the customers.
func (w writer) part(by retention.Split, p Part) string {
	switch {
	case p.Kind == PartOthers:
		return w.T("report.split.others")
	case p.Kind == PartWithout:
		return w.T("report.split.no." + string(by))
	case by == retention.ByCountry:
		return w.Country(p.Name)
	}
	return text.Short(strings.TrimSpace(p.Name), 40)
}
