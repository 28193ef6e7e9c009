package insights

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// cohortStarts are the events from which customers are followed: the first
// purchase, the day they joined, or the first event of a kind.
var cohortStarts = []string{"", "joined", orders.EventDelivered, orders.EventRefunded, orders.EventCancelled, "call.logged", "note.added"}

// cohortGroups are the cohorts of each group of customers.
type cohortGroups struct {
	AsOf    int32             `json:"as_of"`
	Orders  int64             `json:"orders"`
	LeftOut retention.LeftOut `json:"left_out"`
	Groups  []cohortGroup     `json:"groups"` // the largest first
	Others  int64             `json:"others"` // customers in none of them
}

type cohortGroup struct {
	Label string            `json:"label"`
	Size  int64             `json:"size"` // customers who are followed
	Rows  retention.Cohorts `json:"rows"`
}

func (g *cohortGroups) count() int64 { return g.Orders }

// cohortGroupsOf follows customers from an event on, group by group.
func cohortGroupsOf(ctx context.Context, db *store.DB, i inquiry, today string) (*cohortGroups, error) {
	total, err := ordersThereAre(ctx, db)
	if err != nil {
		return nil, err
	}
	r := reading{q: db, filter: i.Filter, tell: i.teller(ctx, db, total), total: total}
	c, err := r.load(ctx, today)
	if err != nil {
		return nil, err
	}
	out := &cohortGroups{AsOf: c.asOf}
	h, left, err := c.purchases.History()
	out.LeftOut = left
	if errors.Is(err, retention.ErrNoOrders) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("build the history: %w", err)
	}
	if to, ok := retention.ParseDay(i.Filter.To); ok {
		out.AsOf = min(out.AsOf, to)
	}
	if out.AsOf < c.today {
		h = h.Until(out.AsOf)
	}
	out.Orders = int64(h.Orders())
	if out.Orders == 0 {
		return out, nil
	}
	labels, of, err := Groups(ctx, db, i.Split)
	if err != nil {
		return nil, err
	}
	began, err := startsOf(ctx, db, i.Since)
	if err != nil {
		return nil, err
	}
	from := h.FirstDay
	if day, ok := retention.ParseDay(i.Filter.From); ok {
		from = max(from, day)
	}
	by := i.Filter.By
	first := by.First(max(by.PeriodOf(from), by.PeriodOf(out.AsOf)-longest+1))
	start := func(customer int) int32 {
		day := h.Days(customer)[0]
		if began != nil {
			var ok bool
			if day, ok = began[h.ID[customer]]; !ok {
				return retention.NoDay
			}
		}
		if day < first || day > out.AsOf {
			return retention.NoDay
		}
		return day
	}
	out.gather(h, by, labels, of, start)
	return out, nil
}

// gather counts the groups and follows the largest.
func (g *cohortGroups) gather(h *retention.History, by retention.Grain, labels *retention.Labels, of map[int64]int32, start func(int) int32) {
	without := labels.Number("") // the one group of all, where they are not split
	in := retention.GroupBy(h, len(labels.Names), retention.MostSplit, func(i int) int32 {
		if start(i) == retention.NoDay {
			return retention.Uncounted
		}
		if n, ok := of[h.ID[i]]; ok {
			return n
		}
		return without
	})
	g.Others = in.Others
	for _, n := range in.Shown {
		g.Groups = append(g.Groups, cohortGroup{Label: labels.Names[n], Size: in.Sizes[n], Rows: retention.CohortsSince(h, by, func(i int) int32 {
			if in.Of[i] != n {
				return retention.NoDay
			}
			return start(i)
		})})
	}
}

