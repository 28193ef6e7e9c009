package scores_test

import (
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// retail puts the invoices of Online Retail in, one line each.
func retail(t testing.TB, db *store.DB) {
	t.Helper()
	f, err := os.Open(testkit.Data(t, "online_retail.csv.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	type invoice struct {
		customer, number string
		at               time.Time
		minor            int64
	}
	var invoices []invoice
	seen, whose := map[string]int{}, map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		quantity, _ := strconv.ParseInt(row[3], 10, 64)
		price, _ := strconv.ParseFloat(row[5], 64)
		if row[6] == "" || strings.HasPrefix(row[0], "C") || quantity <= 0 || price <= 0 {
			continue
		}
		k, ok := seen[row[0]]
		if !ok {
			k = len(invoices)
			at, err := time.Parse("2006-01-02", row[4][:10])
			if err != nil {
				t.Fatal(err)
			}
			invoices = append(invoices, invoice{customer: strings.Clone(row[6]), number: strings.Clone(row[0]), at: at.Add(12 * time.Hour)})
			seen[invoices[k].number] = k
			whose[invoices[k].customer] = 0
		}
		invoices[k].minor += int64(float64(quantity)*price*100 + 0.5)
	}
	var profiles []customers.Profile
	for name := range whose {
		whose[name] = len(profiles)
		profiles = append(profiles, customers.Profile{Name: "Customer " + name, Source: "test", History: true, Import: 1})
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		cs, err := customers.CreateMany(t.Context(), tx, profiles)
		if err != nil {
			return err
		}
		ids, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "all"}})
		if err != nil {
			return err
		}
		var sales []orders.Sale
		for _, i := range invoices {
			minor := max(i.minor, 1)
			sales = append(sales, orders.Sale{Customer: cs[whose[i.customer]], Number: i.number, Source: "test", At: i.at, Import: 1, History: true,
				Lines: []orders.Line{{Product: ids["all"], Quantity: 1000, Price: minor, Scale: 2, Total: minor}}})
		}
		_, err = orders.PlaceMany(t.Context(), tx, sales)
		return err
	})
}

func TestOnlineRetailIsScoredPlausibly(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole file")
	}
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		retail(t, db)
		done, err := scores.Refresh(t.Context(), db)
		if err != nil || done.Scored != 4338 || done.Changed != 4338 {
			t.Fatalf("refreshed %+v, %v", done, err)
		}
		var day string
		var alive, back, purchases, value float64
		var late, lateBack, others float64
		var champions, hibernating int64
		err = db.QueryRow(t.Context(), `
			select min(as_of_day), avg(alive), avg(return_chance), sum(expected_purchases), sum(expected_value_minor) / 100.0,
				count(*) filter (where late), avg(return_chance) filter (where late), avg(return_chance) filter (where not late),
				count(*) filter (where rfm_group = 'champions'), count(*) filter (where rfm_group = 'hibernating')
			from customer_scores`).Scan(&day, &alive, &back, &purchases, &value, &late, &lateBack, &others, &champions, &hibernating)
		if err != nil {
			t.Fatal(err)
		}
		// The year had 18,532 purchases of 8.9 million.
		if day != "2011-12-09" || alive < 0.5 || alive > 0.95 || back < 0.4 || back > alive || purchases < 10_000 || purchases > 25_000 ||
			value < 5e6 || value > 12e6 || late < 50 || late > 800 || lateBack > others/1.3 || champions < 300 || hibernating < 600 {
			t.Errorf("as of %s: alive %.3f, comes again %.3f, %.0f purchases of %.0f expected; %.0f are late, of whom %.3f come again, of the others %.3f; %d champions, %d hibernating",
				day, alive, back, purchases, value, late, lateBack, others, champions, hibernating)
		}
		models, err := scores.Models(t.Context(), db)
		if err != nil || len(models) != 4 || models[0].Kind != scores.Buying || models[3].Kind != scores.Rhythm ||
			models[3].LogLikelihood < models[0].LogLikelihood+700 {
			t.Errorf("the rhythm does not describe visits better than BG/NBD: %+v, %v", models, err)
		}
		if n := rebuilt(t, db).Customers; n != 4338 {
			t.Errorf("rebuilt %d", n)
		}
	})
}

