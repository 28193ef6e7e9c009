// Package web serves pages: routes with the role beside each, page templates,
// forms, errors, the layout and its assets.
//
// Its one rule: a handler gets everything it needs from its *web.Request and
// returns an error; it never writes a status or an error page itself.
//
// # How a module adds a page
//
// A module has pages/*.html, text/en.json and admin.go:
//
//	//go:embed all:pages text // all: a file whose name begins with _ too
//	var Files embed.FS // the app puts it into web.Config.Files and locale.Load
//
//	func Admin(db *store.DB) []web.Route {
//		return []web.Route{
//			{Pattern: "GET /wishes/{wish}", Role: web.Viewer, Handler: show(db)},
//			{Pattern: "POST /wishes/{wish}", Role: web.Agent, Handler: save(db)},
//		}
//	}
//
//	type wishPage struct {
//		Wish Wish
//		Form *web.Form
//	}
//
//	func save(db *store.DB) web.Handler {
//		return func(w http.ResponseWriter, r *web.Request) error {
//			wish, err := web.PathID(r, "wish", id.ParseWish) // else 404
//			if err != nil {
//				return err
//			}
//			f, err := r.ReadForm()
//			if err != nil {
//				return err
//			}
//			title, budget := f.Need("title", 120), f.Money("budget", r.Shop.Currency)
//			if f.OK() {
//				err = f.Take(db.Tx(r.Context(), func(tx *store.Tx) error {
//					return Change(r.Context(), tx, wish, title, budget)
//				})) // errs.Invalid and Conflict go into the form
//			}
//			if err != nil {
//				return err
//			}
//			if !f.OK() { // shown again, with what was typed
//				return r.RenderStatus(w, 422, "wishes/wish.html", wishPage{Form: f})
//			}
//			r.Flash(w, "good", r.T("wishes.saved"))
//			return r.Redirect(w, "/wishes/"+wish.String())
//		}
//	}
//
// pages/wish.html defines "title" and "content", and if it likes "crumbs",
// "subtitle", "actions" and "tabs"; the dot is the page's struct:
//
//	{{define "title"}}{{t "wishes.title" "Name" .Wish.Name}}{{end}}
//	{{define "actions"}}<a class="btn btn-primary" href="{{url "/wishes/new"}}">{{icon "plus"}} {{t "wishes.new"}}</a>{{end}}
//	{{define "content"}}
//	<form method="post" action="{{url "/wishes/%s" .Wish.ID}}" class="card form">
//	  {{template "kit/errors" .Form}}
//	  {{template "kit/field" ((.Form.TextField "title" (t "wishes.field.title")).Must.Max 120)}}
//	  {{template "kit/field" (.Form.MoneyField "budget" (t "wishes.field.budget") "GBP")}}
//	  <button class="btn btn-primary">{{t "wishes.save"}}</button>
//	</form>
//	{{end}}
//
// A file pages/_row.html is a part that all pages of the module may use. A
// file that defines "panel" is a box on the customer's page: see Panel. For
// htmx, give the element an id that is also the name of a block, as in
// <div id="results">{{block "results" .}}…{{end}}</div> with
// hx-target="#results": Render then answers with that block alone. A list with
// kit/filter needs only <div id="results"> around it and Filter.Target: the
// form then filters while one types.
//
// Template functions: t, n (messages); int, decimal, percent, money, amount,
// whole (an amount rounded to whole units),
// day, daylong, month, time, ago, duration (in the person's language and
// zone); url (a path with %s places, under the base path), href (a ready
// path), asset, icon, avatar, badge, can "manager", staff, shop, path, dict,
// alert "warn" title text (for kit/alert).
//
// Components, by template and the struct of package kit it shows: kit/button
// Button, kit/stat Stat, kit/stats []Stat, kit/alert Alert, kit/empty Empty,
// kit/tabs Tabs, kit/terms []Term, kit/timeline Timeline, kit/progress
// Progress (polls by itself), kit/dialog Dialog, kit/steps Steps, kit/table
// Table, kit/filter Filter, kit/chart Chart, kit/heat Heat, kit/ranking
// Ranking, kit/errors and kit/field Form. Boxes: class card; grids: columns
// (wide and narrow), halves, stats. Exports: Request.Export, whose address goes
// into Table.Export. Errors: errs kinds, said by Print.Sentence; nothing else
// is shown to a person.
//
// Inline scripts and style attributes are forbidden by the content policy.
// All components stand on /dev/kit.
package web
