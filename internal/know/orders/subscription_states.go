package orders

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// State is what a subscription was from one time to another.
type State struct {
	ToldAt  time.Time
	Since   time.Time
	Until   time.Time // zero: it is so
	Implied bool      // nobody told of it: it was so before the first account
	Import  id.Import // that told of it; 0: none did
	Terms
	Monthly int64
}

const stateTerms = `plan, status, amount_minor, currency, interval_unit, interval_count, quantity, started_at, trial_end_at, period_end_at,
	cancel_at, ended_at, reason, note`

// StatesOf returns what a subscription was, the oldest first.
func StatesOf(ctx context.Context, q store.Querier, c id.Customer, s id.Subscription) ([]State, error) {
	return readStates(ctx, q, c, s)
}

func readStates(ctx context.Context, q store.Querier, c id.Customer, s id.Subscription) ([]State, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (v State, err error) {
		var told, since int64
		var until, imported sql.NullInt64
		t := termScan{}
		err = rows.Scan(append([]any{&told, &since, &until, &v.Implied, &imported, &v.Monthly}, t.into(&v.Terms)...)...)
		v.ToldAt, v.Since, v.Until, v.Import = micros(told), micros(since), nullMicros(until), id.Import(imported.Int64)
		t.set(&v.Terms)
		return v, err
	}, `select told_at, since_at, until_at, implied, import_id, monthly_minor, `+stateTerms+` from subscription_states
		where customer_id = $1 and subscription_id = $2 order by told_at`, int64(c), int64(s))
	if err != nil {
		return nil, fmt.Errorf("read the states of the subscription %s: %w", s, err)
	}
	return all, nil
}

// termScan are the times of terms as they lie in a table.
type termScan struct{ started, trial, period, cancel, ended sql.NullInt64 }

func (s *termScan) into(t *Terms) []any {
	return []any{&t.Plan, &t.Status, &t.Amount, &t.Currency, &t.Unit, &t.Every, &t.Quantity, &s.started, &s.trial, &s.period, &s.cancel, &s.ended, &t.Reason, &t.Note}
}

func (s *termScan) set(t *Terms) {
	t.StartedAt, t.TrialEnd, t.PeriodEnd = nullMicros(s.started), nullMicros(s.trial), nullMicros(s.period)
	t.CancelAt, t.EndedAt = nullMicros(s.cancel), nullMicros(s.ended)
}

// values are the terms in the order of stateTerms.
func (t Terms) values() []any {
	return []any{t.Plan, t.Status, t.Amount, string(t.Currency), t.Unit, t.Every, t.Quantity, nullTime(t.StartedAt), nullTime(t.TrialEnd), nullTime(t.PeriodEnd),
		nullTime(t.CancelAt), nullTime(t.EndedAt), t.Reason, t.Note}
}

func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func nullMicros(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return micros(v.Int64)
}

// text is by what one of two accounts of the same time is chosen.
func (t Terms) text() string {
	b, _ := json.Marshal(t) // of texts, numbers and times: it cannot fail
	return string(b)
}

// toldStates are those that a source told of, as it did.
func toldStates(all []State) []State {
	var told []State
	for _, s := range all {
		if !s.Implied {
			told = append(told, State{ToldAt: s.ToldAt, Import: s.Import, Terms: s.Terms})
		}
	}
	return told
}

// derive makes the history of all that was told, in the order of its times:
// from when to when each held, and what was before the first.
func derive(told []State) []State {
	start := startOf(told)
	all := append(implied(start, told[0]), told...)
	for i := range all {
		s := &all[i]
		s.Since, s.Until, s.Monthly = s.ToldAt, time.Time{}, s.PerMonth()
		if s.Status == Ended {
			s.Since = later(s.EndedAt, start)
		}
		if i > 0 {
			s.Since = later(s.Since, all[i-1].Since)
			all[i-1].Until = s.Since
		}
	}
	return all
}

// startOf is when a subscription started by all that was told.
func startOf(told []State) time.Time {
	start := told[0].ToldAt
	for _, s := range told {
		if !s.StartedAt.IsZero() && s.StartedAt.Before(start) {
			start = s.StartedAt
		}
	}
	return start
}

// implied is what was between the start and the first account: the same, on
// trial as long as that says it was.
func implied(start time.Time, first State) []State {
	if !start.Before(first.ToldAt) {
		return nil
	}
	t := first.Terms
	t.Status, t.CancelAt, t.EndedAt, t.Reason, t.Note = Active, time.Time{}, time.Time{}, "", ""
	began := State{ToldAt: start, Implied: true, Terms: t}
	end := first.ToldAt
	if first.Status == Ended {
		end = first.EndedAt
	}
	if first.Status == Trialing || t.TrialEnd.After(start) {
		began.Status = Trialing
	}
	all := []State{began}
	if first.Status != Trialing && t.TrialEnd.After(start) && t.TrialEnd.Before(end) {
		all = append(all, State{ToldAt: t.TrialEnd, Implied: true, Terms: t})
	}
	return all
}

