package collect

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// pages are the module's pages, and how the owner asks for them.
func pages(t *testing.T, db *store.DB) (*web.Server, page.Option) {
	t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, workspace.Files, customers.Files, Files)
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Config{
		Catalog: catalog, Places: page.Places(Places), Routes: slices.Concat(users.Admin(users.Desk{DB: db}), Admin(db), Doors(db)),
		Files:        map[string]fs.FS{"users": users.Files, "collect": Files},
		Authenticate: users.Authenticator(db), Shop: workspace.Shop(db), Now: db.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	testkit.Do(t, db, func(tx *store.Tx) error {
		owner, err := users.Add(t.Context(), tx, users.New{Name: "Olga", Email: "olga@example.com", Role: web.Owner})
		if err != nil {
			return err
		}
		token, err = users.Start(t.Context(), tx, owner, "Firefox")
		return err
	})
	return server, page.As(token)
}

func TestAnOwnerAddsASourceAndSeesWhatToPaste(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		server, owner := pages(t, db)
		list := page.Get(t, server, "/settings/sources", owner)
		if !strings.Contains(list.Text(), "Nothing tells by itself yet") {
			t.Errorf("without a source the page says %q", list.Text())
		}
		list.In(`a[href="/settings/sources/new?kind=segment"]`)
		form := page.Get(t, server, "/settings/sources/new?kind=segment", owner)
		form.In(`input[name="name"]`)
		if p := page.Post(t, server, "/settings/sources", url.Values{"kind": {"segment"}, "name": {""}, "space": {"my shop"}}, owner); p.Status != 422 {
			t.Errorf("a source without a name is answered %d", p.Status)
		}
		added := page.Post(t, server, "/settings/sources", url.Values{"kind": {"segment"}, "name": {"Web <shop>"}, "space": {"shop"}}, owner)
		to := added.Header.Get("Location")
		all, err := Sources(t.Context(), db)
		if err != nil || len(all) != 1 || to != "/settings/sources/"+all[0].ID.String() || all[0].Space != "shop" {
			t.Fatalf("%+v, %v, led to %q", all, err, to)
		}
		shown := page.Get(t, server, to, owner)
		for _, want := range []string{all[0].Token, "http://example.com/v1/track", "Web <shop>", "@segment/analytics-node"} {
			if !strings.Contains(shown.Text(), want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		page.Post(t, server, to, url.Values{"name": {"App"}, "space": {"shop"}}, owner)
		page.Post(t, server, to+"/disabling", nil, owner)
		page.Get(t, server, to, owner).In(`form[action$="/enabling"]`)
		if s, _ := SourceByID(t.Context(), db, all[0].ID); s.Name != "App" || !s.Disabled() {
			t.Errorf("the source is %+v", s)
		}
		page.Post(t, server, to+"/enabling", nil, owner)
		page.Get(t, server, to, owner).In(`form[action$="/disabling"]`)
	})
}

func TestWhatCouldNotBeUsedIsShownWithItsReasonAndTriedAgain(t *testing.T) {
	db := testkit.DB(t)
	server, owner := pages(t, db)
	s := open(t, db)
	s.send("/v1/track", `{"event":"Lost <b>","messageId":"m"}`)
	s.work()
	to := "/settings/sources/" + s.source.ID.String()
	shown := page.Get(t, server, to, owner)
	shown.In(".failure summary code")
	if text := shown.Text(); !strings.Contains(text, "neither userId nor anonymousId") || !strings.Contains(text, "Lost <b>") {
		t.Errorf("the page says %q", text)
	}
	var failure id.Failure
	if failed, err := Failures(t.Context(), db, s.source.ID, 0, 1); err != nil || len(failed) != 1 {
		t.Fatalf("%v, %v", failed, err)
	} else {
		failure = failed[0].ID
	}
	if p := page.Post(t, server, to+"/failures/"+failure.String()+"/attempt", nil, owner); p.Status != http.StatusSeeOther {
		t.Errorf("trying again is answered %d", p.Status)
	}
	if n := inInbox(t, db); n != 1 {
		t.Errorf("%d parcels in the inbox after trying again", n)
	}
	s.work()
	page.Post(t, server, to+"/removal", nil, owner)
	if n := s.count(`select count(*) from collect_failures`); n != 0 {
		t.Errorf("%d failures after removing all", n)
	}
}

func TestWhenTooMuchWaitsTheSenderIsToldToComeAgain(t *testing.T) {
	db := testkit.DB(t)
	in := NewInbox(db)
	in.busy = true // a commit that takes long
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	full := 0
	for range maxWaiting/maxBatch + 2 {
		err := in.Accept(ctx, &Parcel{Body: make([]byte, maxBatch)})
		if errs.Is(err, errs.TooLarge) {
			full++
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if full == 0 {
		t.Fatal("an inbox that is full takes more")
	}
	s := open(t, db)
	server, err := web.New(web.Config{Catalog: must1(locale.Load(Files, web.Text())), Now: db.Now,
		Routes: []web.Route{{Pattern: "POST /v1/track", Role: web.Public, AnyOrigin: true, Lean: true, Handler: tracking{&book{db: db}, in}.take("track")}}})
	if err != nil {
		t.Fatal(err)
	}
	p := page.Do(t, server, must(http.NewRequest(http.MethodPost, "/v1/track", strings.NewReader(`{"userId":"7","event":"a","writeKey":"`+s.source.Token+`"}`))))
	if p.Status != 429 || p.Header.Get("Retry-After") == "" || p.Header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("a full inbox is answered %d %v", p.Status, p.Header)
	}
}

func must1[T any](v T, _ error) T { return v }
