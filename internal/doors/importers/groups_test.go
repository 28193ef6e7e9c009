package importers_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// fileOf is a file with the settings that it proposes.
func fileOf(t testing.TB, path string) importers.Source {
	t.Helper()
	s, err := importers.FileSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// proposed is a file with the settings that the command line takes for it.
func proposed(t testing.TB, db *store.DB, path string) importers.Source {
	t.Helper()
	open := func(ctx context.Context) (*sheet.Reader, error) { return sheet.Open(ctx, path, sheet.Options{}) }
	in, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	settings, err := importers.Propose(t.Context(), db, in)
	if err != nil {
		t.Fatal(err)
	}
	return importers.Source{Name: path, Settings: settings, Open: open}
}

// bringIn imports a file, with all its reactions.
func bringIn(t testing.TB, db *store.DB, s importers.Source) importers.Import {
	t.Helper()
	var i id.Import
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		i, err = importers.Create(t.Context(), tx, importers.Import{File: filepath.Base(s.Name), Size: 1, Hash: s.Name, Settings: s.Settings})
		return err
	})
	if err := importers.Run(t.Context(), db, i, s.Open, nil); err != nil {
		t.Fatal(err)
	}
	react(t, db)
	return state(t, db, i)
}

// splitLedger reads files with customers in groups, of which there are labels
// by what the file calls each buyer.
func splitLedger(t testing.TB, by retention.Split, sources ...importers.Source) map[string]string {
	t.Helper()
	l, err := importers.ReadLedger(t.Context(), sources, importers.LedgerOptions{Currency: "EUR", Zone: "Europe/Prague", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Split: by})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, c := range l.Purchases.Customer {
		of[strings.ToLower(l.Label(c))] = l.Groups[l.Group(c)]
	}
	return of
}

// storedGroups are the same as insights tell them of what was imported.
func storedGroups(t testing.TB, db *store.DB, by retention.Split) map[string]string {
	t.Helper()
	labels, in, err := insights.Groups(t.Context(), db, by)
	if err != nil {
		t.Fatal(err)
	}
	type known struct {
		customer int64
		name     string
	}
	all, err := store.All(t.Context(), db, func(rows *sql.Rows) (k known, err error) {
		return k, rows.Scan(&k.customer, &k.name)
	}, `select i.customer_id, i.value from customer_identities i where exists (select 1 from orders o where o.customer_id = i.customer_id and o.purchase and o.cancelled_at is null)`)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, k := range all {
		label := ""
		if n, ok := in[k.customer]; ok {
			label = labels.Names[n]
		}
		if _, own, external := strings.Cut(k.name, ":"); external {
			k.name = own
		}
		of[strings.ToLower(k.name)] = label
	}
	return of
}

// oddShop is a file in which all that decides a group is at odds: rows of one
// order apart, orders of one moment, equal lines, names that come late, postage.
func oddShop(t testing.TB, first, rows int, scattered bool) string {
	rng := rand.New(rand.NewPCG(7, uint64(rows)))
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	var b strings.Builder
	fmt.Fprintln(&b, "order,date,customer,country,channel,sku,product,category,quantity,price")
	for i := range rows {
		order := first + i/3
		if scattered && rng.IntN(9) == 0 {
			order = first + rng.IntN(order-first+1)
		}
		own := rand.New(rand.NewPCG(5, uint64(order)))
		day := 1 + own.IntN(28)
		date := fmt.Sprintf("2024-%02d-%02d", 1+own.IntN(6), day)
		switch own.IntN(3) {
		case 0:
			date += fmt.Sprintf(" %02d:%02d", own.IntN(24), own.IntN(60))
		case 1:
			date += fmt.Sprintf("T%02d:%02d:%02d", own.IntN(24), own.IntN(60), own.IntN(60))
		}
		if own.IntN(7) == 0 {
			date = fmt.Sprintf("%d. 3. 2024 %d:%02d", day, own.IntN(24), own.IntN(60))
		}
		customer := own.IntN(rows / 12)
		goods := rng.IntN(14)
		name, shelf := fmt.Sprintf("Thing %d", goods), fmt.Sprintf("Shelf %d", goods%4)
		if goods%3 == 0 {
			name = ""
		}
		if goods%5 == 0 {
			shelf = ""
		}
		fmt.Fprintf(&b, "%d,%s,c%d,%s,%s,%s,%s,%s,%d,%s\n", order, date, customer, []string{"", "France", "de", "Nowhere"}[customer%4],
			[]string{"online", "till", "", "market "}[own.IntN(4)], fmt.Sprintf("S%d", goods), name, shelf, 1+rng.IntN(2), pick("5", "5", "2.50", "12", "0", "-1"))
	}
	path := filepath.Join(t.TempDir(), "odd.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAReportSplitsCustomersAsInsightsDoOfWhatIsStored(t *testing.T) {
	shops := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join("testdata", "shops", name))
		}
		return paths
	}
	files := map[string][]string{
		"rows together": {oddShop(t, 1000, 3000, false)}, "rows apart": {oddShop(t, 1000, 2400, true)}, "two files": {oddShop(t, 1000, 900, false), oddShop(t, 2000, 900, true)},
		"shopify": shops("shopify_orders_2012.csv", "shopify_orders.csv"), "webtoffee": shops("woocommerce_webtoffee.csv"), "skyverge": shops("woocommerce_skyverge.csv"),
		"stripe": shops("stripe_payments.csv"), "square": shops("square_items.csv"),
	}
	if !testing.Short() {
		files["Online Retail"] = []string{testkit.Data(t, "online_retail.csv.zst")}
	}
	for name, paths := range files {
		t.Run(name, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Exclusive: true})
			settle(t, db)
			var sources []importers.Source
			for _, path := range paths {
				s := fileOf(t, path)
				bringIn(t, db, s)
				sources = append(sources, s)
			}
			for _, by := range retention.Splits[1:] {
				read, stored := splitLedger(t, by, sources...), storedGroups(t, db, by)
				wrong, groups := 0, map[string]int{}
				for who, label := range read {
					groups[label]++
					if want, ok := stored[who]; !ok || want != label {
						if wrong++; wrong <= 5 {
							t.Errorf("by %s, %s is in %q, and stored in %q (%t)", by, who, label, want, ok)
						}
					}
				}
				if wrong > 0 || len(read) == 0 {
					t.Errorf("by %s, %d of %d are in another group", by, wrong, len(read))
				}
				if odd := strings.HasPrefix(name, "rows"); odd && len(groups) < 3 {
					t.Errorf("by %s, everybody is in %v", by, groups)
				}
			}
		})
	}
}
