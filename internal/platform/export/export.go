// Package export writes any list as a file: CSV for every program, XLSX for a
// spreadsheet, JSON Lines for a script.
//
// Its one rule: a row is written as it comes and forgotten, so that a list of
// any length costs the memory of one row.
package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"regulars/internal/platform/text"
)

// Kind is what the cells of a written column are. Cells are always handed over
// as plain text, so that no amount passes through a float; one that is not of
// its column's kind is written as text.
type Kind uint8

// The kinds, with the text a cell is handed over in.
const (
	Text   Kind = iota // as it is
	Number             // -12.50, exact
	Day                // 2026-03-31
	Time               // 2026-03-31T10:00:00Z, shown in its own offset
	Bool               // true, false
)

// Column is one column of a table that is written.
type Column struct {
	Key   string // its name for programs, in JSON Lines; the title where it is empty
	Title string // what a person reads above it; the key where it is empty
	Kind  Kind
}

// Columns makes columns of one kind whose titles are their keys.
func Columns(kind Kind, keys ...string) []Column {
	all := make([]Column, len(keys))
	for i, k := range keys {
		all[i] = Column{Key: k, Title: k, Kind: kind}
	}
	return all
}

// At is a moment as the cell of a Time column, by the clock of a zone; the
// zero time is an empty cell.
func At(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	if zone != nil {
		t = t.In(zone)
	}
	return t.Format(time.RFC3339)
}

// Output is a form in which a table is written.
type Output struct {
	Name        string // "csv", also the ending of the file
	ContentType string
	start       func(w io.Writer, columns []Column) (rowWriter, error)
}

// Outputs are the forms there are: for every program, for a spreadsheet, for
// a script.
var Outputs = []Output{
	{"csv", "text/csv; charset=utf-8", startCSV},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", startXLSX},
	{"jsonl", "application/jsonl; charset=utf-8", startJSONL},
}

// OutputNamed finds a form by its name; the empty name is CSV.
func OutputNamed(name string) (Output, bool) {
	if name == "" {
		return Outputs[0], true
	}
	for _, o := range Outputs {
		if o.Name == name {
			return o, true
		}
	}
	return Output{}, false
}

type rowWriter interface {
	row(cells []string) error
	end() error
}

// Writer writes one table row by row and holds no more than one of them.
type Writer struct {
	columns []Column
	rows    rowWriter
}

// Start begins a table on w with its heading.
func (o Output) Start(w io.Writer, columns []Column) (*Writer, error) {
	columns = append([]Column(nil), columns...)
	for i, c := range columns {
		if c.Key == "" {
			columns[i].Key = c.Title
		}
		if c.Title == "" {
			columns[i].Title = c.Key
		}
	}
	rows, err := o.start(w, columns)
	if err != nil {
		return nil, fmt.Errorf("write a table as %s: %w", o.Name, err)
	}
	return &Writer{columns, rows}, nil
}

// Write adds a row of as many cells as there are columns.
func (w *Writer) Write(cells []string) error {
	if len(cells) != len(w.columns) {
		return fmt.Errorf("write a row: %d cells for %d columns", len(cells), len(w.columns))
	}
	return w.rows.row(cells)
}

// Close ends the table. Without it a workbook is none.
func (w *Writer) Close() error { return w.rows.end() }

type csvRows struct{ out *csv.Writer }

// startCSV begins with the mark by which Excel knows UTF-8.
func startCSV(w io.Writer, columns []Column) (rowWriter, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	c := csvRows{csv.NewWriter(w)}
	titles := make([]string, len(columns))
	for i, col := range columns {
		titles[i] = col.Title
	}
	return c, c.row(titles)
}

func (c csvRows) row(cells []string) error { return c.out.Write(text.Harmless(cells)) }

func (c csvRows) end() error {
	c.out.Flush()
	return c.out.Error()
}

type jsonRows struct {
	out     *bufio.Writer
	columns []Column
	names   [][]byte // `"name":`
	line    []byte
}

func startJSONL(w io.Writer, columns []Column) (rowWriter, error) {
	j := &jsonRows{out: bufio.NewWriter(w), columns: columns}
	for _, c := range columns {
		j.names = append(j.names, append(appendJSON(nil, c.Key), ':'))
	}
	return j, nil
}

func (j *jsonRows) row(cells []string) error {
	j.line = append(j.line[:0], '{')
	for i, cell := range cells {
		if i > 0 {
			j.line = append(j.line, ',')
		}
		j.line = append(j.line, j.names[i]...)
		kind := j.columns[i].Kind
		switch {
		case cell == "" && kind != Text:
			j.line = append(j.line, "null"...)
		case kind == Number && isNumber(cell), kind == Bool && (cell == "true" || cell == "false"):
			j.line = append(j.line, cell...)
		default:
			j.line = appendJSON(j.line, cell)
		}
	}
	j.line = append(j.line, '}', '\n')
	_, err := j.out.Write(j.line)
	return err
}

func (j *jsonRows) end() error { return j.out.Flush() }

// isNumber reports whether s is a number as JSON and workbooks both write it:
// without a plus, a leading zero or a bare point.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	s, power, exponent := strings.Cut(s, "e")
	if exponent && !digits(strings.TrimLeft(power, "+-")) {
		return false
	}
	whole, fraction, point := strings.Cut(s, ".")
	if !digits(whole) || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	return !point || digits(fraction)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// serial is a time as workbooks count it: days since the end of 1899, exact to
// the second. Times before March 1900 they count wrongly, so those are none.
func serial(t time.Time) (days, seconds int, ok bool) {
	_, offset := t.Zone()
	wall := t.Unix() + int64(offset)
	const epoch = -25569 * 86400 // 1899-12-30
	days, seconds = int((wall-epoch)/86400), int((wall-epoch)%86400)
	return days, seconds, days > 60 && t.Year() < 10000
}

func appendJSON(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a text has no error
	return append(b, quoted...)
}
