package scores_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var tables = slices.Concat(customers.Tables, orders.Tables, facts.Tables, scores.Tables)

// work works all jobs that are due within the next minute.
func work(t testing.TB, db *store.DB, clock *testkit.Clock) {
	t.Helper()
	kinds := slices.Concat(timeline.Jobs(db, []timeline.Subscription{facts.Subscription, scores.Subscription}),
		customers.Jobs(db), orders.Jobs(db), facts.Jobs(db), scores.Jobs(db))
	for range 2 {
		if err := jobs.Drain(context.Background(), db, kinds); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
}

func people(t testing.TB, db *store.DB, n int) []id.Customer {
	t.Helper()
	var cs []id.Customer
	testkit.Do(t, db, func(tx *store.Tx) error {
		for i := range n {
			c, err := customers.Create(t.Context(), tx, customers.Profile{Name: fmt.Sprint("Person ", i), Source: "test", History: true})
			if err != nil {
				return err
			}
			cs = append(cs, c)
		}
		return nil
	})
	return cs
}

var number int

// sale is one of an amount, so many days before the clock's start.
func sale(c id.Customer, before int, minor int64) orders.Sale {
	number++
	return orders.Sale{Customer: c, Number: fmt.Sprint(number), Source: "test", History: true, At: testkit.Start.AddDate(0, 0, -before),
		Lines: []orders.Line{{Quantity: 1000, Price: minor, Scale: 2, Total: minor}}}
}

func place(t testing.TB, db *store.DB, sales ...orders.Sale) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		ids, err := orders.EnsureProducts(t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Tea"}})
		if err != nil {
			return err
		}
		for _, s := range sales {
			s.Lines[0].Product = ids["tea"]
		}
		_, err = orders.PlaceMany(t.Context(), tx, sales)
		return err
	})
}

func sell(t testing.TB, db *store.DB, c id.Customer, before int, minor int64) {
	t.Helper()
	place(t, db, sale(c, before, minor))
}

// shop gives each customer visits at their own pace, some of whom stop.
func shop(t testing.TB, db *store.DB, r *rand.Rand, cs []id.Customer) {
	t.Helper()
	var all []orders.Sale
	for _, c := range cs {
		rate, stop := 1/(10+r.ExpFloat64()*60), 0.05+r.Float64()*0.3
		spend := 500 + r.ExpFloat64()*3000
		for day := 20 + r.IntN(500); day >= 0; {
			sell(t, db, c, day, int64(spend*(0.6+0.8*r.Float64())))
			if r.Float64() < stop {
				break
			}
			day -= 1 + int(r.ExpFloat64()/rate)
		}
	}
	place(t, db, all...)
}

func of(t testing.TB, db *store.DB, c id.Customer) scores.Score {
	t.Helper()
	s, ok, err := scores.Of(t.Context(), db, c)
	if err != nil || !ok {
		t.Fatalf("the score of %s: %v, %v", c, ok, err)
	}
	return s
}

func rebuilt(t testing.TB, db *store.DB) scores.Rebuilt {
	t.Helper()
	done, err := scores.Rebuild(t.Context(), db, func(d scores.Difference) {
		t.Errorf("%s is stored as\n%+v but comes to\n%+v", d.Customer, d.Stored, d.Reckoned)
	})
	if err != nil || done.Differences != 0 {
		t.Fatalf("rebuilding found %+v, %v", done, err)
	}
	return done
}

