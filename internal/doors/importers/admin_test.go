package importers_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"regulars/internal/doors/importers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

// house is these pages over one database, with Ana as its manager.
type house struct {
	*web.Server
	t     testing.TB
	db    *store.DB
	token string
}

func build(t testing.TB, db *store.DB) house {
	t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, sheet.Files, orders.Files, importers.Files)
	if err != nil {
		t.Fatal(err)
	}
	s, err := web.New(web.Config{
		Catalog: catalog, Places: importers.Places, Routes: importers.Admin(db),
		Files:        map[string]fs.FS{"importers": importers.Files},
		Authenticate: users.Authenticator(db), Shop: workspace.Shop(db), Now: db.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := house{Server: s, t: t, db: db}
	h.token = h.hire("Ana Novak", "ana@example.com", web.Manager)
	return h
}

func (h house) hire(name, email string, role web.Role) (token string) {
	h.t.Helper()
	p, err := users.NewPassword("seven grey cats")
	if err != nil {
		h.t.Fatal(err)
	}
	testkit.Do(h.t, h.db, func(tx *store.Tx) error {
		user, err := users.Add(h.t.Context(), tx, users.New{Name: name, Email: email, Role: role, Password: p})
		if err != nil {
			return err
		}
		token, err = users.Start(h.t.Context(), tx, user, "Firefox · Linux")
		return err
	})
	return token
}

// settle says that the business counts in euros and lives in Prague.
func settle(t testing.TB, db *store.DB) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		shop := workspace.Guess
		shop.Zone, shop.Country = "Europe/Prague", "CZ"
		return workspace.Save(t.Context(), tx, 0, shop)
	})
}

// upload posts a file as the browser does.
func (h house) upload(name string, body []byte) *page.Page {
	h.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if name != "" {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			h.t.Fatal(err)
		}
		_, _ = part.Write(body)
	}
	form.Close()
	r := httptest.NewRequest(http.MethodPost, "/imports", &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return page.Do(h.t, h, r, page.As(h.token))
}

// newest is the import that was made last.
func newest(t testing.TB, db *store.DB) importers.Import {
	t.Helper()
	all, err := importers.List(t.Context(), db, 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d imports, %v", len(all), err)
	}
	return all[0]
}

// filled is the form of a page as it would be posted unchanged.
func filled(p *page.Page) url.Values {
	v := url.Values{}
	for i := range 300 {
		name := fmt.Sprintf("column-%d", i)
		if p.Attr("#field-"+name, "name") == "" {
			break
		}
		v.Set(name, p.Attr("#field-"+name+" option[selected]", "value"))
	}
	for _, name := range []string{"currency", "zone", "dates", "mark", "encoding", "shop-currency", "shop-zone"} {
		if p.Attr("#field-"+name, "name") != "" {
			v.Set(name, p.Attr("#field-"+name+" option[selected]", "value"))
		}
	}
	for _, name := range []string{"source", "channel"} {
		v.Set(name, p.Attr("#field-"+name, "value"))
	}
	return v
}

const beans = `Order no,Placed,Buyer,Mail,Article,Pieces,Each
1001,2026-01-05 10:00,Ana Dvořáková,ana@example.com,Guji,2,8.50
1001,2026-01-05 10:00,Ana Dvořáková,ana@example.com,Filter,1,4.00
1002,2026-01-06 11:30,Boris Ivanov,boris@example.com,Guji,1,8.50
1003,2026-02-31 11:30,Boris Ivanov,boris@example.com,Guji,1,8.50
1004,2026-02-07 09:15,,,Filter,3,4.00
`

