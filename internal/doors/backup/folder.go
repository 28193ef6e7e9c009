package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Kept is a backup in a folder, as its name tells.
type Kept struct {
	File   string
	At     time.Time
	Bytes  int64
	Locked bool
}

var named = regexp.MustCompile(`^(.+)-(\d{8}-\d{6})\.tar\.zst(\.age)?$`)

// Folder lists the backups of a database in a folder, the newest first. A
// folder that is not there holds none.
func Folder(dir, stem string) ([]Kept, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for backups: %w", err)
	}
	var all []Kept
	for _, e := range entries {
		m := named.FindStringSubmatch(e.Name())
		if m == nil || m[1] != stem || !e.Type().IsRegular() {
			continue
		}
		at, err := time.Parse(stamp, m[2])
		info, gone := e.Info()
		if err != nil || gone != nil {
			continue
		}
		all = append(all, Kept{File: filepath.Join(dir, e.Name()), At: at, Bytes: info.Size(), Locked: m[3] != ""})
	}
	slices.SortFunc(all, func(a, b Kept) int { return cmp.Compare(b.At.UnixMicro(), a.At.UnixMicro()) })
	return all, nil
}

// spare returns the backups that may go: all but the last of each of the newest
// days, weeks and months that are kept. The newest of all always stays.
func spare(all []Kept, s Settings, zone *time.Location) []Kept {
	keep := map[string]bool{}
	for _, rule := range []struct {
		n      int
		period func(time.Time) string
	}{
		{max(s.Daily, 1), func(t time.Time) string { return t.Format(time.DateOnly) }},
		{s.Weekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, "-", w) }},
		{s.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
	} {
		seen := map[string]bool{}
		for _, k := range all { // the newest first: the first of a period is its last
			if p := rule.period(k.At.In(zone)); !seen[p] && len(seen) < rule.n {
				seen[p], keep[k.File] = true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(k Kept) bool { return keep[k.File] })
}
