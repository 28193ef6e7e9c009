package scores_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestAnOrderChangesItsCustomersScoreAndManyFitTheModelsAnew(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 120)
		shop(t, db, rand.New(rand.NewPCG(3, 3)), cs)
		work(t, db, clock)
		before, other := of(t, db, cs[7]), of(t, db, cs[8])
		sell(t, db, cs[7], 0, 1000)
		work(t, db, clock)
		after := of(t, db, cs[7])
		if after.Model != before.Model || after.Orders != before.Orders+1 || after.LastDay != "2026-03-02" || after.Spend != before.Spend+1000 {
			t.Fatalf("after an order of today\n%+v became\n%+v", before, after)
		}
		if now := of(t, db, cs[8]); now != other {
			t.Fatalf("somebody else's score changed from %+v to %+v", other, now)
		}
		for _, c := range cs[:10] {
			sell(t, db, c, 1, 900)
		}
		work(t, db, clock)
		if now := of(t, db, cs[8]); now.Model == other.Model {
			t.Fatal("after the orders of ten of 120 customers the models are still the old ones")
		}
		model := of(t, db, cs[8]).Model
		clock.Advance(24 * time.Hour)
		testkit.Do(t, db, func(tx *store.Tx) error {
			return jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "scores.daily"})
		})
		work(t, db, clock)
		if now := of(t, db, cs[8]); now.Model == model || now.AsOfDay != "2026-03-03" {
			t.Fatalf("on the next day the score is %+v", now)
		}
		rebuilt(t, db)
	})
}

func TestEverybodyIsNotScoredAllTheTimeDuringALongImport(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 30)
		shop(t, db, rand.New(rand.NewPCG(8, 8)), cs)
		work(t, db, clock)
		before := of(t, db, cs[0])
		testkit.Do(t, db, func(tx *store.Tx) error { // as if it had taken a minute
			_, err := tx.Exec(t.Context(), `update score_models set fitted_at = $1, finished_at = $2`, tx.Now.Add(-time.Minute).UnixMicro(), tx.Now.UnixMicro())
			return err
		})
		for _, c := range cs {
			sell(t, db, c, 0, 1000)
		}
		work(t, db, clock)
		work(t, db, clock)
		if now := of(t, db, cs[0]); now != before {
			t.Fatalf("four minutes after everybody was scored, which took one, everybody was scored again")
		}
		clock.Advance(10 * time.Minute)
		work(t, db, clock)
		if now := of(t, db, cs[0]); now.Model == before.Model || now.Orders != before.Orders+1 {
			t.Fatalf("after a rest the score is still %+v", now)
		}
		rebuilt(t, db)
	})
}

func TestARefreshThatWasCutShortIsMadeGood(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 30)
		shop(t, db, rand.New(rand.NewPCG(8, 8)), cs)
		work(t, db, clock)
		testkit.Do(t, db, func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), `update score_models set finished_at = null`); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `delete from customer_scores where customer_id > $1`, int64(cs[12]))
			return err
		})
		done, err := scores.Refresh(t.Context(), db)
		if err != nil || !done.Fitted || done.Scored != 30 {
			t.Fatalf("refreshed %+v, %v", done, err)
		}
		rebuilt(t, db)
	})
}

