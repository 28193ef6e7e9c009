// Package store keeps one SQL text running on SQLite, PostgreSQL and Citus.
//
// Its one rule: it alone knows which engine answers. Everybody else writes
// plain SQL with $1 placeholders, as docs/sql.md says.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/secrets"
)

// Querier reads: the database itself (outside any transaction) and a
// transaction both do.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Options say how a database is opened. The zero value is right for a server.
type Options struct {
	Migrations fs.FS            // files NNNN_name.sql; nil: none are run
	UpTo       int              // the last migration that is run; 0: all
	Clock      func() time.Time // nil: the real one. Tests own time
	Exclusive  bool             // the command line has the file to itself: bulk work need not be sliced
	Secrets    *secrets.Box     // nil: nothing can be sealed
	AnyKey     bool             // opens a database whose secrets another key has sealed
}

// DB is an open database: on SQLite a writer connection and a pool of
// readers, elsewhere one pool.
type DB struct {
	engine    engine
	write     *sql.DB
	read      *sql.DB
	clock     func() time.Time
	exclusive bool
	name      string // without a password
	secrets   *secrets.Box
	turns     turns    // on SQLite
	writer    queue    // on SQLite
	reads     ready    // on SQLite, of the readers
	writes    ready    // on SQLite, of the writer
	log       *mover   // on SQLite
	types     sync.Map // on PostgreSQL: the types of the columns that Bulk wrote

	leaseMu sync.Mutex
	lease   lease
	maker   atomic.Pointer[id.Maker] // makes the ids of the leased node
}

// Open opens the database named by dsn ("regulars.db", "postgres://…") and
// brings its schema up to date. A database newer than the program is refused.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	db := &DB{reads: ready{kept: map[string]*sql.Stmt{}}, writes: ready{kept: map[string]*sql.Stmt{}}, clock: o.Clock, exclusive: o.Exclusive, secrets: o.Secrets}
	if db.clock == nil {
		db.clock = time.Now
	}
	open := openSQLite
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		open = openPostgres
	}
	if err := open(ctx, db, dsn); err != nil {
		return nil, err
	}
	if o.Migrations != nil {
		if err := db.migrate(ctx, o.Migrations, o.UpTo); err != nil {
			db.Close()
			return nil, err
		}
	}
	if o.Secrets != nil && !o.AnyKey {
		if err := db.checkKey(ctx); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// Close gives the node number back and closes every connection.
func (db *DB) Close() error {
	db.release()
	if db.log != nil {
		_ = db.log.close()
	}
	err := db.write.Close()
	if db.read != db.write {
		if e := db.read.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Query reads outside any transaction.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, ended := begin(ctx, query)
	var rows *sql.Rows
	var err error
	if s := db.reader(ctx, query); s != nil {
		rows, err = s.QueryContext(ctx, args...)
	} else {
		rows, err = db.read.QueryContext(ctx, query, args...)
	}
	ended(err)
	return rows, err
}

// QueryRow reads one row outside any transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, ended := begin(ctx, query)
	var row *sql.Row
	if s := db.reader(ctx, query); s != nil {
		row = s.QueryRowContext(ctx, args...)
	} else {
		row = db.read.QueryRowContext(ctx, query, args...)
	}
	ended(row.Err())
	return row
}

// Now is the time by the database's clock, in whole microseconds UTC.
func (db *DB) Now() time.Time { return db.clock().UTC().Truncate(time.Microsecond) }

// Name names the database for people and logs: its file, or its address
// without the password.
func (db *DB) Name() string { return db.name }

// Embedded reports whether the database is a file of this process, so that
// nobody else's work is seen but by looking.
func (db *DB) Embedded() bool { return db.engine == sqliteEngine }

// SkipLocked is the one dialect word of the program: put behind the select
// that claims jobs, it lets several workers claim side by side.
func (db *DB) SkipLocked() string {
	if db.engine == sqliteEngine {
		return ""
	}
	return " for update skip locked"
}

// SliceRows is how many rows bulk work writes in one transaction: few while
// others wait for the writer, some while others may wait for a row, many when
// nobody waits.
func (db *DB) SliceRows() int {
	switch {
	case db.exclusive:
		return 200_000
	case db.engine == sqliteEngine:
		return 1_500 // some 40 ms of an import
	}
	return 10_000
}

// All reads every row of a query through scan.
func All[T any](ctx context.Context, q Querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// Scalar scans the only column of a row; it is the scan of All for lists of
// one column.
func Scalar[T any](rows *sql.Rows) (T, error) {
	var v T
	err := rows.Scan(&v)
	return v, err
}

// List makes "$n,$n+1,…" for count values, the first being $first.
func List(first, count int) string {
	var b strings.Builder
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

// Args makes arguments of a slice, to go with List.
func Args[T any](values []T) []any {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return args
}

// newID makes an id on this process's node.
func (db *DB) newID() int64 { return db.maker.Load().New(db.clock().UnixMilli()) }
