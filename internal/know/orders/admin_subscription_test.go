package orders

import (
	"net/url"
	"strings"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

func TestSubscriptionsHaveTheirPages(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := pages(t, db, web.Manager)
		page.Get(t, h, "/subscriptions", signedIn).In(".list", page.HasText("No subscriptions yet"))
		c, other := person(t, db, 1), person(t, db, 2)
		page.Get(t, h, "/customers/"+c.String(), signedIn).Not("#panel-subscriptions")
		s := subscribe(t, db, c, "sub_1", onDay(0), nil)
		subscribe(t, db, c, "sub_1", onDay(30), func(v *Terms) { v.Amount, v.Quantity = 4800, 2 })
		subscribe(t, db, other, "sub_2", onDay(10), func(v *Terms) { v.Plan, v.Unit, v.Amount, v.Status = "Tea year", "year", 12000, Paused })
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := Renew(t.Context(), tx, Renewal{Source: "shop", External: "sub_1", Number: "in_7", PaidAt: onDay(31), Until: onDay(61), Amount: 4800, Currency: "EUR"})
			return err
		})
		page.Get(t, h, "/customers/"+c.String(), signedIn).In("#panel-subscriptions", page.HasText("Coffee box"), page.HasText("€48.00 a month"), page.HasText("4 Mar 2025"))
		for query, want := range map[string]string{
			"": "Tea year, 2 × Coffee box", "sort=monthly&desc=1": "2 × Coffee box, Tea year", "q=tea": "Tea year", "status=running": "Tea year, 2 × Coffee box",
			"status=paused": "Tea year", "status=notice": "", "customer=" + c.String(): "2 × Coffee box", "source=shop&status=active": "2 × Coffee box",
			"after=nonsense&sort=x&status=x": "Tea year, 2 × Coffee box",
		} {
			if got := strings.Join(page.Get(t, h, "/subscriptions?"+query, signedIn).Texts("tbody th[scope=row]"), ", "); got != want {
				t.Errorf("%s\n got %s\nwant %s", query, got, want)
			}
		}
		page.Get(t, h, "/subscriptions?q=nothing", signedIn).In(".list", page.HasText("No subscription matches"))
		if csv := page.Get(t, h, "/subscriptions/export?status=active", signedIn).Text(); !strings.Contains(csv, "sub_1") || !strings.Contains(csv, "48.00") || strings.Contains(csv, "sub_2") {
			t.Errorf("the export is %s", csv)
		}
		at := SubscriptionHref(c, s)
		page.Get(t, h, at, signedIn).In("h1", page.HasText("2 × Coffee box")).In(".subtitle", page.HasText("Active")).In("#renewals-title").In("td", page.HasText("in_7")).
			In(".moment", page.HasText("Pays €48.00 a month for 2 × Coffee box now")).Count("#history tbody tr", 2)
		page.Post(t, h, at+"/cancellation", url.Values{"reason": {""}}, signedIn).HasStatus(422).In("#error-reason", page.HasText("Choose why it ends"))
		page.Post(t, h, at+"/cancellation", url.Values{"reason": {"unused"}, "last": {"2026-01-01"}}, signedIn).HasStatus(422).In("#error-last", page.HasText("in the past"))
		page.Post(t, h, at+"/cancellation", url.Values{"reason": {"unused"}, "last": {"2026-04-01"}, "note": {"no time for coffee"}}, signedIn).Redirects(at)
		page.Get(t, h, at, signedIn).In(".subtitle", page.HasText("Notice given")).In(".terms", page.HasText("1 Apr 2026")).In(".terms", page.HasText("no time for coffee")).
			In(".moment", page.HasText("Gave notice: Coffee box ends on 1 Apr 2026: hardly used"))
		page.Post(t, h, at+"/cancellation", url.Values{"reason": {"too_expensive"}}, signedIn).Redirects(at)
		page.Get(t, h, at, signedIn).In(".subtitle", page.HasText("Ended")).Not("form[action$=cancellation]").In(".terms", page.HasText("too expensive"))
		page.Post(t, h, at+"/cancellation", url.Values{"reason": {"unused"}}, signedIn).HasStatus(422)
		page.Do(t, h, request(t, SubscriptionHref(other, s)), signedIn).HasStatus(404)
	})
}
