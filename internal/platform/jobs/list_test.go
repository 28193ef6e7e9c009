package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// shop has one job of each sort: due in an hour, failing, dead, running.
func shop(t *testing.T, db *store.DB) (kinds []jobs.Kind, running *jobs.Job) {
	fail := func(context.Context, *jobs.Job) error { return errors.New("no") }
	kinds = []jobs.Kind{{Name: "a.failing", Do: fail}, {Name: "a.dead", Do: fail, Attempts: 1}, {Name: "a.running", Do: fail}}
	enqueue(t, db, jobs.New{Kind: "a.failing"}, jobs.New{Kind: "a.dead"}, jobs.New{Kind: "a.later", At: db.Now().Add(time.Hour)})
	if err := jobs.Drain(t.Context(), db, kinds); err == nil {
		t.Fatal("nothing failed")
	}
	enqueue(t, db, jobs.New{Kind: "a.running"})
	return kinds, seize(t, db, kinds, 1)[0]
}

func TestJobsAreListedAndCountedByFilter(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		shop(t, db)
		for want, f := range map[string]jobs.Filter{
			"a.dead":    {State: jobs.Dead},
			"a.running": {State: jobs.Running},
			"a.failing": {Failing: true},
			"a.later":   {Kind: "a.later"},
		} {
			lines, err := jobs.List(t.Context(), db, f)
			if err != nil || len(lines) != 1 || lines[0].Kind != want {
				t.Errorf("%+v: %+v, %v; want %s", f, lines, err, want)
			}
		}
		c, err := jobs.Count(t.Context(), db, jobs.Filter{})
		if err != nil || c != (jobs.Counts{Waiting: 2, Running: 1, Failing: 1, Dead: 1}) {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := jobs.List(t.Context(), db, jobs.Filter{State: "' or 1 = 1"}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a wrong state gave %v", err)
		}
	})
}

func TestAListIsContinuedWithoutGapOrRepeat(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		enqueue(t, db, numbered("a.do", 25)...)
		seen := map[id.Job]bool{}
		f := jobs.Filter{Limit: 10}
		for range 3 {
			lines, err := jobs.List(t.Context(), db, f)
			if err != nil || len(lines) == 0 {
				t.Fatalf("%d lines, %v", len(lines), err)
			}
			for _, l := range lines {
				seen[l.ID] = true
			}
			f.After = &lines[len(lines)-1]
		}
		if rest, err := jobs.List(t.Context(), db, f); len(seen) != 25 || len(rest) != 0 || err != nil {
			t.Errorf("seen %d, rest %d, %v", len(seen), len(rest), err)
		}
	})
}

func TestRetryMakesJobsDueNowAndLeavesRunningOnes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		shop(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			n, err := jobs.Retry(t.Context(), tx, jobs.Filter{})
			if n != 3 {
				t.Errorf("%d were retried", n)
			}
			return err
		})
		for _, l := range list(t, db) {
			if l.State == jobs.Running == (l.Kind != "a.running") || l.Kind != "a.running" && (l.Attempt != 0 || !l.Due.Equal(db.Now())) {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestCancelDeletesJobsAndARunningOneCannotCommit(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		_, running := shop(t, db)
		cancel := func(f jobs.Filter) (n int, err error) {
			err = db.Tx(t.Context(), func(tx *store.Tx) error { n, err = jobs.Cancel(t.Context(), tx, f); return err })
			return n, err
		}
		if _, err := cancel(jobs.Filter{Limit: 3}); !errs.Is(err, errs.Invalid) {
			t.Errorf("cancelling everything gave %v", err)
		}
		if n, err := cancel(jobs.Filter{IDs: []id.Job{running.ID}}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := cancel(jobs.Filter{State: jobs.Waiting}); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if l := only(t, db); l.State != jobs.Dead {
			t.Errorf("%+v", l)
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return running.Done(t.Context(), tx) })
		if !errors.Is(err, jobs.ErrTakenOver) {
			t.Errorf("the cancelled job's Done gave %v", err)
		}
	})
}

func TestCancellingARunningJobEndsItsContext(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{})
			begun, ended := make(chan bool, 1), make(chan error, 1)
			start(t, db, []jobs.Kind{{Name: "a.do", Lease: 200 * time.Millisecond, Do: func(ctx context.Context, _ *jobs.Job) error {
				begun <- true
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return ctx.Err()
			}}}, jobs.Options{})
			enqueue(t, db, jobs.New{Kind: "a.do"})
			<-begun
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := jobs.Cancel(t.Context(), tx, jobs.Filter{Kind: "a.do"})
				return err
			})
			if err := <-ended; !errors.Is(err, jobs.ErrTakenOver) {
				t.Errorf("its context ended with %v", err)
			}
			if n := len(list(t, db)); n != 0 {
				t.Errorf("%d jobs left", n)
			}
		})
	}
}
