package orders

import (
	"context"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var staff = customers.By{Source: "staff", Actor: 7}

// try runs fn in a transaction and returns what it says.
func try(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) error {
	t.Helper()
	return db.Tx(t.Context(), fn)
}

func TestARefundIsGivenOnceAndNeverMoreThanWasPaid(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c, p := t.Context(), person(t, db, 1), goods(t, db, "tea", "post")
		o := place(t, db, Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 3, 500), of(p["post"], 1, 300)}}).IDs[0]
		part := Back{Lines: []BackLine{{1, 1000}}, Reason: "damaged", Note: "the bag was torn"}
		var back id.Order
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			back, err = Refund(ctx, tx, c, o, part, staff)
			return err
		})
		r, err := ByID(ctx, db, c, back)
		if err != nil || r.Total != 500 || r.Of != o || r.Items != 1 || r.Purchase || r.Reason != "damaged" || r.Number != "1-R1" {
			t.Fatalf("the return is %+v, %v", r, err)
		}
		if err := try(t, db, func(tx *store.Tx) error { _, err := Refund(ctx, tx, c, o, part, staff); return err }); !errs.Is(err, errs.Conflict) {
			t.Fatalf("the same form a second time: %v", err)
		}
		for _, wrong := range []Back{
			{Amount: 1301, Reason: "late", Seen: 500}, {Lines: []BackLine{{1, 3000}}, Reason: "late", Seen: 500},
			{Amount: -5, Reason: "late", Seen: 500}, {Amount: 5, Seen: 500},
		} {
			if err := try(t, db, func(tx *store.Tx) error { _, err := Refund(ctx, tx, c, o, wrong, staff); return err }); !errs.Is(err, errs.Invalid) {
				t.Errorf("giving back %+v: %v", wrong, err)
			}
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := Refund(ctx, tx, c, o, Back{Reason: "late", Seen: 500}, staff)
			return err
		})
		if now, _ := ByID(ctx, db, c, o); now.Refunded != now.Total || now.Refunded != 1800 {
			t.Fatalf("given back is %d of %d", now.Refunded, now.Total)
		}
		if err := try(t, db, func(tx *store.Tx) error {
			_, err := Refund(ctx, tx, c, o, Back{Reason: "late", Seen: 1800}, staff)
			return err
		}); !errs.Is(err, errs.Invalid) {
			t.Fatalf("giving back what is nothing: %v", err)
		}
	})
}

func TestACancelledOrderIsNoPurchase(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c, p := t.Context(), person(t, db, 1), goods(t, db, "tea")
		o := place(t, db, Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 3, 500)}}).IDs[0]
		for range 2 {
			testkit.Do(t, db, func(tx *store.Tx) error { return Cancel(ctx, tx, c, o, "fraudulent", "", staff) })
		}
		now, _ := ByID(ctx, db, c, o)
		if now.Purchase || !now.Cancelled() || now.Reason != "fraud" {
			t.Fatalf("the order stands as %+v", now)
		}
		if n := count(t, db, `select count(*) from events where kind = $1`, EventCancelled); n != 1 {
			t.Fatalf("it was cancelled %d times", n)
		}
	})
}

func TestWhatMakesAPurchase(t *testing.T) {
	db := testkit.DB(t)
	c, p := person(t, db, 1), goods(t, db, "tea", "post")
	for name, x := range map[string]struct {
		lines []Line
		want  bool
	}{
		"goods": {[]Line{of(p["tea"], 1, 1)}, true}, "postage alone": {[]Line{of(p["post"], 1, 300)}, true},
		"given away": {[]Line{of(p["tea"], 1, 0)}, false}, "a correction": {[]Line{of(p["tea"], -1, 500)}, false},
		"nothing": {nil, false}, "a discount beside goods": {[]Line{of(p["tea"], 1, 500), of(p["post"], 1, -200)}, true},
	} {
		o := place(t, db, Sale{Customer: c, Number: name, Source: "shop", At: day1, Lines: x.lines}).IDs[0]
		if now, _ := ByID(t.Context(), db, c, o); now.Purchase != x.want {
			t.Errorf("%s: purchase is %v", name, now.Purchase)
		}
	}
}

