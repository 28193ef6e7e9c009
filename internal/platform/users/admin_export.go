package users

import (
	"iter"
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

// exportAudit answers with the lines of the audit log that are asked for as a
// file, a row for each field, and notes that in the log.
func exportAudit(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		if err := AuditExport(r.Context(), db, Change{By: r.Staff.ID, Action: "audit.exported"}); err != nil {
			return err
		}
		all, err := List(r.Context(), db)
		if err != nil {
			return err
		}
		names := namesOf(all)
		columns := slices.Concat(export.Columns(export.Text, "id"), export.Columns(export.Time, "at"),
			export.Columns(export.Text, "user", "name", "action", "done", "subject", "subject_name", "field", "before", "after"))
		return r.Export(w, "audit", columns, func(yield func([]string, error) bool) {
			f := askedLines(r)
			f.Limit, f.Before = auditFileSlice, 0
			for {
				lines, err := AuditLog(r.Context(), db, f)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, l := range lines {
					f.Before = l.ID
					for row := range l.rows(r, names) {
						if !yield(row, nil) {
							return
						}
					}
				}
				if len(lines) < auditFileSlice {
					return
				}
			}
		})
	}
}

// rows are a line's rows of the file: one a field, or one alone.
func (l Line) rows(r *web.Request, names map[string]string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		by := ""
		if l.By != 0 {
			by = l.By.String()
		}
		row := []string{id.Show("aud", l.ID), export.At(l.At, r.Print.Zone()), by, l.who(r), l.Action, r.T("audit." + l.Action), l.Subject, l.whom(names)}
		values := l.Values
		if len(values) == 0 {
			values = []Value{{Field: strings.Join(l.Fields, ", ")}}
		}
		for _, v := range values {
			if !yield(append(row[:len(row):len(row)], v.Field, v.Before, v.After)) {
				return
			}
		}
	}
}
