package app

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"regulars/internal/doors/admin"
	"regulars/internal/doors/api"
	"regulars/internal/doors/archive"
	"regulars/internal/doors/backup"
	"regulars/internal/doors/collect"
	"regulars/internal/doors/demo"
	"regulars/internal/doors/importers"
	"regulars/internal/doors/mcp"
	"regulars/internal/doors/report"
	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/keeping"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
)

// sentences are the app's own.
//
//go:embed text
var sentences embed.FS

// Modules is what the program is made of: the slots in which modules meet.
type Modules struct {
	Catalog      *locale.Catalog
	Files        map[string]fs.FS // pages, by module
	Routes       []web.Route
	Health       []web.Route // of them, those that a mere worker has too
	Places       []web.Place
	Panels       []web.Panel
	Jobs         []jobs.Kind
	Assistants   *mcp.Door
	Sending      []jobs.Kind // what waits for other people's machines
	Events       timeline.Kinds
	Authenticate web.Authenticate
	Shop         func(context.Context) (web.Shop, error)
	API          *api.Door
}

// files are the modules with pages or sentences of their own.
func files() map[string]fs.FS {
	return map[string]fs.FS{
		"users":     users.Files,
		"mail":      mail.Files,
		"workspace": workspace.Files,
		"customers": customers.Files,
		"keeping":   keeping.Files,
		"orders":    orders.Files,
		"scores":    scores.Files,
		"insights":  insights.Files,
		"collect":   collect.Files,
		"importers": importers.Files,
		"backup":    backup.Files,
		"archive":   archive.Files,
		"admin":     admin.Files,
		"webhooks":  webhooks.Files,
		"mcp":       mcp.Files,
		"api":       api.Files,
		"rest":      rest.Files,
	}
}

// Catalog holds the sentences of all modules, and of whoever calls it.
func Catalog(own ...fs.FS) (*locale.Catalog, error) {
	texts := append(own, sentences, sheet.Files, store.Files, jobs.Files, web.Text(), report.Files, demo.Files)
	for _, f := range files() {
		texts = append(texts, f)
	}
	c, err := locale.Load(texts...)
	if err != nil {
		return nil, fmt.Errorf("load the catalogues: %w", err)
	}
	return c, nil
}

// Tables lists every table with a customer's rows: how they merge, are
// exported and erased. A test fails for a table that stands nowhere.
func Tables() []customers.Table {
	return join(customers.Tables, orders.Tables, facts.Tables, scores.Tables, webhooks.Tables, collect.Tables)
}

// keepingKinds lists what can be forgotten after a while.
func keepingKinds() []keeping.Kind {
	return join(keeping.Kinds(Tables()), importers.Keeping, api.Keeping, collect.Keeping, webhooks.Keeping)
}

// events lists what can happen to a customer.
func events() timeline.Kinds {
	return timeline.NewKinds(customers.Kinds, orders.Kinds, collect.Kinds)
}

// subscriptions lists who reacts to what happens.
func subscriptions() []timeline.Subscription {
	return []timeline.Subscription{
		facts.Subscription,
		scores.Subscription,
		insights.Subscription,
		webhooks.Subscription(events()),
		api.Subscription,
		backup.Subscription,
	}
}

