package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
)

// Role is what a member of staff may do. Roles are ordered: each may do what
// the ones before it may. The zero Role is none, so that a route whose role
// was forgotten is refused at start.
type Role uint8

// The roles.
const (
	Public  Role = iota + 1 // anybody, signed in or not
	Viewer                  // may look
	Till                    // may serve a customer at the counter
	Agent                   // may talk to customers and change their records
	Manager                 // may reach many customers, import and export
	Owner                   // may change settings and staff
)

var roleNames = []string{"none", "public", "viewer", "till", "agent", "manager", "owner"}

// String is the role's name as stored: "manager".
func (r Role) String() string { return roleNames[min(int(r), len(roleNames)-1)] }

// ParseRole reads what String wrote.
func ParseRole(s string) (Role, error) {
	for i, name := range roleNames[1:] {
		if s == name {
			return Role(i + 1), nil
		}
	}
	return 0, fmt.Errorf("no role is called %q", s)
}

// Staff is the person who is signed in; the zero Staff is nobody.
type Staff struct {
	ID       id.User
	Name     string
	Role     Role
	Language string    // "cs"; empty: as the browser asks
	Theme    string    // "light", "dark"; empty: as the system is
	Zone     string    // "Europe/Prague"; empty: the business's own
	ProvedAt time.Time // when they last gave a password or a passkey
	Confined string    // the only path they may use, and what is below it; empty: all
}

// Shop is what every page needs to know of the business.
type Shop struct {
	Name     string
	Language string
	Zone     *time.Location
	Currency money.Currency
	Demo     bool // shows the banner that says this is a demo store
}

// Handler answers a request, or returns why it cannot; the error becomes the
// right status and page, so a handler never writes one itself.
type Handler func(w http.ResponseWriter, r *Request) error

// Route is one line of a module's list of pages.
type Route struct {
	Pattern string // as in net/http: "GET /customers/{customer}"
	Role    Role   // the least role that may come here
	Handler Handler
	MaxBody int64 // bytes of body accepted; 0 means 1 MiB
	// AnyOrigin opens a route to programs and other sites' pages (an API, a
	// collector). Nobody is ever signed in on it: cookies are not read.
	AnyOrigin bool
	// Quiet routes are asked so often that the log has a line of each only when
	// it tells everything: what looks whether the program is alive.
	Quiet bool
	// Lean routes are called thousands of times a second by programs: the
	// business's settings are not read for them, and Request.Shop is empty.
	Lean bool
	// PerMinute is how often one network address may come here in a minute;
	// more is errs.TooMany. 0: as often as it likes.
	PerMinute int
}

// Place is a line in the navigation, or one of the row on top of the pages of
// the line that it stands under.
type Place struct {
	Section string // key of the section's title; empty: on top, without title
	Key     string // key of the title
	Href    string // "/customers"
	Icon    string // name of an icon, see assets/icons.txt
	Order   int    // sections stand in the order of their first place
	Role    Role   // the least role that sees it
	Under   string // address of the place it stands under; empty: a line of its own
	Within  string // key of what a place is called among those under it; empty: Key
	Also    string // another address whose pages are its own
}

// Authenticate finds who holds a session token. An errs.SignIn error means
// nobody does.
type Authenticate func(ctx context.Context, token string) (Staff, error)
