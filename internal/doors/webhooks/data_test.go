package webhooks_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	clerk = customers.By{Source: "staff", Actor: 7}
	kinds = timeline.NewKinds(customers.Kinds, orders.Kinds)
)

// call is a request that a receiver got.
type call struct {
	header http.Header
	body   string
}

func (c call) id() string { return c.header.Get("webhook-id") }

func (c call) message(t testing.TB) (m webhooks.Message) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.body), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// receiver is another program that is told of events.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(w http.ResponseWriter, r *http.Request)
}

func listen(t testing.TB) *receiver {
	r := &receiver{answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		body, _ := io.ReadAll(hr.Body)
		r.mu.Lock()
		r.calls = append(r.calls, call{hr.Header.Clone(), string(body)})
		answer := r.answer
		r.mu.Unlock()
		answer(w, hr)
	}))
	t.Cleanup(r.Close)
	return r
}

// says makes it answer with a status, and headers given as name and value.
func (r *receiver) says(status int, header ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "said by the receiver to ana@example.com")
	}
}

// got takes away what it was called with.
func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.calls
	r.calls = nil
	return all
}

func kindsOf(t testing.TB, calls []call) []string {
	var all []string
	for _, c := range calls {
		all = append(all, c.message(t).Type)
	}
	slices.Sort(all)
	return all
}

// shop is a database with webhooks, and the clock at the real time: the
// standard's own library accepts no other.
type shop struct {
	t     testing.TB
	db    *store.DB
	clock *testkit.Clock
	kinds []jobs.Kind
}

func each(t *testing.T, test func(t *testing.T, s shop)) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		clock.Advance(time.Since(testkit.Start))
		test(t, shop{t: t, db: db, clock: clock, kinds: work(db, netip.MustParsePrefix("127.0.0.1/32"))})
	})
}

// work is all background work of a program with webhooks.
func work(db *store.DB, allow ...netip.Prefix) []jobs.Kind {
	return slices.Concat(timeline.Jobs(db, []timeline.Subscription{webhooks.Subscription(kinds)}), customers.Jobs(db), webhooks.Jobs(db),
		webhooks.Sending(db, outbound.Client(outbound.Options{Allow: allow, Timeout: 2 * time.Second})))
}

// run does what is due.
func (s shop) run() {
	s.t.Helper()
	if err := jobs.Drain(s.t.Context(), s.db, s.kinds); err != nil {
		s.t.Fatal(err)
	}
}

func (s shop) add(e webhooks.Edit) (endpoint id.Endpoint, secret string) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) (err error) {
		endpoint, secret, err = webhooks.Add(s.t.Context(), tx, 7, e)
		return err
	})
	return endpoint, secret
}

// customer makes a customer and lets what follows happen.
func (s shop) customer(p customers.Profile) (c id.Customer) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) (err error) {
		c, err = customers.Create(s.t.Context(), tx, p)
		return err
	})
	return c
}

func (s shop) note(c id.Customer) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) error { return customers.Note(s.t.Context(), tx, c, clerk, "likes zanzibar") })
}

func (s shop) order(c id.Customer, number string) (order id.Order) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		products, err := orders.EnsureProducts(s.t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
		if err != nil {
			return err
		}
		order, err = orders.Place(s.t.Context(), tx, orders.Sale{Customer: c, Number: number, Source: "till", At: tx.Now,
			Lines: []orders.Line{{Product: products["tea"], Quantity: 2000, Price: 500, Scale: 2, Total: 1000}}})
		return err
	})
	return order
}

func (s shop) list(endpoint id.Endpoint, f webhooks.Filter) []webhooks.Delivery {
	s.t.Helper()
	f.Limit = 1000
	all, err := webhooks.Deliveries(s.t.Context(), s.db, endpoint, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s shop) endpoint(endpoint id.Endpoint) webhooks.Endpoint {
	s.t.Helper()
	e, err := webhooks.ByID(s.t.Context(), s.db, endpoint)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// verifies reports whether a call stands the test of the standard's own
// library.
func verifies(t testing.TB, secret string, c call) bool {
	t.Helper()
	w, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.VerifyIgnoringTimestamp([]byte(c.body), c.header) == nil
}

// follows reports an error when a call is not what the catalogue of events
// says of its kind.
func follows(t testing.TB, c call) error {
	t.Helper()
	m := c.message(t)
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(testkit.Root(t), "docs", "events", fmt.Sprintf("%s.v%d.schema.json", m.Type, m.Data.Version)))
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(c.body))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}
