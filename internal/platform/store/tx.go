package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"
)

// Tx is one transaction. Its Now is the only clock of what happens in it.
type Tx struct {
	Now time.Time // UTC, whole microseconds

	db    *DB
	tx    *sql.Tx
	after *[]func()
	ready map[string]*sql.Stmt // by text, see statement
}

// attempts is how often a transaction that met a conflict is tried whole.
const attempts = 12

// Tx runs fn in a transaction and commits it, or rolls it back when fn fails.
// On a conflict with another transaction fn is run again from the start, so
// it must not change anything outside of the database.
func (db *DB) Tx(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := db.once(ctx, fn)
		if err == nil || !conflict(err) || attempt == attempts {
			return err
		}
		pause := time.Duration(1<<min(attempt, 7)) * time.Millisecond
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

func (db *DB) once(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.holdLease(ctx); err != nil {
		return err
	}
	if db.engine == sqliteEngine {
		leave, err := db.turns.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if err := db.writer.take(ctx); err != nil {
			return err
		}
		defer db.writer.give()
	}
	db.keepDue(ctx)
	sqlTx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer sqlTx.Rollback() // nothing to do after a commit
	tx := &Tx{Now: db.Now(), db: db, tx: sqlTx, after: new([]func()), ready: map[string]*sql.Stmt{}}
	if err := fn(tx); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if db.log != nil {
		db.log.tell()
	}
	for _, f := range *tx.after {
		f()
	}
	return nil
}

// At is the same transaction with another clock: the demo store, replay and
// tests do yesterday's work in it.
func (tx *Tx) At(t time.Time) *Tx {
	other := *tx
	other.Now = t.UTC().Truncate(time.Microsecond)
	return &other
}

// NewID returns a fresh id, ordered by the real time it was made and never by
// tx.Now.
func (tx *Tx) NewID() int64 { return tx.db.newID() }

// AfterCommit runs f once the transaction is committed, and never when it is
// rolled back. f must not fail and must be quick.
func (tx *Tx) AfterCommit(f func()) { *tx.after = append(*tx.after, f) }

// Exec runs a statement and returns how many rows it touched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, ended := begin(ctx, query)
	res, err := tx.exec(ctx, query, args...)
	ended(err)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (tx *Tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := tx.statement(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return tx.tx.ExecContext(ctx, query, args...)
}

// Query reads within the transaction.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, ended := begin(ctx, query)
	rows, err := tx.tx.QueryContext(ctx, query, args...)
	ended(err)
	return rows, err
}

// QueryRow reads one row within the transaction; scan it before the next one.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, ended := begin(ctx, query)
	var row *sql.Row
	if s := tx.statement(ctx, query); s != nil {
		row = s.QueryRowContext(ctx, args...)
	} else {
		row = tx.tx.QueryRowContext(ctx, query, args...)
	}
	ended(row.Err())
	return row
}

// Alone reports whether nobody else can write until the transaction ends, so
// that no row has to be held against others: SQLite has one writer.
func (tx *Tx) Alone() bool { return tx.db.engine == sqliteEngine }

// Hold keeps rows that a plain select of one table names from being changed by
// others until the transaction ends, without writing them: an update makes a new
// row and, where its page is full, a new entry in every index. It reports false
// where that is not possible (Citus, over several machines): then they are held
// by writing them. The select is ordered, so that two who hold the same rows wait
// for each other in one direction only.
func (tx *Tx) Hold(ctx context.Context, query string, args ...any) (bool, error) {
	switch tx.db.engine {
	case sqliteEngine:
		return true, nil // nobody else writes
	case citusEngine:
		return false, nil
	}
	ctx, ended := begin(ctx, query)
	_, err := tx.tx.ExecContext(ctx, query+" for no key update", args...)
	ended(err)
	return true, err
}

// SkipLocked is DB.SkipLocked, for the claim of jobs.
func (tx *Tx) SkipLocked() string { return tx.db.SkipLocked() }

var _, _ Querier = (*DB)(nil), (*Tx)(nil)
