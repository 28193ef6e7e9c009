package users_test

import (
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

const secret = "seven grey cats"

func password(t *testing.T, plain string) users.Password {
	t.Helper()
	p, err := users.NewPassword(plain)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// add makes a member of staff whose password is secret.
func add(t *testing.T, db *store.DB, name, email string, role web.Role) id.User {
	t.Helper()
	var user id.User
	p := password(t, secret)
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		user, err = users.Add(t.Context(), tx, users.New{Name: name, Email: email, Role: role, Password: p})
		return err
	})
	return user
}

func try(email, plain string) users.Try {
	return users.Try{Email: email, Password: plain, Address: "203.0.113.7", Device: "Firefox on Linux"}
}

func signIn(t *testing.T, db *store.DB, email string) string {
	t.Helper()
	token, err := users.SignIn(t.Context(), db, try(email, secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func signedIn(t *testing.T, db *store.DB, token string) bool {
	t.Helper()
	_, err := users.Authenticate(t.Context(), db, token)
	if err != nil && !errs.Is(err, errs.SignIn) {
		t.Fatal(err)
	}
	return err == nil
}

func TestWhoSignsInIsKnownByTheTokenUntilTheySignOut(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ana := add(t, db, "Ana Novak", "Ana@Example.com", web.Manager)
		token := signIn(t, db, "ana@example.COM ")
		staff, err := users.Authenticate(t.Context(), db, token)
		if err != nil || staff.ID != ana || staff.Name != "Ana Novak" || staff.Role != web.Manager {
			t.Fatalf("%+v, %v", staff, err)
		}
		if signedIn(t, db, token+"A") || signedIn(t, db, "") {
			t.Error("another token is taken for hers")
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOut(t.Context(), tx, token) })
		if signedIn(t, db, token) {
			t.Error("still signed in after signing out")
		}
	})
}

func TestAWrongPasswordAndAnUnknownAddressGetTheSameAnswer(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		ben := add(t, db, "Ben", "ben@example.com", web.Viewer)
		add(t, db, "Cleo", "cleo@example.com", web.Owner)
		testkit.Do(t, db, func(tx *store.Tx) error { return users.Disable(t.Context(), tx, 0, ben) })
		_, wrong := users.SignIn(t.Context(), db, try("ana@example.com", "seven grey dogs"))
		_, unknown := users.SignIn(t.Context(), db, try("nobody@example.com", secret))
		_, disabled := users.SignIn(t.Context(), db, try("ben@example.com", secret))
		_, empty := users.SignIn(t.Context(), db, try("", ""))
		for _, err := range []error{wrong, unknown, disabled, empty} {
			if !errs.Is(err, errs.Invalid) || err.Error() != wrong.Error() {
				t.Errorf("%v differs from %v", err, wrong)
			}
		}
	})
}

func TestSomebodyWithoutAPasswordCannotSignInWithAnEmptyOne(t *testing.T) {
	db := testkit.DB(t)
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := users.Add(t.Context(), tx, users.New{Name: "Ana", Email: "ana@example.com", Role: web.Viewer})
		return err
	})
	for _, plain := range []string{"", "nobody has this password"} {
		if _, err := users.SignIn(t.Context(), db, try("ana@example.com", plain)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

func TestASessionEndsWhenIdleAndAtItsAge(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		idle := signIn(t, db, "ana@example.com")
		clock.Advance(users.IdleFor - time.Second)
		if !signedIn(t, db, idle) {
			t.Fatal("ended too early")
		}
		clock.Advance(users.IdleFor - time.Second) // it was seen in between
		if !signedIn(t, db, idle) {
			t.Fatal("coming back did not count")
		}
		clock.Advance(users.IdleFor)
		if signedIn(t, db, idle) {
			t.Error("an idle session goes on")
		}
		old := signIn(t, db, "ana@example.com")
		for range 10 * 9 {
			clock.Advance(users.SessionFor / 90)
			if !signedIn(t, db, old) {
				break
			}
		}
		if signedIn(t, db, old) {
			t.Error("a session in daily use goes on for ever")
		}
	})
}

func TestSessionsAreListedAndEndedOneByOneOrAll(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		ben := add(t, db, "Ben", "ben@example.com", web.Viewer)
		first := signIn(t, db, "ana@example.com")
		clock.Advance(time.Hour)
		second, third := signIn(t, db, "ana@example.com"), signIn(t, db, "ana@example.com")
		bens := signIn(t, db, "ben@example.com")
		list, err := users.Sessions(t.Context(), db, ana, second, db.Now())
		if err != nil || len(list) != 3 || list[0].Current || !list[1].Current || list[2].Current || list[0].Device != "Firefox on Linux" {
			t.Fatalf("%+v, %v", list, err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOutOf(t.Context(), tx, ben, list[2].ID) })
		if !signedIn(t, db, first) {
			t.Fatal("Ben ended a session of Ana's")
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOutOf(t.Context(), tx, ana, list[2].ID) })
		if signedIn(t, db, first) || !signedIn(t, db, second) {
			t.Fatal("the wrong session ended")
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOutEverywhere(t.Context(), tx, ana, second) })
		if signedIn(t, db, third) || !signedIn(t, db, second) || !signedIn(t, db, bens) {
			t.Fatal("everywhere means all of hers but the one she keeps")
		}
	})
}

