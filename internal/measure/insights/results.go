package insights

import (
	"context"
	"fmt"
	"sync"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// Result is what came out of a filter, with the time at which it did.
type Result struct {
	Figures
	ComputedAt time.Time
	Orders     int64 // purchases it was computed from
	Fresh      bool  // of the data and the day as they are now
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

// figures is the question of what a filter comes to.
func figures(f Filter) inquiry { return inquiry{Question: figuresQuestion, Filter: f} }

func (fig *Figures) count() int64 { return fig.Orders }

// Read returns what was kept of a filter; false if nothing was yet.
func Read(ctx context.Context, q store.Querier, f Filter, now time.Time) (Result, bool, error) {
	var r Result
	a, ok, err := figures(f).read(ctx, q, now, &r.Figures)
	r.ComputedAt, r.Orders, r.Fresh = a.At, a.Orders, a.Fresh
	return r, ok, err
}

// Ask sees to it that a filter is computed soon. Asking again while it is
// under way changes nothing.
func Ask(ctx context.Context, tx *store.Tx, f Filter) error { return figures(f).ask(ctx, tx) }

// shelf remembers figures as they were last read, since taking them apart is a
// third of a page's work. It hands out the same figures to everybody, who must
// leave them as they are. It is safe for many goroutines.
type shelf struct {
	mu  sync.Mutex
	got map[string]Result // by the filter's key
}

// shelfMost is how many figures are remembered, of some 100 kB each.
const shelfMost = 24

// read is Read.
func (s *shelf) read(ctx context.Context, q store.Querier, f Filter, now time.Time) (Result, bool, error) {
	a, ok, err := figures(f).look(ctx, q, now)
	if err != nil || !ok {
		return Result{}, false, err
	}
	s.mu.Lock()
	r, ok := s.got[f.key()]
	s.mu.Unlock()
	if ok && r.ComputedAt.Equal(a.At) {
		r.Fresh = a.Fresh
		return r, true, nil
	}
	if r, ok, err = Read(ctx, q, f, now); err != nil || !ok {
		return Result{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil || len(s.got) >= shelfMost {
		s.got = map[string]Result{}
	}
	s.got[f.key()] = r
	return r, true, nil
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
