package collect

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/money"
)

type stripeSubscription struct {
	ID           shopID    `json:"id"`
	Customer     stripeRef `json:"customer"`
	Status       string    `json:"status"`
	Currency     string    `json:"currency"`
	Description  string    `json:"description"`
	Created      int64     `json:"created"`
	StartDate    int64     `json:"start_date"`
	TrialEnd     int64     `json:"trial_end"`
	PeriodEnd    int64     `json:"current_period_end"` // until 2025; then each item's
	CancelAt     int64     `json:"cancel_at"`
	AtPeriodEnd  bool      `json:"cancel_at_period_end"`
	EndedAt      int64     `json:"ended_at"`
	Pause        *struct{} `json:"pause_collection"`
	Cancellation struct {
		Comment  string `json:"comment"`
		Feedback string `json:"feedback"`
		Reason   string `json:"reason"`
	} `json:"cancellation_details"`
	Items struct {
		Data []stripeItem `json:"data"`
	} `json:"items"`
	Discount  *stripeDiscount  `json:"discount"`
	Discounts []stripeDiscount `json:"discounts"`
}

type stripeItem struct {
	Quantity  *int64      `json:"quantity"`
	PeriodEnd int64       `json:"current_period_end"`
	Price     stripePrice `json:"price"`
}

type stripePrice struct {
	Nickname    string      `json:"nickname"`
	LookupKey   string      `json:"lookup_key"`
	Product     stripeNamed `json:"product"`
	Scheme      string      `json:"billing_scheme"`
	Amount      *int64      `json:"unit_amount"`
	AmountExact string      `json:"unit_amount_decimal"` // hundredths of a cent and the like
	Recurring   struct {
		Interval string `json:"interval"`
		Count    int64  `json:"interval_count"`
		Usage    string `json:"usage_type"`
	} `json:"recurring"`
	Packs *struct {
		By    int64  `json:"divide_by"`
		Round string `json:"round"`
	} `json:"transform_quantity"`
}

// stripeNamed is the id of a thing with a name, or the thing itself.
type stripeNamed struct{ id, name string }

// UnmarshalJSON implements json.Unmarshaler.
func (v *stripeNamed) UnmarshalJSON(b []byte) error {
	var whole struct {
		ID   shopID `json:"id"`
		Name string `json:"name"`
	}
	if len(b) > 0 && b[0] == '{' {
		err := json.Unmarshal(b, &whole)
		v.id, v.name = string(whole.ID), whole.Name
		return err
	}
	err := json.Unmarshal(b, &whole.ID)
	v.id = string(whole.ID)
	return err
}

