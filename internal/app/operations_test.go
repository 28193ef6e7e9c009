package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// pagesAlone are the forms that no operation of the API repeats, each with its
// reason.
var pagesAlone = map[string]string{
	"POST /account":                               "a person's own choices; a key is no person",
	"POST /account/password":                      "a password is proved by whoever types it",
	"POST /account/sessions/closure":              "sessions are of browsers",
	"POST /account/sessions/{session}/closure":    "sessions are of browsers",
	"POST /settings/backups":                      "when copies of everything are made is chosen by the owner, with a passphrase",
	"POST /settings/backups/now":                  "asked for at the command line: regulars backup",
	"POST /settings/archive":                      "everything at once is taken by the owner, not by a key",
	"POST /settings/personal-data":                "how long people's data is kept is chosen by the owner",
	"POST /settings/mail":                         "where letters go out is chosen by a person, with its password",
	"POST /settings/mail/test":                    "where letters go out is chosen by a person, with its password",
	"POST /settings/sign-in":                      "how staff sign in is chosen by a person",
	"POST /staff/{user}/factors/removal":          "taking away what protects somebody is decided by a person",
	"POST /settings/api":                          "a key must not make further keys",
	"POST /settings/api/{key}/revocation":         "a key must not take back others; a person does",
	"POST /settings/privacy/{request}/settlement": "what a shop asks to be exported or erased is settled by a person, with exportCustomer and eraseCustomer beside",
}

// alone reports whether a form needs no operation.
func alone(pattern string) bool {
	return pagesAlone[pattern] != "" ||
		strings.HasPrefix(pattern, "POST /settings/sources") || // the keys of collectors are secrets that a person fetches
		strings.HasPrefix(pattern, "POST /account/security") // how a person proves who they are
}

func TestProgramsCanDoAllThatThePagesCan(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	does, pages := map[string]rest.Operation{}, map[string]web.Route{}
	for _, op := range h.api.Operations() {
		if op.Page != "" {
			does[op.Page] = op
		}
	}
	for _, route := range h.Routes() {
		if !strings.HasPrefix(route.Pattern, "POST ") || route.AnyOrigin || route.Role == web.Public {
			continue
		}
		pages[route.Pattern] = route
		op, twin := does[route.Pattern]
		switch {
		case !twin && !alone(route.Pattern):
			t.Errorf("%s has no operation in the API: add one that names it as its Page, or say in internal/app/operations_test.go why not", route.Pattern)
		case twin && alone(route.Pattern):
			t.Errorf("%s has an operation (%s) and a reason for none", route.Pattern, op.Name)
		case twin && op.Role != route.Role:
			t.Errorf("%s is for %s, and %s, which does the same, for %s", route.Pattern, route.Role, op.Name, op.Role)
		}
	}
	for page, op := range does {
		if _, there := pages[page]; !there {
			t.Errorf("%s does what %s does, which is no form", op.Name, page)
		}
	}
	for page := range pagesAlone {
		if _, there := pages[page]; !there {
			t.Errorf("there is a reason for %s, which is no form", page)
		}
	}
}

// keyOf makes a key of somebody of a role.
func (h house) keyOf(role web.Role, scopes ...rest.Scope) (secret string) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		secret, _, err = users.MakeKey(h.t.Context(), tx, h.staff[role], users.NewKey{Name: "a program", Scopes: scopes})
		return err
	})
	return secret
}

