package users

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/platform/store"
)

// Secret returns the program's random key of a name, 32 bytes, making it at
// the first call. All processes on a database get the same.
func Secret(ctx context.Context, db *store.DB, name string) ([]byte, error) {
	var body []byte
	err := db.Tx(ctx, func(tx *store.Tx) (err error) {
		body, err = SecretIn(ctx, tx, name)
		return err
	})
	return body, err
}

// SecretIn is Secret for who is in a transaction already.
func SecretIn(ctx context.Context, tx *store.Tx, name string) ([]byte, error) {
	var body []byte
	var sealed bool
	read := func() error {
		return tx.QueryRow(ctx, `select body, sealed from user_secrets where name = $1`, name).Scan(&body, &sealed)
	}
	err := read()
	if errors.Is(err, sql.ErrNoRows) {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		if _, err = tx.Exec(ctx, `
			insert into user_secrets (name, body, created_at, sealed) values ($1, $2, $3, true) on conflict (name) do nothing`,
			name, tx.Seal(purpose(name), fresh), tx.Now.UnixMicro()); err == nil {
			err = read() // another process may have been faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret %q: %w", name, err)
	}
	if !sealed { // made before there was sealing
		if _, err := tx.Exec(ctx, `update user_secrets set body = $1, sealed = true where name = $2`, tx.Seal(purpose(name), body), name); err != nil {
			return nil, fmt.Errorf("seal the secret %q: %w", name, err)
		}
		return body, nil
	}
	if body, err = tx.Unseal(purpose(name), body); err != nil {
		return nil, fmt.Errorf("read the secret %q: %w", name, err)
	}
	return body, nil
}

func purpose(name string) string { return "users " + name }

// ForgetSecrets lets the program make its random keys anew after the key that
// sealed them was lost. Whoever erased persons were can then no longer be
// told when they come back in a file: their marks were made with a key that is gone.
func ForgetSecrets(ctx context.Context, tx *store.Tx) error {
	rows, err := store.All(ctx, tx, func(rows *sql.Rows) (r struct {
		name string
		body []byte
	}, err error) {
		return r, rows.Scan(&r.name, &r.body)
	}, `select name, body from user_secrets where sealed`)
	if err != nil {
		return fmt.Errorf("look for sealed keys: %w", err)
	}
	for _, r := range rows {
		if _, err := tx.Unseal(purpose(r.name), r.body); err == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `delete from user_secrets where name = $1`, r.name); err != nil {
			return fmt.Errorf("forget the secret %q: %w", r.name, err)
		}
	}
	if err := store.ForgetSecrets(ctx, tx); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{Action: "secrets.forgotten"}) // which seals the end of the log anew
}
