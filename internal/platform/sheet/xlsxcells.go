package sheet

import (
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
)

// bookSource yields the rows of one worksheet.
type bookSource struct {
	book *book
	x    *xmlPull
	row  int
	bad  *RowError
	err  error
}

func (bk *book) open(s bookSheet) (*bookSource, error) {
	r, f, err := bk.part(s.file)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return &bookSource{book: bk, err: io.EOF}, nil
	}
	bk.in.closers = append(bk.in.closers, r)
	bk.in.done.Store(0)
	bk.in.size = entryTotal(f)
	return &bookSource{book: bk, x: newXMLPull(counter{r, &bk.in.done}, bk.rowBytes)}, nil
}

const rowsAtOnce = 500

// fill reads some rows; those without any text are left out.
func (s *bookSource) fill(b *batch) error {
	for len(b.rows) < rowsAtOnce && len(b.arena) < block && s.err == nil {
		s.err = s.x.next(false)
		if s.err == nil && !s.x.End && string(s.x.Name) == "row" {
			s.err = s.readRow(b)
		}
	}
	if s.err != nil && s.err != io.EOF {
		s.err = bookError(s.err)
	}
	if len(b.rows) > 0 && s.err == nil {
		return nil
	}
	return s.err
}

func (s *bookSource) readRow(b *batch) error {
	s.row++
	if n, err := strconv.Atoi(string(s.x.attr("r"))); err == nil && n > 0 {
		s.row = n
	}
	s.bad = nil
	start, arena := b.start(), len(b.arena)
	for !s.x.Empty || string(s.x.Name) != "row" {
		if err := s.x.next(false); err != nil {
			b.cells = b.cells[:start]
			return unexpected(err)
		}
		if s.x.End && string(s.x.Name) == "row" {
			break
		}
		if s.x.End || string(s.x.Name) != "c" {
			continue
		}
		if err := s.readCell(b); err != nil {
			b.cells = b.cells[:start]
			return unexpected(err)
		}
		if len(b.arena)-arena > s.book.rowBytes {
			b.cells = b.cells[:start]
			return tooLong(s.row, s.book.rowBytes)
		}
	}
	for len(b.cells) > start && len(b.cells[len(b.cells)-1]) == 0 {
		b.cells = b.cells[:len(b.cells)-1]
	}
	switch {
	case s.bad != nil:
		c := cutter{delim: ','}
		s.bad.Raw = c.join(b.cells[start:])
		b.refuse(s.bad)
	case len(b.cells) > start:
		b.add(s.row)
	}
	return nil
}

// readCell appends one cell, and empty ones for those left out before it.
func (s *bookSource) readCell(b *batch) error {
	ref := string(s.x.attr("r"))
	column := len(b.cells) - b.start()
	if c := columnOf(ref); c >= 0 {
		column = c
	}
	value, stored, formula, err := s.readValue(b)
	switch {
	case err != nil:
		return err
	case column >= s.book.columns:
		if len(value) > 0 {
			s.refuse(tooWide(column+1, s.book.columns))
		}
		return nil
	case formula && !stored:
		s.refuse(errs.Wrong("", "sheet.wrong.formula", "Cell", ref))
	}
	for len(b.cells)-b.start() <= column {
		b.cells = append(b.cells, nil)
	}
	b.cells[b.start()+column] = value
	return nil
}

// readValue reads to the end of a cell.
func (s *bookSource) readValue(b *batch) (value []byte, stored, formula bool, err error) {
	kind := string(s.x.attr("t"))
	style, _ := strconv.Atoi(string(s.x.attr("s")))
	for !s.x.Empty || string(s.x.Name) != "c" {
		if err := s.x.next(false); err != nil {
			return nil, false, false, err
		}
		name := string(s.x.Name)
		switch {
		case s.x.End && name == "c":
			return value, stored, formula, nil
		case s.x.End:
		case name == "f":
			formula = true
		case name == "v" && !s.x.Empty:
			if err := s.x.next(true); err != nil {
				return nil, false, false, err
			}
			value, stored = s.cellValue(b, kind, style, s.x.Text), true
		case name == "is" && !s.x.Empty:
			from := len(b.arena)
			if b.arena, err = appendRichText(b.arena, s.x, "is"); err != nil {
				return nil, false, false, err
			}
			value, stored = b.arena[from:len(b.arena):len(b.arena)], true
		}
	}
	return value, stored, formula, nil
}

func (s *bookSource) refuse(reason error) {
	if s.bad == nil {
		s.bad = &RowError{Line: s.row, At: s.row, Reason: reason}
	}
}

