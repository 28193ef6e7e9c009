package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// call is a request of a program that changes something: what it does is made
// ready in the house first.
type call func(h house) (path, body string)

// send is a request to an address that needs nothing made ready.
func send(path, body string) call { return func(house) (string, string) { return path, body } }

// sendOf is a request about a customer who has one of everything; # in the
// address and the body stands for the customer's number, % for the id of what
// the query names.
func sendOf(path, body, prefix, named string) call {
	return func(h house) (string, string) {
		c := h.customer()
		number, part := fmt.Sprint(int64(c)), ""
		if named != "" {
			var n int64
			if err := h.db.QueryRow(h.t.Context(), named, int64(c)).Scan(&n); err != nil {
				h.t.Fatalf("%s: %v", named, err)
			}
			part = id.Show(prefix, n)
		}
		fill := strings.NewReplacer("#", number, "%", part)
		return "/customers/" + c.String() + fill.Replace(path), fill.Replace(body)
	}
}

// through is a request made of what a form of the same is posted to: at turns
// the address of the page into that of the operation.
func through(form post, body string, at func(path string) string) call {
	return func(h house) (string, string) {
		path, _ := form(h)
		return at(path), body
	}
}

func less(tail string) func(string) string {
	return func(path string) string { return strings.TrimSuffix(path, tail) }
}

// below is the address of an operation without what stands before it on pages.
func below(head, tail, then string) func(string) string {
	return func(path string) string { return strings.TrimSuffix(strings.TrimPrefix(path, head), tail) + then }
}

func as(path string) string { return path }

