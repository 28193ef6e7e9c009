package importers_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// TestAReportOfAShopsFileCountsWhatAnImportWouldStore holds the two readers of
// files equal, for every shop.
func TestAReportOfAShopsFileCountsWhatAnImportWouldStore(t *testing.T) {
	for _, names := range [][]string{
		{"shopify_orders.csv"}, {"shopify_orders_2012.csv", "shopify_orders.csv"}, {"woocommerce_webtoffee.csv"}, {"woocommerce_skyverge.csv"},
		{"woocommerce_analytics_orders.csv"}, {"stripe_payments.csv"}, {"stripe_payments_2014.csv", "stripe_payments_unified.csv"},
		{"square_transactions.csv"}, {"square_items.csv"}, {"square_items.csv", "square_transactions.csv"},
	} {
		db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Exclusive: true})
		settle(t, db)
		var sources []importers.Source
		bad := int64(0)
		for _, name := range names {
			path := filepath.Join("testdata", "shops", name)
			bad += fromPath(t, db, path).Counts.Bad
			sources = append(sources, fileOf(t, path))
		}
		l, err := importers.ReadLedger(t.Context(), sources, importers.LedgerOptions{Currency: "EUR", Zone: "Europe/Prague", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(names, err)
		}
		for what, c := range map[string]struct {
			got   int64
			query string
		}{
			"purchases":          {int64(len(l.Purchases.Day)), `select count(*) from orders where purchase`},
			"what they come to":  {sum(l.Purchases.AmountMinor), `select coalesce(cast(sum(base_minor) as bigint), 0) from orders where purchase`},
			"who bought":         {int64(buyers(l.Purchases)), `select count(distinct customer_id) from orders where purchase`},
			"walk-ins":           {l.Counts.Walkins, `select count(*) from walkin_orders where purchase`},
			"of walk-ins":        {l.Counts.WalkinSum, `select coalesce(cast(sum(base_minor) as bigint), 0) from walkin_orders where purchase`},
			"cancelled":          {l.Counts.Cancelled, `select count(*) from orders where cancelled_at is not null`},
			"returns":            {l.Counts.Returns, `select (select count(*) from orders where is_return) + (select count(*) from walkin_orders where is_return)`},
			"what came back":     {l.Counts.ReturnSum, `select coalesce((select cast(sum(total_minor) as bigint) from orders where is_return), 0) + coalesce((select cast(sum(total_minor) as bigint) from walkin_orders where is_return), 0)`},
			"the first purchase": {int64(slices.Min(append(l.Purchases.Day, l.FirstDay))), `select -1`},
		} {
			want := number(t, db, c.query)
			if what == "the first purchase" {
				want = firstDay(t, db)
			}
			if c.got != want {
				t.Errorf("%v: %s: %d, want %d", names, what, c.got, want)
			}
		}
		if l.Counts.Bad != bad {
			t.Errorf("%v: %d bad rows, want %d: %+v", names, l.Counts.Bad, bad, l.Bad)
		}
	}
}

func sum(all []int64) (n int64) {
	for _, v := range all {
		n += v
	}
	return n
}

func buyers(o retention.Orders) int {
	who := slices.Clone(o.Customer)
	slices.Sort(who)
	return len(slices.Compact(who))
}

func firstDay(t testing.TB, db *store.DB) int64 {
	t.Helper()
	day := text(t, db, `select min(d) from (select min(placed_day) as d from orders union all select min(placed_day) from walkin_orders) x`)
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return int64(retention.Day(at.Year(), int(at.Month()), at.Day()))
}
