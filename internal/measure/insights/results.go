package insights

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// Result is what came out of a filter, with the time at which it did.
type Result struct {
	Figures
	ComputedAt time.Time
	Orders     int64 // purchases it was computed from
	Fresh      bool  // of the data and the day as they are now

	of edition
}

// edition is the state of the data and the business's day: a result of
// another one is old.
type edition struct{ version, day string }

// current reads the edition. Orders of customers are counted by the events
// that they leave. Those of people who are not known leave none, but each new
// one has a higher id, and one that waited for a rate waits no more; and an
// import that was undone took its events with it.
func current(ctx context.Context, q store.Querier, now time.Time) (edition, error) {
	var version, walkin, waiting, undone int64
	err := q.QueryRow(ctx, `
		select coalesce((select version from insights_data where id = 1), 0), coalesce((select max(order_id) from walkin_orders), 0),
			(select count(*) from walkin_orders where rate is null), (select count(*) from imports where state = 'undone')`).
		Scan(&version, &walkin, &waiting, &undone)
	if err != nil {
		return edition{}, fmt.Errorf("read the version of the data: %w", err)
	}
	settings, err := workspace.Load(ctx, q)
	if err != nil {
		return edition{}, err
	}
	return edition{fmt.Sprint(version, walkin, waiting, undone), settings.Day(now)}, nil
}

// Read returns what was kept of a filter; false if nothing was yet.
func Read(ctx context.Context, q store.Querier, f Filter, now time.Time) (Result, bool, error) {
	return new(shelf).read(ctx, q, f, now)
}

// shelf remembers figures as they were last read, since taking them apart is a
// third of a page's work. It hands out the same figures to everybody, who must
// leave them as they are. It is safe for many goroutines.
type shelf struct {
	mu  sync.Mutex
	got map[string]Result // by the filter's key
}

// shelfMost is how many figures are remembered, of some 100 kB each.
const shelfMost = 24

func (s *shelf) read(ctx context.Context, q store.Querier, f Filter, now time.Time) (Result, bool, error) {
	e, err := current(ctx, q, now)
	if err != nil {
		return Result{}, false, err
	}
	kept, ok, err := lookUp(ctx, q, f)
	if err != nil || !ok {
		return Result{}, false, err
	}
	s.mu.Lock()
	r, ok := s.got[f.key()]
	s.mu.Unlock()
	if !ok || r.ComputedAt != kept.ComputedAt || r.of != kept.of {
		if r, ok, err = take(ctx, q, f); err != nil || !ok {
			return Result{}, false, err
		}
		s.mu.Lock()
		if s.got == nil || len(s.got) >= shelfMost {
			s.got = map[string]Result{}
		}
		s.got[f.key()] = r
		s.mu.Unlock()
	}
	r.Fresh = r.of == e
	return r, true, nil
}

// lookUp reads all that was kept of a filter but the figures.
func lookUp(ctx context.Context, q store.Querier, f Filter) (Result, bool, error) {
	var r Result
	var at int64
	err := q.QueryRow(ctx, `select version, day, computed_at from insights_results where question = $1 and filter = $2`, figuresQuestion, f.key()).
		Scan(&r.of.version, &r.of.day, &at)
	r.ComputedAt = time.UnixMicro(at).UTC()
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("look for kept figures: %w", err)
	}
	return r, true, nil
}

// take reads what was kept of a filter.
func take(ctx context.Context, q store.Querier, f Filter) (Result, bool, error) {
	var r Result
	var body string
	var at int64
	err := q.QueryRow(ctx, `
		select version, day, orders, body, computed_at from insights_results where question = $1 and filter = $2`,
		figuresQuestion, f.key()).Scan(&r.of.version, &r.of.day, &r.Orders, &body, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read kept figures: %w", err)
	}
	if err := json.Unmarshal([]byte(body), &r.Figures); err != nil {
		return r, false, fmt.Errorf("read kept figures: %w", err)
	}
	r.ComputedAt = time.UnixMicro(at).UTC()
	return r, true, nil
}

// Run is how far a computation is.
type Run struct {
	Done, Total int64 // orders read; Total 0: not counted yet
	Failed      bool  // the last try; it is tried again
}