func TestAFileIsUploadedCheckedImportedAndUndoneInTheBrowser(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		h := build(t, db)
		as := page.As(h.token)
		page.Get(t, h, "/imports", as).In(".blank", page.HasText("Nothing was imported yet"))
		at := h.upload(`C:\files\beans.csv`, []byte(beans)).Header.Get("Location")
		check := page.Get(t, h, at, as)
		check.In("h1", page.HasText("Check beans.csv")).In("#told", page.HasText("Choose the columns that are missing"))
		form := filled(check)
		for i, field := range []string{"order", "date", "name", "email", "product", "quantity", "price"} {
			form.Set(fmt.Sprintf("column-%d", i), field)
		}
		page.Post(t, h, at, form, as).Redirects(at)
		again := page.Get(t, h, at, as)
		again.In("#told", page.HasText("Ana Dvořáková, ana@example.com")).In("#told", page.HasText("€17.00")).
			In("#told .row-bad", page.HasText("2026-02-31 does not exist")).In("#told", page.HasText("nobody known"))
		form.Set("do", "start")
		page.Post(t, h, at, form, as).Redirects(at)
		page.Get(t, h, at, as).In("#progress", page.HasText("Importing beans.csv")).In("#progress")
		poll := page.Get(t, h, at, as).Attr("#progress", "hx-get")
		page.Get(t, h, poll, as, page.HTMX("progress")).In("#progress").Not("h1")
		work(t, db)
		if p := page.Do(t, h, httptest.NewRequest(http.MethodGet, poll, nil), as, page.HTMX("progress")); p.Header.Get("HX-Refresh") != "true" {
			t.Error("the page is not shown anew at the end")
		}
		done := page.Get(t, h, at, as)
		done.In(".alert-good", page.HasText("complete")).In(".stat", page.HasText("New orders 3")).
			In("#bad", page.HasText("2026-02-31 does not exist")).In(".stat", page.HasText("New customers 2"))
		page.Get(t, h, "/imports", as).In("#imports tbody tr", page.HasText("beans.csv"))
		if n := number(t, db, `select count(*) from import_files`); n != 0 {
			t.Errorf("%d parts of the file are kept", n)
		}
		mend := page.Get(t, h, at+"/errors/export", as)
		want := "\ufeffOrder no,Placed,Buyer,Mail,Article,Pieces,Each,line,column,reason\n" +
			`1003,2026-02-31 11:30,Boris Ivanov,boris@example.com,Guji,1,8.50,5,Placed,2026-02-31 does not exist. Correct the date` + "\n"
		if mend.Body != want {
			t.Errorf("to be mended: %q", mend.Body)
		}
		if n := number(t, db, `select count(*) from audit where action = 'import.rows_exported' and user_id <> 0`); n != 1 {
			t.Errorf("the audit log has %d lines of the rows that were given out", n)
		}
		mended := strings.Replace(mend.Body, "02-31", "02-28", 1)
		at2 := h.upload("beans to mend.csv", []byte(mended)).Header.Get("Location")
		second := page.Get(t, h, at2, as).In(".alert-good", page.HasText("came in before"))
		form = filled(second)
		form.Set("do", "start")
		page.Post(t, h, at2, form, as).Redirects(at2)
		work(t, db)
		page.Get(t, h, at2, as).In(".stat", page.HasText("New orders 1")).Not("#bad")
		page.Post(t, h, at+"/undoing", nil, as).Redirects(at)
		page.Get(t, h, at, as).In("#progress", page.HasText("Undoing"))
		work(t, db)
		page.Get(t, h, at, as).In(".alert-plain", page.HasText("undone"))
		if n := number(t, db, `select count(*) from orders`); n != 1 {
			t.Errorf("%d orders are left, want that of the other import", n)
		}
		page.Post(t, h, at+"/undoing", nil, as).Redirects(at)
	})
}

func TestAnUploadThatIsNoTableIsRefusedBesideItsField(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	for name, c := range map[string]struct {
		body []byte
		says string
	}{
		"empty.csv": {nil, "empty"}, "picture.png": {append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 5000)...), "Export the table"},
		"cut.xlsx": {[]byte("PK\x03\x04 and then nothing"), "breaks off"}, "": {nil, "choose a file"},
	} {
		h.upload(name, c.body).HasStatus(422).In("#error-file")
		if p := h.upload(name, c.body); !strings.Contains(p.Text(), c.says) {
			t.Errorf("%s: %v, want %q", name, p.Texts("#error-file"), c.says)
		}
	}
	if n := number(t, db, `select (select count(*) from import_files) + (select count(*) from imports)`); n != 0 {
		t.Errorf("%d rows are kept of them", n)
	}
}

