package collect

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

func TestMain(m *testing.M) {
	testkit.Child("server", serveUntilKilled)
	os.Exit(browser.Main(m))
}

// serveUntilKilled takes events in and works them, as the program does.
func serveUntilKilled(dsn string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.Options{Migrations: migrations.FS})
	if err != nil {
		return err
	}
	catalog, err := locale.Load(Files, customers.Files, web.Text())
	if err != nil {
		return err
	}
	pages, err := web.New(web.Config{Catalog: catalog, Routes: Doors(db), Now: db.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	all := append(append(Jobs(db, allTables), timeline.Jobs(db, []timeline.Subscription{facts.Subscription})...), facts.Jobs(db)...)
	for i := range all { // so that the next server need not wait long for the work of a killed one
		all[i].Lease, all[i].Attempts = 300*time.Millisecond, 100_000
		all[i].Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	}
	go func() {
		_ = jobs.NewRunner(db, all, jobs.Options{Workers: 2, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	fmt.Println(listener.Addr())
	return http.Serve(listener, pages)
}

func startServer(t *testing.T, dsn string) (server *testkit.Process, url string) {
	t.Helper()
	server = testkit.StartChild(t, "server", dsn)
	return server, "http://" + server.Said()
}

func TestEveryAcknowledgedEventIsThereOnceWhateverIsKilled(t *testing.T) {
	testkit.Torture(t, 5, killServers)
}

// sender sends messages as clients do: what is not acknowledged is sent again.
type sender struct {
	mu    sync.Mutex
	next  int
	again []string // bodies that were not acknowledged
	sent  int      // messages that were

	chance *testkit.Chance
}

// body is the next request: one message, or a batch of up to 40.
func (s *sender) body(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.again); n > 0 {
		b := s.again[n-1]
		s.again = s.again[:n-1]
		return b
	}
	var all []string
	for range 1 + s.chance.IntN(40) {
		n := s.next
		s.next++
		who := fmt.Sprintf(`"userId":"u%d"`, n%17)
		if n%5 == 0 {
			who = fmt.Sprintf(`"anonymousId":"a%d"`, n%7)
		}
		all = append(all, fmt.Sprintf(`{"type":"track","messageId":"m%d",%s,"event":"e%d","properties":{"n":%d}}`, n, who, n, n))
		if n%50 == 49 {
			all = append(all, fmt.Sprintf(`{"type":"identify","messageId":"i%d","userId":"u%d","anonymousId":"a%d"}`, n, n%7, n%7))
		}
	}
	return fmt.Sprintf(`{"writeKey":%q,"batch":[%s]}`, token, strings.Join(all, ","))
}

// send posts until the server is gone.
func (s *sender) send(url, token string) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		body := s.body(token)
		answer, err := client.Post(url+"/v1/batch", "application/json", strings.NewReader(body))
		ok := err == nil && answer.StatusCode == http.StatusOK
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		s.mu.Lock()
		if ok {
			s.sent += strings.Count(body, `"type":"track"`)
		} else {
			s.again = append(s.again, body)
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
		time.Sleep(s.chance.Within(4 * time.Millisecond))
	}
}

func killServers(t *testing.T, dsn string, kills int, chance *testkit.Chance) {
	db := testkit.Open(t, dsn, store.Options{})
	source := addSource(t, db, Segment)
	s := sender{chance: chance}
	for range kills {
		server, url := startServer(t, dsn)
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() { s.send(url, source.Token) })
		}
		time.Sleep(100*time.Millisecond + chance.Within(500*time.Millisecond))
		server.Kill()
		senders.Wait()
	}
	_, url := startServer(t, dsn) // and one that lives, for what was not acknowledged
	client := http.Client{Timeout: 30 * time.Second}
	for _, body := range s.again {
		answer, err := client.Post(url+"/v1/batch", "application/json", strings.NewReader(body))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("sent again: %v", err)
		}
		answer.Body.Close()
		s.sent += strings.Count(body, `"type":"track"`)
	}
	deadline := time.Now().Add(5 * time.Minute)
	for inInbox(t, db) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d parcels are left", inInbox(t, db))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if s.sent != s.next {
		t.Fatalf("%d of %d messages were acknowledged in the end", s.sent, s.next)
	}
	counts := map[string]int{}
	for _, query := range []string{`select name from customer_event_names`, `select name from visitor_events`} {
		names, err := store.All(t.Context(), db, store.Scalar[string], query)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			counts[n]++
		}
	}
	for n := range s.next {
		if c := counts[fmt.Sprint("e", n)]; c != 1 {
			t.Errorf("the event %d is there %d times", n, c)
		}
	}
	if len(counts) != s.next {
		t.Errorf("%d events are there, %d were sent", len(counts), s.next)
	}
	if n := len(worked(t, db)); n < s.next {
		t.Errorf("%d messages are remembered, %d were sent", n, s.next)
	}
	t.Logf("%d messages, servers killed %d times", s.next, kills)
}
