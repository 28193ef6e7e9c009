package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"regulars/internal/platform/store"
)

// Drain works everything that is due, one job after the other, until nothing
// is left; jobs enqueued meanwhile are worked too. It is for the command line
// and for tests: schedules that have no job get none. Jobs that failed are
// stored as such, and the first failures are returned once all is worked.
func Drain(ctx context.Context, db *store.DB, kinds []Kind) error {
	r := NewRunner(db, kinds, Options{Workers: 1, Log: slog.New(slog.DiscardHandler)})
	if r.err != nil {
		return r.err
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go r.beat(alive)
	var settled []result
	var failures []error
	for {
		_, late, err := r.look(alive)
		if err != nil {
			return fmt.Errorf("drain jobs: %w", err)
		}
		room := r.ahead()
		if ctx.Err() != nil {
			room = 0
		}
		jobs, later, err := r.settleAndClaim(alive, settled, room, late)
		if err != nil {
			return fmt.Errorf("drain jobs: %w", err)
		}
		settled = later
		if len(jobs) == 0 && len(later) == 0 {
			break
		}
		if len(jobs) == 0 {
			pause(alive, 10*time.Millisecond)
		}
		for _, j := range jobs {
			if ctx.Err() != nil {
				settled = append(settled, result{job: j, back: true})
				continue
			}
			stop := context.AfterFunc(ctx, func() { j.cancel(errStopping) })
			res := r.work(j)
			stop()
			settled = append(settled, res)
			if res.err != nil && !errors.Is(context.Cause(j.ctx), ErrTakenOver) && len(failures) < 10 {
				failures = append(failures, fmt.Errorf("%s %s: %w", j.Kind, j.ID, res.err))
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failures...)
}
