package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// ready keeps the statements of SQLite that are asked again and again, so that
// they are not parsed and planned each time: that was a seventh of what a page
// costs, and a tenth of a write. The driver of PostgreSQL does so by itself.
type ready struct {
	mu   sync.Mutex
	kept map[string]*sql.Stmt // by text; nil: run once so far
	due  []string             // texts that transactions ran twice
}

// Statements are kept from the second time on, up to so many; longer texts are
// lists of many values, which hardly come twice.
const (
	mostReady    = 400
	longestReady = 4096
)

// find returns the statement of a text, or nil. again says that the text was
// run before, and is to be kept now.
func (r *ready) find(query string) (s *sql.Stmt, again bool) {
	if len(query) > longestReady {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, known := r.kept[query]
	if !known && len(r.kept) < mostReady {
		r.kept[query] = nil
	}
	return s, known && s == nil
}

// keep makes a statement ready on a pool. Where that fails, running the text as
// it stands says why.
func (r *ready) keep(ctx context.Context, pool *sql.DB, query string) *sql.Stmt {
	s, err := pool.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.kept[query]; other != nil {
		s.Close()
		return other
	}
	r.kept[query] = s
	return s
}

// reader returns the statement of a text for those who read, or nil. Their
// connection is theirs until they have read all, so none runs twice at once.
func (db *DB) reader(ctx context.Context, query string) *sql.Stmt {
	if db.engine != sqliteEngine {
		return nil
	}
	s, again := db.reads.find(query)
	if again {
		s = db.reads.keep(ctx, db.read, query)
	}
	return s
}

// keepDue makes ready what transactions asked for twice. It needs the writer's
// connection, which they have, so it is done before the next one begins.
func (db *DB) keepDue(ctx context.Context) {
	db.writes.mu.Lock()
	due := db.writes.due
	db.writes.due = nil
	db.writes.mu.Unlock()
	for _, query := range due {
		db.writes.keep(ctx, db.write, query)
	}
}

// statement returns the statement of a text for this transaction, or nil. It
// must not run while rows of the same text are being read: they would be its own.
func (tx *Tx) statement(ctx context.Context, query string) *sql.Stmt {
	if tx.db.engine != sqliteEngine {
		return nil
	}
	if s := tx.ready[query]; s != nil {
		return s
	}
	w := &tx.db.writes
	s, again := w.find(query)
	if again {
		w.mu.Lock()
		if !slices.Contains(w.due, query) {
			w.due = append(w.due, query)
		}
		w.mu.Unlock()
	}
	if s == nil {
		return nil
	}
	own := tx.tx.StmtContext(ctx, s)
	tx.ready[query] = own
	return own
}
