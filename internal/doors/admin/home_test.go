package admin

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// large is a database that counts only once it may.
type large struct {
	store.Querier
	may   chan struct{}
	asked int
}

func (l *large) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	<-l.may
	l.asked++
	return l.Querier.QueryRow(ctx, query, args...)
}

func TestNobodyWaitsLongForFiguresThatTakeLong(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		counts, now := lately{}, db.Now()
		shop := &large{Querier: db, may: make(chan struct{})}
		ctx, gone := context.WithCancel(t.Context())
		if _, known, err := counts.look(ctx, shop, now, time.UTC); known || err != nil {
			t.Fatalf("nothing is counted yet, and it is known: %t, %v", known, err)
		}
		gone() // whoever asked first has left the page
		close(shop.may)
		known := false
		for soon := time.Now().Add(30 * time.Second); !known && time.Now().Before(soon); {
			var err error
			if _, known, err = counts.look(t.Context(), shop, now, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
		asked := shop.asked
		if !known || asked == 0 {
			t.Fatal("it is never known")
		}
		if _, known, err := counts.look(t.Context(), shop, now, time.UTC); !known || err != nil || shop.asked != asked {
			t.Errorf("known: %t, %v; asked %d times more", known, err, shop.asked-asked)
		}

		// On the next day yesterday's are shown until today's are there.
		shop.may = make(chan struct{})
		if _, known, err := counts.look(t.Context(), shop, now.Add(24*time.Hour), time.UTC); !known || err != nil {
			t.Errorf("known: %t, %v", known, err)
		}
		close(shop.may)
	})
}
