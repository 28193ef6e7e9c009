package orders

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// The kinds of product. A service is what stands on invoices beside the
// goods: postage, fees, bank charges, samples. It is kept apart in lists and
// figures of products, but its money is money.
const (
	KindProduct = "product"
	KindService = "service"
)

// Unnamed is the SKU of what is sold without a word of what it is.
const Unnamed = "unnamed"

// ProductName is what a product is called: its name, else its SKU; nothing
// where nobody said.
func ProductName(sku, name string) string {
	if name = cmp.Or(name, sku); sku == Unnamed && name == Unnamed {
		return ""
	}
	return name
}

// Product is a thing in the catalogue.
type Product struct {
	ID        id.Product
	SKU       string
	Name      string
	Kind      string
	Category  id.Category // 0: none
	Import    id.Import
	CreatedAt time.Time
}

// Href is the address of its page.
func (p Product) Href() string { return "/products/" + p.ID.String() }

// NewProduct is a product as a file or a shop tells of it.
type NewProduct struct {
	SKU      string // by which it is known, as written
	Name     string // empty: the sku
	Kind     string // empty: product
	Category string // its name; empty: none
	Import   id.Import
}

// EnsureProducts returns the ids of products by their sku and adds those that
// are missing. What is known already stays as it is, names and kinds being the
// shop's to change; only a name or category that was missing is filled in.
func EnsureProducts(ctx context.Context, tx *store.Tx, news []NewProduct) (map[string]id.Product, error) {
	bySKU := make(map[string]NewProduct, len(news))
	for _, n := range news {
		n.SKU, n.Name, n.Category = text.Line(n.SKU), text.Line(n.Name), text.Line(n.Category)
		if n.SKU == "" {
			return nil, errs.Wrong("sku", "orders.wrong.sku")
		}
		if had, twice := bySKU[n.SKU]; !twice || had.Name == "" && n.Name != "" {
			bySKU[n.SKU] = n
		}
	}
	skus := slices.Sorted(maps.Keys(bySKU))
	known, err := productsBySKU(ctx, tx, skus)
	if err != nil {
		return nil, err
	}
	categories, err := ensureCategories(ctx, tx, bySKU)
	if err != nil {
		return nil, err
	}
	rows := tx.Bulk(ctx, "products", "id, sku, name, kind, category_id, search, import_id, created_at", "on conflict (sku) do nothing")
	added := false
	for _, sku := range skus {
		n := bySKU[sku]
		if p, there := known[sku]; there {
			if err := fillProduct(ctx, tx, p, n.Name, categories[n.Category]); err != nil {
				return nil, err
			}
			continue
		}
		if n.Name == "" {
			n.Name = sku
		}
		if n.Kind != KindService {
			n.Kind = KindProduct
		}
		if err := rows.Add(tx.NewID(), sku, n.Name, n.Kind, null(int64(categories[n.Category])), searchText(sku, n.Name),
			null(int64(n.Import)), tx.Now.UnixMicro()); err != nil {
			return nil, fmt.Errorf("add the product %s: %w", sku, err)
		}
		added = true
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("add products: %w", err)
	}
	if added { // another transaction may have been first with some of them
		if known, err = productsBySKU(ctx, tx, skus); err != nil {
			return nil, err
		}
	}
	ids := make(map[string]id.Product, len(known))
	for sku, p := range known {
		ids[sku] = p.ID
	}
	return ids, nil
}

// fillProduct gives a product that is there the name and category it lacked.
func fillProduct(ctx context.Context, tx *store.Tx, p Product, name string, category id.Category) error {
	filled := p
	if p.Name == p.SKU && name != "" {
		filled.Name = name
	}
	if p.Category == 0 {
		filled.Category = category
	}
	if filled == p {
		return nil
	}
	return SaveProduct(ctx, tx, filled)
}

func searchText(sku, name string) string { return text.Fold(sku) + " " + text.Fold(name) }

