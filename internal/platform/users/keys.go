package users

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

// Key lets a program in, in the name of the member of staff who made it: it
// can do what its scopes name, and never more than they themselves. While they
// could not get past the page on which a second factor is set up, it opens
// nothing.
type Key struct {
	ID        id.Key
	Name      string
	Ending    string // the last characters of its secret
	Scopes    []rest.Scope
	Staff     web.Staff // who made it, with the role they have now
	Unproved  bool      // their role needs a second factor, and they have none
	CreatedAt time.Time
	UsedAt    time.Time // zero: never; to the minute
	ExpiresAt time.Time // zero: does not
	RevokedAt time.Time // zero: works
}

// NewKey is a key to be made.
type NewKey struct {
	Name      string
	Scopes    []rest.Scope
	ExpiresAt time.Time // zero: does not
}

const (
	keyPrefix = "rk_" // by which scanners of source code know a secret
	maxKeys   = 100   // of one member of staff, those taken back left out
	usedEvery = time.Minute
)

// MakeKey makes a key of a member of staff and returns its secret, which
// nobody can be shown again.
func MakeKey(ctx context.Context, tx *store.Tx, user id.User, n NewKey) (secret string, key id.Key, err error) {
	n.Name = text.Line(n.Name)
	switch {
	case n.Name == "" || len([]rune(n.Name)) > maxName:
		return "", 0, errs.Wrong("name", "users.wrong.key-name", "Max", maxName)
	case len(n.Scopes) == 0:
		return "", 0, errs.Wrong("scopes", "users.wrong.key-scopes")
	case !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(tx.Now):
		return "", 0, errs.Wrong("expires", "users.wrong.key-expires")
	}
	who, err := ByID(ctx, tx, user)
	if err != nil {
		return "", 0, err
	}
	for _, s := range n.Scopes {
		if err := mayGive(who.Role, s); err != nil {
			return "", 0, err
		}
	}
	// Locking the owner's row keeps two of their requests from passing the
	// limit together.
	if err := update(ctx, tx, user, `role = role`); err != nil {
		return "", 0, err
	}
	var has int
	if err := tx.QueryRow(ctx, `select count(*) from user_keys where user_id = $1 and revoked_at is null`, int64(user)).Scan(&has); err != nil {
		return "", 0, fmt.Errorf("count keys: %w", err)
	}
	if has >= maxKeys {
		return "", 0, errs.Wrong("", "users.wrong.key-many", "Now", has)
	}
	secret, key = keyPrefix+rand.Text()+rand.Text(), id.Key(tx.NewID())
	_, err = tx.Exec(ctx, `
		insert into user_keys (id, user_id, name, token_hash, ending, scopes, created_at, used_at, expires_at, revoked_at)
		values ($1, $2, $3, $4, $5, $6, $7, null, $8, null)`,
		int64(key), int64(user), n.Name, fingerprint(secret), secret[len(secret)-4:], joinScopes(n.Scopes), tx.Now.UnixMicro(), nullMicros(n.ExpiresAt))
	if err != nil {
		return "", 0, fmt.Errorf("make a key: %w", err)
	}
	return secret, key, Audit(ctx, tx, Change{By: user, Action: "key.made", Subject: key.String()})
}

// mayGive refuses scopes that do not exist, or that are of no use to who has
// the role.
func mayGive(role web.Role, s rest.Scope) error {
	if !slices.Contains(rest.Scopes(), s) {
		return errs.Wrong("scopes", "users.wrong.key-scope", "Scopes", joinScopes(rest.Scopes()))
	}
	for _, a := range rest.Areas {
		if a.Name+":read" == string(s.Read()) && role < a.Role {
			return errs.Wrong("scopes", "users.wrong.key-role", "Scope", string(s))
		}
	}
	return nil
}

// Revoke takes a key back for good. Whoever is not its owner must be an owner
// of the business, or it is errs.NotFound. Doing it again changes nothing.
func Revoke(ctx context.Context, tx *store.Tx, by web.Staff, key id.Key) error {
	k, err := KeyOf(ctx, tx, by, key)
	if err != nil || !k.RevokedAt.IsZero() {
		return err
	}
	if _, err := tx.Exec(ctx, `update user_keys set revoked_at = $2 where id = $1 and revoked_at is null`, int64(key), tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("take a key back: %w", err)
	}
	return Audit(ctx, tx, Change{By: by.ID, Action: "key.revoked", Subject: key.String()})
}

