package importers_test

import (
	"fmt"
	"testing"

	"regulars/internal/doors/importers"
	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestContactsComeInFromACardFile(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, empty map[string][]string) {
		im := fromShop(t, db, "contacts.vcf")
		expect(t, "people", told(t, db, `select c.name, c.country, i.kind, i.value from customer_identities i join customers c on c.customer_id = i.customer_id`, 4), `
			Ana Nováková  email ana@example.com
			Ana Nováková  phone +420601123456
			Ben Short GB email ben@example.com
			Ben Short GB email ben.short@work.example
			Ben Short GB phone +442079460123`)
		expect(t, "beside", told(t, db, `select c.name, d.month_day, a.city, t.label from customers c join customer_dates d on d.customer_id = c.customer_id
			join customer_addresses a on a.customer_id = c.customer_id join customer_tags t on t.customer_id = c.customer_id`, 4), `
			Ben Short 05-17 London VIP
			Ben Short 05-17 London Wholesale`)
		bad, err := importers.BadLines(t.Context(), db, im.ID, 0, 10)
		if err != nil || len(bad) != 2 || bad[0].Line != 21 || bad[1].Line != 30 {
			t.Errorf("bad rows: %+v, %v", bad, err)
		}
		twiceAndBack(t, db, empty, []importers.Import{im}, "contacts.vcf")
	})
}

// pairs are those that are offered for merging, with why.
func pairs(t testing.TB, db *store.DB) string {
	t.Helper()
	return told(t, db, `with others as materialized (select customer_id, name from customers)
		select a.name, '+', b.name, d.reasons from customer_duplicates d join customers a on a.customer_id = d.customer_id
		join others b on b.customer_id = d.other_id`, 4)
}

func TestWhoIsKnownByAnEmailHereAndANumberThereIsOneOnceAFileSaysSo(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, _ map[string][]string) {
		fromShop(t, db, "shopify_orders.csv")  // Ana by her email
		fromShop(t, db, "stripe_payments.csv") // ch_1 has her email and cus_A, ch_2 cus_A alone
		if n := number(t, db, `select count(distinct customer_id) from customer_identities where value in ('ana@example.com', 'stripe:cus_A', '+420601123456')`); n != 1 {
			t.Errorf("Ana is %d customers", n)
		}
		if n := number(t, db, `select count(*) from orders o join customers c on c.customer_id = o.customer_id where c.email = 'ana@example.com' and o.source = 'stripe' and not o.is_return`); n != 2 {
			t.Errorf("%d of her payments are hers", n)
		}
		// Square knows her by a number and her name: that is no evidence, so it is offered.
		fromShop(t, db, "square_transactions.csv")
		if err := customers.FindDuplicates(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		expect(t, "offered", pairs(t, db), `Ana Nováková + Ana Nováková name,number_only`)
	})
}

func TestTwoWhomOneRowNamesAreOfferedForMerging(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, _ map[string][]string) {
		people := func(ps ...customers.Profile) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := customers.CreateMany(t.Context(), tx, ps)
				return err
			})
		}
		email, number := customers.Identity{Kind: customers.Email, Value: "rich@example.com"}, customers.Identity{Kind: customers.External, Value: "square:SQC2"}
		people(customers.Profile{Name: "R. Roe", Identities: []customers.Identity{email}}, customers.Profile{Name: "Rich Roe", Identities: []customers.Identity{number}})
		both := customers.Profile{Name: "Rich Roe", Identities: []customers.Identity{email, number}}
		people(both)
		for range 2 { // the search of every night leaves it alone
			expect(t, "offered", pairs(t, db), `R. Roe + Rich Roe told`)
			if err := customers.FindDuplicates(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		}
		all, err := customers.Duplicates(t.Context(), db, 10)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.Dismiss(t.Context(), tx, all[0].A, all[0].B, customers.By{})
		})
		people(both)
		if all, _ = customers.Duplicates(t.Context(), db, 10); len(all) != 0 {
			t.Error("a pair that somebody decided on is offered again")
		}
		// The phone that a shop writes for all who gave none tells nothing.
		nobody := customers.Identity{Kind: customers.Phone, Value: "+420000000000"}
		many := []customers.Profile{{Name: "First", Identities: []customers.Identity{nobody}}}
		for i := range 20 {
			many = append(many, customers.Profile{Identities: []customers.Identity{{Kind: customers.Email, Value: fmt.Sprintf("p%d@example.com", i)}}})
		}
		people(many...)
		for i := range many {
			many[i].Identities = append(many[i].Identities, nobody)
		}
		people(many...)
		if all, _ = customers.Duplicates(t.Context(), db, 10); len(all) != 0 {
			t.Errorf("%d pairs are offered for a phone that many have", len(all))
		}
	})
}

