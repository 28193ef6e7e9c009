package app

import (
	"context"
	"fmt"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/backup"
	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
)

// backups is what the module of backups is told.
func (c Config) backups() backup.Setup {
	b := c.Backups
	b.Version, b.Tables = c.Version, Tables()
	b.Known, _ = store.Known(migrations.FS) // the store has opened with them
	return b
}

// Back writes a backup of the database into a file, or with an empty name into
// the folder of backups, without changing the database: also one that waits
// for an update.
func Back(ctx context.Context, c Config, file string, key backup.Key) (backup.Made, error) {
	db, err := store.Open(ctx, c.DB, store.Options{Clock: c.Clock})
	if err != nil {
		return backup.Made{}, err
	}
	defer db.Close()
	return backup.Keep(ctx, db, c.backups(), file, key)
}

// Restored says what a restore did.
type Restored struct {
	backup.Restored
	Erased int // who were erased again
}

// Restore puts a backup in the place of the database, brought up to date and
// with everybody erased again who had been erased since. list names a list of
// erasures that the program would not find by itself.
func Restore(ctx context.Context, c Config, file, list string, key backup.Key) (Restored, error) {
	var done Restored
	setup := c.backups()
	var err error
	done.Restored, err = backup.Restore(ctx, backup.Restoring{
		File: file, DB: c.DB, Known: setup.Known, Key: key, Now: c.now(),
		Prepare: func(ctx context.Context, path string, replaced store.Querier) error {
			erased, err := backup.Erasures(ctx, setup, c.DB, file, list, replaced)
			if err != nil {
				return err
			}
			done.Erased, err = c.prepare(ctx, path, erased)
			return err
		},
	})
	return done, err
}

// prepare opens a restored database, which brings its schema up to date, and
// erases again.
func (c Config) prepare(ctx context.Context, path string, erased []customers.Erasure) (int, error) {
	box, err := c.secrets() // of the database that it becomes, not of this path
	if err != nil {
		return 0, err
	}
	// Its secrets may have been sealed on another machine: that is said when it
	// is started, and no reason to be without the database.
	db, err := store.Open(ctx, path, store.Options{Migrations: migrations.FS, Clock: c.Clock, Exclusive: true, Secrets: box, AnyKey: true})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	n, err := customers.ReapplyErasures(ctx, db, Tables(), erased)
	if err != nil {
		return n, fmt.Errorf("erase again who was erased since the backup: %w", err)
	}
	return n, nil
}

// EraseAgain erases who stands in a list of erasures, after a restore that was
// done with the database's own tools.
func EraseAgain(ctx context.Context, a *App, list string) (int, error) {
	erased, err := backup.ReadErasures(list)
	if err != nil {
		return 0, err
	}
	return customers.ReapplyErasures(ctx, a.DB, Tables(), erased)
}
