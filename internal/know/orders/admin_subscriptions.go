package orders

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type subscriptionsPage struct {
	Filter kit.Filter
	Table  kit.Table
}

// noticed stands among the statuses of the filter for those of which notice
// was given.
const noticed = "notice"

// readSubscriptionList reads filter and order from the address. What makes no
// sense is left out.
func readSubscriptionList(r *web.Request) (SubscriptionFilter, Page) {
	q := r.URL.Query()
	f := SubscriptionFilter{Search: text.Short(text.Line(q.Get("q")), maxSubscriptionName), Source: text.Short(text.Line(q.Get("source")), maxText)}
	switch status := q.Get("status"); {
	case status == noticed:
		f.Notice = true
	case status == Running, slices.Contains(Statuses, status):
		f.Status = status
	}
	if c, err := id.ParseCustomer(q.Get("customer")); err == nil {
		f.Customer = c
	}
	p := Page{Sort: q.Get("sort"), Up: q.Get("desc") == "", After: q.Get("after")}
	if _, ok := subscriptionSorts[p.Sort]; !ok {
		p.Sort, p.Up = "started", false
	}
	return f, p
}

func (d desk) subscriptions(w http.ResponseWriter, r *web.Request) error {
	ctx := r.Context()
	f, p := readSubscriptionList(r)
	all, next, err := Subscriptions(ctx, d.db, f, p)
	if errs.Is(err, errs.Invalid) { // a cursor that is none
		p.After = ""
		all, next, err = Subscriptions(ctx, d.db, f, p)
	}
	if err != nil {
		return err
	}
	n, err := CountSubscriptions(ctx, d.db, f, maxCount+1)
	if err != nil {
		return err
	}
	page := subscriptionsPage{Table: kit.Table{ID: "subscriptions", Caption: r.T("orders.subscriptions"), Path: r.Href("/subscriptions"), Query: r.URL.Query(),
		Sort: p.Sort, Desc: !p.Up, Next: next, First: p.After == "", Empty: emptySubscriptions(r, f), Total: r.Print.N("orders.subscriptions.total", n),
		Columns: []kit.Column{{Key: "plan", Title: r.T("orders.subscription.column.plan")}, {Key: "customer", Title: r.T("orders.column.customer")},
			{Key: "started", Title: r.T("orders.subscription.column.started"), Sortable: true}, {Key: "price", Title: r.T("orders.subscription.column.price"), Number: true},
			{Key: "monthly", Title: r.T("orders.subscription.column.monthly"), Number: true, Sortable: true}, {Key: "state", Title: r.T("orders.column.state")}}}}
	if n > maxCount {
		page.Table.Total = r.T("orders.subscriptions.total.more", "Count", r.Print.Int(maxCount))
	}
	if r.Can(web.Manager) {
		page.Table.Export = kit.With(r.Href("/subscriptions/export"), r.URL.Query(), "after", "")
	}
	ids := make([]id.Customer, len(all))
	for i, s := range all {
		ids[i] = s.Customer
	}
	slices.Sort(ids)
	names, err := customers.Names(ctx, d.db, r.Print, slices.Compact(ids)...)
	if err != nil {
		return err
	}
	for _, s := range all {
		page.Table.Rows = append(page.Table.Rows, kit.Row{Href: r.Href(s.Href()), Cells: []any{planText(r.Print, s.Plan, s.Quantity), nameOf(r, names, s.Customer),
			r.Print.Day(dayOf(r, s.StartedAt)), priceText(r.Print, s.Price(), s.Unit, s.Every),
			r.Print.Money(money.Amount{Minor: s.Monthly, Currency: s.Currency}), subscriptionState(r, s)}})
	}
	if page.Filter, err = d.subscriptionBar(r, f, names); err != nil {
		return err
	}
	page.Filter.Results = page.Table.Total
	return r.Render(w, "orders/subscriptions.html", page)
}

func emptySubscriptions(r *web.Request, f SubscriptionFilter) kit.Empty {
	if f != (SubscriptionFilter{}) {
		return kit.Empty{Icon: "search", Title: r.T("orders.subscriptions.none-found.title"), Text: r.T("orders.subscriptions.none-found.text"),
			Action: kit.Link{Href: r.Href("/subscriptions"), Text: r.T("orders.subscriptions.none-found.action")}}
	}
	return kit.Empty{Icon: "repeat", Title: r.T("orders.subscriptions.empty.title"), Text: r.T("orders.subscriptions.empty.text")}
}