// modules puts the program together over a database.
func modules(db *store.DB, c Config) (Modules, error) {
	m := Modules{Files: files(), Events: events()}
	var err error
	if m.Catalog, err = Catalog(); err != nil {
		return m, err
	}
	m.Places = join(
		admin.Places,
		customers.Places,
		orders.Places,
		insights.Places,
		importers.Places,
		collect.Places,
		keeping.Places,
		backup.Places,
		archive.Places,
		users.Places,
		workspace.Places,
		webhooks.Places,
		api.Places,
	)
	m.Panels = []web.Panel{orders.Panel, orders.SubscriptionPanel, scores.Panel}
	letters, err := users.LetterTexts()
	if err != nil {
		return m, fmt.Errorf("load the texts of letters: %w", err)
	}
	staff := users.Desk{DB: db, Letters: letters, Mail: c.Mail, Client: outbound.Client(outbound.Options{Allow: c.Internal, Redirects: 3})}
	m.Jobs = join(
		mail.Jobs(db, c.Mail),
		users.Jobs(staff),
		timeline.Jobs(db, subscriptions()),
		customers.Jobs(db),
		keeping.Jobs(db, keepingKinds()),
		orders.Jobs(db),
		facts.Jobs(db),
		scores.Jobs(db),
		insights.Jobs(db),
		importers.Jobs(db, Tables()),
		backup.Jobs(db, c.backups()),
		collect.Jobs(db, Tables()),
		webhooks.Jobs(db),
		api.Jobs(db),
	)
	m.Sending = webhooks.Sending(db, outbound.Client(outbound.Options{Allow: c.Internal, Timeout: webhooks.Patience}))
	m.Assistants = mcp.Open(mcp.Door{DB: db, Kinds: m.Events, Catalog: m.Catalog, Version: c.Version, Log: c.Log,
		Address: func(ctx context.Context) (string, error) {
			s, err := mail.Current(ctx, db, c.Mail)
			return s.URL, err
		}})
	m.Health = admin.Health(db, c.Telemetry, c.MetricsToken)
	m.API, err = api.Open(db, c.Version,
		users.API(db),
		workspace.API(db),
		customers.API(db, m.Events, Tables()),
		webhooks.API(db, m.Events),
		orders.API(db),
		facts.API(db),
		collect.API(db),
		scores.API(db),
		insights.API(db),
		importers.API(db),
		admin.API(db),
	)
	if err != nil {
		return m, fmt.Errorf("open the API: %w", err)
	}
	m.Routes = join(
		users.Admin(staff),
		workspace.Admin(db),
		customers.Admin(db, m.Events, Tables()),
		orders.Admin(db),
		insights.Admin(db),
		importers.Admin(db),
		webhooks.Admin(db, m.Events),
		collect.Admin(db),
		collect.Doors(db),
		collect.ShopDoors(db),
		backup.Admin(db, c.backups()),
		archive.Admin(db, archivePlan, c.Version),
		keeping.Admin(db, keepingKinds()),
		admin.Admin(db, m.Places, c.Version),
		m.Health,
		m.API.Admin(staff.Proven),
		m.API.Routes(),
		m.Assistants.Routes(assistant(m.API)),
	)
	m.Authenticate = func(ctx context.Context, token string) (web.Staff, error) { return users.Authenticate(ctx, db, token) }
	m.Shop = workspace.Shop(db)
	return m, nil
}

// assistant lets an assistant in by an API key: it may what the key may, and
// write no more than the one whose key it is may on the pages.
func assistant(door *api.Door) func(http.ResponseWriter, *web.Request) (mcp.Caller, error) {
	return func(w http.ResponseWriter, r *web.Request) (mcp.Caller, error) {
		key, err := door.Enter(w, r, "/mcp")
		return mcp.Caller{Staff: key.Staff, May: func(scope string) bool {
			s := rest.Scope(scope)
			return key.May(s) && (s == s.Read() || key.Staff.Role >= web.Till)
		}}, err
	}
}

// greet tells whoever starts the program for the first time how to get in.
func (a *App) greet(ctx context.Context, out io.Writer, url string) error {
	n, err := users.Count(ctx, a.DB)
	if err != nil || n > 0 {
		return err
	}
	return a.DB.Tx(ctx, func(tx *store.Tx) error {
		token, err := users.SetupLink(ctx, tx)
		if err == nil {
			fmt.Fprintf(out, "\nNobody can sign in yet. Open this link to become the owner:\n%s/set-up/%s\n\n", url, token)
		}
		return err
	})
}

// join makes one list of several.
func join[T any](lists ...[]T) []T {
	var all []T
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
