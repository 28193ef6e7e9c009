package importers_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"regulars/internal/doors/importers"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// unlike are the columns that are not as they were after an undoing, and need
// not be: counters of changes and the times of writing.
var unlike = []string{"version", "changed_at", "recorded_at", "marked_at"}

// contents are all rows that imports can touch, as text in order.
func contents(t testing.TB, db *store.DB) map[string][]string {
	t.Helper()
	// Categories are not among them: shelves stay for the shop to arrange.
	names := []string{"walkin_orders", "walkin_order_lines", "walkin_order_changes", "products", "rates", "import_errors"}
	// Nor are scores, which follow later by work of their own.
	for _, table := range slices.Concat(customers.Tables, orders.Tables, facts.Tables) {
		names = append(names, table.Name)
	}
	all := map[string][]string{}
	for _, name := range names {
		rows, err := db.Query(t.Context(), `select * from `+name)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for i, c := range columns {
				if !slices.Contains(unlike, c) {
					fmt.Fprintf(&b, "%s=%v ", c, plain(values[i]))
				}
			}
			all[name] = append(all[name], b.String())
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		slices.Sort(all[name])
	}
	return all
}

func plain(v any) any {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

// same expects two contents to be equal and names what differs.
func same(t testing.TB, what string, want, got map[string][]string) {
	t.Helper()
	for name, rows := range want {
		for _, row := range rows {
			if _, ok := slices.BinarySearch(got[name], row); !ok {
				t.Errorf("%s: %s lacks %s", what, name, row)
			}
		}
	}
	for name, rows := range got {
		for _, row := range rows {
			if _, ok := slices.BinarySearch(want[name], row); !ok {
				t.Errorf("%s: %s has %s too much", what, name, row)
			}
		}
	}
}

// anySales is a file of random orders among a few numbers, people and
// products, so that two files tell of the same ones.
func anySales(seed uint64, rows int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	b.WriteString("Order,Date,Email,Phone,Name,SKU,Product,Category,Quantity,Price,Status,Refunded,Promised,Delivered\n")
	for range rows {
		n := r.IntN(60)
		email, phone, name := fmt.Sprintf("p%d@example.com", n%17), "", fmt.Sprintf("Person %d", n%17)
		switch n % 9 {
		case 4:
			email, name = "", ""
		case 5:
			email, phone = "", fmt.Sprintf("+420 777 000 %03d", n)
		}
		status, refunded, promised, delivered := "", "", "", ""
		switch {
		case n%10 == 1 && seed%2 == 0:
			status = "cancelled"
		case n%10 == 2:
			refunded = "1.50"
		case n%10 == 3:
			promised = "2026-02-01"
			if seed%2 == 0 {
				delivered = "2026-02-03"
			}
		}
		sku := r.IntN(12)
		fmt.Fprintf(&b, "%d,2026-01-%02d,%s,%s,%s,S%d,Product %d,Kind %d,%d,%d.5,%s,%s,%s,%s\n", n, 1+n%28, email, phone, name,
			sku, sku, sku%3, 1+r.IntN(3), 1+r.IntN(9), status, refunded, promised, delivered)
	}
	return b.String()
}

func undo(t testing.TB, db *store.DB, i id.Import) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error { return importers.Undo(t.Context(), tx, 0, i) })
	work(t, db)
	if im := state(t, db, i); im.State != importers.Undone {
		t.Fatalf("the import is %s %s", im.State, im.Failure)
	}
}

func TestUndoingAnImportLeavesWhatWasBeforeIt(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		for round := range uint64(rounds) {
			first := begin(t, db, anySales(100+round, 80))
			work(t, db)
			before := contents(t, db)
			second := begin(t, db, anySales(201+round, 120))
			work(t, db)
			undo(t, db, second)
			same(t, fmt.Sprintf("round %d", round), before, contents(t, db))
			rebuilt, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { t.Errorf("facts: %+v", d) })
			if err != nil || rebuilt.Differences > 0 {
				t.Errorf("rebuilt %+v, %v", rebuilt, err)
			}
			undo(t, db, first)
			for name, rows := range contents(t, db) {
				if len(rows) > 0 {
					t.Errorf("round %d: %s has %d rows although all is undone, such as %s", round, name, len(rows), rows[0])
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}

func TestUndoingTheFirstOfTwoImportsLeavesWhatTheSecondTold(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		short, long := manySales(40, 0), manySales(80, 0)
		first := begin(t, db, short)
		work(t, db)
		second := begin(t, db, long)
		work(t, db)
		if im := state(t, db, second); im.Counts.New != 40 || im.Counts.Customers != 37 {
			t.Errorf("the longer file adds %+v, want 40 orders", im.Counts)
		}
		undo(t, db, first)
		if n := number(t, db, `select (select count(*) from orders) + (select count(*) from walkin_orders)`); n < 40 {
			t.Errorf("%d orders are left of the second file", n)
		}
		third := begin(t, db, long)
		work(t, db)
		whole(t, db, ordersAsTold(t, long))
		undo(t, db, second)
		undo(t, db, third)
		if n := number(t, db, `select (select count(*) from orders) + (select count(*) from walkin_orders) + (select count(*) from customers)`); n != 0 {
			t.Errorf("%d rows are left although all is undone", n)
		}
		if err := testErr(t, db, func(tx *store.Tx) error { return importers.Undo(t.Context(), tx, 0, third) }); err == nil {
			t.Error("an import is undone twice")
		}
	})
}

func testErr(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) error {
	t.Helper()
	return db.Tx(t.Context(), fn)
}
