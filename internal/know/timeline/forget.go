package timeline

import (
	"context"
	"fmt"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Forget removes the events of a customer that tell of a thing (an order, by
// its id) which the undoing of an import takes away: those that the import
// brought, or with import 0 all of them. What was folded from the customer's
// events is the caller's to have folded again.
func Forget(ctx context.Context, tx *store.Tx, c id.Customer, ref int64, i id.Import) error {
	var err error
	if i == 0 {
		_, err = tx.Exec(ctx, `delete from events where customer_id = $1 and ref_id = $2`, int64(c), ref)
	} else {
		_, err = tx.Exec(ctx, `delete from events where customer_id = $1 and ref_id = $2 and import_id = $3`, int64(c), ref, int64(i))
	}
	if err != nil {
		return fmt.Errorf("forget events of %s: %w", c, err)
	}
	return nil
}
