package collect

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

var allTables = append(append(append(append([]customers.Table(nil), customers.Tables...), orders.Tables...), facts.Tables...), Tables...)

// site is a program with a source, as clients meet it.
type site struct {
	t      *testing.T
	db     *store.DB
	source Source
	url    string
}

func open(t *testing.T, db *store.DB) *site {
	t.Helper()
	catalog, err := locale.Load(Files, customers.Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog, Routes: Doors(db), Now: db.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	return &site{t, db, addSource(t, db, Segment), server.URL}
}

// send posts a body as a client does, and returns status and answer.
func (s *site) send(path, body string, headers ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth(s.source.Token, "")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return s.do(req)
}

func (s *site) do(req *http.Request) (int, string) {
	s.t.Helper()
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// tell posts messages in one batch and has the inbox worked.
func (s *site) tell(messages ...string) {
	s.t.Helper()
	if status, body := s.send("/v1/batch", `{"batch":[`+strings.Join(messages, ",")+`]}`); status != 200 || body != `{"success":true}` {
		s.t.Fatalf("a batch is answered %d %s", status, body)
	}
	s.work()
}

func (s *site) work() {
	s.t.Helper()
	subscriptions := []timeline.Subscription{facts.Subscription}
	all := append(append(Jobs(s.db, allTables), timeline.Jobs(s.db, subscriptions)...), facts.Jobs(s.db)...)
	if err := jobs.Drain(s.t.Context(), s.db, all); err != nil {
		s.t.Fatal(err)
	}
	failed, err := Failures(s.t.Context(), s.db, s.source.ID, 0, 10)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range failed {
		if errs.KeyOf(f.Reason) == "collect.error.internal" {
			s.t.Fatalf("laid aside by a fault of ours: %s %s", f.Topic, f.Body)
		}
	}
}

func (s *site) customer(kind, value string) customers.Customer {
	s.t.Helper()
	found, ok, err := customers.Find(s.t.Context(), s.db, customers.Identity{Kind: kind, Value: value})
	if err != nil || !ok {
		s.t.Fatalf("nobody is known as %s %s: %v", kind, value, err)
	}
	c, err := customers.ByID(s.t.Context(), s.db, found)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// story is a customer's timeline in the order of time, as kind and name.
func (s *site) story(c id.Customer) (all []string) {
	s.t.Helper()
	events, err := timeline.History(s.t.Context(), s.db, c)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range events {
		if e.Source == "collect" && (e.Kind == eventTracked || e.Kind == eventPage || e.Kind == eventScreen) {
			v, err := timeline.Decode[Acted](e)
			if err != nil {
				s.t.Fatal(err)
			}
			all = append(all, strings.TrimSpace(e.Kind+" "+v.Name))
		}
	}
	return all
}

func (s *site) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func at(minutes int) string {
	return testkit.Start.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339Nano)
}

func TestEveryAddressOfTheAPITakesItsCall(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		for i, call := range []struct{ path, body string }{
			{"/v1/identify", `{"userId":"7","traits":{"plan":"pro"}}`}, {"/v1/i", `{"userId":"7","traits":{"plan":"pro"}}`},
			{"/v1/track", `{"userId":"7","event":"Asked"}`}, {"/v1/t", `{"userId":"7","event":"Asked"}`},
			{"/v1/page", `{"userId":"7","name":"Home"}`}, {"/v1/p", `{"userId":"7"}`},
			{"/v1/screen", `{"userId":"7","name":"Start"}`}, {"/v1/s", `{"userId":"7"}`},
			{"/v1/group", `{"userId":"7","groupId":"acme","traits":{"name":"Acme"}}`}, {"/v1/g", `{"userId":"7","groupId":"acme"}`},
			{"/v1/alias", `{"userId":"7","previousId":"old"}`}, {"/v1/a", `{"userId":"7","previousId":"older"}`},
			{"/v1/batch", `{"batch":[{"type":"track","userId":"7","event":"Asked"}]}`}, {"/v1/b", `{"batch":[{"type":"page","userId":"7"}]}`},
		} {
			if status, answer := s.send(call.path, call.body); status != 200 || answer != `{"success":true}` {
				t.Errorf("%s is answered %d %s", call.path, status, answer)
			}
			if i == 0 {
				if n := inInbox(t, db); n != 1 {
					t.Errorf("%d parcels in the inbox when the first was answered", n)
				}
			}
		}
		s.work()
		c := s.customer(customers.External, "site:7")
		if got := s.story(c.ID); len(got) != 8 {
			t.Errorf("the timeline has %q", got)
		}
		if n := s.count(`select count(*) from collect_failures`); n != 0 {
			t.Errorf("%d failures", n)
		}
		if n := s.count(`select count(*) from customer_traits where customer_id = $1 and trait in ('plan', 'group', 'group.name')`, int64(c.ID)); n != 3 {
			t.Errorf("%d of 3 traits", n)
		}
	})
}

