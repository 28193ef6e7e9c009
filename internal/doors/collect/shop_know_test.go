package collect

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func find(t testing.TB, db *store.DB, kind, value string) customers.Customer {
	t.Helper()
	c, ok, err := customers.Find(context.Background(), db, customers.Identity{Kind: kind, Value: value})
	if err != nil || !ok {
		t.Fatalf("nobody is known by %s: %v", value, err)
	}
	who, err := customers.ByID(context.Background(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// fromFile brings an order in as an export of the shop tells of it.
func fromFile(t testing.TB, db *store.DB, source, number, email string, prices ...int64) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		ctx := context.Background()
		cs, err := customers.CreateMany(ctx, tx, []customers.Profile{{Name: "Ana Nováková", Source: source, Import: 5, History: true,
			Identities: []customers.Identity{{Kind: customers.Email, Value: email}}}})
		if err != nil {
			return err
		}
		ps, err := orders.EnsureProducts(ctx, tx, []orders.NewProduct{{SKU: "FROM-FILE"}})
		if err != nil {
			return err
		}
		s := orders.Sale{Customer: cs[0], Number: number, Source: source, At: testkit.Start.Add(-240 * time.Hour), Import: 5, History: true}
		for _, p := range prices {
			s.Lines = append(s.Lines, orders.Line{Product: ps["FROM-FILE"], Quantity: 1000, Price: p, Scale: 2, Total: p})
		}
		_, err = orders.PlaceMany(ctx, tx, []orders.Sale{s})
		return err
	})
}

func TestAnOrderOfAFileAndOfAWebhookIsOne(t *testing.T) {
	for _, k := range []struct {
		shop, number, email string
		total               int64
	}{
		{Shopify, "#1001", "ana@example.com", 3370}, {WooCommerce, "801", "bea@example.com", 5180}, {WooCommerce, "2026-17", "cy@example.com", 450},
		{Stripe, "ch_1", "dora@example.com", 5000}, {Stripe, "pi_1", "dora@example.com", 5000}, {Square, "O1", "fay@example.com", 1000},
	} {
		t.Run(k.shop+" "+k.number, func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, db *store.DB) {
				s, inbox := shopAt(t, db, k.shop), NewInbox(db)
				fromFile(t, db, k.shop, k.number, k.email, 1000, 700)
				for _, d := range deliveries(t, k.shop) {
					s.accept(inbox, d)
				}
				s.work()
				fromFile(t, db, k.shop, k.number, k.email, 1000, 700)
				who := find(t, db, customers.Email, k.email)
				var n int
				if err := db.QueryRow(t.Context(), `select count(*) from orders where number = $1 and customer_id = $2 and total_minor = $3`,
					k.number, int64(who.ID), k.total).Scan(&n); err != nil || n != 1 {
					t.Errorf("there are %d of it with what the shop says it came to, %v", n, err)
				}
				if err := db.QueryRow(t.Context(), `select count(*) from orders where not is_return and customer_id = $1 and placed_at = (
					select placed_at from orders where number = $2)`, int64(who.ID), k.number).Scan(&n); err != nil || n != 1 {
					t.Errorf("there are %d of that time, %v", n, err)
				}
			})
		})
	}
}

func TestWhatStaffWroteOfAPersonStays(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, all, inbox := shopAt(t, db, Shopify), deliveries(t, Shopify), NewInbox(db)
		s.accept(inbox, all[0])
		s.work()
		who := find(t, db, customers.Email, "ana@example.com")
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.Change(t.Context(), tx, who.ID, customers.By{Source: "staff"}, customers.Edit{Name: "Anička", Country: "SK"})
		})
		for _, d := range all[1:] {
			s.accept(inbox, d)
		}
		s.work()
		if who = find(t, db, customers.Email, "ana@example.com"); who.Name != "Anička" || who.Country != "SK" || who.Language != "cs" {
			t.Errorf("she stands as %q %q %q", who.Name, who.Country, who.Language)
		}
	})
}

