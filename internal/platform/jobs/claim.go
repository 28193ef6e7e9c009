package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// scheduled is the key of the one job of a kind that its schedule renews.
const scheduled = "schedule"

func (j *Job) scheduled() bool { return j.Key == scheduled && j.kind.Next != nil }

// kindList returns "$first,…" for the kinds this runner works, and the names.
func (r *Runner) kindList(first int) (string, []any) {
	return store.List(first, len(r.names)), store.Args(r.names)
}

// look reports whether there is work: jobs that are due, and running ones
// whose lease has run out. It is asked many times a second by every worker,
// so it only reads.
func (r *Runner) look(ctx context.Context) (due, late bool, err error) {
	list, names := r.kindList(2)
	err = r.db.QueryRow(ctx, `
		select exists (select 1 from jobs where state = 'waiting' and due_at <= $1 and kind in (`+list+`)),
		       exists (select 1 from jobs where state = 'running' and leased_until_at <= $1 and kind in (`+list+`))`,
		append([]any{r.db.Now().UnixMicro()}, names...)...).Scan(&due, &late)
	return due, late, err
}

// rescue makes jobs wait again whose worker has not renewed its lease. The
// attempt stays counted: a job that kills its program is given up in the end.
func (r *Runner) rescue(ctx context.Context, tx *store.Tx) error {
	list, names := r.kindList(2)
	_, err := tx.Exec(ctx, `
		with late as materialized (
			select id from jobs where state = 'running' and leased_until_at <= $1 and kind in (`+list+`)
			order by leased_until_at, id limit 500`+tx.SkipLocked()+`)
		update jobs set state = 'waiting', claim = 0, due_at = $1, again = false, worker = null, leased_until_at = null,
			last_error = 'the worker stopped before the job was done'
		where id in (select id from late)`,
		append([]any{tx.Now.UnixMicro()}, names...)...)
	if err != nil {
		return fmt.Errorf("take over jobs of dead workers: %w", err)
	}
	return nil
}

// claim takes up to n jobs that are due, oldest first. The list of ids is
// materialized since PostgreSQL might else run the select, and so the limit,
// more than once.
func (r *Runner) claim(ctx context.Context, tx *store.Tx, n int) ([]*Job, error) {
	now, claim := tx.Now, tx.NewID()
	args := []any{now.UnixMicro(), claim, r.worker, n, now.Add(defaultLease).UnixMicro()}
	lease := "$5"
	for _, k := range r.kinds {
		if k.lease() != defaultLease {
			args = append(args, k.Name, now.Add(k.lease()).UnixMicro())
			lease = fmt.Sprintf("case when kind = $%d then cast($%d as bigint) else %s end", len(args)-1, len(args), lease)
		}
	}
	list, names := r.kindList(len(args) + 1)
	jobs, err := store.All(ctx, tx, func(rows *sql.Rows) (*Job, error) {
		j := &Job{claim: claim}
		var jobID, due int64
		var key sql.NullString
		if err := rows.Scan(&jobID, &j.Kind, &j.args, &key, &due, &j.Attempt); err != nil {
			return nil, err
		}
		j.ID, j.Key, j.Due, j.kind = id.Job(jobID), key.String, time.UnixMicro(due).UTC(), r.kinds[j.Kind]
		return j, nil
	}, `
		with due as materialized (
			select id from jobs where state = 'waiting' and due_at <= $1 and kind in (`+list+`)
			order by due_at, id limit $4`+tx.SkipLocked()+`)
		update jobs set state = 'running', attempt = attempt + 1, claim = $2, again = false,
			worker = $3, started_at = $1, leased_until_at = `+lease+`
		where id in (select id from due)
		returning id, kind, args, unique_key, due_at, attempt`, append(args, names...)...)
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	slices.SortFunc(jobs, func(a, b *Job) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return jobs, nil
}

// renew extends the lease of one claim's jobs and returns those still held.
// Rows that another transaction is changing are left for the next time.
func (r *Runner) renew(ctx context.Context, tx *store.Tx, claim int64, lease time.Duration, jobs []*Job) (map[id.Job]bool, error) {
	held := map[id.Job]bool{}
	for part := range slices.Chunk(jobs, 50) {
		list, args := store.List(2, len(part)), append([]any{claim}, ids(part)...)
		_, err := tx.Exec(ctx, fmt.Sprintf(`
			with mine as materialized (select id from jobs where claim = $1 and id in (%s)%s)
			update jobs set leased_until_at = $%d where id in (select id from mine)`, list, tx.SkipLocked(), len(args)+1),
			append(args, tx.Now.Add(lease).UnixMicro())...)
		if err != nil {
			return nil, fmt.Errorf("renew the lease of jobs: %w", err)
		}
		still, err := store.All(ctx, tx, store.Scalar[int64], `select id from jobs where claim = $1 and id in (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("renew the lease of jobs: %w", err)
		}
		for _, v := range still {
			held[id.Job(v)] = true
		}
	}
	return held, nil
}

func ids(jobs []*Job) []any {
	all := make([]any, len(jobs))
	for i, j := range jobs {
		all[i] = int64(j.ID)
	}
	return all
}
