package app

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"regulars/internal/doors/api"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

const routesGolden = "testdata/routes.golden.txt"

// house is the whole program's pages over a database, and somebody of each
// role who works there.
type house struct {
	*web.Server
	t     *testing.T
	db    *store.DB
	staff map[web.Role]id.User
	work  func(ctx context.Context) error
	api   *api.Door
	drain func() error
}

func newHouse(t *testing.T, db *store.DB) house {
	t.Helper()
	return loggedHouse(t, db, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
}

func loggedHouse(t *testing.T, db *store.DB, log *slog.Logger) house {
	t.Helper()
	a := &App{Config: Config{Log: log}, DB: db}
	var err error
	if a.Modules, err = modules(db, a.Config); err != nil {
		t.Fatal(err)
	}
	h := house{t: t, db: db, staff: map[web.Role]id.User{}, api: a.Modules.API}
	t.Cleanup(func() { _ = h.api.Flush(context.Background()) })
	if h.Server, err = a.Handler(t.Context(), ServeConfig{}); err != nil {
		t.Fatal(err)
	}
	h.work = a.Work
	h.drain = func() error { return a.Drain(t.Context()) }
	testkit.Do(t, db, func(tx *store.Tx) error {
		for role := web.Viewer; role <= web.Owner; role++ {
			user, err := users.Add(t.Context(), tx, users.New{Name: "The " + role.String(), Email: role.String() + "@example.com", Role: role})
			if err != nil {
				return err
			}
			h.staff[role] = user
		}
		return nil
	})
	return h
}

// session signs somebody of a role in.
func (h house) session(role web.Role) (token string) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		token, err = users.Start(h.t.Context(), tx, h.staff[role], "Firefox · Linux")
		return err
	})
	return token
}

var wildcard = regexp.MustCompile(`\{\w+(\.\.\.)?\}`)

// request is one to a route, with something in each place of its path that
// names nothing: what matters is who is let in, not what they find.
func request(route web.Route) *http.Request {
	method, path, _ := strings.Cut(route.Pattern, " ")
	path = wildcard.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "nothing")
	r := httptest.NewRequest(method, path, strings.NewReader(""))
	r.RemoteAddr = fmt.Sprintf("[2001:db8:%x:%x::1]:1", rand.N(1<<16), rand.N(1<<16)) // limits are by address
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (h house) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestGoldenRoutes holds every address of the program, with who may come
// there: a change of either is seen in review.
func TestGoldenRoutes(t *testing.T) {
	var b strings.Builder
	for _, route := range newHouse(t, testkit.DB(t)).Routes() {
		open := ""
		if route.AnyOrigin {
			open = " (from any site, nobody signed in)"
		}
		method, path, _ := strings.Cut(route.Pattern, " ")
		fmt.Fprintf(&b, "%-8s%-5s%s%s\n", route.Role, method, path, open)
	}
	if *update {
		if err := os.WriteFile(routesGolden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(routesGolden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the routes are not those of internal/app/%s. If that is meant, run: make golden, and look at who may come where.\n%s",
			routesGolden, got)
	}
}

// TestEveryRouteLetsInWhoItSaysAndNobodyElse calls every route as nobody and
// as somebody of each role.
func TestEveryRouteLetsInWhoItSaysAndNobodyElse(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { _ = h.work(ctx) }) // pages of figures wait for it
	defer working.Wait()
	defer stop()
	operations := map[string]bool{"POST /mcp": true, "GET /mcp": true, "DELETE /mcp": true}
	for _, op := range h.api.Operations() {
		operations[op.Method()+" "+rest.Base+op.Path()] = true
	}
	for _, route := range h.Routes() {
		for role := web.Public; role <= web.Owner; role++ {
			r := request(route)
			if role > web.Public {
				// A session each time: some of these routes end them.
				r.AddCookie(&http.Cookie{Name: "regulars_session", Value: h.session(role)})
			}
			w := h.answer(r)
			may := route.Role == web.Public || role >= route.Role && !route.AnyOrigin
			if operations[route.Pattern] {
				may = false // they let in keys only, whoever is signed in
			}
			if refused := refusal(r, w); may == (refused != "") {
				t.Errorf("%s as %s: status %d %s, allowed: %v", route.Pattern, role, w.Code, refused, may)
			}
			if w.Code >= 500 {
				t.Errorf("%s as %s: status %d", route.Pattern, role, w.Code)
			}
		}
	}
}

// refusal says how a request was turned away, or nothing.
func refusal(r *http.Request, w *httptest.ResponseRecorder) string {
	to := w.Header().Get("Location")
	switch {
	case w.Code == http.StatusForbidden:
		return "forbidden"
	case w.Code == http.StatusUnauthorized:
		return "sign in"
	case w.Code == http.StatusSeeOther && (strings.HasPrefix(to, "/sign-in?next=") || r.URL.Path == "/" && to == "/sign-in"):
		return "sent to sign in"
	}
	return ""
}

// TestNoOtherSiteCanPostHere sends every form as another site's page would
// make the owner's browser send it.
func TestNoOtherSiteCanPostHere(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	token := h.session(web.Owner)
	for _, route := range h.Routes() {
		if strings.HasPrefix(route.Pattern, "GET ") {
			continue
		}
		for header, value := range map[string]string{"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"} {
			r := request(route)
			r.Header.Set(header, value)
			r.AddCookie(&http.Cookie{Name: "regulars_session", Value: token})
			if w := h.answer(r); (w.Code == http.StatusForbidden) == route.AnyOrigin {
				t.Errorf("%s with %s: status %d, open to any site: %v", route.Pattern, header, w.Code, route.AnyOrigin)
			}
		}
	}
	if !strings.Contains(h.answer(asOwner(httptest.NewRequest(http.MethodGet, "/account", nil), token)).Body.String(), "The owner") {
		t.Error("a refused form has signed the owner out")
	}
}

func asOwner(r *http.Request, token string) *http.Request {
	r.AddCookie(&http.Cookie{Name: "regulars_session", Value: token})
	return r
}
