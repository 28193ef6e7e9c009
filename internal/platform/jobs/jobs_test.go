package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func enqueue(t testing.TB, db *store.DB, all ...jobs.New) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error { return jobs.Enqueue(t.Context(), tx, all...) })
}

// only is the one job there is.
func only(t testing.TB, db *store.DB) jobs.Line {
	t.Helper()
	all := list(t, db)
	if len(all) != 1 {
		t.Fatalf("%d jobs, want one: %+v", len(all), all)
	}
	return all[0]
}

func list(t testing.TB, db *store.DB) []jobs.Line {
	t.Helper()
	all, err := jobs.List(t.Context(), db, jobs.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var quiet = slog.New(slog.DiscardHandler)

// start runs a runner and returns what stops it and waits for it.
func start(t testing.TB, db *store.DB, kinds []jobs.Kind, o jobs.Options) (stop func()) {
	t.Helper()
	o.Log = quiet
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- jobs.NewRunner(db, kinds, o).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// soon waits until cond holds.
func soon(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}

func TestAJobIsThereExactlyIfItsTransactionIsCommitted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		_ = db.Tx(t.Context(), func(tx *store.Tx) error {
			if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "a.do"}); err != nil {
				t.Fatal(err)
			}
			return errors.New("no")
		})
		if n := len(list(t, db)); n != 0 {
			t.Fatalf("%d jobs of a transaction that was rolled back", n)
		}
		enqueue(t, db, jobs.New{Kind: "a.do", Args: map[string]int{"n": 7}})
		if l := only(t, db); l.Kind != "a.do" || l.State != jobs.Waiting || !strings.Contains(l.Args, "7") || !l.Due.Equal(db.Now()) {
			t.Errorf("%+v", l)
		}
	})
}

func TestAJobIsWorkedWithItsArgumentsAndGone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var sum atomic.Int64
		kinds := []jobs.Kind{{Name: "a.add", Do: func(_ context.Context, j *jobs.Job) error {
			var args struct{ N int64 }
			if err := j.Args(&args); err != nil {
				return err
			}
			sum.Add(args.N)
			return nil
		}}}
		for n := range 10 {
			enqueue(t, db, jobs.New{Kind: "a.add", Args: map[string]int{"n": n}})
		}
		enqueue(t, db, jobs.New{Kind: "other.kind"}, jobs.New{Kind: "a.add", At: db.Now().Add(time.Second)})
		if err := jobs.Drain(t.Context(), db, kinds); err != nil {
			t.Fatal(err)
		}
		if left := list(t, db); sum.Load() != 45 || len(left) != 2 {
			t.Errorf("sum %d, left %+v", sum.Load(), left)
		}
	})
}

func TestWhoeverWaitsForAnAnswerGoesBeforeAJob(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		enqueue(t, db, jobs.New{Kind: "work"})
		var behind atomic.Bool
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		r := jobs.NewRunner(db, []jobs.Kind{{Name: "work", Do: func(ctx context.Context, _ *jobs.Job) error {
			behind.Store(store.IsBackground(ctx))
			stop()
			return nil
		}}}, jobs.Options{})
		if err := r.Run(ctx); err != nil || !behind.Load() {
			t.Errorf("a job's transactions do not give way: %v", err)
		}
	})
}

// What a runner writes down of its jobs is no reason for background work to hurry.
func TestARunnersOwnWritingIsNotHeard(t *testing.T) {
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{})
	start(t, db, []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { return nil }}}, jobs.Options{})
	enqueue(t, db, jobs.New{Kind: "a.do"}) // by somebody who is waited for
	heard := time.Now()
	for range 3 {
		soon(t, "the job is gone", func() bool { return len(list(t, db)) == 0 })
		err := db.Tx(store.Unwatched(t.Context()), func(tx *store.Tx) error { return jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "a.do"}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "the last job is gone", func() bool { return len(list(t, db)) == 0 })
	since := time.Since(heard)
	if quiet := db.Quiet(); quiet < since {
		t.Errorf("quiet for %v of %v", quiet, since)
	}
}

func TestARunnerOfThisProcessIsWokenAtOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan bool, 1)
		start(t, db, []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { ran <- true; return nil }}}, jobs.Options{})
		enqueue(t, db, jobs.New{Kind: "a.do"})
		<-ran
		soon(t, "the job is gone", func() bool { return len(list(t, db)) == 0 })
	})
}

func TestTheBellRingsAfterTheCommitAndForWhatIsDue(t *testing.T) {
	db := testkit.DB(t)
	bell := jobs.Listen()
	testkit.Do(t, db, func(tx *store.Tx) error {
		if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "a.do"}); err != nil {
			return err
		}
		if len(bell) > 0 {
			t.Error("it rang before the commit")
		}
		return nil
	})
	select {
	case <-bell:
	default:
		t.Error("it did not ring")
	}
	enqueue(t, db, jobs.New{Kind: "a.do", At: db.Now().Add(time.Second)})
	if len(bell) > 0 {
		t.Error("it rang for a job that is not due")
	}
}

func TestAFailedJobIsTriedAgainWithBackoffAndThenGivenUp(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		var tries []int
		kinds := []jobs.Kind{{Name: "a.do", Attempts: 3,
			Backoff: func(attempt int) time.Duration { return time.Duration(attempt) * time.Minute },
			Do: func(_ context.Context, j *jobs.Job) error {
				tries = append(tries, j.Attempt)
				return fmt.Errorf("no answer for ann@example.com at +420 777 123 456")
			}}}
		enqueue(t, db, jobs.New{Kind: "a.do"})
		for attempt := 1; attempt <= 3; attempt++ {
			if err := jobs.Drain(t.Context(), db, kinds); err == nil || !strings.Contains(err.Error(), "no answer") {
				t.Fatalf("attempt %d: drain returned %v", attempt, err)
			}
			l := only(t, db)
			if want := db.Now().Add(time.Duration(attempt) * time.Minute); attempt < 3 && (l.State != jobs.Waiting || !l.Due.Equal(want)) {
				t.Fatalf("after attempt %d: %+v", attempt, l)
			}
			if strings.Contains(l.Failure, "ann@") || strings.Contains(l.Failure, "777") || !strings.Contains(l.Failure, "internal: no answer") {
				t.Errorf("stored failure %q", l.Failure)
			}
			if err := jobs.Drain(t.Context(), db, kinds); err != nil {
				t.Fatalf("worked before its time: %v", err)
			}
			clock.Advance(time.Duration(attempt) * time.Minute)
		}
		if l := only(t, db); l.State != jobs.Dead || fmt.Sprint(tries) != "[1 2 3]" {
			t.Errorf("tries %v, %+v", tries, l)
		}
	})
}
