package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// jobsPageSize is the number of lines on a page of background work.
const jobsPageSize = 50

// jobViews are the tabs of the page, by their name in the address.
var jobViews = []struct {
	name   string
	filter jobs.Filter
	count  func(jobs.Counts) int
}{
	{"", jobs.Filter{}, func(c jobs.Counts) int { return c.Waiting + c.Running + c.Dead }},
	{"waiting", jobs.Filter{State: jobs.Waiting}, func(c jobs.Counts) int { return c.Waiting }},
	{"running", jobs.Filter{State: jobs.Running}, func(c jobs.Counts) int { return c.Running }},
	{"failing", jobs.Filter{Failing: true}, func(c jobs.Counts) int { return c.Failing }},
	{"dead", jobs.Filter{State: jobs.Dead}, func(c jobs.Counts) int { return c.Dead }},
	{"held", jobs.Filter{Held: true}, func(c jobs.Counts) int { return c.Held }},
}

type jobsPage struct {
	Tabs   kit.Tabs
	Filter kit.Filter
	Table  kit.Table
	// Bulk is what stands in the forms that act on the whole view; empty when
	// it is all jobs, or none.
	Bulk *jobsBulk
}

type jobsBulk struct{ View, Kind, Count string }

// jobAct is a line's buttons; View and Kind lead back to the list as it was.
type jobAct struct {
	ID, Name   string
	Retry      bool // running jobs are not tried again
	View, Kind string
}

// jobsFilter chooses the jobs of a view and of a kind; empty: all.
func jobsFilter(state, kind string) (view string, f jobs.Filter) {
	for _, v := range jobViews {
		if v.name == state {
			view, f = v.name, v.filter
		}
	}
	f.Kind = kind
	return view, f
}

func (d door) jobs(w http.ResponseWriter, r *web.Request) error {
	q := r.URL.Query()
	view, f := jobsFilter(q.Get("state"), q.Get("kind"))
	f.After, f.Limit = readCursor(q.Get("after")), jobsPageSize+1
	lines, err := jobs.List(r.Context(), d.db, f)
	if err != nil {
		return err
	}
	counts, err := jobs.Count(r.Context(), d.db, jobs.Filter{Kind: f.Kind})
	if err != nil {
		return err
	}
	p := jobsPage{
		Tabs:   kit.Tabs{Label: r.T("admin.jobs.tabs")},
		Filter: kit.Filter{Path: r.Href("/jobs"), Query: q, Keep: []string{"state"}},
		Table: kit.Table{
			ID: "jobs", Caption: r.T("admin.jobs.title"), First: f.After == nil, Path: r.Href("/jobs"), Query: q,
			Export: kit.With(r.Href("/jobs/export"), q, "after", ""),
			Columns: []kit.Column{
				{Key: "kind", Title: r.T("admin.jobs.kind")}, {Key: "state", Title: r.T("admin.jobs.state")},
				{Key: "due", Title: r.T("admin.jobs.due"), Explain: r.T("admin.jobs.due.how")},
				{Key: "attempt", Title: r.T("admin.jobs.attempt"), Number: true}, {Key: "failure", Title: r.T("admin.jobs.failure")},
				{Key: "act", Title: r.T("admin.jobs.act")},
			},
			Empty: kit.Empty{Icon: "checklist", Title: r.T("admin.jobs.empty"), Text: r.T("admin.jobs.empty.text")},
		},
	}
	if p.Filter.Fields, err = d.jobsFields(r, f.Kind); err != nil {
		return err
	}
	if f.Kind != "" {
		p.Filter.Active = []kit.Chip{{Text: r.Print.TOr("job."+f.Kind, f.Kind), Name: "kind"}}
	}
	for _, v := range jobViews {
		n := v.count(counts)
		if v.name == "held" && n == 0 && view != "held" {
			continue // nothing was restored
		}
		if v.name == view {
			p.Table.Total = r.Print.N("admin.jobs.total", n)
			if view != "" && n > 0 {
				p.Bulk = &jobsBulk{View: view, Kind: f.Kind, Count: r.Print.Int(int64(n))}
			}
		}
		p.Tabs.Tabs = append(p.Tabs.Tabs, kit.Tab{
			Link:  kit.Link{Href: kit.With(r.Href("/jobs"), q, "state", v.name, "after", ""), Text: r.T("admin.jobs.view." + viewKey(v.name))},
			Count: r.Print.Int(int64(n)), Active: v.name == view,
		})
	}
	if len(lines) > jobsPageSize {
		lines = lines[:jobsPageSize]
		p.Table.Next = writeCursor(lines[jobsPageSize-1])
	}
	for _, l := range lines {
		row, err := jobRow(r, l, view, f.Kind)
		if err != nil {
			return err
		}
		p.Table.Rows = append(p.Table.Rows, row)
	}
	return r.Render(w, "admin/jobs.html", p)
}

// jobsFields are the fields of the filter: the kinds that there are, by name.
func (d door) jobsFields(r *web.Request, chosen string) ([]kit.Field, error) {
	kinds, err := jobs.KindsThere(r.Context(), d.db)
	if err != nil {
		return nil, err
	}
	if chosen != "" && !slices.Contains(kinds, chosen) {
		kinds = append(kinds, chosen) // of which none is left
	}
	var named []kit.Option
	for _, k := range kinds {
		named = append(named, kit.Option{Value: k, Text: r.Print.TOr("job."+k, k)})
	}
	slices.SortFunc(named, func(a, b kit.Option) int { return strings.Compare(a.Text, b.Text) })
	all := append([]kit.Option{{Value: "", Text: r.T("admin.jobs.kind.any")}}, named...)
	return []kit.Field{r.QueryForm().SelectField("kind", r.T("admin.jobs.kind"), all)}, nil
}

