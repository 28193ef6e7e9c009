package customers

import (
	"context"
	"embed"
	"net/http"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "customers.section", Key: "customers.place.list", Href: "/customers", Icon: "users", Order: 100, Role: web.Viewer},
	{Section: "customers.section", Key: "customers.place.duplicates", Href: "/customers/duplicates", Icon: "git-merge", Order: 110, Role: web.Agent},
}

// desk is what the handlers of this module share.
type desk struct {
	db     *store.DB
	kinds  timeline.Kinds
	groups []string // of the timeline's filter, in the order of the kinds
	tables []Table
}

// Admin is the list of this module's pages. Kinds are all sorts of events,
// tables all tables of customers that the program has.
func Admin(db *store.DB, kinds timeline.Kinds, tables []Table) []web.Route {
	d := desk{db: db, kinds: kinds, tables: tables, groups: groupsOf(kinds)}
	return []web.Route{
		{Pattern: "GET /customers", Role: web.Viewer, Handler: d.list},
		{Pattern: "GET /customers/export", Role: web.Manager, Handler: d.exportList},
		{Pattern: "GET /customers/new", Role: web.Till, Handler: d.blank},
		{Pattern: "POST /customers", Role: web.Till, Handler: d.make},
		{Pattern: "GET /customers/{customer}", Role: web.Viewer, Handler: d.show},

		{Pattern: "POST /customers/{customer}/notes", Role: web.Till, Handler: d.do("note", addNote)},
		{Pattern: "POST /customers/{customer}/notes/{note}/removal", Role: web.Agent, Handler: d.do("removed", removeNote)},
		{Pattern: "POST /customers/{customer}/calls", Role: web.Till, Handler: d.do("call", addCall)},
		{Pattern: "POST /customers/{customer}/tags", Role: web.Till, Handler: d.do("saved", addTag)},
		{Pattern: "POST /customers/{customer}/tags/removal", Role: web.Till, Handler: d.do("removed", removeTag)},
		{Pattern: "POST /customers/{customer}/tastes", Role: web.Till, Handler: d.do("saved", addTaste)},
		{Pattern: "POST /customers/{customer}/tastes/removal", Role: web.Till, Handler: d.do("removed", removeTaste)},
		{Pattern: "POST /customers/{customer}/dates", Role: web.Till, Handler: d.do("saved", addDate)},
		{Pattern: "POST /customers/{customer}/dates/removal", Role: web.Till, Handler: d.do("removed", removeDate)},
		{Pattern: "POST /customers/{customer}/consents", Role: web.Till, Handler: d.do("consent", addConsent)},
		{Pattern: "POST /customers/{customer}/reachability", Role: web.Till, Handler: d.do("saved", revive)},

		{Pattern: "GET /customers/{customer}/edit", Role: web.Agent, Handler: d.edit},
		{Pattern: "POST /customers/{customer}", Role: web.Agent, Handler: d.save},
		{Pattern: "POST /customers/{customer}/identities", Role: web.Agent, Handler: d.editing(addIdentity)},
		{Pattern: "POST /customers/{customer}/identities/removal", Role: web.Agent, Handler: d.editing(removeIdentity)},
		{Pattern: "POST /customers/{customer}/identities/preference", Role: web.Agent, Handler: d.editing(preferIdentity)},
		{Pattern: "POST /customers/{customer}/addresses", Role: web.Agent, Handler: d.editing(addAddress)},
		{Pattern: "POST /customers/{customer}/addresses/removal", Role: web.Agent, Handler: d.editing(removeAddress)},

		{Pattern: "GET /customers/{customer}/merge", Role: web.Agent, Handler: d.compare},
		{Pattern: "POST /customers/{customer}/merges", Role: web.Agent, Handler: d.merge},
		{Pattern: "POST /customers/{customer}/merges/{merge}/undoing", Role: web.Agent, Handler: d.undoMerge},
		{Pattern: "GET /customers/duplicates", Role: web.Agent, Handler: d.duplicates},
		{Pattern: "POST /customers/duplicates", Role: web.Agent, Handler: d.lookAgain},
		{Pattern: "POST /customers/duplicates/{one}/{other}/dismissal", Role: web.Agent, Handler: d.dismiss},

		{Pattern: "GET /customers/{customer}/export", Role: web.Manager, Handler: d.export},
		{Pattern: "GET /customers/{customer}/receipt", Role: web.Manager, Handler: d.receipt},
		{Pattern: "GET /customers/{customer}/erasure", Role: web.Manager, Handler: d.askErase},
		{Pattern: "POST /customers/{customer}/erasure", Role: web.Manager, Handler: d.erase},
	}
}

// living reads the customer of the address. One who was merged leads on to
// who lives for them, with done set: the answer is written.
func (d desk) living(w http.ResponseWriter, r *web.Request) (c Customer, done bool, err error) {
	asked, err := web.PathID(r, "customer", id.ParseCustomer)
	if err != nil {
		return c, false, err
	}
	c, err = ByID(r.Context(), d.db, asked)
	if err != nil || c.MergedInto == 0 {
		return c, false, err
	}
	lives, err := Resolve(r.Context(), d.db, asked)
	if err != nil {
		return c, false, err
	}
	r.Flash(w, "good", r.T("customers.was-merged"))
	return c, true, r.Redirect(w, "/customers/"+lives.String())
}

// by says that the person who is signed in does it.
func by(r *web.Request) By { return By{Actor: r.Staff.ID, Source: "staff"} }

// write runs a change of the customer of the address, who may have been
// merged since the form was shown.
func (d desk) write(r *web.Request, c id.Customer, change func(ctx context.Context, tx *store.Tx, c id.Customer) error) error {
	return d.db.Tx(r.Context(), func(tx *store.Tx) error {
		lives, err := Resolve(r.Context(), tx, c)
		if err != nil {
			return err
		}
		return change(r.Context(), tx, lives)
	})
}
