package users

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

const plainPassword = "seven grey cats"

// member makes a member of staff with a password, and an authenticator app.
func member(t *testing.T, db *store.DB, email string, role web.Role) (user id.User, secret string) {
	t.Helper()
	p, err := NewPassword(plainPassword)
	if err != nil {
		t.Fatal(err)
	}
	secret = newSecret()
	testkit.Do(t, db, func(tx *store.Tx) error {
		if user, err = Add(t.Context(), tx, New{Name: "Ana", Email: email, Role: role, Password: p}); err != nil {
			return err
		}
		return SetTOTP(t.Context(), tx, user, secret, codeAt(t, secret, tx.Now))
	})
	return user, secret
}

func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCodeCustom(secret, at, totpOptions)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func halfIn(t *testing.T, db *store.DB, email string) Half {
	t.Helper()
	token, err := SignIn(t.Context(), db, Try{Email: email, Password: plainPassword, Address: "203.0.113.7", Device: "Firefox"})
	h, ok := ErrHalf(err)
	if !ok || token != "" || !errs.Is(err, errs.SignIn) {
		t.Fatalf("the password alone gave %q, %v", token, err)
	}
	return *h
}

func finish(t *testing.T, db *store.DB, h Half, code string) error {
	t.Helper()
	token, err := Finish(t.Context(), db, h, code, Try{Address: "203.0.113.7"})
	if err == nil {
		if _, err := Authenticate(t.Context(), db, token); err != nil {
			t.Fatal(err)
		}
	}
	return err
}

func TestACodeOfTheAppLetsInOnceAndOnlyAroundItsHalfMinute(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		_, secret := member(t, db, "ana@example.com", web.Owner)
		h := halfIn(t, db, "ana@example.com")
		if err := finish(t, db, h, codeAt(t, secret, clock.Now())); !errs.Is(err, errs.Invalid) {
			t.Errorf("the code that set the app up works again: %v", err)
		}
		clock.Advance(90 * time.Second)
		for name, c := range map[string]struct {
			off time.Duration
			in  bool
		}{"a minute ago": {-60 * time.Second, false}, "in a minute": {60 * time.Second, false}} {
			if err := finish(t, db, h, codeAt(t, secret, clock.Now().Add(c.off))); (err == nil) != c.in {
				t.Errorf("%s: %v", name, err)
			}
		}
		early := codeAt(t, secret, clock.Now().Add(-30*time.Second))
		if err := finish(t, db, h, early[:3]+" "+early[3:]); err != nil { // a slow clock, and the space apps show
			t.Errorf("half a minute ago: %v", err)
		}
		late := codeAt(t, secret, clock.Now().Add(30*time.Second))
		if err := finish(t, db, h, late); err != nil {
			t.Errorf("in half a minute: %v", err)
		}
		for _, used := range []string{early, codeAt(t, secret, clock.Now()), late} {
			if err := finish(t, db, h, used); !errs.Is(err, errs.Invalid) {
				t.Errorf("a code that was used, or is older than one, works: %v", err)
			}
		}
	})
}

func TestARecoveryCodeWorksOnceHoweverItIsTyped(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ana, _ := member(t, db, "ana@example.com", web.Owner)
		ben, _ := member(t, db, "ben@example.com", web.Viewer)
		var codes, bens []string
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			if bens, err = NewCodes(t.Context(), tx, ben); err != nil {
				return err
			}
			codes, err = NewCodes(t.Context(), tx, ana)
			return err
		})
		h := halfIn(t, db, "ana@example.com")
		if len(codes) != recoveryCodes || finish(t, db, h, bens[0]) == nil {
			t.Fatalf("%d codes, or another one's lets in", len(codes))
		}
		if err := finish(t, db, h, "  "+codes[0][:4]+codes[0][5:9]+" "+codes[0][10:]+"\n"); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if err := finish(t, db, h, codes[0]); err == nil {
			t.Error("it works twice")
		}
		if f, err := FactorsOf(t.Context(), db, ana); err != nil || f.Codes != recoveryCodes-1 {
			t.Errorf("%+v, %v", f, err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { _, err := NewCodes(t.Context(), tx, ana); return err })
		if err := finish(t, db, h, codes[1]); err == nil {
			t.Error("a code that was replaced still works")
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return RemoveTOTP(t.Context(), tx, ana, ana) })
		if f, err := FactorsOf(t.Context(), db, ana); err != nil || f.Any() || f.Codes != 0 {
			t.Errorf("codes are left over: %+v, %v", f, err)
		}
	})
}

