package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/text"
)

// statuses is the one place where a kind of error becomes a status; name is
// the part of the catalogue's keys.
var statuses = map[errs.Kind]struct {
	status int
	name   string
}{
	errs.Internal:    {http.StatusInternalServerError, "internal"},
	errs.Invalid:     {http.StatusUnprocessableEntity, "invalid"},
	errs.NotFound:    {http.StatusNotFound, "not-found"},
	errs.Conflict:    {http.StatusConflict, "conflict"},
	errs.Forbidden:   {http.StatusForbidden, "forbidden"},
	errs.SignIn:      {http.StatusUnauthorized, "sign-in"},
	errs.TooLarge:    {http.StatusRequestEntityTooLarge, "too-large"},
	errs.Unavailable: {http.StatusServiceUnavailable, "unavailable"},
	errs.TooMany:     {http.StatusTooManyRequests, "too-many"},
}

// errorPage is what web/error.html shows.
type errorPage struct {
	Status int
	Title  string
	Text   string // what is wrong
	Next   string // what to do
	ID     string
}

// fail turns err into an answer: a page for people, a notice for htmx,
// problem details for programs. What is no errs.Error is logged with the
// request's id and never shown.
func (s *Server) fail(w http.ResponseWriter, r *Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) && errs.KindOf(err) == errs.Internal {
		err = errs.Of(errs.TooLarge, err, "web.error.too-large.text")
	}
	kind := errs.KindOf(err)
	known := statuses[kind]
	if r.Context().Err() != nil {
		s.Log.Debug("request given up", "id", r.ID)
		return // the one who asked has gone
	}
	var cause *errs.Error
	if kind == errs.Internal || errors.As(err, &cause) && cause.Err != nil {
		r.LogFault(err)
	}
	if a, ok := w.(*answer); ok && a.status != 0 {
		// Half an answer is out already; breaking the connection is the only
		// honest thing left.
		panic(http.ErrAbortHandler)
	}
	page := errorPage{
		Status: known.status, Title: r.T("web.error." + known.name + ".title"),
		Text: sentence(r, err), Next: r.T("web.error." + known.name + ".next"), ID: r.ID,
	}
	if kind == errs.Unavailable {
		w.Header().Set("Retry-After", "10")
	}
	switch {
	case r.wantsJSON():
		s.problem(w, r, page)
	case kind == errs.SignIn && !r.route.AnyOrigin && (r.Method == http.MethodGet || r.HTMX()):
		next := "/sign-in"
		if r.Method == http.MethodGet && !r.HTMX() && r.URL.Path != "/" {
			next += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		_ = r.Redirect(w, next)
	case r.HTMX():
		w.Header().Set("HX-Retarget", "#notices")
		w.Header().Set("HX-Reswap", "innerHTML")
		s.finish(w, r, page, r.RenderBlock(w, page.Status, "web/error.html", "notice", page))
	default:
		s.finish(w, r, page, r.RenderStatus(w, page.Status, "web/error.html", page))
	}
}

// StatusOf is the HTTP status of a kind of error.
func StatusOf(kind errs.Kind) int { return statuses[kind].status }

// LogFault writes an error of ours to the log, with the request's id.
func (r *Request) LogFault(err error) {
	r.server.Log.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("id", r.ID),
		slog.String("route", r.route.Pattern), slog.String("error", logged(err)))
}

// maxLogged is how many bytes of an error a line of the log holds: the part of
// a panic's stack that tells where it was.
const maxLogged = 4000

// logged is what the log says of an error: addresses and phone numbers of
// persons are left out.
func logged(err error) string { return text.Masked(err.Error(), maxLogged) }

// finish answers in plain text when even the error page could not be made.
func (s *Server) finish(w http.ResponseWriter, r *Request, page errorPage, err error) {
	if err == nil {
		return
	}
	s.Log.Error("error page failed", "id", r.ID, "error", logged(err))
	_ = r.write(w, page.Status, "text/plain; charset=utf-8", []byte(page.Title+"\n\n"+page.Text+"\n"+page.ID+"\n"))
}

// problem answers a program as RFC 9457 says.
func (s *Server) problem(w http.ResponseWriter, r *Request, page errorPage) {
	if a, ok := w.(*answer); ok && a.instead != 0 {
		page.Status = a.instead
	}
	b, _ := json.Marshal(map[string]any{
		"type": "about:blank", "title": page.Title, "status": page.Status, "detail": page.Text, "request_id": page.ID,
	})
	_ = r.write(w, page.Status, "application/problem+json", b)
}

// Sentence is the text of an error for the one who asks, in their language.
func (r *Request) Sentence(err error) string { return sentence(r, err) }

// sentence is the text of err for a person, in their language; of what is our
// fault it says what became of their work.
func sentence(r *Request, err error) string {
	if errs.KindOf(err) == errs.Internal {
		return r.T("web.error.internal.text")
	}
	return r.Print.Sentence(err)
}
