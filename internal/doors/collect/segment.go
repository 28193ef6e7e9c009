package collect

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// The limits of the Segment HTTP API.
const (
	maxMessage  = 32 << 10
	maxBatch    = 500 << 10
	maxMessages = 2500
)

// calls are the addresses under /v1 and what they tell; the short ones are
// those of the browser.
var calls = map[string]string{
	"identify": "identify", "track": "track", "page": "page", "screen": "screen", "group": "group", "alias": "alias",
	"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias",
	"batch": "batch", "b": "batch",
}

// tracking is the door of tracking clients.
type tracking struct {
	book  *book
	inbox *Inbox
}

// Doors are the addresses that programs send to.
func Doors(db *store.DB) []web.Route {
	t := tracking{book: &book{db: db}, inbox: NewInbox(db)}
	open := func(pattern string, h web.Handler) web.Route {
		return web.Route{Pattern: pattern, Role: web.Public, Handler: h, AnyOrigin: true, Lean: true, Quiet: true, MaxBody: maxBatch + 1}
	}
	routes := []web.Route{
		open("OPTIONS /v1/", t.preflight),
		open("GET /v1/projects/{key}/settings", t.settings),
		open("POST /v1/m", t.metrics),
	}
	for name, topic := range calls {
		routes = append(routes, open("POST /v1/"+name, t.take(topic)))
	}
	return routes
}

// allowAnyone lets pages of any site call: nobody is signed in here.
func allowAnyone(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

func (t tracking) preflight(w http.ResponseWriter, _ *web.Request) error {
	allowAnyone(w)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// settings tells analytics.js how this place is used: without settings it
// sends nothing.
func (t tracking) settings(w http.ResponseWriter, r *web.Request) error {
	allowAnyone(w)
	s, err := t.book.find(r.Context(), Segment, r.PathValue("key"))
	if errors.Is(err, ErrUnknown) {
		return reply(w, http.StatusNotFound, `{"success":false,"message":"no source has this write key"}`)
	}
	if err != nil {
		return err
	}
	scheme, host, _ := strings.Cut(address(r)+"/v1", "://")
	return reply(w, http.StatusOK, `{"integrations":{"Segment.io":{"apiKey":`+strconv.Quote(s.Token)+`,"apiHost":`+strconv.Quote(host)+`,"protocol":`+strconv.Quote(scheme)+
		`,"unbundledIntegrations":[],"addBundledMetadata":false}},"plan":{"track":{"__default":{"enabled":true,"integrations":{}}},`+
		`"identify":{"__default":{"enabled":true}},"group":{"__default":{"enabled":true}}},"edgeFunction":{},`+
		`"analyticsNextEnabled":true,"middlewareSettings":{},"enabledMiddleware":{},"metrics":{"sampleRate":0},`+
		`"legacyVideoPluginsEnabled":false,"remotePlugins":[]}`)
}

// metrics takes what clients measure of themselves, and keeps nothing of it.
func (t tracking) metrics(w http.ResponseWriter, _ *web.Request) error {
	allowAnyone(w)
	return reply(w, http.StatusOK, accepted)
}

const accepted = `{"success":true}`

func reply(w http.ResponseWriter, status int, body string) error {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, err := io.WriteString(w, body)
	return err
}

var jsonType = []string{"application/json"}

// take takes a call in. It is answered once it is on disk.
func (t tracking) take(topic string) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		allowAnyone(w)
		err := t.accept(r, topic)
		switch {
		case err == nil:
			return reply(w, http.StatusOK, accepted)
		case errors.Is(err, ErrUnknown):
			return reply(w, http.StatusUnauthorized, `{"success":false,"message":"no source has this write key, or it is switched off"}`)
		case errs.Is(err, errs.Invalid):
			return reply(w, http.StatusBadRequest, `{"success":false,"message":`+strconv.Quote(r.Print.Sentence(err))+`}`)
		case errs.Is(err, errs.TooLarge):
			w.Header().Set("Retry-After", "5")
			w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(r.Now.Add(5*time.Second).Unix(), 10))
			return reply(w, http.StatusTooManyRequests, `{"success":false,"message":`+strconv.Quote(r.Print.Sentence(err))+`}`)
		}
		if r.Context().Err() != nil {
			return err // who sent it has gone
		}
		slog.Error("a call could not be taken in", "request", r.ID, "error", masked(err))
		w.Header().Set("Retry-After", "10")
		return reply(w, http.StatusServiceUnavailable, `{"success":false,"message":"it could not be written down; please send it again"}`)
	}
}

func (t tracking) accept(r *web.Request, topic string) error {
	body, err := readBody(r.Request)
	if err != nil {
		return err
	}
	o, err := outlined(body)
	switch {
	case err != nil:
		return err
	case o.longest > maxMessage:
		return errs.Wrong("", "collect.error.message", "Max", maxMessage>>10)
	case o.messages > maxMessages:
		return errs.Wrong("", "collect.error.messages", "Max", maxMessages)
	}
	s, err := t.sender(r, o.writeKey)
	if err != nil {
		return err
	}
	if o.batch {
		topic = "batch"
	}
	p := &Parcel{Source: s.ID, Topic: topic, At: r.Now, Body: body}
	return t.inbox.Accept(r.Context(), p)
}

// sender finds who sends, by any of the ways a client may say it: HTTP Basic
// with the write key as the name, the body, or as a bearer.
func (t tracking) sender(r *web.Request, inBody string) (Source, error) {
	if key, _, ok := r.BasicAuth(); ok && key != "" {
		return t.book.find(r.Context(), Segment, key)
	}
	if inBody != "" {
		return t.book.find(r.Context(), Segment, inBody)
	}
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return t.book.find(r.Context(), Segment, strings.TrimSpace(key))
}

// readBody reads a body, packed or not, up to what a batch may be: a small
// body that unpacks to gigabytes is given up at the same size.
func readBody(r *http.Request) ([]byte, error) {
	in := io.Reader(r.Body)
	size := r.ContentLength
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, errs.Wrong("", "collect.error.gzip")
		}
		in, size = unpacked, -1
	}
	if size > maxBatch {
		return nil, errs.Wrong("", "collect.error.large", "Max", maxBatch>>10)
	}
	var body bytes.Buffer
	if size > 0 {
		body.Grow(int(size) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(in, maxBatch+1))
	var tooLarge *http.MaxBytesError
	switch {
	case n > maxBatch || errors.As(err, &tooLarge):
		return nil, errs.Wrong("", "collect.error.large", "Max", maxBatch>>10)
	case err != nil && errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader):
		return nil, errs.Wrong("", "collect.error.gzip")
	case err != nil:
		return nil, errs.Wrong("", "collect.error.cut")
	}
	return body.Bytes(), nil
}
