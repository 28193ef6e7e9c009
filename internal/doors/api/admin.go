package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Admin is the list of this module's pages. A key outlives the session in which
// it is made, so proven asks first who sits there.
func (d *Door) Admin(proven func(web.Handler) web.Handler) []web.Route {
	return []web.Route{
		{Pattern: "GET /settings/api", Role: web.Manager, Handler: d.showKeys},
		{Pattern: "POST /settings/api", Role: web.Manager, Handler: proven(d.makeKey)},
		{Pattern: "GET /settings/api/requests", Role: web.Manager, Handler: d.showRequests},
		{Pattern: "GET /settings/api/requests/export", Role: web.Manager, Handler: d.exportRequests},
		{Pattern: "GET /settings/api/{key}", Role: web.Manager, Handler: d.showKey},
		{Pattern: "POST /settings/api/{key}/revocation", Role: web.Manager, Handler: d.revokeKey},
		{Pattern: "GET /api", Role: web.Viewer, Handler: d.reference},
		{Pattern: "GET /api/{operation}", Role: web.Viewer, Handler: d.operation},
	}
}

func tabs(r *web.Request, active string) kit.Tabs {
	t := kit.Tabs{Label: r.T("api.tabs")}
	for _, tab := range [][2]string{{"/settings/api", "api.tab.keys"}, {"/settings/api/requests", "api.tab.requests"}, {"/api", "api.tab.reference"}} {
		t.Tabs = append(t.Tabs, kit.Tab{Link: kit.Link{Href: r.Href(tab[0]), Text: r.T(tab[1])}, Active: tab[0] == active})
	}
	return t
}

type keysPage struct {
	Tabs  kit.Tabs
	Table kit.Table
	Form  *web.Form
	Areas []areaChoice
	Lasts []kit.Option
}

// areaChoice is a line of the form: a noun and what the key may do with it.
type areaChoice struct {
	Name   string
	Read   string // the value of the box
	Write  string // empty: there is nothing to write
	Reads  bool   // chosen
	Writes bool
}

// lasts are for how many days a key can be made.
var lasts = []int{0, 30, 90, 365}

func (d *Door) showKeys(w http.ResponseWriter, r *web.Request) error {
	return d.renderKeys(w, r, http.StatusOK, r.NewForm())
}

func (d *Door) renderKeys(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	all, err := users.Keys(r.Context(), d.db, r.Staff)
	if err != nil {
		return err
	}
	p := keysPage{Tabs: tabs(r, "/settings/api"), Form: f, Table: kit.Table{
		ID: "keys", Caption: r.T("api.keys.title"), First: true, Path: r.Href("/settings/api"), Query: r.URL.Query(),
		Total: r.Print.N("api.keys.total", len(all)),
		Columns: []kit.Column{
			{Key: "name", Title: r.T("api.key.name")}, {Key: "staff", Title: r.T("api.key.staff")}, {Key: "scopes", Title: r.T("api.key.scopes")},
			{Key: "state", Title: r.T("api.key.state")}, {Key: "used", Title: r.T("api.key.used")},
		},
		Empty: kit.Empty{Icon: "key", Title: r.T("api.keys.empty"), Text: r.T("api.keys.empty.text"),
			Action: kit.Link{Href: r.Href("/api"), Text: r.T("api.keys.empty.do")}},
	}}
	for _, k := range all {
		p.Table.Rows = append(p.Table.Rows, kit.Row{Href: r.Href("/settings/api/" + k.ID.String()), Cells: []any{
			k.Name, k.Staff.Name, scopesShort(k.Scopes), state(r, k), moment(r, k.UsedAt)}})
	}
	for _, a := range rest.Areas {
		if r.Staff.Role < a.Role {
			continue
		}
		c := areaChoice{Name: r.T("api.area." + a.Name), Read: a.Name + ":read"}
		c.Reads = slices.Contains(f.Values["scope"], c.Read)
		if a.Write {
			c.Write = a.Name + ":write"
			c.Writes = slices.Contains(f.Values["scope"], c.Write)
		}
		p.Areas = append(p.Areas, c)
	}
	for _, days := range lasts {
		o := kit.Option{Value: strconv.Itoa(days), Text: r.T("api.key.for-ever")}
		if days > 0 {
			o.Text = r.Print.N("api.key.days", days)
		}
		p.Lasts = append(p.Lasts, o)
	}
	return r.RenderStatus(w, status, "api/keys.html", p)
}

