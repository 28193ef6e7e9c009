package users

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Passkey is one of a member's passkeys as they see it.
type Passkey struct {
	ID        int64
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // zero: not yet
}

const maxPasskeys = 20

// Passkeys lists the passkeys of a member of staff, the oldest first.
func Passkeys(ctx context.Context, q store.Querier, user id.User) ([]Passkey, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (p Passkey, err error) {
		var created int64
		var used sql.NullInt64
		err = rows.Scan(&p.ID, &p.Name, &created, &used)
		p.CreatedAt, p.UsedAt = time.UnixMicro(created).UTC(), nullTime(used)
		return p, err
	}, `select id, name, created_at, used_at from user_passkeys where user_id = $1 order by id`, int64(user))
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return all, nil
}

// RenamePasskey gives a passkey of the user another name.
func RenamePasskey(ctx context.Context, tx *store.Tx, user id.User, passkey int64, name string) error {
	name = text.Line(name)
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return errs.Wrong("name", "users.wrong.passkey-name", "Max", maxName)
	}
	var was string
	err := tx.QueryRow(ctx, `select name from user_passkeys where id = $1 and user_id = $2`, passkey, int64(user)).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		return errs.Missing("users.wrong.passkey-gone")
	}
	if err == nil {
		_, err = tx.Exec(ctx, `update user_passkeys set name = $1 where id = $2 and user_id = $3`, name, passkey, int64(user))
	}
	if err != nil {
		return fmt.Errorf("rename a passkey: %w", err)
	}
	return Audit(ctx, tx, Change{By: user, Action: "user.factor_renamed", Subject: user.String(), Values: Changed("passkey", was, name)})
}

// RemovePasskey lets a passkey of the user go, and with the last factor the
// recovery codes.
func RemovePasskey(ctx context.Context, tx *store.Tx, user id.User, passkey int64) error {
	n, err := tx.Exec(ctx, `delete from user_passkeys where id = $1 and user_id = $2`, passkey, int64(user))
	if err != nil {
		return fmt.Errorf("let a passkey go: %w", err)
	}
	if n == 0 {
		return errs.Missing("users.wrong.passkey-gone")
	}
	if err := dropLooseCodes(ctx, tx, user); err != nil {
		return err
	}
	return Audit(ctx, tx, Change{By: user, Action: "user.factor_removed", Subject: user.String(), Fields: []string{"passkey"}})
}

// holder is a member of staff as a passkey knows them.
type holder struct {
	User
	keys []webauthn.Credential
}

// WebAuthnID is the user's id in bytes, by which a passkey finds its person.
func (h holder) WebAuthnID() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(h.ID))
}

// WebAuthnName is what the device shows beside the key.
func (h holder) WebAuthnName() string { return h.Email }

// WebAuthnDisplayName is the same for people.
func (h holder) WebAuthnDisplayName() string { return h.Name }

// WebAuthnCredentials are the keys the user has.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func holderOf(ctx context.Context, q store.Querier, user id.User) (h holder, err error) {
	if h.User, err = ByID(ctx, q, user); err != nil {
		return h, err
	}
	h.keys, err = store.All(ctx, q, func(rows *sql.Rows) (c webauthn.Credential, err error) {
		var stored string
		if err = rows.Scan(&stored); err == nil {
			err = json.Unmarshal([]byte(stored), &c)
		}
		return c, err
	}, `select credential from user_passkeys where user_id = $1 order by id`, int64(user))
	return h, err
}

// House is whom passkeys are made for: the business, at its address.
type House struct {
	Name    string
	Address string // https://shop.example
}

// party is the house as passkeys know it. An address that is no name cannot
// have any.
func (h House) party() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(h.Address)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return nil, errs.Wrong("", "users.wrong.passkey-host")
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: h.Name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, errs.Of(errs.Invalid, err, "users.wrong.passkey-host")
	}
	return w, nil
}

// Ceremony is what the browser is asked and what its answer is held to.
type Ceremony struct {
	Options string // JSON for navigator.credentials
	Ticket  string
}

const (
	ceremonyFor = 30 * time.Minute
	makePurpose = "passkey made"
	showPurpose = "passkey shown"
)

func ceremony(db *store.DB, purpose string, options any, session *webauthn.SessionData) (c Ceremony, err error) {
	b, err := json.Marshal(options)
	if err != nil {
		return c, fmt.Errorf("ask for a passkey: %w", err)
	}
	c.Options = string(b)
	c.Ticket, err = seal(db, purpose, db.Now().Add(ceremonyFor), *session)
	return c, err
}

