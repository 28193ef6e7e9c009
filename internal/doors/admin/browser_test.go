package admin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

// look keeps a picture of the page where REGULARS_SCREENSHOTS names a folder,
// for a person to look at.
func look(tab *browser.Tab, name string) {
	if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, name+".png"))
	}
}

func TestFromTheFirstLinkToTheLimitInARealBrowser(t *testing.T) {
	h := build(t, testkit.DB(t))
	tab := browser.Open(t, h, "/set-up/"+h.setupLink(), browser.Wide, "light")
	tab.Type("#field-name", "Ana Novak")
	tab.Type("#field-email", "ana@example.com")
	tab.Type("#field-password", "short")
	tab.Type("#field-business", "Corner Coffee")
	tab.Eval(`(() => { const c = document.querySelector("#field-country"); c.value = "CZ"; c.dispatchEvent(new Event("change", {bubbles: true})); })()`)
	until(tab, `document.querySelector("#field-currency").value === "CZK"`)
	tab.Click(".door-card button.btn-primary")
	tab.Wait("#error-password")
	if tab.Eval(`document.querySelector("#field-zone").value`) != "Europe/Prague" {
		t.Error("the zone did not follow the country")
	}
	look(tab, "set-up-wrong")
	tab.Type("#field-password", secret)
	tab.Press(kb.Enter)
	tab.Wait(".starts")
	look(tab, "home-empty")
	tab.Click(".who summary")
	tab.Click(".who .menu-item[href='/account'] ~ form:last-of-type button")
	tab.Wait("#field-password")
	for range 10 {
		tab.Eval(`(() => { document.querySelector("#field-email").value = "ana@example.com"; document.querySelector("#field-password").value = "not the password"; })()`)
		tab.Eval(`document.body.dataset.before = 1`)
		tab.Click(".form button")
		tab.Wait("body:not([data-before]) [role=alert]")
	}
	if said := tab.Text("[role=alert]"); !strings.Contains(said, "not right") {
		t.Errorf("a wrong password says %q", said)
	}
	tab.Eval(`(() => { document.body.dataset.before = 1; document.querySelector("#field-password").value = "` + secret + `"; })()`)
	tab.Click(".form button")
	tab.Wait("body:not([data-before]) [role=alert]")
	if said := tab.Text("[role=alert]"); !strings.Contains(said, "wait 15 minutes") {
		t.Errorf("the eleventh try says %q", said)
	}
	look(tab, "sign-in-limit")
}

func TestPagesAreFitForEverybodyAtEverySize(t *testing.T) {
	db := testkit.DB(t)
	fresh := build(t, db)
	setup := "/set-up/" + fresh.setupLink()
	doors := []string{"/sign-in", setup, "/sign-in/forgotten"}
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Narrow, "dark"}, {browser.Wide, "light"}, {browser.Wide, "dark"}} {
		tab := browser.Open(t, fresh, "", view.width, view.theme)
		for i, path := range doors {
			check(tab, path, fmt.Sprintf("door-%d-%d-%s", i, view.width, view.theme))
		}
	}
	h := live(t, db)
	for i, name := range []string{"Cleo Moreau", "Dai Pham", "Łukasz Wiśniewski", "김민준", "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine the Eleventh"} {
		c := int64(i + 7)
		addCustomer(t, db, c, name)
		addFacts(t, db, c, c%3)
		addOrder(t, db, c, 70+c, fmt.Sprint(1000+i), db.Now().Add(-time.Duration(c)*time.Hour), 12500*c)
		addOrder(t, db, c, 170+c, fmt.Sprint(900+i), db.Now().Add(-time.Duration(c+32)*24*time.Hour), 2500*c)
	}
	ben := h.add("Ben Kral", "ben@example.com", 3)
	session := h.session(h.owner)
	h.session(h.owner)
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Narrow, "dark"}, {browser.Wide, "light"}, {browser.Wide, "dark"}} {
		tab := browser.Open(t, h, "", view.width, view.theme)
		tab.SignIn(session)
		for name, path := range map[string]string{
			"home": "/", "search": "/search?q=c", "about": "/about", "account": "/account", "staff": "/staff",
			"member": "/staff/" + ben.String(), "audit": "/audit", "settings": "/settings",
			"security": "/account/security", "app": "/account/security/app", "signing-in": "/settings/sign-in", "mail": "/settings/mail",
		} {
			check(tab, path, fmt.Sprintf("%s-%d-%s", name, view.width, view.theme))
		}
		if said := tab.Errors(); len(said) > 0 {
			t.Errorf("the browser complains: %q", said)
		}
	}
}

// until waits for a condition of the page.
func until(tab *browser.Tab, condition string) {
	tab.Eval(`new Promise(done => { const ask = () => ` + condition + ` ? done() : setTimeout(ask, 20); ask(); })`)
}

func check(tab *browser.Tab, path, name string) {
	tab.Go(path)
	look(tab, name)
	tab.NoViolations()
	tab.FitsWidth()
}

func TestTheSearchIsWalkedWithTheKeyboardWhileTyping(t *testing.T) {
	db := testkit.DB(t)
	h := live(t, db)
	addCustomer(t, db, 7, "Cleo Moreau")
	addCustomer(t, db, 8, "Clea Martin")
	tab := browser.Open(t, h, "", browser.Wide, "light")
	tab.SignIn(h.session(h.owner))
	tab.Go("/about")
	tab.Type("#search", "cle")
	tab.Wait("#found a[href^='/customers/']")
	tab.NoViolations()
	look(tab, "search-typing")
	tab.Press(kb.ArrowDown)
	tab.Press(kb.ArrowDown)
	if at := tab.Eval("document.activeElement.textContent"); !strings.Contains(at, "Cle") {
		t.Errorf("the arrow leads to %q", at)
	}
	tab.Press(kb.Escape)
	if tab.Eval("document.activeElement.id + document.querySelector('#found').textContent") != "search" {
		t.Error("Escape does not lead back to the field with nothing beneath")
	}
	tab.Press(kb.Enter)
	tab.Wait("#results .found-list")
	if tab.Eval("location.pathname + location.search") != "/search?q=cle" {
		t.Error("Enter does not lead to the page of all that fits")
	}
	if said := tab.Errors(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}
