package mail

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

const passwordPurpose = "mail password"

// Load reads the settings as the owner chose them, the password included; the
// zero Settings when nobody has. A password sealed with a lost key is empty.
func Load(ctx context.Context, db *store.DB) (Settings, error) {
	var s Settings
	var sealed []byte
	err := db.QueryRow(ctx, `select host, port, security, login, password, from_address, from_name, url from mail_settings where id = 1`).
		Scan(&s.Host, &s.Port, &s.Security, &s.User, &sealed, &s.From, &s.FromName, &s.URL)
	if errors.Is(err, sql.ErrNoRows) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read how mail goes out: %w", err)
	}
	if len(sealed) > 0 {
		plain, err := db.Unseal(passwordPurpose, sealed)
		if err == nil {
			s.Password = string(plain)
		}
	}
	return s, nil
}

// Current is what mail goes out with: what the program was told at its start,
// or else what the owner chose.
func Current(ctx context.Context, db *store.DB, told Settings) (Settings, error) {
	if told.Host != "" {
		return told, nil
	}
	s, err := Load(ctx, db)
	if told.URL != "" {
		s.URL = told.URL
	}
	return s, err
}

// Save keeps the settings; who may and the line in the audit log are its
// caller's. What cannot be is errs.Invalid with its field.
func Save(ctx context.Context, tx *store.Tx, s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	sealed := []byte{}
	if s.Password != "" {
		sealed = tx.Seal(passwordPurpose, []byte(s.Password))
	}
	_, err := tx.Exec(ctx, `
		insert into mail_settings (id, host, port, security, login, password, from_address, from_name, url, changed_at)
		values (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (id) do update set host = excluded.host, port = excluded.port, security = excluded.security, login = excluded.login,
			password = excluded.password, from_address = excluded.from_address, from_name = excluded.from_name, url = excluded.url,
			changed_at = excluded.changed_at`,
		s.Host, s.Port, s.Security, s.User, sealed, s.From, s.FromName, s.URL, tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep how mail goes out: %w", err)
	}
	return nil
}

func (s *Settings) check() error {
	s.Host, s.From, s.FromName, s.URL = text.Line(s.Host), text.Line(s.From), text.Line(s.FromName), strings.TrimRight(text.Line(s.URL), "/")
	switch {
	case s.Host != "" && (strings.ContainsAny(s.Host, " /@") || len(s.Host) > 253):
		return errs.Wrong("host", "mail.host.wrong")
	case s.Port < 0 || s.Port > 65535:
		return errs.Wrong("port", "mail.port.wrong")
	case !slices.Contains(Securities, s.Security):
		return errs.Wrong("security", "mail.security.wrong")
	}
	if a, err := netmail.ParseAddress(s.From); s.Host != "" && (err != nil || a.Address != s.From) {
		return errs.Wrong("from", "mail.from.wrong")
	}
	if u, err := url.Parse(s.URL); s.Host != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "") {
		return errs.Wrong("url", "mail.url.wrong")
	}
	return nil
}

// Last is how the last try to send went.
type Last struct {
	At    time.Time // zero: none yet
	Error string    // empty: the letter went out
}

// LastTry reads how the last try to send went.
func LastTry(ctx context.Context, q store.Querier) (Last, error) {
	var l Last
	var at int64
	err := q.QueryRow(ctx, `select tried_at, failure from mail_state where id = 1`).Scan(&at, &l.Error)
	if errors.Is(err, sql.ErrNoRows) {
		return Last{}, nil
	}
	l.At = time.UnixMicro(at).UTC()
	return l, err
}
