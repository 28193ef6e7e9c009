package users

import (
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// exportStaff answers with who may sign in, as a file.
func exportStaff(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		all, err := List(r.Context(), db)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, u := range all {
			_, state := u.state()
			rows = append(rows, []string{u.ID.String(), u.Name, u.Email, u.Role.String(), r.T(state), export.At(u.SignedInAt, r.Print.Zone())})
		}
		columns := []export.Column{{Key: "id"}, {Key: "name", Title: r.T("users.field.name")}, {Key: "email", Title: r.T("users.field.email")},
			{Key: "role", Title: r.T("users.field.role")}, {Key: "state", Title: r.T("users.field.state")},
			{Key: "signed_in_at", Title: r.T("users.field.signed-in"), Kind: export.Time}}
		return r.Export(w, "staff", columns, web.Rows(rows))
	}
}

// exportAudit answers with the audit log as a file, of one member of staff or
// of all.
func exportAudit(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		by, _ := id.ParseUser(r.URL.Query().Get("by")) // one that is no id shows all
		columns := slices.Concat(export.Columns(export.Text, "id"), export.Columns(export.Time, "at"),
			export.Columns(export.Text, "user", "name", "action", "subject", "fields"))
		return r.Export(w, "audit", columns, func(yield func([]string, error) bool) {
			const some = 1000
			for before := int64(0); ; {
				lines, err := AuditLog(r.Context(), db, by, before, some)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, l := range lines {
					if !yield([]string{id.Show("aud", l.ID), export.At(l.At, r.Print.Zone()), l.By.String(), l.Name, l.Action, l.Subject,
						strings.Join(l.Fields, ", ")}, nil) {
						return
					}
				}
				if len(lines) < some {
					return
				}
				before = lines[some-1].ID
			}
		})
	}
}
