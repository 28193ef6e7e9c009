package facts_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var tables = slices.Concat(customers.Tables, orders.Tables, facts.Tables)

// work works all jobs that are due.
func work(t testing.TB, db *store.DB) {
	t.Helper()
	kinds := slices.Concat(timeline.Jobs(db, []timeline.Subscription{facts.Subscription}), facts.Jobs(db), orders.Jobs(db))
	if err := jobs.Drain(context.Background(), db, kinds); err != nil {
		t.Fatal(err)
	}
}

func person(t testing.TB, db *store.DB, name string) id.Customer {
	t.Helper()
	var c id.Customer
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(t.Context(), tx, customers.Profile{Name: name, Source: "test", History: true})
		return err
	})
	return c
}

func product(t testing.TB, db *store.DB) id.Product {
	t.Helper()
	var ids map[string]id.Product
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		ids, err = orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
		return err
	})
	return ids["tea"]
}

func line(p id.Product, pieces, price int64) orders.Line {
	return orders.Line{Product: p, Quantity: pieces * 1000, Price: price, Scale: 2, Total: pieces * price}
}

func of(t testing.TB, db *store.DB, c id.Customer) facts.Facts {
	t.Helper()
	f, err := facts.Of(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func nothingDiffers(t testing.TB, db *store.DB) {
	t.Helper()
	done, err := facts.Rebuild(context.Background(), db, func(d facts.Difference) {
		t.Errorf("%s is stored as %+v but comes to %+v", d.Customer, d.Stored, d.Folded)
	})
	if err != nil || done.Differences != 0 {
		t.Fatalf("rebuilding found %+v, %v", done, err)
	}
}

func TestFactsAddUpWhatACustomerDid(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, "Ana"), product(t, db)
		at := time.Date(2025, 1, 10, 12, 0, 0, 0, time.UTC)
		by := customers.By{Source: "staff"}
		testkit.Do(t, db, func(tx *store.Tx) error {
			ctx := t.Context()
			one, err := orders.Place(ctx, tx, orders.Sale{Customer: c, Number: "1", Source: "shop", At: at, Channel: "online",
				PromisedDay: "2025-01-12", DeliveredDay: "2025-01-12", Lines: []orders.Line{line(p, 3, 500)}})
			if err != nil {
				return err
			}
			if _, err = orders.Place(ctx, tx, orders.Sale{Customer: c, Number: "2", Source: "shop", At: at.AddDate(0, 0, 30), Channel: "store",
				PromisedDay: "2025-02-12", DeliveredDay: "2025-02-13", Lines: []orders.Line{line(p, 1, 700)}}); err != nil {
				return err
			}
			three, err := orders.Place(ctx, tx, orders.Sale{Customer: c, Number: "3", Source: "shop", At: at.AddDate(0, 0, 40),
				Lines: []orders.Line{line(p, 9, 900)}})
			if err != nil {
				return err
			}
			if err := orders.Cancel(ctx, tx, c, three, "out_of_stock", "", by); err != nil {
				return err
			}
			_, err = orders.Refund(ctx, tx, c, one, orders.Back{Lines: []orders.BackLine{{Ordinal: 1, Quantity: 1000}}, Reason: "damaged"}, by)
			return err
		})
		work(t, db)
		f := of(t, db, c)
		want := facts.Facts{Orders: 2, Spend: 2200, Refunded: 500, Net: 1700, Items: 4, FirstOrderAt: at, FirstOrderDay: "2025-01-10",
			LastOrderAt: at.AddDate(0, 0, 30), LastOrderDay: "2025-02-09", Refunds: 1, Cancellations: 1, PromisesKept: 1, PromisesMissed: 1,
			MeanGapDays: 30, LastChannel: "store", Events: f.Events, LastEventAt: f.LastEventAt}
		if f != want || f.Events != 6 {
			t.Fatalf("the facts are\n%+v, not\n%+v", f, want)
		}
		nothingDiffers(t, db)
	})
}

