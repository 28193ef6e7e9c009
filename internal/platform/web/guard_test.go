package web_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"regulars/internal/platform/web"
)

func TestARouteIsClosedToThoseBelowItsRole(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		method, path, as string
		want             int
	}{
		{"GET", "/open", "", 200},
		{"GET", "/note", "", 303},
		{"GET", "/note", "viewer", 200},
		{"HEAD", "/note", "viewer", 200},
		{"POST", "/note", "viewer", 403},
		{"POST", "/note", "", 401},
		{"POST", "/note", "agent", 422},
		{"POST", "/note", "owner", 422},
		{"GET", "/secret", "manager", 403},
		{"GET", "/secret", "owner", 200},
		{"GET", "/note", "forged-token", 303},
	} {
		if w := s.do(c.method, c.path, c.as, ""); w.Code != c.want {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.path, c.as, w.Code, c.want)
		}
	}
}

func TestSignInLeadsBackToWhereOneWanted(t *testing.T) {
	w := serve(t).do("GET", "/note?sort=name", "", "")
	if got := w.Header().Get("Location"); got != "/sign-in?next=%2Fnote%3Fsort%3Dname" {
		t.Errorf("leads to %q", got)
	}
}

func TestOnlyLocalPathsAreFollowed(t *testing.T) {
	for path, want := range map[string]string{
		"/note?x=1": "/note?x=1", "": "/", "note": "/", "https://evil.example": "/", "//evil.example": "/", "///evil.example": "/",
		"/\\evil.example": "/", "/\tevil": "/", "javascript:alert(1)": "/", "/%2F/evil": "/%2F/evil",
	} {
		if got := web.Local(path); got != want {
			t.Errorf("Local(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestEveryAnswerIsGuardedByHeaders(t *testing.T) {
	s := serve(t, func(c *web.Config) { c.Secure = true })
	for _, path := range []string{"/open", "/nothing", "/broken", "/assets/nothing"} {
		h := s.do("GET", path, "", "").Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=31536000",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if len(h.Get("X-Request-Id")) != 10 {
			t.Errorf("%s: request id %q", path, h.Get("X-Request-Id"))
		}
	}
}

func TestAFormSentFromAnotherSiteIsRefused(t *testing.T) {
	s := serve(t)
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if w := s.do("POST", "/note", "agent", "note=hi", header[0], header[1]); w.Code != 403 {
			t.Errorf("%s: %d", header, w.Code)
		}
		w := s.do("POST", "/collect", "owner", "a=b", header[0], header[1])
		if w.Code != 200 || strings.Contains(w.Body.String(), "Ana") {
			t.Errorf("a route for any origin: %d, and nobody is signed in there: %s", w.Code, w.Body)
		}
	}
	if w := s.do("POST", "/note", "agent", "note=hi", "Sec-Fetch-Site", "same-origin"); w.Code != 303 {
		t.Errorf("our own form: %d", w.Code)
	}
}

func TestInternalErrorsAreLoggedAndNeverShown(t *testing.T) {
	s := serve(t)
	for path, secret := range map[string]string{"/broken": "unexpected EOF", "/panic": "secret 4711"} {
		w := s.do("GET", path, "", "")
		if w.Code != 500 || strings.Contains(w.Body.String(), secret) || !strings.Contains(w.Body.String(), "on our side") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		id := w.Header().Get("X-Request-Id")
		if !strings.Contains(w.Body.String(), id) || !strings.Contains(s.log.String(), id) || !strings.Contains(s.log.String(), secret) {
			t.Errorf("%s: the log and the page do not share the id %s: %s", path, id, s.log)
		}
	}
}

func TestTheLogOfAFailureNamesNobody(t *testing.T) {
	said := "send to anna@example.com (+420 601 123 456): " + strings.Repeat("broken ", 2000)
	s := serve(t, func(c *web.Config) {
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /mail", Role: web.Public, Handler: failing(errors.New(said))},
			web.Route{Pattern: "GET /mail-panic", Role: web.Public, Handler: func(http.ResponseWriter, *web.Request) error { panic("panic at anna@example.com +420601123456") }})
	})
	s.do("GET", "/mail", "", "")
	s.do("GET", "/mail-panic", "", "")
	log := s.log.String()
	if strings.Contains(log, "anna@") || strings.Contains(log, "601") || !strings.Contains(log, "send to … (…): broken") || !strings.Contains(log, "panic at … …") {
		t.Errorf("the log says %s", log)
	}
	if !strings.Contains(log, "guard_test.go:") || len(log) > 10_000 {
		t.Errorf("%d bytes, and where it panicked must be among them: %s", len(log), log)
	}
}

