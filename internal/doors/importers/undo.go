package importers

import (
	"context"
	"fmt"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// Undo takes an import back whole, in the background: its orders, what it
// changed in others, and the customers that nobody else knows of. What was
// before it is then as it was; a running import is stopped first. One that is
// undone already is errs.Conflict.
func Undo(ctx context.Context, tx *store.Tx, by id.User, i id.Import) error {
	if err := setState(ctx, tx, i, Undoing, Complete, Failed, Stopped, Running); err != nil {
		return err
	}
	if err := users.Audit(ctx, tx, users.Change{By: by, Action: "import.undone", Subject: i.String()}); err != nil {
		return err
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: undoJob, Args: importArgs{i}, Key: i.String()})
}

// Remove takes away an upload that nobody has started.
func Remove(ctx context.Context, db *store.DB, i id.Import, by id.User) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `delete from imports where id = $1 and state = 'waiting'`, int64(i))
		if err == nil && n == 0 {
			err = errs.Clash("", "importers.wrong.undo-instead")
		}
		if err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: by, Action: "import.removed", Subject: i.String()})
	})
	if err != nil {
		return err
	}
	return dropFile(ctx, db, i)
}

// undoSlice is how many orders, and how many customers, one transaction of
// undoing takes back while others wait for the writer.
const undoSlice = 30

func (w worker) undo(ctx context.Context, job *jobs.Job) error {
	var args importArgs
	if err := job.Args(&args); err != nil {
		return err
	}
	im, err := ByID(ctx, w.db, args.Import)
	if errs.Is(err, errs.NotFound) || err == nil && im.State != Undoing {
		return nil
	}
	if err != nil {
		return err
	}
	limit := max(undoSlice, w.db.SliceRows()/100)
	if err := inSlices(ctx, w.db, func(tx *store.Tx) (bool, error) {
		undone, err := orders.UndoImport(ctx, tx, im.ID, limit)
		if err != nil {
			return false, err
		}
		if err := facts.Mark(ctx, tx, undone.Customers...); err != nil {
			return false, err
		}
		return undone.More, scores.Mark(ctx, tx, undone.Customers...)
	}); err != nil {
		return fmt.Errorf("undo the orders of an import: %w", err)
	}
	if err := inSlices(ctx, w.db, func(tx *store.Tx) (bool, error) {
		return customers.UndoImport(ctx, tx, w.tables, im.ID, limit)
	}); err != nil {
		return fmt.Errorf("undo the customers of an import: %w", err)
	}
	if err := dropFile(ctx, w.db, im.ID); err != nil {
		return err
	}
	return w.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `delete from import_errors where import_id = $1`, int64(im.ID)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update imports set state = 'undone', finished_at = $1 where id = $2 and state = 'undoing'`,
			tx.Now.UnixMicro(), int64(im.ID)); err != nil {
			return err
		}
		if err := insights.Touch(ctx, tx); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}

// inSlices runs one transaction after the other until there is no more.
func inSlices(ctx context.Context, db *store.DB, one func(tx *store.Tx) (more bool, err error)) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			more, err = one(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
