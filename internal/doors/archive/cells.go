package archive

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/store"
)

// How a value is written follows from its column alone: a time is RFC 3339 in
// UTC to the microsecond, an id and any number that a double would round is
// text, bytes are base64, JSON is itself.

// exact is the greatest whole number that every reader of JSON keeps.
const exact = 1 << 53

func appendRow(b []byte, s store.Shape, values []any) ([]byte, error) {
	b = append(b, '{')
	for i, c := range s.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, c.Name), ':')
		var err error
		if b, err = appendValue(b, c, values[i]); err != nil {
			return b, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return append(b, '}', '\n'), nil
}

func appendValue(b []byte, c store.Field, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		if strings.HasSuffix(c.Name, "_at") {
			if t := time.UnixMicro(v).UTC(); t.Year() >= 0 && t.Year() <= 9999 {
				return append(append(append(b, '"'), t.Format(timeForm)...), '"'), nil
			}
		}
		if isID(c.Name) || v > exact || v < -exact {
			return append(strconv.AppendInt(append(b, '"'), v, 10), '"'), nil
		}
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return b, fmt.Errorf("%v is no number", v)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64), nil
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v), '"'), nil
	case string:
		if c.Kind == "jsonb" {
			return appendJSON(b, v)
		}
		text, err := json.Marshal(v)
		return append(b, text...), err
	}
	return b, fmt.Errorf("a %T", v)
}

// appendJSON writes an object with its names sorted: PostgreSQL keeps them in an
// order of its own.
func appendJSON(b []byte, text string) ([]byte, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return b, err
	}
	flat, err := json.Marshal(v)
	return append(b, flat...), err
}

const timeForm = "2006-01-02T15:04:05.000000Z"

// isID reports whether a column holds ids, by its name.
func isID(column string) bool {
	return column == "id" || strings.HasSuffix(column, "_id") || strings.HasSuffix(column, "_by") || column == "merged_into"
}

// readRow reads what appendRow wrote into the order of the columns.
func readRow(line []byte, s store.Shape) ([]any, error) {
	var cells map[string]json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil {
		return nil, err
	}
	values := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		raw, there := cells[c.Name]
		if !there {
			return nil, fmt.Errorf("column %s is missing", c.Name)
		}
		delete(cells, c.Name)
		if string(raw) == "null" {
			if c.NotNull {
				return nil, fmt.Errorf("column %s is null", c.Name)
			}
			continue
		}
		var err error
		if values[i], err = readValue(raw, c); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	for name := range cells {
		return nil, fmt.Errorf("column %s is unknown", name)
	}
	return values, nil
}

func readValue(raw json.RawMessage, c store.Field) (any, error) {
	switch c.Kind {
	case "bigint":
		return readWhole(raw, c)
	case "boolean":
		return as[bool](raw)
	case "double precision":
		return as[float64](raw)
	case "text":
		return as[string](raw)
	case "bytea":
		return as[[]byte](raw)
	case "jsonb":
		return string(raw), nil
	}
	return nil, fmt.Errorf("it is a %s", c.Kind)
}

func as[T any](raw json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// readWhole reads a whole number, plain, as text, or as a time.
func readWhole(raw json.RawMessage, c store.Field) (any, error) {
	if raw[0] != '"' {
		return as[int64](raw)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	if strings.HasSuffix(c.Name, "_at") && strings.Contains(text, "T") {
		t, err := time.Parse(time.RFC3339Nano, text)
		return t.UnixMicro(), err
	}
	return strconv.ParseInt(text, 10, 64)
}
