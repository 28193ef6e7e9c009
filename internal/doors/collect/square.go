package collect

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"regulars/internal/know/customers"
)

// verifySquare checks a signature that covers the address too, as it was typed
// into Square.
func verifySquare(secret []byte, c call) bool {
	return signedBase64(secret, c.header.Get("X-Square-Hmacsha256-Signature"), []byte(c.address), c.body)
}

func openSquare(c call) envelope {
	var e struct {
		ID   shopID `json:"event_id"`
		Type string `json:"type"`
	}
	if json.Unmarshal(c.body, &e) != nil {
		return envelope{}
	}
	return envelope{topic: e.Type, delivery: string(e.ID)}
}

type squareMoney struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type squareAddress struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Country   string `json:"country"`
}

type squarePayment struct {
	ID         shopID         `json:"id"`
	OrderID    shopID         `json:"order_id"`
	Status     string         `json:"status"`
	Total      squareMoney    `json:"total_money"`
	Amount     squareMoney    `json:"amount_money"`
	Tip        squareMoney    `json:"tip_money"`
	Refunded   squareMoney    `json:"refunded_money"`
	CreatedAt  shopTime       `json:"created_at"`
	UpdatedAt  shopTime       `json:"updated_at"`
	CustomerID shopID         `json:"customer_id"`
	Email      string         `json:"buyer_email_address"`
	Billing    *squareAddress `json:"billing_address"`
	Made       struct {
		With string `json:"square_product"`
	} `json:"application_details"`
}

type squareRefund struct {
	ID        shopID      `json:"id"`
	PaymentID shopID      `json:"payment_id"`
	Status    string      `json:"status"`
	Amount    squareMoney `json:"amount_money"`
	Reason    string      `json:"reason"`
	CreatedAt shopTime    `json:"created_at"`
	UpdatedAt shopTime    `json:"updated_at"`
}

type squareCustomer struct {
	ID        shopID   `json:"id"`
	Given     string   `json:"given_name"`
	Family    string   `json:"family_name"`
	Company   string   `json:"company_name"`
	Email     string   `json:"email_address"`
	Phone     string   `json:"phone_number"`
	CreatedAt shopTime `json:"created_at"`
	UpdatedAt shopTime `json:"updated_at"`
	Address   struct {
		Country string `json:"country"`
	} `json:"address"`
	Preferences struct {
		Unsubscribed bool `json:"email_unsubscribed"`
	} `json:"preferences"`
}

