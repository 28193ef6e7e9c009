package insights_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/insights"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

func TestTheStandardFormulaIsWorkedThroughWithThePeriodsOwnNumbers(t *testing.T) {
	each(t, "2026-03-31", func(t *testing.T, s *shop) {
		var sales []orders.Sale
		for i, c := range s.people(1200, "GB") {
			if i < 1000 { // customers at the start, of whom 900 stay
				sales = append(sales, s.sale(c, "2026-02-20", 500))
			}
			if i < 900 || i >= 1000 { // 200 new ones
				sales = append(sales, s.sale(c, "2026-03-20", 500))
			}
		}
		sales = append(sales, s.sale(s.people(1, "GB")[0], "2026-01-01", 500)) // long gone, and history enough
		s.place(sales...)
		s.work()
		s.look("/insights/retention?from=2026-03-01&to=2026-03-31&window=30").
			In("#rate", page.HasText("90.0%")).
			In("#formula", page.HasText("(1,100 − 200) ÷ 1,000 × 100 = 90.0%")).
			In("#window", page.HasText("30 days, as you chose"))
		s.look("/insights?from=2026-03-01&to=2026-03-31&window=30").In(".stat", page.HasText("Retention rate"), page.HasText("90.0%"))
		s.look("/insights/retention/export?from=2026-03-01&to=2026-03-31&window=30")
	})
}

func TestWhoComesBackIsTakenOffTheEndLikeANewCustomer(t *testing.T) {
	each(t, "2026-06-30", func(t *testing.T, s *shop) {
		people := s.people(3, "GB")
		s.place(s.sale(people[0], "2026-01-05", 500), s.sale(people[0], "2026-06-10", 500), // away for five months
			s.sale(people[1], "2026-05-20", 500), s.sale(people[1], "2026-06-11", 500), s.sale(people[2], "2026-05-21", 500))
		s.work()
		s.look("/insights/retention?from=2026-06-01&to=2026-06-30&window=30").
			In("#formula", page.HasText("(2 − 0 − 1) ÷ 2 × 100 = 50.0%"))
	})
}

func TestAnEmptyShopIsTaughtWhatThePagesAreFor(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		for _, path := range paths {
			s.look(path).In(".blank", page.HasText("Nobody has bought yet")).Not(".stat")
		}
		for _, path := range paths[1:] {
			if p := s.look(path + "/export"); !strings.HasPrefix(p.Header.Get("Content-Type"), "text/csv") {
				t.Errorf("%s/export is %s", path, p.Header.Get("Content-Type"))
			}
		}
	})
}

