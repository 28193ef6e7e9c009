package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/know/facts"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// book is what a teller wrote: the customers that were acknowledged, and those
// of whose fate the answer never came.
type book struct {
	mu                 sync.Mutex
	sent               int
	certain, uncertain map[string]bool
}

// write makes customers one after the other until ctx ends.
func (b *book) write(ctx context.Context, c teller, addr string) {
	for ctx.Err() == nil {
		b.mu.Lock()
		b.sent++
		name := fmt.Sprintf("Customer %06d", b.sent)
		b.mu.Unlock()
		where, _, err := c.post(addr, "/customers", "name", name, "email", strings.ReplaceAll(name, " ", "")+"@example.com")
		b.mu.Lock()
		if err == nil && strings.HasPrefix(where, "/customers/cus_") {
			b.certain[name] = true
		} else {
			b.uncertain[name] = true
		}
		b.mu.Unlock()
		if err != nil && !errors.Is(err, errRefused) {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func newBook() *book { return &book{certain: map[string]bool{}, uncertain: map[string]bool{}} }

// holds compares the database with what the tellers were told: who was
// acknowledged is there once and whole, who was not is there once or not at
// all, and all that follows from each is there too.
func (b *book) holds(t *testing.T, dsn string) {
	t.Helper()
	a, err := Open(t.Context(), Config{DB: dsn, Key: testKey})
	if err != nil {
		t.Fatalf("after the fault: %v", err)
	}
	defer a.Close()
	if _, err := a.DB.Query(t.Context(), `select 1`); err != nil {
		t.Fatal(err)
	}
	settleFast(t, a)
	there := map[string]int{}
	rows, err := a.DB.Query(t.Context(), `select name from customers where name like 'Customer %'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		there[name]++
	}
	for name := range b.certain {
		if there[name] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", name, there[name])
		}
	}
	for name, n := range there {
		if n != 1 || !b.certain[name] && !b.uncertain[name] {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	for what, query := range map[string]string{
		"customers without the event that they joined": `select count(*) from customers c where c.merged_into is null and not exists (select 1 from events e where e.customer_id = c.customer_id and e.kind = 'customer.joined')`,
		"customers who joined twice":                   `select count(*) from (select customer_id from events where kind = 'customer.joined' group by customer_id having count(*) > 1) x`,
		"customers without their email":                `select count(*) from customers c where not exists (select 1 from customer_identities i where i.customer_id = c.customer_id and i.kind = 'email')`,
		"customers without facts":                      `select count(*) from customers c where not exists (select 1 from customer_facts f where f.customer_id = c.customer_id)`,
		"emails without a key":                         `select count(*) from customer_identities where kind || ':' || value not in (select key from customer_keys)`,
		"jobs given up":                                `select count(*) from jobs where state = 'dead'`,
	} {
		if n := count(t, a.DB, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if _, err := facts.Rebuild(t.Context(), a.DB, func(d facts.Difference) { t.Errorf("facts: %+v", d) }); err != nil {
		t.Error(err)
	}
	if _, err := scores.Rebuild(t.Context(), a.DB, func(d scores.Difference) { t.Errorf("scores: %+v", d) }); err != nil {
		t.Error(err)
	}
	t.Logf("%d acknowledged, %d not, %d of these are there", len(b.certain), len(b.uncertain), len(there)-len(b.certain))
}

// settleFast does the work that is left, also that of the killed, whose leases
// are made to run out.
func settleFast(t *testing.T, a *App) {
	t.Helper()
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `update jobs set leased_until_at = 0 where state = 'running'`)
		return err
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	settled(t, a.DB)
	stop()
	<-ended
}

func TestPagesThatWriteSurviveAnyDeathOfTheProgram(t *testing.T) {
	testkit.Torture(t, 5, killServers)
}

func killServers(t *testing.T, dsn string, kills int, chance *testkit.Chance) {
	db := testkit.Open(t, dsn, store.Options{Clock: time.Now})
	ana := newTeller(t, db)
	b := newBook()
	signedIn := false
	for range kills {
		p := start(t, "both", dsn)
		if !signedIn {
			ana.signIn(t, p.addr)
			signedIn = true
		}
		ctx, stop := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		for range 3 {
			writing.Go(func() { b.write(ctx, ana, p.addr) })
		}
		time.Sleep(chance.Within(400 * time.Millisecond))
		p.Kill()
		stop()
		writing.Wait()
	}
	if len(b.certain) == 0 {
		t.Error("nothing was written")
	}
	b.holds(t, dsn)
}

// TestAFullDiskIsSaidAndNothingIsHalf limits how far a file may grow, which a
// write meets as it meets a full disk.
func TestAFullDiskIsSaidAndNothingIsHalf(t *testing.T) {
	dsn := testkit.DSN(t, "sqlite")
	db := testkit.Open(t, dsn, store.Options{Clock: time.Now})
	ana := newTeller(t, db)
	info, err := os.Stat(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "both", dsn, fileEnv+"="+strconv.FormatInt(info.Size()+400<<10, 10))
	defer p.Kill()
	ana.signIn(t, p.addr)
	b := newBook()
	for len(b.uncertain) == 0 && len(b.certain) < 20_000 {
		ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
		b.write(ctx, ana, p.addr)
		stop()
	}
	if len(b.uncertain) == 0 || len(b.certain) == 0 {
		t.Fatalf("%d were written, %d refused", len(b.certain), len(b.uncertain))
	}
	var page string
	var refusal error
	for n := 0; refusal == nil && n < 200; n++ { // room that was left within the files is used up first
		_, page, refusal = ana.post(p.addr, "/customers", "name", fmt.Sprintf("One more %d", n), "email", fmt.Sprintf("one%d@example.com", n))
	}
	if !errors.Is(refusal, errRefused) || !strings.Contains(page, "wrong on our side") {
		t.Errorf("a full disk is not said: %v\n%s", refusal, page)
	}
	if page := ana.get(t, p.addr, "/customers"); !strings.Contains(page, "Customer 000001") {
		t.Error("what is there cannot be read any more")
	}
	p.Kill()
	b.holds(t, dsn) // there is room again
}

// TestAServerThatRestartsUnderLoadLosesNothing stops and starts a PostgreSQL
// of its own while customers are written.
func TestAServerThatRestartsUnderLoadLosesNothing(t *testing.T) {
	if os.Getenv("REGULARS_TEST_POSTGRES") == "" {
		t.Skip("REGULARS_TEST_POSTGRES names no server (make test starts one)")
	}
	script := filepath.Join(testkit.Root(t), "scripts/postgres.sh")
	dir, err := os.MkdirTemp("", "regulars-restart-")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), script, "start", dir).Output()
	if err != nil {
		t.Fatalf("start a PostgreSQL: %v", err)
	}
	defer exec.Command(script, "stop", dir).Run()
	dsn := strings.TrimSpace(string(out))
	db := testkit.Open(t, dsn, store.Options{Clock: time.Now})
	ana := newTeller(t, db)
	p := start(t, "both", dsn)
	defer p.Kill()
	ana.signIn(t, p.addr)
	b := newBook()
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for range 3 {
		writing.Go(func() { b.write(ctx, ana, p.addr) })
	}
	for range 2 {
		time.Sleep(700 * time.Millisecond)
		if out, err := exec.CommandContext(t.Context(), script, "restart", dir).CombinedOutput(); err != nil {
			t.Fatalf("restart: %v %s", err, out)
		}
		b.await(t, 5) // it goes on by itself
	}
	stop()
	writing.Wait()
	p.Kill()
	b.holds(t, dsn)
}

// await waits until so many more were acknowledged.
func (b *book) await(t *testing.T, more int) {
	t.Helper()
	want := b.acknowledged() + more
	for range 1000 {
		if b.acknowledged() >= want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("nothing is written any more")
}

func (b *book) acknowledged() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.certain)
}

// TestConnectionsThatBreakLoseAndDoubleNothing puts a wire between program
// and database that is cut again and again.
func TestConnectionsThatBreakLoseAndDoubleNothing(t *testing.T) {
	dsn := testkit.DSN(t, "postgres")
	db := testkit.Open(t, dsn, store.Options{Clock: time.Now})
	ana := newTeller(t, db)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, u.Host)
	u.Host = w.Addr().String()
	p := start(t, "both", u.String())
	defer p.Kill()
	ana.signIn(t, p.addr)
	b := newBook()
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for range 3 {
		writing.Go(func() { b.write(ctx, ana, p.addr) })
	}
	chance := testkit.NewChance(t)
	for range 20 {
		time.Sleep(chance.Within(120 * time.Millisecond))
		w.cut()
	}
	b.await(t, 5)
	stop()
	writing.Wait()
	p.Kill()
	b.holds(t, dsn)
}

// wire carries connections to a server until it is cut.
type wire struct {
	net.Listener
	mu   sync.Mutex
	open map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &wire{Listener: l, open: map[net.Conn]bool{}}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			w.mu.Lock()
			w.open[in], w.open[out] = true, true
			w.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		c.Close()
	}
	clear(w.open)
}

// TestAClockThatGoesBackAnHourLosesNoWorkAndMakesNoIDTwice turns the clock of
// an open program back while it has work to do.
func TestAClockThatGoesBackAnHourLosesNoWorkAndMakesNoIDTwice(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		a := &App{Config: Config{Workers: 2, StopWithin: time.Second, Clock: clock.Now}, DB: db}
		var err error
		if a.Modules, err = modules(db, a.Config); err != nil {
			t.Fatal(err)
		}
		h, err := a.Handler(t.Context(), ServeConfig{})
		if err != nil {
			t.Fatal(err)
		}
		server := newServer(t, h)
		ana := newTeller(t, db)
		ana.signIn(t, server)
		b := newBook()
		ctx, stop := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		for range 2 {
			writing.Go(func() { b.write(ctx, ana, server) })
		}
		for _, turn := range []time.Duration{time.Second, -time.Hour, time.Minute, -time.Hour} {
			b.await(t, 2)
			clock.Advance(turn)
		}
		b.await(t, 2)
		stop()
		writing.Wait()
		if len(b.uncertain) > 0 {
			t.Errorf("%d were written, %d not", len(b.certain), len(b.uncertain))
		}
		working, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Work(working) }()
		clock.Advance(3 * time.Hour) // what seemed to be of the future is due now
		for range 1500 {
			if count(t, db, `select count(*) from customers c where not exists (select 1 from customer_facts f where f.customer_id = c.customer_id)`) == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		<-ended
		if n := count(t, db, `select count(*) from customer_facts`); n < len(b.certain) {
			t.Errorf("%d of %d customers have facts", n, len(b.certain))
		}
		if n := count(t, db, `select count(*) from customers where name like 'Customer %'`); n < len(b.certain) || n > b.sent {
			t.Errorf("%d customers, %d were acknowledged", n, len(b.certain))
		}
	})
}