func TestUndoingAnImportLeavesNoScoreOfIt(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 30)
		shop(t, db, rand.New(rand.NewPCG(7, 8)), cs)
		work(t, db, clock)
		before := of(t, db, cs[0])
		var came id.Customer
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			came, err = customers.Create(t.Context(), tx, customers.Profile{Name: "New", Source: "import", Import: 5, History: true})
			return err
		})
		one, two := sale(cs[0], 1, 700), sale(came, 2, 800)
		one.Import, two.Import = 5, 5
		place(t, db, one, two)
		testkit.Do(t, db, func(tx *store.Tx) error { return timeline.Release(t.Context(), tx, 5) })
		work(t, db, clock)
		if s := of(t, db, cs[0]); s.Orders != before.Orders+1 || of(t, db, came).Spend != 800 {
			t.Fatalf("imported, the score is %+v", s)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			undone, err := orders.UndoImport(t.Context(), tx, 5, 100)
			if err == nil {
				err = scores.Mark(t.Context(), tx, undone.Customers...)
			}
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.UndoImport(t.Context(), tx, tables, 5, 100)
			return err
		})
		work(t, db, clock)
		if s := of(t, db, cs[0]); s.Orders != before.Orders || s.Spend != before.Spend {
			t.Fatalf("the import undone, the score is %+v, before it was %+v", s, before)
		}
		if _, ok, err := scores.Of(t.Context(), db, came); ok || err != nil {
			t.Fatalf("whoever came with it has a score still, %v", err)
		}
		rebuilt(t, db)
	})
}

func TestWhatWasImportedOfADoneBusinessIsAsOfItsLastSale(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 2)
		sell(t, db, cs[0], 400, 1000)
		sell(t, db, cs[1], 100, 1000)
		work(t, db, clock)
		if s := of(t, db, cs[0]); s.AsOfDay != "2025-11-22" {
			t.Fatalf("scored as of %s", s.AsOfDay)
		}
	})
}

func TestAMergeItsUndoingAndAnErasureLeaveNoStaleScore(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 60)
		shop(t, db, rand.New(rand.NewPCG(2, 8)), cs)
		work(t, db, clock)
		none := func(c id.Customer) {
			t.Helper()
			if s, ok, err := scores.Of(t.Context(), db, c); ok || err != nil {
				t.Fatalf("%s has the score %+v, %v", c, s, err)
			}
		}
		a, b, by := of(t, db, cs[0]), of(t, db, cs[1]), customers.By{Source: "staff"}
		var merge int64
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			merge, err = customers.MergeInto(t.Context(), tx, tables, cs[0], cs[1], by)
			return err
		})
		if both := of(t, db, cs[0]); both.Orders != a.Orders+b.Orders || both.Spend != a.Spend+b.Spend || both.Alive == a.Alive {
			t.Fatalf("%+v and %+v are together %+v", a, b, both)
		}
		none(cs[1])
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.UndoMerge(t.Context(), tx, tables, cs[0], merge, by)
			return err
		})
		if of(t, db, cs[0]) != a || of(t, db, cs[1]) != b {
			t.Fatalf("parted again they are %+v and %+v, before they were %+v and %+v", of(t, db, cs[0]), of(t, db, cs[1]), a, b)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, tables, cs[2], by) })
		none(cs[2])
		work(t, db, clock)
		none(cs[2])
		clock.Advance(24 * time.Hour)
		done, err := scores.Refresh(t.Context(), db)
		if err != nil || !done.Fitted || done.Changed != 59 {
			t.Fatalf("the next day %+v, %v", done, err)
		}
		none(cs[2])
		rebuilt(t, db)
	})
}

func TestWhoHasNoPurchaseLeftHasNoScoreLeft(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 121)
		shop(t, db, rand.New(rand.NewPCG(2, 9)), cs[:120])
		sell(t, db, cs[120], 20, 1000)
		work(t, db, clock)
		of(t, db, cs[120])
		testkit.Do(t, db, func(tx *store.Tx) error {
			placed, err := orders.Of(t.Context(), tx, cs[120], 1)
			if err != nil || len(placed) != 1 {
				t.Fatal(placed, err)
			}
			return orders.Cancel(t.Context(), tx, cs[120], placed[0].ID, "late", "", customers.By{Source: "staff"})
		})
		work(t, db, clock)
		if s, ok, err := scores.Of(t.Context(), db, cs[120]); ok || err != nil {
			t.Fatalf("the score is %+v, %v", s, err)
		}
		rebuilt(t, db)
	})
}
