package orders

import (
	"testing"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func whole(v int64) *int64 { return &v }

func stands(t testing.TB, db *store.DB, c id.Customer, o id.Order) Order {
	t.Helper()
	got, err := ByID(t.Context(), db, c, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnOrderComesToWhatItsSourceSays(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		lines := []Line{of(p["tea"], 2, 5000)} // 100.00
		for i, k := range []struct {
			discount, shipping, tax, whole int64
			want                           [3]int64 // discount, shipping, tax
		}{
			{1000, 500, 0, 9500, [3]int64{1000, 500, 0}},
			{1000, 500, 1900, 11400, [3]int64{1000, 500, 1900}}, // tax on top
			{1000, 500, 1600, 9500, [3]int64{1000, 500, 0}},     // prices hold it
			{0, 500, 0, 8500, [3]int64{2000, 500, 0}},           // a discount of the lines, told nowhere
			{0, 500, 0, 11000, [3]int64{0, 1000, 0}},            // a tip
			{500, 0, 0, 10000, [3]int64{0, 0, 0}},               // the discount was in the prices
			{0, 0, 0, 0, [3]int64{10000, 0, 0}},                 // given away
		} {
			sale := Sale{Customer: c, Number: string(rune('a' + i)), Source: "shop", At: day1, Lines: lines,
				Discount: k.discount, Shipping: k.shipping, Tax: k.tax, Whole: &k.whole}
			done := place(t, db, sale)
			o := stands(t, db, c, done.IDs[0])
			if got := [3]int64{o.Discount, o.Shipping, o.Tax}; got != k.want || o.Total != k.whole || !o.Purchase {
				t.Errorf("%d: %v come to %d, want %v and %d", i, got, o.Total, k.want, k.whole)
			}
			if again := place(t, db, sale); again.Same != 1 {
				t.Errorf("%d: told again, it is %+v", i, again)
			}
		}
	})
}

func TestAnEditedOrderComesToItsNewTotal(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea", "cup")
		sale := Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 2, 5000), of(p["cup"], 1, 2000)}, Whole: whole(12000)}
		o := place(t, db, sale).IDs[0]
		sale.Lines, sale.Whole = sale.Lines[:1], whole(10000) // the cup was taken off
		if done := place(t, db, sale); done.Changed != 1 {
			t.Fatalf("%+v", done)
		}
		if got := stands(t, db, c, o); got.Total != 10000 {
			t.Errorf("it comes to %d", got.Total)
		}
	})
}

func TestWhatWasGivenBackIsToldAsOneSumThatOnlyGrows(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "tea")
		sold := Sale{Customer: c, Number: "1", Source: "shop", At: day1, Lines: []Line{of(p["tea"], 2, 5000)}}
		back := Sale{Customer: c, Number: "1-R", ReturnsNumber: "1", Source: "shop", At: day1, Return: true}
		file := func(v int64) Sale { s := back; s.Whole = &v; return s }
		hook := func(v int64) Sale { s := file(v); s.Lines = []Line{of(p["tea"], 1, 5000)}; return s }
		o := place(t, db, sold).IDs[0]
		for _, step := range []struct {
			told Sale
			want int64
		}{{file(1000), 1000}, {file(1000), 1000}, {hook(5000), 5000}, {file(1000), 5000}, {file(5000), 5000}, {hook(7500), 7500}, {file(10000), 10000}} {
			place(t, db, sold, step.told)
			if got := stands(t, db, c, o).Refunded; got != step.want {
				t.Fatalf("%d is given back, want %d", got, step.want)
			}
		}
	})
}

func TestRoughLinesGiveWayToTheFullerAccountWhicheverComesFirst(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c, p := person(t, db, 1), goods(t, db, "sum", "tea", "cup")
		payment := Sale{Customer: c, Source: "till", At: day1, Lines: []Line{of(p["sum"], 1, 5000)}, Discount: 500, Tax: 400, Whole: whole(4900), Rough: true}
		items := Sale{Customer: c, Source: "till", At: day1, Lines: []Line{of(p["tea"], 2, 1500), of(p["cup"], 1, 1900)}}
		for i, order := range [][]Sale{{payment, items, payment}, {items, payment, items}} {
			var o id.Order
			for _, s := range order {
				s.Number = string(rune('1' + i))
				o = place(t, db, s).IDs[0]
			}
			got := stands(t, db, c, o)
			lines, err := Lines(t.Context(), db, got)
			if err != nil || len(lines) != 2 || got.Total != 4900 || got.Rough || got.Items != 3 {
				t.Errorf("%d: %d lines, %+v, %v", i, len(lines), got, err)
			}
		}
		both := place(t, db, func() []Sale {
			a, b := payment, items
			a.Number, b.Number = "9", "9"
			return []Sale{a, b}
		}()...)
		if got := stands(t, db, c, both.IDs[0]); got.Total != 4900 || got.Rough || both.Lines != 2 {
			t.Errorf("told at once: %+v, %d lines", got, both.Lines)
		}
	})
}

func TestRoughLinesAreBackWhenTheFullerAccountIsUndone(t *testing.T) {
	for _, first := range []id.Import{1, 2} {
		testkit.Each(t, func(t *testing.T, db *store.DB) {
			c, p := person(t, db, 1), goods(t, db, "sum", "tea")
			rough := Sale{Customer: c, Number: "1", Source: "till", At: day1, Lines: []Line{of(p["sum"], 1, 5000)}, Rough: true, Import: 1}
			fine := Sale{Customer: c, Number: "1", Source: "till", At: day1, Lines: []Line{of(p["tea"], 2, 2000)}, Import: 2}
			o := place(t, db, rough).IDs[0]
			place(t, db, fine)
			undo(t, db, first)
			got := stands(t, db, c, o)
			lines, _ := Lines(t.Context(), db, got)
			want := p["sum"]
			if first == 1 {
				want = p["tea"]
			}
			if len(lines) != 1 || lines[0].Product != want || got.Rough != (first == 2) || got.Total != 5000 {
				t.Fatalf("undoing %d first leaves %+v of %+v", first, lines, got)
			}
			undo(t, db, 3-first)
			if n := count(t, db, `select count(*) from orders`) + count(t, db, `select count(*) from order_lines`); n != 0 {
				t.Errorf("%d rows are left", n)
			}
		})
	}
}
