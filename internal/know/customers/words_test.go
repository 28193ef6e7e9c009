package customers_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func day(d int) time.Time { return time.Date(2025, 1, d, 12, 0, 0, 0, time.UTC) }

func yes(at time.Time, source string) customers.Consent {
	return customers.Consent{Channel: "email", Given: true, At: at, Place: "a file", Words: "Accepts Marketing: yes", Source: source}
}

func no(at time.Time, source string) customers.Consent {
	return customers.Consent{Channel: "email", At: at, Place: "a file", Source: source}
}

// said are a customer's words on a channel: the last one first, then all.
func said(t testing.TB, db *store.DB, c id.Customer) string {
	t.Helper()
	allowed, err := customers.Allows(t.Context(), db, c, "email")
	if err != nil {
		t.Fatal(err)
	}
	all, err := store.All(t.Context(), db, func(rows *sql.Rows) (string, error) {
		var given bool
		var source string
		err := rows.Scan(&given, &source)
		return fmt.Sprint(given, " ", source), err
	}, `select given, source from customer_consent_log where customer_id = $1 order by decided_at, id`, int64(c))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(allowed, ": ", strings.Join(all, ", "))
}

func TestWordsOfOtherSystemsAreWrittenDownAsFarAsTheyAreNew(t *testing.T) {
	never := time.Time{}
	for name, k := range map[string]struct {
		steps [][]customers.Consent
		want  string
	}{
		"a yes with its time, twice":            {[][]customers.Consent{{yes(day(1), "shop")}, {yes(day(1), "shop")}}, "true: true shop"},
		"of many the first":                     {[][]customers.Consent{{yes(day(3), "shop"), yes(day(1), "shop"), yes(day(2), "shop")}}, "true: true shop"},
		"of those from the newest on one":       {[][]customers.Consent{{yes(day(3), "shop")}, {yes(day(2), "shop")}, {yes(day(1), "shop")}}, "true: true shop"},
		"an older yes keeps the later no":       {[][]customers.Consent{{no(day(5), "mail")}, {yes(day(1), "mail")}}, "false: true mail, false mail"},
		"a later yes overrides the no":          {[][]customers.Consent{{no(day(5), "mail")}, {yes(day(7), "shop")}}, "true: false mail, true shop"},
		"a yes of no time fills what is empty":  {[][]customers.Consent{{yes(never, "shop")}, {yes(never, "shop")}}, "true: true shop"},
		"and never overrides a no":              {[][]customers.Consent{{no(day(5), "mail")}, {yes(never, "shop")}}, "false: false mail"},
		"a no of no time is none of a stranger": {[][]customers.Consent{{no(never, "shop")}}, "false: "},
		"it takes back its own yes":             {[][]customers.Consent{{yes(never, "shop")}, {no(never, "shop")}, {no(never, "shop")}}, "false: true shop, false shop"},
		"but nobody else's":                     {[][]customers.Consent{{yes(day(1), "till")}, {no(never, "shop")}}, "true: true till"},
		"nobody decides tomorrow":               {[][]customers.Consent{{yes(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), "shop")}}, "true: true shop"},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.DB) {
				c := named(t, db, "Ana")
				for _, step := range k.steps {
					testkit.Do(t, db, func(tx *store.Tx) error {
						var words []customers.Word
						for _, s := range step {
							words = append(words, customers.Word{Customer: c, Consent: s})
						}
						_, err := customers.DecideMany(t.Context(), tx, customers.By{Source: "import"}, words)
						return err
					})
				}
				if got := said(t, db, c); got != k.want {
					t.Errorf("it stands as %s, want %s", got, k.want)
				}
			})
		})
	}
}

func named(t testing.TB, db *store.DB, name string) (c id.Customer) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(t.Context(), tx, customers.Profile{Name: name, Identities: []customers.Identity{
			{Kind: customers.Email, Value: fmt.Sprintf("%s%d@example.com", strings.ToLower(name), tx.NewID())}}})
		return err
	})
	return c
}

func TestWordsFollowAMergeAndLeaveTheErasedAlone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b, gone := named(t, db, "Ana"), named(t, db, "Anna"), named(t, db, "Gone")
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.MergeInto(t.Context(), tx, customers.Tables, a, b, customers.By{})
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.EraseForGood(t.Context(), tx, customers.Tables, gone, customers.By{})
		})
		testkit.Do(t, db, func(tx *store.Tx) error {
			n, err := customers.DecideMany(t.Context(), tx, customers.By{}, []customers.Word{{Customer: b, Consent: yes(day(1), "shop")}, {Customer: gone, Consent: yes(day(1), "shop")}})
			if n != 1 {
				t.Errorf("%d words were written", n)
			}
			if err == nil {
				n, err = customers.BounceMany(t.Context(), tx, customers.By{}, []customers.Bounce{{Customer: b, Address: "b@example.com"}, {Customer: gone, Address: "g@example.com"}, {Customer: a, Address: "nonsense"}})
			}
			if n != 1 {
				t.Errorf("%d addresses were marked", n)
			}
			return err
		})
		if got := said(t, db, a); got != "true: true shop" {
			t.Errorf("the survivor stands as %s", got)
		}
	})
}

func TestADeadAddressIsSentNothingUntilItIsRevived(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := named(t, db, "Ana")
		mark := func() (n int) {
			testkit.Do(t, db, func(tx *store.Tx) (err error) {
				n, err = customers.BounceMany(t.Context(), tx, customers.By{Source: "mailchimp"}, []customers.Bounce{{Customer: c, Address: "Old@Example.com", At: day(2), Reason: "cleaned"}})
				return err
			})
			return n
		}
		if mark() != 1 || mark() != 0 {
			t.Error("it is not marked once")
		}
		for address, want := range map[string]bool{"old@example.com": false, "OLD@example.com": false, "new@example.com": true, "no address": false} {
			if ok, err := customers.Reachable(t.Context(), db, c, address); err != nil || ok != want {
				t.Errorf("%s can be reached: %t, %v", address, ok, err)
			}
		}
		all, err := customers.Bounces(t.Context(), db, c)
		if err != nil || len(all) != 1 || all[0].Reason != "cleaned" || !all[0].At.Equal(day(2)) || all[0].Source != "mailchimp" {
			t.Fatal(all, err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.Revive(t.Context(), tx, c, staff, "old@example.com") })
		if ok, err := customers.Reachable(t.Context(), db, c, "old@example.com"); err != nil || !ok {
			t.Error("it is still dead", err)
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return customers.Revive(t.Context(), tx, c, staff, "old@example.com") }); err == nil {
			t.Error("an address that lives can be revived")
		}
	})
}
