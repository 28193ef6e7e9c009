package web_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// demo is a module of one form, as small as one can be.
var demo = fstest.MapFS{
	"text/en.json": {Data: []byte(`{"demo.title": "Notes & more", "demo.note": "Note", "demo.card": "No customer has the card {{.Card}}.", "demo.busy": "Too much at once.", "demo.tier": "This tier exists already.", "nav.demo": "Notes", "nav.secret": "Secrets"}`)},
	"text/cs.json": {Data: []byte(`{"demo.title": "Poznámky", "demo.card": "Kartu {{.Card}} nikdo nemá."}`)},
	"pages/note.html": {Data: []byte(`{{define "title"}}{{t "demo.title"}}{{end}}
{{define "content"}}<form method="post" action="{{url "/note"}}">{{template "kit/errors" .Form}}
{{template "kit/field" ((.Form.TextField "note" (t "demo.note")).Must.Max 5)}}</form>
<div id="results">{{block "results" .}}<p class="r">{{.Text}}</p>{{end}}</div>{{end}}`)},
	"pages/panel.html": {Data: []byte(`{{define "panel"}}<section class="panel">{{.}}</section>{{end}}`)},
}

type notePage struct {
	Form *web.Form
	Text string
}

func noteForm(w http.ResponseWriter, r *web.Request) error {
	return r.Render(w, "demo/note.html", notePage{Form: r.NewForm(), Text: "first"})
}

func saveNote(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	note := f.Need("note", 5)
	if !f.OK() {
		return r.RenderStatus(w, 422, "demo/note.html", notePage{Form: f})
	}
	r.Flash(w, "good", "Kept "+note)
	return r.Redirect(w, "/note")
}

func failing(err error) web.Handler {
	return func(http.ResponseWriter, *web.Request) error { return err }
}

type harness struct {
	*web.Server
	log *strings.Builder
}

