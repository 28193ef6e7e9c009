package importers

import (
	"bytes"
	"time"
	"unsafe"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
)

// lean reads the rows that are written plainly, as most are, straight from the
// bytes of the file: who, which order, when, how much. Whatever is not plain
// it leaves to reader, so that both always say the same; a test compares them
// on odd cells.
type lean struct {
	*reader
	shop   money.Currency
	zone   *time.Location
	source string
	plain  bool // clocks of the file are the business's own
	mark   byte
	where  [fieldCount]int // columns by fast field; -1: none

	rec   Record
	total int64     // what rec.LineTotal points to
	at    time.Time // of a record read slowly
	quick bool      // the record was read here
	dayOf int32
	when  []byte // the date and time as written
	made  []byte // scratch
	cells []string

	days    map[string]int32 // of dates as written
	lastDay []byte           // the cell before, and its day
	dayThen int32
	isoThen bool             // isoDay read it
	words   map[string]uint8 // what a status says
}

// The fields that matter for who bought when and for how much.
const (
	fCustomer = iota
	fEmail
	fPhone
	fCard
	fOrder
	fDate
	fSKU
	fQuantity
	fPrice
	fLineTotal
	fTotal
	fDiscount
	fShipping
	fTax
	fRefunded
	fCurrency
	fStatus
	fTime
	fPromised
	fDelivered
	fCancelled
	fZone
	fieldCount
)

var fast = [fieldCount]Field{Customer, Email, Phone, Card, Order, Date, SKU, Quantity, Price, LineTotal, Total,
	Discount, Shipping, Tax, Refunded, Currency, Status, Time, Promised, Delivered, Cancelled, ZoneName}

func (l *lean) init(read *reader, zone *time.Location, source string) {
	l.reader, l.shop, l.zone, l.source = read, read.base, zone, source
	l.plain = read.zone.String() == zone.String() && read.settings.Dates != sheet.Serial
	l.mark = '.'
	if read.settings.Mark == sheet.Comma {
		l.mark = ','
	}
	l.days, l.words = map[string]int32{}, map[string]uint8{}
	for i, f := range fast {
		l.where[i] = -1
		if at, ok := read.at[f]; ok {
			l.where[i] = at
		}
	}
}

// bytes is a trimmed cell; nil where there is none.
func (l *lean) bytes(cells [][]byte, f int) []byte {
	i := l.where[f]
	if i < 0 || i >= len(cells) {
		return nil
	}
	c := cells[i]
	if n := len(c); n > 0 && (c[0] <= ' ' || c[0] >= 0x80 || c[n-1] <= ' ' || c[n-1] >= 0x80) {
		return bytes.TrimSpace(c)
	}
	return c
}

// str is a cell as text that is valid as long as the row.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// read fills rec from a plain row and reports whether it was one. Its texts
// are valid only until the next row.
func (l *lean) read(cells [][]byte, rec *Record) bool {
	*rec = Record{Currency: l.shop, Item: Item{Quantity: 1000}}
	l.quick = true
	if lame || !l.plain || l.layout.Tell != nil || l.layout.Parts || l.where[fCancelled] >= 0 || l.where[fZone] >= 0 || len(l.bytes(cells, fTime)) > 0 {
		return false
	}
	return l.person(cells, rec) && l.moment(cells) && l.order(cells, rec) && l.money(cells, rec)
}

func (l *lean) person(cells [][]byte, rec *Record) bool {
	id := l.bytes(cells, fCustomer)
	if !plainID(id) {
		return false
	}
	p := &rec.Person
	p.External = str(id)
	if l.where[fEmail] >= 0 {
		p.Email = str(l.bytes(cells, fEmail))
		if p.Email != "" && bytes.IndexByte(l.bytes(cells, fEmail), '@') < 0 {
			return false
		}
	}
	if l.where[fPhone] >= 0 {
		phone := l.bytes(cells, fPhone)
		if len(phone) > 0 && phone[0] == '\'' {
			return false
		}
		p.Phone = str(phone)
	}
	if l.where[fCard] >= 0 {
		p.Card = str(l.bytes(cells, fCard))
	}
	return true
}

