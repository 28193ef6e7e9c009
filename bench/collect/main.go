// Command collect loads a running Regulars with tracking events, on the same
// machine, and prints what it bears: rates, how long senders wait, and how
// fast the inbox is worked.
//
// Its one rule: what is measured is measured from when a request was due, so
// that a server which stalls cannot hide it.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"regulars/internal/doors/collect"
	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
)

var (
	dsn     = flag.String("db", "", "the database the server is on")
	key     = flag.String("key", "", "the file of the key that seals its secrets")
	addr    = flag.String("addr", "", "where the server listens")
	seconds = flag.Int("seconds", 10, "how long each load lasts")
	pid     = flag.Int("pid", 0, "the server's process, whose processor time is read")
	conns   = flag.Int("conns", 256, "connections side by side")
	people  = flag.Int("people", 20_000, "users and visitors the events are of")
	sizes   = flag.String("batches", "1,20,100,500", "the sizes of batches that are sent as fast as it goes; empty: none")
	answer  = flag.Bool("baseline", false, "be the server to compare with")
)

func main() {
	flag.Parse()
	run := bench
	if *answer {
		run = baseline
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// baseline answers at once and keeps nothing: what net/http costs by itself.
func baseline(context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 64<<10)
		for {
			if _, err := r.Body.Read(buffer); err != nil {
				break
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true}`))
	}))
}

func bench(ctx context.Context) error {
	box, err := secrets.File(*key)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, *dsn, store.Options{Secrets: box})
	if err != nil {
		return err
	}
	defer db.Close()
	source, err := newSource(ctx, db)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	other := exec.CommandContext(ctx, self, "-baseline")
	out, err := other.StdoutPipe()
	if err != nil {
		return err
	}
	if err := other.Start(); err != nil {
		return err
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	where, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	b := bencher{ctx, db, source.Token}
	// The rates of the goal come first: what is left of an overload, as millions of
	// rows that were deleted, would weigh on them.
	fmt.Println("at the rate of the goal\tevents/s\twanted\tfailed\tp50\tp99\tbacklog after\tdrained/s meanwhile\tdrained/s after\tserver CPU an event")
	for _, goal := range []struct{ batch, rate int }{{1, 10_000}, {100, 60_000}} {
		ours, err := b.drained(goal.batch, goal.rate)
		if err != nil {
			return err
		}
		fmt.Printf("batches of %d\t%.0f\t%d\t%d\t%s\n", goal.batch, ours.rate*float64(goal.batch), goal.rate, ours.failed, ours.tail())
	}
	fmt.Println("as fast as it goes\trequests/s\tevents/s\tof net/http alone\tp50\tp99\tbacklog after\tdrained/s meanwhile\tdrained/s after\tserver CPU an event")
	for size := range strings.FieldsFuncSeq(*sizes, func(r rune) bool { return r == ',' }) {
		batch, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		alone := b.load(strings.TrimSpace(where), batch, 0, min(*seconds, 5))
		ours, err := b.drained(batch, 0)
		if err != nil {
			return err
		}
		fmt.Printf("batches of %d\t%.0f\t%.0f\t%.0f %%\t%s\n", batch, ours.rate, ours.rate*float64(batch), 100*ours.rate/alone.rate, ours.tail())
	}
	return nil
}

type bencher struct {
	ctx   context.Context
	db    *store.DB
	token string
}

// newSource makes a source the way the page does.
func newSource(ctx context.Context, db *store.DB) (s collect.Source, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		made, err := collect.Add(ctx, tx, 0, collect.NewSource{Kind: collect.Segment, Name: "Bench"})
		if err == nil {
			s, err = collect.SourceByID(ctx, tx, made)
		}
		return err
	})
	return s, err
}

// result is what one load came to.
type result struct {
	rate, lasted    float64 // requests a second that were accepted, and for how many
	failed          int64
	p50, p99        time.Duration
	backlog         int // events in the inbox when the load ended
	meanwhile, rest float64
	cpu             time.Duration // of the server, an event, until all was worked
}

func (r result) tail() string {
	return fmt.Sprintf("%v\t%v\t%d\t%.0f\t%.0f\t%v", r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond), r.backlog, r.meanwhile, r.rest, r.cpu.Round(100*time.Nanosecond))
}

// drained loads the server, and waits until the inbox is worked.
func (b bencher) drained(batch, rate int) (result, error) {
	before := cpu()
	r := b.load(*addr, batch, rate, *seconds)
	left, err := b.left(batch)
	if err != nil {
		return r, err
	}
	r.backlog = left
	r.meanwhile = r.rate*float64(batch) - float64(left)/r.lasted
	began := time.Now()
	most := 20 * time.Second
	// Only whether anything is left is asked again and again: to count what is
	// left reads the whole inbox, on the cores that are measured.
	for more := left > 0; more && time.Since(began) < most; {
		time.Sleep(20 * time.Millisecond)
		if err := b.db.QueryRow(b.ctx, `select exists (select 1 from collect_inbox)`).Scan(&more); err != nil {
			return r, err
		}
	}
	took := time.Since(began).Seconds()
	now, err := b.left(batch)
	if err != nil {
		return r, err
	}
	if left > 1000 {
		r.rest = float64(left-now) / took
	}
	if now == 0 {
		if n := r.rate * r.lasted * float64(batch); n > 0 {
			r.cpu = time.Duration(float64(cpu()-before) / n)
		}
		return r, nil
	}
	// What is left of an overload would weigh on the next measure.
	err = b.db.Tx(b.ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(b.ctx, `delete from collect_inbox`)
		return err
	})
	time.Sleep(time.Second)
	return r, err
}

// cpu is the processor time of the server so far, on Linux.
func cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func (b bencher) left(batch int) (n int, err error) {
	err = b.db.QueryRow(b.ctx, `select coalesce(cast(count(*) * $1 - sum(worked) as bigint), 0) from collect_inbox`, batch).Scan(&n)
	return n, err
}

// load sends requests of batch messages for so many seconds, rate messages a
// second or, with 0, as fast as they are answered.
func (b bencher) load(to string, batch, rate, seconds int) result {
	run = strconv.FormatInt(time.Now().UnixNano(), 36)
	var next, done, failed atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	began := time.Now()
	end := began.Add(time.Duration(seconds) * time.Second)
	var wait sync.WaitGroup
	for range *conns {
		wait.Go(func() {
			c := client{to: to, token: b.token}
			defer c.close()
			var own []time.Duration
			for {
				n := next.Add(1) - 1
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(n) * time.Second * time.Duration(batch) / time.Duration(rate))
				}
				if due.After(end) {
					break
				}
				time.Sleep(time.Until(due))
				if err := c.send(n, batch); err != nil {
					failed.Add(1)
					continue
				}
				done.Add(1)
				own = append(own, time.Since(due))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wait.Wait()
	slices.Sort(took)
	lasted := time.Since(began).Seconds()
	r := result{rate: float64(done.Load()) / lasted, lasted: lasted, failed: failed.Load()}
	if len(took) > 0 {
		r.p50, r.p99 = took[len(took)/2], took[len(took)*99/100]
	}
	return r
}

// client is one connection. It speaks just so much HTTP that the load costs
// little beside what it measures.
type client struct {
	to, token string
	conn      net.Conn
	in        *bufio.Reader
	buffer    []byte
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// run is of one load, so that no message of another counts as told already.
var run string

func (c *client) send(n int64, batch int) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.to)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	path := "/v1/track"
	body := c.buffer[:0]
	if batch > 1 {
		path = "/v1/batch"
		body = append(body, `{"batch":[`...)
	}
	for i := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = message(body, n*int64(batch)+int64(i))
	}
	if batch > 1 {
		body = append(append(append(body, `],"sentAt":"`...), time.Now().UTC().Format(time.RFC3339Nano)...), `"}`...)
	}
	c.buffer = body
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, basic(c.token), len(body))
	if _, err := (&net.Buffers{[]byte(head), body}).WriteTo(c.conn); err != nil {
		c.close()
		return err
	}
	return c.read()
}

// read reads an answer, and fails for one that is not 200.
func (c *client) read() error {
	r := textproto.NewReader(c.in)
	status, err := r.ReadLine()
	length := 0
	for err == nil {
		var line string
		if line, err = r.ReadLine(); line == "" {
			break
		}
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, err = strconv.Atoi(v)
		}
	}
	if err == nil {
		_, err = c.in.Discard(length)
	}
	if err != nil {
		c.close()
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200") {
		return fmt.Errorf("answered %s", status)
	}
	return nil
}

func basic(token string) string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(token, "")
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

// message is an event of about 500 bytes, as a shop's page sends it: four of
// five are of a known user.
func message(b []byte, n int64) []byte {
	who := n * 2654435761 % int64(*people)
	b = append(b, `{"type":"track","messageId":"`...)
	b = append(append(b, run...), '-')
	b = strconv.AppendInt(b, n, 10)
	if who%5 == 0 {
		b = append(b, `","anonymousId":"a`...)
	} else {
		b = append(b, `","userId":"u`...)
	}
	b = strconv.AppendInt(b, who, 10)
	b = append(b, `","event":"Product Viewed","timestamp":"`...)
	b = time.Now().UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","properties":{"product_id":"p`...)
	b = strconv.AppendInt(b, n%500, 10)
	b = append(b, `","name":"Assam tea, second flush","category":"Tea","price":12.5,"currency":"EUR"},"context":{"library":{"name":"analytics.js","version":"next-1.84.3"},`...)
	return append(b, `"locale":"en-GB","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","page":{"path":"/tea/assam","url":"https://shop.example/tea/assam","title":"Assam tea"}},"integrations":{}}`...)
}
