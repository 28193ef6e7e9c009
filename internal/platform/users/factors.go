package users

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Factors are what a member of staff can prove themselves with beside the
// password.
type Factors struct {
	TOTP     bool
	Passkeys []Passkey
	Codes    int // recovery codes that are left
}

// Any reports whether there is a second factor. Recovery codes alone are none.
func (f Factors) Any() bool { return f.TOTP || len(f.Passkeys) > 0 }

// FactorsOf reads what a member of staff has.
func FactorsOf(ctx context.Context, q store.Querier, user id.User) (f Factors, err error) {
	if f.Passkeys, err = Passkeys(ctx, q, user); err != nil {
		return f, err
	}
	var apps int
	err = q.QueryRow(ctx, `
		select (select count(*) from user_totp where user_id = $1),
			(select count(*) from user_recovery_codes where user_id = $1 and used_at is null)`, int64(user)).Scan(&apps, &f.Codes)
	if err != nil {
		return f, fmt.Errorf("read second factors: %w", err)
	}
	f.TOTP = apps > 0
	return f, nil
}

const recoveryCodes = 10

// NewCodes makes recovery codes and returns them; earlier ones work no more.
// They are stored as hashes, so this is the only time they can be shown.
func NewCodes(ctx context.Context, tx *store.Tx, user id.User) ([]string, error) {
	if _, err := tx.Exec(ctx, `delete from user_recovery_codes where user_id = $1`, int64(user)); err != nil {
		return nil, fmt.Errorf("take back recovery codes: %w", err)
	}
	var codes []string
	for range recoveryCodes {
		raw := strings.ToLower(rand.Text()[:16]) // 80 random bits
		codes = append(codes, raw[:4]+"-"+raw[4:8]+"-"+raw[8:12]+"-"+raw[12:])
		_, err := tx.Exec(ctx, `insert into user_recovery_codes (code_hash, user_id) values ($1, $2)`, recoveryHash(user, raw), int64(user))
		if err != nil {
			return nil, fmt.Errorf("make recovery codes: %w", err)
		}
	}
	return codes, Audit(ctx, tx, Change{By: user, Action: "user.codes_made", Subject: user.String()})
}

// recoveryHash is a code as it is stored, however it was typed.
func recoveryHash(user id.User, code string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(code))
	return fingerprint("recovery:" + user.String() + ":" + plain)
}

func useRecovery(ctx context.Context, tx *store.Tx, user id.User, code string) (bool, error) {
	n, err := tx.Exec(ctx, `update user_recovery_codes set used_at = $1 where code_hash = $2 and user_id = $3 and used_at is null`,
		tx.Now.UnixMicro(), recoveryHash(user, code), int64(user))
	if err != nil {
		return false, fmt.Errorf("use a recovery code: %w", err)
	}
	if n == 1 {
		err = Audit(ctx, tx, Change{By: user, Action: "user.code_used", Subject: user.String()})
	}
	return n == 1, err
}

// dropLooseCodes deletes the recovery codes of who has no second factor left.
func dropLooseCodes(ctx context.Context, tx *store.Tx, user id.User) error {
	f, err := FactorsOf(ctx, tx, user)
	if err != nil || f.Any() {
		return err
	}
	_, err = tx.Exec(ctx, `delete from user_recovery_codes where user_id = $1`, int64(user))
	return err
}

// ResetFactors takes every second factor of a member of staff away, for who
// has lost them, and ends their sessions.
func ResetFactors(ctx context.Context, tx *store.Tx, by, user id.User) error {
	if _, err := ByID(ctx, tx, user); err != nil {
		return err
	}
	for _, query := range []string{
		`delete from user_totp where user_id = $1`, `delete from user_recovery_codes where user_id = $1`,
		`delete from user_passkeys where user_id = $1`,
	} {
		if _, err := tx.Exec(ctx, query, int64(user)); err != nil {
			return fmt.Errorf("take second factors away: %w", err)
		}
	}
	if err := SignOutEverywhere(ctx, tx, user, ""); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.factors_reset", Subject: user.String()})
}

// securityPath is where staff set their second factor up, and where who must
// have one is kept until they do.
const securityPath = "/account/security"

// Half is where somebody stands whose password was right and who has a second
// factor; SignIn returns it as an error of the kind errs.SignIn.
type Half struct {
	User   id.User
	Device string
	Hash   string // of the password's hash: another password ends it
}

// Error says what is needed.
func (h *Half) Error() string { return "a second factor is needed" }

// Unwrap gives the error its kind.
func (h *Half) Unwrap() error { return errs.Of(errs.SignIn, nil, "users.wrong.second") }

const (
	halfPurpose = "half"
	// HalfFor is how long a right password waits for the second factor.
	HalfFor = 10 * time.Minute
)

// halfOf makes where somebody stands; nil: they have no second factor.
func halfOf(ctx context.Context, q store.Querier, user id.User, device string) (*Half, error) {
	f, err := FactorsOf(ctx, q, user)
	if err != nil || !f.Any() {
		return nil, err
	}
	var hash string
	err = q.QueryRow(ctx, `select password_hash from users where id = $1`, int64(user)).Scan(&hash)
	return &Half{user, device, fingerprint(hash)}, err
}

// still fails when the member of staff was disabled or given another password
// since.
func (h Half) still(ctx context.Context, q store.Querier) error {
	var hash string
	var open bool
	err := q.QueryRow(ctx, `select password_hash, disabled_at is null from users where id = $1`, int64(h.User)).Scan(&hash, &open)
	if err != nil {
		return fmt.Errorf("read a password: %w", err)
	}
	if !open || fingerprint(hash) != h.Hash {
		return errs.Wrong("", "users.wrong.ticket")
	}
	return nil
}

// Finish signs in who is half in, by a code of their app or a recovery code.
// A wrong one is errs.Invalid, too many *TooMany. Of the try it takes where it
// comes from and whom to tell.
func Finish(ctx context.Context, db *store.DB, h Half, code string, try Try) (token string, err error) {
	try.Email = "code of " + h.User.String()
	counts, err := try.counts(ctx, db, h.User)
	if err != nil {
		return "", err
	}
	if err := db.Tx(ctx, func(tx *store.Tx) error { return countTry(ctx, tx, counts) }); err != nil {
		return "", err
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := h.still(ctx, tx); err != nil {
			return err
		}
		right, err := useTOTP(ctx, tx, h.User, digitsOf(code))
		if err == nil && !right {
			right, err = useRecovery(ctx, tx, h.User, code)
		}
		if err != nil {
			return err
		}
		if !right {
			return errs.Wrong("code", "users.wrong.code")
		}
		if err := forgetTry(ctx, tx, counts); err != nil {
			return err
		}
		token, err = begin(ctx, tx, entry{user: h.User, device: h.Device, started: try.Started})
		return err
	})
	return token, err
}

// Started is told, in the transaction of it, that somebody signs in.
type Started func(ctx context.Context, tx *store.Tx, user id.User, device string) error

// ErrHalf finds the Half in an error.
func ErrHalf(err error) (*Half, bool) {
	var h *Half
	ok := errors.As(err, &h)
	return h, ok
}
