package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/orders"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// exempt are operations that need not keep a rule, each with its reason.
var exempt = map[string]map[string]string{
	"ETag": {
		"exportCustomer": "it says when it was taken, so no two are the same; each one stands in the audit log",
	},
	"fields": {
		"exportCustomer": "whoever asks for all that is held of them gets all",
	},
	"If-Match": {
		"setRates":          "rates are of many days, and those sent replace what they name alone",
		"renewSubscription": "once for each number: nothing is replaced",
		"dismissDuplicate":  "a pair is there or not; it has no state",
	},
	"PATCH": {
		"findCustomer":     "they are changed at their own address, by their id",
		"getEvent":         "an event is written once and never edited",
		"findOrder":        "a source tells its orders again, by PUT",
		"findSubscription": "a source tells its subscriptions again, by PUT",
		"getDelivery":      "a log",
	},
}

// TestEveryOperationKeepsTheRulesOfTheAPI holds the whole document to what the
// guide promises of all operations.
func TestEveryOperationKeepsTheRulesOfTheAPI(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	doc := readDocument(t, h)
	spared := map[string]bool{}
	patched := map[string]bool{}
	for _, op := range h.api.Operations() {
		patched[op.Path()] = patched[op.Path()] || op.Method() == http.MethodPatch
	}
	for _, op := range h.api.Operations() {
		has := doc.parameters(op)
		must := func(rule string, kept bool, how string) {
			if why := exempt[rule][op.Name]; why != "" {
				spared[rule+" "+op.Name] = true
				if kept {
					t.Errorf("%s keeps the rule of %s and has a reason not to", op.Name, rule)
				}
				return
			}
			if !kept {
				t.Errorf("%s (%s): %s; or say in internal/app/operations_rules_test.go why not", op.Name, op.Pattern, how)
			}
		}
		switch op.Method() {
		case http.MethodGet:
			must("fields", slices.Contains(has, "fields"), "embed rest.Fields in its input, so that programs ask for less")
			if doc.lists(op) {
				must("pages", slices.Contains(has, "limit") && slices.Contains(has, "after"), "embed rest.Page (or rest.Short) in its input, so that it comes in pages")
				continue
			}
			must("ETag", slices.Contains(has, "If-None-Match") && doc.tagged(op), "answer with rest.Show, so that it has an ETag")
			if path := op.Path(); strings.HasSuffix(path, "}") {
				must("PATCH", patched[path], "let what is read here be changed by PATCH")
			}
		case http.MethodPatch:
			must("merge patch", doc.takes(op, "application/merge-patch+json"), "give its body the content type application/merge-patch+json")
			must("If-Match", slices.Contains(has, "If-Match"), "embed rest.IfMatch in its input")
		case http.MethodPut, http.MethodDelete:
			must("If-Match", slices.Contains(has, "If-Match"), "embed rest.IfMatch in its input")
		}
		if op.Writes() {
			must("Idempotency-Key", slices.Contains(has, "Idempotency-Key"), "it writes, so it takes an Idempotency-Key")
		}
		must("problem", doc.refuses(op), "its errors are problems")
	}
	for rule, all := range exempt {
		for name := range all {
			if !spared[rule+" "+name] {
				t.Errorf("%s has a reason not to keep the rule of %s, which it need not keep", name, rule)
			}
		}
	}
}

// document is the API's own, as JSON.
type document struct {
	t   *testing.T
	all map[string]any
}

