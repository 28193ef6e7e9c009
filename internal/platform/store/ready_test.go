package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestStatementsThatComeAgainAreKeptReadyAndSeeWhatHasChanged(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		add := func(by int) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `update counter set n = n + $1 where id = 1`, by)
				return err
			})
		}
		read := func() (n int) {
			if err := db.QueryRow(t.Context(), `select n from counter where id = $1`, 1).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for want := 1; want <= 5; want++ {
			if add(1); read() != want {
				t.Fatalf("read %d, want %d", read(), want)
			}
		}
		readers, writer := db.Ready()
		if db.Embedded() && (readers == 0 || writer == 0) {
			t.Errorf("%d statements of readers and %d of the writer are ready", readers, writer)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `alter table counter add column more bigint`)
			return err
		})
		if add(10); read() != 15 {
			t.Errorf("read %d after the table had changed, want 15", read())
		}
	})
}

func TestAStatementThatFailsDoesSoEachTimeAndHarmsNoOther(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		for try := range 4 {
			over, end := context.WithCancel(t.Context())
			end()
			var n int
			if err := db.QueryRow(over, `select n from counter where id = 1`).Scan(&n); err == nil {
				t.Errorf("try %d: read after the end", try)
			}
			if err := db.QueryRow(t.Context(), `select n from counter where id = 1`).Scan(&n); err != nil || n != 0 {
				t.Errorf("try %d: %d, %v", try, n, err)
			}
			if _, err := db.Query(t.Context(), `select nothing from counter`); err == nil || !strings.Contains(err.Error(), "nothing") {
				t.Errorf("try %d: %v", try, err)
			}
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `insert into counter (id, n) values (1, 0)`)
				return err
			})
			if err == nil {
				t.Errorf("try %d: two rows with one key", try)
			}
		}
	})
}

func TestManyStatementsAtOnceAndOfManyTexts(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counter(t, db)
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 200 {
					var same, own int
					if err := db.QueryRow(t.Context(), `select n + $1 from counter`, i).Scan(&same); err != nil || same != i {
						t.Errorf("%d, want %d: %v", same, i, err)
					}
					text := fmt.Sprintf(`select n + %d from counter`, i+200*(w/2))
					if err := db.QueryRow(t.Context(), text).Scan(&own); err != nil || own != i+200*(w/2) {
						t.Errorf("%s: %d, %v", text, own, err)
					}
				}
			})
		}
		wg.Wait()
		if readers, _ := db.Ready(); readers > 400 {
			t.Errorf("%d statements are kept", readers)
		}
	})
}
