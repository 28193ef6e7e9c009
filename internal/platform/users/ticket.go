package users

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// A ticket carries what one step of signing in hands to the next through the
// browser, sealed: it can be neither read nor changed there, and it ends.
type ticket[T any] struct {
	Ends int64 `json:"ends"` // microseconds
	Body T     `json:"body"`
}

// seal makes a ticket for a purpose.
func seal[T any](db *store.DB, purpose string, ends time.Time, body T) (string, error) {
	plain, err := json.Marshal(ticket[T]{ends.UnixMicro(), body})
	if err != nil {
		return "", fmt.Errorf("seal a ticket: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(db.Seal("users "+purpose, plain)), nil
}

// unseal reads a ticket that seal made for the same purpose. One that has
// ended, or is none, is errs.Invalid.
func unseal[T any](db *store.DB, purpose, text string) (body T, err error) {
	var t ticket[T]
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		var plain []byte
		if plain, err = db.Unseal("users "+purpose, sealed); err == nil {
			err = json.Unmarshal(plain, &t)
		}
	}
	if err != nil || t.Ends <= db.Now().UnixMicro() {
		return body, errs.Wrong("", "users.wrong.ticket")
	}
	return t.Body, nil
}

// useOnce fails with errs.Invalid when the ticket was used before, however it
// is written: base64 leaves room for line breaks and loose bits at the end.
func useOnce(ctx context.Context, tx *store.Tx, text string) error {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errs.Wrong("", "users.wrong.ticket")
	}
	if _, err := tx.Exec(ctx, `delete from user_marks where expires_at <= $1`, tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("tidy marks: %w", err)
	}
	n, err := tx.Exec(ctx, `insert into user_marks (mark, expires_at) values ($1, $2) on conflict (mark) do nothing`,
		fingerprint(string(sealed)), tx.Now.Add(24*time.Hour).UnixMicro())
	if err != nil {
		return fmt.Errorf("mark a ticket: %w", err)
	}
	if n == 0 {
		return errs.Wrong("", "users.wrong.ticket")
	}
	return nil
}
