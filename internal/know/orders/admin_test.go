package orders

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// customerStub stands for the customer's page, where the panel is shown.
var customerStub = `{{define "title"}}Customer{{end}}{{define "content"}}{{range .}}<div id="panel-{{.ID}}">{{.HTML}}</div>{{end}}{{end}}`

// pages serves this module's pages to a signed-in member of staff.
func pages(t *testing.T, db *store.DB, role web.Role) *web.Server {
	t.Helper()
	catalog, err := locale.Load(Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "pages"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pages", "stub.html"), []byte(customerStub), 0o600); err != nil {
		t.Fatal(err)
	}
	stub := web.Route{Pattern: "GET /customers/{customer}", Role: web.Viewer, Handler: func(w http.ResponseWriter, r *web.Request) error {
		c, err := web.PathID(r, "customer", id.ParseCustomer)
		if err != nil {
			return err
		}
		return r.Render(w, "stub/stub.html", r.Panels(db, c))
	}}
	s, err := web.New(web.Config{
		Catalog: catalog, Routes: append(Admin(db), stub), Places: Places, Panels: []web.Panel{Panel, SubscriptionPanel},
		Files: map[string]fs.FS{"orders": Files, "stub": os.DirFS(dir)}, Now: db.Now,
		Log: slog.New(slog.DiscardHandler),
		Authenticate: func(context.Context, string) (web.Staff, error) {
			return web.Staff{ID: 7, Name: "Ana Owner", Role: role}, nil
		},
		Shop: func(context.Context) (web.Shop, error) {
			return web.Shop{Name: "Corner Coffee", Zone: time.UTC, Currency: "EUR"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signedIn(r *http.Request) { page.As("x")(r) }

// counter is a small shop with orders in every state.
type counter struct {
	ana, ben id.Customer
	products map[string]id.Product
	ids      map[string]id.Order // by number
}

func open(t *testing.T, db *store.DB) counter {
	t.Helper()
	c := counter{ana: person(t, db, 1), ben: person(t, db, 2), products: goods(t, db, "sencha", "cup", "post"), ids: map[string]id.Order{}}
	p := c.products
	today := testkit.Start
	sales := []Sale{
		{Customer: c.ana, Number: "1001", At: today.AddDate(0, -5, 0), Channel: "online", Staff: "Mia", PromisedDay: "2025-10-05", DeliveredDay: "2025-10-08",
			Lines: []Line{of(p["sencha"], 2, 1495), of(p["cup"], 1, 900), of(p["post"], 1, 390)}, Discount: 200},
		{Customer: c.ana, Number: "1002", At: today.AddDate(0, -3, 0), Channel: "store", Lines: []Line{of(p["sencha"], 1, 1495)}},
		{Customer: c.ben, Number: "1003", At: today.AddDate(0, -2, 0), Channel: "Etsy", CancelledAt: today.AddDate(0, -2, 1), Reason: "out of stock", Lines: []Line{of(p["cup"], 4, 900)}},
		{Customer: c.ben, Number: "1004", At: today.AddDate(0, 0, -9), Channel: "online", PromisedDay: "2026-02-27", Lines: []Line{of(p["cup"], 40, 900)}},
		{Customer: c.ben, Number: "1005", At: today.AddDate(0, 0, -1), Channel: "online", PromisedDay: "2026-03-09", Lines: []Line{of(p["sencha"], 1, 1495)}},
		{Customer: c.ana, Number: "C1001", At: today.AddDate(0, -4, 0), Return: true, ReturnsNumber: "1001", Reason: "damaged", Lines: []Line{of(p["cup"], 1, 900)}},
		{Number: "T-1", At: today.AddDate(0, -1, 0), Channel: "store", Lines: []Line{{p["sencha"], 350, 89, 0, 3115}}},
		{Customer: c.ben, Number: "US-1", At: today.AddDate(0, 0, -3), Currency: "USD", Lines: []Line{of(p["cup"], 1, 1200)}},
	}
	for i := range sales {
		sales[i].Source = "shop"
	}
	for i, o := range place(t, db, sales...).IDs {
		c.ids[sales[i].Number] = o
	}
	return c
}

func TestOrdersAreListedSearchedFilteredAndExported(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := open(t, db)
		h := pages(t, db, web.Manager)
		for query, want := range map[string]string{
			"customer=" + c.ana.String():         "1002 C1001 1001",
			"":                                   "1005 US-1 1004 1003 1002 C1001 1001",
			"sort=placed":                        "1001 C1001 1002 1003 1004 US-1 1005",
			"sort=total&desc=1&state=delivered":  "1001",
			"q=100":                              "1001 1002 1003 1004 1005",
			"q=c10":                              "C1001",
			"q=t-":                               "T-1",
			"q=100&state=late":                   "1001 1004",
			"state=late":                         "1004 1001",
			"state=open":                         "1005 1004",
			"state=cancelled":                    "1003",
			"state=refunded":                     "1001",
			"state=return":                       "C1001",
			"state=unvalued":                     "US-1",
			"channel=Etsy":                       "1003",
			"who=walk-in":                        "T-1",
			"from=2026-02-20&to=2026-02-28":      "US-1 1004",
			"q=nothing":                          "",
			"sort=x&after=nonsense&state=&from=": "1005 US-1 1004 1003 1002 C1001 1001",
		} {
			if got := strings.Join(page.Get(t, h, "/orders?"+query, signedIn).Texts("tbody th[scope=row]"), " "); got != want {
				t.Errorf("%s\n got %s\nwant %s", query, got, want)
			}
		}
		page.Get(t, h, "/orders?q=nothing", signedIn).In(".list", page.HasText("No order matches"))
		page.Get(t, h, "/orders", signedIn).In(".alert-warn", page.HasText("1 order in USD waits"))
		csv := page.Get(t, h, "/orders/export?state=late", signedIn).Text()
		if !strings.Contains(csv, c.ids["1004"].String()) || !strings.Contains(csv, "360.00") || strings.Contains(csv, c.ids["1005"].String()) {
			t.Errorf("the export is %s", csv)
		}
	})
}

func TestTheListIsWalkedPageByPageWithoutGapsOrRepeats(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")["tea"]
		var sales []Sale
		for n := range 130 { // many at one time and of one amount
			sales = append(sales, Sale{Customer: c, Number: fmt.Sprint(n), Source: "shop", At: day1.Add(time.Duration(n/20) * time.Hour), Lines: []Line{of(p, int64(1+n%3), 100)}})
		}
		place(t, db, sales...)
		for _, how := range []Page{{}, {Up: true}, {Sort: "total"}, {Sort: "total", Up: true}} {
			seen := map[id.Order]bool{}
			for how.Limit = 17; ; {
				part, err := List(t.Context(), db, Filter{}, how)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range part.Orders {
					if seen[o.ID] {
						t.Fatalf("%+v shows %s twice", how, o.Number)
					}
					seen[o.ID] = true
				}
				if how.After = part.Next; how.After == "" {
					break
				}
			}
			if len(seen) != 130 {
				t.Fatalf("%+v shows %d orders", how, len(seen))
			}
		}
	})
}

func TestAnOrdersPageTellsItAndRefundsIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := open(t, db)
		h := pages(t, db, web.Manager)
		at := Href(c.ana, c.ids["1001"])
		p := page.Get(t, h, at, signedIn)
		p.In("h1", page.HasText("Order 1001")).In(".terms", page.HasText("3 days late")).In("td", page.HasText("€29.90")).
			In(".terms", page.HasText("Given back")).In(".moment", page.HasText("Returned 1 item, €9.00 back: damaged")).In(".glance", page.HasText("C1001"))
		form := url.Values{"seen": {p.Attr("input[name=seen]", "value")}, "back_1": {"1"}, "reason": {"late"}, "note": {"came after the party"}}
		page.Post(t, h, at+"/refunds", form, signedIn).Redirects(at)
		page.Post(t, h, at+"/refunds", form, signedIn).HasStatus(422).In(".alert-bad", page.HasText("refunded meanwhile"))
		page.Get(t, h, at, signedIn).In(".moment", page.HasText("Returned 1 item, €14.95 back: too late"))
		form = url.Values{"seen": {"2395"}, "amount": {"99999"}, "reason": {"late"}}
		page.Post(t, h, at+"/refunds", form, signedIn).HasStatus(422).In("#error-amount", page.HasText("at most"))
		page.Post(t, h, at+"/refunds", url.Values{"seen": {"2395"}}, signedIn).HasStatus(422).In("#error-reason", page.HasText("Choose why"))

		at = Href(c.ben, c.ids["1005"])
		page.Post(t, h, at+"/promise", url.Values{"promised": {"2026-03-12"}}, signedIn).Redirects(at)
		page.Post(t, h, at+"/promise", url.Values{"promised": {"2020-03-12"}}, signedIn).HasStatus(422).In("#error-promised", page.HasText("before the day"))
		page.Post(t, h, at+"/delivery", url.Values{"delivered": {"2026-03-11"}}, signedIn).Redirects(at)
		page.Get(t, h, at, signedIn).In(".terms", page.HasText("as promised")).In(".moment", page.HasText("instead of")).Not("form[action$=cancellation]")

		at = Href(c.ben, c.ids["1004"])
		page.Post(t, h, at+"/cancellation", url.Values{"cancel_reason": {"out_of_stock"}, "cancel_note": {"the pot broke"}}, signedIn).Redirects(at)
		page.Get(t, h, at, signedIn).In(".subtitle", page.HasText("Cancelled")).In(".terms", page.HasText("the pot broke")).Not("form[action$=promise]")
	})
}