func productsBySKU(ctx context.Context, q store.Querier, skus []string) (map[string]Product, error) {
	found := make(map[string]Product, len(skus))
	for some := range slices.Chunk(skus, inList) {
		all, err := store.All(ctx, q, scanProduct, `select `+productColumns+` from products where sku in (`+store.List(1, len(some))+`)`, store.Args(some)...)
		if err != nil {
			return nil, fmt.Errorf("find products: %w", err)
		}
		for _, p := range all {
			found[p.SKU] = p
		}
	}
	return found, nil
}

// services are the products that are no goods.
func services(ctx context.Context, q store.Querier) (map[id.Product]bool, error) {
	all, err := store.All(ctx, q, store.Scalar[id.Product], `select id from products where kind = $1`, KindService)
	if err != nil {
		return nil, fmt.Errorf("read which products are services: %w", err)
	}
	set := make(map[id.Product]bool, len(all))
	for _, p := range all {
		set[p] = true
	}
	return set, nil
}

const productColumns = `id, sku, name, kind, category_id, import_id, created_at`

func scanProduct(rows *sql.Rows) (Product, error) {
	var p Product
	var category, imported sql.NullInt64
	var created int64
	err := rows.Scan(&p.ID, &p.SKU, &p.Name, &p.Kind, &category, &imported, &created)
	p.Category, p.Import, p.CreatedAt = id.Category(category.Int64), id.Import(imported.Int64), time.UnixMicro(created).UTC()
	return p, err
}

// ProductByID returns a product, or errs.NotFound.
func ProductByID(ctx context.Context, q store.Querier, p id.Product) (Product, error) {
	all, err := store.All(ctx, q, scanProduct, `select `+productColumns+` from products where id = $1`, int64(p))
	if err != nil {
		return Product{}, fmt.Errorf("read the product %s: %w", p, err)
	}
	if len(all) == 0 {
		return Product{}, errs.Missing("orders.wrong.product-gone")
	}
	return all[0], nil
}

// Products returns the products of the ids, in no order.
func Products(ctx context.Context, q store.Querier, ids []id.Product) (map[id.Product]Product, error) {
	found := make(map[id.Product]Product, len(ids))
	for some := range slices.Chunk(ids, inList) {
		all, err := store.All(ctx, q, scanProduct, `select `+productColumns+` from products where id in (`+store.List(1, len(some))+`)`, int64s(some)...)
		if err != nil {
			return nil, fmt.Errorf("read products: %w", err)
		}
		for _, p := range all {
			found[p.ID] = p
		}
	}
	return found, nil
}

// SaveProduct changes what a person may change of a product: its name, kind
// and category. Orders keep the count of items that they were placed with.
func SaveProduct(ctx context.Context, tx *store.Tx, p Product) error {
	p.Name = text.Line(p.Name)
	if p.Name == "" {
		return errs.Wrong("name", "orders.wrong.product-name")
	}
	if p.Kind != KindProduct && p.Kind != KindService {
		return errs.Wrong("kind", "orders.wrong.product-kind")
	}
	if p.Category != 0 {
		if _, err := CategoryByID(ctx, tx, p.Category); err != nil {
			return errs.Wrong("category", "orders.wrong.product-category")
		}
	}
	n, err := tx.Exec(ctx, `update products set name = $1, kind = $2, category_id = $3, search = $4 where id = $5`,
		p.Name, p.Kind, null(int64(p.Category)), searchText(p.SKU, p.Name), int64(p.ID))
	if err == nil && n == 0 {
		err = errs.Missing("orders.wrong.product-gone")
	}
	return err
}

// Category is a shelf of the catalogue.
type Category struct {
	ID     id.Category
	Name   string
	Parent id.Category // 0: on top
}

func scanCategory(rows *sql.Rows) (Category, error) {
	var c Category
	var parent sql.NullInt64
	err := rows.Scan(&c.ID, &c.Name, &parent)
	c.Parent = id.Category(parent.Int64)
	return c, err
}

