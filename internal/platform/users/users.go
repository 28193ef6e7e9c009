// Package users knows the members of staff: who they are, what they may do,
// how they sign in, and what they changed.
//
// Its one rule: a secret (password, session, link) is stored only as a hash,
// or sealed where it has to be read again, and everything a member of staff
// changes leaves a line in the audit log.
package users

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

// User is a member of staff.
type User struct {
	ID          id.User
	Name        string
	Email       string
	Role        web.Role
	Language    string // empty: as the browser asks
	Theme       string // "light", "dark" or empty: as the system is
	Zone        string // empty: the business's own
	HasPassword bool
	HasWay      bool // a password, a passkey or another system by which they can sign in
	CreatedAt   time.Time
	SignedInAt  time.Time // zero: never yet
	DisabledAt  time.Time // zero: may sign in
}

// New is a member of staff to be added.
type New struct {
	By       id.User // who adds; 0: the command line
	Name     string
	Email    string
	Role     web.Role
	Language string
	Password Password // zero: to be chosen by a link, see Link
}

const (
	maxName  = 80
	maxEmail = 254
)

// Add makes a member of staff. An address that somebody has is errs.Conflict,
// a name or address that cannot be is errs.Invalid, a role above that of who
// adds errs.Forbidden.
func Add(ctx context.Context, tx *store.Tx, n New) (id.User, error) {
	n.Name, n.Email = text.Line(n.Name), text.Line(n.Email)
	if err := checkName(n.Name); err != nil {
		return 0, err
	}
	if err := checkEmail(n.Email); err != nil {
		return 0, err
	}
	if n.Role < web.Viewer || n.Role > web.Owner {
		return 0, errs.Wrong("role", "users.wrong.role")
	}
	if err := mayGrant(ctx, tx, n.By, n.Role); err != nil {
		return 0, err
	}
	user := id.User(tx.NewID())
	added, err := tx.Exec(ctx, `
		insert into users (id, name, email, email_key, role, password_hash, language, theme, zone, version, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, '', '', 1, $8)
		on conflict (email_key) do nothing`,
		int64(user), n.Name, n.Email, text.Fold(n.Email), n.Role.String(), n.Password.hash, n.Language, tx.Now.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("add a member of staff: %w", err)
	}
	if added == 0 {
		return 0, errs.Clash("email", "users.wrong.email-taken")
	}
	return user, Audit(ctx, tx, Change{By: n.By, Action: "user.added", Subject: user.String(),
		Values: Changed("name", "", n.Name, "email", "", n.Email, "role", "", n.Role.String())})
}

// List returns every member of staff, those who may sign in first, by name.
func List(ctx context.Context, q store.Querier) ([]User, error) {
	return store.All(ctx, q, scanUser, userColumns+` order by disabled_at nulls first, lower(name), id`)
}

// ByID returns a member of staff, or errs.NotFound.
func ByID(ctx context.Context, q store.Querier, user id.User) (User, error) {
	return one(store.All(ctx, q, scanUser, userColumns+` where id = $1`, int64(user)))
}

// ByEmail returns the member of staff with the address, written in any case,
// or errs.NotFound.
func ByEmail(ctx context.Context, q store.Querier, email string) (User, error) {
	return one(store.All(ctx, q, scanUser, userColumns+` where email_key = $1`, text.Fold(text.Line(email))))
}

// Count returns how many members of staff there are, disabled ones included.
func Count(ctx context.Context, q store.Querier) (int, error) {
	var n int
	err := q.QueryRow(ctx, `select count(*) from users`).Scan(&n)
	return n, err
}