// calls has one request for each operation that changes something, by its
// name: each must leave a line in the audit log.
var calls = map[string]call{
	"inviteStaff":      send("/staff", `{"name":"Cleo","email":"cleo@example.com","role":"till"}`),
	"changeStaff":      through(member("", "", false), `{"role":"till","state":"disabled"}`, as),
	"changeRole":       through(member("/role", "", false), `{"role":"till"}`, as),
	"makePasswordLink": through(member("/link", "", false), "", as),
	"disableStaff":     through(member("/leave", "", false), "", as),
	"enableStaff":      through(member("/return", "", true), "", as),
	"changeSettings":   send("/settings", `{"name":"Corner"}`),

	"createCustomer":  send("/customers", `{"name":"Ana Novak"}`),
	"upsertCustomer":  send("/customers-by/external/shop:77", `{"name":"Ben"}`),
	"upsertCustomers": send("/customers/bulk", `{"customers":[{"external":"shop:78","name":"Ben"}]}`),
	"changeCustomer":  sendOf("", `{"name":"Berta"}`, "", ""),
	"eraseCustomer":   sendOf("", "", "", ""),
	"addNote":         sendOf("/notes", `{"text":"likes tea"}`, "", ""),
	"removeNote":      sendOf("/notes/%", "", "nte", `select id from customer_notes where customer_id = $1`),
	"logCall":         sendOf("/calls", `{"direction":"in","outcome":"reached"}`, "", ""),
	"addTag":          sendOf("/tags/vip", "", "", ""),
	"removeTag":       sendOf("/tags/regular", "", "", ""),
	"addTaste":        sendOf("/tastes/music/jazz", "", "", ""),
	"removeTaste":     sendOf("/tastes/food/cake", "", "", ""),
	"setDate":         sendOf("/dates", `{"kind":"name_day","month_day":"05-03"}`, "", ""),
	"removeDate":      sendOf("/dates/birthday", "", "", ""),
	"addConsent":      sendOf("/consents", `{"channel":"sms","given":true,"place":"till","words":"I agree"}`, "", ""),
	"addIdentity":     sendOf("/identities", `{"kind":"card","value":"9#"}`, "", ""),
	"removeIdentity":  sendOf("/identities/card/#", "", "", ""),
	"preferIdentity":  sendOf("/identities/email/second#@example.com/main", "", "", ""),
	"reviveEmail":     sendOf("/emails/first#@example.com/reachability", "", "", ""),
	"addAddress":      sendOf("/addresses", `{"street":"Long 1","city":"Brno","country":"CZ"}`, "", ""),
	"changeAddress":   sendOf("/addresses/%", `{"street":"Long 2","city":"Brno","country":"CZ"}`, "adr", `select id from customer_addresses where customer_id = $1`),
	"removeAddress":   sendOf("/addresses/%", "", "adr", `select id from customer_addresses where customer_id = $1`),
	"recordEvent":     sendOf("/events", `{"name":"Came by"}`, "", ""),
	"recordEvents": func(h house) (string, string) {
		return "/events/bulk", fmt.Sprintf(`{"events":[{"customer":%q,"name":"Came by"}]}`, h.customer())
	},
	"mergeCustomer": func(h house) (string, string) {
		a, b := h.customer(), h.customer()
		return "/customers/" + a.String() + "/merges", fmt.Sprintf(`{"other":%q}`, b)
	},
	"undoMerge": func(h house) (string, string) {
		a, b := h.customer(), h.customer()
		var m int64
		h.do(func(tx *store.Tx) (err error) {
			m, err = customers.MergeInto(h.t.Context(), tx, Tables(), a, b, owner)
			return err
		})
		return "/customers/" + a.String() + "/merges/" + id.Show("mrg", m), ""
	},
	"searchDuplicates": send("/duplicates/search", ""),
	"dismissDuplicate": through(dismissal, "", below("/customers", "/dismissal", "")),

	"upsertOrder": send("/orders-by/shop/u-1", `{"at":"2026-02-27T09:30:00Z","lines":[{"sku":"tea","price_minor":500}]}`),
	"upsertOrders": send("/orders/bulk",
		`{"orders":[{"source":"shop","number":"u-2","at":"2026-02-27T09:30:00Z","lines":[{"sku":"tea","price_minor":500}]}]}`),
	"claimOrder": func(h house) (string, string) {
		return "/orders/walk-in/" + h.sale(0).String() + "/owner", fmt.Sprintf(`{"customer":%q}`, h.customer())
	},
	"changeOrder":        through(order("", "", true), `{"promised_day":"2026-04-01","delivered_day":"2026-03-01"}`, as),
	"changeWalkinOrder":  through(order("", "", false), `{"promised_day":"2026-04-01"}`, as),
	"refundOrder":        through(order("/refunds", "", true), `{"amount_minor":1,"reason":"other","seen":0}`, as),
	"cancelOrder":        through(order("/cancellation", "", true), `{"reason":"other"}`, as),
	"promiseOrder":       through(order("/promise", "", true), `{"day":"2026-04-01"}`, as),
	"deliverOrder":       through(order("/delivery", "", true), `{"day":"2026-03-01"}`, as),
	"refundWalkinOrder":  through(order("/refunds", "", false), `{"amount_minor":1,"reason":"other","seen":0}`, as),
	"cancelWalkinOrder":  through(order("/cancellation", "", false), `{"reason":"other"}`, as),
	"promiseWalkinOrder": through(order("/promise", "", false), `{"day":"2026-04-01"}`, as),
	"deliverWalkinOrder": through(order("/delivery", "", false), `{"day":"2026-03-01"}`, as),
	"upsertSubscription": func(h house) (string, string) {
		return "/subscriptions-by/billing/s-1", fmt.Sprintf(`{"customer":%q,"plan":"Tea box","status":"active","amount_minor":900,"interval_unit":"month"}`, h.customer())
	},
	"renewSubscription": func(h house) (string, string) {
		ended(h)
		var external string
		if err := h.db.QueryRow(h.t.Context(), `select external from subscriptions order by subscription_id desc limit 1`).Scan(&external); err != nil {
			h.t.Fatal(err)
		}
		return "/subscriptions-by/shop/" + external + "/renewals/i-1", fmt.Sprintf(`{"paid_at":%q,"amount_minor":900}`, h.db.Now().Add(-time.Hour).Format(time.RFC3339))
	},
	"changeSubscription": through(ended, `{"cancel_at":"2026-04-01T00:00:00Z","reason":"unused"}`, less("/cancellation")),
	"cancelSubscription": through(ended, `{"reason":"unused"}`, as),

	"changeProduct":  through(product, `{"name":"Green tea"}`, as),
	"addCategory":    send("/categories", `{"name":"Teas"}`),
	"changeCategory": through(category("", ""), `{"name":"Coffees"}`, below("/products", "", "")),
	"removeCategory": through(category("/removal", ""), "", below("/products", "/removal", "")),
	"setRates":       send("/rates", `{"rates":[{"currency":"CZK","day":"2026-03-01","rate":"0.04"}]}`),
	"setCosts":       send("/insights/costs", `{"win_minor":1000,"keep_minor":100,"margin_milli":400,"growth_milli":100}`),

	"changeCosts": send("/insights/costs", `{"win_minor":2000}`),

	"uploadImport":   send("/imports?file=orders.csv", "order,date,customer,product,quantity,price\n1,2026-01-02,7,tea,1,5.00\n"),
	"changeImport":   through(imported("waiting", "", ""), `{"settings":{"channel":"market"}}`, as),
	"startImport":    through(imported("waiting", "/start", ""), `{"place":{"currency":"EUR","zone":"Europe/Prague"}}`, as),
	"continueImport": through(imported("stopped", "/continuation", ""), "", as),
	"stopImport":     through(imported("running", "/stop", ""), "", as),
	"undoImport":     through(imported("failed", "/undoing", ""), "", as),
	"removeImport":   through(imported("waiting", "/removal", ""), "", less("/removal")),
	"retryJobs":      through(job("/jobs/attempt", ""), `{"state":"waiting"}`, as),
	"cancelJobs":     through(job("/jobs/cancellation", ""), `{"state":"waiting"}`, as),
	"retryJob":       through(job("/jobs/#/attempt", ""), "", as),
	"cancelJob":      through(job("/jobs/#/cancellation", ""), "", as),

	"addWebhook":          send("/webhooks", `{"url":"https://example.com/hook"}`),
	"changeWebhook":       through(endpoint("", ""), `{"url":"https://example.com/other"}`, below("/settings", "", "")),
	"removeWebhook":       through(endpoint("", ""), "", below("/settings", "", "")),
	"rotateWebhookSecret": through(endpoint("/rotation", ""), "", below("/settings", "", "")),
	"pauseWebhook":        through(endpoint("/pause", ""), "", below("/settings", "", "")),
	"resumeWebhook":       through(resumption, "", below("/settings", "", "")),
	"replayWebhook":       through(endpoint("/replay", ""), `{"since":"2026-02-27T09:30:00Z"}`, below("/settings", "", "")),
	"replayDelivery": func(h house) (string, string) {
		path, _ := endpoint("", "")(h)
		e, _ := id.ParseEndpoint(strings.Split(path, "/")[3])
		var event id.Event
		h.do(func(tx *store.Tx) (err error) {
			event, err = webhooks.SendPing(h.t.Context(), tx, e)
			return err
		})
		return fmt.Sprintf("/webhooks/%s/deliveries/%s/%s/replay", e, id.Customer(0), event), ""
	},
}

