package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/text"
)

// object is a JSON object; numbers in it are json.Number, as they were
// written.
type object = map[string]any

// message is one call of a tracking client.
type message struct {
	all  object
	kind string // identify, track, page, screen, group, alias
	id   string // messageId; empty: none

	user      string // userId
	anonymous string // anonymousId
	previous  string // of alias: previousId
	group     string // of group: groupId
	name      string // of the event, the page or the screen

	at         time.Time // when it happened, by our clock
	told       string    // which of trades it is; empty: none
	order      string    // of a trade: the id of the order
	act        bool      // something a person did, see acts
	props      []property
	properties object
	traits     object
	context    object
}

// MarshalJSON writes the message as it came, with what its batch said for all.
func (m *message) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(m.all)
	return b.Bytes(), err
}

// cutMessages makes the messages of a parcel.
func cutMessages(p *Parcel) ([]Part, error) {
	d := json.NewDecoder(bytes.NewReader(p.Body))
	d.UseNumber()
	var outer object
	if err := d.Decode(&outer); err != nil {
		return nil, errs.Wrong("", "collect.error.json")
	}
	list, isBatch := outer["batch"].([]any)
	if !isBatch {
		return []Part{readMessage(outer, p.Topic, p.At)}, nil
	}
	parts := make([]Part, 0, len(list))
	for _, item := range list {
		one, ok := item.(object)
		if !ok {
			parts = append(parts, Part{Topic: "batch", Value: &message{all: object{"batch": []any{item}}}, Err: errs.Wrong("", "collect.error.object")})
			continue
		}
		inherit(one, outer)
		parts = append(parts, readMessage(one, "", p.At))
	}
	return parts, nil
}

// inherit gives a message of a batch what the batch says for all of them;
// what it says itself counts more.
func inherit(one, outer object) {
	for _, key := range []string{"context", "integrations"} {
		shared, ok := outer[key].(object)
		if !ok {
			continue
		}
		own, ok := one[key].(object)
		if !ok {
			if _, other := one[key]; !other {
				one[key] = maps.Clone(shared)
			}
			continue
		}
		for k, v := range shared {
			if _, said := own[k]; !said {
				own[k] = v
			}
		}
	}
	for _, key := range []string{"sentAt", "userId", "anonymousId"} {
		if v, ok := outer[key]; ok && one[key] == nil {
			one[key] = v
		}
	}
}

// limits of what of a message is kept.
const (
	maxID   = 200
	maxName = 120
)

// readMessage reads one message; what is wrong with it is in Part.Err. kind is
// what the address says it is; empty: it says so itself.
func readMessage(all object, kind string, received time.Time) Part {
	m := &message{all: all, kind: kind}
	if kind == "" || kind == "batch" {
		m.kind = said(all, "type")
	} else {
		all["type"] = kind // for when it is laid aside and tried again
	}
	m.user, m.anonymous = said(all, "userId"), said(all, "anonymousId")
	m.previous, m.group = said(all, "previousId"), said(all, "groupId")
	m.id = messageID(said(all, "messageId"))
	m.properties, m.traits, m.context = inner(all, "properties"), inner(all, "traits"), inner(all, "context")
	if m.kind == "track" {
		m.name = said(all, "event")
	} else {
		m.name = said(all, "name")
		if m.name == "" {
			m.name = said(m.properties, "name")
		}
	}
	m.name = text.Short(m.name, maxName)
	m.at = corrected(received, said(all, "sentAt"), firstOf(all, "originalTimestamp", "timestamp"))
	m.told, m.order = m.trade()
	if m.act = acts[m.kind] != "" && m.told == ""; m.act {
		m.props = m.kept()
	}
	return Part{Topic: m.kind, Value: m, Err: m.check(), Weight: m.weight()}
}

// weight is how much work the message is.
func (m *message) weight() int {
	if m.told != "" || m.kind == "alias" {
		return heavy
	}
	if m.kind == "identify" {
		return 4
	}
	return 1
}

func (m *message) check() error {
	switch {
	case !slices.Contains([]string{"identify", "track", "page", "screen", "group", "alias"}, m.kind):
		return errs.Wrong("type", "collect.error.type")
	case len(m.user) > maxID || len(m.anonymous) > maxID || len(m.previous) > maxID || len(m.group) > maxID:
		return errs.Wrong("userId", "collect.error.id", "Max", maxID)
	case m.kind == "alias" && (m.previous == "" || m.user == ""):
		return errs.Wrong("previousId", "collect.error.alias")
	case m.user == "" && m.anonymous == "":
		return errs.Wrong("userId", "collect.error.nobody")
	case m.kind == "track" && m.name == "":
		return errs.Wrong("event", "collect.error.event")
	case m.kind == "group" && m.group == "":
		return errs.Wrong("groupId", "collect.error.group")
	}
	return nil
}

