package demo

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

const small = 300

func tables() []customers.Table {
	return slices.Concat(customers.Tables, orders.Tables, facts.Tables)
}

// kinds is the background work that a demo store causes.
func backgroundWork(db *store.DB) []jobs.Kind {
	return slices.Concat(timeline.Jobs(db, []timeline.Subscription{facts.Subscription}), customers.Jobs(db), orders.Jobs(db), facts.Jobs(db))
}

// makeSmall makes a small demo store and does all background work.
func makeSmall(t *testing.T, db *store.DB) Made {
	t.Helper()
	made, err := Make(t.Context(), db, Options{Customers: small, Tables: tables()})
	if err != nil {
		t.Fatal(err)
	}
	if err := jobs.Drain(t.Context(), db, backgroundWork(db)); err != nil {
		t.Fatal(err)
	}
	return made
}

func count(t *testing.T, q store.Querier, query string) int {
	t.Helper()
	var n int
	if err := q.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// print is a hash of all facts and orders, without ids.
func fingerprint(t *testing.T, db *store.DB) string {
	t.Helper()
	h := sha256.New()
	for _, query := range []string{
		`select c.name, c.email, c.phone, c.language, c.country, c.joined_day, f.orders, f.spend_minor, f.refunded_minor, f.items,
			coalesce(f.first_order_day, ''), coalesce(f.last_order_day, ''), f.refunds, f.cancellations, f.promises_kept, f.promises_missed, f.last_channel, f.events
			from customers c join customer_facts f on f.customer_id = c.customer_id order by c.name, c.joined_at, c.email, c.phone`,
		`select number, is_return, placed_at, currency, total_minor, base_minor, items, channel, staff, coalesce(promised_day, ''),
			coalesce(delivered_day, ''), coalesce(cancelled_at, 0), reason from orders order by number`,
		`select number, placed_at, currency, total_minor, base_minor, items, channel, staff from walkin_orders order by number`,
	} {
		rows, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]sql.NullString, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				s := strings.NewReplacer("true", "1", "false", "0").Replace(v.String)
				if !v.Valid {
					s = "null"
				}
				fmt.Fprintf(h, "%d=%s\t", i, s)
			}
			n++
		}
		if err := rows.Err(); err != nil || n < small/2 {
			t.Fatalf("%d rows: %v", n, err)
		}
		rows.Close()
		fmt.Fprintln(h, n)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheDemoStoreIsTheSameOnEveryEngineAndEveryTime(t *testing.T) {
	var first string
	for _, name := range []string{"sqlite", "again", "postgres"} {
		t.Run(name, func(t *testing.T) {
			engine := name
			if name == "again" {
				engine = "sqlite"
			}
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{Clock: testkit.NewClock(testkit.Start).Now})
			makeSmall(t, db)
			got := fingerprint(t, db)
			if first == "" {
				first = got
			}
			if got != first {
				t.Error("this store is another one than the first")
			}
			if r, err := facts.Rebuild(t.Context(), db, func(facts.Difference) {}); err != nil || r.Differences > 0 || r.Customers < small {
				t.Errorf("rebuilding the facts: %+v, %v", r, err)
			}
			for what, query := range map[string]string{
				"jobs left over":                   `select count(*) from jobs where state <> 'waiting'`,
				"events that start something":      `select count(*) from events where not history and kind not like 'customer.%'`,
				"orders without a value":           `select count(*) from orders where base_minor is null`,
				"things from elsewhere":            `select count(*) from orders where source <> 'demo'`,
				"customers whose facts are not in": `select count(*) from customers c left join customer_facts f on f.customer_id = c.customer_id where f.customer_id is null`,
			} {
				if n := count(t, db, query); n > 0 {
					t.Errorf("%d %s", n, what)
				}
			}
			now := db.Now().UnixMicro()
			if n := count(t, db, fmt.Sprintf(`select count(*) from events where occurred_at > %d`, now)); n > 0 {
				t.Errorf("%d events lie in the future", n)
			}
		})
	}
}

