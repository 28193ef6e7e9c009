package importers

import (
	"strconv"
	"strings"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/text"
)

// wooSource is whose order numbers those of all WooCommerce files are.
const wooSource = "woocommerce"

// wooBilling are the columns that the plugins share.
func wooBilling(own map[Field][]string) map[Field][]string {
	for f, names := range map[Field][]string{
		Given: {"billing_first_name"}, Family: {"billing_last_name"}, Email: {"billing_email", "customer_email"}, Phone: {"billing_phone"},
		Country: {"billing_country"}, Street: {"billing_address_1"}, City: {"billing_city"}, Region: {"billing_state"},
		Postcode: {"billing_postcode"}, Status: {"status"},
	} {
		own[f] = names
	}
	return own
}

// webToffee is the layout of the plugin "Order Export & Order Import": a row
// an order, its lines packed in the columns line_item_1, line_item_2, …
var webToffee = Layout{
	Name: "woocommerce-webtoffee",
	Columns: wooBilling(map[Field][]string{
		Order: {"order_number", "order_id"}, OrderID: {"order_id"}, Date: {"order_date"}, Customer: {"customer_user", "customer_id"},
		Total: {"order_total"}, Discount: {"discount_total"}, Shipping: {"shipping_total"}, Tax: {"tax_total"}, Currency: {"order_currency"},
	}),
	Needs:   []Field{Order, Date, Status, Total},
	Signs:   []string{"line_item_1"},
	Source:  wooSource,
	Channel: "online",
	Tell:    tellWebToffee,
}

func tellWebToffee(r *reader, row sheet.Row, rec *Record) error {
	if err := tellWoo(r, row, rec); err != nil || rec.Skip {
		return err
	}
	rec.Items = []Item{}
	for n := 1; ; n++ {
		column := "lineitem" + strconv.Itoa(n)
		at, ok := r.others[column]
		if !ok {
			break
		}
		cell := r.other(row, column)
		if cell == "" {
			continue
		}
		item, err := webToffeeItem(cell, r.settings.Mark, rec.Currency)
		if err != nil {
			return badCell{r.names[at], err}
		}
		rec.Items = append(rec.Items, item)
	}
	back, err := packedRefunds(r.other(row, "refunditems"), r.settings.Mark, rec.Currency)
	if err != nil {
		return badCell{r.names[r.others["refunditems"]], err}
	}
	rec.Refunded = back
	return nil
}

// tellWoo is what the plugins' files have in common: guests have the number 0,
// and what was only begun is no order.
func tellWoo(r *reader, row sheet.Row, rec *Record) error {
	if p := &rec.Person; p.External == "0" || strings.Contains(p.External, "@") {
		p.External = ""
	}
	switch plainName(r.cell(row, Status)) {
	case "checkoutdraft", "autodraft", "draft", "wccheckoutdraft":
		rec.Skip = true
		return nil
	}
	whole, err := r.minor(rec, Total, r.cell(row, Total))
	if r.cell(row, Total) == "" {
		return r.bad(Total, errs.Wrong("", "importers.wrong.no-amount"))
	}
	rec.Whole = &whole
	return err
}

