// Package errs holds the few kinds of error that a person can meet.
//
// Its one rule: only an error made here says something to a person, and it
// says it by a key of the message catalogues; everything else is logged and
// shown as "something went wrong on our side". locale.Printer.Sentence turns
// one into the sentence in the person's language.
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of trouble it is; platform/web turns a kind into an
// HTTP status, cmd/regulars into an exit code.
type Kind uint8

// The kinds. The zero kind is Internal: a fault of ours.
const (
	Internal    Kind = iota
	Invalid          // what was given cannot be accepted; Field names the culprit
	NotFound         // there is no such thing, or not for this person
	Conflict         // it was changed meanwhile, or exists already
	Forbidden        // signed in, but not allowed
	SignIn           // nobody is signed in
	TooLarge         // more bytes, rows or requests than we take
	Unavailable      // try again in a while
	TooMany          // asked too often; wait, and ask again
)

// Error is an error meant for a person: Key names the plain sentence that says
// what is wrong and what to do about it.
type Error struct {
	Kind  Kind
	Field string // the input at fault, for Invalid and Conflict; may be empty
	Key   string
	Args  []any // names and values in turn, for the {{.Name}} places of the sentence
	Err   error // the cause, for the log; may be nil
}

// Error returns the key with its arguments, and the cause behind them, as the
// log has it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Key)
	for i := 0; i+1 < len(e.Args); i += 2 {
		fmt.Fprintf(&b, " %v=%v", e.Args[i], e.Args[i+1])
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Wrong is an error in the input called field (empty: the input as a whole).
// The key is written out, so that a test can hold it against the catalogues;
// args are names and values in turn: texts, whole numbers, floats, amounts,
// times, lists of texts, or another error, whose sentence is put in. A whole
// number called Count chooses the plural.
func Wrong(field, key string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Key: key, Args: args}
}

// Missing says that the thing asked for does not exist.
func Missing(key string, args ...any) error {
	return &Error{Kind: NotFound, Key: key, Args: args}
}

// Clash says that somebody else was first, or that it is there already; field
// is the input at fault and may be empty.
func Clash(field, key string, args ...any) error {
	return &Error{Kind: Conflict, Field: field, Key: key, Args: args}
}

// Of is an error of any kind, with its cause (which may be nil) for the log.
func Of(kind Kind, cause error, key string, args ...any) error {
	return &Error{Kind: kind, Key: key, Args: args, Err: cause}
}

// In says the same of another field: that of the form behind the verb. What is
// not of errs is returned as it is.
func In(field string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Field = field
	return &moved
}

// KindOf returns the kind of the first Error in err's chain, or Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// KeyOf returns the key of the sentence, or "".
func KeyOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}

// FieldOf returns the input at fault, or "".
func FieldOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}
