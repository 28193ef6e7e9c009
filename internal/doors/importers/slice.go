package importers

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
)

// slice is some whole orders of a file, read and not yet placed.
type slice struct {
	drafts    []*draft
	people    []Person        // without an order, or of them, each once
	products  map[string]Item // by SKU: the first row that named it
	words     []word          // of people
	contracts []contracted
	errors    []rowError
	skipped   int64 // rows in which nothing counts
	rows      int64 // read up to and with this slice
	bytes     int64
}

// draft is one order as its rows told of it.
type draft struct {
	rec    Record // of its first row
	lines  []Record
	person int // in slice.people; -1: nobody known
}

// word is what a row tells of a person beside the order: what they agreed to,
// and that their email cannot be reached.
type word struct {
	person  int // in slice.people
	given   []customers.Consent
	firm    bool
	bounced *customers.Bounce
	joined  time.Time
}

// rowError is a row that is left out.
type rowError struct {
	line   int64
	column string
	reason error
	row    []string // nil: the raw text says it
	raw    string
}

// cutter cuts a file into slices. An order is never cut: when its rows do not
// stand together (see scattered), they are held until the last has come.
type cutter struct {
	in        *sheet.Reader
	read      *reader
	scattered map[uint64]int // groups of rows still to come, of orders that stand in several
	skip      int64          // rows done before a restart
	rows      int64
	ahead     *Record // read, of the next slice
	held      map[string]*draft
	contracts map[string]int64 // the lines of those that came, by their id
	ordinals  map[uint64]int   // how often a row without a number has come, by its hash
}

func newCutter(in *sheet.Reader, read *reader, scattered map[uint64]int, skip int64) *cutter {
	return &cutter{in: in, read: read, scattered: scattered, skip: skip, held: map[string]*draft{}, contracts: map[string]int64{}, ordinals: map[uint64]int{}}
}

// next returns a slice of about limit rows, or io.EOF with the last one.
func (c *cutter) next(limit int) (*slice, error) {
	s := &slice{products: map[string]Item{}}
	people := map[Person]int{}
	var open *draft
	started := c.rows
	for {
		rec, err := c.record(s)
		if err != nil {
			c.release(s, people)
			s.rows, s.bytes = c.rows, c.bytes()
			return s, err
		}
		if rec == nil {
			continue
		}
		if open != nil && rec.Number == open.rec.Number && rec.Return == open.rec.Return && rec.Number != "" {
			open.lines = append(open.lines, *rec)
			s.name(*rec)
			continue
		}
		if c.rows-started > int64(limit) && c.rows > c.skip {
			c.ahead = rec
			s.rows, s.bytes = c.rows-1, c.bytes()
			return s, nil
		}
		open = c.begin(s, people, *rec)
	}
}

// release gives the slice the orders that still wait for rows: those were bad
// ones, or the file broke off before them.
func (c *cutter) release(s *slice, people map[Person]int) {
	for _, key := range slices.Sorted(maps.Keys(c.held)) {
		d := c.held[key]
		d.again(s, people)
		s.drafts = append(s.drafts, d)
		for _, l := range d.lines {
			s.name(l)
		}
	}
	clear(c.held)
}

func (c *cutter) bytes() int64 {
	done, _ := c.in.Progress()
	return done
}

// record reads the next row that is not done yet; nil means it was left out,
// and why stands in the slice.
func (c *cutter) record(s *slice) (*Record, error) {
	if c.ahead != nil {
		rec := c.ahead
		c.ahead = nil
		return rec, nil
	}
	row, err := c.in.Next()
	var bad *sheet.RowError
	switch {
	case errors.As(err, &bad):
		c.rows++
		if c.rows > c.skip {
			s.errors = append(s.errors, rowError{line: int64(bad.Line), reason: bad.Reason, row: c.cut(bad.Raw)})
		}
		return nil, nil
	case err != nil:
		return nil, err
	}
	c.rows++
	if row.Blank() {
		return nil, nil
	}
	rec, err := c.read.read(row)
	if err != nil {
		var cell badCell
		if !errors.As(err, &cell) {
			cell = badCell{"", err}
		}
		if c.rows > c.skip {
			s.errors = append(s.errors, rowError{int64(row.Line), cell.column, cell.reason, slices.Clone(row.Cells), ""})
		}
		return nil, nil
	}
	if rec.Skip {
		if c.rows > c.skip {
			s.skipped++
		}
		return nil, nil
	}
	rec.cells = slices.Clone(row.Cells)
	if !rec.At.IsZero() && rec.Number == "" {
		c.number(&rec)
	}
	if rec.Contract != nil && c.twice(s, &rec) {
		return nil, nil
	}
	if c.rows <= c.skip && c.scattered[hash(rec.Number)] == 0 {
		return nil, nil // done before a restart
	}
	return &rec, nil
}

// twice leaves a row out whose subscription stands in the file already.
func (c *cutter) twice(s *slice, rec *Record) bool {
	line, found := c.contracts[rec.Contract.External]
	if !found {
		c.contracts[rec.Contract.External] = rec.Line
		return false
	}
	if c.rows > c.skip {
		reason := errs.Wrong("", "importers.wrong.subscription-twice", "Line", line)
		if rec.Contract.made {
			reason = errs.Wrong("", "importers.wrong.subscription-alike", "Line", line)
		}
		s.errors = append(s.errors, rowError{line: rec.Line, reason: reason, row: rec.cells})
	}
	return true
}

// cut cuts a row that cannot be read into cells as well as it goes, so that
// it is mended where it stands.
func (c *cutter) cut(raw []byte) []string {
	delimiter := c.in.Format().Delimiter
	if delimiter == 0 {
		return []string{string(raw)}
	}
	return csvCells(string(raw), rune(delimiter))
}

