package collect

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestOnlyWhatTheShopSignedIsTaken(t *testing.T) {
	now := testkit.Start
	body := []byte(`{"id":1}`)
	head := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i+1 < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	stripe := func(at time.Time, sign string, secret string) http.Header {
		stamp := fmt.Sprint(at.Unix())
		return head("Stripe-Signature", "t="+stamp+sign+",v1="+hex.EncodeToString(mac(secret, stamp, ".", string(body))))
	}
	good := in64(mac("s", string(body)))
	for name, k := range map[string]struct {
		verify func([]byte, call) bool
		header http.Header
		at     string // the address
		want   bool
	}{
		"shopify":                       {verifyShopify, head("X-Shopify-Hmac-SHA256", good), "", true},
		"shopify by its new names":      {verifyShopify, head("Shopify-Hmac-Sha256", good), "", true},
		"shopify with another secret":   {verifyShopify, head("X-Shopify-Hmac-SHA256", in64(mac("t", string(body)))), "", false},
		"shopify of another body":       {verifyShopify, head("X-Shopify-Hmac-SHA256", in64(mac("s", "{}"))), "", false},
		"shopify in hex":                {verifyShopify, head("X-Shopify-Hmac-SHA256", hex.EncodeToString(mac("s", string(body)))), "", false},
		"shopify without any":           {verifyShopify, head(), "", false},
		"shopify cut short":             {verifyShopify, head("X-Shopify-Hmac-SHA256", in64(mac("s", string(body))[:16])), "", false},
		"woocommerce":                   {verifyWooCommerce, head("X-WC-Webhook-Signature", good), "", true},
		"woocommerce by another's name": {verifyWooCommerce, head("X-Shopify-Hmac-SHA256", good), "", false},
		"square":                        {verifySquare, head("X-Square-Hmacsha256-Signature", in64(mac("s", "https://a/x", string(body)))), "https://a/x", true},
		"square for another address":    {verifySquare, head("X-Square-Hmacsha256-Signature", in64(mac("s", "https://a/x", string(body)))), "https://a/y", false},
		"square without the address":    {verifySquare, head("X-Square-Hmacsha256-Signature", good), "https://a/x", false},
		"stripe":                        {verifyStripe, stripe(now, "", "s"), "", true},
		"stripe with an older one":      {verifyStripe, stripe(now, ",v1=00,v0=11,v1=zz", "s"), "", true},
		"stripe of five minutes ago":    {verifyStripe, stripe(now.Add(-300*time.Second), "", "s"), "", true},
		"stripe of long ago":            {verifyStripe, stripe(now.Add(-301*time.Second), "", "s"), "", false},
		"stripe of the future":          {verifyStripe, stripe(now.Add(301*time.Second), "", "s"), "", false},
		"stripe with another secret":    {verifyStripe, stripe(now, "", "t"), "", false},
		"stripe of another time": {verifyStripe, head("Stripe-Signature",
			fmt.Sprintf("t=%d,v1=%s", now.Unix()+1, hex.EncodeToString(mac("s", fmt.Sprint(now.Unix()), ".", string(body))))), "", false},
		"stripe without a time": {verifyStripe, head("Stripe-Signature", "v1="+hex.EncodeToString(mac("s", ".", string(body)))), "", false},
	} {
		if got := k.verify([]byte("s"), call{header: k.header, body: body, address: k.at, now: now}); got != k.want {
			t.Errorf("%s: taken is %t", name, got)
		}
		if k.verify(nil, call{header: k.header, body: body, address: k.at, now: now}) {
			t.Errorf("%s: taken without any secret", name)
		}
	}
}

func TestAWrongSignatureIsRefusedInASentenceAndCounted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for _, kind := range []string{Shopify, WooCommerce, Stripe, Square} {
			s := shopAt(t, db, kind)
			d := deliveries(t, kind)[0]
			for range 3 {
				status, text := s.post(s.headers("another secret", d), string(d.Body))
				if status != http.StatusUnauthorized || !strings.Contains(text, "signature is not right") || strings.Contains(text, shopSecret) {
					t.Fatalf("%s: answered %d %s", kind, status, text)
				}
			}
			if n := inInbox(t, db); n != 0 {
				t.Fatalf("%s: %d came in", kind, n)
			}
			var n int
			for range 1500 { // it is written a moment later
				if err := db.QueryRow(t.Context(), `select coalesce(sum(n), 0) from collect_counts where source_id = $1 and what = $2`,
					int64(s.source.ID), countRefused).Scan(&n); err != nil {
					t.Fatal(err)
				}
				if n == 3 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if n != 3 {
				t.Errorf("%s: %d refused ones are counted", kind, n)
			}
		}
	})
}

