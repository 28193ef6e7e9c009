package store

import (
	"path/filepath"
	"testing"
	"time"

	"regulars/internal/app/migrations"
)

func TestALongLogIsMovedToTheFileThoughNoCommitDoesIt(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.write.ExecContext(t.Context(), `create table filling (pages blob)`); err != nil {
		t.Fatal(err)
	}
	const commits, pages = 30, 100 // more than longLog, far fewer than longestLog
	for range commits {
		if err := db.Tx(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec(t.Context(), `insert into filling (pages) values (zeroblob($1))`, pages*4096)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var busy, log, moved int
	for until := time.Now().Add(10 * time.Second); moved < longLog && time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if err := db.read.QueryRowContext(t.Context(), "pragma wal_checkpoint(noop)").Scan(&busy, &log, &moved); err != nil {
			t.Fatal(err)
		}
	}
	if log < commits*pages || moved < longLog {
		t.Errorf("of %d pages in the log %d were moved", log, moved)
	}
}
