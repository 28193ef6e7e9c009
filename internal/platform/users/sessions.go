package users

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

// How long somebody stays signed in.
const (
	IdleFor    = 14 * 24 * time.Hour // without coming back
	SessionFor = 90 * 24 * time.Hour // whatever happens
	seenEvery  = 10 * time.Minute    // how exactly we know when somebody came
)

// Session is a place where somebody is signed in.
type Session struct {
	ID        int64
	Device    string
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool // the one that asks
}

// Try is one attempt to sign in.
type Try struct {
	Email    string
	Password string
	Address  string // the network address it came from
	Device   string // as it is shown in the list of sessions
	Known    string // what the browser keeps of those who signed in with it, see Remember
	Started  Started

	session string // token of the session in which it is made; empty: none
}

// Ways of signing in other than a password.
const (
	ByPasskey = "passkey"
	ByOther   = "oidc"
)

// ProofFor is how long after a person has proved who they are they are not
// asked again for what is sensitive.
const ProofFor = 10 * time.Minute

var errWrong = errs.Wrong("", "users.wrong.sign-in")

// SignIn checks a password and starts a session; its token is what the
// browser keeps. Wrong ones are errs.Invalid, whatever is wrong; too many of
// them are *TooMany, with how long to wait. It takes the database, not a
// transaction, so that nothing is locked while the password is hashed.
// Who has a second factor is half in: *Half.
func SignIn(ctx context.Context, db *store.DB, try Try) (token string, err error) {
	var half *Half
	err = prove(ctx, db, try, func(tx *store.Tx, user id.User) (err error) {
		if half, err = halfOf(ctx, tx, user, try.Device); err != nil || half != nil {
			return err
		}
		token, err = begin(ctx, tx, entry{user: user, device: try.Device, started: try.Started})
		return err
	})
	if err == nil && half != nil {
		err = half
	}
	return token, err
}

// Prove notes that whoever holds the session has given the password again. Its
// errors are those of SignIn.
func Prove(ctx context.Context, db *store.DB, try Try, token string) error {
	try.session = token
	return prove(ctx, db, try, func(tx *store.Tx, _ id.User) error { return proved(ctx, tx, token) })
}

// ProveByPasskey is Prove with a passkey of the user.
func ProveByPasskey(ctx context.Context, db *store.DB, house House, c Ceremony, answer string, user id.User, token string) error {
	return showPasskey(ctx, db, house, c, answer, func(tx *store.Tx, shown id.User) error {
		if shown != user {
			return errs.Wrong("", "users.wrong.passkey")
		}
		return proved(ctx, tx, token)
	})
}

func proved(ctx context.Context, tx *store.Tx, token string) error {
	_, err := tx.Exec(ctx, `update sessions set proved_at = $1 where token_hash = $2`, tx.Now.UnixMicro(), fingerprint(token))
	if err != nil {
		return fmt.Errorf("note a proof: %w", err)
	}
	return nil
}

// ChangePassword sets a new password of whoever knows the old one, and ends
// their sessions but the one of the token keep. Its errors are those of
// SignIn.
func ChangePassword(ctx context.Context, db *store.DB, old Try, p Password, keep string) error {
	old.session = keep
	return prove(ctx, db, old, func(tx *store.Tx, user id.User) error {
		return SetPassword(ctx, tx, user, user, p, keep)
	})
}

// prove counts a try, checks its password, and if it is right does what was
// asked for.
func prove(ctx context.Context, db *store.DB, try Try, then func(tx *store.Tx, user id.User) error) error {
	var user id.User
	var hash string
	err := db.QueryRow(ctx, `select id, password_hash from users where email_key = $1 and disabled_at is null`,
		text.Fold(text.Line(try.Email))).Scan(&user, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read a password: %w", err)
	}
	counts, err := try.counts(ctx, db, user)
	if err != nil {
		return err
	}
	if err := db.Tx(ctx, func(tx *store.Tx) error { return countTry(ctx, tx, counts) }); err != nil {
		return err
	}
	ok, stale := verify(hash, try.Password)
	if !ok {
		return errWrong
	}
	fresh := hash
	if stale {
		fresh = current.hash(try.Password)
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		// Whoever was disabled or given another password meanwhile is not let in.
		n, err := tx.Exec(ctx, `
			update users set password_hash = $1, version = version + 1
			where id = $2 and password_hash = $3 and disabled_at is null`, fresh, int64(user), hash)
		if err != nil {
			return fmt.Errorf("check a password: %w", err)
		}
		if n == 0 {
			return errWrong
		}
		if err := forgetTry(ctx, tx, counts); err != nil {
			return err
		}
		return then(tx, user)
	})
}

// Start begins a session of a member of staff whose right to it has been
// proved, and returns its token.
func Start(ctx context.Context, tx *store.Tx, user id.User, device string) (token string, err error) {
	return begin(ctx, tx, entry{user: user, device: device})
}

// entry is somebody who comes in.
type entry struct {
	user    id.User
	device  string
	way     string
	started Started
}

