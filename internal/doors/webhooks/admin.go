package webhooks

import (
	"embed"
	"net/http"
	"slices"
	"strings"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "webhooks.place", Href: "/settings/webhooks", Icon: "send", Order: 926, Role: web.Owner, Under: "/settings"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB, kinds timeline.Kinds) []web.Route {
	d := door{db, kinds}
	return []web.Route{
		{Pattern: "GET /settings/webhooks", Role: web.Owner, Handler: d.list},
		{Pattern: "GET /settings/webhooks/new", Role: web.Owner, Handler: d.blank},
		{Pattern: "POST /settings/webhooks", Role: web.Owner, Handler: d.add},
		{Pattern: "GET /settings/webhooks/{endpoint}", Role: web.Owner, Handler: d.show},
		{Pattern: "GET /settings/webhooks/{endpoint}/edit", Role: web.Owner, Handler: d.edit},
		{Pattern: "POST /settings/webhooks/{endpoint}", Role: web.Owner, Handler: d.save},
		{Pattern: "GET /settings/webhooks/{endpoint}/secret", Role: web.Owner, Handler: d.secret},
		{Pattern: "GET /settings/webhooks/{endpoint}/export", Role: web.Owner, Handler: d.export},
		{Pattern: "GET /settings/webhooks/{endpoint}/deliveries/{customer}/{event}", Role: web.Owner, Handler: d.delivery},
		{Pattern: "POST /settings/webhooks/{endpoint}/deliveries/{customer}/{event}/replay", Role: web.Owner, Handler: d.replayOne},
		{Pattern: "POST /settings/webhooks/{endpoint}/replay", Role: web.Owner, Handler: d.replay},
		{Pattern: "POST /settings/webhooks/{endpoint}/ping", Role: web.Owner, Handler: d.ping},
		{Pattern: "POST /settings/webhooks/{endpoint}/rotation", Role: web.Owner, Handler: d.rotate},
		{Pattern: "POST /settings/webhooks/{endpoint}/pause", Role: web.Owner, Handler: d.pause},
		{Pattern: "POST /settings/webhooks/{endpoint}/resumption", Role: web.Owner, Handler: d.resume},
		{Pattern: "POST /settings/webhooks/{endpoint}/removal", Role: web.Owner, Handler: d.remove},
	}
}

type door struct {
	db    *store.DB
	kinds timeline.Kinds
}

func home(endpoint id.Endpoint) string { return "/settings/webhooks/" + endpoint.String() }

type listPage struct {
	Table  kit.Table
	Alerts []kit.Alert
	Any    bool
}

func (d door) list(w http.ResponseWriter, r *web.Request) error {
	all, err := List(r.Context(), d.db)
	if err != nil {
		return err
	}
	open, err := Open(r.Context(), d.db)
	if err != nil {
		return err
	}
	days, err := deliveriesKept.Days(r.Context(), d.db)
	if err != nil {
		return err
	}
	add := kit.Link{Href: r.Href("/settings/webhooks/new"), Text: r.T("webhooks.add"), Icon: "plus"}
	p := listPage{Any: len(all) > 0, Table: kit.Table{
		ID: "webhooks", Caption: r.T("webhooks.title"), First: true, Path: r.Href("/settings/webhooks"), Query: r.URL.Query(),
		Columns: []kit.Column{
			{Key: "description", Title: r.T("webhooks.description")}, {Key: "url", Title: r.T("webhooks.url")},
			{Key: "kinds", Title: r.T("webhooks.kinds")}, {Key: "state", Title: r.T("webhooks.state")},
			{Key: "waiting", Title: r.T("webhooks.progress.waiting"), Number: true},
			{Key: "failed", Title: r.T("webhooks.progress.failed"), Number: true},
			{Key: "held", Title: r.T("webhooks.progress.held"), Number: true},
		},
		Empty: kit.Empty{Icon: "send", Title: r.T("webhooks.empty"), Text: r.T("webhooks.empty.text"), Action: add},
	}}
	if p.Any {
		p.Table.Total = r.Print.N("webhooks.total", len(all))
	}
	for _, e := range all {
		c := open[e.ID]
		p.Table.Rows = append(p.Table.Rows, kit.Row{Href: r.Href(home(e.ID)), Cells: []any{
			e.Called(), text.Short(e.URL, 50), kindsText(r, e), badge(r, e),
			r.Print.Int(int64(c.Waiting)), r.Print.Int(int64(c.Failed)), r.Print.Int(int64(c.Held)),
		}})
		if a, ok := notice(r, e, days); ok {
			a.Action = kit.Link{Href: r.Href(home(e.ID)), Text: e.Called()}
			p.Alerts = append(p.Alerts, a)
		}
	}
	return r.Render(w, "webhooks/list.html", p)
}

func kindsText(r *web.Request, e Endpoint) string {
	switch len(e.Kinds) {
	case 0:
		return r.T("webhooks.kinds.all")
	case 1:
		return e.Kinds[0]
	}
	return r.Print.N("webhooks.kinds.some", len(e.Kinds))
}

