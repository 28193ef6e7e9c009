package importers

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"
	"time"
	"unsafe"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/sheet"
)

// page is what one worker has read of a file: columns of runs, a run being
// rows of one order that follow each other.
type page struct {
	lean
	roster *roster
	bad    []UnreadRow
	rows   int64
	wrong  int64

	hash   []uint64 // of the order's number; alone: it has none and is like no other
	person []int32  // in roster; -1: nobody known
	day    []int32
	amount []int64 // of the lines
	flags  []uint8
	// Columns that few files need, as long as their last use.
	extra []int64 // of the order beside its lines: shipping and tax less discount
	back  []int64 // given back of the order; allBack: all that it came to
	goods []int64 // how much less than amount the lines with quantity and price come to

	chunks  []stretch
	current []byte // the number of the last run
	last    []byte // of the last one with a number, to see whether they ascend
	key     []byte // scratch
	salt    uint64 // numbers of different sources are different orders
	product bool   // rows name products: those of one moment are one order
	aside   *aside // nil: customers are not split
}

const alone = uint64(0)

// allBack stands for a whole order given back.
const allBack = int64(-1)

// What is true of a run.
const (
	isReturn uint8 = 1 << iota
	isCancelled
	isForeign // in a currency that is not the business's
	isOrder   // not the zero value
	isPart    // rows that go on with an order which began elsewhere
	isWhole   // extra is what the order comes to by the file's own word
)

// stretch is the runs of one chunk of the file.
type stretch struct {
	book, page, chunk int
	from, to          int
	// ascending: all have numbers, each greater than the one before.
	ascending   bool
	first, last string // numbers
}

func newPage(read *reader, zone *time.Location, source string, by retention.Split) *page {
	p := &page{roster: newRoster(), aside: newAside(by), salt: maphash.String(hashing, source)}
	p.lean.init(read, zone, source)
	p.product = read.has(SKU) || read.has(Product)
	return p
}

// row reads one row into the columns.
func (p *page) row(row sheet.RowBytes) {
	if n := len(p.chunks); n == 0 || p.chunks[n-1].chunk != row.Chunk {
		p.end()
		p.chunks = append(p.chunks, stretch{chunk: row.Chunk, from: len(p.hash), ascending: true})
		p.current = p.current[:0]
	}
	if row.Bad != nil {
		p.refuse(int64(row.Line), "", row.Bad.Reason)
		return
	}
	rec := &p.rec
	if p.read(row.Cells, rec) {
		if p.aside != nil {
			p.aside.fill(&p.lean, row.Cells, rec)
		}
		if p.layout.Shape != nil {
			if err := p.layout.Shape(rec); err != nil {
				p.refuseCell(int64(row.Line), err)
				return
			}
		}
	} else if !p.slow(row) {
		return
	}
	if p.at.IsZero() && !p.quick && !rec.Part || rec.Skip {
		return // a customer without an order, or nothing that counts
	}
	// Where a person is first met is told by runs, as lookUp has nothing else.
	st := &p.chunks[len(p.chunks)-1]
	if err := p.add(rec, int64(row.Chunk)<<32|int64(len(p.hash)-st.from)); err != nil {
		p.refuseCell(int64(row.Line), err)
	}
}

// slow reads what lean does not understand, exactly as an import does.
func (p *page) slow(row sheet.RowBytes) bool {
	p.cells = p.cells[:0]
	blank := true
	for _, c := range row.Cells {
		p.cells = append(p.cells, string(c))
		blank = blank && len(bytes.TrimSpace(c)) == 0
	}
	if blank {
		return false
	}
	rec, err := p.reader.read(sheet.Row{Line: row.Line, Cells: p.cells, Want: len(p.names)})
	if err != nil {
		p.refuseCell(int64(row.Line), err)
		return false
	}
	p.rec, p.at, p.quick = rec, rec.At, false
	if !rec.At.IsZero() {
		p.dayOf = dayIn(rec.At, p.zone)
	}
	p.when = append(append([]byte{}, p.bytes(row.Cells, fDate)...), p.bytes(row.Cells, fTime)...)
	return true
}

func dayIn(t time.Time, zone *time.Location) int32 {
	y, m, d := t.In(zone).Date()
	return retention.Day(y, int(m), d)
}

// add puts a record into the run it belongs to.
func (p *page) add(rec *Record, at int64) error {
	total, goods, err := amounts(rec)
	if err != nil {
		return err
	}
	flags := uint8(0)
	if rec.Return {
		flags = isReturn
	}
	if rec.Part {
		flags |= isPart
	}
	i := len(p.hash) - 1
	st := &p.chunks[len(p.chunks)-1]
	who := int32(nobody)
	if rec.Number == "" && p.product {
		who = p.who(rec, at) // it is part of the order's name
	}
	name, hash := p.name(rec, who)
	if i >= st.from && hash != alone && p.flags[i]&isReturn == flags&isReturn && bytes.Equal(name, p.current) {
		p.amount[i] += total
		p.less(i, total-goods)
		if rec.Whole != nil {
			p.more(i, *rec.Whole)
		}
		if p.aside != nil {
			p.aside.hold(rec, total, at)
		}
		return nil
	}
	switch {
	case rec.Number == "" && p.product:
	case p.aside != nil && p.aside.split == retention.ByCountry:
		who = p.who(rec, at) // who it is, is asked at once
	default:
		who = p.soon(rec, at)
	}
	if hash != alone {
		p.ascend(st, name, rec.Number == "")
	}
	if rec.Cancelled {
		flags |= isCancelled
	}
	if rec.Currency != p.shop {
		flags |= isForeign
	}
	p.current = append(p.current[:0], name...)
	if hash != alone {
		hash = maphash.Bytes(hashing, name) ^ uint64(flags&isReturn)<<63 ^ p.salt | 1
	}
	p.hash = append(p.hash, hash)
	p.person = append(p.person, who)
	p.day = append(p.day, p.dayOf)
	p.amount = append(p.amount, total)
	p.flags = append(p.flags, flags)
	i++
	p.less(i, total-goods)
	p.beside(i, rec)
	if p.aside != nil {
		p.aside.begin(p, who, rec, total, at)
	}
	return nil
}