// Categories returns all of them, by name.
func Categories(ctx context.Context, q store.Querier) ([]Category, error) {
	return store.All(ctx, q, scanCategory, `select id, name, parent_id from categories order by name, id`)
}

// CategoryByID returns a category, or errs.NotFound.
func CategoryByID(ctx context.Context, q store.Querier, c id.Category) (Category, error) {
	all, err := store.All(ctx, q, scanCategory, `select id, name, parent_id from categories where id = $1`, int64(c))
	if err != nil {
		return Category{}, err
	}
	if len(all) == 0 {
		return Category{}, errs.Missing("orders.wrong.category-gone")
	}
	return all[0], nil
}

// AddCategory adds a category under another (0: on top) and returns it; one
// of that name, whatever its case and accents, is returned as it is.
func AddCategory(ctx context.Context, tx *store.Tx, name string, parent id.Category) (id.Category, error) {
	name = text.Line(name)
	if name == "" || len(name) > 200 {
		return 0, errs.Wrong("name", "orders.wrong.category-name")
	}
	all, err := Categories(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if text.Fold(c.Name) == text.Fold(name) {
			return c.ID, nil
		}
	}
	if parent != 0 && !slices.ContainsFunc(all, func(c Category) bool { return c.ID == parent }) {
		return 0, errs.Wrong("parent", "orders.wrong.category-parent")
	}
	c := id.Category(tx.NewID())
	_, err = tx.Exec(ctx, `insert into categories (id, name, parent_id, created_at) values ($1, $2, $3, $4)`,
		int64(c), name, null(int64(parent)), tx.Now.UnixMicro())
	return c, err
}

// SaveCategory renames a category and moves it under another (0: on top).
func SaveCategory(ctx context.Context, tx *store.Tx, c Category) error {
	c.Name = text.Line(c.Name)
	all, err := Categories(ctx, tx)
	if err != nil {
		return err
	}
	if c.Name == "" || len(c.Name) > 200 {
		return errs.Wrong("name", "orders.wrong.category-name")
	}
	parents := map[id.Category]id.Category{}
	for _, other := range all {
		parents[other.ID] = other.Parent
		if other.ID != c.ID && text.Fold(other.Name) == text.Fold(c.Name) {
			return errs.Clash("", "orders.wrong.category-taken")
		}
	}
	for above := c.Parent; above != 0; above = parents[above] {
		if above == c.ID {
			return errs.Wrong("parent", "orders.wrong.category-within")
		}
	}
	_, err = tx.Exec(ctx, `update categories set name = $1, parent_id = $2 where id = $3`, c.Name, null(int64(c.Parent)), int64(c.ID))
	return err
}

// RemoveCategory takes a category away; its products and the categories under
// it move to the one above.
func RemoveCategory(ctx context.Context, tx *store.Tx, c id.Category) error {
	gone, err := CategoryByID(ctx, tx, c)
	if err != nil {
		return err
	}
	for _, q := range []string{
		`update products set category_id = $1 where category_id = $2`,
		`update categories set parent_id = $1 where parent_id = $2`,
	} {
		if _, err := tx.Exec(ctx, q, null(int64(gone.Parent)), int64(c)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `delete from categories where id = $1`, int64(c))
	return err
}

// ensureCategories returns the categories that new products name, by name.
// "Tea > Green" is Green under Tea.
func ensureCategories(ctx context.Context, tx *store.Tx, news map[string]NewProduct) (map[string]id.Category, error) {
	found := map[string]id.Category{}
	for _, n := range news {
		if n.Category != "" {
			found[n.Category] = 0
		}
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		var c id.Category
		for name := range strings.SplitSeq(path, ">") {
			if name = text.Line(name); name == "" {
				continue
			}
			var err error
			if c, err = AddCategory(ctx, tx, name, c); err != nil {
				return nil, err
			}
		}
		found[path] = c
	}
	return found, nil
}