func TestOnlyManagersBringFilesIn(t *testing.T) {
	db := testkit.DB(t)
	h := build(t, db)
	h.token = h.hire("Ben Kral", "ben@example.com", web.Agent)
	page.Do(t, h, httptest.NewRequest(http.MethodGet, "/imports", nil), page.As(h.token)).HasStatus(403)
	h.upload("x.csv", []byte(beans)).HasStatus(403)
}

func TestTheCheckAsksWhatCannotBeTold(t *testing.T) {
	db := testkit.DB(t) // nobody has chosen currency and zone
	h := build(t, db)
	as := page.As(h.token)
	at := h.upload("dates.csv", []byte("Order,Date,Email,Total,Note,Other total\n1,3/4/2026,a@example.com,10,,\n2,1/2/2026,b@example.com,12,,5\n")).Header.Get("Location")
	p := page.Get(t, h, at, as).In(".alert-warn", page.HasText("day or the month")).In("#field-shop-currency")
	form := filled(p)
	form.Set("do", "start")
	form.Set("column-5", "total")
	wrong := page.Post(t, h, at, form, as).HasStatus(422)
	wrong.In("#error-column-5", page.HasText("chosen for the column Total already")).In("#error-dates")
	form.Set("column-5", "")
	form.Set("dates", "day")
	form.Set("currency", "USD")
	form.Set("shop-currency", "CZK")
	form.Set("shop-zone", "Europe/Prague")
	page.Post(t, h, at, form, as).Redirects(at)
	shop, err := workspace.Load(t.Context(), db)
	if err != nil || !shop.Saved || shop.Currency != "CZK" || shop.Zone != "Europe/Prague" {
		t.Errorf("the business: %+v, %v", shop, err)
	}
	work(t, db)
	if day := text(t, db, `select placed_day from orders where number = '1'`); day != "2026-04-03" {
		t.Errorf("3/4/2026 was read as %s", day)
	}
	at = h.upload("dates.csv", []byte("Order,Date,Email,Total,Note,Other total\n1,3/4/2026,a@example.com,10,,\n2,1/2/2026,b@example.com,12,,5\n")).Header.Get("Location")
	p = page.Get(t, h, at, as).In(".alert-warn", page.HasText("imported before")).In(".alert-warn", page.HasText("No rate is known for USD")).Not("#field-shop-currency")
	missing := filled(p)
	missing.Set("column-1", "")
	missing.Set("do", "start")
	missing.Set("column-2", "")
	page.Post(t, h, at, missing, as).HasStatus(422).In(".alert-warn", page.HasText("Something is missing"))
	page.Post(t, h, at+"/removal", nil, as).Redirects("/imports")
	page.Do(t, h, httptest.NewRequest(http.MethodGet, at, nil), as).HasStatus(404)
	removed := 0
	if err := db.QueryRow(t.Context(), `select count(*) from audit a join users u on u.id = a.user_id
		where a.action = 'import.removed' and a.subject = $1`, strings.TrimPrefix(at, "/imports/")).Scan(&removed); err != nil || removed != 1 {
		t.Errorf("the audit log has %d lines of the removal, %v", removed, err)
	}
}

func TestAnotherSheetOrEncodingIsLookedAtAnew(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	as := page.As(h.token)
	// "Dvořák" in windows-1250.
	at := h.upload("old.csv", []byte("Order,Date,Email,Name,Total\n1,2026-04-03,a@example.com,Dvo\xf8\xe1k,10\n")).Header.Get("Location")
	form := filled(page.Get(t, h, at, as))
	form.Set("encoding", "windows-1250")
	page.Post(t, h, at, form, as).Redirects(at)
	page.Get(t, h, at, as).In("#told", page.HasText("Dvořák"))
	form.Set("encoding", "utf-16le")
	page.Post(t, h, at, form, as).Redirects(at)
	p := page.Do(t, h, httptest.NewRequest(http.MethodGet, at, nil), as)
	if p.Status == 422 {
		page.Post(t, h, at, url.Values{"encoding": {""}}, as).Redirects(at)
		page.Get(t, h, at, as).In("#told")
	}
}

