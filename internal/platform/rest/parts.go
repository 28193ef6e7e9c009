package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"regulars/internal/platform/errs"
)

// None is the answer that has nothing to say.
type None struct{}

// One is an answer with one thing in it, and the tag of its present state.
type One[T any] struct {
	ETag string `header:"ETag" doc:"Names this state; send it as If-Match to change just this"`
	Body T
}

// List is a page of a list.
type List[T any] struct {
	Data []T    `json:"data" doc:"This page"`
	Next string `json:"next" doc:"Pass as after to get what follows; empty: nothing does"`
}

// Listing is an answer with a page of a list in it.
type Listing[T any] struct{ Body List[T] }

// Page are the parameters of a list that comes in pages.
type Page struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many"`
	After string `query:"after" maxLength:"1000" doc:"The next of the page before"`
}

// Short are the parameters of a list without filters.
type Short[T any] struct {
	Page
	Fields[T]
}

// Next cuts what was read, with one row more than the limit, down to a page, and
// says where the next one begins: behind what cursor says of the last row; ""
// where there is none.
func Next[T any](p Page, all []T, cursor func(T) any) ([]T, string) {
	if len(all) <= p.Limit {
		return all, ""
	}
	return all[:p.Limit], Cursor(cursor(all[p.Limit-1]))
}

// Cut answers with a page of a list that was read whole, as what there are few
// of is. The list is in the order of key, which names each once; what is added
// or goes meanwhile neither shifts nor doubles the others.
func Cut[F, T any](p Page, all []F, key func(F) string, show func(F) T, err error) (*Listing[T], error) {
	var after string
	if err == nil {
		err = ReadCursor(p.After, &after)
	}
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(v F) bool { return after != "" && key(v) <= after })
	slices.SortFunc(all, func(a, b F) int { return strings.Compare(key(a), key(b)) })
	all, next := Next(p, all, func(v F) any { return key(v) })
	return Pageful(all, next, show), nil
}

// Newest is the key by which Cut sorts what has the highest number first.
func Newest(n int64) string { return fmt.Sprintf("%016x", uint64(math.MaxInt64-n)) }

// Tag is the entity tag of a thing as it is shown: any change of it is another
// tag.
func Tag(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("rest: %T cannot be JSON: %v", v, err))
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// Show answers with one thing. When the program has this state already
// (If-None-Match), it is told so instead.
func Show[T any](c *Call, v T, err error) (*One[T], error) {
	if err != nil {
		return nil, err
	}
	tag := Tag(v)
	if c.Method == http.MethodGet && slices.Contains(tags(c.Header.Get("If-None-Match")), tag) {
		return nil, huma.ErrorWithHeaders(NewProblem(http.StatusNotModified, ""), http.Header{"Etag": {tag}})
	}
	return &One[T]{ETag: tag, Body: v}, nil
}

// Pageful answers with a page of a list, each thing as show has it.
func Pageful[F, T any](all []F, next string, show func(F) T) *Listing[T] {
	l := &Listing[T]{Body: List[T]{Data: make([]T, len(all)), Next: next}}
	for i, v := range all {
		l.Body.Data[i] = show(v)
	}
	return l
}

// IfMatch is the parameter of what changes a thing.
type IfMatch struct {
	Match string `header:"If-Match" maxLength:"200" doc:"Change it only if its ETag is still this one"`
}

// Check refuses a change of a thing that is not any more as the program knew
// it. now is the thing as Show would answer it, read in the transaction of the
// change.
func (m IfMatch) Check(now any) error {
	if m.Match == "" || m.Match == "*" || slices.Contains(tags(m.Match), Tag(now)) {
		return nil
	}
	return Stale(errs.Clash("", "rest.wrong.stale"))
}

func tags(header string) []string {
	var all []string
	for t := range strings.SplitSeq(header, ",") {
		all = append(all, strings.TrimPrefix(strings.TrimSpace(t), "W/"))
	}
	return all
}

// Field is a part of a JSON merge patch: not sent, taken away by null, or
// given a value.
type Field[T any] struct {
	Sent  bool
	Value T // zero for null
}

// UnmarshalJSON reads a value or null.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	f.Sent = true
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &f.Value)
}

// MarshalJSON writes the value; tests of what was read use it.
func (f Field[T]) MarshalJSON() ([]byte, error) { return json.Marshal(f.Value) }

// Schema is that of the value, or null.
func (f Field[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = true
	return &s
}

// Into writes the value where it belongs, if it was sent.
func (f Field[T]) Into(v *T) {
	if f.Sent {
		*v = f.Value
	}
}

// Fields are the parameters of an answer of which a program wants a part: the
// names of the fields of T.
type Fields[T any] struct {
	Fields []string `query:"fields" maxItems:"50" maxLength:"60" doc:"Only these fields, with commas between"`
}

// sparse is Fields of any T.
type sparse interface {
	chosen() []string
	check() error
}

func (f *Fields[T]) chosen() []string { return f.Fields }

func (f *Fields[T]) check() error {
	known := names(reflect.TypeFor[T]())
	for _, name := range f.Fields {
		if !slices.Contains(known, name) {
			return BadParameter("fields", errs.Wrong("", "rest.wrong.field", "Fields", strings.Join(known, ", ")))
		}
	}
	return nil
}

// names are the fields of a struct as JSON has them.
func names(t reflect.Type) (all []string) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			all = append(all, name)
		}
	}
	return all
}

// pick leaves of an answer the fields that were asked for.
func pick(ctx huma.Context, status string, v any) (any, error) {
	c, ok := ctx.Context().Value(callKey{}).(*Call)
	if !ok || c.fields == nil || status[0] != '2' {
		return v, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if _, list := v.(interface{ isList() }); !list {
		return only(b, c.fields)
	}
	var l List[json.RawMessage]
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, err
	}
	for i := range l.Data {
		one, err := only(l.Data[i], c.fields)
		if err != nil {
			return nil, err
		}
		l.Data[i] = one
	}
	return l, nil
}

func (List[T]) isList() {}

func only(b []byte, fields []string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	kept := make(map[string]json.RawMessage, len(fields))
	for _, f := range fields {
		if v, ok := all[f]; ok {
			kept[f] = v
		}
	}
	return json.Marshal(kept)
}

// Fill makes empty lists of those that are nil, however deep: the document
// promises lists, and no null.
func Fill(v any) { fill(reflect.ValueOf(v).Elem()) }

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	}
}

// Cursor packs what names the last row of a page into a text that says
// nothing to who passes it on.
func Cursor(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("rest: a cursor of type %T: %v", v, err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ReadCursor unpacks what Cursor packed; empty leaves v as it is. Anything
// else is errs.Invalid.
func ReadCursor(s string, v any) error {
	if s == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		err = d.Decode(v)
		if err == nil && d.More() {
			err = errors.New("more than a cursor")
		}
	}
	if err != nil {
		return errs.Wrong("after", "rest.wrong.cursor")
	}
	return nil
}
