package sheet

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"regulars/internal/platform/errs"
)

// cutter cuts text into rows and cells. It gives the answers of encoding/csv
// with LazyQuotes off and FieldsPerRecord -1, held to that by a fuzz test, at
// several times its speed: lines without quotes are cut eight bytes at a time,
// and no cell is copied unless it holds a doubled quote or a line end.
type cutter struct {
	delim   byte // 0: cells are separated by blanks
	columns int
}

// cut appends the whole rows of data to b, the first of them on line. It returns
// the bytes and lines used; the rest is the beginning of a row that goes on,
// unless eof. The error, an unclosed quote at the end, comes after the rows.
// data must stay untouched as long as b is used.
func (c *cutter) cut(b *batch, data []byte, line int, eof bool) (used, lines int, err error) {
	first := line
	quote := nextQuote(data, 0)
	if c.delim == 0 {
		quote = len(data)
	}
	p := 0
	for p < len(data) {
		end, next := len(data), len(data)
		if i := bytes.IndexByte(data[p:], '\n'); i >= 0 {
			end, next = p+i, p+i+1
		} else if !eof {
			break
		}
		text := data[p:end]
		if n := len(text); n > 0 && text[n-1] == '\r' {
			text = text[:n-1]
		}
		if quote < p {
			quote = nextQuote(data, p)
		}
		switch {
		case len(text) == 0:
			p, line = next, line+1
			continue
		case quote < end:
			if b.splitQuoted(text, c.delim) {
				c.finish(b, line, text)
				p, line = next, line+1
				continue
			}
			n, took, err := c.quoted(b, data, p, line, eof)
			if n == 0 {
				return p, line - first, err
			}
			p, line = p+n, line+took
		case c.delim == 0:
			if b.cells = splitBlanks(b.cells, text); len(b.cells) > b.start() {
				c.finish(b, line, text)
			}
			p, line = next, line+1
		default:
			b.cells = split(b.cells, text, c.delim)
			c.finish(b, line, text)
			p, line = next, line+1
		}
	}
	return p, line - first, nil
}

func nextQuote(data []byte, from int) int {
	if i := bytes.IndexByte(data[from:], '"'); i >= 0 {
		return from + i
	}
	return len(data)
}

// finish closes the row whose cells were appended.
func (c *cutter) finish(b *batch, line int, raw []byte) {
	if n := len(b.cells) - b.start(); n > c.columns {
		b.refuse(&RowError{Line: line, At: line, Raw: keepRaw(raw), Reason: tooWide(n, c.columns)})
		return
	}
	b.add(line)
}

func tooWide(n, most int) error {
	return errs.Wrong("", "sheet.wrong.row-wide", "Cells", n, "Most", most)
}

const (
	ones  = 0x0101010101010101
	seven = 0x7f7f7f7f7f7f7f7f
)

// split appends the cells of a line without quotes.
func split(cells [][]byte, line []byte, delim byte) [][]byte {
	pattern := uint64(delim) * ones
	start, i := 0, 0
	for ; i+8 <= len(line); i += 8 {
		x := binary.LittleEndian.Uint64(line[i:]) ^ pattern
		// The top bit of each byte of hits is set exactly where x has a zero byte.
		hits := ^(((x & seven) + seven) | x | seven)
		for hits != 0 {
			at := i + bits.TrailingZeros64(hits)>>3
			cells = append(cells, line[start:at:at])
			start = at + 1
			hits &= hits - 1
		}
	}
	for ; i < len(line); i++ {
		if line[i] == delim {
			cells = append(cells, line[start:i:i])
			start = i + 1
		}
	}
	return append(cells, line[start:len(line):len(line)])
}

// splitQuoted appends the cells of a line whose quoted cells end on it, or
// nothing when there is anything else to say about its quotes.
func (b *batch) splitQuoted(line []byte, delim byte) bool {
	cells, arena := b.cells, b.arena
	commas, quotes := uint64(delim)*ones, uint64('"')*ones
	start := 0 // of the next cell
next:
	for start < len(line) && line[start] == '"' {
		start++
		at, built := start, -1 // built: where in the arena the cell begins that holds a quote
		for {
			n := bytes.IndexByte(line[at:], '"')
			if n < 0 {
				return false // it goes on, on the next line
			}
			if at += n; at+1 == len(line) || line[at+1] == delim {
				break
			}
			if line[at+1] != '"' {
				return false // something behind the closing quote
			}
			if built < 0 {
				built = len(arena)
			}
			arena = append(arena, line[start:at+1]...)
			start, at = at+2, at+2
		}
		cell := line[start:at:at]
		if built >= 0 {
			arena = append(arena, cell...)
			cell = arena[built:len(arena):len(arena)]
		}
		cells = append(cells, cell)
		if at+1 == len(line) {
			b.cells, b.arena = cells, arena
			return true
		}
		start = at + 2
	}
	for i := start; i < len(line); i += 8 {
		var word uint64
		if i+8 <= len(line) {
			word = binary.LittleEndian.Uint64(line[i:])
		} else {
			var rest [8]byte
			copy(rest[:], line[i:])
			word = binary.LittleEndian.Uint64(rest[:])
		}
		x, y := word^commas, word^quotes
		hits := ^(((x & seven) + seven) | x | seven) | ^(((y & seven) + seven) | y | seven)
		for ; hits != 0; hits &= hits - 1 {
			at := i + bits.TrailingZeros64(hits)>>3
			if line[at] != delim {
				return false // a quote within a cell
			}
			cells = append(cells, line[start:at:at])
			start = at + 1
			if start < len(line) && line[start] == '"' {
				goto next
			}
		}
	}
	b.cells, b.arena = append(cells, line[start:len(line):len(line)]), arena
	return true
}

