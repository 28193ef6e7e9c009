package webhooks

import (
	"context"
	"fmt"
	"slices"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Tables say how deliveries follow their customer: they were told of whom it
// was then, and a merge is an event of its own. That somebody was erased has
// still to be told, so the rows stay; what the receivers answered goes.
var Tables = []customers.Table{
	{Name: "webhook_deliveries", Merge: customers.Stay, Erase: customers.Keep, Blank: map[string]string{"log": "{}"}, Unexported: true},
}

// Subscription makes a delivery of each event for each endpoint that wants
// it. An event that is told twice is delivered once: a delivery is known by
// its endpoint and event.
func Subscription(kinds timeline.Kinds) timeline.Subscription {
	return timeline.Subscription{Name: "webhooks", History: true, Today: wanted, Handle: func(ctx context.Context, tx *store.Tx, events []timeline.Event) error {
		endpoints, err := List(ctx, tx)
		if err != nil || len(endpoints) == 0 {
			return err
		}
		var all []delivery
		for _, e := range events {
			k, known := kinds[e.Kind]
			if !known {
				continue // of a module that this program no longer has
			}
			written := ""
			for _, to := range endpoints {
				if !to.wants(e.Kind, e.History) {
					continue
				}
				if written == "" {
					if written, err = Body(k, e); err != nil {
						return err
					}
				}
				all = append(all, delivery{key{e.Customer, to.ID, e.ID}, e.Kind, written, to.State == On})
			}
		}
		return deliver(ctx, tx, all)
	}}
}

// wanted says which events some endpoint asks for.
func wanted(ctx context.Context, q store.Querier) (func(kind string, history bool) bool, error) {
	endpoints, err := List(ctx, q)
	return func(kind string, history bool) bool {
		return slices.ContainsFunc(endpoints, func(e Endpoint) bool { return e.wants(kind, history) })
	}, err
}

// key is by what a delivery is known.
type key struct {
	Customer id.Customer `json:"customer"`
	Endpoint id.Endpoint `json:"endpoint"`
	Event    id.Event    `json:"event"`
}

func (k key) job(kind string) jobs.New {
	return jobs.New{Kind: kind, Args: k, Key: k.Endpoint.String() + " " + k.Customer.String() + " " + k.Event.String()}
}

type delivery struct {
	key
	kind, body string
	now        bool // else it is held back
}

// deliver writes deliveries and the job of each; those that are there already
// stay as they are.
func deliver(ctx context.Context, tx *store.Tx, all []delivery) error {
	rows := tx.Bulk(ctx, "webhook_deliveries",
		"customer_id, endpoint_id, event_id, kind, state, body, attempts, status, log, made_at, next_at",
		"on conflict (customer_id, endpoint_id, event_id) do nothing")
	var todo []jobs.New
	for _, d := range all {
		state, next := Held, any(nil)
		if d.now {
			state, next = Waiting, tx.Now.UnixMicro()
			todo = append(todo, d.job(sendJob))
		}
		if err := rows.Add(int64(d.Customer), int64(d.Endpoint), int64(d.Event), d.kind, string(state), d.body, 0, 0, "{}", tx.Now.UnixMicro(), next); err != nil {
			return fmt.Errorf("deliver %s: %w", d.Event, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("deliver %d events: %w", len(all), err)
	}
	return jobs.Enqueue(ctx, tx, todo...)
}

// SendPing tells an endpoint nothing, so that staff see whether it hears. It
// returns the event as which it went.
func SendPing(ctx context.Context, tx *store.Tx, endpoint id.Endpoint) (id.Event, error) {
	e, err := ByID(ctx, tx, endpoint)
	if err != nil {
		return 0, err
	}
	if e.State != On {
		return 0, errs.Clash("", "webhooks.ping.off")
	}
	event := timeline.Event{ID: id.Event(tx.NewID()), OccurredAt: tx.Now, RecordedAt: tx.Now, Kind: Ping.Name, Version: Ping.Version, Source: "staff",
		Payload: timeline.Payload(Pinged{Description: text.Short(e.Description, maxDescription)})}
	written, err := Body(Ping, event)
	if err != nil {
		return 0, err
	}
	return event.ID, deliver(ctx, tx, []delivery{{key{0, endpoint, event.ID}, Ping.Name, written, true}})
}
