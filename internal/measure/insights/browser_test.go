package insights_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

// picture keeps what the page looks like where REGULARS_SCREENSHOTS names a
// folder, for a person to look at.
func picture(tab *browser.Tab, name string) {
	if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, name+".png"))
	}
}

func TestThePagesAreFitForEverybodyAtEverySize(t *testing.T) {
	if testing.Short() {
		t.Skip("browser tests are not short")
	}
	clock := testkit.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	s := withClock(t, clock)
	s.retail()
	s.work()
	all := append([]string{}, paths...)
	all = append(all, "/insights/cohorts?show=revenue&as=each&sum=1", "/insights/retention?from=2011-06-01&to=2011-08-31", "/insights?country=XX")
	for _, p := range all {
		s.look(p)
	}
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Narrow, "dark"}, {browser.Wide, "light"}, {browser.Wide, "dark"}} {
		tab := browser.Open(t, s, "", view.width, view.theme)
		tab.SignIn(s.token)
		for i, p := range all {
			tab.Go(p)
			name := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(p), "-")
			picture(tab, fmt.Sprintf("%s-%d-%s", name, view.width, view.theme))
			tab.NoViolations()
			tab.FitsWidth()
			if t.Failed() {
				t.Fatalf("stopped at page %d, %s, %d wide, %s", i, p, view.width, view.theme)
			}
		}
		if said := tab.Errors(); len(said) > 0 {
			t.Errorf("the browser complains: %q", said)
		}
	}
}
