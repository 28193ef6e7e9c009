package importers

import (
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/sheet"
)

// shopifyOrders is the layout of Shopify's export of orders, from the columns
// of 2012, which stop at "Cancelled at", to the 79 of today: a row for each
// line, and what belongs to the order on the first of its rows alone.
var shopifyOrders = Layout{
	Name: "shopify-orders",
	Columns: map[Field][]string{
		Order: {"Name"}, OrderID: {"Id"}, Date: {"Created at"}, Email: {"Email"}, Phone: {"Phone", "Billing Phone", "Shipping Phone"},
		Name: {"Billing Name", "Shipping Name"}, Country: {"Billing Country", "Shipping Country"},
		Street: {"Billing Address1", "Billing Street"}, City: {"Billing City"}, Region: {"Billing Province"}, Postcode: {"Billing Zip"},
		SKU: {"Lineitem sku"}, Product: {"Lineitem name"}, Quantity: {"Lineitem quantity"}, Price: {"Lineitem price"},
		Total: {"Total"}, Discount: {"Discount Amount"}, Shipping: {"Shipping"}, Tax: {"Taxes"}, Refunded: {"Refunded Amount"},
		Currency: {"Currency"}, Staff: {"Employee"}, Status: {"Financial Status"}, Cancelled: {"Cancelled at"},
		Delivered: {"Fulfilled at", "Fulfillment Date"},
	},
	Needs:   []Field{Order, Date, Status, Product, Quantity, Price},
	Source:  "shopify",
	Channel: "online",
	Parts:   true,
	Tell:    tellShopifyOrder,
}

func tellShopifyOrder(r *reader, row sheet.Row, rec *Record) error {
	switch {
	case r.cell(row, Price) != "":
	case rec.Product != "" || rec.SKU != "":
		return r.bad(Price, errs.Wrong("", "importers.wrong.no-price"))
	default:
		rec.Items = []Item{} // an order that holds nothing, such as a mere payment
	}
	if rec.Part {
		return nil
	}
	if from := r.other(row, "source"); from == "pos" {
		rec.Channel = "store"
	}
	if r.cell(row, Total) != "" {
		whole, err := r.minor(rec, Total, r.cell(row, Total))
		if err != nil {
			return err
		}
		rec.Whole = &whole
		if r.other(row, "subtotal") != "" {
			subtotal, err := r.sum(rec, row, "subtotal")
			if err != nil {
				return err
			}
			if whole-subtotal-rec.Shipping < rec.Tax {
				rec.Tax = 0 // the prices hold it
			}
		}
	}
	if yes, err := sheet.ParseBool(r.other(row, "acceptsmarketing")); err == nil && yes {
		rec.Words = []customers.Consent{{Channel: "email", Given: true, At: rec.At, Words: "Accepts Marketing: " + r.other(row, "acceptsmarketing")}}
	}
	return nil
}

// shopifyCustomers is the layout of Shopify's export of customers in its three
// forms: with ids and "Default Address …" columns, the template for importing
// without ids, and the older one with plain address columns.
var shopifyCustomers = Layout{
	Name: "shopify-customers",
	Columns: map[Field][]string{
		Customer: {"Customer ID"}, Email: {"Email"}, Phone: {"Phone", "Default Address Phone"}, Given: {"First Name"}, Family: {"Last Name"},
		Country: {"Default Address Country Code", "Country Code", "Country"},
		Street:  {"Default Address Address1", "Address1"}, City: {"Default Address City", "City"},
		Region:   {"Default Address Province Code", "Province Code", "Province"},
		Postcode: {"Default Address Zip", "Zip"}, Tags: {"Tags"},
		AgreedEmail: {"Accepts Email Marketing", "Accepts Marketing"}, AgreedSMS: {"Accepts SMS Marketing"},
	},
	Needs:  []Field{Given, Family, Email, AgreedEmail, Tags},
	Source: "shopify",
	Tell: func(_ *reader, _ sheet.Row, rec *Record) error {
		if rec.Person == (Person{}) {
			rec.Skip = true
		}
		return nil
	},
}

// readWords reads what a person agreed to from columns of yes and no. What the
// file says is the proof there is.
func (r *reader) readWords(rec *Record, row sheet.Row) error {
	for _, c := range []struct {
		field   Field
		channel string
	}{{AgreedEmail, "email"}, {AgreedSMS, "sms"}} {
		cell := r.cell(row, c.field)
		if cell == "" {
			continue
		}
		yes, err := sheet.ParseBool(cell)
		if err != nil {
			switch strings.ToLower(cell) {
			case "subscribed":
				yes = true
			case "not subscribed", "not_subscribed", "unsubscribed", "pending", "invalid", "redacted":
			default:
				return r.bad(c.field, err)
			}
		}
		rec.Words = append(rec.Words, customers.Consent{Channel: c.channel, Given: yes, Words: r.names[r.at[c.field]] + ": " + cell})
	}
	return nil
}
