package collect

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/money"
)

// A shop tells of one of its things at a time, late, twice or in another order
// than they happened. So what it told last of each thing is kept as a piece of
// an order, by the shop's own time of it, and the order is always made from all
// its pieces: whatever the way, the end is the same.

// piece is one thing of a shop as it stood at a time: an order, a payment, a
// refund. It holds amounts and ids, and nothing of the person.
type piece struct {
	Group string `json:"-"` // the order that it is part of
	Name  string `json:"-"` // order:551
	// Version is the shop's time of it in microseconds, with a rank below its
	// seconds: a piece is replaced by a later one only. Of "seen:" pieces the
	// earliest is kept.
	Version int64   `json:"-"`
	Who     *person `json:"-"` // nil: not told

	Sale  *shopSale  `json:"sale,omitempty"`  // the whole order, or a payment for it
	Backs []shopBack `json:"backs,omitempty"` // what was given back
	Given int64      `json:"given,omitempty"` // all that was given back of it, where single refunds may not be told
	// Arrived is when it was delivered, in microseconds.
	Arrived int64 `json:"arrived,omitempty"`
	// Renewal waits for its subscription.
	Renewal *renewal `json:"renewal,omitempty"`
}

type shopSale struct {
	Number   string         `json:"number"`
	Keys     []string       `json:"keys"`
	At       int64          `json:"at"`
	Currency money.Currency `json:"currency"`
	Lines    []shopLine     `json:"lines"`
	Rough    bool           `json:"rough,omitempty"`
	Discount int64          `json:"discount,omitempty"`
	Shipping int64          `json:"shipping,omitempty"`
	Tax      int64          `json:"tax,omitempty"`
	Total    int64          `json:"total"`
	Channel  string         `json:"channel,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	// Cancelled is when it was called off; 0: it was not.
	Cancelled int64 `json:"cancelled,omitempty"`
}

type shopLine struct {
	SKU     string `json:"sku"`
	Name    string `json:"name,omitempty"`
	Service bool   `json:"service,omitempty"`
	Milli   int64  `json:"milli"`
	Price   int64  `json:"price"`
	Scale   int    `json:"scale"`
	Total   int64  `json:"total"`
}

type shopBack struct {
	Key    string     `json:"key"`
	At     int64      `json:"at"`
	Amount int64      `json:"amount"`
	Lines  []shopLine `json:"lines,omitempty"`
	Reason string     `json:"reason,omitempty"`
	Failed bool       `json:"failed,omitempty"` // the money did not go
	Apart  bool       `json:"apart,omitempty"`  // not among what piece.Given adds up, as a dispute
}

// suffix is what the number of the return has behind that of its order.
func (b *shopBack) suffix() string {
	if strings.ContainsRune(b.Key, ':') { // made up: the shop tells of no single refund
		return "-R"
	}
	return "-" + b.Key
}

// person is a customer as a record of a shop tells of them.
type person struct {
	External     string // the shop's own id; empty: a guest
	Email, Phone string
	Name         string
	Given        string
	Family       string
	Language     string
	Country      string
	At           time.Time // of what is told
	Joined       time.Time // zero: not told
	Consents     []customers.Consent
}

// known reports whether there is anything by which the person can be found.
func (p *person) known() bool {
	return p != nil && (p.External != "" || p.Email != "" || p.Phone != "")
}

// news is what one delivery says.
type news struct {
	Pieces        []piece
	People        []person
	Products      []orders.NewProduct
	Subscriptions []toldSubscription
	Ask           *asked // a request of a person, or of the shop, about their data
	// Ignored says why nothing is done: the topic, or that it is a test.
	Ignored string
}

// reader turns a delivery into news. It is pure: the zone is that of times
// without an offset.
type shopReader func(p *Parcel, zone *time.Location) (news, error)

// Beside the piece of a thing stand two others with its name: "off:" when it
// was said not to be a sale (any more), and "seen:" when something of it that
// has no time of its own was first told.
const (
	offPiece  = "off:"
	seenPiece = "seen:"
)

// foldedOrder is an order as all its pieces say it is.
type foldedOrder struct {
	Sale    shopSale
	Backs   []shopBack
	Arrived int64
}

// fold makes an order of its pieces, in whatever order they stand; false: it is
// no order yet, or there are only remnants of one.
func fold(pieces []piece) (foldedOrder, bool) {
	at := map[string]int64{}
	var sales []piece
	f := foldedOrder{}
	for _, p := range pieces {
		at[p.Name] = p.Version
		f.Arrived = max(f.Arrived, p.Arrived)
		if p.Sale != nil {
			sales = append(sales, p)
		}
	}
	if slices.ContainsFunc(sales, func(p piece) bool { return strings.HasPrefix(p.Name, "charge:") }) {
		sales = slices.DeleteFunc(sales, func(p piece) bool { return strings.HasPrefix(p.Name, "intent:") }) // the same money
	}
	if len(sales) == 0 {
		return f, false
	}
	slices.SortFunc(sales, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.Sale.At, b.Sale.At), strings.Compare(a.Name, b.Name))
	})
	on := slices.DeleteFunc(slices.Clone(sales), func(p piece) bool { return at[offPiece+p.Name] > p.Version })
	if len(on) > 0 {
		f.Sale = join(on)
	} else if f.Sale = join(sales); f.Sale.Cancelled == 0 {
		for _, p := range sales {
			f.Sale.Cancelled = max(f.Sale.Cancelled, micros(at[offPiece+p.Name]).Truncate(time.Second).UnixMicro())
		}
		f.Sale.Reason = cmp.Or(f.Sale.Reason, "other")
	}
	f.Backs = backsOf(pieces, sales, at)
	return f, true
}

// join makes one sale of payments for the same order; an order that is told
// whole is one piece.
func join(sales []piece) shopSale {
	s := *sales[0].Sale
	s.Keys, s.Lines = slices.Clone(s.Keys), slices.Clone(s.Lines)
	for _, p := range sales[1:] {
		if p.Sale.Currency != s.Currency {
			continue
		}
		for _, k := range p.Sale.Keys {
			if !slices.Contains(s.Keys, k) {
				s.Keys = append(s.Keys, k)
			}
		}
		s.Total += p.Sale.Total
		if s.Rough {
			s.Lines = []shopLine{paid(s.Lines[0].SKU, s.Lines[0].Name, s.Total, s.Currency)}
		}
	}
	return s
}

// paid is the one line of what is known by its sum alone.
func paid(sku, name string, total int64, c money.Currency) shopLine {
	return shopLine{SKU: sku, Name: name, Milli: 1000, Price: total, Scale: c.Exponent(), Total: total}
}

// backsOf are the refunds of the pieces, each once, by the newest account of
// it, and what was given back beyond them.
func backsOf(pieces, sales []piece, at map[string]int64) []shopBack {
	found, version := map[string]shopBack{}, map[string]int64{}
	for _, p := range pieces {
		for _, b := range p.Backs {
			if v, ok := version[b.Key]; !ok || p.Version > v || p.Version == v && p.Sale == nil {
				found[b.Key], version[b.Key] = b, p.Version
			}
		}
	}
	given, told := int64(0), int64(0)
	for _, p := range sales {
		given += p.Given
		told = max(told, p.Version)
	}
	var backs []shopBack
	for key, b := range found {
		if first, ok := at[seenPiece+"back:"+key]; ok {
			b.At = first
		}
		if !b.Apart && (!b.Failed || version[key] > told) {
			given -= b.Amount
		}
		if !b.Failed && b.Amount > 0 {
			backs = append(backs, b)
		}
	}
	if given > 0 {
		last := sales[len(sales)-1]
		backs = append(backs, shopBack{Key: "rest:" + last.Name, At: cmp.Or(at[seenPiece+last.Name], last.Version), Amount: given})
	}
	slices.SortFunc(backs, func(a, b shopBack) int { return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Key, b.Key)) })
	return backs
}

func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// newer reports whether p takes the place of what was kept of the same thing.
// Of two accounts of one time the greater text counts: any order, as long as
// it is always the same.
func (p *piece) newer(version int64, told []byte) bool {
	mine, _ := json.Marshal(p)
	switch {
	case p.Version == version:
		return string(mine) > string(told)
	case strings.HasPrefix(p.Name, seenPiece):
		return p.Version < version
	}
	return p.Version > version
}

var errShape = errors.New("not of the form that this topic has")
