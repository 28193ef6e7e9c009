package orders

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type productsPage struct {
	Filter kit.Filter
	Table  kit.Table
}

func readProducts(r *web.Request) ProductFilter {
	q := r.URL.Query()
	f := ProductFilter{Query: text.Short(text.Line(q.Get("q")), 100), Sort: q.Get("sort"), Desc: q.Get("desc") != "", After: q.Get("after")}
	if k := q.Get("kind"); k == KindProduct || k == KindService {
		f.Kind = k
	}
	if c, err := id.ParseCategory(q.Get("category")); err == nil {
		f.Category = c
	}
	if _, ok := productSorts[f.Sort]; !ok {
		f.Sort, f.Desc = "name", false
	}
	return f
}

func (d desk) products(w http.ResponseWriter, r *web.Request) error {
	ctx, f := r.Context(), readProducts(r)
	products, next, err := ListProducts(ctx, d.db, f)
	if err != nil {
		return err
	}
	n, err := CountProducts(ctx, d.db, f)
	if err != nil {
		return err
	}
	categories, err := Categories(ctx, d.db)
	if err != nil {
		return err
	}
	t := kit.Table{ID: "products", Caption: r.T("orders.products.title"), Path: r.Href("/products"), Query: r.URL.Query(), Sort: f.Sort, Desc: f.Desc,
		Next: next, First: f.After == "", Total: r.Print.N("orders.products.total", n),
		Columns: []kit.Column{{Key: "name", Title: r.T("orders.product.name"), Sortable: true}, {Key: "sku", Title: r.T("orders.product.sku"), Sortable: true},
			{Key: "category", Title: r.T("orders.product.category")}, {Key: "kind", Title: r.T("orders.product.kind")},
			{Key: "added", Title: r.T("orders.product.added"), Sortable: true}}}
	if r.Can(web.Manager) {
		t.Export = kit.With(r.Href("/products/export"), r.URL.Query(), "after", "")
	}
	paths := categoryPaths(categories)
	for _, p := range products {
		t.Rows = append(t.Rows, kit.Row{Href: r.Href(p.Href()), Cells: []any{p.Name, p.SKU, orDash(paths[p.Category]), r.T("orders.kind." + p.Kind),
			r.Print.Day(p.CreatedAt.In(r.Print.Zone()).Format(time.DateOnly))}})
	}
	t.Empty = kit.Empty{Icon: "package", Title: r.T("orders.products.empty.title"), Text: r.T("orders.products.empty.text")}
	if f.Query != "" || f.Kind != "" || f.Category != 0 {
		t.Empty = kit.Empty{Icon: "search", Title: r.T("orders.products.none.title"), Text: r.T("orders.products.none.text"),
			Action: kit.Link{Href: r.Href("/products"), Text: r.T("orders.products.none.action")}}
	}
	filter := productBar(r, f, paths, categories)
	filter.Results = t.Total
	return r.Render(w, "orders/products.html", productsPage{filter, t})
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func productBar(r *web.Request, f ProductFilter, paths map[id.Category]string, categories []Category) kit.Filter {
	form := r.QueryForm()
	any := []kit.Option{{Value: "", Text: r.T("orders.filter.any")}}
	kinds := append(slices.Clone(any), kindOptions(r)...)
	bar := kit.Filter{Path: r.Href("/products"), Query: r.URL.Query(), Search: r.T("orders.products.search"), Keep: []string{"sort", "desc"}, Target: "results",
		Fields: []kit.Field{form.SelectField("category", r.T("orders.product.category"), append(slices.Clone(any), categoryOptions(categories)...)),
			form.SelectField("kind", r.T("orders.product.kind"), kinds)}}
	chip := func(name, title, value string) {
		if value != "" {
			bar.Active = append(bar.Active, kit.Chip{Name: name, Text: title + ": " + value})
		}
	}
	chip("q", r.T("orders.filter.text"), f.Query)
	chip("category", r.T("orders.product.category"), paths[f.Category])
	if f.Kind != "" {
		chip("kind", r.T("orders.product.kind"), r.T("orders.kind."+f.Kind))
	}
	return bar
}

func kindOptions(r *web.Request) []kit.Option {
	return []kit.Option{{Value: KindProduct, Text: r.T("orders.kind.product")}, {Value: KindService, Text: r.T("orders.kind.service")}}
}

// categoryPaths are the names of categories with those above them.
func categoryPaths(all []Category) map[id.Category]string {
	byID := map[id.Category]Category{}
	for _, c := range all {
		byID[c.ID] = c
	}
	paths := map[id.Category]string{}
	for _, c := range all {
		path := c.Name
		for above, n := byID[c.Parent], 0; above.ID != 0 && n < 20; above, n = byID[above.Parent], n+1 {
			path = above.Name + " › " + path
		}
		paths[c.ID] = path
	}
	return paths
}

func categoryOptions(all []Category) []kit.Option {
	paths := categoryPaths(all)
	var options []kit.Option
	for _, c := range all {
		options = append(options, kit.Option{Value: c.ID.String(), Text: paths[c.ID]})
	}
	slices.SortFunc(options, func(a, b kit.Option) int { return strings.Compare(a.Text, b.Text) })
	return options
}

func (d desk) exportProducts(w http.ResponseWriter, r *web.Request) error {
	categories, err := Categories(r.Context(), d.db)
	if err != nil {
		return err
	}
	columns := []export.Column{{Key: "id", Title: r.T("orders.csv.id")}, {Key: "sku", Title: r.T("orders.product.sku")}, {Key: "name", Title: r.T("orders.product.name")},
		{Key: "kind", Title: r.T("orders.product.kind")}, {Key: "category", Title: r.T("orders.product.category")}}
	return r.Export(w, "products", columns, d.productRows(r, categoryPaths(categories)))
}

func (d desk) productRows(r *web.Request, paths map[id.Category]string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		f := readProducts(r)
		f.Limit, f.After = 500, ""
		for {
			part, next, err := ListProducts(r.Context(), d.db, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, p := range part {
				if !yield([]string{p.ID.String(), p.SKU, p.Name, p.Kind, paths[p.Category]}, nil) {
					return
				}
			}
			if f.After = next; next == "" {
				return
			}
		}
	}
}

type productPage struct {
	Product    Product
	Category   Category
	Stats      []kit.Stat
	Chart      kit.Chart
	Buyers     kit.Table
	Unvalued   int
	Form       *web.Form
	Kinds      []kit.Option
	Categories []kit.Option
}

func (d desk) product(w http.ResponseWriter, r *web.Request) error {
	p, err := d.askedProduct(r)
	if err != nil {
		return err
	}
	category := ""
	if p.Category != 0 {
		category = p.Category.String()
	}
	return d.productPage(w, r, p, r.NewForm().Set("name", p.Name).Set("kind", p.Kind).Set("category", category), http.StatusOK)
}

func (d desk) askedProduct(r *web.Request) (Product, error) {
	asked, err := web.PathID(r, "product", id.ParseProduct)
	if err != nil {
		return Product{}, err
	}
	return ProductByID(r.Context(), d.db, asked)
}

func (d desk) productPage(w http.ResponseWriter, r *web.Request, p Product, f *web.Form, status int) error {
	sold, err := SoldOf(r.Context(), d.db, p.ID)
	if err != nil {
		return err
	}
	categories, err := Categories(r.Context(), d.db)
	if err != nil {
		return err
	}
	page := productPage{Product: p, Stats: soldStats(r, sold), Chart: soldChart(r, sold), Unvalued: sold.Unvalued, Form: f, Kinds: kindOptions(r),
		Categories: append([]kit.Option{{Value: "", Text: r.T("orders.product.category.none")}}, categoryOptions(categories)...)}
	if i := slices.IndexFunc(categories, func(c Category) bool { return c.ID == p.Category }); i >= 0 {
		page.Category = categories[i]
	}
	if page.Buyers, err = d.buyers(r, sold); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "orders/product.html", page)
}

