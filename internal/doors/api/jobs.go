package api

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const tidyJob = "api.tidy"

// Jobs is the background work of this door: what is kept for a while goes.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{{
		Name: tidyJob,
		Do:   func(ctx context.Context, _ *jobs.Job) error { return Tidy(ctx, db) },
		Next: func(after time.Time) time.Time {
			return after.UTC().Truncate(time.Hour).Add(time.Hour + 17*time.Minute)
		},
	}}
}

// Tidy removes answers older than a day, in slices.
func Tidy(ctx context.Context, db *store.DB) error {
	before := db.Now().Add(-answersFor)
	for n := int64(tidySlice); n == tidySlice; {
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `
				delete from api_answers where (key_id, idempotency) in (
					select key_id, idempotency from api_answers where created_at < $1 limit $2)`, before.UnixMicro(), tidySlice)
			return err
		})
		if err != nil {
			return fmt.Errorf("tidy the API: %w", err)
		}
	}
	return nil
}

// Subscription empties the kept answers that tell of somebody who was erased,
// or of one who had been merged into them.
var Subscription = timeline.Subscription{
	Name: "api", Kinds: []string{"customer.erased"},
	Handle: func(ctx context.Context, tx *store.Tx, events []timeline.Event) error {
		for _, e := range events {
			who, err := store.All(ctx, tx, store.Scalar[int64], `select customer_id from customers where merged_into = $1`, int64(e.Customer))
			if err != nil {
				return fmt.Errorf("forget the answers about %s: %w", e.Customer, err)
			}
			for _, c := range append(who, int64(e.Customer)) {
				if _, err := tx.Exec(ctx, `update api_answers set answer = null where about_id = $1`, c); err != nil {
					return fmt.Errorf("forget the answers about %s: %w", e.Customer, err)
				}
			}
		}
		return nil
	},
}
