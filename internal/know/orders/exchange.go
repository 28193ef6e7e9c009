package orders

import (
	"context"

	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// Exchange turns amounts into the business's own currency, by the rates there
// are.
type Exchange struct{ b *books }

// OpenExchange reads the business's currency; rates are read when they are
// asked for.
func OpenExchange(ctx context.Context, q store.Querier) (Exchange, error) {
	b, err := openBooks(ctx, q)
	return Exchange{b}, err
}

// Worth is what an amount was worth on a day, in minor units of the business's
// own currency; false: there is no rate of that day or of the week before.
func (x Exchange) Worth(ctx context.Context, q store.Querier, a money.Amount, day string) (int64, bool, error) {
	if a.Currency == x.b.base {
		return a.Minor, true, nil
	}
	rate, err := x.b.rate(ctx, q, a.Currency, day)
	if err != nil || rate == 0 {
		return 0, false, err
	}
	v, err := a.Convert(x.b.base, rate)
	return v.Minor, err == nil, err
}
