package web_test

import (
	"net/http/httptest"
	"testing"

	"regulars/internal/platform/web"
)

func TestAnAddressIsWhatTheNearestProxySaysAndNotWhatTheVisitorSays(t *testing.T) {
	for _, c := range []struct {
		remote string
		told   []string // X-Forwarded-For, a line each
		want   string
	}{
		{"203.0.113.7:4000", nil, "203.0.113.7"},
		{"203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7"}, // no proxy of ours
		{"127.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"127.0.0.1:4000", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"}, // HAProxy adds a line
		{"[::1]:4000", []string{"2001:db8:1:2::3"}, "2001:db8:1:2::/64"},
		{"127.0.0.1:4000", []string{"198.51.100.1", "nonsense"}, "127.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for _, line := range c.told {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := web.Address(r); got != c.want {
			t.Errorf("from %s with %q: %s, want %s", c.remote, c.told, got, c.want)
		}
	}
}
