package importers

import (
	"context"
	"errors"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

const (
	runJob  = "imports.run"
	undoJob = "imports.undo"
	tidyJob = "imports.tidy"
)

type importArgs struct {
	Import id.Import `json:"import"`
}

// Jobs is the background work of imports. tables are those of all modules:
// what an import brought of a customer may stand in any of them.
func Jobs(db *store.DB, tables []customers.Table) []jobs.Kind {
	w := worker{db, tables}
	return []jobs.Kind{
		{Name: runJob, Do: w.run},
		{Name: undoJob, Do: w.undo},
		{Name: tidyJob, Next: nightly, Do: func(ctx context.Context, _ *jobs.Job) error { return tidy(ctx, db) }},
	}
}

// nightly is the next time that the clocks show 03:20 in UTC.
func nightly(after time.Time) time.Time {
	after = after.UTC()
	next := time.Date(after.Year(), after.Month(), after.Day(), 3, 20, 0, 0, time.UTC)
	if !next.After(after) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

// Start lets the background work bring an uploaded file in, from where it
// stopped. One that is running or in already is errs.Conflict.
func Start(ctx context.Context, tx *store.Tx, by id.User, i id.Import) error {
	if err := setState(ctx, tx, i, Running, Waiting, Failed, Stopped); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update imports set finished_at = null where id = $1`, int64(i)); err != nil {
		return err
	}
	if err := users.Audit(ctx, tx, users.Change{By: by, Action: "import.started", Subject: i.String()}); err != nil {
		return err
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: runJob, Args: importArgs{i}, Key: i.String()})
}

// Stop halts a running import; what is in stays, and Start goes on with it.
func Stop(ctx context.Context, tx *store.Tx, by id.User, i id.Import) error {
	if err := setState(ctx, tx, i, Stopped, Running); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update imports set finished_at = $1 where id = $2`, tx.Now.UnixMicro(), int64(i)); err != nil {
		return err
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "import.stopped", Subject: i.String()})
}

type worker struct {
	db     *store.DB
	tables []customers.Table
}

// run brings a file in. It is done when somebody stopped the import or the
// file turned out to be at fault, which the import says itself.
func (w worker) run(ctx context.Context, job *jobs.Job) error {
	var args importArgs
	if err := job.Args(&args); err != nil {
		return err
	}
	for {
		im, err := ByID(ctx, w.db, args.Import)
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if im.State == Complete {
			return dropFile(ctx, w.db, im.ID)
		}
		if im.State != Running {
			return nil
		}
		open := func(ctx context.Context) (*sheet.Reader, error) { return openSpooled(ctx, w.db, im) }
		err = Run(ctx, w.db, im.ID, open, nil)
		switch {
		case errors.Is(err, errElsewhere) && ctx.Err() == nil:
			// Stopped, or a late worker holds on until its lease is missed:
			// look again.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		case err != nil && (ctx.Err() != nil || errs.Is(err, errs.Internal)):
			return err
		}
	}
}
