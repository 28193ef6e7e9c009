package importers_test

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"regulars/internal/doors/importers"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// The files of testdata/shops are made by hand with the headers that the shops
// write, and hold every trap that is known of them.

// fromShop imports a file of testdata/shops as the command line does.
func fromShop(t testing.TB, db *store.DB, name string) importers.Import {
	t.Helper()
	return fromPath(t, db, filepath.Join("testdata", "shops", name))
}

func fromPath(t testing.TB, db *store.DB, path string) importers.Import {
	t.Helper()
	s := proposed(t, db, path)
	if s.Settings.Layout == importers.Mapping {
		t.Fatalf("%s is not recognised", path)
	}
	return bringIn(t, db, s)
}

// told are the rows of a query as lines of text.
func told(t testing.TB, db *store.DB, query string, columns int) string {
	t.Helper()
	all, err := store.All(t.Context(), db, func(rows *sql.Rows) (string, error) {
		cells, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		err := rows.Scan(into...)
		line := make([]string, columns)
		for i, c := range cells {
			line[i] = c.String
		}
		return strings.TrimRight(strings.Join(line, " "), " "), err
	}, query)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

const orderFacts = `o.source, o.number, case when o.is_return then 'back' else 'sold' end, o.placed_day, o.currency, o.total_minor,
	o.discount_minor, o.shipping_minor, o.tax_minor, o.refunded_minor,
	case when o.cancelled_at is not null then 'cancelled' when o.purchase then 'purchase' else '-' end, coalesce(o.delivered_day, '-'),
	case when o.rough then 'rough' else 'fine' end`

// books are all orders: who, what they come to, what came back.
func books(t testing.TB, db *store.DB) string {
	t.Helper()
	return strings.Trim(told(t, db, `select `+orderFacts+`, coalesce(nullif(c.email, ''), c.name) from orders o join customers c on c.customer_id = o.customer_id`, 14)+"\n"+
		told(t, db, `select `+orderFacts+`, 'nobody' from walkin_orders o`, 14), "\n")
}

func consents(t testing.TB, db *store.DB) string {
	t.Helper()
	return told(t, db, `select c.email, l.channel, case when l.given then 'yes' else 'no' end, l.decided_at, l.place, l.words
		from customer_consent_log l join customers c on c.customer_id = l.customer_id`, 6)
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	slices.Sort(lines)
	have := strings.Split(got, "\n")
	slices.Sort(have)
	for i := range have {
		have[i] = strings.Join(strings.Fields(have[i]), " ")
	}
	if !slices.Equal(have, lines) {
		t.Errorf("%s:\n%s\n\nwant:\n%s", what, strings.Join(have, "\n"), strings.Join(lines, "\n"))
	}
}

func micro(s string) string {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(at.UnixMicro())
}

// twiceAndBack imports files again, which changes nothing, and undoes them all,
// the last one first, which leaves nothing.
func twiceAndBack(t testing.TB, db *store.DB, empty map[string][]string, done []importers.Import, names ...string) {
	t.Helper()
	before := contents(t, db)
	for i, name := range names {
		again := fromShop(t, db, name)
		if c, was := again.Counts, done[i].Counts; c.New != 0 || c.Changed != 0 || c.Lines != 0 || c.Customers != 0 || c.Words != 0 || c.Bad != was.Bad || c.Skipped != was.Skipped {
			t.Errorf("%s again: %+v", name, c)
		}
		undo(t, db, again.ID)
	}
	same(t, "brought again", before, contents(t, db))
	for _, im := range slices.Backward(done) {
		undo(t, db, im.ID)
	}
	same(t, "all undone", empty, contents(t, db))
}

// inShop runs a test on both engines with a business in Prague that counts in
// euros.
func inShop(t *testing.T, fn func(t *testing.T, db *store.DB, empty map[string][]string)) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		fn(t, db, contents(t, db))
	})
}

