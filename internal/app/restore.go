package app

import (
	"context"
	"fmt"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/backup"
	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
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
	Again
}

// Again is what was done to a database that was restored.
type Again struct {
	Erased int // who were erased again
	Held   int // letters and webhooks that waited, and wait for a person now
}

// Restore puts a backup in the place of the database, brought up to date and
// with everybody erased again who had been erased since, and what would go out
// a second time held. list names a list of
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
			done.Again, err = c.prepare(ctx, path, erased)
			return err
		},
	})
	return done, err
}

// prepare opens a restored database, which brings its schema up to date,
// erases again, and holds what would go out twice.
func (c Config) prepare(ctx context.Context, path string, erased []customers.Erasure) (Again, error) {
	box, err := c.secrets() // of the database that it becomes, not of this path
	if err != nil {
		return Again{}, err
	}
	// Its secrets may have been sealed on another machine: that is said when it
	// is started, and no reason to be without the database.
	db, err := store.Open(ctx, path, store.Options{Migrations: migrations.FS, Clock: c.Clock, Exclusive: true, Secrets: box, AnyKey: true})
	if err != nil {
		return Again{}, err
	}
	defer db.Close()
	m, err := modules(db, c)
	if err != nil {
		return Again{}, err
	}
	return again(ctx, db, m, erased)
}

// again holds what waited to go out when the backup was made, and erases who
// was erased since. What had happened and was not told on is told first, so
// that what comes of it is held too; where that fails, it is tried when the
// program runs, as ever.
func again(ctx context.Context, db *store.DB, m Modules, erased []customers.Erasure) (done Again, err error) {
	_ = jobs.Drain(ctx, db, timeline.Jobs(db, subscriptions()))
	err = db.Tx(ctx, func(tx *store.Tx) error {
		done.Held, err = jobs.Hold(ctx, tx, join(m.Jobs, m.Sending))
		return err
	})
	if err != nil {
		return done, err
	}
	if done.Erased, err = customers.ReapplyErasures(ctx, db, Tables(), erased); err != nil {
		return done, fmt.Errorf("erase again who was erased since the backup: %w", err)
	}
	return done, nil
}

// AfterRestore erases who stands in a list of erasures, and holds what would go
// out twice, after a restore that was done with the database's own tools.
func AfterRestore(ctx context.Context, a *App, list string) (Again, error) {
	erased, err := backup.ReadErasures(list)
	if err != nil {
		return Again{}, err
	}
	return again(ctx, a.DB, a.Modules, erased)
}
