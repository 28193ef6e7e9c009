package importers

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type importPage struct {
	Import   Import
	Badge    any
	Failure  string
	Progress kit.Progress
	Stats    []kit.Stat
	Terms    []kit.Term
	Bad      kit.Table
	Undo     kit.Dialog
	Undoable bool
}

// shownErrors is how many bad rows the page shows.
const shownErrors = 50

func (d door) show(w http.ResponseWriter, r *web.Request) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	if im.State == Waiting {
		return d.showCheck(w, r, im)
	}
	p := importPage{Import: im, Badge: badge(r, im.State), Failure: r.Print.Sentence(im.Failure), Stats: stats(r, im)}
	if p.Terms, err = d.terms(r, im); err != nil {
		return err
	}
	if im.Active() {
		if p.Progress, err = d.progressOf(r, im, im.StartedAt, 0, 0); err != nil {
			return err
		}
	}
	if im.Counts.Bad > 0 {
		if p.Bad, err = d.badTable(r, im); err != nil {
			return err
		}
	}
	if p.Undoable = im.State != Undoing && im.State != Undone; p.Undoable {
		if p.Undo, err = undoDialog(r, im); err != nil {
			return err
		}
	}
	return r.Render(w, "importers/import.html", p)
}

func stats(r *web.Request, im Import) []kit.Stat {
	c, none := im.Counts, orders.Subscribers{}
	orders := kit.Stat{Label: r.T("importers.orders.new"), Icon: "shopping-cart", Value: r.Print.Int(c.New)}
	switch {
	case c.Changed > 0:
		orders.Note = r.Print.N("importers.orders.changed", int(c.Changed))
	case c.Same > 0:
		orders.Note = r.Print.N("importers.orders.same", int(c.Same))
	}
	rows := kit.Stat{Label: r.T("importers.rows"), Icon: "file-text", Value: r.Print.Int(im.Position)}
	var notes []string
	if c.Bad > 0 {
		notes = append(notes, r.Print.N("importers.stat.bad", int(c.Bad)))
	}
	if c.Skipped > 0 {
		notes = append(notes, r.Print.N("importers.stat.skipped", int(c.Skipped)))
	}
	rows.Note = strings.Join(notes, ", ")
	lines := kit.Stat{Label: r.T("importers.lines.new"), Icon: "list", Value: r.Print.Int(c.Lines)}
	people := kit.Stat{Label: r.T("importers.customers.new"), Icon: "user-plus", Value: r.Print.Int(c.Customers)}
	words := kit.Stat{Label: r.T("importers.words.new"), Icon: "shield-check", Value: r.Print.Int(c.Words)}
	subs := kit.Stat{Label: r.T("importers.subscriptions.new"), Icon: "repeat", Value: r.Print.Int(int64(c.Subscriptions.New))}
	switch {
	case c.Subscriptions.Changed > 0:
		subs.Note = r.Print.N("importers.subscriptions.changed", c.Subscriptions.Changed)
	case c.Subscriptions.Same > 0:
		subs.Note = r.Print.N("importers.subscriptions.same", c.Subscriptions.Same)
	}
	switch {
	case c.Subscriptions != none:
		return []kit.Stat{rows, subs, people}
	case c.Words == 0:
		return []kit.Stat{rows, orders, lines, people}
	case c.New+c.Changed+c.Same == 0: // a list of people
		return []kit.Stat{rows, people, words}
	}
	return []kit.Stat{rows, orders, lines, people, words}
}

func (d door) terms(r *web.Request, im Import) ([]kit.Term, error) {
	by, err := d.author(r.Context(), im)
	if err != nil {
		return nil, err
	}
	if by == "" {
		by = r.T("importers.by.program")
	}
	terms := []kit.Term{
		{Name: r.T("importers.layout"), Value: layoutText(r, im.Settings.Layout)},
		{Name: r.T("importers.size"), Value: r.Print.Bytes(im.Size)},
		{Name: r.T("importers.by"), Value: by},
		{Name: r.T("importers.at"), Value: r.Print.Time(im.CreatedAt)},
	}
	if c := im.Settings.Currency; c != "" {
		terms = append(terms, kit.Term{Name: r.T("importers.currency"), Value: string(c)})
	}
	if z := im.Settings.Zone; z != "" {
		terms = append(terms, kit.Term{Name: r.T("importers.zone"), Value: strings.ReplaceAll(z, "_", " ")})
	}
	if !im.StartedAt.IsZero() && !im.FinishedAt.IsZero() && im.State == Complete {
		terms = append(terms, kit.Term{Name: r.T("importers.took"), Value: r.Print.Duration(im.FinishedAt.Sub(im.StartedAt))})
	}
	return terms, nil
}

