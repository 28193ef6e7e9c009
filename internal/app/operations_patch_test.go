package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// patcher sends JSON merge patches to one address and reads what is there.
type patcher struct {
	h    house
	t    *testing.T
	key  string
	path string
}

func (h house) patcher(t *testing.T, path string) patcher {
	h.t = t
	return patcher{h, t, h.keyOf(web.Owner, rest.Scopes()...), path}
}

func (p patcher) ask(method, body, match string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, rest.Base+p.path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+p.key)
	r.Header.Set("Content-Type", "application/merge-patch+json")
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w
}

// done patches, and reads the same with the same tag afterwards.
func (p patcher) done(body string) map[string]any {
	p.t.Helper()
	w := p.ask("PATCH", body, p.ask("GET", "", "").Header().Get("ETag"))
	if w.Code != http.StatusOK {
		p.t.Fatalf("PATCH %s %s: status %d\n%s", p.path, body, w.Code, w.Body)
	}
	read := p.ask("GET", "", "")
	if read.Header().Get("ETag") != w.Header().Get("ETag") || read.Body.String() != w.Body.String() {
		p.t.Errorf("PATCH %s answered %s, and what is read then is %s", p.path, w.Body, read.Body)
	}
	var all map[string]any
	decode(p.t, read.Body.Bytes(), &all)
	return all
}

