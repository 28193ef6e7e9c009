package users_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// note writes a line with a value.
func note(t *testing.T, db *store.DB, by id.User, subject, before, after string) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		return users.Audit(t.Context(), tx, users.Change{By: by, Action: "thing.changed", Subject: subject,
			Values: []users.Value{{Field: "colour", Before: before, After: after}}})
	})
}

func intact(t *testing.T, db *store.DB) users.Chain {
	t.Helper()
	c, err := users.CheckAudit(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheAuditLogSaysWhatStoodThereBeforeAndAfter(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Owner)
		ben := add(t, db, "Ben", "ben@example.com", web.Agent)
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SetRole(t.Context(), tx, ana, ben, web.Manager) })
		clock.Advance(48 * time.Hour)
		note(t, db, ben, "prd_1", "Růžová", "100% blue_!")
		for _, c := range []struct {
			name string
			f    users.Lines
			want string
		}{
			{"by", users.Lines{By: ana}, "user.changed role agent→manager"},
			{"action", users.Lines{Action: "user.changed"}, "user.changed role agent→manager"},
			{"subject", users.Lines{Subject: ben.String(), Action: "user.changed"}, "user.changed role agent→manager"},
			{"text, in any case and without accents", users.Lines{Text: "ruzova"}, "thing.changed colour Růžová→100% blue_!"},
			{"signs are themselves", users.Lines{Text: "100% BLUE_!"}, "thing.changed colour Růžová→100% blue_!"},
			{"signs are nothing else", users.Lines{Text: "%"}, "thing.changed colour Růžová→100% blue_!"},
			{"part of a subject", users.Lines{Text: "PRD_"}, "thing.changed colour Růžová→100% blue_!"},
			{"from", users.Lines{From: clock.Now().Add(-time.Hour)}, "thing.changed colour Růžová→100% blue_!"},
			{"to", users.Lines{To: clock.Now().Add(-time.Hour), By: ana}, "user.changed role agent→manager"},
			{"nothing", users.Lines{Text: "green"}, ""},
		} {
			c.f.Limit = 10
			lines, err := users.AuditLog(t.Context(), db, c.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range lines {
				for _, v := range l.Values {
					got = append(got, l.Action+" "+v.Field+" "+v.Before+"→"+v.After)
				}
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestALineOfTheAuditLogThatWasTouchedIsSeen(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		if c := intact(t, db); len(c.Faults) > 0 {
			t.Fatalf("an empty log: %v", c.Faults)
		}
		for i := range 600 { // more than a slice of the check
			note(t, db, 0, fmt.Sprintf("prd_%d", i), "red", "blue")
		}
		if c := intact(t, db); c.Lines != 600 || len(c.Faults) > 0 {
			t.Fatalf("%+v", c)
		}
		for _, c := range []struct{ name, sql, want string }{
			{"changed", `update audit set subject = 'prd_0' where seq = 7`, "line 7"},
			{"given to somebody else", `update audit set user_id = 5 where seq = 600`, "line 600"},
			{"taken out", `delete from audit where seq = 300`, "lines 300 to 300 are missing"},
			{"the last taken out", `delete from audit where seq > 590`, "ends with line 590"},
			{"value changed", `update audit_values set body = replace(body, 'blue', 'pink') where audit_id = (select id from audit where seq = 12)`, "fields of line 12"},
			{"value taken out", `delete from audit_values where audit_id = (select id from audit where seq = 501)`, "line 501 (thing.changed) is missing"},
			{"end taken back", `update audit_head set seq = 600, hash = (select hash from audit where seq = 599) where id = 1`, "not sealed"},
			{"end taken out", `delete from audit_head`, "end of the chain is missing"},
		} {
			touched := touch(t, db, c.sql)
			if got := strings.Join(touched.Faults, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}

// touch does what the program never does to a log, checks it, and puts the
// log back as it was.
func touch(t *testing.T, db *store.DB, sql string) (found users.Chain) {
	t.Helper()
	type row struct {
		table  string
		values []any
	}
	columns := map[string]string{
		"audit":        "id, at, user_id, action, subject, fields, seq, digest, hash",
		"audit_values": "audit_id, body, words", "audit_head": "id, seq, hash, sealed",
	}
	var kept []row
	for table, names := range columns {
		rows, err := db.Query(t.Context(), `select `+names+` from `+table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, strings.Count(names, ",")+1)
			into := make([]any, len(values))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, row{table, values})
		}
		rows.Close()
	}
	exec := func(tx *store.Tx, sql string, args ...any) error {
		_, err := tx.Exec(t.Context(), sql, args...)
		return err
	}
	testkit.Do(t, db, func(tx *store.Tx) error { return exec(tx, sql) })
	found = intact(t, db)
	testkit.Do(t, db, func(tx *store.Tx) error {
		for table := range columns {
			if err := exec(tx, `delete from `+table); err != nil {
				return err
			}
		}
		for _, r := range kept {
			if err := exec(tx, `insert into `+r.table+` (`+columns[r.table]+`) values (`+store.List(1, len(r.values))+`)`, r.values...); err != nil {
				return err
			}
		}
		return nil
	})
	return found
}

func TestLinesWrittenAtTheSameMomentStandInOneChain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					return users.Audit(t.Context(), tx, users.Change{Action: "thing.changed", Subject: fmt.Sprint(i)})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if c := intact(t, db); c.Lines != 20 || len(c.Faults) > 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestAfterALostKeyTheLogGoesOn(t *testing.T) {
	db := testkit.DB(t)
	note(t, db, 0, "prd_1", "red", "blue")
	testkit.Do(t, db, func(tx *store.Tx) error { return users.ForgetSecrets(t.Context(), tx) })
	if c := intact(t, db); c.Lines != 2 || len(c.Faults) > 0 {
		t.Errorf("%+v", c)
	}
}
