package collect

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
)

var failuresKept = keeping.Kind{Name: "failures", Least: 1, Most: 365, Usual: 30, Count: countFailures, Remove: removeFailures}

// Keeping lets what came and could not be understood be forgotten, with the
// bodies as they came.
var Keeping = []keeping.Kind{failuresKept}

func countFailures(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	if err = q.QueryRow(ctx, `select count(*) from collect_failures where failed_at < $1`, before.UnixMicro()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count old failures: %w", err)
	}
	return n, nil
}

func removeFailures(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, `delete from collect_failures where id in (select id from collect_failures where failed_at < $1 order by id limit $2)`,
		before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove old failures: %w", err)
	}
	return int(n), nil
}
