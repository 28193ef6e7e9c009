package insights_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/testkit/page"
)

func TestOnlyWhatStandsOutIsTold(t *testing.T) {
	each(t, "2026-03-31", func(t *testing.T, s *shop) {
		// Before and after alike but for the Czech, of whom far more come
		// again; and of what Bo sells much comes back.
		var sales []orders.Sale
		add := func(c id.Customer, day string, i int) {
			x := s.sale(c, day, int64(900+i%5*50))
			x.Staff = []string{"Ann", "Bo", "Cy"}[i%3]
			sales = append(sales, x)
		}
		for i, c := range s.people(300, "GB") {
			add(c, "2025-10-10", i)
			add(c, "2026-01-10", i)
			if i%4 == 0 {
				add(c, "2025-11-10", i)
				add(c, "2026-02-10", i)
			}
		}
		for i, c := range s.people(100, "CZ") {
			add(c, "2025-10-11", i)
			add(c, "2026-01-11", i)
			if i%4 == 0 {
				add(c, "2025-11-11", i)
			}
			if i%4 != 0 {
				add(c, "2026-02-11", i)
			}
		}
		for i, x := range slices.Clone(sales) {
			if x.Staff == "Bo" && x.At.Year() == 2026 && i%2 == 0 {
				back := s.sale(x.Customer, "2026-03-20", 100)
				back.Return, back.ReturnsNumber = true, x.Number
				sales = append(sales, back)
			}
		}
		s.place(sales...)
		s.work()
		p := s.look("/insights/moved?compare=days90")
		p.In("#spans", page.HasText("1 Jan 2026"), page.HasText("3 Oct 2025")).
			In("#told li", page.HasText("Customers in Czechia: 75.0% bought again, after 25.0%")).
			In("#odd li", page.HasText("Sold by Bo"), page.HasText("came back"))
		for _, said := range p.Texts("#told li") {
			if !strings.Contains(said, "Czechia") && !strings.Contains(said, "United Kingdom") {
				t.Errorf("chance is told: %s", said)
			}
		}
		found := false
		for _, row := range s.rows("/insights/moved/export?compare=days90") {
			found = found || row[0] == "repeat" && row[2] == "CZ" && row[7] == "0.25" && row[8] == "0.75"
		}
		if !found {
			t.Error("the file does not hold what is told")
		}
	})
}

func TestWhereNothingChangedNothingIsTold(t *testing.T) {
	each(t, "2026-03-31", func(t *testing.T, s *shop) {
		r := rand.New(rand.NewPCG(1, 2))
		var sales []orders.Sale
		for _, c := range s.people(400, "GB") {
			for _, from := range []string{"2025-10-03", "2026-01-01"} {
				first, _ := time.Parse(time.DateOnly, from)
				for range 1 + r.IntN(3) {
					x := s.sale(c, first.AddDate(0, 0, r.IntN(88)).Format(time.DateOnly), 500+r.Int64N(900))
					x.Channel = []string{"online", "store", "phone"}[r.IntN(3)]
					sales = append(sales, x)
				}
			}
		}
		s.place(sales...)
		s.work()
		s.look("/insights/moved?compare=days90").In("#told", page.HasText("Nothing stands out beyond chance")).Not("#told li").Not("#odd li")
	})
}

func TestPeriodsAreWholeAndOfLikeLength(t *testing.T) {
	day := func(y, m, d int) int32 { return retention.Day(y, m, d) }
	for _, c := range []struct {
		compare string
		asOf    int32
		want    [4]int32
	}{
		{"quarter", day(2026, 3, 2), [4]int32{day(2024, 10, 1), day(2024, 12, 31), day(2025, 10, 1), day(2025, 12, 31)}},
		{"quarter", day(2026, 3, 31), [4]int32{day(2025, 1, 1), day(2025, 3, 31), day(2026, 1, 1), day(2026, 3, 31)}},
		{"month", day(2026, 3, 2), [4]int32{day(2025, 2, 1), day(2025, 2, 28), day(2026, 2, 1), day(2026, 2, 28)}},
		{"days90", day(2026, 3, 31), [4]int32{day(2025, 10, 3), day(2025, 12, 31), day(2026, 1, 1), day(2026, 3, 31)}},
		{"year", day(2026, 3, 31), [4]int32{day(2024, 4, 1), day(2025, 3, 31), day(2025, 4, 1), day(2026, 3, 31)}},
	} {
		before, after := insights.PeriodsOf(c.compare, c.asOf)
		if got := [4]int32{before.From, before.To, after.From, after.To}; got != c.want {
			t.Errorf("%s: %v, want %v", c.compare, got, c.want)
		}
	}
}