func TestANewPasswordEndsOtherSessionsAndOldLinks(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		here, there := signIn(t, db, "ana@example.com"), signIn(t, db, "ana@example.com")
		p := password(t, "eight brown dogs")
		var link string
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			if link, err = users.Link(t.Context(), tx, 0, ana); err != nil {
				return err
			}
			return users.SetPassword(t.Context(), tx, ana, ana, p, here)
		})
		if !signedIn(t, db, here) || signedIn(t, db, there) {
			t.Error("the session kept is not the one that changed it")
		}
		if _, err := users.LinkOf(t.Context(), db, link, db.Now()); !errs.Is(err, errs.NotFound) {
			t.Errorf("the old link still works: %v", err)
		}
		if _, err := users.SignIn(t.Context(), db, try("ana@example.com", secret)); !errs.Is(err, errs.Invalid) {
			t.Errorf("the old password: %v", err)
		}
		if _, err := users.SignIn(t.Context(), db, try("ana@example.com", "eight brown dogs")); err != nil {
			t.Errorf("the new password: %v", err)
		}
	})
}

func TestALinkWorksOnceAndNotForEver(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Viewer)
		link := func() (token string) {
			testkit.Do(t, db, func(tx *store.Tx) (err error) {
				token, err = users.Link(t.Context(), tx, 0, ana)
				return err
			})
			return token
		}
		p := password(t, "eight brown dogs")
		use := func(token string) error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := users.UseLink(t.Context(), tx, token, p)
				return err
			})
		}
		replaced, once := link(), link()
		if err := use(replaced); !errs.Is(err, errs.NotFound) {
			t.Errorf("a replaced link: %v", err)
		}
		if err := use(once); err != nil {
			t.Fatal(err)
		}
		if err := use(once); !errs.Is(err, errs.NotFound) {
			t.Errorf("a second time: %v", err)
		}
		late := link()
		clock.Advance(users.PasswordLinkFor)
		if err := use(late); !errs.Is(err, errs.NotFound) {
			t.Errorf("after three days: %v", err)
		}
	})
}

func TestOnlyTheFirstClaimMakesAnOwner(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var links [2]string
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			for i := range links {
				if links[i], err = users.SetupLink(t.Context(), tx); err != nil {
					return err
				}
			}
			return nil
		})
		p := password(t, secret)
		errors := make([]error, 2)
		var wg sync.WaitGroup
		for i, link := range links {
			wg.Go(func() {
				errors[i] = db.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := users.Claim(t.Context(), tx, link, users.New{Name: "Ana", Email: string(rune('a'+i)) + "@example.com", Password: p})
					return err
				})
			})
		}
		wg.Wait()
		all, err := users.List(t.Context(), db)
		if err != nil || len(all) != 1 || all[0].Role != web.Owner {
			t.Fatalf("%+v, %v", all, err)
		}
		if (errors[0] == nil) == (errors[1] == nil) {
			t.Errorf("both or none: %v", errors)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			if token, err := users.SetupLink(t.Context(), tx); token != "" || err != nil {
				t.Errorf("a set-up link for a store that has an owner: %q %v", token, err)
			}
			return nil
		})
	})
}

func TestASetupLinkIsNeededAndExpires(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		var link string
		testkit.Do(t, db, func(tx *store.Tx) (err error) { link, err = users.SetupLink(t.Context(), tx); return err })
		if err := users.CheckSetup(t.Context(), db, link, db.Now()); err != nil {
			t.Error(err)
		}
		if err := users.CheckSetup(t.Context(), db, "guessed", db.Now()); !errs.Is(err, errs.NotFound) {
			t.Errorf("a guessed link: %v", err)
		}
		clock.Advance(users.SetupLinkFor)
		if err := users.CheckSetup(t.Context(), db, link, db.Now()); !errs.Is(err, errs.NotFound) {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		ana := add(t, db, "Ana", "ana@example.com", web.Owner)
		ben := add(t, db, "Ben", "ben@example.com", web.Owner)
		add(t, db, "Cleo", "cleo@example.com", web.Manager)
		errors := make([]error, 2)
		var wg sync.WaitGroup
		wg.Go(func() {
			errors[0] = db.Tx(t.Context(), func(tx *store.Tx) error { return users.Disable(t.Context(), tx, ana, ben) })
		})
		wg.Go(func() {
			errors[1] = db.Tx(t.Context(), func(tx *store.Tx) error { return users.SetRole(t.Context(), tx, ben, ana, web.Viewer) })
		})
		wg.Wait()
		if (errors[0] == nil) == (errors[1] == nil) {
			t.Errorf("one of two owners must stay: %v", errors)
		}
	})
}