// TestEveryOperationNeedsItsScopeAndRole calls every operation with every
// scope, of an owner and of who has just less than the role it needs.
func TestEveryOperationNeedsItsScopeAndRole(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	ask := func(op rest.Operation, key string) int {
		path := wildcard.ReplaceAllString(op.Path(), "nothing")
		r := httptest.NewRequest(op.Method(), rest.Base+path, strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable { // figures that are not computed yet
			t.Errorf("%s: status %d: %s", op.Name, w.Code, w.Body)
		}
		return w.Code
	}
	keys := map[rest.Scope]string{}
	for _, scope := range rest.Scopes() {
		keys[scope] = h.keyOf(web.Owner, scope)
	}
	lesser := map[web.Role]string{}
	for role := web.Viewer; role < web.Owner; role++ {
		lesser[role] = h.keyOf(role, slices.DeleteFunc(rest.Scopes(), func(s rest.Scope) bool {
			return slices.ContainsFunc(rest.Areas, func(a rest.Area) bool { return a.Name+":read" == string(s.Read()) && a.Role > role })
		})...)
	}
	for _, op := range h.api.Operations() {
		for scope, key := range keys {
			code := ask(op, key)
			may := rest.Covers([]rest.Scope{scope}, op.Scope)
			if may == (code == http.StatusForbidden) || code == http.StatusUnauthorized {
				t.Errorf("%s with the scope %s: status %d", op.Name, scope, code)
			}
		}
		if op.Role > web.Viewer {
			if code := ask(op, lesser[op.Role-1]); code != http.StatusForbidden {
				t.Errorf("%s as %s: status %d", op.Name, op.Role-1, code)
			}
		}
		if code := ask(op, ""); code != http.StatusUnauthorized && code != http.StatusTooManyRequests {
			t.Errorf("%s without a key: status %d", op.Name, code)
		}
	}
}

// TestEveryInputIsBounded looks for texts and lists of requests that may be of
// any length.
func TestEveryInputIsBounded(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	var doc map[string]any
	if err := json.Unmarshal(h.api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	var look func(at string, s map[string]any, depth int)
	look = func(at string, s map[string]any, depth int) {
		if ref, ok := s["$ref"].(string); ok {
			s = schemas[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
		}
		kind := fmt.Sprint(s["type"])
		if kind == "<nil>" || depth > 8 {
			return
		}
		switch {
		case strings.Contains(kind, "string"):
			if s["maxLength"] == nil && s["enum"] == nil && s["format"] != "date-time" && s["format"] != "binary" {
				t.Errorf("%s: a text without maxLength", at)
			}
		case strings.Contains(kind, "array"):
			if s["maxItems"] == nil {
				t.Errorf("%s: a list without maxItems", at)
			}
			look(at+"[]", s["items"].(map[string]any), depth+1)
		case strings.Contains(kind, "object"):
			fields, _ := s["properties"].(map[string]any)
			for name, f := range fields {
				look(at+"."+name, f.(map[string]any), depth+1)
			}
			if _, free := s["additionalProperties"].(map[string]any); free && s["maxProperties"] == nil {
				t.Errorf("%s: any number of properties", at)
			}
		}
	}
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			o := op.(map[string]any)
			at := strings.ToUpper(method) + " " + path
			params, _ := o["parameters"].([]any)
			for _, p := range params {
				p := p.(map[string]any)
				look(at+" "+fmt.Sprint(p["name"]), p["schema"].(map[string]any), 0)
			}
			if body, ok := o["requestBody"].(map[string]any); ok {
				for _, media := range body["content"].(map[string]any) {
					look(at, media.(map[string]any)["schema"].(map[string]any), 0)
				}
			}
		}
	}
}

// TestGoldenAPI holds the document that programs are written after, and the
// list of operations with who may do them.
func TestGoldenAPI(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	var doc bytes.Buffer
	if err := json.Indent(&doc, h.api.Document(), "", "  "); err != nil {
		t.Fatal(err)
	}
	doc.WriteByte('\n')
	var old bytes.Buffer
	if err := json.Indent(&old, h.api.Document30(), "", "  "); err != nil {
		t.Fatal(err)
	}
	old.WriteByte('\n')
	var list strings.Builder
	for _, op := range h.api.Operations() {
		fmt.Fprintf(&list, "%-7s%-58s%-20s%-17s%-8s%s\n", op.Method(), op.Path(), op.Name, op.Scope, op.Role, op.Page)
	}
	for name, got := range map[string]string{
		"docs/openapi.json": doc.String(), "internal/testkit/apiclient/openapi-3.0.json": old.String(), "internal/app/testdata/operations.golden.txt": list.String(),
	} {
		file := filepath.Join(testkit.Root(t), name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what the API says of itself. If that is meant, run: make golden, and look at what changes for programs", name)
		}
	}
}
