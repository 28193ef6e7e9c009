package orders

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/workspace"
)

// APISale is an order as a program tells of it. Amounts are in the smallest
// unit of its currency.
type APISale struct {
	At           time.Time     `json:"at" doc:"When it was placed"`
	Customer     *id.Customer  `json:"customer,omitempty" maxLength:"17"`
	Identity     *apiBuyer     `json:"identity,omitempty" doc:"Instead of customer: who this is, if anybody is"`
	Currency     string        `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; left out: the business's own" example:"EUR"`
	Channel      string        `json:"channel,omitempty" maxLength:"100" example:"online"`
	Staff        string        `json:"staff,omitempty" maxLength:"100" doc:"Who sold it"`
	Lines        []apiSaleLine `json:"lines" minItems:"1" maxItems:"500"`
	Discount     int64         `json:"discount_minor,omitempty" minimum:"0"`
	Shipping     int64         `json:"shipping_minor,omitempty" minimum:"0"`
	Tax          int64         `json:"tax_minor,omitempty" minimum:"0" doc:"What is added on top"`
	Return       bool          `json:"return,omitempty" doc:"Goods brought back; amounts stay above zero"`
	ReturnOf     string        `json:"return_of,omitempty" maxLength:"100" doc:"Of a return: the number of its order"`
	PromisedDay  string        `json:"promised_day,omitempty" maxLength:"10" format:"date"`
	DeliveredDay string        `json:"delivered_day,omitempty" maxLength:"10" format:"date"`
	CancelledAt  *time.Time    `json:"cancelled_at,omitempty"`
	Reason       string        `json:"reason,omitempty" maxLength:"200" doc:"Why it was cancelled or returned"`
	Note         string        `json:"note,omitempty" maxLength:"2000"`
	History      bool          `json:"history,omitempty" doc:"This is old news: it starts no play and no message"`
}

type apiBuyer struct {
	Kind  string `json:"kind" enum:"email,phone,card,external"`
	Value string `json:"value" minLength:"1" maxLength:"254" example:"ana@example.com"`
}

