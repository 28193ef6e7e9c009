package timeline

import (
	"context"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Of returns a customer's events that tell of the given things, such as an
// order and its returns, the newest first; at most 500.
func Of(ctx context.Context, q store.Querier, c id.Customer, refs ...int64) ([]Event, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	return store.All(ctx, q, scan, `
		select `+columns+` from events where customer_id = $1 and ref_id in (`+store.List(2, len(refs))+`)
		order by occurred_at desc, id desc limit 500`, append([]any{int64(c)}, store.Args(refs)...)...)
}
