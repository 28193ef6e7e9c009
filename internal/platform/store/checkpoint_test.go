package store

import (
	"path/filepath"
	"testing"
	"time"

	"regulars/internal/app/migrations"
)

func TestALongLogIsMovedToTheFileThoughNoCommitDoesIt(t *testing.T) {
	db := filled(t)
	const commits, pages = 30, 100 // more than longLog, far fewer than longestLog
	for range commits {
		fill(t, db, pages)
	}
	log, moved := logOf(t, db)
	for until := time.Now().Add(10 * time.Second); moved < longLog && time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		log, moved = logOf(t, db)
	}
	if log < commits*pages || moved < longLog {
		t.Errorf("of %d pages in the log %d were moved", log, moved)
	}
}

// Bulk work writes more than can be moved meanwhile: the log must begin anew all
// the same.
func TestTheLogDoesNotGrowWithoutEndUnderBulkWork(t *testing.T) {
	db := filled(t)
	longest := 0
	for range 12 {
		fill(t, db, longestLog+1_000)
		log, _ := logOf(t, db)
		longest = max(longest, log)
	}
	if longest > 3*longestLog {
		t.Errorf("there were %d pages in the log", longest)
	}
}

// filled is a database with a table to fill.
func filled(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.write.ExecContext(t.Context(), `create table filling (pages blob)`); err != nil {
		t.Fatal(err)
	}
	return db
}

// fill commits so many pages.
func fill(t *testing.T, db *DB, pages int) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), `insert into filling (pages) values (zeroblob($1))`, pages*4096)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// logOf is how many pages are in the log, and how many of them were moved.
func logOf(t *testing.T, db *DB) (log, moved int) {
	t.Helper()
	var busy int
	if err := db.read.QueryRowContext(t.Context(), "pragma wal_checkpoint(noop)").Scan(&busy, &log, &moved); err != nil {
		t.Fatal(err)
	}
	return log, moved
}
