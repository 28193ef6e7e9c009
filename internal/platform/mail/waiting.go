package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Failure is why a letter has not gone out.
type Failure struct {
	Reason error // of errs
	At     time.Time
	Final  bool // it is not tried again
}

// Failures reads why letters that say what they are about have not gone out,
// by that. Those that were not yet tried are not among them.
func Failures(ctx context.Context, q store.Querier) (map[string]Failure, error) {
	type named struct {
		about string
		Failure
	}
	all, err := store.All(ctx, q, func(rows *sql.Rows) (n named, err error) {
		var reason string
		var at int64
		err = rows.Scan(&n.about, &reason, &at)
		n.Reason, n.At = errs.Unpack(reason), time.UnixMicro(at).UTC()
		n.Final = errs.Is(n.Reason, errs.Invalid)
		return n, err
	}, `select about, failure, failed_at from mail_letters where about <> '' and failed_at is not null`)
	if err != nil {
		return nil, fmt.Errorf("read which letters have not gone out: %w", err)
	}
	failures := map[string]Failure{}
	for _, n := range all {
		failures[n.about] = n.Failure
	}
	return failures, nil
}

// TakeBack forgets the letter about something, unless it has gone out: what it
// says holds no more.
func TakeBack(ctx context.Context, tx *store.Tx, about string) error {
	if _, err := tx.Exec(ctx, `delete from mail_letters where about = $1 and about <> ''`, about); err != nil {
		return fmt.Errorf("take back a letter: %w", err)
	}
	return nil
}

func noteFailure(ctx context.Context, tx *store.Tx, letter int64, failed error) error {
	_, err := tx.Exec(ctx, `update mail_letters set failure = $1, failed_at = $2 where id = $3`, errs.Pack(failed), tx.Now.UnixMicro(), letter)
	if err != nil {
		return fmt.Errorf("note why a letter has not gone out: %w", err)
	}
	return nil
}

// unavailable says in plain words what is wrong with the server, by its error;
// said is what the log has of it.
func unavailable(err, said error) error {
	var refused *gomail.SendError
	var answer *textproto.Error
	var name *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var other tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.As(err, &refused):
		return errs.Of(errs.Unavailable, said, "mail.failed.later")
	case errors.As(err, &answer) && (answer.Code == 530 || answer.Code == 534 || answer.Code == 535):
		return errs.Of(errs.Unavailable, said, "mail.failed.sign-in")
	case errors.As(err, &name):
		return errs.Of(errs.Unavailable, said, "mail.failed.name")
	case errors.As(err, &untrusted), errors.As(err, &authority), errors.As(err, &other):
		return errs.Of(errs.Unavailable, said, "mail.failed.encryption")
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return errs.Of(errs.Unavailable, said, "mail.failed.answer")
	}
	return errs.Of(errs.Unavailable, said, "mail.failed.other")
}