func TestScoresAreWhatTheModelsSayOfTheCustomersOwnPurchases(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 40)
		shop(t, db, rand.New(rand.NewPCG(1, 2)), cs)
		work(t, db, clock)
		h := history(t, db)
		today := retention.Day(2026, 3, 2)
		buying, how, err := retention.FitBGNBD(retention.BuyersOf(h, today))
		spending, _, err2 := retention.FitGammaGamma(retention.SpendersOf(h, today, true))
		rhythm, _, err3 := retention.FitRhythm(retention.PacesOf(h, today))
		limits, ok := retention.StandingsOf(h, today).Fifths()
		if err != nil || err2 != nil || err3 != nil || !ok {
			t.Fatal(err, err2, err3, ok)
		}
		models, err := scores.Models(t.Context(), db)
		if err != nil || len(models) != 4 || models[0].Kind != scores.Buying || models[0].LogLikelihood != how.LogLikelihood || models[0].Buyers != 40 {
			t.Fatalf("the models are %+v, %v", models, err)
		}
		var late int
		for i, c := range h.ID {
			s := of(t, db, id.Customer(c))
			x, last, age, _ := retention.Visits(h.Days(i), today)
			X, L, T := float64(x), float64(last), float64(age)
			stood, _ := retention.StandingOf(h.Days(i), h.Amounts(i), today)
			purchases := rhythm.Return(X, L, T, 365) * buying.Expected(X, L, T, 365) / buying.Return(X, L, T, 365)
			value := purchases * spending.Spend(X+1, float64(stood.RevenueMinor)/(X+1))
			for what, pair := range map[string][2]float64{
				"alive": {s.Alive, rhythm.Alive(X, L, T)}, "return": {s.Return, rhythm.Return(X, L, T, 365)},
				"purchases": {s.Purchases, purchases}, "late": {s.LateChance, rhythm.Late(X, L, T)},
			} {
				if math.Abs(pair[0]-pair[1]) > 1e-9 || math.IsNaN(pair[0]) {
					t.Errorf("customer %d: %s is stored as %v, not %v", i, what, pair[0], pair[1])
				}
			}
			if math.Abs(float64(s.Value)-value) > 0.5001 || math.Abs(float64(s.Worth)-value/s.Alive) > 0.5001 || s.Visits != int64(x)+1 || s.Spend != stood.RevenueMinor {
				t.Errorf("customer %d: value %d, worth %d, visits %d, spend %d; should be %v, %v", i, s.Value, s.Worth, s.Visits, s.Spend, value, stood)
			}
			due, _ := time.Parse(time.DateOnly, s.LastDay)
			if want := due.AddDate(0, 0, int(math.Ceil(rhythm.Due(X, L, 0.5)))).Format(time.DateOnly); s.DueDay != want {
				t.Errorf("customer %d: due %q, not %q", i, s.DueDay, want)
			}
			if score := limits.Score(stood); int64(score.R) != s.R || int64(score.F) != s.F || int64(score.M) != s.M || s.Group != score.Group().String() {
				t.Errorf("customer %d: RFM %d %d %d %s, not %+v", i, s.R, s.F, s.M, s.Group, score)
			}
			if s.Late != (s.LateChance < 0.1) || s.AsOfDay != "2026-03-02" {
				t.Errorf("customer %d: %+v", i, s)
			}
			if s.Late {
				late++
			}
			outlook := buying.Outlook(X, T, T, 365)
			some := rhythm.Return(X, L, T, 365) / (1 - outlook[0])
			for k := range outlook {
				outlook[k] *= some
			}
			outlook[0] = 1 - rhythm.Return(X, L, T, 365)
			mean, from, to := spending.Value(outlook, X+1, float64(stood.RevenueMinor)/(X+1), scores.Share)
			low, high, ok, err := scores.Interval(t.Context(), db, s)
			if err != nil || !ok || math.Abs(float64(low)-from) > 0.5001 || math.Abs(float64(high)-to) > 0.5001 || math.Abs(mean-value) > 1e-6*value {
				t.Errorf("customer %d: expects %v within %d to %d, not %v within %v to %v; %v, %v", i, value, low, high, mean, from, to, ok, err)
			}
		}
		if len(h.ID) != 40 || late == 0 || late == 40 {
			t.Fatalf("%d customers, %d late", len(h.ID), late)
		}
		if n := rebuilt(t, db).Customers; n != 40 {
			t.Fatalf("rebuilt %d customers", n)
		}
	})
}

// history is what was bought, read from the orders.
func history(t testing.TB, db *store.DB) *retention.History {
	t.Helper()
	rows, err := db.Query(t.Context(), `select customer_id, placed_day, base_minor from orders where purchase`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var in retention.Orders
	for rows.Next() {
		var c, minor int64
		var day string
		if err := rows.Scan(&c, &day, &minor); err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.DateOnly, day)
		in.Add(c, int32(at.Unix()/86400), minor)
	}
	h, _, err := retention.Build(in, retention.Rules{FreeOrders: true})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAnyHistoryEndsInScoresThatARebuildDoesNotChange(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 9))
			cs := people(t, db, 3+r.IntN(30))
			shop(t, db, r, cs)
			work(t, db, clock)
			rebuilt(t, db)
			for range 25 {
				c := cs[r.IntN(len(cs))]
				by := customers.By{Source: "staff"}
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					switch r.IntN(5) {
					case 0:
						_, err := customers.MergeInto(t.Context(), tx, tables, c, cs[r.IntN(len(cs))], by)
						return err
					case 1:
						joins, err := customers.Merges(t.Context(), tx, c)
						if err == nil && len(joins) > 0 {
							_, err = customers.UndoMerge(t.Context(), tx, tables, c, joins[0].ID, by)
						}
						return err
					case 2:
						placed, err := orders.Of(t.Context(), tx, c, 5)
						if err == nil && len(placed) > 0 {
							err = orders.Cancel(t.Context(), tx, c, placed[r.IntN(len(placed))].ID, "late", "", by)
						}
						return err
					case 3:
						if r.IntN(4) == 0 {
							return customers.EraseForGood(t.Context(), tx, tables, c, by)
						}
					}
					return nil
				})
				_ = err // refused when it makes no sense, which is as good
				if living, err := customers.ByID(t.Context(), db, c); err == nil && living.MergedInto == 0 && living.ErasedAt.IsZero() && r.IntN(2) == 0 {
					sell(t, db, c, r.IntN(300)-1, int64(r.IntN(5000)))
				}
				switch r.IntN(6) {
				case 0:
					work(t, db, clock)
				case 1:
					clock.Advance(time.Duration(r.IntN(30)) * time.Hour)
				}
			}
			work(t, db, clock)
			if _, err := scores.Refresh(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			rebuilt(t, db)
			only(t, db)
			again, err := scores.Refresh(t.Context(), db)
			if err != nil || again.Changed != 0 {
				t.Fatalf("refreshed again: %+v, %v", again, err)
			}
		}
	})
}

