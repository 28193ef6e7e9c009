package importers

import (
	"embed"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "importers.place", Href: "/imports", Icon: "file-import", Order: 905, Role: web.Manager},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB) []web.Route {
	d := door{db}
	return []web.Route{
		{Pattern: "GET /imports", Role: web.Manager, Handler: d.list},
		{Pattern: "POST /imports", Role: web.Manager, Handler: d.upload, MaxBody: MaxUpload + 1<<20},
		{Pattern: "GET /imports/export", Role: web.Manager, Handler: d.exportList},
		{Pattern: "GET /imports/{import}", Role: web.Manager, Handler: d.show},
		{Pattern: "POST /imports/{import}", Role: web.Manager, Handler: d.choose},
		{Pattern: "GET /imports/{import}/progress", Role: web.Manager, Handler: d.progress},
		{Pattern: "GET /imports/{import}/errors/export", Role: web.Manager, Handler: d.errors},
		{Pattern: "POST /imports/{import}/continuation", Role: web.Manager, Handler: d.goOn},
		{Pattern: "POST /imports/{import}/stop", Role: web.Manager, Handler: d.stop},
		{Pattern: "POST /imports/{import}/undoing", Role: web.Manager, Handler: d.undo},
		{Pattern: "POST /imports/{import}/removal", Role: web.Manager, Handler: d.remove},
	}
}

type door struct{ db *store.DB }

// accepted are the endings that the browser offers first; what a file is, is
// told by its content.
const accepted = ".csv,.tsv,.txt,.xlsx,.vcf,.gz,.zst,.zip"

// listed is how many imports the list shows.
const listed = 200

type listPage struct {
	Form  *web.Form
	Table kit.Table
}

func (p listPage) File(label, hint string) kit.Field {
	return p.Form.FileField("file", label, accepted).Must().Hint(hint)
}

func (d door) list(w http.ResponseWriter, r *web.Request) error {
	return d.showList(w, r, http.StatusOK, r.NewForm())
}

func (d door) showList(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	all, err := List(r.Context(), d.db, listed)
	if err != nil {
		return err
	}
	p := listPage{Form: f, Table: kit.Table{
		ID: "imports", Caption: r.T("importers.title"), Path: r.Href("/imports"), Query: r.URL.Query(), First: true,
		Columns: []kit.Column{
			{Key: "file", Title: r.T("importers.file")}, {Key: "state", Title: r.T("importers.state")},
			{Key: "rows", Title: r.T("importers.rows"), Number: true}, {Key: "orders", Title: r.T("importers.orders.new"), Number: true},
			{Key: "customers", Title: r.T("importers.customers.new"), Number: true},
			{Key: "bad", Title: r.T("importers.bad"), Number: true}, {Key: "at", Title: r.T("importers.at")},
		},
		Empty: kit.Empty{Icon: "file-import", Title: r.T("importers.empty"), Text: r.T("importers.empty.text")},
	}}
	if len(all) > 0 {
		p.Table.Export = r.Href("/imports/export")
		p.Table.Total = r.Print.N("importers.total", len(all))
	}
	for _, i := range all {
		p.Table.Rows = append(p.Table.Rows, kit.Row{Href: r.Href("/imports/" + i.ID.String()), Cells: []any{
			i.File, badge(r, i.State), r.Print.Int(i.Position), r.Print.Int(i.Counts.New), r.Print.Int(i.Counts.Customers),
			r.Print.Int(i.Counts.Bad), r.Print.Time(i.CreatedAt),
		}})
	}
	return r.RenderStatus(w, status, "importers/list.html", p)
}