func begin(ctx context.Context, tx *store.Tx, e entry) (token string, err error) {
	user, device := e.user, e.device
	if e.started != nil {
		if err := e.started(ctx, tx, user, device); err != nil {
			return "", err
		}
	}
	now := tx.Now.UnixMicro()
	if _, err := tx.Exec(ctx, `update users set signed_in_at = $1 where id = $2`, now, int64(user)); err != nil {
		return "", fmt.Errorf("note the sign-in: %w", err)
	}
	token = rand.Text()
	_, err = tx.Exec(ctx, `
		insert into sessions (token_hash, id, user_id, device, created_at, seen_at, expires_at, proved_at, way)
		values ($1, $2, $3, $4, $5, $5, $6, $5, $7)`,
		fingerprint(token), tx.NewID(), int64(user), device, now, tx.Now.Add(SessionFor).UnixMicro(), e.way)
	if err != nil {
		return "", fmt.Errorf("start a session: %w", err)
	}
	return token, nil
}

// Authenticate finds who holds a session's token; errs.SignIn means nobody
// does, or no more.
func Authenticate(ctx context.Context, db *store.DB, token string) (web.Staff, error) {
	var staff web.Staff
	var role, way, second string
	var seen, proved int64
	var factor bool
	now := db.Now()
	err := db.QueryRow(ctx, `
		select u.id, u.name, u.role, u.language, u.theme, u.zone, s.seen_at, s.proved_at, s.way,
			coalesce((select second_roles from user_access where id = 1), ''),
			exists (select 1 from user_totp where user_id = u.id) or exists (select 1 from user_passkeys where user_id = u.id)
		from sessions s join users u on u.id = s.user_id
		where s.token_hash = $1 and s.expires_at > $2 and s.seen_at > $3 and u.disabled_at is null`,
		fingerprint(token), now.UnixMicro(), now.Add(-IdleFor).UnixMicro()).
		Scan(&staff.ID, &staff.Name, &role, &staff.Language, &staff.Theme, &staff.Zone, &seen, &proved, &way, &second, &factor)
	if errors.Is(err, sql.ErrNoRows) {
		return web.Staff{}, errs.Of(errs.SignIn, nil, "web.error.sign-in.text")
	}
	if err != nil {
		return web.Staff{}, fmt.Errorf("read the session: %w", err)
	}
	if staff.Role, err = web.ParseRole(role); err != nil {
		return web.Staff{}, err
	}
	staff.ProvedAt = time.UnixMicro(proved).UTC()
	if !factor && way != ByOther && slices.Contains(rolesOf(second), staff.Role) {
		staff.Confined = securityPath
	}
	if now.Sub(time.UnixMicro(seen)) >= seenEvery {
		noteSeen(ctx, db, token)
	}
	return staff, nil
}

// Authenticator is Authenticate over one database, as web.Config takes it.
func Authenticator(db *store.DB) web.Authenticate {
	return func(ctx context.Context, token string) (web.Staff, error) { return Authenticate(ctx, db, token) }
}

// noteSeen keeps a session from going idle. A page must not wait for it, nor
// fail by it: while the database is busy the next request does it.
func noteSeen(ctx context.Context, db *store.DB, token string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update sessions set seen_at = $1 where token_hash = $2 and seen_at < $1`, tx.Now.UnixMicro(), fingerprint(token))
		return err
	})
}

// Sessions lists where a member of staff is signed in, the newest first;
// token marks the one that asks.
func Sessions(ctx context.Context, q store.Querier, user id.User, token string, now time.Time) ([]Session, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (Session, error) {
		var s Session
		var created, seen int64
		err := rows.Scan(&s.ID, &s.Device, &created, &seen, &s.Current)
		s.CreatedAt, s.SeenAt = time.UnixMicro(created).UTC(), time.UnixMicro(seen).UTC()
		return s, err
	}, `
		select id, device, created_at, seen_at, token_hash = $2 from sessions
		where user_id = $1 and expires_at > $3 and seen_at > $4 order by created_at desc, id desc limit 100`,
		int64(user), fingerprint(token), now.UnixMicro(), now.Add(-IdleFor).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// SignOut ends the session of a token, if there is one.
func SignOut(ctx context.Context, tx *store.Tx, token string) error {
	if _, err := tx.Exec(ctx, `delete from sessions where token_hash = $1`, fingerprint(token)); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// SignOutOf ends one session of a member of staff, as chosen from the list.
func SignOutOf(ctx context.Context, tx *store.Tx, user id.User, session int64) error {
	n, err := tx.Exec(ctx, `delete from sessions where user_id = $1 and id = $2`, int64(user), session)
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	if n == 0 {
		return nil
	}
	return Audit(ctx, tx, Change{By: user, Action: "user.signed_out", Subject: user.String()})
}

// SignOutEverywhere ends every session of a member of staff, except the one
// of the token keep (empty: that too). No browser is known from earlier then.
func SignOutEverywhere(ctx context.Context, tx *store.Tx, user id.User, keep string) error {
	if err := forgetBrowsers(ctx, tx, user); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from sessions where user_id = $1 and token_hash <> $2`, int64(user), fingerprint(keep)); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// fingerprint is the form in which a random token is stored. Tokens hold 130
// random bits, so they need no slow hash.
func fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
