package orders

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// The events of subscriptions. Each is about the subscription whose id is the
// event's Ref. All but the renewals follow from its history: when a source
// tells late of an earlier time, what it shows to be untrue is withdrawn.
const (
	EventStarted         = "subscription.started"          // Subscribed
	EventChanged         = "subscription.changed"          // Resubscribed
	EventPaused          = "subscription.paused"           // Subscribed
	EventResumed         = "subscription.resumed"          // Subscribed
	EventNoticeGiven     = "subscription.notice_given"     // Ending
	EventNoticeWithdrawn = "subscription.notice_withdrawn" // Ending
	EventEnded           = "subscription.cancelled"        // Ending
	EventRenewed         = "subscription.renewed"          // Renewed
)

// SubscriptionEvents are those that change what customers pay.
var SubscriptionEvents = []string{EventStarted, EventChanged, EventPaused, EventResumed, EventNoticeGiven, EventNoticeWithdrawn, EventEnded}

// Subscribed is the payload of what a subscription is from the event on.
type Subscribed struct {
	Plan     string         `json:"plan"`     // as its source calls it
	Status   string         `json:"status"`   // trialing, active, past_due, paused or cancelled
	Currency money.Currency `json:"currency"` // of the amounts
	Amount   int64          `json:"amount"`   // minor units each period, for all of the quantity
	Unit     string         `json:"unit"`     // day, week, month or year
	Every    int64          `json:"every"`    // how many of them a period is
	Quantity int64          `json:"quantity"` // how many of the plan
	Monthly  int64          `json:"monthly"`  // minor units a month; 0 while nothing is paid
}

// Resubscribed is the payload of subscription.changed: what it is from the
// event on, and what it was.
type Resubscribed struct {
	Plan     string         `json:"plan"`     // as its source calls it
	Status   string         `json:"status"`   // trialing, active or past_due
	Currency money.Currency `json:"currency"` // of the amounts
	Amount   int64          `json:"amount"`   // minor units each period, for all of the quantity
	Unit     string         `json:"unit"`     // day, week, month or year
	Every    int64          `json:"every"`    // how many of them a period is
	Quantity int64          `json:"quantity"` // how many of the plan
	Monthly  int64          `json:"monthly"`  // minor units a month; 0 while nothing is paid
	Former   Former         `json:"former"`   // what it was
}

// Former is what a subscription was before it changed.
type Former struct {
	Plan     string         `json:"plan"`     // as its source calls it
	Status   string         `json:"status"`   // trialing, active, past_due, paused or cancelled
	Currency money.Currency `json:"currency"` // of the amounts
	Amount   int64          `json:"amount"`   // minor units each period
	Monthly  int64          `json:"monthly"`  // minor units a month; 0 while nothing is paid
}

// Ending is the payload of a notice and of the end.
type Ending struct {
	Plan     string         `json:"plan"`             // as its source calls it
	Day      string         `json:"day"`              // on which it ends or ended; of a notice withdrawn: would have
	Currency money.Currency `json:"currency"`         // of the amount
	Monthly  int64          `json:"monthly"`          // minor units a month that were paid
	Reason   string         `json:"reason,omitempty"` // one word, such as too_expensive
}

// Renewed is the payload of subscription.renewed: a period was paid for. The
// payment itself is an order.
type Renewed struct {
	Plan     string         `json:"plan"`            // as its source calls it
	Number   string         `json:"number"`          // of the invoice, as its source has it
	Currency money.Currency `json:"currency"`        // of the amount
	Amount   int64          `json:"amount"`          // minor units
	Until    string         `json:"until,omitempty"` // the day up to which it is paid
}

// subscriptionKinds are the events as people read them.
var subscriptionKinds = []timeline.Kind{
	{Name: EventStarted, Version: 1, Icon: "repeat", Group: "orders", Ref: "sub", Payload: Subscribed{}, Tell: tellSubscribed("started", "good")},
	{Name: EventChanged, Version: 1, Icon: "pencil", Group: "orders", Ref: "sub", Payload: Resubscribed{}, Tell: tellTerms},
	{Name: EventPaused, Version: 1, Icon: "player-pause", Group: "orders", Ref: "sub", Payload: Subscribed{}, Tell: tellSubscribed("paused", "warn")},
	{Name: EventResumed, Version: 1, Icon: "player-play", Group: "orders", Ref: "sub", Payload: Subscribed{}, Tell: tellSubscribed("resumed", "good")},
	{Name: EventNoticeGiven, Version: 1, Icon: "calendar-event", Group: "orders", Ref: "sub", Payload: Ending{}, Tell: tellEnding("notice", "warn")},
	{Name: EventNoticeWithdrawn, Version: 1, Icon: "arrow-back-up", Group: "orders", Ref: "sub", Payload: Ending{}, Tell: tellEnding("stays", "good")},
	{Name: EventEnded, Version: 1, Icon: "circle-x", Group: "orders", Ref: "sub", Payload: Ending{}, Tell: tellEnding("ended", "bad")},
	{Name: EventRenewed, Version: 1, Icon: "repeat", Group: "orders", Ref: "sub", Payload: Renewed{}, Tell: tellRenewed},
}