func readSquare(p *Parcel, _ *time.Location) (news, error) {
	var e struct {
		Type string `json:"type"`
		Data struct {
			Object struct {
				Payment  *squarePayment  `json:"payment"`
				Refund   *squareRefund   `json:"refund"`
				Customer *squareCustomer `json:"customer"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := parseShop(p.Body, &e); err != nil {
		return news{}, err
	}
	o := e.Data.Object
	switch {
	case strings.HasPrefix(e.Type, "payment.") && o.Payment != nil:
		return readSquarePayment(o.Payment)
	case strings.HasPrefix(e.Type, "refund.") && o.Refund != nil:
		return readSquareRefund(o.Refund)
	case (e.Type == "customer.created" || e.Type == "customer.updated") && o.Customer != nil:
		return readSquareCustomer(o.Customer)
	case strings.HasPrefix(e.Type, "payment."), strings.HasPrefix(e.Type, "refund."):
		return news{}, misshapen()
	}
	// Orders are told by their id alone; their payments say what they came to.
	return news{Ignored: label(e.Type)}, nil
}

const squareMax = 1e14

// paymentGroup is that of refunds, which name the payment and not the order.
func paymentGroup(payment shopID) string { return "payment:" + string(payment) }

func readSquarePayment(v *squarePayment) (news, error) {
	if v.ID == "" || v.CreatedAt.zero() || max(v.Total.Amount, v.Amount.Amount, v.Tip.Amount, v.Refunded.Amount) > squareMax ||
		min(v.Total.Amount, v.Amount.Amount, v.Tip.Amount, v.Refunded.Amount) < 0 {
		return news{}, misshapen()
	}
	name := paymentGroup(v.ID)
	at := firstTime(v.UpdatedAt.utc(), v.CreatedAt.utc())
	main := piece{Group: cmp.Or(string(v.OrderID), string(v.ID)), Name: name, Version: at.UnixMicro()}
	if v.Status != "COMPLETED" {
		main.Name = offPiece + name
		return news{Pieces: []piece{main}}, nil
	}
	c, err := shopCurrency(cmp.Or(v.Total.Currency, v.Amount.Currency))
	if err != nil {
		return news{}, err
	}
	// The tip is the staff's, and none of what was bought.
	total := max(0, cmp.Or(v.Total.Amount-v.Tip.Amount, v.Amount.Amount))
	keys := []string{main.Group, string(v.ID)}
	if v.OrderID == "" {
		keys = keys[:1]
	}
	main.Sale = &shopSale{Number: main.Group, Keys: keys, At: v.CreatedAt.micros(), Currency: c, Rough: true, Total: total, Channel: squareChannelOf(v.Made.With),
		Lines: []shopLine{paid("square-sale", "Sale at the till", total, c)}}
	main.Given = v.Refunded.Amount
	main.Who = &person{External: string(v.CustomerID), Email: v.Email, At: v.CreatedAt.utc(), Joined: v.CreatedAt.utc()}
	if b := v.Billing; b != nil {
		main.Who.Given, main.Who.Family, main.Who.Country = b.FirstName, b.LastName, nation(b.Country)
	}
	n := news{Pieces: []piece{main}}
	if main.Given > 0 {
		n.Pieces = append(n.Pieces, piece{Group: main.Group, Name: seenPiece + name, Version: at.UnixMicro()})
	}
	return n, nil
}

func squareChannelOf(with string) string {
	switch with {
	case "ONLINE_STORE", "ECOMMERCE_API", "INVOICES":
		return "online"
	}
	return "store"
}

func readSquareRefund(v *squareRefund) (news, error) {
	if v.ID == "" || v.PaymentID == "" || v.CreatedAt.zero() || v.Amount.Amount < 0 || v.Amount.Amount > squareMax {
		return news{}, misshapen()
	}
	b := shopBack{Key: string(v.ID), At: v.CreatedAt.micros(), Amount: v.Amount.Amount, Reason: squareReason(v.Reason),
		Failed: v.Status == "REJECTED" || v.Status == "FAILED"}
	return news{Pieces: []piece{{Group: paymentGroup(v.PaymentID), Name: "refund:" + b.Key, Backs: []shopBack{b},
		Version: firstTime(v.UpdatedAt.utc(), v.CreatedAt.utc()).UnixMicro()}}}, nil
}

// squareReason keeps the words that Square's till offers; what somebody typed
// may name a person and is not kept.
func squareReason(said string) string {
	switch strings.ToLower(strings.TrimSpace(said)) {
	case "":
		return ""
	case "returned goods":
		return "changed_mind"
	case "accidental charge":
		return "duplicate"
	case "canceled order", "cancelled order":
		return "changed_mind"
	case "fraudulent charge":
		return "fraud"
	}
	return "other"
}

func readSquareCustomer(v *squareCustomer) (news, error) {
	if v.ID == "" {
		return news{}, misshapen()
	}
	p := person{External: string(v.ID), Email: v.Email, Phone: v.Phone, Given: v.Given, Family: v.Family, Country: nation(v.Address.Country),
		At: firstTime(v.UpdatedAt.utc(), v.CreatedAt.utc()), Joined: v.CreatedAt.utc()}
	if v.Given == "" && v.Family == "" {
		p.Name = v.Company
	}
	if v.Preferences.Unsubscribed {
		p.Consents = []customers.Consent{{Channel: "email", At: p.At, Words: "Square: email_unsubscribed"}}
	}
	return news{People: []person{p}}, nil
}
