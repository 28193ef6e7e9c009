package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"regulars/internal/platform/web"
)

// addressed is a server with a page that says where a request came from.
func addressed(t *testing.T, log *bytes.Buffer, proxies ...netip.Prefix) harness {
	return serve(t, func(c *web.Config) {
		c.Proxies = proxies
		if log != nil {
			c.Log = slog.New(slog.NewTextHandler(log, nil))
		}
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /address", Role: web.Public, Handler: func(w http.ResponseWriter, r *web.Request) error {
			return r.JSON(w, r.Address())
		}})
	})
}

func addressOf(h harness, remote string, told ...string) string {
	r := httptest.NewRequest("GET", "/address", nil)
	r.RemoteAddr = remote
	for _, line := range told {
		r.Header.Add("X-Forwarded-For", line)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return strings.Trim(w.Body.String(), `"`)
}

func TestAnAddressIsWhatTrustedProxiesSayAndNotWhatTheVisitorSays(t *testing.T) {
	none := addressed(t, nil)
	h := addressed(t, nil, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.1.0.0/16"))
	for _, c := range []struct {
		remote string
		told   []string // X-Forwarded-For, a line each
		want   string
	}{
		{"203.0.113.7:4000", nil, "203.0.113.7"},
		{"203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7"}, // no proxy of ours
		{"127.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"127.0.0.1:4000", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},         // HAProxy adds a line
		{"127.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"}, // two proxies in a row
		{"127.0.0.1:4000", []string{"198.51.100.1, 10.2.0.1, 10.1.2.3"}, "10.2.0.1"},       // another network of ten
		{"127.0.0.1:4000", []string{"10.1.2.3"}, "10.1.2.3"},                               // a visitor from within
		{"127.0.0.1:4000", []string{"203.0.113.7:51000"}, "203.0.113.7"},
		{"[::1]:4000", []string{"2001:db8:1:2::3"}, "2001:db8:1:2::/64"},
		{"[::1]:4000", []string{"[2001:db8:1:2::3]:443"}, "2001:db8:1:2::/64"},
		{"[::ffff:127.0.0.1]:4000", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"127.0.0.1:4000", []string{"198.51.100.1", "nonsense"}, "127.0.0.1"},
		{"127.0.0.1:4000", nil, "127.0.0.1"},
	} {
		if got := addressOf(h, c.remote, c.told...); got != c.want {
			t.Errorf("from %s with %q: %s, want %s", c.remote, c.told, got, c.want)
		}
		own := addressOf(none, c.remote)
		if got := addressOf(none, c.remote, c.told...); got != own {
			t.Errorf("without proxies, from %s with %q: %s, want %s", c.remote, c.told, got, own)
		}
	}
}

func TestAProxyThatNobodyNamedIsSpokenOfOnce(t *testing.T) {
	const words = "--trusted-proxies"
	var log bytes.Buffer
	h := addressed(t, &log)
	addressOf(h, "127.0.0.1:4000")
	addressOf(h, "203.0.113.7:4000", "198.51.100.1") // a visitor's fancy
	if strings.Contains(log.String(), words) {
		t.Error("no proxy was there, and one was spoken of")
	}
	addressOf(h, "127.0.0.1:4000", "198.51.100.1")
	addressOf(h, "127.0.0.1:4000", "198.51.100.1")
	if n := strings.Count(log.String(), words); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	if strings.Contains(log.String(), "198.51.100.1") {
		t.Error("the log says who visits")
	}
}
