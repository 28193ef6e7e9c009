package webhooks

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const (
	sendJob   = "webhooks.send"   // one delivery, once
	replayJob = "webhooks.replay" // many deliveries → sends
	clearJob  = "webhooks.clear"  // what was for an endpoint that is gone
	pruneJob  = "webhooks.prune"  // secrets that sign no more
)

// slice is how many rows one transaction of the upkeep touches.
const slice = 200

// Jobs returns the work that waits for nobody outside.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{
		{Name: replayJob, Outward: true, Do: func(ctx context.Context, job *jobs.Job) error { return replay(ctx, db, job) }},
		{Name: clearJob, Do: func(ctx context.Context, job *jobs.Job) error { return forget(ctx, db, job) }},
		{Name: pruneJob, Next: nightly, Do: func(ctx context.Context, _ *jobs.Job) error { return prune(ctx, db) }},
	}
}

// Sending returns the work that waits for other people's machines: it has
// workers of its own, so that a slow receiver holds up nothing else.
func Sending(db *store.DB, client *http.Client) []jobs.Kind {
	s := sender{db, client}
	return []jobs.Kind{{Name: sendJob, Outward: true, Do: s.send}}
}

func nightly(after time.Time) time.Time {
	next := after.UTC().Truncate(24 * time.Hour).Add(3*time.Hour + 40*time.Minute)
	if !next.After(after) {
		next = next.Add(24 * time.Hour)
	}
	return next
}

type replayArgs struct {
	Endpoint id.Endpoint `json:"endpoint"`
	All      bool        `json:"all"`
	Since    int64       `json:"since"`
	Until    int64       `json:"until"`
	After    id.Event    `json:"after"` // of those made at Since
}

// replay walks the deliveries from the oldest on and goes on in a job of its
// own.
func replay(ctx context.Context, db *store.DB, job *jobs.Job) error {
	var args replayArgs
	if err := job.Args(&args); err != nil {
		return err
	}
	states := `('failed', 'held')`
	if args.All {
		states = `('failed', 'held', 'delivered')`
	}
	type found struct {
		key
		made int64
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		all, err := store.All(ctx, tx, func(rows *sql.Rows) (f found, err error) {
			return f, rows.Scan(&f.Customer, &f.Endpoint, &f.Event, &f.made)
		}, `
			select customer_id, endpoint_id, event_id, made_at from webhook_deliveries
			where endpoint_id = $1 and state in `+states+` and (made_at, event_id) > ($2, $3) and made_at <= $4
			order by made_at, event_id limit $5`, int64(args.Endpoint), args.Since, int64(args.After), args.Until, slice)
		if err != nil {
			return fmt.Errorf("find what to replay: %w", err)
		}
		keys := make([]key, len(all))
		for i, f := range all {
			keys[i] = f.key
		}
		if err := again(ctx, tx, keys); err != nil {
			return err
		}
		if len(all) == slice {
			last := all[slice-1]
			args.Since, args.After = last.made, last.Event
			if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: replayJob, Args: args}); err != nil {
				return err
			}
		}
		return job.Done(ctx, tx)
	})
}

type clearArgs struct {
	Endpoint id.Endpoint `json:"endpoint"`
}

func forget(ctx context.Context, db *store.DB, job *jobs.Job) error {
	var args clearArgs
	if err := job.Args(&args); err != nil {
		return err
	}
	for n := slice; n == slice; {
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = sweep(ctx, tx, args.Endpoint, tx.Now.Add(time.Hour), slice)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// prune takes away secrets that sign no more.
func prune(ctx context.Context, db *store.DB) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update webhook_endpoints set former_secret = null, former_until_at = null where former_until_at <= $1`, tx.Now.UnixMicro())
		return err
	})
}

// sweep deletes up to limit of an endpoint's deliveries made before a time, and
// returns how many went.
func sweep(ctx context.Context, tx *store.Tx, endpoint id.Endpoint, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, `
		delete from webhook_deliveries where (customer_id, endpoint_id, event_id) in (
			select customer_id, endpoint_id, event_id from webhook_deliveries where endpoint_id = $1 and made_at < $2 limit $3)`,
		int64(endpoint), before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("take away old deliveries: %w", err)
	}
	return int(n), nil
}
