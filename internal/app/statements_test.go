package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"regulars/internal/app/migrations"
	"regulars/internal/testkit/citus"
)

// aside are statements of one engine alone, which no cluster is asked.
var aside = regexp.MustCompile(`(?i)^(pragma|vacuum|attach|detach|analyze|select .* from (sqlite_|pg_|information_schema)|.*pragma_)`)

// TestEveryStatementThatWasRunIsFitForCitus reads what all other tests ran:
// make test calls it last, with the folder in which they left it.
func TestEveryStatementThatWasRunIsFitForCitus(t *testing.T) {
	dir := os.Getenv("REGULARS_STATEMENTS_OF")
	if dir == "" {
		t.Skip("make test runs it at the end, over all statements of all tests")
	}
	tables, err := citus.ReadTables(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 300 {
		t.Fatalf("%d statements were kept; the tests run far more", len(files))
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		statement := string(body)
		if aside.MatchString(statement) {
			continue
		}
		breaches, err := tables.Breaches(statement)
		if err != nil {
			t.Errorf("%v: %s", err, statement)
		}
		for _, b := range breaches {
			t.Errorf("%s:\n\t%s", b, statement)
		}
	}
	t.Logf("%d statements", len(files))
}
