package store

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"regulars/internal/app/migrations"
)

func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.line)
}

func TestWritersAreServedInTheOrderOfAsking(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "order.db"), Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	began, end := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		_ = db.Tx(context.Background(), func(*Tx) error { close(began); <-end; return nil })
	})
	<-began
	for i := range 8 {
		all.Go(func() {
			_ = db.Tx(context.Background(), func(*Tx) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
				return nil
			})
		})
		for soon := time.Now().Add(10 * time.Second); db.writer.waiting() <= i && time.Now().Before(soon); {
			time.Sleep(time.Millisecond) // they ask one after the other
		}
	}
	close(end)
	all.Wait()
	if !slices.IsSorted(order) {
		t.Errorf("they asked in order, and were served in the order %v", order)
	}
}

func TestWhoStopsWaitingForTheWriterHoldsNobodyUp(t *testing.T) {
	for range 200 {
		var q queue
		if err := q.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				mine := t.Context()
				if i%2 == 0 {
					mine = ctx
				}
				if q.take(mine) == nil {
					q.give()
				}
			})
		}
		all.Go(stop)
		q.give()
		all.Wait()
		if q.taken || len(q.line) > 0 {
			t.Fatalf("nobody is there, and it is taken: %t, %d wait", q.taken, len(q.line))
		}
	}
}
