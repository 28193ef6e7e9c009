package admin

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// hit is one thing that was found.
type hit struct {
	Href string
	Icon string
	Name string
	Note string
}

// hits are the things of one kind.
type hits struct {
	Title string
	Hits  []hit
}

type searchPage struct {
	Query  string
	Groups []hits
	Total  string // "7 found", read out when it changes
	Filter kit.Filter
}

const (
	fewHits  = 5  // of a kind, while somebody types
	manyHits = 25 // of a kind, on the page
	maxQuery = 100
)

func (d door) search(w http.ResponseWriter, r *web.Request) error {
	query := text.Short(text.Line(r.FormValue("q")), maxQuery)
	limit := manyHits
	if r.HTMX() && r.Header.Get("HX-Target") == "found" {
		limit = fewHits
	}
	p := searchPage{Query: query, Filter: kit.Filter{
		Path: r.Href("/search"), Query: r.URL.Query(), Search: r.T("web.search"), Target: "results",
	}}
	found := 0
	if query != "" {
		for _, find := range []func(*web.Request, string, int) (hits, error){d.findCustomers, d.findOrders, d.findProducts, d.findPages} {
			group, err := find(r, query, limit)
			if err != nil {
				return err
			}
			if len(group.Hits) > 0 {
				p.Groups = append(p.Groups, group)
				found += len(group.Hits)
			}
		}
		p.Total = r.Print.N("admin.search.total", found)
	}
	return r.Render(w, "admin/search.html", p)
}

func (d door) findCustomers(r *web.Request, query string, limit int) (hits, error) {
	group := hits{Title: r.T("admin.search.customers")}
	found, err := customers.Search(r.Context(), d.db, query, limit)
	if err != nil {
		return group, err
	}
	ids := make([]id.Customer, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, ids...)
	for _, c := range found {
		note := strings.Join(filled(c.Email, c.Phone), " · ")
		group.Hits = append(group.Hits, hit{Href: r.Href("/customers/" + c.ID.String()), Icon: "user", Name: names[c.ID], Note: note})
	}
	return group, err
}

func filled(values ...string) (all []string) {
	for _, v := range values {
		if v != "" {
			all = append(all, v)
		}
	}
	return all
}

// findOrders finds orders and returns whose number begins with what was typed.
func (d door) findOrders(r *web.Request, query string, limit int) (hits, error) {
	group := hits{Title: r.T("admin.search.orders")}
	ctx := r.Context()
	number := strings.TrimPrefix(query, "#")
	if number == "" {
		return group, nil
	}
	var known, walkins []any
	_, err := store.All(ctx, d.db, func(rows *sql.Rows) (struct{}, error) {
		var order int64
		var customer sql.NullInt64
		err := rows.Scan(&order, &customer)
		if customer.Valid {
			known = append(known, order, customer.Int64)
		} else {
			walkins = append(walkins, order)
		}
		return struct{}{}, err
	}, `select order_id, customer_id from order_keys where number >= $1 and number < $2 and not also order by number, source limit $3`,
		number, number+"\U0010FFFF", limit)
	if err != nil {
		return group, fmt.Errorf("search orders: %w", err)
	}
	all, err := d.salesOf(ctx, known)
	if err != nil {
		return group, err
	}
	if err := d.nameSales(r, all); err != nil {
		return group, err
	}
	loose, err := d.walkinsOf(ctx, walkins)
	if err != nil {
		return group, err
	}
	for _, s := range append(all, loose...) {
		href, who := "/customers/"+s.Customer.String()+"/orders/"+s.Order.String(), s.Name
		if s.Customer == 0 {
			href, who = "/orders/walk-in/"+s.Order.String(), r.T("admin.search.walk-in")
		}
		group.Hits = append(group.Hits, hit{
			Href: r.Href(href), Icon: "receipt", Name: s.Number,
			Note: strings.Join([]string{who, r.Print.Day(s.Day), r.Print.Money(s.Amount)}, " · "),
		})
	}
	return group, nil
}

// salesOf reads orders given as order and customer in turn.
func (d door) salesOf(ctx context.Context, pairs []any) ([]sale, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	var either strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			either.WriteString(" or ")
		}
		fmt.Fprintf(&either, "customer_id = $%d and order_id = $%d", i+2, i+1)
	}
	all, err := store.All(ctx, d.db, scanSale, `
		select customer_id, order_id, number, placed_day, total_minor, currency from orders
		where `+either.String()+` order by number, order_id`, pairs...)
	if err != nil {
		return nil, fmt.Errorf("read the orders found: %w", err)
	}
	return all, nil
}

func (d door) walkinsOf(ctx context.Context, ids []any) ([]sale, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := store.All(ctx, d.db, scanSale, `
		select 0, order_id, number, placed_day, total_minor, currency from walkin_orders
		where order_id in (`+store.List(1, len(ids))+`) order by number, order_id`, ids...)
	if err != nil {
		return nil, fmt.Errorf("read the walk-in orders found: %w", err)
	}
	return all, nil
}

// findProducts finds products by parts of their number and name.
func (d door) findProducts(r *web.Request, query string, limit int) (hits, error) {
	group := hits{Title: r.T("admin.search.products")}
	args := []any{limit}
	var where strings.Builder
	for i, word := range text.Words(query) {
		if i > 0 {
			where.WriteString(" and ")
		}
		args = append(args, "%"+like.Replace(word)+"%")
		fmt.Fprintf(&where, "search like $%d escape '!'", len(args))
	}
	if len(args) == 1 {
		return group, nil
	}
	found, err := store.All(r.Context(), d.db, func(rows *sql.Rows) (hit, error) {
		var product id.Product
		h := hit{Icon: "package"}
		err := rows.Scan(&product, &h.Note, &h.Name)
		h.Href = r.Href("/products/" + product.String())
		return h, err
	}, `select id, sku, name from products where `+where.String()+` order by name, id limit $1`, args...)
	if err != nil {
		return group, fmt.Errorf("search products: %w", err)
	}
	group.Hits = found
	return group, nil
}

var like = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// findPages finds places of the navigation by their titles.
func (d door) findPages(r *web.Request, query string, limit int) (hits, error) {
	group := hits{Title: r.T("admin.search.pages")}
	for _, p := range d.places {
		if title := r.T(p.Key); r.Can(p.Role) && strings.Contains(text.Fold(title), text.Fold(query)) && len(group.Hits) < limit {
			group.Hits = append(group.Hits, hit{Href: r.Href(p.Href), Icon: p.Icon, Name: title})
		}
	}
	return group, nil
}
