package scores

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const (
	refreshJob = "scores.refresh"
	dailyJob   = "scores.daily" // what is enough to have a refresh
)

// errOvertaken ends a refresh that another one overtook, as after a lost lease.
var errOvertaken = errors.New("newer models were fitted meanwhile")

// settleTime is how long after a change customers are scored, so that many
// changes make one refresh.
const settleTime = 3 * time.Second

// Tables say how scores follow their customer: they are computed anew.
var Tables = []customers.Table{
	{Name: "customer_scores", Merge: customers.Recompute, Recompute: Recompute, Erase: customers.Empty},
	{Name: "scores_stale", Merge: customers.Recompute, Erase: customers.Empty, Unexported: true},
}

// Subscription marks the customers whose purchases changed, and who were merged
// or erased.
var Subscription = timeline.Subscription{
	Name: "scores", History: true,
	Kinds: []string{orders.EventPlaced, orders.EventAmended, orders.EventCancelled, orders.EventReinstated, orders.EventValued,
		"customer.merged", "customer.unmerged", "customer.erased"},
	Handle: func(ctx context.Context, tx *store.Tx, events []timeline.Event) error {
		cs := make([]id.Customer, len(events))
		for i, e := range events {
			cs[i] = e.Customer
		}
		return Mark(ctx, tx, cs...)
	},
}

// Mark notes that customers are to be scored again, and sees to it that they
// are. It is for whoever takes purchases away without an event, as the undoing of
// an import does.
func Mark(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	if len(cs) == 0 {
		return nil
	}
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	// Written anew where there is one, which waits for a refresh that is about
	// to take it away.
	rows := tx.Bulk(ctx, "scores_stale", "customer_id, marked_at", "on conflict (customer_id) do update set marked_at = excluded.marked_at")
	for _, c := range cs {
		if err := rows.Add(int64(c), tx.Now.UnixMicro()); err != nil {
			return fmt.Errorf("mark the score of %s: %w", c, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("mark scores of %d customers: %w", len(cs), err)
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: refreshJob, Key: refreshJob, At: tx.Now.Add(settleTime)})
}

// Jobs is the background work of scores.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{
		{Name: refreshJob, Do: func(ctx context.Context, job *jobs.Job) error { return refreshSoon(ctx, db, job) }},
		{Name: dailyJob, Next: everyQuarterOfADay, Do: func(ctx context.Context, job *jobs.Job) error {
			return db.Tx(ctx, func(tx *store.Tx) error {
				// One job, of one key, refreshes, so that no two do.
				if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: refreshJob, Key: refreshJob}); err != nil {
					return err
				}
				return job.Done(ctx, tx)
			})
		}},
	}
}

// calm is how many times as long as scoring everybody took nobody is scored
// after it for changes alone, so that a long import does not make a large
// business score all the time.
const calm = 10

// refreshSoon refreshes, now or, when everybody would have to be scored again
// just after they were, later.
func refreshSoon(ctx context.Context, db *store.DB, job *jobs.Job) error {
	p, err := look(ctx, db)
	if err != nil {
		return err
	}
	if !p.all || p.due || !db.Now().Before(p.f.restedAt) {
		_, err := p.do(ctx, db)
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: refreshJob, Key: refreshJob, At: p.f.restedAt}); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}

// everyQuarterOfADay looks whether a new day has begun at the business: each
// place's begins at another time. On a day that has scores it changes nothing.
func everyQuarterOfADay(after time.Time) time.Time {
	const past = 10 * time.Minute
	return after.Add(-past).Truncate(6 * time.Hour).Add(6*time.Hour + past)
}
