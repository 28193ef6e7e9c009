package backup

import (
	"embed"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

	"regulars/internal/platform/export"
	"regulars/internal/platform/store"
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
	{Section: "users.section.house", Key: "backup.place", Href: "/settings/backups", Icon: "archive", Order: 941, Role: web.Owner, Under: "/status"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB, setup Setup) []web.Route {
	d := door{db, setup}
	return []web.Route{
		{Pattern: "GET /settings/backups", Role: web.Owner, Handler: d.show},
		{Pattern: "POST /settings/backups", Role: web.Owner, Handler: d.save},
		{Pattern: "POST /settings/backups/now", Role: web.Owner, Handler: d.now},
		{Pattern: "GET /settings/backups/export", Role: web.Owner, Handler: d.export},
	}
}

type door struct {
	db    *store.DB
	setup Setup
}

type settingsPage struct {
	Embedded bool
	Folder   string
	Erasures string
	Stats    []kit.Stat
	Trouble  string
	Told     bool // with what to lock was told at the start
	Form     *web.Form
	Hours    []kit.Option
	Locked   bool
	Table    kit.Table
}

func (d door) show(w http.ResponseWriter, r *web.Request) error {
	s, _, err := Load(r.Context(), d.db)
	if err != nil {
		return err
	}
	f := r.NewForm().Set("hour", strconv.Itoa(s.Hour)).Set("daily", strconv.Itoa(s.Daily)).Set("weekly", strconv.Itoa(s.Weekly)).
		Set("monthly", strconv.Itoa(s.Monthly)).Set("recipient", s.Recipient)
	if s.On {
		f.Set("on", "1")
	}
	return d.render(w, r, http.StatusOK, f)
}

func (d door) render(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	s, last, err := Load(r.Context(), d.db)
	if err != nil {
		return err
	}
	dir := d.setup.In(d.db)
	p := settingsPage{Embedded: d.db.Embedded(), Folder: dir, Form: f, Locked: s.Locked, Told: d.setup.Passphrase != "" || d.setup.Recipient != ""}
	if dir != "" {
		p.Erasures = ErasuresFile(dir, stem(d.db.Name()))
	}
	if last.Trouble != "" {
		p.Trouble = r.T("backup.trouble."+last.Trouble, "Folder", dir)
	}
	for h := range 24 {
		p.Hours = append(p.Hours, kit.Option{Value: strconv.Itoa(h), Text: clock(h)})
	}
	if !p.Embedded {
		return r.RenderStatus(w, status, "backup/page.html", p)
	}
	all, err := Folder(dir, stem(d.db.Name()))
	if err != nil {
		return err
	}
	p.Stats = d.stats(r, s, last, all)
	p.Table = d.table(r, all)
	return r.RenderStatus(w, status, "backup/page.html", p)
}

func (d door) stats(r *web.Request, s Settings, last Last, all []Kept) []kit.Stat {
	newest := kit.Stat{Label: r.T("backup.last"), Icon: "archive", Value: r.T("backup.never")}
	size := kit.Stat{Label: r.T("backup.size"), Icon: "database", Value: "–"}
	if !last.At.IsZero() {
		newest.Value, newest.Note = r.Print.Ago(last.At, r.Now), r.Print.Time(last.At)
		size.Value, size.Note = r.Print.Bytes(last.Bytes), filepath.Base(last.File)
	}
	var sum int64
	for _, k := range all {
		sum += k.Bytes
	}
	kept := kit.Stat{Label: r.T("backup.kept"), Icon: "list-check", Value: r.Print.Int(int64(len(all))), Note: r.T("backup.kept.size", "Size", r.Print.Bytes(sum))}
	next := kit.Stat{Label: r.T("backup.next"), Icon: "clock", Value: r.T("backup.next.never")}
	switch {
	case r.Shop.Demo:
		next.Value, next.Note = "–", r.T("backup.next.demo")
	case s.On:
		next.Value, next.Note = clock(s.Hour), r.T("backup.next.daily")
	}
	return []kit.Stat{newest, size, kept, next}
}

func (d door) table(r *web.Request, all []Kept) kit.Table {
	t := kit.Table{ID: "backups", Caption: r.T("backup.kept"), First: true, Path: r.Href("/settings/backups"), Query: r.URL.Query(),
		Columns: []kit.Column{{Key: "at", Title: r.T("backup.column.at")}, {Key: "file", Title: r.T("backup.column.file")},
			{Key: "locked", Title: r.T("backup.column.locked")}, {Key: "size", Title: r.T("backup.column.size"), Number: true}},
		Empty: kit.Empty{Icon: "archive", Title: r.T("backup.none-yet"), Text: r.T("backup.none-yet.text")}}
	if len(all) > 0 {
		t.Export = r.Href("/settings/backups/export")
		t.Total = r.Print.N("backup.total", len(all))
	}
	for _, k := range all {
		locked := kit.Badge(kit.Plain, r.T("backup.open"))
		if k.Locked {
			locked = kit.Badge(kit.Good, r.T("backup.locked"))
		}
		t.Rows = append(t.Rows, kit.Row{Cells: []any{r.Print.Time(k.At), filepath.Base(k.File), locked, r.Print.Bytes(k.Bytes)}})
	}
	return t
}

func (d door) export(w http.ResponseWriter, r *web.Request) error {
	all, err := Folder(d.setup.In(d.db), stem(d.db.Name()))
	if err != nil {
		return err
	}
	var rows [][]string
	for _, k := range all {
		rows = append(rows, []string{export.At(k.At, r.Print.Zone()), k.File, strconv.FormatBool(k.Locked), strconv.FormatInt(k.Bytes, 10)})
	}
	return r.Export(w, "backups", slices.Concat(export.Columns(export.Time, "made_at"), export.Columns(export.Text, "file"),
		export.Columns(export.Bool, "encrypted"), export.Columns(export.Number, "bytes")), web.Rows(rows))
}

func (d door) save(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	s := Settings{On: f.Bool("on"), Hour: f.Int("hour", 0, 23), Daily: f.Int("daily", 0, 1000), Weekly: f.Int("weekly", 0, 1000),
		Monthly: f.Int("monthly", 0, 1000), Recipient: f.Text("recipient", 200), Locked: !f.Bool("unlock")}
	passphrase := f.Values.Get("passphrase")
	if passphrase != "" && len(passphrase) < minPassphrase {
		f.Wrong("passphrase", r.T("backup.passphrase.short"))
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error { return Save(r.Context(), tx, r.Staff.ID, s, passphrase) }))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.render(w, r, http.StatusUnprocessableEntity, f)
	}
	r.Flash(w, "good", r.T("backup.saved"))
	return r.Redirect(w, "/settings/backups")
}

func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

// minPassphrase is the least length; a file can be guessed at for ever.
const minPassphrase = 12

func (d door) now(w http.ResponseWriter, r *web.Request) error {
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if err := Now(r.Context(), tx); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "backup.asked"})
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("backup.begun"))
	return r.Redirect(w, "/settings/backups")
}
