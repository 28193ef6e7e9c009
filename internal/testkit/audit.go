package testkit

import (
	"database/sql"
	"io/fs"
	"strings"
	"testing"

	"regulars/internal/platform/store"
)

// Audited reads what the audit log says of one member of staff, from the
// oldest: action, subject and names of fields. It fails where a module's texts
// have no words for an action.
func Audited(t testing.TB, db *store.DB, by int64, module fs.FS) []string {
	t.Helper()
	texts, err := fs.ReadFile(module, "text/en.json")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := store.All(t.Context(), db, func(rows *sql.Rows) (string, error) {
		var action, subject, fields string
		err := rows.Scan(&action, &subject, &fields)
		if !strings.Contains(string(texts), `"audit.`+action+`":`) {
			t.Errorf("there are no words for %q", action)
		}
		return strings.TrimSuffix(action+" "+subject+" "+strings.ReplaceAll(fields, ",", " "), " "), err
	}, `select action, subject, fields from audit where user_id = $1 order by id`, by)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
