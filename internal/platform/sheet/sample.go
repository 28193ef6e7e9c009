package sheet

import (
	"errors"
	"hash/maphash"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Kind is what the cells of a column look like.
type Kind string

// The kinds, as a mapping screen shows them.
const (
	KindEmpty    Kind = "empty"
	KindText     Kind = "text"
	KindNumber   Kind = "number"   // whole
	KindDecimal  Kind = "decimal"  // with decimals, no currency
	KindMoney    Kind = "money"    // with a currency
	KindDay      Kind = "day"      // see Column.Dates
	KindMoment   Kind = "moment"   // a day with a time
	KindTime     Kind = "time"     // a time of day alone
	KindBool     Kind = "bool"     // yes and no
	KindEmail    Kind = "email"    //
	KindPhone    Kind = "phone"    // begins with + or 00, or has the signs of one
	KindCurrency Kind = "currency" // ISO 4217 codes
)

// Column is what a sample says about one column.
type Column struct {
	Name     string
	Kind     Kind // of nineteen twentieths of its cells that are not empty, or KindText
	Filled   int
	Empty    int
	Distinct int      // different cells, counted to 10,000
	Examples []string // the first five different ones, shortened to 100 characters
	Dates    DateGuess
	Mark     Mark   // of numbers
	Currency string // when all amounts have the same one
}

// Profile is what a sample says about a table.
type Profile struct {
	Columns []Column
	Rows    [][]string  // the first twenty
	Read    int         // rows that were sampled
	Ragged  int         // of them with missing or extra cells
	Bad     []*RowError // the first twenty that cannot be read
	BadRows int
	Whole   bool  // the sample is the whole table
	Ended   error // what is wrong with the file further down; nil when all is well
}

const (
	mostDistinct = 10_000
	keptExamples = 5
	keptRows     = 20
	keptCells    = 2000 // a column's cells that decide its kind
	shownExample = 100
)

// Sample reads up to n rows and describes the columns. Open the file again to
// import it.
func Sample(r *Reader, n int) (Profile, error) {
	var p Profile
	gather := make([]gathered, len(r.header))
	seed := maphash.MakeSeed()
	for p.Read+p.BadRows < n {
		row, err := r.Next()
		var bad *RowError
		if errors.As(err, &bad) {
			p.BadRows++
			if len(p.Bad) < keptRows {
				p.Bad = append(p.Bad, bad)
			}
			continue
		}
		if err != nil {
			p.Whole = err == io.EOF
			p.Ended = endOf(err)
			break
		}
		if row.Blank() {
			continue
		}
		p.Read++
		if row.Missing() > 0 || row.Extra() > 0 {
			p.Ragged++
		}
		if len(p.Rows) < keptRows {
			p.Rows = append(p.Rows, shortened(row.Cells))
		}
		for i := range gather {
			gather[i].add(strings.TrimSpace(row.Cell(i)), seed)
		}
	}
	if p.Ended != nil && r.ctx.Err() != nil {
		return p, p.Ended
	}
	p.Columns = make([]Column, len(r.header))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.header)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(r.header); i = int(next.Add(1)) - 1 {
				p.Columns[i] = gather[i].column(r.header[i])
			}
		})
	}
	wg.Wait()
	return p, nil
}

func shortened(cells []string) (out []string) {
	for _, c := range cells {
		out = append(out, short(c))
	}
	return out
}

func short(cell string) string {
	if len(cell) <= shownExample {
		return strings.Clone(cell)
	}
	r := []rune(cell[:min(len(cell), 4*shownExample+4)])
	return string(r[:min(len(r), shownExample)]) + "…"
}

// gathered is what is kept of one column while sampling.
type gathered struct {
	filled, empty int
	seen          map[uint64]struct{}
	examples      []string
	cells         []string
}

func (g *gathered) add(cell string, seed maphash.Seed) {
	if cell == "" {
		g.empty++
		return
	}
	g.filled++
	if g.seen == nil {
		g.seen = map[uint64]struct{}{}
	}
	if len(g.seen) < mostDistinct {
		g.seen[maphash.String(seed, cell)] = struct{}{}
	}
	if len(g.examples) < keptExamples {
		if s := short(cell); !slices.Contains(g.examples, s) {
			g.examples = append(g.examples, s)
		}
	}
	if len(g.cells) < keptCells && len(cell) <= shownExample {
		g.cells = append(g.cells, strings.Clone(cell))
	}
}

