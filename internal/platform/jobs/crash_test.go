package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func makeEffects(t *testing.T, db *store.DB) {
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `create table effects (id bigint primary key, n bigint not null)`)
		return err
	})
}

// effect is a handler whose effect would show if it happened twice.
func effect(db *store.DB, before func(j *jobs.Job) error) func(context.Context, *jobs.Job) error {
	return func(ctx context.Context, j *jobs.Job) error {
		var args struct{ N int64 }
		if err := j.Args(&args); err != nil {
			return err
		}
		if err := before(j); err != nil {
			return err
		}
		return db.Tx(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `insert into effects (id, n) values ($1, $2)`, tx.NewID(), args.N); err != nil {
				return err
			}
			return j.Done(ctx, tx)
		})
	}
}

func effects(t *testing.T, db *store.DB) (all, distinct int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `select count(*), count(distinct n) from effects`).Scan(&all, &distinct); err != nil {
		t.Fatal(err)
	}
	return all, distinct
}

func numbered(kind string, count int) []jobs.New {
	all := make([]jobs.New, count)
	for i := range all {
		all[i] = jobs.New{Kind: kind, Args: map[string]int{"n": i}}
	}
	return all
}

// Runners come and go, workers stall beyond their leases and go on late,
// handlers fail, panic, and lose their contexts in mid-transaction.
func TestWhateverCrashesEachJobHasItsEffectOnce(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{})
			makeEffects(t, db)
			const count = 400
			var late atomic.Int64
			do := effect(db, func(*jobs.Job) error {
				time.Sleep(rand.N(2 * time.Millisecond))
				switch rand.IntN(10) {
				case 0:
					return errors.New("bad luck")
				case 1:
					panic("worse luck")
				}
				return nil
			})
			kinds := []jobs.Kind{{Name: "a.do", Attempts: 1 << 30, Lease: 50 * time.Millisecond,
				Backoff: func(int) time.Duration { return rand.N(5 * time.Millisecond) },
				Do: func(ctx context.Context, j *jobs.Job) error {
					if rand.IntN(10) == 0 { // the context is cut somewhere in the middle
						var cut context.CancelFunc
						ctx, cut = context.WithTimeout(ctx, rand.N(4*time.Millisecond))
						defer cut()
					}
					err := do(ctx, j)
					if errors.Is(err, jobs.ErrTakenOver) {
						late.Add(1)
					}
					return err
				}}}
			enqueue(t, db, numbered("a.do", count)...)
			working := make(chan struct{})
			stalled := make(chan int)
			go func() { stalled <- stall(t, db, kinds, working) }()
			for all := 0; all < count; all, _ = effects(t, db) {
				stop := start(t, db, kinds, jobs.Options{Workers: 1 + rand.IntN(4), StopWithin: time.Duration(rand.Int64N(3)) * time.Millisecond})
				other := start(t, db, kinds, jobs.Options{Workers: 2, StopWithin: time.Second})
				time.Sleep(rand.N(150 * time.Millisecond))
				stop()
				other()
			}
			close(working)
			seized := <-stalled
			start(t, db, kinds, jobs.Options{})
			soon(t, "all jobs are done", func() bool { return len(list(t, db)) == 0 })
			if all, distinct := effects(t, db); all != count || distinct != count {
				t.Errorf("%d effects of %d jobs, want %d of each", all, distinct, count)
			}
			t.Logf("%d seized by workers that stalled, %d came too late", seized, late.Load())
		})
	}
}

func TestALateWorkersEffectIsRolledBack(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		makeEffects(t, db)
		kinds := []jobs.Kind{{Name: "a.do", Do: effect(db, func(*jobs.Job) error { return nil })}}
		enqueue(t, db, numbered("a.do", 1)...)
		late := seize(t, db, kinds, 1)[0]
		if err := jobs.Drain(t.Context(), db, kinds); err != nil {
			t.Fatal(err)
		}
		if all, _ := effects(t, db); all != 0 {
			t.Fatal("the job was worked although a lease was on it")
		}
		clock.Advance(31 * time.Second)
		if err := jobs.Drain(t.Context(), db, kinds); err != nil {
			t.Fatal(err)
		}
		if err := late.Work(); !errors.Is(err, jobs.ErrTakenOver) {
			t.Errorf("the late worker got %v", err)
		}
		if all, _ := effects(t, db); all != 1 {
			t.Errorf("%d effects, want one", all)
		}
	})
}

