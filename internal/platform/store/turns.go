package store

import (
	"context"
	"slices"
	"sync"
	"time"
)

// giveWay is how long background work lets those go first who wait for an
// answer: then it has its turn, however many wait.
const giveWay = 20 * time.Millisecond

type background struct{}

// Background marks the context of work that nobody waits for. Where there is
// one writer (SQLite), its transactions begin one at a time and let all others
// go first, each for 20 ms at most.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, background{}, true)
}

// IsBackground reports whether the context was marked so.
func IsBackground(ctx context.Context) bool { return ctx.Value(background{}) != nil }

type unwatched struct{}

// Unwatched marks the context of what the program does for its own order, which
// goes before the background though nobody waits for an answer: Quiet does not
// hear it.
func Unwatched(ctx context.Context) context.Context {
	return context.WithValue(ctx, unwatched{}, true)
}

// turns decides who may ask for the writer where there is one. Whoever asks is
// served in the order of asking, see queue, so that one transaction at most of
// the background may stand there.
type turns struct {
	own chan struct{} // holds a token while a background transaction stands there

	mu     sync.Mutex
	ahead  int           // others who write or wait to
	last   time.Time     // when somebody who is waited for wrote last
	nobody chan struct{} // closed when ahead is zero again; nil: nobody waits for that
}

// enter waits until it is ctx's turn to ask for the writer, and returns what to
// call when its transaction is over.
func (t *turns) enter(ctx context.Context) (leave func(), err error) {
	if !IsBackground(ctx) {
		t.mu.Lock()
		t.ahead++
		t.mu.Unlock()
		if ctx.Value(unwatched{}) != nil {
			return t.leave, nil
		}
		t.heard()
		return func() { t.heard(); t.leave() }, nil
	}
	select {
	case t.own <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	free := func() { <-t.own }
	timeout := time.NewTimer(giveWay)
	defer timeout.Stop()
	for {
		t.mu.Lock()
		if t.ahead == 0 {
			t.mu.Unlock()
			return free, nil
		}
		if t.nobody == nil {
			t.nobody = make(chan struct{})
		}
		nobody := t.nobody
		t.mu.Unlock()
		select {
		case <-nobody:
		case <-timeout.C:
			return free, nil
		case <-ctx.Done():
			free()
			return nil, ctx.Err()
		}
	}
}

func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ahead--; t.ahead == 0 && t.nobody != nil {
		close(t.nobody)
		t.nobody = nil
	}
}

func (t *turns) heard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
}

// Quiet is how long ago somebody who waits for an answer wrote, in this process
// and where there is one writer: background work may then hold it for longer,
// which costs less. Zero where writers do not wait for each other.
func (db *DB) Quiet() time.Duration {
	if db.engine != sqliteEngine {
		return 0
	}
	db.turns.mu.Lock()
	defer db.turns.mu.Unlock()
	return time.Since(db.turns.last)
}

// queue hands the writer on in the order of asking. The pool would not: of those
// who wait for its connection it takes any.
type queue struct {
	mu    sync.Mutex
	taken bool
	line  []chan struct{} // each closed when it is their turn
}

// take waits until the writer is free for the caller, who gives it back.
func (q *queue) take(ctx context.Context) error {
	q.mu.Lock()
	if !q.taken {
		q.taken = true
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.line = append(q.line, turn)
	q.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.line, turn)
	if i >= 0 {
		q.line = slices.Delete(q.line, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // the turn came at the same moment
		q.give()
	}
	return ctx.Err()
}

// give hands the writer to the next in the line.
func (q *queue) give() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.line) == 0 {
		q.taken = false
		return
	}
	close(q.line[0])
	q.line = slices.Delete(q.line, 0, 1)
}
