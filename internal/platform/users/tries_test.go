package users_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// guess tries a wrong password n times from an address.
func guess(t *testing.T, db *store.DB, email, address string, n int) {
	t.Helper()
	for i := range n {
		x := try(email, "wrong password")
		x.Address = address
		if _, err := users.SignIn(t.Context(), db, x); !errs.Is(err, errs.Invalid) {
			t.Fatalf("guess %d from %s: %v", i+1, address, err)
		}
	}
}

// waits is for how many minutes a right password has to wait; 0: it lets in.
func waits(t *testing.T, db *store.DB, x users.Try) int {
	t.Helper()
	_, err := users.SignIn(t.Context(), db, x)
	var many *users.TooMany
	if errors.As(err, &many) && errs.Is(err, errs.TooLarge) {
		return many.Minutes
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

func from(x users.Try, address string) users.Try { x.Address = address; return x }

func TestAnAddressTakesTenWrongPasswordsOfAnAccountAndHoldsUpNobodyElsewhere(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		add(t, db, "Ben", "ben@example.com", web.Viewer)
		guess(t, db, "ana@example.com", "203.0.113.7", 10)
		clock.Advance(5 * time.Minute)
		for range 3 { // refused tries do not make the wait longer
			if n := waits(t, db, try("ana@example.com", secret)); n != 10 {
				t.Fatalf("after ten wrong passwords: %d minutes", n)
			}
		}
		signIn(t, db, "ben@example.com") // others are not held up
		if n := waits(t, db, from(try("ana@example.com", secret), "198.51.100.1")); n != 0 {
			t.Errorf("she waits %d minutes elsewhere for what somebody else tried", n)
		}
		clock.Advance(10 * time.Minute)
		signIn(t, db, "ana@example.com")
	})
}

func TestGuessesFromEverywhereAreSlowedAndTheOwnBrowserIsNot(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		ben := add(t, db, "Ben", "ben@example.com", web.Viewer)
		session := signIn(t, db, "ana@example.com")
		remember := func(had string, user id.User) string {
			kept, err := users.Remember(t.Context(), db, had, user)
			if err != nil {
				t.Fatal(err)
			}
			return kept
		}
		for i := range 5 {
			guess(t, db, "ana@example.com", fmt.Sprintf("198.51.100.%d", i), 10)
		}
		fresh := from(try("ana@example.com", "wrong password"), "192.0.2.1")
		known, proof := fresh, fresh
		known.Known = remember(remember("", ana), ben) // both were at this till
		known.Password, proof.Password = secret, secret
		other := known
		other.Known = remember("", ben)
		blocked := func() bool {
			_, err := users.SignIn(t.Context(), db, fresh)
			return errs.Is(err, errs.TooLarge)
		}
		if !blocked() {
			t.Error("fifty guesses from everywhere, and no end")
		}
		if n := waits(t, db, known); n != 0 {
			t.Errorf("from her own browser she waits %d minutes", n)
		}
		if n := waits(t, db, other); n == 0 {
			t.Error("the browser of another member of staff is taken for hers")
		}
		if err := users.Prove(t.Context(), db, proof, session); err != nil {
			t.Errorf("in her session: %v", err)
		}
		for i := 1; i <= 5; i++ { // each pause is six seconds longer than the last
			clock.Advance(time.Duration(i)*6*time.Second - time.Second)
			if !blocked() {
				t.Errorf("the pause %d is too short", i)
			}
			clock.Advance(time.Second)
			if blocked() {
				t.Errorf("the pause %d is too long", i)
			}
		}
		clock.Advance(24 * time.Hour)
		guess(t, db, "ana@example.com", "192.0.2.2", 10)
	})
}

func TestNoPauseIsLongerThanAQuarterOfAnHour(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		for i := range 210 {
			clock.Advance(15 * time.Minute)
			guess(t, db, "ana@example.com", fmt.Sprintf("198.51.100.%d", i), 1)
		}
		if n := waits(t, db, try("ana@example.com", secret)); n != 15 {
			t.Errorf("she waits %d minutes", n)
		}
	})
}

func TestTheOwnBrowserHasItsOwnLimit(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		kept, err := users.Remember(t.Context(), db, "", ana)
		if err != nil {
			t.Fatal(err)
		}
		x := try("ana@example.com", "wrong password")
		x.Known = kept
		for range 10 {
			if _, err := users.SignIn(t.Context(), db, x); !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
		}
		if n := waits(t, db, x); n != 15 {
			t.Errorf("after ten wrong ones in a browser that is known: %d minutes", n)
		}
		clock.Advance(users.KnownFor)
		if n := waits(t, db, try("ana@example.com", secret)); n != 0 {
			t.Error(n)
		}
	})
}

