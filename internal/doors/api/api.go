// Package api is the door for programs: it lets keys in, answers the
// operations of all modules, keeps the log of requests, and shows people the
// reference in which everything can be tried.
//
// Its one rule: it knows no operation by name. Who asks, how often, whether
// this was asked before and what is noted of it is decided here, alike for
// all.
package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "api.place", Href: "/settings/api", Icon: "key", Order: 925, Role: web.Manager, Under: "/settings", Also: "/api"},
}

// How often a key may ask in a minute, and how often an address may come with
// a key that is none.
const (
	KeyPerMinute    = 600
	wrongsPerMinute = 30
)

// Door is the API, opened over a database.
type Door struct {
	db    *store.DB
	rest  *rest.API
	log   *requestLog
	keys  *web.Limiter
	wrong *web.Limiter
	v31   []byte // the document
	v30   []byte // the same for tools that know nothing newer
}

// Open puts the operations of all modules together.
func Open(db *store.DB, version string, lists ...[]rest.Operation) (*Door, error) {
	all, err := rest.New(version, lists...)
	if err != nil {
		return nil, err
	}
	d := &Door{db: db, rest: all, log: &requestLog{db: db}, keys: web.NewLimiter(KeyPerMinute), wrong: web.NewLimiter(wrongsPerMinute)}
	if d.v31, err = json.Marshal(all.Document); err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	if d.v30, err = all.Document.Downgrade(); err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	return d, nil
}

// Operations are all operations there are.
func (d *Door) Operations() []rest.Operation { return d.rest.Operations }

// Document is the OpenAPI 3.1 document.
func (d *Door) Document() []byte { return d.v31 }

// Routes are the operations and the document as routes.
func (d *Door) Routes() []web.Route {
	routes := []web.Route{
		{Pattern: "GET " + rest.Base + "/openapi.json", Role: web.Public, AnyOrigin: true, PerMinute: 60, Handler: serve(d.v31)},
		{Pattern: "GET " + rest.Base + "/openapi-3.0.json", Role: web.Public, AnyOrigin: true, PerMinute: 60, Handler: serve(d.v30)},
	}
	for _, op := range d.rest.Operations {
		routes = append(routes, web.Route{
			Pattern: op.Method() + " " + rest.Base + op.Path(), Role: web.Public, AnyOrigin: true, MaxBody: op.MaxBody, Handler: d.handle(op),
		})
	}
	return routes
}

// serve answers with a document, with the server's address as it was reached.
func serve(document []byte) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		base, _ := json.Marshal(r.Href(rest.Base))
		own := strings.Replace(string(document), `"url":"`+rest.Base+`"`, `"url":`+string(base), 1)
		return r.JSON(w, json.RawMessage(own))
	}
}

// Document30 is the same for tools that know nothing newer than OpenAPI 3.0.
func (d *Door) Document30() []byte { return d.v30 }
