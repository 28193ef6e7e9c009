package collect

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/analytics-go/v3"

	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

// The clients that people have, as they are published, against our door.

// clients is the folder of the npm packages that scripts/clients.sh fetched.
// The test is skipped where they are missing, unless make test runs it.
func clients(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("REGULARS_CLIENTS")
	if dir == "" {
		home, _ := os.UserCacheDir()
		all, _ := filepath.Glob(filepath.Join(home, "regulars", "clients-*"))
		if len(all) == 0 {
			t.Skip("scripts/clients.sh has not fetched the clients")
		}
		dir = all[len(all)-1]
	}
	return filepath.Join(dir, "node_modules")
}

// sold checks what each client told: the visitor who became a customer with a
// name, who looked at a product and bought it.
func (s *site) sold(client string) {
	s.t.Helper()
	s.work()
	if n := s.count(`select count(*) from collect_failures`); n != 0 {
		s.t.Errorf("%s: %d messages could not be used", client, n)
	}
	c := s.customer(customers.Email, "ana@example.com")
	if c.Name != "Ana Nováková" {
		s.t.Errorf("%s: the customer is called %q", client, c.Name)
	}
	story := strings.Join(s.story(c.ID), ", ")
	for _, want := range []string{"action.tracked Product Viewed", "page.viewed"} {
		if !strings.Contains(story, want) {
			s.t.Errorf("%s: the timeline %s lacks %s", client, story, want)
		}
	}
	if books := s.books(); !strings.Contains(books, "1001 back=false") || !strings.Contains(books, "total=2490") || !strings.Contains(books, "tea ×2000 = 2490") {
		s.t.Errorf("%s: the books are\n%s", client, books)
	}
	if n := s.count(`select count(*) from customer_traits where customer_id = $1 and trait = 'plan' and text_value = 'pro'`, int64(c.ID)); n != 1 {
		s.t.Errorf("%s: the trait is not there", client)
	}
}

func TestTheGoClientTells(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		client, err := analytics.NewWithConfig(s.source.Token, analytics.Config{Endpoint: s.url, BatchSize: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []analytics.Message{
			analytics.Page{AnonymousId: "anon", Name: "Shop"},
			analytics.Identify{UserId: "7", AnonymousId: "anon", Traits: analytics.NewTraits().SetEmail("ana@example.com").SetFirstName("Ana").SetLastName("Nováková").Set("plan", "pro")},
			analytics.Track{UserId: "7", Event: "Product Viewed", Properties: analytics.NewProperties().SetName("Tea")},
			analytics.Track{UserId: "7", Event: "Order Completed", Properties: analytics.NewProperties().SetOrderId("1001").SetTotal(24.9).SetCurrency("EUR").
				Set("products", []map[string]any{{"sku": "tea", "name": "Tea", "price": 12.45, "quantity": 2}})},
			analytics.Group{UserId: "7", GroupId: "acme"},
			analytics.Alias{UserId: "7", PreviousId: "former"},
			analytics.Screen{UserId: "7", Name: "Start"},
		} {
			if err := client.Enqueue(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		s.sold("analytics-go")
	})
}

const nodeStory = `
const { Analytics } = require('@segment/analytics-node')
const [writeKey, host] = process.argv.slice(1)
const a = new Analytics({ writeKey, host, flushAt: 3 })
a.on('error', (e) => { console.error(e); process.exitCode = 1 })
a.page({ anonymousId: 'anon', name: 'Shop' })
a.identify({ userId: '7', anonymousId: 'anon', traits: { email: 'ana@example.com', firstName: 'Ana', lastName: 'Nováková', plan: 'pro' } })
a.track({ userId: '7', event: 'Product Viewed', properties: { name: 'Tea' } })
a.track({ userId: '7', event: 'Order Completed', properties: { order_id: '1001', total: 24.9, currency: 'EUR',
  products: [{ sku: 'tea', name: 'Tea', price: 12.45, quantity: 2 }] } })
a.group({ userId: '7', groupId: 'acme' })
a.alias({ userId: '7', previousId: 'former' })
a.screen({ userId: '7', name: 'Start' })
a.closeAndFlush().then(() => {})
`

func TestTheNodeClientTells(t *testing.T) {
	modules := clients(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	s := open(t, testkit.DB(t))
	cmd := exec.CommandContext(t.Context(), node, "-e", nodeStory, s.source.Token, s.url)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.sold("analytics-node")
}

const browserStory = `<!doctype html><title>A shop</title><h1>Shop</h1><script src="/umd/index.js"></script><script>
const a = AnalyticsNext.AnalyticsBrowser.load({ writeKey: %q, cdnURL: %q },
  { integrations: { 'Segment.io': { apiHost: %q, protocol: 'http' } } })
;(async () => {
  await a.page('Shop')
  await a.track('Product Viewed', { name: 'Tea' })
  await a.identify('7', { email: 'ana@example.com', firstName: 'Ana', lastName: 'Nováková', plan: 'pro' })
  await a.track('Order Completed', { order_id: '1001', total: 24.9, currency: 'EUR', products: [{ sku: 'tea', name: 'Tea', price: 12.45, quantity: 2 }] })
  await a.group('acme')
  const done = document.createElement('p'); done.id = 'done'; done.textContent = 'told'; document.body.append(done)
})()
</script>`

func TestTheBrowserClientTells(t *testing.T) {
	modules := clients(t)
	s := open(t, testkit.DB(t))
	shop := http.NewServeMux() // another site than the one that collects
	shop.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, browserStory, s.source.Token, s.url, strings.TrimPrefix(s.url, "http://")+"/v1")
	})
	shop.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	shop.Handle("GET /umd/", http.StripPrefix("/umd/", http.FileServer(http.Dir(filepath.Join(modules, "@segment", "analytics-next", "dist", "umd")))))
	tab := browser.Open(t, shop, "/", browser.Wide, "light")
	tab.Wait("#done")
	// Its requests go on after the calls return.
	for deadline := time.Now().Add(20 * time.Second); inInbox(t, s.db) < 5 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if complaints := tab.Errors(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
	s.sold("analytics-next")
}
