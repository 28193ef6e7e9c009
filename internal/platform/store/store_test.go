package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func counter(t *testing.T, db *store.DB) {
	testkit.Do(t, db, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `create table counter (id bigint primary key, n bigint not null)`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into counter (id, n) values (1, 0)`)
		return err
	})
}

func TestATransactionThatFailsLeavesNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		ran := false
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { ran = true })
			if _, err := tx.Exec(t.Context(), `update counter set n = 7 where id = 1`); err != nil {
				return err
			}
			return errors.New("no")
		})
		var n int
		if e := db.QueryRow(t.Context(), `select n from counter`).Scan(&n); e != nil || err == nil || n != 0 || ran {
			t.Errorf("n = %d, after commit ran: %v, errors %v %v", n, ran, err, e)
		}
	})
}

func TestConcurrentReadModifyWriteLosesNoUpdate(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 25 {
					err := db.Tx(t.Context(), func(tx *store.Tx) error {
						// The row lock of the SQL card: an update comes first.
						var n int
						if err := tx.QueryRow(t.Context(), `update counter set n = n where id = 1 returning n`).Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(t.Context(), `update counter set n = $1 where id = 1`, n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int
		if err := db.QueryRow(t.Context(), `select n from counter`).Scan(&n); err != nil || n != 200 {
			t.Errorf("n = %d, %v; want 200", n, err)
		}
	})
}

func TestADeadlockIsTriedAgainWhole(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into counter (id, n) values (2, 0)`)
			return err
		})
		var wg sync.WaitGroup
		for _, order := range [][2]int{{1, 2}, {2, 1}} {
			wg.Go(func() {
				for range 10 {
					err := db.Tx(t.Context(), func(tx *store.Tx) error {
						for _, id := range order {
							if _, err := tx.Exec(t.Context(), `update counter set n = n + 1 where id = $1`, id); err != nil {
								return err
							}
							time.Sleep(2 * time.Millisecond)
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int
		if err := db.QueryRow(t.Context(), `select min(n) from counter`).Scan(&n); err != nil || n != 20 {
			t.Errorf("n = %d, %v; want 20", n, err)
		}
	})
}

func TestTheTransactionCarriesTheTime(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		testkit.Do(t, db, func(tx *store.Tx) error {
			if !tx.Now.Equal(testkit.Start) {
				t.Errorf("now is %v", tx.Now)
			}
			past := tx.At(time.Date(2011, 12, 9, 12, 50, 0, 999, time.UTC))
			if past.Now.Year() != 2011 || past.Now.Nanosecond() != 0 || !tx.Now.Equal(testkit.Start) {
				t.Errorf("at: %v, beside %v", past.Now, tx.Now)
			}
			if a, b := past.NewID(), tx.NewID(); a >= b {
				t.Errorf("ids %d, %d follow the event's time, not the making", a, b)
			}
			return nil
		})
	})
}

func TestTwoProgramsOnOneDatabaseNeverMakeTheSameId(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn, clock := testkit.DSN(t, engine), testkit.NewClock(testkit.Start)
			seen := map[int64]bool{}
			take := func(db *store.DB) {
				testkit.Do(t, db, func(tx *store.Tx) error {
					for range 1000 {
						v := tx.NewID()
						if seen[v] {
							t.Fatalf("id %d twice", v)
						}
						seen[v] = true
					}
					return nil
				})
			}
			a := testkit.Open(t, dsn, store.Options{Clock: clock.Now})
			b := testkit.Open(t, dsn, store.Options{Clock: clock.Now})
			take(a)
			take(b)
			a.Close()                                                      // its node is free again, and must go on where it stopped,
			again := testkit.Open(t, dsn, store.Options{Clock: clock.Now}) // also at the same instant
			take(again)
			again.Close()
			clock.Advance(-time.Hour)
			c := testkit.Open(t, dsn, store.Options{Clock: clock.Now})
			take(c)
			take(b)
			clock.Advance(3 * time.Hour) // every lease has run out
			take(b)
			take(c)
		})
	}
}

