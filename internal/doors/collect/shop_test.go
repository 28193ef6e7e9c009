package collect

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

// everything is what the program declares of customers' tables.
var everything = slices.Concat(customers.Tables, orders.Tables, facts.Tables, scores.Tables, Tables)

// delivery is one of testdata/shops: what a shop sent, in the order in which
// it happened.
type delivery struct {
	Topic     string          `json:"topic"`
	Triggered string          `json:"triggered"`
	Body      json.RawMessage `json:"body"`
}

func deliveries(t testing.TB, shop string) []delivery {
	t.Helper()
	b, err := os.ReadFile("testdata/shops/" + shop + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all []delivery
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

const shopSecret = "whsec_of_the_test"

// shopSite is a program with a shop's source, as the shop meets it.
type shopSite struct {
	t      testing.TB
	db     *store.DB
	kind   string
	source Source
	url    string
	sent   int
}

func shopAt(t *testing.T, db *store.DB, kind string) *shopSite {
	t.Helper()
	catalog, err := locale.Load(Files, customers.Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog, Routes: ShopDoors(db), Log: slog.New(slog.DiscardHandler), Now: db.Now, Shop: workspace.Shop(db),
		Authenticate: func(context.Context, string) (web.Staff, error) { return web.Staff{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	testkit.Do(t, db, func(tx *store.Tx) error {
		return workspace.Save(t.Context(), tx, 1, workspace.Settings{Name: "Shop", Colour: "#0f766e", Languages: []string{"en"}, Zone: "Europe/Prague", Currency: "EUR", Country: "CZ"})
	})
	s := &shopSite{t: t, db: db, kind: kind, source: addSource(t, db, kind), url: server.URL}
	s.keepSecret(shopSecrets{Now: shopSecret})
	return s
}

func (s *shopSite) keepSecret(v shopSecrets) {
	s.t.Helper()
	sealed, err := v.seal(s.db)
	if err != nil {
		s.t.Fatal(err)
	}
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		return Change(context.Background(), tx, 1, s.source.ID, NewSource{Kind: s.kind, Name: "The shop", Space: s.kind, Secret: sealed})
	})
}

func (s *shopSite) address() string { return s.url + "/shops/" + s.kind + "/" + s.source.Token }

func mac(secret string, parts ...string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(strings.Join(parts, "")))
	return m.Sum(nil)
}

func in64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// headers are those that a shop sends with a body.
func (s *shopSite) headers(secret string, d delivery) http.Header {
	s.sent++
	h, body := http.Header{"Content-Type": {"application/json"}}, string(d.Body)
	switch s.kind {
	case Shopify:
		h.Set("X-Shopify-Topic", d.Topic)
		h.Set("X-Shopify-Hmac-SHA256", in64(mac(secret, body)))
		h.Set("X-Shopify-Shop-Domain", "tea.myshopify.com")
		h.Set("X-Shopify-Webhook-Id", fmt.Sprintf("b54557e4-%d", s.sent))
		h.Set("X-Shopify-Triggered-At", d.Triggered)
	case WooCommerce:
		h.Set("X-WC-Webhook-Topic", d.Topic)
		h.Set("X-WC-Webhook-Signature", in64(mac(secret, body)))
		h.Set("X-WC-Webhook-Delivery-ID", "always the same")
	case Stripe:
		stamp := fmt.Sprint(s.db.Now().Unix())
		h.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac("an older one", stamp, ".", body))+",v1="+hex.EncodeToString(mac(secret, stamp, ".", body))+",v0=00")
	case Square:
		h.Set("X-Square-Hmacsha256-Signature", in64(mac(secret, s.address(), body)))
	}
	return h
}

