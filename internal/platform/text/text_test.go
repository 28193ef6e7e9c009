package text

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanKeepsWhatAPersonWroteAndDropsWhatDatabasesRefuse(t *testing.T) {
	for in, want := range map[string]string{
		"  plain ":            "plain",
		"nul\x00 and \x07bel": "nul and bel",
		"bad \xff utf8":       "bad \uFFFD utf8",
		"e\u0301":             "é",
		"two\nlines":          "two\nlines",
		"\u00a0\u00a0x\u00a0": "x",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFoldMakesNamesComparable(t *testing.T) {
	for in, want := range map[string]string{
		"ZOË": "zoe", "Ångström": "angstrom", "Příliš": "prilis", "Łódź": "lodz",
		"Иван": "иван", "김민준": "김민준", "José": "jose", "Йордан": "иордан",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWordsCutAtAnythingThatIsNoLetterOrDigit(t *testing.T) {
	got := Words("O'Brien-Šmíd, Jan (7)")
	if want := []string{"o", "brien", "smid", "jan", "7"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShortCutsRunesNotBytes(t *testing.T) {
	if got := Short("кофейня на углу", 8); got != "кофейня…" {
		t.Errorf("got %q", got)
	}
}

func FuzzCleanIsValidAndStable(f *testing.F) {
	f.Add("a\x00b\xff\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if !utf8.ValidString(c) || Clean(c) != c {
			t.Errorf("Clean(%q) = %q is not clean", s, c)
		}
	})
}

func TestMaskedTextNamesNobodyAndIsBounded(t *testing.T) {
	for said, want := range map[string]string{
		"to <ann.b@example.com>, \"bob@x.org\"":                 "to <…>, \"…\"",
		"call +44 (20) 7946-0958: busy":                         "call …: busy",
		"get /customers?q=ann%40example.com&p=%2B420601123456":  "get /customers?q=…&p=…",
		"at /home/go/pkg/mod/example.org/sqlite@v1.2.3/conn.go": "at …/conn.go",
		"main.go:12 +0x1a4 order 1001, 12 of 400 in 3.5 ms":     "main.go:12 +0x1a4 order 1001, 12 of 400 in 3.5 ms",
		"a\x00b\xffc": "abc",
		"":            "",
	} {
		if got := Masked(said, 100); got != want {
			t.Errorf("%q is masked as %q, want %q", said, got, want)
		}
	}
	if got := Masked(strings.Repeat("ř", 60), 101); got != strings.Repeat("ř", 50)+"…" {
		t.Errorf("cut to %d bytes: %s", len(got), got)
	}
	if got := Masked(strings.Repeat("ann@example.com ", 100_000), 1000); len(got) > 1003 || strings.Contains(got, "ann") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
