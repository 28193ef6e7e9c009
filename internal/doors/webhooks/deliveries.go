package webhooks

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// Progress is how far a delivery has come.
type Progress string

// The states of a delivery.
const (
	Waiting   Progress = "waiting"   // for its next attempt
	Delivered Progress = "delivered" // the endpoint said 2xx
	Failed    Progress = "failed"    // no further attempt will be made
	Held      Progress = "held"      // back, as the endpoint is not on
)

// Delivery is one event for one endpoint.
type Delivery struct {
	Customer id.Customer // 0: a ping
	Endpoint id.Endpoint
	Event    id.Event
	Kind     string
	Progress Progress
	Body     string
	Attempts int // of this round: a replay counts anew
	Status   int // of the latest answer; 0: there was none
	Log      []Attempt
	MadeAt   time.Time
	NextAt   time.Time // zero: none is planned
}

// Attempt is what came of sending once.
type Attempt struct {
	At      time.Time `json:"at"`
	Took    int64     `json:"took_ms"`
	Status  int       `json:"status,omitempty"`
	Failure string    `json:"failure,omitempty"` // why there was no answer: as failureOf says it
	Answer  string    `json:"answer,omitempty"`  // its beginning
}

// good reports whether the endpoint took it.
func (a Attempt) good() bool { return a.Status >= 200 && a.Status < 300 }

// maxLog is how many attempts a delivery remembers.
const maxLog = 12

type deliveryLog struct {
	Attempts []Attempt `json:"attempts,omitempty"`
}

// Filter says which deliveries of an endpoint are wanted. The zero value: all.
type Filter struct {
	Progress Progress
	Kind     string
	Customer id.Customer
	Event    id.Event
	Since    time.Time
	Before   Cursor // only older ones; zero: from the newest
	Limit    int    // at most
}

// Cursor is the place of a delivery in the list.
type Cursor struct {
	MadeAt time.Time
	Event  id.Event
}

func (f Filter) where(endpoint id.Endpoint) (string, []any) {
	args := []any{int64(endpoint)}
	where := "endpoint_id = $1"
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where += " and " + condition
	}
	if f.Progress != "" {
		add("state = ?", string(f.Progress))
	}
	if f.Kind != "" {
		add("kind = ?", f.Kind)
	}
	if f.Customer != 0 {
		add("customer_id = ?", int64(f.Customer))
	}
	if f.Event != 0 {
		add("event_id = ?", int64(f.Event))
	}
	if !f.Since.IsZero() {
		add("made_at >= ?", f.Since.UnixMicro())
	}
	if !f.Before.MadeAt.IsZero() {
		add("(made_at, event_id) < (?, ?)", f.Before.MadeAt.UnixMicro(), int64(f.Before.Event))
	}
	return where, args
}

const deliveryColumns = `customer_id, endpoint_id, event_id, kind, state, body, attempts, status, log, made_at, next_at`

// Deliveries returns an endpoint's deliveries, the newest first.
func Deliveries(ctx context.Context, q store.Querier, endpoint id.Endpoint, f Filter) ([]Delivery, error) {
	where, args := f.where(endpoint)
	args = append(args, f.Limit)
	all, err := store.All(ctx, q, scanDelivery, fmt.Sprintf(`
		select %s from webhook_deliveries where %s
		order by made_at desc, event_id desc limit $%d`, deliveryColumns, where, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries of %s: %w", endpoint, err)
	}
	return all, nil
}

// DeliveryOf returns one delivery; errs.NotFound when it is not there, or no
// more after a while.
func DeliveryOf(ctx context.Context, q store.Querier, endpoint id.Endpoint, c id.Customer, e id.Event) (Delivery, error) {
	all, err := store.All(ctx, q, scanDelivery, `
		select `+deliveryColumns+` from webhook_deliveries where customer_id = $1 and endpoint_id = $2 and event_id = $3`,
		int64(c), int64(endpoint), int64(e))
	if err != nil {
		return Delivery{}, fmt.Errorf("read the delivery of %s: %w", e, err)
	}
	if len(all) == 0 {
		return Delivery{}, errs.Missing("webhooks.delivery.not-found")
	}
	return all[0], nil
}

func scanDelivery(rows *sql.Rows) (d Delivery, err error) {
	var made int64
	var next sql.NullInt64
	var log string
	if err := rows.Scan(&d.Customer, &d.Endpoint, &d.Event, &d.Kind, &d.Progress, &d.Body, &d.Attempts, &d.Status, &log, &made, &next); err != nil {
		return d, err
	}
	var l deliveryLog
	if err := json.Unmarshal([]byte(log), &l); err != nil {
		return d, fmt.Errorf("read the log of %s: %w", d.Event, err)
	}
	d.Log, d.MadeAt, d.NextAt = l.Attempts, time.UnixMicro(made).UTC(), moment(next)
	return d, nil
}

// Counts are how many deliveries of an endpoint are not delivered.
type Counts struct{ Waiting, Failed, Held int }

// Open counts what is not delivered, by endpoint.
func Open(ctx context.Context, q store.Querier) (map[id.Endpoint]Counts, error) {
	rows, err := q.Query(ctx, `select endpoint_id, state, count(*) from webhook_deliveries where state <> 'delivered' group by endpoint_id, state`)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	defer rows.Close()
	all := map[id.Endpoint]Counts{}
	for rows.Next() {
		var endpoint id.Endpoint
		var p Progress
		var n int
		if err := rows.Scan(&endpoint, &p, &n); err != nil {
			return nil, err
		}
		c := all[endpoint]
		switch p {
		case Waiting:
			c.Waiting = n
		case Failed:
			c.Failed = n
		case Held:
			c.Held = n
		}
		all[endpoint] = c
	}
	return all, rows.Err()
}

// Replay sends one delivery again, whatever came of it, under the same
// webhook-id.
func Replay(ctx context.Context, tx *store.Tx, d Delivery) error {
	return again(ctx, tx, []key{{d.Customer, d.Endpoint, d.Event}})
}

// ReplaySince sends again, in the background, what was made for an endpoint
// since then: what was not delivered, or with all everything.
func ReplaySince(ctx context.Context, tx *store.Tx, endpoint id.Endpoint, since time.Time, all bool) error {
	if _, err := ByID(ctx, tx, endpoint); err != nil {
		return err
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: replayJob, Args: replayArgs{Endpoint: endpoint, All: all,
		Since: since.UnixMicro(), Until: tx.Now.UnixMicro()}})
}

// again makes deliveries wait for a first attempt, now.
func again(ctx context.Context, tx *store.Tx, keys []key) error {
	todo := make([]jobs.New, len(keys))
	for i, k := range keys {
		if _, err := tx.Exec(ctx, `
			update webhook_deliveries set state = 'waiting', attempts = 0, next_at = $4
			where customer_id = $1 and endpoint_id = $2 and event_id = $3`,
			int64(k.Customer), int64(k.Endpoint), int64(k.Event), tx.Now.UnixMicro()); err != nil {
			return fmt.Errorf("replay %s: %w", k.Event, err)
		}
		todo[i] = k.job(sendJob)
	}
	return jobs.Enqueue(ctx, tx, todo...)
}
