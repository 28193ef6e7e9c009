package scores

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// Refreshed is what Refresh did.
type Refreshed struct {
	Fitted  bool // the models were fitted, and everybody was scored
	Scored  int  // customers looked at
	Changed int  // rows written or taken away
}

// Refresh brings the scores up to date. Customers of whom something changed are
// scored again with the models as they stand. The models are fitted anew, and
// everybody scored, when the last day known is another one, when a fiftieth of
// the customers changed, and after a refresh that did not get to its end. It
// can be repeated; what is right already is not written.
func Refresh(ctx context.Context, db *store.DB) (Refreshed, error) {
	p, err := look(ctx, db)
	if err != nil {
		return Refreshed{}, err
	}
	return p.do(ctx, db)
}

// plan is what there is to refresh.
type plan struct {
	f    *fit // the newest; nil before the first
	asOf int32
	all  bool // fit anew and score everybody
	due  bool // …and not for changes alone
}

func look(ctx context.Context, db *store.DB) (plan, error) {
	var p plan
	var err error
	if p.asOf, err = lastDay(ctx, db); err != nil {
		return p, err
	}
	if p.f, err = load(ctx, db, 0); err != nil {
		return p, err
	}
	if p.f == nil || !p.f.finished || p.f.asOf != p.asOf {
		p.all, p.due = true, true
		return p, nil
	}
	var marked int64
	if err := db.QueryRow(ctx, `select count(*) from scores_stale`).Scan(&marked); err != nil {
		return p, fmt.Errorf("count who is to be scored: %w", err)
	}
	p.all = marked >= max(1, p.f.buyers/50)
	return p, nil
}

func (p plan) do(ctx context.Context, db *store.DB) (Refreshed, error) {
	if p.all {
		return refreshAll(ctx, db, p.f, p.asOf)
	}
	return refreshMarked(ctx, db, p.f)
}

// refreshAll fits the models and scores everybody. Until it is through, the
// newest fit stands unfinished, so that whoever repeats it starts from the
// beginning.
func refreshAll(ctx context.Context, db *store.DB, before *fit, asOf int32) (Refreshed, error) {
	done := Refreshed{Fitted: true}
	end, err := jobs.Large(ctx)
	if err != nil {
		return done, err
	}
	defer end()
	if before != nil && before.finished {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update score_models set finished_at = null where model_id = $1`, before.id)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("open the models: %w", err)
		}
	}
	// Marks are taken away before the purchases are read: one that comes in
	// between stays, and its customer is scored once more.
	if err := forgetMarks(ctx, db); err != nil {
		return done, err
	}
	h, err := history(ctx, db, asOf, "")
	if err != nil {
		return done, err
	}
	f, err := fitAll(h, asOf)
	if err != nil {
		return done, err
	}
	if err := db.Tx(ctx, func(tx *store.Tx) error { return f.save(ctx, tx) }); err != nil {
		return done, err
	}
	if err := f.writeAll(ctx, db, h, &done); err != nil {
		return done, err
	}
	if err := f.finish(ctx, db); err != nil {
		return done, err
	}
	after, err := refreshMarked(ctx, db, f)
	done.Scored += after.Scored
	done.Changed += after.Changed
	return done, err
}

// kept is how long models are remembered that nobody is scored with any more.
const kept = 400 * 24 * time.Hour

func (f *fit) finish(ctx context.Context, db *store.DB) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `update score_models set finished_at = $1 where model_id = $2`, tx.Now.UnixMicro(), f.id); err != nil {
			return fmt.Errorf("finish the models: %w", err)
		}
		_, err := tx.Exec(ctx, `delete from score_models where fitted_at < $1 and model_id <> $2`, tx.Now.Add(-kept).UnixMicro(), f.id)
		if err != nil {
			return fmt.Errorf("forget old models: %w", err)
		}
		return nil
	})
}

func forgetMarks(ctx context.Context, db *store.DB) error {
	slice := int64(min(db.SliceRows(), 20_000))
	for {
		var n int64
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `
				delete from scores_stale where customer_id in (select customer_id from scores_stale order by customer_id limit $1)`, slice)
			return err
		})
		if err != nil {
			return fmt.Errorf("take away marks of scores: %w", err)
		}
		if n < slice {
			return nil
		}
	}
}

// slice is how many customers are compared and written in one transaction: few
// while others wait for the writer.
func slice(db *store.DB) int { return max(db.SliceRows()/10, 200) }

// writeAll scores the customers of a whole history, nil for nobody, in order of
// their ids.
func (f *fit) writeAll(ctx context.Context, db *store.DB, h *retention.History, done *Refreshed) error {
	n, after := 0, int64(math.MinInt64)
	if h != nil {
		n = h.Customers()
	}
	for from := 0; ; from += slice(db) {
		to, upTo := min(from+slice(db), n), int64(math.MaxInt64)
		if to < n {
			upTo = h.ID[to-1]
		}
		scored, changed := f.reckonAll(h, from, to), 0
		err := db.Tx(ctx, func(tx *store.Tx) error {
			now, err := newest(ctx, tx)
			if err != nil || now != f.id {
				return errors.Join(err, errOvertaken)
			}
			changed, err = settle(ctx, tx, scored, `customer_id > $1 and customer_id <= $2`, after, upTo)
			return err
		})
		if err != nil {
			return fmt.Errorf("write scores: %w", err)
		}
		done.Changed += changed
		if done.Scored += len(scored); to >= n {
			return nil
		}
		after = upTo
	}
}

func (f *fit) reckonAll(h *retention.History, from, to int) []Score {
	scored := make([]Score, 0, to-from)
	for i := from; i < to; i++ {
		if r, ok := f.reckon(h, i); ok {
			scored = append(scored, r.Score)
		}
	}
	return scored
}

// settle makes the rows that the condition finds those given, in ascending
// order of their customers: rows that differ are written, others are left, and
// those of anybody else, or of who was merged or erased, are taken away.
func settle(ctx context.Context, tx *store.Tx, scored []Score, where string, args ...any) (changed int, err error) {
	living, err := store.All(ctx, tx, store.Scalar[id.Customer], `
		select customer_id from customers where merged_into is null and erased_at is null and `+where+` order by customer_id`, args...)
	if err != nil {
		return 0, fmt.Errorf("read who lives: %w", err)
	}
	stored, err := storedIn(ctx, tx, where, args...)
	if err != nil {
		return 0, err
	}
	rows := tx.Bulk(ctx, "customer_scores", columns+", scored_at", upsert)
	for _, s := range scored {
		if _, lives := slices.BinarySearch(living, s.Customer); !lives {
			continue
		}
		before, was := stored[s.Customer]
		delete(stored, s.Customer)
		if was && before == s {
			continue
		}
		changed++
		if err := rows.Add(append(s.values(), tx.Now.UnixMicro())...); err != nil {
			return changed, fmt.Errorf("write the score of %s: %w", s.Customer, err)
		}
	}
	if err := rows.Close(); err != nil {
		return changed, fmt.Errorf("write scores: %w", err)
	}
	for c := range stored {
		changed++
		if _, err := tx.Exec(ctx, `delete from customer_scores where customer_id = $1`, int64(c)); err != nil {
			return changed, fmt.Errorf("take away the score of %s: %w", c, err)
		}
	}
	return changed, nil
}

func storedIn(ctx context.Context, q store.Querier, where string, args ...any) (map[id.Customer]Score, error) {
	all, err := store.All(ctx, q, scan, `select `+columns+` from customer_scores where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read scores: %w", err)
	}
	stored := make(map[id.Customer]Score, len(all))
	for _, s := range all {
		stored[s.Customer] = s
	}
	return stored, nil
}

