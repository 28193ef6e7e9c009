package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"regulars/internal/platform/errs"
)

// The columns that a file of contacts has when it is laid out as a table: a
// row a card. Of several emails and phones the preferred one stands in the
// first column, the others behind it.
const (
	CardName         = "Formatted name"
	CardGiven        = "Given name"
	CardFamily       = "Family name"
	CardEmail        = "Email"
	CardEmails       = "Other emails"
	CardPhone        = "Phone"
	CardPhones       = "Other phones"
	CardOrganisation = "Organisation"
	CardStreet       = "Street"
	CardCity         = "City"
	CardRegion       = "Region"
	CardPostcode     = "Postcode"
	CardCountry      = "Country"
	CardBirthday     = "Birthday"
	CardLanguage     = "Language"
	CardCategories   = "Categories"
	CardNote         = "Note"
	CardUID          = "Card UID"
	CardRevision     = "Card revision"
)

var cardColumns = []string{CardName, CardGiven, CardFamily, CardEmail, CardEmails, CardPhone, CardPhones, CardOrganisation,
	CardStreet, CardCity, CardRegion, CardPostcode, CardCountry, CardBirthday, CardLanguage, CardCategories, CardNote, CardUID, CardRevision}

// isCards reports whether a text is a file of contacts.
func isCards(sample []byte) bool {
	const begin = "BEGIN:VCARD"
	sample = bytes.TrimLeft(sample, " \t\r\n")
	return len(sample) >= len(begin) && strings.EqualFold(string(sample[:len(begin)]), begin)
}

// cardSource yields a row a card of vCard 2.1, 3.0 and 4.0, as phones and mail
// programs write them. There is no library that reads the three of them with
// the folding, quoting and charsets of 2.1.
type cardSource struct {
	text   *bufio.Reader
	decode *[256][]byte // from a code page; nil for UTF-8
	limit  int          // bytes of a card
	line   int          // read last
	next   []byte       // a line read ahead
	ahead  bool
	begun  bool
	err    error
}

// cardsAtOnce is how many cards a batch holds.
const cardsAtOnce = 200

func (s *cardSource) fill(b *batch) error {
	if !s.begun {
		s.begun = true
		for _, name := range cardColumns {
			b.cells = append(b.cells, []byte(name))
		}
		b.add(1)
	}
	for len(b.rows) < cardsAtOnce && s.err == nil {
		s.err = s.card(b)
	}
	if len(b.rows) > 0 && s.err == nil {
		return nil
	}
	return s.err
}

// card reads to the end of the next card.
func (s *cardSource) card(b *batch) error {
	var c card
	depth, size, began := 0, 0, 0
	for {
		raw, line, err := s.unfolded()
		if err != nil {
			if err == io.EOF && depth > 0 {
				b.refuse(&RowError{Line: began, At: s.line, Reason: errs.Wrong("", "sheet.wrong.card-open")})
			}
			return err
		}
		p, ok := parseProperty(raw)
		switch {
		case !ok: // the middle of a picture
		case p.name == "BEGIN" && strings.EqualFold(strings.TrimSpace(string(p.value)), "VCARD"):
			if depth++; depth == 1 {
				c, began, size = card{}, line, 0
			}
		case p.name == "END" && strings.EqualFold(strings.TrimSpace(string(p.value)), "VCARD"):
			if depth--; depth == 0 {
				if !c.group {
					c.row(b, began)
				}
				return nil
			}
			depth = max(depth, 0)
		case depth == 1: // a card within a card is somebody's assistant
			if size += len(raw); size > s.limit {
				return tooLong(began, s.limit)
			}
			c.take(p, s.textOf(p))
		}
	}
}

// unfolded returns a line with those that go on with it.
func (s *cardSource) unfolded() (line []byte, number int, err error) {
	line, err = s.read()
	if err != nil {
		return nil, s.line, err
	}
	number = s.line
	line = bytes.Clone(line)
	quoted := isQuoted(line)
	for len(line) <= s.limit {
		more, err := s.read()
		switch {
		case err == io.EOF:
			return line, number, nil
		case err != nil:
			return nil, number, err
		case len(more) > 0 && (more[0] == ' ' || more[0] == '\t') && !(quoted && bytes.HasSuffix(line, []byte("="))):
			line = append(line, more[1:]...)
		case quoted && bytes.HasSuffix(line, []byte("=")):
			line = append(line[:len(line)-1], more...)
		default:
			s.next, s.ahead = more, true
			s.line--
			return line, number, nil
		}
	}
	return nil, number, tooLong(number, s.limit)
}

