package orders

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
	"regulars/internal/platform/workspace"
)

func (d desk) subscriptionRoutes() []web.Route {
	const at = "/customers/{customer}/subscriptions/{subscription}"
	return []web.Route{
		{Pattern: "GET /subscriptions", Role: web.Viewer, Handler: d.subscriptions},
		{Pattern: "GET /subscriptions/export", Role: web.Manager, Handler: d.exportSubscriptions},
		{Pattern: "GET " + at, Role: web.Viewer, Handler: d.subscription},
		{Pattern: "POST " + at + "/cancellation", Role: web.Agent, Handler: d.endSubscription},
	}
}

// SubscriptionPanel is the box of subscriptions on a customer's page, of those
// who have or had one.
var SubscriptionPanel = web.Panel{ID: "subscriptions", Order: 110, Role: web.Viewer, Page: "orders/subscriptions_panel.html",
	Data: func(ctx context.Context, q store.Querier, c id.Customer) (any, error) {
		all, err := SubscriptionsOf(ctx, q, c, panelOrders+1)
		if err != nil || len(all) == 0 {
			return nil, err
		}
		settings, err := workspace.Load(ctx, q)
		if err != nil {
			return nil, err
		}
		p := subscriptionPanel{Customer: c, More: len(all) > panelOrders}
		for _, s := range all[:min(len(all), panelOrders)] {
			p.Subscriptions = append(p.Subscriptions, panelSubscription{s, settings.Day(s.StartedAt)})
		}
		return p, nil
	}}

type subscriptionPanel struct {
	Customer      id.Customer
	Subscriptions []panelSubscription
	More          bool
}

type panelSubscription struct {
	Subscription
	Since string // a day
}

// Tone is how the status stands out.
func (s Subscription) Tone() kit.Tone {
	switch {
	case s.Status == Ended:
		return kit.Bad
	case s.Status == PastDue || s.Status == Paused || !s.CancelAt.IsZero():
		return kit.Warn
	case s.Status == Trialing:
		return kit.Accent
	}
	return kit.Good
}

// State is the key of what is said of how it stands.
func (s Subscription) State() string {
	if !s.CancelAt.IsZero() && s.Status != Ended {
		return "notice"
	}
	return s.Status
}

// PerKey and Per are the message of its period and the number in it.
func (t Terms) PerKey() string { return "orders.per." + t.Unit }

// Per is how many units a period has.
func (t Terms) Per() int { return int(t.Every) }

type subscriptionPage struct {
	Subscription Subscription
	Name         string // of the plan
	Customer     string
	State        any
	About        []kit.Term
	History      []shownState
	Renewals     kit.Table
	Story        kit.Timeline
	Form         *web.Form
	Reasons      []kit.Option
	At           string
	CanEnd       bool
}

type shownState struct{ Since, Until, Status, Plan, Price string }

// findOne reads the subscription of the address. One whose customer was
// merged leads on to where it is now, with done set: the answer is written.
func (d desk) findOne(w http.ResponseWriter, r *web.Request) (s Subscription, done bool, err error) {
	c, err := web.PathID(r, "customer", id.ParseCustomer)
	if err != nil {
		return s, false, err
	}
	sub, err := web.PathID(r, "subscription", id.ParseSubscription)
	if err != nil {
		return s, false, err
	}
	s, err = SubscriptionByID(r.Context(), d.db, c, sub)
	if !errs.Is(err, errs.NotFound) {
		return s, false, err
	}
	lives, resolved := customers.Resolve(r.Context(), d.db, c)
	if resolved == nil && lives != c {
		return s, true, r.Redirect(w, SubscriptionHref(lives, sub))
	}
	return s, false, err
}

func (d desk) subscription(w http.ResponseWriter, r *web.Request) error {
	s, done, err := d.findOne(w, r)
	if err != nil || done {
		return err
	}
	return d.subscriptionPage(w, r, s, r.NewForm(), http.StatusOK)
}

// subscriptionPage shows a subscription, with the form that failed or an empty
// one.
func (d desk) subscriptionPage(w http.ResponseWriter, r *web.Request, s Subscription, f *web.Form, status int) error {
	p := subscriptionPage{Subscription: s, Name: planText(r.Print, s.Plan, s.Quantity), Form: f, At: s.Href(), CanEnd: !s.Over(), State: subscriptionState(r, s),
		About: aboutSubscription(r, s), Reasons: []kit.Option{{Value: "", Text: r.T("orders.reason.choose")}}}
	for _, reason := range SubscriptionReasons {
		p.Reasons = append(p.Reasons, kit.Option{Value: reason, Text: r.T("orders.subscription.reason." + reason)})
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, s.Customer)
	if err != nil {
		return err
	}
	p.Customer = names[s.Customer]
	states, err := StatesOf(r.Context(), d.db, s.Customer, s.ID)
	if err != nil {
		return err
	}
	p.History = history(r, states)
	renewals, err := Renewals(r.Context(), d.db, s.Customer, s.ID, 60)
	if err != nil {
		return err
	}
	p.Renewals = renewalsTable(r, renewals)
	events, err := timeline.Of(r.Context(), d.db, s.Customer, int64(s.ID))
	if err != nil {
		return err
	}
	if p.Story, err = storyOf(r, events); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "orders/subscription.html", p)
}

