package collect

import (
	"net/http"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "collect.place", Href: "/settings/sources", Icon: "puzzle", Order: 907, Role: web.Owner},
	{Section: "users.section.house", Key: "collect.requests.place", Href: "/settings/privacy", Icon: "shield-check", Order: 935, Role: web.Manager, Under: "/settings"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB) []web.Route {
	d := door{db: db, kinds: kinds(nil)}
	return []web.Route{
		{Pattern: "GET /settings/sources", Role: web.Owner, Handler: d.list},
		{Pattern: "GET /settings/sources/new", Role: web.Owner, Handler: d.ask},
		{Pattern: "POST /settings/sources", Role: web.Owner, Handler: d.add},
		{Pattern: "GET /settings/sources/{source}", Role: web.Owner, Handler: d.show},
		{Pattern: "POST /settings/sources/{source}", Role: web.Owner, Handler: d.change},
		{Pattern: "POST /settings/sources/{source}/secret", Role: web.Owner, Handler: d.setSecret},
		{Pattern: "GET /settings/privacy", Role: web.Manager, Handler: d.requests},
		{Pattern: "POST /settings/privacy/{request}/settlement", Role: web.Manager, Handler: d.settle},
		{Pattern: "POST /settings/sources/{source}/disabling", Role: web.Owner, Handler: d.disable},
		{Pattern: "POST /settings/sources/{source}/enabling", Role: web.Owner, Handler: d.enable},
		{Pattern: "POST /settings/sources/{source}/attempt", Role: web.Owner, Handler: d.retry},
		{Pattern: "POST /settings/sources/{source}/removal", Role: web.Owner, Handler: d.discard},
		{Pattern: "POST /settings/sources/{source}/failures/{failure}/attempt", Role: web.Owner, Handler: d.retry},
	}
}

type door struct {
	db    *store.DB
	kinds []Kind
}

// offer is a kind that can be added.
type offer struct{ Kind, Icon, Title, Text string }

type listPage struct {
	Table  kit.Table
	Offers []offer
}

func (d door) list(w http.ResponseWriter, r *web.Request) error {
	all, err := Sources(r.Context(), d.db)
	if err != nil {
		return err
	}
	failures, err := FailureCounts(r.Context(), d.db)
	if err != nil {
		return err
	}
	p := listPage{Table: kit.Table{
		ID: "sources", Caption: r.T("collect.title"), Path: r.Href("/settings/sources"), Query: r.URL.Query(), First: true,
		Columns: []kit.Column{
			{Key: "name", Title: r.T("collect.name")}, {Key: "kind", Title: r.T("collect.kind")}, {Key: "state", Title: r.T("collect.state")},
			{Key: "used", Title: r.T("collect.used")}, {Key: "failures", Title: r.T("collect.failures"), Number: true},
		},
		Empty: kit.Empty{Icon: "puzzle", Title: r.T("collect.empty"), Text: r.T("collect.empty.text")},
	}}
	for _, s := range all {
		p.Table.Rows = append(p.Table.Rows, kit.Row{Href: r.Href("/settings/sources/" + s.ID.String()), Cells: []any{
			s.Name, r.T("collect.kind." + s.Kind), stateBadge(r, s), usedText(r, s), r.Print.Int(int64(failures[s.ID])),
		}})
	}
	for _, k := range d.kinds {
		p.Offers = append(p.Offers, offer{k.Name, k.Icon, r.T("collect.kind." + k.Name), r.T("collect.kind." + k.Name + ".text")})
	}
	return r.Render(w, "collect/list.html", p)
}

func stateBadge(r *web.Request, s Source) any {
	switch {
	case s.Disabled():
		return kit.Badge(kit.Plain, r.T("collect.state.off"))
	case s.UsedAt.IsZero():
		return kit.Badge(kit.Warn, r.T("collect.state.waiting"))
	}
	return kit.Badge(kit.Good, r.T("collect.state.on"))
}

func usedText(r *web.Request, s Source) string {
	if s.UsedAt.IsZero() {
		return r.T("collect.used.never")
	}
	return r.Print.Time(s.UsedAt)
}

type formPage struct {
	Kind Kind
	Form *web.Form
}

// kind is the kind that an address or a form names.
func (d door) kind(r *web.Request, name string) (Kind, error) {
	k, ok := kindOf(d.kinds, name)
	if !ok {
		return k, errs.Missing("collect.error.none")
	}
	return k, nil
}

func (d door) ask(w http.ResponseWriter, r *web.Request) error {
	k, err := d.kind(r, r.URL.Query().Get("kind"))
	if err != nil {
		return err
	}
	f := r.NewForm()
	f.Set("name", r.T("collect.kind."+k.Name+".name")).Set("space", defaultSpace(k.Name))
	return r.Render(w, "collect/new.html", formPage{k, f})
}

// read reads the fields of a source; those of a kind alone are read beside.
func (d door) read(f *web.Form, k Kind) NewSource {
	return NewSource{Kind: k.Name, Name: f.Need("name", maxSourceName), Space: f.Text("space", maxSpace)}
}

func (d door) add(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	k, err := d.kind(r, f.Value("kind"))
	if err != nil {
		return err
	}
	n := d.read(f, k)
	var made id.Source
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) (err error) {
			made, err = Add(r.Context(), tx, r.Staff.ID, n)
			return err
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return r.RenderStatus(w, http.StatusUnprocessableEntity, "collect/new.html", formPage{k, f})
	}
	r.Flash(w, "good", r.T("collect.added"))
	return r.Redirect(w, "/settings/sources/"+made.String())
}

