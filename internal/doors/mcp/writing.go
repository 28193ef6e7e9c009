package mcp

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// writing are the tools that change something. They are not there for a caller
// who may only look.
func (a asking) writing(s *sdk.Server) {
	offer(a, s, tool{"add_note", "Add a note", "Writes a note about a customer, for the staff to read.", "customers:write"}, a.addNote)
	offer(a, s, tool{"log_call", "Log a call", "Writes down a telephone call with a customer: who called whom, how it ended, what was said.", "customers:write"}, a.logCall)
	offer(a, s, tool{"tag", "Tag a customer", "Puts tags on a customer.", "customers:write"}, a.tag)
}

type doneOut struct {
	Done     bool   `json:"done"`
	Customer string `json:"customer"`
}

// do changes one customer, in the name of the caller.
func (a asking) do(ctx context.Context, shown string, verb func(*store.Tx, id.Customer, customers.By) error) (doneOut, error) {
	c, err := a.who(ctx, shown)
	if err != nil {
		return doneOut{}, err
	}
	err = a.DB.Tx(ctx, func(tx *store.Tx) error { return verb(tx, c, customers.By{Source: "assistant", Actor: a.Staff.ID}) })
	return doneOut{Done: err == nil, Customer: c.String()}, err
}

type noteIn struct {
	Customer string `json:"customer" jsonschema:"the id of a customer: cus_…"`
	Text     string `json:"text" jsonschema:"the note"`
}

func (a asking) addNote(ctx context.Context, in noteIn) (doneOut, error) {
	return a.do(ctx, in.Customer, func(tx *store.Tx, c id.Customer, by customers.By) error {
		return customers.Note(ctx, tx, c, by, in.Text)
	})
}

type callIn struct {
	Customer  string `json:"customer" jsonschema:"the id of a customer: cus_…"`
	Direction string `json:"direction" jsonschema:"in: the customer called; out: we did"`
	Outcome   string `json:"outcome" jsonschema:"reached, no_answer, message or wrong_number"`
	Text      string `json:"text,omitempty" jsonschema:"what was said"`
}

func (a asking) logCall(ctx context.Context, in callIn) (doneOut, error) {
	return a.do(ctx, in.Customer, func(tx *store.Tx, c id.Customer, by customers.By) error {
		return customers.LogCall(ctx, tx, c, by, customers.Call{Direction: in.Direction, Outcome: in.Outcome, Body: in.Text})
	})
}

type tagIn struct {
	Customer string   `json:"customer" jsonschema:"the id of a customer: cus_…"`
	Tags     []string `json:"tags" jsonschema:"one or more words"`
}

func (a asking) tag(ctx context.Context, in tagIn) (doneOut, error) {
	return a.do(ctx, in.Customer, func(tx *store.Tx, c id.Customer, by customers.By) error {
		return customers.Tag(ctx, tx, c, by, in.Tags...)
	})
}
