package importers

import (
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/text"
)

// Record is what one row of a file says: a line of an order, and whose.
type Record struct {
	Line   int64    // of the file
	cells  []string // the row as it stands there
	Person Person

	Number string // of the order; empty: the file has none
	Key    string // the shop's own id of it; may be empty
	Return bool
	Of     string    // of a return: the number of its order, if that is told
	At     time.Time // zero: the row is about a customer only, or a Part
	Part   bool      // a further line of the order with that number
	Skip   bool      // there is nothing in it that counts: a payment that failed

	Item            // what was sold
	Items    []Item // all of it, where a row is a whole order; nil: Item alone
	Whole    *int64 // what the order comes to by the file's own word, minor units
	Rough    bool   // see orders.Sale
	Currency money.Currency

	// Of the order, in minor units.
	Discount, Shipping, Tax, Refunded int64
	Channel, Staff, Reason            string
	Cancelled, GivenBack              bool      // as its status says
	CancelledAt                       time.Time // zero: when it was placed
	Promised, Delivered               string

	Joined  time.Time           // since when the person is a customer; zero: since the order
	Words   []customers.Consent // what they agreed to and took back; At zero: nobody knows when
	Firm    bool                // a word without a time counts from now on
	Bounced *customers.Bounce   // their email cannot be reached

	Contract *Contract // the row tells of a subscription
}

// Item is a line of an order: so much of a product.
type Item struct {
	SKU, Product, Category string
	Kind                   string       // of the product; empty: product
	Quantity               int64        // thousandths
	Price                  sheet.Number // of one
	LineTotal              *int64       // minor units, when the file gives it; Price is worked out then
}

// items are the lines of a row.
func (rec *Record) items() []Item {
	if rec.Items != nil {
		return rec.Items
	}
	return []Item{rec.Item}
}

// Person is who a row says the customer is.
type Person struct {
	External, Email, Phone, Card string
	Name, Given, Family          string
	Country, Language            string

	Street, City, Region, Postcode string
	Birthday                       string // MM-DD or YYYY-MM-DD
	Tags                           string // by commas
	Emails, Phones                 string // further ones, by semicolons
}

// known reports whether there is anything by which the person can be found.
func (p Person) known() bool {
	return p.External != "" || p.Email != "" || p.Phone != "" || p.Card != ""
}

// badCell is a cell that cannot be read; the row is left out.
type badCell struct {
	column string
	reason error
}

func (b badCell) Error() string { return b.column + ": " + b.reason.Error() }

// reader turns rows into records by a layout.
type reader struct {
	layout   Layout
	settings Settings
	asOf     time.Time // what a subscription is is so then
	zone     *time.Location
	base     money.Currency // of amounts, unless the row says otherwise
	at       map[Field]int  // column of each field
	names    []string
	others   map[string]int  // every column, by its plain name
	instead  map[Field][]int // columns that stand in where that of the field is empty

	lastDate, lastClock string // rows of an order share them
	lastAt              time.Time
	lastZone            *time.Location
	zones               map[string]*time.Location // by the name that rows give
}

// newReader reads rows as of a time; base and zone are the business's own.
func newReader(s Settings, header []string, base money.Currency, zone *time.Location, asOf time.Time) (*reader, error) {
	l, err := layoutOf(s, header)
	if err != nil {
		return nil, err
	}
	r := &reader{layout: l, settings: s, zone: zone, base: base, asOf: asOf, at: map[Field]int{}, names: header, instead: map[Field][]int{}}
	if s.Currency != "" {
		r.base = s.Currency
	}
	if s.Zone != "" && !l.UTC {
		if r.zone, err = time.LoadLocation(s.Zone); err != nil {
			return nil, errs.Wrong("zone", "importers.wrong.zone", "Zone", text.Short(s.Zone, 40))
		}
	}
	if l.UTC {
		r.zone = time.UTC
	}
	r.others = make(map[string]int, len(header))
	for i, name := range slices.Backward(header) { // of two, the first
		r.others[plainName(name)] = i
	}
	for i, name := range header {
		for field, columns := range l.Columns {
			if columns[0] == name {
				r.at[field] = i
			} else if slices.Contains(columns, name) {
				r.instead[field] = append(r.instead[field], i)
			}
		}
	}
	return r, nil
}

// has reports whether the file has a column for the field.
func (r *reader) has(f Field) bool { _, ok := r.at[f]; return ok }

