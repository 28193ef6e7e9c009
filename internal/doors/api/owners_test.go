package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func TestAKeyNeitherMakesNorTouchesOwners(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		owner, ben := h.staff("Eva", web.Owner), h.staff("Ben", web.Manager)
		for _, x := range [][3]string{
			{"POST", "/staff", `{"name":"Mallory","email":"m@example.com","role":"owner"}`},
			{"PUT", "/staff/" + ben.String() + "/role", `{"role":"owner"}`},
			{"PUT", "/staff/" + owner.String() + "/role", `{"role":"viewer"}`},
			{"POST", "/staff/" + owner.String() + "/link", ``},
			{"POST", "/staff/" + h.ana.String() + "/link", ``},
			{"POST", "/staff/" + owner.String() + "/leave", ``},
			{"POST", "/staff/" + owner.String() + "/return", ``},
		} {
			if a := h.ask(x[0], x[1], x[2]).want(403); !strings.Contains(a.text("detail"), "signed in, never by a key") {
				t.Errorf("%v: %s", x, a.Body)
			}
		}
		h.ask("PUT", "/staff/"+ben.String()+"/role", `{"role":"till"}`).want(200)
		h.ask("POST", "/staff/"+ben.String()+"/link", ``).want(200)
		all, err := users.List(t.Context(), db)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d members of staff, %v", len(all), err)
		}
		for _, u := range all {
			if (u.Role == web.Owner) != (u.ID != ben) || !u.DisabledAt.IsZero() {
				t.Errorf("%+v", u)
			}
		}
	})
}

func TestAKeyDoesWhatItsOwnerMayNow(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		eva := h.staff("Eva", web.Owner)
		key := "Bearer " + h.keyOf(eva, "staff:write")
		h.ask("GET", "/staff", "", "Authorization", key).want(200)
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SetRole(t.Context(), tx, h.ana, eva, web.Manager) })
		h.ask("GET", "/staff", "", "Authorization", key).want(403)
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return users.SetRole(t.Context(), tx, eva, eva, web.Owner) })
		if !errs.Is(err, errs.Forbidden) {
			t.Errorf("a manager became an owner by herself: %v", err)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := users.Add(t.Context(), tx, users.New{By: eva, Name: "Mallory", Email: "m@example.com", Role: web.Owner})
			return err
		})
		if !errs.Is(err, errs.Forbidden) {
			t.Errorf("a manager added an owner: %v", err)
		}
	})
}

func TestAKeyWaitsForTheSecondFactorOfItsOwner(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		ben := h.staff("Ben", web.Manager)
		his := "Bearer " + h.keyOf(ben, "customers:read")
		testkit.Do(t, db, func(tx *store.Tx) error {
			return users.SaveAccess(t.Context(), tx, h.ana, users.Access{}, users.Access{Second: []web.Role{web.Manager}})
		})
		h.ask("GET", "/customers", "").want(200) // Ana's role needs none
		a := h.ask("GET", "/me", "", "Authorization", his).want(403)
		if !strings.Contains(a.text("detail"), "second factor") || a.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v %s", a.Header(), a.Body)
		}
		secret := "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		code, err := totp.GenerateCodeCustom(secret, clock.Now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SetTOTP(t.Context(), tx, ben, secret, code) })
		clock.Advance(time.Second)
		h.ask("GET", "/me", "", "Authorization", his).want(200)
	})
}