func TestAStoppedImportGoesOnOrIsUndone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		h := build(t, db)
		as := page.As(h.token)
		at := h.upload("sales.csv", []byte(manySales(50, 0))).Header.Get("Location")
		form := filled(page.Get(t, h, at, as))
		form.Set("do", "start")
		page.Post(t, h, at, form, as).Redirects(at)
		page.Post(t, h, at+"/stop", nil, as).Redirects(at)
		work(t, db)
		page.Get(t, h, at, as).In(".alert-warn", page.HasText("stopped"))
		if n := number(t, db, `select count(*) from orders`); n != 0 {
			t.Errorf("%d orders came in after the stop", n)
		}
		page.Post(t, h, at+"/continuation", nil, as).Redirects(at)
		work(t, db)
		page.Get(t, h, at, as).In(".alert-good")
		page.Post(t, h, at+"/stop", nil, as).Redirects(at)
		if im := newest(t, db); im.State != importers.Complete {
			t.Errorf("stopping a complete import makes it %s", im.State)
		}
	})
}

// look keeps a picture of the page where REGULARS_SCREENSHOTS names a folder,
// for a person to look at.
func look(tab *browser.Tab, name string) {
	if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, "imports-"+name+".png"))
	}
}

func TestImportPagesAreFitForEverybodyAtEverySize(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	as := page.As(h.token)
	paths := map[string]string{"list": "/imports"}
	start := func(name string, body string) string {
		at := h.upload(name, []byte(body)).Header.Get("Location")
		form := filled(page.Get(t, h, at, as))
		form.Set("do", "start")
		page.Post(t, h, at, form, as).Redirects(at)
		return at
	}
	bad := "Order,Date,Email,Product,Quantity,Price\n"
	for i := range 60 {
		bad += fmt.Sprintf("%d,2026-02-%02d,somebody.with.a.long.name.%d@example.com,Ethiopia Guji,%d,8.50\n", i, 20+i%12, i, i)
	}
	paths["complete"] = start("orders of a spring with a rather long name 2026.csv", bad)
	work(t, db)
	paths["undone"] = start("sales of the till.csv", manySales(30, 0))
	work(t, db)
	page.Post(t, h, paths["undone"]+"/undoing", nil, as)
	work(t, db)
	paths["stopped"] = start("stopped.csv", manySales(20, 100))
	page.Post(t, h, paths["stopped"]+"/stop", nil, as)
	paths["running"] = start("online store.csv", manySales(40, 200))
	paths["check"] = h.upload("a list of all that we sold.csv", []byte("Order no;Day;Name;Mail;Product;Qty;Price\n1;3.4.2026;Ana;ana@example.com;Guji;2;8,50\n2;2.4.2026;Bob;bob@example.com;Filter papers of the better kind;1;1.004,00\n2;2.4.2026;Bob;bob@example.com;Mug\n")).Header.Get("Location")
	for name, file := range map[string]string{"shop": "shopify_orders.csv", "audience": "mailchimp_cleaned.csv", "contacts": "contacts.vcf"} {
		paths[name] = h.upload(file, []byte(shopFile(t, file))).Header.Get("Location")
	}
	paths["list of people"] = start("unsubscribed.csv", shopFile(t, "mailchimp_unsubscribed.csv"))
	work(t, db)
	for _, width := range []int64{browser.Narrow, browser.Wide} {
		for _, theme := range []string{"light", "dark"} {
			tab := browser.Open(t, h, "", width, theme)
			tab.SignIn(h.token)
			for _, name := range slices.Sorted(func(yield func(string) bool) {
				for n := range paths {
					if !yield(n) {
						return
					}
				}
			}) {
				tab.Go(paths[name])
				look(tab, fmt.Sprintf("%s-%d-%s", name, width, theme))
				tab.NoViolations()
				tab.FitsWidth()
			}
			if said := tab.Errors(); len(said) > 0 {
				t.Errorf("the browser complains: %q", said)
			}
		}
	}
	for _, name := range h.Unseen() {
		if strings.HasPrefix(name, "importers/") && name != "importers/unreadable.html" {
			t.Errorf("%s was looked at by nobody", name)
		}
	}
}

