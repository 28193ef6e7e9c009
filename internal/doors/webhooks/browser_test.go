package webhooks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

func TestThePagesAreReadableOnEveryScreen(t *testing.T) {
	clock := testkit.NewClock(time.Now())
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: clock.Now})
	s := shop{t: t, db: db, clock: clock, kinds: work(db)}
	endpoint, _ := s.add(webhooks.Edit{URL: "https://books.example.com/a/long/address/of/webhooks", Description: "Bookkeeping", Kinds: []string{"order.placed", "note.added"}, History: true})
	other, _ := s.add(webhooks.Edit{URL: "http://127.0.0.1:1/hook", Description: "The shop"})
	c := s.customer(customers.Profile{Name: "Anna"})
	testkit.Do(t, db, func(tx *store.Tx) error {
		if err := webhooks.Pause(t.Context(), tx, 7, endpoint); err != nil {
			return err
		}
		_, err := webhooks.Rotate(t.Context(), tx, 7, endpoint)
		return err
	})
	s.note(c)
	s.run()
	testkit.Do(t, db, func(tx *store.Tx) error { return webhooks.Resume(t.Context(), tx, 7, endpoint) })
	one := s.list(other, webhooks.Filter{})[0]
	h, _ := s.pages()
	var token string
	testkit.Do(t, db, func(tx *store.Tx) error {
		user, err := users.Add(t.Context(), tx, users.New{Name: "Ana", Email: "ana@example.com", Role: web.Owner})
		if err != nil {
			return err
		}
		token, err = users.Start(t.Context(), tx, user, "Firefox")
		return err
	})
	home := "/settings/webhooks/"
	for _, screen := range []struct {
		width int64
		theme string
	}{{1280, "light"}, {360, "dark"}} {
		for name, path := range map[string]string{"list": home[:len(home)-1], "new": home + "new", "endpoint": home + endpoint.String(), "failing": home + other.String(),
			"secret": home + endpoint.String() + "/secret", "edit": home + endpoint.String() + "/edit",
			"delivery": home + other.String() + "/deliveries/" + c.String() + "/" + one.Event.String()} {
			tab := browser.Open(t, h, "/sign-in", screen.width, screen.theme)
			tab.SignIn(token)
			tab.Go(path)
			tab.FitsWidth()
			tab.NoViolations()
			if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
				tab.Screenshot(filepath.Join(dir, "webhooks-"+name+"-"+screen.theme+".png"))
			}
		}
	}
}
