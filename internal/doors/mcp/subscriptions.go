package mcp

import (
	"context"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/workspace"
)

type subscriptionsIn struct {
	Customer string `json:"customer,omitempty" jsonschema:"only this one's: cus_…"`
	Status   string `json:"status,omitempty" jsonschema:"running (all that are not cancelled), trialing, active, past_due, paused or cancelled; usually all"`
	Notice   bool   `json:"notice,omitempty" jsonschema:"only those of which notice was given and that run still"`
	Sort     string `json:"sort,omitempty" jsonschema:"started (the newest first; usually) or monthly (those that bring most first)"`
	Limit    int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 20"`
}

type subscriptionsOut struct {
	Subscriptions []subscriptionOut `json:"subscriptions"`
	More          bool              `json:"more"` // there are more than are told
}

type subscriptionOut struct {
	ID       string `json:"id"`
	Page     string `json:"page"`
	Customer Person `json:"customer"`
	Plan     string `json:"plan"`
	Status   string `json:"status"`
	Amount   Amount `json:"amount"` // each period
	Every    int64  `json:"every"`  // so many units are a period
	Unit     string `json:"unit"`
	Monthly  Amount `json:"a_month"` // nothing while nothing is paid
	Quantity int64  `json:"quantity"`
	Started  string `json:"started_day"`
	PaidTo   string `json:"paid_up_to,omitempty"`
	Ends     string `json:"ends_on,omitempty"` // notice was given for then
	Ended    string `json:"ended_day,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

func (a asking) subscriptions(ctx context.Context, in subscriptionsIn) (subscriptionsOut, error) {
	out := subscriptionsOut{Subscriptions: []subscriptionOut{}}
	if in.Status != "" && in.Status != orders.Running && !slices.Contains(orders.Statuses, in.Status) || !slices.Contains([]string{"", "started", "monthly"}, in.Sort) {
		return out, errs.Wrong("status", "mcp.wrong.by")
	}
	f := orders.SubscriptionFilter{Status: in.Status, Notice: in.Notice}
	if in.Customer != "" {
		var err error
		if f.Customer, err = a.who(ctx, in.Customer); err != nil {
			return out, err
		}
		if _, err = customers.ByID(ctx, a.DB, f.Customer); err != nil {
			return out, err
		}
	}
	all, next, err := orders.Subscriptions(ctx, a.DB, f, orders.Page{Sort: in.Sort, Limit: bounded(in.Limit, 20)})
	if err != nil {
		return out, err
	}
	out.More = next != ""
	out.Subscriptions, err = a.told(ctx, all)
	return out, err
}

// told are subscriptions as an assistant hears of them.
func (a asking) told(ctx context.Context, all []orders.Subscription) ([]subscriptionOut, error) {
	day, err := a.days(ctx)
	if err != nil {
		return nil, err
	}
	theirs := make([]id.Customer, len(all))
	for i, s := range all {
		theirs[i] = s.Customer
	}
	people, err := a.named(ctx, theirs)
	if err != nil {
		return nil, err
	}
	base, err := a.page(ctx, "")
	out := make([]subscriptionOut, len(all))
	for i, s := range all {
		out[i] = subscriptionOut{ID: s.ID.String(), Page: base + orders.SubscriptionHref(s.Customer, s.ID), Customer: people[i], Plan: s.Plan, Status: s.Status,
			Amount: a.amount(s.Amount, s.Currency), Every: s.Every, Unit: s.Unit, Monthly: a.amount(s.Monthly, s.Currency), Quantity: s.Quantity,
			Started: day(s.StartedAt), PaidTo: day(s.PeriodEnd), Ends: day(s.CancelAt), Ended: day(s.EndedAt), Reason: s.Reason}
	}
	return out, err
}

// days writes moments as days of the business; none: nothing.
func (a asking) days(ctx context.Context) (func(time.Time) string, error) {
	shop, err := workspace.Load(ctx, a.DB)
	return func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return shop.Day(t)
	}, err
}

type subscriptionIn struct {
	Customer     string `json:"customer" jsonschema:"the id of the customer: cus_…"`
	Subscription string `json:"subscription" jsonschema:"the id of the subscription, as subscriptions gives it"`
}

type oneSubscriptionOut struct {
	subscriptionOut
	History  []stateOut   `json:"history"`  // what it was from when on, the oldest first; the latest 50
	Renewals []renewalOut `json:"renewals"` // periods that were paid for, the newest first
}

type stateOut struct {
	Since   string `json:"since"`
	Plan    string `json:"plan"`
	Status  string `json:"status"`
	Monthly Amount `json:"a_month"`
	Ends    string `json:"ends_on,omitempty"`
}

type renewalOut struct {
	Number string `json:"number"`
	Day    string `json:"paid_day"`
	Amount Amount `json:"amount"`
}

func (a asking) subscription(ctx context.Context, in subscriptionIn) (oneSubscriptionOut, error) {
	out := oneSubscriptionOut{History: []stateOut{}, Renewals: []renewalOut{}}
	c, err := a.who(ctx, in.Customer)
	if err != nil {
		return out, err
	}
	sub, err := id.ParseSubscription(in.Subscription)
	if err != nil {
		return out, errs.Wrong("subscription", "mcp.wrong.subscription")
	}
	s, err := orders.SubscriptionByID(ctx, a.DB, c, sub)
	if err != nil {
		return out, err
	}
	told, err := a.told(ctx, []orders.Subscription{s})
	if err != nil {
		return out, err
	}
	out.subscriptionOut = told[0]
	day, err := a.days(ctx)
	if err != nil {
		return out, err
	}
	states, err := orders.StatesOf(ctx, a.DB, c, sub)
	if err != nil {
		return out, err
	}
	for _, v := range states[max(0, len(states)-most):] {
		out.History = append(out.History, stateOut{day(v.Since), v.Plan, v.Status, a.amount(v.Monthly, v.Currency), day(v.CancelAt)})
	}
	paid, err := orders.Renewals(ctx, a.DB, c, sub, most)
	for _, r := range paid {
		out.Renewals = append(out.Renewals, renewalOut{r.Number, day(r.PaidAt), a.amount(r.Amount, r.Currency)})
	}
	return out, err
}