// read returns a line without its end.
func (s *cardSource) read() ([]byte, error) {
	s.line++
	if s.ahead {
		s.ahead = false
		return s.next, nil
	}
	var line []byte
	for {
		part, err := s.text.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), nil
		case errors.Is(err, bufio.ErrBufferFull) && len(line) <= s.limit:
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, tooLong(s.line, s.limit)
		case err == io.EOF && len(line) > 0:
			return bytes.TrimRight(line, "\r\n"), nil
		default:
			return nil, err
		}
	}
}

// card is what has been read of one.
type card struct {
	group  bool
	cells  map[string]string
	emails []ranked
	phones []ranked
}

// ranked is one of several, the best first.
type ranked struct {
	value string
	rank  int
}

// take notes a property.
func (c *card) take(p property, text string) {
	if c.cells == nil {
		c.cells = map[string]string{}
	}
	switch p.name {
	case "FN":
		c.put(CardName, unescape(text))
	case "N":
		parts := fields(text)
		c.put(CardFamily, parts[0])
		c.put(CardGiven, strings.TrimSpace(parts[1]+" "+parts[2]))
	case "EMAIL":
		c.emails = append(c.emails, ranked{strings.TrimPrefix(strings.TrimSpace(unescape(text)), "mailto:"), p.rank()})
	case "TEL":
		c.phones = append(c.phones, ranked{strings.TrimPrefix(strings.TrimSpace(unescape(text)), "tel:"), p.rank()})
	case "ORG":
		c.put(CardOrganisation, fields(text)[0])
	case "ADR":
		parts := fields(text)
		if c.cells[CardCity]+c.cells[CardStreet] == "" {
			c.put(CardStreet, strings.TrimSpace(parts[2]+" "+parts[1]))
			c.put(CardCity, parts[3])
			c.put(CardRegion, parts[4])
			c.put(CardPostcode, parts[5])
			c.put(CardCountry, parts[6])
		}
	case "BDAY":
		if year := p.param("X-APPLE-OMIT-YEAR"); year != "" {
			text = strings.Replace(text, year, "-", 1)
		}
		c.put(CardBirthday, text)
	case "LANG", "X-LANGUAGE":
		c.put(CardLanguage, text)
	case "CATEGORIES":
		c.put(CardCategories, unescape(text))
	case "NOTE":
		c.put(CardNote, unescape(text))
	case "UID":
		c.put(CardUID, text)
	case "REV":
		c.put(CardRevision, text)
	case "KIND", "X-ADDRESSBOOKSERVER-KIND":
		c.group = c.group || strings.EqualFold(strings.TrimSpace(text), "group")
	}
}

// put keeps the first of a kind.
func (c *card) put(column, value string) {
	if value = strings.TrimSpace(value); c.cells[column] == "" && value != "" {
		c.cells[column] = value
	}
}

// best returns the preferred of several and the others.
func best(all []ranked) (first, others string) {
	at := -1
	for i, r := range all {
		if r.value != "" && (at < 0 || r.rank < all[at].rank) {
			at = i
		}
	}
	if at < 0 {
		return "", ""
	}
	var rest []string
	for i, r := range all {
		if i != at && r.value != "" && r.value != all[at].value && r.rank < 3 {
			rest = append(rest, r.value)
		}
	}
	return all[at].value, strings.Join(rest, "; ")
}

// row writes the card down.
func (c *card) row(b *batch, line int) {
	if c.cells == nil {
		c.cells = map[string]string{}
	}
	c.cells[CardEmail], c.cells[CardEmails] = best(c.emails)
	c.cells[CardPhone], c.cells[CardPhones] = best(c.phones)
	for _, column := range cardColumns {
		b.cells = append(b.cells, []byte(c.cells[column]))
	}
	b.add(line)
}
