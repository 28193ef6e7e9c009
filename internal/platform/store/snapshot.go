package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"regulars/internal/platform/errs"
)

// Snapshot writes the SQLite database as it is at this moment into a new file,
// while others go on reading and writing. The file holds no journal and no
// free pages.
func (db *DB) Snapshot(ctx context.Context, path string) error {
	if db.engine != sqliteEngine {
		return errs.Wrong("db", "backup.engine")
	}
	// A connection of its own: the writer's must stay free for the others.
	one, err := sql.Open("sqlite", fileURL(db.name)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer one.Close()
	if _, err := one.ExecContext(ctx, `vacuum into $1`, path); err != nil {
		return fmt.Errorf("copy the database to %s: %w", path, err)
	}
	return nil
}

// Full reports whether err means that the disk has no room left.
func Full(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_FULL {
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Contents is what a database holds, in numbers.
type Contents struct {
	Schema int              // its newest migration
	Rows   map[string]int64 // of each table, the migration runner's own left out
}

// Count counts the rows of every table.
func Count(ctx context.Context, db *DB) (Contents, error) {
	c := Contents{Rows: map[string]int64{}}
	if err := db.QueryRow(ctx, `select coalesce(max(version), 0) from schema_migrations`).Scan(&c.Schema); err != nil {
		return c, fmt.Errorf("read the schema of %s: %w", db.Name(), err)
	}
	tables, err := db.tables(ctx)
	if err != nil {
		return c, err
	}
	for _, t := range tables {
		var n int64
		if err := db.QueryRow(ctx, `select count(*) from `+t.name).Scan(&n); err != nil {
			return c, fmt.Errorf("count %s: %w", t.name, err)
		}
		c.Rows[t.name] = n
	}
	return c, nil
}

// tables reads the live tables.
func (db *DB) tables(ctx context.Context) ([]table, error) {
	read := postgresSchema
	if db.engine == sqliteEngine {
		read = sqliteSchema
	}
	all, err := read(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", db.Name(), err)
	}
	return all, nil
}

// Inspect proves that a file is a whole SQLite database of ours and counts
// what it holds. What is broken is errs.Invalid.
func Inspect(ctx context.Context, path string) (Contents, error) {
	db, err := Open(ctx, path, Options{})
	if err != nil {
		return Contents{}, err
	}
	defer db.Close()
	found, err := All(ctx, db, Scalar[string], `pragma integrity_check(3)`)
	if err == nil && strings.Join(found, "") != "ok" {
		err = errors.New(strings.Join(found, "; "))
	}
	if err != nil {
		return Contents{}, errs.Of(errs.Invalid, err, "backup.broken", "File", path)
	}
	orphans, err := All(ctx, db, Scalar[string], `select distinct "table" from pragma_foreign_key_check`)
	if err == nil && len(orphans) > 0 {
		err = fmt.Errorf("rows that lead nowhere in %s", strings.Join(orphans, ", "))
	}
	if err != nil {
		return Contents{}, errs.Of(errs.Invalid, err, "backup.broken", "File", path)
	}
	c, err := Count(ctx, db)
	if err != nil {
		return c, errs.Of(errs.Invalid, err, "backup.broken", "File", path)
	}
	return c, nil
}

// Known is the newest schema that a folder of migrations leads to.
func Known(dir fs.FS) (int, error) {
	all, err := Migrations(dir)
	return len(all), err
}

// Held is a SQLite file that no other program can use until Release. It reads
// as a Querier.
type Held struct {
	pool *sql.DB
	conn *sql.Conn
}

// Hold takes a SQLite file for this program alone and brings its journal into
// it, so that the file by itself is the whole database. A file that another
// program has open is errs.Conflict; one that is no database, errs.Invalid.
func Hold(ctx context.Context, path string) (*Held, error) {
	pool, err := sql.Open("sqlite", fileURL(path)+"?_pragma=busy_timeout(2000)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return nil, err
	}
	h := &Held{pool: pool}
	if h.conn, err = pool.Conn(ctx); err == nil {
		var mode string
		err = h.conn.QueryRowContext(ctx, `pragma journal_mode = delete`).Scan(&mode)
		if err == nil && mode != "delete" {
			err = errHeld
		}
	}
	if err == nil {
		_, err = h.conn.ExecContext(ctx, `begin exclusive`)
	}
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, errHeld) || conflict(err):
		err = errs.Of(errs.Conflict, err, "backup.held", "File", path)
	default:
		err = errs.Of(errs.Invalid, err, "backup.broken", "File", path)
	}
	h.Release()
	return nil, err
}

var errHeld = errors.New("the journal is in use")

// Query reads from the held file.
func (h *Held) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return h.conn.QueryContext(ctx, query, args...)
}

// QueryRow reads one row from the held file.
func (h *Held) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return h.conn.QueryRowContext(ctx, query, args...)
}

// Release lets others use the file again.
func (h *Held) Release() {
	if h.conn != nil {
		h.conn.Close()
	}
	h.pool.Close()
}

// Journals are the files that SQLite keeps beside a database while it is used.
func Journals(path string) []string { return []string{path + "-wal", path + "-shm", path + "-journal"} }

// Settle closes the journal of a SQLite file that nobody uses and writes it to
// the disk: it is then one file, whole.
func Settle(ctx context.Context, path string) error {
	h, err := Hold(ctx, path)
	if err != nil {
		return err
	}
	h.Release()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func fileURL(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

var _ Querier = (*Held)(nil)
