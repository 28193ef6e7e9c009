package web_test

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/web"
)

// demo is a module of one form, as small as one can be.
var demo = fstest.MapFS{
	"text/en.json": {Data: []byte(`{"demo.title": "Notes & more", "demo.note": "Note", "nav.demo": "Notes", "nav.secret": "Secrets"}`)},
	"pages/note.html": {Data: []byte(`{{define "title"}}{{t "demo.title"}}{{end}}
{{define "content"}}<form method="post" action="{{url "/note"}}">{{template "kit/errors" .Form}}
{{template "kit/field" ((.Form.TextField "note" (t "demo.note")).Must.Max 5)}}</form>
<div id="results">{{block "results" .}}<p class="r">{{.Text}}</p>{{end}}</div>{{end}}`)},
	"pages/panel.html": {Data: []byte(`{{define "panel"}}<section class="panel">{{.}}</section>{{end}}`)},
}

type notePage struct {
	Form *web.Form
	Text string
}

func noteForm(w http.ResponseWriter, r *web.Request) error {
	return r.Render(w, "demo/note.html", notePage{Form: r.NewForm(), Text: "first"})
}

func saveNote(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	note := f.Need("note", 5)
	if !f.OK() {
		return r.RenderStatus(w, 422, "demo/note.html", notePage{Form: f})
	}
	r.Flash(w, "good", "Kept "+note)
	return r.Redirect(w, "/note")
}

func failing(err error) web.Handler {
	return func(http.ResponseWriter, *web.Request) error { return err }
}

type harness struct {
	*web.Server
	log *strings.Builder
}

func serve(t *testing.T, change ...func(*web.Config)) harness {
	t.Helper()
	catalog, err := locale.Load(web.Text(), demo)
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	c := web.Config{
		Catalog: catalog, Dev: true, Log: slog.New(slog.NewTextHandler(log, nil)),
		Routes: []web.Route{
			{Pattern: "GET /{$}", Role: web.Viewer, Handler: noteForm},
			{Pattern: "GET /note", Role: web.Viewer, Handler: noteForm},
			{Pattern: "POST /note", Role: web.Agent, Handler: saveNote},
			{Pattern: "GET /open", Role: web.Public, Handler: noteForm},
			{Pattern: "GET /secret", Role: web.Owner, Handler: noteForm},
			{Pattern: "GET /gone", Role: web.Public, Handler: failing(errs.NotFoundf("No customer has this card."))},
			{Pattern: "GET /broken", Role: web.Public, Handler: failing(io.ErrUnexpectedEOF)},
			{Pattern: "GET /busy", Role: web.Public, Handler: failing(errs.New(errs.Unavailable, nil, "Too much at once."))},
			{Pattern: "GET /panic", Role: web.Public, Handler: func(http.ResponseWriter, *web.Request) error { panic("secret 4711") }},
			{Pattern: "POST /collect", Role: web.Public, AnyOrigin: true, Handler: func(w http.ResponseWriter, r *web.Request) error {
				return r.JSON(w, map[string]any{"staff": r.Staff.Name})
			}},
		},
		Files: map[string]fs.FS{"demo": demo},
		Places: []web.Place{
			{Key: "nav.demo", Href: "/note", Icon: "note", Order: 1, Role: web.Viewer},
			{Key: "nav.secret", Href: "/secret", Icon: "lock", Order: 2, Role: web.Owner},
		},
		Authenticate: func(_ context.Context, token string) (web.Staff, error) {
			role, err := web.ParseRole(token)
			if err != nil {
				return web.Staff{}, errs.New(errs.SignIn, nil, "no session")
			}
			return web.Staff{ID: 7, Name: "Ana Novak", Role: role}, nil
		},
		Shop: func(context.Context) (web.Shop, error) {
			return web.Shop{Name: "Corner Coffee", Zone: time.UTC, Currency: "GBP"}, nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return harness{s, log}
}

func (h harness) do(method, target, as, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "regulars_session", Value: as})
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAFormThatFailsIsShownAgainWithWhatWasTyped(t *testing.T) {
	s := serve(t)
	w := s.do("POST", "/note", "agent", "note=too+long+%3Cb%3E")
	body := w.Body.String()
	if w.Code != 422 || !strings.Contains(body, `value="too long &lt;b&gt;"`) || !strings.Contains(body, "at most 5 characters") {
		t.Errorf("%d %s", w.Code, body)
	}
}
