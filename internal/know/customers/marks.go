package customers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// A mark stands among the keys in the place of an erased person's identity,
// and leads to the blank customer: an HMAC of the key that had been there,
// under a secret of this program. A key has at most one of the two forms:
// whoever claims an identity now wipes its mark.
const markPrefix = "erased:"

// marker makes marks of keys.
type marker []byte

func newMarker(ctx context.Context, tx *store.Tx) (marker, error) {
	return users.SecretIn(ctx, tx, "erasures")
}

func (m marker) of(key string) string {
	h := hmac.New(sha256.New, m)
	h.Write([]byte(key))
	return markPrefix + hex.EncodeToString(h.Sum(nil))
}

// mark leaves marks of the keys that an erased customer had.
func mark(ctx context.Context, tx *store.Tx, c id.Customer, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	m, err := newMarker(ctx, tx)
	if err != nil {
		return err
	}
	b := tx.Bulk(ctx, "customer_keys", "key, customer_id, origin_customer_id", "on conflict (key) do nothing")
	for _, key := range keys {
		if err := b.Add(m.of(key), int64(c), nil); err != nil {
			return fmt.Errorf("mark %d keys: %w", len(keys), err)
		}
	}
	return b.Close()
}

// marked returns of which erased customer the keys were. It comes after the
// reading of the keys themselves: an erasure between the two is seen.
func marked(ctx context.Context, tx *store.Tx, keys []string) (map[string]id.Customer, error) {
	var erasures int
	if err := tx.QueryRow(ctx, `select count(*) from (select 1 from customer_erasures limit 1) e`).Scan(&erasures); err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	if erasures == 0 || len(keys) == 0 {
		return nil, nil
	}
	m, err := newMarker(ctx, tx)
	if err != nil {
		return nil, err
	}
	marks, of := make([]string, len(keys)), make(map[string]string, len(keys))
	for i, key := range keys {
		marks[i] = m.of(key)
		of[marks[i]] = key
	}
	found, err := owners(ctx, tx, marks)
	if err != nil {
		return nil, err
	}
	gone := make(map[string]id.Customer, len(found))
	for mark, c := range found {
		gone[of[mark]] = c
	}
	return gone, nil
}

// wipe removes the marks of keys that somebody claims now.
func wipe(ctx context.Context, tx *store.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	m, err := newMarker(ctx, tx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, err := tx.Exec(ctx, `delete from customer_keys where key = $1`, m.of(key)); err != nil {
			return fmt.Errorf("wipe the marks of %d keys: %w", len(keys), err)
		}
	}
	return nil
}
