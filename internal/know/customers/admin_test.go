package customers_test

import (
	"context"
	"encoding/json"
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

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// pages serves this module's pages to a signed-in member of staff.
func pages(t *testing.T, db *store.DB, role web.Role) *web.Server {
	t.Helper()
	catalog, err := locale.Load(customers.Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	prague, _ := time.LoadLocation("Europe/Prague")
	s, err := web.New(web.Config{
		Catalog: catalog, Routes: customers.Admin(db, timeline.NewKinds(customers.Kinds), customers.Tables), Places: customers.Places,
		Files: map[string]fs.FS{"customers": customers.Files}, Now: db.Now,
		Log: slog.New(slog.DiscardHandler),
		Authenticate: func(context.Context, string) (web.Staff, error) {
			return web.Staff{ID: 7, Name: "Ana Owner", Role: role}, nil
		},
		Shop: func(context.Context) (web.Shop, error) {
			return web.Shop{Name: "Corner Coffee", Zone: prague, Currency: "CZK"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signedIn(r *http.Request) { page.As("x")(r) }

// crowd makes a few people with a story.
func crowd(t *testing.T, db *store.DB) []id.Customer {
	t.Helper()
	cs := []id.Customer{anna(t, db)}
	for i, name := range []string{"Boris Ivanov", "김민준", "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine the Eleventh of Long Names", "Иван Петров", ""} {
		cs = append(cs, create(t, db, customers.Profile{Name: name, Country: []string{"CZ", "KR", "DE", "BG", "GB"}[i], Language: "cs", JoinedDay: fmt.Sprintf("2025-0%d-11", i+1),
			Identities: []customers.Identity{{Kind: "external", Value: fmt.Sprintf("shop:10%d", i)}}, Source: "import"}))
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		for i, c := range cs {
			if _, err := tx.Exec(t.Context(), `
				insert into customer_facts (customer_id, orders, spend_minor, refunded_minor, net_minor, unvalued, items, last_order_day,
					refunds, cancellations, promises_kept, promises_missed, last_channel, events)
				values ($1, $2, $3, 500, $4, 0, 9, '2026-02-03', 1, 0, 0, 0, 'web', 3)`, int64(c), int64(i), int64(100000*i+50), int64(100000*i-450)); err != nil {
				return err
			}
		}
		return nil
	})
	return cs
}

func TestTheListIsSearchedFilteredSortedAndExported(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		crowd(t, db)
		h := pages(t, db, web.Manager)
		names := func(query string) string {
			t.Helper()
			return strings.Join(page.Get(t, h, "/customers?"+query, signedIn).Texts("tbody th[scope=row] .with-face > span:last-child"), "|")
		}
		long := "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine the Eleventh of Long Names"
		for query, want := range map[string]string{
			"sort=name":                 "Customer 104|Anna of Zanzibar|Boris Ivanov|" + long + "|Иван Петров|김민준",
			"sort=name&desc=1":          "김민준|Иван Петров|" + long + "|Boris Ivanov|Anna of Zanzibar|Customer 104",
			"sort=orders&desc=1":        "Customer 104|Иван Петров|" + long + "|김민준|Boris Ivanov|Anna of Zanzibar",
			"sort=spend":                "Anna of Zanzibar|Boris Ivanov|김민준|" + long + "|Иван Петров|Customer 104",
			"q=민준":                      "김민준",
			"q=ива&sort=name":           "Иван Петров",
			"q=anna+zanz":               "Anna of Zanzibar",
			"tag=zanzibar":              "Anna of Zanzibar",
			"country=BG":                "Иван Петров",
			"consent=email":             "Anna of Zanzibar",
			"orders_from=4&sort=orders": "Иван Петров|Customer 104",
			"spend_from=4,000":          "Customer 104|Иван Петров",
			"from=2025-02-01&to=2025-03-30&sort=joined":        "김민준|" + long,
			"last_from=2026-02-04":                             "",
			"country=BG&q=boris":                               "",
			"sort=nonsense&from=x&after=!&orders_from=-3&tag=": "Anna of Zanzibar|Customer 104|Иван Петров|" + long + "|김민준|Boris Ivanov",
		} {
			if got := names(query); got != want {
				t.Errorf("%s\n got %s\nwant %s", query, got, want)
			}
		}
		page.Get(t, h, "/customers?q=nobodyatall", signedIn).In(".blank-name, .empty-name, p", page.HasText("Nobody matches"))
		csv := page.Get(t, h, "/customers/export?sort=name&col=country&col=spend", signedIn).Body
		if !strings.Contains(csv, "Id,Name,Country,Spent") || !strings.Contains(csv, ",Boris Ivanov,CZ,1000.50") {
			t.Errorf("the export is\n%s", csv)
		}
	})
}

func TestAListIsTurnedPageByPageWithoutGapOrRepeat(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var ps []customers.Profile
		for i := range 130 {
			ps = append(ps, customers.Profile{Name: fmt.Sprintf("Same %d", i%3), JoinedDay: fmt.Sprintf("2025-01-%02d", 1+i%9)})
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.CreateMany(t.Context(), tx, ps)
			return err
		})
		for _, o := range []customers.Order{{Sort: "name"}, {Sort: "name", Desc: true}, {Sort: "joined", Desc: true}} {
			seen := map[id.Customer]bool{}
			for l, err := range customers.All(t.Context(), db, customers.Filter{}, o) {
				if err != nil || seen[l.ID] {
					t.Fatalf("%v: %v twice, %v", o, l.ID, err)
				}
				seen[l.ID] = true
			}
			pages := 0
			for o.Limit = 20; pages == 0 || o.After != ""; pages++ {
				p, err := customers.List(t.Context(), db, customers.Filter{}, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range p.Rows {
					delete(seen, l.ID)
				}
				o.After = p.Next
			}
			if len(seen) != 0 || pages != 7 {
				t.Errorf("%+v: %d were on no page of %d", o, len(seen), pages)
			}
		}
	})
}

func TestASearchListsTheBestFirstUnlessASortIsChosen(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var ps []customers.Profile
		for i := range 60 {
			ps = append(ps, customers.Profile{Name: fmt.Sprintf("Adam Smithson %d", i), Country: []string{"CZ", "IT"}[i%2]})
		}
		ps = append(ps, customers.Profile{Name: "Zoe Smith", Country: "IT", Identities: []customers.Identity{email("smithy@example.com")}})
		createMany(t, db, ps...)
		all := func(f customers.Filter, sort string, limit int) (names []string) {
			t.Helper()
			o := customers.Order{Sort: sort, Limit: limit}
			for first := true; first || o.After != ""; first = false {
				p, err := customers.List(t.Context(), db, f, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range p.Rows {
					names = append(names, l.Name)
				}
				o.After = p.Next
			}
			return names
		}
		for _, f := range []customers.Filter{{Query: "smith"}, {Query: "smith", Country: "IT"}, {Query: "smi", Country: "IT", JoinedTo: "2099-01-01"}} {
			found, named := all(f, customers.Found, 7), all(f, "name", 7)
			if found[0] != "Zoe Smith" || named[len(named)-1] != "Zoe Smith" {
				t.Errorf("%+v: the best is %s, and by name the last is %s", f, found[0], named[len(named)-1])
			}
			slices.Sort(found)
			if slices.Sort(named); !slices.Equal(found, named) {
				t.Errorf("%+v: found are %v, by name %v", f, found, named)
			}
		}
		h := pages(t, db, web.Viewer)
		first := func(query string) string {
			return page.Get(t, h, "/customers?"+query, signedIn).Texts("tbody th[scope=row] .with-face > span:last-child")[0]
		}
		if best, named := first("q=smith"), first("q=smith&sort=name"); best != "Zoe Smith" || named != "Adam Smithson 0" {
			t.Errorf("the page begins with %s, and by name with %s", best, named)
		}
		gone, err := customers.List(t.Context(), db, customers.Filter{Query: "smithson"}, customers.Order{Sort: customers.Found, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := customers.List(t.Context(), db, customers.Filter{Query: "zoe"}, customers.Order{Sort: customers.Found, After: gone.Next}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a page behind somebody who is not found any more: %v", err)
		}
	})
}

func TestAListHoldsAsManyAsItSays(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var ps []customers.Profile
		for i := range 90 {
			// Two words of the name, and the email, begin alike.
			ps = append(ps, customers.Profile{Name: fmt.Sprintf("Nora Nowak %d", i), Country: []string{"CZ", "IT", ""}[i%3],
				Identities: []customers.Identity{email(fmt.Sprintf("nora%d@example.com", i))}})
		}
		made := createMany(t, db, ps...)
		testkit.Do(t, db, func(tx *store.Tx) error {
			if _, err := customers.MergeInto(t.Context(), tx, customers.Tables, made[0], made[1], staff); err != nil {
				return err
			}
			return customers.EraseForGood(t.Context(), tx, customers.Tables, made[2], staff)
		})
		for _, f := range []customers.Filter{{}, {Country: "CZ"}, {Query: "no"}, {Query: "nora nowak"}, {Query: "nora7@"}, {Query: "nobody"},
			{Query: "no", Country: "IT"}, {Country: "IT", OrdersFrom: 1}, {Query: "no", OrdersTo: 5}} {
			listed := 0
			for _, err := range customers.All(t.Context(), db, f, customers.Order{Sort: "name"}) {
				if err != nil {
					t.Fatal(err)
				}
				listed++
			}
			n, more, err := customers.Count(t.Context(), db, f)
			if err != nil || n != listed && !more || more && n > listed {
				t.Errorf("%+v: %d are listed, %d counted, more: %v, %v", f, listed, n, more, err)
			}
		}
		// Three words of each of 88 begin so, and a search looks at 200.
		h := pages(t, db, web.Viewer)
		page.Get(t, h, "/customers?q=no", signedIn).In(".list-total", page.HasText("closest customers; type more"))
		page.Get(t, h, "/customers?q=no&country=IT", signedIn).In(".list-total", page.HasText("closest customers; type more"))
		page.Get(t, h, "/customers?q=nora7@", signedIn).In(".list-total", page.HasText("1 customer"))
	})
}

// form sends a form of the customer's page.
func form(t *testing.T, h http.Handler, path string, pairs ...string) *page.Page {
	t.Helper()
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return page.Post(t, h, path, v, signedIn)
}

func TestEverythingOnACustomersPageCanBeWritten(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := pages(t, db, web.Manager)
		made := form(t, h, "/customers", "name", "Cleo Moreau", "email", "cleo@example.com", "phone", "+33 1 44 55 66 77", "country", "FR", "tag", "Wholesale")
		path := made.Header.Get("Location")
		made.Redirects(path)
		back := func(rest string, pairs ...string) { t.Helper(); form(t, h, path+rest, pairs...).Redirects(path) }
		back("/notes", "note", "Likes <b>dark</b> roast")
		back("/calls", "direction", "in", "outcome", "reached", "said", "Asked for beans")
		back("/tags", "tag", "Gold")
		back("/tags/removal", "tag", "Wholesale")
		back("/tastes", "taste_kind", "music", "taste", "Fado")
		back("/dates", "date_kind", "birthday", "date_day", "29", "date_month", "02", "date_year", "")
		back("/consents", "channel", "email", "answer", "yes", "place", "till", "words", "Send me the news")
		form(t, h, path+"/identities", "kind", "card", "value", "AB 99").Redirects(path + "/edit")
		form(t, h, path+"/addresses", "street", "Rue 1", "city", "Lyon", "postcode", "69001", "address_country", "FR").Redirects(path + "/edit")
		seen := page.Get(t, h, path+"/edit", signedIn).Attr("input[name=seen]", "value")
		clock.Advance(time.Minute)
		form(t, h, path, "name", "Cléo Moreau", "language", "fr", "country", "FR", "seen", seen).Redirects(path)
		form(t, h, path, "name", "Too late", "seen", seen).HasStatus(422).In("[role=alert]", page.HasText("Somebody else changed"))

		p := page.Get(t, h, path, signedIn)
		p.In("h1", page.HasText("Cléo Moreau"))
		for _, want := range []string{"Likes <b>dark</b> roast", "Asked for beans", "Gold", "Music: Fado", "29 Feb", "agreed", "Send me the news", "AB99", "Rue 1", "69001 Lyon", "French", "+33144556677"} {
			p.In("main", page.HasText(want))
		}
		if strings.Contains(p.Text(), "Wholesale") {
			t.Error("the tag that was removed is still there")
		}
		page.Get(t, h, path+"?group=conversations", signedIn, page.HTMX("story")).Count(".moment", 2).Not("h1")

		takeBack := page.Get(t, h, path+"?group=conversations", signedIn).Attr(".moment form", "action")
		form(t, h, takeBack).Redirects(path)
		if text := page.Get(t, h, path, signedIn).Text(); strings.Contains(text, "Asked for beans") == strings.Contains(text, "dark") {
			t.Error("not exactly one of the two texts was deleted")
		}
		form(t, h, path+"/notes", "note", " ").HasStatus(422).In("#error-note")
		form(t, h, path+"/consents", "channel", "sms", "answer", "yes", "place", "till").HasStatus(422).In("#error-words")
		form(t, h, path+"/dates", "date_kind", "birthday", "date_day", "31", "date_month", "02").HasStatus(422).In("#error-date_day")
		form(t, h, path+"/identities", "kind", "email", "value", "nonsense").HasStatus(422).In("#error-value", page.HasText("looks like"))
		form(t, h, "/customers", "email", "cleo@example.com").HasStatus(422).In("[role=alert]", page.HasText("belongs to another customer"))
		form(t, h, "/customers").HasStatus(422)
		form(t, h, "/customers/cus_0000000000001/notes", "note", "x").HasStatus(404)
		form(t, h, "/customers/nobody/notes", "note", "x").HasStatus(404)
	})
}

func TestMergingOnThePagesAndBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := pages(t, db, web.Manager)
		a := create(t, db, customers.Profile{Name: "Jan Novák", Identities: []customers.Identity{{Kind: "phone", Value: "+420601123456"}}})
		b := create(t, db, customers.Profile{Name: "Novak Jan", Identities: []customers.Identity{{Kind: "phone", Value: "601123456"}}})
		if err := customers.FindDuplicates(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		pairs := page.Get(t, h, "/customers/duplicates", signedIn).In("tbody tr", page.HasText("same phone"))
		compare := pairs.Attr("tbody a.btn", "href")
		page.Get(t, h, compare, signedIn).In("tbody tr", page.HasText("+420601123456")).Count("input[type=radio]", 2)
		page.Get(t, h, "/customers/"+b.String()+"/merge", signedIn).In(".lines a", page.HasText("Jan Novák"))
		to := "/customers/" + b.String()
		form(t, h, "/customers/"+a.String()+"/merges", "with", b.String(), "keep", b.String()).Redirects(to)
		page.Do(t, h, get("/customers/"+a.String())).Redirects(to)
		form(t, h, "/customers/"+a.String()+"/notes", "note", "written on the old page").Redirects("/customers/" + a.String())
		p := page.Get(t, h, to, signedIn).In(".moment", page.HasText("written on the old page"))
		undo := p.Attr("form[action$=undoing]", "action")
		form(t, h, "/customers/"+b.String()+"/merges", "with", b.String(), "keep", b.String()).HasStatus(422)
		form(t, h, undo).Redirects(to)
		form(t, h, undo).HasStatus(409)
		page.Get(t, h, "/customers/"+a.String(), signedIn).In("h1", page.HasText("Jan Novák"))
		dismissal := page.Get(t, h, "/customers/duplicates", signedIn).Attr("form[action$=dismissal]", "action")
		form(t, h, dismissal).Redirects("/customers/duplicates")
		page.Get(t, h, "/customers/duplicates", signedIn).Not("tbody").In("main", page.HasText("No likely duplicates"))
		form(t, h, "/customers/duplicates").Redirects("/customers/duplicates")
	})
}

