// Package testkit gives tests real databases, their own clock, and the real
// data files.
//
// Its one rule: only tests import it.
package testkit

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
)

// Start is the time at which a test's clock stands unless it says otherwise.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Clock is a clock that moves only when told to.
type Clock struct{ at atomic.Int64 }

// NewClock stands at t.
func NewClock(t time.Time) *Clock {
	c := &Clock{}
	c.at.Store(t.UnixMicro())
	return c
}

// Now returns the time it shows.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

// Advance moves it, also backwards.
func (c *Clock) Advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// Each runs test on a fresh database of every engine: SQLite always,
// PostgreSQL when REGULARS_TEST_POSTGRES names a server (make test starts
// one), Citus when REGULARS_TEST_CITUS names a coordinator and, behind commas,
// its workers.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	EachWithClock(t, func(t *testing.T, db *store.DB, _ *Clock) { test(t, db) })
}

// EachWithClock is Each for tests that move the time.
func EachWithClock(t *testing.T, test func(t *testing.T, db *store.DB, clock *Clock)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres", "citus"} {
		if engine == "citus" && os.Getenv("REGULARS_TEST_CITUS") == "" {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			clock := NewClock(Start)
			test(t, Open(t, DSN(t, engine), store.Options{Clock: clock.Now}), clock)
		})
	}
}

// Open opens a database for a test and closes it at its end.
func Open(t testing.TB, dsn string, o store.Options) *store.DB {
	t.Helper()
	if o.Migrations == nil {
		o.Migrations = migrations.FS
		if o.Secrets == nil {
			o.Secrets = Secrets()
		}
	}
	db, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Secrets is the box with which every test's database is opened.
func Secrets() *secrets.Box {
	box, err := secrets.New(bytes.Repeat([]byte{7}, secrets.KeySize))
	if err != nil {
		panic(err)
	}
	return box
}

// DB is one fresh migrated SQLite database, for tests that are not about the
// database.
func DB(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, DSN(t, "sqlite"), store.Options{Clock: NewClock(Start).Now})
}

// DSN makes a fresh migrated database of an engine and returns its address.
// The test is skipped when there is no server for it.
func DSN(t testing.TB, engine string) string {
	t.Helper()
	switch engine {
	case "sqlite":
		return sqliteCopy(t)
	case "postgres":
		return serverCopy(t, "REGULARS_TEST_POSTGRES")
	case "citus":
		return serverCopy(t, "REGULARS_TEST_CITUS")
	}
	t.Fatalf("no engine is called %q", engine)
	return ""
}

// Empty makes an empty database without any table, for tests of migrations.
func Empty(t testing.TB, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return filepath.Join(scratch(t), "empty.db")
	}
	return newDatabase(t, servers(t, "REGULARS_TEST_POSTGRES"), "template0")
}

// Data returns the path of a file of the shared data folder, which
// REGULARS_DATA names (../shared/data beside the checkout when unset).
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("REGULARS_DATA")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the test needs the data file %s: set REGULARS_DATA to the folder that holds it", name)
	}
	return path
}

// Root returns the folder of the checkout.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// Do runs fn in a transaction and fails the test when it fails.
func Do(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// scratch is a folder in memory where there is one: tests wait for no disk.
func scratch(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "regulars-test-"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "regulars-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "t.db")
	db, err := store.Open(context.Background(), path, store.Options{Migrations: migrations.FS})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func sqliteCopy(t testing.TB) string {
	t.Helper()
	template, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("migrate the template: %v", err)
	}
	path := filepath.Join(scratch(t), "test.db")
	if err := os.WriteFile(path, template, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
