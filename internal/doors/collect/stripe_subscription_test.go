package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// readSubscription reads the event of a subscription with items and fields.
func readSubscription(t *testing.T, items, fields string) (orders.SubscriptionNews, error) {
	t.Helper()
	body := fmt.Sprintf(`{"id":"evt_1","type":"customer.subscription.updated","created":1771000000,"livemode":true,"data":{"object":{
		"id":"sub_1","customer":"cus_1","status":"active","currency":"eur","created":1770000000,"start_date":1770000000,"items":{"data":[%s]}%s}}}`, items, fields)
	n, err := readStripe(&Parcel{Body: []byte(body)}, time.UTC)
	if err != nil || len(n.Subscriptions) != 1 {
		return orders.SubscriptionNews{}, err
	}
	return n.Subscriptions[0].SubscriptionNews, nil
}

func TestWhatASubscriptionOfStripeCosts(t *testing.T) {
	const each = `"recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}`
	const yearly = `"recurring":{"interval":"year","interval_count":1,"usage_type":"licensed"}`
	for name, k := range map[string]struct {
		items, fields   string
		amount, monthly int64
		quantity        int64
	}{
		"one":         {`{"quantity":3,"price":{"unit_amount":1000,` + each + `}}`, ``, 3000, 3000, 3},
		"no quantity": {`{"price":{"unit_amount":1000,` + each + `}}`, ``, 1000, 1000, 1},
		"a fraction":  {`{"quantity":3,"price":{"unit_amount":null,"unit_amount_decimal":"0.5",` + each + `}}`, ``, 2, 2, 3},
		"by use":      {`{"price":{"unit_amount":5,"recurring":{"interval":"month","interval_count":1,"usage_type":"metered"}}}`, ``, 0, 0, 1},
		"in steps":    {`{"quantity":4,"price":{"billing_scheme":"tiered","unit_amount":null,` + each + `}}`, ``, 0, 0, 1},
		"two, one by use": {`{"price":{"billing_scheme":"tiered",` + each + `}},{"quantity":2,"price":{"unit_amount":700,` + each + `}}`, ``,
			1400, 1400, 2},
		"two":         {`{"quantity":1,"price":{"unit_amount":700,` + each + `}},{"quantity":2,"price":{"unit_amount":100,` + each + `}}`, ``, 900, 900, 1},
		"two periods": {`{"price":{"unit_amount":700,` + each + `}},{"price":{"unit_amount":12000,` + yearly + `}}`, ``, 1700, 1700, 1},
		"packs up": {`{"quantity":11,"price":{"unit_amount":100,"transform_quantity":{"divide_by":10,"round":"up"},` + each + `}}`, ``,
			200, 200, 11},
		"packs down": {`{"quantity":19,"price":{"unit_amount":100,"transform_quantity":{"divide_by":10,"round":"down"},` + each + `}}`, ``,
			100, 100, 19},
		"percent":       {`{"price":{"unit_amount":999,` + each + `}}`, `,"discount":{"id":"di_1","coupon":{"duration":"forever","percent_off":33.3}}`, 666, 666, 1},
		"amount":        {`{"price":{"unit_amount":999,` + each + `}}`, `,"discounts":[{"id":"di_1","source":{"coupon":{"duration":"repeating","amount_off":99}}}]`, 900, 900, 1},
		"amount, twice": {`{"price":{"unit_amount":999,` + each + `}}`, `,"discount":{"id":"d","coupon":{"duration":"forever","amount_off":99}},"discounts":["d"]`, 900, 900, 1},
		"all off":       {`{"price":{"unit_amount":50,` + each + `}}`, `,"discounts":[{"id":"d","coupon":{"duration":"forever","amount_off":99}}]`, 0, 0, 1},
		"once":          {`{"price":{"unit_amount":999,` + each + `}}`, `,"discount":{"id":"di_1","coupon":{"duration":"once","amount_off":99}}`, 999, 999, 1},
		"by id":         {`{"price":{"unit_amount":999,` + each + `}}`, `,"discounts":["di_1"],"discount":null`, 999, 999, 1},
		"coupon by id":  {`{"price":{"unit_amount":999,` + each + `}}`, `,"discounts":[{"id":"di_1","source":{"coupon":"c","type":"coupon"}}]`, 999, 999, 1},
		"krona":         {`{"price":{"unit_amount":99900,` + each + `}}`, `,"currency":"isk"`, 999, 999, 1},
	} {
		n, err := readSubscription(t, k.items, k.fields)
		if err != nil || n.Amount != k.amount || n.PerMonth() != k.monthly || n.Quantity != k.quantity {
			t.Errorf("%s: %d each period, %d a month, %d of it, not %d, %d and %d: %v", name, n.Amount, n.PerMonth(), n.Quantity, k.amount, k.monthly, k.quantity, err)
		}
	}
	for name, items := range map[string]string{
		"nothing": ``, "below zero": `{"quantity":-1,"price":{"unit_amount":5,` + each + `}}`, "no period": `{"price":{"unit_amount":5}}`,
		"no number":       `{"price":{"unit_amount_decimal":"1/0",` + each + `}}`,
		"beyond counting": `{"quantity":1000000000,"price":{"unit_amount":99999999999999,` + each + `}}`,
	} {
		if n, err := readSubscription(t, items, ``); err == nil && n.Amount < 1<<50 {
			t.Errorf("%s is taken as %+v", name, n)
		}
	}
}

