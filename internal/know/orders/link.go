package orders

import (
	"context"
	"fmt"
	"slices"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// trace finds the orders that new returns are of.
func (p *placing) trace(ctx context.Context) error {
	bySource := map[string][]string{}
	for _, e := range p.entries {
		if !e.known && e.sale.Return && e.sale.ReturnsNumber != "" {
			bySource[e.sale.Source] = append(bySource[e.sale.Source], e.sale.ReturnsNumber)
		}
	}
	for source, numbers := range bySource {
		held, err := findKeys(ctx, p.tx, source, numbers)
		if err != nil {
			return err
		}
		for _, e := range p.entries {
			of, ok := held[e.sale.ReturnsNumber]
			if ok && !e.known && e.sale.Return && e.sale.Source == source && of.customer == e.sale.Customer && of.order != e.order.ID {
				e.of = of.order
			}
		}
	}
	return p.refuse(ctx)
}

// rateOf is the rate a new order or return is counted at: a return's is that
// of its order.
func (p *placing) rateOf(ctx context.Context, e *entry, day string) (money.Rate, error) {
	if e.of != 0 && e.sale.Currency != p.books.base {
		if of := p.byKey[orderKey{e.sale.ReturnsNumber, e.sale.Source}]; of != nil && !of.known {
			day = p.books.day(of.sale.At)
		} else if of, err := ByID(ctx, p.tx, e.sale.Customer, e.of); err != nil {
			return 0, err
		} else if of.Currency == e.sale.Currency {
			return of.Rate, nil
		}
	}
	return p.books.rate(ctx, p.tx, e.sale.Currency, day)
}

// link adds up what the orders of new returns refunded, and ties returns that
// were there before their order was.
func (p *placing) link(ctx context.Context) error {
	counted := map[id.Order]bool{}
	for _, e := range p.entries {
		if e.of != 0 && !counted[e.of] {
			counted[e.of] = true
			if err := countRefunds(ctx, p.tx, e.sale.Customer, e.of); err != nil {
				return err
			}
		}
	}
	return p.linkWaiting(ctx)
}

// linkOne ties a return that waited to its order, if that is the same
// customer's.
func (p *placing) linkOne(ctx context.Context, back, of *Order) error {
	if of.Customer != back.Customer {
		return nil
	}
	where, key := back.key(2)
	if _, err := p.tx.Exec(ctx, `update `+back.prefix()+`orders set of_order_id = $1 where `+where, append([]any{int64(of.ID)}, key...)...); err != nil {
		return fmt.Errorf("tie the return %s to its order: %w", back.ID, err)
	}
	return countRefunds(ctx, p.tx, of.Customer, of.ID)
}

// linkWaiting ties returns that were there before the orders of this call.
func (p *placing) linkWaiting(ctx context.Context) error {
	for _, walkin := range []bool{false, true} {
		table := "orders"
		if walkin {
			table = "walkin_orders"
		}
		var waiting bool
		if err := p.tx.QueryRow(ctx, `select exists (select 1 from `+table+` where of_order_id is null and of_number <> '')`).Scan(&waiting); err != nil {
			return err
		}
		if !waiting {
			continue
		}
		fresh := slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool {
			return e.known || e.order.Return || (e.order.Customer == 0) != walkin
		})
		for some := range slices.Chunk(fresh, inList) {
			args := make([]any, len(some))
			for i, e := range some {
				args[i] = e.order.Number
			}
			backs, err := read(ctx, p.tx, walkin, `where of_order_id is null and of_number <> '' and of_number in (`+store.List(1, len(args))+`)
				order by order_id`, args...)
			if err != nil {
				return err
			}
			for i := range backs {
				if e := p.byKey[orderKey{backs[i].OfNumber, backs[i].Source}]; e != nil && !e.order.Return {
					if err := p.linkOne(ctx, &backs[i], &e.order); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// countRefunds adds up what came back of an order in its own currency; of one
// that is gone there is nothing to add up.
func countRefunds(ctx context.Context, tx *store.Tx, c id.Customer, of id.Order) error {
	o, err := ByID(ctx, tx, c, of)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	back, err := Returns(ctx, tx, o)
	if err != nil {
		return err
	}
	sum := int64(0)
	for i := range back {
		if back[i].Currency == o.Currency {
			sum += back[i].Total
		}
	}
	where, key := o.key(2)
	_, err = tx.Exec(ctx, `update `+o.prefix()+`orders set refunded_minor = $1 where `+where, append([]any{sum}, key...)...)
	return err
}
