package insights

import (
	"context"
	"time"

	"regulars/internal/platform/store"
)

// Glance is the few figures that a start page shows.
type Glance struct {
	Customers  int64   // who ever bought
	Orders     int64   // purchases of theirs
	RepeatRate float64 // 0 to 1
	// ThisMonth and LastMonth are sales to customers and to people who are not
	// known, returns not taken off, in minor units; ThisMonth is that of AsOf.
	ThisMonth, LastMonth int64
	AsOf                 string // YYYY-MM-DD, the last day known
	ComputedAt           time.Time
}

// GlanceAt reads the figures as they were last computed; false when they never
// were, or there are no orders yet.
func GlanceAt(ctx context.Context, q store.Querier, now time.Time) (Glance, bool, error) {
	r, ok, err := Read(ctx, q, Standing, now)
	if err != nil || !ok || r.Empty {
		return Glance{}, false, err
	}
	g := Glance{Customers: r.Repeat.Customers, Orders: r.Repeat.Orders, AsOf: dayText(r.AsOf), ComputedAt: r.ComputedAt}
	g.RepeatRate, _ = r.Repeat.Rate()
	month := func(before int) int64 {
		i := len(r.Money.Rows) - 1 - before
		if i < 0 {
			return 0
		}
		p, t := r.Money.Rows[i], r.Beside[i]
		return p.NewMinor + p.ReturningMinor + t.WalkinMinor
	}
	g.ThisMonth, g.LastMonth = month(0), month(1)
	return g, true, nil
}
