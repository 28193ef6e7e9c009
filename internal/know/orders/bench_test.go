package orders

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// shop is generated data of the shape of the Online Retail file: 25,900
// invoices with 542,000 lines of 4,000 products, 4,372 customers, a quarter of
// the lines in a seventh of the invoices without one, a seventh returns.
func shop(t testing.TB, db *store.DB, invoices int) []Sale {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var profiles []customers.Profile
	for i := range max(1, invoices*4372/25900) {
		profiles = append(profiles, customers.Profile{Source: "bench", History: true, Import: 1,
			Identities: []customers.Identity{{Kind: customers.External, Value: fmt.Sprintf("retail:%d", 12346+i)}}})
	}
	var news []NewProduct
	for i := range 4000 {
		news = append(news, NewProduct{SKU: fmt.Sprint(10000 + i), Name: fmt.Sprintf("THING NUMBER %d", i), Import: 1})
	}
	var people []id.Customer
	var products map[string]id.Product
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		if people, err = customers.CreateMany(t.Context(), tx, profiles); err != nil {
			return err
		}
		products, err = EnsureProducts(t.Context(), tx, news)
		return err
	})
	at := time.Date(2010, 12, 1, 8, 26, 0, 0, time.UTC)
	sales := make([]Sale, invoices)
	for i := range sales {
		at = at.Add(time.Duration(r.IntN(40)) * time.Minute)
		s := Sale{Number: fmt.Sprint(536365 + i), Source: "retail", At: at, Currency: "EUR", Import: 1, History: true}
		lines := 1 + int(r.ExpFloat64()*19.6)
		switch {
		case r.IntN(7) == 0:
			lines *= 2
		default:
			s.Customer = people[int(float64(len(people))*r.Float64()*r.Float64())]
		}
		if s.Customer != 0 && r.IntN(7) == 0 {
			s.Return, s.Number, lines, s.Reason = true, "C"+s.Number, 1+lines/10, "other"
		}
		for range lines {
			p := products[fmt.Sprint(10000+int(4000*r.Float64()*r.Float64()))]
			s.Lines = append(s.Lines, of(p, 1+int64(r.ExpFloat64()*9), 42+int64(r.ExpFloat64()*300)))
		}
		sales[i] = s
	}
	return sales
}

// slices200 are the sales in slices of 200,000 lines.
func slices200(sales []Sale) [][]Sale {
	var all [][]Sale
	n, from := 0, 0
	for i := range sales {
		if n += len(sales[i].Lines); n >= 200_000 {
			all, n, from = append(all, sales[from:i+1]), 0, i+1
		}
	}
	return append(all, sales[from:])
}

// BenchmarkPlaceMany places a year of a gift shop, and places it again.
// ORDERS_ENGINE=postgres measures PostgreSQL.
func BenchmarkPlaceMany(b *testing.B) {
	engine := os.Getenv("ORDERS_ENGINE")
	if engine == "" {
		engine = "sqlite"
	}
	run := func(b *testing.B, twice bool) {
		for b.Loop() {
			b.StopTimer()
			db := testkit.Open(b, testkit.DSN(b, engine), store.Options{Exclusive: true})
			sales := shop(b, db, 25_900)
			lines := 0
			for _, s := range sales {
				lines += len(s.Lines)
			}
			if twice {
				for _, slice := range slices200(sales) {
					place(b, db, slice...)
				}
			}
			b.StartTimer()
			from := cpu()
			for _, slice := range slices200(sales) {
				if err := db.Tx(context.Background(), func(tx *store.Tx) error {
					_, err := PlaceMany(b.Context(), tx, slice)
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu() - from).Seconds(), "cpu-s")
			b.ReportMetric(float64(lines), "lines")
		}
	}
	b.Run("new", func(b *testing.B) { run(b, false) })
	b.Run("again", func(b *testing.B) { run(b, true) })
}

// cpu is the time this process has computed: on a shared machine it says more
// than the clock.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
