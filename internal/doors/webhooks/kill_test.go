package webhooks_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

func TestMain(m *testing.M) {
	testkit.Child("worker", workUntilKilled)
	os.Exit(browser.Main(m))
}

func workUntilKilled(dsn string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.Options{Migrations: migrations.FS, Secrets: testkit.Secrets()})
	if err != nil {
		return err
	}
	sending := webhooks.Sending(db, outbound.Client(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}))
	sending[0].Lease = 300 * time.Millisecond
	go func() { _ = jobs.NewRunner(db, sending, jobs.Options{Workers: 4, Log: quiet}).Run(ctx) }()
	telling := timeline.Jobs(db, []timeline.Subscription{webhooks.Subscription(kinds)})
	for i := range telling {
		telling[i].Lease = 300 * time.Millisecond
	}
	return jobs.NewRunner(db, telling, jobs.Options{Workers: 2, Log: quiet}).Run(ctx)
}

func TestNoDeliveryIsLostWhenWorkersAreKilled(t *testing.T) {
	testkit.Torture(t, 12, func(t *testing.T, dsn string, kills int, chance *testkit.Chance) {
		s := shop{t: t, db: testkit.Open(t, dsn, store.Options{})}
		r := listen(t)
		r.mu.Lock()
		r.answer = func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Millisecond)
			w.WriteHeader(http.StatusOK)
		}
		r.mu.Unlock()
		endpoint, secret := s.add(webhooks.Edit{URL: r.URL})
		want := map[string]bool{}
		worker := testkit.StartChild(t, "worker", dsn)
		const each = 25
		for round := range kills {
			for i := range each {
				c := s.customer(customers.Profile{Name: fmt.Sprintf("Anna %d-%d", round, i)})
				events, err := timeline.History(t.Context(), s.db, c)
				if err != nil || len(events) != 1 {
					t.Fatalf("%d events, %v", len(events), err)
				}
				want[events[0].ID.String()] = true
			}
			time.Sleep(chance.Within(60 * time.Millisecond))
			worker.Kill()
			worker = testkit.StartChild(t, "worker", dsn)
		}
		deadline := time.Now().Add(60 * time.Second)
		for len(s.list(endpoint, webhooks.Filter{Progress: webhooks.Delivered})) < len(want) && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
		calls, seen := r.got(), map[string]string{}
		for _, c := range calls {
			if !want[c.id()] || !verifies(t, secret, c) {
				t.Fatalf("a call of nothing that happened: %s", c.body)
			}
			if body, again := seen[c.id()]; again && body != c.body {
				t.Errorf("%s came twice with two bodies", c.id())
			}
			seen[c.id()] = c.body
		}
		if open := len(s.list(endpoint, webhooks.Filter{Progress: webhooks.Waiting})); len(seen) != len(want) || open != 0 {
			t.Errorf("%d of %d events arrived, %d still wait", len(seen), len(want), open)
		}
		t.Logf("%d kills, %d events, %d calls: %d came twice and can be told by their id", kills, len(want), len(calls), len(calls)-len(seen))
	})
}