// beside notes what a record tells of its order as a whole.
func (p *page) beside(i int, rec *Record) {
	switch extra := rec.Shipping + rec.Tax - rec.Discount; {
	case rec.Whole != nil:
		p.flags[i] |= isWhole
		p.extra = put(p.extra, i, *rec.Whole)
	case extra != 0:
		p.extra = put(p.extra, i, extra)
	}
	switch {
	case rec.Return:
	case rec.Refunded > 0:
		p.back = put(p.back, i, rec.Refunded)
	case rec.GivenBack:
		p.back = put(p.back, i, allBack)
	}
}

const nobody = -1

// who is the place of a record's person.
func (p *page) who(rec *Record, at int64) int32 {
	if !rec.Person.known() {
		return nobody
	}
	p.key = personKey(p.key, p.source, &rec.Person)
	return p.roster.number(p.key, at)
}

// soon is who, or a small number whose person is looked up at the end of the
// chunk: looking many up in a row, the processor does not wait for each.
func (p *page) soon(rec *Record, at int64) int32 {
	if q := &rec.Person; q.Email == "" && q.Phone == "" && q.Card == "" {
		if v := smallNumber(q.External); v > 0 {
			return nobody - v
		}
	}
	return p.who(rec, at)
}

// lookUp finds the persons of a chunk's runs that were put off.
func (p *page) lookUp(st *stretch) {
	source := []byte(p.source)
	small := p.roster.small
	for i, who := range p.person[st.from:st.to] {
		if who >= nobody {
			continue
		}
		v := nobody - who
		if int(v) < len(small) && small[v] > 0 {
			p.person[st.from+i] = small[v] - 1
			continue
		}
		p.person[st.from+i] = p.roster.bySmall(source, v, int64(st.chunk)<<32|int64(i))
		small = p.roster.small
	}
}

// reserve makes room in the columns for so many runs, as the first chunks let
// expect of the whole file.
func (p *page) reserve(n int) {
	p.hash, p.person = slices.Grow(p.hash, n), slices.Grow(p.person, n)
	p.day, p.amount, p.flags = slices.Grow(p.day, n), slices.Grow(p.amount, n), slices.Grow(p.flags, n)
	if p.aside != nil {
		p.aside.reserve(n)
	}
}

// name is what tells a record's order from others: its number, or who bought
// when where rows of one moment are one order. The hash is alone when nothing
// does.
func (p *page) name(rec *Record, who int32) ([]byte, uint64) {
	switch {
	case rec.Number != "":
		return unsafe.Slice(unsafe.StringData(rec.Number), len(rec.Number)), 1
	case !p.product:
		return nil, alone
	}
	p.made = append(p.made[:0], parts...)
	if who >= 0 {
		p.made = p.roster.key(p.made, who)
	}
	p.made = append(append(p.made, parts...), p.when...)
	return p.made, 1
}

// ascend notes whether the numbers of a chunk only rise: then no order stands
// in two places, and nothing has to be looked up.
func (p *page) ascend(st *stretch, name []byte, made bool) {
	switch {
	case made:
		st.ascending = false
	case st.first == "":
		st.first = string(name)
	case st.ascending && !above(name, p.last):
		st.ascending = false
	}
	p.last = append(p.last[:0], name...)
}

// above orders numbers by length, then by their signs.
func above(a, b []byte) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return bytes.Compare(a, b) > 0
}

// end closes the last chunk.
func (p *page) end() {
	if n := len(p.chunks); n > 0 {
		st := &p.chunks[n-1]
		st.to = len(p.hash)
		p.lookUp(st)
		if st.first != "" {
			st.last = string(p.last)
		}
	}
}

func (p *page) less(i int, by int64) {
	if by != 0 {
		p.goods = put(p.goods, i, at(p.goods, i)+by)
	}
}

// more adds to what an order comes to by the file's own word.
func (p *page) more(i int, by int64) { p.extra = put(p.extra, i, at(p.extra, i)+by) }

// put sets a place of a column that ends with its last use.
func put(column []int64, i int, v int64) []int64 {
	if i >= len(column) {
		column = slices.Grow(column, i+1-len(column))[:i+1]
	}
	column[i] = v
	return column
}

func at(column []int64, i int) int64 {
	if i < len(column) {
		return column[i]
	}
	return 0
}

func (p *page) refuse(line int64, column string, reason error) {
	if p.wrong++; len(p.bad) < maxUnread {
		p.bad = append(p.bad, UnreadRow{Line: line, Column: column, Reason: reason})
	}
}

func (p *page) refuseCell(line int64, err error) {
	var cell badCell
	if !errors.As(err, &cell) {
		cell = badCell{"", err}
	}
	p.refuse(line, cell.column, cell.reason)
}
