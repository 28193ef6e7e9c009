package orders

import (
	"html/template"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

type listPage struct {
	Tabs    kit.Tabs
	Filter  kit.Filter
	Table   kit.Table
	Waiting []Waiting
}

// maxCount is where counting stops: the total is then "more than".
const maxCount = 10_000

// readList reads filter and order from the address. What makes no sense is
// left out: an address that was kept must go on working.
func readList(r *web.Request) (Filter, Page) {
	q := r.URL.Query()
	day := func(name string) string {
		if !isDay(q.Get(name)) {
			return ""
		}
		return q.Get(name)
	}
	f := Filter{Number: text.Short(text.Line(q.Get("q")), maxText), From: day("from"), To: day("to"), Channel: text.Short(text.Line(q.Get("channel")), maxText),
		Walkin: q.Get("who") == "walk-in", Today: r.Now.In(r.Shop.Zone).Format(time.DateOnly)}
	if c, err := id.ParseCustomer(q.Get("customer")); err == nil && !f.Walkin {
		f.Customer = c
	}
	if slices.Contains(States, q.Get("state")) {
		f.State = q.Get("state")
	}
	p := Page{Sort: q.Get("sort"), Up: q.Get("desc") == "", After: q.Get("after")}
	if _, ok := sorts[p.Sort]; !ok {
		p.Sort, p.Up = "placed", false
	}
	return f, p
}

func (d desk) list(w http.ResponseWriter, r *web.Request) error {
	ctx := r.Context()
	f, p := readList(r)
	found, err := List(ctx, d.db, f, p)
	if errs.Is(err, errs.Invalid) { // a cursor that is none
		p.After = ""
		found, err = List(ctx, d.db, f, p)
	}
	if err != nil {
		return err
	}
	page := listPage{}
	if page.Waiting, err = WaitingForRates(ctx, d.db); err != nil {
		return err
	}
	n := len(found.Orders)
	if f.Number == "" {
		if n, err = Count(ctx, d.db, f, maxCount+1); err != nil {
			return err
		}
	}
	if page.Table, err = d.table(r, f, p, found, n); err != nil {
		return err
	}
	if page.Filter, err = d.filterBar(r, f); err != nil {
		return err
	}
	page.Filter.Results = page.Table.Total
	query := r.URL.Query()
	page.Tabs = kit.Tabs{Label: r.T("orders.tabs"), Tabs: []kit.Tab{
		{Link: kit.Link{Href: kit.With(r.Href("/orders"), query, "who", "", "after", ""), Text: r.T("orders.tab.customers")}, Active: !f.Walkin},
		{Link: kit.Link{Href: kit.With(r.Href("/orders"), query, "who", "walk-in", "after", "", "customer", ""), Text: r.T("orders.tab.walkins")}, Active: f.Walkin},
	}}
	return r.Render(w, "orders/list.html", page)
}

func (d desk) table(r *web.Request, f Filter, p Page, found Listed, n int) (kit.Table, error) {
	t := kit.Table{ID: "orders", Caption: r.T("orders.list.title"), Path: r.Href("/orders"), Query: r.URL.Query(),
		Sort: p.Sort, Desc: !p.Up, Next: found.Next, First: p.After == "", Empty: emptyList(r, f)}
	if n > maxCount {
		t.Total = r.T("orders.total.more", "Count", r.Print.Int(maxCount))
	} else {
		t.Total = r.Print.N("orders.total", n)
	}
	if r.Can(web.Manager) {
		t.Export = kit.With(r.Href("/orders/export"), r.URL.Query(), "after", "")
	}
	t.Columns = []kit.Column{{Key: "number", Title: r.T("orders.column.number")}, {Key: "placed", Title: r.T("orders.column.placed"), Sortable: true}}
	if !f.Walkin || f.Number != "" {
		t.Columns = append(t.Columns, kit.Column{Key: "customer", Title: r.T("orders.column.customer")})
	}
	t.Columns = append(t.Columns, kit.Column{Key: "channel", Title: r.T("orders.column.channel")},
		kit.Column{Key: "items", Title: r.T("orders.column.items"), Number: true},
		kit.Column{Key: "total", Title: r.T("orders.column.total"), Number: true, Sortable: true},
		kit.Column{Key: "state", Title: r.T("orders.column.state")})
	names, err := customers.Names(r.Context(), d.db, r.Print, owners(found.Orders)...)
	if err != nil {
		return t, err
	}
	for _, o := range found.Orders {
		row := kit.Row{Href: r.Href(o.Href()), Cells: []any{o.Number, r.Print.Time(o.At)}}
		if !f.Walkin || f.Number != "" {
			row.Cells = append(row.Cells, nameOf(r, names, o.Customer))
		}
		row.Cells = append(row.Cells, channelName(r, o.Channel), r.Print.Int(o.Items), signed(r, o), state(r, o, f.Today))
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// nameOf is a customer's name with a link to their page.
func nameOf(r *web.Request, names map[id.Customer]string, c id.Customer) any {
	if c == 0 {
		return r.T("orders.walkin")
	}
	return link(r.Href("/customers/"+c.String()), names[c])
}

func link(href, text string) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(href) + `">` + template.HTMLEscapeString(text) + `</a>`)
}

// signed is the total, below zero for what was given back.
func signed(r *web.Request, o Order) string {
	a := o.Amount()
	if o.Return {
		a.Minor = -a.Minor
	}
	return r.Print.Money(a)
}

// state are the badges that say how an order stands.
func state(r *web.Request, o Order, today string) template.HTML {
	var all template.HTML
	add := func(tone kit.Tone, key string) {
		if all != "" {
			all += " "
		}
		all += kit.Badge(tone, r.T("orders.state."+key))
	}
	switch {
	case o.Return:
		add(kit.Warn, StateReturn)
	case o.Cancelled():
		add(kit.Bad, StateCancelled)
	case o.Late(today):
		add(kit.Bad, StateLate)
	case o.DeliveredDay != "":
		add(kit.Good, StateDelivered)
	case o.PromisedDay != "":
		add(kit.Accent, StateOpen)
	}
	if o.Refunded > 0 && o.Refunded >= o.Total {
		add(kit.Warn, "refunded-whole")
	} else if o.Refunded > 0 {
		add(kit.Warn, "refunded-part")
	}
	if o.Rate == 0 {
		add(kit.Warn, StateUnvalued)
	}
	return all
}

func emptyList(r *web.Request, f Filter) kit.Empty {
	bare := Filter{Today: f.Today, Walkin: f.Walkin}
	switch {
	case f != bare:
		return kit.Empty{Icon: "search", Title: r.T("orders.none-found.title"), Text: r.T("orders.none-found.text"),
			Action: kit.Link{Href: r.Href("/orders"), Text: r.T("orders.none-found.action")}}
	case f.Walkin:
		return kit.Empty{Icon: "building-store", Title: r.T("orders.empty.walkins.title"), Text: r.T("orders.empty.walkins.text")}
	}
	return kit.Empty{Icon: "shopping-cart", Title: r.T("orders.empty.title"), Text: r.T("orders.empty.text")}
}

func (d desk) filterBar(r *web.Request, f Filter) (kit.Filter, error) {
	channels, err := Channels(r.Context(), d.db)
	if err != nil {
		return kit.Filter{}, err
	}
	form := r.QueryForm()
	any := kit.Option{Value: "", Text: r.T("orders.filter.any")}
	channelOptions, states := []kit.Option{any}, []kit.Option{any}
	for _, c := range channels {
		channelOptions = append(channelOptions, kit.Option{Value: c, Text: channelName(r, c)})
	}
	for _, s := range States {
		states = append(states, kit.Option{Value: s, Text: r.T("orders.state." + s)})
	}
	bar := kit.Filter{Path: r.Href("/orders"), Query: r.URL.Query(), Search: r.T("orders.search"), Keep: []string{"sort", "desc", "who", "customer"}, Target: "results",
		Range:  &kit.Range{From: f.From, To: f.To, Presets: presets(r)},
		Fields: []kit.Field{form.SelectField("channel", r.T("orders.column.channel"), channelOptions), form.SelectField("state", r.T("orders.column.state"), states)}}
	chip := func(name, title, value string) {
		if value != "" {
			bar.Active = append(bar.Active, kit.Chip{Name: name, Text: title + ": " + value})
		}
	}
	chip("q", r.T("orders.column.number"), f.Number)
	if f.From != "" || f.To != "" {
		chip("range", r.T("orders.column.placed"), r.Print.Day(f.From)+" – "+r.Print.Day(f.To))
	}
	if f.Customer != 0 {
		names, err := customers.Names(r.Context(), d.db, r.Print, f.Customer)
		if err != nil {
			return bar, err
		}
		chip("customer", r.T("orders.column.customer"), names[f.Customer])
	}
	if f.Channel != "" {
		chip("channel", r.T("orders.column.channel"), channelName(r, f.Channel))
	}
	if f.State != "" {
		chip("state", r.T("orders.column.state"), r.T("orders.state."+f.State))
	}
	return bar, nil
}

// presets are the ranges that are asked for most.
func presets(r *web.Request) []kit.Preset {
	today := r.Now.In(r.Shop.Zone)
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	return []kit.Preset{
		{Text: r.T("orders.preset.today"), From: day(today), To: day(today)},
		{Text: r.T("orders.preset.week"), From: day(today.AddDate(0, 0, -6)), To: day(today)},
		{Text: r.T("orders.preset.month"), From: day(month), To: day(today)},
		{Text: r.T("orders.preset.last-month"), From: day(month.AddDate(0, -1, 0)), To: day(month.AddDate(0, 0, -1))},
	}
}

// exportList exports the whole list as it is filtered and sorted, days and amounts
// plain, as a spreadsheet reads them.
func (d desk) exportList(w http.ResponseWriter, r *web.Request) error {
	f, p := readList(r)
	keys := []string{"id", "customer-id", "number", "source", "day", "return", "items", "currency", "total", "base", "base-currency", "refunded",
		"channel", "staff", "promised", "delivered", "cancelled", "reason"}
	kinds := map[string]export.Kind{"day": export.Day, "return": export.Bool, "items": export.Number, "total": export.Number, "base": export.Number,
		"refunded": export.Number, "promised": export.Day, "delivered": export.Day, "cancelled": export.Day}
	columns := make([]export.Column, len(keys))
	for i, k := range keys {
		columns[i] = export.Column{Key: strings.ReplaceAll(k, "-", "_"), Title: r.T("orders.csv." + k), Kind: kinds[k]}
	}
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "orders.exported"}); err != nil {
		return err
	}
	return r.Export(w, "orders", columns, d.exportRows(r, f, p))
}

func (d desk) exportRows(r *web.Request, f Filter, p Page) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for o, err := range All(r.Context(), d.db, f, p) {
			customer, base, cancelled := "", "", ""
			if o.Customer != 0 {
				customer = o.Customer.String()
			}
			if o.Rate != 0 {
				base = money.Amount{Minor: o.Base, Currency: r.Shop.Currency}.Decimal()
			}
			if o.Cancelled() {
				cancelled = o.CancelledAt.In(r.Shop.Zone).Format(time.DateOnly)
			}
			if !yield([]string{o.ID.String(), customer, o.Number, o.Source, o.Day, strconv.FormatBool(o.Return), strconv.FormatInt(o.Items, 10),
				string(o.Currency), o.Amount().Decimal(), base, string(r.Shop.Currency), money.Amount{Minor: o.Refunded, Currency: o.Currency}.Decimal(),
				o.Channel, o.Staff, o.PromisedDay, o.DeliveredDay, cancelled, o.Reason}, err) {
				return
			}
		}
	}
}
