package sheet

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"regulars/internal/platform/errs"
)

// Row is one row of a table.
type Row struct {
	Line  int      // the line it begins on, counted from 1; the row number in a workbook
	Cells []string // as in the file; the slice is reused by the next row, the strings are not
	Want  int      // how many columns the header has
}

// Cell returns the i-th cell, or "" where the row is too short.
func (r Row) Cell(i int) string {
	if i < 0 || i >= len(r.Cells) {
		return ""
	}
	return r.Cells[i]
}

// Missing is how many cells fewer than columns the row has.
func (r Row) Missing() int { return max(0, r.Want-len(r.Cells)) }

// Extra is how many cells more than columns the row has.
func (r Row) Extra() int { return max(0, len(r.Cells)-r.Want) }

// Blank reports whether every cell is empty, as in the rows spreadsheets append.
func (r Row) Blank() bool {
	for _, c := range r.Cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// RowError speaks of one row that cannot be read. It is of kind errs.Invalid.
type RowError struct {
	Line   int    // the line the row begins on
	At     int    // the line the trouble is on
	Column int    // the byte of that line, counted from 1; 0 when it is the row as a whole
	Reason error  // of errs: says what to do
	Raw    []byte // the row as it stands in the file, to be mended; at most 64 KiB of it
}

// Error is for the log.
func (e *RowError) Error() string { return e.Unwrap().Error() }

// Unwrap makes it an errs.Invalid: the reason with its place.
func (e *RowError) Unwrap() error {
	if e.Column == 0 {
		return errs.Wrong("", "sheet.wrong.at", "Line", e.At, "Reason", e.Reason)
	}
	return errs.Wrong("", "sheet.wrong.at-character", "Line", e.At, "Character", e.Column, "Reason", e.Reason)
}

const rawKept = 64 << 10

func keepRaw(raw []byte) []byte {
	return bytes.Clone(bytes.TrimRight(raw[:min(len(raw), rawKept)], "\r\n"))
}

// batch is some rows with all their cells, reused from fill to fill.
type batch struct {
	rows  []batchRow
	cells [][]byte
	arena []byte // cells that differ from the bytes in the file
}

type batchRow struct {
	end  int // the index after its last cell in cells
	line int
	bad  *RowError
}

func (b *batch) reset() {
	b.rows, b.cells, b.arena = b.rows[:0], b.cells[:0], b.arena[:0]
}

func (b *batch) rowCells(i int) [][]byte {
	return b.cells[b.cellsBefore(i):b.rows[i].end:b.rows[i].end]
}

// start is where the cells of the row being built begin.
func (b *batch) start() int { return b.cellsBefore(len(b.rows)) }

func (b *batch) add(line int) {
	b.rows = append(b.rows, batchRow{end: len(b.cells), line: line})
}

// refuse takes back the cells of the row being built and puts the error there.
func (b *batch) refuse(e *RowError) {
	b.cells = b.cells[:b.start()]
	b.rows = append(b.rows, batchRow{end: len(b.cells), line: e.Line, bad: e})
}

func (b *batch) cellsBefore(row int) int {
	if row == 0 {
		return 0
	}
	return b.rows[row-1].end
}

// checkText finds out why cells are no proper text.
func checkText(cells [][]byte) *RowError {
	for _, c := range cells {
		if bytes.IndexByte(c, 0) >= 0 {
			return &RowError{Reason: errs.Wrong("", "sheet.wrong.nul")}
		}
		if !utf8.Valid(c) {
			return &RowError{Reason: errs.Wrong("", "sheet.wrong.utf8")}
		}
	}
	return nil
}
