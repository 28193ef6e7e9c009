package users

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// limit is how often something is tried before who tries has to wait. Tries
// are counted in the database: all processes share them.
type limit struct {
	most   int           // tries without waiting
	window time.Duration // after which they are forgotten
	// pause is by how much each further try waits longer than the one before,
	// up to maxPause, the window beginning anew with each. Zero: all further
	// tries wait until the window is over.
	pause time.Duration
}

const (
	triesWindow = 15 * time.Minute
	maxPause    = 15 * time.Minute
)

// Wrong passwords and codes are counted three times over. Somebody who tries
// those of another soon waits (tryHere), and holds up only their own network
// address. Who has many addresses is slowed down for the account as a whole
// (tryAccount); its owner meanwhile comes in by a passkey, by a new password
// by mail, or from a browser in which they were before, which has a count of
// its own (tryOwn). An address at which several people may sit takes more
// (tryAddress).
var (
	tryHere    = limit{most: 10, window: triesWindow}
	tryOwn     = limit{most: 10, window: triesWindow}
	tryAccount = limit{most: 50, window: 24 * time.Hour, pause: 6 * time.Second}
	tryAddress = limit{most: 40, window: triesWindow}
	// A passkey cannot be guessed; this bounds the work it makes us.
	tryPasskey = limit{most: 200, window: triesWindow}
	// Letters that are asked for, of an address and to an account.
	tryForgotten = limit{most: 40, window: triesWindow}
	tryReset     = limit{most: 3, window: triesWindow}
	// Sign-ins by the other system that an address may begin.
	tryOther = limit{most: 60, window: triesWindow}
)

// counted is one of the counts of a try.
type counted struct {
	key string
	limit
}

// counts are what a try at an account is counted by. Where it comes from the
// account's own browser or session, what others try does not matter.
func (t Try) counts(ctx context.Context, db *store.DB, user id.User) ([]counted, error) {
	account := text.Fold(text.Line(t.Email))
	own, err := t.own(ctx, db, user)
	if err != nil {
		return nil, err
	}
	if own != "" {
		return []counted{{"own:" + own + ":" + account, tryOwn}}, nil
	}
	return []counted{
		{"here:" + t.Address + ":" + account, tryHere},
		{"account:" + account, tryAccount},
		{"address:" + t.Address, tryAddress},
	}, nil
}

// own names the browser or session of the account that the try comes from;
// "": it may be anybody's.
func (t Try) own(ctx context.Context, db *store.DB, user id.User) (string, error) {
	if user == 0 {
		return "", nil
	}
	if t.session != "" {
		return fingerprint(t.session), nil
	}
	return markOf(ctx, db, t.Known, user)
}

// countTry counts an attempt before it is looked at, so that many at once
// cannot slip past the limit. Those that are refused are not counted: the
// wait ends when it was said to.
func countTry(ctx context.Context, tx *store.Tx, all []counted) error {
	for _, c := range all {
		if err := count(ctx, tx, c.key, c.limit); err != nil {
			return err
		}
	}
	return nil
}

// count counts one more try of a key, or fails with *TooMany. What is over is
// tidied away first.
func count(ctx context.Context, tx *store.Tx, key string, l limit) error {
	if _, err := tx.Exec(ctx, `delete from sign_in_tries where ends_at <= $1`, tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("tidy tries: %w", err)
	}
	var tries int
	var at, ends int64
	err := tx.QueryRow(ctx, `
		insert into sign_in_tries (key, tries, tried_at, ends_at) values ($1, 1, $2, $3)
		on conflict (key) do update set tries = sign_in_tries.tries + 1
		returning tries, tried_at, ends_at`, fingerprint(key), tx.Now.UnixMicro(), tx.Now.Add(l.window).UnixMicro()).Scan(&tries, &at, &ends)
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	if tries > l.most {
		until := time.UnixMicro(ends)
		if l.pause > 0 {
			until = time.UnixMicro(at).Add(min(maxPause, time.Duration(tries-l.most)*l.pause))
		}
		if wait := until.Sub(tx.Now); wait > 0 {
			return &TooMany{max(1, int((wait+time.Minute-1)/time.Minute))}
		}
	}
	if l.pause == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `update sign_in_tries set tried_at = $2, ends_at = $3 where key = $1`,
		fingerprint(key), tx.Now.UnixMicro(), tx.Now.Add(l.window).UnixMicro())
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
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

// forgetTry takes back what a right password was counted as: all tries from
// here, and the one of the account and of its address.
func forgetTry(ctx context.Context, tx *store.Tx, all []counted) error {
	for i, c := range all {
		if i > 0 {
			if err := forgive(ctx, tx, c.key); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(ctx, `delete from sign_in_tries where key = $1`, fingerprint(c.key)); err != nil {
			return fmt.Errorf("forget tries: %w", err)
		}
	}
	return nil
}

// forgive takes one try of a key back.
func forgive(ctx context.Context, tx *store.Tx, key string) error {
	_, err := tx.Exec(ctx, `update sign_in_tries set tries = tries - 1 where key = $1 and tries > 0`, fingerprint(key))
	if err != nil {
		return fmt.Errorf("forget tries: %w", err)
	}
	return nil
}
