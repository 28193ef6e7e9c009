package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"regulars/internal/platform/errs"
)

// Files are the sentences about databases.
//
//go:embed text
var Files embed.FS

type engine uint8

const (
	sqliteEngine engine = iota
	postgresEngine
	citusEngine
)

// Each connection has a cache of its own, in KiB: the writer's is large, for bulk
// work; the readers have the system's behind theirs.
//
// busy_timeout comes first: the pragmas behind it may already meet a lock.
var sqlitePragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=wal_autocheckpoint(" + strconv.Itoa(longestLog) + ")"

func openSQLite(ctx context.Context, db *DB, path string) error {
	path = strings.TrimPrefix(path, "sqlite://")
	if dir := filepath.Dir(path); dir != "." {
		if _, err := os.Stat(dir); err != nil {
			return errs.Of(errs.Invalid, err, "store.wrong.folder", "Folder", dir)
		}
	}
	// Customers' data is for the program's own user; a file that is there keeps
	// the mode it was given. What stands in the way, opening it below will say.
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		f.Close()
	}
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	var err error
	db.engine, db.name, db.turns.own = sqliteEngine, path, make(chan struct{}, 1)
	if db.write, err = sql.Open("sqlite", file+sqlitePragmas+"&_pragma=cache_size(-65536)&_txlock=immediate"); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if err := firstTouch(ctx, db.write); err != nil {
		db.write.Close()
		return errs.Of(errs.Invalid, err, "store.wrong.file", "File", path)
	}
	if db.read, err = sql.Open("sqlite", file+sqlitePragmas+"&_pragma=cache_size(-16384)&_pragma=query_only(1)"); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(max(4, 2*runtime.NumCPU()))
	db.read.SetMaxIdleConns(max(4, 2*runtime.NumCPU()))
	log, err := sql.Open("sqlite", file+sqlitePragmas)
	if err != nil {
		return err
	}
	db.log = newMover(log)
	return nil
}

// firstTouch connects, and with that turns a new file to write-ahead logging.
// SQLite does not wait when two programs turn the same new file at once, as both
// read it and each wants it alone: it says busy at once, whatever busy_timeout is.
func firstTouch(ctx context.Context, pool *sql.DB) error {
	patience := time.Now().Add(10 * time.Second)
	for {
		err := pool.PingContext(ctx)
		if err == nil || !conflict(err) || time.Now().After(patience) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(5+rand.IntN(20)) * time.Millisecond):
		}
	}
}

// nearPages tells the planner that a page out of order costs little more than the
// next one, which is so of memory and of flash. By PostgreSQL's own guess, made for
// turning disks, two hundred customers by their ids are found by reading all there
// are. Whoever runs the database and set it to something else knows better.
const nearPages = `select set_config('random_page_cost', '1.1', false) where current_setting('random_page_cost') = '4'`

func openPostgres(ctx context.Context, db *DB, dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return errs.Wrong("db", "store.wrong.address-form")
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errs.Of(errs.Invalid, err, "store.wrong.address")
	}
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, nearPages)
		return err
	}))
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	db.engine, db.write, db.read, db.name = postgresEngine, pool, pool, u.Redacted()
	var citus, utf8 bool
	err = pool.QueryRowContext(ctx, `
		select exists (select 1 from pg_extension where extname = 'citus'),
		       current_setting('server_encoding') = 'UTF8'`).Scan(&citus, &utf8)
	if err != nil {
		pool.Close()
		return errs.Of(errs.Unavailable, err, "store.wrong.no-answer", "Host", u.Host)
	}
	if !utf8 {
		pool.Close()
		return errs.Wrong("db", "store.wrong.encoding")
	}
	if citus {
		db.engine = citusEngine
	}
	return nil
}

// conflict reports whether err means that the transaction met another one
// and is to be tried again whole.
func conflict(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return true
		}
	}
	return false
}

// rowsPerStatement is how many rows one insert carries: some, which share the
// start of a statement, on SQLite, and as many as share a round trip elsewhere.
func (e engine) rowsPerStatement(columns int) int {
	switch e {
	case sqliteEngine:
		return 10
	case postgresEngine:
		return 1000
	}
	return min(500, 65_000/columns)
}

// sqliteTypes are the strict types that stand for ours. INT beside INTEGER
// keeps boolean recognisable.
var sqliteTypes = map[string]string{
	"bigint": "INTEGER", "boolean": "INT", "double precision": "REAL",
	"text": "TEXT", "bytea": "BLOB", "jsonb": "TEXT",
}

func (e engine) String() string {
	return [...]string{"SQLite", "PostgreSQL", "Citus"}[e]
}
