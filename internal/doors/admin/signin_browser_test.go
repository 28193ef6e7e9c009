package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

// TestPasskeysInARealBrowser makes a passkey, gives it another name, comes in
// by it without typing anything, uses it as a second factor and as a proof,
// and lets it go.
func TestPasskeysInARealBrowser(t *testing.T) { testkit.EachWithClock(t, passkeys) }

func passkeys(t *testing.T, db *store.DB, clock *testkit.Clock) {
	h := live(t, db)
	width, theme := int64(browser.Wide), "light"
	if !db.Embedded() { // so that both are seen
		width, theme = browser.Narrow, "dark"
	}
	tab := browser.Open(t, h, "", width, theme)
	seen := func(name string) {
		t.Helper()
		look(tab, fmt.Sprintf("%s-%d-%s", name, width, theme))
		tab.NoViolations()
		tab.FitsWidth()
	}
	tab.Server.URL = strings.Replace(tab.Server.URL, "127.0.0.1", "localhost", 1) // passkeys need a name
	tab.Authenticator()
	signIn := func() {
		tab.Go("/sign-in")
		tab.Type("#field-email", "ana@example.com")
		tab.Type("#field-password", secret)
		tab.Click("main form.form .btn-primary")
	}
	signOut := func() {
		tab.Go("/account")
		tab.Click(".who summary")
		tab.Click(".who form[action='/sign-out'] button")
		tab.Wait(".door #field-password")
	}
	signIn()
	tab.Wait(".topbar")

	tab.Go("/account/security")
	tab.Click("form[data-kind=create] button")
	tab.Wait(".codes")
	if n := tab.Eval("document.querySelectorAll('.codes li').length"); n != "10" {
		t.Errorf("%s recovery codes", n)
	}
	seen("recovery-codes")
	tab.Go("/account/security")
	tab.Click(".sessions summary")
	tab.Eval("document.querySelector('.sessions input[name=name]').value = ''")
	tab.Type(".sessions input[name=name]", "My laptop")
	tab.Click(".sessions details .btn")
	tab.Wait(".alert-good")
	if said := tab.Text(".sessions"); !strings.Contains(said, "My laptop") {
		t.Errorf("the name was not kept: %s", said)
	}
	seen("passkeys")
	signOut()

	tab.Wait("form[data-kind=get] button")
	seen("sign-in-ways")
	tab.Click("form[data-kind=get] button") // nothing is typed
	tab.Wait(".topbar")
	signOut()

	signIn()
	tab.Wait("#field-code") // the password alone is not enough
	seen("second-factor")
	tab.Click("form[data-kind=get] button")
	tab.Wait(".topbar")

	clock.Advance(11 * time.Minute)
	tab.Go("/account/security")
	tab.Click(".sessions .end button")
	tab.Wait("#field-proof_password") // it has been a while
	seen("proof")
	tab.Click("form[data-field=proof_response] button")
	tab.Wait(".alert-good")
	if n := tab.Eval("document.querySelectorAll('.sessions li').length"); n != "0" {
		t.Errorf("%s passkeys are left", n)
	}
	if errs := tab.Errors(); len(errs) > 0 {
		t.Errorf("the browser complains: %v", errs)
	}
	signOut()
	signIn() // without any second factor the password is enough again
	tab.Wait(".topbar")
}
