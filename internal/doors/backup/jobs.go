package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

const (
	runJob      = "backup.run"
	erasuresJob = "backup.erasures"
	now         = "now" // the key of a backup that was asked for
)

// Subscription lists an erasure beside the backups as soon as it happens: the
// backups that are there know nothing of it.
var Subscription = timeline.Subscription{
	Name: "backup", Kinds: []string{"customer.erased"}, History: true,
	Handle: func(ctx context.Context, tx *store.Tx, _ []timeline.Event) error {
		return jobs.Enqueue(ctx, tx, jobs.New{Kind: erasuresJob, Key: erasuresJob})
	},
}

// Jobs is the background work of this module.
func Jobs(db *store.DB, setup Setup) []jobs.Kind {
	return []jobs.Kind{
		{Name: runJob, Next: everyHour, Lease: 2 * time.Minute, Do: func(ctx context.Context, job *jobs.Job) error {
			return run(ctx, db, setup, job.Key == now)
		}},
		{Name: erasuresJob, Do: func(ctx context.Context, _ *jobs.Job) error { return listErasures(ctx, db, setup) }},
	}
}

// everyHour is a while after the hour, when other schedules have begun.
func everyHour(after time.Time) time.Time {
	return after.Add(-5 * time.Minute).Truncate(time.Hour).Add(time.Hour + 5*time.Minute)
}

// Now asks for a backup at once.
func Now(ctx context.Context, tx *store.Tx) error {
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: runJob, Key: now})
}

func listErasures(ctx context.Context, db *store.DB, setup Setup) error {
	dir := setup.In(db)
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folderTrouble(err, dir)
	}
	return KeepErasures(ctx, db, ErasuresFile(dir, stem(db.Name())))
}

// run makes the day's backup once its hour has come, or one that was asked
// for, and removes those that need not be kept.
func run(ctx context.Context, db *store.DB, setup Setup, asked bool) error {
	if !db.Embedded() {
		return nil // a server has its own ways: docs/guide/backup.md
	}
	s, last, err := Load(ctx, db)
	if err != nil {
		return err
	}
	shop, err := workspace.Load(ctx, db)
	if err != nil {
		return err
	}
	local := db.Now().In(shop.Location())
	day := local.Format(time.DateOnly)
	if !asked && (!s.On || shop.Demo || last.Day == day || local.Hour() < s.Hour) {
		return nil
	}
	made, err := makeOne(ctx, db, setup, s, shop.Location())
	trouble := ""
	if err != nil {
		trouble = why(err)
	}
	return errors.Join(err, db.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error { return note(ctx, tx, made, day, trouble) }))
}

// why says in a word why a backup failed: there is a sentence for each.
func why(err error) string {
	var known *errs.Error
	if errors.As(err, &known) {
		switch known.Key {
		case "backup.full":
			return "full"
		case "backup.folder":
			return "folder"
		case "backup.key.sealed", "backup.key.recipient", "backup.key.both":
			return "key"
		}
	}
	return "other"
}

func makeOne(ctx context.Context, db *store.DB, setup Setup, s Settings, zone *time.Location) (made Made, err error) {
	dir, name := setup.In(db), stem(db.Name())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return made, folderTrouble(err, dir)
	}
	if err := sweep(dir, name, db.Now()); err != nil {
		return made, err
	}
	if err := KeepErasures(ctx, db, ErasuresFile(dir, name)); err != nil {
		return made, err
	}
	key, err := s.key(db, setup)
	if err != nil {
		return made, err
	}
	if made, err = Write(ctx, db, filepath.Join(dir, Name(db, db.Now(), key)), setup.Version, key); err != nil {
		return made, err
	}
	all, err := Folder(dir, name)
	if err != nil {
		return made, err
	}
	for _, k := range spare(all, s, zone) {
		if err := os.Remove(k.File); err != nil {
			return made, fmt.Errorf("remove an old backup: %w", err)
		}
	}
	return made, nil
}

func folderTrouble(err error, dir string) error {
	return errs.Of(errs.Unavailable, err, "backup.folder", "Folder", dir)
}

// Keep writes a backup that was asked for at the command line: into a file, or
// with an empty name into the folder of backups; the erasures are listed
// beside it. The key overrules the page's.
func Keep(ctx context.Context, db *store.DB, setup Setup, file string, key Key) (Made, error) {
	if !db.Embedded() {
		return Made{}, errs.Wrong("db", "backup.engine")
	}
	dir := filepath.Dir(file)
	if file == "" {
		dir = setup.In(db)
		file = filepath.Join(dir, Name(db, db.Now(), key))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return Made{}, folderTrouble(err, dir)
		}
	}
	if err := sweep(dir, stem(db.Name()), db.Now()); err != nil {
		return Made{}, err
	}
	if err := KeepErasures(ctx, db, ErasuresFile(dir, stem(db.Name()))); err != nil {
		return Made{}, err
	}
	return Write(ctx, db, file, setup.Version, key)
}
