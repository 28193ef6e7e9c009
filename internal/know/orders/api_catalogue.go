package orders

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// apiCatalogue are the operations on products, categories and rates.
func (d desk) apiCatalogue() []rest.Operation {
	op := rest.Operations("products", web.Viewer, web.Manager)
	return []rest.Operation{
		rest.Op(op("GET /products", "listProducts", "List products and charges"), d.apiProducts),
		rest.Op(op("GET /products/{product}", "getProduct", "Read a product"), d.apiProduct),
		rest.Op(op("GET /products/{product}/figures", "getProductFigures", "Read how a product sells: by month, and who buys it"), d.apiSold),
		rest.Op(op("PATCH /products/{product}", "changeProduct", "Change a product").And("POST /products/{product}", web.Manager,
			"A JSON merge patch: what is left out stays."), d.apiSaveProduct),
		rest.Op(op("GET /categories", "listCategories", "List categories"), d.apiCategories),
		rest.Op(op("GET /categories/{category}", "getCategory", "Read a category"), d.apiCategory),
		rest.Op(op("POST /categories", "addCategory", "Add a category").And("POST /products/categories", web.Manager, "One of that name is answered as it is.").Making(), d.apiAddCategory),
		rest.Op(op("PATCH /categories/{category}", "changeCategory", "Rename or move a category").And("POST /products/categories/{category}", web.Manager,
			"A JSON merge patch; parent null puts it on top."), d.apiSaveCategory),
		rest.Op(op("DELETE /categories/{category}", "removeCategory", "Take a category away").And("POST /products/categories/{category}/removal", web.Manager,
			"Its products, and the categories under it, move to the one above."), d.apiRemoveCategory),
		rest.Op(op("GET /rates", "listRates", "List the newest rates of currencies").And("", web.Manager, ""), d.apiRates),
		rest.Op(op("PUT /rates", "setRates", "Enter rates of currencies").And("POST /orders/rates", web.Manager,
			"Orders that waited for them are valued then; those that have a rate keep it."), d.apiSetRates),
	}
}

// apiProduct is a product or a charge.
type apiProduct struct {
	ID        id.Product `json:"id"`
	SKU       string     `json:"sku"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind" enum:"product,service" doc:"service: postage, a fee"`
	Category  string     `json:"category" doc:"Empty: none"`
	CreatedAt time.Time  `json:"created_at"`
}

func shownProduct(p Product) apiProduct {
	return apiProduct{p.ID, p.SKU, p.Name, p.Kind, shownCategory(p.Category), p.CreatedAt}
}

type apiProductsInput struct {
	rest.Page
	rest.Fields[apiProduct]
	Query    string `query:"q" maxLength:"100" doc:"Words of the name or the SKU"`
	Kind     string `query:"kind" enum:"product,service"`
	Category string `query:"category" maxLength:"17" doc:"With those under it"`
	Sort     string `query:"sort" enum:"name,sku,added" default:"name"`
	Desc     bool   `query:"desc"`
}

func (d desk) apiProducts(c *rest.Call, in *apiProductsInput) (*rest.Listing[apiProduct], error) {
	f := ProductFilter{Query: in.Query, Kind: in.Kind, Sort: in.Sort, Desc: in.Desc, Limit: in.Limit}
	if err := rest.ReadCursor(in.After, &f.After); err != nil {
		return nil, err
	}
	if in.Category != "" {
		var err error
		if f.Category, err = id.ParseCategory(in.Category); err != nil {
			return nil, rest.BadParameter("category", errs.Missing("orders.wrong.category-gone"))
		}
	}
	all, next, err := ListProducts(c.Context(), d.db, f)
	if next != "" {
		next = rest.Cursor(next)
	}
	return rest.Pageful(all, next, shownProduct), err
}

type apiProductOf struct {
	Product rest.ID[id.Product] `path:"product"`
	rest.Fields[apiProduct]
}

func (d desk) apiProduct(c *rest.Call, in *apiProductOf) (*rest.One[apiProduct], error) {
	p, err := ProductByID(c.Context(), d.db, in.Product.Of)
	return rest.Show(c, shownProduct(p), err)
}

