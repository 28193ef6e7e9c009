package api_test

import (
	"os"
	"strings"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestThePagesOfTheAPIWorkForEverybody looks at each of them on a phone and on
// a desk, and tries an operation as a person would.
func TestThePagesOfTheAPIWorkForEverybody(t *testing.T) {
	clock := testkit.NewClock(testkit.Start)
	h := open(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: clock.Now}), clock)
	h.ask("POST", "/customers", `{"name":"Anna Nováková"}`).want(201)
	h.ask("GET", "/customers?fields=shoe", "").want(422)
	if err := h.door.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var token string
	testkit.Do(t, h.db, func(tx *store.Tx) (err error) {
		token, err = users.Start(t.Context(), tx, h.ana, "Firefox")
		return err
	})
	for _, view := range []struct {
		width int64
		theme string
	}{{1280, "light"}, {360, "dark"}} {
		tab := browser.Open(t, h, "", view.width, view.theme)
		tab.SignIn(token)
		for _, p := range [][2]string{{"keys", "/settings/api"}, {"requests", "/settings/api/requests"}, {"reference", "/api"}, {"operation", "/api/createCustomer"}} {
			name := p[0]
			tab.Go(p[1])
			tab.FitsWidth()
			tab.NoViolations()
			if dir := os.Getenv("REGULARS_SHOTS"); dir != "" {
				tab.Screenshot(dir + "/api-" + name + "-" + view.theme + ".png")
			}
		}
		tab.Type("#try-key", h.key)
		tab.Click("[data-try] button.btn-primary")
		tab.Wait("[data-try-answer]")
		if got := tab.Text("[data-try-answer]"); !strings.Contains(got, "201") || !strings.Contains(got, `"id": "cus_`) || strings.Contains(got, h.key) {
			t.Errorf("the answer shown is %s", got)
		}
		tab.FitsWidth()
		tab.NoViolations()
		if dir := os.Getenv("REGULARS_SHOTS"); dir != "" {
			tab.Screenshot(dir + "/api-answer-" + view.theme + ".png")
		}
		for _, complaint := range tab.Errors() {
			t.Error(complaint)
		}
	}
}
