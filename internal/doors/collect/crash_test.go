package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
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

const serverEnv = "REGULARS_TEST_COLLECT_SERVER"

// TestMain lets the test's program start itself as a server, which can then be
// killed.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(serverEnv); dsn != "" {
		if err := serveUntilKilled(dsn); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
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

// killable is a server in a process of its own.
type killable struct {
	url string
	cmd *exec.Cmd
}

func startServer(t *testing.T, dsn string) killable {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	return killable{"http://" + strings.TrimSpace(line), cmd}
}

func (k killable) kill() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
}

// deaths is how many servers are killed on each engine.
func deaths(t *testing.T) int {
	if v := os.Getenv("REGULARS_TORTURE"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("REGULARS_TORTURE is %q, not a number of kills", v)
		}
		return n
	}
	if testing.Short() {
		return 2
	}
	return 5
}

func TestEveryAcknowledgedEventIsThereOnceWhateverIsKilled(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			// A killed program leaves its node number to its lease, so each
			// database takes a few hundred of them only.
			for left := deaths(t); left > 0 && !t.Failed(); left -= 200 {
				killServers(t, engine, min(left, 200))
			}
		})
	}
}

// sender sends messages as clients do: what is not acknowledged is sent again.
type sender struct {
	mu    sync.Mutex
	next  int
	again []string // bodies that were not acknowledged
	sent  int      // messages that were
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
	for range 1 + rand.IntN(40) {
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
		time.Sleep(rand.N(4 * time.Millisecond))
	}
}

func killServers(t *testing.T, engine string, kills int) {
	dsn := testkit.DSN(t, engine)
	db := testkit.Open(t, dsn, store.Options{})
	source := addSource(t, db, Segment)
	var s sender
	for range kills {
		server := startServer(t, dsn)
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() { s.send(server.url, source.Token) })
		}
		time.Sleep(time.Duration(100+rand.IntN(500)) * time.Millisecond)
		server.kill()
		senders.Wait()
	}
	server := startServer(t, dsn) // and one that lives, for what was not acknowledged
	client := http.Client{Timeout: 30 * time.Second}
	for _, body := range s.again {
		answer, err := client.Post(server.url+"/v1/batch", "application/json", strings.NewReader(body))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("sent again: %v", err)
		}
		answer.Body.Close()
		s.sent += strings.Count(body, `"type":"track"`)
	}
	t.Cleanup(server.kill)
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
	t.Logf("%s: %d messages, servers killed %d times", engine, s.next, kills)
}
