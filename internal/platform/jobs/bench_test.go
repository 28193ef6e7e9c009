package jobs_test

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func eachEngine(b *testing.B, bench func(b *testing.B, db *store.DB)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			bench(b, testkit.Open(b, testkit.DSN(b, engine), store.Options{}))
		})
	}
}

// One operation is one job, a thousand to a transaction.
func BenchmarkEnqueueBatch(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		batch := numbered("a.do", 1000)
		b.ResetTimer()
		for left := b.N; left > 0; left -= len(batch) {
			enqueue(b, db, batch[:min(left, len(batch))]...)
		}
		perSecond(b)
	})
}

// One operation is one job in a transaction of its own.
func BenchmarkEnqueueSingle(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		for range b.N {
			enqueue(b, db, jobs.New{Kind: "a.do"})
		}
		perSecond(b)
	})
}

// One operation is one job that does nothing, from claim to completion.
func BenchmarkWorkNothing(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		work(b, db, func(context.Context, *jobs.Job) error { return nil })
	})
}

// One operation is one job that is completed in a transaction of its own.
func BenchmarkWorkInTransaction(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		work(b, db, func(ctx context.Context, j *jobs.Job) error {
			return db.Tx(ctx, func(tx *store.Tx) error { return j.Done(ctx, tx) })
		})
	})
}

func work(b *testing.B, db *store.DB, do func(context.Context, *jobs.Job) error) {
	for left := b.N; left > 0; left -= 10_000 {
		enqueue(b, db, numbered("a.do", min(left, 10_000))...)
	}
	var done atomic.Int64
	all := make(chan bool)
	kinds := []jobs.Kind{{Name: "a.do", Do: func(ctx context.Context, j *jobs.Job) error {
		err := do(ctx, j)
		if done.Add(1) == int64(b.N) {
			close(all)
		}
		return err
	}}}
	b.ResetTimer()
	stop := start(b, db, kinds, jobs.Options{})
	<-all
	stop()
	perSecond(b)
	if left, err := jobs.Count(b.Context(), db, jobs.Filter{}); err != nil || left != (jobs.Counts{}) {
		b.Errorf("left %+v, %v", left, err)
	}
}

// One operation is the time from the commit of an enqueue to the start of the
// job in the same process.
func BenchmarkWake(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		ran := make(chan bool)
		start(b, db, []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { ran <- true; return nil }}}, jobs.Options{})
		for b.Loop() {
			b.StopTimer()
			enqueue(b, db, jobs.New{Kind: "a.do"})
			b.StartTimer()
			<-ran
		}
	})
}

// One operation is the time from the commit of an enqueue to the start of the
// job in another process; worst-ms is the longest of them.
func BenchmarkWakeInAnotherProcess(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *store.DB) {
		ran := make(chan bool)
		start(b, db, []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { ran <- true; return nil }}}, jobs.Options{})
		enqueue(b, db, jobs.New{Kind: "a.do"})
		<-ran // it runs, and listens
		jobs.Deafen()
		worst := time.Duration(0)
		for b.Loop() {
			b.StopTimer()
			time.Sleep(rand.N(jobs.PollEvery)) // wherever it is between two looks
			enqueue(b, db, jobs.New{Kind: "a.do"})
			b.StartTimer()
			committed := time.Now()
			<-ran
			worst = max(worst, time.Since(committed))
		}
		b.ReportMetric(float64(worst)/float64(time.Millisecond), "worst-ms")
	})
}

func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s") }
