// Package sheet opens any file that holds a table and yields its rows as text.
//
// Its one rule: whatever comes in, memory stays bounded and the answer is rows
// with their exact line numbers or a sentence that says what is wrong. It knows
// cells, not customers; what a cell means is decided by the caller.
//
//	r, err := sheet.Open(ctx, "orders.csv.gz", sheet.Options{})
//	if err != nil { return err }         // errs.Invalid: a sentence for a person
//	defer r.Close()
//	head := r.Header()
//	for {
//		row, err := r.Next()
//		if err == io.EOF { break }
//		var bad *sheet.RowError
//		if errors.As(err, &bad) { report(bad); continue } // this row only
//		if err != nil { return err }     // the file ends here; rows before stand
//		use(row.Line, row.Cells)         // Cells is reused, its strings are not
//	}
//
// Text with any delimiter, fixed columns, XLSX, contacts (vCard), and any of
// them in gzip, Zstandard or a zip are told apart by content, never by name. For many
// millions of rows [Reader.Scan] spreads the work over cores. [Sample] describes
// the columns for a mapping screen; [ParseAmount], [ParseTime], [DetectDates],
// [ParseBool] and [CleanID] read cells.
package sheet

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"regulars/internal/platform/errs"
)

// Files are the sentences about files.
//
//go:embed text
var Files embed.FS

// Options overrule what is otherwise detected. The zero value detects all.
type Options struct {
	Encoding  string // "utf-8", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252"
	Delimiter byte   // ',', ';', '\t', '|' or any other ASCII sign
	Blanks    bool   // columns are separated by blanks (fixed columns)
	Table     string // the worksheet of a workbook, or the file inside a zip
	NoHeader  bool   // the first row is data; columns are named "column 1", …
	Limits    Limits
}

// Limits bound what one file may cost. Zero fields take the defaults.
type Limits struct {
	RowBytes      int   // the longest row; default 4 MiB
	Columns       int   // the widest row; default 2,000
	UnpackedBytes int64 // what a packed file may unpack to; default 64 GiB
	Ratio         int64 // how many times its size it may unpack to, counted above 64 MiB; default 200
	SpoolBytes    int64 // an upload of a workbook or zip kept on disk while it is read; default 2 GiB
	StringBytes   int   // the shared texts of a workbook, kept in memory; default 256 MiB
}

func (l Limits) orDefaults() Limits {
	l.RowBytes = orDefault(l.RowBytes, 4<<20)
	l.Columns = orDefault(l.Columns, 2000)
	l.UnpackedBytes = orDefault(l.UnpackedBytes, 64<<30)
	l.Ratio = orDefault(l.Ratio, 200)
	l.SpoolBytes = orDefault(l.SpoolBytes, 2<<30)
	l.StringBytes = orDefault(l.StringBytes, 256<<20)
	return l
}

func orDefault[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Format says how a file was understood, for a person to confirm.
type Format struct {
	Packing   string   // "", "gzip", "zstd", "zip", or several joined by "+"
	Kind      string   // "csv", "columns", "xlsx" or "vcard"
	Encoding  string   // of text files
	Delimiter byte     // of Kind "csv"
	Table     string   // the worksheet, or the file inside a zip
	Tables    []string // all worksheets that can be chosen
}

// source hands over rows batch by batch: text files and workbooks are the two.
// It returns io.EOF when no row is left; rows may come with any other error and
// stand before it.
type source interface {
	fill(b *batch) error
}

// Reader yields the rows of one table. It is not safe for concurrent use,
// except for Progress.
type Reader struct {
	ctx     context.Context
	opts    Options
	in      *input
	src     source
	format  Format
	header  []string
	notices []error
	batch   *batch
	row     int
	pending error
	cells   []string
	padded  bool
}

// Open opens the file at path. Its errors are sentences of kind errs.Invalid
// where the file is at fault.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errs.Of(errs.Invalid, err, "sheet.wrong.open", "File", path)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errs.Wrong("", "sheet.wrong.no-file", "File", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r, err := OpenFrom(ctx, f, info.Size(), o)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.in.closers = append([]io.Closer{f}, r.in.closers...)
	return r, nil
}

