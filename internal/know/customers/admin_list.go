package customers

import (
	"html/template"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type listPage struct {
	Filter kit.Filter
	Table  kit.Table
}

// column is one column of the list: its key is also that of its text.
type column struct {
	key    string
	sort   string // of Sorts; empty: not sortable
	number bool
	usual  bool // shown unless columns were chosen
	cell   func(r *web.Request, l Listed) string
}

// kind is what the column's cells are in a file.
func (c column) kind() export.Kind {
	switch {
	case c.number:
		return export.Number
	case c.key == "joined" || c.key == "last":
		return export.Day
	}
	return export.Text
}

// listColumns are all there are; the first is always shown.
var listColumns = []column{
	{"name", "name", false, true, func(_ *web.Request, l Listed) string { return l.Called() }},
	{"email", "", false, true, func(_ *web.Request, l Listed) string { return l.Email }},
	{"phone", "", false, false, func(_ *web.Request, l Listed) string { return l.Phone }},
	{"country", "", false, true, func(r *web.Request, l Listed) string { return countryName(r, l.Country) }},
	{"language", "", false, false, func(r *web.Request, l Listed) string { return languageName(r, l.Language) }},
	{"joined", "joined", false, true, func(r *web.Request, l Listed) string { return r.Print.Day(l.JoinedDay) }},
	{"orders", "orders", true, true, func(r *web.Request, l Listed) string { return r.Print.Int(l.Orders) }},
	{"spend", "spend", true, true, func(r *web.Request, l Listed) string {
		return r.Print.Money(money.Amount{Minor: l.SpendMinor, Currency: r.Shop.Currency})
	}},
	{"last", "last", false, true, func(r *web.Request, l Listed) string {
		if l.LastOrderDay == "" {
			return "–"
		}
		return r.Print.Day(l.LastOrderDay)
	}},
}

// readList reads filter and order from the address. What makes no sense is
// left out: an address that was kept must go on working.
func readList(r *web.Request) (Filter, Order) {
	q := r.URL.Query()
	day := func(name string) string {
		if _, err := time.Parse(time.DateOnly, q.Get(name)); err != nil {
			return ""
		}
		return q.Get(name)
	}
	count := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(q.Get(name)))
		if err != nil || n < 0 || n > 1_000_000_000 {
			return 0
		}
		return n
	}
	f := Filter{Query: text.Short(text.Line(q.Get("q")), 100), Tag: text.Line(q.Get("tag")), Language: text.Line(q.Get("language")),
		Country: text.Line(q.Get("country")), JoinedFrom: day("from"), JoinedTo: day("to"), LastFrom: day("last_from"), LastTo: day("last_to"),
		OrdersFrom: count("orders_from"), OrdersTo: count("orders_to")}
	if slices.Contains(Channels, q.Get("consent")) {
		f.Consent = q.Get("consent")
	}
	if spend := r.QueryForm().Money("spend_from", r.Shop.Currency); spend.Minor > 0 {
		f.SpendFrom = spend.Minor
	}
	if spend := r.QueryForm().Money("spend_to", r.Shop.Currency); spend.Minor > 0 {
		f.SpendTo = spend.Minor
	}
	o := Order{Sort: q.Get("sort"), Desc: q.Get("desc") != "", After: q.Get("after")}
	switch {
	case slices.Contains(Sorts, o.Sort):
	case f.Query != "":
		o.Sort, o.Desc = Found, false
	default:
		o.Sort, o.Desc = "joined", true
	}
	return f, o
}

