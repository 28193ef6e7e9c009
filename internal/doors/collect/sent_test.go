package collect

import (
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// A merge may be finished between the look for a customer and their lock.
func TestAnEventOfSomebodyMergedMeanwhileIsTheSurvivors(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var ana, ben id.Customer
		testkit.Do(t, db, func(tx *store.Tx) error {
			cs, err := customers.CreateMany(ctx, tx, []customers.Profile{{Name: "Ana", Source: "test"}, {Name: "Ben", Source: "test"}})
			if err != nil {
				return err
			}
			ana, ben = cs[0], cs[1]
			_, err = customers.MergeInto(ctx, tx, Tables, ana, ben, customers.By{})
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) error {
			one := []sent{APIAction{ID: "visit-1", Name: "Called"}.read(tx.Now, ben, 0)}
			if err := record(ctx, tx, one); err != nil {
				return err
			}
			if one[0].err == nil && one[0].customer != ana {
				t.Errorf("it was written for %v, and %v is who lives", one[0].customer, ana)
			}
			return nil
		})
		var n int
		if err := db.QueryRow(ctx, `select count(*) from events where customer_id = $1 and kind = 'action.tracked'`, int64(ana)).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d events stand with the survivor, %v", n, err)
		}
	})
}