func shopFile(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "shops", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestAShopsFileIsRecognisedOnTheCheckPage walks a file in as a person does:
// the page names the shop, says what the rows mean, and the import follows.
func TestAShopsFileIsRecognisedOnTheCheckPage(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		h := build(t, db)
		as := page.As(h.token)
		for file, k := range map[string]struct{ shop, told string }{
			"shopify_orders.csv":             {"Shopify, orders", "#1006"},
			"woocommerce_webtoffee.csv":      {"WooCommerce, orders", "BOX Tea | gift box, Spoon"},
			"stripe_payments.csv":            {"Stripe, payments", "Payment by Stripe"},
			"square_items.csv":               {"Square, items", "LAT Latte Large"},
			"mailchimp_unsubscribed.csv":     {"Mailchimp, audience", "no emails, please"},
			"mailchimp_cleaned.csv":          {"Mailchimp, audience", "the address is dead"},
			"shopify_customers_template.csv": {"Shopify, customers", "agreed to emails"},
			"contacts.vcf":                   {"Contacts (vCard)", "Ben Short"},
		} {
			at := h.upload(file, []byte(shopFile(t, file))).Header.Get("Location")
			check := page.Get(t, h, at, as)
			check.In(".alert-good", page.HasText(k.shop))
			check.In("#told", page.HasText(k.told))
			form := filled(check)
			form.Set("do", "start")
			page.Post(t, h, at, form, as).Redirects(at)
			work(t, db)
			page.Get(t, h, at, as).In(".stats", page.HasText("New customers"))
		}
		expect(t, "Shopify's", strings.Join(slices.DeleteFunc(strings.Split(books(t, db), "\n"), func(l string) bool { return !strings.HasPrefix(l, "shopify") }), "\n"), shopifyBooks)
	})
}

func TestAFileIsDroppedAndWatchedInARealBrowser(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	file := filepath.Join(t.TempDir(), "sales.csv")
	if err := os.WriteFile(file, []byte(manySales(200, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := browser.Open(t, h, "", browser.Wide, "light")
	tab.SignIn(h.token)
	tab.Go("/imports")
	tab.Upload("#field-file", file)
	if said := tab.Text(".drop-say"); !strings.Contains(said, "sales.csv") {
		t.Errorf("the field says %q", said)
	}
	tab.Click(".form button")
	tab.Wait("#told")
	tab.Click("button[value=start]")
	tab.Wait("#progress")
	work(t, db)
	tab.Wait(".alert-good")
	if said := tab.Text(".stats"); !strings.Contains(said, "200") {
		t.Errorf("the summary says %q", said)
	}
	tab.Click("[data-dialog=undo]")
	tab.Wait("#undo .window-foot")
	look(tab, "undo")
	tab.NoViolations()
	tab.Click("#undo .btn-danger")
	tab.Wait("#progress")
	work(t, db)
	tab.Wait(".alert-plain")
	if said := tab.Errors(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

// begin uploads a file past the pages and starts it.
func begin(t testing.TB, db *store.DB, body string) id.Import {
	t.Helper()
	i, err := importers.Spool(t.Context(), db, importers.Import{File: "file.csv"}, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	im, err := importers.ByID(t.Context(), db, i)
	if err != nil {
		t.Fatal(err)
	}
	p, err := importers.Check(t.Context(), db, im)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		return importers.Begin(t.Context(), tx, 0, i, p.Header, p.Settings, importers.Place{Currency: "EUR", Zone: "Europe/Prague"})
	})
	return i
}

// work does all background work there is.
func work(t testing.TB, db *store.DB) {
	t.Helper()
	if err := jobs.Drain(t.Context(), db, kinds(db)); err != nil {
		t.Fatal(err)
	}
}

func pageOf(t testing.TB, h house, path string) string {
	t.Helper()
	return page.Get(t, h, path, page.As(h.token)).Body
}
