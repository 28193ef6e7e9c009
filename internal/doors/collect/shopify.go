package collect

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/money"
)

// signedBase64 reports whether a header is the HMAC-SHA256 of what was signed,
// in base64, as Shopify, WooCommerce and Square write it.
func signedBase64(secret []byte, header string, signed ...[]byte) bool {
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(header))
	if err != nil || len(secret) == 0 {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	for _, b := range signed {
		mac.Write(b)
	}
	return hmac.Equal(given, mac.Sum(nil))
}

// header is the first of several headers that is there: Shopify renames its
// own.
func header(h http.Header, names ...string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

func verifyShopify(secret []byte, c call) bool {
	return signedBase64(secret, header(c.header, "X-Shopify-Hmac-SHA256", "Shopify-Hmac-Sha256"), c.body)
}

func openShopify(c call) envelope {
	return envelope{
		topic:    header(c.header, "X-Shopify-Topic", "Shopify-Topic"),
		delivery: header(c.header, "X-Shopify-Event-Id", "Shopify-Event-Id", "X-Shopify-Webhook-Id", "Shopify-Webhook-Id"),
		noted: map[string]string{"triggered": header(c.header, "X-Shopify-Triggered-At", "Shopify-Triggered-At"),
			"webhook": header(c.header, "X-Shopify-Webhook-Id", "Shopify-Webhook-Id"),
			"shop":    header(c.header, "X-Shopify-Shop-Domain", "Shopify-Shop-Domain")},
	}
}

type shopifyAddress struct {
	FirstName   string `json:"first_name"`
	LastName    string `json:"last_name"`
	Name        string `json:"name"`
	CountryCode string `json:"country_code"`
	Phone       string `json:"phone"`
}

type shopifyConsent struct {
	State     string   `json:"state"`
	Level     string   `json:"opt_in_level"`
	UpdatedAt shopTime `json:"consent_updated_at"`
}

type shopifyCustomer struct {
	ID        shopID          `json:"id"`
	Email     string          `json:"email"`
	Phone     string          `json:"phone"`
	FirstName string          `json:"first_name"`
	LastName  string          `json:"last_name"`
	Locale    string          `json:"locale"`
	CreatedAt shopTime        `json:"created_at"`
	UpdatedAt shopTime        `json:"updated_at"`
	Address   *shopifyAddress `json:"default_address"`
	Mail      *shopifyConsent `json:"email_marketing_consent"`
	SMS       *shopifyConsent `json:"sms_marketing_consent"`
}

type shopifyLine struct {
	ID       shopID     `json:"id"`
	SKU      string     `json:"sku"`
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	Quantity int64      `json:"quantity"`
	Price    shopAmount `json:"price"`
}

type shopifyRefund struct {
	ID          shopID   `json:"id"`
	OrderID     shopID   `json:"order_id"`
	CreatedAt   shopTime `json:"created_at"`
	ProcessedAt shopTime `json:"processed_at"`
	Lines       []struct {
		Quantity int64       `json:"quantity"`
		Subtotal shopAmount  `json:"subtotal"`
		Tax      shopAmount  `json:"total_tax"`
		Line     shopifyLine `json:"line_item"`
	} `json:"refund_line_items"`
	Transactions []struct {
		Kind     string     `json:"kind"`
		Status   string     `json:"status"`
		Amount   shopAmount `json:"amount"`
		Currency string     `json:"currency"`
	} `json:"transactions"`
}

type shopifyFulfillment struct {
	ID        shopID   `json:"id"`
	OrderID   shopID   `json:"order_id"`
	Status    string   `json:"shipment_status"`
	UpdatedAt shopTime `json:"updated_at"`
}

type shopifyOrder struct {
	ID            shopID           `json:"id"`
	Name          string           `json:"name"`
	Email         string           `json:"email"`
	ContactEmail  string           `json:"contact_email"`
	Phone         string           `json:"phone"`
	CreatedAt     shopTime         `json:"created_at"`
	UpdatedAt     shopTime         `json:"updated_at"`
	CancelledAt   shopTime         `json:"cancelled_at"`
	CancelReason  string           `json:"cancel_reason"`
	Currency      string           `json:"currency"`
	Total         shopAmount       `json:"total_price"`
	Discounts     shopAmount       `json:"total_discounts"`
	Tax           shopAmount       `json:"total_tax"`
	TaxesIncluded bool             `json:"taxes_included"`
	Financial     string           `json:"financial_status"`
	Source        string           `json:"source_name"`
	Locale        string           `json:"customer_locale"`
	Test          bool             `json:"test"`
	Customer      *shopifyCustomer `json:"customer"`
	Billing       *shopifyAddress  `json:"billing_address"`
	Shipping      *shopifyAddress  `json:"shipping_address"`
	Lines         []shopifyLine    `json:"line_items"`
	ShippingLines []struct {
		Price shopAmount `json:"price"`
	} `json:"shipping_lines"`
	Refunds      []shopifyRefund      `json:"refunds"`
	Fulfillments []shopifyFulfillment `json:"fulfillments"`
}

func readShopify(p *Parcel, _ *time.Location) (news, error) {
	triggered, _ := time.Parse(time.RFC3339Nano, p.Noted["triggered"])
	if triggered.IsZero() || triggered.After(p.At.Add(time.Hour)) {
		triggered = p.At
	}
	switch p.Topic {
	case "orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled", "orders/partially_fulfilled":
		return readShopifyOrder(p.Body, triggered)
	case "orders/delete":
		var gone struct {
			ID shopID `json:"id"`
		}
		err := parseShop(p.Body, &gone)
		if err != nil || gone.ID == "" {
			return news{}, cmp.Or(err, misshapen())
		}
		return news{Pieces: []piece{{Group: string(gone.ID), Name: offPiece + "order", Version: triggered.UnixMicro()}}}, nil
	case "refunds/create":
		return readShopifyRefund(p.Body, triggered)
	case "fulfillments/create", "fulfillments/update":
		var f shopifyFulfillment
		err := parseShop(p.Body, &f)
		if err != nil || f.OrderID == "" {
			return news{}, cmp.Or(err, misshapen())
		}
		return news{Pieces: f.arrived(f.OrderID)}, nil
	case "customers/create", "customers/update", "customers/enable", "customers/disable":
		var c shopifyCustomer
		if err := parseShop(p.Body, &c); err != nil {
			return news{}, err
		}
		return news{People: []person{c.person(p.Noted["shop"])}}, nil
	case "customers_email_marketing_consent/update", "customers_marketing_consent/update":
		return readShopifyConsent(p.Body, p.Noted["shop"])
	case "products/create", "products/update":
		return readShopifyProduct(p.Body)
	case askedCopy, askedErasure, askedShopErasure:
		return readShopifyAsk(p)
	}
	return news{Ignored: p.Topic}, nil
}

func readShopifyOrder(body []byte, triggered time.Time) (news, error) {
	var o shopifyOrder
	if err := parseShop(body, &o); err != nil {
		return news{}, err
	}
	if o.Test {
		return news{Ignored: "test"}, nil
	}
	if o.ID == "" || o.CreatedAt.zero() {
		return news{}, misshapen()
	}
	c, err := shopCurrency(o.Currency)
	if err != nil {
		return news{}, err
	}
	group := string(o.ID)
	s := shopSale{Number: cmp.Or(label(o.Name), group), Keys: []string{group}, At: o.CreatedAt.micros(), Currency: c,
		Channel: shopifyChannel(o.Source), Cancelled: o.CancelledAt.micros(), Reason: orders.Reason(o.CancelReason)}
	if s.Cancelled == 0 && o.Financial == "voided" {
		s.Cancelled, s.Reason = o.UpdatedAt.micros(), "payment"
	}
	if err := sums(c, &s.Total, o.Total, &s.Discount, o.Discounts, &s.Tax, o.Tax); err != nil {
		return news{}, err
	}
	if o.TaxesIncluded {
		s.Tax = 0
	}
	for _, l := range o.ShippingLines {
		m, err := l.Price.minor(c)
		if err != nil {
			return news{}, err
		}
		s.Shipping += m
	}
	for _, l := range o.Lines {
		if line, err := l.line(c, l.Quantity); err != nil {
			return news{}, err
		} else if line.Milli != 0 {
			s.Lines = append(s.Lines, line)
		}
	}
	main := piece{Group: group, Name: "order", Version: sinceUpdate(o.UpdatedAt.at, triggered), Sale: &s, Who: o.person()}
	for _, r := range o.Refunds {
		back, err := r.back(c)
		if err != nil {
			return news{}, err
		}
		main.Backs = append(main.Backs, back)
	}
	n := news{Pieces: []piece{main}}
	for _, f := range o.Fulfillments {
		n.Pieces = append(n.Pieces, f.arrived(o.ID)...)
	}
	if o.Customer != nil {
		if c := o.Customer.person(""); c.External != "" && !c.At.IsZero() {
			n.People = append(n.People, c)
		}
	}
	return n, nil
}

// sinceUpdate is the version of a thing whose time is in whole seconds: of two
// accounts of the same second the one that was sent later is the newer.
func sinceUpdate(updated, triggered time.Time) int64 {
	return ranked(updated, triggered.Sub(updated.Truncate(time.Second)).Microseconds())
}

func shopifyChannel(source string) string {
	switch source {
	case "pos":
		return "store"
	case "shopify_draft_order":
		return ""
	}
	return "online"
}

func (l shopifyLine) line(c money.Currency, quantity int64) (shopLine, error) {
	name := label(cmp.Or(l.Name, l.Title))
	s := shopLine{SKU: cmp.Or(label(l.SKU), name, orders.Unnamed), Name: name, Milli: quantity * 1000}
	var err error
	if s.Price, s.Scale, err = l.Price.units(); err != nil || quantity < 0 || quantity > 1e9 {
		return s, cmp.Or(err, misshapen())
	}
	s.Total, err = money.Times(s.Price, s.Scale, s.Milli, c)
	return s, err
}

// person is who placed the order: by the customer's record, and what the order
// says beside it.
func (o *shopifyOrder) person() *person {
	p := person{Email: cmp.Or(o.Email, o.ContactEmail), Phone: o.Phone, Language: languageOf(o.Locale), At: o.CreatedAt.utc(), Joined: o.CreatedAt.utc()}
	if c := o.Customer; c != nil {
		p.External, p.Email, p.Phone = string(c.ID), cmp.Or(c.Email, p.Email), cmp.Or(c.Phone, p.Phone)
		p.Given, p.Family = c.FirstName, c.LastName
		p.Joined = firstTime(c.CreatedAt.utc(), p.Joined)
	}
	for _, a := range []*shopifyAddress{o.Billing, o.Shipping} {
		if a == nil {
			continue
		}
		if p.Given == "" && p.Family == "" {
			p.Given, p.Family, p.Name = a.FirstName, a.LastName, a.Name
		}
		p.Country = cmp.Or(p.Country, nation(a.CountryCode))
	}
	return &p
}

func (r *shopifyRefund) back(c money.Currency) (shopBack, error) {
	b := shopBack{Key: string(r.ID), At: cmp.Or(r.ProcessedAt.micros(), r.CreatedAt.micros())}
	if r.ID == "" || b.At == 0 {
		return b, misshapen()
	}
	goods := int64(0)
	for _, l := range r.Lines {
		line, err := l.Line.line(c, l.Quantity)
		if err != nil {
			return b, err
		}
		var tax int64
		if err := sums(c, &line.Total, l.Subtotal, &tax, l.Tax); err != nil {
			return b, err
		}
		goods += line.Total + tax
		if line.Milli != 0 {
			b.Lines = append(b.Lines, line)
		}
	}
	paidBack := false
	for _, t := range r.Transactions {
		if t.Kind != "refund" || t.Currency != "" && !strings.EqualFold(t.Currency, string(c)) {
			continue
		}
		paidBack = true
		if t.Status != "success" {
			continue
		}
		m, err := t.Amount.minor(c)
		if err != nil {
			return b, err
		}
		b.Amount += m
	}
	if !paidBack { // goods taken off what was not paid yet
		b.Amount = goods
	}
	return b, nil
}

func readShopifyRefund(body []byte, triggered time.Time) (news, error) {
	var r shopifyRefund
	if err := parseShop(body, &r); err != nil {
		return news{}, err
	}
	if r.OrderID == "" {
		return news{}, misshapen()
	}
	c := money.Currency("")
	for _, t := range r.Transactions {
		if code, err := money.ParseCurrency(t.Currency); err == nil {
			c = code
		}
	}
	if c == "" {
		// A refund without money names no currency: its order tells of it.
		return news{Ignored: "refunds/create"}, nil
	}
	b, err := r.back(c)
	if err != nil {
		return news{}, err
	}
	at := firstTime(r.CreatedAt.utc(), r.ProcessedAt.utc())
	return news{Pieces: []piece{{Group: string(r.OrderID), Name: "refund:" + b.Key, Version: sinceUpdate(at, triggered), Backs: []shopBack{b}}}}, nil
}

// arrived is the piece of a parcel that was delivered, or nothing.
func (f *shopifyFulfillment) arrived(order shopID) []piece {
	if f.ID == "" || f.Status != "delivered" || f.UpdatedAt.zero() {
		return nil
	}
	return []piece{{Group: string(order), Name: seenPiece + "parcel:" + string(f.ID), Version: f.UpdatedAt.micros(), Arrived: f.UpdatedAt.micros()}}
}

func (c *shopifyCustomer) person(shop string) person {
	p := person{External: string(c.ID), Email: c.Email, Phone: c.Phone, Given: c.FirstName, Family: c.LastName, Language: languageOf(c.Locale),
		At: c.UpdatedAt.utc(), Joined: c.CreatedAt.utc()}
	if a := c.Address; a != nil {
		p.Country = nation(a.CountryCode)
		p.Phone = cmp.Or(p.Phone, a.Phone)
	}
	if shop != "" {
		p.Consents = append(c.Mail.decision("email", shop), c.SMS.decision("sms", shop)...)
	}
	return p
}

// decision is a yes or no that somebody gave; who never answered gave none.
func (c *shopifyConsent) decision(channel, shop string) []customers.Consent {
	if c == nil || c.UpdatedAt.zero() || c.State != "subscribed" && c.State != "unsubscribed" {
		return nil
	}
	return []customers.Consent{{Channel: channel, Given: c.State == "subscribed", At: c.UpdatedAt.utc(), Place: label(shop),
		Words: "Shopify: " + channel + " marketing, " + c.State + " " + label(c.Level)}}
}

func readShopifyConsent(body []byte, shop string) (news, error) {
	var v struct {
		CustomerID shopID          `json:"customer_id"`
		Email      string          `json:"email_address"`
		Phone      string          `json:"phone"`
		Mail       *shopifyConsent `json:"email_marketing_consent"`
		SMS        *shopifyConsent `json:"sms_marketing_consent"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	p := person{External: string(v.CustomerID), Email: v.Email, Phone: v.Phone,
		Consents: append(v.Mail.decision("email", shop), v.SMS.decision("sms", shop)...)}
	return news{People: []person{p}}, nil
}

func readShopifyProduct(body []byte) (news, error) {
	var v struct {
		Title    string `json:"title"`
		Type     string `json:"product_type"`
		Variants []struct {
			SKU   string `json:"sku"`
			Title string `json:"title"`
		} `json:"variants"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	var n news
	for _, variant := range v.Variants[:min(len(v.Variants), 2000)] {
		name := label(v.Title)
		if variant.Title != "" && variant.Title != "Default Title" {
			name = label(name + " - " + variant.Title)
		}
		if sku := label(variant.SKU); sku != "" {
			n.Products = append(n.Products, orders.NewProduct{SKU: sku, Name: name, Category: label(v.Type)})
		}
	}
	return n, nil
}
