package importers

import (
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
)

// squareColumns are those that Square's two files of sales share. Customers
// are known by their number there and a name, never by an email.
func squareColumns(own map[Field][]string) map[Field][]string {
	for f, names := range map[Field][]string{
		Order: {"Transaction ID"}, Date: {"Date"}, Time: {"Time"}, ZoneName: {"Time Zone"}, Customer: {"Customer ID"}, Name: {"Customer Name"},
	} {
		own[f] = names
	}
	return own
}

// squareTransactions is the layout of Square's transactions, of 44 columns in
// 2018 to 55 today. "Card" and "Cash" are amounts; the tip is the staff's and
// stays out.
var squareTransactions = Layout{
	Name: "square-transactions",
	Columns: squareColumns(map[Field][]string{
		Total: {"Total Collected"}, Discount: {"Discounts"}, Tax: {"Tax"}, Staff: {"Staff Name"}, Status: {"Transaction Status"},
		Reason: {"Refund Reason"},
	}),
	Needs:   []Field{Order, Date, Time, Total},
	Signs:   []string{"Gross Sales", "Event Type"},
	Source:  "square",
	Channel: "store",
	Tell:    tellSquareTransaction,
}

func tellSquareTransaction(r *reader, row sheet.Row, rec *Record) error {
	if rec.Number == "" || r.cell(row, Total) == "" {
		return r.bad(Total, errs.Wrong("", "importers.wrong.no-transaction"))
	}
	rec.squareCurrency(r, row, "totalcollected")
	total, err := r.minor(rec, Total, r.cell(row, Total))
	if err != nil {
		return err
	}
	tip, err := r.sum(rec, row, "tip")
	if err != nil {
		return err
	}
	gross, err := r.sum(rec, row, "grosssales")
	if err != nil {
		return err
	}
	rec.squareChannel(r, row)
	if total -= tip; total == 0 && gross == 0 {
		rec.Skip = true // a drawer that was opened, a tip alone
		return nil
	}
	if rec.squareReturn(r, row, total) {
		rec.Discount, rec.Tax = 0, 0
		rec.stand("square-sale", "Sale at the till", max(total, -total))
		return nil
	}
	rec.stand("square-sale", "Sale at the till", gross)
	rec.Whole = &total
	return nil
}

// squareItems is the layout of Square's items detail: a row for each line of a
// sale, or of a refund.
var squareItems = Layout{
	Name: "square-items",
	Columns: squareColumns(map[Field][]string{
		SKU: {"SKU"}, Product: {"Item"}, Category: {"Category"}, Quantity: {"Qty"}, Staff: {"Employee"},
	}),
	Needs:   []Field{Order, Date, Time, Product, Quantity},
	Signs:   []string{"Gross Sales", "Net Sales"},
	Source:  "square",
	Channel: "store",
	Tell:    tellSquareItem,
}

func tellSquareItem(r *reader, row sheet.Row, rec *Record) error {
	if rec.Number == "" {
		return r.bad(Order, errs.Wrong("", "importers.wrong.no-transaction"))
	}
	rec.squareCurrency(r, row, "netsales")
	net, err := r.sum(rec, row, "netsales")
	if err != nil {
		return err
	}
	tax, err := r.sum(rec, row, "tax")
	if err != nil {
		return err
	}
	rec.squareChannel(r, row)
	if variant := r.other(row, "pricepointname"); variant != "" && !strings.EqualFold(variant, "regular") {
		rec.Product = strings.TrimSpace(rec.Product + " " + variant)
	}
	if rec.Product == "" && rec.SKU == "" {
		rec.Product = "Custom amount"
	}
	total := net + tax
	if rec.squareReturn(r, row, total) {
		total, rec.Quantity = max(total, -total), max(rec.Quantity, -rec.Quantity)
	}
	rec.LineTotal = &total
	return nil
}

// squareReturn reports whether a row gives money back, and makes it a return of
// the sale with that transaction.
func (rec *Record) squareReturn(r *reader, row sheet.Row, total int64) bool {
	if kind := plainName(r.other(row, "eventtype")); kind != "refund" && (kind != "" || total >= 0) {
		return false
	}
	rec.Return, rec.Of = true, rec.Number
	rec.Number += returned
	return true
}

// squareCurrency takes the currency from the sign of an amount.
func (rec *Record) squareCurrency(r *reader, row sheet.Row, column string) {
	if r.settings.Currency != "" {
		return
	}
	if a, err := sheet.ParseAmount(r.other(row, column), r.settings.Mark); err == nil && a.Currency != "" {
		if c, err := money.ParseCurrency(a.Currency); err == nil {
			rec.Currency = c
		}
	}
}

func (rec *Record) squareChannel(r *reader, row sheet.Row) {
	if where := strings.ToLower(r.other(row, "channel") + " " + r.other(row, "source")); strings.Contains(where, "online") || strings.Contains(where, "ecommerce") {
		rec.Channel = "online"
	}
}
