// Package scores keeps one row a customer: whether they are one still, what
// they will bring, when they are due, and which group they are in, by the
// models of measure/retention.
//
// Its one rule: a row is nothing but the stored models asked about the
// customer's own purchases up to the row's day. Computed again from the same
// models it is the same, so it is never edited, and proven by Rebuild.
package scores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

const (
	// Horizon is the number of days for which purchases and value are expected.
	Horizon = 365
	// LateBelow is the share of a customer's gaps under which a silence as long
	// as theirs makes them late.
	LateBelow = 0.1
)

// Score is what the models say of one customer at the end of a day. Money is in
// minor units of the business's own currency. Where a model could not be fitted
// its Has… is false and its figures are zero: Models says why.
//
// Whether and when customers come is the rhythm's answer. BG/NBD knows no
// leaving after the first visit, and in shops whose customers buy regularly
// hardly any at all; the rhythm describes their visits better on both public
// data sets. How often those come who come is BG/NBD's, and what they spend the
// gamma-gamma model's:
//
//	Purchases = Return × E[visits | at least one]
//	Value     = Purchases × E[spend at a visit]
//	Worth     = Value / Alive
type Score struct {
	Customer id.Customer
	Model    int64 // the fit, see Models
	AsOfDay  string

	// What the scores stand on: purchases up to AsOfDay.
	FirstDay, LastDay string
	Visits            int64 // days with a purchase
	Orders            int64
	Spend             int64

	HasAlive bool
	Alive    float64 // chance to be a customer still
	Return   float64 // chance of a visit within Horizon

	HasPurchases bool
	Purchases    float64 // expected visits within Horizon

	HasValue bool
	Value    int64 // expected revenue within Horizon
	Worth    int64 // the same of somebody who certainly stays

	HasRhythm  bool
	LateChance float64 // share of their gaps that are as long as this silence
	Late       bool    // LateChance is below LateBelow
	Gap        float64 // expected days from visit to visit; 0: they have no mean
	DueDay     string  // by when half of such customers have come; empty: nobody can say

	R, F, M int64  // 1 to 5; 0 without a group
	Group   string // key of retention.Group; empty: too few customers
}

// OwnGap is the mean of the days between the customer's own visits, counted and
// not modelled; false under two visits.
func (s Score) OwnGap() (days float64, ok bool) {
	first, ok1 := retention.ParseDay(s.FirstDay)
	last, ok2 := retention.ParseDay(s.LastDay)
	if !ok1 || !ok2 || s.Visits < 2 {
		return 0, false
	}
	return float64(last-first) / float64(s.Visits-1), true
}

const columns = `customer_id, model_id, as_of_day, first_day, last_day, visits, orders, spend_minor, alive, return_chance,
	expected_purchases, expected_value_minor, worth_minor, expected_gap_days, due_day, late_chance, late,
	rfm_r, rfm_f, rfm_m, rfm_group`

// Of returns a customer's score as stored; false for who has not bought, or was
// not scored yet.
func Of(ctx context.Context, q store.Querier, c id.Customer) (Score, bool, error) {
	var r row
	err := q.QueryRow(ctx, `select `+columns+` from customer_scores where customer_id = $1`, int64(c)).Scan(r.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Score{}, false, nil
	}
	if err != nil {
		return Score{}, false, fmt.Errorf("read the score of %s: %w", c, err)
	}
	return r.score(), true, nil
}

// row is a row of customer_scores.
type row struct {
	s                                          Score
	alive, back, purchases, gap, late          sql.NullFloat64
	value, worth, recency, frequency, monetary sql.NullInt64
	due                                        sql.NullString
}

func (r *row) into() []any {
	s := &r.s
	return []any{&s.Customer, &s.Model, &s.AsOfDay, &s.FirstDay, &s.LastDay, &s.Visits, &s.Orders, &s.Spend, &r.alive, &r.back,
		&r.purchases, &r.value, &r.worth, &r.gap, &r.due, &r.late, &s.Late, &r.recency, &r.frequency, &r.monetary, &s.Group}
}

func (r *row) score() Score {
	s := r.s
	s.HasAlive, s.Alive, s.Return = r.alive.Valid, r.alive.Float64, r.back.Float64
	s.HasPurchases, s.Purchases = r.purchases.Valid, r.purchases.Float64
	s.HasValue, s.Value, s.Worth = r.value.Valid, r.value.Int64, r.worth.Int64
	s.HasRhythm, s.LateChance, s.Gap, s.DueDay = r.late.Valid, r.late.Float64, r.gap.Float64, r.due.String
	s.R, s.F, s.M = r.recency.Int64, r.frequency.Int64, r.monetary.Int64
	return s
}

// values are the columns of a row, in their order.
func (s Score) values() []any {
	v := []any{int64(s.Customer), s.Model, s.AsOfDay, s.FirstDay, s.LastDay, s.Visits, s.Orders, s.Spend,
		nil, nil, nil, nil, nil, nil, nil, nil, s.Late, nil, nil, nil, s.Group}
	if s.HasAlive {
		v[8], v[9] = s.Alive, s.Return
	}
	if s.HasPurchases {
		v[10] = s.Purchases
	}
	if s.HasValue {
		v[11], v[12] = s.Value, s.Worth
	}
	if s.Gap != 0 {
		v[13] = s.Gap
	}
	if s.DueDay != "" {
		v[14] = s.DueDay
	}
	if s.HasRhythm {
		v[15] = s.LateChance
	}
	if s.Group != "" {
		v[17], v[18], v[19] = s.R, s.F, s.M
	}
	return v
}

func scan(rows *sql.Rows) (Score, error) {
	var r row
	err := rows.Scan(r.into()...)
	return r.score(), err
}