// history are the states as they are shown, the newest first; those that say
// the same one after the other are one.
func history(r *web.Request, states []State) []shownState {
	var all []shownState
	for i := 0; i < len(states); i++ {
		s := states[i]
		until := s.Until
		for ; i+1 < len(states) && states[i+1].Status == s.Status && states[i+1].same(s.Terms); i++ {
			until = states[i+1].Until
		}
		v := shownState{Since: r.Print.Day(dayOf(r, s.Since)), Status: r.T("orders.subscription.status." + s.Status), Plan: planText(r.Print, s.Plan, s.Quantity),
			Price: priceText(r.Print, s.Price(), s.Unit, s.Every)}
		if !until.IsZero() {
			v.Until = r.Print.Day(dayOf(r, until))
		}
		all = append([]shownState{v}, all...)
	}
	return all
}

func dayOf(r *web.Request, t time.Time) string { return t.In(r.Shop.Zone).Format(time.DateOnly) }

func renewalsTable(r *web.Request, all []Renewal) kit.Table {
	t := kit.Table{ID: "renewals", Caption: r.T("orders.subscription.renewals"), First: true, Dense: true, Columns: []kit.Column{
		{Key: "paid", Title: r.T("orders.subscription.column.paid")}, {Key: "number", Title: r.T("orders.subscription.column.invoice")},
		{Key: "until", Title: r.T("orders.subscription.column.until")}, {Key: "amount", Title: r.T("orders.subscription.column.amount"), Number: true}}}
	for _, v := range all {
		until := "–"
		if !v.Until.IsZero() {
			until = r.Print.Day(dayOf(r, v.Until))
		}
		t.Rows = append(t.Rows, kit.Row{Cells: []any{r.Print.Day(dayOf(r, v.PaidAt)), v.Number, until, r.Print.Money(money.Amount{Minor: v.Amount, Currency: v.Currency})}})
	}
	return t
}

// subscriptionState is the badge that says how it stands.
func subscriptionState(r *web.Request, s Subscription) template.HTML {
	return kit.Badge(s.Tone(), r.T("orders.subscription.status."+s.State()))
}

// aboutSubscription is what is known of it.
func aboutSubscription(r *web.Request, s Subscription) []kit.Term {
	var all []kit.Term
	add := func(key, value string) {
		if value != "" {
			all = append(all, kit.Term{Name: r.T("orders.subscription.about." + key), Value: value})
		}
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return r.Print.Day(dayOf(r, t))
	}
	add("price", priceText(r.Print, s.Price(), s.Unit, s.Every))
	add("monthly", r.Print.Money(money.Amount{Minor: s.Monthly, Currency: s.Currency}))
	add("started", day(s.StartedAt))
	add("trial", day(s.TrialEnd))
	if !s.Over() {
		add("paid", day(s.PeriodEnd))
	}
	add("notice", day(s.CancelAt))
	add("ended", day(s.EndedAt))
	if s.Reason != "" {
		add("reason", r.T("orders.subscription.reason."+s.Reason))
	}
	add("note", s.Note)
	add("source", s.Source+" · "+s.External)
	return all
}

// endSubscription writes down that it ends.
func (d desk) endSubscription(w http.ResponseWriter, r *web.Request) error {
	s, done, err := d.findOne(w, r)
	if err != nil || done {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	l := Leaving{Reason: f.Choice("reason", append([]string{""}, SubscriptionReasons...)...), Note: f.Area("note", 2000)}
	if day := f.Day("last"); f.OK() && day != "" {
		last, err := time.ParseInLocation(time.DateOnly, day, r.Shop.Zone)
		if err != nil {
			return err
		}
		l.At = last.AddDate(0, 0, 1).Add(-time.Microsecond)
		if l.At.Before(r.Now) {
			f.Wrong("last", r.T("orders.subscription.end.past"))
		}
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := EndSubscription(r.Context(), tx, s.Customer, s.ID, l, by(r)); err != nil {
				return renamed(err, "at", "last")
			}
			return auditEnd(r.Context(), tx, r.Staff.ID, s)
		}))
		if err != nil {
			return err
		}
	}
	if !f.OK() {
		return d.subscriptionPage(w, r, s, f, http.StatusUnprocessableEntity)
	}
	r.Flash(w, "good", r.T("orders.subscription.end.done"))
	return r.Redirect(w, s.Href())
}