// OpenFrom opens a table from src, which stays the caller's to close. size is
// its length in bytes, or -1 where that is unknown. When src is an io.ReaderAt
// of known size (an *os.File, a multipart.File) workbooks and zips are read
// where they lie; otherwise they are kept in a temporary file until Close.
func OpenFrom(ctx context.Context, src io.Reader, size int64, o Options) (*Reader, error) {
	o.Limits = o.Limits.orDefaults()
	in := &input{ctx: ctx, size: size, limits: o.Limits, table: o.Table}
	r := &Reader{ctx: ctx, opts: o, in: in, batch: &batch{}}
	if err := r.open(src); err != nil {
		in.close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) open(src io.Reader) error {
	opened, err := r.in.unpack(src)
	if err != nil {
		return err
	}
	if opened.book != nil {
		err = r.openBook(opened.book)
	} else {
		err = r.openText(opened)
	}
	if err != nil {
		return err
	}
	r.format.Packing = strings.Join(r.in.packing, "+")
	return r.readHeader()
}

// readHeader takes the first row as names, or counts its cells when the table
// has none.
func (r *Reader) readHeader() error {
	raw, err := r.peekRow()
	if err == io.EOF {
		return errs.Wrong("", "sheet.wrong.no-rows")
	}
	if err != nil {
		return err
	}
	if r.opts.NoHeader {
		r.header, _ = columnNames(make([]string, len(raw)))
		return nil
	}
	r.row++
	names := make([]string, len(raw))
	data := false
	for i, c := range raw {
		names[i] = string(c)
		data = data || looksLikeData(names[i])
	}
	r.header, r.notices = columnNames(names)
	if data {
		r.notices = append(r.notices, errs.Wrong("", "sheet.notice.data"))
	}
	return nil
}

// peekRow returns the cells of the first row.
func (r *Reader) peekRow() ([][]byte, error) {
	for r.row >= len(r.batch.rows) {
		if r.pending != nil {
			return nil, r.pending
		}
		r.refill()
	}
	if bad := r.batch.rows[r.row].bad; bad != nil {
		return nil, bad
	}
	return r.batch.rowCells(r.row), nil
}

// columnNames makes names usable as keys: none empty, none twice, no blanks
// around them. It says what it changed.
func columnNames(names []string) (out []string, notices []error) {
	seen := map[string]int{}
	for i, name := range names {
		name = strings.Join(strings.Fields(strings.Trim(name, "\ufeff")), " ")
		if name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		seen[name]++
		if n := seen[name]; n > 1 {
			second := fmt.Sprintf("%s (%d)", name, n)
			for seen[second] > 0 {
				n++
				second = fmt.Sprintf("%s (%d)", name, n)
			}
			seen[second]++
			if len(notices) < 10 {
				notices = append(notices, errs.Wrong("", "sheet.notice.twice", "Column", i+1, "Name", name, "Second", second))
			}
			name = second
		}
		out = append(out, name)
	}
	return out, notices
}

// Header returns the names of the columns: unique, never empty.
func (r *Reader) Header() []string { return r.header }

// Format says how the file was understood.
func (r *Reader) Format() Format { return r.format }

// Notices say what was mended or guessed while opening: no faults, but said as
// errors are.
func (r *Reader) Notices() []error { return r.notices }

// Progress returns how many bytes of the source are read and how many there
// are (-1 when unknown). It may be called from any goroutine.
func (r *Reader) Progress() (done, total int64) {
	return r.in.done.Load(), r.in.size
}

// Close releases files and memory. It does not close what was given to
// OpenFrom.
func (r *Reader) Close() error { return r.in.close() }

func (r *Reader) refill() {
	r.batch.reset()
	r.row = 0
	if err := r.ctx.Err(); err != nil {
		r.pending = err
		return
	}
	r.pending = r.src.fill(r.batch)
}

// Next returns the next row, with its Cells valid until the call after. A
// *RowError speaks of one row, and reading may go on; io.EOF ends the table;
// any other error ends it too, after all whole rows before it were delivered.
func (r *Reader) Next() (Row, error) {
	for r.row >= len(r.batch.rows) {
		if r.pending != nil {
			return Row{}, r.pending
		}
		r.refill()
	}
	i := r.row
	r.row++
	if bad := r.batch.rows[i].bad; bad != nil {
		return Row{Line: bad.Line}, bad
	}
	r.cells = appendStrings(r.cells[:0], r.batch.rowCells(i))
	if r.padded {
		for len(r.cells) < len(r.header) {
			r.cells = append(r.cells, "")
		}
	}
	return Row{Line: r.batch.rows[i].line, Cells: r.cells, Want: len(r.header)}, nil
}

// appendStrings makes strings of cells with one allocation a row.
func appendStrings(dst []string, cells [][]byte) []string {
	n := 0
	for _, c := range cells {
		n += len(c)
	}
	var sb strings.Builder
	sb.Grow(n)
	for _, c := range cells {
		sb.Write(c)
	}
	all := sb.String()
	for _, c := range cells {
		dst = append(dst, all[:len(c)])
		all = all[len(c):]
	}
	return dst
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	if err == io.ErrUnexpectedEOF { // an upload that was cut
		err = packedError(err)
	}
	return n, err
}
