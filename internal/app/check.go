package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"regulars/internal/doors/backup"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// CheckBackup restores a backup into a file that is removed again.
func CheckBackup(ctx context.Context, c Config, file string, key backup.Key) (backup.Manifest, error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".regulars-check-")
	if err != nil {
		if dir, err = os.MkdirTemp("", "regulars-check-"); err != nil {
			return backup.Manifest{}, err
		}
	}
	defer os.RemoveAll(dir)
	return backup.Unpack(ctx, file, filepath.Join(dir, "scratch.db"), c.backups().Known, key)
}

// TableRows compares a table of a restored dump with the database's now.
type TableRows struct {
	Name          string
	Restored, Now int64
}

// CheckDump restores a dump of PostgreSQL with pg_restore into an empty
// database and holds it against the live one: the same schema, and something
// in every table that was not empty. Rows that came since are no fault.
func CheckDump(ctx context.Context, c Config, file, scratch string) ([]TableRows, error) {
	into, err := store.Open(ctx, scratch, store.Options{})
	if err != nil {
		return nil, err
	}
	defer into.Close()
	if schema, err := store.Schema(ctx, into); err != nil || schema != "" {
		return nil, errs.Of(errs.Conflict, err, "backup.scratch", "Database", into.Name())
	}
	said, err := exec.CommandContext(ctx, "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
		"--dbname", scratch, file).CombinedOutput()
	if err != nil {
		return nil, errs.Of(errs.Invalid, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said))), "backup.dump.damaged", "File", file)
	}
	live, err := store.Open(ctx, c.DB, store.Options{})
	if err != nil {
		return nil, err
	}
	defer live.Close()
	restored, err := store.Count(ctx, into)
	if err != nil {
		return nil, err
	}
	now, err := store.Count(ctx, live)
	if err != nil {
		return nil, err
	}
	var all []TableRows
	for name, n := range now.Rows {
		got, there := restored.Rows[name]
		if !there || got == 0 && n > 0 && !slices.Contains(passing, name) {
			return nil, errs.Wrong("", "backup.dump.lacks", "File", file, "Table", name)
		}
		all = append(all, TableRows{name, got, n})
	}
	if restored.Schema != now.Schema {
		return nil, errs.Wrong("", "backup.dump.older", "File", file)
	}
	slices.SortFunc(all, func(a, b TableRows) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// passing are tables that may well have been empty a while ago.
var passing = []string{"jobs", "nodes", "sessions", "sign_in_tries", "user_links", "facts_stale", "scores_stale", "insights_runs"}