type apiSaleLine struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"100" example:"tea-100"`
	Name     string `json:"name,omitempty" maxLength:"200" doc:"Of a product that is not known yet"`
	Category string `json:"category,omitempty" maxLength:"200"`
	Service  bool   `json:"service,omitempty" doc:"Postage or a fee, no goods"`
	Quantity int64  `json:"quantity_milli,omitempty" minimum:"1" maximum:"1000000000000" default:"1000" doc:"In thousandths: 2000 are two"`
	Price    int64  `json:"price_minor" minimum:"0" doc:"Of one"`
	Total    *int64 `json:"total_minor,omitempty" minimum:"0" doc:"After discounts of the line; left out: price times quantity"`
}

type apiUpsertInput struct {
	Source string `path:"source" minLength:"1" maxLength:"60" doc:"Your system: shop" example:"shop"`
	Number string `path:"number" minLength:"1" maxLength:"100" doc:"By which your system names the order" example:"1001"`
	rest.IfMatch
	Body APISale
}

func (d desk) apiUpsert(c *rest.Call, in *apiUpsertInput) (*rest.One[apiWholeOrder], error) {
	var now apiWholeOrder
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if err := in.matches(ctx, tx); err != nil {
			return err
		}
		s, err := in.Body.sale(ctx, tx, c, in.Source, in.Number)
		if err != nil {
			return err
		}
		placed, err := PlaceMany(ctx, tx, []Sale{s})
		if err != nil {
			return err
		}
		if err := auditSent(ctx, tx, c.Staff.ID, placed); err != nil {
			return err
		}
		spots, err := findKeys(ctx, tx, s.Source, []string{s.Number})
		if err != nil {
			return err
		}
		at := spots[s.Number]
		c.About = at.customer
		now, err = readWhole(ctx, tx, at.customer, placed.IDs[0])
		return err
	})
	return rest.Show(c, now, err)
}

// matches refuses what is told of an order that is not any more as the program
// knew it.
func (in *apiUpsertInput) matches(ctx context.Context, tx *store.Tx) error {
	if in.Match == "" {
		return nil
	}
	number := text.Line(in.Number)
	found, err := findKeys(ctx, tx, text.Line(in.Source), []string{number})
	if err != nil {
		return err
	}
	at, ok := found[number]
	if !ok {
		return in.Check(nil)
	}
	if _, err := hold(ctx, tx, at.customer, at.order); err != nil {
		return err
	}
	now, err := readWhole(ctx, tx, at.customer, at.order)
	if err != nil {
		return err
	}
	return in.Check(now)
}

// auditSent writes one line for what a program told, if any of it was news.
func auditSent(ctx context.Context, tx *store.Tx, by id.User, p Placed) error {
	if p.New+p.Changed == 0 {
		return nil
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "orders.sent", Values: []users.Value{
		{Field: "orders", After: fmt.Sprint(p.New + p.Changed)}}})
}

// sale turns what a program told into a sale, with its products in the
// catalogue.
func (a APISale) sale(ctx context.Context, tx *store.Tx, c *rest.Call, source, number string) (Sale, error) {
	settings, err := workspace.Load(ctx, tx)
	if err != nil {
		return Sale{}, err
	}
	s := Sale{Number: text.Line(number), Source: text.Line(source), At: a.At, Currency: settings.Currency, Channel: a.Channel, Staff: a.Staff,
		Return: a.Return, ReturnsNumber: a.ReturnOf, Discount: a.Discount, Shipping: a.Shipping, Tax: a.Tax,
		PromisedDay: a.PromisedDay, DeliveredDay: a.DeliveredDay, Reason: a.Reason, Note: a.Note, History: a.History, Actor: c.Staff.ID}
	if a.Currency != "" {
		if s.Currency, err = money.ParseCurrency(a.Currency); err != nil {
			return s, errs.Wrong("currency", "orders.wrong.rate-currency")
		}
	}
	if a.At.After(tx.Now.Add(time.Hour)) || a.At.Year() < 1970 {
		return s, errs.Wrong("at", "orders.wrong.api-at")
	}
	if a.CancelledAt != nil {
		s.CancelledAt = *a.CancelledAt
	}
	if s.Customer, err = a.buyer(ctx, tx, settings.Country); err != nil {
		return s, err
	}
	var news []NewProduct
	for _, l := range a.Lines {
		n := NewProduct{SKU: l.SKU, Name: l.Name, Category: l.Category}
		if l.Service {
			n.Kind = KindService
		}
		news = append(news, n)
	}
	products, err := EnsureProducts(ctx, tx, news)
	if err != nil {
		return s, errs.In("lines", err)
	}
	for i, l := range a.Lines {
		line, err := NewLine(products[text.Line(l.SKU)], cmp.Or(l.Quantity, 1000), l.Price, s.Currency.Exponent(), s.Currency)
		if err != nil {
			return s, errs.Wrong(fmt.Sprintf("lines/%d/price_minor", i), "orders.wrong.amount-large")
		}
		if l.Total != nil {
			line.Total = *l.Total
		}
		s.Lines = append(s.Lines, line)
	}
	return s, nil
}

// buyer is whose order it is; 0: a walk-in's.
func (a APISale) buyer(ctx context.Context, tx *store.Tx, country string) (id.Customer, error) {
	if a.Customer != nil {
		c, err := customers.Resolve(ctx, tx, *a.Customer)
		if errs.Is(err, errs.NotFound) {
			return 0, errs.Wrong("customer", "customers.wrong.gone")
		}
		return c, err
	}
	if a.Identity == nil {
		return 0, nil
	}
	i, err := customers.Normalise(customers.Identity{Kind: a.Identity.Kind, Value: a.Identity.Value}, country)
	if err != nil {
		return 0, errs.In("identity/value", err)
	}
	c, _, err := customers.Find(ctx, tx, i)
	return c, err
}

type apiOrdersInput struct {
	Body struct {
		Orders []apiBulkSale `json:"orders" minItems:"1" maxItems:"100"`
	}
}

type apiBulkSale struct {
	Source string `json:"source" minLength:"1" maxLength:"60"`
	Number string `json:"number" minLength:"1" maxLength:"100"`
	APISale
}

type apiBulkPlaced struct {
	IDs     []id.Order `json:"ids" doc:"One for each order, in their order"`
	New     int        `json:"new"`
	Changed int        `json:"changed" doc:"Those that were there and are fuller now"`
	Same    int        `json:"same"`
}

type apiOrdersAnswer struct{ Body apiBulkPlaced }

func (d desk) apiBulk(c *rest.Call, in *apiOrdersInput) (*apiOrdersAnswer, error) {
	out := &apiOrdersAnswer{}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		sales := make([]Sale, len(in.Body.Orders))
		for i, o := range in.Body.Orders {
			var err error
			if sales[i], err = o.sale(ctx, tx, c, o.Source, o.Number); err != nil {
				return rest.Under(fmt.Sprintf("orders/%d", i), err)
			}
		}
		placed, err := PlaceMany(ctx, tx, sales)
		if err != nil {
			return err
		}
		out.Body = apiBulkPlaced{placed.IDs, placed.New, placed.Changed, placed.Same}
		return auditSent(ctx, tx, c.Staff.ID, placed)
	})
	return out, err
}

type apiFindInput struct {
	Source string `path:"source" minLength:"1" maxLength:"60"`
	Number string `path:"number" minLength:"1" maxLength:"100"`
	rest.Fields[apiWholeOrder]
}

func (d desk) apiFind(c *rest.Call, in *apiFindInput) (*rest.One[apiWholeOrder], error) {
	number := text.Line(in.Number)
	found, err := findKeys(c.Context(), d.db, text.Line(in.Source), []string{number})
	if err != nil {
		return nil, err
	}
	at, ok := found[number]
	if !ok {
		return nil, errs.Missing("orders.wrong.api-number")
	}
	w, err := readWhole(c.Context(), d.db, at.customer, at.order)
	return rest.Show(c, w, err)
}
