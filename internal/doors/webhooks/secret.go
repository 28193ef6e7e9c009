package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

const (
	secretPrefix = "whsec_"
	secretSize   = 32 // bytes; the standard wants 24 to 64
	// formerStays is how long the old secret signs beside the new one, so that
	// the receiver can be told without losing anything.
	formerStays = 24 * time.Hour
	sealedFor   = "webhooks"
)

// newSecret is what the receiver verifies with: whsec_ and base64.
func newSecret() string {
	b := make([]byte, secretSize)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// seal closes the bytes that a secret stands for, which are what signs.
func seal(tx *store.Tx, secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return nil, fmt.Errorf("decode a secret: %w", err)
	}
	return tx.Seal(sealedFor, key), nil
}

// Secret returns what the receiver verifies with.
func Secret(ctx context.Context, db *store.DB, endpoint id.Endpoint) (string, error) {
	e, err := ByID(ctx, db, endpoint)
	if err != nil {
		return "", err
	}
	key, err := db.Unseal(sealedFor, e.secret)
	if err != nil {
		return "", errs.Of(errs.Conflict, err, "webhooks.secret.lost")
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), nil
}

// Rotate gives an endpoint a new secret and returns it. The one before signs
// too for a day.
func Rotate(ctx context.Context, tx *store.Tx, by id.User, endpoint id.Endpoint) (string, error) {
	if _, err := ByID(ctx, tx, endpoint); err != nil {
		return "", err
	}
	secret := newSecret()
	sealed, err := seal(tx, secret)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `update webhook_endpoints set former_secret = secret, former_until_at = $2, secret = $3 where id = $1`,
		int64(endpoint), tx.Now.Add(formerStays).UnixMicro(), sealed); err != nil {
		return "", fmt.Errorf("give %s a new secret: %w", endpoint, err)
	}
	return secret, users.Audit(ctx, tx, users.Change{By: by, Action: "webhook.rotated", Subject: endpoint.String()})
}

// signature is the header webhook-signature: one signature a secret that is
// valid at that time.
func (e Endpoint) signature(db *store.DB, webhook string, at time.Time, body string) (string, error) {
	sealed := [][]byte{e.secret}
	if e.former != nil && at.Before(e.FormerUntil) {
		sealed = append(sealed, e.former)
	}
	all := make([]string, len(sealed))
	for i, s := range sealed {
		key, err := db.Unseal(sealedFor, s)
		if err != nil {
			return "", fmt.Errorf("open the secret of %s: %w", e.ID, err)
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", webhook, strconv.FormatInt(at.Unix(), 10), body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " "), nil
}