func TestAJobThatKillsItsProgramIsGivenUpWithoutAnotherTry(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ran := false
		kinds := []jobs.Kind{{Name: "a.do", Attempts: 3, Do: func(context.Context, *jobs.Job) error { ran = true; return nil }}}
		enqueue(t, db, jobs.New{Kind: "a.do"})
		for range 3 {
			if got := seize(t, db, kinds, 1); len(got) != 1 {
				t.Fatal("it cannot be claimed")
			}
			clock.Advance(time.Minute)
			seize(t, db, kinds, 0) // makes it wait again
		}
		if err := jobs.Drain(t.Context(), db, kinds); err == nil {
			t.Error("no failure was reported")
		}
		if l := only(t, db); l.State != jobs.Dead || ran {
			t.Errorf("ran: %v, %+v", ran, l)
		}
	})
}

func TestALongJobKeepsItsLease(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{})
			var runs atomic.Int64
			kinds := []jobs.Kind{{Name: "a.do", Lease: 400 * time.Millisecond, Do: func(ctx context.Context, _ *jobs.Job) error {
				runs.Add(1)
				select {
				case <-ctx.Done():
				case <-time.After(1500 * time.Millisecond):
				}
				return nil
			}}}
			enqueue(t, db, jobs.New{Kind: "a.do"})
			for range 2 {
				start(t, db, kinds, jobs.Options{})
			}
			soon(t, "it is done", func() bool { return len(list(t, db)) == 0 })
			if runs.Load() != 1 {
				t.Errorf("%d runs", runs.Load())
			}
		})
	}
}

func TestAPanicIsCaughtAndStoredWithItsPlace(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		kinds := []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error {
			var none map[string]int
			//lint:ignore SA5000 the fault is what is tested
			none["x"] = 1
			return nil
		}}}
		enqueue(t, db, jobs.New{Kind: "a.do"})
		if err := jobs.Drain(t.Context(), db, kinds); err == nil {
			t.Error("drain said nothing")
		}
		l := only(t, db)
		if l.State != jobs.Waiting || !strings.Contains(l.Failure, "panic: assignment to entry in nil map at crash_test.go:") {
			t.Errorf("%+v", l)
		}
	})
}

func TestAPermanentErrorGivesUpAtOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		kinds := []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error {
			return fmt.Errorf("around: %w", jobs.Permanent(errors.New("never")))
		}}}
		enqueue(t, db, jobs.New{Kind: "a.do"})
		if err := jobs.Drain(t.Context(), db, kinds); err == nil {
			t.Error("drain said nothing")
		}
		if l := only(t, db); l.State != jobs.Dead || l.Attempt != 1 {
			t.Errorf("%+v", l)
		}
	})
}

func TestStoppingLetsRunningJobsFinishAndHandsBackTheRest(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		makeEffects(t, db)
		begun, goOn := make(chan bool, 10), make(chan bool)
		kinds := []jobs.Kind{
			{Name: "a.slow", Do: effect(db, func(*jobs.Job) error { begun <- true; <-goOn; return nil })},
			{Name: "a.stuck", Do: func(ctx context.Context, _ *jobs.Job) error { begun <- true; <-ctx.Done(); return ctx.Err() }},
		}
		enqueue(t, db, numbered("a.slow", 2)...)
		enqueue(t, db, jobs.New{Kind: "a.stuck"})
		stop := start(t, db, kinds, jobs.Options{Workers: 3, StopWithin: time.Second})
		for range 3 {
			<-begun
		}
		enqueue(t, db, numbered("a.slow", 5)...)
		go func() { time.Sleep(5 * time.Millisecond); close(goOn) }()
		stop()
		all, _ := effects(t, db)
		left := list(t, db)
		for _, l := range left {
			if l.State != jobs.Waiting || l.Attempt != 0 || l.Worker != "" || l.Failure != "" {
				t.Errorf("handed back as %+v", l)
			}
		}
		if all < 2 || len(left) != 8-all {
			t.Errorf("%d effects, %d jobs left of 8", all, len(left))
		}
	})
}

func TestQuickJobsTakenAheadAreHandedBackWhenStopping(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var quick, slow atomic.Int64
		goOn := make(chan bool)
		kinds := []jobs.Kind{
			{Name: "a.quick", Do: func(context.Context, *jobs.Job) error { quick.Add(1); return nil }},
			{Name: "a.slow", Do: func(context.Context, *jobs.Job) error { slow.Add(1); <-goOn; return nil }},
		}
		enqueue(t, db, numbered("a.quick", 500)...)
		stop := start(t, db, kinds, jobs.Options{Workers: 2})
		soon(t, "it knows the jobs as quick", func() bool { return quick.Load() == 500 })
		enqueue(t, db, numbered("a.slow", 100)...)
		soon(t, "the hands are full", func() bool { return slow.Load() == 2 })
		go func() { time.Sleep(100 * time.Millisecond); close(goOn) }()
		stop()
		c, err := jobs.Count(t.Context(), db, jobs.Filter{})
		if err != nil || slow.Load() != 2 || c != (jobs.Counts{Waiting: 98}) {
			t.Errorf("%d ran, left %+v, %v; want 2 and 98", slow.Load(), c, err)
		}
	})
}