// post sends a body and returns how it was answered.
func (s *shopSite) post(h http.Header, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.address(), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = h
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func (s *shopSite) deliver(d delivery) {
	s.t.Helper()
	if status, text := s.post(s.headers(shopSecret, d), string(d.Body)); status != http.StatusOK {
		s.t.Fatalf("%s is answered %d %s", d.Topic, status, text)
	}
}

// accept puts a delivery into the inbox as the door does.
func (s *shopSite) accept(inbox *Inbox, d delivery) {
	s.t.Helper()
	k, _ := shopKindOf(s.kind)
	e := k.open(call{header: s.headers(shopSecret, d), body: d.Body, now: s.db.Now()})
	s.sent++
	p := &Parcel{Source: s.source.ID, Topic: e.topic, Delivery: fmt.Sprint(s.sent), At: s.db.Now(), Noted: e.noted, Body: d.Body}
	if err := inbox.Accept(context.Background(), p); err != nil {
		s.t.Fatal(err)
	}
}

// work has the inbox worked and all that follows; nothing may fail.
func (s *shopSite) work() {
	s.t.Helper()
	all := slices.Concat(Jobs(s.db, everything), timeline.Jobs(s.db, []timeline.Subscription{facts.Subscription}), facts.Jobs(s.db))
	if err := jobs.Drain(context.Background(), s.db, all); err != nil {
		s.t.Fatal(err)
	}
	failed, err := Failures(context.Background(), s.db, s.source.ID, 0, 10)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range failed {
		s.t.Errorf("laid aside: %s: %v", f.Topic, f.Reason)
	}
}

// state is all that deliveries can lead to, without what depends on when they
// came: a product keeps the name by which it was first told.
func (s *shopSite) state() string {
	s.t.Helper()
	var b strings.Builder
	for _, q := range []string{
		`select 'customer', c.customer_id, c.name, c.language, c.country, c.email, c.phone from customers c where merged_into is null`,
		`select 'known by', i.customer_id, i.kind, i.value from customer_identities i`,
		`select 'consent', l.customer_id, l.channel, l.given, l.decided_at from customer_consents l`,
		`select 'order', o.customer_id, o.number, o.is_return, o.of_number, o.placed_at, o.placed_day, o.currency, o.lines_minor, o.discount_minor, o.shipping_minor,
			o.tax_minor, o.total_minor, o.items, o.purchase, o.channel, o.delivered_day, o.cancelled_at, o.reason, o.note, o.refunded_minor from orders o`,
		`select 'walk-in', 0, o.number, o.is_return, o.of_number, o.placed_at, o.placed_day, o.currency, o.total_minor, o.items, o.purchase, o.channel,
			o.cancelled_at, o.reason, o.refunded_minor from walkin_orders o`,
		`select 'line', l.customer_id, o.number, p.sku, l.quantity_milli, l.price_micro, l.total_minor from order_lines l
			join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id join products p on p.id = l.product_id`,
		`select 'line', 0, o.number, p.sku, l.quantity_milli, l.price_micro, l.total_minor from walkin_order_lines l
			join walkin_orders o on o.order_id = l.order_id join products p on p.id = l.product_id`,
		`select 'facts', f.customer_id, f.orders, f.spend_minor, f.refunded_minor, f.items, f.cancellations, f.refunds from customer_facts f`,
		`select 'subscription', s.customer_id, s.external, s.plan, s.status, s.amount_minor, s.currency, s.interval_unit, s.interval_count, s.quantity, s.monthly_minor,
			s.started_at, s.trial_end_at, s.period_end_at, s.cancel_at, s.ended_at, s.reason, s.note, s.told_at from subscriptions s`,
		`select 'was', t.customer_id, s.external, t.since_at, t.until_at, t.status, t.quantity, t.monthly_minor, t.cancel_at from subscription_states t
			join subscriptions s on s.customer_id = t.customer_id and s.subscription_id = t.subscription_id`,
		`select 'renewed', r.customer_id, r.number, r.paid_at, r.until_at, r.amount_minor, r.currency from subscription_renewals r`,
		`select 'happened', e.customer_id, e.kind, e.occurred_at from events e where e.kind like 'subscription.%'`,
		`select 'waits', 0, p.piece from collect_pieces p where p.piece like 'renewal:%'`,
	} {
		b.WriteString(s.rows(q))
	}
	return b.String()
}

// rows are the rows of a query as sorted text, customers by their names.
func (s *shopSite) rows(query string) string {
	s.t.Helper()
	rows, err := s.db.Query(context.Background(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var lines []string
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			s.t.Fatal(err)
		}
		var line []string
		for i, v := range row {
			cell := fmt.Sprint(*v.(*any))
			switch {
			case i == 1:
				cell = s.called(cell)
			case cell == "1" && (columns[i] == "is_return" || columns[i] == "purchase" || columns[i] == "given"):
				cell = "true"
			case cell == "0" && (columns[i] == "is_return" || columns[i] == "purchase" || columns[i] == "given"):
				cell = "false"
			}
			line = append(line, cell)
		}
		lines = append(lines, strings.Join(line, " | "))
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// called is by what a customer can be told from the others in any database.
func (s *shopSite) called(customer string) string {
	s.t.Helper()
	if customer == "0" {
		return "nobody"
	}
	known, err := store.All(context.Background(), s.db, store.Scalar[string], `
		select value from customer_identities where customer_id = `+customer+` order by kind, value limit 1`)
	if err != nil || len(known) == 0 {
		return "?"
	}
	return known[0]
}

func TestEachShopIsTakenInThroughItsDoor(t *testing.T) {
	for _, kind := range []string{Shopify, WooCommerce, Stripe, Square} {
		t.Run(kind, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.DB) {
				s := shopAt(t, db, kind)
				for _, d := range deliveries(t, kind) {
					s.deliver(d)
				}
				s.work()
				got := s.state() + s.rows(`select 'counted', 0, what, n from collect_counts`)
				golden := "testdata/shops/" + kind + ".txt"
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				sameText(t, kind, got, string(want))
			})
		})
	}
}

func sameText(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			t.Errorf("%s: has   %s", what, line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			t.Errorf("%s: wants %s", what, line)
		}
	}
	t.Fatalf("%s: the state is another", what)
}

func TestLateRepeatedAndShuffledDeliveriesEndInTheSameState(t *testing.T) {
	for _, kind := range []string{Shopify, WooCommerce, Stripe, Square} {
		t.Run(kind, func(t *testing.T) {
			want, err := os.ReadFile("testdata/shops/" + kind + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			state, _, _ := strings.Cut(string(want), "counted |")
			seeds := 10
			if testing.Short() {
				seeds = 2
			}
			for seed := range seeds {
				way := func(t *testing.T, db *store.DB) {
					s, r := shopAt(t, db, kind), rand.New(rand.NewPCG(uint64(seed), 7))
					all := deliveries(t, kind)
					all = append(all, all[r.IntN(len(all))], all[r.IntN(len(all))], all[r.IntN(len(all))])
					r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
					inbox := NewInbox(db)
					for _, d := range all {
						s.accept(inbox, d)
						if r.IntN(4) == 0 {
							s.work()
						}
					}
					s.work()
					sameText(t, fmt.Sprintf("seed %d", seed), s.state(), state)
				}
				if seed%3 == 0 {
					testkit.Each(t, way)
				} else { // SQLite alone: a database of PostgreSQL takes longer than all else
					way(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: testkit.NewClock(testkit.Start).Now}))
				}
			}
		})
	}
}
