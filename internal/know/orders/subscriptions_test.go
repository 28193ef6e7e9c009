package orders

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var box = Terms{Plan: "Coffee box", Status: Active, Amount: 2400, Currency: "EUR", Unit: "month", Every: 1, Quantity: 1}

// onDay is noon of a day after day1.
func onDay(n int) time.Time { return day1.AddDate(0, 0, n) }

func subscribe(t testing.TB, db *store.DB, c id.Customer, external string, at time.Time, change func(*Terms)) id.Subscription {
	t.Helper()
	n := SubscriptionNews{Customer: c, Source: "shop", External: external, At: at, Terms: box}
	if change != nil {
		change(&n.Terms)
	}
	var s id.Subscription
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		s, err = Subscribe(context.Background(), tx, n)
		return err
	})
	return s
}

// standing is all that is known of a customer's subscription, as text.
func standing(t testing.TB, db *store.DB, c id.Customer, s id.Subscription) string {
	t.Helper()
	var b strings.Builder
	now, err := SubscriptionByID(t.Context(), db, c, s)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "is %s from %s, %d a month, told %s\n", now.Terms.text(), now.StartedAt, now.Monthly, now.ToldAt)
	all, err := StatesOf(t.Context(), db, c, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		fmt.Fprintf(&b, "%s to %s, implied %t, %d a month: %s\n", v.Since, v.Until, v.Implied, v.Monthly, v.Terms.text())
	}
	events, err := timeline.Of(t.Context(), db, c, int64(s))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.OccurredAt, e.Kind, plainJSON(e.Payload)))
	}
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintln(&b, lines[i])
	}
	return b.String()
}

// life is what a source tells of a subscription in a year, in order.
var life = []struct {
	day    int
	change func(*Terms)
}{
	{0, func(t *Terms) { t.Status, t.TrialEnd = Trialing, onDay(14) }},
	{14, func(t *Terms) { t.TrialEnd = onDay(14) }},
	{14, func(t *Terms) { t.TrialEnd, t.Plan = onDay(14), "Coffee box, of the same second" }},
	{45, func(t *Terms) { t.Amount, t.Quantity = 4800, 2 }},
	{76, func(t *Terms) { t.Amount, t.Quantity, t.Status = 4800, 2, PastDue }},
	{80, func(t *Terms) { t.Amount, t.Quantity = 4800, 2 }},
	{90, func(t *Terms) { t.Amount, t.Quantity, t.CancelAt, t.Reason = 4800, 2, onDay(120), "unused" }},
	{95, func(t *Terms) { t.Amount, t.Quantity = 4800, 2 }},
	{130, func(t *Terms) { t.Status = Paused }},
	{200, func(t *Terms) { t.Plan, t.Amount, t.Unit = "Coffee year", 24000, "year" }},
	{230, func(t *Terms) { t.Plan, t.Amount, t.Unit = "Coffee year", 24000, "year" }},
	{300, func(t *Terms) {
		t.Plan, t.Amount, t.Unit, t.Status, t.EndedAt, t.Reason, t.Note = "Coffee year", 24000, "year", Ended, onDay(299), "too_expensive", "my cat does not like it"
	}},
}

func TestLateRepeatedAndShuffledNewsOfASubscriptionEndTheSame(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		want := ""
		for seed := range 12 {
			c := person(t, db, 100+seed)
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			way := r.Perm(len(life))
			if seed == 0 {
				for i := range way {
					way[i] = i
				}
			}
			var s id.Subscription
			for _, i := range append(way, way[r.IntN(len(way))], way[r.IntN(len(way))]) {
				s = subscribe(t, db, c, fmt.Sprintf("sub_%d", seed), onDay(life[i].day), life[i].change)
			}
			got := standing(t, db, c, s)
			if seed == 0 {
				want = got
			}
			if got != want {
				t.Fatalf("told in the order %v it stands as\n%s\nand not as\n%s", way, got, want)
			}
		}
		for _, line := range []string{
			"subscription.started", "subscription.changed", "subscription.notice_given", "subscription.notice_withdrawn", "subscription.paused",
			"subscription.resumed", "subscription.cancelled", `"reason":"too_expensive"`,
		} {
			if !strings.Contains(want, line) {
				t.Errorf("nothing tells of %s:\n%s", line, want)
			}
		}
		if n := strings.Count(want, "subscription."); n != 10 {
			t.Errorf("there are %d events:\n%s", n, want)
		}
		if strings.Contains(want[strings.Index(want, "subscription.started"):], "cat") {
			t.Error("an event tells what somebody said")
		}
	})
}

