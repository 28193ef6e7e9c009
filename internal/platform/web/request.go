package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/locale"
)

// Request is what a handler is given: the request, who is asking, and the
// printer of their language and time zone. Nothing is hidden in its context.
type Request struct {
	*http.Request
	Staff Staff
	Shop  Shop
	Print *locale.Printer
	Now   time.Time // when the request came
	ID    string    // shown on error pages and logged with every line

	server *Server
	route  *Route
	token  string // of the session, empty when nobody is signed in
	theme  string
}

// T is short for r.Print.T.
func (r *Request) T(key string, args ...any) string { return r.Print.T(key, args...) }

// Can reports whether the one who asks holds at least the given role.
func (r *Request) Can(role Role) bool { return role == Public || r.Staff.Role >= role }

// Href turns a path of ours into an address that works under the base path.
func (r *Request) Href(path string) string { return r.server.base + path }

// Secure reports whether browsers reach this program over https.
func (r *Request) Secure() bool { return r.server.Secure }

// HTMX reports whether a part of a page is asked for by htmx.
func (r *Request) HTMX() bool { return r.Header.Get("HX-Request") == "true" }

// Token is the session token of the request, or "".
func (r *Request) Token() string { return r.token }

// Redirect sends the browser to a path of ours with 303, as after every form
// that succeeded. Anything but a local path leads to the start page.
func (r *Request) Redirect(w http.ResponseWriter, path string) error {
	path = r.Href(Local(path))
	if r.HTMX() {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r.Request, path, http.StatusSeeOther)
	return nil
}

// Local returns path if it is an address within this program, else "/": what
// came from outside must not lead to another site.
func Local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// JSON answers 200 with v.
func (r *Request) JSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return r.write(w, http.StatusOK, "application/json", b)
}

// PathID reads an id from the path; one that is malformed is NotFound, as
// there can be nothing behind it.
func PathID[T any](r *Request, name string, parse func(string) (T, error)) (T, error) {
	v, err := parse(r.PathValue(name))
	if err != nil {
		return v, errs.Of(errs.NotFound, err, "web.error.address")
	}
	return v, nil
}

// wantsJSON reports whether a program rather than a person is asking.
func (r *Request) wantsJSON() bool {
	if r.route.AnyOrigin || strings.HasPrefix(r.URL.Path, "/api/v1/") {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