func TestAReplacedSecretIsGoodForADay(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := shopAt(t, db, Shopify)
		d := deliveries(t, Shopify)[0]
		answered := func(secret string) int {
			status, _ := s.post(s.headers(secret, d), string(d.Body))
			return status
		}
		s.keepSecret(shopSecrets{Now: shopSecret}.replace("the new one", db.Now()))
		if answered(shopSecret) != 200 || answered("the new one") != 200 || answered("") != 401 {
			t.Error("both secrets are good at first")
		}
		clock.Advance(oldSecretFor + time.Second)
		if answered(shopSecret) != 401 || answered("the new one") != 200 {
			t.Error("the old secret is good after its day")
		}
		var sealed []byte
		if err := db.QueryRow(t.Context(), `select secret from collect_sources where id = $1`, int64(s.source.ID)).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(sealed), "the new one") || strings.Contains(string(sealed), shopSecret) {
			t.Error("a secret lies readable in the database")
		}
	})
}

func TestTheDoorSaysWhatIsWrong(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := shopAt(t, db, WooCommerce)
		if status, _ := s.post(http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "webhook_id=12"); status != 200 {
			t.Errorf("the form by which WooCommerce tries the address is answered %d", status)
		}
		if status, _ := s.post(http.Header{}, "webhook_id=12&more=1"); status != 401 {
			t.Errorf("another form is answered %d", status)
		}
		if status, _ := s.post(http.Header{}, strings.Repeat("x", maxDelivery+1)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("too large a body is answered %d", status)
		}
		d := deliveries(t, WooCommerce)[1]
		h := s.headers(shopSecret, d)
		h.Del("X-WC-Webhook-Topic")
		if status, _ := s.post(h, string(d.Body)); status != 400 {
			t.Errorf("a delivery without a topic is answered %d", status)
		}
		s.keepSecret(shopSecrets{})
		if status, text := s.post(s.headers("", d), string(d.Body)); status != 401 || !strings.Contains(text, "not entered") {
			t.Errorf("without a secret it is answered %d %s", status, text)
		}
		s.keepSecret(shopSecrets{Now: shopSecret})
		testkit.Do(t, db, func(tx *store.Tx) error { return Disable(t.Context(), tx, 1, s.source.ID) })
		if status, _ := s.post(s.headers(shopSecret, d), string(d.Body)); status != 404 {
			t.Errorf("a source that is off answers %d", status)
		}
		if n := inInbox(t, db); n != 0 {
			t.Errorf("%d came in", n)
		}
	})
}

func TestTheSameDeliveryIsWorkedOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := shopAt(t, db, Shopify)
		d := delivery{Topic: "app/uninstalled", Body: []byte(`{}`)}
		h := s.headers(shopSecret, d)
		for range 3 {
			if status, _ := s.post(h, string(d.Body)); status != 200 {
				t.Fatalf("answered %d", status)
			}
		}
		s.work()
		if got := s.rows(`select 'counted', 0, what, n from collect_counts`); got != "counted | nobody | ignored:app/uninstalled | 1\n" {
			t.Errorf("it was worked more than once: %s", got)
		}
	})
}

func TestWhatCannotBeReadIsLaidAsideWithASentence(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := shopAt(t, db, Shopify)
		for _, body := range []string{`{`, `[]`, `{"id":"x","created_at":"never","currency":"EUR"}`,
			`{"id":1,"created_at":"2026-02-21T09:30:00+01:00","currency":"XXX"}`,
			`{"id":1,"created_at":"2026-02-21T09:30:00+01:00","currency":"EUR","total_price":"1e99"}`} {
			s.deliver(delivery{Topic: "orders/create", Body: []byte(body)})
		}
		good := deliveries(t, Shopify)[1]
		s.deliver(good)
		if err := drainWith(t, db, shopSources(everything)[0]); err != nil {
			t.Fatal(err)
		}
		failed, err := Failures(t.Context(), db, s.source.ID, 0, 10)
		if err != nil || len(failed) != 5 {
			t.Fatalf("%d are laid aside, %v", len(failed), err)
		}
		if got := s.rows(`select 'order', customer_id, number from orders`); got != "order | ana@example.com | #1001\n" {
			t.Errorf("the good one among them: %s", got)
		}
	})
}