func readDocument(t *testing.T, h house) (d document) {
	t.Helper()
	d.t = t
	if err := json.Unmarshal(h.api.Document(), &d.all); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) at(path ...string) any {
	var v any = d.all
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func (d document) of(op rest.Operation, path ...string) any {
	return d.at(append([]string{"paths", op.Path(), strings.ToLower(op.Method())}, path...)...)
}

func (d document) parameters(op rest.Operation) (names []string) {
	all, _ := d.of(op, "parameters").([]any)
	for _, p := range all {
		names = append(names, fmt.Sprint(p.(map[string]any)["name"]))
	}
	return names
}

func (d document) schema(op rest.Operation) string {
	return fmt.Sprint(d.of(op, "responses", "200", "content", "application/json", "schema"))
}

func (d document) lists(op rest.Operation) bool {
	return strings.Contains(d.schema(op), "/schemas/List")
}

func (d document) tagged(op rest.Operation) bool {
	return d.of(op, "responses", "200", "headers", "ETag") != nil && d.of(op, "responses", "304") != nil
}

func (d document) takes(op rest.Operation, kind string) bool {
	return d.of(op, "requestBody", "content", kind) != nil
}

func (d document) refuses(op rest.Operation) bool {
	return d.of(op, "responses", "default", "content", "application/problem+json") != nil
}

// reads say what stands in the places of the addresses of operations that
// read.
var reads = map[string]func(h house) (path string){
	"findCustomer":   func(h house) string { return fmt.Sprintf("/customers-by/card/%d", int64(h.customer())) },
	"getCustomer":    customerAt(""),
	"exportCustomer": customerAt("/export"),
	"listConsents":   customerAt("/consents"),
	"listEvents":     customerAt("/events"),
	"listMerges":     merged,
	"getFacts":       customerAt("/facts"),
	"getScore":       scored,
	"getEvent":       event,
	"getOrder":       func(h house) string { path, _ := order("", "", true)(h); return path },
	"getWalkinOrder": func(h house) string { path, _ := order("", "", false)(h); return path },
	"findOrder": func(h house) string {
		return "/orders-by/till/" + h.text(`select number from order_keys order by number desc limit 1`)
	},
	"getSubscription": func(h house) string { path, _ := ended(h); return strings.TrimSuffix(path, "/cancellation") },
	"findSubscription": func(h house) string {
		ended(h)
		return "/subscriptions-by/shop/" + h.text(`select external from subscriptions limit 1`)
	},
	"getCategory":       func(h house) string { path, _ := category("", "")(h); return strings.TrimPrefix(path, "/products") },
	"getProduct":        func(h house) string { path, _ := product(h); return path },
	"getProductFigures": func(h house) string { path, _ := product(h); return path + "/figures" },
	"getStaff":          func(h house) string { path, _ := member("", "", false)(h); return path },
	"getImport":         func(h house) string { path, _ := imported("waiting", "", "")(h); return path },
	"checkImport":       func(h house) string { path, _ := imported("waiting", "", "")(h); return path + "/check" },
	"listBadRows":       func(h house) string { path, _ := imported("waiting", "", "")(h); return path + "/bad-rows" },
	"getWebhook":        func(h house) string { path, _ := endpoint("", "")(h); return strings.TrimPrefix(path, "/settings") },
	"listDeliveries":    func(h house) string { path, _ := delivered(h); return path },
	"getDelivery":       func(h house) string { list, one := delivered(h); return list + "/" + one },
	"search":            func(h house) string { h.customer(); return "/search?q=Anna" },
}

func customerAt(path string) func(h house) string {
	return func(h house) string { return "/customers/" + h.customer().String() + path }
}

// scored is somebody whom the background work has scored.
func scored(h house) string {
	h.t.Helper()
	var c id.Customer
	if err := h.db.QueryRow(h.t.Context(), `select min(customer_id) from customer_scores`).Scan(&c); err != nil {
		h.t.Fatalf("nobody is scored: %v", err)
	}
	return "/customers/" + c.String() + "/score"
}

func merged(h house) string {
	path, _ := unmerge(h)
	return path[:strings.LastIndex(path, "/merges/")] + "/merges"
}

func event(h house) string {
	c := h.customer()
	var e id.Event
	if err := h.db.QueryRow(h.t.Context(), `select max(id) from events where customer_id = $1`, int64(c)).Scan(&e); err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprintf("/customers/%s/events/%s", c, e)
}

func delivered(h house) (list, one string) {
	path, _ := endpoint("", "")(h)
	e, _ := id.ParseEndpoint(strings.Split(path, "/")[3])
	h.do(func(tx *store.Tx) error {
		for range 3 {
			event, err := webhooks.SendPing(h.t.Context(), tx, e)
			if err != nil {
				return err
			}
			one = fmt.Sprintf("%s/%s", id.Customer(0), event)
		}
		return nil
	})
	return "/webhooks/" + e.String() + "/deliveries", one
}

func (h house) text(query string) (s string) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), query).Scan(&s); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return s
}

