package collect

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func track(messageID, user, anonymous, event string, minute int, properties string) string {
	who := fmt.Sprintf(`"userId":%q`, user)
	if user == "" {
		who = fmt.Sprintf(`"anonymousId":%q`, anonymous)
	} else if anonymous != "" {
		who += fmt.Sprintf(`,"anonymousId":%q`, anonymous)
	}
	return fmt.Sprintf(`{"type":"track","messageId":%q,%s,"event":%q,"timestamp":%q,"properties":%s}`, messageID, who, event, at(minute), properties)
}

// books are all orders and returns with their lines, as text: whose, what,
// when, how much.
func (s *site) books() string {
	s.t.Helper()
	var b strings.Builder
	for _, query := range []string{`
		select coalesce(i.kind || ':' || i.value, ''), o.number, o.is_return, o.of_number, o.placed_at, o.total_minor, o.refunded_minor, o.shipping_minor, o.tax_minor, o.discount_minor,
			coalesce(o.cancelled_at, 0), o.reason, o.currency, l.line, p.sku, l.quantity_milli, l.total_minor
		from orders o left join customer_identities i on i.customer_id = o.customer_id and i.kind = 'external'
		left join order_lines l on l.customer_id = o.customer_id and l.order_id = o.order_id left join products p on p.id = l.product_id
		order by o.number, l.line nulls first`, `
		select 'nobody', o.number, o.is_return, o.of_number, o.placed_at, o.total_minor, o.refunded_minor, o.shipping_minor, o.tax_minor, o.discount_minor,
			coalesce(o.cancelled_at, 0), o.reason, o.currency, l.line, p.sku, l.quantity_milli, l.total_minor
		from walkin_orders o left join walkin_order_lines l on l.order_id = o.order_id left join products p on p.id = l.product_id
		order by o.number, l.line nulls first`} {
		rows, err := s.db.Query(s.t.Context(), query)
		if err != nil {
			s.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var who, number, of, reason, currency string
			var back bool
			var placed, total, refunded, shipping, tax, discount, cancelledAt int64
			var line, quantity, lineTotal sql.NullInt64
			var sku sql.NullString
			if err := rows.Scan(&who, &number, &back, &of, &placed, &total, &refunded, &shipping, &tax, &discount, &cancelledAt, &reason, &currency,
				&line, &sku, &quantity, &lineTotal); err != nil {
				s.t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s back=%v of=%s at=%d total=%d refunded=%d +%d +%d -%d cancelled=%d %s %s | %d %s ×%d = %d\n", who, number, back, of,
				(placed-testkit.Start.UnixMicro())/60e6, total, refunded, shipping, tax, discount, cancelledAt, reason, currency,
				line.Int64, sku.String, quantity.Int64, lineTotal.Int64)
		}
		if err := rows.Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	return b.String()
}

func TestAnOrderOfATrackingClientIsAnOrder(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.tell(track("m1", "7", "", "Order Completed", -9, `{"order_id":"1001","total":27.5,"shipping":3,"tax":2,"discount":2.5,"currency":"EUR",
			"products":[{"product_id":"p1","sku":"tea","name":"Tea","category":"Drinks","price":10,"quantity":2},{"product_id":"mug","name":"Mug","price":"5.00"}]}`),
			track("m2", "7", "", "Completed Order", -8, `{"orderId":1002,"revenue":9.99,"products":[{"sku":"tea","price":9.99,"quantity":1}]}`))
		books := s.books()
		for _, want := range []string{"external:site:7 1001", "total=2750", "+300 +200 -250", "tea ×2000 = 2000", "mug ×1000 = 500", "external:site:7 1002", "total=999"} {
			if !strings.Contains(books, want) {
				t.Errorf("%q is not in the books:\n%s", want, books)
			}
		}
		f, err := facts.Of(t.Context(), db, s.customer(customers.External, "site:7").ID)
		if err != nil || f.Orders != 2 || f.Spend != 2750+999 {
			t.Errorf("the facts are %+v, %v", f, err)
		}
		if got := s.story(s.customer(customers.External, "site:7").ID); len(got) != 0 {
			t.Errorf("orders stand twice on the timeline: %q", got)
		}
	})
}