// BenchmarkRefresh fits and scores everybody while a server runs, once more on
// the next day, and says how long another writer waited at most.
func BenchmarkRefresh(b *testing.B) {
	for name, fill := range map[string]func(testing.TB, *store.DB){
		"online-retail": retail,
		"100k-customers": func(t testing.TB, db *store.DB) {
			manyBuyers(t, db, 100_000)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				clock := testkit.NewClock(testkit.Start)
				dsn := testkit.DSN(b, "sqlite")
				fill(b, testkit.Open(b, dsn, store.Options{Clock: clock.Now, Exclusive: true}))
				db := testkit.Open(b, dsn, store.Options{Clock: clock.Now})
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				waited, stop := neighbour(b, db)
				b.StartTimer()
				started := time.Now()
				done, err := scores.Refresh(b.Context(), db)
				took := time.Since(started)
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				clock.Advance(24 * time.Hour)
				started = time.Now()
				if _, err := scores.Refresh(b.Context(), db); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(started).Seconds(), "s-next-day")
				stop()
				b.ReportMetric(float64(done.Scored)/took.Seconds(), "customers/s")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/1e6, "MB-allocated")
				b.ReportMetric(float64(after.HeapSys)/1e6, "MB-heap")
				b.ReportMetric(float64(waited.Load())/1e6, "ms-writer-waited")
				b.StartTimer()
			}
		})
	}
}

// neighbour writes a little all the time, and notes the longest wait.
func neighbour(b *testing.B, db *store.DB) (*atomic.Int64, func()) {
	b.Helper()
	var longest atomic.Int64
	var ended atomic.Bool
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for !ended.Load() {
			started := time.Now()
			if err := db.Tx(b.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(b.Context(), `update workspace set version = version + 1 where id = 1`)
				return err
			}); err != nil {
				return
			}
			longest.Store(max(longest.Load(), int64(time.Since(started))))
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return &longest, func() { ended.Store(true); <-gone }
}

// manyBuyers makes customers with a handful of orders each.
func manyBuyers(t testing.TB, db *store.DB, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	var c id.Customer
	for range n / 10_000 {
		testkit.Do(t, db, func(tx *store.Tx) error {
			people := tx.Bulk(t.Context(), "customers", `customer_id, version, name, sort_name, given, family, language, country, email, phone,
				joined_at, joined_day, source, created_at, changed_at`, "")
			sold := tx.Bulk(t.Context(), "orders", `customer_id, order_id, number, source, is_return, of_number, placed_at, placed_day, currency,
				lines_minor, discount_minor, shipping_minor, tax_minor, total_minor, rate, base_minor, items, goods_minor, purchase, channel,
				staff, reason, note, refunded_minor, recorded_at`, "")
			for range 10_000 {
				c++
				if err := people.Add(int64(c), 1, "", "", "", "", "", "", "", "", 0, "2026-03-02", "test", 0, 0); err != nil {
					return err
				}
				pace, o := 5+r.ExpFloat64()*90, int64(0)
				for day := float64(r.IntN(1000)); day >= 0 && r.Float64() > 0.1; day -= 1 + r.ExpFloat64()*pace {
					o++
					at, minor := testkit.Start.AddDate(0, 0, -int(day)), int64(500+r.IntN(9000))
					if err := sold.Add(int64(c), int64(c)*1000+o, "", "test", false, "", at.UnixMicro(), at.Format(time.DateOnly), "EUR",
						minor, 0, 0, 0, minor, 1_000_000_000, minor, 1, minor, true, "", "", "", "", 0, at.UnixMicro()); err != nil {
						return err
					}
				}
			}
			if err := people.Close(); err != nil {
				return err
			}
			return sold.Close()
		})
	}
}