func TestWhatWasBeforeTheFirstNewsIsTakenAsTheSame(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, 1)
		paid := func(s id.Subscription, day int) (n int64) {
			t.Helper()
			at := onDay(day).UnixMicro()
			if err := db.QueryRow(t.Context(), `select cast(coalesce(sum(monthly_minor), 0) as bigint) from subscription_states where customer_id = $1
				and subscription_id = $2 and since_at <= $3 and (until_at is null or until_at > $3)`, int64(c), int64(s), at).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		over := subscribe(t, db, c, "over", onDay(290), func(v *Terms) {
			v.StartedAt, v.TrialEnd, v.Status, v.EndedAt = onDay(0), onDay(30), Ended, onDay(280)
		})
		runs := subscribe(t, db, c, "runs", onDay(290), func(v *Terms) { v.StartedAt = onDay(10) })
		for _, k := range []struct {
			s    id.Subscription
			day  int
			want int64
		}{{over, -1, 0}, {over, 5, 0}, {over, 30, 2400}, {over, 279, 2400}, {over, 280, 0}, {over, 500, 0},
			{runs, 9, 0}, {runs, 10, 2400}, {runs, 289, 2400}, {runs, 291, 2400}} {
			if got := paid(k.s, k.day); got != k.want {
				t.Errorf("of %v on day %d %d were paid, not %d", k.s, k.day, got, k.want)
			}
		}
		// An account of an earlier time takes the place of what was only implied.
		subscribe(t, db, c, "runs", onDay(200), func(v *Terms) { v.StartedAt, v.Amount = onDay(10), 1200 })
		if a, b := paid(runs, 100), paid(runs, 291); a != 1200 || b != 2400 {
			t.Errorf("told late of an earlier price, %d and %d are paid", a, b)
		}
	})
}

func TestASubscriptionToldAgainNowChangesNothing(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		c := person(t, db, 1)
		s := subscribe(t, db, c, "a", time.Time{}, nil)
		was := standing(t, db, c, s)
		clock.Advance(24 * time.Hour)
		subscribe(t, db, c, "a", time.Time{}, nil)
		if now := standing(t, db, c, s); now != was {
			t.Errorf("it stood as\n%s\nand stands as\n%s", was, now)
		}
		subscribe(t, db, c, "a", time.Time{}, func(v *Terms) { v.Amount = 3000 })
		now, err := SubscriptionByID(t.Context(), db, c, s)
		if err != nil || now.Monthly != 3000 || !now.StartedAt.Equal(clock.Now().Add(-24*time.Hour)) {
			t.Errorf("it stands as %+v, %v", now, err)
		}
	})
}

func TestAMonthOfEachPeriod(t *testing.T) {
	for _, k := range []struct {
		unit   string
		every  int64
		amount int64
		month  int64
	}{{"month", 1, 2400, 2400}, {"month", 3, 6600, 2200}, {"year", 1, 10000, 833}, {"year", 2, 24000, 1000}, {"week", 1, 700, 3044},
		{"week", 2, 700, 1522}, {"day", 1, 100, 3044}, {"day", 30, 3000, 3044}, {"month", 3, 100, 33}, {"month", 1, 0, 0}} {
		v := box
		v.Unit, v.Every, v.Amount = k.unit, k.every, k.amount
		if got := v.PerMonth(); got != k.month {
			t.Errorf("%d every %d %s is %d a month, not %d", k.amount, k.every, k.unit, got, k.month)
		}
	}
	for status, due := range map[string]bool{Trialing: false, Active: true, PastDue: true, Paused: false, Ended: false} {
		v := box
		v.Status = status
		if (v.PerMonth() > 0) != due {
			t.Errorf("%s pays %d a month", status, v.PerMonth())
		}
	}
}

