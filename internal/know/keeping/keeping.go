// Package keeping forgets: it removes each kind of personal data when the
// period for which the business keeps it is over.
//
// Its one rule: nothing of customers is forgotten by itself. Their data is kept
// for good until somebody chooses a period, and can see first how much would
// go. Only what the program notes for itself goes after a usual while.
package keeping

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// Kind is one kind of personal data that can be forgotten. Each module that
// has such data hands in a list in app/modules.go.
type Kind struct {
	Name string // "notes": the texts keeping.kind.notes and …-text say what it is
	// Least is the fewest days that may be chosen, Most the most; 0: any number.
	Least, Most int
	// Usual is for how many days it is kept until somebody chooses; 0: for good.
	Usual int
	// Slice is how many go in one transaction; 0: few, as they weigh much.
	Slice int
	// Count says how many would go that are older than before.
	Count func(ctx context.Context, q store.Querier, before time.Time) (int, error)
	// Remove forgets up to limit of those and returns how many went; 0 ends it.
	Remove func(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error)
}

// Period is how long a kind is kept, and what was forgotten last.
type Period struct {
	Days    int // 0: for good
	Removed int64
	RanAt   time.Time // zero: never
}

// Days is for how long the kind is kept; 0: for good.
func (k Kind) Days(ctx context.Context, q store.Querier) (int, error) {
	chosen, err := Periods(ctx, q)
	return k.period(chosen), err
}

func (k Kind) period(chosen map[string]Period) int { return cmp.Or(chosen[k.Name].Days, k.Usual) }

// fits is errs.Invalid for a number of days that may not be chosen; 0 is as if
// nobody had.
func (k Kind) fits(n int) error {
	switch {
	case n == 0 || n >= k.Least && (k.Most == 0 || n <= k.Most):
		return nil
	case k.Most > 0:
		return errs.Wrong(k.Name, "keeping.between", "Least", k.Least, "Most", k.Most, "Usual", k.Usual)
	}
	return errs.Wrong(k.Name, "keeping.least", "Count", k.Least)
}

// Periods reads what was chosen, by the name of the kind.
func Periods(ctx context.Context, q store.Querier) (map[string]Period, error) {
	type named struct {
		name string
		Period
	}
	all, err := store.All(ctx, q, func(rows *sql.Rows) (n named, err error) {
		var ran sql.NullInt64
		err = rows.Scan(&n.name, &n.Days, &n.Removed, &ran)
		if ran.Valid {
			n.RanAt = time.UnixMicro(ran.Int64).UTC()
		}
		return n, err
	}, `select kind, days, removed, ran_at from keeping_periods`)
	if err != nil {
		return nil, fmt.Errorf("read how long data is kept: %w", err)
	}
	chosen := map[string]Period{}
	for _, n := range all {
		chosen[n.name] = n.Period
	}
	return chosen, nil
}

// Choose keeps the period of each kind, 0 for its usual one; one out of its
// bounds is errs.Invalid. It stands in the audit log.
func Choose(ctx context.Context, tx *store.Tx, by id.User, kinds []Kind, days map[string]int) error {
	before, err := Periods(ctx, tx)
	if err != nil {
		return err
	}
	var changed []string
	for _, k := range kinds {
		n := days[k.Name]
		if err := k.fits(n); err != nil {
			return err
		}
		if cmp.Or(n, k.Usual) == k.period(before) {
			continue
		}
		changed = append(changed, k.Name, fmt.Sprint(k.period(before)), fmt.Sprint(cmp.Or(n, k.Usual)))
		if _, err := tx.Exec(ctx, `
			insert into keeping_periods (kind, days, removed, ran_at) values ($1, $2, 0, null)
			on conflict (kind) do update set days = excluded.days`, k.Name, n); err != nil {
			return fmt.Errorf("choose how long %s are kept: %w", k.Name, err)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "keeping.changed", Values: users.Changed(changed...)})
}

const runJob = "keeping.run"

// Jobs is the background work of this module.
func Jobs(db *store.DB, kinds []Kind) []jobs.Kind {
	return []jobs.Kind{{Name: runJob, Next: nightly, Do: func(ctx context.Context, _ *jobs.Job) error { return Run(ctx, db, kinds) }}}
}

// nightly is at half past one, UTC.
func nightly(after time.Time) time.Time {
	at := after.UTC().Truncate(24 * time.Hour).Add(90 * time.Minute)
	if !at.After(after) {
		at = at.Add(24 * time.Hour)
	}
	return at
}

// slice is how many are forgotten in one transaction: few enough that nobody
// waits for it.
const slice = 50

// Run forgets whatever is older than its period, in slices. What it has done
// when it fails stays done.
func Run(ctx context.Context, db *store.DB, kinds []Kind) error {
	chosen, err := Periods(ctx, db)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		days := k.period(chosen)
		if days == 0 {
			continue
		}
		if err := k.run(ctx, db, days); err != nil {
			return fmt.Errorf("forget old %s: %w", k.Name, err)
		}
	}
	return nil
}

func (k Kind) run(ctx context.Context, db *store.DB, days int) error {
	before, removed := Before(db.Now(), days), 0
	goes := 0
	if k.Usual == 0 { // what goes every night anyhow says nothing new
		var err error
		if goes, err = k.Count(ctx, db, before); err != nil {
			return err
		}
	}
	if goes > 0 { // first, so that the log is never without what it has lost
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return users.Audit(ctx, tx, users.Change{Action: users.Forgotten, Subject: before.UTC().Format(time.RFC3339Nano), Fields: []string{k.Name}})
		}); err != nil {
			return err
		}
	}
	for {
		n := 0
		if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = k.Remove(ctx, tx, before, cmp.Or(k.Slice, slice))
			return err
		}); err != nil {
			return err
		}
		if n == 0 {
			break
		}
		removed += n
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into keeping_periods (kind, days, removed, ran_at) values ($1, 0, $2, $3)
			on conflict (kind) do update set removed = keeping_periods.removed + excluded.removed, ran_at = excluded.ran_at`,
			k.Name, removed, tx.Now.UnixMicro())
		return err
	})
}

// Before is the time from before which a period no longer covers.
func Before(now time.Time, days int) time.Time { return now.AddDate(0, 0, -days) }

// Kinds are those of what stands above this module.
func Kinds(tables []customers.Table) []Kind {
	return []Kind{
		{Name: "notes", Least: 1, Count: customers.CountNotesBefore, Remove: customers.RemoveNotesBefore},
		{Name: "calls", Least: 1, Count: customers.CountCallsBefore, Remove: customers.RemoveCallsBefore},
		{Name: "changes", Least: 1, Count: customers.CountChangesBefore, Remove: customers.RemoveChangesBefore},
		{Name: "audit", Least: 30, Count: users.CountValuesBefore, Remove: users.RemoveValuesBefore},
		{Name: "inactive", Least: 180, Count: customers.CountInactiveSince, Remove: func(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
			return customers.EraseInactiveSince(ctx, tx, tables, before, min(limit, 10))
		}},
		{Name: "sessions", Least: 1, Most: 365, Usual: 1, Slice: 500, Count: users.CountSessionsBefore, Remove: users.RemoveSessionsBefore},
	}
}