// upsert replaces all of a row.
var upsert = func() string {
	var set []string
	for name := range strings.SplitSeq(columns+", scored_at", ",") {
		name = strings.TrimSpace(name)
		set = append(set, name+" = excluded."+name)
	}
	return "on conflict (customer_id) do update set " + strings.Join(set, ", ")
}()

// refreshMarked scores those of whom something changed with the models given,
// in slices.
func refreshMarked(ctx context.Context, db *store.DB, f *fit) (Refreshed, error) {
	const some = 100
	var done Refreshed
	for {
		n, changed := 0, 0
		err := db.Tx(ctx, func(tx *store.Tx) error {
			cs, err := store.All(ctx, tx, store.Scalar[id.Customer], `select customer_id from scores_stale order by customer_id limit $1`, some)
			if n = len(cs); err != nil || n == 0 {
				return err
			}
			if changed, err = f.rescore(ctx, tx, cs); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `delete from scores_stale where customer_id in (`+store.List(1, n)+`)`, store.Args(ints(cs))...)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("score customers again: %w", err)
		}
		done.Changed += changed
		if done.Scored += n; n < some {
			return done, nil
		}
	}
}

// rescore locks some customers and scores them.
func (f *fit) rescore(ctx context.Context, tx *store.Tx, cs []id.Customer) (changed int, err error) {
	if err := customers.Lock(ctx, tx, cs...); err != nil {
		return 0, err
	}
	where, args := `customer_id in (`+store.List(1, len(cs))+`)`, store.Args(ints(cs))
	scored, err := f.scoresOf(ctx, tx, where, args...)
	if err != nil {
		return 0, err
	}
	return settle(ctx, tx, scored, where, args...)
}

func (f *fit) scoresOf(ctx context.Context, q store.Querier, where string, args ...any) ([]Score, error) {
	h, err := history(ctx, q, f.asOf, " and "+where, args...)
	if err != nil || h == nil {
		return nil, err
	}
	return f.reckonAll(h, 0, h.Customers()), nil
}

// Recompute scores the given customers at once, in the caller's transaction,
// with the models as they stand: at the end of a merge and of its undoing.
func Recompute(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	f, err := load(ctx, tx, 0)
	if err != nil || f == nil {
		return err // nobody is scored yet
	}
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	for some := range slices.Chunk(cs, 50) {
		if _, err := f.rescore(ctx, tx, some); err != nil {
			return fmt.Errorf("score %d customers: %w", len(some), err)
		}
	}
	return nil
}

func ints(cs []id.Customer) []int64 {
	list := make([]int64, len(cs))
	for i, c := range cs {
		list[i] = int64(c)
	}
	return list
}
