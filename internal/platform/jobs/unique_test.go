package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// counting is a kind that counts its runs.
func counting(runs *int, err error) []jobs.Kind {
	return []jobs.Kind{{Name: "a.do", Attempts: 1, Do: func(context.Context, *jobs.Job) error { *runs++; return err }}}
}

func seize(t *testing.T, db *store.DB, kinds []jobs.Kind, n int) []*jobs.Job {
	t.Helper()
	got, err := jobs.Seize(t.Context(), db, kinds, n)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAKeyThatWaitsIsWorkedOnceAtTheEarlierTimeWithTheNewerArguments(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		hour := db.Now().Add(time.Hour)
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k", At: hour, Args: map[string]int{"n": 1}})
		enqueue(t, db,
			jobs.New{Kind: "a.do", Key: "k", At: hour.Add(-time.Minute), Args: map[string]int{"n": 2}},
			jobs.New{Kind: "a.do", Key: "k", At: hour.Add(time.Hour), Args: map[string]int{"n": 3}})
		if l := only(t, db); !l.Due.Equal(hour.Add(-time.Minute)) || l.Args != `{"n":3}` && l.Args != `{"n": 3}` {
			t.Errorf("%+v", l)
		}
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k", At: hour})
		if l := only(t, db); !l.Due.Equal(hour.Add(-time.Minute)) {
			t.Errorf("a later time counted: %+v", l)
		}
		enqueue(t, db, jobs.New{Kind: "b.do", Key: "k"}, jobs.New{Kind: "a.do", Key: "l"}, jobs.New{Kind: "a.do"}, jobs.New{Kind: "a.do"})
		if n := len(list(t, db)); n != 5 {
			t.Errorf("%d jobs, want 5: another kind, another key and no key are other jobs", n)
		}
	})
}

func TestAKeyAskedForWhileItRunsRunsOnceMore(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		kinds := []jobs.Kind{{Name: "a.do", Do: func(ctx context.Context, j *jobs.Job) error {
			if runs++; runs == 1 {
				enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
				enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
			}
			return db.Tx(ctx, func(tx *store.Tx) error { return j.Done(ctx, tx) })
		}}}
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		if err := jobs.Drain(t.Context(), db, kinds); err != nil || runs != 2 {
			t.Errorf("%d runs, %v; want 2", runs, err)
		}
		if left := list(t, db); len(left) != 0 {
			t.Errorf("left %+v", left)
		}
	})
}

func TestAKeyAskedForWhileItsLastAttemptFailsIsTriedAnew(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		kinds := counting(&runs, errors.New("no"))
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		j := seize(t, db, kinds, 1)[0]
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		if err := j.Settle(t.Context(), db, kinds, j.Work()); err != nil {
			t.Fatal(err)
		}
		if l := only(t, db); l.State != jobs.Waiting || l.Attempt != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestAKeyThatWasGivenUpIsTriedAnewWhenAskedForAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		if err := jobs.Drain(t.Context(), db, counting(&runs, errors.New("no"))); err == nil {
			t.Fatal("no failure")
		}
		if l := only(t, db); l.State != jobs.Dead {
			t.Fatalf("%+v", l)
		}
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		if err := jobs.Drain(t.Context(), db, counting(&runs, nil)); err != nil || runs != 2 || len(list(t, db)) != 0 {
			t.Errorf("%d runs, %v, left %+v", runs, err, list(t, db))
		}
	})
}

// A late worker whose claim was followed by another one, on a row that was
// worked, asked for again, and claimed again with the same attempt number.
func TestALateWorkerOfAnEarlierRunIsFencedOff(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		kinds := []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { return nil }}}
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		late := seize(t, db, kinds, 1)[0]
		clock.Advance(time.Minute)
		seize(t, db, kinds, 0) // makes it wait again
		second := seize(t, db, kinds, 1)[0]
		enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
		testkit.Do(t, db, func(tx *store.Tx) error { return second.Done(t.Context(), tx) })
		third := seize(t, db, kinds, 1)[0]
		if third.Attempt != late.Attempt || third.ID != late.ID {
			t.Fatalf("attempt %d of %s, %d of %s", third.Attempt, third.ID, late.Attempt, late.ID)
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return late.Done(t.Context(), tx) })
		if !errors.Is(err, jobs.ErrTakenOver) {
			t.Errorf("the late worker's Done gave %v", err)
		}
		for _, outcome := range []error{nil, errors.New("late"), jobs.Permanent(errors.New("late"))} {
			if err := late.Settle(t.Context(), db, kinds, outcome); err != nil {
				t.Fatal(err)
			}
			if l := only(t, db); l.State != jobs.Running || l.Failure != "" {
				t.Errorf("the late worker changed the job: %+v", l)
			}
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return third.Done(t.Context(), tx) })
		if left := list(t, db); len(left) != 0 {
			t.Errorf("left %+v", left)
		}
	})
}

