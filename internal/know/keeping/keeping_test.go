package keeping_test

import (
	"fmt"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/keeping"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
)

var clerk = customers.By{Actor: 7, Source: "staff"}

func count(t *testing.T, db *store.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// talked makes a customer with a note, a call and a change, at the clock's
// time.
func talked(t *testing.T, db *store.DB, name string) (c id.Customer) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		if c, err = customers.Create(t.Context(), tx, customers.Profile{Name: name}); err != nil {
			return err
		}
		if err := customers.Note(t.Context(), tx, c, clerk, "likes "+name); err != nil {
			return err
		}
		if err := customers.Audit(t.Context(), tx, c, users.Change{By: 7, Action: "customer.changed", Values: users.Changed("name", "x", name)}); err != nil {
			return err
		}
		return users.Audit(t.Context(), tx, users.Change{By: 7, Action: "workspace.changed", Values: users.Changed("name", "x", name)})
	})
	return c
}

func choose(t *testing.T, db *store.DB, days map[string]int) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		return keeping.Choose(t.Context(), tx, 7, keeping.Kinds(customers.Tables), days)
	})
}

func run(t *testing.T, db *store.DB) {
	t.Helper()
	if err := keeping.Run(t.Context(), db, keeping.Kinds(customers.Tables)); err != nil {
		t.Fatal(err)
	}
}

func kind(t *testing.T, name string) keeping.Kind {
	t.Helper()
	for _, k := range keeping.Kinds(customers.Tables) {
		if k.Name == name {
			return k
		}
	}
	t.Fatal("no kind is called " + name)
	return keeping.Kind{}
}

func TestNothingIsForgottenUntilAPeriodIsChosen(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		talked(t, db, "Anna")
		clock.Advance(3650 * 24 * time.Hour)
		run(t, db)
		if n := count(t, db, `select count(*) from customer_notes`) + count(t, db, `select count(*) from customers where erased_at is not null`); n != 1 {
			t.Errorf("something is gone after ten years: %d", n)
		}
	})
}

func TestWhatIsOlderThanItsPeriodGoesAndNothingElse(t *testing.T) {
	for name, query := range map[string]string{
		"notes":   `select count(*) from customer_notes`,
		"changes": `select count(*) from customer_changes`,
		"audit":   `select count(*) from audit_values`,
	} {
		t.Run(name, func(t *testing.T) {
			testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
				for i := range 120 { // more than two slices
					talked(t, db, fmt.Sprint("Old ", i))
				}
				clock.Advance(100 * 24 * time.Hour)
				talked(t, db, "New")
				before := count(t, db, query)
				would, err := kind(t, name).Count(t.Context(), db, keeping.Before(db.Now(), 60))
				if err != nil || would != 120 {
					t.Fatalf("%d would go, want 120, %v", would, err)
				}
				lines := count(t, db, `select count(*) from audit`)
				choose(t, db, map[string]int{name: 60})
				run(t, db)
				chosen := 0 // the choice stands in the log with its values
				if name == "audit" {
					chosen = 1
				}
				if gone := before + chosen - count(t, db, query); gone != 120 {
					t.Errorf("%d went", gone)
				}
				if now := count(t, db, `select count(*) from audit`); now != lines+2 {
					t.Errorf("the log had %d lines and has %d", lines, now)
				}
				if proof, err := users.CheckAudit(t.Context(), db); err != nil || len(proof.Faults) > 0 || (name != "notes") != (proof.Aged == 120) {
					t.Errorf("the log does not prove itself any more: %+v %v", proof, err)
				}
				p, err := keeping.Periods(t.Context(), db)
				if err != nil || p[name].Removed != 120 || p[name].RanAt.IsZero() {
					t.Errorf("%+v %v", p, err)
				}
				run(t, db) // again changes nothing
				if p, _ := keeping.Periods(t.Context(), db); p[name].Removed != 120 {
					t.Errorf("again: %+v", p)
				}
			})
		})
	}
}

