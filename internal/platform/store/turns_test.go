package store

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"regulars/internal/app/migrations"
)

func TestBackgroundWorkGivesWayButNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := turns{own: make(chan struct{}, 1)}
		leave, _ := turns.enter(t.Context())
		began := time.Now()
		free, err := turns.enter(Background(t.Context()))
		if waited := time.Since(began); err != nil || waited != giveWay {
			t.Errorf("it waited %v for somebody who stays: %v", waited, err)
		}
		free()
		began = time.Now()
		time.AfterFunc(giveWay/4, leave)
		free, err = turns.enter(Background(t.Context()))
		if waited := time.Since(began); err != nil || waited != giveWay/4 {
			t.Errorf("it waited %v for somebody who was away after %v: %v", waited, giveWay/4, err)
		}
		time.AfterFunc(10*giveWay, free)
		began = time.Now()
		free, err = turns.enter(Background(t.Context()))
		if waited := time.Since(began); err != nil || waited != 10*giveWay {
			t.Errorf("two of the background were there at once: %v, %v", waited, err)
		}
		defer free()
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := turns.enter(Background(ctx)); err == nil {
			t.Error("a background transaction had its turn after its context had ended")
		}
	})
}

func TestItIsQuietSinceTheLastOfThoseWhoAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DB{engine: sqliteEngine, turns: turns{own: make(chan struct{}, 1)}}
		leave, _ := db.turns.enter(t.Context())
		if q := db.Quiet(); q != 0 {
			t.Errorf("quiet for %v when somebody came just now", q)
		}
		time.Sleep(time.Second)
		leave()
		if q := db.Quiet(); q != 0 {
			t.Errorf("quiet for %v when somebody wrote just now", q)
		}
		time.Sleep(time.Second)
		free, _ := db.turns.enter(Background(t.Context()))
		tidied, _ := db.turns.enter(Unwatched(t.Context()))
		tidied()
		time.Sleep(time.Second)
		if q := db.Quiet(); q != 2*time.Second {
			t.Errorf("quiet for %v, with the program's own work between", q)
		}
		free()
		if q := (&DB{engine: postgresEngine}).Quiet(); q != 0 {
			t.Errorf("quiet for %v where writers do not wait for each other", q)
		}
	})
}

func (t *turns) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ahead
}

// People who come while background work waits for the writer go first.
func TestWhoIsWaitedForWritesBeforeTheBackground(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "turns.db"), Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mu sync.Mutex
	var order []string
	var all sync.WaitGroup
	write := func(ctx context.Context, name string, during func()) {
		all.Go(func() {
			if err := db.Tx(ctx, func(*Tx) error {
				during()
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	began, end := make(chan struct{}), make(chan struct{})
	write(t.Context(), "first", func() { close(began); <-end })
	<-began
	for range 3 {
		write(Background(t.Context()), "background", func() {})
	}
	for range 3 {
		write(t.Context(), "person", func() {})
	}
	for soon := time.Now().Add(5 * time.Second); db.turns.waiting() < 4 && time.Now().Before(soon); {
		time.Sleep(time.Millisecond)
	}
	close(end)
	all.Wait()
	// One of the background may have had its turn meanwhile.
	if !slices.Equal(order[5:], []string{"background", "background"}) {
		t.Errorf("they wrote in the order %v", order)
	}
}