// author is the name of the one who uploaded; "" is the command line.
func (d door) author(ctx context.Context, im Import) (string, error) {
	names, err := store.All(ctx, d.db, store.Scalar[string], `select name from users where id = $1`, int64(im.CreatedBy))
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

func layoutText(r *web.Request, layout string) string {
	if layout == "" {
		return "–"
	}
	return r.T("importers.layout." + layout)
}

func (d door) badTable(r *web.Request, im Import) (kit.Table, error) {
	bad, err := BadLines(r.Context(), d.db, im.ID, 0, shownErrors)
	if err != nil {
		return kit.Table{}, err
	}
	t := kit.Table{
		ID: "bad", Caption: r.T("importers.errors"), Path: r.URL.Path, Query: url.Values{}, First: true, Dense: true,
		Export: r.Href("/imports/" + im.ID.String() + "/errors/export"),
		Columns: []kit.Column{
			{Key: "line", Title: r.T("importers.line"), Number: true}, {Key: "column", Title: r.T("importers.column")},
			{Key: "reason", Title: r.T("importers.reason")}, {Key: "row", Title: r.T("importers.row")},
		},
	}
	t.Total = r.Print.N("importers.errors.total", int(im.Counts.Bad))
	if int64(len(bad)) < im.Counts.Bad {
		t.Total = r.T("importers.errors.first", "Shown", r.Print.Int(int64(len(bad))), "Total", t.Total)
	}
	for _, b := range bad {
		column := b.Column
		if column == "" {
			column = "–"
		}
		t.Rows = append(t.Rows, kit.Row{Cells: []any{r.Print.Int(b.Line), column, tableText(r.Print, b.Reason), shortRow(b.Cells)}})
	}
	return t, nil
}

// shortRow is a row as one line, as much as a table can show.
func shortRow(cells []string) string {
	all := []rune(strings.Join(cells, " · "))
	if len(all) > 140 {
		return string(all[:140]) + "…"
	}
	return string(all)
}

func undoDialog(r *web.Request, im Import) (kit.Dialog, error) {
	body, err := r.Fragment("importers/import.html", "undo-body", im)
	return kit.Dialog{
		ID: "undo", Open: kit.Button{Text: r.T("importers.undo"), Icon: "arrow-back-up", Kind: "danger"}, Title: r.T("importers.undo.title"),
		Body: template.HTML(body), Action: r.Href("/imports/" + im.ID.String() + "/undoing"), // made by our own template
		Submit: kit.Button{Text: r.T("importers.undo.do"), Icon: "arrow-back-up", Kind: "danger"},
	}, err
}

// progress answers the page that asks every second how far it is. The address
// carries where the import was when the page came, so that the speed is that
// of this moment, whatever happened before.
func (d door) progress(w http.ResponseWriter, r *web.Request) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	if !im.Active() {
		w.Header().Set("HX-Refresh", "true")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	q := r.URL.Query()
	rows, bad1 := strconv.ParseInt(q.Get("rows"), 10, 64)
	bytes, bad2 := strconv.ParseInt(q.Get("bytes"), 10, 64)
	at, bad3 := strconv.ParseInt(q.Get("at"), 10, 64)
	if bad1 != nil || bad2 != nil || bad3 != nil {
		return errs.Missing("importers.wrong.gone")
	}
	p, err := d.progressOf(r, im, time.UnixMilli(at), rows, bytes)
	if err != nil {
		return err
	}
	return r.RenderBlock(w, http.StatusOK, "importers/import.html", "kit/progress", p)
}

// progressOf is how far an import is, its speed measured since a moment.
func (d door) progressOf(r *web.Request, im Import, since time.Time, rows, bytes int64) (kit.Progress, error) {
	p := kit.Progress{ID: "progress", Label: r.T("importers.progress", "File", im.File), Percent: int(100 * im.Done())}
	here := r.Href("/imports/"+im.ID.String()) + "/progress"
	if im.State == Undoing {
		return d.undoing(r, im, p, here)
	}
	if r.URL.Query().Get("at") == "" {
		p.Poll = fmt.Sprintf("%s?rows=%d&bytes=%d&at=%d", here, im.Position, im.BytesDone, r.Now.UnixMilli())
	} else {
		p.Poll = here + "?" + r.URL.RawQuery
	}
	notes := []string{r.Print.N("importers.progress.rows", int(im.Position))}
	if im.Position == 0 {
		notes[0] = r.T("importers.progress.reading")
	}
	speed := im.SpeedSince(rows, bytes, since, r.Now)
	if speed.Rows > 0 {
		notes = append(notes, r.T("importers.progress.rate", "Rows", r.Print.Int(int64(speed.Rows))))
	}
	if speed.Left > 0 {
		notes = append(notes, r.T("importers.progress.left", "Time", r.Print.Duration(max(speed.Left, time.Second))))
	}
	if im.Counts.Bad > 0 {
		notes = append(notes, r.Print.N("importers.progress.bad", int(im.Counts.Bad)))
	}
	p.Note = strings.Join(notes, ", ")
	return p, nil
}

// undoing is how much of an import is taken back: what is left of its orders.
func (d door) undoing(r *web.Request, im Import, p kit.Progress, here string) (kit.Progress, error) {
	var left int64
	err := d.db.QueryRow(r.Context(), `
		select (select count(*) from orders where import_id = $1) + (select count(*) from walkin_orders where import_id = $1)
			+ (select count(*) from customers where import_id = $1)
			+ (select count(*) from subscription_states where import_id = $1)`, int64(im.ID)).Scan(&left)
	if err != nil {
		return p, fmt.Errorf("count what is left of an import: %w", err)
	}
	total := max(im.Counts.New+im.Counts.Customers+int64(im.Counts.Subscriptions.New+im.Counts.Subscriptions.Changed), left, 1)
	p.Label, p.Percent, p.Poll = r.T("importers.undoing", "File", im.File), int(100*(total-left)/total), here+"?rows=0&bytes=0&at=0"
	p.Note = r.Print.N("importers.undoing.left", int(left))
	return p, nil
}
