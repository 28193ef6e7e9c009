package jobs

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Files are the sentences about jobs.
//
//go:embed text
var Files embed.FS

// State is where a job stands. There is none for done: such jobs are deleted.
type State string

// The states.
const (
	Waiting State = "waiting"
	Running State = "running"
	Dead    State = "dead" // given up until a person tries it again
)

// Filter chooses jobs; its zero value chooses all.
type Filter struct {
	IDs   []id.Job // at most 1,000
	State State
	Kind  string
	// Failing chooses those that failed and wait for another try.
	Failing bool
	// Held chooses those that Hold gave up.
	Held bool
	// After continues a list behind this job.
	After *Line
	// Limit is the length of a list; 0 means 100, and 1,000 is the most.
	Limit int
}

// Line is a job as people see it.
type Line struct {
	ID        id.Job
	Kind      string
	Key       string // "": not unique
	Args      string // a JSON object of ids, amounts and names
	State     State
	Scheduled bool
	Attempt   int
	Due       time.Time
	Created   time.Time
	Started   time.Time // of the last attempt; zero: never
	Worker    string    // "": nobody
	Failure   string    // of the last attempt, perhaps packed by errs; "": none
	Held      bool      // by Hold
}

// where is the condition of a filter, its arguments counted from $1.
func (f Filter) where() (string, []any, error) {
	terms, args := []string{"1 = 1"}, []any{}
	add := func(term string, v any) {
		args = append(args, v)
		terms = append(terms, fmt.Sprintf(term, len(args)))
	}
	if len(f.IDs) > 1000 {
		return "", nil, errs.Wrong("ids", "jobs.wrong.many")
	}
	if len(f.IDs) > 0 {
		terms = append(terms, "id in ("+store.List(1, len(f.IDs))+")")
		for _, v := range f.IDs {
			args = append(args, int64(v))
		}
	}
	switch f.State {
	case "":
	case Waiting, Running, Dead: // as text, so that the partial indexes serve
		terms = append(terms, "state = '"+string(f.State)+"'")
	default:
		return "", nil, errs.Wrong("state", "jobs.wrong.state")
	}
	if f.Kind != "" {
		add("kind = $%d", f.Kind)
	}
	if f.Failing {
		terms = append(terms, "state = 'waiting' and last_error is not null")
	}
	if f.Held {
		terms = append(terms, "state = 'dead'") // the partial index serves
		add("last_error = $%d", held)
	}
	if f.After != nil {
		args = append(args, f.After.Due.UnixMicro(), int64(f.After.ID))
		terms = append(terms, fmt.Sprintf("(due_at, id) > ($%d, $%d)", len(args)-1, len(args)))
	}
	return strings.Join(terms, " and "), args, nil
}

// List returns jobs in the order they are due.
func List(ctx context.Context, q store.Querier, f Filter) ([]Line, error) {
	where, args, err := f.where()
	if err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, min(f.Limit, 1000))
	return store.All(ctx, q, scanLine, fmt.Sprintf(`
		select id, kind, coalesce(unique_key, ''), args, state, attempt, due_at, created_at, coalesce(started_at, 0),
			coalesce(worker, ''), coalesce(last_error, '')
		from jobs where %s order by due_at, id limit $%d`, where, len(args)), args...)
}

func scanLine(rows *sql.Rows) (Line, error) {
	var l Line
	var jobID, due, created, started int64
	err := rows.Scan(&jobID, &l.Kind, &l.Key, &l.Args, &l.State, &l.Attempt, &due, &created, &started, &l.Worker, &l.Failure)
	l.ID, l.Due, l.Created = id.Job(jobID), time.UnixMicro(due).UTC(), time.UnixMicro(created).UTC()
	if started != 0 {
		l.Started = time.UnixMicro(started).UTC()
	}
	l.Scheduled, l.Held = l.Key == scheduled, l.State == Dead && l.Failure == held
	return l, err
}

// KindsThere are the kinds of work of which there is a job, in order.
func KindsThere(ctx context.Context, q store.Querier) ([]string, error) {
	kinds, err := store.All(ctx, q, store.Scalar[string], `select distinct kind from jobs order by kind limit 500`)
	if err != nil {
		return nil, fmt.Errorf("list the kinds of jobs: %w", err)
	}
	return kinds, nil
}

