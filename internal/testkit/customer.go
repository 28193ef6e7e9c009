package testkit

import (
	"context"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// BareCustomer puts in the row that events and orders refer to, for tests of
// modules that do not know who customers are.
func BareCustomer(ctx context.Context, tx *store.Tx, c id.Customer) error {
	_, err := tx.Exec(ctx, `
		insert into customers (customer_id, version, name, sort_name, given, family, language, country, email, phone,
			joined_at, joined_day, source, created_at, changed_at)
		values ($1, 1, '', '', '', '', '', '', '', '', $2, '2026-03-02', 'test', $2, $2)`, int64(c), tx.Now.UnixMicro())
	return err
}