// SetRole gives a member of staff another role. The last owner who may sign
// in stays one: errs.Invalid. A role above that of who gives it is
// errs.Forbidden.
func SetRole(ctx context.Context, tx *store.Tx, by, user id.User, role web.Role) error {
	if role < web.Viewer || role > web.Owner {
		return errs.Wrong("role", "users.wrong.role")
	}
	if err := mayGrant(ctx, tx, by, role); err != nil {
		return err
	}
	if role != web.Owner {
		if err := keepAnOwner(ctx, tx, user); err != nil {
			return err
		}
	}
	before, err := ByID(ctx, tx, user)
	if err != nil {
		return err
	}
	if err := update(ctx, tx, user, `role = $2`, role.String()); err != nil {
		return fmt.Errorf("change a role: %w", err)
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.changed", Subject: user.String(), Values: Changed("role", before.Role.String(), role.String())})
}

// mayGrant refuses a role above that of who gives it; the command line and the
// other system by which staff sign in (by is 0) may give any.
func mayGrant(ctx context.Context, q store.Querier, by id.User, role web.Role) error {
	if by == 0 {
		return nil
	}
	giver, err := ByID(ctx, q, by)
	if err == nil && giver.Role < role {
		err = errs.Of(errs.Forbidden, nil, "users.wrong.role-above")
	}
	return err
}

// Disable signs a member of staff out everywhere and lets them in no more.
// The last owner who may sign in cannot be disabled: errs.Invalid. Disabling
// twice is the same as once.
func Disable(ctx context.Context, tx *store.Tx, by, user id.User) error {
	if err := keepAnOwner(ctx, tx, user); err != nil {
		return err
	}
	if err := update(ctx, tx, user, `disabled_at = coalesce(disabled_at, $2)`, tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("disable a member of staff: %w", err)
	}
	if err := SignOutEverywhere(ctx, tx, user, ""); err != nil {
		return err
	}
	if err := takeBackLinks(ctx, tx, user); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.disabled", Subject: user.String()})
}

// Enable lets a disabled member of staff sign in again.
func Enable(ctx context.Context, tx *store.Tx, by, user id.User) error {
	if err := update(ctx, tx, user, `disabled_at = null`); err != nil {
		return fmt.Errorf("enable a member of staff: %w", err)
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.enabled", Subject: user.String()})
}

// SetPassword gives a member of staff another password, takes back links sent
// to choose one, and ends their sessions but the one of the token keep.
func SetPassword(ctx context.Context, tx *store.Tx, by, user id.User, p Password, keep string) error {
	if p.hash == "" {
		return errs.Wrong("password", "users.wrong.password")
	}
	if err := update(ctx, tx, user, `password_hash = $2`, p.hash); err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	if err := SignOutEverywhere(ctx, tx, user, keep); err != nil {
		return err
	}
	if err := takeBackLinks(ctx, tx, user); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{By: by, Action: "user.changed", Subject: user.String(), Fields: []string{"password"}})
}

// Preferences are what a member of staff chooses for themselves. Empty means
// as the browser, the system and the business have it.
type Preferences struct {
	Name, Language, Theme, Zone string
}

// Prefer keeps a member's own choices.
func Prefer(ctx context.Context, tx *store.Tx, user id.User, p Preferences) error {
	p.Name = text.Line(p.Name)
	if err := checkName(p.Name); err != nil {
		return err
	}
	if p.Theme != "" && p.Theme != "light" && p.Theme != "dark" {
		return errs.Wrong("theme", "users.wrong.theme")
	}
	if _, err := time.LoadLocation(p.Zone); err != nil {
		return errs.Wrong("zone", "users.wrong.zone")
	}
	before, err := ByID(ctx, tx, user)
	if err != nil {
		return err
	}
	if err := update(ctx, tx, user, `name = $2, language = $3, theme = $4, zone = $5`, p.Name, p.Language, p.Theme, p.Zone); err != nil {
		return fmt.Errorf("keep preferences: %w", err)
	}
	changed := Changed("name", before.Name, p.Name, "language", before.Language, p.Language, "theme", before.Theme, p.Theme, "zone", before.Zone, p.Zone)
	if len(changed) == 0 {
		return nil
	}
	return Audit(ctx, tx, Change{By: user, Action: "user.changed", Subject: user.String(), Values: changed})
}

// keepAnOwner fails unless an owner who may sign in is left beside user. It
// locks all owners, so that two of them cannot remove each other.
func keepAnOwner(ctx context.Context, tx *store.Tx, user id.User) error {
	if _, err := tx.Exec(ctx, `update users set version = version + 1 where role = 'owner'`); err != nil {
		return fmt.Errorf("lock the owners: %w", err)
	}
	var others, is int
	err := tx.QueryRow(ctx, `
		select count(*) filter (where id <> $1), count(*) filter (where id = $1) from users
		where role = 'owner' and disabled_at is null`, int64(user)).Scan(&others, &is)
	if err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if is == 1 && others == 0 {
		return errs.Wrong("role", "users.wrong.last-owner")
	}
	return nil
}

// update changes columns of one user; set names them from $2 on.
func update(ctx context.Context, tx *store.Tx, user id.User, set string, args ...any) error {
	n, err := tx.Exec(ctx, `update users set version = version + 1, `+set+` where id = $1`, append([]any{int64(user)}, args...)...)
	if err == nil && n == 0 {
		err = errNoUser
	}
	return err
}

var errNoUser = errs.Missing("users.wrong.gone")

const userColumns = `
	select id, name, email, role, language, theme, zone, password_hash <> '',
		password_hash <> '' or exists (select 1 from user_passkeys where user_id = users.id) or exists (select 1 from user_identities where user_id = users.id),
		created_at, signed_in_at, disabled_at
	from users`

func scanUser(rows *sql.Rows) (User, error) {
	var u User
	var role string
	var created int64
	var signedIn, disabled sql.NullInt64
	err := rows.Scan(&u.ID, &u.Name, &u.Email, &role, &u.Language, &u.Theme, &u.Zone, &u.HasPassword, &u.HasWay, &created, &signedIn, &disabled)
	if err != nil {
		return u, err
	}
	u.CreatedAt = time.UnixMicro(created).UTC()
	u.SignedInAt, u.DisabledAt = nullTime(signedIn), nullTime(disabled)
	u.Role, err = web.ParseRole(role)
	return u, err
}

func nullTime(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

func one(found []User, err error) (User, error) {
	if err != nil {
		return User{}, fmt.Errorf("read a member of staff: %w", err)
	}
	if len(found) == 0 {
		return User{}, errNoUser
	}
	return found[0], nil
}

func checkName(name string) error {
	if name == "" {
		return errs.Wrong("name", "users.wrong.name")
	}
	if utf8.RuneCountInString(name) > maxName {
		return errs.Wrong("name", "users.wrong.name-long", "Max", maxName)
	}
	return nil
}

func checkEmail(email string) error {
	a, err := mail.ParseAddress(email)
	if err == nil && (a.Address != email || len(email) > maxEmail || !strings.Contains(email[strings.LastIndex(email, "@"):], ".")) {
		err = errors.New("more than an address")
	}
	if err != nil {
		return errs.Wrong("email", "users.wrong.email")
	}
	return nil
}
