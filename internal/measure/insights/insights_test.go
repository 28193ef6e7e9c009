package insights_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/html"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/insights"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

func TestMain(m *testing.M) {
	insights.Hurry()
	os.Exit(browser.Main(m))
}

// shop is a database with the pages over it, and somebody signed in.
type shop struct {
	*web.Server
	t     testing.TB
	db    *store.DB
	clock *testkit.Clock
	token string
	goods map[string]id.Product
	made  int
}

// open opens a shop in London that counts in pounds.
func open(t testing.TB, db *store.DB, clock *testkit.Clock) *shop {
	t.Helper()
	s := &shop{t: t, db: db, clock: clock}
	password, err := users.NewPassword("seven grey cats")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		user, err := users.Add(t.Context(), tx, users.New{Name: "Ana Novak", Email: "ana@example.com", Role: web.Owner, Password: password})
		if err != nil {
			return err
		}
		if s.token, err = users.Start(t.Context(), tx, user, "Firefox · Linux"); err != nil {
			return err
		}
		if s.goods, err = orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "tea", Category: "Drinks"}, {SKU: "mug", Category: "Crockery"}}); err != nil {
			return err
		}
		return workspace.Save(t.Context(), tx, 0, workspace.Settings{Name: "Corner Coffee", Colour: "#0f766e", Country: "GB", Zone: "Europe/London",
			Currency: "GBP", Languages: []string{"en"}})
	})
	files := map[string]fs.FS{"users": users.Files, "workspace": workspace.Files, "customers": customers.Files, "orders": orders.Files, "insights": insights.Files}
	texts := []fs.FS{web.Text()}
	for _, f := range files {
		texts = append(texts, f)
	}
	catalog, err := locale.Load(texts...)
	if err != nil {
		t.Fatal(err)
	}
	tables := slices.Concat(customers.Tables, orders.Tables, facts.Tables)
	s.Server, err = web.New(web.Config{
		Catalog: catalog, Files: files,
		Places:       page.Places(slices.Concat(customers.Places, orders.Places, insights.Places, users.Places, workspace.Places)),
		Routes:       slices.Concat(users.Admin(users.Desk{DB: db}), workspace.Admin(db), customers.Admin(db, timeline.NewKinds(customers.Kinds, orders.Kinds), tables), orders.Admin(db), insights.Admin(db)),
		Authenticate: users.Authenticator(db), Shop: workspace.Shop(db), Now: db.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kinds is the background work of a shop.
func kinds(db *store.DB) []jobs.Kind {
	return slices.Concat(timeline.Jobs(db, []timeline.Subscription{facts.Subscription, insights.Subscription}), facts.Jobs(db), insights.Jobs(db))
}

// work lets the changes settle and does all background work.
func (s *shop) work() {
	s.t.Helper()
	for range 2 {
		if err := jobs.Drain(context.WithoutCancel(s.t.Context()), s.db, kinds(s.db)); err != nil {
			s.t.Fatal(err)
		}
		s.clock.Advance(3 * time.Second)
	}
	if err := jobs.Drain(context.WithoutCancel(s.t.Context()), s.db, kinds(s.db)); err != nil {
		s.t.Fatal(err)
	}
}

// look asks for a page and, where its figures are still being computed, does
// the work and asks again.
func (s *shop) look(path string, options ...page.Option) *page.Page {
	s.t.Helper()
	options = append(options, page.As(s.token))
	p := page.Get(s.t, s, path, options...)
	if strings.Contains(p.Body, `id="computing"`) {
		s.work()
		p = page.Get(s.t, s, path, options...)
	}
	for _, wrong := range []string{"NaN", "Inf", "%!", "<nil>"} {
		if strings.Contains(p.Body, wrong) {
			s.t.Errorf("%s shows %s", path, wrong)
		}
	}
	return p
}

// people makes n customers.
func (s *shop) people(n int, country string) []id.Customer {
	s.t.Helper()
	var profiles []customers.Profile
	for range n {
		s.made++
		profiles = append(profiles, customers.Profile{Name: fmt.Sprintf("Customer %d", s.made), Country: country, Source: "test", History: true,
			Identities: []customers.Identity{{Kind: customers.External, Value: fmt.Sprintf("test:%d", s.made)}}})
	}
	var all []id.Customer
	testkit.Do(s.t, s.db, func(tx *store.Tx) (err error) {
		all, err = customers.CreateMany(s.t.Context(), tx, profiles)
		return err
	})
	return all
}

// sale is an order of tea for so many pence at noon of a day.
func (s *shop) sale(c id.Customer, day string, pence int64) orders.Sale {
	s.t.Helper()
	s.made++
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		s.t.Fatal(err)
	}
	return orders.Sale{Customer: c, Number: strconv.Itoa(s.made), Source: "test", At: at.Add(12 * time.Hour), Currency: "GBP", Channel: "online", History: true,
		Lines: []orders.Line{{Product: s.goods["tea"], Quantity: 1000, Price: pence, Scale: 2, Total: pence}}}
}

func (s *shop) place(sales ...orders.Sale) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		_, err := orders.PlaceMany(s.t.Context(), tx, sales)
		return err
	})
}

