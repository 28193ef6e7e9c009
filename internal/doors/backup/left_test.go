//go:build linux || darwin || freebsd

package backup

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Child("backup", func(told string) error {
		ctx := context.Background()
		db, err := store.Open(ctx, told, store.Options{Migrations: migrations.FS, Secrets: testkit.Secrets()})
		if err != nil {
			return err
		}
		defer db.Close()
		if _, err := Write(ctx, db, underWay(told), "test", Key{}); err != nil {
			return err
		}
		fmt.Println("done")
		time.Sleep(time.Minute)
		return nil
	})
	os.Exit(m.Run())
}

// underWay is the file that the child writes.
func underWay(db string) string {
	return filepath.Join(filepath.Dir(db), "backups", "shop-20260301-033000.tar.zst")
}

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// stopped starts a backup of a database in a process of its own and stops it
// while it copies.
func stopped(t *testing.T, db *store.DB) (p *testkit.Process, file string) {
	t.Helper()
	file = underWay(db.Name())
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	p = testkit.StartChild(t, "backup", db.Name())
	for deadline := time.Now().Add(time.Minute); !there(file + copyEnding); {
		if time.Now().After(deadline) {
			t.Fatal("no copy is made")
		}
	}
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if !there(file+copyEnding) || !there(file+partEnding) {
		t.Fatal("the backup was too fast to be met in the middle")
	}
	return p, file
}

// heavy is a database of 30 MB: its backup takes a while.
func heavy(t *testing.T) (*store.DB, Setup) {
	t.Helper()
	db, _, setup := live(t, time.Date(2026, 3, 1, 3, 30, 0, 0, time.UTC))
	testkit.Do(t, db, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `create table filler (id bigint primary key, body bytea not null)`); err != nil {
			return err
		}
		for i := range 30 {
			body := make([]byte, 1<<20)
			rand.Read(body)
			if _, err := tx.Exec(t.Context(), `insert into filler (id, body) values ($1, $2)`, i, body); err != nil {
				return err
			}
		}
		return nil
	})
	return db, setup
}

func TestWhatAKilledBackupLeftGoesAtTheNextStartAndABackupThatRunsIsLeftAlone(t *testing.T) {
	db, setup := heavy(t)
	p, file := stopped(t, db)
	whole := filepath.Join(filepath.Dir(file), "shop-20260228-033000.tar.zst")
	for _, other := range []string{whole, filepath.Join(filepath.Dir(file), "other-20260301-033000.tar.zst.part")} {
		if err := os.WriteFile(other, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if !there(other) {
				t.Errorf("%s is gone", other)
			}
		}()
	}
	tidy := func() {
		t.Helper()
		if err := Tidy(db, setup); err != nil {
			t.Fatal(err)
		}
	}
	tidy()
	if !there(file+copyEnding) || !there(file+partEnding) {
		t.Fatal("a backup that runs lost its files")
	}
	if _, err := Write(t.Context(), db, file, "test", Key{}); errs.KeyOf(err) != "backup.busy" {
		t.Errorf("a second backup into the same file: %v", err)
	}
	p.Kill()
	tidy()
	if left, _ := filepath.Glob(file + "*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestABackupIsWholeAlsoWhenTheProgramStartsMeanwhile(t *testing.T) {
	db, setup := heavy(t)
	p, file := stopped(t, db)
	if err := Tidy(db, setup); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if said := p.Said(); said != "done" {
		t.Fatalf("the child says %q", said)
	}
	p.Kill()
	known, err := store.Known(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Unpack(t.Context(), file, filepath.Join(t.TempDir(), "again.db"), known, Key{})
	if err != nil || m.Rows["filler"] != 30 {
		t.Errorf("%d rows, %v", m.Rows["filler"], err)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
