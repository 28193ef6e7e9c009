package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"regulars/internal/platform/errs"
)

// Key is with what a backup is locked or opened. The zero Key locks nothing.
type Key struct {
	Passphrase string // locks and opens
	Recipient  string // locks: "age1…", the public half of an age key
	Identity   string // opens: the file with the other half
}

type recipients []age.Recipient

func (k Key) recipients() (all recipients, err error) {
	switch {
	case k.Passphrase != "" && k.Recipient != "":
		return nil, errs.Wrong("recipient", "backup.key.both")
	case k.Passphrase != "":
		r, err := age.NewScryptRecipient(k.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("take a passphrase: %w", err)
		}
		r.SetWorkFactor(workFactor)
		return recipients{r}, nil
	case k.Recipient != "":
		r, err := age.ParseX25519Recipient(strings.TrimSpace(k.Recipient))
		if err != nil {
			return nil, errs.Of(errs.Invalid, err, "backup.key.recipient")
		}
		return recipients{r}, nil
	}
	return nil, nil
}

// workFactor makes each guess at a passphrase cost about a second; tests take
// less.
var workFactor = 18

// encrypt lets write fill w, encrypted when there is somebody to encrypt for.
func (r recipients) encrypt(w io.Writer, write func(io.Writer) error) error {
	if len(r) == 0 {
		return write(w)
	}
	sealed, err := age.Encrypt(w, r...)
	if err != nil {
		return err
	}
	if err := write(sealed); err != nil {
		return err
	}
	return sealed.Close()
}

func (k Key) decrypt(in io.Reader, file string) (io.Reader, error) {
	var identities []age.Identity
	if k.Passphrase != "" {
		i, err := age.NewScryptIdentity(k.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("take a passphrase: %w", err)
		}
		identities = append(identities, i)
	}
	if k.Identity != "" {
		f, err := os.Open(k.Identity)
		if err != nil {
			return nil, errs.Of(errs.Invalid, err, "backup.key.identity", "File", k.Identity)
		}
		defer f.Close()
		all, err := age.ParseIdentities(f)
		if err != nil {
			return nil, errs.Of(errs.Invalid, err, "backup.key.identity", "File", k.Identity)
		}
		identities = append(identities, all...)
	}
	if len(identities) == 0 {
		return nil, errs.Wrong("passphrase", "backup.key.needed", "File", file)
	}
	plain, err := age.Decrypt(in, identities...)
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong):
		return nil, errs.Of(errs.Invalid, err, "backup.key.wrong", "File", file)
	case err != nil:
		return nil, errs.Of(errs.Invalid, err, "backup.damaged", "File", file)
	}
	return plain, nil
}
