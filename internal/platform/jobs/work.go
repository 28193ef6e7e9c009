package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// work runs one job and logs its failure.
func (r *Runner) work(j *Job) result {
	begun := time.Now()
	ctx, ended := r.o.Telemetry.Job(store.Background(j.ctx), j.Kind)
	err := j.kind.do(ctx, j)
	ended(err)
	took := max(time.Since(begun), 1)
	switch cause := context.Cause(j.ctx); {
	case err == nil || errors.Is(cause, errStopping):
	case errors.Is(err, ErrTakenOver) || errors.Is(cause, ErrTakenOver):
		r.o.Log.Info("job taken over or cancelled", "kind", j.Kind, "job", j.ID.String(), "attempt", j.Attempt)
	default:
		r.o.Log.Error("job failed", "kind", j.Kind, "job", j.ID.String(), "attempt", j.Attempt, "error", sayFailure(err))
	}
	return result{job: j, err: err, took: took}
}

// do calls the handler and turns a panic into an error.
func (k *Kind) do(ctx context.Context, j *Job) (err error) {
	if j.Attempt > k.attempts() {
		return fmt.Errorf("the program stopped at each of the %d attempts", k.attempts())
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v at %s", p, panicAt(debug.Stack()))
		}
	}()
	return k.Do(ctx, j)
}

// panicAt finds the line that panicked: the second of the two that follow
// "panic(" in a stack, without its folder.
func panicAt(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "\npanic(")
	lines := strings.Split(after, "\n")
	for _, line := range lines[min(2, len(lines)):] {
		file, isFile := strings.CutPrefix(line, "\t")
		if isFile && !strings.Contains(file, "/runtime/") {
			file, _, _ = strings.Cut(file[strings.LastIndexByte(file, '/')+1:], " ")
			return file
		}
	}
	return "an unknown place"
}

const maxFailure = 300

var kindNames = [...]string{"internal", "invalid", "not found", "conflict", "forbidden", "sign in", "too large", "unavailable"}

// sayFailure is what the log has of an error: its kind and the beginning of its
// text, without addresses and phone numbers.
func sayFailure(err error) string {
	return kindNames[errs.KindOf(err)] + ": " + text.Masked(err.Error(), maxFailure)
}

// keepFailure is what a job keeps of an error: one that has a sentence for a
// person as that, to be said in their language; any other as the log has it.
func keepFailure(err error) string {
	if packed := text.Masked(errs.Pack(err), 4*maxFailure); errs.Unpack(packed) != nil {
		return packed
	}
	return sayFailure(err)
}

// beat renews the leases of all held jobs well before they run out, and ends
// the context of a job that is no longer ours.
func (r *Runner) beat(ctx context.Context) {
	every := defaultLease
	for _, k := range r.kinds {
		every = min(every, k.lease())
	}
	tick := time.NewTicker(max(every/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.renewAll(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.Error("leases of jobs were not renewed", "error", err)
		}
	}
}

func (r *Runner) renewAll(ctx context.Context) error {
	type group struct {
		claim int64
		lease time.Duration
	}
	groups := map[group][]*Job{}
	for _, j := range r.heldJobs() {
		g := group{j.claim, j.kind.lease()}
		groups[g] = append(groups[g], j)
	}
	for g, jobs := range groups {
		err := r.db.Tx(ctx, func(tx *store.Tx) error {
			held, err := r.renew(ctx, tx, g.claim, g.lease, jobs)
			if err != nil {
				return err
			}
			tx.AfterCommit(func() {
				for _, j := range jobs {
					if !held[j.ID] {
						j.cancel(ErrTakenOver)
					}
				}
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// The bell wakes the runners of this process when a transaction has enqueued.
// It is one for all databases: a process has one, and a runner that is woken
// for nothing only looks.
var bell struct {
	sync.Mutex
	ropes map[chan struct{}]bool
}

func listen() chan struct{} {
	bell.Lock()
	defer bell.Unlock()
	if bell.ropes == nil {
		bell.ropes = map[chan struct{}]bool{}
	}
	rope := make(chan struct{}, 1)
	bell.ropes[rope] = true
	return rope
}

func hangUp(rope chan struct{}) {
	bell.Lock()
	defer bell.Unlock()
	delete(bell.ropes, rope)
}

func ring() {
	bell.Lock()
	defer bell.Unlock()
	for rope := range bell.ropes {
		select {
		case rope <- struct{}{}:
		default: // it has been rung and not yet answered
		}
	}
}
