package errs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// packed is an error as it is kept in a table, to be said later in the
// language of whoever reads it.
type packed struct {
	Kind  Kind   `json:"kind"`
	Field string `json:"field,omitempty"`
	Key   string `json:"key"`
	Args  []any  `json:"args,omitempty"`
}

// Pack writes an error of this package so that it can be kept, without its
// cause; "" when nothing of it may reach a person. Values that are no texts,
// numbers, lists of texts or errors are kept as their text.
func Pack(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	b, failed := json.Marshal(e.packed())
	if failed != nil { // a float that is no number
		return ""
	}
	return string(b)
}

func (e *Error) packed() packed {
	p := packed{Kind: e.Kind, Field: e.Field, Key: e.Key}
	for _, arg := range e.Args {
		var nested *Error
		switch v := arg.(type) {
		case string, int, int64, float64, []string:
		case error:
			arg = v.Error()
			if errors.As(v, &nested) {
				arg = nested.packed()
			}
		default:
			arg = fmt.Sprint(v)
		}
		p.Args = append(p.Args, arg)
	}
	return p
}

// Unpack reads what Pack wrote; nil for anything else.
func Unpack(text string) error {
	var p packed
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if d.Decode(&p) != nil || p.Key == "" || len(p.Args)%2 != 0 {
		return nil
	}
	for i := 0; i < len(p.Args); i += 2 {
		if _, isName := p.Args[i].(string); !isName {
			return nil
		}
	}
	return p.unpacked()
}

func (p packed) unpacked() *Error {
	e := &Error{Kind: p.Kind, Field: p.Field, Key: p.Key}
	for _, arg := range p.Args {
		e.Args = append(e.Args, argument(arg))
	}
	return e
}

// argument is a value that was read from JSON as it was before.
func argument(read any) any {
	switch v := read.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if x, err := v.Float64(); err == nil {
			return x
		}
		return v.String()
	case []any:
		all := []string{}
		for _, text := range v {
			all = append(all, fmt.Sprint(text))
		}
		return all
	case map[string]any:
		b, _ := json.Marshal(v) // it was read from JSON
		if nested := Unpack(string(b)); nested != nil {
			return nested
		}
	}
	return read
}
