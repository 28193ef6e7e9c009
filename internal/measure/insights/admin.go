package insights

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "insights.section", Key: "insights.place", Href: "/insights", Icon: "chart-line", Order: 300, Role: web.Viewer},
}

// Admin is the list of this module's pages; each has its table as a file.
func Admin(db *store.DB) []web.Route {
	d := desk{db, new(shelf)}
	return append(d.inquiries(), []web.Route{
		{Pattern: "GET /insights", Role: web.Viewer, Handler: d.overview},
		{Pattern: "GET /insights/retention", Role: web.Viewer, Handler: d.retention},
		{Pattern: "GET /insights/retention/export", Role: web.Viewer, Handler: d.file("retention", retentionFile)},
		{Pattern: "GET /insights/retention/contracts/export", Role: web.Viewer, Handler: d.contractsFile},
		{Pattern: "GET /insights/cohorts", Role: web.Viewer, Handler: d.cohorts},
		{Pattern: "GET /insights/cohorts/export", Role: web.Viewer, Handler: d.cohortsExport},
		{Pattern: "GET /insights/rfm", Role: web.Viewer, Handler: d.rfm},
		{Pattern: "GET /insights/rfm/export", Role: web.Viewer, Handler: d.file("rfm", rfmFile)},
		{Pattern: "GET /insights/rhythm", Role: web.Viewer, Handler: d.rhythm},
		{Pattern: "GET /insights/rhythm/export", Role: web.Viewer, Handler: d.file("rhythm", rhythmFile)},
		{Pattern: "GET /insights/revenue", Role: web.Viewer, Handler: d.revenue},
		{Pattern: "GET /insights/revenue/export", Role: web.Viewer, Handler: d.file("revenue", revenueFile)},
	}...)
}

type desk struct {
	db   *store.DB
	kept *shelf
}

// tabs are the pages, by key and address.
var tabs = []struct{ key, path, icon string }{
	{"overview", "/insights", "layout-dashboard"},
	{"retention", "/insights/retention", "repeat"},
	{"cohorts", "/insights/cohorts", "grid-dots"},
	{"rfm", "/insights/rfm", "users-group"},
	{"rhythm", "/insights/rhythm", "chart-histogram"},
	{"revenue", "/insights/revenue", "cash"},
	{"forecast", "/insights/forecast", "trending-up"},
	{"value", "/insights/value", "user-heart"},
	{"due", "/insights/due", "calendar-event"},
	{"money", "/insights/money", "coin"},
	{"moved", "/insights/moved", "scale"},
}

// filterNames are what the filter is called in the address; other names are a
// page's own.
var filterNames = []string{"from", "to", "channel", "country", "category", "by", "window"}

// frame is what all pages have in common; the figures are there unless they
// are still being computed or nobody bought.
type frame struct {
	Title  string
	Lead   string
	Tabs   kit.Tabs
	Filter kit.Filter
	F      Filter
	Fig    *Result // nil: see Wait and Blank
	Wait   *kit.Progress
	Failed bool
	Blank  *kit.Empty
	Notes  []kit.Alert
	Status string
	Here   string // the page's own address
	Polled bool   // asked only whether the figures are fresh by now
}

// readFilter reads the filter from the address. What makes no sense is left
// out: an address that was kept must go on working.
func readFilter(q url.Values) Filter {
	f := Filter{By: retention.Month}
	for name, to := range map[string]*string{"from": &f.From, "to": &f.To} {
		if day, err := time.Parse(time.DateOnly, q.Get(name)); err == nil && day.Year() >= 1900 && day.Year() < 2200 {
			*to = q.Get(name)
		}
	}
	if f.From != "" && f.To != "" && f.From > f.To {
		f.From, f.To = f.To, f.From
	}
	f.Channel = text.Short(text.Line(q.Get("channel")), 200)
	if c := q.Get("country"); len(c) == 2 {
		f.Country = c
	}
	if c, err := id.ParseCategory(q.Get("category")); err == nil {
		f.Category = c
	}
	if by, err := retention.ParseGrain(q.Get("by")); err == nil {
		f.By = by
	}
	if n, err := strconv.Atoi(q.Get("window")); err == nil && slices.Contains(retention.Windows, int32(n)) {
		f.Window = int32(n)
	}
	return f
}

