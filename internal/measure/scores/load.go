package scores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// history reads purchases up to a day, of the customers that the condition
// finds or of all with an empty one; nil when there are none. A purchase that
// waits for a rate is a visit that brought nothing, until the rate comes.
func history(ctx context.Context, q store.Querier, asOf int32, where string, args ...any) (*retention.History, error) {
	expect := 0
	if where == "" {
		if err := q.QueryRow(ctx, `select count(*) from orders`).Scan(&expect); err != nil {
			return nil, fmt.Errorf("count purchases: %w", err)
		}
	}
	rows, err := q.Query(ctx, `select customer_id, placed_day, coalesce(base_minor, 0) from orders where purchase`+where+` order by customer_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	defer rows.Close()
	in := retention.NewSorted(retention.Rules{LastDay: asOf, FreeOrders: true}, expect)
	var customer, amount int64
	var placed sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&customer, &placed, &amount); err != nil {
			return nil, fmt.Errorf("read purchases: %w", err)
		}
		if day, ok := retention.ParseDay(string(placed)); ok {
			if err := in.Add(customer, day, amount); err != nil {
				return nil, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	h, _, err := in.History()
	if errors.Is(err, retention.ErrNoOrders) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sort purchases: %w", err)
	}
	return h, nil
}

// lively is how many days ago the last sale may be for a business to be going
// on: then today is the last day known. What was imported of one that is not
// ends with its last sale, or everybody would be late by years.
const lively = 31

// lastDay is the last day that the data tells of.
func lastDay(ctx context.Context, db *store.DB) (int32, error) {
	settings, err := workspace.Load(ctx, db)
	if err != nil {
		return 0, err
	}
	today, ok := retention.ParseDay(settings.Day(db.Now()))
	if !ok {
		return 0, fmt.Errorf("today is %q, which is no day", settings.Day(db.Now()))
	}
	last, sold, end := int32(0), false, retention.DayText(today+1)
	for _, query := range []string{
		`select placed_day from orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
		`select placed_day from walkin_orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
	} {
		days, err := store.All(ctx, db, store.Scalar[string], query, end)
		if err != nil {
			return 0, fmt.Errorf("find the last sale: %w", err)
		}
		for _, d := range days {
			if n, ok := retention.ParseDay(d); ok && (!sold || n > last) {
				last, sold = n, true
			}
		}
	}
	if sold && last < today-lively {
		return last, nil
	}
	return today, nil
}
