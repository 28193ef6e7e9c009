package importers

import (
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// BadLine is a row of a file that could not be read, or one thing that is
// wrong with it.
type BadLine struct {
	Line   int64
	Column string // its name; empty: the row as a whole
	Reason error
	Cells  []string // as the file has them

	ordinal int64 // among what is wrong with the line
}

// BadLines returns what could not be read of an import in the order of the
// file, at most limit rows behind the line after (0: from the start). Only
// the first 10,000 of an import are kept.
func BadLines(ctx context.Context, q store.Querier, i id.Import, after int64, limit int) ([]BadLine, error) {
	rows, err := store.All(ctx, q, scanBad, `
		select line, ordinal, column_name, reason, row_text from import_errors
		where import_id = $1 and line > $2 order by line, ordinal limit $3`, int64(i), after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the rows that could not be read: %w", err)
	}
	return rows, nil
}

func scanBad(rows *sql.Rows) (BadLine, error) {
	var b BadLine
	var raw, reason string
	if err := rows.Scan(&b.Line, &b.ordinal, &b.Column, &reason, &raw); err != nil {
		return b, err
	}
	b.Cells, b.Reason = csvCells(raw, ','), errs.Unpack(reason)
	return b, nil
}

// csvCells reads a row that csvRow wrote, or that is as the file has it.
func csvCells(raw string, delimiter rune) []string {
	r := csv.NewReader(strings.NewReader(raw))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = delimiter, true, -1
	cells, err := r.Read()
	if err != nil {
		return []string{raw}
	}
	return cells
}

// mending are the columns that a file of bad rows has behind its own. They are
// for whoever mends it; importing it again does not look at them.
var mending = []string{"line", "column", "reason"}

// own is a header without the columns of mending.
func own(header []string) []string {
	n := len(header) - len(mending)
	if n > 0 && slices.Equal(header[n:], mending) {
		return header[:n]
	}
	return header
}

// Header returns the names of the columns of an import's file, once it has
// run.
func Header(ctx context.Context, q store.Querier, i id.Import) ([]string, error) {
	var header string
	if err := q.QueryRow(ctx, `select header from imports where id = $1`, int64(i)).Scan(&header); err != nil {
		return nil, fmt.Errorf("read the header of an import: %w", err)
	}
	return csvCells(header, ','), nil
}

// mendable lays a bad row out under a header and the columns of mending.
func (b BadLine) mendable(p *locale.Printer, header []string) []string {
	cells := slices.Clone(b.Cells)
	for len(cells) < len(header) {
		cells = append(cells, "")
	}
	return append(cells[:len(header)], strconv.FormatInt(b.Line, 10), b.Column, tableText(p, b.Reason))
}

// tableText is why a row is left out, as it stands in a table: without its
// full stop.
func tableText(p *locale.Printer, reason error) string {
	return strings.TrimSuffix(p.Sentence(reason), ".")
}

// WriteErrors writes the rows of an import that could not be read as a file to
// be mended: the columns of the original, then line, column and reason, which
// importing it again does not look at.
func WriteErrors(ctx context.Context, q store.Querier, i id.Import, header []string, p *locale.Printer, w *csv.Writer) error {
	header = own(header)
	if err := w.Write(text.Harmless(slices.Concat(header, mending))); err != nil {
		return err
	}
	bad, err := BadLines(ctx, q, i, 0, maxErrors)
	if err != nil {
		return err
	}
	for _, b := range bad {
		if err := w.Write(text.Harmless(b.mendable(p, header))); err != nil {
			return err
		}
	}
	return nil
}

// maxErrors is how many rows that cannot be read are kept to be mended.
const maxErrors = 10_000

func (p *placer) keepErrors(ctx context.Context, tx *store.Tx, errors []rowError) error {
	if room := maxErrors - p.im.Counts.Bad; room < int64(len(errors)) {
		errors = errors[:max(0, room)]
	}
	rows := tx.Bulk(ctx, "import_errors", "import_id, line, ordinal, column_name, reason, row_text", "on conflict (import_id, line, ordinal) do nothing")
	seen := map[int64]int64{}
	for _, e := range errors {
		raw := e.raw
		if e.row != nil {
			raw = csvRow(e.row)
		}
		seen[e.line]++
		if err := rows.Add(int64(p.im.ID), e.line, seen[e.line], e.column, errs.Pack(e.reason), strings.ToValidUTF8(strings.ReplaceAll(raw, "\x00", ""), "\uFFFD")); err != nil {
			return fmt.Errorf("keep rows that cannot be read: %w", err)
		}
	}
	return rows.Close()
}

// csvRow writes a row so that it can be mended and read again.
func csvRow(cells []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // a Builder does not fail
	w.Flush()
	return strings.TrimRight(b.String(), "\n")
}