func soldStats(r *web.Request, s Sold) []kit.Stat {
	amount := func(minor int64) string { return r.Print.Money(money.Amount{Minor: minor, Currency: r.Shop.Currency}) }
	again, back := "–", "–"
	if s.Buyers > 0 {
		again = r.Print.Percent(float64(s.Again)/float64(s.Buyers), 1)
	}
	if s.Pieces > 0 {
		back = r.Print.Percent(float64(s.Returned)/float64(s.Pieces), 1)
	}
	return []kit.Stat{
		{Label: r.T("orders.product.sold"), Value: amount(s.Amount), Note: r.T("orders.product.pieces", "Count", r.Print.Int(s.Pieces))},
		{Label: r.T("orders.product.bought-by"), Value: r.Print.Int(int64(s.Buyers)), Note: r.T("orders.product.walkins", "Count", r.Print.Int(int64(s.Walkins)))},
		{Label: r.T("orders.product.again"), Value: again, Note: r.T("orders.product.again.of", "Again", r.Print.Int(int64(s.Again)), "All", r.Print.Int(int64(s.Buyers))),
			Explain: r.T("orders.product.again.explain")},
		{Label: r.T("orders.product.back"), Value: back, Note: amount(s.Back), Explain: r.T("orders.product.back.explain")},
	}
}

