package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const refreshJob = "facts.refresh"

// Subscription marks the customers to whom something happened; one job folds
// them all anew.
var Subscription = timeline.Subscription{Name: "facts", Kinds: folded, History: true, Handle: func(ctx context.Context, tx *store.Tx, events []timeline.Event) error {
	cs := make([]id.Customer, len(events))
	for i, e := range events {
		cs[i] = e.Customer
	}
	return Mark(ctx, tx, cs...)
}}

// Tables say how facts follow their customer: they are folded anew.
var Tables = []customers.Table{
	{Name: "customer_facts", Merge: customers.Recompute, Recompute: Refresh, Erase: customers.Keep, Unexported: true},
	{Name: "facts_stale", Merge: customers.Recompute, Erase: customers.Empty, Unexported: true},
}

// Mark notes that the customers' facts are to be folded anew, and sees to it
// that they are. It is for whoever takes events away, as the undoing of an
// import does; events that were recorded mark their customer by themselves.
func Mark(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	if len(cs) == 0 {
		return nil
	}
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	// Writing the mark anew, where there is one, waits for a fold that is under
	// way: "do nothing" would see its mark and be lost with it.
	rows := tx.Bulk(ctx, "facts_stale", "customer_id, marked_at", "on conflict (customer_id) do update set marked_at = excluded.marked_at")
	for _, c := range cs {
		if err := rows.Add(int64(c), tx.Now.UnixMicro()); err != nil {
			return fmt.Errorf("mark facts of %s: %w", c, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("mark facts of %d customers: %w", len(cs), err)
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: refreshJob, Key: refreshJob})
}

// Jobs is the background work of facts.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{{Name: refreshJob, Do: func(ctx context.Context, _ *jobs.Job) error {
		_, err := RefreshMarked(ctx, db)
		return err
	}}}
}

// RefreshMarked folds all marked customers anew, in slices, and returns how
// many there were. It can be repeated, and several may run side by side.
func RefreshMarked(ctx context.Context, db *store.DB) (int, error) {
	slice := min(2000, db.SliceRows()/10)
	done := 0
	for {
		n := 0
		err := db.Tx(ctx, func(tx *store.Tx) error {
			cs, err := store.All(ctx, tx, store.Scalar[id.Customer], `select customer_id from facts_stale order by customer_id limit $1`, slice)
			if n = len(cs); err != nil || n == 0 {
				return err
			}
			return refresh(ctx, tx, cs, `customer_id in (select customer_id from facts_stale where customer_id >= $1 and customer_id <= $2)`)
		})
		if err != nil {
			return done, fmt.Errorf("refresh facts: %w", err)
		}
		if done += n; n < slice {
			return done, nil
		}
	}
}

// Refresh folds the given customers anew at once, in the caller's
// transaction.
func Refresh(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	for some := range slices.Chunk(cs, 50) {
		list := make([]string, len(some))
		for i, c := range some {
			list[i] = fmt.Sprint(int64(c))
		}
		if err := refresh(ctx, tx, some, `customer_id >= $1 and customer_id <= $2 and customer_id in (`+strings.Join(list, ",")+`)`); err != nil {
			return fmt.Errorf("refresh facts of %d customers: %w", len(some), err)
		}
	}
	return nil
}

// refresh locks customers, given in ascending order, folds their events, which
// the condition finds, and writes their rows.
func refresh(ctx context.Context, tx *store.Tx, cs []id.Customer, where string) error {
	if err := customers.Lock(ctx, tx, cs...); err != nil {
		return err
	}
	first, last := int64(cs[0]), int64(cs[len(cs)-1])
	living, err := store.All(ctx, tx, store.Scalar[id.Customer], `
		select customer_id from customers where merged_into is null and `+where+` order by customer_id`, first, last)
	if err != nil {
		return err
	}
	folded, err := fold(ctx, tx, where, first, last)
	if err != nil {
		return err
	}
	rows := tx.Bulk(ctx, "customer_facts", "customer_id, "+columns, upsert)
	for _, c := range living {
		if _, ours := slices.BinarySearch(cs, c); !ours {
			continue
		}
		f := folded[c]
		if err := rows.Add(append([]any{int64(c)}, f.values()...)...); err != nil {
			return fmt.Errorf("write facts of %s: %w", c, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	return forget(ctx, tx, cs, living)
}

// forget takes away the marks, and the rows of customers who live on in
// another one.
func forget(ctx context.Context, tx *store.Tx, cs, living []id.Customer) error {
	for some := range slices.Chunk(cs, 60) {
		args := make([]any, len(some))
		for i, c := range some {
			args[i] = int64(c)
		}
		if _, err := tx.Exec(ctx, `delete from facts_stale where customer_id in (`+store.List(1, len(args))+`)`, args...); err != nil {
			return fmt.Errorf("take away marks of facts: %w", err)
		}
	}
	for _, c := range cs {
		if _, lives := slices.BinarySearch(living, c); lives {
			continue
		}
		if _, err := tx.Exec(ctx, `delete from customer_facts where customer_id = $1`, int64(c)); err != nil {
			return fmt.Errorf("take away facts of %s: %w", c, err)
		}
	}
	return nil
}

// upsert replaces all of a row.
var upsert = func() string {
	var set []string
	for name := range strings.SplitSeq(columns, ",") {
		name = strings.TrimSpace(name)
		set = append(set, name+" = excluded."+name)
	}
	return "on conflict (customer_id) do update set " + strings.Join(set, ", ")
}()

// foldedList is folded as SQL has it: constants of the program.
var foldedList = "'" + strings.Join(folded, "','") + "'"

// fold reads the events that the condition finds, by customer, and folds them.
func fold(ctx context.Context, q store.Querier, where string, args ...any) (map[id.Customer]Facts, error) {
	rows, err := q.Query(ctx, `select customer_id, occurred_at, id, kind, version, ref_id, payload from events where `+where+` and kind in (`+foldedList+`)
		order by customer_id, occurred_at, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read histories: %w", err)
	}
	defer rows.Close()
	folded := map[id.Customer]Facts{}
	var view View
	var of id.Customer
	end := func() error {
		if of == 0 {
			return nil
		}
		f, err := view.Facts()
		folded[of] = f
		return err
	}
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, err
		}
		if e.Customer != of {
			if err := end(); err != nil {
				return nil, fmt.Errorf("fold the history of %s: %w", of, err)
			}
			view, of = View{}, e.Customer
		}
		if view, err = Apply(view, e); err != nil {
			return nil, fmt.Errorf("fold the history of %s: %w", of, err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return folded, end()
}

func scanEvent(rows *sql.Rows) (timeline.Event, error) {
	var e timeline.Event
	var at int64
	var payload []byte
	err := rows.Scan(&e.Customer, &at, &e.ID, &e.Kind, &e.Version, &e.Ref, &payload)
	e.OccurredAt, e.Payload = time.UnixMicro(at).UTC(), json.RawMessage(payload)
	return e, err
}
