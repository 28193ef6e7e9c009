package admin

import (
	"context"
	"encoding/json"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// API is what programs can do with background work, and the search over
// everything.
func API(db *store.DB) []rest.Operation {
	d := door{db: db}
	op := rest.Operations("jobs", web.Manager, web.Manager)
	find := op("GET /search", "search", "Find customers, orders and products by what somebody would type")
	find.Scope, find.Role = "customers:read", web.Viewer
	const many = "All of a state and a kind; at least one of them must be given."
	return []rest.Operation{
		rest.Op(find, d.apiSearch),
		rest.Op(op("GET /jobs", "listJobs", "List background work"), d.apiJobs),
		rest.Op(op("POST /jobs/attempt", "retryJobs", "Try jobs again now").And("POST /jobs/attempt", web.Manager, many), d.apiMany("jobs.retried", jobs.Retry)),
		rest.Op(op("POST /jobs/cancellation", "cancelJobs", "Give jobs up").And("POST /jobs/cancellation", web.Manager, many), d.apiMany("jobs.cancelled", jobs.Cancel)),
		rest.Op(op("POST /jobs/{job}/attempt", "retryJob", "Try a job again now").And("POST /jobs/{job}/attempt", web.Manager, ""), d.apiOne("jobs.retried", jobs.Retry)),
		rest.Op(op("POST /jobs/{job}/cancellation", "cancelJob", "Give a job up").And("POST /jobs/{job}/cancellation", web.Manager, ""), d.apiOne("jobs.cancelled", jobs.Cancel)),
	}
}

// apiJob is a piece of background work.
type apiJob struct {
	ID      id.Job          `json:"id"`
	Kind    string          `json:"kind"`
	State   string          `json:"state" enum:"waiting,running,dead"`
	Args    json.RawMessage `json:"args" doc:"Ids, amounts and names"`
	Attempt int             `json:"attempt"`
	Due     time.Time       `json:"due_at"`
	Created time.Time       `json:"created_at"`
	Started *time.Time      `json:"started_at,omitempty"`
	Failure string          `json:"failure" doc:"Of the last attempt"`
}

func shownJob(l jobs.Line) apiJob {
	a := apiJob{ID: l.ID, Kind: l.Kind, State: string(l.State), Args: json.RawMessage(l.Args), Attempt: l.Attempt, Due: l.Due, Created: l.Created, Failure: l.Failure}
	if !json.Valid(a.Args) {
		a.Args = json.RawMessage("{}")
	}
	if !l.Started.IsZero() {
		a.Started = &l.Started
	}
	return a
}

type apiJobsInput struct {
	rest.Page
	rest.Fields[apiJob]
	State string `query:"state" enum:"waiting,running,failing,dead,held" doc:"failing: those that failed and wait for another try; held: those that were given up after a backup was restored"`
	Kind  string `query:"kind" maxLength:"100"`
}

func (d door) apiJobs(c *rest.Call, in *apiJobsInput) (*rest.Listing[apiJob], error) {
	_, f := jobsFilter(in.State, in.Kind)
	f.Limit = in.Limit + 1
	if in.After != "" {
		if f.After = readCursor(in.After); f.After == nil {
			return nil, errs.Wrong("after", "rest.wrong.cursor")
		}
	}
	all, err := jobs.List(c.Context(), d.db, f)
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		next = writeCursor(all[in.Limit-1])
	}
	return rest.Pageful(all, next, shownJob), err
}

// apiActed says how many jobs it was done to.
type apiActed struct {
	Jobs int `json:"jobs"`
}

type apiManyInput struct {
	Body struct {
		State string `json:"state,omitempty" enum:"waiting,running,failing,dead,held" doc:"As listJobs has it"`
		Kind  string `json:"kind,omitempty" maxLength:"100"`
	}
}

type verb = func(context.Context, *store.Tx, jobs.Filter) (int, error)

func (d door) apiMany(action string, do verb) func(c *rest.Call, in *apiManyInput) (*rest.One[apiActed], error) {
	return func(c *rest.Call, in *apiManyInput) (*rest.One[apiActed], error) {
		if in.Body.State == "" && in.Body.Kind == "" {
			return nil, errs.Wrong("state", "admin.jobs.choose")
		}
		_, f := jobsFilter(in.Body.State, in.Body.Kind)
		return d.apiAct(c, action, "", f, do)
	}
}

type apiJobOf struct {
	Job rest.ID[id.Job] `path:"job"`
}

func (d door) apiOne(action string, do verb) func(c *rest.Call, in *apiJobOf) (*rest.One[apiActed], error) {
	return func(c *rest.Call, in *apiJobOf) (*rest.One[apiActed], error) {
		return d.apiAct(c, action, in.Job.Of.String(), jobs.Filter{IDs: []id.Job{in.Job.Of}}, do)
	}
}

// apiAct does a verb to jobs; to one that is gone, or runs, it does nothing.
func (d door) apiAct(c *rest.Call, action, subject string, f jobs.Filter, do verb) (*rest.One[apiActed], error) {
	var a apiActed
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if a.Jobs, err = do(ctx, tx, f); err != nil || a.Jobs == 0 {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: action, Subject: subject})
	})
	return rest.Show(c, a, err)
}

// apiFound is what a search finds.
type apiFound struct {
	Customers []apiHit `json:"customers"`
	Orders    []apiHit `json:"orders"`
	Products  []apiHit `json:"products"`
}

type apiHit struct {
	ID       string `json:"id"`
	Text     string `json:"text" doc:"A name or a number"`
	Customer string `json:"customer,omitempty" doc:"Of an order: whose it is; left out: a walk-in's"`
}

type apiSearchInput struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"100"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"10"`
	rest.Fields[apiFound]
}

func (d door) apiSearch(c *rest.Call, in *apiSearchInput) (*rest.One[apiFound], error) {
	found := apiFound{Customers: []apiHit{}, Orders: []apiHit{}, Products: []apiHit{}}
	people, err := customers.Search(c.Context(), d.db, in.Query, in.Limit)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		found.Customers = append(found.Customers, apiHit{ID: p.ID.String(), Text: p.Called()})
	}
	sold, err := orders.List(c.Context(), d.db, orders.Filter{Number: in.Query}, orders.Page{})
	if err != nil {
		return nil, err
	}
	for _, o := range sold.Orders[:min(len(sold.Orders), in.Limit)] {
		h := apiHit{ID: o.ID.String(), Text: o.Number}
		if o.Customer != 0 {
			h.Customer = o.Customer.String()
		}
		found.Orders = append(found.Orders, h)
	}
	products, _, err := orders.ListProducts(c.Context(), d.db, orders.ProductFilter{Query: in.Query, Limit: in.Limit})
	for _, p := range products {
		found.Products = append(found.Products, apiHit{ID: p.ID.String(), Text: p.Name})
	}
	return rest.Show(c, found, err)
}
