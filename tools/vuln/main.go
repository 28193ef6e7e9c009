// Command vuln looks for known faults in what a program is built of, with the
// Go project's own govulncheck. The list of faults is read from a folder, that
// of the module golang.org/x/vulndb, so that no server is asked.
//
//	vuln FOLDER-OF-OSV MODULE-ROOT PACKAGE…
//
// It ends with 1 when the program calls something of a module that is known to
// be at fault. Faults of Go itself are said, and are whoever builds it's to
// mend: they need a newer Go, not another line of ours.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/vuln/scan"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "vuln FOLDER-OF-OSV MODULE-ROOT PACKAGE…")
		os.Exit(2)
	}
	faults, err := find(context.Background(), os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vuln:", err)
		os.Exit(2)
	}
	ours := false
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, f)
		ours = ours || f.module != "stdlib"
	}
	if ours {
		fmt.Fprintln(os.Stderr, "Update these modules: go get MODULE@VERSION")
		os.Exit(1)
	}
}

// fault is a known one that the program can come to.
type fault struct{ id, summary, module, has, fixed, by string }

func (f fault) String() string {
	fixed := "no version is without it"
	if f.fixed != "" {
		fixed = "mended in " + f.fixed
	}
	if f.module == "stdlib" {
		return fmt.Sprintf("Go itself, %s: %s %s (%s)", f.has, f.id, f.summary, fixed)
	}
	return fmt.Sprintf("%s %s: %s %s (%s), called by %s", f.module, f.has, f.id, f.summary, fixed, f.by)
}

func find(ctx context.Context, osv, root string, packages []string) ([]fault, error) {
	db, err := os.MkdirTemp("", "vuln")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(db)
	if err := index(osv, db); err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	command := scan.Command(ctx, append([]string{"-db", "file://" + filepath.ToSlash(db), "-format", "json", "-C", root}, packages...)...)
	command.Stdout, command.Stderr = in, os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		in.CloseWithError(errors.Join(err, io.EOF)) // what was said is read to its end
		ended <- err
	}()
	faults, err := read(out)
	out.CloseWithError(err)
	return faults, errors.Join(err, <-ended)
}

// message is what we read of govulncheck's JSON.
type message struct {
	OSV *struct {
		ID, Summary string
	}
	Finding *struct {
		OSV          string
		FixedVersion string `json:"fixed_version"`
		Trace        []struct {
			Module, Version, Package, Function, Receiver string
		}
	}
}

// read takes each fault once whose function the program can come to.
func read(from io.Reader) (all []fault, err error) {
	summaries := map[string]string{}
	for messages := json.NewDecoder(from); ; {
		var m message
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what govulncheck says: %w", err)
		}
		if m.OSV != nil {
			summaries[m.OSV.ID] = m.OSV.Summary
		}
		f := m.Finding
		if f == nil || len(f.Trace) == 0 || f.Trace[0].Function == "" {
			continue
		}
		at, by := f.Trace[0], f.Trace[len(f.Trace)-1]
		if !slices.ContainsFunc(all, func(a fault) bool { return a.id == f.OSV && a.module == at.Module }) {
			all = append(all, fault{f.OSV, strings.Join(strings.Fields(summaries[f.OSV]), " "), at.Module, at.Version, f.FixedVersion, by.Package + "." + by.Function})
		}
	}
}

// entry is what the indexes of a database of faults need of one.
type entry struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Aliases  []string  `json:"aliases,omitempty"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"affected,omitempty"`
}

// index lays a folder of entries out as govulncheck reads a database: see
// https://go.dev/doc/security/vuln/database#api
func index(osv, to string) error {
	files, err := filepath.Glob(filepath.Join(osv, "GO-*.json"))
	if err != nil || len(files) == 0 {
		return errors.Join(err, fmt.Errorf("%s has no entries", osv))
	}
	for _, folder := range []string{"ID", "index"} {
		if err := os.Mkdir(filepath.Join(to, folder), 0o755); err != nil {
			return err
		}
	}
	var all []entry
	var newest time.Time
	modules := map[string][]entry{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "ID", filepath.Base(file)), text, 0o644); err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		affected := e.Affected
		e.Affected = nil
		all = append(all, e)
		if e.Modified.After(newest) {
			newest = e.Modified
		}
		e.Aliases = nil
		for _, a := range affected {
			if of := modules[a.Package.Name]; len(of) == 0 || of[len(of)-1].ID != e.ID {
				modules[a.Package.Name] = append(of, e)
			}
		}
	}
	type module struct {
		Path  string  `json:"path"`
		Vulns []entry `json:"vulns"`
	}
	byModule := make([]module, 0, len(modules))
	for path, vulns := range modules {
		byModule = append(byModule, module{path, vulns})
	}
	return errors.Join(
		write(filepath.Join(to, "index", "db.json"), map[string]time.Time{"modified": newest}),
		write(filepath.Join(to, "index", "modules.json"), byModule),
		write(filepath.Join(to, "index", "vulns.json"), all))
}

func write(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
