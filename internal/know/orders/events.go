package orders

import (
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
)

// The events of orders. Each is about the order whose id is the event's Ref,
// and holds all that a customer's facts are folded from.
const (
	EventPlaced     = "order.placed"     // Told
	EventAmended    = "order.amended"    // Told: the difference
	EventRefunded   = "order.refunded"   // Told: Ref is the return's own id
	EventCancelled  = "order.cancelled"  // Cancelled
	EventReinstated = "order.reinstated" // Reinstated: not cancelled any more
	EventPromised   = "order.promised"   // Promised
	EventDelivered  = "order.delivered"  // Delivered
	EventValued     = "order.valued"     // Valued
)

// Told is the payload of order.placed and order.refunded; in order.amended,
// amounts and counts are what was added to the order or return.
type Told struct {
	Number   string         `json:"number"`                // of the order, as its source has it
	Return   bool           `json:"return,omitempty"`      // a return, not a sale
	Of       int64          `json:"of,omitempty" id:"ord"` // of a return: its order
	Day      string         `json:"day"`                   // a calendar day of the business
	At       int64          `json:"at"`                    // the order's own time, microseconds since 1970
	Currency money.Currency `json:"currency"`              // of the amounts
	Base     money.Currency `json:"base"`                  // the business's own currency
	Total    int64          `json:"total"`                 // minor units of currency
	Rate     money.Rate     `json:"rate"`                  // what 1 of currency is in base, in thousand millionths; 0: none known then
	Goods    int64          `json:"goods"`                 // minor units: lines whose quantity and price are above zero
	Items    int64          `json:"items"`                 // pieces
	Lines    int            `json:"lines"`                 // how many lines
	Channel  string         `json:"channel,omitempty"`     // online, store, phone… or a name of the shop's own
	Promised string         `json:"promised,omitempty"`    // the day promised
	Arrived  string         `json:"delivered,omitempty"`   // the day delivered
	Reason   string         `json:"reason,omitempty"`      // one word, such as damaged
}

// Cancelled is the payload of order.cancelled.
type Cancelled struct {
	Number string `json:"number"`           // of the order, as its source has it
	Day    string `json:"day"`              // a calendar day of the business
	Reason string `json:"reason,omitempty"` // one word, such as damaged
}

// Reinstated is the payload of order.reinstated: what was cancelled is on
// again.
type Reinstated struct {
	Number string `json:"number"` // of the order, as its source has it
	Day    string `json:"day"`    // a calendar day of the business
}

// Promised is the payload of order.promised: the day promised from now on.
type Promised struct {
	Number string `json:"number"`           // of the order, as its source has it
	Day    string `json:"day"`              // a calendar day of the business
	Former string `json:"former,omitempty"` // the day promised before
}

// Delivered is the payload of order.delivered.
type Delivered struct {
	Number   string `json:"number"`             // of the order, as its source has it
	Day      string `json:"day"`                // a calendar day of the business
	Promised string `json:"promised,omitempty"` // the day promised then
}

// Valued is the payload of order.valued: from now on the order is counted.
type Valued struct {
	Number   string         `json:"number"`           // of the order, as its source has it
	Return   bool           `json:"return,omitempty"` // a return, not a sale
	Currency money.Currency `json:"currency"`         // of the amounts
	Base     money.Currency `json:"base"`             // the business's own currency
	Rate     money.Rate     `json:"rate"`             // what 1 of currency is in base, in thousand millionths; 0: none known then
	Total    int64          `json:"total"`            // minor units of currency
	Worth    int64          `json:"worth"`            // the total in Base
}

// Kinds are the events as people read them.
var Kinds = append([]timeline.Kind{
	{Name: EventPlaced, Version: 1, Icon: "shopping-cart", Group: "orders", Ref: "ord", Payload: Told{}, Tell: tellPlaced},
	{Name: EventAmended, Version: 1, Icon: "pencil", Group: "orders", Ref: "ord", Payload: Told{}, Tell: tellAmended},
	{Name: EventRefunded, Version: 1, Icon: "receipt-refund", Group: "orders", Ref: "ord", Payload: Told{}, Tell: tellRefunded},
	{Name: EventCancelled, Version: 1, Icon: "circle-x", Group: "orders", Ref: "ord", Payload: Cancelled{}, Tell: tellCancelled},
	{Name: EventReinstated, Version: 1, Icon: "arrow-back-up", Group: "orders", Ref: "ord", Payload: Reinstated{}, Tell: tellReinstated},
	{Name: EventPromised, Version: 1, Icon: "calendar-event", Group: "orders", Ref: "ord", Payload: Promised{}, Tell: tellPromised},
	{Name: EventDelivered, Version: 1, Icon: "truck-delivery", Group: "orders", Ref: "ord", Payload: Delivered{}, Tell: tellDelivered},
	{Name: EventValued, Version: 1, Icon: "coins", Group: "orders", Ref: "ord", Payload: Valued{}, Tell: tellValued},
}, subscriptionKinds...)

