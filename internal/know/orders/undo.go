package orders

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Undone is what one slice of UndoImport did.
type Undone struct {
	More      bool          // there is more of the import
	Customers []id.Customer // whose events are fewer now: their facts are to be folded again
}

// UndoImport takes away at most limit orders of an import, or what it added to
// and changed in orders that were there before it, with the events that told
// of it; then what it told of subscriptions; at last the products that nothing is
// left of. What was before the
// import is then exactly as it was. Called until there is no More, each slice
// in a transaction of its own, before customers.UndoImport; what others
// changed since then stays. It finds where to go on by itself.
//
// An order that the import brought goes whole, with refunds that were given
// on it. If another import added to it, it stays with what that one added.
func UndoImport(ctx context.Context, tx *store.Tx, i id.Import, limit int) (Undone, error) {
	u := undoing{tx: tx, imp: i}
	var err error
	if u.books, err = openBooks(ctx, tx); err != nil {
		return Undone{}, err
	}
	if u.services, err = services(ctx, tx); err != nil {
		return Undone{}, err
	}
	spots, err := u.find(ctx, limit)
	if err != nil {
		return Undone{}, fmt.Errorf("find what import %s brought: %w", i, err)
	}
	var owners []id.Customer
	for _, s := range spots {
		if s.customer != 0 {
			owners = append(owners, s.customer)
		}
	}
	if err := customers.Lock(ctx, tx, owners...); err != nil {
		return Undone{}, err
	}
	found, lines, err := readSpots(ctx, tx, spots)
	if err != nil {
		return Undone{}, err
	}
	for _, s := range spots {
		o, ok := found[s.order]
		if !ok {
			continue // it went with the order it was a return of
		}
		if err := u.one(ctx, &o, lines[s.order]); err != nil {
			return Undone{}, fmt.Errorf("undo import %s in order %s: %w", i, o.ID, err)
		}
	}
	slices.Sort(owners)
	done := Undone{More: len(spots) > 0, Customers: slices.Compact(owners)}
	if done.More {
		return done, nil
	}
	if done.Customers, err = undoSubscriptions(ctx, tx, i, limit); err != nil {
		return Undone{}, err
	}
	if done.More = len(done.Customers) > 0; !done.More {
		err = dropProducts(ctx, tx, i)
	}
	return done, err
}

type undoing struct {
	tx       *store.Tx
	imp      id.Import
	books    *books
	services map[id.Product]bool
}

// find returns orders in which something is left of the import: those it
// brought, those it changed, those it added lines to. The last have always
// been changed too, which is how they are found without an index on lines.
func (u *undoing) find(ctx context.Context, limit int) ([]spot, error) {
	var spots []spot
	for _, q := range []string{
		`select customer_id, order_id from orders where import_id = $1 order by customer_id, order_id limit $2`,
		`select cast(0 as bigint), order_id from walkin_orders where import_id = $1 order by order_id limit $2`,
		`select customer_id, order_id from order_changes where import_id = $1 order by customer_id, order_id limit $2`,
		`select cast(0 as bigint), order_id from walkin_order_changes where import_id = $1 order by order_id limit $2`,
	} {
		rows, err := u.tx.Query(ctx, q, int64(u.imp), limit-len(spots))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var s spot
			if err := rows.Scan(&s.customer, &s.order); err != nil {
				rows.Close()
				return nil, err
			}
			spots = append(spots, s)
		}
		err = cmp.Or(rows.Err(), rows.Close())
		if err != nil || len(spots) >= limit {
			return spots, err
		}
	}
	return spots, nil
}

