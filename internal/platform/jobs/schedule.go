package jobs

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/store"
)

// tendSchedules sees to it that each schedule has its job, and logs trouble:
// it comes round again soon.
func (l *loop) tendSchedules(ctx context.Context) {
	if err := l.tend(ctx); err != nil && ctx.Err() == nil {
		l.o.Log.Error("schedules were not looked after", "error", err)
	}
}

// tend makes the jobs of schedules that have none, and mends what a clock
// that was set back leaves behind: a schedule's time that now lies beyond its
// next two times, and leases that would outlast any worker.
func (r *Runner) tend(ctx context.Context) error {
	now := r.db.Now()
	for _, name := range r.names {
		k := r.kinds[name]
		if k.Next == nil {
			continue
		}
		next := k.Next(now)
		if next.IsZero() {
			continue
		}
		latest := next
		if second := k.Next(next); !second.IsZero() {
			latest = second
		}
		var fine bool
		err := r.db.QueryRow(ctx, `
			select exists (select 1 from jobs where kind = $1 and unique_key = $2 and (state = 'running' or due_at <= $3))`,
			name, scheduled, latest.UnixMicro()).Scan(&fine)
		if err != nil {
			return fmt.Errorf("read the schedule of %s: %w", name, err)
		}
		if fine {
			continue
		}
		if err := r.db.Tx(ctx, func(tx *store.Tx) error { return setSchedule(ctx, tx, name, next, latest) }); err != nil {
			return fmt.Errorf("set the schedule of %s: %w", name, err)
		}
	}
	return r.shortenLeases(ctx, now)
}

// setSchedule is harmless when another process was first.
func setSchedule(ctx context.Context, tx *store.Tx, kind string, next, latest time.Time) error {
	_, err := tx.Exec(ctx, `
		insert into jobs (id, kind, args, unique_key, state, due_at, attempt, claim, again, created_at)
		values ($1, $2, '{}', $3, 'waiting', $4, 0, 0, false, $5)
		on conflict (kind, unique_key) where unique_key is not null do update set
			due_at = excluded.due_at, state = 'waiting', attempt = 0
		where jobs.state <> 'running' and jobs.due_at > $6`,
		tx.NewID(), kind, scheduled, next.UnixMicro(), tx.Now.UnixMicro(), latest.UnixMicro())
	return err
}

// shortenLeases brings leases that end in a far future, since the clock was
// set back, into reach. A living worker renews its own meanwhile.
func (r *Runner) shortenLeases(ctx context.Context, now time.Time) error {
	lease := defaultLease
	for _, k := range r.kinds {
		lease = max(lease, k.lease())
	}
	list, names := r.kindList(2)
	args := append([]any{now.Add(2 * lease).UnixMicro()}, names...)
	var far bool
	err := r.db.QueryRow(ctx, `
		select exists (select 1 from jobs where state = 'running' and leased_until_at > $1 and kind in (`+list+`))`, args...).Scan(&far)
	if err != nil || !far {
		return err
	}
	return r.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`
			with far as materialized (
				select id from jobs where state = 'running' and leased_until_at > $1 and kind in (%s) order by id%s)
			update jobs set leased_until_at = $%d where id in (select id from far)`, list, tx.SkipLocked(), len(args)+1),
			append(args, tx.Now.Add(lease).UnixMicro())...)
		return err
	})
}