const shopifyBooks = `
	shopify #1001 sold 2024-05-01 EUR 5000 500 500 0 0 purchase - fine ana@example.com
	shopify #1002 sold 2024-05-02 EUR 2400 0 0 0 2400 purchase - fine ben@example.com
	shopify #1002-R back 2024-05-02 EUR 2400 0 0 0 0 - - fine ben@example.com
	shopify #1003 sold 2024-05-03 EUR 11900 0 0 1900 3000 purchase - fine carla@example.com
	shopify #1003-R back 2024-05-03 EUR 3000 0 3000 0 0 - - fine carla@example.com
	shopify #1004 sold 2024-05-04 EUR 1500 0 0 0 0 cancelled - fine Dan Dvořák
	shopify #1005 sold 2024-05-05 EUR 124000 0 0 0 0 purchase - fine nobody
	shopify #1006 sold 2024-05-06 EUR 2000 0 0 0 0 purchase - fine ana@example.com
	shopify #1008 sold 2024-05-06 EUR 1200 0 200 0 0 purchase - fine ben@example.com`

func TestShopifyOrdersComeInToThePenny(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		im := fromShop(t, db, "shopify_orders.csv")
		expect(t, "orders", books(t, db), shopifyBooks)
		if c := im.Counts; c.Bad != 2 || c.Customers != 4 || c.Lines != 12 {
			t.Errorf("counted %+v", c)
		}
		bad, err := importers.BadLines(t.Context(), db, im.ID, 0, 10)
		if err != nil || len(bad) != 2 || bad[0].Line != 3 || bad[0].Column != "Created at" || bad[1].Line != 4 {
			t.Errorf("bad rows: %+v, %v", bad, err)
		}
		if n := number(t, db, `select spend_minor - refunded_minor from customer_facts f join customers c on c.customer_id = f.customer_id where c.email = 'carla@example.com'`); n != 8900 {
			t.Errorf("Carla's net spend is %d", n)
		}
		expect(t, "products", told(t, db, `select sku, name from products`, 2), `
			00123 Samovar
			CUP Cup, "blue"
			SET Tea set
			Sticker Sticker
			TEA-B Black tea
			TEA-G Green tea - 50 g`)
		expect(t, "consents", consents(t, db), `
			ana@example.com email yes `+micro("2024-05-01T08:00:00Z")+` shopify_orders.csv Accepts Marketing: yes`)
		if n := number(t, db, `select count(*) from orders where channel = 'online'`) + number(t, db, `select count(*) from walkin_orders where channel = 'store'`); n != 9 {
			t.Errorf("%d orders have their channel", n)
		}
		twiceAndBack(t, db, empty, []importers.Import{im}, "shopify_orders.csv")
	})
}

func TestANewerShopifyExportChangesJustWhatIsNew(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		first := fromShop(t, db, "shopify_orders.csv")
		before := contents(t, db)
		newer := fromShop(t, db, "shopify_orders_newer.csv")
		expect(t, "orders", books(t, db), strings.NewReplacer(
			"1900 3000 purchase", "1900 11900 purchase",
			"EUR 3000 0 3000 0 0", "EUR 11900 0 0 1900 0",
			"500 500 0 0 purchase -", "500 500 0 0 purchase 2024-05-03",
			"0 200 0 0 purchase", "0 200 0 0 cancelled").Replace(shopifyBooks)+`
			shopify #1007 sold 2024-05-06 EUR 1000 0 0 0 0 purchase - fine ema@example.com
			shopify #1009 sold 2024-05-08 EUR 2000 0 0 0 0 purchase - fine carla@example.com`)
		if c := newer.Counts; c.New != 2 || c.Changed != 3 || c.Bad != 0 {
			t.Errorf("counted %+v", c)
		}
		undo(t, db, newer.ID)
		same(t, "the newer one undone", before, contents(t, db))
		undo(t, db, first.ID)
		same(t, "both undone", empty, contents(t, db))
	})
}