type apiProductPatch struct {
	Product rest.ID[id.Product] `path:"product"`
	rest.IfMatch
	Body struct {
		Name     rest.Field[string]      `json:"name,omitzero" maxLength:"200"`
		Kind     rest.Field[string]      `json:"kind,omitzero" enum:"product,service"`
		Category rest.Field[id.Category] `json:"category,omitzero" maxLength:"17" doc:"null: none"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiSaveProduct(c *rest.Call, in *apiProductPatch) (*rest.One[apiProduct], error) {
	var p Product
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		was, err := ProductByID(ctx, tx, in.Product.Of)
		if err != nil {
			return err
		}
		if err := in.Check(shownProduct(was)); err != nil {
			return err
		}
		p = was
		in.Body.Name.Into(&p.Name)
		in.Body.Kind.Into(&p.Kind)
		in.Body.Category.Into(&p.Category)
		if err := SaveProduct(ctx, tx, p); err != nil {
			return err
		}
		if p, err = ProductByID(ctx, tx, p.ID); err != nil {
			return err
		}
		values := users.Changed("name", was.Name, p.Name, "kind", was.Kind, p.Kind, "category", shownCategory(was.Category), shownCategory(p.Category))
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "product.changed", Subject: p.ID.String(), Values: values})
	})
	return rest.Show(c, shownProduct(p), err)
}

// apiCategory is a shelf of the catalogue.
type apiCategory struct {
	ID     id.Category `json:"id"`
	Name   string      `json:"name"`
	Parent string      `json:"parent" doc:"Empty: it is on top"`
}

func shownShelf(c Category) apiCategory { return apiCategory{c.ID, c.Name, shownCategory(c.Parent)} }

func (d desk) apiCategories(c *rest.Call, in *rest.Short[apiCategory]) (*rest.Listing[apiCategory], error) {
	all, err := Categories(c.Context(), d.db)
	return rest.Cut(in.Page, all, func(v Category) string { return v.ID.String() }, shownShelf, err)
}

func (d desk) apiCategory(c *rest.Call, in *struct {
	Category rest.ID[id.Category] `path:"category"`
	rest.Fields[apiCategory]
}) (*rest.One[apiCategory], error) {
	v, err := CategoryByID(c.Context(), d.db, in.Category.Of)
	return rest.Show(c, shownShelf(v), err)
}

type apiCategoryInput struct {
	Body struct {
		Name   string       `json:"name" minLength:"1" maxLength:"200"`
		Parent *id.Category `json:"parent,omitempty" maxLength:"17" doc:"Left out: on top"`
	}
}

func (d desk) apiAddCategory(c *rest.Call, in *apiCategoryInput) (*rest.One[apiCategory], error) {
	var now Category
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		var parent id.Category
		if in.Body.Parent != nil {
			parent = *in.Body.Parent
		}
		made, err := AddCategory(ctx, tx, in.Body.Name, parent)
		if err != nil {
			return err
		}
		if now, err = CategoryByID(ctx, tx, made); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "category.added", Subject: made.String(), Values: users.Changed("name", "", now.Name)})
	})
	return rest.Show(c, shownShelf(now), err)
}

type apiCategoryPatch struct {
	Category rest.ID[id.Category] `path:"category"`
	rest.IfMatch
	Body struct {
		Name   rest.Field[string]      `json:"name,omitzero" maxLength:"200"`
		Parent rest.Field[id.Category] `json:"parent,omitzero" maxLength:"17"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiSaveCategory(c *rest.Call, in *apiCategoryPatch) (*rest.One[apiCategory], error) {
	var now Category
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		was, err := CategoryByID(ctx, tx, in.Category.Of)
		if err != nil {
			return err
		}
		if err := in.Check(shownShelf(was)); err != nil {
			return err
		}
		now = was
		in.Body.Name.Into(&now.Name)
		in.Body.Parent.Into(&now.Parent)
		if err := SaveCategory(ctx, tx, now); err != nil {
			return err
		}
		if now, err = CategoryByID(ctx, tx, now.ID); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "category.changed", Subject: now.ID.String(),
			Values: users.Changed("name", was.Name, now.Name, "parent", shownCategory(was.Parent), shownCategory(now.Parent))})
	})
	return rest.Show(c, shownShelf(now), err)
}

type apiCategoryOf struct {
	Category rest.ID[id.Category] `path:"category"`
	rest.IfMatch
}

func (d desk) apiRemoveCategory(c *rest.Call, in *apiCategoryOf) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		was, err := CategoryByID(ctx, tx, in.Category.Of)
		if err != nil {
			return err
		}
		if err := in.Check(shownShelf(was)); err != nil {
			return err
		}
		if err := RemoveCategory(ctx, tx, was.ID); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "category.removed", Subject: was.ID.String(), Values: users.Changed("name", was.Name, "")})
	})
}

// apiRate is what one unit of a currency was worth on a day.
type apiRate struct {
	Currency string `json:"currency" minLength:"3" maxLength:"3" example:"USD"`
	Day      string `json:"day" maxLength:"10" format:"date"`
	Rate     string `json:"rate" maxLength:"20" doc:"In the business's currency, as a decimal number" example:"0.9213"`
}

func (d desk) apiRates(c *rest.Call, in *rest.Short[apiRate]) (*rest.Listing[apiRate], error) {
	var after RateCursor
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := RatesAfter(c.Context(), d.db, after, in.Limit+1)
	all, next := rest.Next(in.Page, all, func(r Rate) any { return RateCursor{r.Day, r.Currency} })
	return rest.Pageful(all, next, func(r Rate) apiRate { return apiRate{string(r.Currency), r.Day, rateText(r.Rate)} }), err
}

type apiRatesInput struct {
	Body struct {
		Rates []apiRate `json:"rates" minItems:"1" maxItems:"1000"`
	}
}

func (d desk) apiSetRates(c *rest.Call, in *apiRatesInput) (*rest.None, error) {
	var rates []Rate
	for i, r := range in.Body.Rates {
		value, err := money.ParseRate(r.Rate)
		if err != nil {
			return nil, errs.Wrong(fmt.Sprintf("rates/%d/rate", i), "orders.wrong.rate")
		}
		rates = append(rates, Rate{Currency: money.Currency(r.Currency), Day: r.Day, Rate: value, Source: "api"})
	}
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if err := SetRates(ctx, tx, rates); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "rates.changed", Values: ratesForAudit(rates)})
	})
}
