package orders

import (
	"context"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// API is what programs can do with orders, the catalogue and rates. A
// customer's order and a walk-in's have the same operations under their own
// addresses.
func API(db *store.DB) []rest.Operation {
	d := desk{db}
	op := rest.Operations("orders", web.Viewer, web.Agent)
	all := []rest.Operation{
		rest.Op(op("GET /orders", "listOrders", "List orders and returns"), d.apiList),
		rest.Op(op("PUT /orders-by/{source}/{number}", "upsertOrder", "Tell of an order by its number in your system").And("", web.Till,
			"An order exists once a source and number. Told again it gets what is fuller; nothing is ever taken from it. "+
				"Products that are not known by their SKU are added. Without a customer it is a walk-in's."), d.apiUpsert),
		rest.Op(op("POST /orders/bulk", "upsertOrders", "Tell of up to 100 orders").And("", web.Till,
			"Each as by upsertOrder, all or none: what is wrong is named by its place.").Repeating(), d.apiBulk),
		rest.Op(op("GET /orders-by/{source}/{number}", "findOrder", "Find an order by its number in your system"), d.apiFind),
		rest.Op(op("POST /orders/walk-in/{order}/owner", "claimOrder", "Give a walk-in's order to the customer it was of").And("POST /orders/walk-in/{order}/owner", web.Till, ""), d.apiClaim),
	}
	const theirAt, walkinAt = "/customers/{customer}/orders/{order}", "/orders/walk-in/{order}"
	refund := func(at, name string) rest.Operation {
		return op("POST "+at+"/refunds", "refund"+name+"Order", "Give money back").And("POST "+at+"/refunds", web.Agent,
			"In part or, with nothing but a reason, all that is left. Send seen as you read refunded_minor: a request sent twice then refunds once.").Making()
	}
	cancel := func(at, name string) rest.Operation {
		return op("POST "+at+"/cancellation", "cancel"+name+"Order", "Call an order off").And("POST "+at+"/cancellation", web.Agent, "")
	}
	promise := func(at, name string) rest.Operation {
		return op("PUT "+at+"/promise", "promise"+name+"Order", "Set the day an order is promised for").And("POST "+at+"/promise", web.Till, "")
	}
	deliver := func(at, name string) rest.Operation {
		return op("PUT "+at+"/delivery", "deliver"+name+"Order", "Note the day an order arrived").And("POST "+at+"/delivery", web.Till, "")
	}
	change := func(at, name string) rest.Operation {
		return op("PATCH "+at, "change"+name+"Order", "Change the days of an order").And("", web.Till,
			"A JSON merge patch: what is left out stays. The day it is promised for and the day it arrived are all that staff can change of an order; "+
				"a day that is known can be another one, and none no more. What else becomes of it has the addresses below.")
	}
	all = append(all,
		rest.Op(change(theirAt, ""), theirsPatched(d.apiChange)), rest.Op(change(walkinAt, "Walkin"), walkinsPatched(d.apiChange)),
		rest.Op(op("GET "+theirAt, "getOrder", "Read an order with its lines and returns"), d.apiShow),
		rest.Op(refund(theirAt, ""), theirs(d.apiRefund)), rest.Op(cancel(theirAt, ""), theirs(d.apiCancel)),
		rest.Op(promise(theirAt, ""), theirs(d.apiPromise)), rest.Op(deliver(theirAt, ""), theirs(d.apiDeliver)),
		rest.Op(op("GET "+walkinAt, "getWalkinOrder", "Read a walk-in's order with its lines and returns"), d.apiShowWalkin),
		rest.Op(refund(walkinAt, "Walkin"), walkins(d.apiRefund)), rest.Op(cancel(walkinAt, "Walkin"), walkins(d.apiCancel)),
		rest.Op(promise(walkinAt, "Walkin"), walkins(d.apiPromise)), rest.Op(deliver(walkinAt, "Walkin"), walkins(d.apiDeliver)))
	all = append(all, d.apiSubscriptions()...)
	return append(all, d.apiCatalogue()...)
}

func apiBy(c *rest.Call) customers.By { return customers.By{Actor: c.Staff.ID, Source: "api"} }

// apiOrder is an order or a return. Amounts are in the smallest unit of its
// currency.
type apiOrder struct {
	ID           id.Order   `json:"id"`
	Customer     string     `json:"customer" doc:"Empty: a walk-in"`
	Source       string     `json:"source"`
	Number       string     `json:"number"`
	Return       bool       `json:"return" doc:"Goods or money given back. Its amounts are below zero"`
	Of           string     `json:"of" doc:"Of a return: its order"`
	At           time.Time  `json:"at"`
	Day          string     `json:"day"`
	Currency     string     `json:"currency"`
	LinesMinor   int64      `json:"lines_minor"`
	Discount     int64      `json:"discount_minor"`
	Shipping     int64      `json:"shipping_minor"`
	Tax          int64      `json:"tax_minor" doc:"What is added on top; 0 where prices hold it"`
	TotalMinor   int64      `json:"total_minor"`
	BaseMinor    *int64     `json:"base_minor,omitempty" doc:"The total in the business's currency; left out while it waits for a rate"`
	Refunded     int64      `json:"refunded_minor" doc:"What was given back of it"`
	Items        int64      `json:"items"`
	Purchase     bool       `json:"purchase" doc:"It counts as a purchase"`
	Channel      string     `json:"channel"`
	Staff        string     `json:"staff"`
	PromisedDay  string     `json:"promised_day"`
	DeliveredDay string     `json:"delivered_day"`
	CancelledAt  *time.Time `json:"cancelled_at,omitempty"`
	Reason       string     `json:"reason"`
	Note         string     `json:"note"`
	RecordedAt   time.Time  `json:"recorded_at"`
}

func shownOrder(o Order) apiOrder {
	a := apiOrder{ID: o.ID, Source: o.Source, Number: o.Number, Return: o.Return, At: o.At, Day: o.Day, Currency: string(o.Currency),
		LinesMinor: o.LinesTotal, Discount: o.Discount, Shipping: o.Shipping, Tax: o.Tax, TotalMinor: o.Total, Refunded: o.Refunded, Items: o.Items,
		Purchase: o.Purchase, Channel: o.Channel, Staff: o.Staff, PromisedDay: o.PromisedDay, DeliveredDay: o.DeliveredDay,
		Reason: o.Reason, Note: o.Note, RecordedAt: o.RecordedAt}
	if o.Customer != 0 {
		a.Customer = o.Customer.String()
	}
	if o.Of != 0 {
		a.Of = o.Of.String()
	}
	if o.Rate != 0 {
		a.BaseMinor = &o.Base
	}
	if o.Cancelled() {
		a.CancelledAt = &o.CancelledAt
	}
	return a
}

// apiWholeOrder is an order with what belongs to it.
type apiWholeOrder struct {
	Order   apiOrder   `json:"order"`
	Lines   []apiLine  `json:"lines"`
	Returns []apiOrder `json:"returns"`
}

type apiLine struct {
	Line       int64      `json:"line" doc:"Its number, which a refund names"`
	Product    id.Product `json:"product"`
	Quantity   int64      `json:"quantity_milli" doc:"In thousandths: 2000 are two"`
	PriceMicro int64      `json:"price_micro" doc:"Of one, in millionths of the currency"`
	Total      int64      `json:"total_minor"`
	Remaining  int64      `json:"remaining_milli" doc:"What has not come back"`
}

func readWhole(ctx context.Context, q store.Querier, c id.Customer, order id.Order) (w apiWholeOrder, err error) {
	o, err := ByID(ctx, q, c, order)
	if err != nil {
		return w, err
	}
	w = apiWholeOrder{Order: shownOrder(o), Lines: []apiLine{}, Returns: []apiOrder{}}
	lines, err := Lines(ctx, q, o)
	if err != nil {
		return w, err
	}
	remaining, err := Remaining(ctx, q, o, lines)
	if err != nil {
		return w, err
	}
	for _, l := range lines {
		w.Lines = append(w.Lines, apiLine{l.Ordinal, l.Product, l.Quantity, l.PriceMicro, l.Total, remaining[l.Ordinal]})
	}
	returns, err := Returns(ctx, q, o)
	for _, r := range returns {
		w.Returns = append(w.Returns, shownOrder(r))
	}
	return w, err
}

type apiListInput struct {
	rest.Page
	rest.Fields[apiOrder]
	Number   string `query:"q" maxLength:"100" doc:"The beginning of its number; at most 100 are found, of customers and walk-ins both"`
	From     string `query:"from" maxLength:"10" format:"date"`
	To       string `query:"to" maxLength:"10" format:"date"`
	Channel  string `query:"channel" maxLength:"100"`
	State    string `query:"state" enum:"late,open,delivered,cancelled,refunded,return,unvalued"`
	Who      string `query:"who" enum:"walk-in" doc:"walk-in: walk-ins' orders instead of customers'"`
	Customer string `query:"customer" maxLength:"17" doc:"Only this one's"`
	Sort     string `query:"sort" enum:"placed,total" default:"placed"`
	Up       bool   `query:"up" doc:"The oldest or least first"`
}

// apiWhose is the customer that a list is asked for, as they are now; 0: any.
func (d desk) apiWhose(c *rest.Call, asked string) (id.Customer, error) {
	if asked == "" {
		return 0, nil
	}
	customer, err := id.ParseCustomer(asked)
	if err != nil {
		return 0, rest.BadParameter("customer", errs.Missing("customers.wrong.gone"))
	}
	return customers.Resolve(c.Context(), d.db, customer)
}

func (d desk) apiList(c *rest.Call, in *apiListInput) (*rest.Listing[apiOrder], error) {
	f := Filter{Number: in.Number, From: in.From, To: in.To, Channel: in.Channel, State: in.State, Walkin: in.Who == "walk-in", Today: c.Day()}
	var err error
	if f.Customer, err = d.apiWhose(c, in.Customer); err != nil {
		return nil, err
	}
	found, err := List(c.Context(), d.db, f, Page{Sort: in.Sort, Up: in.Up, After: in.After, Limit: in.Limit})
	return rest.Pageful(found.Orders, found.Next, shownOrder), err
}

type apiOrderOf struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	Order    rest.ID[id.Order]    `path:"order"`
	rest.Fields[apiWholeOrder]
}