// plainID reports whether sheet.CleanID returns the cell as it stands.
func plainID(id []byte) bool {
	for _, c := range id {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func (l *lean) order(cells [][]byte, rec *Record) bool {
	number := l.bytes(cells, fOrder)
	if len(number) > 0 && number[0] == '\'' {
		number = number[1:]
	}
	rec.Number = str(number)
	if l.where[fSKU] >= 0 {
		rec.SKU = str(l.bytes(cells, fSKU))
	}
	for _, f := range [...]int{fPromised, fDelivered} {
		if l.where[f] >= 0 && len(l.bytes(cells, f)) > 0 {
			if _, ok := isoDay(l.bytes(cells, f)); !ok {
				return false
			}
		}
	}
	if l.where[fStatus] >= 0 {
		if word := l.bytes(cells, fStatus); len(word) > 0 {
			rec.Cancelled, rec.GivenBack = l.status(word)
		}
	}
	return true
}

// status remembers what words say.
func (l *lean) status(word []byte) (cancelled, back bool) {
	says, ok := l.words[string(word)]
	if !ok {
		cancelled, back = status(string(word))
		if cancelled {
			says |= 1
		}
		if back {
			says |= 2
		}
		if len(l.words) < 1000 {
			l.words[string(word)] = says
		}
	}
	return says&1 != 0, says&2 != 0
}

// moment finds the day of the order.
func (l *lean) moment(cells [][]byte) bool {
	cell := l.bytes(cells, fDate)
	if len(cell) == 0 {
		return false
	}
	l.when = cell
	if bytes.Equal(cell, l.lastDay) || l.isoThen && sameIsoDay(cell, l.lastDay) {
		l.dayOf = l.dayThen
		return true
	}
	day, iso := isoDay(cell)
	if !iso {
		var ok bool
		if day, ok = l.days[str(cell)]; !ok {
			when, err := sheet.ParseTime(string(cell), l.settings.Dates)
			if err != nil {
				return false
			}
			day = dayIn(when.In(l.reader.zone), l.zone)
			if len(l.days) > 1<<16 {
				clear(l.days)
			}
			l.days[string(cell)] = day
		}
	}
	l.dayOf, l.dayThen, l.isoThen = day, day, iso
	l.lastDay = append(l.lastDay[:0], cell...)
	return true
}

// isoDay reads 2024-05-01, 2024-05-01 10:00 and 2024-05-01T10:00:00, the day
// that a clock on the wall shows.
func isoDay(c []byte) (int32, bool) {
	n := len(c)
	if n != 10 && n != 16 && n != 19 || c[4] != '-' || c[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(c[:4])
	m, ok2 := digits(c[5:7])
	d, ok3 := digits(c[8:10])
	if !ok1 || !ok2 || !ok3 || y < 1800 || y > 2200 || m < 1 || m > 12 || d < 1 || d > 28 && d > monthDays(y, m) {
		return 0, false
	}
	if !timeOfDay(c[10:]) {
		return 0, false
	}
	return retention.Day(y, m, d), true
}

// timeOfDay reports whether what follows the day of isoDay is a time of day.
func timeOfDay(c []byte) bool {
	if len(c) == 0 {
		return true
	}
	if c[0] != ' ' && c[0] != 'T' || c[3] != ':' || !sixty(c[4:]) || c[1] > '1' && (c[1] != '2' || c[2] > '3') || c[1] < '0' || c[2]-'0' > 9 {
		return false
	}
	return len(c) == 6 || c[6] == ':' && sixty(c[7:])
}

// sixty reports whether c begins with 00 to 59.
func sixty(c []byte) bool { return c[0]-'0' < 6 && c[1]-'0' < 10 }

// sameIsoDay reports whether c is the day that isoDay read before, with a time
// of day or without: the rows of a file mostly come by day.
func sameIsoDay(c, before []byte) bool {
	n := len(c)
	return n == len(before) && (n == 16 || n == 19) && c[4] == '-' && c[7] == '-' && string(c[:10]) == string(before[:10]) && timeOfDay(c[10:])
}

func monthDays(y, m int) int {
	return time.Date(y, time.Month(m+1), 0, 0, 0, 0, 0, time.UTC).Day()
}

func digits(c []byte) (int, bool) {
	v := 0
	for _, d := range c {
		if d < '0' || d > '9' {
			return 0, false
		}
		v = v*10 + int(d-'0')
	}
	return v, true
}

// lame makes all rows be read as an import reads them: a test holds that
// against reading them quickly.
var lame bool
