package insights

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// The questions that stand beside the figures, each with an answer of its own
// shape.
const (
	aheadQuestion = "ahead" // what comes: forecast and money case
	valueQuestion = "value" // who stays, and what they will bring
	movedQuestion = "moved" // what changed between two periods
	splitQuestion = "split" // cohorts of groups, or from another event on

	contractsQuestion = "contracts" // what is paid under contract, and renewed
)

// inquiry is a question asked of some of the orders.
type inquiry struct {
	Question string          `json:"question"`
	Filter   Filter          `json:"filter"`
	Compare  string          `json:"compare,omitempty"` // which periods, of movedQuestion
	Split    retention.Split `json:"split,omitempty"`   // into which groups, of splitQuestion
	Since    string          `json:"since,omitempty"`   // from which event on, of splitQuestion
}

// key writes what is asked of in one way.
func (i inquiry) key() string {
	key := i.Filter.key()
	for _, part := range [][2]string{{"compare", i.Compare}, {"split", string(i.Split)}, {"since", i.Since}} {
		if part[1] != "" {
			key += "&" + part[0] + "=" + part[1]
		}
	}
	return key
}

// answered says when an answer was computed and from how many orders.
type answered struct {
	At     time.Time
	Orders int64
	Fresh  bool
}

// body is an answer as it is kept.
type body interface{ count() int64 }

// edition is that of the orders; value also hangs on the scores.
func (i inquiry) edition(ctx context.Context, q store.Querier, now time.Time) (edition, error) {
	e, err := current(ctx, q, now)
	if err != nil || i.Question != valueQuestion {
		return e, err
	}
	var model, finished, marked int64
	err = q.QueryRow(ctx, `
		select coalesce(max(model_id), 0), coalesce(max(finished_at), 0), (select count(*) from scores_stale) from score_models`).
		Scan(&model, &finished, &marked)
	if err != nil {
		return e, fmt.Errorf("read the version of the scores: %w", err)
	}
	e.version = fmt.Sprint(e.version, " ", model, finished, marked)
	return e, nil
}

// look says of which answer read would tell, without taking it apart.
func (i inquiry) look(ctx context.Context, q store.Querier, now time.Time) (answered, bool, error) {
	a, _, ok, err := i.find(ctx, q, now, "''")
	return a, ok, err
}

// read reads what was kept; false if nothing was yet.
func (i inquiry) read(ctx context.Context, q store.Querier, now time.Time, into body) (answered, bool, error) {
	a, text, ok, err := i.find(ctx, q, now, "body")
	if err != nil || !ok {
		return a, false, err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return a, false, fmt.Errorf("read the answer of %s: %w", i.Question, err)
	}
	return a, true, nil
}

func (i inquiry) find(ctx context.Context, q store.Querier, now time.Time, body string) (a answered, text string, ok bool, err error) {
	e, err := i.edition(ctx, q, now)
	if err != nil {
		return a, "", false, err
	}
	var kept edition
	var at int64
	err = q.QueryRow(ctx, `
		select version, day, orders, `+body+`, computed_at from insights_results where question = $1 and filter = $2`,
		i.Question, i.key()).Scan(&kept.version, &kept.day, &a.Orders, &text, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return a, "", false, nil
	}
	if err != nil {
		return a, "", false, fmt.Errorf("read the answer of %s: %w", i.Question, err)
	}
	a.At, a.Fresh = time.UnixMicro(at).UTC(), kept == e
	return a, text, true, nil
}

// lost is after how long a computation that is still under way is asked for
// again.
const lost = 15 * time.Minute

// ask sees to it that an inquiry is answered soon; while it is under way,
// asking again changes nothing.
func (i inquiry) ask(ctx context.Context, tx *store.Tx) error {
	n, err := tx.Exec(ctx, `
		insert into insights_runs (question, filter, rows_done, rows_total, failed, asked_at) values ($1, $2, 0, 0, false, $3)
		on conflict (question, filter) do update set asked_at = excluded.asked_at, rows_done = 0, rows_total = 0, failed = false
		where insights_runs.asked_at < $4`,
		i.Question, i.key(), tx.Now.UnixMicro(), tx.Now.Add(-lost).UnixMicro())
	if err != nil {
		return fmt.Errorf("ask %s: %w", i.Question, err)
	}
	if n == 0 {
		return nil
	}
	return i.enqueue(ctx, tx, tx.Now)
}

