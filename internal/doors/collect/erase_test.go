package collect

import (
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestOfAnErasedPersonNothingStaysAndNothingOldComesBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		who := `"userId":"7","anonymousId":"zanzibar","timestamp":"2026-02-01T10:00:00Z"`
		s.tell(`{"type":"identify",`+who+`,"traits":{"email":"ana@zanzibar.example","firstName":"Zanzibar","town":"Zanzibar"}}`,
			`{"type":"track",`+who+`,"event":"Product Viewed","properties":{"note":"zanzibar"}}`,
			`{"type":"track",`+who+`,"event":"Order Completed","properties":{"order_id":"1","total":5,"products":[{"sku":"tea","price":5}]}}`)
		c := s.customer(customers.External, "site:7")
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.EraseForGood(t.Context(), tx, allTables, c.ID, customers.By{Source: "staff", Actor: 7})
		})
		left := func(when string) {
			t.Helper()
			for _, table := range []string{"customer_event_props", "customer_event_names", "customer_traits", "collect_visitors", "visitor_events", "collect_inbox"} {
				if n := s.count(`select count(*) from ` + table); n != 0 {
					t.Errorf("%s, %d rows are left in %s", when, n, table)
				}
			}
			if n := s.count(`select count(*) from orders where customer_id = $1`, int64(c.ID)); n != 1 {
				t.Errorf("%s, %d orders stand in the figures", when, n)
			}
		}
		left("once erased")
		s.tell(`{"type":"track","userId":"7","timestamp":"2026-02-02T10:00:00Z","event":"Product Viewed","properties":{"note":"zanzibar"}}`)
		left("when something old comes")
		s.tell(`{"type":"track","userId":"7","event":"Signed In"}`)
		if again := s.customer(customers.External, "site:7"); again.ID == c.ID {
			t.Error("who comes back of their own will is the erased record")
		}
	})
}