func TestAnOrderFromAFileAndFromTheShopItselfIsOneOrder(t *testing.T) {
	inShop(t, func(t *testing.T, db *store.DB, _ map[string][]string) {
		restate := func(refunded int64) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				products, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "SET"}, {SKU: "CUP"}})
				if err != nil {
					return err
				}
				who, err := customers.CreateMany(t.Context(), tx, []customers.Profile{{Identities: []customers.Identity{{Kind: customers.Email, Value: "carla@example.com"}}}})
				if err != nil {
					return err
				}
				set, err := orders.NewLine(products["SET"], 2000, 4000, 2, "EUR")
				if err != nil {
					return err
				}
				cup, err := orders.NewLine(products["CUP"], 1000, 2000, 2, "EUR")
				if err != nil {
					return err
				}
				whole := int64(11900)
				a := orders.Account{Sale: orders.Sale{Customer: who[0], Number: "#1003", Keys: []string{"5001000000003"}, Source: "shopify", At: tx.Now,
					Lines: []orders.Line{set, cup}, Tax: 1900, Whole: &whole, Channel: "online"}}
				if refunded > 0 {
					a.Back = []orders.Sale{{Number: "#1003-R", Keys: []string{"refund 1"}, At: tx.Now, Whole: &refunded}}
				}
				_, err = orders.Restate(t.Context(), tx, a)
				return err
			})
		}
		fromShop(t, db, "shopify_orders.csv")
		restate(3000)
		one := func(when string) {
			t.Helper()
			if n := number(t, db, `select count(*) from orders where source = 'shopify' and number like '#1003%'`); n != 2 {
				t.Errorf("%s: it is %d orders and returns", when, n)
			}
			if n := number(t, db, `select total_minor - refunded_minor from orders where number = '#1003'`); n != 8900 {
				t.Errorf("%s: %d is left of it", when, n)
			}
		}
		one("the shop after the file")
		fromShop(t, db, "shopify_orders.csv")
		one("the file again")
	})
	inShop(t, func(t *testing.T, db *store.DB, _ map[string][]string) {
		sale := orders.Sale{Number: "WC-507", Keys: []string{"507"}, Source: "woocommerce"}
		testkit.Do(t, db, func(tx *store.Tx) error {
			products, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "Spoon"}})
			if err != nil {
				return err
			}
			line, err := orders.TotalLine(products["Spoon"], 1000, 1000, "EUR")
			whole := int64(1200)
			sale.At, sale.Lines, sale.Whole = tx.Now, []orders.Line{line}, &whole
			if err == nil {
				_, err = orders.Restate(t.Context(), tx, orders.Account{Sale: sale})
			}
			return err
		})
		fromShop(t, db, "woocommerce_webtoffee.csv")
		if n := number(t, db, `select (select count(*) from orders where number = 'WC-507') + (select count(*) from walkin_orders where number = 'WC-507')`); n != 1 {
			t.Errorf("WC-507 is %d orders", n)
		}
		if n := number(t, db, `select count(*) from order_lines l join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id where o.number = 'WC-507'`); n != 1 {
			t.Errorf("WC-507 has %d lines of a customer", n)
		}
	})
}
