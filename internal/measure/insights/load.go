package insights

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// columns are the orders of a filter as they are counted with.
type columns struct {
	today     int32 // at the business
	asOf      int32 // the last day known
	purchases *retention.Sorted
	unvalued  int64            // of them: they wait for a rate and count as orders of nothing
	days      map[int32]*sales // what else was sold or came back
	channels  []string         // in use, whatever the filter
}

// sales are the takings of a day that are no purchases of customers.
type sales struct {
	walkin, walkinOrders int64 // of people who are not known
	returned, returns    int64 // given back, to anybody
	other                int64 // of orders without goods: corrections, samples
}

func (c *columns) day(day int32) *sales {
	s := c.days[day]
	if s == nil {
		s = &sales{}
		c.days[day] = s
	}
	return s
}

// lively is how long ago the last sale may be for a store to be in business:
// then today is the last day known. A store that was imported ends with its
// last sale instead.
const lively = 31

// reading reads the columns and tells how far it is.
type reading struct {
	q      store.Querier
	filter Filter
	tell   func(rows int64) // called every tellEvery rows
	total  int64            // orders there are, of any filter
	rows   int64
}

const tellEvery = 20_000

// ordersThereAre counts all orders, those of nobody known among them.
func ordersThereAre(ctx context.Context, q store.Querier) (n int64, err error) {
	err = q.QueryRow(ctx, `select (select count(*) from orders) + (select count(*) from walkin_orders)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count orders: %w", err)
	}
	return n, nil
}

// load reads the orders of a filter, sales to nobody known among them.
func (l *reading) load(ctx context.Context, today string) (*columns, error) {
	c := &columns{days: map[int32]*sales{}}
	var ok bool
	if c.today, ok = retention.ParseDay(today); !ok {
		return nil, fmt.Errorf("today is %q, which is no day", today)
	}
	expect := int64(0)
	if l.filter.Channel == "" && l.filter.Country == "" && l.filter.Category == 0 {
		expect = l.total
	}
	c.purchases = retention.NewSorted(retention.Rules{LastDay: c.today, FreeOrders: true}, int(expect))
	var err error
	if c.asOf, err = lastKnown(ctx, l.q, c.today); err != nil {
		return nil, err
	}
	where, args, err := l.where(ctx, "orders")
	if err != nil {
		return nil, err
	}
	err = l.each(ctx, `select o.customer_id, o.placed_day, coalesce(o.base_minor, 0), o.base_minor is null, o.purchase, o.is_return from orders o
		where o.cancelled_at is null`+where+` order by o.customer_id`, args, c)
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	if l.filter.Country == "" { // nobody knows where a walk-in lives
		if where, args, err = l.where(ctx, "walkin_orders"); err != nil {
			return nil, err
		}
		err = l.each(ctx, `select cast(0 as bigint), o.placed_day, coalesce(o.base_minor, 0), o.base_minor is null, o.purchase, o.is_return from walkin_orders o
			where o.cancelled_at is null`+where, args, c)
		if err != nil {
			return nil, fmt.Errorf("read walk-in orders: %w", err)
		}
	}
	if l.filter == Standing {
		if c.channels, err = channels(ctx, l.q); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// lastKnown is the last day that the data tells of.
func lastKnown(ctx context.Context, q store.Querier, today int32) (int32, error) {
	last, end := int32(-1<<31), retention.DayText(today+1)
	for _, query := range []string{
		`select placed_day from orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
		`select placed_day from walkin_orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
	} {
		days, err := store.All(ctx, q, store.Scalar[string], query, end)
		if err != nil {
			return 0, fmt.Errorf("find the last sale: %w", err)
		}
		for _, d := range days {
			if n, ok := retention.ParseDay(d); ok {
				last = max(last, n)
			}
		}
	}
	if last < today-lively && last > -1<<31 {
		return last, nil
	}
	return today, nil
}

// where is the filter as conditions on orders or walk-in orders, called o.
func (l *reading) where(ctx context.Context, table string) (string, []any, error) {
	var text strings.Builder
	var args []any
	f := l.filter
	if f.Channel != "" {
		args = append(args, f.Channel)
		fmt.Fprintf(&text, " and o.channel = $%d", len(args))
	}
	if f.Country != "" {
		args = append(args, f.Country)
		fmt.Fprintf(&text, " and o.customer_id in (select customer_id from customers where country = $%d)", len(args))
	}
	if f.Category != 0 {
		under, err := within(ctx, l.q, f.Category)
		if err != nil {
			return "", nil, err
		}
		lines, key := "order_lines", "l.customer_id = o.customer_id and l.order_id = o.order_id"
		if table == "walkin_orders" {
			lines, key = "walkin_order_lines", "l.order_id = o.order_id"
		}
		fmt.Fprintf(&text, ` and exists (select 1 from %s l where %s and l.product_id in
			(select id from products where category_id in (%s)))`, lines, key, store.List(len(args)+1, len(under)))
		args = append(args, store.Args(under)...)
	}
	return text.String(), args, nil
}

// within is a category with those below it.
func within(ctx context.Context, q store.Querier, c id.Category) ([]int64, error) {
	all, err := orders.Categories(ctx, q)
	if err != nil {
		return nil, err
	}
	under := []int64{int64(c)}
	for i := 0; i < len(under); i++ {
		for _, sub := range all {
			if int64(sub.Parent) == under[i] && !slices.Contains(under, int64(sub.ID)) {
				under = append(under, int64(sub.ID))
			}
		}
	}
	return under, nil
}

// each reads rows into the columns. Days after today are kept among the
// purchases, to be counted as left out, and nowhere else.
func (l *reading) each(ctx context.Context, query string, args []any, c *columns) error {
	rows, err := l.q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var customer, base int64
	var unvalued, purchase, isReturn bool
	var placed sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&customer, &placed, &base, &unvalued, &purchase, &isReturn); err != nil {
			return err
		}
		if l.rows++; l.rows%tellEvery == 0 {
			l.tell(l.rows)
		}
		day, ok := retention.ParseDay(string(placed))
		if !ok {
			day = noSuchDay
		}
		switch {
		case purchase && customer != 0:
			if unvalued && day <= c.today {
				c.unvalued++
			}
			if err := c.purchases.Add(customer, day, base); err != nil {
				return err
			}
		case !ok || day > c.today:
		case isReturn:
			s := c.day(day)
			s.returned += base
			s.returns++
		case purchase:
			s := c.day(day)
			s.walkin += base
			s.walkinOrders++
		default:
			c.day(day).other += base
		}
	}
	return rows.Err()
}

// channels are those in use, in order. Grouping them would have SQLite sort all
// orders in memory.
func channels(ctx context.Context, q store.Querier) ([]string, error) {
	all, err := store.All(ctx, q, store.Scalar[string], `
		select distinct channel from orders where channel <> ''
		union select distinct channel from walkin_orders where channel <> ''`)
	if err != nil {
		return nil, fmt.Errorf("list the channels: %w", err)
	}
	slices.Sort(all)
	return all[:min(len(all), 200)], nil
}

// noSuchDay is a day that retention leaves out and counts.
const noSuchDay = int32(1 << 30)

// back is the day n months before another, at most the last of its month.
func back(day int32, months int) int32 {
	y, m, d := retention.Civil(day)
	first := time.Date(y, time.Month(m-months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return retention.Day(first.Year(), int(first.Month()), min(d, last))
}
