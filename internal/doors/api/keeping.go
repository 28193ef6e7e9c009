package api

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
)

var requestsKept = keeping.Kind{Name: "requests", Least: 1, Most: 365, Usual: 30, Slice: tidySlice, Count: countRequests, Remove: removeRequests}

// Keeping lets the log of requests be forgotten.
var Keeping = []keeping.Kind{requestsKept}

func countRequests(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	if err = q.QueryRow(ctx, `select count(*) from api_requests where at < $1`, before.UnixMicro()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count old requests: %w", err)
	}
	return n, nil
}

func removeRequests(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, `delete from api_requests where id in (select id from api_requests where at < $1 order by at, id limit $2)`,
		before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove old requests: %w", err)
	}
	return int(n), nil
}
