package users

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Within triesWindow of the first, an account takes triesAccount wrong
// passwords and a network address triesAddress, at which several people may
// sit. They are counted in the database: all processes share them.
const (
	triesWindow  = 15 * time.Minute
	triesAccount = 10
	triesAddress = 40
)

func (t Try) keys() [2]string {
	return [2]string{
		fingerprint("account:" + text.Fold(text.Line(t.Email))),
		fingerprint("address:" + t.Address),
	}
}

// countTry counts an attempt before it is looked at, so that many at once
// cannot slip past the limit. Those that are refused are not counted: the
// wait ends when it was said to.
func countTry(ctx context.Context, tx *store.Tx, t Try) error {
	limits := [2]int{triesAccount, triesAddress}
	for i, key := range t.keys() {
		if err := count(ctx, tx, key, limits[i]); err != nil {
			return err
		}
	}
	return nil
}

// count counts one more of a key, at most limit within the window. Windows that
// are over are tidied away first.
func count(ctx context.Context, tx *store.Tx, key string, limit int) error {
	if _, err := tx.Exec(ctx, `delete from sign_in_tries where since_at <= $1`, tx.Now.Add(-triesWindow).UnixMicro()); err != nil {
		return fmt.Errorf("tidy tries: %w", err)
	}
	var tries int
	var since int64
	err := tx.QueryRow(ctx, `
		insert into sign_in_tries (key, tries, since_at) values ($1, 1, $2)
		on conflict (key) do update set tries = sign_in_tries.tries + 1
		returning tries, since_at`, key, tx.Now.UnixMicro()).Scan(&tries, &since)
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	if tries > limit {
		wait := time.UnixMicro(since).Add(triesWindow).Sub(tx.Now)
		return &TooMany{max(1, int((wait+time.Minute-1)/time.Minute))}
	}
	return nil
}

// countAddress counts a try that names no account, such as a passkey.
func countAddress(ctx context.Context, tx *store.Tx, address string) error {
	return count(ctx, tx, fingerprint("address:"+address), triesAddress)
}

func forgiveAddress(ctx context.Context, tx *store.Tx, address string) error {
	_, err := tx.Exec(ctx, `update sign_in_tries set tries = tries - 1 where key = $1 and tries > 0`, fingerprint("address:"+address))
	if err != nil {
		return fmt.Errorf("forget tries: %w", err)
	}
	return nil
}

// TooMany is the error of somebody who tried too often; its kind is
// errs.TooLarge.
type TooMany struct {
	Minutes int // to wait
}

// Error says how long to wait.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many wrong passwords: %d minutes to wait", e.Minutes)
}

// Unwrap gives the error its kind.
func (e *TooMany) Unwrap() error {
	return errs.Of(errs.TooLarge, nil, "users.sign-in.wait", "Count", e.Minutes)
}

// forgetTry takes back what a right password was counted as: the account's
// tries all, and the one of its address.
func forgetTry(ctx context.Context, tx *store.Tx, t Try) error {
	keys := t.keys()
	if _, err := tx.Exec(ctx, `delete from sign_in_tries where key = $1`, keys[0]); err != nil {
		return fmt.Errorf("forget tries: %w", err)
	}
	return forgiveAddress(ctx, tx, t.Address)
}