// exportList answers with the list of imports as a file.
func (d door) exportList(w http.ResponseWriter, r *web.Request) error {
	all, err := List(r.Context(), d.db, listed)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, i := range all {
		rows = append(rows, []string{i.ID.String(), i.File, string(i.State), count(i.Position), count(i.Counts.New), count(i.Counts.Changed),
			count(i.Counts.Same), count(i.Counts.Lines), count(i.Counts.Customers), count(i.Counts.Bad), count(int64(i.Counts.Subscriptions.New)), export.At(i.CreatedAt, r.Print.Zone())})
	}
	columns := slices.Concat(export.Columns(export.Text, "import", "file", "state"),
		export.Columns(export.Number, "rows", "orders_new", "orders_changed", "orders_same", "lines_new", "customers_new", "rows_bad", "subscriptions_new"),
		export.Columns(export.Time, "created_at"))
	return r.Export(w, "imports", columns, web.Rows(rows))
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

func badge(r *web.Request, s State) any {
	tones := map[State]kit.Tone{Running: kit.Accent, Undoing: kit.Accent, Complete: kit.Good, Failed: kit.Bad, Stopped: kit.Warn, Waiting: kit.Warn}
	tone := tones[s]
	if tone == "" {
		tone = kit.Plain
	}
	return kit.Badge(tone, r.T("importers.state."+string(s)))
}

// upload takes a file in and leads to its check. One that is no table is
// refused at once, with the reason beside the field.
func (d door) upload(w http.ResponseWriter, r *web.Request) error {
	f, part, err := r.ReadUpload(w, "file")
	if err != nil {
		return err
	}
	if part == nil {
		f.Wrong("file", r.T("importers.choose"))
		return d.showList(w, r, http.StatusUnprocessableEntity, f)
	}
	i, err := Spool(r.Context(), d.db, Import{File: fileName(part.FileName()), CreatedBy: r.Staff.ID}, part)
	if err == nil {
		err = d.opens(r, i)
	}
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) {
		f.Wrong("file", r.Print.Sentence(err))
		return d.showList(w, r, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "import.uploaded", Subject: i.String()}); err != nil {
		return err
	}
	return r.Redirect(w, "/imports/"+i.String())
}

// opens removes an upload again that is no table.
func (d door) opens(r *web.Request, i id.Import) error {
	im, err := ByID(r.Context(), d.db, i)
	if err != nil {
		return err
	}
	in, err := openSpooled(r.Context(), d.db, im)
	if err != nil {
		return errors.Join(err, Remove(r.Context(), d.db, i, 0)) // the program itself
	}
	return in.Close()
}

// fileName is the last element of what a browser calls a file.
func fileName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	if s = text.Short(text.Line(s), 120); s == "" || s == "." || s == "/" {
		return "file"
	}
	return s
}

// named reads the import that the address names.
func (d door) named(r *web.Request) (Import, error) {
	i, err := web.PathID(r, "import", id.ParseImport)
	if err != nil {
		return Import{}, err
	}
	return ByID(r.Context(), d.db, i)
}

// act does a verb to the import in the address and leads back to its page.
func (d door) act(w http.ResponseWriter, r *web.Request, said string, verb func(tx *store.Tx, i id.Import) error) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	err = d.db.Tx(r.Context(), func(tx *store.Tx) error { return verb(tx, im.ID) })
	switch {
	case errs.Is(err, errs.Conflict):
		r.Flash(w, "warn", r.Print.Sentence(err))
	case err != nil:
		return err
	default:
		r.Flash(w, "good", r.T(said))
	}
	return r.Redirect(w, "/imports/"+im.ID.String())
}

func (d door) goOn(w http.ResponseWriter, r *web.Request) error {
	return d.act(w, r, "importers.went-on", func(tx *store.Tx, i id.Import) error { return Start(r.Context(), tx, r.Staff.ID, i) })
}

func (d door) stop(w http.ResponseWriter, r *web.Request) error {
	return d.act(w, r, "importers.stopped", func(tx *store.Tx, i id.Import) error { return Stop(r.Context(), tx, r.Staff.ID, i) })
}

func (d door) undo(w http.ResponseWriter, r *web.Request) error {
	return d.act(w, r, "importers.undo.begun", func(tx *store.Tx, i id.Import) error { return Undo(r.Context(), tx, r.Staff.ID, i) })
}

func (d door) remove(w http.ResponseWriter, r *web.Request) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	if err := Remove(r.Context(), d.db, im.ID, r.Staff.ID); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("importers.removed"))
	return r.Redirect(w, "/imports")
}

// errors sends the bad rows as a file to be mended.
func (d door) errors(w http.ResponseWriter, r *web.Request) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "import.rows_exported", Subject: im.ID.String()}); err != nil {
		return err
	}
	header, err := Header(r.Context(), d.db, im.ID)
	if err != nil {
		return err
	}
	bad, err := BadLines(r.Context(), d.db, im.ID, 0, maxErrors)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(im.File, path.Ext(im.File)) + " " + r.T("importers.errors.file")
	return r.Export(w, name, export.Columns(export.Text, append(append([]string(nil), header...), mending...)...), func(yield func([]string, error) bool) {
		for _, b := range bad {
			if !yield(b.mendable(r.Print, header), nil) {
				return
			}
		}
	})
}