// one undoes the import in one order.
func (u *undoing) one(ctx context.Context, o *Order, lines []OrderLine) error {
	others := slices.DeleteFunc(slices.Clone(lines), func(l OrderLine) bool { return l.Import == u.imp })
	if o.Import == u.imp && len(others) == 0 {
		return u.remove(ctx, o)
	}
	changes, err := readChanges(ctx, u.tx, o, u.imp)
	if err != nil {
		return err
	}
	where, key := o.key(2)
	args := append([]any{int64(u.imp)}, key...)
	for _, table := range []string{"order_lines", "order_changes"} {
		if _, err := u.tx.Exec(ctx, `delete from `+o.prefix()+table+` where import_id = $1 and `+where, args...); err != nil {
			return err
		}
	}
	if o.Import == u.imp { // another import's lines keep it alive
		if _, err := u.tx.Exec(ctx, `update `+o.prefix()+`orders set import_id = $1 where `+shift(o), append([]any{null(int64(others[0].Import))}, key...)...); err != nil {
			return err
		}
	}
	if err := u.restore(ctx, o, changes); err != nil {
		return err
	}
	if c, ok := changes[replacedLines]; ok {
		former, err := putBack(ctx, u.tx, o, c)
		if err != nil {
			return err
		}
		others = append(others, former...)
	}
	o.LinesTotal, o.Goods, o.Items = 0, 0, 0
	for _, l := range others {
		o.add([]Line{l.line()}, u.services, 1)
	}
	if err := o.settle(u.books.base); err != nil {
		return err
	}
	if err := rewrite(ctx, u.tx, o); err != nil {
		return err
	}
	if o.Return && o.Of != 0 {
		if err := countRefunds(ctx, u.tx, o.Customer, o.Of); err != nil {
			return err
		}
	}
	if o.Customer == 0 {
		return nil
	}
	if _, moved := changes[claimed]; moved {
		return u.unclaim(ctx, o)
	}
	return timeline.Forget(ctx, u.tx, o.Customer, int64(o.ID), u.imp)
}

// shift is the condition of an order behind one argument.
func shift(o *Order) string { where, _ := o.key(2); return where }

// unclaim makes an order a walk-in's again.
func (u *undoing) unclaim(ctx context.Context, o *Order) error {
	if err := timeline.Forget(ctx, u.tx, o.Customer, int64(o.ID), 0); err != nil {
		return err
	}
	return move(ctx, u.tx, o, 0)
}

// restore gives the fields that the import changed their former value, unless
// somebody changed them since. A later import that took the value over for the
// former one is corrected.
func (u *undoing) restore(ctx context.Context, o *Order, changes map[string]change) error {
	for _, f := range fields {
		c, ok := changes[f.name]
		if ok && f.get(o) == c.New {
			f.set(o, c.Old)
		}
	}
	where, key := o.key(1)
	later, err := store.All(ctx, u.tx, store.Scalar[id.Import], `select import_id from `+o.prefix()+`order_changes where `+where, key...)
	if err != nil {
		return err
	}
	for _, other := range later {
		theirs, err := readChanges(ctx, u.tx, o, other)
		if err != nil {
			return err
		}
		for name, c := range changes {
			if t, ok := theirs[name]; ok && t.Old == c.New && name != replacedLines {
				theirs[name] = change{c.Old, t.New}
			}
		}
		if t, ok := theirs[replacedLines]; ok {
			if theirs[replacedLines], err = t.without(u.imp); err != nil {
				return err
			}
		}
		if err := writeChanges(ctx, u.tx, o, other, theirs); err != nil {
			return err
		}
	}
	return nil
}

// remove takes an order away with all that hangs on it.
func (u *undoing) remove(ctx context.Context, o *Order) error {
	back, err := Returns(ctx, u.tx, *o)
	if err != nil {
		return err
	}
	for i := range back {
		// What was refunded by hand goes with the order; a return that another
		// import told of stays and waits for its order.
		r := &back[i]
		if r.Import == 0 {
			if err := u.remove(ctx, r); err != nil {
				return err
			}
			continue
		}
		where, key := r.key(1)
		if _, err := u.tx.Exec(ctx, `update `+r.prefix()+`orders set of_order_id = null where `+where, key...); err != nil {
			return err
		}
	}
	if err := drop(ctx, u.tx, o); err != nil {
		return err
	}
	if o.Return && o.Of != 0 {
		return countRefunds(ctx, u.tx, o.Customer, o.Of)
	}
	return nil
}

// dropProducts takes away the import's products that no line is left of.
func dropProducts(ctx context.Context, tx *store.Tx, i id.Import) error {
	theirs, err := store.All(ctx, tx, store.Scalar[id.Product], `select id from products where import_id = $1`, int64(i))
	if err != nil {
		return err
	}
	if len(theirs) == 0 {
		return nil
	}
	used := map[id.Product]bool{}
	for _, table := range []string{"order_lines", "walkin_order_lines"} {
		all, err := store.All(ctx, tx, store.Scalar[id.Product], `select distinct product_id from `+table)
		if err != nil {
			return err
		}
		for _, p := range all {
			used[p] = true
		}
	}
	theirs = slices.DeleteFunc(theirs, func(p id.Product) bool { return used[p] })
	for some := range slices.Chunk(theirs, inList) {
		if _, err := tx.Exec(ctx, `delete from products where id in (`+store.List(1, len(some))+`)`, int64s(some)...); err != nil {
			return fmt.Errorf("remove %d products: %w", len(some), err)
		}
	}
	return nil
}
