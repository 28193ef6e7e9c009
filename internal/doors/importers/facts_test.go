package importers_test

import (
	"database/sql"
	"testing"

	"regulars/internal/doors/importers"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

// bring imports a file of the disk into a shop of its currency and zone, with
// all its reactions.
func bring(t testing.TB, db *store.DB, path string) importers.Import {
	t.Helper()
	s := proposed(t, db, path)
	testkit.Do(t, db, func(tx *store.Tx) error {
		shop := workspace.Guess
		shop.Currency, shop.Zone = "GBP", "Europe/London"
		if s.Settings.Currency != "" {
			shop.Currency, shop.Zone = s.Settings.Currency, s.Settings.Zone
		}
		return workspace.Save(t.Context(), tx, 0, shop)
	})
	return bringIn(t, db, s)
}

func react(t testing.TB, db *store.DB) {
	t.Helper()
	kinds := append(timeline.Jobs(db, []timeline.Subscription{facts.Subscription}), facts.Jobs(db)...)
	kinds = append(kinds, customers.Jobs(db)...)
	if err := jobs.Drain(t.Context(), db, kinds); err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, db *store.DB, query string, args ...any) int64 {
	t.Helper()
	var n sql.NullInt64
	if err := db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n.Int64
}

func TestOnlineRetailComesInWithTheFactsThatArePublishedOfIt(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole file")
	}
	path := testkit.Data(t, "online_retail.csv.zst")
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{Exclusive: true})
			im := bring(t, db, path)
			for what, c := range map[string]struct {
				query string
				want  int64
			}{
				"customers":                       {`select count(*) from customers`, 4372},
				"customers who bought":            {`select count(*) from customer_facts where orders > 0`, 4338},
				"customers who bought again":      {`select count(*) from customer_facts where orders > 1`, 2845},
				"first bought in December 2010":   {`select count(*) from customer_facts where first_order_day < '2011-01-01'`, 885},
				"of these again in January":       {`select count(distinct o.customer_id) from orders o join customer_facts f on f.customer_id = o.customer_id where o.purchase and o.placed_day >= '2011-01-01' and o.placed_day < '2011-02-01' and f.first_order_day < '2011-01-01'`, 324},
				"lines of customers":              {`select count(*) from order_lines`, 406829},
				"lines of walk-in sales":          {`select count(*) from walkin_order_lines`, 135080},
				"returns of customers":            {`select count(*) from orders where is_return`, 3654},
				"products that are postage, fees": {`select count(*) from products where kind = 'service' and sku in ('POST', 'DOT', 'M', 'D', 'BANK CHARGES', 'AMAZONFEE', 'CRUK', 'S', 'C2', 'PADS', 'B')`, 11},
				"customers with a gift only":      {`select count(*) from customer_facts where orders = 0 and refunds = 0`, 1},
			} {
				if got := number(t, db, c.query); got != c.want {
					t.Errorf("%s: %d, want %d", what, got, c.want)
				}
			}
			if im.Position != 541909 || im.Counts.Bad != 0 || im.Counts.Lines != 541909 || im.Counts.Customers != 4372 {
				t.Errorf("the import counted %+v over %d rows", im.Counts, im.Position)
			}
			// Quantity × price of all lines of the file, to the penny.
			sales := number(t, db, `select cast(sum(case when is_return then -total_minor else total_minor end) as bigint) from orders`)
			walkins := number(t, db, `select cast(sum(case when is_return then -total_minor else total_minor end) as bigint) from walkin_orders`)
			if got := sales + walkins; got != 974774793 {
				t.Errorf("the sales come to %d, want 974774793 (9,747,747.93)", got)
			}
			rebuilt, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { t.Errorf("%+v", d) })
			if err != nil || rebuilt.Customers != 4372 {
				t.Errorf("rebuilt %+v, %v", rebuilt, err)
			}
			again := bring(t, db, path)
			if c := again.Counts; c.New != 0 || c.Changed != 0 || c.Lines != 0 || c.Customers != 0 || c.Same != im.Counts.New {
				t.Errorf("the same file again: %+v, want nothing but %d as they were", c, im.Counts.New)
			}
		})
	}
}

func TestCDNOWComesInWithEveryPurchaseAlthoughNoneHasANumber(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole file")
	}
	path := testkit.Data(t, "cdnow_master.txt")
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Exclusive: true})
	im := bring(t, db, path)
	if im.Counts.Customers != 23570 || im.Counts.New != 69659 || im.Counts.Bad != 0 {
		t.Errorf("counted %+v; want 69,659 purchases of 23,570 customers", im.Counts)
	}
	if got := number(t, db, `select count(*) from orders`); got != 69659 {
		t.Errorf("%d orders", got)
	}
	again := bring(t, db, path)
	if again.Counts.New != 0 || again.Counts.Same != 69659 {
		t.Errorf("the same file again: %+v", again.Counts)
	}
}
