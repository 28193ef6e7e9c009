package insights_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// pays tells that a customer pays so many pence a month from a day on; below
// zero: they pause, and 0: they leave.
func (s *shop) pays(c id.Customer, name, day string, pence int64, currency money.Currency) {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		s.t.Fatal(err)
	}
	n := orders.SubscriptionNews{Customer: c, Source: "test", External: name, At: at.Add(10 * time.Hour), History: true,
		Terms: orders.Terms{Plan: "Box", Status: orders.Active, Amount: pence, Currency: currency, Unit: "month", Every: 1, Quantity: 1}}
	switch {
	case pence < 0:
		n.Status, n.Amount = orders.Paused, -pence
	case pence == 0:
		n.Status, n.Amount = orders.Ended, 100
	}
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		_, err := orders.Subscribe(s.t.Context(), tx, n)
		return err
	})
}

func TestContractsAreKeptAsTheyAreCounted(t *testing.T) {
	each(t, "2026-03-31", func(t *testing.T, s *shop) {
		s.look("/insights/retention").Not("#contracts-part")
		p := s.people(9, "GB")
		in := func(c int, name, day string, pence int64) { s.t.Helper(); s.pays(p[c], name, day, pence, "GBP") }
		in(0, "stays", "2026-01-10", 1000)
		in(1, "less", "2026-01-10", 2000)
		in(1, "less", "2026-03-10", 1500)
		in(2, "more", "2026-01-10", 3000)
		in(2, "more", "2026-03-31", 4500)
		in(3, "leaves", "2026-01-10", 4000)
		in(3, "leaves", "2026-03-20", 0)
		in(4, "pauses", "2026-01-10", 1200)
		in(4, "pauses", "2026-03-15", -1200)
		in(5, "new", "2026-03-01", 900)
		in(6, "one of two", "2026-01-10", 500)
		in(6, "two of two", "2026-01-10", 500)
		in(6, "two of two", "2026-03-02", 0)
		in(7, "gone before", "2026-01-10", 7700)
		in(7, "gone before", "2026-02-28", 0)
		s.pays(p[8], "koruna", "2026-01-10", 100000, "CZK")
		s.look("/insights/retention?from=2026-03-01&to=2026-03-31")
		s.work()
		// Start: 10 + 20 + 30 + 40 + 12 + 5 + 5 = 122; lost 40 + 12; less 5 + 5; more 15.
		s.look("/insights/retention?from=2026-03-01&to=2026-03-31").
			In("#contracts-rates .stat", page.HasText("Customers kept"), page.HasText("66.7%"), page.HasText("4 of 6")).
			In("#contracts-rates .stat", page.HasText("gross"), page.HasText("49.2%"), page.HasText("£60 of £122")).
			In("#contracts-rates .stat", page.HasText("net"), page.HasText("61.5%"), page.HasText("£75 of £122")).
			In("#contracts-rates .stat", page.HasText("£84"), page.HasText("by 5 customers")).
			In("#contracts-terms tr", page.HasText("of those lost, paused"), page.HasText("1")).
			In("#contracts-terms tr", page.HasText("Paid by new customers"), page.HasText("£9")).
			In(".alert-warn", page.HasText("One customer is left out")).
			In("#renewing", page.HasText("10 subscriptions by the month, of which 3 have ended")).
			Count("#contracts-table tbody tr", 1)
		s.look("/insights/retention")
		s.work()
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.look("/insights/retention/contracts/export").Body, "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rows = rows[1:]
		if len(rows) != 3 || rows[0][0] != "2026-01" || strings.Join(rows[2][:12], " ") != "2026-03 2026-03-01 2026-03-31 6 2 1 1 122.00 52.00 10.00 15.00 9.00" {
			t.Errorf("the file has %q", rows)
		}
		if strings.Join(rows[1][3:12], " ") != "7 1 0 0 199.00 77.00 0.00 0.00 0.00" {
			t.Errorf("February is %q", rows[1])
		}
		s.look("/insights/retention?channel=online").In("#contracts-says", page.HasText("no channel and no category"))
		s.look("/insights/retention?country=FR")
		s.work()
		s.look("/insights/retention?country=FR").In("#contracts-says", page.HasText("Nobody paid under contract"))

		// With a rate they are counted: the same rate at both ends, so it is no growth.
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			return orders.SetRates(t.Context(), tx, []orders.Rate{{Currency: "CZK", Day: "2026-02-27", Rate: 34_000_000, Source: "staff"}, {Currency: "CZK", Day: "2026-03-31", Rate: 40_000_000, Source: "staff"}})
		})
		s.pays(p[0], "stays", "2026-03-31", 1000, "GBP")
		s.pays(p[0], "stays too", "2026-03-31", 100, "GBP")
		s.work()
		s.look("/insights/retention?from=2026-03-01&to=2026-03-31")
		s.work()
		s.look("/insights/retention?from=2026-03-01&to=2026-03-31").
			In("#contracts-rates .stat", page.HasText("71.4%"), page.HasText("5 of 7")).
			In("#contracts-rates .stat", page.HasText("£100 of £162"))
	})
}