// tell makes the events of the subscription those that follow from its
// history.
func (k *keeping) tell(ctx context.Context, all []State) error {
	b, err := openBooks(ctx, k.tx)
	if err != nil {
		return err
	}
	wanted := story(all, b)
	had, err := k.recorded(ctx)
	if err != nil {
		return err
	}
	var fresh, kept []timeline.Event
	for _, e := range wanted {
		if i := indexOf(had, e); i >= 0 {
			kept = append(kept, had[i])
			had = append(had[:i], had[i+1:]...)
			continue
		}
		fresh = append(fresh, k.event(e))
	}
	var stale []id.Event
	for _, e := range had {
		stale = append(stale, e.ID)
	}
	if err := timeline.Withdraw(ctx, k.tx, k.subscription.Customer, stale...); err != nil {
		return err
	}
	if len(fresh) == 0 && len(stale) > 0 { // the start is always kept
		return timeline.Again(ctx, k.tx, kept[len(kept)-1])
	}
	return timeline.Record(ctx, k.tx, fresh...)
}

// event fills in who tells of it, and whether it is old news.
func (k *keeping) event(e timeline.Event) timeline.Event {
	e.Customer, e.Ref, e.Origin = k.subscription.Customer, int64(k.subscription.ID), k.subscription.Origin
	e.Source, e.Actor, e.Import = k.by.Source, k.by.Actor, k.by.Import
	e.History = k.by.History || k.tx.Now.Sub(e.OccurredAt) > fresh
	return e
}

// recorded are the events of the history that were recorded so far.
func (k *keeping) recorded(ctx context.Context) ([]timeline.Event, error) {
	args := append([]any{int64(k.subscription.Customer), int64(k.subscription.ID)}, store.Args(SubscriptionEvents)...)
	all, err := store.All(ctx, k.tx, func(rows *sql.Rows) (e timeline.Event, err error) {
		var at int64
		var payload string
		err = rows.Scan(&e.ID, &at, &e.Kind, &e.Version, &payload)
		e.Customer, e.OccurredAt, e.Payload = k.subscription.Customer, micros(at), json.RawMessage(payload)
		return e, err
	}, `select id, occurred_at, kind, version, payload from events where customer_id = $1 and ref_id = $2
		and kind in (`+store.List(3, len(SubscriptionEvents))+`) order by occurred_at, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is told of the subscription %s: %w", k.subscription.ID, err)
	}
	return all, nil
}

// indexOf is the place of an event that says the same; -1: there is none.
func indexOf(all []timeline.Event, e timeline.Event) int {
	for i, had := range all {
		if had.Kind == e.Kind && had.OccurredAt.Equal(e.OccurredAt) && bytes.Equal(plainJSON(had.Payload), plainJSON(e.Payload)) {
			return i
		}
	}
	return -1
}

// plainJSON writes a payload in one way, whatever way the database has it.
func plainJSON(b json.RawMessage) []byte {
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return b
	}
	plain, _ := json.Marshal(v)
	return plain
}

// story is what happened to a subscription by its history.
func story(all []State, b *books) []timeline.Event {
	was := all[0].Terms
	if was.Status != Trialing {
		was.Status = Active
	}
	was.CancelAt, was.EndedAt = time.Time{}, time.Time{}
	events := []timeline.Event{{Kind: EventStarted, OccurredAt: all[0].Since, Payload: timeline.Payload(subscribed(was))}}
	for _, s := range all {
		events = append(events, b.between(was, s)...)
		was = s.Terms
	}
	return events
}

// between is what happened between what a subscription was and what it became.
func (b *books) between(was Terms, s State) []timeline.Event {
	var events []timeline.Event
	note := func(kind string, payload any) {
		events = append(events, timeline.Event{Kind: kind, OccurredAt: s.Since, Payload: timeline.Payload(payload)})
	}
	is := s.Terms
	ending := func(at time.Time) Ending {
		return Ending{Plan: is.Plan, Day: b.day(at), Currency: is.Currency, Monthly: was.PerMonth(), Reason: is.Reason}
	}
	if is.Status == Ended {
		if was.Status != Ended {
			note(EventEnded, ending(s.Since))
		}
		return events
	}
	switch {
	case was.Status == Ended || was.Status == Paused && is.Status != Paused:
		note(EventResumed, subscribed(is))
	case is.Status == Paused && was.Status != Paused:
		note(EventPaused, subscribed(is))
	case is.Status != was.Status || !is.same(was):
		note(EventChanged, Resubscribed{is.Plan, is.Status, is.Currency, is.Amount, is.Unit, is.Every, is.Quantity, is.PerMonth(),
			Former{was.Plan, was.Status, was.Currency, was.Amount, was.PerMonth()}})
	}
	switch {
	case is.CancelAt.Equal(was.CancelAt):
	case is.CancelAt.IsZero() && was.Status != Ended:
		note(EventNoticeWithdrawn, ending(was.CancelAt))
	case !is.CancelAt.IsZero():
		note(EventNoticeGiven, ending(is.CancelAt))
	}
	return events
}

// same reports whether the terms cost the same for the same.
func (t Terms) same(u Terms) bool {
	return t.Plan == u.Plan && t.Amount == u.Amount && t.Currency == u.Currency && t.Unit == u.Unit && t.Every == u.Every && t.Quantity == u.Quantity
}

func subscribed(t Terms) Subscribed {
	return Subscribed{Plan: t.Plan, Status: t.Status, Currency: t.Currency, Amount: t.Amount, Unit: t.Unit, Every: t.Every, Quantity: t.Quantity, Monthly: t.PerMonth()}
}
