package customers

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// apiCare are the operations on whole customers: what happened to them, who
// they are the same as, what is held of them.
func (d desk) apiCare(op func(pattern, name, summary string) rest.Operation) []rest.Operation {
	const at = "/customers/{customer}"
	private := func(o rest.Operation) rest.Operation {
		o.Scope = rest.Scope(strings.Replace(string(o.Scope), "customers", "privacy", 1))
		return o
	}
	return []rest.Operation{
		rest.Op(op("GET "+at+"/events", "listEvents", "Read what happened to a customer, the newest first"), d.apiEvents),
		rest.Op(op("GET "+at+"/merges", "listMerges", "List who was merged into a customer").And("", web.Agent, ""), d.apiMerges),
		rest.Op(op("POST "+at+"/merges", "mergeCustomer", "Merge another customer into this one").And("POST "+at+"/merges", web.Agent,
			"Everything of the other becomes this one's. It can be undone."), d.apiMerge),
		rest.Op(op("DELETE "+at+"/merges/{merge}", "undoMerge", "Make two customers of one again").And("POST "+at+"/merges/{merge}/undoing", web.Agent, ""), d.apiUndo),
		rest.Op(op("GET /duplicates", "listDuplicates", "List pairs that look like one person").And("", web.Agent, ""), d.apiDuplicates),
		rest.Op(op("POST /duplicates/search", "searchDuplicates", "Look for pairs now instead of tonight").And("POST /customers/duplicates", web.Agent, ""), d.apiLook),
		rest.Op(op("DELETE /duplicates/{one}/{other}", "dismissDuplicate", "Say that two customers are two people").And("POST /customers/duplicates/{one}/{other}/dismissal", web.Agent, ""), d.apiDismiss),
		rest.Op(private(op("GET "+at+"/export", "exportCustomer", "Get all that is held of one person").And("", web.Manager,
			"Rows by the names of their tables and columns. It is noted in the audit log.")), d.apiExport),
		rest.Op(private(op("DELETE "+at, "eraseCustomer", "Erase a person for good").And("POST "+at+"/erasure", web.Manager,
			"All personal data goes, the amounts of orders stay without the person. It cannot be undone.")), d.apiErase),
	}
}

// apiEvent is an event of the timeline.
type apiEvent struct {
	ID         id.Event        `json:"id"`
	Kind       string          `json:"kind" example:"order.placed"`
	OccurredAt time.Time       `json:"occurred_at"`
	RecordedAt time.Time       `json:"recorded_at"`
	History    bool            `json:"history" doc:"It came too late to react to"`
	Source     string          `json:"source"`
	By         string          `json:"by" doc:"The member of staff; empty: the program or the customer"`
	Note       string          `json:"note,omitempty" doc:"Of notes and calls: what removeNote wants"`
	Text       string          `json:"text" doc:"What happened, in a sentence"`
	Detail     string          `json:"detail" doc:"What was written of it, if anything was"`
	Payload    json.RawMessage `json:"payload" doc:"Ids, amounts and names of fields"`
}

type apiEventsInput struct {
	Customer apiOf `path:"customer"`
	rest.Page
	rest.Fields[apiEvent]
	Kind []string `query:"kind" maxItems:"20" maxLength:"60" doc:"Only events of these kinds, with commas between"`
}

// apiMoment is where a page of events ended.
type apiMoment struct {
	At int64    `json:"a"`
	ID id.Event `json:"e"`
}

func (d desk) apiEvents(c *rest.Call, in *apiEventsInput) (*rest.Listing[apiEvent], error) {
	var at apiMoment
	if err := rest.ReadCursor(in.After, &at); err != nil {
		return nil, err
	}
	lives, err := Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	f := timeline.Filter{Kinds: in.Kind, Limit: in.Limit + 1}
	if in.After != "" {
		f.Before = timeline.Cursor{OccurredAt: moment(at.At), ID: at.ID}
	}
	all, err := timeline.List(c.Context(), d.db, lives, f)
	if err != nil {
		return nil, err
	}
	all, next := rest.Next(in.Page, all, func(e timeline.Event) any { return apiMoment{e.OccurredAt.UnixMicro(), e.ID} })
	var written []int64
	for _, e := range all {
		if e.Kind == kindNote || e.Kind == kindCall {
			written = append(written, e.Ref)
		}
	}
	texts, err := bodies(c.Context(), d.db, lives, written)
	if err != nil {
		return nil, err
	}
	return rest.Pageful(all, next, func(e timeline.Event) apiEvent { return d.apiEvent(c, e, texts) }), nil
}

func (d desk) apiEvent(c *rest.Call, e timeline.Event, texts map[int64]string) apiEvent {
	a := apiEvent{ID: e.ID, Kind: e.Kind, OccurredAt: e.OccurredAt, RecordedAt: e.RecordedAt, History: e.History, Source: e.Source, Payload: e.Payload}
	if e.Actor != 0 {
		a.By = e.Actor.String()
	}
	line, err := d.kinds.Tell(c.Print, e)
	if err != nil {
		c.LogFault(err) // one event that cannot be told must not hide the others
	}
	a.Text, a.Detail = line.Text, line.Detail
	if e.Kind == kindNote || e.Kind == kindCall {
		a.Note, a.Detail = id.Show(notePrefix, e.Ref), texts[e.Ref]
	}
	return a
}