// story of a shop: an order that is changed, refunded in part and in whole,
// one that is cancelled, one bought before the buyer was known.
func shopStory() []string {
	return []string{
		track("a1", "7", "", "Order Completed", -90, `{"order_id":"A","total":30,"shipping":5,"currency":"EUR","products":[{"sku":"tea","price":10,"quantity":2},{"sku":"mug","price":5,"quantity":1}]}`),
		track("a2", "7", "", "Order Updated", -80, `{"order_id":"A","total":25,"shipping":5,"currency":"EUR","products":[{"sku":"tea","price":10,"quantity":2}]}`),
		track("a3", "7", "", "Order Refunded", -70, `{"order_id":"A","total":10,"products":[{"sku":"tea","price":10,"quantity":1}]}`),
		track("a4", "7", "", "Order Refunded", -60, `{"order_id":"A"}`),
		track("b1", "7", "", "Order Completed", -50, `{"order_id":"B","total":12,"products":[{"sku":"jam","price":4,"quantity":3}]}`),
		track("b2", "7", "", "Order Cancelled", -40, `{"order_id":"B","total":12,"products":[{"sku":"jam","price":4,"quantity":3}]}`),
		track("c1", "", "browser", "Order Completed", -30, `{"order_id":"C","total":8,"products":[{"sku":"tea","price":8,"quantity":1}]}`),
		fmt.Sprintf(`{"type":"identify","messageId":"c2","userId":"7","anonymousId":"browser","timestamp":%q,"traits":{"email":"ana@example.com"}}`, at(-20)),
		track("d1", "", "stranger", "Order Completed", -10, `{"order_id":"D","total":3,"products":[{"sku":"mug","price":3,"quantity":1}]}`),
		track("e1", "8", "", "Order Refunded", -5, `{"order_id":"E","total":1}`), // of an order that nobody tells
		track("f1", "7", "browser", "Product Viewed", -4, `{"name":"Tea"}`),
	}
}

func TestWhatIsToldOfOrdersComesToTheSameInAnyOrder(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.tell(shopStory()...)
		want, wantFacts := s.books(), s.figures()
		for _, line := range []string{
			"external:site:7 A back=false of= at=-90 total=2500 refunded=2500", "A-a3 back=true of=A at=-70 total=1000", "A-a4 back=true of=A at=-60 total=1500",
			"external:site:7 B back=false of= at=-50 total=1200 refunded=0", "external:site:7 C back=false of= at=-30 total=800", "nobody D back=false of= at=-10 total=300",
		} {
			if !strings.Contains(want, line) {
				t.Fatalf("told in order, %q is not in the books:\n%s", line, want)
			}
		}
		rounds := 12
		if testing.Short() {
			rounds = 3
		}
		for seed := range rounds {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			other := open(t, testkit.Open(t, testkit.DSN(t, engineOf(db)), store.Options{Clock: db.Now}))
			story := shopStory()
			for range 4 { // some come twice
				story = append(story, story[r.IntN(len(story))])
			}
			r.Shuffle(len(story), func(i, j int) { story[i], story[j] = story[j], story[i] })
			for len(story) > 0 { // in pieces, each worked before the next comes
				n := 1 + r.IntN(len(story))
				other.tell(story[:n]...)
				story = story[n:]
			}
			if got := other.books(); got != want {
				t.Fatalf("shuffled by %d the books are\n%s\nwant\n%s", seed, got, want)
			}
			if got := other.figures(); got != wantFacts {
				t.Fatalf("shuffled by %d the facts are %s, want %s", seed, got, wantFacts)
			}
		}
	})
}

// figures are the facts and the timeline's collected events of the customer 7.
func (s *site) figures() string {
	c := s.customer(customers.External, "site:7")
	f, err := facts.Of(s.t.Context(), s.db, id.Customer(c.ID))
	if err != nil {
		s.t.Fatal(err)
	}
	f.Events, f.LastEventAt = 0, f.LastEventAt.Truncate(1)
	return fmt.Sprintf("%d orders, spend %d, refunded %d, %s, %q", f.Orders, f.Spend, f.Refunded, c.Email, s.story(c.ID))
}

func engineOf(db *store.DB) string {
	if db.Embedded() {
		return "sqlite"
	}
	return "postgres"
}