func TestWhatHappensNowStartsPlaysAndWhatIsOldDoesNot(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s, all, inbox := shopAt(t, db, Shopify), deliveries(t, Shopify), NewInbox(db)
		clock.Advance(time.Date(2026, 2, 22, 0, 0, 0, 0, time.UTC).Sub(testkit.Start)) // the day after order 1001
		for _, d := range all[:4] {
			s.accept(inbox, d)
		}
		s.work()
		clock.Advance(4*24*time.Hour + 12*time.Hour) // the day of its refund
		s.accept(inbox, all[8])
		s.work()
		clock.Advance(30 * 24 * time.Hour)
		for _, d := range all[12:13] { // an order that comes a month late
			s.accept(inbox, d)
		}
		s.accept(inbox, all[13])
		s.work()
		who := find(t, db, customers.Email, "ana@example.com")
		events, err := timeline.History(t.Context(), db, who.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, e := range events {
			if e.Kind == orders.EventPlaced || e.Kind == orders.EventRefunded {
				v, _ := timeline.Decode[orders.Told](e)
				got[e.Kind+" "+v.Number] = e.History
			}
			if strings.Contains(string(e.Payload), "Ana") || strings.Contains(string(e.Payload), "example.com") {
				t.Errorf("%s tells of a person: %s", e.Kind, e.Payload)
			}
		}
		want := map[string]bool{"order.placed #1001": false, "order.refunded #1001-929361462": false, "order.placed #1003": true}
		for k, v := range want {
			if h, ok := got[k]; !ok || h != v {
				t.Errorf("%s is history: %t, %t; all are %v", k, h, ok, got)
			}
		}
	})
}

// ask delivers one of Shopify's privacy topics about Ana.
func (s *shopSite) ask(topic string) {
	s.t.Helper()
	body, _ := json.Marshal(map[string]any{"shop_id": 1, "shop_domain": "tea.myshopify.com", "orders_requested": []int{5512345678901},
		"customer": map[string]any{"id": 7210448301122, "email": "ana@example.com", "phone": "+420601123456"}, "data_request": map[string]any{"id": 9999}})
	s.deliver(delivery{Topic: topic, Body: body})
	s.work()
}

func TestAPersonWhoAsksToBeForgottenIs(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, inbox := shopAt(t, db, Shopify), NewInbox(db)
		for _, d := range deliveries(t, Shopify) {
			s.accept(inbox, d)
		}
		s.work()
		who := find(t, db, customers.Email, "ana@example.com").ID
		s.ask(askedErasure)
		c, err := customers.ByID(t.Context(), db, who)
		if err != nil || c.ErasedAt.IsZero() || c.Name+c.Email+c.Phone != "" {
			t.Fatalf("she is %+v, %v", c, err)
		}
		all, err := Requests(t.Context(), db, 10)
		if err != nil || len(all) != 1 || all[0].Outcome != outcomeErased || all[0].DoneAt.IsZero() {
			t.Fatalf("the request is %+v, %v", all, err)
		}
		// What the shop sends again of her orders does not bring her back.
		for _, d := range deliveries(t, Shopify) {
			s.accept(inbox, d)
		}
		s.work()
		for _, table := range []string{"customer_identities", "customer_keys", "collect_told", "customers"} {
			if got := s.dump(table); strings.Contains(strings.ToLower(got), "ana@") || strings.Contains(got, "Nov") || strings.Contains(got, "7210448301122") {
				t.Errorf("%s still names her: %s", table, got)
			}
		}
		for _, table := range []string{"collect_pieces", "collect_requests", "orders", "jobs", "collect_seen"} {
			if got := strings.ToLower(s.dump(table)); strings.Contains(got, "ana@") || strings.Contains(got, "nov\u00e1kov") || strings.Contains(got, "7210448301122") {
				t.Errorf("%s names her: %s", table, got)
			}
		}
		var n int
		if err := db.QueryRow(t.Context(), `select count(*) from orders where customer_id = $1 and not is_return`, int64(who)).Scan(&n); err != nil || n != 3 {
			t.Errorf("%d of her orders are left as figures, %v", n, err)
		}
	})
}

