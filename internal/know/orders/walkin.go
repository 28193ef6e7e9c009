package orders

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

const (
	sharedChange = `order_id, import_id, fields, changed_at`
	// claimed is the field of order_changes that says an import moved a walk-in
	// to its customer.
	claimed = "walkin"
	// fresh is how long after a sale its being told still starts something.
	fresh = 48 * time.Hour
)

// Claim gives a walk-in order to the customer who turned out to have placed
// it, with what came back of it, and records what they did. An order that is
// the customer's already stays as it is.
func Claim(ctx context.Context, tx *store.Tx, order id.Order, c id.Customer, by customers.By) error {
	c, err := customers.Resolve(ctx, tx, c)
	if err != nil {
		return err
	}
	if err := customers.Lock(ctx, tx, c); err != nil {
		return err
	}
	o, err := hold(ctx, tx, 0, order)
	if errs.Is(err, errs.NotFound) {
		if _, theirs := ByID(ctx, tx, c, order); theirs == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	back, err := Returns(ctx, tx, o)
	if err != nil {
		return err
	}
	if err := move(ctx, tx, &o, c); err != nil {
		return err
	}
	if by.Import != 0 && o.Import != by.Import {
		if err := writeChanges(ctx, tx, &o, by.Import, map[string]change{claimed: {"1", ""}}); err != nil {
			return err
		}
	}
	if err := tellClaimed(ctx, tx, &o, by); err != nil {
		return err
	}
	for i := range back {
		if err := Claim(ctx, tx, back[i].ID, c, by); err != nil {
			return err
		}
	}
	return settleTies(ctx, tx, o)
}

// tellClaimed records the sale as if it had been the customer's from the
// beginning.
func tellClaimed(ctx context.Context, tx *store.Tx, o *Order, by customers.By) error {
	b, err := openBooks(ctx, tx)
	if err != nil {
		return err
	}
	lines, err := Lines(ctx, tx, *o)
	if err != nil {
		return err
	}
	p := placing{tx: tx, books: b}
	p.tell(&entry{order: *o, sale: Sale{Lines: make([]Line, len(lines)), Source: by.Source, Actor: by.Actor, Import: by.Import,
		History: by.History || tx.Now.Sub(o.At) > fresh}})
	return timeline.Record(ctx, tx, p.events...)
}

// settleTies unties a return from an order that is somebody else's.
func settleTies(ctx context.Context, tx *store.Tx, o Order) error {
	if o.Of == 0 {
		return nil
	}
	if _, err := ByID(ctx, tx, o.Customer, o.Of); err == nil {
		return countRefunds(ctx, tx, o.Customer, o.Of)
	} else if !errs.Is(err, errs.NotFound) {
		return err
	}
	where, key := o.key(1)
	_, err := tx.Exec(ctx, `update `+o.prefix()+`orders set of_order_id = null where `+where, key...)
	return err
}

// move takes a walk-in's rows to a customer (or, with customer 0, back), and
// sets o to where it is.
func move(ctx context.Context, tx *store.Tx, o *Order, c id.Customer) error {
	from, to := *o, *o
	to.Customer = c
	for _, t := range []struct{ table, columns string }{
		{"orders", shared}, {"order_lines", sharedLine}, {"order_changes", sharedChange}} {
		into, what := t.columns, t.columns
		args := []any{}
		if c != 0 {
			into, what, args = "customer_id, "+into, "cast($1 as bigint), "+what, []any{int64(c)}
		}
		where, key := from.key(len(args) + 1)
		if _, err := tx.Exec(ctx, `insert into `+to.prefix()+t.table+` (`+into+`) select `+what+` from `+from.prefix()+t.table+` where `+where,
			append(args, key...)...); err != nil {
			return fmt.Errorf("move %s of order %s: %w", t.table, o.ID, err)
		}
		where, key = from.key(1)
		if _, err := tx.Exec(ctx, `delete from `+from.prefix()+t.table+` where `+where, key...); err != nil {
			return fmt.Errorf("move %s of order %s: %w", t.table, o.ID, err)
		}
	}
	if err := leadKeys(ctx, tx, o, c); err != nil {
		return err
	}
	o.Customer = c
	return nil
}
