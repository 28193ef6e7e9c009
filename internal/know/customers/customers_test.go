package customers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var staff = customers.By{Source: "staff", Actor: 7}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func create(t *testing.T, db *store.DB, p customers.Profile) id.Customer {
	t.Helper()
	var c id.Customer
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(t.Context(), tx, p)
		return err
	})
	return c
}

func email(v string) customers.Identity {
	return customers.Identity{Kind: customers.Email, Value: v}
}

func TestAPersonIsFoundByEverythingTheyAreKnownBy(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := create(t, db, customers.Profile{Name: "Ana Nováková", Country: "cz", Identities: []customers.Identity{
			email("Ana@Example.com"), {Kind: "phone", Value: "601 123 456"}, {Kind: "external", Value: "Shop: 42"}, {Kind: "card", Value: "ab 12-34"}}})
		for _, i := range []customers.Identity{email(" ana@EXAMPLE.com "), {Kind: "phone", Value: "+420 601 123 456"},
			{Kind: "external", Value: "shop:42"}, {Kind: "card", Value: "AB1234"}} {
			found, ok, err := customers.Find(t.Context(), db, i)
			if err != nil || !ok || found != c {
				t.Errorf("find %v: %v %v %v", i, found, ok, err)
			}
		}
		if _, ok, err := customers.Find(t.Context(), db, email("nobody@example.com")); ok || err != nil {
			t.Errorf("nobody was found: %v %v", ok, err)
		}
		for _, q := range []string{"nov", "Ana N", "novakova ana", "ana@ex", "601123", "0601 123", "+420 601", "3456", "123456", "42", "ab12"} {
			got, err := customers.Search(t.Context(), db, q, 10)
			if err != nil || len(got) != 1 || got[0].ID != c {
				t.Errorf("search %q: %v %v", q, got, err)
			}
		}
		for _, q := range []string{"", "%", "novak x", "bob", "9", "'; drop"} {
			if got, err := customers.Search(t.Context(), db, q, 10); err != nil || len(got) != 0 {
				t.Errorf("search %q: %v %v", q, got, err)
			}
		}
	})
}

func TestNamesOfAnyScriptAreFoundAsTheyAreTyped(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for query, name := range map[string]string{"ива": "Иван Петров", "ПЕТ": "Иван Петров", "김": "김민준", "민준": "김민준", "山": "山田 太郎", "zoe": "Zoë Ångström", "angs": "Zoë Ångström"} {
			c, found, err := customers.Find(t.Context(), db, customers.Identity{Kind: "card", Value: name})
			if err != nil {
				t.Fatal(err)
			}
			if !found {
				c = create(t, db, customers.Profile{Name: name, Identities: []customers.Identity{{Kind: "card", Value: name}}})
			}
			got, err := customers.Search(t.Context(), db, query, 10)
			if err != nil || len(got) != 1 || got[0].ID != c {
				t.Errorf("search %q: %v %v", query, got, err)
			}
		}
	})
}

func TestAnIdentityBelongsToOneCustomerOnly(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a := create(t, db, customers.Profile{Name: "A", Identities: []customers.Identity{email("a@example.com")}})
		b := create(t, db, customers.Profile{Name: "B"})
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := customers.Create(t.Context(), tx, customers.Profile{Name: "C", Identities: []customers.Identity{email("A@example.com")}})
			return err
		})
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("create: %v", err)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			return customers.Claim(t.Context(), tx, b, staff, email("a@example.com"))
		})
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("claim: %v", err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := customers.Release(t.Context(), tx, a, staff, email("a@example.com")); err != nil {
				return err
			}
			return customers.Claim(t.Context(), tx, b, staff, email("a@example.com"))
		})
		who, err := customers.ByID(t.Context(), db, b)
		if owner, _, _ := customers.Find(t.Context(), db, email("a@example.com")); owner != b || who.Email != "a@example.com" || err != nil {
			t.Errorf("owner %v, main email %q, %v", owner, who.Email, err)
		}
	})
}

func TestCreatingManyTwiceMakesThemOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var ps []customers.Profile
		for i := range 1200 {
			ps = append(ps, customers.Profile{Source: "import", Import: 5, History: true, JoinedDay: "2011-12-09",
				Identities: []customers.Identity{{Kind: "external", Value: fmt.Sprintf("retail:%d", i/2)}}})
		}
		var first, second []id.Customer
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			first, err = customers.CreateMany(t.Context(), tx, ps)
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			second, err = customers.CreateMany(t.Context(), tx, ps)
			return err
		})
		n := count(t, db, `select count(*) from customers`)
		joined := count(t, db, `select count(*) from events where kind = 'customer.joined' and history`)
		if n != 600 || joined != 600 || len(first) != 1200 || first[0] != first[1] || first[1] == first[2] {
			t.Errorf("%d customers, %d joined", n, joined)
		}
		for i := range first {
			if first[i] != second[i] {
				t.Fatalf("profile %d: %v, then %v", i, first[i], second[i])
			}
		}
	})
}

func TestTwoWhoMakeTheSameCustomerAtOnceMakeOne(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		done := make(chan id.Customer, 8)
		for range 8 {
			go func() {
				var got []id.Customer
				err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
					got, err = customers.CreateMany(t.Context(), tx, []customers.Profile{
						{Name: "X", Identities: []customers.Identity{email("x@example.com")}},
						{Name: "Y", Identities: []customers.Identity{email("y@example.com"), email("x2@example.com")}}})
					return err
				})
				if err != nil {
					t.Error(err)
					got = make([]id.Customer, 1)
				}
				done <- got[0]
			}()
		}
		owners := map[id.Customer]bool{}
		for range 8 {
			owners[<-done] = true
		}
		var n int
		if err := db.QueryRow(t.Context(), `select count(*) from customers`).Scan(&n); err != nil || n != 2 || len(owners) != 1 {
			t.Errorf("%d customers, owners %v, %v", n, owners, err)
		}
	})
}

func TestWhoIsHeldStaysAsTheyAreUntilTheTransactionEnds(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := create(t, db, customers.Profile{Name: "Ann", Identities: []customers.Identity{email("ann@shop.example")}})
		was, err := customers.ByID(t.Context(), db, c)
		if err != nil {
			t.Fatal(err)
		}
		other := func(patience time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return db.Tx(ctx, func(tx *store.Tx) error { return customers.Lock(ctx, tx, c) })
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := customers.Hold(t.Context(), tx, c, c); err != nil {
				return err
			}
			if err := other(200 * time.Millisecond); err == nil {
				t.Error("somebody else locked a customer who is held")
			}
			return nil
		})
		if now, err := customers.ByID(t.Context(), db, c); err != nil || !strings.HasSuffix(t.Name(), "/citus") && now.Version != was.Version {
			t.Errorf("holding made version %d of %d, %v", now.Version, was.Version, err)
		}
		if err := other(10 * time.Second); err != nil {
			t.Errorf("who was held cannot be locked afterwards: %v", err)
		}
	})
}

func TestWhatCannotBeAnIdentityIsRefusedWithASentence(t *testing.T) {
	for _, i := range []customers.Identity{{Kind: "email", Value: "ana"}, {Kind: "email", Value: "ana@"}, {Kind: "email", Value: "a b@example.com"}, {Kind: "phone", Value: "12"},
		{Kind: "phone", Value: "call me"}, {Kind: "external", Value: "42"}, {Kind: "external", Value: "shop:"}, {Kind: "card", Value: " - "}} {
		if n, err := customers.Normalise(i, "CZ"); !errs.Is(err, errs.Invalid) {
			t.Errorf("%v became %v, %v", i, n, err)
		}
	}
}

func FuzzNormaliseTwiceIsTheSame(f *testing.F) {
	f.Add("phone", "(0) 20 7946 0018", "GB")
	f.Add("email", "Ana@Exämple.com", "")
	f.Add("external", "a:b:c", "")
	f.Add("card", "٣٤ 5", "KR")
	f.Fuzz(func(t *testing.T, kind, value, region string) {
		once, err := customers.Normalise(customers.Identity{Kind: kind, Value: value}, region)
		if err != nil {
			return
		}
		if twice, err := customers.Normalise(once, ""); err != nil || twice != once {
			t.Errorf("%q %q %q: %q, then %q, %v", kind, value, region, once.Value, twice.Value, err)
		}
	})
}

// count is the one number that a query answers with.
func count(t testing.TB, db *store.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