// silent are operations that write nothing into the audit log, each with its
// reason.
var silent = map[string]string{
	"pingWebhook":       "a message to try it changes nothing",
	"showWebhookSecret": "it reads; it is a POST so that no log of addresses leads to a secret",
}

// sent performs an operation that writes; match is its If-Match.
func (h house) sent(op rest.Operation, key, path, body, match string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(op.Method(), rest.Base+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	if op.Takes != "" {
		r.Header.Set("Content-Type", op.Takes)
	}
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAChangeOnTopOfSomebodyElsesIsRefusedByEveryOperationThatCanTell(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	doc := readDocument(t, h)
	key := h.keyOf(web.Owner, rest.Scopes()...)
	tried := 0
	for _, op := range h.api.Operations() {
		if calls[op.Name] == nil || !slices.Contains(doc.parameters(op), "If-Match") {
			continue
		}
		tried++
		t.Run(op.Name, func(t *testing.T) {
			h.t = t
			path, body := calls[op.Name](h)
			before := h.number(`select count(*) from audit where user_id = $1`, int64(h.staff[web.Owner]))
			if w := h.sent(op, key, path, body, `"of yesterday"`); w.Code != http.StatusPreconditionFailed {
				t.Errorf("%s %s: status %d\n%s", op.Method(), path, w.Code, w.Body)
			}
			if h.number(`select count(*) from audit where user_id = $1`, int64(h.staff[web.Owner])) != before {
				t.Errorf("%s %s: it was done nevertheless", op.Method(), path)
			}
		})
	}
	if tried < 20 {
		t.Errorf("only %d operations were tried", tried)
	}
}

func TestEveryWritingOperationLeavesALineInTheAuditLog(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	key := h.keyOf(web.Owner, rest.Scopes()...)
	known := map[string]bool{}
	for _, op := range h.api.Operations() {
		if !op.Writes() {
			continue
		}
		known[op.Name] = true
		prepare := calls[op.Name]
		switch {
		case prepare == nil && silent[op.Name] == "":
			t.Errorf("%s: say in internal/app/operations_audit_test.go with which request it changes something, so that its line in the audit log can be held", op.Name)
		case prepare != nil && silent[op.Name] != "":
			t.Errorf("%s has a request and a reason for none", op.Name)
		case prepare != nil:
			t.Run(op.Name, func(t *testing.T) {
				h.t = t
				path, body := prepare(h)
				before := h.number(`select count(*) from audit where user_id = $1`, int64(h.staff[web.Owner]))
				w := h.sent(op, key, path, body, "")
				if w.Code/100 != 2 {
					t.Fatalf("%s %s: status %d\n%s", op.Method(), path, w.Code, w.Body)
				}
				if h.number(`select count(*) from audit where user_id = $1`, int64(h.staff[web.Owner])) == before {
					t.Errorf("%s %s left no line of the key's owner in the audit log: call users.Audit (or customers.Audit) in its transaction", op.Method(), path)
				}
				h.says(h.session(web.Owner))
			})
		}
	}
	for name := range calls {
		if !known[name] {
			t.Errorf("there is a request for %s, which is no operation that writes", name)
		}
	}
	for name := range silent {
		if !known[name] {
			t.Errorf("there is a reason for %s, which is no operation that writes", name)
		}
	}
	if c, err := users.CheckAudit(t.Context(), h.db); err != nil || len(c.Faults) > 0 {
		t.Errorf("the log is not whole: %+v, %v", c, err)
	}
}