// only checks that nobody has a score who is gone, and that none is not a
// number.
func only(t testing.TB, db *store.DB) {
	t.Helper()
	var strangers, odd int64
	err := db.QueryRow(t.Context(), `
		select count(*) filter (where c.customer_id is null or c.merged_into is not null or c.erased_at is not null),
			count(*) filter (where s.alive < 0 or s.alive > 1 or s.return_chance > 1 or s.late_chance < 0 or s.expected_value_minor < 0)
		from customer_scores s left join customers c on c.customer_id = s.customer_id`).Scan(&strangers, &odd)
	if err != nil || strangers > 0 || odd > 0 {
		t.Fatalf("%d scores of nobody, %d that cannot be, %v", strangers, odd, err)
	}
}

func TestAScoreThatIsWrongIsFoundAndMended(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 30)
		shop(t, db, rand.New(rand.NewPCG(5, 5)), cs)
		work(t, db, clock)
		right := of(t, db, cs[3])
		for _, spoil := range []string{
			`update customer_scores set alive = alive + 0.00000001 where customer_id = $1`,
			`update customer_scores set worth_minor = worth_minor + 1 where customer_id = $1`,
			`update customer_scores set due_day = null where customer_id = $1`,
			`update customer_scores set rfm_group = 'loyal', model_id = 1 where customer_id = $1`,
			`delete from customer_scores where customer_id = $1`,
		} {
			testkit.Do(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), spoil, int64(cs[3]))
				return err
			})
			var found []scores.Difference
			done, err := scores.Rebuild(t.Context(), db, func(d scores.Difference) { found = append(found, d) })
			if err != nil || done.Differences != 1 || len(found) != 1 || found[0].Customer != cs[3] {
				t.Fatalf("%s: found %+v, %v", spoil, found, err)
			}
			if now := of(t, db, cs[3]); now != right {
				t.Fatalf("%s: mended to\n%+v, not\n%+v", spoil, now, right)
			}
		}
		rebuilt(t, db)
	})
}

func TestThoseWhoSlipAwayAndThoseWhoAreDueAreListedInPages(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 90)
		shop(t, db, rand.New(rand.NewPCG(4, 4)), cs)
		work(t, db, clock)
		var slipping, due, seen int
		var worth int64
		for _, c := range cs {
			s := of(t, db, c)
			if s.Late && s.Visits >= 2 && s.Alive >= scores.GoneBelow {
				slipping++
				worth += s.Worth
			}
			if s.DueDay >= "2026-03-02" && s.DueDay <= "2026-04-30" {
				due++
			}
		}
		var at scores.SlippingCursor
		for {
			some, err := scores.Slipping(t.Context(), db, 2, at)
			if err != nil {
				t.Fatal(err)
			}
			if len(some) == 0 {
				break
			}
			for _, l := range some {
				if at.Customer != 0 && l.Worth > at.Worth || l.Name == "" || !l.Late {
					t.Fatalf("%+v comes after one worth %d", l, at.Worth)
				}
				at = scores.SlippingCursor{Worth: l.Worth, Customer: l.Customer}
				seen++
			}
		}
		n, stake, err := scores.AtStake(t.Context(), db)
		if err != nil || seen != slipping || slipping == 0 || n != int64(slipping) || stake != worth {
			t.Fatalf("%d of %d slip away in the list; at stake are %d of %d customers, %d of %d; %v", seen, slipping, n, slipping, stake, worth, err)
		}
		seen = 0
		var from scores.DueCursor
		for {
			some, err := scores.Due(t.Context(), db, "2026-03-02", "2026-04-30", 3, from)
			if err != nil {
				t.Fatal(err)
			}
			if len(some) == 0 {
				break
			}
			for _, l := range some {
				if l.DueDay < from.Day || l.DueDay < "2026-03-02" || l.DueDay > "2026-04-30" {
					t.Fatalf("%+v comes after %+v", l, from)
				}
				from = scores.DueCursor{Day: l.DueDay, Customer: l.Customer}
				seen++
			}
		}
		if seen != due || due == 0 {
			t.Fatalf("%d of %d are listed as due", seen, due)
		}
	})
}
