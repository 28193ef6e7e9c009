package app

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestLimitsCountByTheAddressThatANamedProxyTells(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		a := &App{Config: Config{Log: slog.New(slog.DiscardHandler)}, DB: db}
		var err error
		if a.Modules, err = modules(db, a.Config); err != nil {
			t.Fatal(err)
		}
		refused := func(proxies ...netip.Prefix) (n int) {
			h, err := a.Handler(t.Context(), ServeConfig{Proxies: proxies})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 { // wrong keys, each from somebody else
				r := httptest.NewRequest("GET", "/api/v1/me", nil)
				r.RemoteAddr = "127.0.0.1:4000"
				r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", len(proxies), i))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code == 429 {
					n++
				}
			}
			return n
		}
		if n := refused(netip.MustParsePrefix("127.0.0.1/32")); n != 0 {
			t.Errorf("behind a named proxy %d of 40 visitors were held up by others", n)
		}
		if n := refused(); n == 0 {
			t.Error("a proxy that nobody named was believed")
		}
	})
}