func TestAnExportOf2012MeetsTheOrdersOfTodays(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		names := []string{"shopify_orders_2012.csv", "shopify_orders.csv"}
		done := []importers.Import{fromShop(t, db, names[0])}
		expect(t, "orders", books(t, db), `
			shopify #1001 sold 2024-05-01 EUR 5000 500 500 0 0 purchase - fine ana@example.com
			shopify #1002 sold 2024-05-02 EUR 2400 0 0 0 2400 purchase - fine ben@example.com
			shopify #1002-R back 2024-05-02 EUR 2400 0 0 0 0 - - fine ben@example.com
			shopify #0042 sold 2012-03-05 EUR 3450 0 450 0 0 purchase 2012-03-07 fine josé@example.com`)
		done = append(done, fromShop(t, db, names[1]))
		expect(t, "with today's", books(t, db), shopifyBooks+`
			shopify #0042 sold 2012-03-05 EUR 3450 0 450 0 0 purchase 2012-03-07 fine josé@example.com`)
		if c := done[1].Counts; c.Same != 3 || c.Changed != 0 {
			t.Errorf("of today's %+v", c)
		}
		twiceAndBack(t, db, empty, done, names...)
	})
}

func TestShopifyCustomersComeInInThreeForms(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		names := []string{"shopify_orders.csv", "shopify_customers.csv", "shopify_customers_template.csv", "shopify_customers_old.csv"}
		var done []importers.Import
		for _, name := range names {
			done = append(done, fromShop(t, db, name))
		}
		if done[1].Counts.Bad != 1 || done[1].Counts.Customers != 2 || done[3].Counts.Customers != 2 {
			t.Errorf("counted %+v and %+v", done[1].Counts, done[3].Counts)
		}
		expect(t, "identities", told(t, db, `select c.name, c.country, i.kind, i.value from customer_identities i join customers c on c.customer_id = i.customer_id
			where i.kind in ('external', 'phone')`, 4), `
			Ana Nováková CZ external shopify:7210448301122
			Ana Nováková CZ phone +420601123456
			Dan Dvořák phone +420777000111
			Fay Young NL external shopify:7210448301123
			Fay Young NL phone +31612345678
			Gil Ivanov external shopify:7210448301125
			Иван Петров BG phone +359888123456`)
		expect(t, "consents", told(t, db, `select c.name, l.channel, case when l.given then 'yes' else 'no' end from customer_consents l
			join customers c on c.customer_id = l.customer_id`, 3), `
			Ana Nováková email yes
			Fay Young sms yes
			Hana Malá email yes
			Иван Петров email yes`)
		expect(t, "tags", told(t, db, `select c.name, t.label from customer_tags t join customers c on c.customer_id = t.customer_id`, 2), `
			Ana Nováková VIP
			Ana Nováková tea club
			Hana Malá wholesale`)
		expect(t, "addresses", told(t, db, `select c.name, a.street, a.city, a.postcode, a.country from customer_addresses a join customers c on c.customer_id = a.customer_id`, 5), `
			Ana Nováková Dlouhá 1 Praha 11000 CZ
			Иван Петров София 1000 BG
			Мария Георгиева Пловдив BG`)
		twiceAndBack(t, db, empty, done, names...)
	})
}

const wooBooks = `
	woocommerce WC-501 sold 2024-06-01 EUR 6050 500 500 1050 0 purchase - fine zofie@example.com
	woocommerce WC-502 sold 2024-06-02 EUR 3000 0 0 0 1250 purchase - fine ben@example.com
	woocommerce WC-502-R back 2024-06-02 EUR 1250 0 1250 0 0 - - fine ben@example.com
	woocommerce WC-503 sold 2024-06-03 EUR 2000 0 0 0 2000 purchase - fine cecil@example.com
	woocommerce WC-503-R back 2024-06-03 EUR 2000 0 0 0 0 - - fine cecil@example.com
	woocommerce WC-504 sold 2024-06-04 EUR 2000 0 0 0 0 cancelled - fine cecil@example.com
	woocommerce WC-507 sold 2024-06-07 EUR 1200 0 200 0 0 purchase - fine dora@example.com`

