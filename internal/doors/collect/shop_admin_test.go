package collect

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

func TestThePageOfAShopSaysWhatToPasteAndTakesTheSecret(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		server, owner := pages(t, db)
		for _, k := range shopKinds {
			s := addSource(t, db, k.name)
			at := "/settings/sources/" + s.ID.String()
			text := page.Get(t, server, at, owner).Text()
			for _, want := range append([]string{"/shops/" + k.name + "/" + s.Token, "No secret is entered yet"}, k.topics...) {
				if !strings.Contains(text, want) {
					t.Errorf("%s: the page does not say %q", k.name, want)
				}
			}
			if again := page.Post(t, server, at+"/secret", url.Values{"secret": {""}}, owner); again.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: an empty secret is answered %d", k.name, again.Status)
			}
			for _, secret := range []string{"the first one", "the second one"} {
				if done := page.Post(t, server, at+"/secret", url.Values{"secret": {secret}}, owner); done.Status != http.StatusSeeOther {
					t.Fatalf("%s: the secret is answered %d %s", k.name, done.Status, done.Text())
				}
			}
			shown := page.Get(t, server, at, owner)
			if !strings.Contains(shown.Text(), "The old one is good until") || strings.Contains(shown.Body, "the second one") || strings.Contains(shown.Body, "the first one") {
				t.Errorf("%s: with two secrets the page says %q", k.name, shown.Text())
			}
			kept, err := SourceByID(t.Context(), db, s.ID)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := openSecrets(db, kept); err != nil || v.Now != "the second one" || v.Old != "the first one" {
				t.Errorf("%s: kept is %+v, %v", k.name, v, err)
			}
		}
	})
}

// asking makes three requests, one of which is answered.
func asking(t *testing.T, db *store.DB) id.Customer {
	t.Helper()
	s := shopAt(t, db, Shopify)
	inbox := NewInbox(db)
	for _, d := range deliveries(t, Shopify) {
		s.accept(inbox, d)
	}
	s.work()
	fromFile(t, db, "till", "T1", "ana@example.com", 500)
	for _, topic := range []string{askedCopy, askedErasure, askedShopErasure} {
		s.ask(topic)
	}
	s.post(s.headers("another", delivery{Topic: "x", Body: []byte("{}")}), "{}")
	return find(t, db, customers.Email, "ana@example.com").ID
}

func TestRequestsAboutDataStandOnAPageUntilTheyAreAnswered(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		who := asking(t, db)
		server, owner := pages(t, db)
		got := page.Get(t, server, "/settings/privacy", owner)
		for _, want := range []string{"/customers/" + who.String() + "/export", "/customers/" + who.String() + "/erasure", "/settlement"} {
			if !strings.Contains(got.Body, want) {
				t.Errorf("the page does not lead to %s", want)
			}
		}
		all, err := Requests(t.Context(), db, 10)
		if err != nil || len(all) != 3 {
			t.Fatalf("there are %d, %v", len(all), err)
		}
		for _, v := range all {
			if done := page.Post(t, server, "/settings/privacy/"+id.Show("request", v.ID)+"/settlement", nil, owner); done.Status != http.StatusSeeOther {
				t.Fatalf("answering is answered %d", done.Status)
			}
		}
		if text := page.Get(t, server, "/settings/privacy", owner).Text(); !strings.Contains(text, "All of them are answered") {
			t.Errorf("with all answered the page says %q", text)
		}
		if missing := page.Post(t, server, "/settings/privacy/"+id.Show("request", 1)+"/settlement", nil, owner); missing.Status != http.StatusNotFound {
			t.Errorf("one that is not there is answered %d", missing.Status)
		}
	})
}

func TestThePagesOfShopsAreReadableOnEveryScreen(t *testing.T) {
	db := testkit.DB(t)
	asking(t, db)
	var shopify, square id.Source
	testkit.Do(t, db, func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), `select id from collect_sources`).Scan(&shopify)
	})
	square = addSource(t, db, Square).ID
	server, _ := pages(t, db)
	token := signedIn(t, db)
	for _, screen := range []struct {
		width int64
		theme string
	}{{browser.Wide, "light"}, {browser.Narrow, "dark"}} {
		for name, path := range map[string]string{"shopify": "/settings/sources/" + shopify.String(), "square": "/settings/sources/" + square.String(),
			"requests": "/settings/privacy", "sources": "/settings/sources"} {
			tab := browser.Open(t, server, "/sign-in", screen.width, screen.theme)
			tab.SignIn(token)
			tab.Go(path)
			tab.FitsWidth()
			tab.NoViolations()
			if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
				tab.Screenshot(filepath.Join(dir, "shops-"+name+"-"+screen.theme+".png"))
			}
		}
	}
}

// signedIn is a session of an owner.
func signedIn(t *testing.T, db *store.DB) (token string) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		owner, err := users.Add(t.Context(), tx, users.New{Name: "Ola", Email: "ola@example.com", Role: web.Owner})
		if err != nil {
			return err
		}
		token, err = users.Start(t.Context(), tx, owner, "Firefox")
		return err
	})
	return token
}