func TestTheAuditLogNamesWhoExportedMergedAndErased(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := pages(t, db, web.Manager)
		a := create(t, db, customers.Profile{Name: "Jan Novák", Identities: []customers.Identity{{Kind: "phone", Value: "+420601123456"}}})
		b := create(t, db, customers.Profile{Name: "Novak Jan", Identities: []customers.Identity{{Kind: "phone", Value: "601123456"}}})
		if err := customers.FindDuplicates(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		page.Get(t, h, "/customers/export", signedIn)
		page.Get(t, h, "/customers/"+a.String()+"/export", signedIn)
		form(t, h, "/customers/"+a.String()+"/merges", "with", b.String(), "keep", b.String())
		undo := page.Get(t, h, "/customers/"+b.String(), signedIn).Attr("form[action$=undoing]", "action")
		form(t, h, undo)
		form(t, h, undo).HasStatus(409)
		form(t, h, "/customers/duplicates/"+a.String()+"/"+b.String()+"/dismissal")
		form(t, h, "/customers/"+b.String()+"/erasure", "confirm", "somebody else").HasStatus(422)
		form(t, h, "/customers/"+b.String()+"/erasure", "confirm", "Novak Jan")
		want := []string{"customers.exported ", "customer.exported " + a.String(), "customer.merged " + b.String(), "customer.unmerged " + b.String(),
			"duplicate.dismissed " + a.String(), "customer.erased " + b.String()}
		if got := testkit.Audited(t, db, 7, customers.Files); !slices.Equal(got, want) {
			t.Errorf("the log says %q, want %q", got, want)
		}
	})
}