// history does random things to customers, in a random order of slices.
func history(t testing.TB, db *store.DB, r *rand.Rand, cs []id.Customer, p id.Product) {
	t.Helper()
	ctx := context.Background()
	start := time.Date(2025, 1, 1, 9, 0, 0, 0, time.UTC)
	type placed struct {
		c id.Customer
		o id.Order
	}
	var all []placed
	for n := range 40 {
		c := cs[r.IntN(len(cs))]
		s := orders.Sale{Customer: c, Number: fmt.Sprint(n), Source: "shop", At: start.Add(time.Duration(r.IntN(400*24)) * time.Hour),
			Channel: []string{"online", "store", ""}[r.IntN(3)], Currency: []money.Currency{"EUR", "USD"}[r.IntN(2)]}
		for range 1 + r.IntN(3) {
			s.Lines = append(s.Lines, line(p, int64(1+r.IntN(3)), int64(r.IntN(900))))
		}
		if r.IntN(3) == 0 {
			s.PromisedDay = s.At.AddDate(0, 0, 3).Format(time.DateOnly)
		}
		if s.PromisedDay != "" && r.IntN(2) == 0 {
			s.DeliveredDay = s.At.AddDate(0, 0, 1+r.IntN(5)).Format(time.DateOnly)
		}
		if r.IntN(6) == 0 {
			s.Return, s.Reason = true, "damaged"
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			o, err := orders.Place(ctx, tx, s)
			if err == nil && r.IntN(4) == 0 { // a fuller account of the same
				s.Lines = append(s.Lines, line(p, 1, 250))
				_, err = orders.Place(ctx, tx, s)
			}
			if !s.Return {
				all = append(all, placed{c, o})
			}
			return err
		})
		if r.IntN(5) == 0 && len(all) > 0 {
			x, by := all[r.IntN(len(all))], customers.By{Source: "staff"}
			err := db.Tx(ctx, func(tx *store.Tx) error {
				switch r.IntN(3) {
				case 0:
					return orders.Cancel(ctx, tx, x.c, x.o, "late", "", by)
				case 1:
					_, err := orders.Refund(ctx, tx, x.c, x.o, orders.Back{Reason: "late"}, by)
					return err
				}
				return orders.Promise(ctx, tx, x.c, x.o, "2026-05-01", by)
			})
			_ = err // refused when it makes no sense, which is as good
		}
		if r.IntN(10) == 0 {
			testkit.Do(t, db, func(tx *store.Tx) error {
				return orders.SetRates(ctx, tx, []orders.Rate{{Currency: "USD", Day: s.At.Format(time.DateOnly), Rate: money.RateOne * 9 / 10, Source: "staff"}})
			})
		}
		if r.IntN(8) == 0 {
			work(t, db)
		}
	}
}

func TestHistoriesShuffledRepeatedAndMergedEndInTheSameState(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 7))
			cs := []id.Customer{person(t, db, "Ana"), person(t, db, "Ben"), person(t, db, "Cid")}
			p := product(t, db)
			testkit.Do(t, db, func(tx *store.Tx) error { // numbers of each round are new
				_, err := tx.Exec(t.Context(), `update order_keys set source = $1 where source = 'shop'`, fmt.Sprint("round ", seed))
				return err
			})
			history(t, db, r, cs, p)
			work(t, db)
			nothingDiffers(t, db)
			sameAsOrders(t, db, cs)
			inAnyOrder(t, db, r, cs)
			merged(t, db, r, cs)
		}
	})
}

// sameAsOrders compares what was folded from events with what the orders
// themselves add up to.
func sameAsOrders(t *testing.T, db *store.DB, cs []id.Customer) {
	t.Helper()
	for _, c := range cs {
		f, want := of(t, db, c), facts.Facts{}
		err := db.QueryRow(t.Context(), `
			select count(*) filter (where purchase), cast(coalesce(sum(base_minor) filter (where purchase), 0) as bigint),
				cast(coalesce(sum(items) filter (where purchase), 0) as bigint), count(*) filter (where is_return),
				count(*) filter (where cancelled_at is not null)
			from orders where customer_id = $1`, int64(c)).Scan(&want.Orders, &want.Spend, &want.Items, &want.Refunds, &want.Cancellations)
		if err != nil {
			t.Fatal(err)
		}
		if f.Orders != want.Orders || f.Spend != want.Spend || f.Items != want.Items || f.Refunds != want.Refunds || f.Cancellations != want.Cancellations {
			t.Fatalf("the events come to\n%+v, the orders to\n%+v", f, want)
		}
	}
}