func TestOnlyLeasesThatRanOutAreTakenOver(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		do := func(context.Context, *jobs.Job) error { return nil }
		kinds := []jobs.Kind{{Name: "a.short", Do: do, Lease: time.Second}, {Name: "a.long", Do: do, Lease: time.Hour}, {Name: "a.usual", Do: do}}
		enqueue(t, db, jobs.New{Kind: "a.short"}, jobs.New{Kind: "a.long"}, jobs.New{Kind: "a.usual"})
		seize(t, db, kinds, 3)
		for _, step := range []struct {
			wait    time.Duration
			running int
		}{{999 * time.Millisecond, 3}, {time.Millisecond, 2}, {28 * time.Second, 2}, {time.Second, 1}, {58 * time.Minute, 1}, {time.Hour, 0}} {
			clock.Advance(step.wait)
			seize(t, db, kinds, 0)
			if c, err := jobs.Count(t.Context(), db, jobs.Filter{}); err != nil || c.Running != step.running {
				t.Errorf("after %v: %+v, %v; want %d running", step.wait, c, err, step.running)
			}
		}
	})
}

func TestARunnerOfWrongKindsSaysSo(t *testing.T) {
	db := testkit.DB(t)
	do := func(context.Context, *jobs.Job) error { return nil }
	for _, kinds := range [][]jobs.Kind{nil, {{Name: "a.do"}}, {{Do: do}}, {{Name: "a.do", Do: do}, {Name: "a.do", Do: do}}} {
		if err := jobs.NewRunner(db, kinds, jobs.Options{}).Run(t.Context()); err == nil {
			t.Errorf("%v was accepted", kinds)
		}
		if err := jobs.Drain(t.Context(), db, kinds); err == nil {
			t.Errorf("%v was drained", kinds)
		}
	}
}

func TestJobsThatMakeNoSenseAreRefused(t *testing.T) {
	db := testkit.DB(t)
	for _, n := range []jobs.New{
		{}, {Kind: "a", Args: 7}, {Kind: "a", Args: []int{1}}, {Kind: "a", Args: func() {}},
		{Kind: "a", Key: strings.Repeat("k", 201)}, {Kind: "a", Args: map[string]string{"x": strings.Repeat("x", 70_000)}},
	} {
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return jobs.Enqueue(t.Context(), tx, n) }); err == nil {
			t.Errorf("%.80v was accepted", n)
		}
	}
}

func TestTheBackoffGrowsFromASecondToAnHour(t *testing.T) {
	for attempt := 1; attempt < 100; attempt++ {
		d := jobs.DefaultBackoff(attempt)
		if d < time.Second || d > time.Hour || attempt > 12 && d < 48*time.Minute || attempt == 4 && (d < 8*time.Second || d > 10*time.Second) {
			t.Errorf("after attempt %d: %v", attempt, d)
		}
	}
}

func TestAStoredFailureIsBoundedAndNamesNobody(t *testing.T) {
	got := jobs.SayFailure(errors.New("to <ann.b@example.com>, \"bob@x.org\" or +44 (20) 7946-0958: \xff\x00" + strings.Repeat("ř", 2000)))
	if len(got) > 330 || strings.Contains(got, "@") || strings.Contains(got, "7946") || strings.Contains(got, "\x00") || !strings.HasPrefix(got, `internal: to <…>, "…" or …: ř`) {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestAFailureMeantForPeopleIsKeptAsItsSentence(t *testing.T) {
	kept := jobs.KeepFailure(fmt.Errorf("send: %w", errs.Wrong("", "jobs.wrong.state", "To", "ann.b@example.com")))
	if said := errs.Unpack(kept); errs.KeyOf(said) != "jobs.wrong.state" || strings.Contains(kept, "@") {
		t.Errorf("kept %q", kept)
	}
	if kept := jobs.KeepFailure(errors.New("no answer")); kept != "internal: no answer" {
		t.Errorf("a fault of ours was kept as %q", kept)
	}
}

func TestARunnerLooksOftenEnoughForJobsOfOtherProcesses(t *testing.T) {
	if promised := 50 * time.Millisecond; jobs.PollEvery >= promised {
		t.Errorf("it looks every %s, but Enqueue promises a start within %s", jobs.PollEvery, promised)
	}
}
