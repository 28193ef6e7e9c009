package app

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"regulars/internal/doors/collect"
	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// post is a form that changes something: what it does is made ready in the
// house first.
type post func(h house) (path string, form url.Values)

// at is a form to an address that needs nothing made ready.
func at(path, form string) post {
	return func(house) (string, url.Values) {
		v, err := url.ParseQuery(form)
		if err != nil {
			panic(err)
		}
		return path, v
	}
}

// of is a form to the page of a customer who has one of everything; # in it
// stands for what the address or the form names.
func of(path, form, named string) post {
	return func(h house) (string, url.Values) {
		c := h.customer()
		return at(fmt.Sprintf("/customers/%s%s", c, strings.ReplaceAll(path, "#", h.number(named, int64(c)))),
			strings.ReplaceAll(form, "#", h.number(named, int64(c))))(h)
	}
}

// posts has one form for each route of a person who is signed in, by its
// pattern: each must leave a line in the audit log.
var posts = map[string]post{
	"/account":                            at("/account", "name=Ana&language=cs&theme=&zone="),
	"/account/sessions/closure":           at("/account/sessions/closure", ""),
	"/account/sessions/{session}/closure": endSession,
	"/customers":                          at("/customers", "name=Ana+Novak"),
	"/customers/duplicates":               at("/customers/duplicates", ""),
	"/customers/{customer}":               of("", "name=Berta", ""),
	"/customers/{customer}/addresses":     of("/addresses", "street=Long+1&city=Brno&address_country=CZ", ""),
	"/customers/{customer}/addresses/removal": of("/addresses/removal", "address=#",
		`select id from customer_addresses where customer_id = $1`),
	"/customers/{customer}/calls":                   of("/calls", "direction=in&outcome=reached&said=hello", ""),
	"/customers/{customer}/consents":                of("/consents", "channel=sms&answer=yes&place=till&words=I+agree", ""),
	"/customers/{customer}/dates":                   of("/dates", "date_kind=name_day&date_month=05&date_day=3", ""),
	"/customers/{customer}/dates/removal":           of("/dates/removal", "date_kind=birthday", ""),
	"/customers/{customer}/erasure":                 of("/erasure", "confirm=Anna", ""),
	"/customers/{customer}/identities":              of("/identities", "kind=card&value=12345678", ""),
	"/customers/{customer}/identities/removal":      of("/identities/removal", "kind=card&value=#", `select customer_id from customers where customer_id = $1`),
	"/customers/{customer}/identities/preference":   of("/identities/preference", "kind=email&value=second#%40example.com", `select customer_id from customers where customer_id = $1`),
	"/customers/{customer}/notes":                   of("/notes", "note=likes+tea", ""),
	"/customers/{customer}/notes/{note}/removal":    of("/notes/#/removal", "", `select id from customer_notes where customer_id = $1`),
	"/customers/{customer}/reachability":            of("/reachability", "address=first#%40example.com", `select customer_id from customers where customer_id = $1`),
	"/customers/{customer}/tags":                    of("/tags", "tag=vip", ""),
	"/customers/{customer}/tags/removal":            of("/tags/removal", "tag=regular", ""),
	"/customers/{customer}/tastes":                  of("/tastes", "taste_kind=music&taste=jazz", ""),
	"/customers/{customer}/tastes/removal":          of("/tastes/removal", "taste_kind=food&taste=cake", ""),
	"/customers/{customer}/merges":                  merge,
	"/customers/{customer}/merges/{merge}/undoing":  unmerge,
	"/customers/duplicates/{one}/{other}/dismissal": dismissal,

	"/customers/{customer}/orders/{order}/refunds":                    order("/refunds", "amount=1&reason=other&seen=0", true),
	"/customers/{customer}/orders/{order}/cancellation":               order("/cancellation", "cancel_reason=other", true),
	"/customers/{customer}/orders/{order}/promise":                    order("/promise", "promised=2026-04-01", true),
	"/customers/{customer}/orders/{order}/delivery":                   order("/delivery", "delivered=2026-03-01", true),
	"/customers/{customer}/subscriptions/{subscription}/cancellation": ended,
	"/orders/walk-in/{order}/refunds":                                 order("/refunds", "amount=1&reason=other&seen=0", false),
	"/orders/walk-in/{order}/cancellation":                            order("/cancellation", "cancel_reason=other", false),
	"/orders/walk-in/{order}/promise":                                 order("/promise", "promised=2026-04-01", false),
	"/orders/walk-in/{order}/delivery":                                order("/delivery", "delivered=2026-03-01", false),
	"/orders/walk-in/{order}/owner":                                   claim,
	"/orders/rates":                                                   at("/orders/rates", "currency=CZK&day=2026-03-01&rate=0.04"),
	"/products/{product}":                                             product,
	"/products/categories":                                            at("/products/categories", "name=Teas"),
	"/products/categories/{category}":                                 category("", "name-#=Coffees"),
	"/products/categories/{category}/removal":                         category("/removal", ""),

	"/settings/backups":       at("/settings/backups", "on=1&hour=4&daily=3&weekly=0&monthly=1"),
	"/settings/personal-data": at("/settings/personal-data", "notes=400"),
	"/settings/archive":       at("/settings/archive", ""),
	"/settings/backups/now":   at("/settings/backups/now", ""),

	"/imports":                       upload,
	"/imports/{import}":              imported("waiting", "", "encoding=other"),
	"/imports/{import}/continuation": imported("stopped", "/continuation", ""),
	"/imports/{import}/stop":         imported("running", "/stop", ""),
	"/imports/{import}/undoing":      imported("failed", "/undoing", ""),
	"/imports/{import}/removal":      imported("waiting", "/removal", ""),
	"/insights/money":                at("/insights/money", "win=10&keep=1&margin=40&growth=10"),
	"/jobs/attempt":                  job("/jobs/attempt", "state=waiting"),
	"/jobs/cancellation":             job("/jobs/cancellation", "state=waiting"),
	"/jobs/{job}/attempt":            job("/jobs/#/attempt", ""),
	"/jobs/{job}/cancellation":       job("/jobs/#/cancellation", ""),

	"/settings":                                             at("/settings", "business=Corner&country=CZ&zone=Europe/Prague&currency=EUR&language=cs&colour=%23112233"),
	"/settings/sources":                                     at("/settings/sources", "kind=segment&name=Shop&space=site"),
	"/settings/sources/{source}":                            source("", "name=Other&space=site"),
	"/settings/sources/{source}/disabling":                  source("/disabling", ""),
	"/settings/sources/{source}/enabling":                   source("/enabling", ""),
	"/settings/sources/{source}/attempt":                    source("/attempt", ""),
	"/settings/sources/{source}/removal":                    source("/removal", ""),
	"/settings/sources/{source}/failures/{failure}/attempt": source("/failures/#/attempt", ""),
	"/settings/sources/{source}/secret":                     shopSecret,
	"/settings/privacy/{request}/settlement":                privacyRequest,
	"/settings/webhooks":                                    at("/settings/webhooks", "url=https://example.com/hook&which=all"),
	"/settings/webhooks/{endpoint}":                         endpoint("", "url=https://example.com/other&which=all"),
	"/settings/webhooks/{endpoint}/pause":                   endpoint("/pause", ""),
	"/settings/webhooks/{endpoint}/resumption":              resumption,
	"/settings/webhooks/{endpoint}/rotation":                endpoint("/rotation", ""),
	"/settings/webhooks/{endpoint}/replay":                  endpoint("/replay", "since=2026-02-01&what=all"),
	"/settings/webhooks/{endpoint}/removal":                 endpoint("/removal", ""),
	"/settings/api":                                         at("/settings/api", "name=Shop&scope=customers:read&lasts=0"),
	"/settings/api/{key}/revocation":                        revocation,
	"/settings/sign-in":                                     at("/settings/sign-in", "second=till&role="),
	"/settings/mail":                                        at("/settings/mail", "host=smtp.example.com&security=tls&from=a@example.com&url=https://shop.example"),
	"/settings/mail/test":                                   tryMail,
	"/account/security/app":                                 newApp,
	"/account/security/codes":                               at("/account/security/codes", ""),
	"/account/security/app/removal":                         removeApp,
	"/account/security/passkeys/{passkey}":                  passkey("", "name=Phone"),
	"/account/security/passkeys/{passkey}/removal":          passkey("/removal", ""),
	"/staff/{user}/factors/removal":                         member("/factors/removal", "", false),

	"/staff":               at("/staff", "name=Cleo&email=cleo@example.com&role=till"),
	"/staff/{user}/role":   member("/role", "role=till", false),
	"/staff/{user}/link":   member("/link", "", false),
	"/staff/{user}/leave":  member("/leave", "", false),
	"/staff/{user}/return": member("/return", "", true),
}