func TestWhoSendsIsKnownByAnyFormOfTheKey(t *testing.T) {
	db := testkit.DB(t)
	s := open(t, db)
	body := func(key string) string { return `{"userId":"7","event":"Asked","writeKey":"` + key + `"}` }
	for _, c := range []struct {
		name, auth, body string
		want             int
	}{
		{"basic", "Basic " + basic(s.source.Token, ""), body(""), 200},
		{"in the body", "", body(s.source.Token), 200},
		{"bearer with a key in the body", "Bearer some-token", body(s.source.Token), 200},
		{"bearer", "Bearer " + s.source.Token, body(""), 200},
		{"nobody", "", body(""), 401},
		{"a wrong key", "Basic " + basic("wrong", ""), body(""), 401},
	} {
		req, _ := http.NewRequest(http.MethodPost, s.url+"/v1/track", strings.NewReader(c.body))
		if c.auth != "" {
			req.Header.Set("Authorization", c.auth)
		}
		if status, answer := s.do(req); status != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, status, answer, c.want)
		}
	}
}

func basic(user, password string) string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

func TestWhatIsTooLargeOrNoJSONIsRefusedWith400(t *testing.T) {
	db := testkit.DB(t)
	s := open(t, db)
	many := func(n int, one string) string {
		return `{"batch":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	small := `{"type":"track","userId":"7","event":"a"}`
	for _, c := range []struct {
		name, path, body string
		want             int
	}{
		{"a message of just 32 KB", "/v1/track", `{"userId":"7","event":"a","x":"` + strings.Repeat("x", maxMessage-40) + `"}`, 200},
		{"a longer message", "/v1/track", `{"userId":"7","event":"a","x":"` + strings.Repeat("x", maxMessage) + `"}`, 400},
		{"a longer message in a batch", "/v1/batch", many(1, `{"x":"`+strings.Repeat("x", maxMessage)+`"}`), 400},
		{"2,500 messages", "/v1/batch", many(2500, small), 200},
		{"2,501 messages", "/v1/batch", many(2501, small), 400},
		{"more than 500 KB", "/v1/batch", many(20, `{"x":"`+strings.Repeat("x", 30<<10)+`"}`), 400},
		{"no JSON", "/v1/track", `userId=7`, 400},
		{"a list", "/v1/track", `[1]`, 400},
		{"nothing", "/v1/track", ``, 400},
	} {
		if status, answer := s.send(c.path, c.body); status != c.want {
			t.Errorf("%s: %d %.100s, want %d", c.name, status, answer, c.want)
		} else if status == 400 && !strings.Contains(answer, `"success":false`) {
			t.Errorf("%s: refused as %s", c.name, answer)
		}
	}
}

func TestPackedBodiesAreReadAndBombsAreNot(t *testing.T) {
	db := testkit.DB(t)
	s := open(t, db)
	pack := func(body string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, body)
		w.Close()
		return b.String()
	}
	if status, answer := s.send("/v1/track", pack(`{"userId":"7","event":"Packed"}`), "Content-Encoding", "gzip"); status != 200 {
		t.Errorf("packed: %d %s", status, answer)
	}
	size := 100 << 20
	if testing.Short() {
		size = 4 << 20
	}
	bomb := pack(`{"userId":"` + strings.Repeat("7", size) + `"}`)
	if len(bomb) > 200<<10 {
		t.Fatalf("the bomb is %d bytes", len(bomb))
	}
	if status, _ := s.send("/v1/track", bomb, "Content-Encoding", "gzip"); status != 400 {
		t.Errorf("a bomb: %d", status)
	}
	for _, broken := range []string{"", "no gzip", pack("{}")[:12]} {
		if status, _ := s.send("/v1/track", broken, "Content-Encoding", "gzip"); status != 400 {
			t.Errorf("broken %q: %d", broken, status)
		}
	}
	s.work()
	if got := s.story(s.customer(customers.External, "site:7").ID); fmt.Sprint(got) != "[action.tracked Packed]" {
		t.Errorf("the timeline has %q", got)
	}
}

func TestPagesOfAnySiteMaySendAsBrowsersDo(t *testing.T) {
	db := testkit.DB(t)
	s := open(t, db)
	req, _ := http.NewRequest(http.MethodOptions, s.url+"/v1/t", nil)
	req.Header.Set("Origin", "https://shop.example")
	req.Header.Set("Access-Control-Request-Method", "POST")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 204 || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the question before: %d %v", answer.StatusCode, answer.Header)
	}
	req, _ = http.NewRequest(http.MethodPost, s.url+"/v1/t", strings.NewReader(`{"anonymousId":"a","event":"Asked","writeKey":"`+s.source.Token+`"}`))
	req.Header.Set("Origin", "https://shop.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Content-Type", "text/plain")
	if status, body := s.do(req); status != 200 {
		t.Errorf("text/plain from another site: %d %s", status, body)
	}
	if status, body := s.do(must(http.NewRequest(http.MethodGet, s.url+"/v1/projects/"+s.source.Token+"/settings", nil))); status != 200 ||
		!json.Valid([]byte(body)) || !strings.Contains(body, `"apiHost":"`+strings.TrimPrefix(s.url, "http://")+`/v1"`) {
		t.Errorf("the settings: %d %s", status, body)
	}
	if status, _ := s.do(must(http.NewRequest(http.MethodGet, s.url+"/v1/projects/wrong/settings", nil))); status != 404 {
		t.Errorf("settings of nobody: %d", status)
	}
}