// KeyByToken returns the key of a secret. One that is unknown, was taken back,
// has expired, or whose owner may not sign in any more is errs.SignIn.
func KeyByToken(ctx context.Context, q store.Querier, secret string, now time.Time) (Key, error) {
	if !strings.HasPrefix(secret, keyPrefix) || len(secret) > 100 {
		return Key{}, errNoKey
	}
	found, err := store.All(ctx, q, scanKey, keyColumns+` where k.token_hash = $1 and u.disabled_at is null`, fingerprint(secret))
	if err != nil {
		return Key{}, fmt.Errorf("find a key: %w", err)
	}
	if len(found) == 0 || !found[0].Works(now) {
		return Key{}, errNoKey
	}
	return found[0], nil
}

var errNoKey = errs.Of(errs.SignIn, nil, "users.wrong.key-unknown")

// Works reports whether the key opens anything at the time.
func (k Key) Works(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(now))
}

// May reports whether the key may do what the scope names.
func (k Key) May(s rest.Scope) bool { return rest.Covers(k.Scopes, s) }

// Keys returns the keys a member of staff may see, the newest first: an owner
// of the business everybody's, others their own.
func Keys(ctx context.Context, q store.Querier, who web.Staff) ([]Key, error) {
	all := int64(0)
	if who.Role < web.Owner {
		all = int64(who.ID)
	}
	return store.All(ctx, q, scanKey, keyColumns+` where (cast($1 as bigint) = 0 or k.user_id = $1) order by k.id desc limit 1000`, all)
}

// KeyOf returns a key that a member of staff may see, or errs.NotFound.
func KeyOf(ctx context.Context, q store.Querier, who web.Staff, key id.Key) (Key, error) {
	found, err := store.All(ctx, q, scanKey, keyColumns+` where k.id = $1`, int64(key))
	if err != nil {
		return Key{}, fmt.Errorf("read a key: %w", err)
	}
	if len(found) == 0 || who.Role < web.Owner && found[0].Staff.ID != who.ID {
		return Key{}, errs.Missing("users.wrong.key-missing")
	}
	return found[0], nil
}

// KeyUsed notes when a key was used last. It is called now and then, not for
// each request: to the minute is enough.
func KeyUsed(ctx context.Context, tx *store.Tx, key id.Key, at time.Time) error {
	_, err := tx.Exec(ctx, `update user_keys set used_at = $2 where id = $1 and (used_at is null or used_at < $3)`,
		int64(key), at.UnixMicro(), at.Add(-usedEvery).UnixMicro())
	if err != nil {
		return fmt.Errorf("note that a key was used: %w", err)
	}
	return nil
}

const keyColumns = `
	select k.id, k.name, k.ending, k.scopes, k.created_at, k.used_at, k.expires_at, k.revoked_at, u.id, u.name, u.role, u.language, u.zone,
		coalesce((select second_roles from user_access where id = 1), ''),
		exists (select 1 from user_totp where user_id = u.id) or exists (select 1 from user_passkeys where user_id = u.id)
			or exists (select 1 from user_identities i where i.user_id = u.id and i.issuer = (select oidc_issuer from user_access where id = 1))
	from user_keys k join users u on u.id = k.user_id`

func scanKey(rows *sql.Rows) (Key, error) {
	var k Key
	var scopes, role, second string
	var factor bool
	var created int64
	var used, expires, revoked sql.NullInt64
	err := rows.Scan(&k.ID, &k.Name, &k.Ending, &scopes, &created, &used, &expires, &revoked,
		&k.Staff.ID, &k.Staff.Name, &role, &k.Staff.Language, &k.Staff.Zone, &second, &factor)
	if err != nil {
		return k, err
	}
	for _, s := range strings.Fields(scopes) {
		k.Scopes = append(k.Scopes, rest.Scope(s))
	}
	k.CreatedAt = time.UnixMicro(created).UTC()
	k.UsedAt, k.ExpiresAt, k.RevokedAt = nullTime(used), nullTime(expires), nullTime(revoked)
	k.Staff.Role, err = web.ParseRole(role)
	k.Unproved = !factor && slices.Contains(rolesOf(second), k.Staff.Role)
	return k, err
}

func joinScopes(all []rest.Scope) string {
	words := make([]string, 0, len(all))
	for _, s := range rest.Scopes() { // in their order, once each
		if slices.Contains(all, s) {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " ")
}

func nullMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