// splitBlanks appends the words of a line: fixed columns whose cells hold no
// blanks.
func splitBlanks(cells [][]byte, line []byte) [][]byte {
	start := -1
	for i, ch := range line {
		if ch == ' ' || ch == '\t' || ch == '\r' || ch == '\v' || ch == '\f' {
			if start >= 0 {
				cells = append(cells, line[start:i:i])
				start = -1
			}
		} else if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		cells = append(cells, line[start:len(line):len(line)])
	}
	return cells
}

var (
	bareQuote = errs.Wrong("", "sheet.wrong.quote-bare")
	loneQuote = errs.Wrong("", "sheet.wrong.quote-lone")
)

// quoted cuts one row that has a quote on its first line, beginning at p. It
// returns the bytes and lines used, or 0 when the row goes on beyond data; at
// eof that is an unclosed quote.
func (c *cutter) quoted(b *batch, data []byte, p, line int, eof bool) (used, lines int, err error) {
	l := liner{data: data, at: p, eof: eof, line: line - 1, column: 1}
	l.next()
	bad := func(column int, reason error) (int, int, error) {
		b.refuse(&RowError{Line: line, At: l.line, Column: column, Reason: reason, Raw: keepRaw(data[p:l.at])})
		return l.at - p, l.line - line + 1, nil
	}
	for {
		if len(l.text) == 0 || l.text[0] != '"' {
			i := bytes.IndexByte(l.text, c.delim)
			cell := l.text
			if i >= 0 {
				cell = cell[:i]
			}
			if j := bytes.IndexByte(cell, '"'); j >= 0 {
				return bad(l.column+j, bareQuote)
			}
			b.cells = append(b.cells, cell[:len(cell):len(cell)])
			if i >= 0 {
				l.skip(i + 1)
				continue
			}
			c.finish(b, line, data[p:l.at])
			return l.at - p, l.line - line + 1, nil
		}
		l.skip(1)
		cell, end := c.quotedCell(b, &l)
		switch end {
		case moreCells, lastCell:
			b.cells = append(b.cells, cell)
			if end == lastCell {
				c.finish(b, line, data[p:l.at])
				return l.at - p, l.line - line + 1, nil
			}
		case stray:
			return bad(l.column-1, loneQuote)
		case open:
			b.cells = b.cells[:b.start()]
			if !eof {
				return 0, 0, nil
			}
			return 0, 0, &OpenQuoteError{Line: line, At: l.line, Column: l.column}
		}
	}
}

type cellEnd int

const (
	moreCells cellEnd = iota // a delimiter follows
	lastCell                 // the line ends
	stray                    // something else follows the closing quote
	open                     // the data end first
)

// quotedCell reads a cell after its opening quote. It is a piece of the data
// when it can be; otherwise it is put together in the arena.
func (c *cutter) quotedCell(b *batch, l *liner) (cell []byte, end cellEnd) {
	built := len(b.arena)
	whole := true
	for {
		i := bytes.IndexByte(l.text, '"')
		if i < 0 {
			whole = false
			b.arena = append(b.arena, l.text...)
			if l.newline {
				b.arena = append(b.arena, '\n')
				l.column++
			}
			l.column += len(l.text)
			if !l.next() {
				b.arena = b.arena[:built]
				return nil, open
			}
			continue
		}
		piece := l.text[:i:i]
		l.skip(i + 1)
		if len(l.text) > 0 && l.text[0] == '"' {
			whole = false
			b.arena = append(append(b.arena, piece...), '"')
			l.skip(1)
			continue
		}
		if !whole {
			b.arena = append(b.arena, piece...)
			piece = b.arena[built:len(b.arena):len(b.arena)]
		}
		switch {
		case len(l.text) == 0:
			return piece, lastCell
		case l.text[0] == c.delim:
			l.skip(1)
			return piece, moreCells
		}
		return nil, stray
	}
}

// liner walks over the lines of a row and knows the place it has come to.
type liner struct {
	data    []byte
	at      int // behind the current line and its end
	eof     bool
	line    int
	column  int    // the byte of the line that text begins with, from 1
	text    []byte // what is left of the line, without its end
	newline bool   // whether a line end follows
}

func (l *liner) skip(n int) {
	l.text = l.text[n:]
	l.column += n
}

// next goes to the next line, or reports that there is no whole one.
func (l *liner) next() bool {
	rest := l.data[l.at:]
	i := bytes.IndexByte(rest, '\n')
	switch {
	case i >= 0:
		l.text, l.newline, l.at = rest[:i], true, l.at+i+1
	case !l.eof:
		return false
	default:
		l.text, l.newline, l.at = rest, false, len(l.data)
	}
	if n := len(l.text); n > 0 && l.text[n-1] == '\r' {
		l.text = l.text[:n-1]
	}
	if len(l.text) == 0 && !l.newline {
		return false
	}
	l.line++
	l.column = 1
	return true
}

// OpenQuoteError says that the file ends inside a quoted cell. It is of kind
// errs.Invalid and ends the table.
type OpenQuoteError struct {
	Line   int // the line its row begins on
	At     int // the last line
	Column int // the byte behind its end, from 1
}

// Error is for the log.
func (e *OpenQuoteError) Error() string { return e.Unwrap().Error() }

// Unwrap makes it an errs.Invalid.
func (e *OpenQuoteError) Unwrap() error {
	return errs.Wrong("", "sheet.wrong.quote-open", "Line", e.Line)
}
