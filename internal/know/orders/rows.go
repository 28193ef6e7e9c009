package orders

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// inList is how many values one statement lists: binding them is quadratic in
// their number on SQLite.
const inList = 60

func int64s[T ~int64](ids []T) []any {
	args := make([]any, len(ids))
	for i, v := range ids {
		args[i] = int64(v)
	}
	return args
}

func null(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// shared are the columns that orders and walkin_orders have both.
const shared = `order_id, number, source, is_return, of_number, of_order_id, placed_at, placed_day, currency,
	lines_minor, discount_minor, shipping_minor, tax_minor, total_minor, rate, base_minor, items, goods_minor, purchase,
	channel, staff, promised_day, delivered_day, cancelled_at, reason, note, refunded_minor, import_id, recorded_at, rough, told`

const (
	orderColumns  = `customer_id, ` + shared + `, origin_customer_id`
	walkinColumns = `cast(0 as bigint), ` + shared + `, cast(null as bigint)`
	sharedLine    = `order_id, line, product_id, quantity_milli, price_micro, total_minor, import_id`
)

// values are those of the shared columns.
func (o *Order) values() []any {
	var base any
	if o.Rate != 0 {
		base = o.Base
	}
	return []any{int64(o.ID), o.Number, o.Source, o.Return, o.OfNumber, null(int64(o.Of)), o.At.UnixMicro(), o.Day, string(o.Currency),
		o.LinesTotal, o.Discount, o.Shipping, o.Tax, o.Total, null(int64(o.Rate)), base, o.Items, o.Goods, o.Purchase,
		o.Channel, o.Staff, nullText(o.PromisedDay), nullText(o.DeliveredDay), nullTime(o.CancelledAt), o.Reason, o.Note,
		o.Refunded, null(int64(o.Import)), o.RecordedAt.UnixMicro(), o.Rough, o.Told}
}

func scanOrder(rows *sql.Rows) (Order, error) {
	var o Order
	var of, rate, base, cancelled, imported, origin sql.NullInt64
	var promised, delivered sql.NullString
	var at, recorded int64
	err := rows.Scan(&o.Customer, &o.ID, &o.Number, &o.Source, &o.Return, &o.OfNumber, &of, &at, &o.Day, &o.Currency,
		&o.LinesTotal, &o.Discount, &o.Shipping, &o.Tax, &o.Total, &rate, &base, &o.Items, &o.Goods, &o.Purchase,
		&o.Channel, &o.Staff, &promised, &delivered, &cancelled, &o.Reason, &o.Note,
		&o.Refunded, &imported, &recorded, &o.Rough, &o.Told, &origin)
	o.Of, o.Rate, o.Base = id.Order(of.Int64), money.Rate(rate.Int64), base.Int64
	o.At, o.RecordedAt = time.UnixMicro(at).UTC(), time.UnixMicro(recorded).UTC()
	if cancelled.Valid {
		o.CancelledAt = time.UnixMicro(cancelled.Int64).UTC()
	}
	o.PromisedDay, o.DeliveredDay = promised.String, delivered.String
	o.Import, o.Origin = id.Import(imported.Int64), id.Customer(origin.Int64)
	return o, err
}

// OrderLine is a line as it stands.
type OrderLine struct {
	Order      id.Order
	Ordinal    int64
	Product    id.Product
	Quantity   int64 // thousandths
	PriceMicro int64 // of one, millionths of the order's currency
	Total      int64
	Import     id.Import
}

func scanLine(rows *sql.Rows) (OrderLine, error) {
	var l OrderLine
	var imported sql.NullInt64
	err := rows.Scan(&l.Order, &l.Ordinal, &l.Product, &l.Quantity, &l.PriceMicro, &l.Total, &imported)
	l.Import = id.Import(imported.Int64)
	return l, err
}

// line is the line as a sale tells it.
func (l OrderLine) line() Line { return Line{l.Product, l.Quantity, l.PriceMicro, priceScale, l.Total} }

// key is where an order lies: the condition that finds it and its arguments,
// the first of which is $first.
func (o *Order) key(first int) (string, []any) {
	if o.Customer == 0 {
		return fmt.Sprintf("order_id = $%d", first), []any{int64(o.ID)}
	}
	return fmt.Sprintf("customer_id = $%d and order_id = $%d", first, first+1), []any{int64(o.Customer), int64(o.ID)}
}

// prefix is what the names of its tables begin with.
func (o *Order) prefix() string {
	if o.Customer == 0 {
		return "walkin_"
	}
	return ""
}

// read reads orders of one of both sorts.
func read(ctx context.Context, q store.Querier, walkin bool, where string, args ...any) ([]Order, error) {
	query := `select ` + orderColumns + ` from orders ` + where
	if walkin {
		query = `select ` + walkinColumns + ` from walkin_orders ` + where
	}
	return store.All(ctx, q, scanOrder, query, args...)
}

// spot is an order's whole key.
type spot struct {
	customer id.Customer
	order    id.Order
}

func (o *Order) spot() spot { return spot{o.Customer, o.ID} }

// readSpots reads the orders at the spots, and their lines in order.
func readSpots(ctx context.Context, q store.Querier, spots []spot) (map[id.Order]Order, map[id.Order][]OrderLine, error) {
	found, lines := make(map[id.Order]Order, len(spots)), make(map[id.Order][]OrderLine, len(spots))
	var known, walkins []spot
	for _, s := range spots {
		if s.customer == 0 {
			walkins = append(walkins, s)
		} else {
			known = append(known, s)
		}
	}
	for _, group := range [][]spot{known, walkins} {
		for some := range slices.Chunk(group, inList) {
			walkin := some[0].customer == 0
			where, args := whereSpots(some)
			all, err := read(ctx, q, walkin, where, args...)
			if err != nil {
				return nil, nil, fmt.Errorf("read orders: %w", err)
			}
			for _, o := range all {
				found[o.ID] = o
			}
			table := "order_lines"
			if walkin {
				table = "walkin_order_lines"
			}
			theirs, err := store.All(ctx, q, scanLine, `select `+sharedLine+` from `+table+` `+where+` order by order_id, line`, args...)
			if err != nil {
				return nil, nil, fmt.Errorf("read lines of orders: %w", err)
			}
			for _, l := range theirs {
				lines[l.Order] = append(lines[l.Order], l)
			}
		}
	}
	return found, lines, nil
}

// whereSpots is the condition that finds orders of one sort.
func whereSpots(spots []spot) (string, []any) {
	var args []any
	if spots[0].customer == 0 {
		for _, s := range spots {
			args = append(args, int64(s.order))
		}
		return "where order_id in (" + store.List(1, len(args)) + ")", args
	}
	pairs := "(cast($1 as bigint), cast($2 as bigint))"
	for i, s := range spots {
		if i > 0 {
			pairs += fmt.Sprintf(", ($%d, $%d)", 2*i+1, 2*i+2)
		}
		args = append(args, int64(s.customer), int64(s.order))
	}
	return "where (customer_id, order_id) in (values " + pairs + ")", args
}

// rewrite writes all of an order that may change.
func rewrite(ctx context.Context, tx *store.Tx, o *Order) error {
	var base any
	if o.Rate != 0 {
		base = o.Base
	}
	where, key := o.key(19)
	_, err := tx.Exec(ctx, `update `+o.prefix()+`orders set
		lines_minor = $1, discount_minor = $2, shipping_minor = $3, tax_minor = $4, total_minor = $5,
		rate = $6, base_minor = $7, items = $8, goods_minor = $9, purchase = $10, channel = $11, staff = $12,
		promised_day = $13, delivered_day = $14, cancelled_at = $15, reason = $16, note = $17, rough = $18
		where `+where, append([]any{
		o.LinesTotal, o.Discount, o.Shipping, o.Tax, o.Total, null(int64(o.Rate)), base, o.Items, o.Goods, o.Purchase,
		o.Channel, o.Staff, nullText(o.PromisedDay), nullText(o.DeliveredDay), nullTime(o.CancelledAt), o.Reason, o.Note, o.Rough}, key...)...)
	if err != nil {
		return fmt.Errorf("write the order %s: %w", o.ID, err)
	}
	return nil
}

// ByID returns a customer's order (or a walk-in, customer 0), or errs.NotFound.
func ByID(ctx context.Context, q store.Querier, c id.Customer, o id.Order) (Order, error) {
	at := Order{Customer: c, ID: o}
	where, args := at.key(1)
	all, err := read(ctx, q, c == 0, "where "+where, args...)
	if err != nil {
		return Order{}, fmt.Errorf("read the order %s: %w", o, err)
	}
	if len(all) == 0 {
		return Order{}, notFound()
	}
	return all[0], nil
}

// Lines returns an order's lines as they came.
func Lines(ctx context.Context, q store.Querier, o Order) ([]OrderLine, error) {
	where, args := o.key(1)
	return store.All(ctx, q, scanLine, `select `+sharedLine+` from `+o.prefix()+`order_lines where `+where+` order by line`, args...)
}

// Returns returns what came back of an order, in the order of time.
func Returns(ctx context.Context, q store.Querier, o Order) ([]Order, error) {
	if o.Customer == 0 {
		return read(ctx, q, true, `where of_order_id = $1 order by placed_at, order_id`, int64(o.ID))
	}
	return read(ctx, q, false, `where customer_id = $1 and of_order_id = $2 order by placed_at, order_id`, int64(o.Customer), int64(o.ID))
}

// Of returns the newest orders and returns of a customer.
func Of(ctx context.Context, q store.Querier, c id.Customer, limit int) ([]Order, error) {
	return read(ctx, q, false, `where customer_id = $1 order by placed_at desc, order_id desc limit $2`, int64(c), limit)
}