// inAnyOrder folds each history shuffled and with events told twice, and tells
// the subscription again.
func inAnyOrder(t *testing.T, db *store.DB, r *rand.Rand, cs []id.Customer) {
	t.Helper()
	for _, c := range cs {
		events, err := timeline.History(t.Context(), db, c)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, events[:len(events)/2]...)
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		f, err := facts.Fold(events)
		if err != nil {
			t.Fatal(err)
		}
		if stored := of(t, db, c); f != stored {
			t.Fatalf("in another order the facts are\n%+v, stored are\n%+v", f, stored)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return facts.Subscription.Handle(t.Context(), tx, events) })
	}
	work(t, db)
	nothingDiffers(t, db)
}

// merged joins two customers, whose facts are then those of one who did all,
// and parts them again.
func merged(t *testing.T, db *store.DB, r *rand.Rand, cs []id.Customer) {
	t.Helper()
	a, b := cs[0], cs[1]
	before := []facts.Facts{of(t, db, a), of(t, db, b)}
	var merge int64
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		merge, err = customers.MergeInto(t.Context(), tx, tables, a, b, customers.By{Source: "staff"})
		return err
	})
	work(t, db)
	nothingDiffers(t, db)
	both := of(t, db, a)
	if both.Orders != before[0].Orders+before[1].Orders || both.Spend != before[0].Spend+before[1].Spend ||
		both.Refunded != before[0].Refunded+before[1].Refunded || both.Items != before[0].Items+before[1].Items ||
		both.PromisesMissed != before[0].PromisesMissed+before[1].PromisesMissed {
		t.Fatalf("two customers of\n%+v and\n%+v are together\n%+v", before[0], before[1], both)
	}
	if r.IntN(2) == 0 {
		return
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := customers.UndoMerge(t.Context(), tx, tables, a, merge, customers.By{Source: "staff"})
		return err
	})
	work(t, db)
	nothingDiffers(t, db)
	for i, c := range []id.Customer{a, b} {
		now := of(t, db, c)
		now.Events, now.LastEventAt = before[i].Events, before[i].LastEventAt // the merge itself is told
		if now != before[i] {
			t.Fatalf("parted again the facts are\n%+v, before they were\n%+v", now, before[i])
		}
	}
}

func TestARowThatIsWrongIsFoundAndMended(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, "Ana"), product(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := orders.Place(t.Context(), tx, orders.Sale{Customer: c, Number: "1", Source: "shop", At: testkit.Start, Lines: []orders.Line{line(p, 3, 500)}})
			return err
		})
		work(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `update customer_facts set spend_minor = 1 where customer_id = $1`, int64(c))
			return err
		})
		var found []facts.Difference
		done, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { found = append(found, d) })
		if err != nil || done.Differences != 1 || len(found) != 1 || found[0].Customer != c || found[0].Folded.Spend != 1500 {
			t.Fatalf("found %+v %+v, %v", done, found, err)
		}
		nothingDiffers(t, db)
	})
}

// BenchmarkRefresh folds the histories of 4,372 customers with 26,000 events.
func BenchmarkRefresh(b *testing.B) {
	db := testkit.Open(b, testkit.DSN(b, "sqlite"), store.Options{})
	var profiles []customers.Profile
	for i := range 4372 {
		profiles = append(profiles, customers.Profile{Name: fmt.Sprint("Customer ", i), Source: "bench", History: true, Import: 1})
	}
	var cs []id.Customer
	testkit.Do(b, db, func(tx *store.Tx) (err error) {
		if cs, err = customers.CreateMany(b.Context(), tx, profiles); err != nil {
			return err
		}
		ids, err := orders.EnsureProducts(b.Context(), tx, []orders.NewProduct{{SKU: "tea"}})
		if err != nil {
			return err
		}
		var sales []orders.Sale
		for i := range 22_000 {
			sales = append(sales, orders.Sale{Customer: cs[i%len(cs)], Number: fmt.Sprint(i), Source: "bench", At: testkit.Start.Add(time.Duration(i) * time.Hour),
				Import: 1, History: true, Lines: []orders.Line{line(ids["tea"], 1, 500)}})
		}
		_, err = orders.PlaceMany(b.Context(), tx, sales)
		return err
	})
	for b.Loop() {
		testkit.Do(b, db, func(tx *store.Tx) error { return facts.Mark(b.Context(), tx, cs...) })
		if n, err := facts.RefreshMarked(b.Context(), db); err != nil || n != len(cs) {
			b.Fatal(n, err)
		}
	}
}