// pairs takes "name:Tea|quantity:2" apart; a bar that belongs to a value is
// written \|.
func pairs(s string) map[string]string {
	found := map[string]string{}
	for _, part := range split(s, '|') {
		name, value, _ := strings.Cut(part, ":")
		name = plainName(name)
		if _, twice := found[name]; !twice {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

// split cuts at a sign that has no backslash before it.
func split(s string, at byte) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == at:
			b.WriteByte(at)
			i++
		case s[i] == at:
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(parts, b.String())
}

// webToffeeItem reads a packed line. Its worth is what it cost before discounts
// of the order, where the file says so.
func webToffeeItem(cell string, mark sheet.Mark, c money.Currency) (Item, error) {
	p := pairs(cell)
	item := Item{SKU: strings.TrimPrefix(p["sku"], "'"), Product: text.Short(text.Line(p["name"]), maxProduct), Quantity: 1000}
	if item.SKU == "" && item.Product == "" && p["productid"] != "" {
		item.SKU = "product_id:" + p["productid"]
	}
	if item.SKU == "" && item.Product == "" {
		return item, errs.Wrong("", "importers.wrong.item", "Cell", text.Short(cell, 60))
	}
	if err := item.quantity(p["quantity"], mark); err != nil {
		return item, err
	}
	worth := p["subtotal"]
	if worth == "" {
		worth = p["total"]
	}
	total, err := minorOf(worth, mark, c)
	item.LineTotal = &total
	return item, err
}

func (i *Item) quantity(cell string, mark sheet.Mark) error {
	if cell == "" {
		return nil
	}
	n, err := sheet.ParseQuantity(cell, mark)
	if err == nil {
		i.Quantity, _, err = n.Minor(3)
	}
	return err
}

// minorOf reads an amount; nothing at all is 0.
func minorOf(cell string, mark sheet.Mark, c money.Currency) (int64, error) {
	if cell == "" {
		return 0, nil
	}
	a, err := sheet.ParseAmount(cell, mark)
	if err != nil {
		return 0, err
	}
	v, err := money.FromDecimal(a.Units, a.Scale, c)
	if err != nil {
		return 0, errs.Wrong("", "importers.wrong.amount-large")
	}
	return v, nil
}

// packedRefunds adds up "amount:5|reason:…|date:…" and what follows behind
// semicolons.
func packedRefunds(cell string, mark sheet.Mark, c money.Currency) (sum int64, err error) {
	for _, one := range split(cell, ';') {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		amount := one
		if strings.Contains(one, ":") {
			p := pairs(one)
			if amount = p["amount"]; amount == "" {
				amount = p["total"]
			}
			if amount == "" {
				continue // a reason that holds a semicolon
			}
		}
		v, err := minorOf(amount, mark, c)
		if err != nil {
			return 0, err
		}
		sum += max(v, -v)
	}
	return sum, nil
}

// maxProduct is how long the name of a product may be.
const maxProduct = 200

// skyVerge is the layout of SkyVerge's exports in their legacy form: a row an
// order, its lines packed in order_item_1, order_item_2, …, which know products
// by their number in that shop only.
var skyVerge = Layout{
	Name: "woocommerce-skyverge",
	Columns: wooBilling(map[Field][]string{
		Order: {"order_number_formatted", "order_number", "order_id"}, OrderID: {"order_id"}, Date: {"date", "order_date"}, Customer: {"customer_user", "customer_id"},
		Total: {"order_total"}, Shipping: {"order_shipping", "shipping_total"}, Tax: {"order_tax", "tax_total"}, Currency: {"order_currency"},
	}),
	Needs:   []Field{Order, Date, Status, Total},
	Signs:   []string{"order_item_1"},
	Source:  wooSource,
	Channel: "online",
	Tell:    tellSkyVerge,
}

func tellSkyVerge(r *reader, row sheet.Row, rec *Record) error {
	if err := tellWoo(r, row, rec); err != nil || rec.Skip {
		return err
	}
	rec.Number = strings.TrimPrefix(rec.Number, "#")
	extra, discount := int64(0), int64(0)
	for _, part := range []struct {
		column string
		to     *int64
	}{{"ordershippingtax", &rec.Tax}, {"orderfees", &extra}, {"orderfeetax", &rec.Tax}, {"cartdiscount", &discount}, {"orderdiscount", &discount}} {
		v, err := r.sum(rec, row, part.column)
		if err != nil {
			return err
		}
		*part.to += max(v, -v)
	}
	rec.Shipping, rec.Discount, rec.Rough = rec.Shipping+extra, discount, true
	rec.Items = []Item{}
	for n := 1; ; n++ {
		column := "orderitem" + strconv.Itoa(n)
		at, ok := r.others[column]
		if !ok {
			break
		}
		if cell := r.other(row, column); cell != "" {
			item, err := skyVergeItem(cell, r.settings.Mark, rec.Currency)
			if err != nil {
				return badCell{r.names[at], err}
			}
			rec.Items = append(rec.Items, item)
		}
	}
	oneOrAll(rec)
	return nil
}

// skyVergeItem reads "product_id:4959|1|30|size: Medium": product, quantity,
// amount and what was chosen.
func skyVergeItem(cell string, mark sheet.Mark, c money.Currency) (Item, error) {
	parts := split(cell, '|')
	item := Item{SKU: text.Short(text.Line(parts[0]), maxProduct), Quantity: 1000}
	if len(parts) < 3 || item.SKU == "" {
		return item, errs.Wrong("", "importers.wrong.item-parts", "Cell", text.Short(cell, 60))
	}
	if number, ok := strings.CutPrefix(item.SKU, "product_id:"); ok {
		item.Product = "Product " + strings.TrimSpace(number)
	}
	if len(parts) > 3 {
		chosen := text.Line(strings.Join(parts[3:], ", "))
		item.Product = text.Short(strings.TrimSpace(item.Product+" "+chosen), maxProduct)
		item.SKU = text.Short(item.SKU+" "+chosen, maxProduct)
	}
	if err := item.quantity(strings.TrimSpace(parts[1]), mark); err != nil {
		return item, err
	}
	total, err := minorOf(strings.TrimSpace(parts[2]), mark, c)
	item.LineTotal = &total
	return item, err
}

// oneOrAll decides whether the amounts of the lines are of one piece or of the
// line: the total of the order tells it.
func oneOrAll(rec *Record) {
	if rec.Whole == nil {
		return
	}
	rest := rec.Shipping + rec.Tax - rec.Discount
	lines, pieces := int64(0), int64(0)
	for _, i := range rec.Items {
		if i.Quantity%1000 != 0 || i.Quantity > 1e9 || max(*i.LineTotal, -*i.LineTotal) > 1e12 {
			return
		}
		lines += *i.LineTotal
		pieces += *i.LineTotal * (i.Quantity / 1000)
	}
	if lines == pieces || lines+rest == *rec.Whole || lines+rest-rec.Tax == *rec.Whole {
		return
	}
	if pieces+rest == *rec.Whole || pieces+rest-rec.Tax == *rec.Whole {
		for i := range rec.Items {
			all := *rec.Items[i].LineTotal * (rec.Items[i].Quantity / 1000)
			rec.Items[i].LineTotal = &all
		}
	}
}

// wooOrders is the layout of WooCommerce's own Analytics → Orders: it knows
// what was bought and what all of it came to, but not who bought it by
// anything but a name. Refunds are rows of their own, below zero.
var wooOrders = Layout{
	Name: "woocommerce-orders",
	Columns: map[Field][]string{
		Order: {"Order #"}, Date: {"Date"}, Total: {"Net Sales"}, Status: {"Status"}, Name: {"Customer"}, Product: {"Product(s)"},
	},
	Needs:   []Field{Order, Date, Total, Status, Product},
	Signs:   []string{"Items sold", "N. Revenue (formatted)"},
	Source:  wooSource,
	Channel: "online",
	Tell:    tellWooOrder,
}

func tellWooOrder(r *reader, row sheet.Row, rec *Record) error {
	if r.cell(row, Total) == "" {
		return r.bad(Total, errs.Wrong("", "importers.wrong.no-amount"))
	}
	if r.settings.Currency == "" {
		if a, err := sheet.ParseAmount(r.other(row, "nrevenueformatted"), r.settings.Mark); err == nil {
			if c, err := money.ParseCurrency(a.Currency); err == nil {
				rec.Currency = c
			}
		}
	}
	total, err := r.minor(rec, Total, r.cell(row, Total))
	if err != nil {
		return err
	}
	rec.Number = strings.TrimPrefix(rec.Number, "#")
	rec.Rough = true
	if total < 0 {
		rec.Return, rec.Of, rec.Cancelled, rec.GivenBack = true, rec.Number, false, false
		rec.Number, total = rec.Number+returned, -total
	} else {
		rec.Whole = &total
	}
	rec.Items = counted(r.cell(row, Product))
	if len(rec.Items) == 1 {
		rec.Items[0].LineTotal = &total
		return nil
	}
	rec.Items = append(rec.Items, Item{SKU: "woocommerce-sum", Product: "What an order came to", Kind: orders.KindService, Quantity: 1000, LineTotal: &total})
	return nil
}

// counted takes "2× Tea, green, 1× Cup" apart: names may hold commas.
func counted(s string) []Item {
	nothing := int64(0)
	var items []Item
	for _, part := range strings.Split(s, ",") {
		count, name, ok := strings.Cut(strings.TrimSpace(part), "×")
		n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 32)
		switch {
		case ok && err == nil && n >= 0:
			items = append(items, Item{Product: text.Line(name), Quantity: n * 1000, LineTotal: &nothing})
		case len(items) > 0:
			last := &items[len(items)-1]
			last.Product += ", " + text.Line(part)
		}
	}
	for i := range items {
		items[i].Product = text.Short(items[i].Product, maxProduct)
	}
	return items
}

// wooCustomers is the layout of WooCommerce's own Analytics → Customers.
var wooCustomers = Layout{
	Name: "woocommerce-customers",
	Columns: map[Field][]string{
		Name: {"Name"}, Email: {"Email"}, Joined: {"Sign Up"}, Country: {"Country / Region"}, City: {"City"}, Region: {"Region"},
		Postcode: {"Postal Code"}, Phone: {"Billing Phone", "Shipping Phone"},
	},
	Needs:  []Field{Name, Email, Joined},
	Signs:  []string{"Last Active", "AOV"},
	Source: wooSource,
	Tell: func(_ *reader, _ sheet.Row, rec *Record) error {
		rec.Skip = !rec.Person.known() // a guest without an email is nobody's name
		return nil
	},
}
