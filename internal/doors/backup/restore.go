package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Restoring is what a restore is told.
type Restoring struct {
	File  string // the backup
	DB    string // the SQLite file that it takes the place of
	Known int    // the newest schema that the program knows
	Key   Key
	Now   time.Time
	// Prepare is given the unpacked database before it takes its place, and
	// what it replaces (nil: nothing is there, or it cannot be read).
	Prepare func(ctx context.Context, path string, replaced store.Querier) error
}

// Restored says what a restore did.
type Restored struct {
	Manifest
	Aside string // the file that was replaced; empty: there was none
	Blind bool   // what was replaced could not be read
}

// Restore puts a backup in the place of a database. Everything is proved and
// prepared beside it first; then one rename makes the change, so that at every
// moment, also when the program or the machine dies, the old database is there
// or the new one. The old one is kept aside. A database that a program has
// open is errs.Conflict.
func Restore(ctx context.Context, r Restoring) (Restored, error) {
	part := r.DB + ".restoring"
	defer clear(part)
	var done Restored
	var err error
	if done.Manifest, err = Unpack(ctx, r.File, part, r.Known, r.Key); err != nil {
		return done, err
	}
	held, there, err := hold(ctx, r.DB)
	if err != nil {
		return done, err
	}
	var replaced store.Querier
	if held != nil {
		defer held.Release()
		replaced = held
	}
	done.Blind = there && held == nil
	if err := r.Prepare(ctx, part, replaced); err != nil {
		return done, fmt.Errorf("prepare the restored database: %w", err)
	}
	if err := store.Settle(ctx, part); err != nil {
		return done, fmt.Errorf("close the restored database: %w", err)
	}
	if there {
		if done.Aside, err = keepAside(r.DB, r.Now, done.Blind); err != nil {
			return done, full(fmt.Errorf("keep the replaced database: %w", err), filepath.Dir(r.DB))
		}
	}
	return done, appear(part, r.DB)
}

// hold takes the database that is to be replaced. One that is damaged cannot
// be held: it is replaced all the same, that is what backups are for.
func hold(ctx context.Context, path string) (held *store.Held, there bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	held, err = store.Hold(ctx, path)
	if errs.Is(err, errs.Invalid) {
		return nil, true, nil
	}
	return held, true, err
}

// keepAside gives the old file a second name, so that taking away the first
// one loses nothing, and returns it. A file that could be held is whole by
// itself; one that could not keeps its journals.
func keepAside(path string, now time.Time, damaged bool) (string, error) {
	if err := dropLinks(path); err != nil {
		return "", err
	}
	aside := path + ".replaced-" + now.UTC().Format(stamp)
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s.replaced-%s-%d", path, now.UTC().Format(stamp), n)
	}
	if err := os.Link(path, aside); err != nil {
		if err := copyFile(path, aside); err != nil { // the file system knows no links
			return "", err
		}
	}
	for i, journal := range store.Journals(path) {
		if !damaged || !exists(journal) {
			continue
		}
		if err := copyFile(journal, store.Journals(aside)[i]); err != nil {
			return "", err
		}
		// It must not be taken for the new database's.
		if err := os.Remove(journal); err != nil {
			return "", err
		}
	}
	return aside, syncDir(filepath.Dir(path))
}

// dropLinks removes second names of the living database, which a restore that
// was killed just before its rename has left.
func dropLinks(path string) error {
	living, err := os.Stat(path)
	if err != nil {
		return err
	}
	asides, err := filepath.Glob(path + ".replaced-*")
	if err != nil {
		return err
	}
	for _, aside := range asides {
		if info, err := os.Stat(aside); err == nil && os.SameFile(info, living) {
			if err := os.Remove(aside); err != nil {
				return err
			}
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
