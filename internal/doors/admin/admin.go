// Package admin is the front of the house for staff: the home page, the
// search over everything, and what the program says of itself.
//
// Its one rule: it shows what the modules hold and owns nothing; it has no
// table, and what it changes it changes by the verbs of the owner.
package admin

import (
	"embed"
	"slices"

	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Key: "admin.place.home", Href: "/", Icon: "home", Order: 0, Role: web.Viewer},
	{Section: "users.section.house", Key: "admin.place.jobs", Href: "/jobs", Icon: "list-check", Order: 940, Role: web.Manager, Under: "/status"},
	{Section: "users.section.house", Key: "admin.place.status", Href: "/status", Icon: "activity", Order: 930, Role: web.Manager},
	{Section: "users.section.house", Key: "admin.place.about", Href: "/about", Icon: "info-circle", Order: 990, Role: web.Viewer},
}

// Admin is the list of this module's pages. Places are those of all modules:
// they can be searched, and tell which pages there are to lead to. Version is
// the program's own.
func Admin(db *store.DB, places []web.Place, version string) []web.Route {
	d := door{db, places, version, &lately{}}
	return []web.Route{
		{Pattern: "GET /{$}", Role: web.Viewer, Handler: d.home},
		{Pattern: "GET /search", Role: web.Viewer, Handler: d.search},
		{Pattern: "GET /about", Role: web.Viewer, Handler: d.about},

		{Pattern: "GET /status", Role: web.Manager, Handler: d.status},

		{Pattern: "GET /jobs", Role: web.Manager, Handler: d.jobs},
		{Pattern: "GET /jobs/export", Role: web.Manager, Handler: d.exportJobs},
		{Pattern: "POST /jobs/attempt", Role: web.Manager, Handler: d.retryJobs},
		{Pattern: "POST /jobs/cancellation", Role: web.Manager, Handler: d.cancelJobs},
		{Pattern: "POST /jobs/{job}/attempt", Role: web.Manager, Handler: d.retryJobs},
		{Pattern: "POST /jobs/{job}/cancellation", Role: web.Manager, Handler: d.cancelJobs},
	}
}

type door struct {
	db      *store.DB
	places  []web.Place
	version string
	lately  *lately
}

// leads returns the address of a page if there is one and the person may see
// it, else "".
func (d door) leads(r *web.Request, path string) string {
	if slices.ContainsFunc(d.places, func(p web.Place) bool { return p.Href == path && r.Can(p.Role) }) {
		return r.Href(path)
	}
	return ""
}