// columnOf is the column of a reference such as C5, from 0; -1 for none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && i < 4; i++ {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// cellValue is the text of a value by the type and the format of its cell.
func (s *bookSource) cellValue(b *batch, kind string, style int, v []byte) []byte {
	from := len(b.arena)
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(string(v)))
		if err != nil {
			return nil
		}
		return s.book.shared.get(i)
	case "b":
		if string(v) == "1" {
			return []byte("TRUE")
		}
		return []byte("FALSE")
	case "str", "inlineStr":
		b.arena = appendCellText(b.arena, v)
	case "e", "d":
		b.arena = append(b.arena, v...)
	default:
		format := numberFormat{}
		if style >= 0 && style < len(s.book.formats) {
			format = s.book.formats[style]
		}
		b.arena = format.append(b.arena, strings.TrimSpace(string(v)), s.book.since04)
	}
	return b.arena[from:len(b.arena):len(b.arena)]
}

// numberFormat is as much of a cell's format as changes what its number means.
type numberFormat struct {
	day, clock bool
	elapsed    bool // hours beyond 24, as in [h]:mm
	zeros      int  // at least so many digits, as in 00000
}

// append writes a number: a day as 2006-01-02, with a time when the format or
// the number has one; other numbers plainly, in the 15 digits a spreadsheet
// shows.
func (f numberFormat) append(dst []byte, v string, since1904 bool) []byte {
	if f == (numberFormat{}) && plainNumber(v) {
		return append(dst, v...)
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return append(dst, v...)
	}
	switch {
	case f.elapsed && n >= 0 && n < 1e6:
		seconds := int64(math.Round(n * 86400))
		return fmt.Appendf(dst, "%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	case f.clock && !f.day && n >= 0 && n < 1:
		return serialTime(n, true).AppendFormat(dst, time.TimeOnly)
	case (f.day || f.clock) && n >= 0 && n < 2958466: // the year 10000
		t := serialTime(n, since1904)
		if n == math.Trunc(n) {
			return t.AppendFormat(dst, time.DateOnly)
		}
		return t.AppendFormat(dst, time.DateTime)
	case f.zeros > 0 && n >= 0 && n < 1e15 && n == math.Trunc(n):
		return fmt.Appendf(dst, "%0*d", f.zeros, int64(n))
	}
	if math.Abs(n) >= 1e21 || n != 0 && math.Abs(n) < 1e-9 {
		return strconv.AppendFloat(dst, n, 'g', 15, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	return strconv.AppendFloat(dst, rounded, 'f', -1, 64)
}

// plainNumber reports whether v is a number of at most 15 digits that can stay
// as it is stored.
func plainNumber(v string) bool {
	digits := 0
	for i, c := range []byte(v) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' || c == '-' && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && digits <= 15
}

const mostFormats = 1 << 16

func (bk *book) readFormats() error {
	codes := map[int]numberFormat{}
	inXfs := false
	return bk.each(path.Join(bk.base, "styles.xml"), func(x *xmlPull) error {
		switch string(x.Name) {
		case "numFmt":
			if id, err := strconv.Atoi(string(x.attr("numFmtId"))); err == nil && len(codes) < mostFormats {
				codes[id] = formatOf(string(x.attr("formatCode")))
			}
		case "cellXfs":
			inXfs = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			inXfs = false
		case "xf":
			if !inXfs || len(bk.formats) == mostFormats {
				break
			}
			id, _ := strconv.Atoi(string(x.attr("numFmtId")))
			format, own := codes[id]
			if !own {
				format = builtinFormat(id)
			}
			bk.formats = append(bk.formats, format)
		}
		return nil
	})
}

func builtinFormat(id int) numberFormat {
	switch {
	case id == 46:
		return numberFormat{elapsed: true}
	case id >= 18 && id <= 21, id == 45, id == 47:
		return numberFormat{clock: true}
	case id == 22:
		return numberFormat{day: true, clock: true}
	case id >= 14 && id <= 17, id >= 27 && id <= 36, id >= 50 && id <= 58:
		return numberFormat{day: true}
	}
	return numberFormat{}
}

// formatOf reads the first section of a format code: letters of days and times
// that are not quoted, escaped or in brackets.
func formatOf(code string) numberFormat {
	var f numberFormat
	if strings.EqualFold(code, "general") {
		return f
	}
	if len(code) > 1 && strings.Trim(code, "0") == "" {
		return numberFormat{zeros: min(len(code), 20)}
	}
	month := false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			i = len(code)
		case '\\', '_', '*':
			i++
		case '"', '[':
			end := byte('"')
			if c == '[' {
				end = ']'
			}
			j := strings.IndexByte(code[i+1:], end)
			if j < 0 {
				return numberFormat{}
			}
			if inside := strings.ToLower(code[i+1 : i+1+j]); c == '[' && inside != "" && strings.Trim(inside, "hms") == "" {
				f.elapsed = true
			}
			i += j + 1
		case 'y', 'Y', 'd', 'D':
			f.day = true
		case 'h', 'H', 's', 'S':
			f.clock = true
		case 'm', 'M':
			month = true
		}
	}
	if month && !f.clock && !f.elapsed {
		f.day = true
	}
	f.elapsed = f.elapsed && !f.day
	return f
}