// maxMonths is how many months the chart shows, the newest.
const maxMonths = 36

func soldChart(r *web.Request, s Sold) kit.Chart {
	months := s.Months[max(0, len(s.Months)-maxMonths):]
	customers, walkins := kit.Series{Name: r.T("orders.tab.customers")}, kit.Series{Name: r.T("orders.tab.walkins")}
	c := kit.Chart{ID: "sales", Title: r.T("orders.product.sales"), Desc: r.T("orders.product.sales.desc"), Period: r.T("orders.month"), Bars: true,
		Empty: r.T("orders.product.sales.none"),
		Axis: func(v float64) string {
			return r.Print.MoneyWhole(money.Amount{Minor: int64(v), Currency: r.Shop.Currency})
		}}
	add := func(to *kit.Series, minor int64) {
		to.Values = append(to.Values, float64(minor))
		to.Texts = append(to.Texts, r.Print.Money(money.Amount{Minor: minor, Currency: r.Shop.Currency}))
	}
	any := false
	for _, m := range months {
		c.Labels = append(c.Labels, r.Print.Month(m.Month))
		add(&customers, m.Customers)
		add(&walkins, m.Walkins)
		any = any || m.Walkins != 0
	}
	c.Series = []kit.Series{customers}
	if any {
		c.Series = append(c.Series, walkins)
	}
	if n := len(months); n > 0 {
		c.Running = months[n-1].Month == r.Now.In(r.Shop.Zone).Format("2006-01")
	}
	return c
}

func (d desk) buyers(r *web.Request, s Sold) (kit.Table, error) {
	var ids []id.Customer
	for _, b := range s.Top {
		ids = append(ids, b.Customer)
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, ids...)
	t := kit.Table{ID: "buyers", Caption: r.T("orders.product.buyers"), Path: r.Href(r.URL.Path), Query: url.Values{}, First: true,
		Columns: []kit.Column{{Key: "customer", Title: r.T("orders.column.customer")}, {Key: "orders", Title: r.T("orders.product.orders"), Number: true},
			{Key: "pieces", Title: r.T("orders.column.quantity"), Number: true}, {Key: "amount", Title: r.T("orders.column.total"), Number: true},
			{Key: "last", Title: r.T("orders.product.last")}},
		Empty: kit.Empty{Icon: "users", Title: r.T("orders.product.buyers.none.title"), Text: r.T("orders.product.buyers.none.text")}}
	if s.Buyers > len(s.Top) {
		t.Total = r.T("orders.product.buyers.top", "Top", r.Print.Int(int64(len(s.Top))), "All", r.Print.Int(int64(s.Buyers)))
	}
	for _, b := range s.Top {
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/customers/" + b.Customer.String()), Cells: []any{names[b.Customer], r.Print.Int(int64(b.Orders)), r.Print.Int(b.Pieces),
			r.Print.Money(money.Amount{Minor: b.Amount, Currency: r.Shop.Currency}), r.Print.Day(b.Last)}})
	}
	return t, err
}

func (d desk) saveProduct(w http.ResponseWriter, r *web.Request) error {
	p, err := d.askedProduct(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	changed := p
	changed.Name, changed.Kind = f.Need("name", 200), f.Choice("kind", KindProduct, KindService)
	changed.Category = readCategory(r, f, "category")
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := SaveProduct(r.Context(), tx, changed); err != nil {
				return err
			}
			values := users.Changed("name", p.Name, changed.Name, "kind", p.Kind, changed.Kind, "category", shownCategory(p.Category), shownCategory(changed.Category))
			return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "product.changed", Subject: p.ID.String(), Values: values})
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.productPage(w, r, p, f, http.StatusUnprocessableEntity)
	}
	r.Flash(w, "good", r.T("orders.done.saved"))
	return r.Redirect(w, p.Href())
}

// readCategory reads the choice of a category; empty is none.
func readCategory(r *web.Request, f *web.Form, name string) id.Category {
	if f.Value(name) == "" {
		return 0
	}
	c, err := id.ParseCategory(f.Value(name))
	if err != nil {
		f.Wrong(name, r.T("orders.category.unknown"))
	}
	return c
}