func TestWooCommerceOrdersOfWebToffeeComeInToThePenny(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		im := fromShop(t, db, "woocommerce_webtoffee.csv")
		expect(t, "orders", books(t, db), wooBooks)
		if c := im.Counts; c.Bad != 1 || c.Skipped != 1 || c.Customers != 4 {
			t.Errorf("counted %+v", c)
		}
		bad, err := importers.BadLines(t.Context(), db, im.ID, 0, 10)
		if err != nil || len(bad) != 1 || bad[0].Column != "line_item_1" {
			t.Errorf("bad rows: %+v, %v", bad, err)
		}
		expect(t, "lines", told(t, db, `select p.sku, p.name, l.quantity_milli, l.price_micro, l.total_minor from order_lines l join products p on p.id = l.product_id
			join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id where o.number = 'WC-501'`, 5), `
			BOX Tea | gift box 2000 20000000 4000
			Spoon Spoon 1000 10000000 1000`)
		if n := number(t, db, `select count(*) from customer_identities where kind = 'external'`); n != 2 {
			t.Errorf("%d have a number; a guest has none", n)
		}
		before := contents(t, db)
		newer := fromShop(t, db, "woocommerce_webtoffee_newer.csv")
		expect(t, "newer", books(t, db), strings.NewReplacer("0 0 0 1250 purchase", "0 0 0 3000 purchase", "EUR 1250 0 1250 0 0", "EUR 3000 0 0 0 0",
			"0 200 0 0 purchase", "0 200 0 0 cancelled").Replace(wooBooks))
		if c := newer.Counts; c.New != 0 || c.Changed != 2 {
			t.Errorf("the newer one: %+v", c)
		}
		undo(t, db, newer.ID)
		same(t, "the newer one undone", before, contents(t, db))
		twiceAndBack(t, db, empty, []importers.Import{im}, "woocommerce_webtoffee.csv")
	})
}

func TestEveryExportOfAWooCommerceShopMeetsTheSameOrders(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		const others = `
			woocommerce 9001 sold 2016-06-09 EUR 9500 0 500 0 0 purchase - rough olga@example.com
			woocommerce 9002 sold 2016-06-22 EUR 6000 0 0 0 0 purchase - rough olga@example.com
			woocommerce WC-520 sold 2024-06-20 EUR 1800 0 0 0 600 purchase - rough nobody
			woocommerce WC-520-R back 2024-06-21 EUR 600 0 0 0 0 - - rough nobody
			woocommerce WC-521 sold 2024-06-22 EUR 124000 0 0 0 0 purchase - rough nobody`
		names := []string{"woocommerce_analytics_orders.csv", "woocommerce_skyverge.csv", "woocommerce_webtoffee.csv", "woocommerce_analytics_customers.csv"}
		for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}} {
			var done []importers.Import
			var brought []string
			for _, i := range order {
				done, brought = append(done, fromShop(t, db, names[i])), append(brought, names[i])
			}
			expect(t, fmt.Sprint(order), books(t, db), wooBooks+others)
			twiceAndBack(t, db, empty, done, brought...)
		}
	})
}