// Counts are how many jobs there are; Failing ones are counted as Waiting too,
// and Held ones as Dead.
type Counts struct{ Waiting, Running, Failing, Dead, Held int }

// Count counts the jobs a filter chooses, by state.
func Count(ctx context.Context, q store.Querier, f Filter) (Counts, error) {
	where, args, err := f.where()
	if err != nil {
		return Counts{}, err
	}
	var c Counts
	err = q.QueryRow(ctx, `
		select count(*) filter (where state = 'waiting'), count(*) filter (where state = 'running'),
			count(*) filter (where state = 'waiting' and last_error is not null), count(*) filter (where state = 'dead'),
			count(*) filter (where state = 'dead' and last_error = $`+strconv.Itoa(len(args)+1)+`)
		from jobs where `+where, append(args, held)...).Scan(&c.Waiting, &c.Running, &c.Failing, &c.Dead, &c.Held)
	return c, err
}

// Retry makes the chosen jobs due now, also those that were given up, with
// their attempts counted anew. Running ones are left alone. It returns how
// many that were.
func Retry(ctx context.Context, tx *store.Tx, f Filter) (int, error) {
	where, args, err := f.where()
	if err != nil {
		return 0, err
	}
	n, err := tx.Exec(ctx, fmt.Sprintf(`
		update jobs set state = 'waiting', attempt = 0, due_at = $%d, last_error = nullif(last_error, $%d)
		where state <> 'running' and (%s)`, len(args)+1, len(args)+2, where), append(args, tx.Now.UnixMicro(), held)...)
	if err != nil {
		return 0, fmt.Errorf("retry jobs: %w", err)
	}
	tx.AfterCommit(ring)
	return int(n), nil
}

// Cancel deletes the chosen jobs and returns how many they were. One that
// runs is stopped soon, and what it has not committed is rolled back. A
// schedule comes back with its next time. A filter that chooses every job is
// refused.
func Cancel(ctx context.Context, tx *store.Tx, f Filter) (int, error) {
	where, args, err := f.where()
	if err != nil {
		return 0, err
	}
	if len(f.IDs) == 0 && f.State == "" && f.Kind == "" && !f.Failing && !f.Held {
		return 0, errs.Wrong("", "jobs.wrong.choose")
	}
	n, err := tx.Exec(ctx, `delete from jobs where `+where, args...)
	if err != nil {
		return 0, fmt.Errorf("cancel jobs: %w", err)
	}
	return int(n), nil
}

// held marks what Hold gave up, as the failure of the job.
var held = errs.Pack(errs.Of(errs.Unavailable, nil, "jobs.held"))

// Hold gives up what waits or ran of the Outward kinds, until a person tries it
// again or cancels it, and returns how many jobs that were. It is for a
// database that was restored and that nobody works yet: what it would send may
// have gone out since the backup.
func Hold(ctx context.Context, tx *store.Tx, kinds []Kind) (int, error) {
	var names []string
	for _, k := range kinds {
		if k.Outward {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 {
		return 0, nil
	}
	n, err := tx.Exec(ctx, `
		update jobs set state = 'dead', claim = 0, again = false, worker = null, leased_until_at = null, last_error = $1
		where state in ('waiting', 'running') and kind in (`+store.List(2, len(names))+`)`, append([]any{held}, store.Args(names)...)...)
	if err != nil {
		return 0, fmt.Errorf("hold jobs: %w", err)
	}
	return int(n), nil
}

// Late returns how long the waiting job that is due the longest has been due;
// zero when none is.
func Late(ctx context.Context, q store.Querier, now time.Time) (time.Duration, error) {
	var due sql.NullInt64
	err := q.QueryRow(ctx, `select min(due_at) from jobs where state = 'waiting' and due_at <= $1`, now.UnixMicro()).Scan(&due)
	if err != nil {
		return 0, fmt.Errorf("look for the latest job: %w", err)
	}
	if !due.Valid {
		return 0, nil
	}
	return now.Sub(time.UnixMicro(due.Int64)), nil
}
