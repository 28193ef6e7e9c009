package users

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"regulars/internal/platform/store"
)

// Forgotten is the action of the line that says from before when (its subject)
// which kind of data (its field) was removed, as the keeping period was over.
// CheckAudit takes its word for "audit" and "changes": it is in the chain.
const Forgotten = "keeping.removed"

// forgotten reads from before when what stood in fields may be missing: of
// customers, and of everything else.
func forgotten(ctx context.Context, q store.Querier) (ofCustomers, ofOthers time.Time, err error) {
	lines, err := store.All(ctx, q, func(rows *sql.Rows) (l [2]string, err error) { return l, rows.Scan(&l[0], &l[1]) },
		`select subject, fields from audit where action = $1`, Forgotten)
	if err != nil {
		return ofCustomers, ofOthers, fmt.Errorf("check the audit log: %w", err)
	}
	for _, l := range lines {
		before, err := time.Parse(time.RFC3339Nano, l[0])
		switch {
		case err != nil:
		case l[1] == "changes" && before.After(ofCustomers):
			ofCustomers = before
		case l[1] == "audit" && before.After(ofOthers):
			ofOthers = before
		}
	}
	return ofCustomers, ofOthers, nil
}

// CountValuesBefore counts lines of the audit log from before that still say
// what stood in the fields.
func CountValuesBefore(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	err = q.QueryRow(ctx, `select count(*) from audit_values where audit_id in (select id from audit where at < $1)`, before.UnixMicro()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count old values of the audit log: %w", err)
	}
	return n, nil
}

// RemoveValuesBefore takes what stood in the fields out of some of those. The
// lines stay, and the chain that proves them holds: it is over the digests.
func RemoveValuesBefore(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, `
		delete from audit_values where audit_id in (
			select audit_id from audit_values where audit_id in (select id from audit where at < $1) order by audit_id limit $2)`,
		before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove old values of the audit log: %w", err)
	}
	return int(n), nil
}

// ended are sessions that ended by themselves before $1: their time was over,
// or nobody had come back since $2.
const ended = `expires_at < $1 or seen_at < $2`

// CountSessionsBefore counts sessions that ended by themselves before.
func CountSessionsBefore(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	err = q.QueryRow(ctx, `select count(*) from sessions where `+ended, before.UnixMicro(), before.Add(-IdleFor).UnixMicro()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count ended sessions: %w", err)
	}
	return n, nil
}

// RemoveSessionsBefore forgets some of those: device and times.
func RemoveSessionsBefore(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	n, err := tx.Exec(ctx, `
		delete from sessions where token_hash in (select token_hash from sessions where `+ended+` order by token_hash limit $3)`,
		before.UnixMicro(), before.Add(-IdleFor).UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove ended sessions: %w", err)
	}
	return int(n), nil
}
