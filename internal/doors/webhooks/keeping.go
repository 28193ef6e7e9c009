package webhooks

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
)

// deliveriesKept is how long a delivery can be looked at and replayed. It is
// never so short that one would go which is still to be tried again.
var deliveriesKept = keeping.Kind{Name: "deliveries", Least: 7, Most: 365, Usual: 30, Slice: slice, Count: countDeliveries, Remove: removeDeliveries}

// Keeping lets deliveries be forgotten, with the bodies that were sent.
var Keeping = []keeping.Kind{deliveriesKept}

func countDeliveries(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	if err = q.QueryRow(ctx, `select count(*) from webhook_deliveries where made_at < $1`, before.UnixMicro()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count old deliveries: %w", err)
	}
	return n, nil
}

// removeDeliveries goes by endpoint, as their index does.
func removeDeliveries(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	endpoints, err := List(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, e := range endpoints {
		n, err := sweep(ctx, tx, e.ID, before, limit)
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}
