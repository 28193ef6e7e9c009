package demo

import (
	"context"
	"fmt"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Remove empties a database that holds the demo store, and leaves it as a new
// one. Any other database is refused with errs.Invalid. One that also holds
// customers or sales that are not the demo's, imported perhaps, is refused
// with errs.Conflict, unless everything is to go.
func Remove(ctx context.Context, db *store.DB, everything bool) error {
	demo, err := Is(ctx, db)
	if err != nil {
		return err
	}
	if !demo {
		return errs.Wrong("", "demo.wrong.none")
	}
	people, sales, err := others(ctx, db)
	if err != nil {
		return err
	}
	if people+sales > 0 && !everything {
		return errs.Clash("", "demo.wrong.others", "Customers", people, "Orders", sales)
	}
	return store.Clear(ctx, db)
}

// others counts the customers and sales that are not of the demo.
func others(ctx context.Context, q store.Querier) (people, sales int, err error) {
	if err = q.QueryRow(ctx, `select count(*) from customers where source <> $1`, Source).Scan(&people); err != nil {
		return 0, 0, fmt.Errorf("look for customers of one's own: %w", err)
	}
	err = q.QueryRow(ctx, `
		select (select count(*) from orders where source <> $1) + (select count(*) from walkin_orders where source <> $1)
			+ (select count(*) from subscriptions where source <> $1)`, Source).Scan(&sales)
	if err != nil {
		return 0, 0, fmt.Errorf("look for sales of one's own: %w", err)
	}
	return people, sales, nil
}