// Groups puts each customer into a group by their country or by their
// first purchase of all; who is in none is without what they are split by.
func Groups(ctx context.Context, q store.Querier, split retention.Split) (*retention.Labels, map[int64]int32, error) {
	labels, of := &retention.Labels{}, map[int64]int32{}
	var err error
	switch split {
	case retention.Together:
	case retention.ByCountry:
		err = eachRow(ctx, q, `select customer_id, country from customers where merged_into is null`, func(rows *sql.Rows) error {
			var customer int64
			var country string
			err := rows.Scan(&customer, &country)
			of[customer] = labels.Number(country)
			return err
		})
	case retention.ByChannel:
		var first map[int64]retention.Opening
		first, err = openings(ctx, q, labels)
		for customer, o := range first {
			of[customer] = o.Label
		}
	default:
		err = mostOfFirst(ctx, q, split, labels, of)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("group the customers by %s: %w", split, err)
	}
	return labels, of, nil
}

// openings are the customers' first purchases, labelled by their channel.
func openings(ctx context.Context, q store.Querier, channels *retention.Labels) (map[int64]retention.Opening, error) {
	all := map[int64]retention.Opening{}
	err := eachRow(ctx, q, `select customer_id, placed_at, order_id, channel from orders where purchase and cancelled_at is null`, func(rows *sql.Rows) error {
		var customer int64
		var channel string
		var o retention.Opening
		if err := rows.Scan(&customer, &o.At, &o.Order, &channel); err != nil {
			return err
		}
		if had, ok := all[customer]; !ok || o.Before(had) {
			o.Label = channels.Number(channel)
			all[customer] = o
		}
		return nil
	})
	return all, err
}

// mostOfFirst groups customers by what their first order held most of.
func mostOfFirst(ctx context.Context, q store.Querier, split retention.Split, labels *retention.Labels, of map[int64]int32) error {
	first, err := openings(ctx, q, &retention.Labels{})
	if err != nil {
		return err
	}
	goods := map[int64]int32{}
	err = eachRow(ctx, q, `
		select p.id, p.name, p.sku, coalesce(g.name, '') from products p left join categories g on g.id = p.category_id
		where p.kind <> 'service'`, func(rows *sql.Rows) error {
		var product int64
		var name, sku, category string
		if err := rows.Scan(&product, &name, &sku, &category); err != nil {
			return err
		}
		if split == retention.ByProduct {
			category = orders.ProductName(sku, name)
		}
		goods[product] = labels.Number(category)
		return nil
	})
	if err != nil {
		return err
	}
	return eachRow(ctx, q, `select customer_id, order_id, product_id, total_minor, line from order_lines`, func(rows *sql.Rows) error {
		var customer, order, product, total, line int64
		if err := rows.Scan(&customer, &order, &product, &total, &line); err != nil {
			return err
		}
		o, ok := first[customer]
		label, isGoods := goods[product]
		if ok && isGoods && o.Order == order && o.Hold(label, total, line) {
			first[customer] = o
			of[customer] = label
		}
		return nil
	})
}

// startsOf are the days from which customers are followed; nil is that of the
// first purchase.
func startsOf(ctx context.Context, q store.Querier, since string) (map[int64]int32, error) {
	if since == "" {
		return nil, nil
	}
	days := map[int64]int32{}
	if since == "joined" {
		err := eachRow(ctx, q, `select customer_id, joined_day from customers where merged_into is null`, func(rows *sql.Rows) error {
			var customer int64
			var day string
			err := rows.Scan(&customer, &day)
			if n, ok := retention.ParseDay(day); ok {
				days[customer] = n
			}
			return err
		})
		return days, err
	}
	shop, err := workspace.Load(ctx, q)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, q, `select customer_id, min(occurred_at) from events where kind = $1 group by customer_id`, func(rows *sql.Rows) error {
		var customer, at int64
		err := rows.Scan(&customer, &at)
		if n, ok := retention.ParseDay(shop.Day(time.UnixMicro(at))); ok {
			days[customer] = n
		}
		return err
	}, since)
	return days, err
}

// eachRow calls fn with every row of a query.
func eachRow(ctx context.Context, q store.Querier, query string, fn func(*sql.Rows) error, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
