package page_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"regulars/internal/testkit/page"
)

// spy is a test that notes its failures instead of failing.
type spy struct {
	testing.TB
	failed []string
}

func (s *spy) Helper() {}

func (s *spy) Errorf(format string, args ...any) {
	s.failed = append(s.failed, fmt.Sprintf(format, args...))
}

func serving(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
}

const shop = `<main><p class="stat">90&nbsp;% <b>kept</b></p><p class="stat">12</p><a href="/x">more</a><script>var no = 1</script></main>`

func TestExpectationsThatHoldPass(t *testing.T) {
	p := page.Get(t, serving(shop), "/")
	p.In(".stat", page.HasText("90 % kept")).In("a", page.HasAttr("href", "/x")).Not(".none").Count(".stat", 2)
	if p.Text() != "90 % kept 12 more" {
		t.Errorf("%q", p.Text())
	}
}

func TestExpectationsThatDoNotHoldFail(t *testing.T) {
	for want, expect := range map[string]func(p *page.Page){
		"nothing matches":   func(p *page.Page) { p.In(".none") },
		"want “91 %”":       func(p *page.Page) { p.In(".stat", page.HasText("91 %")) },
		"href is “/x”":      func(p *page.Page) { p.In("a", page.HasAttr("href", "/y")) },
		"is there: 90 %":    func(p *page.Page) { p.Not(".stat") },
		`2 × ".stat", want`: func(p *page.Page) { p.Count(".stat", 3) },
	} {
		s := &spy{TB: t}
		expect(page.Get(s, serving(shop), "/"))
		if len(s.failed) != 1 || !strings.Contains(s.failed[0], want) {
			t.Errorf("want a failure with %q, got %q", want, s.failed)
		}
	}
}

func TestAMissingMessageFailsWhateverTheTestIsAbout(t *testing.T) {
	s := &spy{TB: t}
	page.Get(s, serving("<p>⟦orders.sent⟧</p>"), "/")
	if len(s.failed) != 1 || !strings.Contains(s.failed[0], "orders.sent") {
		t.Errorf("got %q", s.failed)
	}
}