// TestOddOrdersGetAnAnswerInWords: s.look fails for NaN and the like.
func TestOddOrdersGetAnAnswerInWords(t *testing.T) {
	all := append([]string{"/insights/cohorts?show=revenue&as=each&sum=1", "/insights/cohorts?show=orders&as=share", "/insights/cohorts?by=week&as=number",
		"/insights/retention?by=year", "/insights?from=2026-02-28&to=2020-01-01", "/insights?to=1999-12-31", "/insights?window=-7&by=eon&category=cat_x&country=ZZZ"}, paths...)
	for name, odd := range map[string]struct {
		place func(s *shop)
		path  string
		says  string
	}{
		"one customer, one order": {func(s *shop) { s.place(s.sale(s.people(1, "GB")[0], "2026-02-01", 500)) },
			"/insights/rhythm", "Nobody has bought on two different days"},
		"all on one day": {func(s *shop) {
			for _, c := range s.people(5, "GB") {
				s.place(s.sale(c, "2026-03-02", 500), s.sale(c, "2026-03-02", 700))
			}
		}, "/insights/retention", "Nobody was a customer before"},
		"only in the future": {func(s *shop) { s.place(s.sale(s.people(1, "GB")[0], "2029-02-01", 500)) },
			"/insights", "One order is dated in the future"},
		"some in the future": {func(s *shop) {
			c := s.people(1, "GB")[0]
			s.place(s.sale(c, "2029-02-01", 500), s.sale(c, "2026-02-01", 500), s.sale(c, "2030-02-01", 500))
		}, "/insights", "2 orders are dated in the future"},
		"less than nothing": {func(s *shop) {
			sale := s.sale(s.people(1, "GB")[0], "2026-02-01", 500)
			sale.Discount = 900
			s.place(sale)
		}, "/insights/cohorts", "One order comes to less than nothing"},
		"free of charge": {func(s *shop) {
			sale := s.sale(s.people(1, "GB")[0], "2026-02-01", 500)
			sale.Discount = 500
			s.place(sale)
		}, "/insights/revenue", "£0"},
		"without a rate": {func(s *shop) {
			sale := s.sale(s.people(1, "GB")[0], "2026-02-01", 500)
			sale.Currency = "CZK"
			s.place(sale)
		}, "/insights/revenue", "in a currency without a rate"},
		"a hundred years apart": {func(s *shop) {
			c := s.people(1, "GB")[0]
			s.place(s.sale(c, "1901-02-01", 500), s.sale(c, "2026-02-01", 500))
		}, "/insights/cohorts?by=week", "latest 104 periods"},
		"only nobody": {func(s *shop) { s.place(s.sale(0, "2026-02-01", 500)) }, "/insights", "Nobody has bought yet"},
		"only a return": {func(s *shop) {
			sale := s.sale(s.people(1, "GB")[0], "2026-02-01", 500)
			sale.Return = true
			s.place(sale)
		}, "/insights/revenue", "Nobody has bought yet"},
	} {
		t.Run(name, func(t *testing.T) {
			s := withClock(t, testkit.NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
			odd.place(s)
			s.work()
			if p := s.look(odd.path); !strings.Contains(p.Text(), odd.says) {
				t.Errorf("%s does not say %q:\n%s", odd.path, odd.says, p.Text())
			}
			for _, path := range all {
				s.look(path)
			}
			for _, path := range paths[1:] {
				s.look(path + "/export")
			}
		})
	}
}

func TestAnOldResultIsShownAsSuchUntilTheNewOneIsThere(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		people := s.people(2, "GB")
		s.place(s.sale(people[0], "2026-02-01", 500))
		s.work()
		s.look("/insights").In("#freshness", page.HasText("from one order")).Not("#freshness [hx-get]")
		s.place(s.sale(people[1], "2026-02-02", 500))
		s.notice()
		s.look("/insights").In("#freshness", page.HasText("from one order. Orders have changed since")).In("#freshness [hx-get='/insights']")
		s.work()
		s.look("/insights", page.HTMX("freshness")).In("[hx-target='#figures'][hx-trigger=load]", page.HasText("from 2 orders")).Not(".stat")
		s.look("/insights", page.HTMX("figures")).In(".stat", page.HasText("Customers"), page.HasText("2")).Not("h1")
		s.clock.Advance(24 * time.Hour)
		page.Get(t, s, "/insights", page.As(s.token)).In("#freshness", page.HasText("1 day ago")).In("#freshness [hx-get]")
	})
}

// notice works what has come of the orders, but computes nothing.
func (s *shop) notice() {
	s.t.Helper()
	var some []jobs.Kind
	for _, k := range kinds(s.db) {
		if k.Name != "insights.compute" {
			some = append(some, k)
		}
	}
	for range 3 {
		if err := jobs.Drain(s.t.Context(), s.db, some); err != nil {
			s.t.Fatal(err)
		}
		s.clock.Advance(3 * time.Second)
	}
}

func TestANewFilterSaysHowFarItIsAndIsThenQuick(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.place(s.sale(s.people(1, "CZ")[0], "2026-02-01", 500), s.sale(s.people(1, "GB")[0], "2026-02-01", 500))
		s.work()
		path := "/insights?country=CZ"
		page.Get(t, s, path, page.As(s.token)).In("#computing progress").In("[hx-target='#figures'][hx-get='/insights?country=CZ']").Not(".stat")
		page.Get(t, s, path, page.As(s.token), page.HTMX("figures")).In("#computing progress")
		if n := s.count(`select count(*) from jobs where kind = 'insights.compute'`); n != 1 {
			t.Errorf("%d jobs for one filter", n)
		}
		s.work()
		page.Get(t, s, path, page.As(s.token)).In(".stat", page.HasText("Customers"), page.HasText("1")).Not("#computing")
		if n := s.count(`select count(*) from jobs where kind = 'insights.compute'`); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
	})
}

