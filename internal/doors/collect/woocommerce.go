package collect

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/money"
)

func verifyWooCommerce(secret []byte, c call) bool {
	return signedBase64(secret, c.header.Get("X-WC-Webhook-Signature"), c.body)
}

// pinged reports whether a call is the form by which WooCommerce tries an
// address before it uses it. It is not signed.
func pinged(c call) bool {
	id, ok := bytes.CutPrefix(bytes.TrimSpace(c.body), []byte("webhook_id="))
	return ok && len(id) > 0 && len(id) < 20 && len(bytes.Trim(id, "0123456789")) == 0
}

// openWooCommerce names a delivery by what is in it too: WooCommerce's own id
// is the same for all that a webhook sends in one second.
func openWooCommerce(c call) envelope {
	sum := sha256.Sum256(c.body)
	return envelope{topic: c.header.Get("X-WC-Webhook-Topic"),
		delivery: c.header.Get("X-WC-Webhook-Delivery-ID") + ":" + hex.EncodeToString(sum[:12])}
}

type wooAddress struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Country   string `json:"country"`
	Email     string `json:"email"`
	Phone     string `json:"phone"`
}

type wooLine struct {
	ID        shopID     `json:"id"`
	Name      string     `json:"name"`
	ProductID shopID     `json:"product_id"`
	SKU       string     `json:"sku"`
	Quantity  shopAmount `json:"quantity"` // some shops sell by weight
	Subtotal  shopAmount `json:"subtotal"`
	Total     shopAmount `json:"total"`
}

type wooOrder struct {
	ID          shopID     `json:"id"`
	Number      shopID     `json:"number"`
	Status      string     `json:"status"`
	CreatedVia  string     `json:"created_via"`
	Currency    string     `json:"currency"`
	Created     shopTime   `json:"date_created"`
	CreatedGMT  shopTime   `json:"date_created_gmt"`
	Modified    shopTime   `json:"date_modified"`
	ModifiedGMT shopTime   `json:"date_modified_gmt"`
	Paid        shopTime   `json:"date_paid"`
	PaidGMT     shopTime   `json:"date_paid_gmt"`
	Discount    shopAmount `json:"discount_total"`
	Shipping    shopAmount `json:"shipping_total"`
	Total       shopAmount `json:"total"`
	Tax         shopAmount `json:"total_tax"`
	CustomerID  shopID     `json:"customer_id"`
	Billing     wooAddress `json:"billing"`
	Lines       []wooLine  `json:"line_items"`
	Fees        []struct {
		Total shopAmount `json:"total"`
	} `json:"fee_lines"`
	Refunds []struct {
		ID     shopID     `json:"id"`
		Reason string     `json:"reason"`
		Total  shopAmount `json:"total"`
	} `json:"refunds"`
}

// wooTime reads a time: by UTC where that is told, else by the shop's clock.
func wooTime(gmt, local shopTime, zone *time.Location) time.Time {
	if !gmt.zero() {
		return gmt.utc()
	}
	if local.zero() {
		return time.Time{}
	}
	return local.in(zone)
}

func readWooCommerce(p *Parcel, zone *time.Location) (news, error) {
	switch p.Topic {
	case "order.created", "order.updated", "order.restored":
		return readWooOrder(p.Body, zone)
	case "order.deleted":
		var gone struct {
			ID shopID `json:"id"`
		}
		err := parseShop(p.Body, &gone)
		if err != nil || gone.ID.zero() {
			return news{}, cmp.Or(err, misshapen())
		}
		return news{Pieces: []piece{{Group: string(gone.ID), Name: offPiece + "order", Version: p.At.UnixMicro()}}}, nil
	case "customer.created", "customer.updated":
		return readWooCustomer(p.Body, zone)
	case "product.created", "product.updated", "product.restored", "product.published":
		var v struct {
			SKU        string `json:"sku"`
			Name       string `json:"name"`
			Categories []struct {
				Name string `json:"name"`
			} `json:"categories"`
		}
		if err := parseShop(p.Body, &v); err != nil {
			return news{}, err
		}
		n := orders.NewProduct{SKU: cmp.Or(label(v.SKU), label(v.Name)), Name: label(v.Name)}
		if len(v.Categories) > 0 {
			n.Category = label(v.Categories[0].Name)
		}
		if n.SKU == "" {
			return news{}, nil
		}
		return news{Products: []orders.NewProduct{n}}, nil
	}
	return news{Ignored: p.Topic}, nil
}

// The states of an order that is begun and not placed, and of one that came to
// nothing. A cancelled order that was never paid is one of these: WooCommerce
// cancels by itself what nobody paid for.
var wooUnplaced = []string{"pending", "failed", "checkout-draft", "auto-draft", "draft", "trash", "new"}

// wooRank orders the states of one second.
var wooRank = []string{"auto-draft", "checkout-draft", "draft", "new", "pending", "failed", "on-hold", "processing", "completed", "refunded", "cancelled", "trash"}