func TestStripePaymentsComeInInThreeForms(t *testing.T) {
	const bookings = `
		stripe ch_1 sold 2024-03-02 EUR 4900 0 0 0 0 purchase - rough ana@example.com
		stripe ch_2 sold 2024-03-02 EUR 10000 0 0 0 2500 purchase - rough ana@example.com
		stripe ch_2-R back 2024-03-02 EUR 2500 0 2500 0 0 - - rough ana@example.com
		stripe ch_3 sold 2024-03-03 EUR 3000 0 0 0 3000 purchase - rough bo@example.com
		stripe ch_3-R back 2024-03-03 EUR 3000 0 0 0 0 - - rough bo@example.com
		stripe ch_7 sold 2024-03-07 EUR 124000 0 0 0 0 purchase - rough carla@example.com
		stripe ch_8 sold 2024-03-08 EUR 4000 0 0 0 4000 purchase - rough dan@example.com
		stripe ch_8-R back 2024-03-08 EUR 4000 0 0 0 0 - - rough dan@example.com
		stripe ch_9 sold 2024-03-09 JPY 5000 0 0 0 0 purchase - rough kim@example.com
		stripe py_10 sold 2024-11-05 EUR 1200 0 0 0 0 purchase - rough ana@example.com
		stripe ch_old sold 2014-02-28 EUR 1550 0 0 0 0 purchase - rough old@example.com`
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		names := []string{"stripe_payments.csv", "stripe_payments_unified.csv", "stripe_payments_2014.csv", "stripe_customers.csv"}
		var done []importers.Import
		for _, name := range names {
			done = append(done, fromShop(t, db, name))
		}
		expect(t, "payments", books(t, db), strings.ReplaceAll(bookings, "back 2024-03-02 EUR 2500 0 2500 0 0 - - rough", "back 2024-03-02 EUR 2500 0 2500 0 0 - - fine"))
		if done[0].Counts.Skipped != 3 || done[1].Counts.Same != 1 || done[1].Counts.Skipped != 1 || done[3].Counts.Customers != 1 {
			t.Errorf("counted %+v, %+v, %+v", done[0].Counts, done[1].Counts, done[3].Counts)
		}
		expect(t, "Ana", told(t, db, `select c.name, i.kind, i.value from customer_identities i join customers c on c.customer_id = i.customer_id where c.email = 'ana@example.com'`, 3), `
			Ana Nováková email ana@example.com
			Ana Nováková external stripe:cus_A`)
		newer := fromShop(t, db, "stripe_payments_newer.csv")
		if c := newer.Counts; c.Changed != 1 || number(t, db, `select refunded_minor from orders where number = 'ch_2'`) != 10000 {
			t.Errorf("the newer one: %+v", c)
		}
		undo(t, db, newer.ID)
		twiceAndBack(t, db, empty, done, names...)
	})
}

func TestSquareTransactionsAndItemsAreTheSameSales(t *testing.T) {
	const bookings = `
		square T1 sold 2026-07-19 USD 4900 0 0 0 0 purchase - fine Ana Nováková
		square T2 sold 2026-07-18 USD 124000 0 0 0 4500 purchase - fine Rich Roe
		square T2-R back 2026-07-20 USD 4500 0 0 0 0 - - fine Rich Roe
		square T3 sold 2026-07-19 USD 800 0 0 0 0 purchase - rough nobody
		square T6 sold 2026-07-25 USD 600 0 0 0 0 purchase - fine nobody`
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		names := []string{"square_transactions.csv", "square_items.csv"}
		for _, order := range [][]string{names, {names[1], names[0]}} {
			var done []importers.Import
			for _, name := range order {
				done = append(done, fromShop(t, db, name))
			}
			expect(t, fmt.Sprint(order), books(t, db), strings.ReplaceAll(bookings, "USD", "EUR"))
			expect(t, "lines", told(t, db, `select p.sku, p.name, l.quantity_milli, l.total_minor from order_lines l join products p on p.id = l.product_id`, 4), `
				LAT Latte Large 2000 2750
				Cake Cake 1000 2150
				SAM Samovar 1000 124000
				SAM Samovar 1000 4500`)
			for _, im := range done {
				if im.File == names[0] && (im.Counts.Bad != 1 || im.Counts.Skipped != 1) {
					t.Errorf("counted %+v", im.Counts)
				}
			}
			twiceAndBack(t, db, empty, done, order...)
		}
	})
}