func (i inquiry) enqueue(ctx context.Context, tx *store.Tx, at time.Time) error {
	kind := inquiryJob
	if i.Question == figuresQuestion {
		kind = computeJob
	}
	sum := sha256.Sum256([]byte(i.Question + " " + i.key()))
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: kind, Args: i, Key: hex.EncodeToString(sum[:16]), At: at})
}

// Run is how far a computation is.
type Run struct {
	Done, Total int64 // orders read; Total 0: not counted yet
	Failed      bool  // the last try; it is tried again
}

// running reads how far the answer is; false if nobody waits for one.
func (i inquiry) running(ctx context.Context, q store.Querier) (Run, bool, error) {
	var r Run
	err := q.QueryRow(ctx, `select rows_done, rows_total, failed from insights_runs where question = $1 and filter = $2`,
		i.Question, i.key()).Scan(&r.Done, &r.Total, &r.Failed)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read how far %s is: %w", i.Question, err)
	}
	return r, true, nil
}

// inquire answers one inquiry. It reads outside of any transaction and writes
// one row.
func inquire(ctx context.Context, db *store.DB, job *jobs.Job) error {
	var i inquiry
	if err := job.Args(&i); err != nil {
		return err
	}
	i.Question = cmp.Or(i.Question, figuresQuestion) // jobs of older programs name no other
	end, err := jobs.Large(ctx)
	if err != nil {
		return err
	}
	defer end()
	begun := db.Now()
	e, err := i.edition(ctx, db, begun)
	if err != nil {
		return err
	}
	found, err := i.answer(ctx, db, e.day)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("answer %s: %w", i.Question, err)
			_ = db.Tx(ctx, func(tx *store.Tx) error { // the job's own error matters more
				_, err := tx.Exec(ctx, `update insights_runs set failed = true where question = $1 and filter = $2`, i.Question, i.key())
				return err
			})
		}
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := i.keep(ctx, tx, e, found, begun); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}

func (i inquiry) answer(ctx context.Context, db *store.DB, day string) (body, error) {
	switch i.Question {
	case valueQuestion:
		return prospectsOf(ctx, db)
	case movedQuestion:
		return movesOf(ctx, db, i, day)
	case splitQuestion:
		return cohortGroupsOf(ctx, db, i, day)
	case contractsQuestion:
		return contractsOf(ctx, db, i.Filter, day)
	}
	total, err := ordersThereAre(ctx, db)
	if err != nil {
		return nil, err
	}
	r := reading{q: db, filter: i.Filter, tell: i.teller(ctx, db, total), total: total}
	c, err := r.load(ctx, day)
	if err != nil {
		return nil, err
	}
	if i.Question == figuresQuestion {
		return figure(i.Filter, c)
	}
	return lookAhead(c)
}

// teller tells how many of so many orders were read.
func (i inquiry) teller(ctx context.Context, db *store.DB, total int64) func(done int64) {
	return func(done int64) {
		_ = db.Tx(ctx, func(tx *store.Tx) error { // nor is this
			_, err := tx.Exec(ctx, `update insights_runs set rows_done = $1, rows_total = $2 where question = $3 and filter = $4`,
				done, total, i.Question, i.key())
			return err
		})
	}
}

func (i inquiry) keep(ctx context.Context, tx *store.Tx, e edition, found body, begun time.Time) error {
	text, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("keep the answer of %s: %w", i.Question, err)
	}
	_, err = tx.Exec(ctx, `
		insert into insights_results (question, filter, version, day, orders, body, took_ms, computed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (question, filter) do update set version = excluded.version, day = excluded.day, orders = excluded.orders,
			body = excluded.body, took_ms = excluded.took_ms, computed_at = excluded.computed_at`,
		i.Question, i.key(), e.version, e.day, found.count(), string(text), tx.Now.Sub(begun).Milliseconds(), tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep the answer of %s: %w", i.Question, err)
	}
	if _, err := tx.Exec(ctx, `delete from insights_runs where question = $1 and filter = $2`, i.Question, i.key()); err != nil {
		return fmt.Errorf("end the answering of %s: %w", i.Question, err)
	}
	return tidy(ctx, tx)
}
