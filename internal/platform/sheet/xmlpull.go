package sheet

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// xmlPull reads the XML of workbooks tag by tag. encoding/xml would do but for
// two things: it keeps a text of any length in memory, and it is ten times
// slower. Prefixes of names are dropped; document types are not read.
type xmlPull struct {
	r     *bufio.Reader
	limit int // bytes of one text or tag
	tag   []byte

	Name  []byte // of the tag last read
	End   bool   // it is a closing tag
	Empty bool   // it is <name/>: no closing tag follows
	attrs []byte
	Text  []byte // what stood before the tag, when keep was set
}

func newXMLPull(r io.Reader, limit int) *xmlPull {
	return &xmlPull{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

var errXMLTooLong = fmt.Errorf("a text or tag in the workbook is too long")

// next reads to the next tag and, with keep, appends the text before it to
// Text. Its error is io.EOF at the end.
func (x *xmlPull) next(keep bool) error {
	x.Text = x.Text[:0]
	for {
		if err := x.text(keep); err != nil {
			return err
		}
		raw, err := x.readTag()
		if err != nil {
			return err
		}
		switch {
		case bytes.HasPrefix(raw, []byte("![CDATA[")):
			if keep {
				x.Text = append(x.Text, raw[8:]...)
			}
			continue
		case len(raw) == 0 || raw[0] == '?' || raw[0] == '!':
			continue
		}
		x.End = raw[0] == '/'
		if x.End {
			raw = raw[1:]
		}
		x.Empty = len(raw) > 0 && raw[len(raw)-1] == '/'
		if x.Empty {
			raw = raw[:len(raw)-1]
		}
		x.Name, x.attrs = raw, nil
		if i := bytes.IndexAny(raw, " \t\r\n"); i >= 0 {
			x.Name, x.attrs = raw[:i], raw[i:]
		}
		if i := bytes.IndexByte(x.Name, ':'); i >= 0 {
			x.Name = x.Name[i+1:]
		}
		return nil
	}
}

// text reads up to and with the next '<'.
func (x *xmlPull) text(keep bool) error {
	for {
		piece, err := x.r.ReadSlice('<')
		if keep {
			if len(x.Text)+len(piece) > x.limit {
				return errXMLTooLong
			}
			x.Text = appendUnescaped(x.Text, bytes.TrimSuffix(piece, []byte("<")))
		}
		switch err {
		case nil:
			return nil
		case bufio.ErrBufferFull:
			continue
		}
		return err
	}
}

// readTag reads what is between '<' and its '>'.
func (x *xmlPull) readTag() ([]byte, error) {
	x.tag = x.tag[:0]
	for {
		piece, err := x.r.ReadSlice('>')
		if len(x.tag)+len(piece) > x.limit {
			return nil, errXMLTooLong
		}
		x.tag = append(x.tag, piece...)
		switch err {
		case nil:
		case bufio.ErrBufferFull:
			continue
		case io.EOF:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
		if tag := x.tag[:len(x.tag)-1]; tagEnds(tag) {
			if bytes.HasPrefix(tag, []byte("![CDATA[")) {
				tag = tag[:len(tag)-2]
			}
			return tag, nil
		}
	}
}

// tagEnds reports whether a '>' after tag closes it: comments and character
// data have their own ends, and '>' may stand in a quoted attribute.
func tagEnds(tag []byte) bool {
	switch {
	case bytes.HasPrefix(tag, []byte("!--")):
		return len(tag) >= 5 && bytes.HasSuffix(tag, []byte("--"))
	case bytes.HasPrefix(tag, []byte("![CDATA[")):
		return bytes.HasSuffix(tag, []byte("]]"))
	}
	quote := byte(0)
	if bytes.IndexByte(tag, '"') < 0 && bytes.IndexByte(tag, '\'') < 0 {
		return true
	}
	for _, c := range tag {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return quote == 0
}

// attr is an attribute of the tag, by its name without prefix.
func (x *xmlPull) attr(name string) []byte {
	rest := x.attrs
	for {
		i := bytes.IndexByte(rest, '=')
		if i < 0 {
			return nil
		}
		key := bytes.TrimSpace(rest[:i])
		if j := bytes.IndexByte(key, ':'); j >= 0 {
			key = key[j+1:]
		}
		rest = bytes.TrimLeft(rest[i+1:], " \t\r\n")
		if len(rest) == 0 {
			return nil
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil
		}
		value := rest[1 : 1+end]
		if string(key) == name {
			if bytes.IndexByte(value, '&') >= 0 {
				return appendUnescaped(nil, value)
			}
			return value
		}
		rest = rest[end+2:]
	}
}

// appendUnescaped resolves the five entities and character references. One that
// is cut by the end of a piece of a very long text stays as it is.
func appendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '&')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		end := bytes.IndexByte(s[:min(len(s), 12)], ';')
		if end < 0 {
			dst, s = append(dst, '&'), s[1:]
			continue
		}
		switch name := string(s[1:end]); name {
		case "amp":
			dst = append(dst, '&')
		case "lt":
			dst = append(dst, '<')
		case "gt":
			dst = append(dst, '>')
		case "quot":
			dst = append(dst, '"')
		case "apos":
			dst = append(dst, '\'')
		default:
			r, ok := charRef(name)
			if !ok {
				dst, s = append(dst, '&'), s[1:]
				continue
			}
			dst = utf8.AppendRune(dst, r)
		}
		s = s[end+1:]
	}
}

func charRef(name string) (rune, bool) {
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := 10, name[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || n == 0 || !utf8.ValidRune(rune(n)) {
		return 0, false
	}
	return rune(n), true
}
