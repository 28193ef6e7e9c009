package webhooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
)

// Ping is the message with which staff try an endpoint. It is sent and never
// recorded, so it is no event of a customer's.
var Ping = timeline.Kind{Name: "webhook.ping", Version: 1, Icon: "send", Group: "webhooks", Payload: Pinged{},
	Tell: func(p *locale.Printer, _ timeline.Event) (timeline.Line, error) {
		return timeline.Line{Text: p.T("webhooks.tell.ping")}, nil
	}}

// Pinged is the payload of webhook.ping.
type Pinged struct {
	Description string `json:"description"` // of the endpoint, as staff wrote it
}

// maxBody is how long a message may be: 20 kB are the standard's advice.
const maxBody = 20_000

// Message is the body of a webhook.
type Message struct {
	Type      string    `json:"type"`      // what happened: the kind of the event
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      Data      `json:"data"`      // what is known of it
}

// Data is what a message says of an event: ids, amounts and names of fields,
// never what a person is called or how to reach them.
type Data struct {
	Event    id.Event    `json:"event"`           // the same as the header webhook-id
	Customer id.Customer `json:"customer"`        // whose it is
	About    string      `json:"about,omitempty"` // the id of what it tells of, such as an order
	Staff    string      `json:"staff,omitempty"` // the member of staff who did it
	Source   string      `json:"source"`          // who told us: staff, import, api, or a shop
	History  bool        `json:"history"`         // it came too late to react to, as from an import
	Recorded time.Time   `json:"recorded_at"`     // when it was written down
	Version  int         `json:"version"`         // of the details
	// Details is what the kind of event says more. It is left out where the
	// message would be longer than 20 kB.
	Details json.RawMessage `json:"details,omitempty"`
}

// Body writes the message of an event, in today's version of its kind.
func Body(k timeline.Kind, e timeline.Event) (string, error) {
	e, err := k.Latest(e)
	if err != nil {
		return "", err
	}
	m := Message{Type: e.Kind, Timestamp: e.OccurredAt, Data: Data{Event: e.ID, Customer: e.Customer, Source: e.Source,
		History: e.History, Recorded: e.RecordedAt, Version: e.Version}}
	if k.Ref != "" && e.Ref != 0 {
		m.Data.About = id.Show(k.Ref, e.Ref)
	}
	if e.Actor != 0 {
		m.Data.Staff = e.Actor.String()
	}
	if m.Data.Details, err = details(k, e.Payload); err != nil {
		return "", fmt.Errorf("message of %s %s: %w", e.Kind, e.ID, err)
	}
	b, err := json.Marshal(m)
	if err == nil && len(b) > maxBody {
		m.Data.Details = nil
		b, err = json.Marshal(m)
	}
	return string(b), err
}

// details is a payload as it is shown outside: its ids with their prefix,
// since JavaScript would round the bare numbers.
func details(k timeline.Kind, payload json.RawMessage) (json.RawMessage, error) {
	ids := idFields(k.Payload)
	if len(ids) == 0 {
		return payload, nil
	}
	var fields map[string]any
	read := json.NewDecoder(bytes.NewReader(payload))
	read.UseNumber()
	if err := read.Decode(&fields); err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	for name, prefix := range ids {
		n, ok := fields[name].(json.Number)
		if !ok {
			continue
		}
		v, err := n.Int64()
		if err != nil {
			return nil, fmt.Errorf("read %s of the payload: %w", name, err)
		}
		fields[name] = id.Show(prefix, v)
	}
	return json.Marshal(fields)
}

// idFields are the fields of a payload that hold a bare id, with its prefix.
func idFields(payload any) map[string]string {
	t := reflect.TypeOf(payload)
	if t == nil {
		return nil
	}
	var ids map[string]string
	for f := range t.Fields() {
		if prefix := f.Tag.Get("id"); prefix != "" {
			if ids == nil {
				ids = map[string]string{}
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			ids[name] = prefix
		}
	}
	return ids
}
