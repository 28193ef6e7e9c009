package insights_test

import (
	"strings"
	"testing"

	"regulars/internal/testkit/page"
)

func TestCohortsAreSplitByTheFirstOrderAndFollowedFromAnyEvent(t *testing.T) {
	each(t, "2026-04-10", func(t *testing.T, s *shop) {
		people := append(s.people(3, "GB"), s.people(1, "FR")...)
		phone := s.sale(people[2], "2026-01-07", 900)
		phone.Channel = "phone"
		s.place(s.sale(people[0], "2026-01-05", 500), s.sale(people[0], "2026-02-01", 700), s.sale(people[1], "2026-01-06", 900),
			phone, s.sale(people[2], "2026-03-07", 900), s.sale(people[3], "2026-02-07", 900))
		s.work()
		// Two of three who began online did in January; one of them came again.
		p := s.look("/insights/cohorts?split=channel&as=number")
		p.Count("table.heat", 2).In("#cohorts-1", page.HasText("Jan 2026")).In("#cohorts-2", page.HasText("Jan 2026"))
		if h := strings.Join(p.Texts("h2"), "; "); !strings.Contains(h, "online · 3 customers") || !strings.Contains(h, "phone · 1 customer") {
			t.Errorf("the groups are %s", h)
		}
		for path, want := range map[string]string{
			"/insights/cohorts/export?split=channel&as=number": "online,2026-01,2,2,2,1,0\nonline,2026-02,1,1,1,0",
			"/insights/cohorts/export?split=country&as=number": "Customers in France,2026-02,1,1,1,0,",
			// The channel of the first order, not of those after it.
			"/insights/cohorts/export?split=channel&as=number&by=quarter": "phone,2026-Q1,1,0,1",
			"/insights/cohorts/export?split=product&as=number":            "tea,2026-01,3,2,3,1,1",
		} {
			s.look(strings.Replace(path, "/export", "", 1))
			if body := s.look(path).Body; !strings.Contains(body, want) {
				t.Errorf("%s has no %q: %s", path, want, body)
			}
		}
		s.look("/insights/cohorts?since=order.refunded").In(".blank")
		back := s.sale(people[0], "2026-01-20", 300)
		back.Return = true
		s.place(back)
		s.work()
		// From the refund on, in January: nothing more then, one order in February.
		s.look("/insights/cohorts?since=order.refunded") // asks again, as there is more now
		s.work()
		p = s.look("/insights/cohorts?since=order.refunded&as=number&show=orders")
		p.Count("table.heat", 1).In("main", page.HasText("First refund")).In("table.heat", page.HasText("Months after"))
		if body := s.look("/insights/cohorts/export?since=order.refunded&as=number&show=orders").Body; !strings.Contains(body, "2026-01,1,2,0,1,0") {
			t.Errorf("from the refund on: %s", body)
		}
	})
}