func (d desk) subscriptionBar(r *web.Request, f SubscriptionFilter, names map[id.Customer]string) (kit.Filter, error) {
	form := r.QueryForm()
	any := kit.Option{Value: "", Text: r.T("orders.filter.any")}
	statuses := []kit.Option{any}
	for _, s := range append([]string{Running, noticed}, Statuses...) {
		statuses = append(statuses, kit.Option{Value: s, Text: r.T("orders.subscription.status." + s)})
	}
	bar := kit.Filter{Path: r.Href("/subscriptions"), Query: r.URL.Query(), Search: r.T("orders.subscriptions.search"), Keep: []string{"sort", "desc", "customer"}, Target: "results",
		Fields: []kit.Field{form.SelectField("status", r.T("orders.column.state"), statuses)}}
	sources, err := SubscriptionSources(r.Context(), d.db)
	if err != nil {
		return bar, err
	}
	if len(sources) > 1 || f.Source != "" {
		choices := []kit.Option{any}
		for _, s := range sources {
			choices = append(choices, kit.Option{Value: s, Text: s})
		}
		bar.Fields = append(bar.Fields, form.SelectField("source", r.T("orders.about.source"), choices))
	}
	chip := func(name, title, value string) {
		if value != "" {
			bar.Active = append(bar.Active, kit.Chip{Name: name, Text: title + ": " + value})
		}
	}
	chip("q", r.T("orders.filter.text"), f.Search)
	status := f.Status
	if f.Notice {
		status = noticed
	}
	if status != "" {
		chip("status", r.T("orders.column.state"), r.T("orders.subscription.status."+status))
	}
	chip("source", r.T("orders.about.source"), f.Source)
	if f.Customer != 0 {
		if names[f.Customer] == "" {
			if names, err = customers.Names(r.Context(), d.db, r.Print, f.Customer); err != nil {
				return bar, err
			}
		}
		chip("customer", r.T("orders.column.customer"), names[f.Customer])
	}
	return bar, nil
}

// exportSubscriptions exports the whole list as it is filtered and sorted.
func (d desk) exportSubscriptions(w http.ResponseWriter, r *web.Request) error {
	f, p := readSubscriptionList(r)
	kinds := []struct {
		key  string
		kind export.Kind
	}{{"id", export.Text}, {"customer_id", export.Text}, {"source", export.Text}, {"external_id", export.Text}, {"plan", export.Text}, {"status", export.Text},
		{"amount", export.Number}, {"currency", export.Text}, {"interval_count", export.Number}, {"interval_unit", export.Text}, {"quantity", export.Number},
		{"monthly", export.Number}, {"started", export.Day}, {"trial_end", export.Day}, {"paid_until", export.Day}, {"ends", export.Day}, {"ended", export.Day},
		{"reason", export.Text}}
	columns := make([]export.Column, len(kinds))
	for i, k := range kinds {
		columns[i] = export.Column{Key: k.key, Title: r.T("orders.subscriptions.csv." + k.key), Kind: k.kind}
	}
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "subscriptions.exported"}); err != nil {
		return err
	}
	return r.Export(w, "subscriptions", columns, d.subscriptionRows(r, f, p))
}

func (d desk) subscriptionRows(r *web.Request, f SubscriptionFilter, p Page) iter.Seq2[[]string, error] {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return dayOf(r, t)
	}
	return func(yield func([]string, error) bool) {
		for s, err := range AllSubscriptions(r.Context(), d.db, f, p) {
			if !yield([]string{s.ID.String(), s.Customer.String(), s.Source, s.External, s.Plan, s.Status, s.Price().Decimal(), string(s.Currency),
				strconv.FormatInt(s.Every, 10), s.Unit, strconv.FormatInt(s.Quantity, 10), money.Amount{Minor: s.Monthly, Currency: s.Currency}.Decimal(),
				day(s.StartedAt), day(s.TrialEnd), day(s.PeriodEnd), day(s.CancelAt), day(s.EndedAt), s.Reason}, err) {
				return
			}
		}
	}
}