func TestABrowserIsKnownNoMoreAfterAnotherPasswordOrSigningOutEverywhere(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, db *store.DB, ana id.User){
		"another password": func(t *testing.T, db *store.DB, ana id.User) {
			p, err := users.NewPassword("nine other grey dogs")
			if err != nil {
				t.Fatal(err)
			}
			testkit.Do(t, db, func(tx *store.Tx) error { return users.SetPassword(t.Context(), tx, ana, ana, p, "") })
		},
		"signed out everywhere": func(t *testing.T, db *store.DB, ana id.User) {
			testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOutEverywhere(t.Context(), tx, ana, "") })
		},
		"second factors taken away": func(t *testing.T, db *store.DB, ana id.User) {
			testkit.Do(t, db, func(tx *store.Tx) error { return users.ResetFactors(t.Context(), tx, ana, ana) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.DB) {
				ana, ben := add(t, db, "Ana", "ana@example.com", web.Viewer), add(t, db, "Ben", "ben@example.com", web.Viewer)
				remember := func(had string, who id.User) string {
					kept, err := users.Remember(t.Context(), db, had, who)
					if err != nil {
						t.Fatal(err)
					}
					return kept
				}
				// known reports whether the tries of a browser have a count of their
				// own: what strangers at the same address tried does not hold it up.
				known := func(kept, email string) bool {
					x := from(try(email, "wrong password"), "203.0.113.7")
					x.Known = kept
					_, err := users.SignIn(t.Context(), db, x)
					return !errs.Is(err, errs.TooLarge)
				}
				kept := remember(remember("", ana), ben)
				guess(t, db, "ana@example.com", "203.0.113.7", 10)
				guess(t, db, "ben@example.com", "203.0.113.7", 10)
				if !known(kept, "ana@example.com") || !known(kept, "ben@example.com") {
					t.Fatal("the browser is not known")
				}
				end(t, db, ana)
				if known(kept, "ana@example.com") {
					t.Error("the browser is still known")
				}
				if !known(kept, "ben@example.com") {
					t.Error("the other at the same till is known no more")
				}
				again := remember(kept, ana)
				if !known(again, "ana@example.com") || !known(again, "ben@example.com") {
					t.Error("signing in again does not make it known")
				}
				if known(kept, "ana@example.com") {
					t.Error("what was kept before is known again")
				}
			})
		})
	}
}

func TestABrowserForgetsTheEarliestOfTooManyPeople(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		kept, err := users.Remember(t.Context(), db, "", ana)
		for i := range 5 {
			if err == nil {
				kept, err = users.Remember(t.Context(), db, kept, add(t, db, "Ben", fmt.Sprintf("ben%d@example.com", i), web.Viewer))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		guess(t, db, "ana@example.com", "203.0.113.7", 10)
		x := try("ana@example.com", secret)
		x.Known = kept
		if n := waits(t, db, x); n == 0 {
			t.Error("a browser remembers six")
		}
		if len(kept) > 1000 {
			t.Errorf("a cookie of %d characters", len(kept))
		}
	})
}

func TestAPasskeyIsNotHeldUpByWrongPasswords(t *testing.T) {
	db := testkit.DB(t)
	add(t, db, "Ana", "ana@example.com", web.Viewer)
	for i := range 4 {
		guess(t, db, fmt.Sprintf("%d@example.com", i), "203.0.113.7", 10)
	}
	if n := waits(t, db, try("ana@example.com", secret)); n == 0 {
		t.Fatal("the address is not held up")
	}
	house := users.House{Name: "Corner Coffee", Address: "https://shop.example"}
	c, err := users.AskPasskey(db, house)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.SignInByPasskey(t.Context(), db, house, c, "{}", try("", "")); !errs.Is(err, errs.Invalid) {
		t.Errorf("the answer of a passkey was not looked at: %v", err)
	}
}

func TestAnAddressThatGuessesAtManyAccountsIsStopped(t *testing.T) {
	db := testkit.DB(t)
	add(t, db, "Ana", "ana@example.com", web.Viewer)
	for range 42 { // right passwords are not held against an address
		signIn(t, db, "ana@example.com")
	}
	for i := range 40 {
		_, err := users.SignIn(t.Context(), db, try(string(rune('a'+i%26))+strings.Repeat("x", i)+"@example.com", "wrong password"))
		if !errs.Is(err, errs.Invalid) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := users.SignIn(t.Context(), db, try("ana@example.com", secret)); !errs.Is(err, errs.TooLarge) {
		t.Errorf("after forty wrong tries: %v", err)
	}
}

func TestTriesMadeAtTheSameMomentAreAllCounted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		var wg sync.WaitGroup
		var mu sync.Mutex
		looked := 0
		for range 20 {
			wg.Go(func() {
				if _, err := users.SignIn(t.Context(), db, try("ana@example.com", "wrong password")); errs.Is(err, errs.Invalid) {
					mu.Lock()
					looked++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if looked != 10 {
			t.Errorf("%d passwords were looked at, not 10", looked)
		}
	})
}
