package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Renewal is a period of a subscription that was paid for.
type Renewal struct {
	Source   string // with External it names the subscription
	External string
	Number   string // of the invoice
	PaidAt   time.Time
	Until    time.Time // the end of the period; zero: not known
	Amount   int64     // minor units
	Currency money.Currency
	History  bool
}

// Renew notes that a period was paid for and records subscription.renewed,
// once for each number. It is no revenue: the payment is an order of its own.
// A subscription that nobody told of yet is errs.NotFound. It reports whether
// that is news.
func Renew(ctx context.Context, tx *store.Tx, r Renewal) (bool, error) {
	r.Number = text.Line(r.Number)
	switch c, err := money.ParseCurrency(string(r.Currency)); {
	case r.Number == "" || len(r.Number) > maxSubscriptionName:
		return false, errs.Wrong("number", "orders.wrong.renewal-number")
	case err != nil || c != r.Currency:
		return false, errs.Wrong("currency", "orders.wrong.rate-currency")
	case r.Amount < 0 || r.Amount > maxPeriodAmount:
		return false, errs.Wrong("amount", "orders.wrong.subscription-amount")
	case r.PaidAt.After(tx.Now.Add(time.Hour)) || r.PaidAt.Year() < 1970:
		return false, errs.Wrong("paid_at", "orders.wrong.subscription-at")
	}
	s, err := FindSubscription(ctx, tx, r.Source, r.External)
	if err != nil {
		return false, err
	}
	if s, err = holdSubscription(ctx, tx, s.Customer, s.ID); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `insert into subscription_renewals (customer_id, subscription_id, number, paid_at, until_at, amount_minor, currency, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (customer_id, subscription_id, number) do nothing`,
		int64(s.Customer), int64(s.ID), r.Number, r.PaidAt.UnixMicro(), nullTime(r.Until), r.Amount, string(r.Currency), null(int64(s.Origin)))
	if err != nil {
		return false, fmt.Errorf("renew the subscription %s: %w", s.ID, err)
	}
	if n == 0 {
		return false, nil
	}
	b, err := openBooks(ctx, tx)
	if err != nil {
		return false, err
	}
	states, err := StatesOf(ctx, tx, s.Customer, s.ID)
	if err != nil {
		return false, err
	}
	plan := s.Plan
	for _, was := range states { // as it was called then
		if !was.Since.After(r.PaidAt) {
			plan = was.Plan
		}
	}
	v := Renewed{Plan: plan, Number: r.Number, Currency: r.Currency, Amount: r.Amount}
	if !r.Until.IsZero() {
		v.Until = b.day(r.Until)
	}
	k := keeping{tx: tx, subscription: s, by: customers.By{Source: r.Source, History: r.History}}
	return true, timeline.Record(ctx, tx, k.event(timeline.Event{Kind: EventRenewed, OccurredAt: r.PaidAt, Payload: timeline.Payload(v)}))
}

// Leaving is how a subscription is to end.
type Leaving struct {
	At     time.Time // then; zero, or in the past: now
	Reason string    // of SubscriptionReasons
	Note   string
}

// EndSubscription writes down that a subscription ends, now or on a later day,
// and records subscription.cancelled or subscription.notice_given. One that is
// over is errs.Conflict. It ends nothing at whoever collects the money: what
// that tells later counts.
func EndSubscription(ctx context.Context, tx *store.Tx, c id.Customer, sub id.Subscription, l Leaving, by customers.By) error {
	s, err := holdSubscription(ctx, tx, c, sub)
	if err != nil {
		return err
	}
	switch {
	case s.Over():
		return errs.Clash("", "orders.wrong.subscription-over")
	case !slices.Contains(SubscriptionReasons, l.Reason):
		return errs.Wrong("reason", "orders.wrong.subscription-reason")
	case l.At.After(tx.Now.AddDate(10, 0, 0)):
		return errs.Wrong("at", "orders.wrong.subscription-ends")
	}
	n := SubscriptionNews{Source: s.Source, External: s.External, At: tx.Now, Terms: s.Terms, History: by.History, Actor: by.Actor}
	if !n.At.After(s.ToldAt) {
		n.At = s.ToldAt.Add(time.Microsecond)
	}
	n.Reason, n.Note = l.Reason, l.Note
	if l.At.After(tx.Now) {
		n.CancelAt = l.At
	} else {
		n.Status, n.EndedAt = Ended, n.At
	}
	_, err = Subscribe(ctx, tx, n)
	return err
}

// holdSubscription locks the customer of a subscription and reads it.
func holdSubscription(ctx context.Context, tx *store.Tx, c id.Customer, s id.Subscription) (Subscription, error) {
	if err := customers.Lock(ctx, tx, c); err != nil {
		return Subscription{}, err
	}
	return SubscriptionByID(ctx, tx, c, s)
}

const endJob = "orders.end"

// grace is how long the source of a subscription has to say itself that it
// ended on the day that notice was given for.
const grace = 24 * time.Hour

// endSlice is how many subscriptions one transaction ends.
const endSlice = 50

// EndDue ends the subscriptions of which notice was given for a time that is
// over for a day, as of that time. It can be repeated.
func EndDue(ctx context.Context, db *store.DB) error {
	for {
		n := 0
		err := db.Tx(ctx, func(tx *store.Tx) error {
			due, err := readSubscriptions(ctx, tx, `where cancel_at is not null and ended_at is null and cancel_at < $1 order by cancel_at, subscription_id limit $2`,
				tx.Now.Add(-grace).UnixMicro(), endSlice)
			if err != nil {
				return err
			}
			n = len(due)
			var theirs []id.Customer
			for _, s := range due {
				theirs = append(theirs, s.Customer)
			}
			if err := customers.Lock(ctx, tx, theirs...); err != nil {
				return err
			}
			for _, s := range due {
				// Until it was locked its source may have told more of it.
				s, err := SubscriptionByID(ctx, tx, s.Customer, s.ID)
				if errs.Is(err, errs.NotFound) {
					continue // merged: it is found where it is now
				}
				if err != nil {
					return err
				}
				if s.Over() || s.CancelAt.IsZero() || !s.CancelAt.Before(tx.Now.Add(-grace)) {
					continue
				}
				at := s.CancelAt
				if !at.After(s.ToldAt) {
					at = s.ToldAt.Add(time.Microsecond)
				}
				news := SubscriptionNews{Source: s.Source, External: s.External, At: at, Terms: s.Terms}
				news.Status, news.EndedAt = Ended, s.CancelAt
				if _, err := Subscribe(ctx, tx, news); err != nil {
					return fmt.Errorf("end the subscription %s: %w", s.ID, err)
				}
			}
			return nil
		})
		if err != nil || n < endSlice {
			return err
		}
	}
}

// nightly is when EndDue runs next.
func nightly(after time.Time) time.Time {
	return after.Truncate(24 * time.Hour).Add(24*time.Hour + 20*time.Minute)
}

func endSubscriptions(db *store.DB) jobs.Kind {
	return jobs.Kind{Name: endJob, Next: nightly, Do: func(ctx context.Context, _ *jobs.Job) error { return EndDue(ctx, db) }}
}