// scopesShort writes the scopes with each noun once.
func scopesShort(all []rest.Scope) string {
	var words []string
	for _, s := range all {
		if s == s.Read() && slices.Contains(all, rest.Scope(strings.Replace(string(s), ":read", ":write", 1))) {
			continue // the one that writes says it
		}
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

func state(r *web.Request, k users.Key) any {
	switch {
	case !k.RevokedAt.IsZero():
		return kit.Badge(kit.Plain, r.T("api.state.revoked"))
	case !k.Works(r.Now):
		return kit.Badge(kit.Warn, r.T("api.state.expired"))
	case k.Unproved:
		return kit.Badge(kit.Warn, r.T("api.state.unproved"))
	}
	return kit.Badge(kit.Good, r.T("api.state.works"))
}

func moment(r *web.Request, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return r.Print.Time(t)
}

type madePage struct {
	Name   string
	Secret string
	Try    string // a command that shows that it works
}

func (d *Door) makeKey(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	n := users.NewKey{Name: f.Need("name", 80)}
	for _, s := range f.Values["scope"] {
		n.Scopes = append(n.Scopes, rest.Scope(s))
	}
	var choices []string
	for _, days := range lasts {
		choices = append(choices, strconv.Itoa(days))
	}
	if days, _ := strconv.Atoi(f.Choice("lasts", choices...)); days > 0 {
		n.ExpiresAt = r.Now.AddDate(0, 0, days)
	}
	var secret string
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) (err error) {
			secret, _, err = users.MakeKey(r.Context(), tx, r.Staff.ID, n)
			return err
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.renderKeys(w, r, http.StatusUnprocessableEntity, f)
	}
	// The secret is the answer to the post itself: no address leads to it.
	return r.Render(w, "api/made.html", madePage{Name: n.Name, Secret: secret,
		Try: fmt.Sprintf("curl -H 'Authorization: Bearer %s' %s", secret, origin(r)+r.Href("/api/v1/me"))})
}

// origin is the address by which the one who posted a form reached us.
func origin(r *web.Request) string {
	if o, err := url.Parse(r.Header.Get("Origin")); err == nil && o.Host == r.Host {
		return o.Scheme + "://" + o.Host
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

type keyPage struct {
	Key      users.Key
	Works    bool
	Terms    []kit.Term
	Requests kit.Table
}

func (d *Door) pathKey(r *web.Request) (users.Key, error) {
	key, err := web.PathID(r, "key", id.ParseKey)
	if err != nil {
		return users.Key{}, err
	}
	return users.KeyOf(r.Context(), d.db, r.Staff, key)
}

func (d *Door) showKey(w http.ResponseWriter, r *web.Request) error {
	k, err := d.pathKey(r)
	if err != nil {
		return err
	}
	lines, err := Requests(r.Context(), d.db, r.Staff, Sought{Key: k.ID, Limit: 20})
	if err != nil {
		return err
	}
	p := keyPage{Key: k, Works: k.RevokedAt.IsZero(), Requests: requestTable(r, lines), Terms: []kit.Term{
		{Name: r.T("api.key.staff"), Value: k.Staff.Name}, {Name: r.T("api.key.state"), Value: state(r, k)},
		{Name: r.T("api.key.scopes"), Value: scopesShort(k.Scopes)}, {Name: r.T("api.key.ending"), Value: "…" + k.Ending},
		{Name: r.T("api.key.made"), Value: moment(r, k.CreatedAt)}, {Name: r.T("api.key.used"), Value: moment(r, k.UsedAt)},
		{Name: r.T("api.key.expires"), Value: moment(r, k.ExpiresAt)},
	}}
	return r.Render(w, "api/key.html", p)
}

func (d *Door) revokeKey(w http.ResponseWriter, r *web.Request) error {
	k, err := d.pathKey(r)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return users.Revoke(r.Context(), tx, r.Staff, k.ID) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("api.key.revoked", "Name", k.Name))
	return r.Redirect(w, "/settings/api")
}

// requestsPageSize is the number of lines on a page of the log.
const requestsPageSize = 50

func sought(q url.Values) Sought {
	s := Sought{Text: q.Get("q"), Method: q.Get("method"), Limit: requestsPageSize + 1}
	s.Key, _ = id.ParseKey(q.Get("key")) // one that is no key shows all
	s.Class, _ = strconv.Atoi(q.Get("class"))
	s.Before, _ = id.Parse("req", q.Get("after"))
	return s
}

type requestsPage struct {
	Tabs   kit.Tabs
	Filter kit.Filter
	Table  kit.Table
	Days   int
}

func (d *Door) showRequests(w http.ResponseWriter, r *web.Request) error {
	q := r.URL.Query()
	s := sought(q)
	lines, err := Requests(r.Context(), d.db, r.Staff, s)
	if err != nil {
		return err
	}
	keys, err := users.Keys(r.Context(), d.db, r.Staff)
	if err != nil {
		return err
	}
	days, err := requestsKept.Days(r.Context(), d.db)
	if err != nil {
		return err
	}
	next := ""
	if len(lines) > requestsPageSize {
		lines = lines[:requestsPageSize]
		next = id.Show("req", lines[requestsPageSize-1].ID)
	}
	t := requestTable(r, lines)
	t.Next, t.First, t.Query, t.Export = next, s.Before == 0, q, kit.With(r.Href("/settings/api/requests/export"), q, "after", "")
	f := kit.Filter{Path: r.Href("/settings/api/requests"), Query: q, Search: r.T("api.requests.search"), Target: "results"}
	choice := func(name, label string, options ...kit.Option) {
		options = slices.Insert(options, 0, kit.Option{Text: r.T("api.requests.any")})
		f.Fields = append(f.Fields, kit.Field{Kind: "select", Name: name, Label: label, Value: q.Get(name), Choices: options})
		for _, o := range options[1:] {
			if o.Value == q.Get(name) {
				f.Active = append(f.Active, kit.Chip{Text: o.Text, Name: name})
			}
		}
	}
	var byKey []kit.Option
	for _, k := range keys {
		byKey = append(byKey, kit.Option{Value: k.ID.String(), Text: k.Name + " …" + k.Ending})
	}
	choice("key", r.T("api.requests.key"), byKey...)
	choice("class", r.T("api.requests.status"), kit.Option{Value: "2", Text: r.T("api.class.2")}, kit.Option{Value: "4", Text: r.T("api.class.4")}, kit.Option{Value: "5", Text: r.T("api.class.5")})
	var methods []kit.Option
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		methods = append(methods, kit.Option{Value: m, Text: m})
	}
	choice("method", r.T("api.requests.method"), methods...)
	return r.Render(w, "api/requests.html", requestsPage{Tabs: tabs(r, "/settings/api/requests"), Filter: f, Table: t, Days: days})
}

func requestTable(r *web.Request, lines []Request) kit.Table {
	t := kit.Table{
		ID: "requests", Caption: r.T("api.requests.title"), First: true, Path: r.Href("/settings/api/requests"), Query: url.Values{}, Dense: true,
		Columns: []kit.Column{
			{Key: "at", Title: r.T("api.requests.at")}, {Key: "key", Title: r.T("api.requests.key")}, {Key: "route", Title: r.T("api.requests.route")},
			{Key: "status", Title: r.T("api.requests.status"), Number: true}, {Key: "took", Title: r.T("api.requests.took"), Number: true},
			{Key: "id", Title: r.T("api.requests.id")},
		},
		Empty: kit.Empty{Icon: "activity", Title: r.T("api.requests.empty"), Text: r.T("api.requests.empty.text")},
	}
	for _, l := range lines {
		tone := map[int]kit.Tone{2: kit.Good, 4: kit.Warn, 5: kit.Bad}[l.Status/100]
		t.Rows = append(t.Rows, kit.Row{Cells: []any{r.Print.Time(l.At), cmp.Or(l.KeyName, l.Key.String()), l.Method + " " + l.Route,
			kit.Badge(tone, strconv.Itoa(l.Status)), r.T("api.requests.ms", "Ms", r.Print.Decimal(float64(l.Took.Microseconds())/1000, 1)), l.RequestID}})
	}
	return t
}

func (d *Door) exportRequests(w http.ResponseWriter, r *web.Request) error {
	s := sought(r.URL.Query())
	s.Before, s.Limit = 0, 1000
	rows := func(yield func([]string, error) bool) {
		for {
			lines, err := Requests(r.Context(), d.db, r.Staff, s)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, l := range lines {
				if !yield([]string{l.At.Format(time.RFC3339), l.KeyName, l.Method, l.Route, strconv.Itoa(l.Status), strconv.FormatInt(l.Took.Microseconds(), 10), l.RequestID}, nil) {
					return
				}
			}
			if len(lines) < s.Limit {
				return
			}
			s.Before = lines[len(lines)-1].ID
		}
	}
	columns := slices.Concat(export.Columns(export.Time, "at"), export.Columns(export.Text, "key", "method", "route"),
		export.Columns(export.Number, "status", "took_us"), export.Columns(export.Text, "request_id"))
	return r.Export(w, "api-requests", columns, rows)
}