func (s *shop) count(query string) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestFiltersLeaveOrdersOfOneCountryChannelAndCategory(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		czech, british := s.people(1, "CZ")[0], s.people(2, "GB")
		mug, store := s.sale(british[0], "2026-02-03", 900), s.sale(british[1], "2026-02-04", 700)
		mug.Lines[0].Product = s.goods["mug"]
		store.Channel = "store"
		s.place(s.sale(czech, "2026-02-01", 500), s.sale(british[0], "2026-02-02", 600), mug, store, s.sale(0, "2026-02-05", 100))
		s.work()
		drinks := ""
		for _, v := range s.look("/insights").Texts("#field-category option") {
			drinks += v + " "
		}
		if drinks != "All Crockery Drinks " {
			t.Errorf("categories %q", drinks)
		}
		category := map[string]string{}
		cats, err := orders.Categories(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cats {
			category[c.Name] = c.ID.String()
		}
		for query, want := range map[string][2]string{
			"":                                  {"£27", "£1"},
			"?country=CZ":                       {"£5", ""},
			"?country=GB":                       {"£22", ""},
			"?channel=store":                    {"£7", ""},
			"?channel=online":                   {"£20", "£1"},
			"?category=" + category["Crockery"]: {"£9", ""},
			"?category=" + category["Drinks"]:   {"£18", "£1"},
			"?from=2026-02-02&to=2026-02-03":    {"£20", ""}, // the month up to the last day
		} {
			p := s.look("/insights/revenue" + query)
			p.In(".stat", page.HasText("New customers"), page.HasText(want[0]+" "))
			if want[1] == "" {
				if strings.Contains(p.Text(), "Not known") {
					t.Errorf("%s shows sales to people who are not known", query)
				}
			} else {
				p.In(".stat", page.HasText("Not known"), page.HasText(want[1]+" "))
			}
		}
	})
}

func TestEachGroupLeadsToTheListOfItsCustomers(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		var sales []orders.Sale
		for i, c := range s.people(60, "GB") {
			for k := range 1 + i%7 {
				day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -(i*7)%200-3*k)
				sales = append(sales, s.sale(c, day.Format(time.DateOnly), int64(100+i)))
			}
		}
		s.place(sales...)
		s.work()
		p := s.look("/insights/rfm")
		total := 0
		for _, where := range []string{"#rfm td a", "#groups tbody th a"} {
			links := 0
			for n := 1; ; n++ {
				href := attrOf(p, where, n-1)
				if href == "" {
					break
				}
				links++
				list := page.Get(t, s, href, page.As(s.token))
				count := strings.Fields(strings.Join(list.Texts(".list-total"), " "))
				want := p.Texts("#rfm td a")
				if where == "#rfm td a" {
					if len(count) == 0 || count[0] != want[n-1] {
						t.Errorf("%s shows %v, the map %s", href, count, want[n-1])
					}
					var c int
					fmt.Sscan(want[n-1], &c)
					total += c
				} else if row := p.Texts("#groups tbody tr:has(th a) td:nth-of-type(2)"); len(count) == 0 || count[0] != row[n-1] {
					t.Errorf("%s shows %v, the group %s", href, count, row[n-1])
				}
			}
			if links < 5 {
				t.Errorf("%d links of %s", links, where)
			}
		}
		if total != 60 {
			t.Errorf("the map leads to %d customers of 60", total)
		}
		s.look("/insights/rfm?channel=online").Not("#rfm td a").Not("#groups th a")
	})
}

// attrOf is the address of the n-th link that matches.
func attrOf(p *page.Page, selector string, n int) string {
	hrefs := hrefsOf(p, selector)
	if n >= len(hrefs) {
		return ""
	}
	return hrefs[n]
}

func TestTheFilesHoldWhatThePagesShow(t *testing.T) {
	each(t, "2026-03-10", func(t *testing.T, s *shop) {
		people := s.people(2, "GB")
		back := s.sale(people[1], "2026-02-20", 400)
		back.Return = true
		s.place(s.sale(people[0], "2026-01-01", 500), s.sale(people[0], "2026-02-01", 700), s.sale(people[1], "2026-01-03", 900), back, s.sale(0, "2026-02-02", 50))
		s.work()
		for path, want := range map[string]string{
			"/insights/revenue/export":                            "2026-02,7.00,0.00,1,0,1,0,0.50,1,0.00,4.00,1,3.50,no,GBP",
			"/insights/cohorts/export":                            "2026-01,2,2,1,0.5,0",
			"/insights/cohorts/export?show=revenue&as=number":     "2026-01,2,2,14.00,7.00,0.00",
			"/insights/cohorts/export?show=revenue&as=each&sum=1": "2026-01,2,2,7.00,10.50,10.50",
			"/insights/rhythm/export":                             "31,1,1",
			"/insights/retention/export?window=30":                "2026-02,2026-02-01,2026-02-28,30,1,0,1,1,0,0,no,no",
		} {
			s.look(strings.Replace(path, "/export", "", 1))
			body := strings.TrimPrefix(s.look(path).Body, "\ufeff")
			rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, row := range rows {
				found = found || strings.Join(row, ",") == want
			}
			if !found {
				t.Errorf("%s has no line %s:\n%s", path, want, body)
			}
		}
	})
}