// wrong patches what is refused: the problem names the field, and nothing is
// different.
func (p patcher) wrong(status int, body, field string) {
	p.t.Helper()
	before := p.ask("GET", "", "").Header().Get("ETag")
	w := p.ask("PATCH", body, "")
	var problem struct {
		Errors []struct {
			Pointer string `json:"pointer"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		p.t.Fatal(err)
	}
	at := ""
	if len(problem.Errors) > 0 {
		at = problem.Errors[0].Pointer
	}
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" || at != field {
		p.t.Errorf("PATCH %s %s: status %d at %q, want %d at %q\n%s", p.path, body, w.Code, at, status, field, w.Body)
	}
	if after := p.ask("GET", "", "").Header().Get("ETag"); after != before {
		p.t.Errorf("PATCH %s %s was refused and changed something", p.path, body)
	}
}

// part is a field of what was read, by its names.
func part(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

func TestPatchedIsWhatWasSentAndNothingElse(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		at := func(p post) string { path, _ := p(h); return path }
		t.Run("an order", func(t *testing.T) {
			for _, theirs := range []bool{true, false} {
				p := h.patcher(t, at(order("", "", theirs)))
				was := p.done(`{}`)
				lines := func() string {
					return h.number(`select count(*) from audit where action in ('order.changed', 'walkin.changed') and id > $1`, 0)
				}
				before := lines()
				if p.done(`{}`); lines() != before {
					t.Errorf("a patch of nothing left a line in the audit log: %s, before it %s", lines(), before)
				}
				if now := p.done(`{"promised_day":"2026-04-01"}`); part(now, "order", "promised_day") != "2026-04-01" || part(now, "order", "delivered_day") != "" {
					t.Errorf("promised: %v", now["order"])
				}
				if lines() == before {
					t.Error("a patch left no line in the audit log")
				}
				now := p.done(`{"delivered_day":"2026-04-02"}`)
				if part(now, "order", "promised_day") != "2026-04-01" || part(now, "order", "delivered_day") != "2026-04-02" {
					t.Errorf("delivered: %v", now["order"])
				}
				if part(now, "order", "total_minor") != part(was, "order", "total_minor") {
					t.Errorf("the order costs something else: %v", now["order"])
				}
				p.wrong(422, `{"promised_day":"1999-01-01"}`, "#/promised_day")
				p.wrong(422, `{"promised_day":"2026-05-01","delivered_day":null}`, "#/delivered_day")
				p.wrong(422, `{"total_minor":1}`, "#/total_minor")
				if w := p.ask("PATCH", `{"promised_day":"2026-05-01"}`, `"old"`); w.Code != http.StatusPreconditionFailed {
					t.Errorf("on top of somebody else's: status %d", w.Code)
				}
			}
		})
		t.Run("a subscription", func(t *testing.T) {
			p := h.patcher(t, strings.TrimSuffix(at(ended), "/cancellation"))
			p.done(`{}`)
			p.wrong(422, `{"reason":"unused"}`, "#/cancel_at")
			p.wrong(422, `{"cancel_at":"2036-12-31T00:00:00Z","reason":"unused"}`, "#/cancel_at")
			day := h.db.Now().AddDate(0, 1, 0).Truncate(time.Second).Format(time.RFC3339)
			p.wrong(422, `{"cancel_at":"`+day+`"}`, "#/reason")
			if now := p.done(`{"cancel_at":"` + day + `","reason":"unused"}`); part(now, "subscription", "cancel_at") != day || part(now, "subscription", "status") != "active" {
				t.Errorf("notice: %v", now["subscription"])
			}
			if now := p.done(`{"note":"moved away"}`); part(now, "subscription", "cancel_at") != day || part(now, "subscription", "reason") != "unused" || part(now, "subscription", "note") != "moved away" {
				t.Errorf("noted: %v", now["subscription"])
			}
			p.wrong(422, `{"cancel_at":null}`, "#/cancel_at")
			p.wrong(422, `{"amount_minor":1}`, "#/amount_minor")
			if now := p.done(`{"cancel_at":"` + h.db.Now().Add(-time.Minute).Format(time.RFC3339) + `"}`); part(now, "subscription", "status") != "cancelled" {
				t.Errorf("over: %v", now["subscription"])
			}
			p.wrong(409, `{"note":"too late"}`, "")
		})
		t.Run("staff", func(t *testing.T) {
			p := h.patcher(t, at(member("", "", false)))
			if now := p.done(`{"role":"till"}`); now["role"] != "till" || now["state"] != "invited" {
				t.Errorf("with another role: %v", now)
			}
			if now := p.done(`{"state":"disabled"}`); now["role"] != "till" || now["state"] != "disabled" {
				t.Errorf("let go: %v", now)
			}
			if now := p.done(`{"state":"active","role":"agent"}`); now["role"] != "agent" || now["state"] == "disabled" {
				t.Errorf("let in again: %v", now)
			}
			p.wrong(403, `{"role":"owner"}`, "")
			p.wrong(422, `{"role":"king"}`, "#/role")
			p.wrong(422, `{"role":null}`, "#/role")
			p.wrong(422, `{"role":"till","state":null}`, "#/state")
			p.wrong(422, `{"email":"other@example.com"}`, "#/email")
			p.path = "/staff/" + h.staff[web.Owner].String()
			p.wrong(403, `{"role":"till"}`, "")
			p.wrong(403, `{"state":"disabled"}`, "")
		})
		t.Run("an import", func(t *testing.T) {
			p := h.patcher(t, at(imported("waiting", "", "")))
			if now := p.done(`{}`); part(now, "settings", "layout") != nil {
				t.Errorf("nothing was chosen: %v", now["settings"])
			}
			if now := p.done(`{"settings":{"channel":"market","source":"fair"}}`); part(now, "settings", "channel") != "market" || part(now, "settings", "source") != "fair" {
				t.Errorf("chosen: %v", now["settings"])
			}
			now := p.done(`{"settings":{"source":null,"dates":"month","mark":"comma","columns":{"sku":"customer"}}}`)
			if s := now["settings"]; part(s, "channel") != "market" || part(s, "source") != nil || part(s, "dates") != "month" || part(s, "mark") != "comma" || part(s, "columns", "sku") != "customer" {
				t.Errorf("chosen then: %v", now["settings"])
			}
			if now := p.done(`{"settings":{"columns":{"sku":null}}}`); part(now, "settings", "columns", "sku") != nil || part(now, "settings", "channel") != "market" {
				t.Errorf("a column taken away: %v", now["settings"])
			}
			p.wrong(422, `{"settings":{"columns":{"sku":"no such column"}}}`, "#/settings/sku")
			p.wrong(422, `{"settings":{"layout":"a shop nobody knows"}}`, "#/settings/layout")
			p.wrong(422, `{"settings":{"zone":"Nowhere/Else"}}`, "#/settings/zone")
			p.wrong(422, `{"settings":{"dates":"year"}}`, "#/settings/dates")
			if now := p.done(`{"settings":{"layout":null}}`); part(now, "settings", "channel") == "market" {
				t.Errorf("as proposed: %v", now["settings"])
			}
			h.do(func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `update imports set state = 'complete' where id = (select max(id) from imports)`)
				return err
			})
			p.wrong(409, `{"settings":{"channel":"web"}}`, "")
		})
	})
}