func TestAWalkInsPageGivesItToACustomer(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := open(t, db)
		h := pages(t, db, web.Manager)
		at := "/orders/walk-in/" + c.ids["T-1"].String()
		page.Get(t, h, at, signedIn).In(".subtitle", page.HasText("Walk-in")).In("td", page.HasText("0.35"))
		page.Post(t, h, at+"/owner", url.Values{"who": {"nobody@example.com"}}, signedIn).HasStatus(422).In("#error-who", page.HasText("Nobody is known by that"))
		page.Post(t, h, at+"/owner", url.Values{"who": {"shop:1"}}, signedIn).Redirects(Href(c.ana, c.ids["T-1"]))
		page.Get(t, h, Href(c.ana, c.ids["T-1"]), signedIn).In(".moment", page.HasText("Ordered 1 item for €31.15 in the store"))
		page.Do(t, h, request(t, at), signedIn).HasStatus(404)
	})
}

func request(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAProductsPageTellsWhoBoughtIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := open(t, db)
		h := pages(t, db, web.Manager)
		sold, err := SoldOf(t.Context(), db, c.products["sencha"])
		if err != nil || sold.Pieces != 5 || sold.Amount != 4*1495+3115 || sold.Buyers != 2 || sold.Again != 1 || sold.Walkins != 1 || len(sold.Months) != 6 {
			t.Fatalf("sold is %+v, %v", sold, err)
		}
		at := "/products/" + c.products["sencha"].String()
		page.Get(t, h, at, signedIn).In(".stat", page.HasText("50.0%")).In("tbody th", page.HasText("Customer 1"))
		page.Get(t, h, "/products/"+c.products["cup"].String(), signedIn).In(".alert-warn", page.HasText("1 line is in another currency"))
		page.Post(t, h, at, url.Values{"name": {""}, "kind": {"product"}, "category": {""}}, signedIn).HasStatus(422).In("#error-name")
		page.Post(t, h, "/products/categories", url.Values{"name": {"Tea"}}, signedIn).Redirects("/products/categories")
		all, _ := Categories(t.Context(), db)
		tea := all[0].ID.String()
		page.Post(t, h, at, url.Values{"name": {"Sencha, first flush"}, "kind": {"product"}, "category": {tea}}, signedIn).Redirects(at)
		page.Get(t, h, "/products?q=FLUSH+first", signedIn).Count("tbody tr", 1).In("td", page.HasText("Tea"))
		page.Get(t, h, "/products?category="+tea, signedIn).Count("tbody tr", 1)
		page.Get(t, h, "/products?kind=service", signedIn).Count("tbody tr", 1)
		page.Get(t, h, "/products?q=100%25", signedIn).In(".list", page.HasText("No product matches"))
		page.Post(t, h, "/products/categories/"+tea, url.Values{"name-" + tea: {"Teas"}, "parent-" + tea: {tea}}, signedIn).HasStatus(422).In("#error-parent-" + tea)
		page.Post(t, h, "/products/categories/"+tea, url.Values{"name-" + tea: {"Teas"}}, signedIn).Redirects("/products/categories")
		page.Get(t, h, "/products/categories", signedIn).In(".glance", page.HasText("Teas"))
		page.Post(t, h, "/products/categories/"+tea+"/removal", url.Values{}, signedIn).Redirects("/products/categories")
		if csv := page.Get(t, h, "/products/export", signedIn).Text(); !strings.Contains(csv, "first flush") {
			t.Errorf("the export is %s", csv)
		}
	})
}

