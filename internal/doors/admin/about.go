package admin

import (
	"net/http"
	"runtime"

	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type aboutPage struct{ Terms []kit.Term }

func (d door) about(w http.ResponseWriter, r *web.Request) error {
	database := r.T("admin.about.database.server")
	if d.db.Embedded() {
		database = r.T("admin.about.database.file")
	}
	return r.Render(w, "admin/about.html", aboutPage{Terms: []kit.Term{
		{Name: r.T("admin.about.version"), Value: d.version},
		{Name: r.T("admin.about.licence"), Value: "Apache License 2.0"},
		{Name: r.T("admin.about.database"), Value: database},
		{Name: r.T("admin.about.built"), Value: runtime.Version() + " · " + runtime.GOOS + "/" + runtime.GOARCH},
	}})
}
