package rest

import (
	"slices"
	"strings"

	"regulars/internal/platform/web"
)

// Scope is a part of what a key may do: a noun and read or write, as in
// customers:read. The one who writes may also read.
type Scope string

// Area is a noun that keys are given scopes of.
type Area struct {
	Name  string   // customers
	Role  web.Role // the least role that has any use of it
	Write bool     // there is something to write
}

// Areas are all of them, in the order in which they are offered.
var Areas = []Area{
	{"customers", web.Viewer, true},
	{"orders", web.Viewer, true},
	{"products", web.Viewer, true},
	{"insights", web.Viewer, true},
	{"privacy", web.Manager, true}, // exporting and erasing a person
	{"imports", web.Manager, true},
	{"jobs", web.Manager, true},
	{"settings", web.Owner, true},
	{"webhooks", web.Owner, true},
	{"staff", web.Owner, true},
	{"audit", web.Owner, false},
}

// Scopes are all scopes, in the order of Areas.
func Scopes() []Scope {
	var all []Scope
	for _, a := range Areas {
		all = append(all, Scope(a.Name+":read"))
		if a.Write {
			all = append(all, Scope(a.Name+":write"))
		}
	}
	return all
}

// Read is the scope that reads what the scope writes; of a reading scope,
// itself.
func (s Scope) Read() Scope {
	noun, _, _ := strings.Cut(string(s), ":")
	return Scope(noun + ":read")
}

// Covers reports whether a key with these scopes may do what s asks for; any
// key may do what asks for none.
func Covers(has []Scope, s Scope) bool {
	return s == "" || slices.Contains(has, s) || s.Read() == s && slices.ContainsFunc(has, func(h Scope) bool { return h.Read() == s })
}
