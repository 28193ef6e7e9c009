package insights

import (
	"net/http"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type rhythmPage struct {
	frame
	Stats []kit.Stat
	Chart kit.Chart
	Same  string // orders that followed another on the same day
	None  string // why there is nothing to draw
}

func (d desk) rhythm(w http.ResponseWriter, r *web.Request) error {
	f, err := d.page(r, "rhythm")
	if err != nil {
		return err
	}
	p := rhythmPage{frame: f}
	if f.Fig != nil {
		p.fill(r)
	}
	return r.Render(w, "insights/rhythm.html", p)
}

func (p *rhythmPage) fill(r *web.Request) {
	gaps := p.Fig.Gaps
	if gaps.Days.N() == 0 {
		p.None = r.T("insights.rhythm.none")
		return
	}
	quantile := func(key string, q float64) kit.Stat {
		v, ok := gaps.Days.Quantile(q)
		return kit.Stat{Label: r.T("insights.rhythm." + key), Value: days(r, func() (float64, bool) { return float64(v), ok }), Note: r.T("insights.rhythm." + key + ".note")}
	}
	median := kit.Stat{Label: r.T("insights.gap"), Icon: "clock", Value: days(r, gaps.MedianDays),
		Note: r.Print.N("insights.gap.note", int(gaps.Days.N())), Explain: r.T("insights.gap.how")}
	if gaps.SameDay > 0 {
		p.Same = r.Print.N("insights.rhythm.same", int(gaps.SameDay))
	}
	p.Stats = []kit.Stat{median, quantile("quarter", 0.25), quantile("most", 0.75), quantile("nearly", 0.9)}
	bins := binsOf(gaps.Days)
	c := kit.Chart{ID: "gaps", Title: r.T("insights.rhythm.chart"), Period: r.T("insights.rhythm.days"), Bars: true,
		Desc: r.T("insights.rhythm.desc", "Median", days(r, gaps.MedianDays)), Export: kit.With(r.Href("/insights/rhythm/export"), r.URL.Query()),
		Axis: func(v float64) string { return r.Print.Decimal(v, 0) }}
	s := kit.Series{Name: r.T("insights.rhythm.gaps")}
	for _, b := range bins {
		c.Labels = append(c.Labels, b.label(r))
		s.Values = append(s.Values, float64(b.n))
		s.Texts = append(s.Texts, r.T("insights.rhythm.cell", "N", r.Print.Int(b.n), "Share", r.Print.Percent(float64(b.upTo)/float64(gaps.Days.N()), 1)))
	}
	c.Series = []kit.Series{s}
	p.Chart = c
}

// bin counts the gaps of a range of days; to is -1 in the last one.
type bin struct {
	from, to int64
	n, upTo  int64 // in it, and in it and those before
}

func (b bin) label(r *web.Request) string { return rangeOf(r, b.from, b.to) }

// binsOf cuts gaps into up to 26 ranges of a round number of days; the last
// one holds the long rest.
func binsOf(gaps retention.Tally) []bin {
	const most = 26
	nearly, ok := gaps.Quantile(0.95)
	if !ok {
		return nil
	}
	width := int64(1)
	for _, days := range []int64{1, 2, 7, 14, 30, 60, 90, 180, 365} {
		if width = days; nearly <= days*(most-1) {
			break
		}
	}
	bins := []bin{}
	for i, days := range gaps.Value {
		at := int(min((days-1)/width, most-1))
		for len(bins) <= at {
			from := int64(len(bins))*width + 1
			bins = append(bins, bin{from: from, to: from + width - 1})
		}
		bins[at].n += gaps.Count[i]
	}
	if len(bins) == most {
		bins[most-1].to = -1
	}
	upTo := int64(0)
	for i := range bins {
		upTo += bins[i].n
		bins[i].upTo = upTo
	}
	return bins
}

func rhythmFile(_ *web.Request, res *Result) sheet {
	s := sheet{heading: []string{"days_between_purchases", "gaps", "gaps_up_to"}}
	upTo := int64(0)
	for i, days := range res.Gaps.Days.Value {
		upTo += res.Gaps.Days.Count[i]
		s.rows = append(s.rows, []string{number(days), number(res.Gaps.Days.Count[i]), number(upTo)})
	}
	return s
}
