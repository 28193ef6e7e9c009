package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
)

var clerk = customers.By{Source: "staff", Actor: 7}

// buyer makes a customer whose name and everything said of them holds the
// word zanzibar, with an order and a return.
func buyer(t *testing.T, db *store.DB, name string) id.Customer {
	t.Helper()
	var c id.Customer
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(t.Context(), tx, customers.Profile{Name: "Zanzibar " + name, Tags: []string{"zanzibar"},
			Identities: []customers.Identity{{Kind: customers.Email, Value: name + "@zanzibar.example"}}})
		if err != nil {
			return err
		}
		products, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
		if err != nil {
			return err
		}
		order, err := orders.Place(t.Context(), tx, orders.Sale{Customer: c, Number: "n-" + name, Source: "till", At: tx.Now.Add(-48 * time.Hour),
			Lines: []orders.Line{{Product: products["tea"], Quantity: 2000, Price: 500, Scale: 2, Total: 1000}}, Note: "zanzibar gift wrap"})
		if err != nil {
			return err
		}
		if err := orders.Cancel(t.Context(), tx, c, order, "other", "zanzibar was too far", clerk); err != nil {
			return err
		}
		return subscribed(t, tx, c, name)
	})
	return c
}

// subscribed gives the customer a subscription that was renewed and ended.
func subscribed(t *testing.T, tx *store.Tx, c id.Customer, name string) error {
	t.Helper()
	terms := orders.Terms{Plan: "Tea box", Status: orders.Active, Amount: 900, Currency: "EUR", Unit: "month", Every: 1, Quantity: 1, StartedAt: tx.Now.AddDate(0, -3, 0)}
	s, err := orders.Subscribe(t.Context(), tx, orders.SubscriptionNews{Customer: c, Source: "shop", External: "s-" + name, At: tx.Now.AddDate(0, -1, 0), Terms: terms})
	if err != nil {
		return err
	}
	if _, err := orders.Renew(t.Context(), tx, orders.Renewal{Source: "shop", External: "s-" + name, Number: "in-" + name, PaidAt: tx.Now.AddDate(0, 0, -7),
		Amount: 900, Currency: "EUR"}); err != nil {
		return err
	}
	return orders.EndSubscription(t.Context(), tx, c, s, orders.Leaving{Reason: "other", Note: "zanzibar has its own tea"}, clerk)
}

func drain(t *testing.T, db *store.DB) {
	t.Helper()
	m, err := modules(db, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := jobs.Drain(t.Context(), db, m.Jobs); err != nil {
		t.Fatal(err)
	}
}

// texts are all rows of a table as text, without what a merge tells of itself.
func texts(t *testing.T, db *store.DB, table string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `select * from `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	skip := []string{"version", "changed_at", "marked_at", "events", "last_event_at"}
	var all []string
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
			if raw, ok := values[i].([]byte); ok {
				values[i] = string(raw)
			}
			if !slices.Contains(skip, c) {
				fmt.Fprintf(&b, "%s=%v ", c, values[i])
			}
		}
		if !strings.Contains(b.String(), "kind=customer.merged") && !strings.Contains(b.String(), "kind=customer.unmerged") {
			all = append(all, b.String())
		}
	}
	slices.Sort(all)
	return all
}

func TestAMergeUndoneLeavesEveryModulesRowsAsTheyWere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b := buyer(t, db, "anna"), buyer(t, db, "berta")
		drain(t, db)
		was := map[string][]string{}
		for _, table := range Tables() {
			if table.Name != "customer_merges" {
				was[table.Name] = texts(t, db, table.Name)
			}
		}
		var merge int64
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			merge, err = customers.MergeInto(t.Context(), tx, Tables(), a, b, clerk)
			return err
		})
		drain(t, db)
		var n, owner int64
		if err := db.QueryRow(t.Context(), `select count(*), min(customer_id) from orders`).Scan(&n, &owner); err != nil || n != 2 || owner != int64(a) {
			t.Errorf("%d orders, the first of %v, %v", n, id.Customer(owner), err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.UndoMerge(t.Context(), tx, Tables(), a, merge, clerk)
			return err
		})
		drain(t, db)
		for _, table := range slices.Sorted(maps.Keys(was)) {
			if now := texts(t, db, table); !slices.Equal(was[table], now) {
				t.Errorf("%s was\n%s\nand is\n%s", table, strings.Join(was[table], "\n"), strings.Join(now, "\n"))
			}
		}
	})
}

