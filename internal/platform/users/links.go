package users

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// How long links that work once can be used.
const (
	SetupLinkFor    = 24 * time.Hour
	PasswordLinkFor = 72 * time.Hour
)

// SetupLink makes the token of a link by which the first owner moves in
// (/set-up/TOKEN), or returns "" when there is a member of staff already.
// Earlier ones keep working, as several processes may each have printed one.
func SetupLink(ctx context.Context, tx *store.Tx) (token string, err error) {
	n, err := Count(ctx, tx)
	if err != nil || n > 0 {
		return "", err
	}
	return newLink(ctx, tx, "owner", 0, SetupLinkFor)
}

// CheckSetup says whether the token of a set-up link can still be used; if
// not, errs.NotFound says what to do.
func CheckSetup(ctx context.Context, q store.Querier, token string, now time.Time) error {
	n, err := Count(ctx, q)
	if err != nil {
		return err
	}
	if n > 0 {
		return errs.Missing("users.wrong.set-up")
	}
	var found int
	err = q.QueryRow(ctx, `select count(*) from user_links where token_hash = $1 and purpose = 'owner' and expires_at > $2`,
		fingerprint(token), now.UnixMicro()).Scan(&found)
	if err == nil && found == 0 {
		err = errs.Missing("users.wrong.set-up-link")
	}
	return err
}

// Claim makes the first owner, by the token of a set-up link, which no link
// can do a second time.
func Claim(ctx context.Context, tx *store.Tx, token string, owner New) (id.User, error) {
	if err := CheckSetup(ctx, tx, token, tx.Now); err != nil {
		return 0, err
	}
	// Two people with two links may be here at once; this row only one can add.
	first, err := tx.Exec(ctx, `
		insert into user_links (token_hash, purpose, user_id, expires_at) values ('claimed', 'claimed', 0, $1)
		on conflict (token_hash) do nothing`, int64(1)<<62)
	if err != nil {
		return 0, fmt.Errorf("claim the store: %w", err)
	}
	if first == 0 {
		return 0, errs.Clash("", "users.wrong.set-up-meanwhile")
	}
	if _, err := tx.Exec(ctx, `delete from user_links where purpose = 'owner'`); err != nil {
		return 0, fmt.Errorf("take back set-up links: %w", err)
	}
	owner.Role = web.Owner
	return Add(ctx, tx, owner)
}

// Link makes the token of a link by which a member of staff chooses a
// password (/password/TOKEN). It replaces their earlier one.
func Link(ctx context.Context, tx *store.Tx, by, user id.User) (token string, err error) {
	u, err := ByID(ctx, tx, user)
	if err != nil {
		return "", err
	}
	if !u.DisabledAt.IsZero() {
		return "", errs.Wrong("", "users.wrong.disabled")
	}
	if err := takeBackLinks(ctx, tx, user); err != nil {
		return "", err
	}
	if err := Audit(ctx, tx, Change{By: by, Action: "user.linked", Subject: user.String()}); err != nil {
		return "", err
	}
	return newLink(ctx, tx, "password", user, PasswordLinkFor)
}

// takeBackLinks makes the links of a member of staff work no more; a letter
// with one that has not gone out does not go out.
func takeBackLinks(ctx context.Context, tx *store.Tx, user id.User) error {
	if _, err := tx.Exec(ctx, `delete from user_links where user_id = $1`, int64(user)); err != nil {
		return fmt.Errorf("take back links: %w", err)
	}
	return mail.TakeBack(ctx, tx, user.String())
}

// LinkOf finds whose link it is; errs.NotFound when it is nobody's any more.
func LinkOf(ctx context.Context, q store.Querier, token string, now time.Time) (User, error) {
	var user id.User
	err := q.QueryRow(ctx, `
		select user_id from user_links where token_hash = $1 and purpose = 'password' and expires_at > $2`,
		fingerprint(token), now.UnixMicro()).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, errs.Missing("users.wrong.link")
	}
	if err != nil {
		return User{}, fmt.Errorf("read a link: %w", err)
	}
	return ByID(ctx, q, user)
}

// UseLink sets the password of the one whose link it is and uses it up.
func UseLink(ctx context.Context, tx *store.Tx, token string, p Password) (id.User, error) {
	u, err := LinkOf(ctx, tx, token, tx.Now)
	if err != nil {
		return 0, err
	}
	// Deleting first, and counting, lets one of two people at once win.
	n, err := tx.Exec(ctx, `delete from user_links where token_hash = $1`, fingerprint(token))
	if err != nil {
		return 0, fmt.Errorf("use a link: %w", err)
	}
	if n == 0 || !u.DisabledAt.IsZero() {
		return 0, errs.Missing("users.wrong.link")
	}
	return u.ID, SetPassword(ctx, tx, u.ID, u.ID, p, "")
}

func newLink(ctx context.Context, tx *store.Tx, purpose string, user id.User, lasts time.Duration) (string, error) {
	if _, err := tx.Exec(ctx, `delete from user_links where expires_at <= $1`, tx.Now.UnixMicro()); err != nil {
		return "", fmt.Errorf("tidy links: %w", err)
	}
	token := rand.Text()
	_, err := tx.Exec(ctx, `insert into user_links (token_hash, purpose, user_id, expires_at) values ($1, $2, $3, $4)`,
		fingerprint(token), purpose, int64(user), tx.Now.Add(lasts).UnixMicro())
	if err != nil {
		return "", fmt.Errorf("make a link: %w", err)
	}
	return token, nil
}
