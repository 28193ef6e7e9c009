package admin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/testkit"
)

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

// The rows below are put in as the modules' own verbs would, so that this
// module's tests stand or fall by what it reads.

func addCustomer(t *testing.T, db *store.DB, c int64, name string) {
	t.Helper()
	run(t, db, `
		insert into customers (customer_id, version, name, sort_name, given, family, language, country, email, phone,
			joined_at, joined_day, source, created_at, changed_at)
		values ($1, 1, $2, $3, '', '', '', '', '', '', $4, $5, 'test', $4, $4)`,
		c, name, text.Fold(name), db.Now().UnixMicro(), db.Now().Format(time.DateOnly))
	for _, w := range text.Words(name) {
		run(t, db, `insert into customer_terms (customer_id, term) values ($1, $2)`, c, w)
	}
	run(t, db, `
		insert into events (customer_id, occurred_at, id, kind, version, history, source, ref_id, actor_id, payload, recorded_at)
		values ($1, 1, $1, 'customer.joined', 1, $2, 'test', 0, 0, '{}', 1)`, c, false)
}

func addFacts(t *testing.T, db *store.DB, c, orders int64) {
	t.Helper()
	run(t, db, `
		insert into customer_facts (customer_id, orders, spend_minor, refunded_minor, net_minor, unvalued, items, refunds,
			cancellations, promises_kept, promises_missed, last_channel, events)
		values ($1, $2, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 1)`, c, orders)
}

func addOrder(t *testing.T, db *store.DB, c, order int64, number string, at time.Time, minor int64) {
	t.Helper()
	run(t, db, `
		insert into orders (customer_id, order_id, number, source, is_return, of_number, placed_at, placed_day, currency,
			lines_minor, discount_minor, shipping_minor, tax_minor, total_minor, rate, base_minor, items, goods_minor,
			purchase, channel, staff, reason, note, refunded_minor, recorded_at)
		values ($1, $2, $3, 'test', $4, '', $5, $6, 'CZK', $7, 0, 0, 0, $7, 1000000000, $7, 1, $7, $8, '', '', '', '', 0, $5)`,
		c, order, number, false, at.UnixMicro(), at.Format(time.DateOnly), minor, true)
	run(t, db, `insert into order_keys (number, source, order_id, customer_id) values ($1, 'test', $2, $3)`, number, order, c)
}

func addWalkin(t *testing.T, db *store.DB, order int64, number string, at time.Time, minor int64) {
	t.Helper()
	run(t, db, `
		insert into walkin_orders (order_id, number, source, is_return, of_number, placed_at, placed_day, currency,
			lines_minor, discount_minor, shipping_minor, tax_minor, total_minor, rate, base_minor, items, goods_minor,
			purchase, channel, staff, reason, note, refunded_minor, recorded_at)
		values ($1, $2, 'test', $3, '', $4, $5, 'CZK', $6, 0, 0, 0, $6, 1000000000, $6, 1, $6, $7, '', '', '', '', 0, $4)`,
		order, number, false, at.UnixMicro(), at.Format(time.DateOnly), minor, true)
	run(t, db, `insert into order_keys (number, source, order_id) values ($1, 'test', $2)`, number, order)
}

func run(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), query, args...); return err })
}