// each opens a shop on every engine, its clock at noon of a day.
func each(t *testing.T, day string, test func(t *testing.T, s *shop)) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(at.Add(12 * time.Hour).Sub(clock.Now()))
		test(t, open(t, db, clock))
	})
}

var paths = []string{"/insights", "/insights/retention", "/insights/cohorts", "/insights/rfm", "/insights/rhythm", "/insights/revenue",
	"/insights/forecast", "/insights/value", "/insights/due", "/insights/money", "/insights/moved"}

// retail places the Online Retail data: each invoice with what was sold, and
// with the rest of its lines, if there are any.
func (s *shop) retail() {
	s.t.Helper()
	f, err := os.Open(testkit.Data(s.t, "online_retail.csv.zst"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := zstd.NewReader(f)
	if err != nil {
		s.t.Fatal(err)
	}
	defer unpacked.Close()
	type invoice struct {
		customer   string
		at         time.Time
		sold, rest int64
		some, more bool
	}
	rows := csv.NewReader(unpacked)
	heading, err := rows.Read()
	if err != nil {
		s.t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range heading {
		at[strings.TrimPrefix(name, "\ufeff")] = i
	}
	invoices, numbers, country := map[string]*invoice{}, []string{}, map[string]string{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.t.Fatal(err)
		}
		number := row[at["InvoiceNo"]]
		v := invoices[number]
		if v == nil {
			v = &invoice{customer: strings.TrimSuffix(row[at["CustomerID"]], ".0"), at: retailTime(s.t, row[at["InvoiceDate"]])}
			invoices[number], numbers = v, append(numbers, number)
			country[v.customer] = row[at["Country"]]
		}
		quantity, err := strconv.ParseInt(row[at["Quantity"]], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		price, err := strconv.ParseFloat(row[at["UnitPrice"]], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		total, _ := money.Times(int64(price*1000+0.5), 3, quantity*1000, "GBP")
		if quantity > 0 && price > 0 {
			v.sold, v.some = v.sold+total, true
		} else {
			v.rest, v.more = v.rest+total, true
		}
	}
	codes := map[string]string{"United Kingdom": "GB", "Germany": "DE", "France": "FR"}
	var profiles []customers.Profile
	var names []string
	for name, where := range country {
		if name != "" {
			names = append(names, name)
			profiles = append(profiles, customers.Profile{Source: "test", Country: codes[where], History: true,
				Identities: []customers.Identity{{Kind: customers.External, Value: "retail:" + name}}})
		}
	}
	known := map[string]id.Customer{}
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		ids, err := customers.CreateMany(s.t.Context(), tx, profiles)
		for i, c := range ids {
			known[names[i]] = c
		}
		return err
	})
	var sales []orders.Sale
	for _, number := range numbers {
		v := invoices[number]
		sale := orders.Sale{Customer: known[v.customer], Number: number, Source: "retail", At: v.at, Currency: "GBP", Channel: "online", History: true}
		sign := int64(1)
		if strings.HasPrefix(number, "C") {
			sale.Return, sign = true, -1
		}
		if v.some {
			sale.Lines = append(sale.Lines, orders.Line{Product: s.goods["mug"], Quantity: 1000 * sign, Price: v.sold, Scale: 2, Total: v.sold * sign})
		}
		if v.more {
			sale.Lines = append(sale.Lines, orders.Line{Product: s.goods["tea"], Quantity: -1000 * sign, Price: -v.rest, Scale: 2, Total: v.rest * sign})
		}
		sales = append(sales, sale)
	}
	for slice := range slices.Chunk(sales, 5000) {
		s.place(slice...)
	}
}

func retailTime(t testing.TB, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"1/2/2006 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "1/2/06 15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	t.Fatalf("%q is no time", text)
	return time.Time{}
}

// withClock opens a shop on a file of its own.
func withClock(t testing.TB, clock *testkit.Clock) *shop {
	t.Helper()
	return open(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: clock.Now}), clock)
}

// hrefsOf are the addresses of all links that match.
func hrefsOf(p *page.Page, selector string) []string {
	parsed, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return nil
	}
	var all []string
	for _, n := range cascadia.QueryAll(parsed, cascadia.MustCompile(selector)) {
		for _, a := range n.Attr {
			if a.Key == "href" {
				all = append(all, a.Val)
			}
		}
	}
	return all
}