func TestAnErrorHasTheShapeOfWhoAsks(t *testing.T) {
	s := serve(t)
	w := s.do("GET", "/gone", "", "")
	if w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>Nothing here</h1>") || !strings.Contains(w.Body.String(), "No customer has the card C-7.") {
		t.Errorf("a person: %d %s", w.Code, w.Body)
	}
	if w = s.do("GET", "/gone", "", "", "Accept-Language", "cs"); !strings.Contains(w.Body.String(), "Kartu C-7 nikdo nemá.") {
		t.Errorf("a Czech: %s", w.Body)
	}
	w = s.do("GET", "/gone", "", "", "Accept", "application/json")
	if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"detail":"No customer has the card C-7."`) {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
	w = s.do("GET", "/gone", "", "", "HX-Request", "true")
	if w.Code != 404 || w.Header().Get("HX-Retarget") != "#notices" || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("htmx: %d %s", w.Code, w.Body)
	}
	if w = s.do("GET", "/busy", "", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("busy: %d %v", w.Code, w.Header())
	}
	if w = s.do("GET", "/note", "", "", "HX-Request", "true"); w.Code != 204 || w.Header().Get("HX-Redirect") != "/sign-in" {
		t.Errorf("htmx without a session: %d %v", w.Code, w.Header())
	}
	if w = s.do("DELETE", "/note", "", ""); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("a method no route has: %d %v", w.Code, w.Header())
	}
	if w = s.do("DELETE", "/nowhere", "", ""); w.Code != 404 {
		t.Errorf("no such page: %d", w.Code)
	}
}

func TestTooLargeAFormIsRefusedWithWords(t *testing.T) {
	w := serve(t).do("POST", "/note", "agent", "note="+strings.Repeat("x", 2<<20))
	if w.Code != 413 || !strings.Contains(w.Body.String(), "Too large") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestANoticeIsShownOnceAndCannotBeForged(t *testing.T) {
	s := serve(t)
	w := s.do("POST", "/note", "agent", "note=milk")
	if w.Code != 303 || w.Header().Get("Location") != "/note" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %v", cookie)
	}
	w = s.do("GET", "/note", "agent", "", "Cookie", "regulars_session=agent; "+cookie.Name+"="+cookie.Value)
	if !strings.Contains(w.Body.String(), "Kept milk") || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("not shown and forgotten: %s", w.Body)
	}
	text, seal, _ := strings.Cut(cookie.Value, ".")
	other := base64.RawURLEncoding.EncodeToString([]byte(`{"Tone":"good","Text":"Kept by a stranger"}`))
	for _, forged := range []string{other + "." + seal, text, text + ".", text + "x." + seal, "bm8." + seal, "." + seal, ""} {
		w = s.do("GET", "/note", "", "", "Cookie", "regulars_session=agent; "+cookie.Name+"="+forged)
		if w.Code != 200 || strings.Contains(w.Body.String(), "Kept") || strings.Contains(w.Body.String(), `class="alert-box`) {
			t.Errorf("forged %q: %d", forged, w.Code)
		}
	}
}

func TestTheLogHoldsTheRouteAndNoPersonalData(t *testing.T) {
	s := serve(t)
	s.do("GET", "/note?q=ana@example.com", "viewer", "")
	line := s.log.String()
	for _, want := range []string{`route="GET /note"`, "status=200", "staff=usr_0000000000007"} {
		if !strings.Contains(line, want) {
			t.Errorf("the log lacks %s: %s", want, line)
		}
	}
	if strings.Contains(line, "ana@") || strings.Contains(line, "Novak") {
		t.Errorf("the log names a person: %s", line)
	}
}
