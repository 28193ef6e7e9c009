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
	read := func() error {
		return tx.QueryRow(ctx, `select body from user_secrets where name = $1`, name).Scan(&body)
	}
	err := read()
	if errors.Is(err, sql.ErrNoRows) {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		if _, err = tx.Exec(ctx, `
			insert into user_secrets (name, body, created_at) values ($1, $2, $3) on conflict (name) do nothing`,
			name, fresh, tx.Now.UnixMicro()); err == nil {
			err = read() // another process may have been faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret %q: %w", name, err)
	}
	return body, nil
}
