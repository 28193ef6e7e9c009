package store

import (
	"context"
	"database/sql"
	"time"
)

// SQLite writes what is committed to a log first and moves it to its place in
// the file later. By itself it does so within the commit that finds the log long,
// whose sender waits for that; here a connection of its own moves it, beside the
// writer and on another core. Only a log that it cannot keep up with is moved by
// the writer: see longestLog.

const (
	longLog    = 2_000  // pages of 4 KiB that are not moved yet, from which on they are
	longestLog = 16_000 // pages from which on a commit moves what is left, and the log begins anew
	// moveEvery is how often the log is looked at, at most.
	moveEvery = 20 * time.Millisecond
)

// mover moves the log of a file in the background.
type mover struct {
	conn  *sql.DB
	grown chan struct{} // holds a token when something was committed
	stop  context.CancelFunc
	ended chan struct{}
}

func newMover(conn *sql.DB) *mover {
	ctx, stop := context.WithCancel(context.Background())
	m := &mover{conn: conn, grown: make(chan struct{}, 1), stop: stop, ended: make(chan struct{})}
	conn.SetMaxOpenConns(1)
	go m.run(ctx)
	return m
}

// tell says that something was committed.
func (m *mover) tell() {
	select {
	case m.grown <- struct{}{}:
	default:
	}
}

func (m *mover) run(ctx context.Context) {
	defer close(m.ended)
	for {
		select {
		case <-m.grown:
		case <-ctx.Done():
			return
		}
		m.move(ctx)
		select {
		case <-time.After(moveEvery):
		case <-ctx.Done():
			return
		}
	}
}

// move moves the log if it is long. The longest is left to the writer: while two
// move, one of them is sent away, and only who writes can move all there is, so
// that the log begins anew and does not grow without end. Where it fails (a full
// disk, another process at the same work) nothing is lost: what is in the log is
// in the database, and the next commit tries again.
func (m *mover) move(ctx context.Context) {
	var busy, log, moved int
	err := m.conn.QueryRowContext(ctx, "pragma wal_checkpoint(noop)").Scan(&busy, &log, &moved)
	if err == nil && log-moved >= longLog && log < longestLog {
		_ = m.conn.QueryRowContext(ctx, "pragma wal_checkpoint(passive)").Scan(&busy, &log, &moved)
	}
}

func (m *mover) close() error {
	m.stop()
	<-m.ended
	return m.conn.Close()
}