// where is where an order lies now: its customer may have been merged.
func (d desk) where(ctx context.Context, q store.Querier, c id.Customer) (id.Customer, error) {
	if c == 0 {
		return 0, nil
	}
	return customers.Resolve(ctx, q, c)
}

func (d desk) apiShow(c *rest.Call, in *apiOrderOf) (*rest.One[apiWholeOrder], error) {
	at, err := d.where(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	w, err := readWhole(c.Context(), d.db, at, in.Order.Of)
	return rest.Show(c, w, err)
}

func (d desk) apiShowWalkin(c *rest.Call, in *apiWalkinOf) (*rest.One[apiWholeOrder], error) {
	w, err := readWhole(c.Context(), d.db, 0, in.Order.Of)
	return rest.Show(c, w, err)
}

type apiWalkinOf struct {
	Order rest.ID[id.Order] `path:"order"`
	rest.Fields[apiWholeOrder]
}

// apiTheirs and apiWalkin are what a change of an order is sent with, of a
// customer's and of a walk-in's.
type apiTheirs[B any] struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	Order    rest.ID[id.Order]    `path:"order"`
	rest.IfMatch
	Body B
}

type apiWalkin[B any] struct {
	Order rest.ID[id.Order] `path:"order"`
	rest.IfMatch
	Body B
}