func TestADatabaseOfANewerProgramIsRefusedWithASentence(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := testkit.DSN(t, engine)
			old := fstest.MapFS{"0001_nodes.sql": &fstest.MapFile{Data: []byte("select 1;")}}
			db := testkit.Open(t, dsn, store.Options{})
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `insert into schema_migrations (version, name, applied_at) values (9999, 'future', 0)`)
				return err
			})
			_, err := store.Open(context.Background(), dsn, store.Options{Migrations: old})
			if !errs.Is(err, errs.Unavailable) || !strings.Contains(testkit.Sentence(err), "newer Regulars") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestManyProgramsStartingAtOnceMigrateOnce(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := testkit.Empty(t, engine)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					db, err := store.Open(t.Context(), dsn, store.Options{Migrations: migrations.FS})
					if err != nil {
						t.Error(err)
						return
					}
					db.Close()
				})
			}
			wg.Wait()
		})
	}
}

func TestANewFileIsOpenedByEveryProgramThatComesAtOnce(t *testing.T) {
	first, err := fs.ReadFile(migrations.FS, "0001_nodes.sql")
	if err != nil {
		t.Fatal(err)
	}
	only := fstest.MapFS{"0001_nodes.sql": {Data: first}}
	for range 25 {
		dsn := testkit.Empty(t, "sqlite")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				db, err := store.Open(t.Context(), dsn, store.Options{Migrations: only})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		wg.Wait()
	}
}

func TestALoneHalfOfAMigrationPairFails(t *testing.T) {
	for _, files := range []fstest.MapFS{
		{"0001_x.sqlite.sql": {Data: []byte("select 1;")}},
		{"0001_x.sql": {Data: []byte("select 1;")}, "0003_y.sql": {Data: []byte("select 1;")}},
		{"0001_x.sql": {Data: []byte("select 1;")}, "0001_y.sql": {Data: []byte("select 1;")}},
		{"first.sql": {Data: []byte("select 1;")}},
	} {
		if _, err := store.Migrations(files); err == nil {
			t.Errorf("%v was accepted", files)
		}
	}
}

func TestBulkPutsInEveryRow(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			b := tx.Bulk(t.Context(), "counter", "id, n", "on conflict (id) do nothing")
			for i := range 1234 {
				if err := b.Add(int64(i), int64(i)); err != nil {
					return err
				}
			}
			return b.Close()
		})
		var count, sum int
		err := db.QueryRow(t.Context(), `select count(*), cast(sum(n) as bigint) from counter`).Scan(&count, &sum)
		if want := 1234*1233/2 - 1; err != nil || count != 1234 || sum != want {
			t.Errorf("%d rows, sum %d, %v; want 1234, %d", count, sum, err, want)
		}
	})
}

func TestPagesOutOfOrderAreCheapUnlessSomebodySaidOtherwise(t *testing.T) {
	dsn := testkit.DSN(t, "postgres")
	cost := func(dsn string) (v string) {
		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(t.Context(), `select current_setting('random_page_cost')`).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := cost(dsn); v != "1.1" {
		t.Errorf("a page out of order costs %s", v)
	}
	if v := cost(dsn + "&random_page_cost=2"); v != "2" {
		t.Errorf("a page out of order costs %s where the address says 2", v)
	}
}

func TestReadersSeeTheOldStateWhileATransactionWrites(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), `update counter set n = 5 where id = 1`); err != nil {
				return err
			}
			var outside, inside int
			if err := db.QueryRow(t.Context(), `select n from counter`).Scan(&outside); err != nil {
				return err
			}
			if err := tx.QueryRow(t.Context(), `select n from counter`).Scan(&inside); err != nil {
				return err
			}
			if outside != 0 || inside != 5 {
				t.Errorf("outside %d, inside %d", outside, inside)
			}
			return nil
		})
	})
}

func TestANewDatabaseIsReadByItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	db, err := store.Open(t.Context(), path, store.Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, file := range []string{path, path + "-wal"} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestWhatIsPutInIsSeenInTheSizeOnWhicheverMachineItLies(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		before, err := db.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const n, long = 2000, 1000
		testkit.Do(t, db, func(tx *store.Tx) error {
			b := tx.Bulk(t.Context(), "customer_keys", "key, customer_id", "")
			for i := range n {
				if err := b.Add(fmt.Sprintf("%d-%s", i, strings.Repeat("x", long)), int64(i)); err != nil {
					return err
				}
			}
			return b.Close()
		})
		after, err := db.Look(t.Context())
		if err != nil || after.Bytes-before.Bytes < n*long {
			t.Errorf("%d bytes before, %d after, %v", before.Bytes, after.Bytes, err)
		}
	})
}
