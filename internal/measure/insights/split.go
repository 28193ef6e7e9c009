package insights

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// cohortSplits are by what cohorts are set side by side: the customer's
// country, or something of their first order.
var cohortSplits = []string{"", byChannel, byCountry, byCategory, byProduct}

// cohortStarts are the events from which customers are followed: the first
// purchase, the day they joined, or the first event of a kind.
var cohortStarts = []string{"", "joined", orders.EventDelivered, orders.EventRefunded, orders.EventCancelled, "call.logged", "note.added"}

// mostSplit is how many groups are shown: the largest.
const mostSplit = 6

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
	r := reading{q: db, filter: i.Filter, tell: i.teller(ctx, db)}
	c, err := r.load(ctx, today)
	if err != nil {
		return nil, err
	}
	out := &cohortGroups{AsOf: c.asOf}
	h, left, err := retention.Build(c.purchases, retention.Rules{LastDay: c.today, FreeOrders: true})
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
	labels, of, err := customerGroups(ctx, db, i.Split)
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
func (g *cohortGroups) gather(h *retention.History, by retention.Grain, labels []string, of map[int64]int32, start func(int) int32) {
	group := make([]int32, len(h.ID))
	sizes := make([]int64, max(1, len(labels)))
	for i, customer := range h.ID {
		n, ok := int32(0), true
		if of != nil {
			n, ok = of[customer]
		}
		switch {
		case start(i) == retention.NoDay:
			group[i] = -1
		case !ok:
			group[i] = -1
			g.Others++
		default:
			group[i] = n
			sizes[n]++
		}
	}
	order := make([]int32, len(sizes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(sizes[b], sizes[a]) })
	for place, n := range order {
		if sizes[n] == 0 {
			break
		}
		if place >= mostSplit {
			g.Others += sizes[n]
			continue
		}
		one := cohortGroup{Size: sizes[n], Rows: retention.CohortsSince(h, by, func(i int) int32 {
			if group[i] != n {
				return retention.NoDay
			}
			return start(i)
		})}
		if len(labels) > 0 {
			one.Label = labels[n]
		}
		g.Groups = append(g.Groups, one)
	}
}

// customerGroups puts each customer into a group by their country or by their
// first purchase of all; of is nil where all are one group.
func customerGroups(ctx context.Context, q store.Querier, split string) (labels []string, of map[int64]int32, err error) {
	if split == "" {
		return nil, nil, nil
	}
	known := map[string]int32{}
	of = map[int64]int32{}
	put := func(customer int64, label string) {
		n, ok := known[label]
		if !ok {
			n = int32(len(labels))
			known[label] = n
			labels = append(labels, label)
		}
		of[customer] = n
	}
	switch split {
	case byCountry:
		err = eachRow(ctx, q, `select customer_id, country from customers where merged_into is null`, func(rows *sql.Rows) error {
			var customer int64
			var country string
			err := rows.Scan(&customer, &country)
			put(customer, country)
			return err
		})
	case byChannel:
		var first map[int64]firstOrder
		if first, err = firstOrders(ctx, q); err == nil {
			for customer, o := range first {
				put(customer, o.channel)
			}
		}
	default:
		err = mostOfFirst(ctx, q, split, put)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("group the customers by %s: %w", split, err)
	}
	return labels, of, nil
}

// firstOrder is a customer's first purchase of all.
type firstOrder struct {
	at, order int64
	channel   string
	most      int64 // the largest line seen of it
}

func firstOrders(ctx context.Context, q store.Querier) (map[int64]firstOrder, error) {
	all := map[int64]firstOrder{}
	err := eachRow(ctx, q, `select customer_id, placed_at, order_id, channel from orders where purchase and cancelled_at is null`, func(rows *sql.Rows) error {
		var customer int64
		var o firstOrder
		if err := rows.Scan(&customer, &o.at, &o.order, &o.channel); err != nil {
			return err
		}
		if had, ok := all[customer]; !ok || o.at < had.at || o.at == had.at && o.order < had.order {
			all[customer] = o
		}
		return nil
	})
	return all, err
}

// mostOfFirst groups customers by what their first order held most of.
func mostOfFirst(ctx context.Context, q store.Querier, split string, put func(int64, string)) error {
	first, err := firstOrders(ctx, q)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	err = eachRow(ctx, q, `
		select p.id, p.name, p.sku, coalesce(g.name, '') from products p left join categories g on g.id = p.category_id
		where p.kind <> 'service'`, func(rows *sql.Rows) error {
		var product int64
		var name, sku, category string
		if err := rows.Scan(&product, &name, &sku, &category); err != nil {
			return err
		}
		names[product] = cmp.Or(name, sku)
		if split == byCategory {
			names[product] = category
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachRow(ctx, q, `select customer_id, order_id, product_id, total_minor from order_lines`, func(rows *sql.Rows) error {
		var customer, order, product, total int64
		if err := rows.Scan(&customer, &order, &product, &total); err != nil {
			return err
		}
		o, ok := first[customer]
		name, isProduct := names[product]
		if ok && isProduct && o.order == order && total > o.most {
			o.most = total
			first[customer] = o
			put(customer, name)
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
