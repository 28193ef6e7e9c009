package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"regulars/internal/doors/api"
	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// house is the API over a database, with a program that holds a key of a
// manager for everything.
type house struct {
	*web.Server
	t     *testing.T
	db    *store.DB
	door  *api.Door
	clock *testkit.Clock
	ana   id.User // whose key it is
	key   string
}

func open(t *testing.T, db *store.DB, clock *testkit.Clock, more ...[]rest.Operation) *house {
	t.Helper()
	kinds := timeline.NewKinds(customers.Kinds)
	files := map[string]fs.FS{"users": users.Files, "workspace": workspace.Files, "customers": customers.Files, "api": api.Files, "rest": rest.Files}
	texts := []fs.FS{web.Text()}
	for _, f := range files {
		texts = append(texts, f)
	}
	catalog, err := locale.Load(texts...)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, clock: clock}
	if h.door, err = api.Open(db, "test", append(more, users.API(db), customers.API(db, kinds, customers.Tables))...); err != nil {
		t.Fatal(err)
	}
	h.Server, err = web.New(web.Config{Catalog: catalog, Files: files, Routes: append(h.door.Routes(), h.door.Admin(users.Desk{DB: db}.Proven)...), Places: page.Places(api.Places), Now: db.Now,
		Shop: workspace.Shop(db), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		Authenticate: func(ctx context.Context, token string) (web.Staff, error) { return users.Authenticate(ctx, db, token) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.door.Flush(context.Background()) })
	h.ana = h.staff("Ana", web.Owner)
	h.key = h.keyOf(h.ana, rest.Scopes()...)
	return h
}

func (h *house) staff(name string, role web.Role) (user id.User) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		user, err = users.Add(h.t.Context(), tx, users.New{Name: name, Email: strings.ToLower(name) + "@example.com", Role: role})
		return err
	})
	return user
}

func (h *house) keyOf(user id.User, scopes ...rest.Scope) (secret string) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		secret, _, err = users.MakeKey(h.t.Context(), tx, user, users.NewKey{Name: "test", Scopes: scopes})
		return err
	})
	return secret
}

// reply is an answer with its body read.
type reply struct {
	*httptest.ResponseRecorder
	t    *testing.T
	body map[string]any
}

// ask sends a request; headers are names and values in turn.
func (h *house) ask(method, path, body string, headers ...string) reply {
	h.t.Helper()
	r := httptest.NewRequest(method, rest.Base+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := reply{w, h.t, nil}
	if strings.Contains(w.Header().Get("Content-Type"), "json") && w.Body.Len() > 0 {
		if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&a.body); err != nil {
			h.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return a
}

// want checks the status and returns the answer.
func (a reply) want(status int) reply {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	return a
}

// text is a field of the answer, by names with dots between.
func (a reply) text(path string) string {
	var v any = a.body
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			v = at[int(name[0]-'0')]
		}
	}
	s, _ := v.(string)
	return s
}

func (h *house) drain() {
	h.t.Helper()
	if err := jobs.Drain(h.t.Context(), h.db, slices.Concat(timeline.Jobs(h.db, []timeline.Subscription{api.Subscription}), customers.Jobs(h.db), api.Jobs(h.db))); err != nil {
		h.t.Fatal(err)
	}
}

