// Package backup copies the database into one file, on a schedule and at the
// command line, and puts such a file back.
//
// Its one rule: nothing is replaced before everything that replaces it was
// proved, and who was erased stays erased: erasures are listed beside the
// backups, by ids alone, and applied again to what is restored.
package backup

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
)

// Setup is what the program is told at its start.
type Setup struct {
	Folder     string // for the schedule; empty: "backups" beside the SQLite file
	Passphrase string // locks scheduled backups; overrules the page
	Recipient  string // the same, an age key
	Version    string // of the program
	Known      int    // the newest schema it knows
	Tables     []customers.Table
}

// In is the folder of the scheduled backups: empty on PostgreSQL unless one was
// named.
func (s Setup) In(db *store.DB) string {
	if s.Folder == "" && db.Embedded() {
		return filepath.Join(filepath.Dir(db.Name()), "backups")
	}
	return s.Folder
}

// Settings say when backups are made and how many are kept.
type Settings struct {
	On        bool
	Hour      int // of the business's day
	Daily     int // kept: of so many days,
	Weekly    int // weeks,
	Monthly   int // and months the last one
	Recipient string
	Locked    bool // a passphrase was given on the page
	sealed    []byte
}

// Usual holds until somebody chooses.
var Usual = Settings{On: true, Hour: 3, Daily: 7, Weekly: 4, Monthly: 12}

// Last is what became of the backup that was tried last.
type Last struct {
	At      time.Time // of the last that succeeded; zero: none
	Day     string    // the business's day of it
	File    string
	Bytes   int64
	Trouble string    // why the last try failed; empty: it did not
	TriedAt time.Time // zero: never
}

// Load reads the settings and what became of the last backup.
func Load(ctx context.Context, q store.Querier) (Settings, Last, error) {
	s, last := Usual, Last{}
	var at, tried sql.NullInt64
	err := q.QueryRow(ctx, `
		select switched_on, hour, keep_daily, keep_weekly, keep_monthly, recipient, passphrase,
		       last_at, last_day, last_file, last_bytes, trouble, tried_at
		from backups where id = 1`).Scan(&s.On, &s.Hour, &s.Daily, &s.Weekly, &s.Monthly, &s.Recipient, &s.sealed,
		&at, &last.Day, &last.File, &last.Bytes, &last.Trouble, &tried)
	if errors.Is(err, sql.ErrNoRows) {
		return Usual, Last{}, nil
	}
	if err != nil {
		return s, last, fmt.Errorf("read the settings of backups: %w", err)
	}
	s.Locked = len(s.sealed) > 0
	if at.Valid {
		last.At = time.UnixMicro(at.Int64).UTC()
	}
	if tried.Valid {
		last.TriedAt = time.UnixMicro(tried.Int64).UTC()
	}
	return s, last, nil
}

const purpose = "backup passphrase"

// Save keeps the settings. An empty passphrase keeps the one that was given
// before, unless Locked is false; a key and a passphrase at once are
// errs.Invalid.
func Save(ctx context.Context, tx *store.Tx, by id.User, s Settings, passphrase string) error {
	before, _, err := Load(ctx, tx)
	if err != nil {
		return err
	}
	sealed := before.sealed
	switch {
	case passphrase != "":
		sealed = tx.Seal(purpose, []byte(passphrase))
	case !s.Locked:
		sealed = nil
	}
	s.Recipient = text.Line(s.Recipient)
	key := Key{Recipient: s.Recipient}
	if len(sealed) > 0 {
		key.Passphrase = "given"
	}
	if _, err := key.recipients(); err != nil {
		return errs.In("recipient", err)
	}
	if s.Daily+s.Weekly+s.Monthly == 0 {
		return errs.Wrong("daily", "backup.keep.none")
	}
	if _, err := tx.Exec(ctx, `
		insert into backups (id, switched_on, hour, keep_daily, keep_weekly, keep_monthly, recipient, passphrase,
			last_at, last_day, last_file, last_bytes, trouble, tried_at)
		values (1, $1, $2, $3, $4, $5, $6, $7, null, '', '', 0, '', null)
		on conflict (id) do update set switched_on = excluded.switched_on, hour = excluded.hour, keep_daily = excluded.keep_daily,
			keep_weekly = excluded.keep_weekly, keep_monthly = excluded.keep_monthly, recipient = excluded.recipient, passphrase = excluded.passphrase`,
		s.On, s.Hour, s.Daily, s.Weekly, s.Monthly, s.Recipient, sealed); err != nil {
		return fmt.Errorf("save the settings of backups: %w", err)
	}
	changed := users.Changed("schedule", fmt.Sprint(before.On, before.Hour), fmt.Sprint(s.On, s.Hour),
		"kept", fmt.Sprint(before.Daily, before.Weekly, before.Monthly), fmt.Sprint(s.Daily, s.Weekly, s.Monthly),
		"recipient", before.Recipient, s.Recipient)
	var secret []string // its name alone
	if !bytes.Equal(before.sealed, sealed) {
		secret = []string{"passphrase"}
	}
	if len(changed)+len(secret) == 0 {
		return nil
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "backup.changed", Fields: secret, Values: changed})
}

// key is with what scheduled backups are locked.
func (s Settings) key(db *store.DB, setup Setup) (Key, error) {
	if setup.Passphrase != "" || setup.Recipient != "" {
		return Key{Passphrase: setup.Passphrase, Recipient: setup.Recipient}, nil
	}
	k := Key{Recipient: s.Recipient}
	if s.Locked {
		plain, err := db.Unseal(purpose, s.sealed)
		if err != nil {
			return k, errs.Of(errs.Unavailable, err, "backup.key.sealed")
		}
		k.Passphrase = string(plain)
	}
	return k, nil
}

// note keeps what became of a try.
func note(ctx context.Context, tx *store.Tx, made Made, day, trouble string) error {
	if _, err := tx.Exec(ctx, `
		insert into backups (id, switched_on, hour, keep_daily, keep_weekly, keep_monthly, recipient, passphrase,
			last_at, last_day, last_file, last_bytes, trouble, tried_at)
		values (1, $1, $2, $3, $4, $5, '', null, null, '', '', 0, $6, $7)
		on conflict (id) do update set trouble = excluded.trouble, tried_at = excluded.tried_at`,
		Usual.On, Usual.Hour, Usual.Daily, Usual.Weekly, Usual.Monthly, trouble, tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("note a backup: %w", err)
	}
	if trouble != "" {
		return nil
	}
	if _, err := tx.Exec(ctx, `update backups set last_at = $1, last_day = $2, last_file = $3, last_bytes = $4 where id = 1`,
		tx.Now.UnixMicro(), day, made.File, made.Bytes); err != nil {
		return fmt.Errorf("note a backup: %w", err)
	}
	return nil
}

// stamp is how a file's name tells its time.
const stamp = "20060102-150405"

// Name is the name of a backup of a database, made at a time.
func Name(db *store.DB, at time.Time, key Key) string {
	name := stem(db.Name()) + "-" + at.UTC().Format(stamp) + ".tar.zst"
	if key.Passphrase != "" || key.Recipient != "" {
		name += ".age"
	}
	return name
}

// stem is the database's name without folder and ending; a server's is the
// name of its database.
func stem(name string) string {
	if i := strings.Index(name, "://"); i >= 0 {
		name, _, _ = strings.Cut(name[i:], "?")
	}
	base := filepath.Base(name)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
