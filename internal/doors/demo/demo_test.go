package demo

import (
	"context"
	"os"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func tables() []customers.Table {
	var all []customers.Table
	for _, list := range [][]customers.Table{customers.Tables, orders.Tables, facts.Tables} {
		all = append(all, list...)
	}
	return all
}

func drain(ctx context.Context, db *store.DB) error {
	kinds := timeline.Jobs(db, []timeline.Subscription{facts.Subscription})
	kinds = append(kinds, customers.Jobs(db)...)
	kinds = append(kinds, orders.Jobs(db)...)
	kinds = append(kinds, facts.Jobs(db)...)
	return jobs.Drain(ctx, db, kinds)
}

func TestBig(t *testing.T) {
	if os.Getenv("BIG") == "" {
		t.Skip()
	}
	db := testkit.Open(t, testkit.DSN(t, os.Getenv("BIG")), store.Options{Exclusive: true})
	began := time.Now()
	made, err := Make(t.Context(), db, Options{Tables: tables()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(made, time.Since(began))
	began = time.Now()
	var n int
	db.QueryRow(t.Context(), `select count(*) from jobs`).Scan(&n)
	if err := drain(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	t.Log("drain", n, time.Since(began))
	began = time.Now()
	r, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { t.Error(d) })
	t.Log(r, err, time.Since(began))
	d, _ := customers.Duplicates(t.Context(), db, 20)
	t.Log(len(d), d)
}
