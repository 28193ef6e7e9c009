package users

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// KnownFor is how long a browser is known after somebody last signed in. It
// ends before with another password, and with signing out everywhere.
const KnownFor = 180 * 24 * time.Hour

const (
	knownPurpose = "known"
	maxKnown     = 5 // people at one till
)

// known is a member of staff who signed in with a browser, with the mark by
// which their tries there are counted. The browser keeps it sealed; it opens
// nothing.
type known struct {
	User  id.User `json:"user"`
	Mark  string  `json:"mark"`
	Round int64   `json:"round"` // of the user when it was made: known_round
}

// Remember adds a member of staff to what a browser keeps of those who signed
// in with it; the earliest of too many is let go.
func Remember(ctx context.Context, db *store.DB, had string, user id.User) (string, error) {
	round, err := roundOf(ctx, db, user)
	if err != nil {
		return "", err
	}
	before, _ := unseal[[]known](db, knownPurpose, had)
	all := []known{{user, rand.Text(), round}}
	for _, k := range before {
		switch {
		case k.User == user && k.Round == round:
			all[0].Mark = k.Mark
		case k.User == user:
		case len(all) < maxKnown:
			all = append(all, k)
		}
	}
	return seal(db, knownPurpose, db.Now().Add(KnownFor), all)
}

// markOf is the mark of a member of staff in what a browser keeps, or "".
func markOf(ctx context.Context, db *store.DB, kept string, user id.User) (string, error) {
	all, err := unseal[[]known](db, knownPurpose, kept)
	if err != nil {
		return "", nil
	}
	for _, k := range all {
		if k.User != user {
			continue
		}
		round, err := roundOf(ctx, db, user)
		if err != nil || round != k.Round {
			return "", err
		}
		return k.Mark, nil
	}
	return "", nil
}

func roundOf(ctx context.Context, q store.Querier, user id.User) (round int64, err error) {
	if err = q.QueryRow(ctx, `select known_round from users where id = $1`, int64(user)).Scan(&round); err != nil {
		return 0, fmt.Errorf("read whether a browser is known: %w", err)
	}
	return round, nil
}

// forgetBrowsers has no browser known to a member of staff any more.
func forgetBrowsers(ctx context.Context, tx *store.Tx, user id.User) error {
	if _, err := tx.Exec(ctx, `update users set known_round = known_round + 1 where id = $1`, int64(user)); err != nil {
		return fmt.Errorf("forget browsers: %w", err)
	}
	return nil
}
