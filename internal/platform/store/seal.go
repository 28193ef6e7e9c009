package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/platform/errs"
)

// Seal makes plain unreadable in a copy of the database; purpose names what it
// is ("mail password") and must be the same to Unseal it.
func (db *DB) Seal(purpose string, plain []byte) []byte { return db.secrets.Seal(purpose, plain) }

// Unseal returns what Seal was given, or secrets.ErrSealed: the key was given
// up since (see ForgetSecrets), and the secret has to be entered again.
func (db *DB) Unseal(purpose string, sealed []byte) ([]byte, error) {
	return db.secrets.Open(purpose, sealed)
}

// Seal is DB.Seal.
func (tx *Tx) Seal(purpose string, plain []byte) []byte { return tx.db.Seal(purpose, plain) }

// Unseal is DB.Unseal.
func (tx *Tx) Unseal(purpose string, sealed []byte) ([]byte, error) {
	return tx.db.Unseal(purpose, sealed)
}

const probe = "probe"

// checkKey compares the key with the one that the database's secrets were
// sealed with; the first program to come leaves the probe.
func (db *DB) checkKey(ctx context.Context) error {
	var sealed []byte
	err := db.QueryRow(ctx, `select probe from sealing where id = 1`).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = db.Tx(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, `
				insert into sealing (id, probe, made_at) values (1, $1, $2) on conflict (id) do nothing`,
				tx.Seal(probe, []byte(probe)), tx.Now.UnixMicro()); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `select probe from sealing where id = 1`).Scan(&sealed)
		})
	}
	if err != nil {
		return fmt.Errorf("look which key sealed the secrets: %w", err)
	}
	if _, err := db.Unseal(probe, sealed); err != nil {
		return errs.Of(errs.Unavailable, nil, "store.wrong.sealed")
	}
	return nil
}

// ForgetSecrets takes the key that the program holds for the right one from
// now on. What was sealed with a lost key stays unreadable.
func ForgetSecrets(ctx context.Context, tx *Tx) error {
	_, err := tx.Exec(ctx, `update sealing set probe = $1, made_at = $2 where id = 1`,
		tx.Seal(probe, []byte(probe)), tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("take a new key: %w", err)
	}
	return nil
}
