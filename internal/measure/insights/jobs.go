package insights

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const (
	computeJob = "insights.compute" // one filter
	inquiryJob = "insights.inquire" // one question of another shape
	noticeJob  = "insights.notice"  // the data has changed
)

// settle is how long after a change the standing figures are computed anew, so
// that many changes make one computation.
const settle = 2 * time.Second

// Subscription notices that orders or customers' subscriptions have changed, in
// one coalescing job.
var Subscription = timeline.Subscription{
	Name: "insights", History: true,
	Kinds: append([]string{orders.EventPlaced, orders.EventAmended, orders.EventRefunded, orders.EventCancelled, orders.EventReinstated, orders.EventValued,
		"customer.merged", "customer.unmerged"}, orders.SubscriptionEvents...),
	Handle: func(ctx context.Context, tx *store.Tx, _ []timeline.Event) error { return Touch(ctx, tx) },
}

// Touch says that the orders have changed in a way that leaves no event. It is
// noticed after a moment, several calls once.
func Touch(ctx context.Context, tx *store.Tx) error {
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: noticeJob, Key: noticeJob, At: tx.Now.Add(settle)})
}

// Jobs is the background work of insights.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{
		{Name: computeJob, Do: func(ctx context.Context, job *jobs.Job) error { return inquire(ctx, db, job) }},
		{Name: inquiryJob, Do: func(ctx context.Context, job *jobs.Job) error { return inquire(ctx, db, job) }},
		{Name: noticeJob, Next: everyQuarterOfADay, Do: func(ctx context.Context, job *jobs.Job) error {
			return db.Tx(ctx, func(tx *store.Tx) error {
				if job.Key == noticeJob {
					if err := bump(ctx, tx); err != nil {
						return err
					}
				}
				pause, err := calm(ctx, tx)
				if err != nil {
					return err
				}
				if err := figures(Standing).enqueue(ctx, tx, tx.Now.Add(pause)); err != nil {
					return err
				}
				return job.Done(ctx, tx)
			})
		}},
	}
}

// everyQuarterOfADay renews the standing figures without any change too: they
// are as of a day, and each place's day begins at another time.
func everyQuarterOfADay(after time.Time) time.Time {
	return after.Truncate(6 * time.Hour).Add(6*time.Hour + 5*time.Minute)
}

// bump makes all kept figures old.
func bump(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `
		insert into insights_data (id, version, changed_at) values (1, 1, $1)
		on conflict (id) do update set version = insights_data.version + 1, changed_at = excluded.changed_at`, tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("count the version of the data: %w", err)
	}
	return nil
}