// running reads how far the computation of a filter is; false if there is
// none.
func running(ctx context.Context, q store.Querier, f Filter) (Run, bool, error) {
	var r Run
	err := q.QueryRow(ctx, `select rows_done, rows_total, failed from insights_runs where question = $1 and filter = $2`,
		figuresQuestion, f.key()).Scan(&r.Done, &r.Total, &r.Failed)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read how far figures are: %w", err)
	}
	return r, true, nil
}

// lost is after how long a computation that is still under way is asked for
// again.
const lost = 15 * time.Minute

// Ask sees to it that a filter is computed soon. Asking again while it is
// under way changes nothing.
func Ask(ctx context.Context, tx *store.Tx, f Filter) error {
	n, err := tx.Exec(ctx, `
		insert into insights_runs (question, filter, rows_done, rows_total, failed, asked_at) values ($1, $2, 0, 0, false, $3)
		on conflict (question, filter) do update set asked_at = excluded.asked_at, rows_done = 0, rows_total = 0, failed = false
		where insights_runs.asked_at < $4`,
		figuresQuestion, f.key(), tx.Now.UnixMicro(), tx.Now.Add(-lost).UnixMicro())
	if err != nil {
		return fmt.Errorf("ask for figures: %w", err)
	}
	if n == 0 {
		return nil
	}
	return enqueue(ctx, tx, f, tx.Now)
}

func enqueue(ctx context.Context, tx *store.Tx, f Filter, at time.Time) error {
	sum := sha256.Sum256([]byte(f.key()))
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: computeJob, Args: computeArgs{f}, Key: hex.EncodeToString(sum[:16]), At: at})
}

// calm is how long the standing figures are left alone after a change where
// they take long: twenty times as long, up to ten minutes. So a store of a
// million orders is not computed all day; who opens a page asks at once.
func calm(ctx context.Context, q store.Querier) (time.Duration, error) {
	took, err := store.All(ctx, q, store.Scalar[int64], `select took_ms from insights_results where question = $1 and filter = $2`,
		figuresQuestion, Standing.key())
	if err != nil {
		return 0, fmt.Errorf("read how long figures take: %w", err)
	}
	pause := time.Duration(0)
	for _, ms := range took {
		pause = min(10*time.Minute, 20*time.Duration(ms)*time.Millisecond)
	}
	return pause, nil
}

// keep stores what came out of a computation begun at a time, ends the run, and
// lets go of what was computed long ago.
func keep(ctx context.Context, tx *store.Tx, f Filter, e edition, fig *Figures, begun time.Time) error {
	body, err := json.Marshal(fig)
	if err != nil {
		return fmt.Errorf("keep figures: %w", err)
	}
	_, err = tx.Exec(ctx, `
		insert into insights_results (question, filter, version, day, orders, body, took_ms, computed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (question, filter) do update set version = excluded.version, day = excluded.day, orders = excluded.orders,
			body = excluded.body, took_ms = excluded.took_ms, computed_at = excluded.computed_at`,
		figuresQuestion, f.key(), e.version, e.day, fig.Orders, string(body), tx.Now.Sub(begun).Milliseconds(), tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep figures: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from insights_runs where question = $1 and filter = $2`, figuresQuestion, f.key()); err != nil {
		return fmt.Errorf("end the computing of figures: %w", err)
	}
	return tidy(ctx, tx)
}

// Results are kept for a month, and a few hundred at most.
const (
	keptFor  = 30 * 24 * time.Hour
	keptMost = 300
)

func tidy(ctx context.Context, tx *store.Tx) error {
	oldest := tx.Now.Add(-keptFor).UnixMicro()
	over, err := store.All(ctx, tx, store.Scalar[int64], `select computed_at from insights_results order by computed_at desc, question, filter limit 1 offset $1`, keptMost)
	if err != nil {
		return fmt.Errorf("count kept figures: %w", err)
	}
	for _, at := range over {
		oldest = max(oldest, at)
	}
	_, err = tx.Exec(ctx, `delete from insights_results where computed_at <= $1 and filter <> $2`, oldest, Standing.key())
	if err != nil {
		return fmt.Errorf("let old figures go: %w", err)
	}
	return nil
}
