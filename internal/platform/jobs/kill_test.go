package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

const workerEnv = "REGULARS_TEST_JOBS_WORKER"

// TestMain lets the test's program start itself as worker processes, which
// can then be killed.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(workerEnv); dsn != "" {
		if err := workUntilKilled(dsn); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
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
			time.Sleep(rand.N(4 * time.Millisecond))
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

// kills is how many workers are killed on each engine.
func kills(t *testing.T) int {
	if v := os.Getenv("REGULARS_TORTURE"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("REGULARS_TORTURE is %q, not a number of kills", v)
		}
		return n
	}
	return 32
}

func TestKilledWorkersLoseNoJobAndDoubleNone(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			// A killed program leaves its node number to its lease, so each
			// database takes a few hundred of them only.
			for left := kills(t); left > 0; left -= 200 {
				torture(t, engine, min(left, 200))
			}
		})
	}
}

func torture(t *testing.T, engine string, kills int) {
	dsn := testkit.DSN(t, engine)
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

	workers := make([]*exec.Cmd, 3)
	for i := range workers {
		workers[i] = startWorker(t, dsn)
	}
	var n, inWork int64
	for range kills {
		n += feed(t, db, n, keys)
		time.Sleep(rand.N(120 * time.Millisecond))
		i := rand.IntN(len(workers))
		inWork += runningAt(t, db, workers[i].Process.Pid)
		kill(t, workers[i])
		workers[i] = startWorker(t, dsn)
	}
	soon(t, "all jobs are done", func() bool { return len(list(t, db)) == 0 })
	for _, w := range workers {
		kill(t, w)
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
func feed(t *testing.T, db *store.DB, n int64, keys int) int64 {
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
		if err := change(t.Context(), db, rand.IntN(keys)); err != nil {
			t.Fatal(err)
		}
	}
	return transactions * each
}

func startWorker(t *testing.T, dsn string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

func kill(t *testing.T, worker *exec.Cmd) {
	t.Helper()
	if worker.ProcessState != nil {
		t.Error("a worker ended by itself")
	}
	_ = worker.Process.Kill()
	if err := worker.Wait(); err == nil || worker.ProcessState.Exited() {
		t.Errorf("a worker ended by itself: %v", worker.ProcessState)
	}
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