func TestADisabledMemberIsOutAtOnceAndCanComeBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, "Ana", "ana@example.com", web.Owner)
		ben := add(t, db, "Ben", "ben@example.com", web.Till)
		token := signIn(t, db, "ben@example.com")
		testkit.Do(t, db, func(tx *store.Tx) error { return users.Disable(t.Context(), tx, 0, ben) })
		if signedIn(t, db, token) {
			t.Error("still in")
		}
		var late string // begun by somebody who was faster than the list of sessions
		testkit.Do(t, db, func(tx *store.Tx) (err error) { late, err = users.Start(t.Context(), tx, ben, ""); return err })
		if signedIn(t, db, late) {
			t.Error("in by a session that began later")
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.SignOut(t.Context(), tx, late) })
		testkit.Do(t, db, func(tx *store.Tx) error { return users.Enable(t.Context(), tx, 0, ben) })
		if signedIn(t, db, token) {
			t.Error("the old session came back")
		}
		signIn(t, db, "ben@example.com")
	})
}

func TestAnEmailAddressIsHeldByOneMember(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, "Ana", "ana@example.com", web.Viewer)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := users.Add(t.Context(), tx, users.New{Name: "Another", Email: " ANA@example.com", Role: web.Viewer})
			return err
		})
		if !errs.Is(err, errs.Conflict) || errs.FieldOf(err) != "email" {
			t.Error(err)
		}
	})
}

func TestWhatCannotBeIsRefusedWithItsField(t *testing.T) {
	db := testkit.DB(t)
	for field, n := range map[string]users.New{
		"name":  {Name: " \x00 ", Email: "a@example.com", Role: web.Viewer},
		"email": {Name: "Ana", Email: "Ana <a@example.com>", Role: web.Viewer},
		"role":  {Name: "Ana", Email: "a@example.com", Role: web.Public},
	} {
		err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := users.Add(t.Context(), tx, n); return err })
		if !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTheAuditLogTellsWhoDidWhatToWhomWithoutValues(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Owner)
		ben := add(t, db, "Ben", "ben@example.com", web.Till)
		clock.Advance(time.Minute)
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := users.SetRole(t.Context(), tx, ana, ben, web.Agent); err != nil {
				return err
			}
			return users.Prefer(t.Context(), tx, ben, users.Preferences{Name: "Benjamin", Language: "cs", Zone: "Europe/Prague"})
		})
		lines, err := users.AuditLog(t.Context(), db, users.Lines{By: 0, Before: 0, Limit: 10})
		if err != nil || len(lines) != 4 {
			t.Fatalf("%+v, %v", lines, err)
		}
		own, role := lines[0], lines[1]
		if own.By != ben || strings.Join(own.Fields, " ") != "name language zone" || own.Name != "Benjamin" {
			t.Errorf("%+v", own)
		}
		if role.By != ana || role.Action != "user.changed" || role.Subject != ben.String() || role.Fields[0] != "role" || !role.At.Equal(clock.Now()) {
			t.Errorf("%+v", role)
		}
		if bens, err := users.AuditLog(t.Context(), db, users.Lines{By: ben, Before: 0, Limit: 10}); err != nil || len(bens) != 1 {
			t.Errorf("%+v, %v", bens, err)
		}
		if older, err := users.AuditLog(t.Context(), db, users.Lines{By: 0, Before: role.ID, Limit: 1}); err != nil || len(older) != 1 || older[0].Action != "user.added" || older[0].Subject != ben.String() {
			t.Errorf("%+v, %v", older, err)
		}
	})
}

func TestNoSecretStandsInTheDatabase(t *testing.T) {
	db := testkit.DB(t)
	ana := add(t, db, "Ana", "ana@example.com", web.Owner)
	token := signIn(t, db, "ana@example.com")
	var link string
	testkit.Do(t, db, func(tx *store.Tx) (err error) { link, err = users.Link(t.Context(), tx, 0, ana); return err })
	for _, query := range []string{
		`select password_hash from users`, `select token_hash from sessions`, `select token_hash from user_links`, `select key from sign_in_tries`,
	} {
		values, err := store.All(t.Context(), db, store.Scalar[string], query)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			for _, plain := range []string{secret, token, link, "ana@example.com", "203.0.113.7"} {
				if strings.Contains(v, plain) {
					t.Errorf("%s: %q holds a secret", query, v)
				}
			}
		}
	}
}
