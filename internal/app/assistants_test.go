package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/know/customers"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// withKey sends an API key with each request.
type withKey string

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(k))
	return http.DefaultTransport.RoundTrip(r)
}

func TestAKeyIsMadeOnlyByWhoHasJustProvedWhoTheyAre(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	owner := h.session(web.Owner)
	post := func() (keys int) {
		form := url.Values{"name": {"Shop"}, "scope": {"staff:write"}, "lasts": {"0"}}
		if w := h.answer(asOwner(posted("/settings/api", form), owner)); w.Code != http.StatusOK {
			t.Fatalf("answers %d", w.Code)
		}
		if err := h.db.QueryRow(t.Context(), `select count(*) from user_keys`).Scan(&keys); err != nil {
			t.Fatal(err)
		}
		return keys
	}
	h.do(func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `update sessions set proved_at = proved_at - $1`, (users.ProofFor + time.Second).Microseconds())
		return err
	})
	if n := post(); n != 0 {
		t.Error("somebody who sits down at an open browser makes a key")
	}
	owner = h.session(web.Owner)
	if n := post(); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestAnAssistantMayWhatItsKeyMay(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		listening := httptest.NewServer(h)
		defer listening.Close()
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.Create(t.Context(), tx, customers.Profile{Name: "Anna Zanzibar"})
			return err
		})
		key := func(role web.Role, scopes ...rest.Scope) (secret string) {
			testkit.Do(t, db, func(tx *store.Tx) (err error) {
				secret, _, err = users.MakeKey(t.Context(), tx, h.staff[role], users.NewKey{Name: "assistant", Scopes: scopes})
				return err
			})
			return secret
		}
		connect := func(secret string) (*sdk.ClientSession, error) {
			return sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
				&sdk.StreamableClientTransport{Endpoint: listening.URL + "/mcp", HTTPClient: &http.Client{Transport: withKey(secret)}}, nil)
		}
		if _, err := connect("rk_wrong"); err == nil {
			t.Error("a wrong key opens")
		}
		for _, c := range []struct {
			secret string
			has    map[string]bool
		}{
			{key(web.Agent, "customers:write", "insights:read"), map[string]bool{"find_customer": true, "add_note": true, "forecast": true, "orders_of": false}},
			{key(web.Viewer, "customers:write"), map[string]bool{"find_customer": true, "add_note": false, "forecast": false}},
			{key(web.Viewer, "insights:read"), map[string]bool{"find_customer": false, "who_is_slipping_away": true}},
		} {
			session, err := connect(c.secret)
			if err != nil {
				t.Fatal(err)
			}
			list, err := session.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.has {
				if has := slices.ContainsFunc(list.Tools, func(tool *sdk.Tool) bool { return tool.Name == name }); has != want {
					t.Errorf("%v: %s is there: %v", c.has, name, has)
				}
			}
			session.Close()
		}
	})
}