func TestRatesAreEnteredOneByOneOrPasted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		open(t, db)
		h := pages(t, db, web.Manager)
		page.Get(t, h, "/orders/rates", signedIn).In(".alert-warn", page.HasText("1 order in USD"))
		page.Post(t, h, "/orders/rates", url.Values{"currency": {"USD"}, "day": {"2026-02-26"}, "rate": {"0,9"}}, signedIn).Redirects("/orders/rates")
		page.Post(t, h, "/orders/rates", url.Values{"many": {"GBP, 2026-02-01, 1.2\nKRW;2026-02-01;0,0006\r\n\r\n"}}, signedIn).Redirects("/orders/rates")
		page.Get(t, h, "/orders/rates", signedIn).Count("tbody tr", 3)
		for _, bad := range []string{"GBP, 2026-02-31, 1.2", "GBP, 2026-02-01", "XXX 2026-02-01 1", "EUR 2026-02-01 1", "GBP 2026-02-01 -1", "GBP 2026-02-01 1e400"} {
			page.Post(t, h, "/orders/rates", url.Values{"many": {bad}}, signedIn).HasStatus(422).In(".alert-bad")
		}
		page.Post(t, h, "/orders/rates", url.Values{}, signedIn).HasStatus(422)
		if err := Value(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		page.Get(t, h, "/orders", signedIn).Not(".alert-warn")
	})
}

