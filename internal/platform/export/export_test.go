package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"regulars/internal/platform/sheet"
)

var columns = []Column{{Key: "name", Title: "Name"}, {Key: "spent", Title: "Spent", Kind: Number}, {Key: "joined", Title: "Joined", Kind: Day},
	{Key: "seen_at", Title: "Seen", Kind: Time}, {Key: "vip", Title: "VIP", Kind: Bool}}

var rows = [][]string{
	{"=HYPERLINK(1)", "-12.50", "2026-03-31", "2026-03-31T10:20:30+02:00", "true"},
	{"Dvořák & <Sons> \"김\" _x0041_x0042_", "1234567890123.45", "1999-12-31", "2026-01-01T00:00:00Z", "false"},
	{" two\nlines\tand a\x01sign ", "0", "1890-01-01", "soon", "perhaps"},
	{"", "", "", "", ""},
	{"many", "12345678901234567890", "", "", ""},
}

func written(t testing.TB, format string, columns []Column, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	o, ok := OutputNamed(format)
	if !ok {
		t.Fatalf("there is no %s", format)
	}
	w, err := o.Start(&b, columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBack(t testing.TB, file []byte) (got [][]string) {
	t.Helper()
	r, err := sheet.OpenFrom(context.Background(), bytes.NewReader(file), int64(len(file)), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got = append(got, r.Header())
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, slices.Clone(row.Cells))
	}
}

func TestAWorkbookIsReadBackByOurOwnReader(t *testing.T) {
	got := readBack(t, written(t, "xlsx", columns, rows[:2]))
	want := [][]string{{"Name", "Spent", "Joined", "Seen", "VIP"},
		{"=HYPERLINK(1)", "-12.50", "2026-03-31", "2026-03-31 10:20:30", "TRUE"},
		{rows[1][0], "1234567890123.45", "1999-12-31", "2026-01-01", "FALSE"}}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAWorkbookIsReadBackByAnotherProgram(t *testing.T) {
	f, err := excelize.OpenReader(bytes.NewReader(written(t, "xlsx", columns, rows)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cell := func(at string) (string, excelize.CellType) {
		v, err := f.GetCellValue("Rows 1", at, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		kind, err := f.GetCellType("Rows 1", at)
		if err != nil {
			t.Fatal(err)
		}
		return v, kind
	}
	for at, want := range map[string]string{
		"A1": "Name", "A2": "=HYPERLINK(1)", "B2": "-12.50", "C2": "46112", "E2": "1", "A3": rows[1][0], "B3": "1234567890123.45", "E3": "0",
		"A4": rows[2][0], "C4": "1890-01-01", "D4": "soon", "E4": "perhaps", "B6": "12345678901234567890",
	} {
		if got, _ := cell(at); got != want {
			t.Errorf("%s is %q, not %q", at, got, want)
		}
	}
	for at, want := range map[string]excelize.CellType{"A2": excelize.CellTypeInlineString, "B2": excelize.CellTypeUnset, "C2": excelize.CellTypeUnset,
		"E2": excelize.CellTypeBool, "B6": excelize.CellTypeInlineString} {
		if _, got := cell(at); got != want {
			t.Errorf("%s is a %v, not a %v", at, got, want)
		}
	}
	if formula, err := f.GetCellFormula("Rows 1", "A2"); err != nil || formula != "" {
		t.Errorf("A2 is a formula: %q %v", formula, err)
	}
	if shown, err := f.GetCellValue("Rows 1", "D2"); err != nil || shown != "2026-03-31 10:20:30" {
		t.Errorf("D2 is shown as %q, %v", shown, err)
	}
	if shown, err := f.GetCellValue("Rows 1", "C2"); err != nil || shown != "2026-03-31" {
		t.Errorf("C2 is shown as %q, %v", shown, err)
	}
}

func TestMoreRowsThanAWorksheetHoldsGoOnTheNext(t *testing.T) {
	var b bytes.Buffer
	started, err := startXLSX(&b, columns[:1])
	if err != nil {
		t.Fatal(err)
	}
	w := started.(*xlsxRowWriter)
	w.limit = 3
	for i := range 5 {
		if err := w.row([]string{strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for _, name := range f.GetSheetList() {
		all, err := f.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(name, all))
	}
	if want := []string{"Rows 1[[Name] [0] [1]]", "Rows 2[[Name] [2] [3]]", "Rows 3[[Name] [4]]"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestJSONLinesHoldEachCellAsWhatItIs(t *testing.T) {
	got := string(written(t, "jsonl", columns, rows))
	want := `{"name":"=HYPERLINK(1)","spent":-12.50,"joined":"2026-03-31","seen_at":"2026-03-31T10:20:30+02:00","vip":true}` + "\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s", got)
	}
	for line := range strings.Lines(got) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if !strings.Contains(got, `{"name":"","spent":null,"joined":null,"seen_at":null,"vip":null}`) {
		t.Errorf("an empty row: %s", got)
	}
}

func TestCSVRunsNoFormula(t *testing.T) {
	if got := string(written(t, "csv", columns[:2], [][]string{{"=1+1", "-3.5"}, {"@x", ""}})); got != "\ufeffName,Spent\n'=1+1,-3.5\n'@x,\n" {
		t.Errorf("%q", got)
	}
}

func TestARowOfAnotherWidthIsRefused(t *testing.T) {
	w, err := Outputs[1].Start(io.Discard, columns)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]string{"one"}); err == nil {
		t.Error("a row of one cell went into five columns")
	}
}

func TestALongListCostsTheMemoryOfARow(t *testing.T) {
	for _, o := range Outputs {
		w, err := o.Start(io.Discard, columns)
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 60_000 {
			if err := w.Write(rows[0]); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("%s holds %d bytes after 60,000 rows", o.Name, grown)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATimeIsWrittenByTheClockOfItsZone(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	if got := At(time.Date(2026, 1, 1, 23, 30, 0, 0, time.UTC), prague); got != "2026-01-02T00:30:00+01:00" {
		t.Error(got)
	}
	if got := At(time.Time{}, prague); got != "" {
		t.Error(got)
	}
}

func FuzzEveryTextComesBack(f *testing.F) {
	for _, r := range rows {
		f.Add(r[0])
	}
	f.Add("_x000D_\r\n\x00\ufffe")
	f.Fuzz(func(t *testing.T, s string) {
		file := written(t, "xlsx", columns[:1], [][]string{{s}, {"end"}})
		book, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		got, err := book.GetCellValue("Rows 1", "A2")
		if err != nil {
			t.Fatal(err)
		}
		if plain(s) && len(s) < xlsxCell && got != s {
			t.Errorf("%q came back as %q", s, got)
		}
		line := written(t, "jsonl", columns[:1], [][]string{{s}})
		if !json.Valid(line) {
			t.Errorf("no JSON: %q", line)
		}
	})
}

// plain reports whether another program gives back exactly what was written:
// signs below the blank are written as _x0001_, which some read and some show.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c >= 0xFFFD }) &&
		strings.ToValidUTF8(s, "") == s
}
