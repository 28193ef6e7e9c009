package mcp

import (
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/platform/web"
)

// Routes is the door over HTTP, in the protocol's streamable form and without
// sessions: each request carries its key. enter says who comes with it.
func (d *Door) Routes(enter func(http.ResponseWriter, *web.Request) (Caller, error)) []web.Route {
	answer := func(w http.ResponseWriter, r *web.Request) error {
		c, err := enter(w, r)
		if err != nil {
			return err
		}
		s := d.server(c)
		sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, &sdk.StreamableHTTPOptions{
			Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxMessage,
			// A page of another site has no key, and behind a proxy the host is
			// never this machine's.
			DisableLocalhostProtection: true,
		}).ServeHTTP(w, r.Request)
		return nil
	}
	var routes []web.Route
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		routes = append(routes, web.Route{Pattern: method + " /mcp", Role: web.Public, AnyOrigin: true, MaxBody: maxMessage, Handler: answer})
	}
	return routes
}