func TestAnErasedBuyerStandsInNoTextOfAnyModule(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b := buyer(t, db, "anna"), buyer(t, db, "berta")
		testkit.Do(t, db, func(tx *store.Tx) error {
			for _, c := range []id.Customer{a, b} {
				if err := customers.Audit(t.Context(), tx, c, users.Change{By: 7, Action: "customer.changed",
					Values: users.Changed("name", "Zanzibar", "Zanzibar Anna")}); err != nil {
					return err
				}
			}
			_, err := customers.MergeInto(t.Context(), tx, Tables(), a, b, clerk)
			return err
		})
		drain(t, db)
		schema, err := store.Schema(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		find := func() (places []string) {
			for name := range tablesOf(schema) {
				if strings.Contains(strings.ToLower(strings.Join(texts(t, db, name), "")), "zanzibar") {
					places = append(places, name)
				}
			}
			return places
		}
		if before := find(); !slices.Contains(before, "orders") || !slices.Contains(before, "customers") || !slices.Contains(before, "subscription_states") {
			t.Fatalf("the test's person stands in %v only", before)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, Tables(), a, clerk) })
		drain(t, db)
		if after := find(); len(after) > 0 {
			t.Errorf("the person still stands in %v", after)
		}
		if log, err := users.CheckAudit(t.Context(), db); err != nil || log.Erased != 2 || len(log.Faults) > 0 {
			t.Errorf("the audit log after the erasure: %+v, %v", log, err)
		}
		var n, sum int64
		if err := db.QueryRow(t.Context(), `select count(*), cast(sum(total_minor) as bigint) from orders`).Scan(&n, &sum); err != nil || n != 2 || sum != 2000 {
			t.Errorf("accounting is left with %d orders over %d, %v", n, sum, err)
		}
	})
}

func TestOrdersOfAnErasedBuyerStayWithTheNamelessRecordWhenTheirFileComesAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		file := func(i id.Import, orderNumber string) (c id.Customer, placed orders.Placed) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				made, err := customers.CreateMany(t.Context(), tx, []customers.Profile{{Name: "Zanzibar Anna", Source: "import", Import: i, History: true,
					Identities: []customers.Identity{{Kind: customers.Email, Value: "anna@zanzibar.example"}}}})
				if err != nil {
					return err
				}
				c = made[0]
				products, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
				if err != nil {
					return err
				}
				placed, err = orders.PlaceMany(t.Context(), tx, []orders.Sale{{Customer: c, Number: orderNumber, Source: "import", Import: i, History: true,
					At: tx.Now.Add(-48 * time.Hour).Truncate(time.Hour), Currency: "EUR",
					Lines: []orders.Line{{Product: products["tea"], Quantity: 2000, Price: 500, Scale: 2, Total: 1000}}}})
				return err
			})
			drain(t, db)
			return c, placed
		}
		c, _ := file(1, "n-1")
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, Tables(), c, clerk) })
		drain(t, db)
		if again, placed := file(2, "n-1"); again != c || placed.New != 0 {
			t.Errorf("the same file led to %v with %d new orders, want %v with none", again, placed.New, c)
		}
		if later, placed := file(3, "n-2"); later != c || placed.New != 1 {
			t.Errorf("another old file led to %v with %d new orders, want %v with one", later, placed.New, c)
		}
		schema, err := store.Schema(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		for name := range tablesOf(schema) {
			if strings.Contains(strings.ToLower(strings.Join(texts(t, db, name), "")), "zanzibar") {
				t.Errorf("the person is back in %s", name)
			}
		}
	})
}
