package importers

import (
	"strings"

	"regulars/internal/know/orders"
)

// onlineRetail is the layout of the UCI Online Retail data (Chen 2015): the
// invoice lines of a British gift shop.
var onlineRetail = Layout{
	Name: "online-retail",
	Columns: map[Field][]string{
		Order: {"InvoiceNo", "Invoice"}, SKU: {"StockCode"}, Product: {"Description"}, Quantity: {"Quantity"},
		Date: {"InvoiceDate"}, Price: {"UnitPrice", "Price"}, Customer: {"CustomerID", "Customer ID"}, Country: {"Country"},
	},
	Needs:    []Field{Order, SKU, Quantity, Date, Price, Customer, Country},
	Source:   "online-retail",
	Currency: "GBP",
	Zone:     "Europe/London",
	Channel:  "online",
	Shape:    shapeOnlineRetail,
}

// shapeOnlineRetail knows that an invoice beginning with C is a return, its
// quantities negative, and which stock codes are no goods.
func shapeOnlineRetail(r *Record) error {
	if strings.HasPrefix(r.Number, "C") {
		r.Return, r.Quantity = true, -r.Quantity
	}
	r.Person.External = strings.TrimSuffix(r.Person.External, ".0")
	if !isStock(r.SKU) {
		r.Kind = orders.KindService
	}
	return nil
}

// isStock tells goods (85123A, 22423, DCGS0076, gift vouchers) from postage,
// fees, samples and corrections (POST, DOT, M, BANK CHARGES, AMAZONFEE…): a
// code of goods holds a number.
func isStock(sku string) bool {
	digits := 0
	for i := range len(sku) {
		if sku[i] >= '0' && sku[i] <= '9' {
			digits++
		}
	}
	return digits >= 2
}