// unaudited are routes that leave no line, each with its reason.
var unaudited = map[string]string{
	"/settings/webhooks/{endpoint}/ping":                                 "a message to try it changes nothing",
	"/settings/webhooks/{endpoint}/deliveries/{customer}/{event}/replay": "as the replay of many, whose line is held",
	"/account/security/passkeys":                                         "a passkey is made in the browser's test of signing in",
	"/account/password":                                                  "held by the tests of users, as it needs the old password",
}

func TestEveryFormOfStaffLeavesALineInTheAuditLog(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	missing := map[string]bool{}
	for _, route := range h.Routes() {
		method, pattern, _ := strings.Cut(route.Pattern, " ")
		if method == http.MethodGet || route.AnyOrigin || route.Role == web.Public {
			continue // whoever is not signed in is no staff; what they do is not theirs
		}
		prepare := posts[pattern]
		if prepare == nil {
			if unaudited[pattern] == "" {
				t.Errorf("POST %s: say in internal/app/posts_test.go with which form it changes something, so that its line in the audit log can be held", pattern)
			}
			continue
		}
		t.Run(pattern, func(t *testing.T) {
			h.t = t
			path, form := prepare(h)
			token := h.session(web.Owner)
			before := h.number(`select count(*) from audit where cast($1 as bigint) = 0`, 0)
			w := h.answer(asOwner(posted(path, form), token))
			if w.Code >= 400 {
				t.Fatalf("POST %s: status %d\n%s", path, w.Code, plain(w))
			}
			if after := h.number(`select count(*) from audit where cast($1 as bigint) = 0`, 0); after == before {
				t.Errorf("POST %s left no line in the audit log: call users.Audit (or customers.Audit) in its transaction", pattern)
			}
			line := h.number(`select user_id from audit where cast($1 as bigint) = 0 order by seq desc limit 1`, 0)
			if want := fmt.Sprint(int64(h.staff[web.Owner])); line != want {
				t.Errorf("the line names %s, not the owner who did it", line)
			}
			h.says(token)
		})
		missing[pattern] = true
	}
	for pattern := range posts {
		if !missing[pattern] {
			t.Errorf("there is a form for POST %s, which is no route", pattern)
		}
	}
	if c, err := users.CheckAudit(t.Context(), h.db); err != nil || len(c.Faults) > 0 {
		t.Errorf("the log is not whole: %+v, %v", c, err)
	}
}

