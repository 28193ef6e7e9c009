package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"regulars/internal/doors/demo"
	"regulars/internal/doors/webhooks"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// filtered is a list that is had as a page, as a file and from the API.
type filtered struct {
	page, api string
	file, row string            // names of what tells rows apart: in the file and in the API
	tried     map[string]string // for each filter of the API a value that some have; where page and API write it differently, with a bar between
}

// notFilters are parameters of every list.
var notFilters = []string{"limit", "after", "fields", "sort", "desc", "up"}

// otherFilters are lists that are asked for in another way, each with its
// reason.
var otherFilters = map[string]string{
	"/due":                         "the page offers three spans of days ahead; a program names any days",
	"/customers/{customer}/events": "a timeline, not a list",
}

// filteredLists are the lists with a page. What a value is of is made or read
// from the demo store.
func filteredLists(t *testing.T, a *App) []filtered {
	t.Helper()
	one := func(query string, args ...any) (s string) {
		t.Helper()
		if err := a.DB.QueryRow(t.Context(), query, args...).Scan(&s); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return s
	}
	number := func(query string) (n int64) {
		t.Helper()
		if err := a.DB.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	buyer := id.Customer(number(`select min(customer_id) from orders`)).String()
	subscriber := id.Customer(number(`select min(customer_id) from subscriptions`)).String()
	var told id.Event
	var endpoint id.Endpoint
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		for n := range 3 {
			if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: fmt.Sprintf("nobody.works_it%d", n), At: tx.Now.AddDate(1, 0, 0)}); err != nil {
				return err
			}
		}
		e, _, err := webhooks.Add(t.Context(), tx, 0, webhooks.Edit{URL: "https://example.com/hook"})
		endpoint = e
		for range 3 {
			if err == nil {
				told, err = webhooks.SendPing(t.Context(), tx, e)
			}
		}
		for _, change := range []string{ // some are unlike the others
			`update jobs set state = 'dead' where kind = 'nobody.works_it1'`,
			`update webhook_deliveries set state = 'failed', kind = 'order.placed' where event_id = (select max(event_id) from webhook_deliveries)`,
			`update webhook_deliveries set made_at = 0 where event_id = (select min(event_id) from webhook_deliveries)`,
			`update products set kind = 'service' where id = (select min(id) from products)`,
			`update subscriptions set source = 'other', cancel_at = started_at where subscription_id = (select min(subscription_id) from subscriptions where ended_at is null)`,
		} {
			if _, changed := tx.Exec(t.Context(), change); changed != nil {
				return changed
			}
		}
		return err
	})
	return []filtered{
		{"/customers", "/customers", "id", "id", map[string]string{
			"q": one(`select name from customers where name <> '' order by customer_id limit 1`), "tag": one(`select min(tag) from customer_tags`),
			"language": one(`select min(language) from customers where language <> ''`), "country": one(`select min(country) from customers where country <> ''`),
			"consent": "email", "from": "2026-01-01", "to": "2025-12-31", "last_from": "2026-02-01", "last_to": "2026-01-31",
			"orders_from": "3", "orders_to": "2", "spend_from": "100.00|10000", "spend_to": "99.99|9999"}},
		{"/orders", "/orders", "id", "id", map[string]string{
			"q": one(`select substr(number, 1, 4) from orders order by order_id desc limit 1`), "from": "2026-01-01", "to": "2025-12-31",
			"channel": one(`select min(channel) from orders`), "state": "refunded", "who": "walk-in", "customer": buyer}},
		{"/subscriptions", "/subscriptions", "id", "id", map[string]string{
			"q": one(`select min(plan) from subscriptions`), "status": "notice", "source": "other", "customer": subscriber}},
		{"/products", "/products", "id", "id", map[string]string{
			"q": one(`select substr(min(name), 1, 5) from products`), "kind": "service", "category": id.Category(number(`select min(category_id) from products where category_id is not null`)).String()}},
		{"/audit", "/audit", "id", "id", map[string]string{
			"by": id.User(number(`select min(user_id) from audit where user_id <> 0`)).String(), "action": one(`select min(action) from audit`), "subject": one(`select subject from audit where subject <> '' limit 1`),
			"from": "2026-03-31", "to": "2026-04-01", "q": one(`select subject from audit where subject <> '' limit 1`)}},
		{"/jobs", "/jobs", "job", "id", map[string]string{"state": "dead", "kind": "nobody.works_it2"}},
		{"/settings/webhooks/" + endpoint.String(), "/webhooks/{endpoint}/deliveries", "event", "event", map[string]string{
			"q": told.String(), "state": "failed", "kind": "order.placed", "since": "2026-01-01"}},
		{"/staff", "/staff", "id", "id", nil}, {"/imports", "/imports", "import", "id", nil},
	}
}