// shownFailures is how many failures the page of a source shows.
const shownFailures = 50

type sourcePage struct {
	Source   Source
	Kind     Kind
	Form     *web.Form
	Badge    any
	Terms    []kit.Term
	Host     string // https://shop.example/regulars: what the snippets call
	Plain    bool   // not over https, which analytics.js has to be told
	Address  string // without the scheme, as analytics.js wants it
	Failures []failureLine
	Days     int       // for which they are kept
	More     string    // how many there are beyond
	Shop     *shopPart // nil: it is no shop
	ShopForm *web.Form // nil: as it stands
}

type failureLine struct {
	ID     id.Failure
	Topic  string
	At     string
	Reason string
	Body   string
}

// named reads the source that the address names.
func (d door) named(r *web.Request) (Source, Kind, error) {
	i, err := web.PathID(r, "source", id.ParseSource)
	if err != nil {
		return Source{}, Kind{}, err
	}
	s, err := SourceByID(r.Context(), d.db, i)
	if err != nil {
		return s, Kind{}, err
	}
	k, err := d.kind(r, s.Kind)
	return s, k, err
}

func (d door) show(w http.ResponseWriter, r *web.Request) error {
	s, k, err := d.named(r)
	if err != nil {
		return err
	}
	f := r.NewForm()
	f.Set("name", s.Name).Set("space", s.Space)
	return d.showSource(w, r, http.StatusOK, sourcePage{Source: s, Kind: k, Form: f})
}

func (d door) showSource(w http.ResponseWriter, r *web.Request, status int, p sourcePage) error {
	s := p.Source
	p.Host = address(r)
	p.Plain = strings.HasPrefix(p.Host, "http:")
	_, p.Address, _ = strings.Cut(p.Host, "://")
	p.Badge = stateBadge(r, s)
	var err error
	if p.Shop, err = d.shopPart(r, s, p.ShopForm); err != nil {
		return err
	}
	p.Terms = []kit.Term{{Name: r.T("collect.used"), Value: usedText(r, s)}, {Name: r.T("collect.since"), Value: r.Print.Time(s.CreatedAt)}}
	failed, err := Failures(r.Context(), d.db, s.ID, 0, shownFailures)
	if err != nil {
		return err
	}
	if p.Days, err = failuresKept.Days(r.Context(), d.db); err != nil {
		return err
	}
	for _, f := range failed {
		p.Failures = append(p.Failures, failureLine{f.ID, f.Topic, r.Print.Time(f.FailedAt), r.Print.Sentence(f.Reason), pretty(f.Body)})
	}
	if len(failed) == shownFailures {
		counts, err := FailureCounts(r.Context(), d.db)
		if err != nil {
			return err
		}
		if n := counts[s.ID] - shownFailures; n > 0 {
			p.More = r.Print.N("collect.failures.more", n)
		}
	}
	return r.RenderStatus(w, status, "collect/source.html", p)
}

// address is where this program is reached, as the one who asks reached it.
func address(r *web.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Secure() {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.Href("")
}

func (d door) change(w http.ResponseWriter, r *web.Request) error {
	s, k, err := d.named(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	n := d.read(f, k)
	n.Settings = s.Settings
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error { return Change(r.Context(), tx, r.Staff.ID, s.ID, n) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.showSource(w, r, http.StatusUnprocessableEntity, sourcePage{Source: s, Kind: k, Form: f})
	}
	r.Flash(w, "good", r.T("collect.changed"))
	return r.Redirect(w, "/settings/sources/"+s.ID.String())
}

// act does a verb to the source in the address and leads back to its page.
func (d door) act(w http.ResponseWriter, r *web.Request, said string, verb func(tx *store.Tx, s id.Source) error) error {
	s, _, err := d.named(r)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return verb(tx, s.ID) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T(said))
	return r.Redirect(w, "/settings/sources/"+s.ID.String())
}

func (d door) disable(w http.ResponseWriter, r *web.Request) error {
	return d.act(w, r, "collect.disabled", func(tx *store.Tx, s id.Source) error { return Disable(r.Context(), tx, r.Staff.ID, s) })
}

func (d door) enable(w http.ResponseWriter, r *web.Request) error {
	return d.act(w, r, "collect.enabled", func(tx *store.Tx, s id.Source) error { return Enable(r.Context(), tx, r.Staff.ID, s) })
}

// retry tries one failure again, or without one in the address all.
func (d door) retry(w http.ResponseWriter, r *web.Request) error {
	var f id.Failure
	if r.PathValue("failure") != "" {
		var err error
		if f, err = web.PathID(r, "failure", id.ParseFailure); err != nil {
			return err
		}
	}
	s, _, err := d.named(r)
	if err != nil {
		return err
	}
	if _, err := Retry(r.Context(), d.db, r.Staff.ID, s.ID, f); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("collect.retried"))
	return r.Redirect(w, "/settings/sources/"+s.ID.String())
}

func (d door) discard(w http.ResponseWriter, r *web.Request) error {
	s, _, err := d.named(r)
	if err != nil {
		return err
	}
	if err := Discard(r.Context(), d.db, r.Staff.ID, s.ID); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("collect.discarded"))
	return r.Redirect(w, "/settings/sources/"+s.ID.String())
}
