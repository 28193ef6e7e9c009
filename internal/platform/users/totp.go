package users

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

const (
	totpPurpose = "users totp"
	totpStep    = 30 // seconds
	totpSkew    = 1  // steps that a clock may be off, to either side
	totpBytes   = 20
)

var totpOptions = totp.ValidateOpts{Period: totpStep, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// newSecret is a fresh secret as authenticator apps read it.
func newSecret() string {
	b := make([]byte, totpBytes)
	rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// otpAddress is what the picture for an authenticator app says.
func otpAddress(secret, shop, email string) (string, error) {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: shop, AccountName: email, Secret: raw, Period: totpStep,
		Digits: totpOptions.Digits, Algorithm: totpOptions.Algorithm})
	if err != nil {
		return "", fmt.Errorf("make a secret's address: %w", err)
	}
	return key.URL(), nil
}

// step finds of which half minute a code is, around now; 0: of none.
func step(secret, code string, now time.Time) (found int64) {
	for off := int64(-totpSkew); off <= totpSkew; off++ {
		at := now.Unix()/totpStep + off
		want, err := totp.GenerateCodeCustom(secret, time.Unix(at*totpStep, 0).UTC(), totpOptions)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = at
		}
	}
	return found
}

// SetTOTP takes an authenticator app as a second factor, once a code of it
// proves that it holds the secret. It replaces an earlier one.
func SetTOTP(ctx context.Context, tx *store.Tx, user id.User, secret, code string) error {
	at := step(secret, digitsOf(code), tx.Now)
	if at == 0 {
		return errs.Wrong("code", "users.wrong.code")
	}
	_, err := tx.Exec(ctx, `
		insert into user_totp (user_id, secret, last_step, created_at) values ($1, $2, $3, $4)
		on conflict (user_id) do update set secret = excluded.secret, last_step = excluded.last_step, created_at = excluded.created_at`,
		int64(user), tx.Seal(totpPurpose, []byte(secret)), at, tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep an authenticator app: %w", err)
	}
	return Audit(ctx, tx, Change{By: user, Action: "user.factor_added", Subject: user.String(), Fields: []string{"totp"}})
}

// RemoveTOTP lets the authenticator app go, and with the last factor the
// recovery codes.
func RemoveTOTP(ctx context.Context, tx *store.Tx, by, user id.User) error {
	n, err := tx.Exec(ctx, `delete from user_totp where user_id = $1`, int64(user))
	if err != nil {
		return fmt.Errorf("let an authenticator app go: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := dropLooseCodes(ctx, tx, user); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.factor_removed", Subject: user.String(), Fields: []string{"totp"}})
}

// useTOTP accepts a code of the user's app once.
func useTOTP(ctx context.Context, tx *store.Tx, user id.User, code string) (bool, error) {
	var sealed []byte
	err := tx.QueryRow(ctx, `select secret from user_totp where user_id = $1`, int64(user)).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read an authenticator app: %w", err)
	}
	secret, err := tx.Unseal(totpPurpose, sealed)
	if err != nil {
		return false, nil // the key is lost: a recovery code or an owner helps
	}
	at := step(string(secret), code, tx.Now)
	if at == 0 {
		return false, nil
	}
	n, err := tx.Exec(ctx, `update user_totp set last_step = $1 where user_id = $2 and last_step < $1`, at, int64(user))
	if err != nil {
		return false, fmt.Errorf("use a code: %w", err)
	}
	return n == 1, nil
}

// digitsOf is what was typed without the spaces people put between.
func digitsOf(s string) string { return strings.Join(strings.Fields(s), "") }