func TestOrdersThatLeaveNoEventAreNoticed(t *testing.T) {
	each(t, "2026-03-10", func(t *testing.T, s *shop) {
		s.place(s.sale(s.people(1, "GB")[0], "2026-01-01", 500))
		s.work()
		s.place(s.sale(id.Customer(0), "2026-03-02", 50))
		s.look("/insights/revenue").In("#freshness [hx-get]")
		s.work()
		s.look("/insights/revenue").In(".stat", page.HasText("Not known")).Not("#freshness [hx-get]")
		testkit.Do(t, s.db, func(tx *store.Tx) error { return insights.Touch(t.Context(), tx) })
		s.notice()
		s.look("/insights/revenue").In("#freshness [hx-get]")
	})
}

func TestFiguresThatTakeLongAreLeftAloneForAWhile(t *testing.T) {
	each(t, "2026-03-10", func(t *testing.T, s *shop) {
		people := s.people(2, "GB")
		s.place(s.sale(people[0], "2026-01-01", 500))
		s.work()
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `update insights_results set took_ms = 3000`)
			return err
		})
		s.place(s.sale(people[1], "2026-02-01", 500))
		s.work()
		if n := s.count(`select count(*) from jobs where kind = 'insights.compute' and state = 'waiting'`); n != 1 {
			t.Fatalf("%d computations wait after a change", n)
		}
		s.look("/insights").In("#freshness", page.HasText("Orders have changed since"))
		s.work() // somebody has opened the page
		s.look("/insights").In("#freshness", page.HasText("from 2 orders")).Not("#freshness [hx-get]")
	})
}

func TestResultsAreNotKeptForEver(t *testing.T) {
	each(t, "2026-03-10", func(t *testing.T, s *shop) {
		s.place(s.sale(s.people(1, "GB")[0], "2026-03-01", 500))
		s.work()
		s.look("/insights?country=GB")
		s.clock.Advance(31 * 24 * time.Hour)
		s.ask(insights.Filter{Country: "CZ"})
		s.work()
		for filter, want := range map[string]int{"country=GB": 0, "country=CZ": 1, "by=month": 1} {
			if n := s.count(`select count(*) from insights_results where filter like '%` + filter + `'`); n != want {
				t.Errorf("%d results of %s, want %d", n, filter, want)
			}
		}
	})
}

func (s *shop) ask(f insights.Filter) {
	s.t.Helper()
	testkit.Do(s.t, s.db, func(tx *store.Tx) error { return insights.Ask(s.t.Context(), tx, f) })
}

func TestAskingAgainWhileFiguresAreComputedChangesNothing(t *testing.T) {
	each(t, "2026-03-10", func(t *testing.T, s *shop) {
		due := func() int { return s.count(`select due_at from jobs where kind = 'insights.compute'`) }
		s.ask(insights.Standing)
		asked, first := s.count(`select asked_at from insights_runs`), due()
		s.clock.Advance(time.Minute)
		s.ask(insights.Standing)
		if s.count(`select asked_at from insights_runs`) != asked || due() != first {
			t.Error("asked for twice")
		}
		s.clock.Advance(20 * time.Minute) // whoever computed it is gone
		s.ask(insights.Standing)
		if s.count(`select asked_at from insights_runs`) == asked {
			t.Error("lost figures are never asked for again")
		}
	})
}

func TestEveryPageIsShownByATest(t *testing.T) {
	s := withClock(t, testkit.NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
	if err := s.CheckPages(); err != nil {
		t.Error(err)
	}
	for _, path := range paths {
		s.look(path)
	}
	for _, unseen := range s.Unseen() {
		if strings.HasPrefix(unseen, "insights/") {
			t.Errorf("%s was shown by no test", unseen)
		}
	}
}
