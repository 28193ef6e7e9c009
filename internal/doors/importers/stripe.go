package importers

import (
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/sheet"
)

// stripePayments is the layout of Stripe's payments, formerly charges: the 51
// columns, today's unified file and that of 2014. Which columns there are
// depends on what was ticked. What was bought it does not know.
var stripePayments = Layout{
	Name: "stripe-payments",
	Columns: map[Field][]string{
		Order: {"id"}, OrderID: {"PaymentIntent ID"}, Date: {"Created (UTC)", "Created date (UTC)", "Created"}, Total: {"Amount"}, Refunded: {"Amount Refunded"},
		Currency: {"Currency"}, Status: {"Status"}, Customer: {"Customer ID"}, Email: {"Customer Email", "email (metadata)"},
		Name: {"Card Name"}, Country: {"Card Address Country"}, City: {"Card Address City"}, Postcode: {"Card Address Zip"},
	},
	Needs:   []Field{Order, Date, Total, Refunded, Currency, Status},
	Source:  "stripe",
	Channel: "online",
	UTC:     true,
	Tell:    tellStripe,
}

func tellStripe(r *reader, row sheet.Row, rec *Record) error {
	rec.Cancelled, rec.GivenBack = false, false
	switch plainName(r.cell(row, Status)) {
	case "", "paid", "succeeded", "refunded", "partialrefund", "partiallyrefunded", "disputed", "won", "lost":
	default: // failed, canceled, requires payment method, uncaptured…
		rec.Skip = true
		return nil
	}
	if captured, err := sheet.ParseBool(r.other(row, "captured")); err == nil && !captured || strings.EqualFold(r.other(row, "mode"), "test") {
		rec.Skip = true
		return nil
	}
	if rec.Number == "" || r.cell(row, Total) == "" {
		return r.bad(Total, errs.Wrong("", "importers.wrong.no-transaction"))
	}
	whole, err := r.minor(rec, Total, r.cell(row, Total))
	if err != nil {
		return err
	}
	if plainName(r.other(row, "disputestatus")) == "lost" {
		lost, err := r.sum(rec, row, "disputedamount")
		if err != nil {
			return err
		}
		rec.Refunded = min(whole, rec.Refunded+max(lost, -lost))
	}
	if about := r.other(row, "customerdescription"); rec.Person.Email == "" && strings.Count(about, "@") == 1 && !strings.ContainsAny(about, " ,;") {
		rec.Person.Email = about
	}
	rec.stand("stripe-payment", "Payment by Stripe", whole)
	return nil
}

// stand makes one line stand for all of a sale whose items are not named.
func (rec *Record) stand(sku, name string, amount int64) {
	rec.Rough = true
	rec.Items = []Item{{SKU: sku, Product: name, Quantity: 1000, LineTotal: &amount}}
	if !rec.Return {
		rec.Whole = &amount
	}
}

// stripeCustomers is the layout of Stripe's export of customers.
var stripeCustomers = Layout{
	Name:    "stripe-customers",
	Columns: map[Field][]string{Customer: {"id"}, Email: {"Email"}, Name: {"Name"}, Joined: {"Created (UTC)", "Created"}},
	Needs:   []Field{Customer, Email, Joined},
	Signs:   []string{"Delinquent"},
	Source:  "stripe",
	UTC:     true,
}