// says shows the log's newest line: its action must have words.
func (h house) says(token string) {
	h.t.Helper()
	w := h.answer(asOwner(httptest.NewRequest(http.MethodGet, "/audit", nil), token))
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "⟦") {
		h.t.Errorf("the audit log cannot be shown: status %d, or an action has no words", w.Code)
	}
}

func posted(path string, form url.Values) *http.Request {
	var r *http.Request
	if file := form.Get("file"); file != "" {
		var b bytes.Buffer
		parts := multipart.NewWriter(&b)
		part, _ := parts.CreateFormFile("file", "orders.csv")
		_, _ = io.WriteString(part, file)
		_ = parts.Close()
		r = httptest.NewRequest(http.MethodPost, path, &b)
		r.Header.Set("Content-Type", parts.FormDataContentType())
		return r
	}
	r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// plain is what an answer says, for messages.
func plain(w *httptest.ResponseRecorder) string {
	lines := strings.Split(w.Body.String(), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return !strings.Contains(l, "wrong") && !strings.Contains(l, "alert") && !strings.Contains(l, "<p>")
	}), "\n")
}

// number is one number of the database as text, or nothing for no query.
func (h house) number(query string, arg int64) string {
	h.t.Helper()
	if query == "" {
		return ""
	}
	var n int64
	if err := h.db.QueryRow(h.t.Context(), query, arg).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(n)
}