func TestOnlyKeysAreLetIn(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		h.ask("GET", "/me", "").want(200)
		for name, header := range map[string]string{"none": "", "another scheme": "Basic " + h.key, "no such": "Bearer rk_nothing", "cut": "Bearer " + h.key[:20], "bare": h.key} {
			a := h.ask("GET", "/me", "", "Authorization", header).want(401)
			if a.Header().Get("WWW-Authenticate") == "" || a.Header().Get("Content-Type") != "application/problem+json" || a.text("detail") == "" || a.text("request_id") == "" {
				t.Errorf("%s: %v %s", name, a.Header(), a.Body)
			}
		}
		reader := h.keyOf(h.staff("Ben", web.Manager), "customers:read")
		if a := h.ask("POST", "/customers", `{"name":"X"}`, "Authorization", "Bearer "+reader).want(403); !strings.Contains(a.text("detail"), "customers:write") {
			t.Error(a.Body)
		}
		till := h.staff("Tim", web.Till)
		if a := h.ask("POST", "/duplicates/search", ``, "Authorization", "Bearer "+h.keyOf(till, "customers:write")).want(403); !strings.Contains(a.text("detail"), "agent") {
			t.Error(a.Body)
		}
		h.ask("GET", "/nothing", "").want(404)
		h.ask("PATCH", "/me", "").want(405)
	})
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		c := h.ask("POST", "/customers", `{"name":"Anna","identities":[{"kind":"email","value":"anna@example.com"}]}`).want(201).text("id")
		for _, x := range []struct {
			method, path, body string
			status             int
			at                 string
		}{
			{"POST", "/customers", `{"nam":"Anna"}`, 422, "#/nam"},
			{"POST", "/customers", `{"name":7}`, 422, "#/name"},
			{"POST", "/customers", `{"name":"` + strings.Repeat("x", 201) + `"}`, 422, "#/name"},
			{"POST", "/customers", `{}`, 422, "#/name"},
			{"POST", "/customers", `{`, 400, "#/"},
			{"POST", "/customers", ``, 400, ""},
			{"POST", "/customers", `{"identities":[{"kind":"email","value":"ben@example.com"},{"kind":"email"}]}`, 422, "#/identities/1/value"},
			{"POST", "/customers", `{"identities":[{"kind":"email","value":"nonsense"}]}`, 422, "#/identities"},
			{"POST", "/customers", `{"identities":[{"kind":"email","value":"ANNA@example.com"}]}`, 409, ""},
			{"POST", "/customers/" + c + "/consents", `{"channel":"email","given":true}`, 422, "#/words"},
			{"POST", "/customers/" + c + "/notes", `{"text":""}`, 422, "#/text"},
			{"GET", "/customers?limit=0", "", 422, "limit"},
			{"GET", "/customers?limit=many", "", 422, "limit"},
			{"GET", "/customers?sort=luck", "", 422, "sort"},
			{"GET", "/customers?nonsense=1", "", 422, "nonsense"},
			{"GET", "/customers?after=nonsense", "", 422, "after"},
			{"GET", "/customers?fields=id,shoe", "", 422, "fields"},
			{"GET", "/customers/cus_nonsense", "", 422, "customer"},
			{"GET", "/customers/" + id.Customer(7).String(), "", 404, ""},
			{"GET", "/customers-by/email/ben@example.com", "", 404, ""},
			{"GET", "/audit?by=me", "", 422, "by"},
		} {
			a := h.ask(x.method, x.path, x.body)
			var p rest.Problem
			if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil || a.Code != x.status || p.Status != x.status || p.Detail == "" || p.RequestID == "" {
				t.Errorf("%s %s %s: %d %s", x.method, x.path, x.body, a.Code, a.Body)
				continue
			}
			at := ""
			if len(p.Errors) > 0 {
				at = p.Errors[0].Pointer + p.Errors[0].Parameter
			}
			if at != x.at && x.at != "" {
				t.Errorf("%s %s %s: at %q, want %q: %s", x.method, x.path, x.body, at, x.at, a.Body)
			}
		}
		for body, want := range map[string]string{
			"{\"name\":\n\"Anna\",}": "line 2, column 8",
			`{"name":"Anna"`:         "ends too early",
			`{"name":"Anna"} x`:      "column 17",
		} {
			a := h.ask("POST", "/customers", body).want(400)
			if a.text("detail") != a.text("errors.0.detail") || !strings.Contains(a.text("detail"), want) || strings.Contains(a.Body.String(), "invalid character") {
				t.Errorf("%s: %s, want %q", body, a.Body, want)
			}
		}
		if a := h.ask("POST", "/customers", `{"name":"`+strings.Repeat("x", 2<<20)+`"}`); a.Code != 413 {
			t.Errorf("a body of 2 MB: %d", a.Code)
		}
	})
}
