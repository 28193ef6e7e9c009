package orders

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net/http"
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "orders.section", Key: "orders.place.list", Href: "/orders", Icon: "shopping-cart", Order: 200, Role: web.Viewer},
	{Section: "orders.section", Key: "orders.place.subscriptions", Href: "/subscriptions", Icon: "repeat", Order: 205, Role: web.Viewer},
	{Section: "orders.section", Key: "orders.place.products", Href: "/products", Icon: "package", Order: 210, Role: web.Viewer},
}

// desk is what the handlers of this module share.
type desk struct{ db *store.DB }

// Admin is the list of this module's pages. A customer's order and a walk-in's
// have the same actions under their own addresses.
func Admin(db *store.DB) []web.Route {
	d := desk{db}
	routes := []web.Route{
		{Pattern: "GET /orders", Role: web.Viewer, Handler: d.list},
		{Pattern: "GET /orders/export", Role: web.Manager, Handler: d.exportList},
		{Pattern: "GET /orders/rates", Role: web.Manager, Handler: d.rates},
		{Pattern: "GET /orders/rates/export", Role: web.Manager, Handler: d.exportRates},
		{Pattern: "POST /orders/rates", Role: web.Manager, Handler: d.setRates},

		{Pattern: "GET /products", Role: web.Viewer, Handler: d.products},
		{Pattern: "GET /products/export", Role: web.Manager, Handler: d.exportProducts},
		{Pattern: "GET /products/categories", Role: web.Agent, Handler: d.categories},
		{Pattern: "POST /products/categories", Role: web.Manager, Handler: d.addCategory},
		{Pattern: "POST /products/categories/{category}", Role: web.Manager, Handler: d.saveCategory},
		{Pattern: "POST /products/categories/{category}/removal", Role: web.Manager, Handler: d.removeCategory},
		{Pattern: "GET /products/{product}", Role: web.Viewer, Handler: d.product},
		{Pattern: "POST /products/{product}", Role: web.Manager, Handler: d.saveProduct},
		{Pattern: "POST /orders/walk-in/{order}/owner", Role: web.Till, Handler: d.claim},
	}
	for _, at := range []string{"/customers/{customer}/orders/{order}", "/orders/walk-in/{order}"} {
		routes = append(routes,
			web.Route{Pattern: "GET " + at, Role: web.Viewer, Handler: d.show},
			web.Route{Pattern: "POST " + at + "/refunds", Role: web.Agent, Handler: d.do("refunded", refund)},
			web.Route{Pattern: "POST " + at + "/cancellation", Role: web.Agent, Handler: d.do("cancelled", cancel)},
			web.Route{Pattern: "POST " + at + "/promise", Role: web.Till, Handler: d.do("promised", promise)},
			web.Route{Pattern: "POST " + at + "/delivery", Role: web.Till, Handler: d.do("delivered", deliver)},
		)
	}
	return append(routes, d.subscriptionRoutes()...)
}

// Panel is the box of orders on a customer's page.
var Panel = web.Panel{ID: "orders", Order: 100, Role: web.Viewer, Page: "orders/panel.html",
	Data: func(ctx context.Context, q store.Querier, c id.Customer) (any, error) {
		newest, err := Of(ctx, q, c, panelOrders+1)
		if err != nil {
			return nil, err
		}
		p := panel{Customer: c, Orders: newest[:min(len(newest), panelOrders)], More: len(newest) > panelOrders}
		if err := q.QueryRow(ctx, `
			select count(*) filter (where purchase), cast(coalesce(sum(base_minor) filter (where purchase), 0) as bigint)
			from orders where customer_id = $1`, int64(c)).Scan(&p.Count, &p.Total); err != nil {
			return nil, fmt.Errorf("add up orders of %s: %w", c, err)
		}
		return p, nil
	}}

const panelOrders = 5

type panel struct {
	Customer id.Customer
	Orders   []Order
	More     bool
	Count    int
	Total    int64
}

// by says that the person who is signed in does it.
func by(r *web.Request) customers.By { return customers.By{Actor: r.Staff.ID, Source: "staff"} }

// asked reads which order the address names; customer 0: a walk-in's.
func asked(r *web.Request) (c id.Customer, o id.Order, err error) {
	if r.PathValue("customer") != "" {
		if c, err = web.PathID(r, "customer", id.ParseCustomer); err != nil {
			return 0, 0, err
		}
	}
	o, err = web.PathID(r, "order", id.ParseOrder)
	return c, o, err
}

// find reads the order of the address. One whose customer was merged leads on
// to where it is now, with done set: the answer is written.
func (d desk) find(w http.ResponseWriter, r *web.Request) (o Order, done bool, err error) {
	c, order, err := asked(r)
	if err != nil {
		return o, false, err
	}
	o, err = ByID(r.Context(), d.db, c, order)
	if !errs.Is(err, errs.NotFound) || c == 0 {
		return o, false, err
	}
	lives, resolved := customers.Resolve(r.Context(), d.db, c)
	if resolved == nil && lives != c {
		return o, true, r.Redirect(w, Href(lives, order))
	}
	return o, false, err
}

