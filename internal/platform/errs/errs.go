// Package errs holds the few kinds of error that a person can meet.
//
// Its one rule: only text made here may reach a person. Everything else is
// logged and shown as "something went wrong on our side".
package errs

import (
	"errors"
	"fmt"
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
)

// Error is an error whose text is meant for a person: a plain sentence that
// says what is wrong and what to do about it.
type Error struct {
	Kind  Kind
	Field string // the input at fault, for Invalid; may be empty
	Text  string
	Err   error // the cause, for the log; may be nil
}

// Error returns the sentence, and the cause behind it for the log.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Invalidf is an error in the input called field (empty: the input as a whole).
func Invalidf(field, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// NotFoundf says that the thing asked for does not exist.
func NotFoundf(format string, args ...any) error {
	return &Error{Kind: NotFound, Text: fmt.Sprintf(format, args...)}
}

// Conflictf says that somebody else was first.
func Conflictf(format string, args ...any) error {
	return &Error{Kind: Conflict, Text: fmt.Sprintf(format, args...)}
}

// New is an error of any kind, with its cause (which may be nil) for the log.
func New(kind Kind, cause error, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Err: cause}
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

// Message returns the sentence for a person. Internal errors give the same
// calm sentence whatever their cause.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Text
	}
	return "Something went wrong on our side. Nothing was lost; please try again."
}

// FieldOf returns the input at fault, or "".
func FieldOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}