func get(path string) *http.Request {
	r, _ := http.NewRequest(http.MethodGet, path, nil)
	signedIn(r)
	return r
}

func TestAPersonIsDownloadedAndErasedOnlyWithTheirNameTyped(t *testing.T) {
	db := testkit.DB(t)
	c := anna(t, db)
	h := pages(t, db, web.Manager)
	path := "/customers/" + c.String()
	if zip := page.Get(t, h, path+"/export", signedIn); !strings.HasPrefix(zip.Body, "PK") || !strings.Contains(zip.Body, "README.txt") {
		t.Errorf("the person gets %.20q", zip.Body)
	}
	file := page.Get(t, h, path+"/export?format=json", signedIn)
	if !json.Valid([]byte(file.Body)) || !strings.Contains(file.Header.Get("Content-Disposition"), c.String()) {
		t.Errorf("the export is %q", file.Body[:80])
	}
	page.Get(t, h, path+"/erasure", signedIn).In("label", page.HasText("Anna of Zanzibar"))
	form(t, h, path+"/erasure", "confirm", "Anna").HasStatus(422).In("#error-confirm")
	if len(findings(t, db)) == 0 {
		t.Fatal("erased without the name")
	}
	form(t, h, path+"/erasure", "confirm", "anna of zanzibar").Redirects("/customers")
	if left := findings(t, db); len(left) > 0 {
		t.Errorf("still in %v", left)
	}
	page.Get(t, h, path, signedIn).In("main", page.HasText("This person was erased")).In("#receipt tbody th", page.HasText("customer_identities")).In("main", page.HasText("Genuine"))
	if receipt := page.Get(t, h, path+"/receipt", signedIn).Body; !strings.Contains(receipt, `"genuine":true`) || strings.Contains(receipt, "Zanzibar") {
		t.Error(receipt)
	}
	page.Get(t, h, "/customers", signedIn).In("main", page.HasText("Nobody here yet"))
}