func TestStatusesOfStripe(t *testing.T) {
	const item = `{"price":{"unit_amount":1000,"nickname":"Box","recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}}}`
	for fields, want := range map[string]string{
		``: orders.Active, `,"status":"unpaid"`: orders.PastDue, `,"status":"paused"`: orders.Paused, `,"status":"incomplete"`: "",
		`,"status":"incomplete_expired"`: "", `,"pause_collection":{"behavior":"void","resumes_at":null}`: orders.Paused,
		`,"pause_collection":null`: orders.Active, `,"status":"trialing","pause_collection":{}`: orders.Trialing,
	} {
		if n, err := readSubscription(t, item, fields); err != nil || n.Status != want {
			t.Errorf("%s is %q, not %q: %v", fields, n.Status, want, err)
		}
	}
	n, err := readSubscription(t, item, `,"cancel_at_period_end":true,"current_period_end":1772000000,"cancellation_details":{"feedback":"switched_service","comment":"gone"}`)
	if err != nil || !n.CancelAt.Equal(time.Unix(1772000000, 0)) || n.Reason != "switched" || n.Note != "gone" || n.Plan != "Box" {
		t.Errorf("notice is %+v, %v", n, err)
	}
}

func TestASubscriptionOfWhoWasErasedStaysNamelessAndWithoutWords(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, all, inbox := shopAt(t, db, Stripe), deliveries(t, Stripe), NewInbox(db)
		for _, d := range all {
			s.accept(inbox, d)
		}
		s.work()
		who := find(t, db, customers.External, "stripe:cus_1")
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.EraseForGood(t.Context(), tx, everything, who.ID, customers.By{Source: "staff"})
		})
		for _, d := range all {
			if strings.HasPrefix(d.Topic, "customer.subscription.") || d.Topic == "invoice.paid" {
				s.accept(inbox, d)
			}
		}
		s.work()
		var n, words, runs int
		if err := db.QueryRow(t.Context(), `select count(*), count(*) filter (where note <> '') from subscription_states where customer_id = $1`, int64(who.ID)).Scan(&n, &words); err != nil || n < 8 || words > 0 {
			t.Errorf("there are %d states, %d with words, %v", n, words, err)
		}
		if err := db.QueryRow(t.Context(), `select count(*) from subscriptions where external = 'sub_1' and customer_id = $1 and monthly_minor = 7200`, int64(who.ID)).Scan(&runs); err != nil || runs != 1 {
			t.Errorf("it runs %d times, %v", runs, err)
		}
		if again, err := customers.ByID(t.Context(), db, who.ID); err != nil || again.ErasedAt.IsZero() || again.Called() != "" {
			t.Errorf("who was erased is %+v, %v", again, err)
		}
	})
}