func TestOfContractsWhatFollowedIsNotKnownBefore(t *testing.T) {
	clock := testkit.NewClock(time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	s := withClock(t, clock)
	for i, c := range s.people(20, "GB") {
		name := fmt.Sprint(i)
		s.pays(c, name, "2025-06-10", 1000, "GBP")
		if i < 4 {
			s.pays(c, name, []string{"2025-07-10", "2025-08-10", "2025-09-10", "2025-12-10"}[i], 0, "GBP")
		}
	}
	renewing := func(where string) map[string]any {
		t.Helper()
		clock.Advance(time.Minute)
		s.work() // the data has another version
		s.look("/insights/retention" + where)
		s.work()
		return s.json("contracts")["renewing"].(map[string]any)
	}
	was := renewing("?to=2026-01-31")
	if was["contracts"] != 20.0 || was["ended"] != 4.0 || was["due"] != 16.0*12 {
		t.Fatalf("it is %v", was)
	}
	dearer, free := s.people(2, "GB"), s.people(1, "GB")[0]
	for i, c := range dearer {
		s.pays(c, fmt.Sprint("later ", i), "2026-02-01", 9900, "GBP")
	}
	testkit.Do(t, s.db, func(tx *store.Tx) error {
		for i, n := range []orders.SubscriptionNews{
			{External: "5", Terms: orders.Terms{Amount: 4000, Unit: "year"}},                                                          // changed
			{External: "6", Terms: orders.Terms{Amount: 1000, Unit: "month", CancelAt: time.Date(2026, 6, 10, 9, 0, 0, 0, time.UTC)}}, // notice given
			{External: "7", Terms: orders.Terms{Amount: 1000, Unit: "month", Status: orders.Ended}},
		} {
			n.Source, n.At, n.History = "test", time.Date(2026, 2, 20+i, 9, 0, 0, 0, time.UTC), true
			n.Plan, n.Currency, n.Every, n.Quantity = "Box", "GBP", 1, 1
			if n.Status == "" {
				n.Status = orders.Active
			}
			if _, err := orders.Subscribe(t.Context(), tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if is := renewing("?to=2026-01-31"); fmt.Sprint(is) != fmt.Sprint(was) {
		t.Errorf("in January it was\n%v\nand by what happened in February it was\n%v", was, is)
	}
	now := renewing("")
	// Of those by the month 4 and the seventh ended, the fifth is by the year, two are new, and of the sixth two renewals
	// come before its end: in April and in May.
	if now["contracts"] != 21.0 || now["ended"] != 5.0 || now["others"] != 1.0 || now["due"] != 15.0*12+2 {
		t.Errorf("now it is %v", now)
	}

	// Who pays nothing for a while has not left.
	s.pays(free, "free", "2025-06-10", 1000, "GBP")
	testkit.Do(t, s.db, func(tx *store.Tx) error {
		n := orders.SubscriptionNews{Source: "test", External: "free", At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), History: true,
			Terms: orders.Terms{Plan: "Box", Status: orders.Active, Currency: "GBP", Unit: "month", Every: 1, Quantity: 1}}
		_, err := orders.Subscribe(t.Context(), tx, n)
		return err
	})
	if now = renewing(""); now["contracts"] != 22.0 || now["ended"] != 5.0 {
		t.Errorf("with one for nothing it is %v", now)
	}
}

func TestWhatIsCorrectedToNothingHavingHappenedIsCountedAnew(t *testing.T) {
	clock := testkit.NewClock(time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	s := withClock(t, clock)
	c := s.people(1, "GB")[0]
	s.pays(c, "box", "2026-01-10", 9000, "GBP")
	s.pays(c, "box", "2026-03-10", 1000, "GBP")
	paid := func() any {
		clock.Advance(time.Minute)
		s.work()
		s.look("/insights/retention")
		s.work()
		return s.json("contracts")["monthly_minor"]
	}
	if n := paid(); n != 1000.0 {
		t.Fatalf("%v is paid", n)
	}
	s.pays(c, "box", "2026-03-10", 9000, "GBP")
	if n := paid(); n != 9000.0 {
		t.Errorf("it never became less, and %v is paid", n)
	}
}

// TestRenewalsToExpectAreThoseOfTheModelThatMadeThem makes contracts by the
// model, and looks whether the page expects what the model would.
func TestRenewalsToExpectAreThoseOfTheModelThatMadeThem(t *testing.T) {
	s := withClock(t, testkit.NewClock(time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)))
	r := rand.New(rand.NewPCG(3, 9))
	const alpha, beta = 2.0, 6.0
	people := s.people(1500, "GB")
	testkit.Do(t, s.db, func(tx *store.Tx) error {
		for i, c := range people {
			began := time.Date(2024, time.Month(4+i%22), 10, 9, 0, 0, 0, time.UTC)
			n := orders.SubscriptionNews{Customer: c, Source: "test", External: fmt.Sprint(i), At: began, History: true,
				Terms: orders.Terms{Plan: "Box", Status: orders.Active, Amount: 1000, Currency: "GBP", Unit: "month", Every: 1, Quantity: 1}}
			if _, err := orders.Subscribe(t.Context(), tx, n); err != nil {
				return err
			}
			leave := gammaOf(r, alpha)
			leave /= leave + gammaOf(r, beta)
			for at := began.AddDate(0, 1, 0); at.Before(tx.Now); at = at.AddDate(0, 1, 0) {
				if r.Float64() < leave {
					n.At, n.Status = at, orders.Ended
					if _, err := orders.Subscribe(t.Context(), tx, n); err != nil {
						return err
					}
					break
				}
			}
		}
		return nil
	})
	s.look("/insights/retention")
	s.work()
	key := s.json("contracts")
	x := key["renewing"].(map[string]any)
	model := x["model"].(map[string]any)
	a, b := model["alpha"].(float64), model["beta"].(float64)
	if math.Abs(a/(a+b)-alpha/(alpha+beta)) > 0.03 || a < 1.2 || a > 3.5 {
		t.Errorf("the model is %v and %v, and they were made by %v and %v", a, b, alpha, beta)
	}
	// The chance of the next renewal of who was renewed t times is (β+t)/(α+β+t).
	for _, row := range x["ages"].([]any) {
		row := row.(map[string]any)
		if row["running"].(float64) == 0 {
			continue
		}
		from := row["from"].(float64)
		if next, least := row["next"].(float64), (beta+from)/(alpha+beta+from); next < least-0.05 || next > 1 {
			t.Errorf("after %v renewals the next one is expected at %v, and the model says %v", from, next, least)
		}
	}
	s.look("/insights/retention").In("#contracts-part").In(".stat", page.HasText("Renewals to expect within a year")).Not("#contracts-says")
}

// gammaOf draws from the gamma distribution of a whole shape.
func gammaOf(r *rand.Rand, shape float64) (sum float64) {
	for range int(shape) {
		sum += r.ExpFloat64()
	}
	return sum
}

// json is what was kept as the answer to a question.
func (s *shop) json(question string) map[string]any {
	s.t.Helper()
	var body string
	if err := s.db.QueryRow(s.t.Context(), `select body from insights_results where question = $1 order by computed_at desc limit 1`, question).Scan(&body); err != nil {
		s.t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}
