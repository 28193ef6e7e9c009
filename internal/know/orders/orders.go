// Package orders is what was sold and what came back: the catalogue, orders
// with their lines, refunds, cancellations and promises, of customers and of
// people who are not known.
//
// Its one rule: an order exists once a source, by its number or by an id that
// its shop gave it. Whoever brings the same order again changes nothing, and a
// fuller account of it adds only what is new; but what a shop tells of its own
// order by itself replaces what was there (Restate).
//
// A purchase, which is what retention counts, is a sale that is not cancelled
// and has a line whose quantity and price are above zero, of a service too: an
// order of postage alone is one.
package orders

import (
	"context"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// Sale is an order or a return as somebody tells of it.
type Sale struct {
	Customer id.Customer // 0: nobody known, a walk-in
	Number   string      // with Source it names the order; may be made up, never empty
	Keys     []string    // the shop's own ids of it, which name it before the number does
	Source   string      // import, till, the shop's name…
	At       time.Time
	Currency money.Currency // empty: the business's own
	Channel  string         // online, store, phone…; may be empty
	Staff    string         // who sold it; may be empty
	Lines    []Line

	// Return: goods or money given back. Amounts are positive.
	Return        bool
	ReturnsNumber string // the order it is of, by number of the same source; empty: not known

	// In minor units. Tax is what is added on top, 0 where prices hold it.
	Discount, Shipping, Tax int64
	// Whole is what it comes to by its source's own word; nil: what the parts
	// come to. What the parts do not tell of it becomes discount or shipping.
	// Of a return it is all that was given back so far, which only grows.
	Whole *int64
	// Rough: the source names no items, so that the lines only stand for what
	// it came to. They give way to a fuller account and are never added to one.
	Rough bool

	PromisedDay, DeliveredDay string // YYYY-MM-DD or empty
	CancelledAt               time.Time
	Reason                    string // of Reasons, or anybody's own words, which become the note
	Note                      string

	Import  id.Import // 0: not of an import
	told    bool      // see Order.Told
	History bool      // starts no play and no message
	Actor   id.User   // the member of staff; 0: the program
}

// Line is so much of a product.
type Line struct {
	Product  id.Product
	Quantity int64 // thousandths; below zero takes away
	Price    int64 // of one, Price × 10^-Scale
	Scale    int
	Total    int64 // minor units, after discounts of the line
}

// NewLine is a line whose total is quantity times price, rounded half away
// from zero. It fails only when that is too large.
func NewLine(product id.Product, quantityMilli, price int64, scale int, c money.Currency) (Line, error) {
	total, err := money.Times(price, scale, quantityMilli, c)
	return Line{product, quantityMilli, price, scale, total}, err
}

// TotalLine is a line of which the total is known: the price of one is worked
// out to four decimals, to show. It fails only when that is too large.
func TotalLine(product id.Product, quantityMilli, total int64, c money.Currency) (Line, error) {
	l := Line{Product: product, Quantity: quantityMilli, Total: total}
	if quantityMilli == 0 {
		return l, nil
	}
	price, err := money.Times(total, c.Exponent(), 1000, "CLF")
	if err != nil || price > maxShown || price < -maxShown {
		return l, money.ErrRange
	}
	l.Price, l.Scale = price*1000/quantityMilli, 4
	return l, nil
}

const maxShown = 1 << 52

// Order is a sale or a return as it stands. Amounts are minor units of its
// currency unless they say Base.
type Order struct {
	ID       id.Order
	Customer id.Customer // 0: a walk-in
	Number   string
	Source   string
	Return   bool
	OfNumber string   // of a return: the number of its order as given
	Of       id.Order // of a return: its order; 0: not known
	At       time.Time
	Day      string
	Currency money.Currency

	LinesTotal, Discount, Shipping, Tax int64
	Total                               int64 // LinesTotal - Discount + Shipping + Tax

	Rate money.Rate // 0: it waits for a rate, and is in no sum
	Base int64      // Total in the business's currency, once there is a rate

	Items    int64 // pieces of products; what is weighed counts once
	Goods    int64 // of lines whose quantity and price are above zero
	Purchase bool
	Rough    bool // see Sale.Rough

	Channel, Staff            string
	PromisedDay, DeliveredDay string
	CancelledAt               time.Time
	Reason, Note              string
	Refunded                  int64 // the total of its returns

	Told       bool // its shop tells of it by itself, see Restate
	Import     id.Import
	RecordedAt time.Time
	Origin     id.Customer
}

// Cancelled reports whether it was called off.
func (o Order) Cancelled() bool { return !o.CancelledAt.IsZero() }

// Late reports whether it was not delivered by the day promised, as of day.
func (o Order) Late(day string) bool {
	switch {
	case o.PromisedDay == "" || o.Cancelled() || o.Return:
		return false
	case o.DeliveredDay != "":
		return o.DeliveredDay > o.PromisedDay
	}
	return day > o.PromisedDay
}

// Amount is its total with the currency.
func (o Order) Amount() money.Amount { return money.Amount{Minor: o.Total, Currency: o.Currency} }

// Href is the address of its page.
func (o Order) Href() string {
	if o.Customer == 0 {
		return "/orders/walk-in/" + o.ID.String()
	}
	return Href(o.Customer, o.ID)
}

// Href is the address of a customer's order.
func Href(c id.Customer, o id.Order) string {
	return "/customers/" + c.String() + "/orders/" + o.String()
}

// add counts lines into the sums.
func (o *Order) add(lines []Line, services map[id.Product]bool, sign int64) {
	for _, l := range lines {
		o.LinesTotal += sign * l.Total
		if l.Quantity > 0 && l.Price > 0 {
			o.Goods += sign * l.Total
		}
		if !services[l.Product] {
			o.Items += sign * pieces(l.Quantity)
		}
	}
}

// pieces is how many things a quantity is: a bag of 0.35 kg is one.
func pieces(milli int64) int64 {
	switch {
	case milli%1000 == 0:
		return milli / 1000
	case milli < 0:
		return -1
	}
	return 1
}

// balance makes the parts of an order come to what its source says that it
// comes to. Tax that prices hold is no addition; what is too much is a
// discount, what is missing shipping or a fee.
func (o *Order) balance(whole int64) {
	rest := whole - (o.LinesTotal - o.Discount + o.Shipping + o.Tax)
	switch {
	case rest == -o.Tax:
		o.Tax = 0
	case rest < 0:
		o.Discount -= rest
	default:
		less := max(0, min(rest, o.Discount))
		o.Discount -= less
		o.Shipping += rest - less
	}
}

// settle works out what follows from the sums and the rate.
func (o *Order) settle(base money.Currency) error {
	o.Total = o.LinesTotal - o.Discount + o.Shipping + o.Tax
	o.Purchase = !o.Return && !o.Cancelled() && o.Goods > 0
	o.Base = 0
	if o.Rate == 0 {
		return nil
	}
	a, err := o.Amount().Convert(base, o.Rate)
	if err != nil {
		return errs.Wrong("total", "orders.wrong.total-large", "Number", o.Number)
	}
	o.Base = a.Minor
	return nil
}

// Place writes one sale with its events, idempotent by source and number, and
// returns its id. See PlaceMany.
func Place(ctx context.Context, tx *store.Tx, s Sale) (id.Order, error) {
	p, err := PlaceMany(ctx, tx, []Sale{s})
	if err != nil {
		return 0, err
	}
	return p.IDs[0], nil
}

// books are what amounts and days are counted in.
type books struct {
	base  money.Currency
	zone  *time.Location
	rates map[money.Currency][]dayRate // read so far
}

func (b *books) day(t time.Time) string { return t.In(b.zone).Format(time.DateOnly) }

// openBooks reads the business's zone and currency.
func openBooks(ctx context.Context, q store.Querier) (*books, error) {
	settings, err := workspace.Load(ctx, q)
	if err != nil {
		return nil, err
	}
	return &books{base: settings.Currency, zone: settings.Location(), rates: map[money.Currency][]dayRate{}}, nil
}

func notFound() error {
	return errs.Missing("orders.wrong.gone")
}
