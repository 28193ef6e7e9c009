package web_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"regulars/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// look checks a page for access, width and complaints, and keeps a picture
// when REGULARS_SCREENSHOTS names a folder.
func look(t *testing.T, tab *browser.Tab, name string) {
	t.Helper()
	if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, name+".png"))
	}
	tab.NoViolations()
	tab.FitsWidth()
	if errors := tab.Errors(); len(errors) > 0 {
		t.Errorf("%s: the browser complains: %q", name, errors)
	}
}

func TestTheKitIsAccessibleAtEverySizeInLightAndDark(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"narrow": browser.Narrow, "wide": browser.Wide} {
			t.Run(theme+" "+name, func(t *testing.T) {
				look(t, browser.Open(t, serve(t), "/dev/kit", width, theme), "kit-"+theme+"-"+name)
			})
		}
	}
}

func TestPublicAndErrorPagesAreAccessible(t *testing.T) {
	tab := browser.Open(t, serve(t), "", browser.Narrow, "dark")
	for name, path := range map[string]string{"public": "/open", "error": "/gone"} {
		tab.Go(path)
		look(t, tab, name)
	}
}

// eventually waits for a script to become true.
func eventually(t *testing.T, tab *browser.Tab, what, script string) {
	t.Helper()
	for range 1500 {
		if tab.Eval(script) == "true" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s: %s stays false", what, script)
}

func TestThePageIsWorkedFromTheKeyboard(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Wide, "light")
	tab.Press(kb.Tab)
	eventually(t, tab, "the first stop is the skip link", `document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	tab.Press("\r")
	eventually(t, tab, "it leads to the content", `location.hash === "#main"`)
	tab.Press("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	eventually(t, tab, "Ctrl-K searches", `document.activeElement.id === "search"`)
	tab.Eval(`document.querySelector("[data-dialog]").focus()`)
	tab.Press("\r")
	eventually(t, tab, "the dialog opens with the focus inside", `document.querySelector("dialog[open]").contains(document.activeElement)`)
	look(t, tab, "dialog")
	tab.Press(kb.Escape)
	eventually(t, tab, "and gives it back", `!document.querySelector("dialog[open]") && !!document.activeElement.dataset.dialog`)
	tab.Eval(`document.querySelector(".list-tools summary").focus()`)
	tab.Press("\r")
	eventually(t, tab, "the columns open", `document.querySelector(".list-tools details").open`)
	tab.Press(kb.Escape)
	eventually(t, tab, "and close", `!document.querySelector(".list-tools details").open && document.activeElement.tagName === "SUMMARY"`)
}

func TestTheThemeIsShownAtOnceAndKept(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Wide, "light")
	eventually(t, tab, "as the system is", `document.documentElement.dataset.bsTheme === "light"`)
	tab.Click(".who summary")
	look(t, tab, "menu")
	tab.Click(`.theme-choice button[value=dark]`)
	eventually(t, tab, "at once", `document.documentElement.dataset.bsTheme === "dark"`)
	time.Sleep(300 * time.Millisecond)
	tab.Go("/dev/kit")
	eventually(t, tab, "after a load", `document.documentElement.dataset.bsTheme === "dark"`)
}

func TestTheMenuSlidesInOnANarrowPage(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Narrow, "light")
	if tab.Eval(`getComputedStyle(document.getElementById("side")).visibility`) != "hidden" {
		t.Error("the menu covers the page")
	}
	tab.Click("[data-menu]")
	eventually(t, tab, "open", `getComputedStyle(document.getElementById("side")).visibility === "visible" && document.getElementById("side").contains(document.activeElement)`)
	look(t, tab, "menu-narrow")
	tab.Press(kb.Escape)
	eventually(t, tab, "closed", `!document.body.classList.contains("menu-open") && document.activeElement.hasAttribute("data-menu")`)
}

func TestAFailedFormLeadsToItsErrors(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Wide, "light")
	tab.Type("#field-email", "ana at home")
	tab.Click(`form[method=post] .btn-primary:not(.window *)`)
	tab.Wait(".field-wrong")
	eventually(t, tab, "the summary has the focus", `document.activeElement.matches("[data-focus]")`)
	if tab.Eval(`document.getElementById("field-email").value`) != "ana at home" {
		t.Error("what was typed is gone")
	}
	look(t, tab, "form-errors")
	tab.Click(`[data-focus] a[href="#field-email"]`)
	eventually(t, tab, "a line of it leads to its field", `document.activeElement.id === "field-email"`)
}

func TestAJobsProgressComesByItselfAndAChartTellsItsNumbers(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Wide, "light")
	eventually(t, tab, "the poll replaces it", `document.querySelector("#import progress").value === 100`)
	tab.Eval(`document.querySelector("#retention .plot").dispatchEvent(new PointerEvent("pointermove",
		{bubbles: true, clientX: document.querySelector("#retention .plot").getBoundingClientRect().right - 5}))`)
	eventually(t, tab, "the last period", `document.querySelector("#retention .chart-tip strong").textContent.includes("Dec 2025")`)
	tab.Click("tr[data-href]")
	eventually(t, tab, "a row leads on", `location.search.startsWith("?who=")`)
	if errors := tab.Errors(); len(errors) > 0 {
		t.Errorf("the browser complains: %q", errors)
	}
}

func TestAListIsFilteredWhileOneTypesAndItsChipsFollow(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit?q=na", browser.Wide, "light")
	tab.Type("#filter-q", "a")
	eventually(t, tab, "the rows follow", `document.querySelectorAll("#people tbody tr").length === 1`)
	eventually(t, tab, "the chips follow", `document.querySelector("#filtered .chip").textContent.includes("Name: ana")`)
	eventually(t, tab, "the address follows", `location.search.includes("q=ana")`)
	if tab.Eval(`document.activeElement.id`) != "filter-q" || tab.Eval(`document.querySelectorAll("h1").length`) != "1" {
		t.Error("the field lost the focus, or the page is within itself")
	}
	tab.Click("#filtered .chip")
	eventually(t, tab, "a chip taken away", `document.querySelectorAll("#people tbody tr").length === 6`)
	if errors := tab.Errors(); len(errors) > 0 {
		t.Errorf("the browser complains: %q", errors)
	}
}

func TestAFigureOfWordsIsBrokenOnlyBetweenThem(t *testing.T) {
	tab := browser.Open(t, serve(t), "/dev/kit", browser.Narrow, "light")
	broken := tab.Eval(`(() => {
		const card = document.createElement("section"), stats = document.querySelector(".stats");
		card.className = "card";
		stats.replaceWith(card);
		card.append(stats);
		const words = document.querySelector(".stat-value");
		words.textContent = "New customers";
		const last = document.createRange();
		last.setStart(words.firstChild, 4);
		last.setEnd(words.firstChild, 13);
		return last.getClientRects().length;
	})()`)
	if broken != "1" {
		t.Errorf("“customers” stands on %s lines", broken)
	}
	tab.FitsWidth()
}
