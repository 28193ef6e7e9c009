// Package rest is how a module offers its verbs to programs: an operation is a
// pattern with its scope and role beside it, a typed input and a typed answer.
// doors/api puts the operations of all modules together.
//
// Its one rule: an operation calls the same verbs as the pages do, and what is
// wrong comes back as a Problem that names the field at fault.
//
// # How a module adds an operation
//
//	func API(db *store.DB) []rest.Operation {
//		d := desk{db: db}
//		return []rest.Operation{
//			rest.Op(rest.Operation{Pattern: "POST /wishes/{wish}/votes", Name: "addVote", Summary: "Vote for a wish",
//				Scope: "wishes:write", Role: web.Agent, Page: "POST /wishes/{wish}/votes"}, d.apiVote),
//		}
//	}
//
//	type apiVoteInput struct {
//		Wish rest.ID[id.Wish] `path:"wish"`
//		Body struct {
//			Words string `json:"words" maxLength:"500" doc:"Why"`
//		}
//	}
//
//	func (d desk) apiVote(c *rest.Call, in *apiVoteInput) (*rest.One[apiWish], error) {
//		var w Wish
//		err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
//			w, err = Vote(ctx, tx, in.Wish.Of, c.Staff.ID, in.Body.Words)
//			return err
//		})
//		return rest.Show(c, shown(w), err)
//	}
//
// Every text and list of an input has a maxLength or maxItems; a test looks.
// Types begin with api, which the document leaves away: apiWish is Wish there.
package rest

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// Files holds the texts of this package.
//
//go:embed text
var Files embed.FS

// Base is the path below which all operations lie.
const Base = "/api/v1"

// Operation is one line of a module's list of what programs can do.
type Operation struct {
	Pattern string   // below Base: "GET /customers/{customer}"
	Name    string   // by which generated clients call it: getCustomer
	Summary string   // one line without a full stop
	Text    string   // more, for the reference; may be empty
	Scope   Scope    // what the key must hold; empty: any key will do
	Role    web.Role // the least role of the one whose key it is
	Page    string   // the route of the interface that does the same; empty: none changes what this does
	Status  int      // of success; 0: 200, or 204 when there is nothing to answer
	MaxBody int64    // bytes accepted; 0: 1 MiB
	Takes   string   // the content type of a body that is read as it comes; empty: none
	Replays bool     // done twice it is as done once, whatever fails between: nothing is settled before its end

	register func(huma.API, huma.Operation)
}

// Operations makes operations on a noun: whoever reads holds its read scope
// and has the one role, whoever changes anything its write scope and the other.
func Operations(noun string, reads, writes web.Role) func(pattern, name, summary string) Operation {
	return func(pattern, name, summary string) Operation {
		o := Operation{Pattern: pattern, Name: name, Summary: summary, Scope: Scope(noun + ":read"), Role: reads}
		if o.Writes() {
			o.Scope, o.Role = Scope(noun+":write"), writes
		}
		return o
	}
}

// Op completes an operation with the function that does it.
func Op[I, O any](o Operation, do func(*Call, *I) (*O, error)) Operation {
	o.register = func(api huma.API, op huma.Operation) {
		huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
			c := callOf(ctx)
			if s, ok := any(in).(sparse); ok {
				if c.fields = s.chosen(); c.fields != nil {
					if err := s.check(); err != nil {
						return nil, c.Problem(err)
					}
				}
			}
			out, err := do(c, in)
			if err != nil {
				return nil, c.Problem(err)
			}
			return out, nil
		})
	}
	return o
}

// Method is GET, POST and so on.
func (o Operation) Method() string { m, _, _ := strings.Cut(o.Pattern, " "); return m }

// Path is the path below Base, with its places in braces.
func (o Operation) Path() string { _, p, _ := strings.Cut(o.Pattern, " "); return p }

// Writes reports whether the operation changes anything.
func (o Operation) Writes() bool { return o.Method() != http.MethodGet }

// Call is one request of a program: the request, with the one whose key it
// came with as its Staff.
type Call struct {
	*web.Request
	Key id.Key
	// About is the customer of whom the answer tells, so that an answer kept
	// for a repeated request goes when they are erased. It is read from the
	// path; an operation without one there sets it.
	About id.Customer
	// Settle, when there is one, marks the request as done, in the
	// transaction of its effect.
	Settle func(ctx context.Context, tx *store.Tx) error

	fields []string // wanted of the answer; nil: all
}

