package collect

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func benchMessage(n int) string {
	who := n * 2654435761 % 20_000
	id := fmt.Sprintf(`"userId":"u%d"`, who)
	if who%5 == 0 {
		id = fmt.Sprintf(`"anonymousId":"a%d"`, who)
	}
	return fmt.Sprintf(`{"type":"track","messageId":"m-%d",%s,"event":"Product Viewed","timestamp":"2026-03-02T08:59:58.5Z",`+
		`"properties":{"product_id":"p%d","name":"Assam tea, second flush","category":"Tea","price":12.5,"currency":"EUR"},`+
		`"context":{"library":{"name":"analytics.js","version":"next-1.84.3"},"locale":"en-GB","userAgent":"Mozilla/5.0 (X11; Linux x86_64)",`+
		`"page":{"path":"/tea/assam","url":"https://shop.example/tea/assam","title":"Assam tea"}},"integrations":{}}`, n, id, n%500)
}

// BenchmarkDrain works 10,000 events an iteration, of customers most of whom
// are known already.
func BenchmarkDrain(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			db := testkit.Open(b, testkit.DSN(b, engine), store.Options{Clock: testkit.NewClock(testkit.Start).Now})
			var s Source
			testkit.Do(b, db, func(tx *store.Tx) error {
				made, err := Add(b.Context(), tx, 7, NewSource{Kind: Segment, Name: "Shop"})
				if err == nil {
					s, err = SourceByID(b.Context(), tx, made)
				}
				return err
			})
			in, n := NewInbox(db), 0
			const batches, size = 20, 500
			fill := func() {
				for range batches {
					all := make([]string, size)
					for i := range all {
						all[i] = benchMessage(n)
						n++
					}
					if err := in.Accept(b.Context(), &Parcel{Source: s.ID, Topic: "batch", At: testkit.Start, Body: []byte(`{"batch":[` + strings.Join(all, ",") + `]}`)}); err != nil {
						b.Fatal(err)
					}
				}
			}
			d := drain{db: db, kinds: kinds(allTables)}
			fill()
			if err := d.do(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				fill()
				b.StartTimer()
				if err := d.do(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*batches*size)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkDoor is one call of a tracking client through everything but the
// network, many at once.
func BenchmarkDoor(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			db := testkit.Open(b, testkit.DSN(b, engine), store.Options{})
			catalog, err := locale.Load(Files, customers.Files, web.Text())
			if err != nil {
				b.Fatal(err)
			}
			pages, err := web.New(web.Config{Catalog: catalog, Routes: Doors(db), Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			var s Source
			testkit.Do(b, db, func(tx *store.Tx) error {
				made, err := Add(b.Context(), tx, 7, NewSource{Kind: Segment, Name: "Shop"})
				if err == nil {
					s, err = SourceByID(context.Background(), tx, made)
				}
				return err
			})
			body := benchMessage(1)
			b.SetParallelism(200)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					r := httptest.NewRequest("POST", "/v1/t", strings.NewReader(body))
					r.SetBasicAuth(s.Token, "")
					w := httptest.NewRecorder()
					pages.ServeHTTP(w, r)
					if w.Code != 200 {
						b.Errorf("answered %d %s", w.Code, w.Body)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
