package orders

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// An order is named by its number, which people read, and by the ids that its
// shop gives it, which nobody does. One of them is enough to find it: the same
// order out of a file that has only numbers, out of one with ids, and from the
// shop itself is one order.

// maxKeys is how many ids an order may have.
const maxKeys = 10

// asKey is how an id stands among the numbers.
func asKey(key string) string { return "id:" + key }

// checkKeys cleans the ids of a sale.
func (s *Sale) checkKeys() error {
	var keys []string
	for _, k := range s.Keys {
		k = text.Line(k)
		if len(k) > maxText {
			return errs.Wrong("number", "orders.wrong.key-long", "Number", s.Number, "Max", maxText)
		}
		if k != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) > maxKeys {
		return errs.Wrong("number", "orders.wrong.many-keys", "Number", s.Number, "Max", maxKeys)
	}
	s.Keys = keys
	return nil
}

// names are all that leads to the entry's order in its source.
func (s *Sale) names() []orderKey {
	names := make([]orderKey, 0, 1+len(s.Keys))
	for _, k := range s.Keys {
		names = append(names, orderKey{asKey(k), s.Source})
	}
	return append(names, orderKey{s.Number, s.Source})
}

// meet finds the orders that are there by the ids of the sales.
func (p *placing) meet(ctx context.Context) error {
	bySource := map[string][]string{}
	for _, e := range p.entries {
		for _, k := range e.sale.Keys {
			bySource[e.sale.Source] = append(bySource[e.sale.Source], asKey(k))
		}
	}
	for source, keys := range bySource {
		held, err := findKeys(ctx, p.tx, source, keys)
		if err != nil {
			return err
		}
		for _, e := range p.entries {
			if e.sale.Source != source {
				continue
			}
			for _, k := range e.sale.Keys {
				if at, ok := held[asKey(k)]; ok {
					e.known, e.met = true, true
					e.order.ID, e.order.Customer = at.order, at.customer
					break
				}
			}
		}
	}
	return nil
}

// part tells orders apart that have one number and different ids, as two shops
// that count from 1001: the later gets its id behind the number.
func (p *placing) part(ctx context.Context) error {
	var again []*entry
	fresh := map[id.Order]*entry{}
	for _, e := range p.entries {
		if !e.known && len(e.sale.Keys) > 0 {
			fresh[e.order.ID] = e
		}
	}
	for _, e := range p.entries {
		if len(e.sale.Keys) == 0 || !e.known || e.met {
			continue
		}
		others, err := alsoOf(ctx, p.tx, e.order.ID)
		if err != nil {
			return err
		}
		if len(others) > 0 || fresh[e.order.ID] != nil {
			e.sale.Number = text.Short(e.sale.Number, 80) + " · " + text.Short(e.sale.Keys[0], 80)
			e.order, e.known = Order{ID: id.Order(p.tx.NewID())}, false
			again = append(again, e)
		}
	}
	if len(again) == 0 {
		return nil
	}
	return p.claimNumbers(ctx, again)
}

// alsoOf returns the ids of an order, as they stand among the numbers.
func alsoOf(ctx context.Context, q store.Querier, o id.Order) ([]string, error) {
	return store.All(ctx, q, store.Scalar[string], `select number from order_keys where order_id = $1 and also order by number`, int64(o))
}

// addKeys writes the ids that are not there yet.
func (p *placing) addKeys(ctx context.Context) error {
	rows := p.tx.Bulk(ctx, "order_keys", "number, source, order_id, customer_id, also", "on conflict (number, source) do nothing")
	type row struct {
		key string
		e   *entry
	}
	var all []row
	for _, e := range p.entries {
		for _, k := range e.sale.Keys {
			all = append(all, row{asKey(k), e})
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		if d := strings.Compare(a.e.sale.Source, b.e.sale.Source); d != 0 {
			return d
		}
		return strings.Compare(a.key, b.key)
	})
	for i, r := range all {
		if i > 0 && all[i-1].key == r.key && all[i-1].e.sale.Source == r.e.sale.Source {
			continue
		}
		c := r.e.order.Customer
		if !r.e.known {
			c = r.e.sale.Customer
		}
		if err := rows.Add(r.key, r.e.sale.Source, int64(r.e.order.ID), null(int64(c)), true); err != nil {
			return fmt.Errorf("claim the id of an order: %w", err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("claim %d ids of orders: %w", len(all), err)
	}
	return nil
}

// dropKeys forgets all names of an order.
func dropKeys(ctx context.Context, tx *store.Tx, o *Order) error {
	if _, err := tx.Exec(ctx, `delete from order_keys where number = $1 and source = $2`, o.Number, o.Source); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `delete from order_keys where order_id = $1 and also`, int64(o.ID))
	return err
}

// leadKeys makes all names of an order lead to a customer, or with 0 to a
// walk-in.
func leadKeys(ctx context.Context, tx *store.Tx, o *Order, c id.Customer) error {
	if _, err := tx.Exec(ctx, `update order_keys set customer_id = $1 where number = $2 and source = $3`, null(int64(c)), o.Number, o.Source); err != nil {
		return fmt.Errorf("lead the number of order %s to its customer: %w", o.ID, err)
	}
	if _, err := tx.Exec(ctx, `update order_keys set customer_id = $1 where order_id = $2 and also`, null(int64(c)), int64(o.ID)); err != nil {
		return fmt.Errorf("lead the ids of order %s to its customer: %w", o.ID, err)
	}
	return nil
}

// Find returns the order that a number or one of a shop's ids names in a
// source; false: there is none.
func Find(ctx context.Context, q store.Querier, source, number string, keys ...string) (Order, bool, error) {
	s := Sale{Source: source, Number: number, Keys: keys}
	for _, name := range s.names() {
		if name.number == "" {
			continue
		}
		held, err := findKeys(ctx, q, source, []string{name.number})
		if err != nil {
			return Order{}, false, err
		}
		if at, ok := held[name.number]; ok {
			o, err := ByID(ctx, q, at.customer, at.order)
			return o, err == nil, err
		}
	}
	return Order{}, false, nil
}

// adopt makes an order that an import brought one that its shop told of: it
// does not go with the import any more.
func adopt(ctx context.Context, tx *store.Tx, o *Order) error {
	where, key := o.key(1)
	for _, set := range []string{
		`update ` + o.prefix() + `orders set import_id = null where `,
		`update ` + o.prefix() + `order_lines set import_id = null where import_id is not null and `,
		`delete from ` + o.prefix() + `order_changes where `,
	} {
		if _, err := tx.Exec(ctx, set+where, key...); err != nil {
			return fmt.Errorf("take the order %s out of its import: %w", o.ID, err)
		}
	}
	o.Import = 0
	if o.Customer == 0 {
		return nil
	}
	return timeline.Adopt(ctx, tx, o.Customer, int64(o.ID), 0)
}

// imported reports whether anything of the order came with an import.
func imported(ctx context.Context, q store.Querier, o *Order) (bool, error) {
	if o.Import != 0 {
		return true, nil
	}
	where, key := o.key(1)
	var n sql.NullInt64
	err := q.QueryRow(ctx, `select count(*) from `+o.prefix()+`order_changes where `+where, key...).Scan(&n)
	return n.Int64 > 0, err
}
