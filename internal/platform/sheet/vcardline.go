package sheet

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// isQuoted reports whether a line is quoted-printable, so that it may go on
// behind a "=".
func isQuoted(line []byte) bool {
	head, _, _ := bytes.Cut(line, []byte(":"))
	return bytes.Contains(bytes.ToUpper(head), []byte("QUOTED-PRINTABLE"))
}

// property is a line of a card.
type property struct {
	name   string // upper case, without its group
	params []param
	value  []byte
}

type param struct{ name, value string } // upper case; those of 2.1 have no name

// parseProperty takes item1.EMAIL;TYPE=work,pref:ana@example.com apart.
func parseProperty(line []byte) (property, bool) {
	end, quoted := -1, false
	for i, c := range line {
		if c == '"' {
			quoted = !quoted
		}
		if c == ':' && !quoted {
			end = i
			break
		}
	}
	if end < 1 {
		return property{}, false
	}
	parts := bytes.Split(line[:end], []byte(";"))
	name := strings.ToUpper(strings.TrimSpace(string(parts[0])))
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	p := property{name: name, value: line[end+1:]}
	for _, part := range parts[1:] {
		key, value, named := strings.Cut(strings.ToUpper(string(part)), "=")
		if !named {
			key, value = "", key
		}
		p.params = append(p.params, param{strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)})
	}
	return p, name != ""
}

// is reports whether a parameter has a value, named or bare as in 2.1.
func (p property) is(name, value string) bool {
	for _, q := range p.params {
		if q.name != "" && q.name != name {
			continue
		}
		for v := range strings.SplitSeq(q.value, ",") {
			if v == value {
				return true
			}
		}
	}
	return false
}

func (p property) param(name string) string {
	for _, q := range p.params {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

// cardCharsets are the charsets that phones name, beside UTF-8.
var cardCharsets = map[string]*charmap.Charmap{
	"WINDOWS-1250": charmap.Windows1250, "WINDOWS-1251": charmap.Windows1251, "WINDOWS-1252": charmap.Windows1252,
	"ISO-8859-1": charmap.ISO8859_1, "ISO-8859-2": charmap.ISO8859_2, "ISO-8859-5": charmap.ISO8859_5, "ISO-8859-15": charmap.ISO8859_15,
	"KOI8-R": charmap.KOI8R,
}

// textOf is the value of a property as UTF-8.
func (s *cardSource) textOf(p property) string {
	value := p.value
	switch {
	case p.is("ENCODING", "QUOTED-PRINTABLE"):
		decoded, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(value)))
		if err == nil || len(decoded) > 0 {
			value = decoded
		}
	case p.is("ENCODING", "B"), p.is("ENCODING", "BASE64"):
		if decoded, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(value), " ", "")); err == nil {
			value = decoded
		}
	}
	if m := cardCharsets[p.param("CHARSET")]; m != nil {
		if decoded, err := m.NewDecoder().Bytes(value); err == nil {
			value = decoded
		}
	} else if s.decode != nil && p.param("CHARSET") == "" {
		value = (&textSource{decode: s.decode}).decodeCell(&batch{}, value)
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(value), "\x00", ""), "\uFFFD")
}

// rank is how much a phone or email is preferred: 0 most.
func (p property) rank() int {
	switch {
	case p.is("TYPE", "PREF"), p.param("PREF") != "":
		return 0
	case p.is("TYPE", "CELL"), p.is("TYPE", "INTERNET"):
		return 1
	case p.is("TYPE", "FAX"), p.is("TYPE", "PAGER"):
		return 3
	}
	return 2
}

// fields takes a value apart at its semicolons, into at least seven.
func fields(text string) []string {
	var parts []string
	from := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ';':
			parts = append(parts, unescape(text[from:i]))
			from = i + 1
		}
	}
	parts = append(parts, unescape(text[min(from, len(text)):]))
	for len(parts) < 7 {
		parts = append(parts, "")
	}
	return parts
}

// unescape undoes the backslashes of a value.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case ',', ';', '\\', ':':
			b.WriteByte(text[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