func (d desk) list(w http.ResponseWriter, r *web.Request) error {
	f, o := readList(r)
	page, err := List(r.Context(), d.db, f, o)
	if errs.Is(err, errs.Invalid) { // a cursor of an older sort
		o.After = ""
		page, err = List(r.Context(), d.db, f, o)
	}
	if err != nil {
		return err
	}
	n, more, err := Count(r.Context(), d.db, f)
	if err != nil {
		return err
	}
	filter, err := d.filterBar(r, f)
	if err != nil {
		return err
	}
	shown := d.shown(r)
	t := kit.Table{ID: "customers", Caption: r.T("customers.list.title"), Path: r.Href("/customers"), Query: r.URL.Query(),
		Sort: o.Sort, Desc: o.Desc, Next: page.Next, First: o.After == "", Total: total(r, f, n, more)}
	if r.Can(web.Manager) {
		t.Export = kit.With(r.Href("/customers/export"), r.URL.Query(), "after", "")
	}
	for _, c := range listColumns {
		k := kit.Column{Key: c.key, Title: r.T("customers.column." + c.key), Number: c.number, Sortable: c.sort != "", Shown: slices.Contains(shown, c.key)}
		if c.key != "name" {
			t.All = append(t.All, k)
		}
		if k.Shown {
			t.Columns = append(t.Columns, k)
		}
	}
	called, err := naming(r.Context(), d.db, r.Print, customersOf(page.Rows))
	if err != nil {
		return err
	}
	for _, l := range page.Rows {
		row := kit.Row{Href: r.Href("/customers/" + l.ID.String())}
		for _, c := range listColumns {
			switch {
			case !slices.Contains(shown, c.key):
			case c.key == "name":
				row.Cells = append(row.Cells, withFace(called[l.ID]))
			default:
				row.Cells = append(row.Cells, c.cell(r, l))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Empty = emptyList(r, f)
	filter.Results = t.Total
	return r.Render(w, "customers/list.html", listPage{filter, t})
}

func withFace(name string) template.HTML {
	return template.HTML(`<span class="with-face">`) + kit.Avatar(name) + template.HTML(` <span>`+template.HTMLEscapeString(name)+`</span></span>`)
}

// total says how many there are, and that counting stopped.
func total(r *web.Request, f Filter, n int, more bool) string {
	switch {
	case more && n == 0:
		return ""
	case more && f.Query != "": // a search ends with the closest
		return r.Print.N("customers.total.closest", n)
	case more:
		return r.T("customers.total.more", "Count", r.Print.Int(int64(n)))
	}
	return r.Print.N("customers.total", n)
}

func emptyList(r *web.Request, f Filter) kit.Empty {
	if f != (Filter{}) {
		return kit.Empty{Icon: "user-search", Title: r.T("customers.none-found.title"), Text: r.T("customers.none-found.text"),
			Action: kit.Link{Href: r.Href("/customers"), Text: r.T("customers.none-found.action")}}
	}
	return kit.Empty{Icon: "users", Title: r.T("customers.empty.title"), Text: r.T("customers.empty.text"),
		Action: kit.Link{Href: r.Href("/customers/new"), Text: r.T("customers.new"), Icon: "user-plus"}}
}

// shown are the keys of the columns that are wanted, the name always.
func (d desk) shown(r *web.Request) []string {
	chosen := r.URL.Query()["col"]
	keys := []string{"name"}
	for _, c := range listColumns[1:] {
		if chosen == nil && c.usual || slices.Contains(chosen, c.key) {
			keys = append(keys, c.key)
		}
	}
	return keys
}

// calling is what one customer is called on a page.
func calling(r *web.Request, q store.Querier, c Customer) (string, error) {
	names, err := naming(r.Context(), q, r.Print, []Customer{c})
	return names[c.ID], err
}

// filterBar is the bar above the list, with what is filtered by now.
func (d desk) filterBar(r *web.Request, f Filter) (kit.Filter, error) {
	tags, err := TagsInUse(r.Context(), d.db, 200)
	if err != nil {
		return kit.Filter{}, err
	}
	countries, err := InUse(r.Context(), d.db, "country")
	if err != nil {
		return kit.Filter{}, err
	}
	languages, err := InUse(r.Context(), d.db, "language")
	if err != nil {
		return kit.Filter{}, err
	}
	form := r.QueryForm()
	same := func(s string) string { return s }
	bar := kit.Filter{Path: r.Href("/customers"), Query: r.URL.Query(), Search: r.T("customers.search"), Keep: []string{"sort", "desc", "col"}, Target: "customers-found",
		Range: &kit.Range{Label: r.T("customers.column.joined"), From: f.JoinedFrom, To: f.JoinedTo, Presets: presets(r)}}
	bar.Fields = []kit.Field{
		form.SelectField("tag", r.T("customers.filter.tag"), options(r, tags, same)),
		form.SelectField("country", r.T("customers.column.country"), options(r, countries, func(c string) string { return countryName(r, c) })),
		form.SelectField("consent", r.T("customers.filter.consent"), options(r, Channels, func(c string) string { return r.T("customers.channel." + c) })),
	}
	bar.More = []kit.Field{
		form.SelectField("language", r.T("customers.column.language"), options(r, languages, func(l string) string { return languageName(r, l) })),
		form.NumberField("orders_from", r.T("customers.filter.orders")),
		form.NumberField("orders_to", r.T("customers.filter.orders-to")),
		form.NumberField("spend_from", r.T("customers.filter.spend")),
		form.NumberField("spend_to", r.T("customers.filter.spend-to")),
		form.DateField("last_from", r.T("customers.filter.last-from")),
		form.DateField("last_to", r.T("customers.filter.last-to")),
	}
	bar.Active = chips(r, f)
	return bar, nil
}

func options(r *web.Request, values []string, name func(string) string) []kit.Option {
	all := []kit.Option{{Value: "", Text: r.T("customers.filter.any")}}
	for _, v := range values {
		all = append(all, kit.Option{Value: v, Text: name(v)})
	}
	return all
}

// presets are the ranges of joining that are asked for most.
func presets(r *web.Request) []kit.Preset {
	today := r.Now.In(r.Print.Zone())
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	return []kit.Preset{
		{Text: r.T("customers.preset.week"), From: day(today.AddDate(0, 0, -6)), To: day(today)},
		{Text: r.T("customers.preset.month"), From: day(month), To: day(today)},
		{Text: r.T("customers.preset.last-month"), From: day(month.AddDate(0, -1, 0)), To: day(month.AddDate(0, 0, -1))},
		{Text: r.T("customers.preset.year"), From: day(time.Date(today.Year(), 1, 1, 0, 0, 0, 0, time.UTC)), To: day(today)},
	}
}

func chips(r *web.Request, f Filter) []kit.Chip {
	var all []kit.Chip
	add := func(name, title, value string) {
		if value != "" {
			all = append(all, kit.Chip{Name: name, Text: title + ": " + value})
		}
	}
	add("q", r.T("customers.filter.text"), f.Query)
	add("tag", r.T("customers.filter.tag"), f.Tag)
	add("country", r.T("customers.column.country"), countryName(r, f.Country))
	add("language", r.T("customers.column.language"), languageName(r, f.Language))
	if f.Consent != "" {
		add("consent", r.T("customers.filter.consent"), r.T("customers.channel."+f.Consent))
	}
	if f.JoinedFrom != "" || f.JoinedTo != "" {
		add("range", r.T("customers.column.joined"), r.Print.Day(f.JoinedFrom)+" – "+r.Print.Day(f.JoinedTo))
	}
	if f.OrdersFrom > 0 {
		add("orders_from", r.T("customers.filter.orders"), r.Print.Int(int64(f.OrdersFrom)))
	}
	if f.OrdersTo > 0 {
		add("orders_to", r.T("customers.filter.orders-to"), r.Print.Int(int64(f.OrdersTo)))
	}
	if f.SpendFrom > 0 {
		add("spend_from", r.T("customers.filter.spend"), r.Print.Money(money.Amount{Minor: f.SpendFrom, Currency: r.Shop.Currency}))
	}
	if f.SpendTo > 0 {
		add("spend_to", r.T("customers.filter.spend-to"), r.Print.Money(money.Amount{Minor: f.SpendTo, Currency: r.Shop.Currency}))
	}
	if f.LastFrom != "" {
		add("last_from", r.T("customers.filter.last-from"), r.Print.Day(f.LastFrom))
	}
	if f.LastTo != "" {
		add("last_to", r.T("customers.filter.last-to"), r.Print.Day(f.LastTo))
	}
	return all
}

// csv exports the whole list as it is filtered and sorted, with the columns
// that are shown, and the customer's id so that programs can use it.
func (d desk) exportList(w http.ResponseWriter, r *web.Request) error {
	f, o := readList(r)
	shown := d.shown(r)
	columns := []export.Column{{Key: "id", Title: r.T("customers.column.id")}}
	for _, c := range listColumns {
		if slices.Contains(shown, c.key) {
			columns = append(columns, export.Column{Key: c.key, Title: r.T("customers.column." + c.key), Kind: c.kind()})
		}
	}
	if slices.Contains(shown, "spend") {
		columns = append(columns, export.Column{Key: "currency", Title: r.T("customers.column.currency")})
	}
	if err := users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "customers.exported"}); err != nil {
		return err
	}
	return r.Export(w, "customers", columns, rowsOf(d.db, r, f, o, shown))
}

// rowsOf are the cells of the whole list: days and amounts plain, as a
// spreadsheet reads them.
func rowsOf(db *store.DB, r *web.Request, f Filter, o Order, shown []string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for l, err := range All(r.Context(), db, f, o) {
			plain := map[string]string{"name": l.Called(), "email": l.Email, "phone": l.Phone, "country": l.Country, "language": l.Language,
				"joined": l.JoinedDay, "orders": strconv.FormatInt(l.Orders, 10),
				"spend": money.Amount{Minor: l.SpendMinor, Currency: r.Shop.Currency}.Decimal(), "last": l.LastOrderDay}
			cells := []string{l.ID.String()}
			for _, c := range listColumns {
				if slices.Contains(shown, c.key) {
					cells = append(cells, plain[c.key])
				}
			}
			if slices.Contains(shown, "spend") {
				cells = append(cells, string(r.Shop.Currency))
			}
			if !yield(cells, err) {
				return
			}
		}
	}
}

// countryName is a country's name in the language of the one who asks.
func countryName(r *web.Request, code string) string {
	return r.Print.Country(code)
}

// languageName is a language's name in the language of the one who asks.
func languageName(r *web.Request, code string) string {
	tag, err := language.Parse(code)
	if code == "" || err != nil {
		return code
	}
	return named(display.Languages(language.Make(r.Print.Lang)).Name(tag), code)
}

func named(name, code string) string {
	if name == "" {
		return code
	}
	return name
}

// customerPath is the address of a customer's page, or of a part of it.
func customerPath(c id.Customer, rest string) string {
	return "/customers/" + url.PathEscape(c.String()) + rest
}
