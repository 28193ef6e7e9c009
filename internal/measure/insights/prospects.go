package insights

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/store"
)

// prospects is what the scores of all customers come to.
type prospects struct {
	AsOf     string         `json:"as_of"` // YYYY-MM-DD; empty: nobody is scored yet
	Scored   int64          `json:"scored"`
	Orders   int64          `json:"orders"`
	Models   []scores.Model `json:"models"`
	Judged   int64          `json:"judged"` // of whom it can be said whether they stay
	Alive    float64        `json:"alive"`  // expected number who do
	Chances  []chance       `json:"chances"`
	Valued   int64          `json:"valued"` // of whom it can be said what they bring
	Value    int64          `json:"value"`  // together, minor units
	Bands    []band         `json:"bands"`
	Slipping int64          `json:"slipping"`
	Worth    int64          `json:"worth"` // of who slips away, if they stayed
	Due      []due          `json:"due"`
	Overdue  int64          `json:"overdue"` // the day has passed, and they are not late for themselves yet
	Late     int64          `json:"late"`
	Whenever int64          `json:"whenever"` // due after the last day of Due, or never said
}

// chance counts those whose chance to be customers still is up to UpTo.
type chance struct {
	UpTo      float64 `json:"up_to"`
	Customers int64   `json:"customers"`
	Spent     int64   `json:"spent"` // so far
	Value     int64   `json:"value"` // expected
}

// band is a part of the customers by what they are expected to bring.
type band struct {
	Share     float64 `json:"share"` // of the customers, from the top
	Customers int64   `json:"customers"`
	Value     int64   `json:"value"`
	Least     int64   `json:"least"` // of one of them
}

// due counts who is due on a day.
type due struct {
	Day       string `json:"day"`
	Customers int64  `json:"customers"`
	Value     int64  `json:"value"` // what they are expected to bring within a year
}

func (p *prospects) count() int64 { return p.Orders }

// dueDays are how many days ahead the page of who is due looks.
const dueDays = 30

// prospectsOf adds the scores up.
func prospectsOf(ctx context.Context, db *store.DB) (*prospects, error) {
	p := &prospects{}
	var err error
	if p.Models, err = scores.Models(ctx, db); err != nil || len(p.Models) == 0 {
		return p, err
	}
	p.AsOf = p.Models[0].AsOfDay
	asOf, ok := retention.ParseDay(p.AsOf)
	if !ok {
		return nil, fmt.Errorf("the scores are as of %q, which is no day", p.AsOf)
	}
	for i := range int32(dueDays) {
		p.Due = append(p.Due, due{Day: retention.DayText(asOf + 1 + i)})
	}
	for i := range 10 {
		p.Chances = append(p.Chances, chance{UpTo: float64(i+1) / 10})
	}
	if err := p.read(ctx, db, asOf); err != nil {
		return nil, err
	}
	p.Slipping, p.Worth, err = scores.AtStake(ctx, db)
	return p, err
}

func (p *prospects) read(ctx context.Context, q store.Querier, asOf int32) error {
	rows, err := q.Query(ctx, `select orders, spend_minor, alive, expected_value_minor, due_day, late from customer_scores`)
	if err != nil {
		return fmt.Errorf("read the scores: %w", err)
	}
	defer rows.Close()
	var orders, spent int64
	var alive sql.NullFloat64
	var value sql.NullInt64
	var day sql.NullString
	var late bool
	var values []int64
	for rows.Next() {
		if err := rows.Scan(&orders, &spent, &alive, &value, &day, &late); err != nil {
			return fmt.Errorf("read the scores: %w", err)
		}
		p.Scored++
		p.Orders += orders
		if alive.Valid {
			p.Judged++
			p.Alive += alive.Float64
			c := &p.Chances[min(9, max(0, int(math.Ceil(alive.Float64*10))-1))]
			c.Customers++
			c.Spent += spent
			c.Value += value.Int64
		}
		if value.Valid {
			p.Value += value.Int64
			values = append(values, value.Int64)
		}
		at, known := retention.ParseDay(day.String)
		switch {
		case late:
			p.Late++
		case !known || at > asOf+dueDays:
			p.Whenever++
		case at <= asOf:
			p.Overdue++
		default:
			d := &p.Due[at-asOf-1]
			d.Customers++
			d.Value += value.Int64
		}
	}
	p.Valued = int64(len(values))
	p.cut(values)
	return rows.Err()
}

// cut puts customers in bands by what they are expected to bring.
func (p *prospects) cut(values []int64) {
	slices.Sort(values)
	slices.Reverse(values)
	before := 0
	for _, share := range []float64{0.01, 0.05, 0.1, 0.2, 0.5, 1} {
		upTo := int(math.Ceil(share*float64(len(values)) - 1e-9))
		if upTo <= before {
			continue
		}
		b := band{Share: share, Customers: int64(upTo - before), Least: values[upTo-1]}
		for _, v := range values[before:upTo] {
			b.Value += v
		}
		p.Bands = append(p.Bands, b)
		before = upTo
	}
}

// model is the model of a kind.
func (p *prospects) model(kind string) scores.Model {
	for _, m := range p.Models {
		if m.Kind == kind {
			return m
		}
	}
	return scores.Model{Kind: kind}
}

// unpack reads the parameters of a model.
func unpack(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read the parameters of a model: %w", err)
	}
	return nil
}