func TestAnotherLastDayMovesTheCalendarAndNotTheCustomers(t *testing.T) {
	zone := Settings.Location()
	a, err := simulate(time.Date(2026, 3, 1, 0, 0, 0, 0, zone), ownSeed, 2000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := simulate(time.Date(2026, 9, 14, 0, 0, 0, 0, zone), ownSeed, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.people {
		if a.people[i].Name != b.people[i].Name || !slices.Equal(a.people[i].Identities, b.people[i].Identities) {
			t.Fatalf("customer %d is %s on one day and %s on the other", i, a.people[i].Name, b.people[i].Name)
		}
	}
	if d := float64(len(a.sales)) / float64(len(b.sales)); d < 0.98 || d > 1.02 {
		t.Errorf("%d sales on one day, %d on the other", len(a.sales), len(b.sales))
	}
}

func TestADatabaseInUseIsRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		refused := func(why, words string) {
			t.Helper()
			_, err := Make(t.Context(), db, Options{Customers: small, Tables: tables()})
			if !errs.Is(err, errs.Conflict) || !strings.Contains(testkit.Sentence(err), words) {
				t.Errorf("with %s: %v", why, err)
			}
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.Create(t.Context(), tx, customers.Profile{Name: "Ana", Source: "staff"})
			return err
		})
		refused("a customer", "customers: 1")
		if err := Remove(t.Context(), db, true); !errs.Is(err, errs.Invalid) {
			t.Errorf("a database without a demo store was emptied: %v", err)
		}
		if n := count(t, db, `select count(*) from customers`); n != 1 {
			t.Errorf("%d customers are left", n)
		}
	})
}

func TestAStoreThatSomebodySetUpIsRefused(t *testing.T) {
	db := testkit.DB(t)
	testkit.Do(t, db, func(tx *store.Tx) error {
		s := workspace.Guess
		s.Name = "My own"
		return workspace.Save(t.Context(), tx, 0, s)
	})
	if _, err := Make(t.Context(), db, Options{Customers: small}); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
}

func TestRemovingLeavesADatabaseAsNew(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		makeSmall(t, db)
		if _, err := Make(t.Context(), db, Options{Customers: small}); !errs.Is(err, errs.Conflict) {
			t.Errorf("made a second time over the first: %v", err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.Create(t.Context(), tx, customers.Profile{Name: "Ana", Source: "staff"})
			return err
		})
		if err := Remove(t.Context(), db, false); !errs.Is(err, errs.Conflict) || !strings.Contains(testkit.Sentence(err), "customers: 1") {
			t.Errorf("a customer of one's own went with the demo: %v", err)
		}
		if err := Remove(t.Context(), db, true); err != nil {
			t.Fatal(err)
		}
		for _, table := range tablesOf(t, db) {
			if n := count(t, db, `select count(*) from `+table); n > 0 && table != "nodes" {
				t.Errorf("%s still has %d rows", table, n)
			}
		}
		makeSmall(t, db) // and it can be used again
	})
}

var tableName = regexp.MustCompile(`(?m)^table (\w+)$`)

func tablesOf(t *testing.T, db *store.DB) []string {
	t.Helper()
	schema, err := store.Schema(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range tableName.FindAllStringSubmatch(schema, -1) {
		names = append(names, m[1])
	}
	if len(names) < 20 {
		t.Fatalf("only %d tables", len(names))
	}
	return names
}

func TestAnInterruptedDemoLeavesNothing(t *testing.T) {
	db := testkit.DB(t)
	ctx, stop := context.WithCancel(t.Context())
	_, err := Make(ctx, db, Options{Customers: small, Tables: tables(), Report: func(done, of int) {
		if done > of/2 {
			stop()
		}
	}})
	if err == nil {
		t.Fatal("it was finished although it was stopped")
	}
	if n := count(t, db, `select (select count(*) from customers) + (select count(*) from workspace) + (select count(*) from users)`); n > 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestWhatCannotBeMadeIsSaidSo(t *testing.T) {
	db := testkit.DB(t)
	for field, o := range map[string]Options{
		"customers": {Customers: 5},
		"until":     {Until: "yesterday"},
	} {
		if _, err := Make(t.Context(), db, o); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := Make(t.Context(), db, Options{Until: db.Now().Format(time.DateOnly)}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a day that is not over: %v", err)
	}
}

func TestTheOwnerIsLetInAndNotThrownOut(t *testing.T) {
	db := testkit.DB(t)
	makeSmall(t, db)
	first, err := LetIn(t.Context(), db, "")
	if err != nil || len(first) < 12 {
		t.Fatal(first, err)
	}
	if _, err := users.SignIn(t.Context(), db, users.Try{Email: OwnerEmail, Password: first}); err != nil {
		t.Fatal(err)
	}
	if again, err := LetIn(t.Context(), db, ""); again != "" || err != nil {
		t.Errorf("who is signed in got another password: %q, %v", again, err)
	}
	if own, err := LetIn(t.Context(), db, "coffee at six o'clock"); own != "coffee at six o'clock" || err != nil {
		t.Error(own, err)
	}
	if _, err := users.SignIn(t.Context(), db, users.Try{Email: OwnerEmail, Password: "coffee at six o'clock"}); err != nil {
		t.Error(err)
	}
}