func TestASubscriptionIsOneBySourceAndID(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b := person(t, db, 1), person(t, db, 2)
		first := subscribe(t, db, a, "sub_1", onDay(0), nil)
		if again := subscribe(t, db, b, "sub_1", onDay(1), nil); again != first {
			t.Errorf("it became another one")
		}
		if s, err := FindSubscription(t.Context(), db, "shop", "sub_1"); err != nil || s.Customer != a || s.ID != first {
			t.Errorf("it is %+v, %v", s, err)
		}
		if _, err := FindSubscription(t.Context(), db, "shop", "sub_2"); !errs.Is(err, errs.NotFound) {
			t.Errorf("what nobody told of is found: %v", err)
		}
		for what, change := range map[string]func(*SubscriptionNews){
			"status": func(n *SubscriptionNews) { n.Status = "on" }, "currency": func(n *SubscriptionNews) { n.Currency = "eur" },
			"interval": func(n *SubscriptionNews) { n.Every = 0 }, "amount": func(n *SubscriptionNews) { n.Amount = -1 },
			"external": func(n *SubscriptionNews) { n.External = " " }, "customer": func(n *SubscriptionNews) { n.Customer = 0 },
			"started_at": func(n *SubscriptionNews) { n.StartedAt = onDay(9) }, "at": func(n *SubscriptionNews) { n.At = time.Now().AddDate(90, 0, 0) },
		} {
			n := SubscriptionNews{Customer: a, Source: "shop", External: "new", At: onDay(0), Terms: box}
			change(&n)
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := Subscribe(t.Context(), tx, n)
				return err
			})
			if errs.FieldOf(err) != what {
				t.Errorf("a wrong %s is refused as %v", what, err)
			}
		}
	})
}

func TestARenewalIsNotedOnceAndIsNoOrder(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, 1)
		r := Renewal{Source: "shop", External: "sub_1", Number: "in_1", PaidAt: onDay(31), Until: onDay(61), Amount: 2400, Currency: "EUR"}
		renew := func() error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := Renew(t.Context(), tx, r)
				return err
			})
		}
		if err := renew(); !errs.Is(err, errs.NotFound) {
			t.Fatalf("nobody told of it, and it is renewed: %v", err)
		}
		s := subscribe(t, db, c, "sub_1", onDay(0), nil)
		for range 2 {
			if err := renew(); err != nil {
				t.Fatal(err)
			}
		}
		events, err := timeline.Of(t.Context(), db, c, int64(s))
		if err != nil || len(events) != 2 || events[0].Kind != EventRenewed || !events[0].History {
			t.Errorf("what is told: %+v, %v", events, err)
		}
		subscribe(t, db, c, "sub_1", onDay(62), func(v *Terms) { v.Amount = 3000 })
		if all, err := Renewals(t.Context(), db, c, s, 10); err != nil || len(all) != 1 || all[0].Amount != 2400 || !all[0].Until.Equal(onDay(61)) {
			t.Errorf("the renewals are %+v, %v", all, err)
		}
		if events, _ = timeline.Of(t.Context(), db, c, int64(s)); len(events) != 3 {
			t.Errorf("a change took the renewal's event away: %+v", events)
		}
		if n := count(t, db, `select count(*) from orders`); n != 0 {
			t.Errorf("%d orders came of it", n)
		}
	})
}