func TestGuessingCodesIsStoppedAndEndsByItself(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		_, secret := member(t, db, "ana@example.com", web.Owner)
		clock.Advance(time.Minute)
		h := halfIn(t, db, "ana@example.com")
		for range tryHere.most {
			if err := finish(t, db, h, "000000"); !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
		}
		var many *TooMany
		if err := finish(t, db, h, codeAt(t, secret, clock.Now())); !errors.As(err, &many) {
			t.Errorf("after ten wrong codes: %v", err)
		}
		clock.Advance(triesWindow)
		if err := finish(t, db, h, codeAt(t, secret, clock.Now())); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestWhoIsHalfInIsOutWhenThePasswordChanges(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana, secret := member(t, db, "ana@example.com", web.Owner)
		ben, bens := member(t, db, "ben@example.com", web.Viewer)
		clock.Advance(time.Minute)
		h, hb := halfIn(t, db, "ana@example.com"), halfIn(t, db, "ben@example.com")
		p, err := NewPassword("eight grey dogs")
		if err != nil {
			t.Fatal(err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := Disable(t.Context(), tx, ana, ben); err != nil {
				return err
			}
			return SetPassword(t.Context(), tx, ana, ana, p, "")
		})
		if err := finish(t, db, h, codeAt(t, secret, clock.Now())); err == nil {
			t.Error("half in with an old password")
		}
		if err := finish(t, db, hb, codeAt(t, bens, clock.Now())); err == nil {
			t.Error("somebody disabled came in")
		}
	})
}

func TestWhoMustHaveASecondFactorIsKeptUntilTheyHave(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ana, _ := member(t, db, "ana@example.com", web.Owner)
		var ben id.User
		var anas, bens, way string
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			if ben, err = Add(t.Context(), tx, New{Name: "Ben", Email: "ben@example.com", Role: web.Manager}); err != nil {
				return err
			}
			if err := SaveAccess(t.Context(), tx, ana, Access{}, Access{Second: []web.Role{web.Manager, web.Owner}}); err != nil {
				return err
			}
			if anas, err = Start(t.Context(), tx, ana, ""); err != nil {
				return err
			}
			if bens, err = Start(t.Context(), tx, ben, ""); err != nil {
				return err
			}
			way, err = begin(t.Context(), tx, entry{user: ben, way: ByOther})
			return err
		})
		for token, want := range map[string]string{anas: "", bens: securityPath, way: ""} {
			if staff, err := Authenticate(t.Context(), db, token); err != nil || staff.Confined != want {
				t.Errorf("%+v, %v, want %q", staff, err, want)
			}
		}
	})
}

func TestASecretOfAnAppIsSealed(t *testing.T) {
	db := testkit.DB(t)
	_, secret := member(t, db, "ana@example.com", web.Owner)
	var stored []byte
	if err := db.QueryRow(t.Context(), `select secret from user_totp`).Scan(&stored); err != nil || bytes.Contains(stored, []byte(secret)) {
		t.Errorf("%q, %v", stored, err)
	}
}

func TestATicketEndsAndIsForItsPurposeAlone(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		text, err := seal(db, "one", clock.Now().Add(time.Minute), "hello")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unseal[string](db, "one", text); err != nil || got != "hello" {
			t.Errorf("%q, %v", got, err)
		}
		for name, bad := range map[string]string{"changed": text[:len(text)-2] + "AA", "none": "", "cut": text[:10]} {
			if _, err := unseal[string](db, "one", bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := unseal[string](db, "two", text); !errs.Is(err, errs.Invalid) {
			t.Errorf("for another purpose: %v", err)
		}
		use := func() error {
			return db.Tx(t.Context(), func(tx *store.Tx) error { return useOnce(t.Context(), tx, text) })
		}
		if err := errors.Join(use()); err != nil {
			t.Error(err)
		}
		if err := use(); !errs.Is(err, errs.Invalid) {
			t.Errorf("used twice: %v", err)
		}
		fresh := text
		text = text[:9] + "\n" + text[9:]
		if err := use(); !errs.Is(err, errs.Invalid) {
			t.Errorf("used twice, the second time with a line break in it: %v", err)
		}
		text = fresh
		clock.Advance(time.Minute)
		if _, err := unseal[string](db, "one", text); !errs.Is(err, errs.Invalid) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestACountOfTriesIsOverAfterItsWindowWhateverElseIsTried(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		once := func() error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				return count(t.Context(), tx, "other:203.0.113.7", limit{most: 1, window: triesWindow})
			})
		}
		if err := once(); err != nil {
			t.Fatal(err)
		}
		if err := once(); !errs.Is(err, errs.TooLarge) {
			t.Errorf("the second of one: %v", err)
		}
		clock.Advance(triesWindow)
		if err := once(); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func FuzzUnseal(f *testing.F) {
	db := testkit.DB(f)
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := unseal[Half](db, halfPurpose, text); err == nil {
			t.Errorf("%q is taken for a ticket", text)
		}
	})
}

func FuzzRoles(f *testing.F) {
	f.Add("admins=owner, shop=till")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		roles, err := parseRoles(text)
		if err != nil {
			return
		}
		again, err := parseRoles(showRoles(roles))
		if err != nil || len(again) != len(roles) {
			t.Errorf("%q: %v became %v, %v", text, roles, again, err)
		}
		for value, role := range roles {
			if again[value] != role || role < web.Viewer || role > web.Owner {
				t.Errorf("%q: %q is %v and became %v", text, value, role, again[value])
			}
		}
	})
}
