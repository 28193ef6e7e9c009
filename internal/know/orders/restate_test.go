package orders

import (
	"context"
	"fmt"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func restate(t testing.TB, db *store.DB, a Account) Restated {
	t.Helper()
	var done Restated
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		done, err = Restate(context.Background(), tx, a)
		return err
	})
	return done
}

// account is an order of a shop with lines of one tea each.
func account(c id.Customer, p id.Product, number, key string, prices ...int64) Account {
	s := Sale{Customer: c, Number: number, Keys: []string{key}, Source: "shop", At: day1, Channel: "online"}
	for _, price := range prices {
		s.Lines = append(s.Lines, of(p, 1, price))
	}
	return Account{Sale: s}
}

func back(key string, amount int64) Sale {
	return Sale{Number: "R " + key, Keys: []string{key}, At: day1.Add(time.Hour), Shipping: amount, Reason: "damaged"}
}

// folded is what the events of a customer say an order or return comes to,
// and how many of them there are.
func folded(t testing.TB, db *store.DB, c id.Customer, o id.Order) (total, items int64, events int) {
	t.Helper()
	all, err := timeline.Of(t.Context(), db, c, int64(o))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == EventPlaced || e.Kind == EventAmended || e.Kind == EventRefunded {
			v, err := timeline.Decode[Told](e)
			if err != nil {
				t.Fatal(err)
			}
			total, items = total+v.Total, items+v.Items
		}
	}
	return total, items, len(all)
}

func TestWhatAShopSaysReplacesWhatWasThere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		first := restate(t, db, account(c, p["tea"], "#1001", "551", 500, 700))
		restate(t, db, account(c, p["tea"], "#1001", "551", 500, 700))
		if _, _, events := folded(t, db, c, first.Order); events != 1 {
			t.Fatalf("told twice, the order has %d events", events)
		}
		less := account(c, p["tea"], "#1001", "551", 700, 100)
		less.Sale.Discount = 50
		if again := restate(t, db, less); again.Order != first.Order {
			t.Fatal("it became another order")
		}
		o, err := ByID(t.Context(), db, c, first.Order)
		lines, _ := Lines(t.Context(), db, o)
		if err != nil || o.Total != 750 || o.Items != 2 || len(lines) != 2 || !o.Told {
			t.Fatalf("it stands as %+v with lines %+v, %v", o, lines, err)
		}
		if total, items, _ := folded(t, db, c, o.ID); total != 750 || items != 2 {
			t.Fatalf("its events come to %d and %d items", total, items)
		}
	})
}

func TestAnOrderIsOneByItsIDOrItsNumber(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		byNumber := place(t, db, Sale{Customer: c, Number: "#1001", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 1, 500)}})
		told := restate(t, db, account(c, p["tea"], "#1001", "551", 500))
		renamed := restate(t, db, account(c, p["tea"], "#1001-A", "551", 500))
		withID := place(t, db, Sale{Customer: c, Number: "1001", Keys: []string{"551"}, Source: "shop", At: day1, Lines: []Line{of(p["tea"], 1, 500)}})
		for _, o := range []id.Order{told.Order, renamed.Order, withID.IDs[0]} {
			if o != byNumber.IDs[0] {
				t.Fatalf("the order is %s and %s", byNumber.IDs[0], o)
			}
		}
		other := restate(t, db, account(c, p["tea"], "#1001", "9", 100))
		if other.Order == told.Order {
			t.Fatal("the order of another shop with that number became one with it")
		}
		two := place(t, db,
			Sale{Customer: c, Number: "7", Keys: []string{"a"}, Source: "shop", At: day1, Lines: []Line{of(p["tea"], 1, 500)}},
			Sale{Customer: c, Number: "7", Keys: []string{"b"}, Source: "shop", At: day1, Lines: []Line{of(p["tea"], 1, 500)}})
		if two.New != 2 || two.IDs[0] == two.IDs[1] {
			t.Fatalf("two orders of one number in a file came in as %+v", two)
		}
		if n := count(t, db, `select count(*) from orders where customer_id = $1`, int64(c)); n != 4 {
			t.Fatalf("there are %d orders", n)
		}
	})
}

