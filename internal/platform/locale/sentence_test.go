package locale

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
)

func TestErrorsAreSaidInTheLanguageOfWhoReadsThem(t *testing.T) {
	c, err := Load(fstest.MapFS{
		"text/en.json": {Data: []byte(`{
			"plain": "Please choose one.", "sum": "At most {{.Sum}} until {{.At}}, of {{.Names}}; {{.Share}} of {{.Most}}.",
			"rows": {"one": "{{.Count}} row of {{.File}}", "other": "{{.Count}} rows of {{.File}}"}, "column": "{{.Column}}: {{.Why}}"}`)},
		"text/cs.json": {Data: []byte(`{
			"plain": "Vyberte prosím jednu možnost.", "column": "sloupec {{.Column}}: {{.Why}}",
			"rows": {"one": "{{.Count}} řádek z {{.File}}", "few": "{{.Count}} řádky z {{.File}}", "many": "{{.Count}} řádku z {{.File}}", "other": "{{.Count}} řádků z {{.File}}"}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := money.Amount{Minor: 123450, Currency: "GBP"}
	at := time.Date(2026, 3, 31, 14, 5, 0, 0, time.UTC)
	plain := errs.Wrong("kind", "plain")
	for _, x := range []struct {
		err    error
		en, cs string
	}{
		{plain, "Please choose one.", "Vyberte prosím jednu možnost."},
		{fmt.Errorf("save: %w", plain), "Please choose one.", "Vyberte prosím jednu možnost."},
		{errs.Wrong("", "rows", "Count", 1, "File", "a.csv"), "1 row of a.csv", "1 řádek z a.csv"},
		{errs.Wrong("", "rows", "Count", int64(3), "File", "a.csv"), "3 rows of a.csv", "3 řádky z a.csv"},
		{errs.Clash("", "rows", "Count", 1234, "File", "a.csv"), "1,234 rows of a.csv", "1 234 řádků z a.csv"},
		{errs.Missing("sum", "Sum", sum, "At", at, "Names", []string{"a", "b"}, "Share", 0.5, "Most", 20000),
			"At most £1,234.50 until 31 Mar 2026, 14:05, of a, b; 0.5 of 20,000.",
			"At most 1 234,50 £ until 31. 3. 2026 14:05, of a, b; 0,5 of 20 000."},
		{errs.Of(errs.Unavailable, errors.New("disk"), "column", "Column", "kind", "Why", plain), "kind: Please choose one.", "sloupec kind: Vyberte prosím jednu možnost."},
		{errors.New("connection refused"), "Something went wrong on our side. Nothing was lost; please try again.", "Something went wrong on our side. Nothing was lost; please try again."},
	} {
		for lang, want := range map[string]string{"en": x.en, "cs": x.cs} {
			if got := strings.ReplaceAll(c.For(lang).Sentence(x.err), nbsp, " "); got != want {
				t.Errorf("%s %v: %q, want %q", lang, x.err, got, want)
			}
		}
	}
}