func badge(r *web.Request, e Endpoint) any {
	switch {
	case e.State == On && !e.Failing.IsZero():
		return kit.Badge(kit.Warn, r.T("webhooks.state.failing"))
	case e.State == On:
		return kit.Badge(kit.Good, r.T("webhooks.state.on"))
	case e.State == Paused:
		return kit.Badge(kit.Plain, r.T("webhooks.state.paused"))
	}
	return kit.Badge(kit.Bad, r.T("webhooks.state."+stateKey(e.State)))
}

func stateKey(s State) string { return strings.ReplaceAll(string(s), "_", "-") }

// notice is what the owner should know of an endpoint that does not work; days
// are how long messages are kept.
func notice(r *web.Request, e Endpoint, days int) (kit.Alert, bool) {
	switch {
	case e.State == Gone || e.State == GivenUp:
		return kit.Alert{Tone: kit.Bad, Title: r.T("webhooks.off." + stateKey(e.State)), Text: r.Print.N("webhooks.off.text", days)}, true
	case e.State == On && !e.Failing.IsZero():
		return kit.Alert{Tone: kit.Warn, Title: r.T("webhooks.failing", "Since", r.Print.Time(e.Failing)), Text: r.T("webhooks.failing.text")}, true
	}
	return kit.Alert{}, false
}

type formPage struct {
	Form   *web.Form
	Action string
	New    bool
	Crumb  *Endpoint
	Groups []kindGroup
	All    bool
}

// kindGroup are the events of one part of the timeline, to be ticked.
type kindGroup struct {
	Name  string // "order"
	Kinds []kindChoice
}

type kindChoice struct {
	Name   string
	Chosen bool
}

// groups lists the kinds by their noun.
func (d door) groups(chosen []string) (all []kindGroup) {
	names := make([]string, 0, len(d.kinds))
	for name := range d.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		noun, _, _ := strings.Cut(name, ".")
		if len(all) == 0 || all[len(all)-1].Name != noun {
			all = append(all, kindGroup{Name: noun})
		}
		g := &all[len(all)-1]
		g.Kinds = append(g.Kinds, kindChoice{name, slices.Contains(chosen, name)})
	}
	return all
}

func (d door) form(w http.ResponseWriter, r *web.Request, status int, f *web.Form, e *Endpoint) error {
	p := formPage{Form: f, New: e == nil, Crumb: e, Action: r.Href("/settings/webhooks"), Groups: d.groups(f.Values["kind"]),
		All: f.Value("which") != "some"}
	if e != nil {
		p.Action = r.Href(home(e.ID))
	}
	return r.RenderStatus(w, status, "webhooks/form.html", p)
}

func (d door) blank(w http.ResponseWriter, r *web.Request) error {
	return d.form(w, r, http.StatusOK, r.NewForm(), nil)
}

// read takes an endpoint from a posted form.
func (d door) read(r *web.Request, f *web.Form) Edit {
	e := Edit{URL: f.Need("url", maxURL), Description: f.Text("description", maxDescription), History: f.Bool("history")}
	if f.Choice("which", "all", "some") == "some" {
		for _, name := range f.Values["kind"] {
			if _, known := d.kinds[name]; known {
				e.Kinds = append(e.Kinds, name)
			}
		}
		if len(e.Kinds) == 0 {
			f.Wrong("which", r.T("webhooks.kinds.none"))
		}
	}
	return e
}

func (d door) add(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	e := d.read(r, f)
	var endpoint id.Endpoint
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) (err error) {
			endpoint, _, err = Add(r.Context(), tx, r.Staff.ID, e)
			return err
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.form(w, r, http.StatusUnprocessableEntity, f, nil)
	}
	r.Flash(w, "good", r.T("webhooks.added"))
	return r.Redirect(w, home(endpoint)+"/secret")
}

func (d door) endpoint(r *web.Request) (Endpoint, error) {
	endpoint, err := web.PathID(r, "endpoint", id.ParseEndpoint)
	if err != nil {
		return Endpoint{}, err
	}
	return ByID(r.Context(), d.db, endpoint)
}

func (d door) edit(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	f := r.NewForm().Set("url", e.URL).Set("description", e.Description)
	if e.History {
		f.Set("history", "1")
	}
	if len(e.Kinds) > 0 {
		f.Set("which", "some")
		f.Values["kind"] = e.Kinds
	}
	return d.form(w, r, http.StatusOK, f, &e)
}

func (d door) save(w http.ResponseWriter, r *web.Request) error {
	was, err := d.endpoint(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	e := d.read(r, f)
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error { return Change(r.Context(), tx, r.Staff.ID, was.ID, e) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.form(w, r, http.StatusUnprocessableEntity, f, &was)
	}
	r.Flash(w, "good", r.T("webhooks.saved"))
	return r.Redirect(w, home(was.ID))
}
