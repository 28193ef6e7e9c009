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
	for i, c := range s.people(14, "GB") {
		s.pays(c, fmt.Sprint(i), "2025-11-05", 1000, "GBP")
		if i < 3 {
			s.pays(c, fmt.Sprint(i), fmt.Sprintf("2026-0%d-05", i%2+1), 0, "GBP")
		}
	}
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

func TestANewFilterIsWaitedForInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("browser tests are not short")
	}
	s := withClock(t, testkit.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)))
	for i, country := range []string{"CZ", "GB", "GB"} {
		s.place(s.sale(s.people(1, country)[0], fmt.Sprintf("2026-02-0%d", i+1), 500))
	}
	s.work()
	tab := browser.Open(t, s, "", browser.Wide, "light")
	tab.SignIn(s.token)
	tab.Go("/insights")
	tab.Eval(`(() => { const c = document.querySelector("#field-country"); c.value = "GB"; c.dispatchEvent(new Event("change", {bubbles: true})); })()`)
	tab.Wait("#computing progress")
	tab.NoViolations()
	if at := tab.Eval("location.search"); !strings.Contains(at, "country=GB") {
		t.Errorf("the address is %s", at)
	}
	s.work()
	tab.Wait(".stats")
	if got := tab.Text(".stat-value"); got != "2" {
		t.Errorf("%s customers in Britain", got)
	}
	if got := tab.Text("#filtered"); !strings.Contains(got, "United Kingdom") {
		t.Errorf("the chips say %q", got)
	}
	s.place(s.sale(s.people(1, "GB")[0], "2026-02-09", 500))
	s.notice()
	tab.Go("/insights?country=GB")
	tab.Wait("#freshness [hx-get]")
	s.work()
	tab.Eval(`new Promise(done => { const ask = () => document.querySelector(".stat-value")?.textContent.trim() === "3" ? done() : setTimeout(ask, 50); ask(); })`)
	if said := tab.Errors(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}
