package jobs_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Child("worker", workUntilKilled)
	os.Exit(m.Run())
}

func workUntilKilled(dsn string) error {
	db, err := store.Open(context.Background(), dsn, store.Options{Migrations: migrations.FS})
	if err != nil {
		return err
	}
	return jobs.NewRunner(db, tortureKinds(db), jobs.Options{Workers: 3, Log: quiet}).Run(context.Background())
}

type tortureArgs struct{ N int64 }

// tortureKinds are an effect that is committed with its completion, one that
// is idempotent by itself, and a coalescing refresh.
func tortureKinds(db *store.DB) []jobs.Kind {
	soon := func(int) time.Duration { return 20 * time.Millisecond }
	const lease = 300 * time.Millisecond
	return []jobs.Kind{
		{Name: "torture.exact", Lease: lease, Attempts: 1000, Backoff: soon, Do: func(ctx context.Context, j *jobs.Job) error {
			var args tortureArgs
			if err := j.Args(&args); err != nil {
				return err
			}
			time.Sleep(time.Duration(args.N*7919%4000) * time.Microsecond)
			return db.Tx(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(ctx, `insert into effects (id, n) values ($1, $2)`, tx.NewID(), args.N); err != nil {
					return err
				}
				if args.N%3 == 0 { // a chain: the next link belongs to this effect
					if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: j.Kind, Args: tortureArgs{args.N + 1_000_000_000}}); err != nil {
						return err
					}
				}
				return j.Done(ctx, tx)
			})
		}},
		{Name: "torture.plain", Lease: lease, Attempts: 1000, Backoff: soon, Do: func(ctx context.Context, j *jobs.Job) error {
			var args tortureArgs
			if err := j.Args(&args); err != nil {
				return err
			}
			return db.Tx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `insert into idempotents (n) values ($1) on conflict (n) do nothing`, args.N)
				return err
			})
		}},
		{Name: "derived.refresh", Lease: lease, Attempts: 1000, Backoff: soon, Do: func(ctx context.Context, j *jobs.Job) error {
			return refresh(ctx, db, j)
		}},
	}
}

func TestKilledWorkersLoseNoJobAndDoubleNone(t *testing.T) {
	testkit.Torture(t, 32, torture)
}

func torture(t *testing.T, dsn string, kills int, chance *testkit.Chance) {
	db := testkit.Open(t, dsn, store.Options{})
	const keys = 5
	makeSources(t, db, keys)
	testkit.Do(t, db, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `create table effects (id bigint primary key, n bigint not null)`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `create table idempotents (n bigint primary key)`)
		return err
	})

	workers := make([]*testkit.Process, 3)
	for i := range workers {
		workers[i] = testkit.StartChild(t, "worker", dsn)
	}
	var n, inWork int64
	for range kills {
		n += feed(t, db, n, keys, chance)
		time.Sleep(chance.Within(120 * time.Millisecond))
		i := chance.IntN(len(workers))
		inWork += runningAt(t, db, workers[i].Process.Pid)
		workers[i].Kill()
		workers[i] = testkit.StartChild(t, "worker", dsn)
	}
	soon(t, "all jobs are done", func() bool { return len(list(t, db)) == 0 })
	for _, w := range workers {
		w.Kill()
	}

	var effects, distinct, idempotents, behind int64
	if err := db.QueryRow(t.Context(), `select count(*), count(distinct n) from effects`).Scan(&effects, &distinct); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(t.Context(), `select count(*) from idempotents`).Scan(&idempotents); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(t.Context(), `select count(*) from sources where derived <> version`).Scan(&behind); err != nil {
		t.Fatal(err)
	}
	want := n + (n+2)/3 // every third has a second link
	if effects != want || distinct != want || idempotents != n || behind != 0 {
		t.Errorf("%d effects of %d jobs (want %d), %d idempotent ones (want %d), %d refreshes lost", effects, distinct, want, idempotents, n, behind)
	}
	t.Logf("%d kills, %d jobs in work at that moment, %d jobs in all", kills, inWork, want+n)
}

// feed enqueues jobs numbered from n on, in small transactions, while not too
// many wait; it returns how many.
func feed(t *testing.T, db *store.DB, n int64, keys int, chance *testkit.Chance) int64 {
	waiting, err := jobs.Count(t.Context(), db, jobs.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if waiting.Waiting > 600 {
		return 0
	}
	const transactions, each = 6, 20
	for i := range int64(transactions) {
		testkit.Do(t, db, func(tx *store.Tx) error {
			var all []jobs.New
			for k := range int64(each) {
				args := tortureArgs{n + i*each + k}
				all = append(all, jobs.New{Kind: "torture.exact", Args: args}, jobs.New{Kind: "torture.plain", Args: args})
			}
			return jobs.Enqueue(t.Context(), tx, all...)
		})
		if err := change(t.Context(), db, chance.IntN(keys)); err != nil {
			t.Fatal(err)
		}
	}
	return transactions * each
}

// runningAt is how many jobs a worker process has in its hands.
func runningAt(t *testing.T, db *store.DB, pid int) int64 {
	var n int64
	err := db.QueryRow(t.Context(), `select count(*) from jobs where state = 'running' and worker like $1`, fmt.Sprintf("%d-%%", pid)).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
