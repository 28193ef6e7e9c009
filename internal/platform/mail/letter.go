package mail

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
	"unicode/utf8"
)

// width is after how many characters a line of plain text is broken.
const width = 72

// plain is the letter as text.
func (l Letter) plain() string {
	var b strings.Builder
	for _, line := range l.Lines {
		b.WriteString(wrapped(line) + "\r\n\r\n")
	}
	if l.Link != "" {
		b.WriteString(l.Button + ":\r\n" + l.Link + "\r\n\r\n")
	}
	if l.Foot != "" {
		b.WriteString("-- \r\n" + wrapped(l.Foot) + "\r\n")
	}
	return b.String()
}

// wrapped breaks a paragraph between its words.
func wrapped(s string) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\r\n")
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

//go:embed letter.html
var letterPage string

var letterTemplate = template.Must(template.New("letter").Parse(letterPage))

// html is the letter as a page that every mail program shows alike: a table,
// with its looks in each element, and nothing that is fetched.
func (l Letter) html() (string, error) {
	var b bytes.Buffer
	err := letterTemplate.Execute(&b, l)
	return b.String(), err
}
