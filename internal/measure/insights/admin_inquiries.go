package insights

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// inquiries are the pages of the questions that stand beside the figures.
func (d desk) inquiries() []web.Route {
	return []web.Route{
		{Pattern: "GET /insights/forecast", Role: web.Viewer, Handler: d.forecast},
		{Pattern: "GET /insights/forecast/export", Role: web.Viewer, Handler: d.forecastFile},
		{Pattern: "GET /insights/value", Role: web.Viewer, Handler: d.value},
		{Pattern: "GET /insights/value/export", Role: web.Viewer, Handler: d.valueFile},
		{Pattern: "GET /insights/money", Role: web.Viewer, Handler: d.money},
		{Pattern: "POST /insights/money", Role: web.Manager, Handler: d.saveMoney},
		{Pattern: "GET /insights/money/export", Role: web.Viewer, Handler: d.moneyFile},
		{Pattern: "GET /insights/moved", Role: web.Viewer, Handler: d.moved},
		{Pattern: "GET /insights/moved/export", Role: web.Viewer, Handler: d.movedFile},
		{Pattern: "GET /insights/due", Role: web.Viewer, Handler: d.due},
		{Pattern: "GET /insights/due/export", Role: web.Viewer, Handler: d.dueFile},
	}
}

// inquire makes the frame of a page and finds the answer to its question, or
// asks for it. Fig of the frame is nil without an answer; what in it is of an
// answer's own is told by the caller with tell.
func (d desk) inquire(r *web.Request, key string, i inquiry, into body) (frame, error) {
	p := frame{Title: r.T("insights.tab." + key), Lead: r.T("insights.lead." + key), F: i.Filter,
		Here: r.Href(r.URL.RequestURI()), Polled: r.HTMX() && r.Header.Get("HX-Target") == "freshness"}
	shared := url.Values{}
	for _, name := range filterNames {
		if v, ok := r.URL.Query()[name]; ok {
			shared[name] = v
		}
	}
	p.Tabs.Label = r.T("insights.tabs")
	for _, t := range tabs {
		p.Tabs.Tabs = append(p.Tabs.Tabs, kit.Tab{Active: t.key == key,
			Link: kit.Link{Href: kit.With(r.Href(t.path), shared), Text: r.T("insights.tab." + t.key), Icon: t.icon}})
	}
	found, ok, err := d.seek(r, i, into, patience.page)
	if err != nil {
		return p, err
	}
	if ok {
		p.Fig = &Result{ComputedAt: found.At, Orders: found.Orders, Fresh: found.Fresh}
		p.Status = r.Print.N("insights.computed", int(found.Orders), "Ago", r.Print.Ago(found.At, r.Now))
	}
	if ok && found.Fresh {
		return p, nil
	}
	run, waits, err := i.running(r.Context(), d.db)
	if err != nil {
		return p, err
	}
	p.Wait = &kit.Progress{ID: "computing", Label: r.T("insights.computing"), Note: r.T("insights.computing.note")}
	if waits && run.Total > 0 {
		p.Wait.Percent = min(99, int(run.Done*100/run.Total))
		p.Wait.Note = r.T("insights.computing.rows", "Done", r.Print.Int(run.Done), "Total", r.Print.Int(run.Total))
	}
	p.Failed = waits && run.Failed
	return p, nil
}

// seek reads an answer; what is not there or old is asked for. Without any it
// waits for a while.
func (d desk) seek(r *web.Request, i inquiry, into body, most time.Duration) (answered, bool, error) {
	found, ok, err := i.read(r.Context(), d.db, r.Now, into)
	if err != nil || ok && found.Fresh {
		return found, ok, err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return i.ask(r.Context(), tx) }); err != nil {
		return found, ok, err
	}
	if ok || r.HTMX() && r.Header.Get("HX-Target") == "figures" {
		return found, ok, nil
	}
	const step = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		if found, ok, err := i.read(r.Context(), d.db, r.Now, into); ok || err != nil || waited >= most {
			return found, ok, err
		}
		select {
		case <-r.Context().Done():
			return answered{}, false, r.Context().Err()
		case <-time.After(step):
		}
	}
}

// inquiryFile answers with a table of an answer as a file.
func (d desk) inquiryFile(w http.ResponseWriter, r *web.Request, name string, i inquiry, into body, make func() sheet) error {
	_, ok, err := d.seek(r, i, into, patience.file)
	if err != nil {
		return err
	}
	if !ok {
		return errs.Of(errs.Unavailable, nil, "insights.export.wait")
	}
	s := make()
	return d.send(w, r, name, s.heading, web.Rows(s.rows))
}

// aheadOf asks what comes from the customers of a filter. Days and periods are
// no part of it: it looks on from the last day known.
func aheadOf(r *web.Request) inquiry {
	f := readFilter(r.URL.Query())
	return inquiry{Question: aheadQuestion, Filter: Filter{By: retention.Month, Channel: f.Channel, Country: f.Country, Category: f.Category}}
}

// narrow is the filter bar of what is asked by aheadOf.
func (d desk) narrow(r *web.Request, key string, f Filter) (kit.Filter, error) {
	standing, _, err := d.kept.read(r.Context(), d.db, Standing, r.Now)
	if err != nil {
		return kit.Filter{}, err
	}
	bar, err := d.bar(r, key, f, &standing)
	bar.Range = nil
	bar.Fields = slices.DeleteFunc(bar.Fields, func(x kit.Field) bool { return x.Name == "by" })
	bar.Keep = append(bar.Keep, "by", "from", "to")
	return bar, err
}

// lookingAhead is the frame of a page of what comes; false with nothing to
// show but the frame.
func (d desk) lookingAhead(r *web.Request, key string, a *ahead) (frame, bool, error) {
	i := aheadOf(r)
	p, err := d.inquire(r, key, i, a)
	if err != nil {
		return p, false, err
	}
	if p.Filter, err = d.narrow(r, key, i.Filter); err != nil {
		return p, false, err
	}
	if p.Fig == nil {
		return p, false, nil
	}
	p.Notes = notes(r, &Result{Figures: Figures{LeftOut: a.LeftOut, Unvalued: a.Unvalued}})
	if a.Empty {
		blank := d.blank(r, &Result{Figures: Figures{LeftOut: a.LeftOut}})
		p.Blank, p.Fig = &blank, nil
		return p, false, nil
	}
	return p, true, nil
}

// trouble says why a model has nothing to say, and what holds all the same.
func trouble(r *web.Request, key string, buyers, again int64) kit.Empty {
	return kit.Empty{Icon: "hourglass", Title: r.T("insights.trouble.title"),
		Text: r.T("insights.trouble."+key, "Customers", r.Print.Int(buyers), "Repeaters", r.Print.Int(again)) + " " + r.T("insights.trouble.still")}
}
