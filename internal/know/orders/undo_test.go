package orders

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// dumpState is all that an import can touch, as text. Ids are left out where two
// ways to the same state may differ: which come from when something was made.
func dumpState(t testing.TB, db *store.DB, ids bool) string {
	t.Helper()
	order := `o.number, o.is_return, o.of_number, o.placed_at, o.lines_minor, o.discount_minor, o.total_minor, o.rate, o.base_minor, o.items,
		o.goods_minor, o.purchase, o.channel, o.staff, o.promised_day, o.delivered_day, o.cancelled_at, o.reason, o.note, o.refunded_minor`
	own, line, walkin, walkinLine := "", "", "", ""
	if ids {
		own, line = ", o.order_id, o.of_order_id, o.import_id", ", l.order_id, l.line, l.import_id"
		walkin, walkinLine = own, line
	}
	var b strings.Builder
	for _, q := range []string{
		`select o.customer_id, ` + order + own + ` from orders o order by o.number`,
		`select ` + order + walkin + ` from walkin_orders o order by o.number`,
		`select o.number, l.product_id, l.quantity_milli, l.price_micro, l.total_minor` + line + ` from order_lines l
			join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id
			order by o.number, l.product_id, l.quantity_milli, l.price_micro, l.total_minor, l.line`,
		`select o.number, l.product_id, l.quantity_milli, l.price_micro, l.total_minor` + walkinLine + ` from walkin_order_lines l
			join walkin_orders o on o.order_id = l.order_id order by o.number, l.product_id, l.quantity_milli, l.price_micro, l.total_minor, l.line`,
		`select number, source, customer_id from order_keys order by number`,
		`select sku, kind from products order by sku`,
	} {
		dump(t, db, &b, q)
	}
	if ids {
		dump(t, db, &b, `select customer_id, occurred_at, id, kind, ref_id, import_id, payload from events order by customer_id, occurred_at, id`)
		dump(t, db, &b, `select customer_id, order_id, import_id, fields from order_changes order by customer_id, order_id, import_id`)
		dump(t, db, &b, `select order_id, import_id, fields from walkin_order_changes order by order_id, import_id`)
	}
	return b.String()
}

func dump(t testing.TB, db *store.DB, b *strings.Builder, query string) {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			t.Fatal(err)
		}
		for _, v := range row {
			fmt.Fprintf(b, "%v|", *v.(*any))
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// sameState fails with the first line that differs.
func sameState(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		g, w := "", ""
		if i < len(a) {
			g = a[i]
		}
		if i < len(b) {
			w = b[i]
		}
		if g != w {
			t.Fatalf("%s: line %d is\n%s\nnot\n%s", what, i+1, g, w)
		}
	}
}

// file is a random file of a shop: whole orders and returns of customers and
// walk-ins, some in another currency.
func file(r *rand.Rand, cs []id.Customer, p []id.Product, orders int) []Sale {
	var all []Sale
	for n := range orders {
		s := Sale{Number: fmt.Sprint(1000 + n), Source: "shop", At: day1.Add(time.Duration(n*7) * time.Hour), Channel: []string{"online", ""}[r.IntN(2)],
			Currency: []money.Currency{"EUR", "EUR", "USD"}[r.IntN(3)]}
		if r.IntN(3) > 0 {
			s.Customer = cs[r.IntN(len(cs))]
		}
		for range 1 + r.IntN(4) {
			s.Lines = append(s.Lines, of(p[r.IntN(len(p))], int64(1+r.IntN(2)), int64(100*r.IntN(3))))
		}
		if r.IntN(3) == 0 {
			s.PromisedDay = "2025-06-01"
		}
		all = append(all, s)
		if r.IntN(5) == 0 {
			back := Sale{Customer: s.Customer, Number: "C" + s.Number, Source: "shop", At: s.At.Add(time.Hour), Return: true,
				ReturnsNumber: s.Number, Lines: s.Lines[:1], Currency: s.Currency, Reason: "broken"}
			all = append(all, back)
		}
	}
	return all
}

// longer is the same file later on: more orders, lines, deliveries,
// cancellations, and walk-ins who are known by now.
func longer(r *rand.Rand, cs []id.Customer, p []id.Product, first []Sale) []Sale {
	var all []Sale
	moved := map[string]id.Customer{}
	for _, s := range first {
		s.Lines = append([]Line{}, s.Lines...)
		switch r.IntN(7) {
		case 0:
			s.Lines = append(s.Lines, s.Lines[0], of(p[0], 5, 300))
		case 1:
			if !s.Return {
				s.DeliveredDay = "2025-06-03"
			}
		case 2:
			if !s.Return {
				s.CancelledAt, s.Reason = s.At.Add(24*time.Hour), "Somebody's own words"
			}
		case 3:
			s.Discount, s.Staff = 50, "Mia"
		case 4:
			if s.Customer == 0 && !s.Return {
				s.Customer = cs[r.IntN(len(cs))]
				moved[s.Number] = s.Customer
			}
		}
		if c, ok := moved[s.ReturnsNumber]; ok && s.Return {
			s.Customer = c
		}
		all = append(all, s)
	}
	for n := range 6 {
		all = append(all, Sale{Customer: cs[n%len(cs)], Number: fmt.Sprint(9000 + n), Source: "shop", At: day1.AddDate(0, 2, n), Lines: []Line{of(p[1], 1, 700)}})
	}
	return all
}