func TestTheAuditLogNamesWhoChangedTheHouse(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := open(t, db)
		h := pages(t, db, web.Manager)
		post := func(path string, fields url.Values) { page.Post(t, h, path, fields, signedIn) }
		page.Get(t, h, "/orders/export", signedIn)
		post("/orders/rates", url.Values{"many": {"GBP, 2026-02-01, 1.2\nKRW;2026-02-01;0,0006\nGBP, 2026-02-02, 1.2"}})
		post("/orders/rates", url.Values{"many": {"nonsense"}})
		post("/products/categories", url.Values{"name": {"Green"}})
		all, err := Categories(t.Context(), db)
		if err != nil || len(all) == 0 {
			t.Fatal(all, err)
		}
		green := all[slices.IndexFunc(all, func(c Category) bool { return c.Name == "Green" })].ID.String()
		post("/products/categories/"+green, url.Values{"name-" + green: {""}})
		post("/products/categories/"+green, url.Values{"name-" + green: {"Greens"}})
		post("/products/categories/"+green+"/removal", nil)
		walkin := "/orders/walk-in/" + c.ids["T-1"].String()
		post(walkin+"/cancellation", url.Values{"cancel_reason": {"nonsense"}})
		post(walkin+"/cancellation", url.Values{"cancel_reason": {"out_of_stock"}})
		cup := c.products["cup"].String()
		post("/products/"+cup, url.Values{"name": {"Mug"}, "kind": {KindProduct}})
		post("/products/"+cup, url.Values{"name": {""}, "kind": {KindProduct}})
		want := []string{"orders.exported ", "rates.changed  GBP KRW", "category.added " + green + " name", "category.changed " + green + " name", "category.removed " + green + " name",
			"walkin.cancelled " + c.ids["T-1"].String() + " cancelled", "product.changed " + cup + " name"}
		if got := testkit.Audited(t, db, 7, Files); !slices.Equal(got, want) {
			t.Errorf("the log says %q, want %q", got, want)
		}
	})
}

