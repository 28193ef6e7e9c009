package orders

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// The statuses of a subscription. Who is behind with a payment still has a
// contract; who tries, or pauses, pays nothing.
const (
	Trialing = "trialing"
	Active   = "active"
	PastDue  = "past_due"
	Paused   = "paused"
	Ended    = "cancelled"
)

// Statuses are all of them, in the order in which they usually follow.
var Statuses = []string{Trialing, Active, PastDue, Paused, Ended}

// Units are what a period of a subscription is counted in.
var Units = []string{"day", "week", "month", "year"}

// Terms are what a subscription is at one time. Times that are not known are
// zero.
type Terms struct {
	Plan      string         `json:"plan"`
	Status    string         `json:"status"` // of Statuses
	Amount    int64          `json:"amount"` // minor units each period, for all of the quantity
	Currency  money.Currency `json:"currency"`
	Unit      string         `json:"unit"` // of Units; a period is Every of them
	Every     int64          `json:"every"`
	Quantity  int64          `json:"quantity"`
	StartedAt time.Time      `json:"started_at"`
	TrialEnd  time.Time      `json:"trial_end"`  // the first payment is due then
	PeriodEnd time.Time      `json:"period_end"` // what was paid is good until then
	CancelAt  time.Time      `json:"cancel_at"`  // notice was given: it ends then
	EndedAt   time.Time      `json:"ended_at"`   // of a cancelled one
	Reason    string         `json:"reason"`     // of SubscriptionReasons, or empty
	Note      string         `json:"note"`       // why, in somebody's own words
}

// SubscriptionNews is a subscription as its source tells of it as of a time.
type SubscriptionNews struct {
	Customer id.Customer // of one that is there already, not looked at
	Source   string      // with External it names the subscription
	External string
	At       time.Time // as of when; zero: now
	Terms
	History bool // starts no play and no message
	Actor   id.User
	Import  id.Import // that brings it; 0: none
}

// Subscription is what a customer pays under contract, as it stands.
type Subscription struct {
	ID       id.Subscription
	Customer id.Customer
	Source   string
	External string
	Terms
	Monthly    int64 // minor units a month; 0 while nothing is paid
	ToldAt     time.Time
	RecordedAt time.Time
	Origin     id.Customer
}

// pays reports whether money is due in the status.
func pays(status string) bool { return status == Active || status == PastDue }

// PerMonth is what the terms come to a month, in minor units: a year is twelve
// months, and a month 30.436875 days. While nothing is due it is 0.
func (t Terms) PerMonth() int64 {
	if !pays(t.Status) || t.Every <= 0 {
		return 0
	}
	switch t.Unit {
	case "month":
		return ratio(t.Amount, 1, t.Every)
	case "year":
		return ratio(t.Amount, 1, 12*t.Every)
	case "week":
		return ratio(t.Amount, 30_436_875, 7_000_000*t.Every)
	}
	return ratio(t.Amount, 30_436_875, 1_000_000*t.Every)
}

// Over reports whether it has ended.
func (s Subscription) Over() bool { return s.Status == Ended }

// Price is what is paid each period.
func (t Terms) Price() money.Amount { return money.Amount{Minor: t.Amount, Currency: t.Currency} }

// Href is the address of its page.
func (s Subscription) Href() string { return SubscriptionHref(s.Customer, s.ID) }

// SubscriptionHref is the address of a customer's subscription.
func SubscriptionHref(c id.Customer, s id.Subscription) string {
	return "/customers/" + c.String() + "/subscriptions/" + s.String()
}

// Subscribe writes what a source tells of a subscription, as of a time, with
// the events that follow from it, and returns its id. What is told again
// changes nothing; of two accounts of one time one counts, always the same;
// and whatever order accounts come in, the subscription, its history and its
// events end the same. A subscription that is told of for the first time is
// taken to have been so since it started.
//
// It stays with the customer who has it, whomever a later account names.
func Subscribe(ctx context.Context, tx *store.Tx, n SubscriptionNews) (id.Subscription, error) {
	s, _, err := take(ctx, tx, n)
	return s, err
}

// outcome is what an account did to a subscription.
type outcome int

const (
	asItWas outcome = iota
	madeNew
	different
)

