package importers

// cdnow is the layout of the CDNOW purchases (Fader and Hardie): one row a
// purchase, without an order number, an amount of 0 being a gift.
var cdnow = Layout{
	Name: "cdnow",
	Columns: map[Field][]string{
		Customer: {"customer_id"}, Date: {"date"}, Quantity: {"number_of_cds"}, Total: {"dollar_value"},
	},
	Needs:    []Field{Customer, Date, Quantity, Total},
	Source:   "cdnow",
	Currency: "USD",
	Zone:     "America/New_York",
	Channel:  "online",
	Shape: func(r *Record) error {
		r.SKU, r.Product = "CD", "Compact disc"
		return nil
	},
}
