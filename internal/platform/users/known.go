package users

import (
	"crypto/rand"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// KnownFor is how long a browser is known after somebody last signed in.
const KnownFor = 180 * 24 * time.Hour

const (
	knownPurpose = "known"
	maxKnown     = 5 // people at one till
)

// known is a member of staff who signed in with a browser, with the mark by
// which their tries there are counted. The browser keeps it sealed; it opens
// nothing.
type known struct {
	User id.User `json:"user"`
	Mark string  `json:"mark"`
}

// Remember adds a member of staff to what a browser keeps of those who signed
// in with it; the earliest of too many is let go.
func Remember(db *store.DB, had string, user id.User) (string, error) {
	before, _ := unseal[[]known](db, knownPurpose, had)
	all := []known{{user, rand.Text()}}
	for _, k := range before {
		switch {
		case k.User == user:
			all[0].Mark = k.Mark
		case len(all) < maxKnown:
			all = append(all, k)
		}
	}
	return seal(db, knownPurpose, db.Now().Add(KnownFor), all)
}

// markOf is the mark of a member of staff in what a browser keeps, or "".
func markOf(db *store.DB, kept string, user id.User) string {
	all, err := unseal[[]known](db, knownPurpose, kept)
	if err != nil {
		return ""
	}
	for _, k := range all {
		if k.User == user {
			return k.Mark
		}
	}
	return ""
}
