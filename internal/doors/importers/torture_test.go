package importers_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/importers"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

var tables = slices.Concat(customers.Tables, orders.Tables, facts.Tables, scores.Tables)

// kinds are the background work that an import leads to.
func kinds(db *store.DB) []jobs.Kind {
	return slices.Concat(importers.Jobs(db, tables), timeline.Jobs(db, []timeline.Subscription{facts.Subscription}), facts.Jobs(db),
		customers.Jobs(db), orders.Jobs(db), scores.Jobs(db))
}

func TestMain(m *testing.M) {
	testkit.Child("worker", workUntilKilled)
	os.Exit(browser.Main(m))
}

func workUntilKilled(dsn string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.Options{Migrations: migrations.FS})
	if err != nil {
		return err
	}
	all := kinds(db)
	for i := range all { // so that the next worker need not wait long for the work of a killed one
		all[i].Lease, all[i].Attempts = 300*time.Millisecond, 100_000
		all[i].Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	}
	fmt.Println("ready")
	return jobs.NewRunner(db, all, jobs.Options{Workers: 3, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
}

// manySales is a file of n orders from a number on, with lines that are told
// twice, walk-in sales, returns, and orders whose lines lie far apart.
func manySales(n, from int) string {
	var b strings.Builder
	b.WriteString("Order,Date,Email,Name,SKU,Product,Quantity,Price\n")
	line := func(i, l int) {
		email, name := fmt.Sprintf("c%d@example.com", i%97), fmt.Sprintf("Customer %d", i%97)
		if i%11 == 3 {
			email, name = "", ""
		}
		quantity := 1 + (i+l)%4
		if i%13 == 5 {
			quantity = -quantity
		}
		fmt.Fprintf(&b, "%d,2026-01-%02d 10:%02d,%s,%s,S%d,Product %d,%d,%d.%02d\n", from+i, 1+i%28, i%60, email, name, (i*7+l)%40, (i*7+l)%40, quantity, 1+i%9, l*25)
	}
	for i := range n {
		for l := range 1 + i%4 {
			line(i, l)
			if i%5 == 0 {
				line(i, l) // a genuine second one
			}
		}
	}
	for i := 0; i < n; i += 17 { // lines of orders that began long before
		line(i, 3)
	}
	return b.String()
}

// ordersAsTold are the lines of every order of manySales: number → total in
// minor units and lines.
func ordersAsTold(t testing.TB, file string) map[string][2]int64 {
	t.Helper()
	all := map[string][2]int64{}
	for line := range strings.Lines(file) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if f[0] == "Order" {
			continue
		}
		quantity, err := strconv.ParseInt(f[6], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		price, err := strconv.ParseInt(strings.ReplaceAll(f[7], ".", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		o := all[f[0]]
		all[f[0]] = [2]int64{o[0] + quantity*price, o[1] + 1}
	}
	return all
}

// half compares every order that is in with the file: it is whole, with no
// line too many. It returns how many orders there are.
func half(t testing.TB, db *store.DB, want map[string][2]int64) int {
	t.Helper()
	n := 0
	for _, query := range []string{`
		select o.number, o.is_return, count(*), cast(sum(l.total_minor) as bigint), max(o.lines_minor) from orders o
		left join order_lines l on l.customer_id = o.customer_id and l.order_id = o.order_id group by o.customer_id, o.order_id, o.number, o.is_return`, `
		select o.number, o.is_return, count(*), cast(sum(l.total_minor) as bigint), max(o.lines_minor) from walkin_orders o
		left join walkin_order_lines l on l.order_id = o.order_id group by o.order_id, o.number, o.is_return`} {
		rows, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var number string
			var back bool
			var lines int64
			var sum, total sql.NullInt64
			if err := rows.Scan(&number, &back, &lines, &sum, &total); err != nil {
				t.Fatal(err)
			}
			if back {
				sum.Int64, total.Int64 = -sum.Int64, -total.Int64
			}
			if w := want[number]; sum.Int64 != w[0] || lines != w[1] || total.Int64 != w[0] {
				t.Errorf("order %s has %d lines for %d (the order says %d), the file %d for %d", number, lines, sum.Int64, total.Int64, w[1], w[0])
			}
			n++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestAnImportSurvivesAnyDeathWithoutAHalfOrderOrADoubledLine(t *testing.T) {
	testkit.Torture(t, 6, torture)
}

// torture kills workers while they import a file, undo it, import it anew…
// and looks after each death.
func torture(t *testing.T, dsn string, kills int, chance *testkit.Chance) {
	db := testkit.Open(t, dsn, store.Options{})
	life := 2 * time.Second // in which most of the import is done
	if db.Embedded() {
		life = 1200 * time.Millisecond
	}
	settle(t, db)
	file := manySales(4000, 0)
	want := ordersAsTold(t, file)
	begin(t, db, file)
	during := map[importers.State]int{}
	for range kills {
		worker := startWorker(t, dsn)
		time.Sleep(chance.Within(life))
		during[newest(t, db).State]++
		worker.Kill()
		half(t, db, want)
		turn(t, db, file, want)
		if t.Failed() {
			return
		}
	}
	t.Logf("killed during %v", during)
	worker := startWorker(t, dsn)
	settled(t, db)
	worker.Kill()
	if newest(t, db).State == importers.Undone {
		begin(t, db, file)
		work(t, db)
	}
	whole(t, db, want)
	rebuilt, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { t.Errorf("facts: %+v", d) })
	if err != nil || rebuilt.Customers != 97 {
		t.Errorf("rebuilt %+v, %v", rebuilt, err)
	}
}

// turn begins what is done anew, the other way.
func turn(t *testing.T, db *store.DB, file string, want map[string][2]int64) {
	t.Helper()
	switch im := newest(t, db); im.State {
	case importers.Complete:
		whole(t, db, want)
		testkit.Do(t, db, func(tx *store.Tx) error { return importers.Undo(t.Context(), tx, 0, im.ID) })
	case importers.Undone:
		if n := number(t, db, `select (select count(*) from orders) + (select count(*) from walkin_orders) + (select count(*) from customers)`); n != 0 {
			t.Errorf("%d rows are left of an import that is undone", n)
		}
		begin(t, db, file)
	}
}

// whole expects every order of the file.
func whole(t testing.TB, db *store.DB, want map[string][2]int64) {
	t.Helper()
	im := newest(t, db)
	if n := half(t, db, want); n != len(want) || im.State != importers.Complete {
		t.Errorf("%d of %d orders are in, the import is %s %s", n, len(want), im.State, im.Failure)
	}
}

// settled waits until no job is left.
func settled(t testing.TB, db *store.DB) {
	t.Helper()
	for range 1200 {
		if number(t, db, `select count(*) from jobs where unique_key is null or unique_key not in ('schedule')`) == 0 {
			return
		}
		if !newest(t, db).Active() && number(t, db, `select count(*) from jobs where kind in ('imports.run', 'imports.undo', 'timeline.release', 'timeline.deliver', 'facts.refresh')`) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the work does not end")
}

// startWorker starts a worker and waits until it works.
func startWorker(t testing.TB, dsn string) *testkit.Process {
	t.Helper()
	worker := testkit.StartChild(t, "worker", dsn)
	if said := worker.Said(); said != "ready" {
		t.Fatalf("the worker says %q", said)
	}
	return worker
}

func text(t testing.TB, db *store.DB, query string, args ...any) string {
	t.Helper()
	var s sql.NullString
	if err := db.QueryRow(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s.String
}

func state(t testing.TB, db *store.DB, i id.Import) importers.Import {
	t.Helper()
	im, err := importers.ByID(t.Context(), db, i)
	if err != nil {
		t.Fatal(err)
	}
	return im
}
