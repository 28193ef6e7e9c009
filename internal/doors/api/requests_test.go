package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/api"
	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

func TestTheLogSaysWhatWasAskedForAndNothingOfWhatWasSent(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		made := h.ask("POST", "/customers", `{"name":"Zanzibar"}`).want(201)
		h.ask("GET", "/customers?q=zanzibar", "").want(200)
		refused := h.ask("GET", "/customers/"+made.text("id")+"?fields=shoe", "").want(422)
		ben := h.staff("Ben", web.Manager)
		h.ask("GET", "/jobs-that-are-none", "").want(404)
		h.ask("POST", "/duplicates/search", "", "Authorization", "Bearer "+h.keyOf(ben, "customers:read")).want(403)
		if err := h.door.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		owner := web.Staff{ID: h.ana, Role: web.Owner}
		read := func(who web.Staff, s api.Sought) (lines []string) {
			t.Helper()
			s.Limit = 10
			all, err := api.Requests(t.Context(), db, who, s)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				lines = append(lines, fmt.Sprint(r.Method, " ", r.Route, " ", r.Status))
				if strings.Contains(fmt.Sprint(r), "anzibar") || r.RequestID == "" || r.KeyName != "test" {
					t.Errorf("the log holds %+v", r)
				}
			}
			return lines
		}
		want := "[POST /api/v1/duplicates/search 403 GET /api/v1/customers/{customer} 422 GET /api/v1/customers 200 POST /api/v1/customers 201]"
		if got := fmt.Sprint(read(owner, api.Sought{})); got != want {
			t.Errorf("the owner reads %s", got)
		}
		if got := read(web.Staff{ID: ben, Role: web.Manager}, api.Sought{}); len(got) != 1 {
			t.Errorf("a manager reads %v", got)
		}
		for n, s := range map[int]api.Sought{
			1: {Text: refused.text("request_id")}, 2: {Class: 4}, 3: {Text: "/CUSTOMERS"},
		} {
			if got := read(owner, s); len(got) != n {
				t.Errorf("%+v finds %v", s, got)
			}
		}
		if got := read(owner, api.Sought{Method: "POST", Class: 2}); len(got) != 1 {
			t.Errorf("found %v", got)
		}
		keys, err := users.Keys(t.Context(), db, owner)
		if err != nil || keys[1].UsedAt.IsZero() {
			t.Errorf("the key was never used: %+v, %v", keys, err)
		}
		clock.Advance(30*24*time.Hour - time.Minute)
		forget := func(days int) int {
			testkit.Do(t, db, func(tx *store.Tx) error {
				return keeping.Choose(t.Context(), tx, 7, api.Keeping, map[string]int{"requests": days})
			})
			if err := keeping.Run(t.Context(), db, api.Keeping); err != nil {
				t.Fatal(err)
			}
			return len(read(owner, api.Sought{}))
		}
		if n := forget(0); n != 4 {
			t.Errorf("after less than a month there are %d", n)
		}
		clock.Advance(2 * time.Minute)
		if n := forget(31); n != 4 {
			t.Errorf("with a longer period there are %d", n)
		}
		if n := forget(0); n != 0 {
			t.Errorf("after a month there are %d", n)
		}
	})
}

func TestAKeyThatAsksTooOftenWaits(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		for i := range api.KeyPerMinute {
			a := h.ask("GET", "/me", "").want(200)
			if left := a.Header().Get("RateLimit-Remaining"); left != fmt.Sprint(api.KeyPerMinute-1-i) || a.Header().Get("RateLimit-Limit") != "600" {
				t.Fatalf("after %d: %v", i, a.Header())
			}
		}
		if a := h.ask("GET", "/me", "").want(429); a.Header().Get("Retry-After") != "1" || a.Header().Get("RateLimit-Reset") != "60" {
			t.Errorf("%v", a.Header())
		}
		clock.Advance(time.Second)
		h.ask("GET", "/me", "").want(200)
		other := h.keyOf(h.ana, "jobs:read")
		h.ask("GET", "/me", "", "Authorization", "Bearer "+other).want(200)
		for range 30 {
			h.ask("GET", "/me", "", "Authorization", "Bearer rk_wrong").want(401)
		}
		if a := h.ask("GET", "/me", "", "Authorization", "Bearer rk_wrong").want(429); a.Header().Get("Retry-After") == "" {
			t.Errorf("%v", a.Header())
		}
		h.ask("GET", "/me", "", "Authorization", "Bearer "+other).want(200)
	})
}

// visit is a page as Ana sees it, or a form that she posts.
func (h *house) visit(method, path string, form url.Values) (int, *page.Page) {
	h.t.Helper()
	var token string
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		token, err = users.Start(h.t.Context(), tx, h.ana, "Firefox")
		return err
	})
	p := page.Get
	if method == "POST" {
		p = func(t testing.TB, h http.Handler, target string, options ...page.Option) *page.Page {
			return page.Post(t, h, target, form, options...)
		}
	}
	shown := p(h.t, h, path, page.As(token))
	return shown.Status, shown
}

func TestAKeyIsMadeShownOnceAndTakenBackInTheBrowser(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		if code, _ := h.visit("POST", "/settings/api", url.Values{"name": {"Shop"}, "lasts": {"0"}}); code != 422 {
			t.Errorf("a key for nothing: %d", code)
		}
		code, made := h.visit("POST", "/settings/api", url.Values{"name": {"Shop"}, "scope": {"customers:read"}, "lasts": {"30"}})
		if code != 200 {
			t.Fatal(code)
		}
		secret := made.Attr("#field-key", "value")
		h.ask("GET", "/me", "", "Authorization", "Bearer "+secret).want(200)
		if err := h.door.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, list := h.visit("GET", "/settings/api", nil)
		if strings.Contains(list.Text(), secret) || !strings.Contains(list.Text(), "customers:read") {
			t.Error(list.Text())
		}
		keys, err := users.Keys(t.Context(), db, web.Staff{Role: web.Owner})
		if err != nil {
			t.Fatal(err)
		}
		at := "/settings/api/" + keys[0].ID.String()
		if _, one := h.visit("GET", at, nil); !strings.Contains(one.Text(), "GET /api/v1/me") {
			t.Error(one.Text())
		}
		if _, log := h.visit("GET", "/settings/api/requests?class=2&method=GET", nil); !strings.Contains(strings.Join(log.Texts("#results"), " "), "GET /api/v1/me") {
			t.Error(log.Text())
		}
		if code, _ := h.visit("POST", at+"/revocation", nil); code != 303 {
			t.Error(code)
		}
		h.ask("GET", "/me", "", "Authorization", "Bearer "+secret).want(401)
		if _, index := h.visit("GET", "/api?q=tags", nil); !strings.Contains(strings.Join(index.Texts("#results"), " "), "/api/v1/tags") || strings.Contains(strings.Join(index.Texts("#results"), " "), "/api/v1/audit") {
			t.Error(index.Text())
		}
		for _, op := range h.door.Operations() {
			if code, p := h.visit("GET", "/api/"+op.Name, nil); code != 200 || !strings.Contains(p.Text(), op.Summary) {
				t.Errorf("%s: %d", op.Name, code)
			}
		}
		if unseen := h.Unseen(); len(unseen) > 0 {
			for _, name := range unseen {
				if strings.HasPrefix(name, "api/") {
					t.Errorf("nobody has seen %s", name)
				}
			}
		}
	})
}
