package orders

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Running stands in a filter for every status but cancelled.
const Running = "running"

// SubscriptionFilter says which subscriptions are wanted. The zero value: all.
type SubscriptionFilter struct {
	Search   string      // the beginning of the plan's name or of the source's id
	Status   string      // of Statuses, or Running
	Notice   bool        // of which notice was given
	Source   string      //
	Customer id.Customer // only this one's, 0: everybody's
}

// subscriptionSorts are the columns a list can be sorted by.
var subscriptionSorts = map[string]string{"started": "started_at", "monthly": "monthly_minor"}

const subscriptionColumns = `customer_id, subscription_id, source, external, monthly_minor, told_at, recorded_at, origin_customer_id, ` + stateTerms

func readSubscriptions(ctx context.Context, q store.Querier, where string, args ...any) ([]Subscription, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (s Subscription, err error) {
		var told, recorded int64
		var origin sql.NullInt64
		t := termScan{}
		err = rows.Scan(append([]any{&s.Customer, &s.ID, &s.Source, &s.External, &s.Monthly, &told, &recorded, &origin}, t.into(&s.Terms)...)...)
		t.set(&s.Terms)
		s.ToldAt, s.RecordedAt, s.Origin = micros(told), micros(recorded), id.Customer(origin.Int64)
		return s, err
	}, `select `+subscriptionColumns+` from subscriptions `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return all, nil
}

// SubscriptionByID returns a customer's subscription, or errs.NotFound.
func SubscriptionByID(ctx context.Context, q store.Querier, c id.Customer, s id.Subscription) (Subscription, error) {
	all, err := readSubscriptions(ctx, q, `where customer_id = $1 and subscription_id = $2`, int64(c), int64(s))
	if err != nil {
		return Subscription{}, err
	}
	if len(all) == 0 {
		return Subscription{}, errs.Missing("orders.wrong.subscription-gone")
	}
	return all[0], nil
}

// SubscriptionsOf returns the newest subscriptions of a customer, those that
// run first.
func SubscriptionsOf(ctx context.Context, q store.Querier, c id.Customer, limit int) ([]Subscription, error) {
	return readSubscriptions(ctx, q, `where customer_id = $1
		order by case when ended_at is null then 0 else 1 end, started_at desc, subscription_id desc limit $2`, int64(c), limit)
}

// Subscriptions returns a part of those that match, and the cursor of what
// follows; empty: nothing does.
func Subscriptions(ctx context.Context, q store.Querier, f SubscriptionFilter, p Page) ([]Subscription, string, error) {
	column, ok := subscriptionSorts[p.Sort]
	if !ok {
		column = subscriptionSorts["started"]
	}
	tail, args, err := p.of(f.conditions(), column, "subscription_id")
	if err != nil {
		return nil, "", err
	}
	all, err := readSubscriptions(ctx, q, tail, args...)
	if err != nil {
		return nil, "", err
	}
	all, next := cut(p, all, func(s Subscription) (int64, int64) {
		if column == "monthly_minor" {
			return s.Monthly, int64(s.ID)
		}
		return s.StartedAt.UnixMicro(), int64(s.ID)
	})
	return all, next, nil
}

func (f SubscriptionFilter) conditions() (c conditions) {
	if f.Customer != 0 {
		c.add("customer_id = ?", int64(f.Customer))
	}
	switch {
	case f.Status == Running:
		c.add("ended_at is null")
	case f.Status != "":
		c.add("status = ?", f.Status)
	}
	if f.Notice {
		c.add("cancel_at is not null and ended_at is null")
	}
	if f.Source != "" {
		c.add("source = ?", f.Source)
	}
	if s := text.Short(text.Line(f.Search), maxSubscriptionName); s != "" {
		c.add("(lower(plan) like ? escape '!' or external = ?)", escaped(strings.ToLower(s))+"%", s)
	}
	return c
}

// CountSubscriptions returns how many match, counting up to a limit.
func CountSubscriptions(ctx context.Context, q store.Querier, f SubscriptionFilter, limit int) (int, error) {
	return f.conditions().count(ctx, q, "subscriptions", limit)
}

// AllSubscriptions goes through every one that matches.
func AllSubscriptions(ctx context.Context, q store.Querier, f SubscriptionFilter, p Page) iter.Seq2[Subscription, error] {
	return parts(p, func(p Page) ([]Subscription, string, error) { return Subscriptions(ctx, q, f, p) })
}

// SubscriptionSources returns who tells of subscriptions, by name.
func SubscriptionSources(ctx context.Context, q store.Querier) ([]string, error) {
	all, err := store.All(ctx, q, store.Scalar[string], `select source from subscriptions group by source`)
	slices.Sort(all)
	return all, err
}

// Renewals returns the newest periods of a subscription that were paid for.
func Renewals(ctx context.Context, q store.Querier, c id.Customer, s id.Subscription, limit int) ([]Renewal, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (r Renewal, err error) {
		var paid int64
		var until sql.NullInt64
		err = rows.Scan(&r.Number, &paid, &until, &r.Amount, &r.Currency)
		r.PaidAt, r.Until = micros(paid), nullMicros(until)
		return r, err
	}, `select number, paid_at, until_at, amount_minor, currency from subscription_renewals
		where customer_id = $1 and subscription_id = $2 order by paid_at desc, number limit $3`, int64(c), int64(s), limit)
	if err != nil {
		return nil, fmt.Errorf("read the renewals of the subscription %s: %w", s, err)
	}
	return all, nil
}