// take takes an account over and says what it did.
func take(ctx context.Context, tx *store.Tx, n SubscriptionNews) (id.Subscription, outcome, error) {
	undated, endless := n.At.IsZero(), n.EndedAt.IsZero()
	if err := n.tidy(tx.Now); err != nil {
		return 0, 0, err
	}
	s, err := claimSubscription(ctx, tx, &n)
	if err != nil {
		return 0, 0, err
	}
	states, err := readStates(ctx, tx, s.Customer, s.ID)
	if err != nil {
		return 0, 0, err
	}
	if undated && len(states) > 0 {
		newest := states[len(states)-1]
		if n.StartedAt.IsZero() {
			n.StartedAt = newest.StartedAt
		}
		if endless && n.Status == Ended && newest.Status == Ended {
			n.EndedAt = newest.EndedAt // it did not end once more
		}
		if newest.Terms == n.Terms {
			return s.ID, asItWas, nil // nothing is new since it was told last
		}
		if !n.At.After(newest.ToldAt) {
			n.At = newest.ToldAt.Add(time.Microsecond)
		}
	}
	told := toldStates(states)
	i, found := slices.BinarySearchFunc(told, n.At, func(s State, at time.Time) int { return s.ToldAt.Compare(at) })
	switch {
	case !found:
		told = slices.Insert(told, i, State{ToldAt: n.At, Import: n.Import, Terms: n.Terms})
	case told[i].text() >= n.Terms.text():
		return s.ID, asItWas, nil
	default:
		told[i].Terms, told[i].Import = n.Terms, n.Import
	}
	k := keeping{tx: tx, subscription: s, by: customers.By{Actor: n.Actor, Source: n.Source, Import: n.Import, History: n.History}}
	did := different
	switch {
	case len(states) == 0:
		did = madeNew
	case i > 0 && told[i-1].Terms == n.Terms:
		did = asItWas // said once more
	}
	return s.ID, did, k.keep(ctx, states, derive(told))
}

// limits of what is told.
const (
	maxSubscriptionName = 200
	maxPeriodAmount     = int64(1e14)
	maxEvery            = 1000
	maxQuantity         = int64(1e9)
)