// apiTheirsPatch and apiWalkinPatch are the same for a JSON merge patch.
type apiTheirsPatch[B any] struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	Order    rest.ID[id.Order]    `path:"order"`
	rest.IfMatch
	Body B `contentType:"application/merge-patch+json"`
}

type apiWalkinPatch[B any] struct {
	Order rest.ID[id.Order] `path:"order"`
	rest.IfMatch
	Body B `contentType:"application/merge-patch+json"`
}

// apiAsked names the order of an address, and the state it must be in.
type apiAsked struct {
	customer id.Customer // 0: a walk-in
	order    id.Order
	rest.IfMatch
}

func theirs[B any](do func(*rest.Call, apiAsked, B) (*rest.One[apiWholeOrder], error)) func(*rest.Call, *apiTheirs[B]) (*rest.One[apiWholeOrder], error) {
	return func(c *rest.Call, in *apiTheirs[B]) (*rest.One[apiWholeOrder], error) {
		return do(c, apiAsked{in.Customer.Of, in.Order.Of, in.IfMatch}, in.Body)
	}
}

func walkins[B any](do func(*rest.Call, apiAsked, B) (*rest.One[apiWholeOrder], error)) func(*rest.Call, *apiWalkin[B]) (*rest.One[apiWholeOrder], error) {
	return func(c *rest.Call, in *apiWalkin[B]) (*rest.One[apiWholeOrder], error) {
		return do(c, apiAsked{0, in.Order.Of, in.IfMatch}, in.Body)
	}
}