func readWooOrder(body []byte, zone *time.Location) (news, error) {
	var o wooOrder
	if err := parseShop(body, &o); err != nil {
		return news{}, err
	}
	created := wooTime(o.CreatedGMT, o.Created, zone)
	if o.ID.zero() || created.IsZero() {
		return news{}, misshapen()
	}
	changed := firstTime(wooTime(o.ModifiedGMT, o.Modified, zone), created)
	rank := int64(max(0, slices.Index(wooRank, o.Status)))*1000 + int64(min(len(o.Refunds), 900))
	main := piece{Group: string(o.ID), Name: "order", Version: ranked(changed, rank)}
	paid := !wooTime(o.PaidGMT, o.Paid, zone).IsZero()
	if slices.Contains(wooUnplaced, o.Status) || o.Status == "cancelled" && !paid {
		main.Name = offPiece + main.Name
		return news{Pieces: []piece{main}}, nil
	}
	c, err := shopCurrency(o.Currency)
	if err != nil {
		return news{}, err
	}
	s := shopSale{Number: cmp.Or(string(o.Number), string(o.ID)), Keys: []string{string(o.ID)}, At: created.UnixMicro(), Currency: c, Channel: wooChannel(o.CreatedVia)}
	if o.Status == "cancelled" {
		s.Cancelled, s.Reason = changed.UnixMicro(), "other"
	}
	if err := sums(c, &s.Total, o.Total, &s.Discount, o.Discount, &s.Shipping, o.Shipping, &s.Tax, o.Tax); err != nil {
		return news{}, err
	}
	for _, f := range o.Fees {
		m, err := f.Total.minor(c)
		if err != nil {
			return news{}, err
		}
		s.Shipping += m
	}
	for _, l := range o.Lines {
		line, err := l.line(c)
		if err != nil {
			return news{}, err
		}
		if line.Milli != 0 {
			s.Lines = append(s.Lines, line)
		}
	}
	main.Sale, main.Who = &s, o.person(created)
	return o.withRefunds(main, c, changed)
}

// withRefunds adds what was given back. WooCommerce does not say when: it was
// when a refund was first seen.
func (o *wooOrder) withRefunds(main piece, c money.Currency, changed time.Time) (news, error) {
	var n news
	back := func(key, reason string, amount int64) {
		main.Backs = append(main.Backs, shopBack{Key: key, At: changed.UnixMicro(), Amount: max(amount, -amount), Reason: orders.Reason(reason)})
		n.Pieces = append(n.Pieces, piece{Group: main.Group, Name: seenPiece + "back:" + key, Version: changed.UnixMicro()})
	}
	for _, r := range o.Refunds {
		m, err := r.Total.minor(c)
		if err != nil {
			return n, err
		}
		if r.ID.zero() {
			return n, misshapen()
		}
		back(string(r.ID), r.Reason, m)
	}
	if len(o.Refunds) == 0 && o.Status == "refunded" {
		back("all:"+string(o.ID), "", main.Sale.Total)
	}
	n.Pieces = append(n.Pieces, main)
	return n, nil
}

func wooChannel(via string) string {
	switch via {
	case "admin":
		return ""
	case "pos", "pos-rest-api":
		return "store"
	}
	return "online"
}

func (l wooLine) line(c money.Currency) (shopLine, error) {
	s := shopLine{SKU: cmp.Or(label(l.SKU), label(l.Name)), Name: label(l.Name)}
	if s.SKU == "" && !l.ProductID.zero() {
		s.SKU = "product_id:" + string(l.ProductID)
	}
	s.SKU = cmp.Or(s.SKU, orders.Unnamed)
	units, scale, err := l.Quantity.units()
	if err != nil || scale > 3 || units < 0 || units > 1e12 {
		return s, cmp.Or(err, misshapen())
	}
	for s.Milli = units; scale < 3; scale++ {
		s.Milli *= 10
	}
	if err := sums(c, &s.Total, cmp.Or(l.Subtotal, l.Total)); err != nil {
		return s, err
	}
	if s.Milli > 0 && s.Total < 1e11 && s.Total > -1e11 {
		price, err := money.Times(s.Total, c.Exponent(), 1000, "CLF") // four decimals, to show; the total counts
		if err != nil {
			return s, err
		}
		s.Price, s.Scale = price*1000/s.Milli, 4
	}
	return s, nil
}

func (o *wooOrder) person(created time.Time) *person {
	b := o.Billing
	p := person{Email: b.Email, Phone: b.Phone, Given: b.FirstName, Family: b.LastName, Country: nation(b.Country), At: created, Joined: created}
	if !o.CustomerID.zero() {
		p.External = string(o.CustomerID)
	}
	return &p
}

func readWooCustomer(body []byte, zone *time.Location) (news, error) {
	var v struct {
		ID          shopID     `json:"id"`
		Email       string     `json:"email"`
		FirstName   string     `json:"first_name"`
		LastName    string     `json:"last_name"`
		Role        string     `json:"role"`
		Created     shopTime   `json:"date_created"`
		CreatedGMT  shopTime   `json:"date_created_gmt"`
		Modified    shopTime   `json:"date_modified"`
		ModifiedGMT shopTime   `json:"date_modified_gmt"`
		Billing     wooAddress `json:"billing"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	switch v.Role {
	case "administrator", "shop_manager", "editor", "author", "contributor":
		return news{Ignored: "staff"}, nil // who runs the shop is no customer
	}
	if v.ID.zero() {
		return news{}, misshapen()
	}
	created := wooTime(v.CreatedGMT, v.Created, zone)
	return news{People: []person{{External: string(v.ID), Email: cmp.Or(v.Email, v.Billing.Email), Phone: v.Billing.Phone,
		Given: cmp.Or(v.FirstName, v.Billing.FirstName), Family: cmp.Or(v.LastName, v.Billing.LastName), Country: nation(v.Billing.Country),
		At: firstTime(wooTime(v.ModifiedGMT, v.Modified, zone), created), Joined: created}}}, nil
}
