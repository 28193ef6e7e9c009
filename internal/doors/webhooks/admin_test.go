package webhooks_test

import (
	"encoding/base64"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// pages are the module's pages, and how somebody of a role asks for them.
func (s shop) pages() (*web.Server, func(web.Role) page.Option) {
	s.t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, workspace.Files, customers.Files, webhooks.Files)
	if err != nil {
		s.t.Fatal(err)
	}
	server, err := web.New(web.Config{
		Catalog: catalog, Places: page.Places(webhooks.Places), Routes: slices.Concat(users.Admin(users.Desk{DB: s.db}), webhooks.Admin(s.db, kinds)),
		Files:        map[string]fs.FS{"users": users.Files, "webhooks": webhooks.Files},
		Authenticate: users.Authenticator(s.db), Shop: workspace.Shop(s.db), Now: s.db.Now,
		Log: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return server, func(role web.Role) page.Option {
		s.t.Helper()
		var token string
		testkit.Do(s.t, s.db, func(tx *store.Tx) error {
			user, err := users.Add(s.t.Context(), tx, users.New{Name: "The " + role.String(), Email: id.Show("x", tx.NewID()) + "@example.com", Role: role})
			if err != nil {
				return err
			}
			token, err = users.Start(s.t.Context(), tx, user, "Firefox")
			return err
		})
		return page.As(token)
	}
}

func TestAnOwnerAddsAnEndpointTriesItAndSeesWhatItSaid(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		h, as := s.pages()
		owner := as(web.Owner)
		page.Get(t, h, "/settings/webhooks", owner).In(".blank", page.HasText("Nobody is told yet"))
		page.Post(t, h, "/settings/webhooks", url.Values{"url": {"http://example.com"}, "which": {"some"}}, owner).HasStatus(422).
			In("[role=alert]", page.HasText("Choose at least one event"))
		page.Post(t, h, "/settings/webhooks", url.Values{"url": {"http://example.com"}, "which": {"all"}}, owner).HasStatus(422).
			In("#error-url", page.HasText("https"))
		added := page.Post(t, h, "/settings/webhooks", url.Values{"url": {r.URL + "/hook?key=zanzibar"}, "which": {"some"}, "description": {"Bookkeeping"},
			"kind": {"order.placed", "note.added", "no.such"}}, owner).HasStatus(303)
		all, err := webhooks.List(t.Context(), s.db)
		if err != nil || len(all) != 1 || !slices.Equal(all[0].Kinds, []string{"note.added", "order.placed"}) {
			t.Fatalf("%+v, %v", all, err)
		}
		home := "/settings/webhooks/" + all[0].ID.String()
		added.Redirects(home + "/secret")
		secret, err := webhooks.Secret(t.Context(), s.db, all[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		page.Get(t, h, home+"/secret", owner).In("#field-secret", page.HasAttr("value", secret))

		page.Post(t, h, home+"/ping", nil, owner).Redirects(home)
		s.run()
		calls := r.got()
		if len(calls) != 1 || !verifies(t, secret, calls[0]) || calls[0].message(t).Type != "webhook.ping" || follows(t, calls[0]) != nil {
			t.Fatalf("the test came as %v", calls)
		}
		c := s.customer(customers.Profile{Name: "Zanzibar Anna"})
		s.note(c)
		r.says(500)
		s.run()
		p := page.Get(t, h, home, owner).In("#log tbody tr", page.HasText("webhook.ping")).In("#log tbody tr", page.HasText("note.added")).
			In(".alert-warn", page.HasText("Nothing has arrived since"))
		if strings.Contains(p.Body, secret) {
			t.Error("the secret stands on the page of the log")
		}
		page.Get(t, h, home+"?state=delivered", owner).In("#log tbody tr", page.HasText("webhook.ping")).Not("#log .badge-warn")
		page.Get(t, h, home+"?q="+c.String(), owner).In("#log tbody tr", page.HasText("note.added"))
		page.Get(t, h, home+"?q=anna", owner).In("#log .blank")
		if file := page.Get(t, h, home+"/export?format=csv&state=waiting", owner); !strings.Contains(file.Body, c.String()) || strings.Contains(file.Body, "webhook.ping") {
			t.Errorf("the file holds %s", file.Body)
		}
		note := s.list(all[0].ID, webhooks.Filter{Kind: "note.added"})[0]
		one := home + "/deliveries/" + c.String() + "/" + note.Event.String()
		page.Get(t, h, one, owner).In("#attempts tbody tr", page.HasText("500")).In("pre code", page.HasText(`"type": "note.added"`))

		r.says(200)
		page.Post(t, h, one+"/replay", nil, owner).Redirects(one)
		s.clock.Advance(time.Minute)
		r.got()
		s.run()
		if got := r.got(); len(got) != 1 || got[0].id() != note.Event.String() {
			t.Errorf("sent again: %v", got)
		}
	})
}

func TestAnOwnerPausesChangesRotatesReplaysAndRemoves(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		endpoint, secret := s.add(webhooks.Edit{URL: r.URL})
		h, as := s.pages()
		owner := as(web.Owner)
		home := "/settings/webhooks/" + endpoint.String()
		page.Post(t, h, home+"/pause", nil, owner).Redirects(home)
		s.customer(customers.Profile{Name: "Anna"})
		s.run()
		if len(r.got()) != 0 {
			t.Error("it is called while it is paused")
		}
		page.Post(t, h, home+"/ping", nil, owner).HasStatus(409)
		page.Get(t, h, home+"/edit", owner).In("#field-url", page.HasAttr("value", r.URL))
		page.Post(t, h, home, url.Values{"url": {r.URL + "/new"}, "which": {"all"}, "history": {"1"}}, owner).Redirects(home)
		if e := s.endpoint(endpoint); e.URL != r.URL+"/new" || !e.History {
			t.Errorf("%+v", e)
		}
		page.Post(t, h, home+"/resumption", nil, owner).Redirects(home)
		page.Get(t, h, home, owner).In(".alert-warn", page.HasText("1 message was held back"))
		page.Post(t, h, home+"/replay", url.Values{"since": {""}, "what": {"missed"}}, owner).HasStatus(422)
		page.Post(t, h, home+"/replay", url.Values{"since": {s.clock.Now().Format(time.DateOnly)}, "what": {"missed"}}, owner).Redirects(home)
		s.run()
		if got := kindsOf(t, r.got()); !slices.Equal(got, []string{"customer.joined"}) {
			t.Errorf("it heard %v", got)
		}
		page.Post(t, h, home+"/rotation", nil, owner).Redirects(home + "/secret")
		page.Get(t, h, home+"/secret", owner).In(".alert-warn", page.HasText("signs too until"))
		if now, err := webhooks.Secret(t.Context(), s.db, endpoint); err != nil || now == secret {
			t.Errorf("the secret is the old one, %v", err)
		}
		page.Get(t, h, "/settings/webhooks", owner).In("#webhooks tbody tr", page.HasText("/new"))
		page.Post(t, h, home+"/removal", nil, owner).Redirects("/settings/webhooks")
		page.Do(t, h, request("GET", home), owner).HasStatus(404)
		page.Get(t, h, "/audit", owner).In("#audit", page.HasText("Removed a webhook"))
	})
}

func request(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }

func TestNobodyButAnOwnerSeesAnEndpoint(t *testing.T) {
	s := shop{t: t, db: testkit.DB(t)}
	endpoint, _ := s.add(webhooks.Edit{URL: "https://example.com"})
	h, as := s.pages()
	for _, path := range []string{"/settings/webhooks", "/settings/webhooks/" + endpoint.String(), "/settings/webhooks/" + endpoint.String() + "/secret"} {
		page.Do(t, h, request("GET", path), as(web.Manager)).HasStatus(403)
	}
}

func TestASecretStandsInNoTextOfTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		endpoint, secret := s.add(webhooks.Edit{URL: "https://example.com"})
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			t.Fatalf("a secret of %d bytes, %v", len(key), err)
		}
		var sealed []byte
		if err := s.db.QueryRow(t.Context(), `select secret from webhook_endpoints where id = $1`, int64(endpoint)).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(sealed), string(key)) || strings.Contains(string(sealed), secret) {
			t.Error("the secret is readable in the database")
		}
	})
}
