package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// A backup that is being written has two files beside the one it will be: the
// copy of the database, and the part that is packed so far. Who writes it holds
// the part, from before there is a copy until the end.
const (
	copyEnding = ".snapshot"
	partEnding = ".part"
)

// begin makes the part of a file and holds it until it is closed.
func begin(file string) (*os.File, error) {
	for {
		part, err := os.OpenFile(file+partEnding, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if got, known := claim(part); known && !got {
			part.Close()
			return nil, errs.Clash("", "backup.busy", "File", file)
		}
		// Somebody may have tidied it away between its making and its holding.
		mine, err := part.Stat()
		there, gone := os.Stat(file + partEnding)
		if err == nil && gone == nil && os.SameFile(mine, there) {
			return part, part.Truncate(0)
		}
		part.Close()
		if err != nil || gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			return nil, errors.Join(err, gone)
		}
	}
}

// Tidy removes what scheduled backups left behind that were killed, and nothing
// that one uses. The program does it when it starts.
func Tidy(db *store.DB, setup Setup) error {
	if !db.Embedded() {
		return nil
	}
	return sweep(setup.In(db), stem(db.Name()), db.Now())
}

// leftAfter is when a half-made file is sure to be nobody's any more where it
// cannot be seen whether somebody holds it.
const leftAfter = 6 * time.Hour

// sweep removes what a backup that was killed has left behind.
func sweep(dir, stem string, now time.Time) error {
	left := map[string][]string{} // the file it would be → what there is of it, the part last
	for _, ending := range append(store.Journals(copyEnding), copyEnding, partEnding) {
		found, err := filepath.Glob(filepath.Join(dir, "*.tar.zst*"+ending))
		if err != nil {
			return err
		}
		for _, name := range found {
			file := name[:len(name)-len(ending)]
			if m := named.FindStringSubmatch(filepath.Base(file)); m != nil && m[1] == stem {
				left[file] = append(left[file], name)
			}
		}
	}
	for file, names := range left {
		if err := remove(file, names, now); err != nil {
			return fmt.Errorf("remove what a backup left: %w", err)
		}
	}
	return nil
}

func remove(file string, names []string, now time.Time) error {
	held := false
	part, err := os.OpenFile(file+partEnding, os.O_RDWR, 0)
	if err == nil {
		defer part.Close()
		got, known := claim(part)
		if known && !got {
			return nil // it is being written
		}
		held = known
	}
	if !held && slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || now.Sub(info.ModTime()) < leftAfter
	}) {
		return nil
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
