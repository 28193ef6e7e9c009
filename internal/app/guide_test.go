package app

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

var (
	curls    = regexp.MustCompile(`(?s)curl (.*?)\n\s*` + "```")
	address  = regexp.MustCompile(`https://your-store\.example(/[^\s']*)`)
	method   = regexp.MustCompile(`-X (\w+)`)
	sentBody = regexp.MustCompile(`(?s)-d '(.*?)'`)
)

// TestTheGuideToTheAPIWorksAsItIsWritten does what its commands say, in their
// order.
func TestTheGuideToTheAPIWorksAsItIsWritten(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(testkit.Root(t), "docs/guide/api.md"))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		key := h.keyOf(web.Owner, rest.Scopes()...)
		commands := curls.FindAllStringSubmatch(string(guide), -1)
		if len(commands) != 5 {
			t.Fatalf("found %d commands", len(commands))
		}
		var last string
		for _, c := range commands {
			verb := "GET"
			if m := method.FindStringSubmatch(c[1]); m != nil {
				verb = m[1]
			}
			body := ""
			if m := sentBody.FindStringSubmatch(c[1]); m != nil {
				body = m[1]
			}
			r := httptest.NewRequest(verb, address.FindStringSubmatch(c[1])[1], strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", "application/json")
			w := h.answer(r)
			if w.Code != 200 {
				t.Fatalf("%s: %d %s", c[1], w.Code, w.Body)
			}
			if verb == "PUT" {
				last = w.Body.String()
			}
		}
		var actions int
		if err := db.QueryRow(t.Context(), `select count(*) from events where kind = 'action.tracked'`).Scan(&actions); err != nil || actions != 1 {
			t.Errorf("%d events of our own, %v", actions, err)
		}
		var buyers int
		if err := db.QueryRow(t.Context(), `select count(*) from orders`).Scan(&buyers); err != nil || buyers != 1 || !strings.Contains(last, `"total_minor":1000`) {
			t.Errorf("%d orders of customers, %v: %s", buyers, err, last)
		}
	})
}
