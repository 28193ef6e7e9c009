package facts

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Difference is a customer whose stored facts were not what their history
// comes to.
type Difference struct {
	Customer id.Customer
	Stored   Facts // zero with no row
	Folded   Facts
	Missing  bool // there was no row
	Orphan   bool // there was a row of nobody
}

// Rebuilt is what Rebuild found.
type Rebuilt struct {
	Customers   int `json:"customers"`
	Differences int `json:"differences"` // must be 0; they are mended by now
}

// rebuildSlice is how many customers are compared at a time.
const rebuildSlice = 500

// Rebuild folds every customer's history anew and compares it with what is
// stored. Customers who are marked are folded first: they only wait. Each
// difference is reported and mended.
func Rebuild(ctx context.Context, db *store.DB, report func(Difference)) (Rebuilt, error) {
	var done Rebuilt
	if _, err := RefreshMarked(ctx, db); err != nil {
		return done, err
	}
	after := id.Customer(0)
	for {
		cs, err := store.All(ctx, db, store.Scalar[id.Customer], `
			select customer_id from customers where customer_id > $1 and merged_into is null
			order by customer_id limit $2`, int64(after), rebuildSlice)
		if err != nil {
			return done, fmt.Errorf("read customers: %w", err)
		}
		if len(cs) == 0 {
			break
		}
		last := cs[len(cs)-1]
		found, err := compare(ctx, db, cs, int64(after)+1, int64(last))
		if err != nil {
			return done, err
		}
		for _, d := range found {
			mended, err := mend(ctx, db, d.Customer)
			if err != nil {
				return done, err
			}
			if mended {
				done.Differences++
				report(d)
			}
		}
		done.Customers += len(cs)
		after = last
	}
	return done, orphans(ctx, db, &done, report)
}

// compare returns the differences of customers in a range of ids.
func compare(ctx context.Context, q store.Querier, cs []id.Customer, from, to int64) ([]Difference, error) {
	const within = `customer_id >= $1 and customer_id <= $2`
	folded, err := fold(ctx, q, within, from, to)
	if err != nil {
		return nil, err
	}
	rows, err := store.All(ctx, q, func(rows *sql.Rows) (s stored, err error) {
		err = rows.Scan(s.into()...)
		return s, err
	}, `select customer_id, `+columns+` from customer_facts where `+within, from, to)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	have := make(map[id.Customer]Facts, len(rows))
	for _, s := range rows {
		have[s.customer] = s.facts()
	}
	var found []Difference
	for _, c := range cs {
		stored, ok := have[c]
		if stored != folded[c] { // a customer to whom nothing happened needs no row
			found = append(found, Difference{Customer: c, Stored: stored, Folded: folded[c], Missing: !ok})
		}
	}
	return found, nil
}

// mend folds one customer anew, and reports whether the row was wrong indeed
// once nobody could write beside us.
func mend(ctx context.Context, db *store.DB, c id.Customer) (wrong bool, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		var marked int
		if err := tx.QueryRow(ctx, `select count(*) from facts_stale where customer_id = $1`, int64(c)).Scan(&marked); err != nil {
			return err
		}
		before, err := compare(ctx, tx, []id.Customer{c}, int64(c), int64(c))
		if err != nil {
			return err
		}
		wrong = len(before) > 0 && marked == 0
		return Refresh(ctx, tx, c)
	})
	return wrong, err
}

// orphans takes away rows of customers who are gone or live on in another.
func orphans(ctx context.Context, db *store.DB, done *Rebuilt, report func(Difference)) error {
	gone, err := store.All(ctx, db, store.Scalar[id.Customer], `
		select f.customer_id from customer_facts f left join customers c on c.customer_id = f.customer_id
		where c.customer_id is null or c.merged_into is not null order by f.customer_id`)
	if err != nil {
		return fmt.Errorf("look for facts of nobody: %w", err)
	}
	for some := range slices.Chunk(gone, rebuildSlice) {
		if err := db.Tx(ctx, func(tx *store.Tx) error { return Refresh(ctx, tx, some...) }); err != nil {
			return err
		}
	}
	for _, c := range gone {
		done.Differences++
		report(Difference{Customer: c, Orphan: true})
	}
	return nil
}