// jobKind is what a job does, in words.
type jobKind struct {
	jobs.Line
	Title string
}

func jobRow(r *web.Request, l jobs.Line, view, kind string) (kit.Row, error) {
	what, err := r.Fragment("admin/jobs.html", "job-kind", jobKind{l, r.Print.TOr("job."+l.Kind, l.Kind)})
	if err != nil {
		return kit.Row{}, err
	}
	act, err := r.Fragment("admin/jobs.html", "job-act",
		jobAct{ID: l.ID.String(), Name: r.Print.TOr("job."+l.Kind, l.Kind), Retry: l.State != jobs.Running, View: view, Kind: kind})
	if err != nil {
		return kit.Row{}, err
	}
	tone, state := jobState(l)
	due := r.Print.Time(l.Due)
	if l.State == jobs.Running {
		due = r.T("admin.jobs.since", "Time", r.Print.Time(l.Started))
	}
	return kit.Row{Cells: []any{
		what, kit.Badge(tone, r.T("admin.jobs.state."+state)), due, r.Print.Int(int64(l.Attempt)), failure(r, l), act,
	}}, nil
}

// jobState is the tone and the key of a job's state in one word.
func jobState(l jobs.Line) (kit.Tone, string) {
	switch {
	case l.Held:
		return kit.Warn, "held"
	case l.State == jobs.Dead:
		return kit.Bad, "dead"
	case l.State == jobs.Running:
		return kit.Accent, "running"
	case l.Failure != "":
		return kit.Warn, "failing"
	case l.Scheduled:
		return kit.Plain, "scheduled"
	}
	return kit.Plain, "waiting"
}

func viewKey(name string) string {
	if name == "" {
		return "all"
	}
	return name
}

// writeCursor names the last line of a page; readCursor returns nil, the
// first page, for anything that is none.
func writeCursor(l jobs.Line) string { return fmt.Sprintf("%d.%s", l.Due.UnixMicro(), l.ID) }

func readCursor(s string) *jobs.Line {
	at, shown, _ := strings.Cut(s, ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	job, bad := id.ParseJob(shown)
	if err != nil || bad != nil {
		return nil
	}
	return &jobs.Line{ID: job, Due: time.UnixMicro(micro)}
}

func (d door) exportJobs(w http.ResponseWriter, r *web.Request) error {
	_, f := jobsFilter(r.URL.Query().Get("state"), r.URL.Query().Get("kind"))
	f.Limit = 1000
	columns := slices.Concat(export.Columns(export.Text, "job", "kind", "key", "arguments", "state"), export.Columns(export.Number, "attempt"),
		export.Columns(export.Time, "due_at", "created_at", "started_at"), export.Columns(export.Text, "failure"))
	return r.Export(w, "jobs", columns, func(yield func([]string, error) bool) {
		for {
			lines, err := jobs.List(r.Context(), d.db, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, l := range lines {
				started := ""
				if !l.Started.IsZero() {
					started = l.Started.Format(time.RFC3339)
				}
				if !yield([]string{l.ID.String(), l.Kind, l.Key, l.Args, string(l.State), strconv.Itoa(l.Attempt),
					l.Due.Format(time.RFC3339), l.Created.Format(time.RFC3339), started, failure(r, l)}, nil) {
					return
				}
			}
			if len(lines) < f.Limit {
				return
			}
			f.After = &lines[len(lines)-1]
		}
	})
}

// retryJobs and cancelJobs act on one job, or on all of a view.
func (d door) retryJobs(w http.ResponseWriter, r *web.Request) error {
	return d.actOnJobs(w, r, "jobs.retried", "admin.jobs.retried", jobs.Retry)
}

func (d door) cancelJobs(w http.ResponseWriter, r *web.Request) error {
	return d.actOnJobs(w, r, "jobs.cancelled", "admin.jobs.cancelled", jobs.Cancel)
}

// actOnJobs does what verb does to the job in the address, or to all of the
// posted view; a post that names neither is refused by the verb's own rule or
// here.
func (d door) actOnJobs(w http.ResponseWriter, r *web.Request, action, said string, verb func(context.Context, *store.Tx, jobs.Filter) (int, error)) error {
	form, err := r.ReadForm()
	if err != nil {
		return err
	}
	view, f := jobsFilter(form.Values.Get("state"), form.Values.Get("kind"))
	subject := ""
	if r.PathValue("job") != "" {
		job, err := web.PathID(r, "job", id.ParseJob)
		if err != nil {
			return err
		}
		f, subject = jobs.Filter{IDs: []id.Job{job}}, job.String()
	} else if view == "" {
		return errs.Wrong("state", "admin.jobs.choose")
	}
	n := 0
	err = d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if n, err = verb(r.Context(), tx, f); err != nil || n == 0 {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: action, Subject: subject})
	})
	if err != nil {
		return err
	}
	if n == 0 {
		r.Flash(w, "warn", r.T("admin.jobs.gone"))
	} else {
		r.Flash(w, "good", r.Print.N(said, n))
	}
	return r.Redirect(w, kit.With("/jobs", url.Values{}, "state", view, "kind", form.Values.Get("kind")))
}

// failure is why a job failed, in the language of who reads it where it was
// meant for people.
func failure(r *web.Request, l jobs.Line) string {
	if err := errs.Unpack(l.Failure); err != nil {
		return r.Print.Sentence(err)
	}
	return l.Failure
}