func TestWhoMayOnlyLookIsOfferedNoForms(t *testing.T) {
	db := testkit.DB(t)
	c := anna(t, db)
	h := pages(t, db, web.Viewer)
	page.Get(t, h, "/customers/"+c.String(), signedIn).Not("main form")
	for _, path := range []string{"/customers/export", "/customers/new", "/customers/duplicates", "/customers/" + c.String() + "/export", "/customers/" + c.String() + "/erasure"} {
		page.Do(t, h, get(path)).HasStatus(403)
	}
	form(t, h, "/customers/"+c.String()+"/notes", "note", "x").HasStatus(403)
}

// dead marks the main email of a customer as undeliverable, and returns it.
func dead(t testing.TB, db *store.DB, c id.Customer) string {
	t.Helper()
	who, err := customers.ByID(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := customers.BounceMany(t.Context(), tx, staff, []customers.Bounce{{Customer: c, Address: who.Email}})
		return err
	})
	return who.Email
}

func TestADeadAddressIsSeenAndRevivedOnTheCustomersPage(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := named(t, db, "Ana")
		h := pages(t, db, web.Till)
		path := "/customers/" + c.String()
		page.Do(t, h, get(path)).Not(`form[action$="reachability"]`)
		email := dead(t, db, c)
		page.Do(t, h, get(path)).In(".pill-warn", page.HasText("undeliverable"))
		form(t, h, path+"/reachability", "address", email).Redirects(path)
		page.Do(t, h, get(path)).Not(`form[action$="reachability"]`)
		if ok, err := customers.Reachable(t.Context(), db, c, email); err != nil || !ok {
			t.Error("it is dead still", err)
		}
	})
}

