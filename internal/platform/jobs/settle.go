package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// lock takes the rows of the jobs to settle. What another worker took over or
// a person cancelled is left out. Rows that another transaction is changing,
// mostly to ask for the job again, come back as later: a runner that waited
// for it would hold up all its other jobs, or be caught in a deadlock.
func lock(ctx context.Context, tx *store.Tx, settled []result) (mine, later []result, err error) {
	read := func(part []result, suffix string) (map[id.Job]int64, error) {
		claims := map[id.Job]int64{}
		jobs := make([]*Job, len(part))
		for i, res := range part {
			jobs[i] = res.job
		}
		rows, err := tx.Query(ctx, `select id, claim from jobs where id in (`+store.List(1, len(part))+`)`+suffix, ids(jobs)...)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var jobID, claim int64
			if err := rows.Scan(&jobID, &claim); err != nil {
				return nil, err
			}
			claims[id.Job(jobID)] = claim
		}
		return claims, rows.Err()
	}
	for part := range slices.Chunk(settled, 50) {
		free, err := read(part, tx.SkipLocked())
		if err != nil {
			return nil, nil, fmt.Errorf("lock jobs: %w", err)
		}
		var missing []result
		for _, res := range part {
			if claim, ok := free[res.job.ID]; !ok {
				missing = append(missing, res)
			} else if claim == res.job.claim {
				mine = append(mine, res)
			}
		}
		if len(missing) == 0 {
			continue
		}
		there, err := read(missing, "")
		if err != nil {
			return nil, nil, fmt.Errorf("lock jobs: %w", err)
		}
		for _, res := range missing {
			if there[res.job.ID] == res.job.claim {
				later = append(later, res)
			}
		}
	}
	return mine, later, nil
}

// settle writes the ends of jobs and returns those that have to be settled
// later. Each statement names the claim, so what another worker took over
// meanwhile is left as it is.
func (r *Runner) settle(ctx context.Context, tx *store.Tx, settled []result) (later []result, err error) {
	open := slices.DeleteFunc(slices.Clone(settled), func(res result) bool { return res.job.done.Load() })
	mine, later, err := lock(ctx, tx, open)
	if err != nil {
		return nil, err
	}
	type group struct {
		kind  *Kind
		claim int64
	}
	done := map[group][]*Job{}
	for _, res := range mine {
		j := res.job
		var err error
		switch failure := ""; {
		case res.back || res.err != nil && errors.Is(context.Cause(j.ctx), errStopping):
			err = handBack(ctx, tx, j)
		case res.err == nil && j.scheduled():
			_, err = reschedule(ctx, tx, j, "")
		case res.err == nil:
			g := group{j.kind, j.claim}
			done[g] = append(done[g], j)
		default:
			failure = keepFailure(res.err)
			if _, given := errors.AsType[permanent](res.err); given || j.Attempt >= j.kind.attempts() {
				err = bury(ctx, tx, j, failure)
			} else {
				err = retry(ctx, tx, j, failure)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("settle %s %s: %w", j.Kind, j.ID, err)
		}
	}
	for g, jobs := range done {
		for part := range slices.Chunk(jobs, 50) {
			if _, err := complete(ctx, tx, g.kind, g.claim, part); err != nil {
				return nil, fmt.Errorf("complete %s: %w", g.kind.Name, err)
			}
		}
	}
	return later, nil
}

// Only a running job has a claim, so the statements below that name it say
// nothing of the state: the index of running jobs, full of what ran a moment
// ago, would else seduce PostgreSQL to read it all.

// complete ends jobs of one kind and claim: they are deleted, or wait again
// when they were asked for meanwhile or are scheduled. It returns how many of
// them still were this claim's. The deletion comes first: it waits for a
// transaction that is just asking for the job again, and then spares it.
func complete(ctx context.Context, tx *store.Tx, kind *Kind, claim int64, jobs []*Job) (int, error) {
	if jobs[0].scheduled() {
		n, err := reschedule(ctx, tx, jobs[0], "")
		return int(n), err
	}
	n, err := tx.Exec(ctx, `
		delete from jobs where claim = $1 and not again and id in (`+store.List(2, len(jobs))+`)`,
		append([]any{claim}, ids(jobs)...)...)
	if err != nil || int(n) == len(jobs) || jobs[0].Key == "" && len(jobs) == 1 {
		return int(n), err
	}
	again, err := tx.Exec(ctx, `
		update jobs set state = 'waiting', claim = 0, again = false, attempt = 0, last_error = null, worker = null, leased_until_at = null
		where claim = $1 and again and id in (`+store.List(2, len(jobs))+`)`,
		append([]any{claim}, ids(jobs)...)...)
	if again > 0 {
		tx.AfterCommit(ring)
	}
	return int(n + again), err
}

// reschedule makes a schedule's job wait for its next time, or for the
// earlier time somebody asked for while it ran. failure is what went wrong,
// or empty.
func reschedule(ctx context.Context, tx *store.Tx, j *Job, failure string) (int64, error) {
	next := j.kind.Next(tx.Now)
	if next.IsZero() {
		return tx.Exec(ctx, `delete from jobs where id = $1 and claim = $2`, int64(j.ID), j.claim)
	}
	return tx.Exec(ctx, `
		update jobs set state = 'waiting', claim = 0, due_at = case when again and due_at < $3 then due_at else $3 end,
			again = false, attempt = 0, last_error = $4, worker = null, leased_until_at = null
		where id = $1 and claim = $2`, int64(j.ID), j.claim, next.UnixMicro(), orNull(failure))
}

// retry makes a failed job wait for its next attempt.
func retry(ctx context.Context, tx *store.Tx, j *Job, failure string) error {
	due := tx.Now.Add(j.kind.backoff(j.Attempt))
	if j.scheduled() {
		if next := j.kind.Next(tx.Now); !next.IsZero() && next.Before(due) {
			due = next
		}
	}
	_, err := tx.Exec(ctx, `
		update jobs set state = 'waiting', claim = 0, due_at = case when again and due_at < $3 then due_at else $3 end,
			again = false, last_error = $4, worker = null, leased_until_at = null
		where id = $1 and claim = $2`, int64(j.ID), j.claim, due.UnixMicro(), failure)
	return err
}

// bury gives a job up. One that was asked for again meanwhile is tried anew,
// as if it had been dead already when it was asked for.
func bury(ctx context.Context, tx *store.Tx, j *Job, failure string) error {
	if j.scheduled() {
		_, err := reschedule(ctx, tx, j, failure)
		return err
	}
	_, err := tx.Exec(ctx, `
		update jobs set state = case when again then 'waiting' else 'dead' end, claim = 0,
			attempt = case when again then 0 else attempt end,
			again = false, last_error = $3, worker = null, leased_until_at = null
		where id = $1 and claim = $2`, int64(j.ID), j.claim, failure)
	return err
}

// handBack makes a job wait again as if it had never been claimed.
func handBack(ctx context.Context, tx *store.Tx, j *Job) error {
	_, err := tx.Exec(ctx, `
		update jobs set state = 'waiting', claim = 0, due_at = $3, attempt = attempt - 1, again = false, worker = null, leased_until_at = null
		where id = $1 and claim = $2`, int64(j.ID), j.claim, j.Due.UnixMicro())
	return err
}

func orNull(s string) any {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return s
}
