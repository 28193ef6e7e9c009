package orders

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var day1 = time.Date(2025, 3, 4, 10, 30, 0, 0, time.UTC)

// person makes a customer known by a number of the shop.
func person(t testing.TB, db *store.DB, n int) id.Customer {
	t.Helper()
	var c id.Customer
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(t.Context(), tx, customers.Profile{Name: fmt.Sprintf("Customer %d", n), Source: "test", History: true,
			Identities: []customers.Identity{{Kind: customers.External, Value: fmt.Sprintf("shop:%d", n)}}})
		return err
	})
	return c
}

// goods makes products by their sku; those that begin with "post" are services.
func goods(t testing.TB, db *store.DB, skus ...string) map[string]id.Product {
	t.Helper()
	var news []NewProduct
	for _, s := range skus {
		kind := KindProduct
		if s == "post" {
			kind = KindService
		}
		news = append(news, NewProduct{SKU: s, Name: "The " + s, Kind: kind})
	}
	var ids map[string]id.Product
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		ids, err = EnsureProducts(t.Context(), tx, news)
		return err
	})
	return ids
}

// of is a line of so many pieces at a price in hundredths.
func of(p id.Product, pieces, price int64) Line {
	return Line{Product: p, Quantity: pieces * 1000, Price: price, Scale: 2, Total: pieces * price}
}

func place(t testing.TB, db *store.DB, sales ...Sale) Placed {
	t.Helper()
	var done Placed
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		done, err = PlaceMany(context.Background(), tx, sales)
		return err
	})
	return done
}

func count(t testing.TB, q store.Querier, query string, args ...any) int {
	t.Helper()
	var n int
	if err := q.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlacingTheSameOrderTwiceChangesNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea", "post")
		sale := Sale{Customer: c, Number: "1001", Source: "shop", At: day1, Channel: "online",
			Lines: []Line{of(p["tea"], 2, 495), of(p["tea"], 2, 495), of(p["post"], 1, 300)}}
		first := place(t, db, sale)
		again := place(t, db, sale)
		if first.New != 1 || first.Lines != 3 || again.Same != 1 || again.New+again.Changed+again.Lines != 0 || first.IDs[0] != again.IDs[0] {
			t.Fatalf("placed %+v, then %+v", first, again)
		}
		o, err := ByID(t.Context(), db, c, first.IDs[0])
		if err != nil {
			t.Fatal(err)
		}
		if o.Total != 2280 || o.Base != 2280 || o.Items != 4 || !o.Purchase || o.Day != "2025-03-04" {
			t.Fatalf("the order stands as %+v", o)
		}
		if n := count(t, db, `select count(*) from events where customer_id = $1 and kind = $2`, int64(c), EventPlaced); n != 1 {
			t.Fatalf("%d events tell of it", n)
		}
	})
}

func TestALongerOrderGetsOnlyItsNewLines(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea", "cup")
		sale := Sale{Customer: c, Number: "1001", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 2, 495)}}
		place(t, db, sale)
		sale.Lines = append(sale.Lines, of(p["tea"], 2, 495), of(p["cup"], 1, 900))
		sale.DeliveredDay = "2025-03-08"
		done := place(t, db, sale)
		if done.Changed != 1 || done.Lines != 2 {
			t.Fatalf("placed %+v", done)
		}
		o, _ := ByID(t.Context(), db, c, done.IDs[0])
		if o.Total != 2880 || o.Items != 5 || o.DeliveredDay != "2025-03-08" {
			t.Fatalf("the order stands as %+v", o)
		}
		if n := count(t, db, `select count(*) from events where kind in ($1, $2)`, EventAmended, EventDelivered); n != 2 {
			t.Fatalf("%d events tell of the change", n)
		}
	})
}

func TestTwoWhoBringTheSameFileAtOnceBringItOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		cs, p := people(t, db), things(t, db)
		sales := file(rand.New(rand.NewPCG(3, 3)), cs, p, 60)
		var placed [4]Placed
		var failed [4]error
		var all sync.WaitGroup
		for n := range placed {
			all.Go(func() {
				failed[n] = db.Tx(context.Background(), func(tx *store.Tx) (err error) {
					placed[n], err = PlaceMany(context.Background(), tx, from(id.Import(n+1), sales))
					return err
				})
			})
		}
		all.Wait()
		fresh, lines := 0, 0
		for n, done := range placed {
			if failed[n] != nil {
				t.Fatal(failed[n])
			}
			fresh, lines = fresh+done.New, lines+done.Lines
		}
		want := 0
		for _, s := range sales {
			want += len(s.Lines)
		}
		have := count(t, db, `select count(*) from order_lines`) + count(t, db, `select count(*) from walkin_order_lines`)
		if fresh != len(sales) || lines != want || have != want {
			t.Fatalf("%d orders of %d and %d lines of %d came in, %d are there", fresh, len(sales), lines, want, have)
		}
	})
}