func serve(t *testing.T, change ...func(*web.Config)) harness {
	t.Helper()
	catalog, err := locale.Load(web.Text(), demo)
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	c := web.Config{
		Catalog: catalog, Dev: true, Log: slog.New(slog.NewTextHandler(log, nil)),
		Routes: []web.Route{
			{Pattern: "GET /{$}", Role: web.Viewer, Handler: noteForm},
			{Pattern: "GET /note", Role: web.Viewer, Handler: noteForm},
			{Pattern: "POST /note", Role: web.Agent, Handler: saveNote},
			{Pattern: "GET /open", Role: web.Public, Handler: noteForm},
			{Pattern: "GET /secret", Role: web.Owner, Handler: noteForm},
			{Pattern: "GET /gone", Role: web.Public, Handler: failing(errs.Missing("demo.card", "Card", "C-7"))},
			{Pattern: "GET /broken", Role: web.Public, Handler: failing(io.ErrUnexpectedEOF)},
			{Pattern: "GET /busy", Role: web.Public, Handler: failing(errs.Of(errs.Unavailable, nil, "demo.busy"))},
			{Pattern: "GET /panic", Role: web.Public, Handler: func(http.ResponseWriter, *web.Request) error { panic("secret 4711") }},
			{Pattern: "POST /collect", Role: web.Public, AnyOrigin: true, Handler: func(w http.ResponseWriter, r *web.Request) error {
				return r.JSON(w, map[string]any{"staff": r.Staff.Name})
			}},
		},
		Files: map[string]fs.FS{"demo": demo},
		Places: []web.Place{
			{Key: "nav.demo", Href: "/note", Icon: "note", Order: 1, Role: web.Viewer},
			{Key: "nav.secret", Href: "/secret", Icon: "lock", Order: 2, Role: web.Owner},
		},
		Authenticate: func(_ context.Context, token string) (web.Staff, error) {
			role, err := web.ParseRole(token)
			if err != nil {
				return web.Staff{}, errs.Of(errs.SignIn, nil, "web.error.sign-in.text")
			}
			return web.Staff{ID: 7, Name: "Ana Novak", Role: role}, nil
		},
		Shop: func(context.Context) (web.Shop, error) {
			return web.Shop{Name: "Corner Coffee", Zone: time.UTC, Currency: "GBP"}, nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return harness{s, log}
}

func (h harness) do(method, target, as, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "regulars_session", Value: as})
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAFormThatFailsIsShownAgainWithWhatWasTyped(t *testing.T) {
	s := serve(t)
	w := s.do("POST", "/note", "agent", "note=too+long+%3Cb%3E")
	body := w.Body.String()
	if w.Code != 422 || !strings.Contains(body, `value="too long &lt;b&gt;"`) || !strings.Contains(body, "at most 5 characters") {
		t.Errorf("%d %s", w.Code, body)
	}
}

func TestHTMXGetsTheBlockItAsksFor(t *testing.T) {
	s := serve(t)
	w := s.do("GET", "/note", "viewer", "", "HX-Request", "true", "HX-Target", "results")
	if got := strings.TrimSpace(w.Body.String()); got != `<p class="r">first</p>` {
		t.Errorf("%q", got)
	}
	if w = s.do("GET", "/note", "viewer", "", "HX-Request", "true", "HX-Target", "nothing"); !strings.Contains(w.Body.String(), "<html") {
		t.Errorf("an unknown target: %s", w.Body)
	}
}

func TestTheNavigationShowsWhatTheRoleMaySee(t *testing.T) {
	s := serve(t)
	body := s.do("GET", "/note", "viewer", "").Body.String()
	if !strings.Contains(body, `href="/note" aria-current="page"`) || strings.Contains(body, "Secrets") {
		t.Errorf("viewer: %s", body)
	}
	if body = s.do("GET", "/note", "owner", "").Body.String(); !strings.Contains(body, "Secrets") {
		t.Error("the owner does not see what is the owner's")
	}
}

func TestPlacesUnderAnotherAreARowOnTheirPages(t *testing.T) {
	s := serve(t, func(c *web.Config) {
		c.Places = []web.Place{
			{Key: "nav.secret", Href: "/house", Icon: "lock", Role: web.Owner},
			{Key: "nav.demo", Href: "/note", Icon: "note", Role: web.Viewer, Under: "/house", Order: 1},
			{Key: "demo.note", Href: "/other", Icon: "note", Role: web.Agent, Under: "/house", Order: 2, Also: "/elsewhere"},
		}
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /elsewhere", Role: web.Viewer, Handler: noteForm})
	})
	for _, c := range []struct {
		who, path, line string
		row             []string
	}{
		{"owner", "/note", `<a href="/house" aria-current="page" title="Secrets">`, []string{`<a href="/house">`, `<a href="/note" aria-current="page">`, `<a href="/other">`}},
		{"owner", "/elsewhere", `<a href="/house" aria-current="page" title="Secrets">`, []string{`<a href="/other" aria-current="page">`}},
		{"agent", "/note", `<a href="/note" aria-current="page" title="Secrets">`, []string{`<a href="/note" aria-current="page">`, `<a href="/other">`}},
		{"viewer", "/note", `<a href="/note" aria-current="page" title="Notes">`, nil},
	} {
		body := s.do("GET", c.path, c.who, "").Body.String()
		if _, side, _ := strings.Cut(body, `<nav class="side"`); strings.Count(side[:strings.Index(side, "</nav>")], "<a ") != 1 || !strings.Contains(side, c.line) {
			t.Errorf("%s at %s: the menu is not the one line %s", c.who, c.path, c.line)
		}
		if strings.Contains(body, `class="around"`) != (c.row != nil) {
			t.Errorf("%s at %s: a row: %v", c.who, c.path, c.row == nil)
		}
		for _, want := range c.row {
			if !strings.Contains(body, want) {
				t.Errorf("%s at %s: the row lacks %s", c.who, c.path, want)
			}
		}
	}
}

func TestTheNearestPlaceIsTheActiveOne(t *testing.T) {
	s := serve(t, func(c *web.Config) {
		c.Places = append(c.Places, web.Place{Key: "nav.demo", Href: "/", Icon: "home", Role: web.Viewer},
			web.Place{Key: "nav.demo", Href: "/note/old", Icon: "note", Role: web.Viewer}, web.Place{Key: "nav.demo", Href: "/not", Icon: "note", Role: web.Viewer})
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /note/old/{n}", Role: web.Viewer, Handler: noteForm})
	})
	for path, want := range map[string]string{"/": "/", "/note": "/note", "/note/old/7": "/note/old"} {
		body := s.do("GET", path, "viewer", "").Body.String()
		if strings.Count(body, `aria-current="page"`) != 1 || !strings.Contains(body, `href="`+want+`" aria-current="page"`) {
			t.Errorf("at %s: %s", path, body)
		}
	}
}

func TestEverythingWorksUnderABasePath(t *testing.T) {
	s := serve(t, func(c *web.Config) { c.Base = "/shop/" })
	body := s.do("GET", "/shop/note", "viewer", "").Body.String()
	for _, want := range []string{`action="/shop/note"`, `href="/shop/assets/regulars.`, `href="/shop/note" aria-current`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if w := s.do("GET", "/note", "viewer", ""); w.Code != 404 {
		t.Errorf("outside the base: %d", w.Code)
	}
	if w := s.do("GET", "/shopper/note", "viewer", ""); w.Code != 404 {
		t.Errorf("a path that only begins alike: %d", w.Code)
	}
	if w := s.do("POST", "/shop/note", "agent", "note=tea"); w.Header().Get("Location") != "/shop/note" {
		t.Errorf("leads to %q", w.Header().Get("Location"))
	}
	if w := s.do("GET", "/shop", "viewer", ""); w.Header().Get("Location") != "/shop/" {
		t.Errorf("the bare base leads to %q", w.Header().Get("Location"))
	}
	if w := s.do("POST", "/shop/collect", "", "a=b", "Origin", "https://shop.example"); w.Code != 200 {
		t.Errorf("a route for any origin under a base: %d", w.Code)
	}
}

func TestAssetsAreKeptForEverUnderTheirHash(t *testing.T) {
	s := serve(t)
	body := s.do("GET", "/open", "", "").Body.String()
	i := strings.Index(body, "/assets/regulars.")
	path := body[i : i+strings.IndexByte(body[i:], '"')]
	w := s.do("GET", path, "", "", "Accept-Encoding", "gzip")
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	if w := s.do("GET", "/assets/regulars.css", "", ""); w.Code != 404 {
		t.Errorf("without its hash: %d", w.Code)
	}
}

func TestALeanRouteReadsNothingOfTheBusinessAndSaysOnlyWhatFailed(t *testing.T) {
	s := serve(t, func(c *web.Config) {
		c.Shop = func(context.Context) (web.Shop, error) {
			t.Error("the business's settings were read")
			return web.Shop{}, nil
		}
		c.Routes = append(c.Routes,
			web.Route{Pattern: "POST /fast", Role: web.Public, AnyOrigin: true, Lean: true, Quiet: true, Handler: func(w http.ResponseWriter, r *web.Request) error {
				return r.JSON(w, r.Staff.Name)
			}},
			web.Route{Pattern: "POST /faulty", Role: web.Public, AnyOrigin: true, Lean: true, Quiet: true, Handler: failing(io.ErrUnexpectedEOF)})
	})
	if w := s.do("POST", "/fast", "owner", "", "Sec-Fetch-Site", "cross-site"); w.Code != 200 || strings.Contains(w.Body.String(), "Ana") || s.log.Len() > 0 {
		t.Errorf("answered %d %s, and logged %q", w.Code, w.Body, s.log)
	}
	if w := s.do("POST", "/faulty", "", ""); w.Code != 500 || !strings.Contains(s.log.String(), "request failed") {
		t.Errorf("a fault: %d, logged %q", w.Code, s.log)
	}
}

func TestABrokenPageOrRouteStopsTheStart(t *testing.T) {
	catalog, _ := locale.Load(web.Text(), demo)
	page := func(text string) map[string]fs.FS {
		return map[string]fs.FS{"bad": fstest.MapFS{"pages/x.html": {Data: []byte(text)}}}
	}
	ok := func(w http.ResponseWriter, r *web.Request) error { return nil }
	for want, c := range map[string]web.Config{
		"x.html:1":               {Files: page(`{{define "title"}}{{nofunc}}{{end}}`)},
		`neither "title"`:        {Files: page(`hello`)},
		"needs a role":           {Routes: []web.Route{{Pattern: "GET /x", Handler: ok}}},
		"is not asked":           {Routes: []web.Route{{Pattern: "GET /x", Role: web.Viewer, Lean: true, Handler: ok}}},
		"is GET or POST":         {Routes: []web.Route{{Pattern: "/x", Role: web.Public, Handler: ok}}},
		"conflicts with pattern": {Routes: []web.Route{{Pattern: "GET /x/{a}", Role: web.Public, Handler: ok}, {Pattern: "GET /x/{b}", Role: web.Public, Handler: ok}}},
		"no icon":                {Places: []web.Place{{Key: "nav.demo", Icon: "nope", Role: web.Viewer}}},
		`no "nav.nope"`:          {Places: []web.Place{{Key: "nav.nope", Icon: "note", Role: web.Viewer}}},
		"no line of the nav":     {Places: []web.Place{{Key: "nav.demo", Icon: "note", Role: web.Viewer, Under: "/nope"}}},
		"no page":                {Panels: []web.Panel{{ID: "p", Page: "demo/nope.html"}}},
	} {
		c.Catalog = catalog
		if _, err := web.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestAPageThatCannotBeEscapedIsFound(t *testing.T) {
	if err := serve(t).CheckPages(); err != nil {
		t.Error(err)
	}
	s := serve(t, func(c *web.Config) {
		c.Files["bad"] = fstest.MapFS{"pages/x.html": {Data: []byte(`{{define "title"}}x{{end}}{{define "content"}}<a href="{{.X}}>{{end}}`)}}
	})
	if err := s.CheckPages(); err == nil || !strings.Contains(err.Error(), "bad/x.html") {
		t.Errorf("got %v", err)
	}
}

func TestAPanelThatFailsDoesNotHideTheCustomer(t *testing.T) {
	data := map[string]any{"good": "12 points", "none": nil, "bad": errors.New("boom")}
	var got []web.Box
	s := serve(t, func(c *web.Config) {
		for i, name := range []string{"bad", "good", "none"} {
			c.Panels = append(c.Panels, web.Panel{ID: name, Order: -i, Role: web.Viewer, Page: "demo/panel.html",
				Data: func(context.Context, store.Querier, id.Customer) (any, error) {
					if err, ok := data[name].(error); ok {
						return nil, err
					}
					return data[name], nil
				}})
		}
		c.Panels = append(c.Panels, web.Panel{ID: "hidden", Role: web.Owner, Page: "demo/panel.html"})
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /panels", Role: web.Viewer, Handler: func(w http.ResponseWriter, r *web.Request) error {
			got = r.Panels(nil, 1)
			return nil
		}})
	})
	s.do("GET", "/panels", "viewer", "")
	if len(got) != 2 || got[0].ID != "good" || got[0].HTML != `<section class="panel">12 points</section>` ||
		!strings.Contains(string(got[1].HTML), "could not be shown") {
		t.Errorf("%+v", got)
	}
}

func TestEveryPageOfTheServerItselfIsSeen(t *testing.T) {
	s := serve(t)
	s.do("GET", "/dev/kit", "", "")
	s.do("GET", "/gone", "", "")
	s.do("GET", "/note", "viewer", "")
	if unseen := s.Unseen(); len(unseen) != 1 || unseen[0] != "demo/panel.html" {
		t.Errorf("unseen: %v", unseen)
	}
}

func TestEveryComponentOfTheKitStandsOnItsPage(t *testing.T) {
	set := template.Must(template.New("").Funcs(web.FuncNames()).ParseFS(kit.Files, "*.html"))
	body := serve(t).do("POST", "/dev/kit", "", "name=&email=no").Body.String()
	marks := map[string]string{
		"kit/errors": `role="alert"`, "kit/field": `id="field-name"`, "kit/field-notes": `id="hint-consent"`,
		"kit/field-attributes": `aria-invalid="true"`, "kit/button": "btn-danger", "kit/stat": `class="stat"`,
		"kit/stats": `class="stats"`, "kit/alert": "alert-warn", "kit/empty": `class="blank"`, "kit/tabs": `class="tabs"`,
		"kit/terms": `class="terms"`, "kit/timeline": `class="story"`, "kit/progress": "<progress", "kit/dialog": "<dialog",
		"kit/steps": "step-now", "kit/chart": `class="plot"`, "kit/heat": "heat-square", "kit/ranking": `class="ranking"`,
		"kit/table": `class="rows"`, "kit/filter": `class="filter"`, "kit/filter-field": `class="filter-field"`, "kit/export": `class="menu export"`,
	}
	for _, part := range set.Templates() {
		if name := part.Name(); strings.HasPrefix(name, "kit/") && (marks[name] == "" || !strings.Contains(body, marks[name])) {
			t.Errorf("%s is not on /dev/kit", name)
		}
	}
}

func TestPagesShownSideBySideAreNotMixedUp(t *testing.T) {
	s := serve(t, func(c *web.Config) {
		c.Authenticate = func(_ context.Context, token string) (web.Staff, error) {
			return web.Staff{ID: 1, Name: token, Role: web.Viewer}, nil
		}
		c.Log = slog.New(slog.DiscardHandler)
	})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			name, language, title := fmt.Sprintf("Staff%02d", i), "en", "Notes &amp; more"
			if i%2 == 1 {
				language, title = "cs", "Poznámky"
			}
			for range 20 {
				body := s.do("GET", "/note", name, "", "Accept-Language", language).Body.String()
				if !strings.Contains(body, name) || strings.Count(body, "Staff") != strings.Count(body, name) || !strings.Contains(body, title) {
					t.Errorf("%s was shown somebody else's page: %s", name, body)
				}
			}
		})
	}
	wg.Wait()
}

func TestAnAddressThatComesTooOftenWaits(t *testing.T) {
	h := serve(t, func(c *web.Config) {
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /often", Role: web.Public, PerMinute: 3, Handler: noteForm})
	})
	for range 3 {
		if w := h.do("GET", "/often", "", ""); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
	}
	w := h.do("GET", "/often", "", "")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "20" || !strings.Contains(w.Body.String(), "too many requests") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := h.do("GET", "/open", "", ""); w.Code != http.StatusOK {
		t.Errorf("another route: %d", w.Code)
	}
	if w := h.do("GET", "/often", "", "", "X-Forwarded-For", "203.0.113.7"); w.Code != http.StatusTooManyRequests {
		t.Errorf("an address that was made up by who is no proxy: %d", w.Code)
	}
}
