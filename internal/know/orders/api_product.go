package orders

import (
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
)

// apiSold is how a product sells, in the business's currency. Cancelled orders
// are left out.
type apiSold struct {
	Pieces   int64          `json:"pieces"`
	Amount   int64          `json:"amount_minor"`
	Returned int64          `json:"returned" doc:"Pieces"`
	Back     int64          `json:"given_back_minor"`
	Unvalued int            `json:"unvalued" doc:"Lines that wait for a rate, in no sum"`
	Buyers   int            `json:"buyers" doc:"Customers who bought it"`
	Again    int            `json:"again" doc:"Of these, in two orders or more"`
	Walkins  int            `json:"walk_ins" doc:"Orders of people who are not known"`
	Months   []apiSoldMonth `json:"months" doc:"From the first sale on, without gaps"`
	Top      []apiTopBuyer  `json:"best_buyers"`
}

type apiSoldMonth struct {
	Month     string `json:"month" example:"2026-03"`
	Pieces    int64  `json:"pieces"`
	Customers int64  `json:"customers_minor" doc:"Bought by customers"`
	Walkins   int64  `json:"walk_ins_minor"`
}

type apiTopBuyer struct {
	Customer id.Customer `json:"customer"`
	Orders   int         `json:"orders"`
	Pieces   int64       `json:"pieces"`
	Amount   int64       `json:"amount_minor"`
	Last     string      `json:"last_day"`
}

func (d desk) apiSold(c *rest.Call, in *struct {
	Product rest.ID[id.Product] `path:"product"`
	rest.Fields[apiSold]
}) (*rest.One[apiSold], error) {
	p, err := ProductByID(c.Context(), d.db, in.Product.Of)
	if err != nil {
		return nil, err
	}
	s, err := SoldOf(c.Context(), d.db, p.ID)
	a := apiSold{Pieces: s.Pieces, Amount: s.Amount, Returned: s.Returned, Back: s.Back, Unvalued: s.Unvalued, Buyers: s.Buyers, Again: s.Again,
		Walkins: s.Walkins, Months: make([]apiSoldMonth, 0, len(s.Months)), Top: make([]apiTopBuyer, 0, len(s.Top))}
	for _, m := range s.Months {
		a.Months = append(a.Months, apiSoldMonth(m))
	}
	for _, b := range s.Top {
		a.Top = append(a.Top, apiTopBuyer(b))
	}
	return rest.Show(c, a, err)
}