// dump is all of a table as text.
func (s *shopSite) dump(table string) string {
	s.t.Helper()
	rows, err := s.db.Query(context.Background(), `select * from `+table)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var b strings.Builder
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			s.t.Fatal(err)
		}
		for _, v := range row {
			switch v := (*v.(*any)).(type) {
			case []byte:
				b.Write(v)
			case string:
				b.WriteString(v)
			default:
				b.WriteString(strings.TrimSpace(jsonOf(v)))
			}
			b.WriteByte('|')
		}
	}
	return b.String()
}

func jsonOf(v any) string { b, _ := json.Marshal(v); return string(b) }

func TestWhoIsKnownFromElsewhereIsLeftToStaff(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, inbox := shopAt(t, db, Shopify), NewInbox(db)
		for _, d := range deliveries(t, Shopify) {
			s.accept(inbox, d)
		}
		s.work()
		fromFile(t, db, "till", "T1", "ana@example.com", 500)
		who := find(t, db, customers.Email, "ana@example.com").ID
		for range 2 {
			s.ask(askedErasure)
			s.ask(askedCopy)
			s.ask(askedShopErasure)
		}
		if c, err := customers.ByID(t.Context(), db, who); err != nil || !c.ErasedAt.IsZero() {
			t.Fatal("who bought at the till too was erased unasked")
		}
		all, err := Requests(t.Context(), db, 10)
		if err != nil || len(all) != 3 {
			t.Fatalf("there are %d requests, %v", len(all), err)
		}
		for _, w := range all {
			want := map[string]struct {
				outcome string
				whose   id.Customer
			}{askedErasure: {outcomeElsewhere, who}, askedCopy: {outcomeOpen, who}, askedShopErasure: {outcomeOpen, 0}}[w.Topic]
			if w.Outcome != want.outcome || w.Customer != want.whose || !w.DoneAt.IsZero() {
				t.Errorf("%s stands as %+v", w.Topic, w)
			}
			testkit.Do(t, db, func(tx *store.Tx) error { return Settle(t.Context(), tx, 3, w.ID) })
		}
		if all, _ = Requests(t.Context(), db, 10); all[0].DoneAt.IsZero() || all[0].DoneBy != 3 || all[0].Outcome != outcomeSettled {
			t.Errorf("settled it is %+v", all[0])
		}
	})
}

func fuzzShop(f *testing.F, kind string) {
	k, _ := shopKindOf(kind)
	for _, d := range deliveries(f, kind) {
		f.Add(d.Topic, []byte(d.Body))
	}
	f.Add("customers/redact", []byte(`{"customer":{"id":null}}`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		p := &Parcel{Topic: topic, Body: body, At: testkit.Start}
		k.open(call{body: body})
		n, err := k.read(p, time.UTC)
		if err != nil {
			return
		}
		if len(n.Pieces) > 2*len(body)+10 || len(n.People) > 2 {
			t.Fatalf("%d bytes became %d pieces", len(body), len(n.Pieces))
		}
		pieces := n.Pieces
		for _, p := range pieces {
			if p.Group == "" || p.Name == "" || len(p.Group) > 200 || len(p.Name) > 200 || p.Version <= 0 {
				t.Fatalf("a piece without a name or a time: %+v", p)
			}
			if p.Sale != nil && (p.Sale.At <= 0 || p.Sale.Currency == "" || len(p.Sale.Keys) == 0 || p.Sale.Number == "") {
				t.Fatalf("a sale without a time, a currency or a name: %+v", p.Sale)
			}
		}
		fold(pieces)
	})
}

func FuzzShopify(f *testing.F)     { fuzzShop(f, Shopify) }
func FuzzWooCommerce(f *testing.F) { fuzzShop(f, WooCommerce) }
func FuzzStripe(f *testing.F)      { fuzzShop(f, Stripe) }
func FuzzSquare(f *testing.F)      { fuzzShop(f, Square) }
