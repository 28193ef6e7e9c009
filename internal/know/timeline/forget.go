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

// Adopt makes the events of a customer that tell of a thing outlive the import
// that brought them (0: whichever): somebody else has told of the thing since.
// Those who react are told of them, as the import may not have got that far.
func Adopt(ctx context.Context, tx *store.Tx, c id.Customer, thing int64, i id.Import) error {
	all, err := store.All(ctx, tx, scan, `
		select `+columns+` from events where customer_id = $1 and ref_id = $2 and import_id is not null and (cast($3 as bigint) = 0 or import_id = $3)`,
		int64(c), thing, int64(i))
	if err != nil || len(all) == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `update events set import_id = null
		where customer_id = $1 and ref_id = $2 and import_id is not null and (cast($3 as bigint) = 0 or import_id = $3)`, int64(c), thing, int64(i)); err != nil {
		return fmt.Errorf("keep events of %s: %w", c, err)
	}
	return tell(ctx, tx, refsOf(all))
}

// Withdraw removes single events of a customer that later news of an earlier
// time showed never to have happened so. What was folded from the customer's
// events is the caller's to have folded again.
func Withdraw(ctx context.Context, tx *store.Tx, c id.Customer, events ...id.Event) error {
	for _, e := range events {
		if _, err := tx.Exec(ctx, `delete from events where customer_id = $1 and id = $2`, int64(c), int64(e)); err != nil {
			return fmt.Errorf("withdraw an event of %s: %w", c, err)
		}
	}
	return nil
}

// Again tells those who take history too of events that were told before: what
// they stand beside has changed in a way that left no event of its own.
func Again(ctx context.Context, tx *store.Tx, events ...Event) error {
	refs := refsOf(events)
	for i := range refs {
		refs[i].History = true // it starts nothing
	}
	return tell(ctx, tx, refs)
}