// page makes the frame of a page and finds its figures, or asks for them.
func (d desk) page(r *web.Request, key string) (frame, error) {
	q := r.URL.Query()
	f := readFilter(q)
	p := frame{Title: r.T("insights.tab." + key), Lead: r.T("insights.lead." + key), F: f,
		Here: r.Href(r.URL.RequestURI()), Polled: r.HTMX() && r.Header.Get("HX-Target") == "freshness"}
	shared := url.Values{}
	for _, name := range filterNames {
		if v, ok := q[name]; ok {
			shared[name] = v
		}
	}
	p.Tabs.Label = r.T("insights.tabs")
	for _, t := range tabs {
		p.Tabs.Tabs = append(p.Tabs.Tabs, kit.Tab{Active: t.key == key,
			Link: kit.Link{Href: kit.With(r.Href(t.path), shared), Text: r.T("insights.tab." + t.key), Icon: t.icon}})
	}
	res, ok, err := d.find(r, f)
	if err != nil {
		return p, err
	}
	var standing Result
	if f == Standing {
		standing = res
	} else if standing, _, err = d.kept.read(r.Context(), d.db, Standing, r.Now); err != nil {
		return p, err
	}
	if p.Filter, err = d.bar(r, key, f, &standing); err != nil {
		return p, err
	}
	switch {
	case !ok:
		return p, d.wait(r, &p)
	case res.Empty:
		blank := d.blank(r, &res)
		p.Blank = &blank
	default:
		p.Fig = &res
		p.Status = r.Print.N("insights.computed", int(res.Orders), "Ago", r.Print.Ago(res.ComputedAt, r.Now))
	}
	p.Notes = notes(r, &res)
	if !res.Fresh {
		return p, d.wait(r, &p)
	}
	return p, nil
}

// patience is how long a page waits for figures that are soon there, so that
// in a store of usual size nobody sees that they were not. A file is waited
// for longer: nobody looks at one that says "soon".
var patience = struct{ page, file time.Duration }{400 * time.Millisecond, 20 * time.Second}

// find reads the figures; what is not there or old is asked for. Without any
// it waits for a moment.
func (d desk) find(r *web.Request, f Filter) (Result, bool, error) {
	res, ok, err := d.kept.read(r.Context(), d.db, f, r.Now)
	if err != nil || ok && res.Fresh {
		return res, ok, err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return Ask(r.Context(), tx, f) }); err != nil {
		return res, ok, err
	}
	if ok || r.HTMX() && r.Header.Get("HX-Target") == "figures" {
		return res, ok, nil
	}
	return d.await(r, f, patience.page)
}

// await looks for figures until they are there or the time is over.
func (d desk) await(r *web.Request, f Filter, most time.Duration) (Result, bool, error) {
	const step = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		if res, ok, err := d.kept.read(r.Context(), d.db, f, r.Now); ok || err != nil || waited >= most {
			return res, ok, err
		}
		select {
		case <-r.Context().Done():
			return Result{}, false, r.Context().Err()
		case <-time.After(step):
		}
	}
}

// wait shows how far the figures are.
func (d desk) wait(r *web.Request, p *frame) error {
	run, ok, err := figures(p.F).running(r.Context(), d.db)
	if err != nil {
		return err
	}
	p.Wait = &kit.Progress{ID: "computing", Label: r.T("insights.computing"), Note: r.T("insights.computing.note")}
	if ok && run.Total > 0 {
		p.Wait.Percent = min(99, int(run.Done*100/run.Total))
		p.Wait.Note = r.T("insights.computing.rows", "Done", r.Print.Int(run.Done), "Total", r.Print.Int(run.Total))
	}
	p.Failed = ok && run.Failed
	return nil
}

// blank says why there is nothing to show, and what to do.
func (d desk) blank(r *web.Request, res *Result) kit.Empty {
	f := readFilter(r.URL.Query())
	narrowed := f
	narrowed.By, narrowed.Window = retention.Month, 0
	switch {
	case narrowed != Standing:
		return kit.Empty{Icon: "filter", Title: r.T("insights.none.title"), Text: r.T("insights.none.text"),
			Action: kit.Link{Href: r.Href(r.URL.Path), Text: r.T("insights.none.all")}}
	case res.LeftOut.Total() > 0:
		return kit.Empty{Icon: "alert-triangle", Title: r.T("insights.unfit.title"), Text: r.T("insights.unfit.text"),
			Action: kit.Link{Href: r.Href("/orders"), Text: r.T("insights.unfit.orders")}}
	}
	empty := kit.Empty{Icon: "chart-line", Title: r.T("insights.empty.title"), Text: r.T("insights.empty.text")}
	if r.Can(web.Manager) {
		empty.Action = kit.Link{Href: r.Href("/imports"), Text: r.T("insights.empty.import"), Icon: "file-import"}
	}
	return empty
}

// notes say which orders are not in the figures, and why.
func notes(r *web.Request, res *Result) []kit.Alert {
	var all []kit.Alert
	say := func(key string, n int64) {
		if n > 0 {
			all = append(all, kit.Alert{Tone: kit.Warn, Text: r.Print.N("insights.left."+key, int(n))})
		}
	}
	say("future", res.LeftOut.Future)
	say("negative", res.LeftOut.Negative)
	say("day", res.LeftOut.NoSuchDay)
	say("large", res.LeftOut.BeyondBelief)
	say("unvalued", res.Unvalued)
	return all
}