// ratio is n × a ÷ b, rounded half away from zero; n is not below zero.
func ratio(n, a, b int64) int64 {
	v := new(big.Int).Mul(big.NewInt(n), big.NewInt(2*a))
	return v.Add(v, big.NewInt(b)).Quo(v, big.NewInt(2*b)).Int64()
}

// keeping is the writing of one subscription.
type keeping struct {
	tx           *store.Tx
	subscription Subscription
	by           customers.By
}

// keep writes the history in the place of what it was, the subscription as it
// stands, and the events that are new.
func (k *keeping) keep(ctx context.Context, had, all []State) error {
	for _, s := range had {
		if !slices.ContainsFunc(all, func(n State) bool { return n.ToldAt.Equal(s.ToldAt) }) {
			if _, err := k.tx.Exec(ctx, `delete from subscription_states where customer_id = $1 and subscription_id = $2 and told_at = $3`,
				int64(k.subscription.Customer), int64(k.subscription.ID), s.ToldAt.UnixMicro()); err != nil {
				return fmt.Errorf("write the history of the subscription %s: %w", k.subscription.ID, err)
			}
		}
	}
	for _, s := range all {
		if slices.Contains(had, s) {
			continue
		}
		if err := k.state(ctx, s); err != nil {
			return err
		}
	}
	newest := all[len(all)-1]
	k.subscription.Terms, k.subscription.Monthly, k.subscription.ToldAt = newest.Terms, newest.Monthly, newest.ToldAt
	k.subscription.StartedAt = startOf(all)
	if err := k.current(ctx); err != nil {
		return err
	}
	return k.tell(ctx, all)
}

func (k *keeping) state(ctx context.Context, s State) error {
	args := append([]any{int64(k.subscription.Customer), int64(k.subscription.ID), s.ToldAt.UnixMicro(), s.Since.UnixMicro(), nullTime(s.Until), s.Implied, null(int64(s.Import)), s.Monthly},
		s.values()...)
	args = append(args, null(int64(k.subscription.Origin)))
	_, err := k.tx.Exec(ctx, `insert into subscription_states (customer_id, subscription_id, told_at, since_at, until_at, implied, import_id, monthly_minor, `+stateTerms+`, origin_customer_id)
		values (`+store.List(1, len(args))+`)
		on conflict (customer_id, subscription_id, told_at) do update set since_at = excluded.since_at, until_at = excluded.until_at, implied = excluded.implied,
			import_id = excluded.import_id, monthly_minor = excluded.monthly_minor, plan = excluded.plan, status = excluded.status, amount_minor = excluded.amount_minor, currency = excluded.currency,
			interval_unit = excluded.interval_unit, interval_count = excluded.interval_count, quantity = excluded.quantity, started_at = excluded.started_at,
			trial_end_at = excluded.trial_end_at, period_end_at = excluded.period_end_at, cancel_at = excluded.cancel_at, ended_at = excluded.ended_at,
			reason = excluded.reason, note = excluded.note`, args...)
	if err != nil {
		return fmt.Errorf("write the history of the subscription %s: %w", k.subscription.ID, err)
	}
	return nil
}

// current writes the subscription as it stands.
func (k *keeping) current(ctx context.Context) error {
	s := &k.subscription
	args := append([]any{int64(s.Customer), int64(s.ID), s.Source, s.External, s.Monthly, s.ToldAt.UnixMicro(), k.tx.Now.UnixMicro()}, s.values()...)
	_, err := k.tx.Exec(ctx, `insert into subscriptions (customer_id, subscription_id, source, external, monthly_minor, told_at, recorded_at, `+stateTerms+`)
		values (`+store.List(1, len(args))+`)
		on conflict (customer_id, subscription_id) do update set monthly_minor = excluded.monthly_minor, told_at = excluded.told_at,
			plan = excluded.plan, status = excluded.status, amount_minor = excluded.amount_minor, currency = excluded.currency,
			interval_unit = excluded.interval_unit, interval_count = excluded.interval_count, quantity = excluded.quantity, started_at = excluded.started_at,
			trial_end_at = excluded.trial_end_at, period_end_at = excluded.period_end_at, cancel_at = excluded.cancel_at, ended_at = excluded.ended_at,
			reason = excluded.reason, note = excluded.note`, args...)
	if err != nil {
		return fmt.Errorf("write the subscription %s: %w", s.ID, err)
	}
	return nil
}