// TestEveryListIsFilteredAlikeAsPageFileAndByPrograms holds the filters of each
// list of the API against those of its page and of its file: the same names,
// and with each the same rows.
func TestEveryListIsFilteredAlikeAsPageFileAndByPrograms(t *testing.T) {
	a, h, token := demoApp(t, testkit.DSN(t, "sqlite"))
	house := newHouse(t, testkit.DB(t))
	doc := readDocument(t, house)
	boss, err := users.ByEmail(t.Context(), a.DB, demo.OwnerEmail)
	if err != nil {
		t.Fatal(err)
	}
	var key string
	testkit.Do(t, a.DB, func(tx *store.Tx) (err error) {
		key, _, err = users.MakeKey(t.Context(), tx, boss.ID, users.NewKey{Name: "a program", Scopes: rest.Scopes()})
		return err
	})
	lists := filteredLists(t, a)
	compared := map[string]bool{}
	for _, l := range lists {
		var op rest.Operation
		for _, o := range house.api.Operations() {
			if o.Pattern == "GET "+l.api {
				op = o
			}
		}
		compared[op.Path()] = true
		at := strings.Replace(l.api, "{endpoint}", l.page[strings.LastIndex(l.page, "/")+1:], 1)
		var names []string
		for _, name := range doc.parameters(op) {
			if name[0] >= 'a' && name[0] <= 'z' && !slices.Contains(notFilters, name) && !strings.Contains(l.api, "{"+name+"}") {
				names = append(names, name)
			}
		}
		shown := page.Get(t, h, l.page, page.As(token))
		for _, name := range append(shown.Attrs(".filter [name]", "name"), slices.Collect(keysOf(l.tried))...) {
			if !slices.Contains(names, name) && !slices.Contains(notFilters, name) && name != "col" {
				t.Errorf("%s: the page is filtered by %q, and %s is not", l.page, name, op.Name)
			}
		}
		all := rowsOfFile(t, h, token, l, nil)
		if got := rowsOfAPI(t, h, key, at, l.row, nil); !slices.Equal(all, got) && l.page != "/audit" {
			t.Errorf("%s: the file has %d rows, and %s %d", l.page, len(all), op.Name, len(got))
		}
		for _, name := range names {
			value, told := l.tried[name]
			if !told {
				t.Errorf("%s: say in internal/app/filters_test.go a value for %q, by which %s can be filtered", l.page, name, op.Name)
				continue
			}
			here, there, different := strings.Cut(value, "|")
			if !different {
				there = here
			}
			file := rowsOfFile(t, h, token, l, url.Values{name: {here}})
			api := rowsOfAPI(t, h, key, at, l.row, url.Values{name: {there}})
			if !slices.Equal(file, api) {
				t.Errorf("%s filtered by %s=%s: the file has %d rows, and %s %d", l.page, name, value, len(file), op.Name, len(api))
			}
			if len(file) == 0 || slices.Equal(file, all) {
				t.Errorf("%s filtered by %s=%s: %d of %d rows are there, so nothing was tried", l.page, name, value, len(file), len(all))
			}
		}
	}
	for _, op := range house.api.Operations() {
		if op.Method() == http.MethodGet && doc.lists(op) && compared[op.Path()] == (otherFilters[op.Path()] != "") {
			for _, name := range doc.parameters(op) {
				if name[0] >= 'a' && name[0] <= 'z' && !slices.Contains(notFilters, name) && !strings.Contains(op.Path(), "{"+name+"}") {
					t.Errorf("%s is filtered by %q: add its page to internal/app/filters_test.go, or say there why it has none", op.Name, name)
				}
			}
		}
	}
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// rowsOfFile are the ids of the rows of a list's file, sorted, each once.
func rowsOfFile(t *testing.T, h http.Handler, token string, l filtered, q url.Values) (ids []string) {
	t.Helper()
	all := url.Values{"format": {"jsonl"}}
	for name, v := range q {
		all[name] = v
	}
	p := page.Get(t, h, l.page+"/export?"+all.Encode(), page.As(token)).HasStatus(http.StatusOK)
	for line := range strings.Lines(p.Body) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, fmt.Sprint(row[l.file]))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// rowsOfAPI are those of all pages of an operation.
func rowsOfAPI(t *testing.T, h http.Handler, key, path, row string, q url.Values) (ids []string) {
	t.Helper()
	for after := ""; ; {
		all := url.Values{"limit": {"200"}, "after": {after}}
		for name, v := range q {
			all[name] = v
		}
		r := httptest.NewRequest(http.MethodGet, rest.Base+path+"?"+all.Encode(), nil)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s?%s: status %d\n%s", path, all.Encode(), w.Code, w.Body)
			return nil
		}
		got := rows(t, w.Body.Bytes())
		for _, v := range got.Data {
			var one map[string]any
			decode(t, v, &one)
			ids = append(ids, fmt.Sprint(one[row]))
		}
		if after = got.Next; after == "" {
			break
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
