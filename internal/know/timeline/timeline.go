// Package timeline is the spine: what happened to each customer, written in
// the same transaction as the change itself, and told to whoever reacts.
//
// Its one rule: an event is written once and never edited. Merge, erasure and
// the undoing of an import are exceptions, and leave their own trace; so are
// events that only follow from what a source told, when it tells of an earlier
// time later (docs/adr/0011).
package timeline

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// Event is one thing that happened to one customer.
type Event struct {
	ID         id.Event
	Customer   id.Customer
	OccurredAt time.Time // by its source; zero when recording: now
	RecordedAt time.Time
	Kind       string // "order.placed": noun.verb_past
	Version    int    // of the payload; zero when recording: 1
	History    bool   // updates facts, but starts no play and no message
	Source     string // who told: staff, import, demo, api
	Ref        int64  // the thing it tells of, an order say; 0: the customer
	Actor      id.User
	Import     id.Import       // the import that brought it; 0: none
	Payload    json.RawMessage // ids, amounts and names of fields, never personal values
	Origin     id.Customer     // whose it was before a merge; 0: always this one's
}

// Payload makes the JSON of a payload struct.
func Payload(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("timeline: a payload of type %T cannot be JSON: %v", v, err))
	}
	return b
}

const columns = `customer_id, occurred_at, id, kind, version, history, source, ref_id, actor_id, import_id, payload, recorded_at, origin_customer_id`

// Record writes events and the job that tells the subscribers of them, both
// in the caller's transaction. Events of an import are told later, by
// Release. The ids of the events are set.
func Record(ctx context.Context, tx *store.Tx, events ...Event) error {
	rows := tx.Bulk(ctx, "events", columns, "")
	var told []ref
	for i := range events {
		e := &events[i]
		e.complete(tx)
		if err := rows.Add(int64(e.Customer), e.OccurredAt.UnixMicro(), int64(e.ID), e.Kind, int64(e.Version), e.History,
			e.Source, e.Ref, int64(e.Actor), null(int64(e.Import)), string(e.Payload), e.RecordedAt.UnixMicro(), null(int64(e.Origin))); err != nil {
			return fmt.Errorf("record %s: %w", e.Kind, err)
		}
		if e.Import == 0 {
			told = append(told, e.ref())
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("record %d events: %w", len(events), err)
	}
	return tell(ctx, tx, told)
}

// complete fills in what the recorder left to us.
func (e *Event) complete(tx *store.Tx) {
	e.ID, e.RecordedAt = id.Event(tx.NewID()), tx.Now
	if e.OccurredAt.IsZero() {
		e.OccurredAt = tx.Now
	}
	e.OccurredAt = e.OccurredAt.UTC().Truncate(time.Microsecond)
	if e.Version == 0 {
		e.Version = 1
	}
	if e.Payload == nil {
		e.Payload = json.RawMessage("{}")
	}
}

// Filter says which events of a customer are wanted. The zero value: all.
type Filter struct {
	Kinds  []string
	Before Cursor // only older ones; zero: from the newest
	Limit  int    // at most; zero: 50
}

// Cursor is the place of an event in a customer's timeline.
type Cursor struct {
	OccurredAt time.Time
	ID         id.Event
}

// List returns a customer's events, the newest first.
func List(ctx context.Context, q store.Querier, c id.Customer, f Filter) ([]Event, error) {
	args := []any{int64(c)}
	where := "customer_id = $1"
	if !f.Before.OccurredAt.IsZero() {
		args = append(args, f.Before.OccurredAt.UnixMicro(), int64(f.Before.ID))
		where += " and (occurred_at, id) < ($2, $3)"
	}
	if len(f.Kinds) > 0 {
		where += " and kind in (" + store.List(len(args)+1, len(f.Kinds)) + ")"
		args = append(args, store.Args(f.Kinds)...)
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	args = append(args, f.Limit)
	return store.All(ctx, q, scan, fmt.Sprintf(`
		select %s from events where %s
		order by occurred_at desc, id desc limit $%d`, columns, where, len(args)), args...)
}

// History returns all of a customer's events in the order in which they
// happened: what facts are folded from.
func History(ctx context.Context, q store.Querier, c id.Customer) ([]Event, error) {
	return store.All(ctx, q, scan, `
		select `+columns+` from events where customer_id = $1 order by occurred_at, id`, int64(c))
}

// Counts returns how many events of each kind a customer has.
func Counts(ctx context.Context, q store.Querier, c id.Customer) (map[string]int, error) {
	type count struct {
		kind string
		n    int
	}
	all, err := store.All(ctx, q, func(rows *sql.Rows) (c count, err error) {
		return c, rows.Scan(&c.kind, &c.n)
	}, `select kind, count(*) from events where customer_id = $1 group by kind`, int64(c))
	counts := make(map[string]int, len(all))
	for _, c := range all {
		counts[c.kind] = c.n
	}
	return counts, err
}

func scan(rows *sql.Rows) (Event, error) {
	var e Event
	var occurred, recorded int64
	var imported, origin sql.NullInt64
	var payload string
	err := rows.Scan(&e.Customer, &occurred, &e.ID, &e.Kind, &e.Version, &e.History, &e.Source, &e.Ref, &e.Actor,
		&imported, &payload, &recorded, &origin)
	e.OccurredAt, e.RecordedAt = time.UnixMicro(occurred).UTC(), time.UnixMicro(recorded).UTC()
	e.Import, e.Origin = id.Import(imported.Int64), id.Customer(origin.Int64)
	e.Payload = json.RawMessage(payload)
	return e, err
}

func null(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}

func tell(ctx context.Context, tx *store.Tx, refs []ref) error {
	var todo []jobs.New
	for len(refs) > 0 {
		n, size := 0, 0
		for n < len(refs) && (n < sliceSize || size < fanoutBytes) {
			size += refBytes + len(refs[n].Kind)
			n++
		}
		todo = append(todo, jobs.New{Kind: fanout, Args: tellArgs{Events: refs[:n]}})
		refs = refs[n:]
	}
	if todo == nil {
		return nil
	}
	return jobs.Enqueue(ctx, tx, todo...)
}
