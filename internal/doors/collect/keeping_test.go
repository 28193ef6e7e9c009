package collect

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestWhatNobodyCouldReadGoesWhenItsPeriodIsOver(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := addSource(t, db, "lines")
		lay := func(n int) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				for i := range n {
					if err := fail(t.Context(), tx, Part{Parcel: &Parcel{Source: s.ID, At: tx.Now}, Topic: "line", Body: fmt.Appendf(nil, "broken %d", i)}, errors.New("broken")); err != nil {
						return err
					}
				}
				return nil
			})
		}
		left := func(days int) (n int) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				return keeping.Choose(t.Context(), tx, 7, Keeping, map[string]int{"failures": days})
			})
			if err := keeping.Run(t.Context(), db, Keeping); err != nil {
				t.Fatal(err)
			}
			counts, err := FailureCounts(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			return counts[s.ID]
		}
		lay(120) // more than two slices
		clock.Advance(30*24*time.Hour - time.Minute)
		lay(3)
		if n := left(0); n != 123 {
			t.Errorf("after less than a month %d of 123 are left", n)
		}
		clock.Advance(2 * time.Minute)
		if n := left(40); n != 123 {
			t.Errorf("with a longer period %d of 123 are left", n)
		}
		if goes, err := Keeping[0].Count(t.Context(), db, keeping.Before(db.Now(), 30)); err != nil || goes != 120 {
			t.Errorf("%d would go, %v", goes, err)
		}
		if n := left(0); n != 3 {
			t.Errorf("after a month %d are left, want 3", n)
		}
	})
}
