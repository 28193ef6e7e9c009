package insights

import (
	"context"
	"database/sql"
	"fmt"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
)

// The dimensions by which a change is split.
const (
	byProduct  = "product"
	byCategory = "category"
	byChannel  = "channel"
	byCountry  = "country"
	byStaff    = "staff"
	byPromise  = "promise"
	byDiscount = "discount"
)

var dimensions = []string{byProduct, byCategory, byChannel, byCountry, byStaff, byPromise, byDiscount}

// split is the groups of a dimension.
type split struct {
	retention.Labels
	of []int32 // the group of each row; -1: of none
}

// deals are the sales to customers of some days, cancelled ones among them,
// with the groups that they belong to.
type deals struct {
	at        map[int64]int32  // an order's row
	orders    retention.Orders // Customer 0: cancelled, so no purchase
	refunded  []bool
	cancelled []bool
	by        map[string]*split

	// The lines of purchases: each its part of the order's amount.
	lines  retention.Orders
	lineBy map[string]*split
}

// dealsOf reads the sales of two spans of days.
func dealsOf(ctx context.Context, q store.Querier, a, b retention.Span, asOf int32, tell func(int64)) (*deals, error) {
	d := &deals{at: map[int64]int32{}, by: map[string]*split{}, lineBy: map[string]*split{byProduct: {}, byCategory: {}}}
	for _, name := range dimensions {
		d.by[name] = &split{}
	}
	args := []any{retention.DayText(a.From), retention.DayText(a.To), retention.DayText(b.From), retention.DayText(b.To)}
	if err := d.readOrders(ctx, q, args, asOf, tell); err != nil {
		return nil, fmt.Errorf("read the sales of two periods: %w", err)
	}
	if err := d.readLines(ctx, q, args); err != nil {
		return nil, fmt.Errorf("read what was sold in two periods: %w", err)
	}
	return d, nil
}

const inSpans = ` and (o.placed_day >= $1 and o.placed_day <= $2 or o.placed_day >= $3 and o.placed_day <= $4)`

func (d *deals) readOrders(ctx context.Context, q store.Querier, args []any, asOf int32, tell func(int64)) error {
	rows, err := q.Query(ctx, `
		select o.customer_id, o.order_id, o.placed_day, coalesce(o.base_minor, 0), o.purchase, o.cancelled_at is not null, o.refunded_minor > 0,
			o.discount_minor > 0, coalesce(o.promised_day, ''), coalesce(o.delivered_day, ''), o.channel, o.staff, c.country
		from orders o join customers c on c.customer_id = o.customer_id
		where not o.is_return and o.goods_minor > 0`+inSpans, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	last := retention.DayText(asOf)
	var customer, order, base int64
	var purchase, cancelled, refunded, discount bool
	var placed, promised, delivered, channel, staff, country string
	for rows.Next() {
		if err := rows.Scan(&customer, &order, &placed, &base, &purchase, &cancelled, &refunded, &discount, &promised, &delivered, &channel, &staff, &country); err != nil {
			return err
		}
		day, ok := retention.ParseDay(placed)
		if !ok {
			continue
		}
		if !purchase {
			customer = 0
		}
		d.at[order] = int32(len(d.orders.Day))
		d.orders.Add(customer, day, base)
		d.refunded, d.cancelled = append(d.refunded, refunded), append(d.cancelled, cancelled)
		less := "without"
		if discount {
			less = "with"
		}
		for name, label := range map[string]string{byChannel: channel, byStaff: staff, byCountry: country, byDiscount: less, byPromise: promiseOf(promised, delivered, last)} {
			g := int32(-1)
			if label != undecided {
				g = d.by[name].Number(label)
			}
			d.by[name].of = append(d.by[name].of, g)
		}
		if n := int64(len(d.orders.Day)); n%tellEvery == 0 {
			tell(n)
		}
	}
	return rows.Err()
}

// undecided is a promise of which it will be known later whether it was kept.
// Only the later of two periods has such, so they are in no group.
const undecided = "\x00"

// promiseOf says what became of a promise by a day.
func promiseOf(promised, delivered, last string) string {
	switch {
	case promised == "":
		return "none"
	case delivered == "" && promised >= last:
		return undecided
	case delivered != "" && delivered <= promised:
		return "kept"
	}
	return "broken"
}

// readLines reads what was sold: revenue by line, and for each order what it
// held most of.
func (d *deals) readLines(ctx context.Context, q store.Querier, args []any) error {
	for _, name := range []string{byProduct, byCategory} {
		s := d.by[name]
		s.of = make([]int32, len(d.orders.Day))
		for i := range s.of {
			s.of[i] = -1
		}
	}
	rows, err := q.Query(ctx, `
		select l.order_id, l.total_minor, o.lines_minor, p.name, p.sku, coalesce(g.name, ''), p.kind
		from order_lines l join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id
			join products p on p.id = l.product_id left join categories g on g.id = p.category_id
		where not o.is_return and o.goods_minor > 0 and l.total_minor > 0 and o.lines_minor > 0`+inSpans, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	most := make([]int64, len(d.orders.Day))
	var order, total, all int64
	var name, sku, category, kind sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&order, &total, &all, &name, &sku, &category, &kind); err != nil {
			return err
		}
		row, ok := d.at[order]
		if !ok || string(kind) == "service" {
			continue
		}
		product := string(name)
		if product == "" {
			product = string(sku)
		}
		if total > most[row] {
			most[row] = total
			d.by[byProduct].of[row], d.by[byCategory].of[row] = d.by[byProduct].Number(product), d.by[byCategory].Number(string(category))
		}
		amount := round(float64(d.orders.AmountMinor[row]) * float64(total) / float64(all))
		d.lines.Add(d.orders.Customer[row], d.orders.Day[row], amount)
		for dim, label := range map[string]string{byProduct: product, byCategory: string(category)} {
			d.lineBy[dim].of = append(d.lineBy[dim].of, d.lineBy[dim].Number(label))
		}
	}
	return rows.Err()
}