func TestAWalkInBecomesTheCustomersWhenTheyAreKnown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c, p := t.Context(), person(t, db, 1), goods(t, db, "tea")
		sale := Sale{Number: "1", Source: "till", At: day1, Lines: []Line{of(p["tea"], 3, 500)}}
		back := Sale{Number: "2", Source: "till", At: day1.Add(time.Hour), Lines: []Line{of(p["tea"], 1, 500)}, Return: true, ReturnsNumber: "1"}
		ids := place(t, db, sale, back).IDs
		if o, err := ByID(ctx, db, 0, ids[0]); err != nil || o.Refunded != 500 {
			t.Fatalf("the walk-in is %+v, %v", o, err)
		}
		if n := count(t, db, `select count(*) from events where kind like 'order.%'`); n != 0 {
			t.Fatalf("%d events tell of nobody", n)
		}
		for range 2 {
			testkit.Do(t, db, func(tx *store.Tx) error { return Claim(ctx, tx, ids[0], c, staff) })
		}
		o, err := ByID(ctx, db, c, ids[0])
		lines, _ := Lines(ctx, db, o)
		returns, _ := Returns(ctx, db, o)
		if err != nil || len(lines) != 1 || len(returns) != 1 || o.Refunded != 500 {
			t.Fatalf("the customer's is %+v with %d lines and %d returns, %v", o, len(lines), len(returns), err)
		}
		if n := count(t, db, `select count(*) from walkin_orders`) + count(t, db, `select count(*) from walkin_order_lines`); n != 0 {
			t.Fatalf("%d rows stayed behind", n)
		}
		if n := count(t, db, `select count(*) from events where customer_id = $1 and kind in ($2, $3)`, int64(c), EventPlaced, EventRefunded); n != 2 {
			t.Fatalf("%d events tell of it", n)
		}
		sale.Customer = c
		if done := place(t, db, sale); done.Same != 1 {
			t.Fatalf("told again with the name it did %+v", done)
		}
	})
}

func TestAnOrderInAnotherCurrencyWaitsForItsRate(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c, p := t.Context(), person(t, db, 1), goods(t, db, "tea")
		line := []Line{of(p["tea"], 3, 333)}
		ids := place(t, db,
			Sale{Customer: c, Number: "1", Source: "shop", At: day1, Currency: "USD", Lines: line},
			Sale{Customer: c, Number: "2", Source: "shop", At: day1.AddDate(0, 1, 0), Currency: "USD", Lines: line},
			Sale{Number: "3", Source: "till", At: day1.AddDate(0, 0, 2), Currency: "USD", Lines: line},
			Sale{Customer: c, Number: "4", Source: "shop", At: day1.AddDate(0, 2, 0), Currency: "USD", Lines: line, Return: true, ReturnsNumber: "1"}).IDs
		rate, err := money.ParseRate("0.9")
		if err != nil {
			t.Fatal(err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			return SetRates(ctx, tx, []Rate{{"USD", "2025-03-01", rate, "staff"}, {"USD", "2025-05-01", money.RateOne, "staff"}})
		})
		for range 2 {
			if err := jobs.Drain(ctx, db, append(Jobs(db), jobs.Kind{Name: "timeline.fanout", Do: nothing})); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []int64{899, 0, 899, 899} { // 9.99 at 0.9: on the day, none for the second, the return's by its order
			customer := c
			if i == 2 {
				customer = 0
			}
			if o, err := ByID(ctx, db, customer, ids[i]); err != nil || o.Base != want || (o.Rate != 0) != (want != 0) {
				t.Errorf("order %d is worth %d at %d, not %d (%v)", i+1, o.Base, o.Rate, want, err)
			}
		}
		waiting, err := WaitingForRates(ctx, db)
		if err != nil || len(waiting) != 1 || waiting[0].Orders != 1 || waiting[0].First != "2025-04-04" {
			t.Fatalf("waiting are %+v, %v", waiting, err)
		}
		if n := count(t, db, `select count(*) from events where kind = $1`, EventValued); n != 2 {
			t.Fatalf("%d events tell of it", n)
		}
	})
}

func TestPromisesAreNotedOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c, p := t.Context(), person(t, db, 1), goods(t, db, "tea")
		o := place(t, db, Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 3, 500)}}).IDs[0]
		for range 2 {
			testkit.Do(t, db, func(tx *store.Tx) error {
				if err := Promise(ctx, tx, c, o, "2025-03-07", staff); err != nil {
					return err
				}
				return Deliver(ctx, tx, c, o, "2025-03-09", staff)
			})
		}
		now, _ := ByID(ctx, db, c, o)
		if !now.Late("2025-03-09") || now.PromisedDay != "2025-03-07" {
			t.Fatalf("the order stands as %+v", now)
		}
		if n := count(t, db, `select count(*) from events where kind in ($1, $2)`, EventPromised, EventDelivered); n != 2 {
			t.Fatalf("%d events tell of it", n)
		}
		if err := try(t, db, func(tx *store.Tx) error { return Deliver(ctx, tx, c, o, "2025-03-01", staff) }); !errs.Is(err, errs.Invalid) {
			t.Fatalf("delivered before it was ordered: %v", err)
		}
	})
}

func TestASaleThatCannotBeIsRefused(t *testing.T) {
	db := testkit.DB(t)
	p := goods(t, db, "tea")["tea"]
	for name, s := range map[string]Sale{
		"no number":  {Source: "shop", At: day1},
		"no time":    {Number: "1", Source: "shop"},
		"no product": {Number: "1", Source: "shop", At: day1, Lines: []Line{{Quantity: 1000, Total: 5}}},
		"too much":   {Number: "1", Source: "shop", At: day1, Lines: []Line{{Product: p, Total: 1 << 62}}},
		"no day":     {Number: "1", Source: "shop", At: day1, PromisedDay: "31 February"},
	} {
		if err := try(t, db, func(tx *store.Tx) error { _, err := Place(t.Context(), tx, s); return err }); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCategoriesNestAndTheirProductsMoveUpWhenOneGoes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		testkit.Do(t, db, func(tx *store.Tx) error {
			ids, err := EnsureProducts(ctx, tx, []NewProduct{{SKU: "a", Name: "Sencha", Category: "Tea > Green"}})
			if err != nil {
				return err
			}
			all, err := Categories(ctx, tx)
			if err != nil {
				return err
			}
			if len(all) != 2 || all[0].Name != "Green" || all[0].Parent != all[1].ID {
				t.Errorf("the categories are %+v", all)
			}
			if err := SaveCategory(ctx, tx, Category{all[1].ID, "Tea", all[0].ID}); !errs.Is(err, errs.Invalid) {
				t.Errorf("a category within itself: %v", err)
			}
			if err := RemoveCategory(ctx, tx, all[0].ID); err != nil {
				return err
			}
			if product, err := ProductByID(ctx, tx, ids["a"]); err != nil || product.Category != all[1].ID {
				t.Errorf("the product is %+v, %v", product, err)
			}
			return nil
		})
	})
}

func nothing(_ context.Context, _ *jobs.Job) error { return nil }

func TestOrdersFollowTheirCustomerIntoAMergeAndBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx, ana, ben, p := t.Context(), person(t, db, 1), person(t, db, 2), goods(t, db, "tea")
		tables := append(append([]customers.Table{}, customers.Tables...), Tables...)
		s := Sale{Customer: ben, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 3, 500), of(p["tea"], 3, 500)}}
		o := place(t, db, s).IDs[0]
		var merge int64
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			merge, err = customers.MergeInto(ctx, tx, tables, ana, ben, staff)
			return err
		})
		moved, err := ByID(ctx, db, ana, o)
		lines, _ := Lines(ctx, db, moved)
		if err != nil || len(lines) != 2 || lines[1].Ordinal != 2 || moved.Origin != ben {
			t.Fatalf("the survivor has %+v with %+v, %v", moved, lines, err)
		}
		if again := place(t, db, s); again.Same != 1 || again.IDs[0] != o {
			t.Fatalf("told again of the one who was merged it did %+v", again)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.UndoMerge(ctx, tx, tables, ana, merge, staff)
			return err
		})
		if back, err := ByID(ctx, db, ben, o); err != nil || back.Origin != 0 {
			t.Fatalf("parted again it is %+v, %v", back, err)
		}
		if again := place(t, db, s); again.Same != 1 {
			t.Fatalf("told again after that it did %+v", again)
		}
	})
}