// tidy cleans what is told and refuses what cannot be.
func (n *SubscriptionNews) tidy(now time.Time) error {
	n.Source, n.External = text.Line(n.Source), text.Line(n.External)
	n.Plan, n.Note = text.Short(text.Line(n.Plan), maxSubscriptionName), text.Short(text.Clean(n.Note), 2000)
	if n.At.IsZero() {
		n.At = now
	}
	for _, t := range []*time.Time{&n.At, &n.StartedAt, &n.TrialEnd, &n.PeriodEnd, &n.CancelAt, &n.EndedAt} {
		*t = t.UTC().Truncate(time.Microsecond)
	}
	if n.Quantity == 0 {
		n.Quantity = 1
	}
	switch c, err := money.ParseCurrency(string(n.Currency)); {
	case n.Source == "" || len(n.Source) > maxText:
		return errs.Wrong("source", "orders.wrong.subscription-source")
	case n.External == "" || len(n.External) > maxSubscriptionName:
		return errs.Wrong("external", "orders.wrong.subscription-external")
	case !slices.Contains(Statuses, n.Status):
		return errs.Wrong("status", "orders.wrong.subscription-status")
	case err != nil || c != n.Currency:
		return errs.Wrong("currency", "orders.wrong.rate-currency")
	case !slices.Contains(Units, n.Unit) || n.Every < 1 || n.Every > maxEvery:
		return errs.Wrong("interval", "orders.wrong.subscription-interval", "Max", maxEvery)
	case n.Amount < 0 || n.Amount > maxPeriodAmount:
		return errs.Wrong("amount", "orders.wrong.subscription-amount")
	case n.Quantity < 0 || n.Quantity > maxQuantity:
		return errs.Wrong("quantity", "orders.wrong.subscription-quantity")
	case n.At.After(now.Add(time.Hour)) || n.At.Year() < 1970:
		return errs.Wrong("at", "orders.wrong.subscription-at")
	case n.StartedAt.After(n.At) || !n.StartedAt.IsZero() && n.StartedAt.Year() < 1970:
		return errs.Wrong("started_at", "orders.wrong.subscription-start")
	}
	if n.Reason != "" && !slices.Contains(SubscriptionReasons, n.Reason) {
		n.Reason = "other"
	}
	if n.Status != Ended {
		n.EndedAt = time.Time{}
	} else if n.EndedAt.IsZero() || n.EndedAt.After(n.At) {
		n.EndedAt = n.At
	}
	if n.Status == Ended {
		n.EndedAt = later(n.EndedAt, n.StartedAt)
		n.CancelAt = time.Time{} // it is over, whatever notice was given
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// claimSubscription finds the subscription that the news is of, or claims its
// name, and holds its customer.
func claimSubscription(ctx context.Context, tx *store.Tx, n *SubscriptionNews) (Subscription, error) {
	s := Subscription{Source: n.Source, External: n.External}
	for range 3 { // it may be claimed or merged away between a look and a lock
		key, known, err := findSubscription(ctx, tx, n.Source, n.External)
		if err != nil {
			return s, err
		}
		if !known {
			if key, err = newSubscription(ctx, tx, n); err != nil {
				return s, err
			}
		} else if err := customers.Lock(ctx, tx, key.customer); err != nil {
			return s, err
		}
		held, still, err := findSubscription(ctx, tx, n.Source, n.External)
		if err != nil {
			return s, err
		}
		if !still || held != key {
			continue
		}
		s.ID, s.Customer = key.subscription, key.customer
		who, err := customers.ByID(ctx, tx, s.Customer)
		if err != nil {
			return s, err
		}
		if !who.ErasedAt.IsZero() {
			n.Note = ""
		}
		var origin sql.NullInt64
		err = tx.QueryRow(ctx, `select origin_customer_id from subscriptions where customer_id = $1 and subscription_id = $2`,
			int64(s.Customer), int64(s.ID)).Scan(&origin)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return s, fmt.Errorf("read the subscription %s: %w", s.ID, err)
		}
		s.Origin = id.Customer(origin.Int64)
		return s, nil
	}
	return s, errs.Clash("", "orders.wrong.subscription-meanwhile")
}

// subscriptionKey is where a subscription lies.
type subscriptionKey struct {
	subscription id.Subscription
	customer     id.Customer
}

// newSubscription claims a name for the customer of the news.
func newSubscription(ctx context.Context, tx *store.Tx, n *SubscriptionNews) (subscriptionKey, error) {
	var key subscriptionKey
	if n.Customer == 0 {
		return key, errs.Wrong("customer", "orders.wrong.subscription-customer")
	}
	if err := customers.Lock(ctx, tx, n.Customer); err != nil {
		return key, err
	}
	c, err := customers.Resolve(ctx, tx, n.Customer)
	if err != nil {
		return key, err
	}
	if c != n.Customer {
		if err := customers.Lock(ctx, tx, c); err != nil {
			return key, err
		}
	}
	key = subscriptionKey{id.Subscription(tx.NewID()), c}
	_, err = tx.Exec(ctx, `insert into subscription_keys (external, source, subscription_id, customer_id, origin_customer_id)
		values ($1, $2, $3, $4, null) on conflict (external, source) do nothing`, n.External, n.Source, int64(key.subscription), int64(c))
	if err != nil {
		return key, fmt.Errorf("claim the subscription %s of %s: %w", n.External, n.Source, err)
	}
	return key, nil
}

// findSubscription reads where a named subscription lies.
func findSubscription(ctx context.Context, q store.Querier, source, external string) (key subscriptionKey, found bool, err error) {
	err = q.QueryRow(ctx, `select subscription_id, customer_id from subscription_keys where external = $1 and source = $2`, external, source).
		Scan(&key.subscription, &key.customer)
	if errors.Is(err, sql.ErrNoRows) {
		return key, false, nil
	}
	if err != nil {
		return key, false, fmt.Errorf("find the subscription %s of %s: %w", external, source, err)
	}
	return key, true, nil
}

// FindSubscription returns the subscription that a source's id names, or
// errs.NotFound.
func FindSubscription(ctx context.Context, q store.Querier, source, external string) (Subscription, error) {
	key, found, err := findSubscription(ctx, q, text.Line(source), text.Line(external))
	if err != nil {
		return Subscription{}, err
	}
	if !found {
		return Subscription{}, errs.Missing("orders.wrong.subscription-gone")
	}
	return SubscriptionByID(ctx, q, key.customer, key.subscription)
}

// SubscriptionReasons are the words for why a contract ended or was given
// notice of. What somebody said in their own words is the note beside it.
var SubscriptionReasons = []string{
	"too_expensive", "unused", "missing_features", "switched", "too_complex", "quality", "service", "payment", "disputed", "other",
}