// AskNewPasskey begins the making of a passkey.
func AskNewPasskey(ctx context.Context, db *store.DB, house House, user id.User) (c Ceremony, err error) {
	w, err := house.party()
	if err != nil {
		return c, err
	}
	h, err := holderOf(ctx, db, user)
	if err != nil {
		return c, err
	}
	var known []protocol.CredentialDescriptor
	for _, k := range h.keys {
		known = append(known, k.Descriptor())
	}
	creation, session, err := w.BeginRegistration(h, webauthn.WithExclusions(known))
	if err != nil {
		return c, fmt.Errorf("ask for a passkey: %w", err)
	}
	return ceremony(db, makePurpose, creation.Response, session)
}

// AddPasskey keeps the passkey that the browser made, under a name.
func AddPasskey(ctx context.Context, db *store.DB, house House, user id.User, c Ceremony, answer, name string) error {
	session, err := unseal[webauthn.SessionData](db, makePurpose, c.Ticket)
	if err != nil {
		return err
	}
	w, err := house.party()
	if err != nil {
		return err
	}
	h, err := holderOf(ctx, db, user)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return errs.Of(errs.Invalid, err, "users.wrong.passkey")
	}
	made, err := w.CreateCredential(h, session, parsed)
	if err != nil {
		return errs.Of(errs.Invalid, err, "users.wrong.passkey")
	}
	stored, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	if name = text.Line(name); name == "" {
		name = "Passkey"
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := useOnce(ctx, tx, c.Ticket); err != nil {
			return err
		}
		if len(h.keys) >= maxPasskeys {
			return errs.Wrong("", "users.wrong.passkeys", "Max", maxPasskeys)
		}
		n, err := tx.Exec(ctx, `
			insert into user_passkeys (id, user_id, handle, credential, name, created_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (handle) do nothing`,
			tx.NewID(), int64(user), handleOf(made.ID), string(stored), text.Short(name, maxName), tx.Now.UnixMicro())
		if err != nil {
			return fmt.Errorf("keep a passkey: %w", err)
		}
		if n == 0 {
			return errs.Wrong("", "users.wrong.passkey")
		}
		return Audit(ctx, tx, Change{By: user, Action: "user.factor_added", Subject: user.String(), Values: Changed("passkey", "", name)})
	})
}

func handleOf(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// AskPasskey asks the browser for any passkey of this house: nobody types a
// name.
func AskPasskey(db *store.DB, house House) (c Ceremony, err error) {
	w, err := house.party()
	if err != nil {
		return c, err
	}
	assertion, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return c, fmt.Errorf("ask for a passkey: %w", err)
	}
	return ceremony(db, showPurpose, assertion.Response, session)
}

// SignInByPasskey signs in whose passkey the browser showed. What does not fit
// is errs.Invalid, too many tries from an address *TooMany.
func SignInByPasskey(ctx context.Context, db *store.DB, house House, c Ceremony, answer string, t Try) (token string, err error) {
	if err := db.Tx(ctx, func(tx *store.Tx) error { return count(ctx, tx, "passkey:"+t.Address, tryPasskey) }); err != nil {
		return "", err
	}
	err = showPasskey(ctx, db, house, c, answer, func(tx *store.Tx, user id.User) error {
		if err := forgive(ctx, tx, "passkey:"+t.Address); err != nil {
			return err
		}
		token, err = begin(ctx, tx, entry{user: user, device: t.Device, way: ByPasskey, started: t.Started})
		return err
	})
	return token, err
}

// showPasskey checks the browser's answer, and if it is right does what was
// asked for.
func showPasskey(ctx context.Context, db *store.DB, house House, c Ceremony, answer string, then func(tx *store.Tx, user id.User) error) error {
	session, err := unseal[webauthn.SessionData](db, showPurpose, c.Ticket)
	if err != nil {
		return err
	}
	w, err := house.party()
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return errs.Of(errs.Invalid, err, "users.wrong.passkey")
	}
	var found holder
	_, shown, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != 8 {
			return nil, errNoUser
		}
		found, err = holderOf(ctx, db, id.User(binary.BigEndian.Uint64(handle)))
		return found, err
	}, session, parsed)
	if err != nil || shown.Authenticator.CloneWarning {
		return errs.Of(errs.Invalid, err, "users.wrong.passkey")
	}
	stored, err := json.Marshal(shown)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := useOnce(ctx, tx, c.Ticket); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `
			update user_passkeys set credential = $1, used_at = $2 where handle = $3 and user_id = $4
				and exists (select 1 from users where id = $4 and disabled_at is null)`,
			string(stored), tx.Now.UnixMicro(), handleOf(shown.ID), int64(found.ID))
		if err != nil {
			return fmt.Errorf("use a passkey: %w", err)
		}
		if n == 0 {
			return errs.Wrong("", "users.wrong.passkey")
		}
		return then(tx, found.ID)
	})
}
