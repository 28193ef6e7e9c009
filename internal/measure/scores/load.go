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
	rows, err := q.Query(ctx, `select customer_id, placed_day, coalesce(base_minor, 0) from orders where purchase`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	defer rows.Close()
	var in retention.Orders
	var customer, amount int64
	var placed sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&customer, &placed, &amount); err != nil {
			return nil, fmt.Errorf("read purchases: %w", err)
		}
		if day, ok := parseDay(string(placed)); ok {
			in.Add(customer, day, amount)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	h, _, err := retention.Build(in, retention.Rules{LastDay: asOf, FreeOrders: true})
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
	today, ok := parseDay(settings.Day(db.Now()))
	if !ok {
		return 0, fmt.Errorf("today is %q, which is no day", settings.Day(db.Now()))
	}
	last, sold, end := int32(0), false, dayText(today+1)
	for _, query := range []string{
		`select placed_day from orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
		`select placed_day from walkin_orders where placed_day < $1 order by placed_at desc, order_id desc limit 1`,
	} {
		days, err := store.All(ctx, db, store.Scalar[string], query, end)
		if err != nil {
			return 0, fmt.Errorf("find the last sale: %w", err)
		}
		for _, d := range days {
			if n, ok := parseDay(d); ok && (!sold || n > last) {
				last, sold = n, true
			}
		}
	}
	if sold && last < today-lively {
		return last, nil
	}
	return today, nil
}

// parseDay counts the days from 1970-01-01 to YYYY-MM-DD.
func parseDay(s string) (int32, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	n := [3]int{}
	for i, part := range [3]string{s[:4], s[5:7], s[8:]} {
		for _, d := range []byte(part) {
			if d < '0' || d > '9' {
				return 0, false
			}
			n[i] = n[i]*10 + int(d-'0')
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 {
		return 0, false
	}
	return retention.Day(n[0], n[1], n[2]), true
}

// dayText writes a day as YYYY-MM-DD.
func dayText(day int32) string {
	y, m, d := retention.Civil(day)
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}