func TestNoticeIsGivenAndTheEndFollows(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		c := person(t, db, 1)
		s := subscribe(t, db, c, "sub_1", clock.Now().AddDate(0, -2, 0), nil)
		end := func(l Leaving) error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				return EndSubscription(t.Context(), tx, c, s, l, customers.By{Source: "staff", Actor: 7})
			})
		}
		if err := end(Leaving{Reason: "bored"}); errs.FieldOf(err) != "reason" {
			t.Errorf("without a reason that is one: %v", err)
		}
		last := clock.Now().AddDate(0, 0, 10)
		if err := end(Leaving{At: last, Reason: "unused", Note: "moved to tea"}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(10*24*time.Hour + time.Hour)
		ended := func() Subscription {
			t.Helper()
			if err := EndDue(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			now, err := SubscriptionByID(t.Context(), db, c, s)
			if err != nil {
				t.Fatal(err)
			}
			return now
		}
		if now := ended(); now.Over() || !now.CancelAt.Equal(last) {
			t.Errorf("within the grace it is %+v", now)
		}
		clock.Advance(24 * time.Hour)
		if now := ended(); !now.Over() || !now.EndedAt.Equal(last) || now.Reason != "unused" || now.Note != "moved to tea" || now.Monthly != 0 {
			t.Errorf("after it it is %+v", now)
		}
		was := standing(t, db, c, s)
		ended()
		if now := standing(t, db, c, s); now != was {
			t.Errorf("ended twice it stands as\n%s", now)
		}
		if err := end(Leaving{Reason: "unused"}); !errs.Is(err, errs.Conflict) {
			t.Errorf("what is over ends: %v", err)
		}
		// Its source tells later that it went on: that counts.
		subscribe(t, db, c, "sub_1", clock.Now(), nil)
		if now := ended(); now.Over() || now.Monthly != 2400 {
			t.Errorf("its source says that it goes on, and it is %+v", now)
		}
	})
}

func TestSubscriptionsAreFoundAndPaged(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, 1)
		for i := range 7 {
			subscribe(t, db, c, fmt.Sprintf("sub_%d", i), onDay(i), func(v *Terms) {
				v.Amount = int64(1000 - 100*i)
				if i%3 == 0 {
					v.Plan, v.CancelAt = "100% tea", onDay(900)
				}
				if i == 5 {
					v.Status = Ended
				}
			})
		}
		for sort, first := range map[string]string{"started": "sub_6", "monthly": "sub_0"} {
			var seen []string
			for s, err := range AllSubscriptions(t.Context(), db, SubscriptionFilter{}, Page{Sort: sort}) {
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, s.External)
			}
			p := Page{Sort: sort, Limit: 2}
			var paged []string
			for {
				part, next, err := Subscriptions(t.Context(), db, SubscriptionFilter{}, p)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range part {
					paged = append(paged, s.External)
				}
				if p.After = next; next == "" {
					break
				}
			}
			if len(seen) != 7 || seen[0] != first || strings.Join(seen, " ") != strings.Join(paged, " ") {
				t.Errorf("by %s all are %v, and page by page %v", sort, seen, paged)
			}
		}
		for _, k := range []struct {
			f    SubscriptionFilter
			want int
		}{{SubscriptionFilter{Status: Running}, 6}, {SubscriptionFilter{Status: Ended}, 1}, {SubscriptionFilter{Notice: true}, 3},
			{SubscriptionFilter{Search: "100%"}, 3}, {SubscriptionFilter{Search: "COFFEE"}, 4}, {SubscriptionFilter{Search: "sub_4"}, 1},
			{SubscriptionFilter{Search: "_"}, 0}, {SubscriptionFilter{Source: "shop"}, 7}, {SubscriptionFilter{Customer: c + 1}, 0}} {
			if n, err := CountSubscriptions(t.Context(), db, k.f, 100); err != nil || n != k.want {
				t.Errorf("%+v finds %d, not %d, %v", k.f, n, k.want, err)
			}
		}
	})
}
