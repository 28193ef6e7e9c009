package app

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/archive"
	"regulars/internal/know/facts"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func april() time.Time { return time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC) }

func later() time.Time { return april().Add(time.Hour) }

// archived writes the archive of an opened program into a file.
func archived(t *testing.T, a *App) (archive.Manifest, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "all.zip")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Export(t.Context(), a, out)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return m, file
}

// figures are the standing results of the insights, as they are computed anew.
func figures(t *testing.T, a *App) []string {
	t.Helper()
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `delete from insights_results`); err != nil {
			return err
		}
		return nil
	})
	h, err := a.Handler(t.Context(), ServeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	all, err := users.List(t.Context(), a.DB)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		token, err = users.Start(t.Context(), tx, all[0].ID, "test")
		return err
	})
	paths := []string{"/insights/retention/export", "/insights/cohorts/export", "/insights/rfm/export", "/insights/rhythm/export",
		"/insights/revenue/export", "/insights/forecast/export", "/insights/value/export", "/insights/money/export"}
	for _, path := range paths { // asks for them
		askFor(t, h, strings.TrimSuffix(path, "/export"), token)
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, path := range paths {
		texts = append(texts, path+"\n"+askFor(t, h, path, token))
	}
	return texts
}

func TestAnArchiveReadIntoAnotherEngineGivesTheSameFigures(t *testing.T) {
	dsn := testkit.Empty(t, "sqlite")
	made, _, _ := demoApp(t, dsn)
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	first := opened(t, Config{DB: dsn, Clock: later}) // remembers no figures from before the models were fitted
	defer first.Close()
	want := figures(t, first)
	written, file := archived(t, first)
	for _, engine := range []string{"postgres", "sqlite"} {
		c := Config{DB: testkit.Empty(t, engine), KeyFile: filepath.Join(t.TempDir(), "key"), Clock: later, Version: "test"}
		if _, err := ImportArchive(t.Context(), c, file); err != nil {
			t.Fatal(err)
		}
		a := opened(t, c)
		defer a.Close()
		again, next := archived(t, a)
		for i, table := range again.Tables {
			if was := written.Tables[i]; was.Name != table.Name || was.Rows != table.Rows || was.SHA256 != table.SHA256 {
				if !slices.Contains([]string{"jobs", "audit", "audit_values", "insights_data"}, table.Name) { // the figures' own asking
					t.Errorf("%s: %s had %d rows and has %d, or others", engine, table.Name, was.Rows, table.Rows)
				}
			}
		}
		holdDerived(t, a)
		if got := figures(t, a); !slices.Equal(got, want) {
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s: the figures were\n%.900s\nand are\n%.900s", engine, want[i], got[i])
				}
			}
		}
		file, written = next, again // and back
	}
}

func holdDerived(t *testing.T, a *App) {
	t.Helper()
	folded, err := facts.Rebuild(t.Context(), a.DB, func(facts.Difference) {})
	if err != nil || folded.Differences > 0 || folded.Customers == 0 {
		t.Errorf("facts %+v, %v", folded, err)
	}
	scored, err := scores.Rebuild(t.Context(), a.DB, func(scores.Difference) {})
	if err != nil || scored.Differences > 0 || scored.Customers == 0 {
		t.Errorf("scores %+v, %v", scored, err)
	}
}

func TestAnArchiveThatDoesNotFitChangesNothing(t *testing.T) {
	c, dir := place(t)
	people(t, c, "anna")
	a := opened(t, c)
	_, file := archived(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ImportArchive(t.Context(), c, file); !errs.Is(err, errs.Conflict) {
		t.Errorf("into a database that is used: %v", err)
	}
	empty := c
	empty.DB = filepath.Join(dir, "new.db")
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.zip")
	for name, change := range map[string]func(name, text string) string{
		"a row less":     func(name, text string) string { return strings.TrimPrefix(text, firstLine(text)) },
		"another name":   func(name, text string) string { return strings.Replace(text, "Zanzibar", "Tanganyika", 1) },
		"half a line":    func(name, text string) string { return text[:len(text)/2] },
		"another column": func(name, text string) string { return strings.Replace(text, `"sort_name"`, `"short_name"`, 1) },
	} {
		if err := os.WriteFile(bad, rewritten(t, body, "tables/customers.jsonl", change), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ImportArchive(t.Context(), empty, bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(snapshotOf(t, empty)["customers"]); n != 0 {
			t.Errorf("%s: %d customers came in", name, n)
		}
	}
	if err := os.WriteFile(bad, body[:len(body)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ImportArchive(t.Context(), empty, bad); !errs.Is(err, errs.Invalid) {
		t.Errorf("half a file: %v", err)
	}
	if archive.Is(bad) || !archive.Is(file) {
		t.Error("an archive is not known as one")
	}
	if _, err := ImportArchive(t.Context(), empty, file); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

func firstLine(text string) string { return text[:strings.IndexByte(text, '\n')+1] }

// rewritten is a zip with one of its files changed.
func rewritten(t *testing.T, body []byte, file string, change func(name, text string) string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		to, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == file {
			text = []byte(change(f.Name, string(text)))
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAnOlderArchiveIsBroughtUpToDate(t *testing.T) {
	known, err := store.Known(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	c, dir := place(t)
	old, err := store.Open(t.Context(), filepath.Join(dir, "old.db"), store.Options{Migrations: migrations.FS, UpTo: known - 1, Clock: april})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "old.zip")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Write(t.Context(), old, out, archivePlan, "old")
	if err := errors.Join(err, out.Close(), old.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := ImportArchive(t.Context(), c, file); err != nil {
		t.Fatal(err)
	}
	if a := opened(t, c); a.Close() != nil {
		t.Error("it does not close")
	}
	if _, err := ImportArchive(t.Context(), c, file); !errs.Is(err, errs.Invalid) {
		t.Errorf("into a database of the new schema: %v", err)
	}
}

func TestWhoSetTheNewDatabaseUpKeepsTheirPassword(t *testing.T) {
	add := func(c Config, name, email string) (made id.User) {
		a := opened(t, c)
		defer a.Close()
		password, err := users.NewPassword("a long password of " + name)
		if err != nil {
			t.Fatal(err)
		}
		testkit.Do(t, a.DB, func(tx *store.Tx) error {
			made, err = users.Add(t.Context(), tx, users.New{Name: name, Email: email, Role: web.Owner, Password: password})
			return err
		})
		return made
	}
	old, _ := place(t)
	ana := add(old, "Ana", "ana@example.com")
	add(old, "Bo", "bo@example.com")
	a := opened(t, old)
	_, file := archived(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	c, _ := place(t)
	add(c, "Ana of the new one", "Ana@example.com")
	add(c, "Cyril", "cyril@example.com")
	if _, err := ImportArchive(t.Context(), c, file); err != nil {
		t.Fatal(err)
	}
	b := opened(t, c)
	defer b.Close()
	all, err := users.List(t.Context(), b.DB)
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, u := range all {
		if want := u.Name != "Bo"; u.HasPassword != want {
			t.Errorf("%s has a password: %v", u.Name, u.HasPassword)
		}
		if u.Email == "Ana@example.com" && (u.ID != ana || u.Name != "Ana") {
			t.Errorf("%+v is not %v", u, ana)
		}
	}
}
