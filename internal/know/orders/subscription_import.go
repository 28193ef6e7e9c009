package orders

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Subscribers says of how many subscriptions accounts were the first, said
// something else, or said nothing new.
type Subscribers struct{ New, Changed, Same int }

// CheckSubscription says why Subscribe would refuse what is told, at a time;
// nil: it would not. Whose the subscription is is not looked at.
func CheckSubscription(n SubscriptionNews, now time.Time) error { return n.tidy(now) }

// SubscribeMany is Subscribe for many accounts, each of a subscription of its
// own, and counts what they did. It locks the customers in one order.
func SubscribeMany(ctx context.Context, tx *store.Tx, news []SubscriptionNews) (done Subscribers, err error) {
	var owners []id.Customer
	for _, n := range news {
		owners = append(owners, n.Customer)
	}
	if err := customers.Lock(ctx, tx, owners...); err != nil {
		return done, err
	}
	for _, n := range news {
		_, did, err := take(ctx, tx, n)
		if err != nil {
			return done, err
		}
		switch did {
		case madeNew:
			done.New++
		case different:
			done.Changed++
		default:
			done.Same++
		}
	}
	return done, nil
}

// SubscriptionAt returns the terms of a subscription as they were told last up
// to a time, or first behind it; false: nobody has told of it.
func SubscriptionAt(ctx context.Context, q store.Querier, source, external string, at time.Time) (Terms, bool, error) {
	key, found, err := findSubscription(ctx, q, source, external)
	if err != nil || !found {
		return Terms{}, false, err
	}
	states, err := readStates(ctx, q, key.customer, key.subscription)
	if err != nil || len(states) == 0 {
		return Terms{}, false, err
	}
	told := toldStates(states)
	last := told[0]
	for _, s := range told {
		if !s.ToldAt.After(at) {
			last = s
		}
	}
	return last.Terms, true, nil
}

// undoSubscriptions takes back what an import told of at most limit
// subscriptions and returns whose they are. One of which nobody else has told
// goes whole, with its renewals; any other is what the others make of it.
func undoSubscriptions(ctx context.Context, tx *store.Tx, i id.Import, limit int) ([]id.Customer, error) {
	found, err := store.All(ctx, tx, scanKey, `select customer_id, subscription_id from subscription_states where import_id = $1
		group by customer_id, subscription_id order by customer_id, subscription_id limit $2`, int64(i), limit)
	if err != nil {
		return nil, fmt.Errorf("find the subscriptions of import %s: %w", i, err)
	}
	var owners []id.Customer
	for _, key := range found {
		owners = append(owners, key.customer)
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	if err := customers.Lock(ctx, tx, owners...); err != nil {
		return nil, err
	}
	for _, key := range found {
		if err := undoSubscription(ctx, tx, i, key); err != nil {
			return nil, fmt.Errorf("undo import %s in subscription %s: %w", i, key.subscription, err)
		}
	}
	return owners, nil
}

func scanKey(rows *sql.Rows) (key subscriptionKey, err error) {
	err = rows.Scan(&key.customer, &key.subscription)
	return key, err
}

func undoSubscription(ctx context.Context, tx *store.Tx, i id.Import, key subscriptionKey) error {
	s, err := SubscriptionByID(ctx, tx, key.customer, key.subscription)
	if errs.Is(err, errs.NotFound) {
		return nil // it was merged away meanwhile, and is found again where it is
	}
	if err != nil {
		return err
	}
	states, err := readStates(ctx, tx, s.Customer, s.ID)
	if err != nil {
		return err
	}
	told := slices.DeleteFunc(toldStates(states), func(s State) bool { return s.Import == i })
	if len(told) > 0 {
		k := keeping{tx: tx, subscription: s, by: customers.By{Source: s.Source, History: true}}
		if err := k.keep(ctx, states, derive(told)); err != nil {
			return err
		}
		return timeline.Adopt(ctx, tx, s.Customer, int64(s.ID), i)
	}
	for _, table := range []string{"subscription_renewals", "subscription_states", "subscriptions"} {
		if _, err := tx.Exec(ctx, `delete from `+table+` where customer_id = $1 and subscription_id = $2`, int64(s.Customer), int64(s.ID)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `delete from subscription_keys where external = $1 and source = $2`, s.External, s.Source); err != nil {
		return err
	}
	return timeline.Forget(ctx, tx, s.Customer, int64(s.ID), 0)
}