func TestCustomersOfWhomNothingIsHeardAreErasedWithAReceipt(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		var old []id.Customer
		for i := range 12 {
			old = append(old, talked(t, db, fmt.Sprint("Old ", i)))
		}
		clock.Advance(300 * 24 * time.Hour)
		fresh := talked(t, db, "New")
		testkit.Do(t, db, func(tx *store.Tx) error { // heard of again
			return customers.Tag(t.Context(), tx, old[0], clerk, "back")
		})
		choose(t, db, map[string]int{"inactive": 200})
		run(t, db)
		receipts, err := customers.Receipts(t.Context(), db, 100)
		if err != nil || len(receipts) != 11 {
			t.Fatalf("%d receipts, %v", len(receipts), err)
		}
		for _, r := range receipts {
			if !r.Genuine || r.Customer == fresh || r.Customer == old[0] || r.Removed() == 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestAPeriodBelowTheLeastIsRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return keeping.Choose(t.Context(), tx, 7, keeping.Kinds(customers.Tables), map[string]int{"inactive": 5})
		})
		if !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "inactive" {
			t.Error(err)
		}
	})
}

func TestWhatTheProgramNotesForItselfGoesAfterItsUsualWhileOrTheOneChosen(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		sessions := func() int { return count(t, db, `select count(*) from sessions`) }
		start := func(who id.User) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := users.Start(t.Context(), tx, who, "Firefox on Linux")
				return err
			})
		}
		for i := range 3 {
			start(id.User(i + 1))
		}
		clock.Advance(users.IdleFor + 23*time.Hour)
		start(9)
		run(t, db)
		if n := sessions(); n != 4 {
			t.Errorf("less than a day after their end %d of 4 are left", n)
		}
		clock.Advance(2 * time.Hour)
		choose(t, db, map[string]int{"sessions": 3})
		run(t, db)
		if n := sessions(); n != 4 {
			t.Errorf("with three days chosen, %d of 4 are left after one", n)
		}
		choose(t, db, map[string]int{})
		lines := count(t, db, `select count(*) from audit`)
		run(t, db)
		if n := sessions(); n != 1 {
			t.Errorf("a day after the end of three, %d are left", n)
		}
		if n := count(t, db, `select count(*) from audit`); n != lines {
			t.Error("what goes every night anyhow stands in the audit log")
		}
		if p, err := keeping.Periods(t.Context(), db); err != nil || p["sessions"].Removed != 3 || p["sessions"].RanAt.IsZero() {
			t.Errorf("%+v %v", p["sessions"], err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { // in daily use until its time was over
			_, err := tx.Exec(t.Context(), `update sessions set seen_at = $1, expires_at = $2`, tx.Now.UnixMicro(), tx.Now.Add(-25*time.Hour).UnixMicro())
			return err
		})
		run(t, db)
		if n := sessions(); n != 0 {
			t.Errorf("%d are left whose time was over", n)
		}
	})
}

func TestTheAuditLogSaysHowLongTheProgramsOwnNotesWereKeptAndAre(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		said := func() string {
			lines, err := users.AuditLog(t.Context(), db, users.Lines{Limit: 1})
			if err != nil || len(lines) == 0 {
				return fmt.Sprint(err)
			}
			return fmt.Sprint(lines[0].By, " ", lines[0].Action, " ", lines[0].Values)
		}
		choose(t, db, map[string]int{"sessions": 1})
		if n := count(t, db, `select count(*) from audit`); n != 0 {
			t.Errorf("choosing the usual period is a change: %s", said())
		}
		choose(t, db, map[string]int{"sessions": 7})
		if want := fmt.Sprint(id.User(7), " keeping.changed [{sessions 1 7}]"); said() != want {
			t.Errorf("%s, want %s", said(), want)
		}
	})
}

func TestTheBoundsOfWhatTheProgramNotesForItselfAreHeld(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for n, good := range map[int]bool{-1: false, 1: true, 365: true, 366: false} {
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				return keeping.Choose(t.Context(), tx, 7, keeping.Kinds(customers.Tables), map[string]int{"sessions": n})
			})
			if good != (err == nil) || !good && (!errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "sessions") {
				t.Errorf("%d days: %v", n, err)
			}
		}
	})
}