func theirsPatched[B any](do func(*rest.Call, apiAsked, B) (*rest.One[apiWholeOrder], error)) func(*rest.Call, *apiTheirsPatch[B]) (*rest.One[apiWholeOrder], error) {
	return func(c *rest.Call, in *apiTheirsPatch[B]) (*rest.One[apiWholeOrder], error) {
		return do(c, apiAsked{in.Customer.Of, in.Order.Of, in.IfMatch}, in.Body)
	}
}

func walkinsPatched[B any](do func(*rest.Call, apiAsked, B) (*rest.One[apiWholeOrder], error)) func(*rest.Call, *apiWalkinPatch[B]) (*rest.One[apiWholeOrder], error) {
	return func(c *rest.Call, in *apiWalkinPatch[B]) (*rest.One[apiWholeOrder], error) {
		return do(c, apiAsked{0, in.Order.Of, in.IfMatch}, in.Body)
	}
}

// apiDo changes an order, notes it in the audit log and answers with how it is
// then.
func (d desk) apiDo(c *rest.Call, in apiAsked, done string, change func(ctx context.Context, tx *store.Tx, at id.Customer) error) (*rest.One[apiWholeOrder], error) {
	var now apiWholeOrder
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		at, err := d.where(ctx, tx, in.customer)
		if err != nil {
			return err
		}
		was, err := hold(ctx, tx, at, in.order)
		if err != nil {
			return err
		}
		if in.Match != "" {
			if now, err = readWhole(ctx, tx, at, was.ID); err != nil {
				return err
			}
			if err := in.Check(now); err != nil {
				return err
			}
		}
		if err := change(ctx, tx, at); err != nil {
			return err
		}
		if err := audit(ctx, tx, c.Staff.ID, was, done); err != nil {
			return err
		}
		c.About = at
		now, err = readWhole(ctx, tx, at, was.ID)
		return err
	})
	return rest.Show(c, now, err)
}

// apiBack is money to be given back.
type apiBack struct {
	Reason string        `json:"reason" enum:"damaged,wrong_item,not_as_described,does_not_fit,changed_mind,late,not_delivered,out_of_stock,too_expensive,duplicate,payment,fraud,other"`
	Note   string        `json:"note,omitempty" maxLength:"2000"`
	Amount int64         `json:"amount_minor,omitempty" minimum:"0" doc:"Left out: what the lines cost, or all that is left"`
	Seen   int64         `json:"seen" minimum:"0" doc:"The order's refunded_minor when this was decided"`
	Lines  []apiBackLine `json:"lines,omitempty" maxItems:"500" doc:"What came back; left out: only money"`
}

type apiBackLine struct {
	Line     int64 `json:"line"`
	Quantity int64 `json:"quantity_milli" minimum:"1"`
}

