package timeline

import (
	"encoding/json"
	"fmt"

	"regulars/internal/platform/locale"
)

// Kind describes one sort of event: how a person reads it. Each module lists
// its kinds in events.go.
type Kind struct {
	Name    string // "order.placed"
	Version int    // of the payload written today
	Icon    string // of platform/web's set
	Group   string // the timeline's filter: orders, conversations, profile…
	Ref     string // prefix of the id that Ref holds: "ord"; empty: it holds none

	// Payload is a zero value of the struct that is written, nil while it is
	// {}. The catalogue in docs/events is made of it. An int64 in it that is an
	// id has a tag with its prefix, as in `id:"ord"`, and is shown outside with
	// it.
	Payload any

	// Tell makes the sentence a person reads. It is given a payload of
	// today's version.
	Tell func(p *locale.Printer, e Event) (Line, error)
	// Upgrade turns the payload of an older version into that of the next.
	// Nil while there has been one version only.
	Upgrade func(version int, payload json.RawMessage) (json.RawMessage, error)
}

// Line is an event as it stands on the page.
type Line struct {
	Text   string // one sentence
	Detail string // a second line, may be empty
	Href   string // where it leads, may be empty
	Tone   string // "", good, warn or bad
}

// Kinds are all sorts of events of the program, by name.
type Kinds map[string]Kind

// NewKinds gathers the lists of the modules. A name that stands twice is a
// mistake in the program.
func NewKinds(lists ...[]Kind) Kinds {
	kinds := Kinds{}
	for _, list := range lists {
		for _, k := range list {
			if _, twice := kinds[k.Name]; twice {
				panic("timeline: two modules describe the event " + k.Name)
			}
			kinds[k.Name] = k
		}
	}
	return kinds
}

// Tell makes the line of an event, upgrading an old payload on the way.
func (ks Kinds) Tell(p *locale.Printer, e Event) (Line, error) {
	k, ok := ks[e.Kind]
	if !ok {
		return Line{Text: e.Kind}, nil
	}
	e, err := k.Latest(e)
	if err != nil {
		return Line{}, err
	}
	return k.Tell(p, e)
}

// Latest returns the event with its payload brought to today's version.
func (k Kind) Latest(e Event) (Event, error) {
	for ; e.Version < k.Version; e.Version++ {
		if k.Upgrade == nil {
			return e, fmt.Errorf("event %s: version %d cannot be upgraded", e.Kind, e.Version)
		}
		payload, err := k.Upgrade(e.Version, e.Payload)
		if err != nil {
			return e, fmt.Errorf("event %s: upgrade version %d: %w", e.Kind, e.Version, err)
		}
		e.Payload = payload
	}
	if e.Version > k.Version {
		return e, fmt.Errorf("event %s: version %d is newer than this program", e.Kind, e.Version)
	}
	return e, nil
}

// Decode reads an event's payload into a T.
func Decode[T any](e Event) (T, error) {
	var v T
	if err := json.Unmarshal(e.Payload, &v); err != nil {
		return v, fmt.Errorf("event %s: payload: %w", e.Kind, err)
	}
	return v, nil
}
