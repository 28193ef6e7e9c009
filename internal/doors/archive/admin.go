package archive

import (
	"embed"
	"mime"
	"net/http"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "archive.place", Href: "/settings/archive", Icon: "database", Order: 942, Role: web.Owner, Under: "/status"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB, plan Plan, program string) []web.Route {
	d := door{db, plan, program}
	return []web.Route{
		{Pattern: "GET /settings/archive", Role: web.Owner, Handler: d.show},
		{Pattern: "POST /settings/archive", Role: web.Owner, Handler: d.download},
	}
}

type door struct {
	db      *store.DB
	plan    Plan
	program string
}

func (d door) show(w http.ResponseWriter, r *web.Request) error {
	return r.Render(w, "archive/page.html", struct{}{})
}

// download writes the archive straight to the one who asks: no copy of
// everybody's data is left on the server. It is a post, so that no link and
// no prefetch starts it.
func (d door) download(w http.ResponseWriter, r *web.Request) error {
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "archive.exported"}); err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(6 * time.Hour))
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "regulars-" + r.Now.UTC().Format("20060102") + ".zip"}))
	_, err := Write(r.Context(), d.db, w, d.plan, d.program)
	return err
}