func TestThePagesAreFitForEverybodyAtEverySize(t *testing.T) {
	db := testkit.DB(t)
	cs := crowd(t, db)
	dead(t, db, cs[0])
	create(t, db, customers.Profile{Name: "Anna Zanzibar", Identities: []customers.Identity{{Kind: "phone", Value: "601123456"}}})
	if err := customers.FindDuplicates(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	h := pages(t, db, web.Manager)
	one := "/customers/" + cs[0].String()
	paths := map[string]string{"list": "/customers?tag=zanzibar", "all": "/customers", "one": one, "long": "/customers/" + cs[3].String(), "edit": one + "/edit", "new": "/customers/new",
		"merge": one + "/merge?with=" + cs[1].String(), "find": one + "/merge?q=i", "duplicates": "/customers/duplicates", "erase": one + "/erasure", "none": "/customers?q=xyzzy"}
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Wide, "dark"}, {browser.Narrow, "dark"}, {browser.Wide, "light"}} {
		tab := browser.Open(t, h, "", view.width, view.theme)
		tab.SignIn("x")
		for name, path := range paths {
			if name != "one" && name != "all" && (view.width == browser.Narrow) == (view.theme == "dark") {
				continue // each page in both widths and both themes, not in all four
			}
			tab.Go(path)
			tab.Eval(`document.querySelectorAll("details.adding, .lines details").forEach(d => d.open = true)`)
			if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
				tab.Screenshot(filepath.Join(dir, fmt.Sprintf("customers-%s-%d-%s.png", name, view.width, view.theme)))
			}
			tab.FitsWidth()
			tab.NoViolations()
			if t.Failed() {
				t.Logf("on %s at %d %s", path, view.width, view.theme)
			}
		}
		for _, e := range tab.Errors() {
			t.Errorf("the browser complains: %s", e)
		}
	}
	if unseen := h.Unseen(); len(unseen) > 0 {
		for _, u := range unseen {
			if strings.HasPrefix(u, "customers/") && u != "customers/erased.html" {
				t.Errorf("no test looked at %s", u)
			}
		}
	}
}
