package webhooks_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"regulars/internal/doors/api"
	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

// program returns a function by which a program with a key of an owner calls
// the API.
func (s shop) program(scopes ...rest.Scope) func(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, workspace.Files, webhooks.Files, api.Files, rest.Files)
	if err != nil {
		s.t.Fatal(err)
	}
	door, err := api.Open(s.db, "test", webhooks.API(s.db, kinds))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = door.Flush(context.Background()) })
	h, err := web.New(web.Config{Catalog: catalog, Files: map[string]fs.FS{}, Routes: door.Routes(), Now: s.db.Now, Shop: workspace.Shop(s.db),
		Log: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		s.t.Fatal(err)
	}
	var key string
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		user, err := users.Add(s.t.Context(), tx, users.New{Name: "Ana", Email: id.Show("x", tx.NewID()) + "@example.com", Role: web.Owner})
		if err != nil {
			return err
		}
		key, _, err = users.MakeKey(s.t.Context(), tx, user, users.NewKey{Name: "test", Scopes: scopes})
		return err
	})
	return func(method, path, body string) (int, map[string]any) {
		s.t.Helper()
		r := httptest.NewRequest(method, rest.Base+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer map[string]any
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				s.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
			}
		}
		return w.Code, answer
	}
}

func TestAProgramSubscribesAndIsTold(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		call := s.program("webhooks:write")
		want := func(status int, method, path, body string) map[string]any {
			t.Helper()
			got, answer := call(method, path, body)
			if got != status {
				t.Fatalf("%s %s: status %d, want %d: %v", method, path, got, status, answer)
			}
			return answer
		}
		want(422, "POST", "/webhooks", `{"url":"http://example.com"}`)
		want(422, "POST", "/webhooks", `{"url":"`+r.URL+`","events":["no.such"]}`)
		added := want(201, "POST", "/webhooks", `{"url":"`+r.URL+`","events":["note.added"],"description":"Books"}`)
		home, secret := "/webhooks/"+added["webhook"].(string), added["secret"].(string)
		if shown := want(200, "POST", home+"/secret", ""); shown["secret"] != secret {
			t.Errorf("the secret is %v", shown)
		}
		c := s.customer(customers.Profile{Name: "Anna"})
		s.note(c)
		s.run()
		calls := r.got()
		if len(calls) != 1 || !verifies(t, secret, calls[0]) {
			t.Fatalf("told %v", calls)
		}
		list := want(200, "GET", home+"/deliveries?state=delivered&q="+c.String(), "")["data"].([]any)
		first := list[0].(map[string]any)
		if len(list) != 1 || first["event"] != calls[0].id() || first["message"].(map[string]any)["type"] != "note.added" || first["log"].([]any)[0].(map[string]any)["status"] != float64(204) {
			t.Errorf("deliveries %v", list)
		}
		want(204, "POST", home+"/deliveries/"+c.String()+"/"+calls[0].id()+"/replay", "")
		s.run()
		if again := r.got(); len(again) != 1 || again[0].id() != calls[0].id() {
			t.Errorf("sent again: %v", again)
		}
		if changed := want(200, "PATCH", home, `{"events":null,"history":true}`); len(changed["events"].([]any)) != 0 || changed["history"] != true || changed["description"] != "Books" {
			t.Errorf("changed to %v", changed)
		}
		if paused := want(200, "POST", home+"/pause", ""); paused["state"] != "paused" {
			t.Errorf("paused: %v", paused)
		}
		want(409, "POST", home+"/ping", "")
		s.note(c)
		s.run()
		want(200, "POST", home+"/resumption", "")
		want(204, "POST", home+"/replay", `{"since":"`+s.clock.Now().Add(-1).Format("2006-01-02T15:04:05Z")+`"}`)
		want(200, "POST", home+"/ping", "")
		s.run()
		if got := len(r.got()); got != 2 {
			t.Errorf("%d messages: want the note that was held back and the test", got)
		}
		if rotated := want(200, "POST", home+"/rotation", ""); rotated["secret"] == secret {
			t.Error("the secret is the old one")
		}
		if all := want(200, "GET", "/webhooks", "")["data"].([]any); len(all) != 1 {
			t.Errorf("endpoints %v", all)
		}
		want(204, "DELETE", home, "")
		want(404, "GET", home, "")
		want(404, "GET", home+"/deliveries", "")
	})
}

func TestAKeyThatReadsDoesNotSeeTheSecret(t *testing.T) {
	s := shop{t: t, db: testkit.DB(t)}
	endpoint, _ := s.add(webhooks.Edit{URL: "https://example.com"})
	call := s.program("webhooks:read")
	if status, _ := call("GET", "/webhooks/"+endpoint.String(), ""); status != 200 {
		t.Errorf("reading: %d", status)
	}
	for _, path := range []string{"/secret", "/rotation", "/ping"} {
		if status, answer := call("POST", "/webhooks/"+endpoint.String()+path, ""); status != 403 {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
}
