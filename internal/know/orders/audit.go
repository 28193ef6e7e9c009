package orders

import (
	"context"
	"strconv"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
)

// daysChanged is what is done to an order whose days a program sets. Where they are
// as they were nothing was done, and the audit log has no line of it.
const daysChanged = "changed"

// audit writes into the audit log what staff did to an order, and what is
// different of it since was.
func audit(ctx context.Context, tx *store.Tx, by id.User, was Order, done string) error {
	now, err := ByID(ctx, tx, was.Customer, was.ID)
	if err != nil {
		return err
	}
	c := users.Change{By: by, Action: "walkin." + done, Subject: was.ID.String(), Values: users.Changed(
		"refunded_minor", strconv.FormatInt(was.Refunded, 10), strconv.FormatInt(now.Refunded, 10),
		"promised_day", was.PromisedDay, now.PromisedDay, "delivered_day", was.DeliveredDay, now.DeliveredDay,
		"cancelled", was.Reason, now.Reason)}
	if done == daysChanged && len(c.Values) == 0 {
		return nil
	}
	if was.Customer == 0 {
		return users.Audit(ctx, tx, c)
	}
	c.Action = "order." + done
	c.Values = append([]users.Value{{Field: "order", After: was.ID.String()}}, c.Values...)
	return customers.Audit(ctx, tx, was.Customer, c)
}

// auditEnd writes into the audit log that somebody of the staff wrote down the
// end of a subscription.
func auditEnd(ctx context.Context, tx *store.Tx, by id.User, was Subscription) error {
	now, err := SubscriptionByID(ctx, tx, was.Customer, was.ID)
	if err != nil {
		return err
	}
	return customers.Audit(ctx, tx, was.Customer, users.Change{By: by, Action: "subscription.cancelled",
		Values: append([]users.Value{{Field: "subscription", After: was.ID.String()}}, users.Changed("status", was.Status, now.Status,
			"reason", was.Reason, now.Reason)...)})
}

// auditRenewal writes into the audit log that a program told of a period that
// was paid for.
func auditRenewal(ctx context.Context, tx *store.Tx, by id.User, r Renewal, s Subscription) error {
	return customers.Audit(ctx, tx, s.Customer, users.Change{By: by, Action: "subscription.renewed", Values: []users.Value{
		{Field: "subscription", After: s.ID.String()}, {Field: "number", After: text.Line(r.Number)},
		{Field: "amount_minor", After: strconv.FormatInt(r.Amount, 10)}, {Field: "currency", After: string(r.Currency)}}})
}