func TestAFileLeavesAloneWhatTheShopTold(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea", "cup", "unnamed")
		a := account(c, p["tea"], "#1", "1", 500)
		a.Back = []Sale{back("r1", 100)}
		o := restate(t, db, a).Order
		rough := account(c, p["unnamed"], "#2", "2", 1500)
		rough.Sale.Rough = true
		paid := restate(t, db, rough).Order
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := PlaceMany(t.Context(), tx, from(7, []Sale{
				{Customer: c, Number: "#1", Source: "shop", At: day1, Lines: []Line{of(p["cup"], 1, 900)}, Staff: "Ana"},
				{Customer: c, Number: "#1-R", ReturnsNumber: "#1", Return: true, Source: "shop", At: day1, Shipping: 100},
				{Customer: c, Number: "#2", Source: "shop", At: day1, Lines: []Line{of(p["cup"], 1, 900), of(p["tea"], 1, 600)}},
			}))
			return err
		})
		got, _ := ByID(t.Context(), db, c, o)
		if got.Total != 500 || got.Refunded != 100 || got.Staff != "Ana" {
			t.Errorf("the file made of it %+v", got)
		}
		if n := count(t, db, `select count(*) from orders where is_return`); n != 1 {
			t.Errorf("there are %d returns", n)
		}
		got, _ = ByID(t.Context(), db, c, paid)
		if lines, _ := Lines(t.Context(), db, got); got.Total != 1500 || len(lines) != 2 {
			t.Errorf("the lines of what was only paid are %+v of %+v", lines, got)
		}
		restate(t, db, rough)
		if lines, _ := Lines(t.Context(), db, got); len(lines) != 2 {
			t.Errorf("told rough again, it has lines %+v", lines)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := UndoImport(t.Context(), tx, 7, 100)
			return err
		})
		if n := count(t, db, `select count(*) from orders where customer_id = $1 and total_minor > 0`, int64(c)); n != 3 {
			t.Errorf("with the import undone there are %d orders", n)
		}
	})
}

func TestReturnsAreThoseOfTheShopAndOfStaff(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := PlaceMany(t.Context(), tx, from(7, []Sale{
				{Customer: c, Number: "#1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 1, 500)}},
				{Customer: c, Number: "#1-R", ReturnsNumber: "#1", Return: true, Source: "shop", At: day1, Shipping: 300},
			}))
			return err
		})
		a := account(c, p["tea"], "#1", "1", 500)
		a.Back = []Sale{back("r1", 100), back("r2", 200)}
		done := restate(t, db, a)
		if len(done.Stale) != 1 || done.Stale[0] != c {
			t.Errorf("stale are %v", done.Stale)
		}
		o, _ := ByID(t.Context(), db, c, done.Order)
		if o.Refunded != 300 || count(t, db, `select count(*) from orders where is_return`) != 2 {
			t.Fatalf("%d was refunded", o.Refunded)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := Refund(t.Context(), tx, c, o.ID, Back{Amount: 50, Reason: "late", Seen: 300}, customers.By{})
			return err
		})
		a.Back = a.Back[:1] // the second failed at the bank
		restate(t, db, a)
		o, _ = ByID(t.Context(), db, c, done.Order)
		if o.Refunded != 150 {
			t.Errorf("%d is refunded, not 100 by the shop and 50 by staff", o.Refunded)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := UndoImport(t.Context(), tx, 7, 100)
			return err
		})
		if o, err := ByID(t.Context(), db, c, done.Order); err != nil || o.Total != 500 {
			t.Errorf("with the import undone the order is %+v, %v", o, err)
		}
		if n := count(t, db, `select count(*) from events where import_id is not null`); n != 0 {
			t.Errorf("%d events still go with the import", n)
		}
	})
}

func TestAnOrderGoesToWhomTheShopNames(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b, p := person(t, db, 1), person(t, db, 2), goods(t, db, "tea")
		for n, who := range []id.Customer{0, a, b, 0} {
			told := account(who, p["tea"], "#1", "1", 500)
			told.Back = []Sale{back("r1", 100)}
			restate(t, db, told)
			if n := count(t, db, `select count(*) from orders`) + count(t, db, `select count(*) from walkin_orders`); n != 2 {
				t.Fatalf("there are %d", n)
			}
			if who == 0 && n == 0 {
				continue
			}
			owner := max(who, b*id.Customer(n/2))
			if n == 3 {
				owner = b // nobody named: it stays
			}
			o, found, err := Find(t.Context(), db, "shop", "", "1")
			if err != nil || !found || o.Customer != owner || o.Refunded != 100 {
				t.Fatalf("told of %s it is %+v, %v", who, o, err)
			}
			if total, _, _ := folded(t, db, owner, o.ID); total != 500 {
				t.Errorf("the events of its owner come to %d", total)
			}
		}
		if n := count(t, db, `select count(*) from events where customer_id = $1 and ref_id <> 0`, int64(a)); n != 0 {
			t.Errorf("%d events of it stayed with the first", n)
		}
	})
}

func TestACancelledOrderCanBeOnAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		a := account(c, p["tea"], "#1", "1", 500)
		off := a
		off.Sale.CancelledAt, off.Sale.Reason = day1.Add(time.Hour), "customer"
		var purchases []string
		for _, told := range []Account{off, a, off, off} {
			o, err := ByID(t.Context(), db, c, restate(t, db, told).Order)
			if err != nil {
				t.Fatal(err)
			}
			purchases = append(purchases, fmt.Sprintf("%t %s", o.Purchase, o.Reason))
		}
		if got := fmt.Sprint(purchases); got != "[false changed_mind true  false changed_mind false changed_mind]" {
			t.Errorf("it stood as %s", got)
		}
		if n := count(t, db, `select count(*) from events where kind = $1`, EventReinstated); n != 1 {
			t.Errorf("it was put on again %d times", n)
		}
	})
}
