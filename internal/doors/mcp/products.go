package mcp

import (
	"context"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/text"
	"regulars/internal/platform/workspace"
)

type productsIn struct {
	Query string `json:"query" jsonschema:"words of the name, or a SKU"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 10"`
}

type productsOut struct {
	Products []productLine `json:"products"`
}

type productLine struct {
	ID   string `json:"id"`
	SKU  string `json:"sku"`
	Name string `json:"name"`
}

func (a asking) products(ctx context.Context, in productsIn) (productsOut, error) {
	out := productsOut{Products: []productLine{}}
	found, _, err := orders.ListProducts(ctx, a.DB, orders.ProductFilter{Query: text.Short(in.Query, 200), Limit: bounded(in.Limit, 10)})
	for _, p := range found {
		out.Products = append(out.Products, productLine{p.ID.String(), p.SKU, p.Name})
	}
	return out, err
}

type productIn struct {
	Product string `json:"product" jsonschema:"the id of a product: prd_…"`
}

type productOut struct {
	productLine
	Pieces   int64      `json:"pieces_sold"`
	Amount   Amount     `json:"sold_for"`
	Returned int64      `json:"pieces_returned"`
	Back     Amount     `json:"given_back"`
	Buyers   int        `json:"buyers"`
	Again    int        `json:"bought_it_again"`
	Months   []monthOut `json:"months"` // the latest 24
	Top      []buyerOut `json:"best_buyers"`
}

type monthOut struct {
	Month  string `json:"month"`
	Pieces int64  `json:"pieces"`
	Amount Amount `json:"amount"`
}

type buyerOut struct {
	Person
	Pieces int64  `json:"pieces"`
	Amount Amount `json:"amount"`
	Last   string `json:"last_day"`
}

func (a asking) product(ctx context.Context, in productIn) (productOut, error) {
	var out productOut
	product, err := id.ParseProduct(in.Product)
	if err != nil {
		return out, errs.Wrong("product", "mcp.wrong.product")
	}
	p, err := orders.ProductByID(ctx, a.DB, product)
	if err != nil {
		return out, err
	}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	sold, err := orders.SoldOf(ctx, a.DB, product)
	if err != nil {
		return out, err
	}
	out = productOut{productLine: productLine{p.ID.String(), p.SKU, p.Name}, Pieces: sold.Pieces, Amount: a.amount(sold.Amount, shop.Currency),
		Returned: sold.Returned, Back: a.amount(sold.Back, shop.Currency), Buyers: sold.Buyers, Again: sold.Again, Months: []monthOut{}, Top: []buyerOut{}}
	for _, m := range sold.Months[max(0, len(sold.Months)-24):] {
		out.Months = append(out.Months, monthOut{m.Month, m.Pieces, a.amount(m.Customers+m.Walkins, shop.Currency)})
	}
	top := sold.Top[:min(len(sold.Top), 10)]
	ids := make([]id.Customer, len(top))
	for i, b := range top {
		ids[i] = b.Customer
	}
	people, err := a.named(ctx, ids)
	for i, b := range top {
		out.Top = append(out.Top, buyerOut{people[i], b.Pieces, a.amount(b.Amount, shop.Currency), b.Last})
	}
	return out, err
}
