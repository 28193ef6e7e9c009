package collect

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
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

// BenchmarkDrain works 10,000 events an iteration, of customers and visitors
// who are known already. Beside events a second it prints the processor time of
// this process for an event, and how many times as long as bare inserts of the
// same rows it takes: those two say something on a busy machine too.
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
			const batches, size = 100, 100
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
			work := func() {
				if err := (drain{db: db, kinds: kinds(allTables)}).do(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
			for range 2 { // benchMessage has 20,000 people
				fill()
				work()
			}
			var cpu, alone time.Duration
			for b.Loop() {
				b.StopTimer()
				fill()
				before := processorTime()
				b.StartTimer()
				work()
				b.StopTimer()
				cpu += processorTime() - before
				began := time.Now()
				bareInserts(b, db, s, batches*size)
				alone += time.Since(began)
				b.StartTimer()
			}
			events := float64(b.N * batches * size)
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(cpu.Microseconds())/events, "µs-cpu/event")
			b.ReportMetric(b.Elapsed().Seconds()/alone.Seconds(), "×bare")
		})
	}
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// bareInserts writes the rows that n events become, in transactions of 200 of
// them, and nothing else: no reading, no inbox.
func bareInserts(b *testing.B, db *store.DB, s Source, n int) {
	who, err := store.All(b.Context(), db, store.Scalar[int64], `select customer_id from customers order by customer_id limit 200`)
	if err != nil {
		b.Fatal(err)
	}
	props := []property{{key: "category", text: "Tea"}, {key: "context.page.path", text: "/tea/assam"}, {key: "currency", text: "EUR"},
		{key: "name", text: "Assam tea, second flush"}, {key: "price", text: "12.5", number: 12.5}, {key: "product_id", text: "p123"}}
	for ; n > 0; n -= len(who) {
		testkit.Do(b, db, func(tx *store.Tx) error {
			all := make([]*action, len(who))
			seen := tx.Bulk(b.Context(), "collect_seen", "message, source_id, seen_at", "")
			for i, c := range who {
				all[i] = &action{customer: id.Customer(c), at: testkit.Start, kind: "track", name: "Product Viewed", source: s.ID, props: props}
				if err := seen.Add(fmt.Sprintf("bare-%d", tx.NewID()), int64(s.ID), tx.Now.UnixMicro()); err != nil {
					return err
				}
			}
			if err := seen.Close(); err != nil {
				return err
			}
			return write(b.Context(), tx, all)
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