func must(r *http.Request, _ error) *http.Request { return r }

func TestIdentifyMakesACustomerInBothSpellings(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.tell(`{"type":"identify","userId":"7","timestamp":"`+at(-5)+`","context":{"locale":"cs-CZ"},"traits":{"firstName":"Ana","lastName":"Nováková",
			"email":"Ana@Example.com","phone":"+420 601 123 456","birthday":"1984-05-17","plan":"pro","company":{"name":"Acme","employeeCount":12},
			"address":{"street":"Dlouhá 1","city":"Praha","postalCode":"110 00","country":"CZ"}}}`,
			`{"type":"identify","user_id":"8","traits":{"first_name":"Bo","last_name":"Li","email":"bo@example.com","phone":"nonsense","address":{"postal_code":"8001","city":"Zürich"}}}`)
		a, b := s.customer(customers.External, "site:7"), s.customer(customers.External, "site:8")
		if a.Name != "Ana Nováková" || a.Given != "Ana" || a.Email != "ana@example.com" || a.Phone != "+420601123456" || a.Language != "cs" || a.Country != "CZ" ||
			!a.JoinedAt.Equal(testkit.Start.Add(-5*time.Minute)) {
			t.Errorf("the first is %+v", a)
		}
		if b.Name != "Bo Li" || b.Email != "bo@example.com" || b.Phone != "" {
			t.Errorf("the second is %+v", b)
		}
		dates, _ := customers.Dates(t.Context(), db, a.ID)
		if len(dates) != 1 || dates[0].Day() != "1984-05-17" {
			t.Errorf("dates %+v", dates)
		}
		for c, postcode := range map[id.Customer]string{a.ID: "110 00", b.ID: "8001"} {
			if all, _ := customers.Addresses(t.Context(), db, c); len(all) != 1 || all[0].Postcode != postcode {
				t.Errorf("addresses %+v", all)
			}
		}
		if n := s.count(`select count(*) from customer_traits where customer_id = $1 and trait = 'company.employeeCount' and number_value = 12`, int64(a.ID)); n != 1 {
			t.Error("the company's size is not there as a number")
		}
		if n := s.count(`select count(*) from customer_traits where text_value like '%xample%'`); n != 0 {
			t.Error("an email stands among the traits")
		}
		// Again, later and earlier: the newest word counts, by its own time.
		s.tell(`{"type":"identify","userId":"7","timestamp":"`+at(-1)+`","traits":{"plan":"max","email":"ana@example.com"}}`,
			`{"type":"identify","userId":"7","timestamp":"`+at(-9)+`","traits":{"plan":"free"}}`)
		if n := s.count(`select count(*) from customer_traits where customer_id = $1 and trait = 'plan' and text_value = 'max'`, int64(a.ID)); n != 1 {
			t.Error("an older word replaced a newer one")
		}
	})
}

func TestAMessageCountsOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		one := `{"type":"track","userId":"7","event":"Asked","messageId":"m1"}`
		s.tell(one, one)
		s.tell(one, `{"type":"track","userId":"7","event":"Asked","messageId":"m2"}`)
		s.tell(`{"type":"track","userId":"7","event":"Asked","messageId":"` + strings.Repeat("long", 50) + `"}`)
		s.tell(`{"type":"track","userId":"7","event":"Asked","messageId":"` + strings.Repeat("long", 50) + `"}`)
		if got := s.story(s.customer(customers.External, "site:7").ID); len(got) != 3 {
			t.Errorf("%d events, want 3", len(got))
		}
	})
}

func TestTheClientsClockIsPutRight(t *testing.T) {
	received := testkit.Start
	for _, c := range []struct {
		name, sent, stamp string
		want              time.Duration
	}{
		{"right", at(0), at(-2), -2 * time.Minute},
		{"an hour ahead", at(60), at(58), -2 * time.Minute},
		{"a year behind", "2025-03-02T09:00:00Z", "2025-03-02T08:59:00.500Z", -59*time.Second - 500*time.Millisecond},
		{"nothing said of sending", "", at(-30), -30 * time.Minute},
		{"in the future", "", at(30), 0},
		{"nothing said", "", "", 0},
		{"no time", at(0), "yesterday", 0},
		{"milliseconds", "", fmt.Sprint(testkit.Start.Add(-time.Second).UnixMilli()), -time.Second},
	} {
		if got := corrected(received, c.sent, c.stamp).Sub(received); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhatAVisitorDidBecomesTheirsWhenTheyAreKnown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.tell(`{"type":"page","anonymousId":"browser","name":"Home","timestamp":"`+at(-10)+`"}`,
			`{"type":"track","anonymousId":"browser","event":"Product Viewed","properties":{"name":"Tea","price":4.5},"timestamp":"`+at(-9)+`"}`,
			`{"type":"track","anonymousId":"other","event":"Product Viewed","timestamp":"`+at(-9)+`"}`)
		if n := s.count(`select count(*) from visitor_events`); n != 3 {
			t.Fatalf("%d events wait, want 3", n)
		}
		if n := s.count(`select count(*) from customers`); n != 0 {
			t.Fatalf("a visitor was counted as a customer")
		}
		s.tell(`{"type":"track","userId":"7","event":"Signed In","timestamp":"`+at(-12)+`"}`,
			`{"type":"identify","userId":"7","anonymousId":"browser","timestamp":"`+at(-5)+`"}`,
			`{"type":"track","anonymousId":"browser","event":"Cart Viewed","timestamp":"`+at(-7)+`"}`)
		c := s.customer(customers.External, "site:7")
		want := "[action.tracked Signed In page.viewed Home action.tracked Product Viewed action.tracked Cart Viewed]"
		if got := s.story(c.ID); fmt.Sprint(got) != want {
			t.Errorf("the timeline is %q, want %s", got, want)
		}
		if n := s.count(`select count(*) from visitor_events`); n != 1 {
			t.Errorf("%d events wait, want the other visitor's", n)
		}
		if n := s.count(`select count(*) from customer_event_props p join customer_event_names n on n.customer_id = p.customer_id and n.event_id = p.event_id
			where p.customer_id = $1 and n.name = 'Product Viewed' and p.prop = 'price' and p.number_value = 4.5`, int64(c.ID)); n != 1 {
			t.Error("the price of what was viewed cannot be asked for")
		}
		s.tell(`{"type":"page","anonymousId":"browser","name":"Later"}`)
		if got := s.story(c.ID); got[len(got)-1] != "page.viewed Later" {
			t.Errorf("what the known browser does next: %q", got)
		}
	})
}

