package app

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// logbook keeps what is logged, by whoever and however.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) read() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// personal are values that stand for a person in the journeys below; each is
// in no word of the program's own.
var personal = []string{"zanzibarova", "zanzi@", "606123987", "+420606123987", "zanzi street", "zanzi note", "zanzi words", "zanzi tag", "zanzi query"}

// TestTheLogHoldsNoPersonalData goes through the program with marked people,
// also where it refuses and fails, and reads its log at the finest level.
func TestTheLogHoldsNoPersonalData(t *testing.T) {
	book := &logbook{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	db := testkit.DB(t)
	h := loggedHouse(t, db, slog.Default())
	token := h.session(web.Owner)
	c := marked(t, db)
	for _, f := range [][2]string{
		{"/customers", "name=Anna+Zanzibarova&email=zanzi@example.com&phone=%2B420606123987&tags=zanzi+tag"}, // clashes
		{"/customers", "name=Bea+Zanzibarova&email=no+zanzi@address"},                                        // is refused
		{"/customers/" + c, "name=Anna+Zanzibarova-Nova&language=cs"},
		{"/customers/" + c + "/notes", "note=zanzi+note+again"},
		{"/customers/" + c + "/calls", "direction=in&outcome=reached&said=zanzi+words"},
		{"/customers/" + c + "/addresses", "street=Zanzi+street+1&city=Brno&address_country=CZ"},
		{"/customers/" + c + "/identities", "kind=phone&value=606123987"},
		{"/customers/" + c + "/tags", "tag=zanzi+tag"},
		{"/customers/" + c + "/consents", "channel=sms&answer=yes&place=till&words=zanzi+words"},
		{"/customers/nobody/notes", "note=zanzi+note"},
		{"/staff", "name=Zanzibarova+Clara&email=zanzi@example.com&role=till"},
		{"/sign-in", "email=zanzi@example.com&password=zanzi+words"},
	} {
		h.answer(asOwner(posted(f[0], mustParse(t, f[1])), token))
	}
	for _, path := range []string{"/search?q=Zanzibarova", "/customers?q=zanzi+query", "/customers?q=606123987", "/customers/" + c, "/orders?q=zanzi+query",
		"/customers/export?q=zanzi@example.com", "/customers/export?format=zanzi+query", "/customers/" + c + "/export", "/nowhere/zanzi@example.com", "/audit?q=zanzi+words"} {
		h.answer(asOwner(httptest.NewRequest(http.MethodGet, path, nil), token))
	}
	h.answer(asOwner(markedFile(t), token))
	if err := h.drain(); err != nil {
		t.Fatal(err)
	}
	h.answer(asOwner(posted("/customers/"+c+"/erasure", url.Values{"confirm": {"Anna Zanzibarova-Nova"}}), token))
	if err := h.drain(); err != nil {
		t.Fatal(err)
	}
	said := book.read()
	if !strings.Contains(said, "POST /customers") || strings.Count(said, "\n") < 20 {
		t.Fatalf("the log is too short to be held to anything:\n%s", said)
	}
	unescaped, err := url.QueryUnescape(strings.ReplaceAll(said, "%", "%25"))
	if err != nil {
		unescaped = said
	}
	for _, text := range []string{strings.ToLower(said), strings.ToLower(unescaped)} {
		for _, p := range personal {
			if i := strings.Index(text, p); i >= 0 {
				t.Errorf("the log says %q: %s", p, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

func mustParse(t *testing.T, form string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// marked makes the person of the journeys.
func marked(t *testing.T, db *store.DB) (c string) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		made, err := customers.Create(t.Context(), tx, customers.Profile{Name: "Anna Zanzibarova", Tags: []string{"zanzi tag"},
			Identities: []customers.Identity{{Kind: customers.Email, Value: "zanzi@example.com"}, {Kind: customers.Phone, Value: "+420606123987"}}})
		c = made.String()
		if err != nil {
			return err
		}
		return users.Audit(t.Context(), tx, users.Change{Action: "customers.exported"})
	})
	return c
}

// markedFile uploads orders, one of them with a row that cannot be read.
func markedFile(t *testing.T) *http.Request {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("file", "orders of zanzibarova.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("Order,Date,Email,Name,Total\n1,2026-01-02,zanzi@example.com,Anna Zanzibarova,10\n2,soon,zanzi@example.com,zanzi words,x\n"))
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/imports", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}
