package users_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func makeKey(t *testing.T, db *store.DB, user id.User, n users.NewKey) (secret string, key id.Key) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		secret, key, err = users.MakeKey(t.Context(), tx, user, n)
		return err
	})
	return secret, key
}

func TestAKeyLetsInWhoMadeItUntilItIsTakenBack(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana := add(t, db, "Ana", "ana@example.com", web.Manager)
		secret, key := makeKey(t, db, ana, users.NewKey{Name: " The till ", Scopes: []rest.Scope{"orders:write", "customers:read"}, ExpiresAt: clock.Now().Add(time.Hour)})
		k, err := users.KeyByToken(t.Context(), db, secret, db.Now())
		if err != nil || k.ID != key || k.Name != "The till" || k.Staff.ID != ana || k.Staff.Role != web.Manager || !strings.HasSuffix(secret, k.Ending) {
			t.Fatalf("%+v, %v", k, err)
		}
		for scope, may := range map[rest.Scope]bool{"orders:write": true, "orders:read": true, "customers:read": true, "customers:write": false, "staff:read": false} {
			if k.May(scope) != may {
				t.Errorf("%s: %v", scope, !may)
			}
		}
		var stored string
		if err := db.QueryRow(t.Context(), `select token_hash || ending || name from user_keys`).Scan(&stored); err != nil || strings.Contains(stored, secret[5:]) {
			t.Errorf("the secret stands in the database: %v", err)
		}
		for name, ruin := range map[string]func(tx *store.Tx) error{
			"expired": func(*store.Tx) error { clock.Advance(time.Hour); return nil },
			"revoked": func(tx *store.Tx) error {
				return users.Revoke(t.Context(), tx, web.Staff{ID: ana, Role: web.Manager}, key)
			},
			"disabled": func(tx *store.Tx) error { return users.Disable(t.Context(), tx, 0, ana) },
		} {
			at := clock.Now()
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				if err := ruin(tx); err != nil {
					return err
				}
				if _, err := users.KeyByToken(t.Context(), tx, secret, clock.Now()); !errs.Is(err, errs.SignIn) {
					t.Errorf("%s: %v", name, err)
				}
				return errs.Clash("", "users.wrong.key-missing")
			})
			if !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
			clock.Advance(at.Sub(clock.Now()))
		}
		for _, wrong := range []string{"", "rk_", secret + "x", secret[:len(secret)-1], strings.ToLower(secret), strings.Repeat("rk_", 100)} {
			if _, err := users.KeyByToken(t.Context(), db, wrong, db.Now()); !errs.Is(err, errs.SignIn) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	})
}

func TestNobodyGivesAKeyMoreThanTheyMay(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		manager := add(t, db, "Ana", "ana@example.com", web.Manager)
		for name, n := range map[string]users.NewKey{
			"a scope of owners": {Name: "x", Scopes: []rest.Scope{"staff:read"}},
			"an unknown scope":  {Name: "x", Scopes: []rest.Scope{"everything"}},
			"no scope":          {Name: "x"},
			"no name":           {Scopes: []rest.Scope{"customers:read"}},
			"a day gone by":     {Name: "x", Scopes: []rest.Scope{"customers:read"}, ExpiresAt: db.Now()},
		} {
			err := db.Tx(t.Context(), func(tx *store.Tx) error { _, _, err := users.MakeKey(t.Context(), tx, manager, n); return err })
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestKeysAreSeenByTheirOwnerAndByOwnersOfTheBusiness(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ana, ben := add(t, db, "Ana", "ana@example.com", web.Owner), add(t, db, "Ben", "ben@example.com", web.Manager)
		_, hers := makeKey(t, db, ana, users.NewKey{Name: "hers", Scopes: []rest.Scope{"staff:read"}})
		_, his := makeKey(t, db, ben, users.NewKey{Name: "his", Scopes: []rest.Scope{"jobs:read"}})
		see := func(who web.Staff) (ids []id.Key) {
			all, err := users.Keys(t.Context(), db, who)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range all {
				ids = append(ids, k.ID)
			}
			return ids
		}
		owner, manager := web.Staff{ID: ana, Role: web.Owner}, web.Staff{ID: ben, Role: web.Manager}
		if got := see(owner); !slices.Equal(got, []id.Key{his, hers}) {
			t.Errorf("the owner sees %v", got)
		}
		if got := see(manager); !slices.Equal(got, []id.Key{his}) {
			t.Errorf("the manager sees %v", got)
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return users.Revoke(t.Context(), tx, manager, hers) })
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("a manager took back an owner's key: %v", err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return users.Revoke(t.Context(), tx, owner, his) })
		testkit.Do(t, db, func(tx *store.Tx) error { return users.Revoke(t.Context(), tx, owner, his) })
		if got := testkit.Audited(t, db, int64(ana), users.Files); !slices.Equal(got, []string{"key.made " + hers.String(), "key.revoked " + his.String()}) {
			t.Errorf("the audit log says %v", got)
		}
		first := clock.Now()
		testkit.Do(t, db, func(tx *store.Tx) error { return users.KeyUsed(t.Context(), tx, hers, first) })
		testkit.Do(t, db, func(tx *store.Tx) error { return users.KeyUsed(t.Context(), tx, hers, first.Add(-time.Hour)) })
		if k, err := users.KeyOf(t.Context(), db, owner, hers); err != nil || !k.UsedAt.Equal(first) {
			t.Errorf("used at %v, %v", k.UsedAt, err)
		}
	})
}
