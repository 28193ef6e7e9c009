package scores

import (
	"context"
	"database/sql"
	"fmt"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Listed is a customer of a list.
type Listed struct {
	Score
	Name string
}

// mostListed bounds a page of a list.
const mostListed = 1000

// The customers who slip away: late, of two visits or more, and not so long
// ago that they are gone.
const (
	slipping = `s.late and s.visits >= 2 and s.alive >= 0.05 and s.worth_minor is not null`
	// GoneBelow is the chance to be a customer still under which nobody is
	// called slipping.
	GoneBelow = retention.GoneBelow
)

// SlippingCursor is a place in the list of those who slip away. The zero value
// is its beginning.
type SlippingCursor struct {
	Worth    int64
	Customer id.Customer
}

// Slipping returns customers whose silence is improbable for them but who may
// be there still: Late, Alive at least GoneBelow, two visits or more. Those who
// would bring most within a year if they stayed come first. The cursor is of
// the last one seen; limit is at most 1000.
func Slipping(ctx context.Context, q store.Querier, limit int, after SlippingCursor) ([]Listed, error) {
	args := []any{min(max(limit, 1), mostListed)}
	where := slipping
	if after.Customer != 0 {
		where += ` and (s.worth_minor, s.customer_id) < ($2, $3)`
		args = append(args, after.Worth, int64(after.Customer))
	}
	all, err := list(ctx, q, where+` order by s.worth_minor desc, s.customer_id desc limit $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list who slips away: %w", err)
	}
	return all, nil
}

// AtStake says how many customers slip away, and what they would bring within a
// year if they stayed.
func AtStake(ctx context.Context, q store.Querier) (customers, worthMinor int64, err error) {
	err = q.QueryRow(ctx, `select count(*), cast(coalesce(sum(s.worth_minor), 0) as bigint) from customer_scores s where `+slipping).
		Scan(&customers, &worthMinor)
	if err != nil {
		return 0, 0, fmt.Errorf("add up who slips away: %w", err)
	}
	return customers, worthMinor, nil
}

// Best returns the customers who are expected to bring most within Horizon;
// limit is at most 1000.
func Best(ctx context.Context, q store.Querier, limit int) ([]Listed, error) {
	all, err := list(ctx, q, `s.expected_value_minor is not null
		order by s.expected_value_minor desc nulls last, s.customer_id desc limit $1`, min(max(limit, 1), mostListed))
	if err != nil {
		return nil, fmt.Errorf("list who brings most: %w", err)
	}
	return all, nil
}

// DueCursor is a place in the list of those who are due. The zero value is its
// beginning.
type DueCursor struct {
	Day      string
	Customer id.Customer
}

// Due returns customers whose due day lies between two days, both included, in
// order of that day. The cursor is of the last one seen; limit is at most 1000.
func Due(ctx context.Context, q store.Querier, fromDay, toDay string, limit int, after DueCursor) ([]Listed, error) {
	args := []any{min(max(limit, 1), mostListed), fromDay, toDay}
	where := `s.due_day is not null and s.due_day >= $2 and s.due_day <= $3`
	if after.Customer != 0 {
		where += ` and (s.due_day, s.customer_id) > ($4, $5)`
		args = append(args, after.Day, int64(after.Customer))
	}
	all, err := list(ctx, q, where+` order by s.due_day nulls last, s.customer_id limit $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list who is due: %w", err)
	}
	return all, nil
}

// list reads scores with the names of their customers.
func list(ctx context.Context, q store.Querier, where string, args ...any) ([]Listed, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (Listed, error) {
		var r row
		var name string
		err := rows.Scan(append(r.into(), &name)...)
		return Listed{r.score(), name}, err
	}, `
		select s.customer_id, s.model_id, s.as_of_day, s.first_day, s.last_day, s.visits, s.orders, s.spend_minor, s.alive,
			s.return_chance, s.expected_purchases, s.expected_value_minor, s.worth_minor, s.expected_gap_days, s.due_day,
			s.late_chance, s.late, s.rfm_r, s.rfm_f, s.rfm_m, s.rfm_group, c.name
		from customer_scores s join customers c on c.customer_id = s.customer_id where `+where, args...)
}
