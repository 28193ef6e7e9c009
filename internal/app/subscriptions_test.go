package app

import (
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/apiclient"
)

func TestAProgramTellsOfSubscriptions(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		anna := p.buyer(t, "Anna").JSON201.Id
		now := db.Now()
		terms := func(daysAgo int, amount int64) apiclient.SubscriptionTerms {
			return apiclient.SubscriptionTerms{Customer: &anna, At: ptr(now.AddDate(0, 0, -daysAgo)), Plan: "Coffee box", Status: "active", AmountMinor: amount, IntervalUnit: "month"}
		}
		// The newest first, and one of them twice: it comes to the same.
		for _, body := range []apiclient.SubscriptionTerms{terms(10, 3000), terms(60, 2400), terms(60, 2400), terms(30, 2700)} {
			a, err := p.UpsertSubscriptionWithResponse(ctx, "billing", "s-1", nil, body)
			done(t, a.HTTPResponse, a.Body, err, 200)
		}
		found, err := p.FindSubscriptionWithResponse(ctx, "billing", "s-1", nil)
		done(t, found.HTTPResponse, found.Body, err, 200)
		s := found.JSON200.Subscription
		if s.MonthlyMinor != 3000 || s.Currency != "EUR" || s.Customer != anna || s.Quantity != 1 || len(found.JSON200.History) != 3 || !s.StartedAt.Equal(now.AddDate(0, 0, -60)) {
			t.Errorf("it is %+v with %+v", s, found.JSON200.History)
		}
		wrong := terms(1, 3000)
		wrong.At, wrong.StartedAt = ptr(now.AddDate(0, 0, -1)), &now
		refused, err := p.UpsertSubscriptionWithResponse(ctx, "billing", "s-1", nil, wrong)
		done(t, refused.HTTPResponse, refused.Body, err, 422)

		unknown, err := p.RenewSubscriptionWithResponse(ctx, "billing", "s-2", "i-1", nil, apiclient.PaidPeriod{PaidAt: now, AmountMinor: 3000})
		done(t, unknown.HTTPResponse, unknown.Body, err, 404)
		for range 2 {
			r, err := p.RenewSubscriptionWithResponse(ctx, "billing", "s-1", "i-1", nil, apiclient.PaidPeriod{PaidAt: now.Add(-time.Hour), AmountMinor: 3000})
			done(t, r.HTTPResponse, r.Body, err, 200)
			if len(r.JSON200.Renewals) != 1 {
				t.Errorf("the renewals are %+v", r.JSON200.Renewals)
			}
		}

		gone, err := p.CancelSubscriptionWithResponse(ctx, anna, s.Id, nil, apiclient.Leaving{At: ptr(now.AddDate(0, 1, 0)), Reason: "unused"})
		done(t, gone.HTTPResponse, gone.Body, err, 200)
		if c := gone.JSON200.Subscription; c.Status != "active" || c.CancelAt == nil || c.Reason != "unused" {
			t.Errorf("notice was given, and it is %+v", c)
		}
		over, err := p.CancelSubscriptionWithResponse(ctx, anna, s.Id, nil, apiclient.Leaving{Reason: "too_expensive"})
		done(t, over.HTTPResponse, over.Body, err, 200)
		again, err := p.CancelSubscriptionWithResponse(ctx, anna, s.Id, nil, apiclient.Leaving{Reason: "too_expensive"})
		done(t, again.HTTPResponse, again.Body, err, 409)
		listed, err := p.ListSubscriptionsWithResponse(ctx, &apiclient.ListSubscriptionsParams{Customer: &anna})
		done(t, listed.HTTPResponse, listed.Body, err, 200)
		if all := listed.JSON200.Data; len(all) != 1 || all[0].Status != "cancelled" || all[0].MonthlyMinor != 0 {
			t.Errorf("the list is %+v", all)
		}
		shown, err := p.GetSubscriptionWithResponse(ctx, anna, s.Id, nil)
		done(t, shown.HTTPResponse, shown.Body, err, 200)
	})
}