func TestAliasGivesAVisitorToTheirCustomerAndOffersTwoCustomersForMerging(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.tell(`{"type":"track","anonymousId":"anon","event":"Before","timestamp":"`+at(-9)+`"}`,
			`{"type":"track","userId":"old","event":"As old","timestamp":"`+at(-8)+`"}`,
			`{"type":"track","userId":"new","event":"As new","timestamp":"`+at(-7)+`"}`)
		s.tell(`{"type":"alias","previousId":"anon","userId":"new"}`, `{"type":"alias","previousId":"old","userId":"new"}`)
		c := s.customer(customers.External, "site:new")
		if got := s.story(c.ID); fmt.Sprint(got) != "[action.tracked Before action.tracked As new]" {
			t.Errorf("the timeline is %q", got)
		}
		old := s.customer(customers.External, "site:old")
		if old.ID == c.ID {
			t.Error("whoever reads the key in a page merges two customers with it")
		}
		pairs, err := customers.Duplicates(t.Context(), db, 10)
		if err != nil || len(pairs) != 1 {
			t.Errorf("offered for merging: %v, %v", pairs, err)
		}
	})
}

func TestOneBadMessageOfABatchIsLaidAsideWithItsReason(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		if status, _ := s.send("/v1/batch", `{"context":{"locale":"ko-KR"},"batch":[{"type":"track","userId":"7","event":"Good"},{"type":"track","event":"Nobody's"},7,
			{"type":"track","userId":"7"},{"type":"dance","userId":"7"},{"type":"track","userId":"7","event":"Also good"}]}`); status != 200 {
			t.Fatal(status)
		}
		s.work()
		c := s.customer(customers.External, "site:7")
		if got := s.story(c.ID); len(got) != 2 || c.Language != "ko" {
			t.Errorf("the timeline is %q, the language %q", got, c.Language)
		}
		failed, err := Failures(t.Context(), db, s.source.ID, 0, 10)
		if err != nil || len(failed) != 4 {
			t.Fatalf("%d failures, %v", len(failed), err)
		}
		if f := failed[3]; errs.KeyOf(f.Reason) != "collect.error.nobody" || !strings.Contains(string(f.Body), "Nobody's") || !strings.Contains(string(f.Body), "ko-KR") {
			t.Errorf("%s %s", errs.KeyOf(f.Reason), f.Body)
		}
	})
}
