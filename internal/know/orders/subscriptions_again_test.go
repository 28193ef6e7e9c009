package orders

import (
	"errors"
	"testing"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestACancelledSubscriptionToldAgainNowChangesNothing(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		c := person(t, db, 1)
		over := func(v *Terms) { v.Status = Ended }
		s := subscribe(t, db, c, "a", time.Time{}, over)
		was := standing(t, db, c, s)
		clock.Advance(24 * time.Hour)
		subscribe(t, db, c, "a", time.Time{}, over)
		if now := standing(t, db, c, s); now != was {
			t.Errorf("it stood as\n%s\nand stands as\n%s", was, now)
		}
	})
}

func TestARenewalNamesThePlanOfItsDay(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, 1)
		s := subscribe(t, db, c, "a", onDay(0), nil)
		subscribe(t, db, c, "a", onDay(60), func(v *Terms) { v.Plan = "Tea box" })
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := Renew(t.Context(), tx, Renewal{Source: "shop", External: "a", Number: "in_1", PaidAt: onDay(31), Amount: 2400, Currency: "EUR"})
			return err
		})
		events, err := timeline.Of(t.Context(), db, c, int64(s))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == EventRenewed {
				if v, err := timeline.Decode[Renewed](e); err != nil || v.Plan != "Coffee box" {
					t.Errorf("what was renewed on day 31 is %q, %v", v.Plan, err)
				}
			}
		}
	})
}

// A notice that is taken back while the night's work waits for the customer.
func TestANoticeTakenBackMeanwhileEndsNothing(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		if db.Embedded() {
			t.Skip("there one writes at a time")
		}
		c := person(t, db, 1)
		s := subscribe(t, db, c, "a", clock.Now().AddDate(0, -1, 0), func(v *Terms) { v.CancelAt = clock.Now().AddDate(0, 0, -3) })
		done := make(chan error, 1)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := Subscribe(t.Context(), tx, SubscriptionNews{Source: "shop", External: "a", At: clock.Now().AddDate(0, 0, -5), Terms: box}); err != nil {
				return err
			}
			go func() { done <- EndDue(t.Context(), db) }()
			for range 2000 { // until it waits; on a cluster it does so at another machine
				var n int
				if err := db.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database()
					and state = 'active' and query_start < clock_timestamp() - interval '200 milliseconds'`).Scan(&n); err != nil {
					return err
				}
				if n > 0 {
					return nil
				}
				time.Sleep(5 * time.Millisecond)
			}
			return errors.New("it waits for nobody")
		})
		if err := errors.Join(err, <-done); err != nil {
			t.Fatal(err)
		}
		if now, err := SubscriptionByID(t.Context(), db, c, s); err != nil || now.Over() {
			t.Errorf("it is %+v, %v", now, err)
		}
	})
}
