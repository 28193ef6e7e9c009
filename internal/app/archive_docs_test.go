package app

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// TestGoldenArchiveGuide holds docs/archive.md against the schema: it says what
// each file and each field of an archive is, in the migrations' own words.
func TestGoldenArchiveGuide(t *testing.T) {
	file := filepath.Join(testkit.Root(t), "docs/archive.md")
	head, err := os.ReadFile("testdata/archive.head.md")
	if err != nil {
		t.Fatal(err)
	}
	got := string(head) + archiveGuide(t)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/archive.md is not what the schema says: run make golden")
	}
}

func archiveGuide(t *testing.T) string {
	shapes, err := store.Shapes(t.Context(), testkit.DB(t))
	if err != nil {
		t.Fatal(err)
	}
	words := remarksOf(t)
	var b strings.Builder
	for _, s := range shapes {
		if !archivePlan.Includes(s.Name) {
			continue
		}
		fmt.Fprintf(&b, "\n### tables/%s.jsonl\n\n", s.Name)
		if w := words[s.Name]; w != "" {
			b.WriteString(w + "\n\n")
		}
		b.WriteString("| field | kind | |\n|---|---|---|\n")
		for _, c := range s.Columns {
			kind := c.Kind
			if !c.NotNull {
				kind += " or null"
			}
			said := cmp.Or(words[s.Name+"."+c.Name], usually[c.Name])
			if archivePlan.Blank[s.Name+"."+c.Name] != "" {
				said = "always empty: " + archivePlan.Blank[s.Name+"."+c.Name]
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Name, kind, strings.ReplaceAll(said, "|", "\\|"))
		}
	}
	b.WriteString("\n## What is not in it\n\n| table | |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(archivePlan.Out)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, archivePlan.Out[name])
	}
	return b.String()
}

// usually is what a column of this name is, where its migration says no more.
var usually = map[string]string{
	"id": "its id", "customer_id": "whose it is", "origin_customer_id": "whose it was before a merge; null: always this customer's",
	"import_id": "the import that brought it; null: none", "created_at": "when it was written down", "changed_at": "when it was changed last",
	"author_id": "the member of staff who wrote it down; 0: nobody", "user_id": "the member of staff; 0: the program", "order_id": "the order",
	"product_id": "the product", "name": "what it is called", "source": "where it came from", "version": "counted up with each change",
	"currency": "ISO 4217", "country": "ISO 3166", "language": "cs; empty: unknown", "recorded_at": "when it was written down",
	"email": "an address", "phone": "a number", "at": "when", "state": "where it stands", "kind": "of what kind",
}

var (
	tableMade   = regexp.MustCompile(`(?m)^create table (\w+) \(`)
	columnMade  = regexp.MustCompile(`^\s+(\w+)\s+(?:bigint|boolean|double precision|text|bytea|jsonb)\b[^-]*?(?:-- (.*))?$`)
	columnAdded = regexp.MustCompile(`(?m)^alter table (\w+) add column (\w+) [^;]*;(?:[ \t]*-- (.*))?$`)
	goesOn      = regexp.MustCompile(`^\s+-- (.*)$`)
)

// remarksOf are the comments of the migrations, by table and by table.column.
func remarksOf(t *testing.T) map[string]string {
	t.Helper()
	words := map[string]string{}
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := migrations.FS.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range columnAdded.FindAllStringSubmatch(string(text), -1) {
			words[m[1]+"."+m[2]] = m[3]
		}
		readRemarks(string(text), words)
	}
	return words
}

func readRemarks(text string, words map[string]string) {
	var before []string
	table, column := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		made := tableMade.FindStringSubmatch(line)
		c := columnMade.FindStringSubmatch(line)
		more := goesOn.FindStringSubmatch(line)
		switch {
		case made != nil:
			table, column = made[1], ""
			words[table] = strings.Join(before, " ")
		case strings.HasPrefix(line, "-- "):
			before = append(before, strings.TrimPrefix(line, "-- "))
			continue
		case strings.HasPrefix(line, ")"):
			table, column = "", ""
		case table != "" && c != nil:
			column = table + "." + c[1]
			words[column] = c[2]
		case column != "" && more != nil:
			words[column] += " " + more[1]
			continue
		}
		before = nil
	}
}

// secretWords are in the names of columns that must not leave by an archive.
var secretWords = regexp.MustCompile(`token|secret|hash|password|passphrase|sealed|probe|signature|credential|recovery|(^|_)key$`)

// harmless are columns of an archive that only sound like it.
var harmless = map[string]string{
	"customer_keys.key":           "an email or a phone, which is what the archive is of",
	"import_mappings.header_hash": "of the first line of a file",
	"imports.file_hash":           "of a file, so that it is known again",
	"jobs.unique_key":             "keeps work from being there twice",
	"users.email_key":             "the address, folded",
}

func TestAnArchiveHoldsNoSecret(t *testing.T) {
	shapes, err := store.Shapes(t.Context(), testkit.DB(t))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, s := range shapes {
		known[s.Name] = true
		if !archivePlan.Includes(s.Name) {
			continue
		}
		for _, c := range s.Columns {
			name := s.Name + "." + c.Name
			known[name] = true
			if (secretWords.MatchString(c.Name) || c.Kind == "bytea") && archivePlan.Blank[name] == "" && harmless[name] == "" {
				t.Errorf("%s would leave by an archive: name it in archivePlan (archive.go), or in harmless with the reason", name)
			}
		}
	}
	for _, list := range []map[string]string{archivePlan.Out, archivePlan.Blank, harmless} {
		for name := range list {
			if !known[name] {
				t.Errorf("%s is named and is not in the schema", name)
			}
		}
	}
}
