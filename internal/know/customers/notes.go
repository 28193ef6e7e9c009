package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Note writes down something about a customer. It records note.added, which
// names the note and never its text.
func Note(ctx context.Context, tx *store.Tx, c id.Customer, by By, body string) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	if err := area("body", &body, maxText); err != nil {
		return err
	}
	if body == "" {
		return errs.Wrong("body", "customers.wrong.note")
	}
	note := tx.NewID()
	if _, err := tx.Exec(ctx, `
		insert into customer_notes (customer_id, id, body, author_id, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, null)`,
		int64(c), note, body, int64(by.Actor), tx.Now.UnixMicro(), null(int64(by.Import))); err != nil {
		return fmt.Errorf("write a note about %s: %w", c, err)
	}
	e := by.event(c, kindNote, struct{}{})
	e.Ref = note
	return timeline.Record(ctx, tx, e)
}

// Call is a telephone conversation, or the try of one.
type Call struct {
	Direction string    // one of Directions
	Outcome   string    // one of Outcomes
	Body      string    // what was said
	At        time.Time // zero: now
}

// Directions are who called whom: in is the customer calling.
var Directions = []string{"out", "in"}

// Outcomes are how a call can end.
var Outcomes = []string{"reached", "no_answer", "message", "wrong_number"}

// LogCall writes down a call. It records call.logged.
func LogCall(ctx context.Context, tx *store.Tx, c id.Customer, by By, call Call) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	switch {
	case !slices.Contains(Directions, call.Direction):
		return errs.Wrong("direction", "customers.wrong.call-direction")
	case !slices.Contains(Outcomes, call.Outcome):
		return errs.Wrong("outcome", "customers.wrong.call-outcome")
	}
	if err := area("body", &call.Body, maxText); err != nil {
		return err
	}
	if call.At.IsZero() {
		call.At = tx.Now
	}
	if call.At.After(tx.Now.Add(time.Hour)) {
		return errs.Wrong("at", "customers.wrong.call-future")
	}
	row := tx.NewID()
	if _, err := tx.Exec(ctx, `
		insert into customer_calls (customer_id, id, direction, outcome, body, author_id, called_at, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, null)`,
		int64(c), row, call.Direction, call.Outcome, call.Body, int64(by.Actor), call.At.UnixMicro(), tx.Now.UnixMicro(), null(int64(by.Import))); err != nil {
		return fmt.Errorf("log a call of %s: %w", c, err)
	}
	e := by.event(c, kindCall, Called{Direction: call.Direction, Outcome: call.Outcome})
	e.OccurredAt, e.Ref = call.At, row
	return timeline.Record(ctx, tx, e)
}

// bodies returns the texts of notes and calls by their ids, for the timeline.
func bodies(ctx context.Context, q store.Querier, c id.Customer, ids []int64) (map[int64]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	type body struct {
		id   int64
		text string
	}
	in := store.List(2, len(ids))
	all, err := store.All(ctx, q, func(rows *sql.Rows) (b body, err error) {
		return b, rows.Scan(&b.id, &b.text)
	}, `
		select id, body from customer_notes where customer_id = $1 and id in (`+in+`)
		union all
		select id, body from customer_calls where customer_id = $1 and id in (`+in+`)`, append([]any{int64(c)}, store.Args(ids)...)...)
	if err != nil {
		return nil, fmt.Errorf("read notes of %s: %w", c, err)
	}
	found := make(map[int64]string, len(all))
	for _, b := range all {
		found[b.id] = b.text
	}
	return found, nil
}

// RemoveNote takes back the text of a note or a call that should not have
// been written; that there was one stays on the timeline.
func RemoveNote(ctx context.Context, tx *store.Tx, c id.Customer, by By, note int64) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	var n int64
	for _, table := range []string{"customer_notes", "customer_calls"} {
		some, err := tx.Exec(ctx, `update `+table+` set body = '' where customer_id = $1 and id = $2 and body <> ''`, int64(c), note)
		if err != nil {
			return fmt.Errorf("remove a note about %s: %w", c, err)
		}
		n += some
	}
	return record(ctx, tx, c, by, kindChanged, make([]string, n), func() any { return Changed{Fields: []string{"note"}} })
}