// stripeDiscount is what is taken off each invoice. Where Stripe sends its id
// alone, what it takes off is not known.
type stripeDiscount struct {
	ID     shopID        `json:"id"`
	Coupon *stripeCoupon `json:"coupon"`
	Source struct {
		Coupon *stripeCoupon `json:"coupon"`
	} `json:"source"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *stripeDiscount) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return json.Unmarshal(b, &v.ID)
	}
	type plain stripeDiscount
	return json.Unmarshal(b, (*plain)(v))
}

type stripeCoupon struct {
	Duration   string      `json:"duration"`
	PercentOff json.Number `json:"percent_off"`
	AmountOff  int64       `json:"amount_off"`
}

// UnmarshalJSON implements json.Unmarshaler: a coupon may be its id alone.
func (v *stripeCoupon) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	type plain stripeCoupon
	return json.Unmarshal(b, (*plain)(v))
}

// stripeStatus are Stripe's statuses in ours. Of an incomplete subscription
// the first payment has not been made: it is none yet, and may never be one.
var stripeStatus = map[string]string{
	"trialing": orders.Trialing, "active": orders.Active, "past_due": orders.PastDue, "unpaid": orders.PastDue, "paused": orders.Paused,
	"canceled": orders.Ended,
}

// stripeLeaving are Stripe's words for why a subscription ends, in ours.
var stripeLeaving = map[string]string{
	"customer_service": "service", "low_quality": "quality", "missing_features": "missing_features", "switched_service": "switched",
	"too_complex": "too_complex", "too_expensive": "too_expensive", "unused": "unused", "other": "other",
	"payment_failed": "payment", "payment_disputed": "disputed",
}

func readStripeSubscription(body []byte, at time.Time, deleted bool) (news, error) {
	var v stripeSubscription
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	if deleted {
		v.Status = "canceled"
	}
	created := firstTime(unixTime(v.StartDate), unixTime(v.Created))
	if v.ID == "" || v.Customer == "" || created.IsZero() {
		return news{}, misshapen()
	}
	status := stripeStatus[v.Status]
	if status == "" {
		return news{}, nil
	}
	if v.Pause != nil && (status == orders.Active || status == orders.PastDue) {
		status = orders.Paused
	}
	t := orders.Terms{Status: status, StartedAt: earlier(created, at), TrialEnd: unixTime(v.TrialEnd), PeriodEnd: v.periodEnd(), CancelAt: unixTime(v.CancelAt),
		EndedAt: unixTime(v.EndedAt), Reason: cmp.Or(stripeLeaving[v.Cancellation.Feedback], stripeLeaving[v.Cancellation.Reason])}
	if v.AtPeriodEnd && t.CancelAt.IsZero() {
		t.CancelAt = t.PeriodEnd
	}
	if status == orders.Ended || !t.CancelAt.IsZero() {
		t.Note = v.Cancellation.Comment
	} else {
		t.Reason = "" // of a notice that was taken back
	}
	var err error
	if t.Currency, err = shopCurrency(v.Currency); err != nil {
		return news{}, err
	}
	if err := v.priced(&t); err != nil {
		return news{}, err
	}
	n := orders.SubscriptionNews{External: string(v.ID), At: micros(ranked(at, int64(slices.Index(orders.Statuses, status)))), Terms: t}
	who := person{External: string(v.Customer), At: at, Joined: created}
	return news{Subscriptions: []toldSubscription{{n, who}}}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (v *stripeSubscription) periodEnd() time.Time {
	end := v.PeriodEnd
	for _, i := range v.Items.Data {
		if i.PeriodEnd > 0 && (end == 0 || i.PeriodEnd < end) {
			end = i.PeriodEnd
		}
	}
	return unixTime(end)
}

// priced works out what is paid each period: the list prices of what is
// counted beforehand, less the discounts that are known. What is metered, or
// priced in steps, is known by its invoices alone.
func (v *stripeSubscription) priced(t *orders.Terms) error {
	if len(v.Items.Data) == 0 || len(v.Items.Data) > 100 {
		return misshapen()
	}
	var names []string
	sum := new(big.Rat)
	monthly := int64(0) // where items are of different periods
	mixed, counted := false, 0
	for k, i := range v.Items.Data {
		amount, err := i.amount()
		if err != nil {
			return err
		}
		if name := i.Price.name(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		r := i.Price.Recurring
		one := orders.Terms{Status: orders.Active, Amount: minorOf(amount, t.Currency), Unit: r.Interval, Every: max(r.Count, 1)}
		if k == 0 {
			t.Unit, t.Every, t.Quantity = one.Unit, one.Every, 1
		} else if one.Unit != t.Unit || one.Every != t.Every {
			mixed = true
		}
		if !i.Price.byUse() {
			if counted++; counted == 1 && i.Quantity != nil && *i.Quantity > 0 {
				t.Quantity = *i.Quantity
			} else {
				t.Quantity = 1
			}
		}
		sum.Add(sum, amount)
		monthly += one.PerMonth()
	}
	if !slices.Contains(orders.Units, t.Unit) {
		return misshapen()
	}
	t.Plan = label(cmp.Or(strings.Join(names, " + "), v.Description))
	if mixed {
		t.Unit, t.Every, t.Amount = "month", 1, monthly
		return nil
	}
	t.Amount = minorOf(v.discounted(sum), t.Currency)
	return nil
}

// discounted takes the discounts off what would be paid each period. One for
// the first invoice alone is none.
func (v *stripeSubscription) discounted(sum *big.Rat) *big.Rat {
	all := v.Discounts
	if !slices.ContainsFunc(all, func(d stripeDiscount) bool { return d.coupon() != nil }) && v.Discount != nil {
		all = []stripeDiscount{*v.Discount}
	}
	for _, d := range all {
		c := d.coupon()
		if c == nil || c.Duration == "once" {
			continue
		}
		if percent, ok := new(big.Rat).SetString(c.PercentOff.String()); ok && percent.Sign() > 0 {
			left := new(big.Rat).Sub(big.NewRat(1, 1), percent.Quo(percent, big.NewRat(100, 1)))
			sum = new(big.Rat).Mul(sum, left)
		}
		sum = new(big.Rat).Sub(sum, new(big.Rat).SetInt64(max(c.AmountOff, 0)))
		if sum.Sign() < 0 {
			return new(big.Rat)
		}
	}
	return sum
}

func (v stripeDiscount) coupon() *stripeCoupon { return cmp.Or(v.Coupon, v.Source.Coupon) }

func (p *stripePrice) name() string {
	return label(cmp.Or(p.Nickname, p.Product.name, p.LookupKey, p.Product.id))
}

// byUse reports whether the price is known only when it is invoiced.
func (p *stripePrice) byUse() bool { return p.Recurring.Usage == "metered" || p.Scheme == "tiered" }

// amount is what an item costs each period, as Stripe counts it.
func (i *stripeItem) amount() (*big.Rat, error) {
	none := new(big.Rat)
	if i.Price.byUse() {
		return none, nil
	}
	one, ok := none, true
	switch {
	case len(i.Price.AmountExact) > 40 || strings.ContainsAny(i.Price.AmountExact, "eE/"):
		return nil, misshapen()
	case i.Price.AmountExact != "":
		one, ok = new(big.Rat).SetString(i.Price.AmountExact)
	case i.Price.Amount != nil:
		one = new(big.Rat).SetInt64(*i.Price.Amount)
	}
	quantity := int64(1)
	if i.Quantity != nil {
		quantity = *i.Quantity
	}
	if !ok || one.Sign() < 0 || quantity < 0 || quantity > 1e9 || one.Cmp(new(big.Rat).SetInt64(stripeMax)) > 0 {
		return nil, misshapen()
	}
	if p := i.Price.Packs; p != nil && p.By > 0 {
		packs := quantity / p.By
		if p.Round == "up" && quantity%p.By > 0 {
			packs++
		}
		quantity = packs
	}
	return new(big.Rat).Mul(one, new(big.Rat).SetInt64(quantity)), nil
}

// minorOf rounds an amount of Stripe's half up to our minor units.
func minorOf(amount *big.Rat, c money.Currency) int64 {
	twice := new(big.Int).Mul(amount.Num(), big.NewInt(2))
	n := twice.Add(twice, amount.Denom()).Quo(twice, new(big.Int).Mul(amount.Denom(), big.NewInt(2)))
	if !n.IsInt64() {
		return 1 << 62 // refused as too large
	}
	return stripeMinor(n.Int64(), c)
}

// readStripeInvoice notes that a period was paid for. The money is told by the
// charge; the first invoice is told by the subscription's beginning.
func readStripeInvoice(body []byte, at time.Time) (news, error) {
	var v struct {
		ID           shopID    `json:"id"`
		Subscription stripeRef `json:"subscription"` // until 2025; then the parent's
		Parent       struct {
			Details struct {
				Subscription stripeRef `json:"subscription"`
			} `json:"subscription_details"`
		} `json:"parent"`
		Reason   string `json:"billing_reason"`
		Paid     int64  `json:"amount_paid"`
		Currency string `json:"currency"`
		Times    struct {
			PaidAt int64 `json:"paid_at"`
		} `json:"status_transitions"`
		Lines struct {
			Data []struct {
				Period struct {
					End int64 `json:"end"`
				} `json:"period"`
			} `json:"data"`
		} `json:"lines"`
	}
	if err := parseShop(body, &v); err != nil {
		return news{}, err
	}
	sub := cmp.Or(string(v.Subscription), string(v.Parent.Details.Subscription))
	if sub == "" || v.Reason != "subscription_cycle" {
		return news{Ignored: "invoice.paid"}, nil
	}
	if v.ID == "" || v.Paid < 0 || v.Paid > stripeMax {
		return news{}, misshapen()
	}
	c, err := shopCurrency(v.Currency)
	if err != nil {
		return news{}, err
	}
	r := renewal{Number: string(v.ID), PaidAt: firstTime(unixTime(v.Times.PaidAt), at).UnixMicro(), Amount: stripeMinor(v.Paid, c), Currency: c}
	for _, l := range v.Lines.Data {
		if end := unixTime(l.Period.End); !end.IsZero() {
			r.Until = max(r.Until, end.UnixMicro())
		}
	}
	return news{Pieces: []piece{{Group: sub, Name: renewalPiece + string(v.ID), Version: at.UnixMicro(), Renewal: &r}}}, nil
}
