package demo

import (
	"context"
	"crypto/rand"
	"strings"

	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// NewPassword makes a password that nobody can guess, as it is typed.
func NewPassword() string {
	letters := strings.ToLower(rand.Text()[:12])
	return letters[:4] + "-" + letters[4:8] + "-" + letters[8:]
}

// LetIn gives the owner of the demo store a password, so that whoever starts
// it can be told how to sign in. An empty one is made up anew, unless the owner
// is signed in somewhere, who is not to be thrown out by a restart: then ""
// comes back.
func LetIn(ctx context.Context, db *store.DB, plain string) (string, error) {
	owner, err := users.ByEmail(ctx, db, OwnerEmail)
	if err != nil {
		return "", err
	}
	if plain == "" {
		open, err := users.Sessions(ctx, db, owner.ID, "", db.Now())
		if err != nil || len(open) > 0 {
			return "", err
		}
		plain = NewPassword()
	}
	password, err := users.NewPassword(plain, owner.Name, owner.Email)
	if err != nil {
		return "", err
	}
	return plain, db.Tx(ctx, func(tx *store.Tx) error { return users.SetPassword(ctx, tx, 0, owner.ID, password, "") })
}
