package admin

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type statusPage struct {
	Overall kit.Alert
	Table   kit.Table
}

// check is one line of the status page.
type check struct {
	what  string // key of its name
	tone  kit.Tone
	text  string
	leads string // page with more, or empty
}

// What is worth a warning.
const (
	lateWarns = time.Minute      // a job that is due and not begun
	lateBad   = 15 * time.Minute // background work stands still
	freeWarns = 2 << 30
	freeBad   = 256 << 20
	slowWarns = 250 * time.Millisecond
)

// status says on one page whether all is well with what the program stands on.
func (d door) status(w http.ResponseWriter, r *web.Request) error {
	checks, err := d.checks(r)
	if err != nil {
		return err
	}
	p := statusPage{Table: kit.Table{
		ID: "status", Caption: r.T("admin.status.title"), First: true, Path: r.Href("/status"), Query: r.URL.Query(),
		Columns: []kit.Column{{Key: "what", Title: r.T("admin.status.what")}, {Key: "state", Title: r.T("admin.jobs.state")}, {Key: "text", Title: r.T("admin.status.text")}},
	}}
	worst := kit.Good
	for _, c := range checks {
		worst = worse(worst, c.tone)
		row := kit.Row{Cells: []any{r.T(c.what), kit.Badge(c.tone, r.T("admin.status.tone."+string(c.tone))), c.text}}
		if c.leads != "" {
			row.Href = d.leads(r, c.leads)
		}
		p.Table.Rows = append(p.Table.Rows, row)
	}
	p.Overall = kit.Alert{Tone: worst, Title: r.T("admin.status.all." + string(worst))}
	return r.Render(w, "admin/status.html", p)
}

func worse(a, b kit.Tone) kit.Tone {
	rank := map[kit.Tone]int{kit.Plain: 0, kit.Good: 1, kit.Warn: 2, kit.Bad: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func (d door) checks(r *web.Request) ([]check, error) {
	h, err := d.db.Look(r.Context())
	if err != nil {
		return nil, err
	}
	database := check{what: "admin.status.database", tone: kit.Good, text: r.T("admin.status.database.text",
		"Engine", h.Engine, "Schema", fmt.Sprint(h.Schema), "Size", bytesOf(r, h.Bytes), "Programs", r.Print.N("admin.status.programs", h.Programs))}
	if h.Took > slowWarns {
		database.tone = kit.Warn
	}
	disk := check{what: "admin.status.disk", tone: kit.Plain, text: r.T("admin.status.disk.unknown")}
	if h.Free >= 0 {
		disk.text = r.T("admin.status.disk.text", "Free", bytesOf(r, h.Free))
		disk.tone = toneOf(h.Free < freeWarns, h.Free < freeBad)
	}
	work, err := d.workCheck(r)
	if err != nil {
		return nil, err
	}
	letters, err := d.mailCheck(r)
	if err != nil {
		return nil, err
	}
	checks := []check{database, disk}
	if d.db.Embedded() {
		saved, err := d.backupCheck(r)
		if err != nil {
			return nil, err
		}
		checks = append(checks, saved)
	}
	checks = append(append(checks, work), letters...)
	hooks, err := lookAtWebhooks(r.Context(), d.db)
	if err != nil || hooks.all == 0 {
		return checks, err
	}
	return append(checks, check{what: "admin.status.webhooks", leads: "/settings/webhooks", tone: toneOf(hooks.failing > 0, hooks.off > 0),
		text: r.T("admin.status.webhooks.text", "All", r.Print.Int(int64(hooks.all)), "Failing", r.Print.Int(int64(hooks.failing)), "Off", r.Print.Int(int64(hooks.off)))}), nil
}

// mailCheck says how the last letter went, if there was one.
func (d door) mailCheck(r *web.Request) ([]check, error) {
	last, err := mail.LastTry(r.Context(), d.db)
	if err != nil || last.At.IsZero() {
		return nil, err
	}
	c := check{what: "admin.status.mail", tone: kit.Good, leads: "/settings/mail", text: r.T("admin.status.mail.went", "Ago", r.Print.Ago(last.At, r.Now))}
	if last.Error != "" {
		c.tone, c.text = kit.Warn, r.T("admin.status.mail.failed", "Ago", r.Print.Ago(last.At, r.Now))
	}
	return []check{c}, nil
}

// oldBackup is when a daily backup is missed.
const oldBackup = 50 * time.Hour

// backupCheck says when the last backup was made, and that one failed.
func (d door) backupCheck(r *web.Request) (check, error) {
	c := check{what: "admin.status.backup", leads: "/settings/backups", tone: kit.Plain, text: r.T("admin.status.backup.none")}
	var at sql.NullInt64
	var size int64
	var trouble string
	err := d.db.QueryRow(r.Context(), `select last_at, last_bytes, trouble from backups where id = 1`).Scan(&at, &size, &trouble)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, nil
	case err != nil:
		return c, fmt.Errorf("look at the backups: %w", err)
	}
	if at.Valid {
		made := time.UnixMicro(at.Int64)
		c.tone = toneOf(r.Now.Sub(made) > oldBackup, false)
		c.text = r.T("admin.status.backup.text", "When", r.Print.Ago(made, r.Now), "Size", bytesOf(r, size))
	}
	if trouble != "" {
		c.tone = kit.Bad
		c.text += " " + r.T("admin.status.backup.failed")
	}
	return c, nil
}

func (d door) workCheck(r *web.Request) (check, error) {
	c := check{what: "admin.status.jobs", leads: "/jobs"}
	counts, err := jobs.Count(r.Context(), d.db, jobs.Filter{})
	if err != nil {
		return c, err
	}
	late, err := jobs.Late(r.Context(), d.db, r.Now)
	if err != nil {
		return c, err
	}
	c.tone = toneOf(late > lateWarns || counts.Dead > 0, late > lateBad)
	c.text = r.T("admin.status.jobs.text", "Waiting", r.Print.Int(int64(counts.Waiting)), "Running", r.Print.Int(int64(counts.Running)), "Dead", r.Print.Int(int64(counts.Dead)))
	if late > lateWarns {
		c.text += " " + r.T("admin.status.jobs.late", "Time", r.Print.Duration(late))
	}
	return c, nil
}

func toneOf(warn, bad bool) kit.Tone {
	switch {
	case bad:
		return kit.Bad
	case warn:
		return kit.Warn
	}
	return kit.Good
}

// bytesOf writes a size in the units that disks are sold by.
func bytesOf(r *web.Request, n int64) string {
	value, unit := float64(n)/1e6, "MB"
	if value >= 1000 {
		value, unit = value/1000, "GB"
	}
	return r.Print.Decimal(value, 1) + " " + unit
}