func TestMailchimpKeepsTheProofAndTheNo(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		names := []string{"mailchimp_subscribed.csv", "mailchimp_unsubscribed.csv", "mailchimp_cleaned.csv"}
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
			var done []importers.Import
			var brought []string
			for _, i := range order {
				done, brought = append(done, fromShop(t, db, names[i])), append(brought, names[i])
			}
			expect(t, "the proof", consents(t, db), `
				ana@example.com email yes `+micro("2020-03-04T15:21:02Z")+` Mailchimp OPTIN_TIME 2020-03-04 15:20:31, OPTIN_IP 203.0.113.7, CONFIRM_TIME 2020-03-04 15:21:02, CONFIRM_IP 203.0.113.7
				dead@example.com email yes `+micro("2018-01-01T10:00:00Z")+` Mailchimp OPTIN_TIME 2018-01-01 10:00:00, OPTIN_IP 203.0.113.7, CONFIRM_TIME 2018-01-01 10:00:00, CONFIRM_IP 203.0.113.7
				left@example.com email yes `+micro("2019-01-01T10:00:00Z")+` Mailchimp OPTIN_TIME 2019-01-01 10:00:00, OPTIN_IP 203.0.113.7
				left@example.com email no `+micro("2021-06-01T08:00:00Z")+` Mailchimp UNSUB_TIME 2021-06-01 08:00:00 Summer sale NORMAL
				stranger@example.com email yes `+micro("2018-01-01T10:00:00Z")+` Mailchimp OPTIN_TIME 2018-01-01 10:00:00, OPTIN_IP 203.0.113.7
				stranger@example.com email no `+micro("2018-05-25T00:00:01Z")+` Mailchimp UNSUB_TIME 2018-05-25 00:00:01 ABUSE`)
			expect(t, "the last word", told(t, db, `select c.email, case when n.given then 'yes' else 'no' end from customer_consents n join customers c on c.customer_id = n.customer_id`, 2), `
				ana@example.com yes
				dead@example.com yes
				left@example.com no
				stranger@example.com no`)
			expect(t, "dead addresses", told(t, db, `select address, bounced_at, reason, source from customer_bounces`, 4), `
				ana@example.com `+micro("2023-03-03T03:03:03Z")+` Mailchimp: cleaned mailchimp
				dead@example.com `+micro("2022-02-02T02:02:02Z")+` Mailchimp: cleaned mailchimp`)
			if n := number(t, db, `select count(*) from customers where joined_day = '2020-03-04' and country = 'CZ'`); n != 1 && order[0] == 0 {
				t.Error("Ana did not join when she opted in")
			}
			twiceAndBack(t, db, empty, done, brought...)
		}
	})
}

// The columns of a file may be in any order, some missing, others more.
func TestShopsAreRecognisedByTheNamesOfTheirColumnsAlone(t *testing.T) {
	files, err := filepath.Glob("testdata/shops/*")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".vcf") {
			continue
		}
		in, err := sheet.Open(t.Context(), path, sheet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		header := slices.Clone(in.Header())
		in.Close()
		layout, ok := importers.Recognise(header)
		shop, _, _ := strings.Cut(filepath.Base(path), "_")
		if !ok || !strings.HasPrefix(layout.Name, shop) {
			t.Errorf("%s is recognised as %q", path, layout.Name)
		}
		slices.Reverse(header)
		for i := range header {
			header[i] = strings.ToUpper(header[i])
		}
		if other, ok := importers.Recognise(append(header, "Something new")); !ok || other.Name != layout.Name {
			t.Errorf("%s the other way round is recognised as %q", path, other.Name)
		}
	}
}

// TestAShopsFileSaysTheSameHoweverItIsWritten writes one file in every encoding,
// with every delimiter and with decimal commas, as spreadsheets save it again.
func TestAShopsFileSaysTheSameHoweverItIsWritten(t *testing.T) {
	plain, err := os.ReadFile("testdata/shops/shopify_orders.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(plain, []byte("\xef\xbb\xbf")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	amount, swap := regexp.MustCompile(`^[\d,]+\.\d\d$`), strings.NewReplacer(",", ".", ".", ",")
	for name, enc := range map[string]encoding.Encoding{"utf-8": unicode.UTF8, "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "windows-1250": charmap.Windows1250} {
		for _, delimiter := range ",;\t|" {
			var b bytes.Buffer
			w := csv.NewWriter(&b)
			w.Comma, w.UseCRLF = delimiter, delimiter == ';'
			for _, row := range rows {
				row = slices.Clone(row)
				for i := range row {
					if delimiter != ',' && amount.MatchString(row[i]) {
						row[i] = swap.Replace(row[i])
					}
				}
				if err := w.Write(row); err != nil {
					t.Fatal(err)
				}
			}
			w.Flush()
			body, err := enc.NewEncoder().Bytes(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Exclusive: true})
			settle(t, db)
			path := filepath.Join(t.TempDir(), "orders.csv")
			if err := os.WriteFile(path, body, 0o600); err != nil {
				t.Fatal(err)
			}
			fromPath(t, db, path)
			expect(t, fmt.Sprintf("%s, %q", name, delimiter), books(t, db), shopifyBooks)
		}
	}
}