// Write runs a change in one transaction, together with the note that this
// request was done: repeated after a crash it is not done again. An operation
// calls it once.
func (c *Call) Write(db *store.DB, change func(ctx context.Context, tx *store.Tx) error) error {
	return db.Tx(c.Context(), func(tx *store.Tx) error {
		if err := change(c.Context(), tx); err != nil {
			return err
		}
		if c.Settle == nil {
			return nil
		}
		return c.Settle(c.Context(), tx)
	})
}

// Day is today in the business's time zone.
func (c *Call) Day() string { return c.Now.In(c.Zone()).Format(time.DateOnly) }

// Zone is the business's time zone.
func (c *Call) Zone() *time.Location {
	if c.Shop.Zone == nil {
		return time.UTC
	}
	return c.Shop.Zone
}

type callKey struct{}

func callOf(ctx context.Context) *Call { return ctx.Value(callKey{}).(*Call) }

// API is all operations, and the document that describes them.
type API struct {
	Operations []Operation
	Document   *huma.OpenAPI
	serve      map[string]func(huma.Context)
	described  map[string]*huma.Operation
}

// New puts operations together. What is wrong with one is found here, at
// start, and named in the error.
func New(version string, lists ...[]Operation) (a *API, err error) {
	a = &API{serve: map[string]func(huma.Context){}, described: map[string]*huma.Operation{}}
	hooks()
	h := huma.NewAPI(config(version), a)
	a.Document = h.OpenAPI()
	scopes := map[Scope]bool{"": true}
	for _, s := range Scopes() {
		scopes[s] = true
	}
	for _, list := range lists {
		for _, o := range list {
			if err := o.add(h, a, scopes); err != nil {
				return nil, fmt.Errorf("operation %s: %w", o.Pattern, err)
			}
			a.Operations = append(a.Operations, o)
		}
	}
	return a, nil
}

// add registers an operation, turning the panic of a mistake into an error.
func (o Operation) add(h huma.API, a *API, scopes map[Scope]bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	switch {
	case o.register == nil || o.Name == "" || o.Summary == "":
		return fmt.Errorf("it needs a name, a summary and a function")
	case !scopes[o.Scope] || o.Role < web.Viewer:
		return fmt.Errorf("it needs a scope that exists and a role")
	case o.Scope != "" && o.Writes() == (o.Scope == o.Scope.Read()):
		return fmt.Errorf("the scope %s is of the wrong kind", o.Scope)
	case a.serve[o.Name] != nil:
		return fmt.Errorf("another one is called %s", o.Name)
	}
	o.register(h, o.describe())
	unchanged(a.described[o.Name])
	return nil
}

// Handle keeps the handler of an operation; package huma calls it.
func (a *API) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.serve[op.OperationID], a.described[op.OperationID] = serve, op
}

// ServeHTTP serves nothing: each operation is a route of its own.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Serve answers a call of one operation.
func (a *API) Serve(name string, w http.ResponseWriter, c *Call) {
	r := c.Request.Request.WithContext(context.WithValue(c.Context(), callKey{}, c))
	c.Request.Request = r
	a.serve[name](humago.NewContext(a.described[name], r, w))
}

// ID is an id in a path or a query.
type ID[T any] struct{ Of T }

// UnmarshalText reads an id as it is shown.
func (i *ID[T]) UnmarshalText(b []byte) error {
	err := any(&i.Of).(interface{ UnmarshalText([]byte) error }).UnmarshalText(b)
	if err != nil {
		return err
	}
	return nil
}

// Schema describes it.
func (i ID[T]) Schema(huma.Registry) *huma.Schema {
	n := 17
	return &huma.Schema{Type: huma.TypeString, MaxLength: &n, Examples: []any{fmt.Sprint(reflect.New(reflect.TypeFor[T]()).Elem())}}
}

// And completes an operation with the page that does the same, its role and
// more words.
func (o Operation) And(page string, role web.Role, text string) Operation {
	o.Page, o.Role, o.Text = page, role, text
	return o
}

// Described is an operation as the document has it.
func (a *API) Described(name string) *huma.Operation { return a.described[name] }

// Making is an operation that answers 201.
func (o Operation) Making() Operation { o.Status = http.StatusCreated; return o }

// Repeating is an operation that done twice is as done once.
func (o Operation) Repeating() Operation { o.Replays = true; return o }