// messageID is the id as it is remembered: long ones, which nobody should
// send, by their hash.
func messageID(s string) string {
	if len(s) <= 100 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// said returns what an object says under a name, in camelCase or snake_case,
// as clean text of one line. Numbers and booleans are text too.
func said(o object, name string) string {
	v, ok := o[name]
	if !ok {
		if v, ok = o[snake(name)]; !ok {
			return ""
		}
	}
	return plainText(v)
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return text.Line(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func inner(o object, name string) object {
	v, ok := o[name].(object)
	if !ok {
		v, _ = o[snake(name)].(object)
	}
	return v
}

func firstOf(o object, names ...string) string {
	for _, name := range names {
		if v := said(o, name); v != "" {
			return v
		}
	}
	return ""
}

// snake writes a name in snake_case: firstName is first_name.
func snake(name string) string {
	for i := range len(name) {
		if name[i] >= 'A' && name[i] <= 'Z' {
			return name[:i] + "_" + string(name[i]|0x20) + snake(name[i+1:])
		}
	}
	return name
}

// corrected is when something happened by our clock: the client's clock may be
// wrong, but it was as wrong when it sent. What cannot be is when it came.
func corrected(received time.Time, sent, stamp string) time.Time {
	at, ok := parseTime(stamp)
	if !ok {
		return received
	}
	if s, ok := parseTime(sent); ok {
		at = received.Add(-s.Sub(at))
	}
	if at.After(received) || at.Year() < 1990 {
		return received
	}
	return at.UTC().Truncate(time.Microsecond)
}

// parseTime reads the forms in which clients write times: ISO 8601 with more
// or less of it, and seconds or milliseconds since 1970.
func parseTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04:05Z0700", time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return time.Time{}, false
	case n < 1e11:
		return time.Unix(n, 0), true
	case n < 1e14:
		return time.UnixMilli(n), true
	}
	return time.Time{}, false
}

// property is a value by its key: a row that can be searched.
type property struct {
	key     string
	ordinal int // among the values of the key: a list has several
	text    string
	number  any // float64, or nil: none
}

const (
	// maxProperties is how many values of one message are kept.
	maxProperties = 40
	maxKey        = 80
	maxValue      = 300
)

// flat makes rows of an object: what stands deeper has a key with dots, and
// the elements of a list have one key. Keys come sorted, so that what is left
// out beyond the bound does not depend on chance.
func flat(o object, skip func(key string) bool) []property {
	all, _ := flatten(o, skip)
	return all
}

// flatten is flat, and says whether that is all that was in the object.
func flatten(o object, skip func(key string) bool) (all []property, whole bool) {
	f := flattening{skip: skip, count: map[string]int{}}
	f.object("", o, 0)
	return f.all, !f.cut
}

type flattening struct {
	all   []property
	skip  func(key string) bool
	count map[string]int
	cut   bool // something was left out
}

func (f *flattening) object(prefix string, o object, depth int) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		name := prefix + text.Line(key)
		if len(name) > maxKey {
			f.cut = true
		}
		if name != prefix && len(name) <= maxKey && (f.skip == nil || !f.skip(name)) {
			f.value(name, o[key], depth)
		}
	}
}

func (f *flattening) value(key string, v any, depth int) {
	if len(f.all) >= maxProperties {
		f.cut = true
		return
	}
	switch v := v.(type) {
	case object:
		if depth < 3 {
			f.object(key+".", v, depth+1)
		}
		f.cut = f.cut || depth >= 3
		return
	case []any:
		if depth < 3 {
			for _, one := range v {
				f.value(key, one, depth+1)
			}
		}
		f.cut = f.cut || depth >= 3
		return
	}
	s := text.Short(plainText(v), maxValue)
	if s == "" {
		return
	}
	f.all = append(f.all, property{key, f.count[key], s, numeric(v)})
	f.count[key]++
}

// numeric is the number that a value is: a boolean is one or nothing.
func numeric(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Float64(); err == nil {
			return n
		}
	case bool:
		if v {
			return 1.0
		}
		return 0.0
	case string:
		if s := strings.TrimSpace(v); len(s) > 0 && len(s) < 20 && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') {
			if n, err := strconv.ParseFloat(s, 64); err == nil {
				return n
			}
		}
	}
	return nil
}
