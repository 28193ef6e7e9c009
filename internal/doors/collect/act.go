package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// action is something that a customer did, as it is written.
type action struct {
	customer id.Customer
	at       time.Time
	kind     string // track, page, screen
	name     string
	source   id.Source // 0: a program by the API
	props    []property

	actor   id.User  // whose key the program has
	history bool     // it is history, however fresh
	event   id.Event // set by write
}

// write writes down what customers did, oldest first: the event on their
// timeline, its name and its values. It is the one way by which such events
// come into the store.
func write(ctx context.Context, tx *store.Tx, all []*action) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *action) int {
		return cmp.Or(cmp.Compare(a.customer, b.customer), a.at.Compare(b.at))
	})
	events := make([]timeline.Event, len(all))
	for i, a := range all {
		e := timeline.Event{Customer: a.customer, OccurredAt: a.at, Kind: acts[a.kind], Source: "collect", Actor: a.actor,
			History: a.history || tx.Now.Sub(a.at) > fresh}
		if a.source == 0 {
			e.Source = "api"
		}
		e.Payload, e.Version = a.payload()
		events[i] = e
	}
	if err := timeline.Record(ctx, tx, events...); err != nil {
		return err
	}
	names := tx.Bulk(ctx, "customer_event_names", "customer_id, name, occurred_at, event_id, origin_customer_id", "")
	for i, a := range all {
		a.event = events[i].ID
		if err := names.Add(int64(a.customer), a.called(), a.at.UnixMicro(), int64(events[i].ID), nil); err != nil {
			return err
		}
	}
	if err := names.Close(); err != nil {
		return fmt.Errorf("write the names of %d events: %w", len(all), err)
	}
	props := tx.Bulk(ctx, "customer_event_props", "customer_id, event_id, prop, ordinal, text_value, number_value, origin_customer_id", "")
	for i, a := range all {
		for _, p := range a.props {
			if err := props.Add(int64(a.customer), int64(events[i].ID), p.key, p.ordinal, p.text, p.number, nil); err != nil {
				return err
			}
		}
	}
	if err := props.Close(); err != nil {
		return fmt.Errorf("write what %d events tell: %w", len(all), err)
	}
	return nil
}

// called is the name by which the event is found: that of a page or screen
// without one is the kind.
func (a action) called() string {
	switch {
	case a.kind == "track":
		return text.Masked(a.name, maxName)
	case a.name == "":
		return "(" + a.kind + ")"
	}
	return text.Masked("("+a.kind+") "+a.name, maxName)
}
