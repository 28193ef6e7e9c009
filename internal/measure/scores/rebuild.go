package scores

import (
	"context"
	"fmt"
	"math"
	"slices"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Difference is a customer whose stored score was not what the stored models
// say of them.
type Difference struct {
	Customer id.Customer
	Stored   Score // zero: there was no row
	Reckoned Score // zero: there should be none
}

// Rebuilt is what Rebuild found.
type Rebuilt struct {
	Customers   int    `json:"customers"`   // with a score
	Differences int    `json:"differences"` // must be 0; they are mended by now
	Model       int64  `json:"-"`           // the fit that was asked; 0: nobody was scored yet
	AsOfDay     string `json:"as_of_day"`
}

// Rebuild reckons every score anew, with the stored models at their stored day,
// and compares: figures must be equal to 1e-9. Customers who are marked are
// scored first, as they only wait; so is everybody after a refresh that did not
// get to its end. Each difference is reported and mended.
func Rebuild(ctx context.Context, db *store.DB, report func(Difference)) (Rebuilt, error) {
	f, err := load(ctx, db, 0)
	if err != nil {
		return Rebuilt{}, err
	}
	if f == nil || !f.finished {
		if _, err := Refresh(ctx, db); err != nil {
			return Rebuilt{}, err
		}
		if f, err = load(ctx, db, 0); err != nil || f == nil {
			return Rebuilt{}, err
		}
	}
	done := Rebuilt{Model: f.id, AsOfDay: f.day}
	if _, err := refreshMarked(ctx, db, f); err != nil {
		return done, err
	}
	h, err := history(ctx, db, f.asOf, "")
	if err != nil {
		return done, err
	}
	suspects, err := f.compare(ctx, db, h, &done)
	if err != nil {
		return done, err
	}
	for _, c := range suspects {
		d, wrong, err := f.mend(ctx, db, c)
		if err != nil {
			return done, err
		}
		if wrong {
			done.Differences++
			report(d)
		}
	}
	return done, nil
}

// compare lists the customers whose row is not what it should be.
func (f *fit) compare(ctx context.Context, q store.Querier, h *retention.History, done *Rebuilt) ([]id.Customer, error) {
	const slice = 5000
	var suspects []id.Customer
	n, after := 0, int64(math.MinInt64)
	if h != nil {
		n = h.Customers()
	}
	for from := 0; ; from += slice {
		to, upTo := min(from+slice, n), int64(math.MaxInt64)
		if to < n {
			upTo = h.ID[to-1]
		}
		const where = `customer_id > $1 and customer_id <= $2`
		stored, err := storedIn(ctx, q, where, after, upTo)
		if err != nil {
			return nil, err
		}
		living, err := store.All(ctx, q, store.Scalar[id.Customer], `
			select customer_id from customers where merged_into is null and erased_at is null and `+where+` order by customer_id`, after, upTo)
		if err != nil {
			return nil, fmt.Errorf("read who lives: %w", err)
		}
		for i := from; i < to; i++ {
			c := id.Customer(h.ID[i])
			r, ok := f.reckon(h, i)
			if _, lives := slices.BinarySearch(living, c); !lives || !ok {
				continue
			}
			done.Customers++
			if !same(stored[c], r) {
				suspects = append(suspects, c)
			}
			delete(stored, c)
		}
		for c := range stored {
			suspects = append(suspects, c)
		}
		if to >= n {
			slices.Sort(suspects)
			return suspects, nil
		}
		after = upTo
	}
}

// mend scores one customer anew, and reports whether the row was wrong indeed
// once nobody could write beside us.
func (f *fit) mend(ctx context.Context, db *store.DB, c id.Customer) (d Difference, wrong bool, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		var marked int
		if err := tx.QueryRow(ctx, `select count(*) from scores_stale where customer_id = $1`, int64(c)).Scan(&marked); err != nil {
			return err
		}
		before, _, err := Of(ctx, tx, c)
		if err != nil {
			return err
		}
		if _, err := f.rescore(ctx, tx, []id.Customer{c}); err != nil {
			return err
		}
		after, _, err := Of(ctx, tx, c)
		d = Difference{Customer: c, Stored: before, Reckoned: after}
		wrong = marked == 0 && before != after
		return err
	})
	return d, wrong, err
}

// same compares a stored row with what it should be: figures to 1e-9, money
// with the unrounded sum, so that half a minor unit does not matter.
func same(stored Score, r reckoned) bool {
	want := r.Score
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }
	if !near(stored.Alive, want.Alive) || !near(stored.Return, want.Return) || !near(stored.Purchases, want.Purchases) ||
		!near(stored.LateChance, want.LateChance) || !near(stored.Gap, want.Gap) {
		return false
	}
	rounded := func(stored int64, exact float64) bool {
		return math.Abs(float64(stored)-exact) <= 0.5+1e-9*math.Abs(exact)
	}
	if !rounded(stored.Value, r.value) || !rounded(stored.Worth, r.worth) {
		return false
	}
	want.Alive, want.Return, want.Purchases, want.LateChance, want.Gap = stored.Alive, stored.Return, stored.Purchases, stored.LateChance, stored.Gap
	want.Value, want.Worth = stored.Value, stored.Worth
	return stored == want
}