// apiJoin is a merge.
type apiJoin struct {
	ID       string      `json:"id"`
	Survivor id.Customer `json:"survivor"`
	Other    id.Customer `json:"other"`
	At       time.Time   `json:"at"`
	By       string      `json:"by" doc:"The member of staff; empty: the program"`
	UndoneAt *time.Time  `json:"undone_at,omitempty"`
}

func (d desk) apiMerges(c *rest.Call, in *struct {
	Customer apiOf `path:"customer"`
	rest.Short[apiJoin]
}) (*rest.Listing[apiJoin], error) {
	lives, err := Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	all, err := Merges(c.Context(), d.db, lives)
	return rest.Cut(in.Page, all, func(j Join) string { return rest.Newest(j.ID) }, func(j Join) apiJoin {
		a := apiJoin{ID: id.Show(mergePrefix, j.ID), Survivor: j.Survivor, Other: j.Other, At: j.At}
		if j.By != 0 {
			a.By = j.By.String()
		}
		if !j.UndoneAt.IsZero() {
			a.UndoneAt = &j.UndoneAt
		}
		return a
	}, err)
}

type apiMergeInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body struct {
		Other id.Customer `json:"other" maxLength:"17" doc:"Who is merged into the customer of the address"`
	}
}

func (d desk) apiMerge(c *rest.Call, in *apiMergeInput) (*rest.One[apiCustomer], error) {
	return d.apiDo(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		if _, err := MergeInto(ctx, tx, d.tables, to, in.Body.Other, apiBy(c)); err != nil {
			return err
		}
		return users.Audit(ctx, tx, noted(c.Request, "customer.merged", to))
	})
}

type apiUndoInput struct {
	Customer apiOf  `path:"customer"`
	Merge    string `path:"merge" maxLength:"17"`
	rest.IfMatch
}

func (d desk) apiUndo(c *rest.Call, in *apiUndoInput) (*rest.One[apiCustomer], error) {
	merge, err := apiPart(mergePrefix, in.Merge, errs.Missing("customers.wrong.no-merge"))
	if err != nil {
		return nil, err
	}
	return d.apiDo(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		if _, err := UndoMerge(ctx, tx, d.tables, to, merge, apiBy(c)); err != nil {
			return err
		}
		return users.Audit(ctx, tx, noted(c.Request, "customer.unmerged", to))
	})
}

// apiPair is two customers that look like one person.
type apiPair struct {
	One     id.Customer `json:"one"`
	Other   id.Customer `json:"other"`
	Score   float64     `json:"score" doc:"0 to 1"`
	Reasons []string    `json:"reasons" doc:"What agrees"`
}

func (d desk) apiDuplicates(c *rest.Call, in *rest.Short[apiPair]) (*rest.Listing[apiPair], error) {
	after := PairCursor{Score: 2}
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := DuplicatesAfter(c.Context(), d.db, after, in.Limit+1)
	all, next := rest.Next(in.Page, all, func(p Pair) any { return PairCursor{p.Score, p.A, p.B} })
	return rest.Pageful(all, next, func(p Pair) apiPair { return apiPair{p.A, p.B, p.Score, p.Reasons} }), err
}

func (d desk) apiLook(c *rest.Call, _ *struct{}) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if err := LookForDuplicates(ctx, tx); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "duplicates.searched"})
	})
}

type apiPairOf struct {
	One   apiOf `path:"one"`
	Other apiOf `path:"other"`
}

func (d desk) apiDismiss(c *rest.Call, in *apiPairOf) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if err := Dismiss(ctx, tx, in.One.Of, in.Other.Of, apiBy(c)); err != nil {
			return err
		}
		return users.Audit(ctx, tx, noted(c.Request, "duplicate.dismissed", in.One.Of))
	})
}

// apiExported is everything held of one person.
type apiExported struct {
	Customer   string                      `json:"customer"`
	ExportedAt string                      `json:"exported_at"`
	Tables     map[string][]map[string]any `json:"tables" doc:"Rows, by the names of tables and columns"`
}

type apiExportAnswer struct{ Body apiExported }

func (d desk) apiExport(c *rest.Call, in *apiCustomerOf) (*apiExportAnswer, error) {
	lives, err := Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	x, err := Export(c.Context(), d.db, d.tables, lives, c.Now)
	if err != nil {
		return nil, err
	}
	if err := users.AuditExport(c.Context(), d.db, noted(c.Request, "customer.exported", lives)); err != nil {
		return nil, err
	}
	return &apiExportAnswer{apiExported(x)}, nil
}

func (d desk) apiErase(c *rest.Call, in *struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
}) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		lives, err := Resolve(ctx, tx, in.Customer.Of)
		if err != nil {
			return err
		}
		if in.Match != "" {
			if err := Lock(ctx, tx, lives); err != nil {
				return err
			}
			now, err := readAPI(ctx, tx, lives)
			if err != nil {
				return err
			}
			if err := in.Check(now); err != nil {
				return err
			}
		}
		if err := EraseForGood(ctx, tx, d.tables, lives, apiBy(c)); err != nil {
			return err
		}
		return users.Audit(ctx, tx, noted(c.Request, "customer.erased", lives))
	})
}