// column decides what a column holds: the first kind that fits nineteen
// twentieths of its cells, from the narrowest to the widest.
func (g *gathered) column(name string) Column {
	c := Column{Name: name, Kind: KindText, Filled: g.filled, Empty: g.empty, Distinct: len(g.seen), Examples: g.examples}
	if g.filled == 0 {
		c.Kind = KindEmpty
		return c
	}
	counts := map[Kind]int{}
	currencies := map[string]int{}
	c.Mark = DetectMark(g.cells)
	for _, cell := range g.cells {
		for _, k := range kindsOf(cell, c.Mark, currencies) {
			counts[k]++
		}
	}
	if len(g.cells) == 0 { // all too long to be anything but text
		return c
	}
	enough := (len(g.cells)*19 + 19) / 20
	c.Dates = DetectDates(g.cells)
	isDate := c.Dates.Dates >= enough && c.Dates.Order != Serial
	numbers := counts[KindNumber] + counts[KindDecimal]
	switch {
	case counts[KindEmail] >= enough:
		c.Kind = KindEmail
	case isDate && c.Dates.Clock:
		c.Kind = KindMoment
	case isDate:
		c.Kind = KindDay
	case counts[KindTime] >= enough:
		c.Kind = KindTime
	case counts[KindBool] >= enough && len(g.seen) <= 4:
		c.Kind = KindBool
	case counts[KindCurrency] >= enough && currencyName(name):
		c.Kind = KindCurrency
	case counts[KindPhone] >= enough:
		c.Kind = KindPhone
	case counts[KindNumber] >= enough:
		c.Kind = KindNumber
	case numbers >= enough:
		c.Kind = KindDecimal
	case numbers+counts[KindMoney] >= enough:
		c.Kind = KindMoney
		if len(currencies) == 1 {
			for code := range currencies {
				c.Currency = code
			}
		}
	}
	if !isDate {
		c.Dates = DateGuess{Cells: c.Dates.Cells, Dates: c.Dates.Dates}
	}
	if c.Kind != KindDecimal && c.Kind != KindMoney && c.Kind != KindNumber {
		c.Mark = NoMark
	}
	return c
}

// kindsOf lists what one cell can be besides text and a date.
func kindsOf(cell string, mark Mark, currencies map[string]int) (kinds []Kind) {
	if isEmail(cell) {
		return []Kind{KindEmail}
	}
	if _, ok := asBool(cell); ok {
		kinds = append(kinds, KindBool)
	}
	if _, ok := asClock(cell); ok {
		kinds = append(kinds, KindTime)
	}
	if code, ok := currencyOf(strings.ToUpper(cell)); ok && len(code) == 3 {
		kinds = append(kinds, KindCurrency)
	}
	if isPhone(cell) {
		return append(kinds, KindPhone)
	}
	a, err := asAmount(cell, mark)
	switch {
	case err != nil:
	case a.Currency != "":
		currencies[a.Currency]++
		kinds = append(kinds, KindMoney)
	case a.Scale == 0:
		kinds = append(kinds, KindNumber)
	default:
		kinds = append(kinds, KindDecimal)
	}
	return kinds
}

// isPhone holds for 7 to 15 digits that begin like an international number or
// are grouped as no number is.
func isPhone(cell string) bool {
	s := bare(cell)
	digits := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("+ -()/.", c):
			return false
		}
	}
	if digits < 7 || digits > 15 {
		return false
	}
	if s[0] == '+' && digits >= 8 && !strings.Contains(s, ".") || strings.HasPrefix(s, "00") && !strings.Contains(s, ".") {
		return true
	}
	_, err := asAmount(s, NoMark)
	return err != nil && dateShape(s).kind == noDate
}

func currencyName(column string) bool {
	column = strings.ToLower(column)
	return strings.Contains(column, "curr") || strings.Contains(column, "měna") || strings.Contains(column, "валют")
}