// TestEveryAnswerIsWhatTheDocumentSays reads with every operation: what comes
// fits its schema, lists turn page by page to the same as at once, fields leave
// out the rest, and an ETag that is still right is answered by 304.
func TestEveryAnswerIsWhatTheDocumentSays(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.fill()
		doc := readDocument(t, h)
		key := h.keyOf(web.Owner, rest.Scopes()...)
		ask := func(path string, header ...string) *httptest.ResponseRecorder {
			t.Helper()
			r := httptest.NewRequest(http.MethodGet, rest.Base+path, nil)
			r.Header.Set("Authorization", "Bearer "+key)
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := h.answer(r)
			for range 3 {
				if w.Code != http.StatusServiceUnavailable {
					break
				}
				if err := h.drain(); err != nil {
					t.Fatal(err)
				}
				w = h.answer(r)
			}
			if w.Code != http.StatusOK && w.Code != http.StatusNotModified {
				t.Fatalf("GET %s: status %d\n%s", path, w.Code, w.Body)
			}
			return w
		}
		long := 0
		for _, op := range h.api.Operations() {
			if op.Writes() {
				continue
			}
			path := op.Path()
			if strings.Contains(path, "{") || op.Name == "search" {
				prepare, named := reads[op.Name]
				if !named {
					t.Errorf("%s: say in internal/app/operations_rules_test.go what stands in its address", op.Name)
					continue
				}
				path = prepare(h)
			}
			with := func(q string) string {
				if strings.Contains(path, "?") {
					return path + "&" + q
				}
				return path + "?" + q
			}
			w := ask(path)
			fits(t, doc, op, w.Body.Bytes())
			if !doc.lists(op) {
				if tag := w.Header().Get("ETag"); exempt["ETag"][op.Name] == "" {
					if again := ask(path, "If-None-Match", tag); tag == "" || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
						t.Errorf("%s: sent with the tag it has, it is answered with status %d", op.Name, again.Code)
					}
				}
				if exempt["fields"][op.Name] == "" {
					var all, one map[string]json.RawMessage
					decode(t, w.Body.Bytes(), &all)
					name := firstOf(all)
					decode(t, ask(with("fields="+name)).Body.Bytes(), &one)
					if len(one) != 1 || one[name] == nil {
						t.Errorf("%s: of %s alone it tells %v", op.Name, name, one)
					}
				}
				continue
			}
			all := rows(t, ask(with("limit=200")).Body.Bytes())
			if len(all.Data) > 1 {
				long++
			}
			var turned []json.RawMessage
			after := ""
			for range len(all.Data) + 1 {
				page := rows(t, ask(with("limit=1&after="+url.QueryEscape(after))).Body.Bytes())
				turned = append(turned, page.Data...)
				if after = page.Next; after == "" {
					break
				}
			}
			if all.Next != "" { // more than a page can hold
				turned = turned[:min(len(turned), len(all.Data))]
			}
			if !slices.EqualFunc(turned, all.Data, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Errorf("%s: page by page there are %d, at once %d, or others", op.Name, len(turned), len(all.Data))
			}
			if len(all.Data) > 0 {
				var first, one map[string]json.RawMessage
				decode(t, all.Data[0], &first)
				name := firstOf(first)
				decode(t, rows(t, ask(with("limit=1&fields="+name)).Body.Bytes()).Data[0], &one)
				if len(one) != 1 || one[name] == nil {
					t.Errorf("%s: of %s alone it tells %v", op.Name, name, one)
				}
			}
		}
		if long < 12 {
			t.Errorf("%d lists have more than one line, so little is tried", long)
		}
		for name := range reads {
			if !slices.ContainsFunc(h.api.Operations(), func(op rest.Operation) bool { return op.Name == name }) {
				t.Errorf("there is an address for %s, which is no operation", name)
			}
		}
	})
}

// fill makes a few of everything that lists tell of, and lets the background
// work end.
func (h house) fill() {
	h.t.Helper()
	for range 3 {
		c := h.customer()
		h.sale(c)
		h.sale(0)
		ended(h)
		category("", "")(h)
		endpoint("", "")(h)
		job("", "")(h)
		imported("waiting", "", "")(h)
		dismissal(h)
	}
	h.do(func(tx *store.Tx) error {
		if _, err := tx.Exec(h.t.Context(), `update customer_duplicates set dismissed_at = null`); err != nil {
			return err
		}
		return orders.SetRates(h.t.Context(), tx, []orders.Rate{{Currency: "CZK", Day: "2026-01-02", Rate: 400, Source: "staff"},
			{Currency: "CZK", Day: "2026-01-03", Rate: 400, Source: "staff"}, {Currency: "USD", Day: "2026-01-03", Rate: 900, Source: "staff"}})
	})
	if err := h.drain(); err != nil {
		h.t.Fatal(err)
	}
	if _, err := scores.Refresh(h.t.Context(), h.db); err != nil {
		h.t.Fatal(err)
	}
}

type listing struct {
	Data []json.RawMessage `json:"data"`
	Next string            `json:"next"`
}

func rows(t *testing.T, body []byte) (p listing) {
	t.Helper()
	decode(t, body, &p)
	return p
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

// firstOf is the first name of an object.
func firstOf(m map[string]json.RawMessage) string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return slices.Min(names)
}

// fits holds an answer against the schema that the document has of it, in which
// nothing may be missing and nothing more may stand.
func fits(t *testing.T, d document, op rest.Operation, body []byte) {
	t.Helper()
	const at = "https://example.com/openapi.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(at, d.all); err != nil {
		t.Fatal(err)
	}
	place := strings.NewReplacer("~", "~0", "/", "~1").Replace(op.Path())
	s, err := c.Compile(at + "#/paths/" + url.PathEscape(place) + "/get/responses/200/content/application~1json/schema")
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: the answer is not what the document says: %v", op.Name, err)
	}
}
