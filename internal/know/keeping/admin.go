package keeping

import (
	"cmp"
	"embed"
	"net/http"
	"strconv"

	"regulars/internal/know/customers"
	"regulars/internal/platform/export"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "keeping.place", Href: "/settings/personal-data", Icon: "shield-check", Order: 934, Role: web.Owner, Under: "/settings"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB, kinds []Kind) []web.Route {
	d := desk{db, kinds}
	return []web.Route{
		{Pattern: "GET /settings/personal-data", Role: web.Owner, Handler: d.show},
		{Pattern: "POST /settings/personal-data", Role: web.Owner, Handler: d.save},
		{Pattern: "GET /settings/personal-data/erasures/export", Role: web.Owner, Handler: d.export},
	}
}

type desk struct {
	db    *store.DB
	kinds []Kind
}

type keepingPage struct {
	Form     *web.Form
	Lines    []line // kept for good until somebody chooses
	Usual    []line // kept for a usual while
	Asked    bool   // what would go was counted
	Erasures kit.Table
}

// line is one kind on the page.
type line struct {
	Name  string
	Title string
	Text  string
	Last  string // what was forgotten last; may be empty
	Goes  string // what would go now; may be empty
}

// erasuresShown is how many erasures the page lists, the newest.
const erasuresShown = 50

func (d desk) show(w http.ResponseWriter, r *web.Request) error {
	chosen, err := Periods(r.Context(), d.db)
	if err != nil {
		return err
	}
	f := r.NewForm()
	for _, k := range d.kinds {
		if n := k.period(chosen); n > 0 {
			f.Set(k.Name, strconv.Itoa(n))
		}
	}
	return d.render(w, r, http.StatusOK, f, nil)
}

// render shows the page; days are those for which it counts what would go.
func (d desk) render(w http.ResponseWriter, r *web.Request, status int, f *web.Form, days map[string]int) error {
	chosen, err := Periods(r.Context(), d.db)
	if err != nil {
		return err
	}
	p := keepingPage{Form: f, Asked: days != nil}
	for _, k := range d.kinds {
		l := line{Name: k.Name, Title: r.T("keeping.kind." + k.Name), Text: r.T("keeping.about." + k.Name)}
		if c := chosen[k.Name]; !c.RanAt.IsZero() {
			l.Last = r.Print.N("keeping.last", int(c.Removed), "When", r.Print.Ago(c.RanAt, r.Now))
		}
		if n := cmp.Or(days[k.Name], k.Usual); days != nil && n > 0 {
			goes, err := k.Count(r.Context(), d.db, Before(r.Now, n))
			if err != nil {
				return err
			}
			l.Goes = r.Print.N("keeping.goes", goes)
		}
		if k.Usual > 0 {
			p.Usual = append(p.Usual, l)
		} else {
			p.Lines = append(p.Lines, l)
		}
	}
	if p.Erasures, err = d.erasures(r); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "keeping/page.html", p)
}

// erasures lists who was erased, by number, with whether the receipt is as it
// was written.
func (d desk) erasures(r *web.Request) (kit.Table, error) {
	t := kit.Table{ID: "erasures", Caption: r.T("keeping.erasures"), First: true, Path: r.Href("/settings/personal-data"), Query: r.URL.Query(),
		Columns: []kit.Column{{Key: "at", Title: r.T("keeping.column.at")}, {Key: "customer", Title: r.T("keeping.column.customer")},
			{Key: "rows", Title: r.T("keeping.column.rows"), Number: true}, {Key: "receipt", Title: r.T("keeping.column.receipt")}},
		Empty: kit.Empty{Icon: "shield-check", Title: r.T("keeping.erasures.none"), Text: r.T("keeping.erasures.none.text")}}
	all, err := customers.Receipts(r.Context(), d.db, erasuresShown)
	if err != nil {
		return t, err
	}
	if len(all) > 0 {
		t.Export = r.Href("/settings/personal-data/erasures/export")
	}
	for _, x := range all {
		badge := kit.Badge(kit.Good, r.T("keeping.receipt.good"))
		switch {
		case x.Missing:
			badge = kit.Badge(kit.Plain, r.T("keeping.receipt.none"))
		case !x.Genuine:
			badge = kit.Badge(kit.Bad, r.T("keeping.receipt.bad"))
		}
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/customers/" + x.Customer.String()), Cells: []any{
			r.Print.Time(x.At), x.Customer.String(), r.Print.Int(x.Removed()), badge}})
	}
	return t, nil
}

func (d desk) export(w http.ResponseWriter, r *web.Request) error {
	all, err := customers.Receipts(r.Context(), d.db, 1_000_000)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, x := range all {
		rows = append(rows, []string{export.At(x.At, r.Print.Zone()), x.Customer.String(), strconv.FormatInt(x.Removed(), 10), x.Text, x.Digest, strconv.FormatBool(x.Genuine)})
	}
	columns := append(export.Columns(export.Time, "erased_at"), export.Columns(export.Text, "customer")...)
	columns = append(columns, export.Columns(export.Number, "rows_removed")...)
	columns = append(columns, export.Columns(export.Text, "receipt", "digest")...)
	return r.Export(w, "erasures", append(columns, export.Columns(export.Bool, "genuine")...), web.Rows(rows))
}

// save keeps the periods, or only counts what would go.
func (d desk) save(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	days := map[string]int{}
	for _, k := range d.kinds {
		if f.Value(k.Name) == "" {
			continue
		}
		days[k.Name] = f.Int(k.Name, 0, 36_500)
		if err := f.Take(k.fits(days[k.Name])); err != nil {
			return err
		}
	}
	if f.OK() && f.Value("do") == "count" {
		return d.render(w, r, http.StatusOK, f, days)
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error { return Choose(r.Context(), tx, r.Staff.ID, d.kinds, days) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.render(w, r, http.StatusUnprocessableEntity, f, nil)
	}
	r.Flash(w, "good", r.T("keeping.saved"))
	return r.Redirect(w, "/settings/personal-data")
}
