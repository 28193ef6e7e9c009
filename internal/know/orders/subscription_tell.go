package orders

import (
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
)

func subscriptionHref(e timeline.Event) string {
	return SubscriptionHref(e.Customer, id.Subscription(e.Ref))
}

// planText is what was subscribed to as a person reads it.
func planText(p *locale.Printer, plan string, quantity int64) string {
	if plan == "" {
		plan = p.T("orders.subscription.unnamed")
	}
	if quantity > 1 {
		return p.Int(quantity) + " × " + plan
	}
	return plan
}

// priceText is a price with its period: €24.00 a month.
func priceText(p *locale.Printer, a money.Amount, unit string, every int64) string {
	return p.Money(a) + " " + p.N("orders.per."+unit, int(every))
}

func tellSubscribed(what, tone string) func(*locale.Printer, timeline.Event) (timeline.Line, error) {
	return func(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
		v, err := timeline.Decode[Subscribed](e)
		if err != nil {
			return timeline.Line{}, err
		}
		key := "orders.tell.subscription." + what
		if v.Status == Trialing {
			key = "orders.tell.subscription.trial"
		}
		return timeline.Line{Href: subscriptionHref(e), Tone: tone, Text: p.T(key, "Plan", planText(p, v.Plan, v.Quantity),
			"Price", priceText(p, money.Amount{Minor: v.Amount, Currency: v.Currency}, v.Unit, v.Every))}, nil
	}
}

// tellTerms says what is different: the status, the plan, the price.
func tellTerms(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Resubscribed](e)
	if err != nil {
		return timeline.Line{}, err
	}
	was, line := v.Former, timeline.Line{Href: subscriptionHref(e)}
	key := "price"
	switch {
	case v.Status == PastDue && was.Status != PastDue:
		key, line.Tone = "overdue", "warn"
	case v.Status == Active && was.Status == PastDue:
		key, line.Tone = "caught-up", "good"
	case v.Status == Active && was.Status == Trialing:
		key, line.Tone = "converted", "good"
	case v.Plan != was.Plan:
		key = "plan"
	}
	if line.Tone == "" && v.Currency == was.Currency && v.Monthly != was.Monthly {
		line.Tone = "good"
		if v.Monthly < was.Monthly {
			line.Tone = "warn"
		}
	}
	line.Text = p.T("orders.tell.subscription."+key, "Plan", planText(p, v.Plan, v.Quantity), "Former", planText(p, was.Plan, 1),
		"Price", priceText(p, money.Amount{Minor: v.Amount, Currency: v.Currency}, v.Unit, v.Every))
	return line, nil
}

func tellEnding(what, tone string) func(*locale.Printer, timeline.Event) (timeline.Line, error) {
	return func(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
		v, err := timeline.Decode[Ending](e)
		if err != nil {
			return timeline.Line{}, err
		}
		text := p.T("orders.tell.subscription."+what, "Plan", planText(p, v.Plan, 1), "Day", p.Day(v.Day))
		if v.Reason != "" && what != "stays" {
			text = p.T("orders.tell.because", "What", text, "Reason", p.T("orders.subscription.reason."+v.Reason))
		}
		return timeline.Line{Href: subscriptionHref(e), Tone: tone, Text: text}, nil
	}
}

func tellRenewed(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Renewed](e)
	if err != nil {
		return timeline.Line{}, err
	}
	key := "orders.tell.subscription.renewed"
	if v.Until == "" {
		key += ".open"
	}
	return timeline.Line{Href: subscriptionHref(e), Tone: "good", Text: p.T(key, "Plan", planText(p, v.Plan, 1), "Day", p.Day(v.Until),
		"Amount", p.Money(money.Amount{Minor: v.Amount, Currency: v.Currency}))}, nil
}