func (d desk) apiRefund(c *rest.Call, at apiAsked, body apiBack) (*rest.One[apiWholeOrder], error) {
	b := Back{Amount: body.Amount, Reason: body.Reason, Note: body.Note, Seen: body.Seen}
	for _, l := range body.Lines {
		b.Lines = append(b.Lines, BackLine{l.Line, l.Quantity})
	}
	return d.apiDo(c, at, "refunded", func(ctx context.Context, tx *store.Tx, who id.Customer) error {
		_, err := Refund(ctx, tx, who, at.order, b, apiBy(c))
		return renamed(err, "amount", "amount_minor")
	})
}

// apiCancelling calls an order off.
type apiCancelling struct {
	Reason string `json:"reason" enum:"damaged,wrong_item,not_as_described,does_not_fit,changed_mind,late,not_delivered,out_of_stock,too_expensive,duplicate,payment,fraud,other"`
	Note   string `json:"note,omitempty" maxLength:"2000"`
}

func (d desk) apiCancel(c *rest.Call, at apiAsked, body apiCancelling) (*rest.One[apiWholeOrder], error) {
	return d.apiDo(c, at, "cancelled", func(ctx context.Context, tx *store.Tx, who id.Customer) error {
		return Cancel(ctx, tx, who, at.order, body.Reason, body.Note, apiBy(c))
	})
}

type apiDay struct {
	Day string `json:"day" maxLength:"10" format:"date"`
}

func (d desk) apiPromise(c *rest.Call, at apiAsked, body apiDay) (*rest.One[apiWholeOrder], error) {
	return d.apiDo(c, at, "promised", func(ctx context.Context, tx *store.Tx, who id.Customer) error {
		return Promise(ctx, tx, who, at.order, body.Day, apiBy(c))
	})
}

func (d desk) apiDeliver(c *rest.Call, at apiAsked, body apiDay) (*rest.One[apiWholeOrder], error) {
	return d.apiDo(c, at, "delivered", func(ctx context.Context, tx *store.Tx, who id.Customer) error {
		return Deliver(ctx, tx, who, at.order, body.Day, apiBy(c))
	})
}

// apiDays are the days of an order.
type apiDays struct {
	PromisedDay  rest.Field[string] `json:"promised_day,omitzero" maxLength:"10" format:"date" example:"2026-04-01"`
	DeliveredDay rest.Field[string] `json:"delivered_day,omitzero" maxLength:"10" format:"date" example:"2026-04-01"`
}

func (d desk) apiChange(c *rest.Call, at apiAsked, body apiDays) (*rest.One[apiWholeOrder], error) {
	return d.apiDo(c, at, daysChanged, func(ctx context.Context, tx *store.Tx, who id.Customer) error {
		if day := body.PromisedDay; day.Sent {
			if err := Promise(ctx, tx, who, at.order, day.Value, apiBy(c)); err != nil {
				return renamed(err, "day", "promised_day")
			}
		}
		if day := body.DeliveredDay; day.Sent {
			return renamed(Deliver(ctx, tx, who, at.order, day.Value, apiBy(c)), "day", "delivered_day")
		}
		return nil
	})
}

type apiClaimInput struct {
	Order rest.ID[id.Order] `path:"order"`
	rest.IfMatch
	Body struct {
		Customer id.Customer `json:"customer" maxLength:"17"`
	}
}

func (d desk) apiClaim(c *rest.Call, in *apiClaimInput) (*rest.One[apiWholeOrder], error) {
	var now apiWholeOrder
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		who, err := customers.Resolve(ctx, tx, in.Body.Customer)
		if err != nil {
			return err
		}
		if in.Match != "" {
			if now, err = readWhole(ctx, tx, 0, in.Order.Of); err != nil {
				return err
			}
			if err := in.Check(now); err != nil {
				return err
			}
		}
		if err := Claim(ctx, tx, in.Order.Of, who, apiBy(c)); err != nil {
			return err
		}
		if err := customers.Audit(ctx, tx, who, users.Change{By: c.Staff.ID, Action: "walkin.claimed",
			Values: []users.Value{{Field: "order", After: in.Order.Of.String()}}}); err != nil {
			return err
		}
		c.About = who
		now, err = readWhole(ctx, tx, who, in.Order.Of)
		return err
	})
	return rest.Show(c, now, err)
}