// cell returns the cell of a field, trimmed; "" where there is none. The
// apostrophe that keeps a spreadsheet from running a formula is taken off.
func (r *reader) cell(row sheet.Row, f Field) string {
	i, ok := r.at[f]
	if !ok {
		return ""
	}
	cell := strings.TrimSpace(row.Cell(i))
	for _, i := range r.instead[f] {
		if cell == "" {
			cell = strings.TrimSpace(row.Cell(i))
		}
	}
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// other returns the cell of a column that is no field, by the plain name of
// the column.
func (r *reader) other(row sheet.Row, plain string) string {
	i, ok := r.others[plain]
	if !ok || i >= len(row.Cells) {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(row.Cells[i]), "'")
}

// sum reads an amount of a column that is no field; an empty cell is 0.
func (r *reader) sum(rec *Record, row sheet.Row, plain string) (int64, error) {
	cell := r.other(row, plain)
	if cell == "" {
		return 0, nil
	}
	name := r.names[r.others[plain]]
	a, err := sheet.ParseAmount(cell, r.settings.Mark)
	if err != nil {
		return 0, badCell{name, err}
	}
	v, err := money.FromDecimal(a.Units, a.Scale, rec.Currency)
	if err != nil {
		return 0, badCell{name, errs.Wrong("", "importers.wrong.amount-large")}
	}
	return v, nil
}

// bad says which column cannot be read.
func (r *reader) bad(f Field, err error) error {
	name := string(f)
	if i, ok := r.at[f]; ok {
		name = r.names[i]
	}
	return badCell{name, err}
}

// read makes a record of a row. Its errors are badCells.
func (r *reader) read(row sheet.Row) (Record, error) {
	rec := Record{Line: int64(row.Line), Currency: r.base, Channel: r.settings.Channel}
	steps := []func(*Record, sheet.Row) error{r.readPerson, r.readWords, r.readOrder, r.readLine, r.readMoney}
	for _, step := range steps {
		if err := step(&rec, row); err != nil {
			return rec, err
		}
	}
	if r.layout.Shape != nil {
		if err := r.layout.Shape(&rec); err != nil {
			return rec, err
		}
	}
	if r.layout.Tell != nil {
		if err := r.layout.Tell(r, row, &rec); err != nil {
			return rec, err
		}
	}
	if r.layout.subscribes() && !rec.Skip {
		return rec, r.readContract(&rec, row)
	}
	if rec.At.IsZero() && !rec.Person.known() && !rec.Part && !rec.Skip {
		return rec, badCell{"", errs.Wrong("", "importers.wrong.nothing")}
	}
	return rec, nil
}

func (r *reader) readPerson(rec *Record, row sheet.Row) error {
	p := &rec.Person
	var err error
	if p.External, err = sheet.CleanID(r.cell(row, Customer)); err != nil && r.cell(row, Customer) != "" {
		return r.bad(Customer, err)
	}
	p.Email, p.Phone, p.Card = r.cell(row, Email), strings.TrimPrefix(r.cell(row, Phone), "'"), r.cell(row, Card)
	p.Name, p.Given, p.Family = r.cell(row, Name), r.cell(row, Given), r.cell(row, Family)
	p.Country, p.Language = country(r.cell(row, Country)), tongue(r.cell(row, Language))
	p.External = strings.TrimPrefix(p.External, "'")
	if p.Email != "" && !strings.Contains(p.Email, "@") {
		return r.bad(Email, errs.Wrong("", "importers.wrong.email", "Cell", text.Short(p.Email, 60)))
	}
	p.Street, p.City, p.Region = r.cell(row, Street), r.cell(row, City), r.cell(row, Region)
	p.Postcode, p.Tags = strings.TrimPrefix(r.cell(row, Postcode), "'"), r.cell(row, Tags)
	if cell := r.cell(row, Birthday); cell != "" {
		p.Birthday = birthday(cell, r.settings.Dates)
	}
	if cell := r.cell(row, Joined); cell != "" {
		when, err := sheet.ParseTime(cell, r.settings.Dates)
		if err != nil {
			return r.bad(Joined, err)
		}
		rec.Joined = when.In(r.zone)
	}
	return nil
}

func (r *reader) readOrder(rec *Record, row sheet.Row) error {
	rec.Number = strings.TrimPrefix(r.cell(row, Order), "'")
	rec.Key = strings.TrimPrefix(r.cell(row, OrderID), "'")
	date, clock := r.cell(row, Date), r.cell(row, Time)
	if !r.has(Date) {
		return nil
	}
	if date == "" && r.layout.Parts && rec.Number != "" {
		rec.Part = true
		return nil
	}
	if date == "" {
		return r.bad(Date, errs.Wrong("", "importers.wrong.no-date"))
	}
	zone, err := r.rowZone(r.cell(row, ZoneName))
	if err != nil {
		return r.bad(ZoneName, err)
	}
	if date != r.lastDate || clock != r.lastClock || zone != r.lastZone {
		when, err := sheet.ParseTime(date, r.settings.Dates)
		if err != nil {
			return r.bad(Date, err)
		}
		if clock != "" {
			of, err := sheet.ParseClock(clock)
			if err != nil {
				return r.bad(Time, err)
			}
			when = when.AtClock(of)
		}
		r.lastDate, r.lastClock, r.lastAt, r.lastZone = strings.Clone(date), strings.Clone(clock), when.In(zone), zone
	}
	rec.At = r.lastAt
	if channel := r.cell(row, Channel); channel != "" {
		rec.Channel = channel
	}
	rec.Staff, rec.Reason = r.cell(row, Staff), r.cell(row, Reason)
	rec.Cancelled, rec.GivenBack = status(r.cell(row, Status))
	if cell := r.cell(row, Cancelled); cell != "" {
		when, err := sheet.ParseTime(cell, r.settings.Dates)
		if err != nil {
			return r.bad(Cancelled, err)
		}
		rec.Cancelled, rec.CancelledAt = true, when.In(zone)
	}
	for _, day := range []struct {
		field Field
		to    *string
	}{{Promised, &rec.Promised}, {Delivered, &rec.Delivered}} {
		if cell := r.cell(row, day.field); cell != "" {
			when, err := sheet.ParseTime(cell, r.settings.Dates)
			if err != nil {
				return r.bad(day.field, err)
			}
			*day.to = when.In(r.zone).In(r.zone).Format(time.DateOnly)
		}
	}
	return nil
}

func (r *reader) readLine(rec *Record, row sheet.Row) error {
	rec.SKU, rec.Product, rec.Category = strings.TrimPrefix(r.cell(row, SKU), "'"), r.cell(row, Product), r.cell(row, Category)
	rec.Quantity = 1000
	if cell := r.cell(row, Quantity); cell != "" {
		n, err := sheet.ParseQuantity(cell, r.settings.Mark)
		if err == nil {
			rec.Quantity, _, err = n.Minor(3)
		}
		if err != nil {
			return r.bad(Quantity, err)
		}
	}
	return nil
}

// readMoney reads the amounts, in the currency of the row.
func (r *reader) readMoney(rec *Record, row sheet.Row) error {
	if cell := r.cell(row, Currency); cell != "" {
		c, err := money.ParseCurrency(cell)
		if err != nil {
			return r.bad(Currency, errs.Wrong("", "importers.wrong.currency", "Cell", text.Short(cell, 20)))
		}
		rec.Currency = c
	}
	if cell := r.cell(row, Price); cell != "" {
		a, err := r.amount(rec, Price, cell)
		if err != nil {
			return err
		}
		rec.Price = a
	} else if r.has(Price) && !r.has(LineTotal) && r.has(Date) && r.layout.Tell == nil {
		return r.bad(Price, errs.Wrong("", "importers.wrong.no-price"))
	}
	for _, f := range []Field{Total, LineTotal} {
		if cell := r.cell(row, f); cell != "" && (f == LineTotal || !r.has(Price) && !r.has(LineTotal)) {
			v, err := r.minor(rec, f, cell)
			if err != nil {
				return err
			}
			rec.LineTotal = &v
		}
	}
	if rec.LineTotal == nil && !r.has(Price) && r.has(Date) && r.layout.Tell == nil {
		return r.bad(Total, errs.Wrong("", "importers.wrong.no-amount"))
	}
	for _, part := range []struct {
		field Field
		to    *int64
	}{{Discount, &rec.Discount}, {Shipping, &rec.Shipping}, {Tax, &rec.Tax}, {Refunded, &rec.Refunded}} {
		if cell := r.cell(row, part.field); cell != "" && r.ofOrder(part.field) {
			v, err := r.minor(rec, part.field, cell)
			if err != nil {
				return err
			}
			*part.to = v
		}
	}
	if rec.Discount < 0 {
		rec.Discount = -rec.Discount
	}
	return nil
}

// ofOrder reports whether an amount adds to the lines: beside a total of the
// whole order, which holds them already, discount, shipping and tax do not.
func (r *reader) ofOrder(f Field) bool {
	return f == Refunded || r.has(Price) || r.has(LineTotal) || r.layout.Tell != nil
}

func (r *reader) amount(rec *Record, f Field, cell string) (sheet.Number, error) {
	a, err := sheet.ParseAmount(cell, r.settings.Mark)
	if err != nil {
		return sheet.Number{}, r.bad(f, err)
	}
	if a.Currency != "" && !r.has(Currency) && r.settings.Currency == "" {
		if c, err := money.ParseCurrency(a.Currency); err == nil {
			rec.Currency = c
		}
	}
	return a.Number, nil
}

func (r *reader) minor(rec *Record, f Field, cell string) (int64, error) {
	n, err := r.amount(rec, f, cell)
	if err != nil {
		return 0, err
	}
	v, err := money.FromDecimal(n.Units, n.Scale, rec.Currency)
	if err != nil {
		return 0, r.bad(f, errs.Wrong("", "importers.wrong.amount-large"))
	}
	return v, nil
}
