package collect

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
)

// API is how programs record events of their own.
func API(db *store.DB) []rest.Operation {
	d := events{db}
	op := func(pattern, name, summary, about string) rest.Operation {
		o := rest.Operation{Pattern: pattern, Name: name, Summary: summary, Text: about, Scope: "customers:read", Role: web.Viewer}
		if o.Writes() {
			o.Scope, o.Role = "customers:write", web.Agent
		}
		return o
	}
	const about = "It stands on the timeline as `action.tracked`, as what a tracking client calls track does. With an id of your own it is written once, however often it is sent. " +
		"What was bought is sent by upsertOrder."
	return []rest.Operation{
		rest.Op(op("POST /customers/{customer}/events", "recordEvent", "Record that a customer did something", about).Making(), d.record),
		rest.Op(op("POST /events/bulk", "recordEvents", "Record up to 200 events of any customers",
			about+" What is wrong with one does not keep back the others: read result of each."), d.recordMany),
		rest.Op(op("GET /customers/{customer}/events/{event}", "getEvent", "Read what an event told", "With all its properties. listEvents has the events of a customer."), d.read),
	}
}

type events struct{ db *store.DB }

// APIAction is an event as a program tells it.
type APIAction struct {
	ID         string        `json:"id,omitempty" maxLength:"100" doc:"Your own id of it: sent again it is not written again" example:"visit-2026-03-02-17"`
	Name       string        `json:"name" minLength:"1" maxLength:"120" doc:"What they did" example:"Workshop attended"`
	At         *time.Time    `json:"at,omitempty" doc:"When; left out: now. What is older than a week is history"`
	Properties apiProperties `json:"properties,omitempty"`
	History    bool          `json:"history,omitempty" doc:"This is old news: it starts no play and no message"`
}

// apiProperties is what else is known of an event.
type apiProperties object

// UnmarshalJSON keeps numbers as they were written.
func (p *apiProperties) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*object)(p))
}

// Schema describes it.
func (apiProperties) Schema(huma.Registry) *huma.Schema {
	n := maxProperties
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, MaxProperties: &n, Examples: []any{map[string]any{"topic": "Latte art", "minutes": 90}},
		Description: fmt.Sprintf("What else is known of it: texts (up to %d characters are kept), numbers, true and false, lists and objects of them; %d values in all", maxValue, maxProperties)}
}

// apiRecorded says what became of an event.
type apiRecorded struct {
	Event    string `json:"event" doc:"Our id of it"`
	Customer string `json:"customer"`
	Result   string `json:"result" enum:"recorded,known" doc:"known: it was written before"`
}

type apiRecordInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	Body     APIAction
}

func (d events) record(c *rest.Call, in *apiRecordInput) (*rest.One[apiRecorded], error) {
	var r apiRecorded
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		lives, err := customers.Resolve(ctx, tx, in.Customer.Of)
		if err != nil {
			return err
		}
		c.About = lives
		one := []sent{in.Body.read(tx.Now, lives, c.Staff.ID)}
		if err := record(ctx, tx, one); err != nil {
			return err
		}
		c.About = one[0].customer
		r = apiRecorded{one[0].event.String(), one[0].customer.String(), one[0].result()}
		if one[0].err == nil {
			one[0].err = auditActed(ctx, tx, c.Staff.ID, one)
		}
		return one[0].err
	})
	return rest.Show(c, r, err)
}

type apiRecordsInput struct {
	Body struct {
		Events []apiActionOf `json:"events" minItems:"1" maxItems:"200"`
	}
}

type apiActionOf struct {
	Customer *id.Customer `json:"customer,omitempty" maxLength:"17"`
	Identity *apiActor    `json:"identity,omitempty" doc:"Instead of customer: by what they are known"`
	APIAction
}

type apiActor struct {
	Kind  string `json:"kind" enum:"email,phone,card,external"`
	Value string `json:"value" minLength:"1" maxLength:"254" example:"shop:1234"`
}

type apiRecordsAnswer struct {
	Body struct {
		Results []apiRecordResult `json:"results" doc:"One for each event, in their order"`
	}
}

type apiRecordResult struct {
	Event    string      `json:"event,omitempty" doc:"Our id of it"`
	Customer string      `json:"customer,omitempty"`
	Result   string      `json:"result" enum:"recorded,known,refused"`
	Fault    *rest.Fault `json:"fault,omitempty" doc:"Why it was refused"`
}

func (d events) recordMany(c *rest.Call, in *apiRecordsInput) (*apiRecordsAnswer, error) {
	out := &apiRecordsAnswer{}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		shop, err := workspace.Load(ctx, tx)
		if err != nil {
			return err
		}
		all := make([]sent, len(in.Body.Events))
		for i, e := range in.Body.Events {
			who, err := e.who(ctx, tx, shop.Country)
			if err != nil && errs.Is(err, errs.Internal) {
				return err
			}
			all[i] = e.read(tx.Now, who, c.Staff.ID)
			if err != nil {
				all[i].err = err
			}
		}
		if err := record(ctx, tx, all); err != nil {
			return err
		}
		out.Body.Results = make([]apiRecordResult, len(all))
		for i, s := range all {
			out.Body.Results[i] = apiRecordResult{Event: s.event.String(), Customer: s.customer.String(), Result: s.result()}
			if s.err != nil {
				out.Body.Results[i] = refusedAction(c, i, s.err)
			}
		}
		return auditActed(ctx, tx, c.Staff.ID, all)
	})
	return out, err
}

