package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Bounce is an email address from which post came back for good: nothing is
// sent to it until somebody says that it works again.
type Bounce struct {
	Customer id.Customer
	Address  string // an email, in any form
	At       time.Time
	Reason   string // what is known of why; may be empty
	Source   string // who told; empty: as the writer's
}

// BounceMany marks addresses as dead and returns how many were not yet; it
// records customer.unreachable of them. What is no email is left out.
func BounceMany(ctx context.Context, tx *store.Tx, by By, all []Bounce) (written int, err error) {
	told := map[id.Customer][]Bounce{}
	for _, b := range all {
		n, err := Normalise(Identity{Email, b.Address}, "")
		if err != nil {
			continue
		}
		b.Address = n.Value
		told[b.Customer] = append(told[b.Customer], b)
	}
	who, err := living(ctx, tx, told)
	if err != nil || len(who) == 0 {
		return 0, err
	}
	had, err := bouncesOf(ctx, tx, who)
	if err != nil {
		return 0, err
	}
	rows := tx.Bulk(ctx, "customer_bounces", "customer_id, address, bounced_at, reason, source, created_at, import_id, origin_customer_id", "on conflict do nothing")
	var events []timeline.Event
	for _, c := range who {
		for _, b := range told[c] {
			if slices.ContainsFunc(had[c], func(h Bounce) bool { return h.Address == b.Address }) {
				continue
			}
			had[c] = append(had[c], b)
			if b.At.IsZero() || b.At.After(tx.Now) {
				b.At = tx.Now
			}
			if b.Source == "" {
				b.Source = by.Source
			}
			if err := rows.Add(int64(c), b.Address, b.At.UnixMicro(), text.Short(text.Line(b.Reason), maxName), b.Source,
				tx.Now.UnixMicro(), null(int64(by.Import)), nil); err != nil {
				return 0, err
			}
			e := by.event(c, kindUnreachable, Decided{Channel: Email})
			e.OccurredAt = b.At.UTC().Truncate(time.Microsecond)
			events = append(events, e)
		}
	}
	if err := errors.Join(rows.Close()); err != nil {
		return 0, fmt.Errorf("mark %d addresses as dead: %w", len(events), err)
	}
	return len(events), timeline.Record(ctx, tx, events...)
}

// Bounces returns the dead addresses of a customer, in order.
func Bounces(ctx context.Context, q store.Querier, c id.Customer) ([]Bounce, error) {
	all, err := bouncesOf(ctx, q, []id.Customer{c})
	return all[c], err
}

func bouncesOf(ctx context.Context, q store.Querier, who []id.Customer) (map[id.Customer][]Bounce, error) {
	found := map[id.Customer][]Bounce{}
	for part := range slices.Chunk(who, 200) {
		in, args := origins(part, 1)
		all, err := store.All(ctx, q, func(rows *sql.Rows) (b Bounce, err error) {
			var at int64
			err = rows.Scan(&b.Customer, &b.Address, &at, &b.Reason, &b.Source)
			b.At = moment(at)
			return b, err
		}, `select customer_id, address, bounced_at, reason, source from customer_bounces where customer_id in (`+in+`)
			order by customer_id, address`, args...)
		if err != nil {
			return nil, fmt.Errorf("read dead addresses: %w", err)
		}
		for _, b := range all {
			found[b.Customer] = append(found[b.Customer], b)
		}
	}
	return found, nil
}

// Reachable reports whether nothing speaks against sending to an address of a
// customer: what sending asks beside Allows.
func Reachable(ctx context.Context, q store.Querier, c id.Customer, email string) (bool, error) {
	n, err := Normalise(Identity{Email, email}, "")
	if err != nil {
		return false, nil
	}
	var dead int
	err = q.QueryRow(ctx, `select count(*) from customer_bounces where customer_id = $1 and address = $2`, int64(c), n.Value).Scan(&dead)
	return dead == 0, err
}

// Revive says that a dead address works again, and records
// customer.reachable. One that was not dead is errs.NotFound.
func Revive(ctx context.Context, tx *store.Tx, c id.Customer, by By, email string) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := Normalise(Identity{Email, email}, "")
	if err != nil {
		return err
	}
	gone, err := tx.Exec(ctx, `delete from customer_bounces where customer_id = $1 and address = $2`, int64(c), n.Value)
	if err != nil {
		return fmt.Errorf("revive an address of %s: %w", c, err)
	}
	if gone == 0 {
		return errs.Missing("customers.error.address-lives")
	}
	return timeline.Record(ctx, tx, by.event(c, kindReachable, Decided{Channel: Email}))
}
