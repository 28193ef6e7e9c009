package users

import (
	"context"
	"fmt"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
)

const (
	resetJob     = "users.reset"
	resetPurpose = "users reset"
)

// resetArgs are of somebody who forgot the password. The address is sealed, as
// it may be of anybody.
type resetArgs struct {
	Email []byte `json:"email"`
	Shop  string `json:"shop"`
}

// Jobs is this module's background work.
func Jobs(d Desk) []jobs.Kind {
	return []jobs.Kind{{Name: resetJob, Outward: true, Do: d.reset}}
}

// askReset asks for a letter with a link to choose a new password. It does the
// same for every address, so that the time it takes does not tell who works
// here; the job finds out.
func askReset(ctx context.Context, tx *store.Tx, email, shop string) error {
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: resetJob, Args: resetArgs{tx.Seal(resetPurpose, []byte(email)), shop}})
}

// reset posts the letter, if somebody works here under the address.
func (d Desk) reset(ctx context.Context, job *jobs.Job) error {
	var a resetArgs
	if err := job.Args(&a); err != nil {
		return err
	}
	email, err := d.DB.Unseal(resetPurpose, a.Email)
	if err != nil {
		return jobs.Permanent(fmt.Errorf("read who forgot the password: %w", err))
	}
	out, err := mail.Current(ctx, d.DB, d.Mail)
	if err != nil || !out.Ready() || out.URL == "" {
		return err
	}
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		u, err := ByEmail(ctx, tx, string(email))
		if errs.Is(err, errs.NotFound) || err == nil && !u.DisabledAt.IsZero() {
			return job.Done(ctx, tx)
		}
		if err != nil {
			return err
		}
		token, err := ResetLink(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if err := d.post(ctx, tx, u, letter{kind: letterReset, shop: a.Shop, link: out.URL + "/password/" + token}); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}
