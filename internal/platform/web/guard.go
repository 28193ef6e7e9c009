package web

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"regulars/internal/platform/errs"
)

// policy allows our own files only; data: is for the small pictures within
// the style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP guards, routes and logs one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	start := time.Now()
	a := &answer{ResponseWriter: w, id: newRequestID()}
	setSecurityHeaders(w.Header(), a.id, s.Secure)
	s.warnOfProxy(hr)
	ctx, ended := s.Telemetry.Request(hr)
	pattern := s.dispatch(a, hr.WithContext(ctx))
	ended(pattern, a.code())
	attrs := []slog.Attr{
		slog.String("id", a.id), slog.String("method", hr.Method), slog.String("route", pattern),
		slog.Int("status", a.code()), slog.Int("bytes", a.bytes),
		slog.Duration("took", time.Since(start).Round(time.Microsecond)),
	}
	if a.request != nil && a.request.Staff.ID != 0 {
		attrs = append(attrs, slog.String("staff", a.request.Staff.ID.String()))
	}
	level := slog.LevelInfo
	if a.request != nil && a.request.route.Quiet {
		level = slog.LevelDebug
	}
	s.Log.LogAttrs(hr.Context(), level, "request", attrs...)
}

// dispatch serves the request and returns the pattern it matched.
func (s *Server) dispatch(a *answer, hr *http.Request) (pattern string) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		r := a.request
		if r == nil {
			r = s.request(hr, &Route{})
			r.ID = a.id
		}
		s.fail(a, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	refuse := func(err error) {
		r := s.request(hr, &Route{Role: Public})
		r.ID = a.id
		a.request = r
		if s.recognise(r) == nil {
			r.Shop, _ = s.Shop(r.Context())
			s.speak(r)
		}
		s.fail(a, r, err)
	}
	if err := s.origin.Check(hr); err != nil {
		refuse(errs.Of(errs.Forbidden, nil, "web.error.origin"))
		return ""
	}
	if s.base != "" {
		rest, ok := strings.CutPrefix(hr.URL.Path, s.base)
		if !ok || rest != "" && rest[0] != '/' {
			refuse(errs.Missing("web.error.address"))
			return ""
		}
		if rest == "" {
			http.Redirect(a, hr, s.base+"/", http.StatusMovedPermanently)
			return ""
		}
		hr = within(hr, s.base)
	}
	h, pattern := s.mux.Handler(hr)
	if pattern == "" {
		// The mux knows what else the path would have allowed.
		refusal := &silent{header: http.Header{}}
		h.ServeHTTP(refusal, hr)
		if refusal.status == http.StatusMethodNotAllowed {
			a.Header().Set("Allow", refusal.header.Get("Allow"))
			a.instead = http.StatusMethodNotAllowed
		}
		refuse(errs.Missing("web.error.address"))
		return ""
	}
	s.mux.ServeHTTP(a, hr)
	return pattern
}

// within returns the request as seen from below the base path.
func within(hr *http.Request, base string) *http.Request {
	inner := hr.Clone(hr.Context())
	inner.URL.Path = strings.TrimPrefix(hr.URL.Path, base)
	inner.URL.RawPath = strings.TrimPrefix(hr.URL.RawPath, base)
	return inner
}

func setSecurityHeaders(h http.Header, id string, secure bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "geolocation=(), microphone=(), payment=()")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// newRequestID is short enough to be read out on the phone.
func newRequestID() string { return strings.ToLower(rand.Text()[:10]) }

// answer remembers what was sent, for the log and for errors that come late.
type answer struct {
	http.ResponseWriter
	id      string
	status  int
	instead int // a status to send in place of the error's usual one
	bytes   int
	request *Request
}

func (a *answer) WriteHeader(status int) {
	if a.instead != 0 {
		status = a.instead
	}
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// silent is an answer that nobody reads.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
func (s *silent) WriteHeader(status int)      { s.status = status }
