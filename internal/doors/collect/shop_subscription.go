package collect

import (
	"context"
	"fmt"
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
)

// toldSubscription is a subscription as a shop tells of it, and whose it is.
type toldSubscription struct {
	orders.SubscriptionNews
	Who person
}

// renewal is a period of a subscription that was paid for.
type renewal struct {
	Number   string         `json:"number"`
	PaidAt   int64          `json:"paid_at"`
	Until    int64          `json:"until,omitempty"`
	Amount   int64          `json:"amount"`
	Currency money.Currency `json:"currency"`
}

// renewalPiece begins the name of a renewal, kept by its subscription's id.
const renewalPiece = "renewal:"

// subscribe takes over what a shop tells of a subscription, and what was told
// of its renewals before it was known.
func (w *shopWork) subscribe(ctx context.Context, t *toldSubscription) error {
	t.Source = w.space()
	s, err := orders.FindSubscription(ctx, w.tx, t.Source, t.External)
	switch {
	case errs.Is(err, errs.NotFound):
		if t.Customer, err = w.meet(ctx, &t.Who); err != nil {
			return err
		}
		if t.Customer, err = customers.Resolve(ctx, w.tx, t.Customer); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		t.Customer = s.Customer
	}
	if _, err := orders.Subscribe(ctx, w.tx, t.SubscriptionNews); err != nil {
		return fmt.Errorf("take over a subscription of %s: %w", w.source.ID, err)
	}
	return w.renew(ctx, t.External)
}

// renew notes the renewals that are kept of a subscription, once that is
// known.
func (w *shopWork) renew(ctx context.Context, subscription string) error {
	kept, err := w.piecesOf(ctx, subscription)
	if err != nil {
		return err
	}
	for _, k := range kept {
		r := k.Renewal
		if r == nil || !strings.HasPrefix(k.Name, renewalPiece) {
			continue
		}
		n := orders.Renewal{Source: w.space(), External: subscription, Number: r.Number, PaidAt: micros(r.PaidAt), Amount: r.Amount, Currency: r.Currency}
		if r.Until > 0 {
			n.Until = micros(r.Until)
		}
		if _, err := orders.Renew(ctx, w.tx, n); errs.Is(err, errs.NotFound) {
			return nil // its subscription has not come yet
		} else if err != nil {
			return fmt.Errorf("take over a renewal of %s: %w", w.source.ID, err)
		}
		if _, err := w.tx.Exec(ctx, `delete from collect_pieces where group_id = $1 and space = $2 and piece = $3`, subscription, w.space(), k.Name); err != nil {
			return fmt.Errorf("let go of a renewal: %w", err)
		}
	}
	return nil
}