func href(e timeline.Event) string { return Href(e.Customer, id.Order(e.Ref)) }

func tellPlaced(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Told](e)
	if err != nil {
		return timeline.Line{}, err
	}
	total := p.Money(money.Amount{Minor: v.Total, Currency: v.Currency})
	line := timeline.Line{Href: href(e), Tone: "good", Detail: p.T("orders.tell.number", "Number", v.Number)}
	if v.Items > 0 {
		line.Text = p.N("orders.tell.placed", int(v.Items), "Total", total, "Where", where(p, v.Channel))
	} else {
		line.Text = p.T("orders.tell.placed.nothing", "Total", total, "Where", where(p, v.Channel))
	}
	return line, nil
}

// where is " online", " in the store" or, for a channel of the shop's own,
// its name; with the space before it, or nothing at all.
func where(p *locale.Printer, channel string) string {
	switch channel {
	case "":
		return ""
	case "online", "store", "phone", "email", "market":
		return " " + p.T("orders.where."+channel)
	}
	return " " + p.T("orders.where.other", "Channel", channel)
}

func tellAmended(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Told](e)
	if err != nil {
		return timeline.Line{}, err
	}
	if v.Lines <= 0 || v.Total < 0 {
		return timeline.Line{Href: href(e), Text: p.T("orders.tell.changed", "Number", v.Number,
			"Total", p.Money(money.Amount{Minor: v.Total, Currency: v.Currency}))}, nil
	}
	key := "orders.tell.amended"
	if v.Return {
		key = "orders.tell.amended.return"
	}
	return timeline.Line{Href: href(e), Text: p.N(key, v.Lines, "Number", v.Number,
		"Total", p.Money(money.Amount{Minor: v.Total, Currency: v.Currency}))}, nil
}

func tellRefunded(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Told](e)
	if err != nil {
		return timeline.Line{}, err
	}
	total := p.Money(money.Amount{Minor: v.Total, Currency: v.Currency})
	line := timeline.Line{Href: href(e), Tone: "warn", Detail: p.T("orders.tell.number", "Number", v.Number)}
	if v.Items > 0 {
		line.Text = p.N("orders.tell.returned", int(v.Items), "Total", total)
	} else {
		line.Text = p.T("orders.tell.refunded", "Total", total)
	}
	line.Text = because(p, line.Text, v.Reason)
	return line, nil
}

// because puts the reason behind a sentence, if there is one.
func because(p *locale.Printer, sentence, reason string) string {
	if reason == "" {
		return sentence
	}
	return p.T("orders.tell.because", "What", sentence, "Reason", p.T("orders.reason."+reason))
}

func tellCancelled(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Cancelled](e)
	if err != nil {
		return timeline.Line{}, err
	}
	return timeline.Line{Href: href(e), Tone: "bad",
		Text: because(p, p.T("orders.tell.cancelled", "Number", v.Number), v.Reason)}, nil
}

func tellReinstated(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Reinstated](e)
	return timeline.Line{Href: href(e), Tone: "good", Text: p.T("orders.tell.reinstated", "Number", v.Number)}, err
}

func tellPromised(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Promised](e)
	if err != nil {
		return timeline.Line{}, err
	}
	key := "orders.tell.promised"
	if v.Former != "" {
		key = "orders.tell.promised.anew"
	}
	return timeline.Line{Href: href(e), Text: p.T(key, "Number", v.Number, "Day", p.Day(v.Day), "Former", p.Day(v.Former))}, nil
}

func tellDelivered(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Delivered](e)
	if err != nil {
		return timeline.Line{}, err
	}
	late := daysBetween(v.Promised, v.Day)
	if v.Promised != "" && late > 0 {
		return timeline.Line{Href: href(e), Tone: "warn", Text: p.N("orders.tell.delivered.late", late, "Number", v.Number, "Day", p.Day(v.Day))}, nil
	}
	tone := ""
	key := "orders.tell.delivered"
	if v.Promised != "" {
		key, tone = "orders.tell.delivered.kept", "good"
	}
	return timeline.Line{Href: href(e), Tone: tone, Text: p.T(key, "Number", v.Number, "Day", p.Day(v.Day))}, nil
}

// daysBetween is how many days to lies behind from; 0 when either is no day.
func daysBetween(from, to string) int {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}

func tellValued(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Valued](e)
	if err != nil {
		return timeline.Line{}, err
	}
	return timeline.Line{Href: href(e), Text: p.T("orders.tell.valued", "Number", v.Number,
		"Total", p.Money(money.Amount{Minor: v.Total, Currency: v.Currency}),
		"Worth", p.Money(money.Amount{Minor: v.Worth, Currency: v.Base}))}, nil
}
