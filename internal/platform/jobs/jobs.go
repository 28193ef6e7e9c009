// Package jobs is background work, timers and schedules in one table.
//
// Its one rule: a job is enqueued in the transaction that makes it necessary
// and completed in the transaction that holds its effect, so that neither is
// ever seen without the other.
//
// A worker claims a job for the length of a lease and renews the lease while
// it works. When it dies the lease runs out and another worker claims the job
// anew; should the first one only have been slow, its claim is no longer the
// job's and everything it writes with Done is rolled back.
package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"regulars/internal/platform/store"
)

// Kind is one sort of work.
type Kind struct {
	// Name is module.verb: "facts.refresh".
	Name string
	// Do works one job. It may be called again for the same job after an
	// error, a crash or a lost lease, so either it is idempotent or it ends
	// with Job.Done in the transaction of its effect. Its context ends when
	// the job was taken over or cancelled, and when the program stops.
	Do func(ctx context.Context, job *Job) error
	// Attempts is after how many failed tries the job is given up and waits
	// for a person; 0 means 12. A schedule is not given up: it waits for its
	// next time.
	Attempts int
	// Lease is how long a dead worker holds a job; 0 means 30 s. While Do runs
	// it is renewed.
	Lease time.Duration
	// Backoff is the pause after the given failed attempt (1, 2, …); nil is
	// exponential from 1 s to 1 h with jitter.
	Backoff func(attempt int) time.Duration
	// Outward says that what it does is seen by others: a letter, a call of
	// another program. What waits of it in a restored backup may have gone out
	// since, so a person decides, see Hold.
	Outward bool
	// Next makes a schedule of the kind: it returns the first time later than
	// after. Times missed are worked once. Nil: only when enqueued.
	Next func(after time.Time) time.Time
}

// New is a job to be enqueued.
type New struct {
	Kind string
	// Args becomes a JSON object of ids, amounts and names, never of personal
	// values: jobs are shown to staff and not erased with a customer. Nil: {}.
	Args any
	// Key makes the job unique within its kind, see Enqueue. "": it is not.
	Key string
	// At is the earliest time to work it. Zero: now.
	At time.Time
}

const (
	maxArgs = 64 << 10
	maxKey  = 200
)

// Enqueue puts jobs into the caller's transaction; workers of this process
// start them as soon as it is committed, others within 50 ms unless the
// machine is short of processors: they look every 40 ms.
//
// A job with a Key coalesces with the one of that kind and key already there,
// and takes over the newer arguments: if that one waits, the earlier of both
// times counts; if it runs, it runs once more afterwards, since it may have
// read before this transaction wrote; if it was given up, it is tried anew. So
// each Enqueue is followed by a run that started after it. Enqueuing a keyed
// job twice is therefore the same as once.
func Enqueue(ctx context.Context, tx *store.Tx, jobs ...New) error {
	rows, err := prepare(tx.Now, jobs)
	if err != nil || len(rows) == 0 {
		return err
	}
	b := tx.Bulk(ctx, "jobs", `id, kind, args, unique_key, state, due_at, attempt, claim, again, created_at`, `
		on conflict (kind, unique_key) where unique_key is not null do update set
			args = excluded.args,
			due_at = case when (jobs.state = 'waiting' or jobs.again) and jobs.due_at < excluded.due_at
				then jobs.due_at else excluded.due_at end,
			attempt = case when jobs.state = 'dead' then 0 else jobs.attempt end,
			again = (jobs.state = 'running'),
			state = case when jobs.state = 'running' then jobs.state else 'waiting' end`)
	now := false
	for _, r := range rows {
		var key any // null: not unique
		if r.key != "" {
			key = r.key
		}
		if err := b.Add(tx.NewID(), r.kind, r.args, key, string(Waiting), r.due, 0, 0, false, tx.Now.UnixMicro()); err != nil {
			return fmt.Errorf("enqueue %s: %w", r.kind, err)
		}
		now = now || r.due <= tx.Now.UnixMicro()
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("enqueue %s: %w", rows[0].kind, err)
	}
	if now {
		tx.AfterCommit(ring)
	}
	return nil
}

type row struct {
	kind, args, key string
	due             int64
}

// prepare checks the jobs and merges those of one key, which PostgreSQL does
// not take twice in a statement. Keyed ones come sorted, so that two
// transactions lock them in the same order.
func prepare(now time.Time, jobs []New) ([]row, error) {
	rows := make([]row, 0, len(jobs))
	keyed := map[[2]string]int{}
	for _, n := range jobs {
		args, err := marshal(n)
		if err != nil {
			return nil, err
		}
		due := now
		if !n.At.IsZero() {
			due = n.At
		}
		r := row{n.Kind, args, n.Key, due.UnixMicro()}
		if n.Key != "" {
			if i, twice := keyed[[2]string{n.Kind, n.Key}]; twice {
				r.due = min(r.due, rows[i].due)
				rows[i] = r
				continue
			}
			keyed[[2]string{n.Kind, n.Key}] = len(rows)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.key == "" && b.key == "" {
			return 0
		}
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key))
	})
	return rows, nil
}

func marshal(n New) (string, error) {
	if n.Kind == "" {
		return "", fmt.Errorf("enqueue: a job without a kind")
	}
	if len(n.Key) > maxKey {
		return "", fmt.Errorf("enqueue %s: a key of %d bytes, more than %d", n.Kind, len(n.Key), maxKey)
	}
	if n.Args == nil {
		return "{}", nil
	}
	args, err := json.Marshal(n.Args)
	switch {
	case err != nil:
		return "", fmt.Errorf("enqueue %s: %w", n.Kind, err)
	case !bytes.HasPrefix(args, []byte("{")):
		return "", fmt.Errorf("enqueue %s: the arguments are no JSON object", n.Kind)
	case len(args) > maxArgs:
		return "", fmt.Errorf("enqueue %s: arguments of %d bytes, more than %d", n.Kind, len(args), maxArgs)
	}
	return string(args), nil
}

func (k *Kind) attempts() int {
	if k.Attempts > 0 {
		return k.Attempts
	}
	return 12
}

const defaultLease = 30 * time.Second

func (k *Kind) lease() time.Duration {
	if k.Lease > 0 {
		return k.Lease
	}
	return defaultLease
}

// backoff doubles from a second up to 48 minutes and adds up to a quarter, so
// that jobs that failed together do not come back together.
func (k *Kind) backoff(attempt int) time.Duration {
	if k.Backoff != nil {
		return k.Backoff(attempt)
	}
	d := min(time.Second<<min(attempt-1, 12), 48*time.Minute)
	return d + rand.N(d/4)
}
