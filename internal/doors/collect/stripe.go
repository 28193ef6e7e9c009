package collect

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/money"
)

// stripeTolerance is how old a signed delivery may be: one that somebody
// caught and sends again later is refused.
const stripeTolerance = 300 * time.Second

// verifyStripe checks "t=1700000000,v1=…,v1=…": while a secret is being
// changed there are several signatures, of which one must be right.
func verifyStripe(secret []byte, c call) bool {
	var stamp string
	var given [][]byte
	for _, part := range strings.Split(c.header.Get("Stripe-Signature"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil && len(given) < 10 {
				given = append(given, b)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(secret) == 0 {
		return false
	}
	if age := c.now.Sub(time.Unix(seconds, 0)); age > stripeTolerance || age < -stripeTolerance {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(c.body)
	want := mac.Sum(nil)
	return slices.ContainsFunc(given, func(b []byte) bool { return hmac.Equal(b, want) })
}

// openStripe looks at the beginning of an event only; what it tells is read
// behind.
func openStripe(c call) envelope {
	var e struct {
		ID   shopID `json:"id"`
		Type string `json:"type"`
	}
	if json.Unmarshal(c.body, &e) != nil {
		return envelope{}
	}
	return envelope{topic: e.Type, delivery: string(e.ID)}
}

type stripeEvent struct {
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Live    *bool  `json:"livemode"`
	Data    struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

type stripePerson struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Phone   string `json:"phone"`
	Address *struct {
		Country string `json:"country"`
	} `json:"address"`
}

func (v stripePerson) country() string {
	if v.Address == nil {
		return ""
	}
	return nation(v.Address.Country)
}

type stripeCharge struct {
	ID           shopID       `json:"id"`
	Intent       stripeRef    `json:"payment_intent"`
	Amount       int64        `json:"amount"`
	Captured     int64        `json:"amount_captured"`
	Refunded     int64        `json:"amount_refunded"`
	Currency     string       `json:"currency"`
	Created      int64        `json:"created"`
	Customer     stripeRef    `json:"customer"`
	Status       string       `json:"status"`
	IsCaptured   bool         `json:"captured"`
	Billing      stripePerson `json:"billing_details"`
	ReceiptEmail string       `json:"receipt_email"`
	Refunds      *struct {
		Data []stripeBack `json:"data"`
	} `json:"refunds"`
}

// stripeBack is money given back: a refund, or a dispute.
type stripeBack struct {
	ID       shopID    `json:"id"`
	Charge   stripeRef `json:"charge"`
	Intent   stripeRef `json:"payment_intent"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Created  int64     `json:"created"`
	Reason   string    `json:"reason"`
	Status   string    `json:"status"`
}

// stripeRef is the id of another object, or the object itself.
type stripeRef string

// UnmarshalJSON implements json.Unmarshaler.
func (v *stripeRef) UnmarshalJSON(b []byte) error {
	var whole struct {
		ID shopID `json:"id"`
	}
	if len(b) > 0 && b[0] == '{' {
		err := json.Unmarshal(b, &whole)
		*v = stripeRef(whole.ID)
		return err
	}
	var id shopID
	err := json.Unmarshal(b, &id)
	*v = stripeRef(id)
	return err
}

func readStripe(p *Parcel, _ *time.Location) (news, error) {
	var e stripeEvent
	if err := parseShop(p.Body, &e); err != nil {
		return news{}, err
	}
	at := unixTime(e.Created)
	if at.IsZero() || len(e.Data.Object) == 0 {
		return news{}, misshapen()
	}
	if e.Live != nil && !*e.Live {
		return news{Ignored: "test"}, nil
	}
	switch {
	case strings.HasPrefix(e.Type, "charge.dispute."):
		return readStripeBack(e.Data.Object, at, "dispute:", stripeDisputeRank, (*stripeBack).dispute)
	case strings.HasPrefix(e.Type, "refund."), strings.HasPrefix(e.Type, "charge.refund."):
		return readStripeBack(e.Data.Object, at, "refund:", stripeRefundRank, (*stripeBack).refund)
	case strings.HasPrefix(e.Type, "charge."):
		return readStripeCharge(e.Data.Object, at)
	case e.Type == "payment_intent.succeeded":
		return readStripeIntent(e.Data.Object, at)
	case strings.HasPrefix(e.Type, "checkout.session."):
		return readStripeSession(e.Data.Object, at)
	case strings.HasPrefix(e.Type, "customer.subscription."):
		return readStripeSubscription(e.Data.Object, at, e.Type == "customer.subscription.deleted")
	case e.Type == "invoice.paid":
		return readStripeInvoice(e.Data.Object, at)
	case e.Type == "customer.created", e.Type == "customer.updated":
		return readStripeCustomer(e.Data.Object, at)
	}
	return news{Ignored: label(e.Type)}, nil
}

// stripeMinor turns Stripe's amount into ours: it counts some currencies
// without hundredths in hundredths, and the ariary without.
func stripeMinor(amount int64, c money.Currency) int64 {
	switch c {
	case "ISK", "UGX":
		return amount / 100
	case "MGA":
		return amount * 100
	}
	return amount
}

// stripeMax is more than anybody pays at once.
const stripeMax = 1e14

func stripeGroup(intent, charge stripeRef) string { return cmp.Or(string(intent), string(charge)) }

func readStripeCharge(body []byte, at time.Time) (news, error) {
	var v stripeCharge
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	created := unixTime(v.Created)
	if v.ID == "" || created.IsZero() || max(v.Amount, v.Captured, v.Refunded) > stripeMax || min(v.Amount, v.Captured, v.Refunded) < 0 {
		return news{}, misshapen()
	}
	name := "charge:" + string(v.ID)
	main := piece{Group: stripeGroup(v.Intent, stripeRef(v.ID)), Name: name, Version: ranked(at, chargeRank(&v))}
	if v.Status != "succeeded" || !v.IsCaptured {
		main.Name = offPiece + name
		return news{Pieces: []piece{main}}, nil
	}
	c, err := shopCurrency(v.Currency)
	if err != nil {
		return news{}, err
	}
	main.Sale = stripeSale(stripeMinor(cmp.Or(v.Captured, v.Amount), c), c, created, string(v.ID), string(v.Intent))
	main.Given = stripeMinor(v.Refunded, c)
	main.Who = &person{External: string(v.Customer), Email: cmp.Or(v.Billing.Email, v.ReceiptEmail), Name: v.Billing.Name, Phone: v.Billing.Phone,
		Country: v.Billing.country(), At: created, Joined: created}
	if v.Refunds != nil {
		for _, r := range v.Refunds.Data {
			main.Backs = append(main.Backs, r.refund(c))
		}
	}
	n := news{Pieces: []piece{main}}
	if main.Given > 0 {
		n.Pieces = append(n.Pieces, piece{Group: main.Group, Name: seenPiece + name, Version: at.UnixMicro()})
	}
	return n, nil
}

// chargeRank orders accounts of one charge in one second: what more was given
// back of is later.
func chargeRank(v *stripeCharge) int64 {
	if v.Amount <= 0 {
		return 0
	}
	rank := int64(float64(v.Refunded) / float64(v.Amount) * 900_000)
	if v.Status == "succeeded" && v.IsCaptured {
		rank += 50_000
	}
	return rank
}

// stripeSale is a payment: what was bought Stripe does not know.
func stripeSale(total int64, c money.Currency, at time.Time, keys ...string) *shopSale {
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
	return &shopSale{Number: keys[0], Keys: keys, At: at.UnixMicro(), Currency: c, Rough: true, Total: total, Channel: "online",
		Lines: []shopLine{paid("stripe-payment", "Payment by Stripe", total, c)}}
}

// readStripeBack makes a piece of money given back: its name begins as told, and
// of two accounts in one second that of the later state counts.
func readStripeBack(body []byte, at time.Time, name string, states []string, back func(v *stripeBack, c money.Currency) shopBack) (news, error) {
	var v stripeBack
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	group := stripeGroup(v.Intent, v.Charge)
	if v.ID == "" || group == "" || v.Amount < 0 || v.Amount > stripeMax || unixTime(v.Created).IsZero() {
		return news{}, misshapen()
	}
	c, err := shopCurrency(v.Currency)
	if err != nil {
		return news{}, err
	}
	return news{Pieces: []piece{{Group: group, Name: name + string(v.ID), Backs: []shopBack{back(&v, c)},
		Version: ranked(at, int64(max(0, slices.Index(states, v.Status))))}}}, nil
}

// The states of a refund in the order in which they follow each other.
var stripeRefundRank = []string{"", "requires_action", "pending", "succeeded", "failed", "canceled"}

func (v *stripeBack) refund(c money.Currency) shopBack {
	return shopBack{Key: string(v.ID), At: unixTime(v.Created).UnixMicro(), Amount: stripeMinor(v.Amount, c), Reason: orders.Reason(v.Reason),
		Failed: v.Status == "failed" || v.Status == "canceled" || v.Status == "requires_action"}
}

// disputeReasons are Stripe's words for why a payment was disputed, in ours.
var disputeReasons = map[string]string{
	"fraudulent": "fraud", "unrecognized": "fraud", "product_not_received": "not_delivered", "product_unacceptable": "not_as_described",
	"duplicate": "duplicate", "subscription_canceled": "changed_mind",
}

var stripeDisputeRank = []string{"warning_needs_response", "needs_response", "warning_under_review", "under_review", "warning_closed", "won", "lost"}

// dispute counts one that was lost as money given back. While it is open
// nobody knows whose the money is.
func (v *stripeBack) dispute(c money.Currency) shopBack {
	return shopBack{Key: string(v.ID), At: unixTime(v.Created).UnixMicro(), Amount: stripeMinor(v.Amount, c), Apart: true,
		Reason: cmp.Or(disputeReasons[v.Reason], "other"), Failed: v.Status != "lost"}
}

// readStripeIntent makes a payment known where nobody sends charges. A charge
// of it says more and takes its place.
func readStripeIntent(body []byte, at time.Time) (news, error) {
	var v struct {
		ID       shopID    `json:"id"`
		Received int64     `json:"amount_received"`
		Currency string    `json:"currency"`
		Created  int64     `json:"created"`
		Customer stripeRef `json:"customer"`
		Charge   stripeRef `json:"latest_charge"`
		Email    string    `json:"receipt_email"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	if v.ID == "" || v.Received < 0 || v.Received > stripeMax || unixTime(v.Created).IsZero() {
		return news{}, misshapen()
	}
	c, err := shopCurrency(v.Currency)
	if err != nil {
		return news{}, err
	}
	name := cmp.Or(string(v.Charge), string(v.ID))
	return news{Pieces: []piece{{Group: string(v.ID), Name: "intent:" + name, Version: ranked(at, 0),
		Sale: stripeSale(stripeMinor(v.Received, c), c, unixTime(v.Created), name, string(v.ID)),
		Who:  &person{External: string(v.Customer), Email: v.Email, At: unixTime(v.Created), Joined: unixTime(v.Created)}}}}, nil
}

// readStripeSession tells who paid: a guest's email stands on the checkout.
func readStripeSession(body []byte, at time.Time) (news, error) {
	var v struct {
		ID       shopID        `json:"id"`
		Intent   stripeRef     `json:"payment_intent"`
		Customer stripeRef     `json:"customer"`
		Status   string        `json:"payment_status"`
		Who      *stripePerson `json:"customer_details"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	if v.ID == "" {
		return news{}, misshapen()
	}
	if v.Who == nil || v.Status != "paid" {
		return news{}, nil
	}
	who := person{External: string(v.Customer), Name: v.Who.Name, Email: v.Who.Email, Phone: v.Who.Phone, Country: v.Who.country(), At: at, Joined: at}
	if v.Intent == "" {
		return news{People: []person{who}}, nil
	}
	return news{Pieces: []piece{{Group: string(v.Intent), Name: "session:" + string(v.ID), Version: ranked(at, 0), Who: &who}}}, nil
}

func readStripeCustomer(body []byte, at time.Time) (news, error) {
	var v struct {
		ID      shopID   `json:"id"`
		Created int64    `json:"created"`
		Locales []string `json:"preferred_locales"`
		stripePerson
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	if v.ID == "" {
		return news{}, misshapen()
	}
	p := person{External: string(v.ID), Name: v.Name, Email: v.Email, Phone: v.Phone, Country: v.country(), At: at, Joined: unixTime(v.Created)}
	if len(v.Locales) > 0 {
		p.Language = languageOf(v.Locales[0])
	}
	return news{People: []person{p}}, nil
}
