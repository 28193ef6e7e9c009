package jobs

import (
	"context"

	"regulars/internal/platform/store"
)

// Seize claims jobs as a worker does that then stalls or dies: nobody renews
// their leases.
func Seize(ctx context.Context, db *store.DB, kinds []Kind, n int) ([]*Job, error) {
	jobs, _, err := NewRunner(db, kinds, Options{}).settleAndClaim(ctx, nil, n, true)
	return jobs, err
}

// Work runs a seized job's handler, however late.
func (j *Job) Work() error { return j.kind.do(j.ctx, j) }

// Settle writes down how a seized job ended, as its runner would.
func (j *Job) Settle(ctx context.Context, db *store.DB, kinds []Kind, err error) error {
	left := []result{{job: j, err: err, took: 1}}
	for len(left) > 0 {
		var e error
		if _, left, e = NewRunner(db, kinds, Options{}).settleAndClaim(ctx, left, 0, false); e != nil {
			return e
		}
	}
	return nil
}

// Tend looks after the schedules once.
func Tend(ctx context.Context, db *store.DB, kinds []Kind) error {
	return NewRunner(db, kinds, Options{}).tend(ctx)
}

// DefaultBackoff is the pause of a kind that says nothing of it.
var DefaultBackoff = (&Kind{}).backoff

// SayFailure is what is stored of an error.
var SayFailure, KeepFailure = sayFailure, keepFailure

// Listen is rung when a transaction of this process has enqueued.
var Listen = listen

// PollEvery is how often a runner looks for what nobody rang for.
const PollEvery = pollEvery

// Deafen takes the bell away from all runners that run: they find new jobs as
// those of another process do.
func Deafen() {
	bell.Lock()
	defer bell.Unlock()
	clear(bell.ropes)
}