// action is what a form of the order's page does.
type action func(ctx context.Context, tx *store.Tx, r *web.Request, o Order, f *web.Form) error

// do makes the handler of a form: it reads the order, changes it, and shows
// the page again when that was refused.
func (d desk) do(name string, act action) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		o, done, err := d.find(w, r)
		if err != nil || done {
			return err
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := act(r.Context(), tx, r, o, f); err != nil || !f.OK() {
				return err
			}
			return audit(r.Context(), tx, r.Staff.ID, o, name)
		}))
		if err != nil {
			return err
		}
		if !f.OK() {
			return d.page(w, r, o, f, http.StatusUnprocessableEntity)
		}
		r.Flash(w, "good", r.T("orders.done."+name))
		return r.Redirect(w, o.Href())
	}
}

func refund(ctx context.Context, tx *store.Tx, r *web.Request, o Order, f *web.Form) error {
	back := Back{Reason: f.Choice("reason", append([]string{""}, Reasons...)...), Note: f.Area("note", 2000),
		Amount: f.Money("amount", o.Currency).Minor, Seen: int64(f.Int("seen", 0, 1<<53))}
	for name := range f.Values {
		ordinal, ok := strings.CutPrefix(name, "back_")
		if !ok || f.Value(name) == "" {
			continue
		}
		var line int64
		if _, err := fmt.Sscan(ordinal, &line); err != nil {
			continue
		}
		if n := int64(f.Decimal(name, 0, 1e9)*1000 + 0.5); n > 0 {
			back.Lines = append(back.Lines, BackLine{line, n})
		}
	}
	if !f.OK() {
		return nil
	}
	_, err := Refund(ctx, tx, o.Customer, o.ID, back, by(r))
	return err
}

func cancel(ctx context.Context, tx *store.Tx, r *web.Request, o Order, f *web.Form) error {
	reason, note := f.Choice("cancel_reason", append([]string{""}, Reasons...)...), f.Area("cancel_note", 2000)
	if !f.OK() {
		return nil
	}
	return renamed(Cancel(ctx, tx, o.Customer, o.ID, reason, note, by(r)), "reason", "cancel_reason")
}

func promise(ctx context.Context, tx *store.Tx, r *web.Request, o Order, f *web.Form) error {
	day := f.Day("promised")
	if !f.OK() {
		return nil
	}
	return renamed(Promise(ctx, tx, o.Customer, o.ID, day, by(r)), "day", "promised")
}

func deliver(ctx context.Context, tx *store.Tx, r *web.Request, o Order, f *web.Form) error {
	day := f.Day("delivered")
	if !f.OK() {
		return nil
	}
	return renamed(Deliver(ctx, tx, o.Customer, o.ID, day, by(r)), "day", "delivered")
}

// renamed moves the error of a verb to the field of the form.
func renamed(err error, from, to string) error {
	if errs.FieldOf(err) != from {
		return err
	}
	return errs.In(to, err)
}

// claim gives a walk-in to the customer that was named.
func (d desk) claim(w http.ResponseWriter, r *web.Request) error {
	o, done, err := d.find(w, r)
	if err != nil || done {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	who, err := d.named(r, f.Need("who", 254))
	if err != nil {
		return err
	}
	if f.OK() && who == 0 {
		f.Wrong("who", r.T("orders.claim.nobody"))
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := Claim(r.Context(), tx, o.ID, who, by(r)); err != nil {
				return err
			}
			return customers.Audit(r.Context(), tx, who, users.Change{By: r.Staff.ID, Action: "walkin.claimed",
				Values: []users.Value{{Field: "order", After: o.ID.String()}}})
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.page(w, r, o, f, http.StatusUnprocessableEntity)
	}
	r.Flash(w, "good", r.T("orders.done.claimed"))
	return r.Redirect(w, Href(who, o.ID))
}

// named finds a customer by an email, phone, card or id.
func (d desk) named(r *web.Request, who string) (id.Customer, error) {
	if c, err := id.ParseCustomer(who); err == nil {
		if _, err := customers.ByID(r.Context(), d.db, c); err == nil {
			return c, nil
		}
	}
	var all []customers.Identity
	for _, kind := range customers.IdentityKinds {
		if i, err := customers.Normalise(customers.Identity{Kind: kind, Value: who}, ""); err == nil {
			all = append(all, i)
		}
	}
	found, err := customers.FindMany(r.Context(), d.db, all)
	if err != nil {
		return 0, err
	}
	for _, i := range all {
		if c, ok := found[i]; ok {
			return c, nil
		}
	}
	return 0, nil
}

// reasonOptions are the reasons as a select shows them, with an empty first.
func reasonOptions(r *web.Request) []kit.Option {
	all := []kit.Option{{Value: "", Text: r.T("orders.reason.choose")}}
	for _, reason := range Reasons {
		all = append(all, kit.Option{Value: reason, Text: r.T("orders.reason." + reason)})
	}
	return all
}

// channelName is a channel as people read it.
func channelName(r *web.Request, channel string) string {
	switch channel {
	case "online", "store", "phone", "email", "market":
		return r.T("orders.channel." + channel)
	}
	return cmp.Or(channel, "–")
}