// number makes up the number of an order whose file gives none. Rows that say
// the same are several orders, told apart by their place among each other.
func (c *cutter) number(rec *Record) {
	total := int64(0)
	if rec.LineTotal != nil {
		total = *rec.LineTotal
	}
	p := rec.Person
	key := fmt.Sprintf("%s %s", cmp.Or(p.External, p.Email, p.Phone, p.Card), rec.At.Format("20060102T150405"))
	if c.read.has(SKU) || c.read.has(Product) {
		rec.Number = key // its lines follow each other
		return
	}
	key = fmt.Sprintf("%s %d %d", key, rec.Quantity, total)
	h := hash(key)
	c.ordinals[h]++
	rec.Number = fmt.Sprintf("%s %d", key, c.ordinals[h])
}

var seed = maphash.MakeSeed()

// hash names an order's number in the maps over the whole file.
func hash(number string) uint64 { return maphash.String(seed, number) }

// begin starts a draft, or goes on with one that is held.
func (c *cutter) begin(s *slice, people map[Person]int, rec Record) *draft {
	s.name(rec)
	key := fmt.Sprintf("%t %s", rec.Return, rec.Number)
	left, scattered := c.scattered[hash(rec.Number)]
	d := c.held[key]
	if d == nil {
		if rec.Part {
			s.errors = append(s.errors, rowError{line: rec.Line, row: rec.cells,
				reason: errs.Wrong("", "importers.wrong.part")})
			return nil
		}
		d = &draft{rec: rec, person: -1}
		if rec.Person.known() {
			d.person = s.person(people, rec.Person)
			s.note(d.person, rec)
		}
		if rec.Contract != nil {
			s.contracts = append(s.contracts, contracted{d.person, rec.Contract, c.read.has(TrialEnd), c.read.has(PaidUntil)})
		}
		if rec.At.IsZero() {
			return nil
		}
	} else {
		if !d.rec.Person.known() {
			d.rec.Person = rec.Person
		}
		d.again(s, people)
	}
	d.lines = append(d.lines, rec)
	if !scattered {
		s.drafts = append(s.drafts, d)
		return d
	}
	c.scattered[hash(rec.Number)] = left - 1
	if left > 1 {
		c.held[key] = d
		return d
	}
	delete(c.held, key)
	s.drafts = append(s.drafts, d)
	for _, l := range d.lines {
		s.name(l)
	}
	return d
}

// again finds the person of a draft that was begun in an earlier slice.
func (d *draft) again(s *slice, people map[Person]int) {
	if d.person = -1; d.rec.Person.known() {
		d.person = s.person(people, d.rec.Person)
	}
}

// person returns the place of a person in the slice.
func (s *slice) person(people map[Person]int, p Person) int {
	i, ok := people[p]
	if !ok {
		i = len(s.people)
		people[p] = i
		s.people = append(s.people, p)
	}
	return i
}

// name notes the product of a line; a later row gives the name that the first
// lacked.
func (s *slice) name(rec Record) {
	if rec.At.IsZero() && !rec.Part {
		return
	}
	for _, i := range rec.items() {
		sku := i.sku()
		if had, ok := s.products[sku]; !ok || had.Product == "" && i.Product != "" {
			s.products[sku] = i
		}
	}
}

// note keeps what a row tells of a person beside the order.
func (s *slice) note(person int, rec Record) {
	if len(rec.Words) > 0 || rec.Bounced != nil || !rec.Joined.IsZero() {
		s.words = append(s.words, word{person, rec.Words, rec.Firm, rec.Bounced, rec.Joined})
	}
}

// sku is the code of the line's product: its own, else its name.
func (i Item) sku() string { return cmp.Or(i.SKU, i.Product, orders.Unnamed) }

// String is the item as a person reads it.
func (i Item) String() string {
	if i.SKU == "" || i.SKU == i.Product {
		return strings.TrimSpace(i.Product)
	}
	return strings.TrimSpace(i.SKU + " " + i.Product)
}

// line makes the order line of an item.
func (i Item) line(products map[string]id.Product, c money.Currency) (orders.Line, error) {
	product := products[i.sku()]
	switch {
	case i.LineTotal == nil:
		return orders.NewLine(product, i.Quantity, i.Price.Units, i.Price.Scale, c)
	case i.Price.Units == 0:
		return orders.TotalLine(product, i.Quantity, *i.LineTotal, c)
	}
	return orders.Line{Product: product, Quantity: i.Quantity, Price: i.Price.Units, Scale: i.Price.Scale, Total: *i.LineTotal}, nil
}

// scatter reads a whole file and returns the orders whose rows do not stand
// together, with the number of groups they stand in.
func scatter(in *sheet.Reader, read *reader) (map[uint64]int, error) {
	if !read.has(Order) {
		return nil, nil
	}
	var groups []uint64
	last := ""
	for {
		row, err := in.Next()
		var bad *sheet.RowError
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			if err != io.EOF && errs.KindOf(err) != errs.Invalid {
				return nil, err
			}
			break // a file that breaks off is told when its rows are in
		}
		number := strings.TrimPrefix(read.cell(row, Order), "'")
		if number == "" || number == last {
			continue
		}
		groups = append(groups, hash(number))
		last = strings.Clone(number)
	}
	slices.Sort(groups)
	scattered := map[uint64]int{}
	for i := 1; i < len(groups); i++ {
		if groups[i] == groups[i-1] {
			scattered[groups[i]] = max(1, scattered[groups[i]]) + 1
		}
	}
	return scattered, nil
}
