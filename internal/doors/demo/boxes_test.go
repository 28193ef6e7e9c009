package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestBoxesAreTakenChangedPausedAndLeft(t *testing.T) {
	p := documented(t)
	first, end := p.day(boxesFrom), p.last.AddDate(0, 0, 1)
	type life struct {
		began, ended             time.Time
		larger, smaller, pauses  int
		overdue, notices, raised int
		was                      orders.Terms
	}
	all := map[int]*life{}
	reasons := map[string]int{}
	for _, n := range p.news {
		l := all[n.who]
		switch {
		case n.at.Before(first) || !n.at.Before(end):
			t.Errorf("news of %s lie at %s", p.people[n.who].Name, n.at)
		case n.at.Before(p.people[n.who].JoinedAt):
			t.Errorf("%s took a box before they joined", p.people[n.who].Name)
		}
		if l == nil {
			l = &life{began: n.at, was: n.terms}
			all[n.who] = l
		}
		if !l.ended.IsZero() {
			t.Errorf("news of %s come after the end", p.people[n.who].Name)
		}
		switch was, is := l.was, n.terms; {
		case is.Status == orders.Ended:
			l.ended = n.at
			reasons[is.Reason]++
		case is.Status == orders.Paused:
			l.pauses++
		case is.Status == orders.PastDue:
			l.overdue++
		case !is.CancelAt.IsZero():
			l.notices++
		case is.Plan == was.Plan && is.Amount > was.Amount:
			l.raised++
		case is.Amount > was.Amount:
			l.larger++
		case is.Amount < was.Amount:
			l.smaller++
		}
		l.was = n.terms
	}
	var sum life
	months, left := 0.0, 0.0
	for _, l := range all {
		until := end
		if !l.ended.IsZero() {
			until = l.ended
			left++
		}
		months += until.Sub(l.began).Hours() / 24 / 30.4
		sum.larger, sum.smaller, sum.pauses, sum.overdue = sum.larger+l.larger, sum.smaller+l.smaller, sum.pauses+l.pauses, sum.overdue+l.overdue
		sum.notices, sum.raised = sum.notices+l.notices, sum.raised+l.raised
	}
	if n := len(all); n < 250 || n > 400 {
		t.Errorf("%d customers took a box", n)
	}
	if churn := left / months; churn < 0.04 || churn > 0.09 {
		t.Errorf("%.1f %% leave in a month", 100*churn)
	}
	if sum.larger <= sum.smaller || sum.smaller == 0 || sum.pauses < 10 || sum.overdue < 20 || sum.notices < 40 || sum.raised < 20 || len(reasons) != len(boxReasons)+1 {
		t.Errorf("too little happens: %+v, left for %v", sum, reasons)
	}
}

func TestBoxesAreTheSameOnEveryEngine(t *testing.T) {
	var first string
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		makeSmall(t, db)
		rows, err := db.Query(t.Context(), `select s.external, t.plan, t.status, t.since_at, coalesce(t.until_at, 0), t.monthly_minor, t.reason
			from subscription_states t join subscriptions s on s.customer_id = t.customer_id and s.subscription_id = t.subscription_id order by s.external, t.told_at`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var b strings.Builder
		for rows.Next() {
			var external, plan, status, reason string
			var since, until, monthly int64
			if err := rows.Scan(&external, &plan, &status, &since, &until, &monthly, &reason); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, external, plan, status, since, until, monthly, reason)
		}
		if err := rows.Err(); err != nil || strings.Count(b.String(), "\n") < 20 {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if first == "" {
			first = b.String()
		}
		if b.String() != first {
			t.Errorf("there they are\n%s\nand here\n%s", first, b.String())
		}
		if n := count(t, db, `select count(*) from events where kind like 'subscription.%' and not history`); n > 0 {
			t.Errorf("%d events of boxes start something", n)
		}
	})
}
