package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"regulars/internal/platform/errs"
)

// unread is a body that could not be read. Package huma keeps of an error only
// its text, so what matters of it is written there.
type unread struct {
	sort   string // the end of the key of its sentence
	offset int64  // of the byte at fault; -1: unknown
}

const unreadMark = "unread\x00"

func (u unread) Error() string { return unreadMark + u.sort + " " + strconv.FormatInt(u.offset, 10) }

// readJSON reads a body, and says what is wrong with it in our own words.
func readJSON(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		var first json.RawMessage
		switch d := json.NewDecoder(bytes.NewReader(body)); {
		case len(bytes.TrimSpace(body)) == 0:
			return unread{"empty", 0}
		case errors.Is(d.Decode(&first), io.ErrUnexpectedEOF):
			return unread{"cut", int64(len(body))}
		case first != nil:
			return unread{"after", syntax.Offset - 1}
		}
		return unread{"syntax", syntax.Offset - 1}
	case errors.As(err, &kind):
		return unread{"value", kind.Offset - 1}
	}
	return unread{"value", -1}
}

// fault is what to tell of a body that could not be read; ok says that d is of
// one.
func (c *Call) fault(d *huma.ErrorDetail) (f Fault, ok bool) {
	said, ok := strings.CutPrefix(d.Message, unreadMark)
	body, isText := d.Value.(string)
	var u unread
	if _, err := fmt.Sscanf(said, "%s %d", &u.sort, &u.offset); !ok || !isText || err != nil {
		return f, false
	}
	line, column := linePlace(body, u.offset)
	return Fault{Pointer: pointerTo(body, u.offset), Detail: c.Sentence(u.wrong(line, column))}, true
}

// wrong is what is said of it to whoever sent it.
func (u unread) wrong(line, column int) error {
	switch u.sort {
	case "empty":
		return errs.Wrong("", "rest.wrong.json.empty")
	case "cut":
		return errs.Wrong("", "rest.wrong.json.cut")
	case "after":
		return errs.Wrong("", "rest.wrong.json.after", "Line", line, "Column", column)
	case "syntax":
		return errs.Wrong("", "rest.wrong.json.syntax", "Line", line, "Column", column)
	}
	return errs.Wrong("", "rest.wrong.json.value")
}

// linePlace is the line and the column of a byte, as editors count them.
func linePlace(body string, offset int64) (line, column int) {
	before := body[:min(max(int(offset), 0), len(body))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, len([]rune(before[start:])) + 1
}

// pointerTo is where in the JSON a byte stands, or the last place before it
// that can be told.
func pointerTo(body string, offset int64) string {
	type level struct {
		list bool
		key  string
		n    int
		told bool // in an object: the key was read and its value comes
	}
	var path []level
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	for d.InputOffset() <= offset {
		token, err := d.Token()
		if err != nil || d.InputOffset() > offset {
			break
		}
		top := len(path) - 1
		if key, isText := token.(string); isText && top >= 0 && !path[top].list && !path[top].told {
			path[top].key, path[top].told = key, true
			continue
		}
		switch token {
		case json.Delim('{'):
			path = append(path, level{})
			continue
		case json.Delim('['):
			path = append(path, level{list: true})
			continue
		case json.Delim('}'), json.Delim(']'):
			path = path[:top]
			top--
		}
		if top >= 0 { // a value has ended
			path[top].n++
			path[top].told = false
		}
	}
	at := "#"
	for _, l := range path {
		switch {
		case l.list:
			at += "/" + strconv.Itoa(l.n)
		case l.told:
			at += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(l.key)
		}
	}
	if at == "#" {
		return "#/"
	}
	return at
}
