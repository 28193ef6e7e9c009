package customers

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// What know/keeping forgets of this module's tables, once it is old.

// CountNotesBefore counts notes that were written before.
func CountNotesBefore(ctx context.Context, q store.Querier, before time.Time) (int, error) {
	return countOld(ctx, q, `select count(*) from customer_notes where created_at < $1`, before)
}

// RemoveNotesBefore removes some of those.
func RemoveNotesBefore(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	return removeOld(ctx, tx, `
		delete from customer_notes where (customer_id, id) in (
			select customer_id, id from customer_notes where created_at < $1 order by customer_id, id limit $2)`, before, limit)
}

// CountCallsBefore counts calls that were written down before.
func CountCallsBefore(ctx context.Context, q store.Querier, before time.Time) (int, error) {
	return countOld(ctx, q, `select count(*) from customer_calls where created_at < $1`, before)
}

// RemoveCallsBefore removes some of those.
func RemoveCallsBefore(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	return removeOld(ctx, tx, `
		delete from customer_calls where (customer_id, id) in (
			select customer_id, id from customer_calls where created_at < $1 order by customer_id, id limit $2)`, before, limit)
}

// CountChangesBefore counts what stood in fields before changes of that time.
func CountChangesBefore(ctx context.Context, q store.Querier, before time.Time) (int, error) {
	return countOld(ctx, q, `select count(*) from customer_changes where audit_id in (select id from audit where at < $1)`, before)
}

// RemoveChangesBefore removes some of those; the lines of the log stay.
func RemoveChangesBefore(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	return removeOld(ctx, tx, `
		delete from customer_changes where (customer_id, audit_id) in (
			select customer_id, audit_id from customer_changes where audit_id in (select id from audit where at < $1)
			order by customer_id, audit_id limit $2)`, before, limit)
}

// quiet are the living of whom nothing was heard since $1.
const quiet = ` from customers c where c.merged_into is null and c.erased_at is null and c.changed_at < $1
	and not exists (select 1 from events e where e.customer_id = c.customer_id and e.occurred_at >= $1)`

// CountInactiveSince counts customers with no event and no change since.
func CountInactiveSince(ctx context.Context, q store.Querier, since time.Time) (int, error) {
	return countOld(ctx, q, `select count(*)`+quiet, since)
}

// EraseInactiveSince erases some of those for good, each with a receipt.
func EraseInactiveSince(ctx context.Context, tx *store.Tx, tables []Table, since time.Time, limit int) (int, error) {
	some, err := store.All(ctx, tx, store.Scalar[id.Customer], `select c.customer_id`+quiet+` order by c.customer_id limit $2`, since.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("look for customers of whom nothing is heard: %w", err)
	}
	for _, c := range some {
		if err := EraseForGood(ctx, tx, tables, c, By{Source: "keeping"}); err != nil {
			return 0, err
		}
	}
	return len(some), nil
}

func countOld(ctx context.Context, q store.Querier, query string, before time.Time) (n int, err error) {
	if err := q.QueryRow(ctx, query, before.UnixMicro()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what is old: %w", err)
	}
	return n, nil
}

func removeOld(ctx context.Context, tx *store.Tx, query string, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, query, before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove what is old: %w", err)
	}
	return int(n), nil
}
