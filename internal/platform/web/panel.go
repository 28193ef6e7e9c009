package web

import (
	"context"
	"html/template"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Panel is a box that a module shows on a customer's page.
type Panel struct {
	ID    string // "loyalty": the box's id in the page
	Order int
	Role  Role   // the least role that sees it
	Page  string // "loyalty/panel.html": a file that defines "panel"
	// Data reads what the file shows of the customer; nil data means there is
	// nothing to show and leaves the box out.
	Data func(ctx context.Context, q store.Querier, customer id.Customer) (any, error)
}

// Box is a panel as it stands on a page.
type Box struct {
	ID   string
	HTML template.HTML
}

// Panels renders the boxes of a customer's page that the person may see, in
// order. One that fails is logged and says so in its place, so that a fault
// in one module does not hide a customer.
func (r *Request) Panels(q store.Querier, customer id.Customer) []Box {
	var boxes []Box
	for _, p := range r.server.panels {
		if !r.Can(p.Role) {
			continue
		}
		data, err := p.Data(r.Context(), q, customer)
		if err == nil && data == nil {
			continue
		}
		var html template.HTML
		if err == nil {
			html, err = r.Fragment(p.Page, "panel", data)
		}
		if err != nil {
			r.server.Log.Error("panel failed", "id", r.ID, "panel", p.ID, "error", logged(err))
			html, _ = r.Fragment("web/error.html", "panel-failed", nil)
		}
		boxes = append(boxes, Box{p.ID, html})
	}
	return boxes
}
