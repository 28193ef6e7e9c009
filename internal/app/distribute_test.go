package app_test

import (
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"regulars/internal/app"
	"regulars/internal/app/migrations"
	"regulars/internal/doors/demo"
	"regulars/internal/know/facts"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// TestADatabaseThatHasGrownIsSpreadOverAClusterWithAllThatIsInIt runs on a
// real cluster only.
func TestADatabaseThatHasGrownIsSpreadOverAClusterWithAllThatIsInIt(t *testing.T) {
	dsn, cluster := testkit.Grown(t)
	open := func() *app.App {
		a, err := app.Open(t.Context(), app.Config{DB: dsn, Key: secrets.Format(make([]byte, secrets.KeySize)), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	if _, err := demo.Make(t.Context(), a.DB, demo.Options{Customers: 100, Until: "2026-03-01", Tables: app.Tables()}); err != nil {
		t.Fatal(err)
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Distribute(t.Context(), a.DB, migrations.FS); !errs.Is(err, errs.Invalid) {
		t.Errorf("without Citus: %v", err)
	}
	before := counts(t, a.DB)
	schema, err := store.Schema(t.Context(), a.DB)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	cluster()

	a = open()
	defer a.Close()
	done, err := store.Distribute(t.Context(), a.DB, migrations.FS)
	if err != nil || len(done) < 25 {
		t.Fatalf("%d tables, %v", len(done), err)
	}
	if again, err := store.Distribute(t.Context(), a.DB, migrations.FS); err != nil || len(again) != 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	if after := counts(t, a.DB); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if now, err := store.Schema(t.Context(), a.DB); err != nil || now != schema {
		t.Errorf("the schema is another: %v\n%s", err, now)
	}
	var spread int
	if err := a.DB.QueryRow(t.Context(), `select count(*) from pg_dist_partition where partmethod = 'h'`).Scan(&spread); err != nil || spread < 20 {
		t.Errorf("%d tables are spread, %v", spread, err)
	}
	folded, err := facts.Rebuild(t.Context(), a.DB, func(d facts.Difference) { t.Errorf("facts: %+v", d) })
	if err != nil || folded.Customers == 0 {
		t.Errorf("%+v, %v", folded, err)
	}
}

// counts are the rows of every table of customers, in one text.
func counts(t *testing.T, db *store.DB) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"customers", "customer_keys", "customer_identities", "orders", "order_lines", "walkin_orders", "events", "customer_facts", "products"} {
		var n int
		if err := db.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		b.WriteString(table + " " + strconv.Itoa(n) + "\n")
	}
	return b.String()
}