// Writers change the source of a key and ask for its refresh in one
// transaction; refreshes read the source first, dawdle, and fail or stall at
// random. If one change were followed by no run that started after it, the
// derived row would stay behind for ever.
func TestEveryEnqueueIsFollowedByARunThatStartedAfterIt(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{})
			const keys, writers, changes = 4, 4, 60
			makeSources(t, db, keys)
			var runs, fenced atomic.Int64
			kinds := []jobs.Kind{{
				Name: "derived.refresh", Attempts: 1 << 30, Lease: 60 * time.Millisecond,
				Backoff: func(int) time.Duration { return rand.N(10 * time.Millisecond) },
				Do: func(ctx context.Context, j *jobs.Job) error {
					runs.Add(1)
					err := refresh(ctx, db, j)
					if errors.Is(err, jobs.ErrTakenOver) {
						fenced.Add(1)
					}
					return err
				},
			}}
			for range 2 {
				start(t, db, kinds, jobs.Options{Workers: 3, StopWithin: time.Second})
			}
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range changes {
						if err := change(t.Context(), db, rand.IntN(keys)); err != nil {
							t.Error(err)
						}
						time.Sleep(rand.N(3 * time.Millisecond))
					}
				})
			}
			writing := make(chan struct{})
			stalled := make(chan int)
			go func() { stalled <- stall(t, db, kinds, writing) }()
			wg.Wait()
			close(writing)
			t.Logf("%d jobs seized by workers that stalled", <-stalled)
			soon(t, "all refreshes are done", func() bool { return len(list(t, db)) == 0 })
			var behind, total int
			if err := db.QueryRow(t.Context(), `select count(*) filter (where derived <> version), cast(sum(version) as bigint) from sources`).Scan(&behind, &total); err != nil {
				t.Fatal(err)
			}
			if behind != 0 || total != writers*changes {
				t.Errorf("%d of %d derived rows stayed behind; %d changes", behind, keys, total)
			}
			t.Logf("%d changes, %d runs, %d fenced off", total, runs.Load(), fenced.Load())
		})
	}
}

// stall claims jobs whenever it can get some, and works and settles them only
// when their leases may have run out, until writing is closed.
func stall(t *testing.T, db *store.DB, kinds []jobs.Kind, writing chan struct{}) (seized int) {
	for {
		select {
		case <-writing:
			return seized
		case <-time.After(time.Millisecond):
		}
		got, err := jobs.Seize(t.Context(), db, kinds, 2)
		if err != nil {
			t.Error(err)
			return seized
		}
		if seized += len(got); len(got) > 0 {
			time.Sleep(rand.N(150 * time.Millisecond))
		}
		for _, j := range got {
			if err := j.Settle(t.Context(), db, kinds, j.Work()); err != nil {
				t.Error(err)
			}
		}
	}
}

func makeSources(t *testing.T, db *store.DB, keys int) {
	testkit.Do(t, db, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `create table sources (id bigint primary key, version bigint not null, derived bigint not null)`); err != nil {
			return err
		}
		for k := range keys {
			if _, err := tx.Exec(t.Context(), `insert into sources (id, version, derived) values ($1, 0, 0)`, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func change(ctx context.Context, db *store.DB, key int) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `update sources set version = version + 1 where id = $1`, key); err != nil {
			return err
		}
		time.Sleep(rand.N(time.Millisecond))
		return jobs.Enqueue(ctx, tx, jobs.New{Kind: "derived.refresh", Key: fmt.Sprint(key), Args: map[string]int{"id": key}})
	})
}

func refresh(ctx context.Context, db *store.DB, j *jobs.Job) error {
	var args struct{ ID int }
	if err := j.Args(&args); err != nil {
		return err
	}
	var version int64
	if err := db.QueryRow(ctx, `select version from sources where id = $1`, args.ID).Scan(&version); err != nil {
		return err
	}
	time.Sleep(rand.N(3 * time.Millisecond))
	switch rand.IntN(8) {
	case 0:
		return errors.New("bad luck")
	case 1:
		panic("worse luck")
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `update sources set derived = $1 where id = $2`, version, args.ID); err != nil {
			return err
		}
		if rand.IntN(2) == 0 {
			return nil // the runner completes it
		}
		return j.Done(ctx, tx)
	})
}

// On PostgreSQL a transaction that asks for a running job's key holds its row
// until it commits. Nobody but the job itself may wait for that.
func TestALongTransactionThatAsksForARunningJobHoldsUpNoOther(t *testing.T) {
	db := testkit.Open(t, testkit.DSN(t, "postgres"), store.Options{})
	asked, runs, others := make(chan bool), atomic.Int64{}, make(chan bool, 1)
	kinds := []jobs.Kind{
		{Name: "a.do", Do: func(context.Context, *jobs.Job) error { runs.Add(1); <-asked; return nil }},
		{Name: "a.other", Do: func(context.Context, *jobs.Job) error { others <- true; return nil }},
	}
	start(t, db, kinds, jobs.Options{})
	enqueue(t, db, jobs.New{Kind: "a.do", Key: "k"})
	soon(t, "it runs", func() bool { return runs.Load() == 1 })
	testkit.Do(t, db, func(tx *store.Tx) error {
		if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "a.do", Key: "k"}); err != nil {
			return err
		}
		close(asked)
		time.Sleep(50 * time.Millisecond) // its end meets the row
		for range 10 {
			enqueue(t, db, jobs.New{Kind: "a.other"})
			select {
			case <-others:
			case <-time.After(time.Minute):
				t.Fatal("another job had to wait")
			}
		}
		return nil
	})
	soon(t, "all is done", func() bool { return len(list(t, db)) == 0 })
	if runs.Load() != 2 {
		t.Errorf("%d runs, want 2", runs.Load())
	}
}