func TestTheCustomersPageShowsTheirOrders(t *testing.T) {
	db := testkit.DB(t)
	c := open(t, db)
	h := pages(t, db, web.Viewer)
	page.Get(t, h, "/customers/"+c.ana.String(), signedIn).In("#panel-orders", page.HasText("2 purchases")).In("#panel-orders a", page.HasText("1002"))
	page.Get(t, h, "/customers/"+person(t, db, 9).String(), signedIn).In("#panel-orders", page.HasText("Nothing bought yet"))
}

func TestAViewerSeesNoFormsAndMayNotRefund(t *testing.T) {
	db := testkit.DB(t)
	c := open(t, db)
	h := pages(t, db, web.Viewer)
	at := Href(c.ana, c.ids["1001"])
	page.Get(t, h, at, signedIn).Not("main form")
	page.Post(t, h, at+"/refunds", url.Values{"reason": {"late"}}, signedIn).HasStatus(403)
}

func TestEveryPageIsSoundInTheBrowser(t *testing.T) {
	db := testkit.DB(t)
	empty := testkit.DB(t)
	c := open(t, db)
	testkit.Do(t, db, func(tx *store.Tx) error {
		if _, err := AddCategory(t.Context(), tx, "Tea", 0); err != nil {
			return err
		}
		return SetRates(t.Context(), tx, []Rate{{"GBP", "2026-01-05", money.RateOne * 6 / 5, "staff"}})
	})
	box := subscribe(t, db, c.ana, "sub_1", onDay(0), nil)
	subscribe(t, db, c.ana, "sub_1", onDay(40), func(v *Terms) { v.Amount, v.Quantity, v.CancelAt, v.Reason = 4800, 2, onDay(900), "unused" })
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := Renew(t.Context(), tx, Renewal{Source: "shop", External: "sub_1", Number: "in_7", PaidAt: onDay(31), Until: onDay(61), Amount: 2400, Currency: "EUR"})
		return err
	})
	full, bare := pages(t, db, web.Owner), pages(t, empty, web.Owner)
	for name, path := range map[string]string{
		"orders": "/orders", "walkins": "/orders?who=walk-in", "order": Href(c.ana, c.ids["1001"]), "late": Href(c.ben, c.ids["1004"]),
		"return": Href(c.ana, c.ids["C1001"]), "walkin": "/orders/walk-in/" + c.ids["T-1"].String(), "usd": Href(c.ben, c.ids["US-1"]),
		"products": "/products", "product": "/products/" + c.products["sencha"].String(), "categories": "/products/categories",
		"rates": "/orders/rates", "panel": "/customers/" + c.ana.String(), "subscriptions": "/subscriptions", "subscription": SubscriptionHref(c.ana, box),
	} {
		look(t, full, name, path)
	}
	for name, path := range map[string]string{"orders-empty": "/orders", "products-empty": "/products", "categories-empty": "/products/categories", "rates-empty": "/orders/rates",
		"subscriptions-empty": "/subscriptions"} {
		look(t, bare, name, path)
	}
	if unseen := full.Unseen(); len(unseen) > 0 {
		for _, name := range unseen {
			if strings.HasPrefix(name, "orders/") {
				t.Errorf("no test shows %s", name)
			}
		}
	}
}

// look opens a page narrow in the dark and wide in the light.
// REGULARS_SCREENSHOTS names a folder for pictures.
func look(t *testing.T, h *web.Server, name, path string) {
	t.Helper()
	for width, theme := range map[int64]string{browser.Narrow: "dark", browser.Wide: "light"} {
		tab := browser.Open(t, h, "", width, theme)
		tab.SignIn("x")
		tab.Go(path)
		tab.Eval(`(document.querySelectorAll("main details.adding").forEach(d => d.open = true), "")`)
		tab.NoViolations()
		tab.FitsWidth()
		if errors := tab.Errors(); len(errors) > 0 {
			t.Errorf("%s complains: %v", path, errors)
		}
		if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
			tab.Screenshot(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)))
		}
	}
}