// who is whose event it is.
func (e apiActionOf) who(ctx context.Context, q store.Querier, country string) (id.Customer, error) {
	switch {
	case e.Customer != nil:
		lives, err := customers.Resolve(ctx, q, *e.Customer)
		return lives, errs.In("customer", err)
	case e.Identity == nil:
		return 0, errs.Wrong("customer", "collect.wrong.api-nobody")
	}
	i, err := customers.Normalise(customers.Identity{Kind: e.Identity.Kind, Value: e.Identity.Value}, country)
	if err != nil {
		return 0, errs.In("identity/value", err)
	}
	found, ok, err := customers.Find(ctx, q, i)
	if err == nil && !ok {
		err = errs.Wrong("identity/value", "collect.wrong.api-unknown")
	}
	return found, err
}

func refusedAction(c *rest.Call, i int, err error) apiRecordResult {
	r := apiRecordResult{Result: "refused", Fault: &rest.Fault{}}
	at := fmt.Sprintf("events/%d", i)
	if errs.KindOf(err) == errs.NotFound {
		err = errs.Wrong(errs.FieldOf(err), "customers.wrong.gone")
	}
	var p *rest.Problem
	if errors.As(c.Problem(rest.Under(at, err)), &p) {
		r.Fault.Detail = p.Detail
		if len(p.Errors) > 0 {
			r.Fault = &p.Errors[0]
		}
	}
	return r
}

// auditActed writes one line for what a program recorded, if any of it was
// news.
func auditActed(ctx context.Context, tx *store.Tx, by id.User, all []sent) error {
	n := 0
	for _, s := range all {
		if s.result() == "recorded" && s.err == nil {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "events.sent", Values: []users.Value{{Field: "events", After: strconv.Itoa(n)}}})
}

type apiEventInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	Event    rest.ID[id.Event]    `path:"event"`
	rest.Fields[apiToldEvent]
}

// apiToldEvent is an event with all that was told.
type apiToldEvent struct {
	ID         id.Event       `json:"id"`
	Customer   id.Customer    `json:"customer"`
	Kind       string         `json:"kind" example:"action.tracked"`
	Name       string         `json:"name" doc:"What it is called, of what tracking clients and programs tell"`
	At         time.Time      `json:"at"`
	RecordedAt time.Time      `json:"recorded_at"`
	History    bool           `json:"history"`
	Source     string         `json:"source"`
	Own        string         `json:"own_id" doc:"The id that a program gave it; empty: none"`
	Properties []apiToldValue `json:"properties"`
}

// apiToldValue is one value of an event.
type apiToldValue struct {
	Name   string   `json:"name" doc:"Of what stands deeper, with dots; the values of a list have one name"`
	Text   string   `json:"text"`
	Number *float64 `json:"number,omitempty" doc:"If it is one; of true and false 1 and 0"`
}

func (d events) read(c *rest.Call, in *apiEventInput) (*rest.One[apiToldEvent], error) {
	ctx := c.Context()
	lives, err := customers.Resolve(ctx, d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	e := apiToldEvent{ID: in.Event.Of, Customer: lives}
	var at, recorded int64
	err = d.db.QueryRow(ctx, `select kind, occurred_at, recorded_at, history, source from events where customer_id = $1 and id = $2`,
		int64(lives), int64(e.ID)).Scan(&e.Kind, &at, &recorded, &e.History, &e.Source)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errs.Missing("collect.wrong.api-event")
	}
	if err != nil {
		return nil, err
	}
	e.At, e.RecordedAt = time.UnixMicro(at).UTC(), time.UnixMicro(recorded).UTC()
	names, err := store.All(ctx, d.db, store.Scalar[string], `
		select name from customer_event_names where customer_id = $1 and occurred_at = $2 and event_id = $3`, int64(lives), at, int64(e.ID))
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		e.Name = names[0]
	}
	own, err := store.All(ctx, d.db, store.Scalar[string], `
		select told_id from collect_event_ids where customer_id = $1 and event_id = $2`, int64(lives), int64(e.ID))
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		e.Own = own[0]
	}
	e.Properties, err = store.All(ctx, d.db, func(rows *sql.Rows) (v apiToldValue, err error) {
		return v, rows.Scan(&v.Name, &v.Text, &v.Number)
	}, `select prop, text_value, number_value from customer_event_props where customer_id = $1 and event_id = $2 order by prop, ordinal`, int64(lives), int64(e.ID))
	if e.Properties == nil {
		e.Properties = []apiToldValue{}
	}
	return rest.Show(c, e, err)
}