func (h house) do(fn func(tx *store.Tx) error) { h.t.Helper(); testkit.Do(h.t, h.db, fn) }

var owner = customers.By{Source: "staff", Actor: 7}

// customer makes a customer called Anna with one of everything.
func (h house) customer() (c id.Customer) {
	h.t.Helper()
	ctx := h.t.Context()
	h.do(func(tx *store.Tx) (err error) {
		if c, err = customers.Create(ctx, tx, customers.Profile{Name: "Anna", Tags: []string{"regular"}}); err != nil {
			return err
		}
		for _, i := range []customers.Identity{{Kind: customers.Email, Value: fmt.Sprintf("first%d@example.com", c)},
			{Kind: customers.Email, Value: fmt.Sprintf("second%d@example.com", c)}, {Kind: customers.Card, Value: fmt.Sprint(int64(c))}} {
			if err := customers.Claim(ctx, tx, c, owner, i); err != nil {
				return err
			}
		}
		if _, err := customers.BounceMany(ctx, tx, owner, []customers.Bounce{{Customer: c, Address: fmt.Sprintf("first%d@example.com", c)}}); err != nil {
			return err
		}
		for _, err := range []error{
			customers.Note(ctx, tx, c, owner, "hello"), customers.Like(ctx, tx, c, owner, customers.Taste{Kind: "food", Label: "cake"}),
			customers.SetDate(ctx, tx, c, owner, customers.Date{Kind: "birthday", MonthDay: "05-17"}),
			customers.WriteAddress(ctx, tx, c, owner, customers.Address{Street: "Short 1", City: "Prague", Country: "CZ"}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

func (h house) sale(c id.Customer) (o id.Order) {
	h.t.Helper()
	h.do(func(tx *store.Tx) error {
		products, err := orders.EnsureProducts(h.t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
		if err != nil {
			return err
		}
		o, err = orders.Place(h.t.Context(), tx, orders.Sale{Customer: c, Number: fmt.Sprintf("n-%d", tx.NewID()), Source: "till", At: tx.Now.Add(-48 * time.Hour),
			Lines: []orders.Line{{Product: products["tea"], Quantity: 2000, Price: 500, Scale: 2, Total: 1000}}})
		return err
	})
	return o
}

func order(path, form string, known bool) post {
	return func(h house) (string, url.Values) {
		if !known {
			return at("/orders/walk-in/"+h.sale(0).String()+path, form)(h)
		}
		c := h.customer()
		return at(orders.Href(c, h.sale(c))+path, form)(h)
	}
}

func ended(h house) (string, url.Values) {
	h.t.Helper()
	c := h.customer()
	var s id.Subscription
	h.do(func(tx *store.Tx) (err error) {
		s, err = orders.Subscribe(h.t.Context(), tx, orders.SubscriptionNews{Customer: c, Source: "shop", External: fmt.Sprint(tx.NewID()), At: tx.Now.AddDate(0, -1, 0),
			Terms: orders.Terms{Plan: "Tea box", Status: orders.Active, Amount: 900, Currency: "EUR", Unit: "month", Every: 1, Quantity: 1}})
		return err
	})
	return at(orders.SubscriptionHref(c, s)+"/cancellation", "reason=unused")(h)
}

func claim(h house) (string, url.Values) {
	return at("/orders/walk-in/"+h.sale(0).String()+"/owner", "who="+h.customer().String())(h)
}

func merge(h house) (string, url.Values) {
	a, b := h.customer(), h.customer()
	return at("/customers/"+a.String()+"/merges", "with="+b.String()+"&keep="+a.String())(h)
}

func unmerge(h house) (string, url.Values) {
	a, b := h.customer(), h.customer()
	var m int64
	h.do(func(tx *store.Tx) (err error) {
		m, err = customers.MergeInto(h.t.Context(), tx, Tables(), a, b, owner)
		return err
	})
	return at(fmt.Sprintf("/customers/%s/merges/%d/undoing", a, m), "")(h)
}

func dismissal(h house) (string, url.Values) {
	a, b := h.customer(), h.customer()
	h.do(func(tx *store.Tx) error {
		_, err := tx.Exec(h.t.Context(), `insert into customer_duplicates (customer_id, other_id, score, reasons, found_at, dismissed_by)
			values ($1, $2, 1.0, 'name', 0, 0)`, int64(a), int64(b))
		return err
	})
	return at(fmt.Sprintf("/customers/duplicates/%s/%s/dismissal", a, b), "")(h)
}

func product(h house) (string, url.Values) {
	h.sale(0)
	var p id.Product
	if err := h.db.QueryRow(h.t.Context(), `select id from products limit 1`).Scan(&p); err != nil {
		h.t.Fatal(err)
	}
	return at("/products/"+p.String(), "name=Green+tea&kind=product&category=")(h)
}

func category(path, form string) post {
	return func(h house) (string, url.Values) {
		var c id.Category
		h.do(func(tx *store.Tx) (err error) {
			c, err = orders.AddCategory(h.t.Context(), tx, fmt.Sprint("Shelf ", tx.NewID()), 0)
			return err
		})
		return at("/products/categories/"+c.String()+path, strings.ReplaceAll(form, "#", c.String()))(h)
	}
}

func upload(house) (string, url.Values) {
	return "/imports", url.Values{"file": {"order,date,customer,product,quantity,price\n1,2026-01-02,7,tea,1,5.00\n"}}
}

// shopSecret is the secret of a shop, entered for the first time.
func shopSecret(h house) (string, url.Values) {
	var s id.Source
	h.do(func(tx *store.Tx) (err error) {
		s, err = collect.Add(h.t.Context(), tx, 0, collect.NewSource{Kind: collect.Square, Name: "Till"})
		return err
	})
	return at("/settings/sources/"+s.String()+"/secret", "secret=made-up&address=https://example.com/shops")(h)
}

// privacyRequest is somebody's request for a copy of their data, answered.
func privacyRequest(h house) (string, url.Values) {
	var n int64
	h.do(func(tx *store.Tx) error {
		n = tx.NewID()
		_, err := tx.Exec(h.t.Context(), `
			insert into collect_requests (id, source_id, topic, reference, customer_id, origin_customer_id, outcome, asked_at, due_at, done_at, done_by)
			values ($1, 1, 'customers/data_request', '', null, null, '', 0, 0, null, 0)`, n)
		return err
	})
	return at("/settings/privacy/"+id.Show("request", n)+"/settlement", "")(h)
}

// source is a form to the page of a source of which something could not be
// used.
func source(path, form string) post {
	return func(h house) (string, url.Values) {
		var s id.Source
		var failure int64
		testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
			if s, err = collect.Add(h.t.Context(), tx, 0, collect.NewSource{Kind: collect.Segment, Name: "Shop"}); err != nil {
				return err
			}
			failure = tx.NewID()
			_, err = tx.Exec(h.t.Context(), `
				insert into collect_failures (id, source_id, topic, delivery, received_at, failed_at, reason, reason_args, noted, body)
				values ($1, $2, 'track', '', 0, 0, 'collect.error.event', '{"args":[]}', '{}', $3)`, failure, int64(s), []byte("{}"))
			return err
		})
		return at("/settings/sources/"+s.String()+strings.ReplaceAll(path, "#", id.Failure(failure).String()), form)(h)
	}
}

// imported is a file in a state.
func imported(state, path, form string) post {
	return func(h house) (string, url.Values) {
		w := h.answer(asOwner(posted(upload(h)), h.session(web.Owner)))
		to := w.Header().Get("Location")
		h.do(func(tx *store.Tx) error {
			_, err := tx.Exec(h.t.Context(), `update imports set state = $1 where id = (select max(id) from imports)`, state)
			return err
		})
		return at(to+path, form)(h)
	}
}

func job(path, form string) post {
	return func(h house) (string, url.Values) {
		h.do(func(tx *store.Tx) error {
			return jobs.Enqueue(h.t.Context(), tx, jobs.New{Kind: "nobody.works_it", At: tx.Now.Add(1000 * time.Hour)})
		})
		var j id.Job
		if err := h.db.QueryRow(h.t.Context(), `select max(id) from jobs where kind = 'nobody.works_it'`).Scan(&j); err != nil {
			h.t.Fatal(err)
		}
		return at(strings.ReplaceAll(path, "#", j.String()), form)(h)
	}
}

func member(path, form string, disabled bool) post {
	return func(h house) (string, url.Values) {
		var u id.User
		h.do(func(tx *store.Tx) (err error) {
			u, err = users.Add(h.t.Context(), tx, users.New{Name: "Dana", Email: fmt.Sprintf("dana%d@example.com", tx.NewID()), Role: web.Agent})
			if err == nil && disabled {
				err = users.Disable(h.t.Context(), tx, 0, u)
			}
			return err
		})
		return at("/staff/"+u.String()+path, form)(h)
	}
}

func tryMail(h house) (string, url.Values) {
	h.do(func(tx *store.Tx) error {
		return mail.Save(h.t.Context(), tx, mail.Settings{Host: "smtp.example.com", Security: mail.TLS, From: "a@example.com", URL: "https://shop.example"})
	})
	return at("/settings/mail/test", "")(h)
}

var (
	ticketField = regexp.MustCompile(`name="ticket" value="([^"]+)"`)
	secretShown = regexp.MustCompile(`<code class="secret">([^<]+)</code>`)
)

// newApp is what somebody posts who has scanned the picture.
func newApp(h house) (string, url.Values) {
	w := h.answer(asOwner(httptest.NewRequest(http.MethodGet, "/account/security/app", nil), h.session(web.Owner)))
	ticket, secret := ticketField.FindStringSubmatch(w.Body.String()), secretShown.FindStringSubmatch(w.Body.String())
	if ticket == nil || secret == nil {
		h.t.Fatalf("no secret is shown: %s", w.Body)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), h.db.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return "/account/security/app", url.Values{"ticket": {ticket[1]}, "code": {code}}
}

func removeApp(h house) (string, url.Values) {
	path, form := newApp(h)
	h.answer(asOwner(posted(path, form), h.session(web.Owner)))
	return at("/account/security/app/removal", "")(h)
}

func passkey(path, form string) post {
	return func(h house) (string, url.Values) {
		var p int64
		h.do(func(tx *store.Tx) error {
			p = tx.NewID()
			_, err := tx.Exec(h.t.Context(), `insert into user_passkeys (id, user_id, handle, credential, name, created_at) values ($1, $2, $3, '{}', 'Key', 0)`,
				p, int64(h.staff[web.Owner]), fmt.Sprint(p))
			return err
		})
		return at("/account/security/passkeys/"+id.Show("pky", p)+path, form)(h)
	}
}

func endpoint(path, form string) post {
	return func(h house) (string, url.Values) {
		var e id.Endpoint
		h.do(func(tx *store.Tx) (err error) {
			e, _, err = webhooks.Add(h.t.Context(), tx, 7, webhooks.Edit{URL: fmt.Sprintf("https://example.com/%d", tx.NewID())})
			return err
		})
		return at("/settings/webhooks/"+e.String()+path, form)(h)
	}
}

func resumption(h house) (string, url.Values) {
	path, form := endpoint("/resumption", "")(h)
	e, _ := id.ParseEndpoint(strings.Split(path, "/")[3])
	h.do(func(tx *store.Tx) error { return webhooks.Pause(h.t.Context(), tx, 7, e) })
	return path, form
}

func endSession(h house) (string, url.Values) {
	h.session(web.Owner)
	var s int64
	if err := h.db.QueryRow(h.t.Context(), `select max(id) from sessions where user_id = $1`, int64(h.staff[web.Owner])).Scan(&s); err != nil {
		h.t.Fatal(err)
	}
	return at("/account/sessions/"+id.Show("ses", s)+"/closure", "")(h)
}

// revocation takes back a key of the owner's.
func revocation(h house) (path string, form url.Values) {
	testkit.Do(h.t, h.db, func(tx *store.Tx) error {
		_, key, err := users.MakeKey(h.t.Context(), tx, h.staff[web.Owner], users.NewKey{Name: "Shop", Scopes: rest.Scopes()[:1]})
		path = "/settings/api/" + key.String() + "/revocation"
		return err
	})
	return path, nil
}