// bar is the filter bar of a page.
func (d desk) bar(r *web.Request, key string, f Filter, standing *Result) (kit.Filter, error) {
	bar := kit.Filter{Path: r.Href(r.URL.Path), Query: r.URL.Query(), Target: "figures", Range: d.presets(r, f, standing)}
	bar.Keep = []string{"show", "as", "sum"}
	if key == "cohorts" {
		bar.Fields = append(bar.Fields, cohortChoices(r)...)
	}
	choose := func(name, value string, choices []kit.Option) {
		bar.Fields = append(bar.Fields, kit.Field{Kind: "select", Name: name, Label: r.T("insights.filter." + name), Value: value, Choices: choices})
	}
	if key != "rfm" && key != "rhythm" {
		choose("by", f.By.String(), grains(r))
	} else {
		bar.Keep = append(bar.Keep, "by")
	}
	if key == "retention" {
		choose("window", strconv.Itoa(int(f.Window)), windows(r))
	} else {
		bar.Keep = append(bar.Keep, "window")
	}
	any := kit.Option{Text: r.T("insights.filter.any")}
	chip := func(name, text string) { bar.Active = append(bar.Active, kit.Chip{Name: name, Text: text}) }
	if len(standing.Channels) > 1 || f.Channel != "" {
		choices := []kit.Option{any}
		for _, c := range with(standing.Channels, f.Channel) {
			choices = append(choices, kit.Option{Value: c, Text: c})
		}
		choose("channel", f.Channel, choices)
	}
	countries, err := customers.InUse(r.Context(), d.db, "country")
	if err != nil {
		return bar, err
	}
	if len(countries) > 1 || f.Country != "" {
		choices := []kit.Option{any}
		for _, c := range with(countries, f.Country) {
			o := kit.Option{Value: c, Text: r.Print.Country(c)}
			choices = append(choices, o)
			if c == f.Country {
				chip("country", o.Text)
			}
		}
		slices.SortStableFunc(choices[1:], func(a, b kit.Option) int { return compareText(a.Text, b.Text) })
		choose("country", f.Country, choices)
	}
	categories, err := orders.Categories(r.Context(), d.db)
	if err != nil {
		return bar, err
	}
	if len(categories) > 0 {
		choices := []kit.Option{any}
		for _, c := range categories {
			choices = append(choices, kit.Option{Value: c.ID.String(), Text: c.Name})
			if c.ID == f.Category {
				chip("category", c.Name)
			}
		}
		value := ""
		if f.Category != 0 {
			value = f.Category.String()
		}
		choose("category", value, choices)
	}
	if f.Channel != "" {
		chip("channel", f.Channel)
	}
	if f.From != "" || f.To != "" {
		chip("range", rangeText(r, f.From, f.To))
	}
	return bar, nil
}

func compareText(a, b string) int {
	switch a, b = text.Fold(a), text.Fold(b); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// with is a list with one value that may not be in it.
func with(all []string, one string) []string {
	if one == "" || slices.Contains(all, one) {
		return all
	}
	return append(slices.Clone(all), one)
}

// rangeText is a range of days of which an end may be open.
func rangeText(r *web.Request, from, to string) string {
	switch {
	case to == "":
		return r.T("insights.range.since", "From", r.Print.Day(from))
	case from == "":
		return r.T("insights.range.until", "To", r.Print.Day(to))
	}
	return r.T("insights.range", "From", r.Print.Day(from), "To", r.Print.Day(to))
}

func grains(r *web.Request) []kit.Option {
	var all []kit.Option
	for _, g := range []retention.Grain{retention.Week, retention.Month, retention.Quarter, retention.Year} {
		all = append(all, kit.Option{Value: g.String(), Text: r.T("insights.by." + g.String())})
	}
	return all
}

func windows(r *web.Request) []kit.Option {
	all := []kit.Option{{Value: "0", Text: r.T("insights.window.auto")}}
	for _, days := range retention.Windows {
		all = append(all, kit.Option{Value: strconv.Itoa(int(days)), Text: r.Print.N("insights.days", int(days))})
	}
	return all
}

// presets are ranges by the last day known.
func (d desk) presets(r *web.Request, f Filter, standing *Result) *kit.Range {
	asOf := standing.AsOf
	if asOf == 0 {
		asOf, _ = retention.ParseDay(r.Now.UTC().Format(time.DateOnly))
	}
	month := func(before int) (int32, int32) {
		p := retention.Month.PeriodOf(asOf) - retention.Period(before)
		return retention.Month.First(p), min(asOf, retention.Month.Last(p))
	}
	year := func(before int) (int32, int32) {
		p := retention.Year.PeriodOf(asOf) - retention.Period(before)
		return retention.Year.First(p), min(asOf, retention.Year.Last(p))
	}
	all := &kit.Range{From: f.From, To: f.To, Presets: []kit.Preset{{Text: r.T("insights.range.all")}}}
	add := func(key string, from, to int32) {
		if to >= standing.First {
			all.Presets = append(all.Presets, kit.Preset{Text: r.T("insights.range." + key), From: retention.DayText(from), To: retention.DayText(to)})
		}
	}
	from, to := month(0)
	add("month", from, to)
	from, to = month(1)
	add("last-month", from, to)
	from, _ = month(3)
	_, to = month(1)
	add("three-months", from, to)
	from, _ = month(12)
	add("twelve-months", from, to)
	from, to = year(0)
	add("year", from, to)
	from, to = year(1)
	add("last-year", from, to)
	return all
}
