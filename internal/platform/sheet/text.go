package sheet

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"regulars/internal/platform/errs"
)

// textSource yields the rows of text.
type textSource struct {
	r      io.Reader
	cutter cutter
	decode *[256][]byte // from a code page; nil for UTF-8
	limit  int          // bytes of a row
	buf    []byte
	have   int // bytes of buf that are read
	used   int // bytes of them that were cut into rows
	line   int // of buf[used]
	err    error
}

// block is how much text is cut at a time.
const block = 256 << 10

func (r *Reader) openText(o opened) error {
	sample, err := o.text.Peek(sampleBytes)
	if len(sample) == 0 && err != io.EOF {
		return packedError(err)
	}
	if err := refuseForeign(sample); err != nil {
		return err
	}
	encoding, mark := detectEncoding(sample)
	if encoding == utf8Name && mark == 0 && o.at != nil {
		encoding = farther(o.at, r.in.size, sample)
	}
	if forced := strings.ToLower(r.opts.Encoding); forced != "" && forced != encoding {
		encoding, mark = forced, 0
	}
	text := o.text
	if _, err := text.Discard(mark); err != nil {
		return packedError(err)
	}
	switch encoding {
	case utf8Name, win1250, win1251, win1252:
	case utf16leName, utf16beName:
		order := unicode.LittleEndian
		if encoding == utf16beName {
			order = unicode.BigEndian
		}
		decoder := unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()
		text = bufio.NewReaderSize(transform.NewReader(text, decoder), sampleBytes)
	default:
		return errs.Wrong("encoding", "sheet.wrong.encoding", "Encoding", encoding)
	}
	sample, _ = text.Peek(sampleBytes)
	if bytes.IndexByte(sample, '\r') >= 0 && bytes.IndexByte(sample, '\n') < 0 {
		text = bufio.NewReaderSize(&macLines{text}, sampleBytes)
		sample, _ = text.Peek(sampleBytes)
	}
	if err := refuseBinary(sample); err != nil {
		return err
	}
	r.format.Encoding, r.format.Table = encoding, o.name
	if isCards(sample) {
		r.src, r.format.Kind = &cardSource{text: text, limit: r.opts.Limits.RowBytes, decode: decodeTable(encoding)}, "vcard"
		return nil
	}
	src := &textSource{r: text, limit: r.opts.Limits.RowBytes, line: 1, decode: decodeTable(encoding)}
	src.cutter.columns = r.opts.Limits.Columns
	if err := r.chooseLayout(src, text, sample); err != nil {
		return err
	}
	r.src = src
	r.format.Kind, r.format.Delimiter = "csv", src.cutter.delim
	if src.cutter.delim == 0 {
		r.format.Kind = "columns"
	}
	return nil
}

// chooseLayout takes the delimiter from the options, from a first line "sep=;"
// as Excel writes it, or from the sample.
func (r *Reader) chooseLayout(src *textSource, text *bufio.Reader, sample []byte) error {
	told, length := separatorLine(sample)
	if length > 0 {
		if _, err := text.Discard(length); err != nil {
			return packedError(err)
		}
		src.line++
	}
	switch d := r.opts.Delimiter; {
	case r.opts.Blanks:
	case d >= 0x80 || d == '"' || d == '\n' || d == '\r':
		return errs.Wrong("delimiter", "sheet.wrong.delimiter")
	case d != 0:
		src.cutter.delim = d
	case told != 0:
		src.cutter.delim = told
	default:
		src.cutter.delim = sniff(sample)
	}
	return nil
}

// macLines turns the line ends of old Macintosh files into today's.
type macLines struct{ r io.Reader }

func (m *macLines) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// fill cuts the next block of text into rows. They point into the buffer, so
// what was left over moves to its front only now.
func (s *textSource) fill(b *batch) error {
	for len(b.rows) == 0 {
		s.have = copy(s.buf, s.buf[s.used:s.have])
		s.used = 0
		if s.err != nil {
			return s.err
		}
		s.read()
		used, lines, err := s.cut(b, s.buf[:s.have], s.line, s.err == io.EOF)
		s.used, s.line = used, s.line+lines
		switch {
		case err != nil:
			s.err = err
		case used == 0 && s.have >= s.limit && s.err == nil:
			s.err = tooLong(s.line, s.limit)
		}
	}
	return nil
}

// read fills the buffer, which grows while a row is longer than it.
func (s *textSource) read() {
	if size := max(block, 2*s.have); len(s.buf) < size {
		s.buf = append(make([]byte, 0, size), s.buf[:s.have]...)[:size]
	}
	n, err := io.ReadAtLeast(s.r, s.buf[s.have:], 1)
	s.have += n
	s.err = err
}

// cut cuts rows, brings them to UTF-8 and refuses those that are no text.
func (s *textSource) cut(b *batch, data []byte, line int, eof bool) (used, lines int, err error) {
	from := len(b.rows)
	used, lines, err = s.cutter.cut(b, data, line, eof)
	if s.decode != nil {
		for i := b.cellsBefore(from); i < len(b.cells); i++ {
			b.cells[i] = s.decodeCell(b, b.cells[i])
		}
		for i := from; i < len(b.rows); i++ {
			if bad := b.rows[i].bad; bad != nil {
				bad.Raw = s.decodeCell(&batch{}, bad.Raw)
			}
		}
		if bytes.IndexByte(data, 0) < 0 {
			return used, lines, err
		}
	} else if utf8.Valid(data[:used]) && bytes.IndexByte(data[:used], 0) < 0 {
		return used, lines, err
	}
	for i := from; i < len(b.rows); i++ {
		row := &b.rows[i]
		if row.bad != nil {
			continue
		}
		if bad := checkText(b.rowCells(i)); bad != nil {
			bad.Line, bad.At = row.line, row.line
			bad.Raw = s.cutter.join(b.rowCells(i))
			row.bad = bad
		}
	}
	return used, lines, err
}

func (s *textSource) decodeCell(b *batch, cell []byte) []byte {
	for i, c := range cell {
		if c < 0x80 {
			continue
		}
		start := len(b.arena)
		b.arena = append(b.arena, cell[:i]...)
		for _, c := range cell[i:] {
			b.arena = append(b.arena, s.decode[c]...)
		}
		return b.arena[start:len(b.arena):len(b.arena)]
	}
	return cell
}

func tooLong(line, limit int) error {
	return errs.Wrong("", "sheet.wrong.row-long", "Line", line, "Most", bytesText(int64(limit)))
}