func from(i id.Import, sales []Sale) []Sale {
	all := make([]Sale, len(sales))
	for n, s := range sales {
		s.Import, s.History = i, true
		all[n] = s
	}
	return all
}

func undo(t testing.TB, db *store.DB, i id.Import) {
	t.Helper()
	for more := true; more; {
		testkit.Do(t, db, func(tx *store.Tx) error {
			u, err := UndoImport(context.Background(), tx, i, 7)
			more = u.More
			return err
		})
	}
}

func people(t testing.TB, db *store.DB) []id.Customer {
	return []id.Customer{person(t, db, 1), person(t, db, 2), person(t, db, 3)}
}

func things(t testing.TB, db *store.DB) []id.Product {
	p := goods(t, db, "tea", "cup", "post")
	return []id.Product{p["tea"], p["cup"], p["post"]}
}

func TestUndoingAnImportRestoresWhatWasBefore(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		cs, p := people(t, db), things(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			return SetRates(t.Context(), tx, []Rate{{"USD", "2025-03-05", money.RateOne * 9 / 10, "staff"}})
		})
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, 3))
			empty := dumpState(t, db, true)
			a := file(r, cs, p, 30)
			b := longer(r, cs, p, a)
			place(t, db, from(11, a)...)
			after := dumpState(t, db, true)
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := EnsureProducts(t.Context(), tx, []NewProduct{{SKU: "new", Import: 12}})
				return err
			})
			place(t, db, from(12, b)...)
			undo(t, db, 12)
			sameState(t, fmt.Sprintf("round %d: A, B, undo B", seed), dumpState(t, db, true), after)
			undo(t, db, 11)
			sameState(t, fmt.Sprintf("round %d: undo A as well", seed), dumpState(t, db, true), empty)
		}
	})
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		cs, p := people(t, db), things(t, db)
		r := rand.New(rand.NewPCG(1, 1))
		a := file(r, cs, p, 40)
		place(t, db, from(11, a)...)
		before := dumpState(t, db, true)
		done := place(t, db, from(12, a)...)
		if done.Same != len(a) || done.New+done.Changed+done.Lines != 0 {
			t.Fatalf("the second time did %+v", done)
		}
		sameState(t, "the same file again", dumpState(t, db, true), before)
	})
}

func TestALongerFileAddsOnlyWhatIsNewInWhateverSlices(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		cs, p := people(t, db), things(t, db)
		var want string
		for round := range uint64(4) {
			r := rand.New(rand.NewPCG(5, 5))
			a := file(r, cs, p, 40)
			b := longer(r, cs, p, a)
			r = rand.New(rand.NewPCG(round, 6))
			if round > 0 { // straight to the longer file, or through the shorter one
				shuffle := append([]Sale{}, b...)
				r.Shuffle(len(shuffle), func(i, j int) { shuffle[i], shuffle[j] = shuffle[j], shuffle[i] })
				if round > 1 {
					place(t, db, from(11, a)...)
				}
				for len(shuffle) > 0 {
					n := min(len(shuffle), 1+r.IntN(15))
					place(t, db, from(12, shuffle[:n])...)
					shuffle = shuffle[n:]
				}
			} else {
				place(t, db, from(12, b)...)
			}
			got := dumpState(t, db, false)
			if round == 0 {
				want = got
			}
			sameState(t, fmt.Sprintf("way %d to the longer file", round), got, want)
			undo(t, db, 12)
			undo(t, db, 11)
			if n := count(t, db, `select count(*) from orders`) + count(t, db, `select count(*) from walkin_orders`) +
				count(t, db, `select count(*) from order_keys`) + count(t, db, `select count(*) from events where kind like 'order.%'`); n != 0 {
				t.Fatalf("%d rows are left after undoing all", n)
			}
		}
	})
}

func TestUndoingTheFirstOfTwoImportsLeavesWhatTheSecondAdded(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea", "cup")
		s := Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 2, 500)}}
		place(t, db, from(11, []Sale{s})...)
		s.Lines = append(s.Lines, of(p["cup"], 1, 900))
		o := place(t, db, from(12, []Sale{s})...).IDs[0]
		undo(t, db, 11)
		left, err := ByID(t.Context(), db, c, o)
		if err != nil || left.Total != 900 || left.Items != 1 || left.Import != 12 {
			t.Fatalf("left is %+v, %v", left, err)
		}
		undo(t, db, 12)
		if _, err := ByID(t.Context(), db, c, o); err == nil {
			t.Fatal("the order is still there after both were undone")
		}
	})
}

func TestWhatStaffChangedSinceStaysWhenAnImportIsUndone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		s := Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 2, 500)}}
		o := place(t, db, s).IDs[0]
		s.PromisedDay, s.Staff = "2025-03-10", "Mia"
		place(t, db, from(12, []Sale{s})...)
		testkit.Do(t, db, func(tx *store.Tx) error {
			return Promise(t.Context(), tx, c, o, "2025-03-20", customers.By{Source: "staff"})
		})
		undo(t, db, 12)
		left, err := ByID(t.Context(), db, c, o)
		if err != nil || left.PromisedDay != "2025-03-20" || left.Staff != "" {
			t.Fatalf("left is %+v, %v", left, err)
		}
	})
}
