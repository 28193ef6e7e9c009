package mail

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const (
	sendJob       = "mail.send"
	letterPurpose = "mail letter"
	// triedFor is how long a letter may still go out: the links in it have
	// ended by then.
	triedFor = 3 * 24 * time.Hour
	// keptFor is how long it can be seen that one has not.
	keptFor = 30 * 24 * time.Hour
)

// roots, in tests, trusts a test's own mail server.
var roots func(host string) *tls.Config

type sendArgs struct {
	Letter int64 `json:"letter"`
}

// Post puts a letter into the transaction that makes it necessary; it goes out
// as soon as that is committed. Who posts has found mail set up.
func Post(ctx context.Context, tx *store.Tx, l Letter) error {
	body, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("post a letter: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from mail_letters where posted_at <= $1`, tx.Now.Add(-keptFor).UnixMicro()); err != nil {
		return fmt.Errorf("tidy letters: %w", err)
	}
	if err := TakeBack(ctx, tx, l.About); err != nil {
		return err
	}
	letter := tx.NewID()
	_, err = tx.Exec(ctx, `insert into mail_letters (id, body, posted_at, about, failure) values ($1, $2, $3, $4, '')`,
		letter, tx.Seal(letterPurpose, body), tx.Now.UnixMicro(), l.About)
	if err != nil {
		return fmt.Errorf("post a letter: %w", err)
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: sendJob, Args: sendArgs{letter}})
}

// Jobs is this module's background work. Told are the settings of the
// program's start; without a host those of the settings page hold.
func Jobs(db *store.DB, told Settings) []jobs.Kind {
	return []jobs.Kind{{Name: sendJob, Outward: true, Lease: 2 * timeout, Do: func(ctx context.Context, job *jobs.Job) error {
		var a sendArgs
		if err := job.Args(&a); err != nil {
			return err
		}
		return deliver(ctx, db, told, job, a.Letter)
	}}}
}

// deliver sends a letter and forgets it. Should the program die in between,
// the letter goes out twice, which is better than never.
func deliver(ctx context.Context, db *store.DB, told Settings, job *jobs.Job, letter int64) error {
	l, err := read(ctx, db, letter)
	if err != nil || l == nil {
		return err
	}
	s, err := Current(ctx, db, told)
	if err != nil {
		return err
	}
	failed := errs.Of(errs.Unavailable, nil, "mail.none")
	if s.Ready() {
		failed = Send(ctx, s, *l)
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if s.Ready() {
			if err := noteTry(ctx, tx, failed); err != nil {
				return err
			}
		}
		if failed != nil {
			return noteFailure(ctx, tx, letter, failed)
		}
		if _, err := tx.Exec(ctx, `delete from mail_letters where id = $1`, letter); err != nil {
			return fmt.Errorf("forget a letter: %w", err)
		}
		return job.Done(ctx, tx)
	})
	if errs.Is(failed, errs.Invalid) {
		failed = jobs.Permanent(failed)
	}
	return errors.Join(failed, err)
}

// read returns a letter that waits; nil means it has gone out, was taken back,
// or is too old.
func read(ctx context.Context, db *store.DB, letter int64) (*Letter, error) {
	var sealed []byte
	err := db.QueryRow(ctx, `select body from mail_letters where id = $1 and posted_at > $2`, letter, db.Now().Add(-triedFor).UnixMicro()).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a letter: %w", err)
	}
	body, err := db.Unseal(letterPurpose, sealed)
	if err != nil {
		return nil, jobs.Permanent(fmt.Errorf("read a letter: %w", err))
	}
	l := &Letter{}
	return l, json.Unmarshal(body, l)
}

func noteTry(ctx context.Context, tx *store.Tx, failed error) error {
	failure := ""
	if cause := errors.Unwrap(failed); cause != nil { // what the server said
		failure = cause.Error()
	} else if failed != nil {
		failure = failed.Error()
	}
	_, err := tx.Exec(ctx, `
		insert into mail_state (id, tried_at, failure) values (1, $1, $2)
		on conflict (id) do update set tried_at = excluded.tried_at, failure = excluded.failure`, tx.Now.UnixMicro(), failure)
	if err != nil {
		return fmt.Errorf("note how sending went: %w", err)
	}
	return nil
}
