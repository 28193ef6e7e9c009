package insights

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
)

// moves is what changed from one period to another, and what of it stands out.
type moves struct {
	AsOf    int32          `json:"as_of"`
	First   int32          `json:"first"` // the day of the first sale
	Before  retention.Span `json:"before"`
	After   retention.Span `json:"after"`
	Orders  int64          `json:"orders"`
	Sums    [2]sum         `json:"sums"`
	Asked   int            `json:"asked"` // groups that were tested
	Told    []move         `json:"told"`  // those that stand out, by figure, the largest change first
	Checked int            `json:"checked"`
	Odd     []move         `json:"odd"` // groups whose orders come back, or are cancelled, otherwise than the rest
}

// sum is what one period came to.
type sum struct {
	RevenueMinor int64 `json:"revenue_minor"`
	Orders       int64 `json:"orders"`
	Customers    int64 `json:"customers"`
	Again        int64 `json:"again"` // bought twice or more in it
	Cancelled    int64 `json:"cancelled"`
	Refunded     int64 `json:"refunded"`
}

// move is one group that stands out.
type move struct {
	Figure string `json:"figure"` // revenue, repeat, refund, cancel
	By     string `json:"by"`     // the dimension
	Label  string `json:"label"`
	// Rest is by how much the revenue of all others changed, as a share.
	Rest float64 `json:"rest,omitempty"`
	retention.Cause
}

func (m *moves) count() int64 { return m.Orders }

// falsely is the share of what is told that may be chance.
const falsely = 0.05

// mostGroups of a dimension are asked about: those with most revenue.
const mostGroups = 100

// compares are the pairs of periods to choose from.
var compares = []string{"quarter", "month", "days90", "year"}

// periodsOf are the periods of a comparison at a last day.
func periodsOf(compare string, asOf int32) (before, after retention.Span) {
	spans := func(g retention.Grain, ago retention.Period) (retention.Span, retention.Span) {
		p := g.PeriodOf(asOf+1) - 1 // the last that is over
		return retention.Span{From: g.First(p - ago), To: g.Last(p - ago)}, retention.Span{From: g.First(p), To: g.Last(p)}
	}
	days := int32(90)
	switch compare {
	case "quarter":
		return spans(retention.Quarter, 4)
	case "month":
		return spans(retention.Month, 12)
	case "year":
		days = 365
	}
	return retention.Span{From: asOf - 2*days + 1, To: asOf - days}, retention.Span{From: asOf - days + 1, To: asOf}
}

func movesOf(ctx context.Context, db *store.DB, i inquiry, today string) (*moves, error) {
	day, ok := retention.ParseDay(today)
	if !ok {
		return nil, fmt.Errorf("today is %q, which is no day", today)
	}
	m := &moves{First: noSuchDay}
	var err error
	if m.AsOf, err = lastKnown(ctx, db, day); err != nil {
		return nil, err
	}
	m.Before, m.After = periodsOf(i.Compare, m.AsOf)
	first, err := store.All(ctx, db, store.Scalar[string], `select placed_day from orders where purchase order by placed_at, order_id limit 1`)
	if err != nil {
		return nil, fmt.Errorf("find the first sale: %w", err)
	}
	for _, text := range first {
		if n, ok := retention.ParseDay(text); ok {
			m.First = n
		}
	}
	if m.First > m.Before.To {
		return m, nil // nothing to compare with
	}
	total, err := ordersThereAre(ctx, db)
	if err != nil {
		return nil, err
	}
	d, err := dealsOf(ctx, db, m.Before, m.After, m.AsOf, i.teller(ctx, db, total))
	if err != nil {
		return nil, err
	}
	if err := m.split(d); err != nil {
		return nil, err
	}
	m.patterns(d)
	return m, nil
}

// split adds the periods up and finds what moved them.
func (m *moves) split(d *deals) error {
	h, _, err := retention.Build(d.orders, retention.Rules{FreeOrders: true})
	if errors.Is(err, retention.ErrNoOrders) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sort the sales of two periods: %w", err)
	}
	for i, in := range []retention.Span{m.Before, m.After} {
		all := retention.CellsOf(h, in, 1, func(int) int { return 0 })[0]
		s := &m.Sums[i]
		s.RevenueMinor, s.Customers, s.Again = all.RevenueMinor, all.Cases, all.Hits
		for row, day := range d.orders.Day {
			if day < in.From || day > in.To {
				continue
			}
			if d.cancelled[row] {
				s.Cancelled++
			} else if d.orders.Customer[row] != 0 {
				s.Orders++
			}
			if d.refunded[row] {
				s.Refunded++
			}
		}
		m.Orders += s.Orders
	}
	if m.Sums[0].Customers == 0 || m.Sums[1].Customers == 0 {
		return nil
	}
	lines, _, err := retention.Build(d.lines, retention.Rules{FreeOrders: true})
	if err != nil && !errors.Is(err, retention.ErrNoOrders) {
		return fmt.Errorf("sort what was sold in two periods: %w", err)
	}
	var all board
	for _, by := range dimensions {
		s := d.by[by]
		if len(s.Names) > 1 {
			before, after := m.cells(h, s)
			all.add("repeat", by, s.Names, retention.RateCauses(before, after), before, after)
			if d.lineBy[by] == nil {
				all.add("revenue", by, s.Names, retention.RevenueCauses(before, after), before, after)
			}
		}
		if s := d.lineBy[by]; s != nil && lines != nil && len(s.Names) > 1 {
			before, after := m.cells(lines, s)
			all.add("revenue", by, s.Names, retention.RevenueCauses(before, after), before, after)
		}
	}
	m.Asked, m.Told = len(all.causes), all.told()
	return nil
}

func (m *moves) cells(h *retention.History, s *split) (before, after retention.Cells) {
	group := func(k int) int { return int(s.of[h.Row[k]]) }
	return retention.CellsOf(h, m.Before, len(s.Names), group), retention.CellsOf(h, m.After, len(s.Names), group)
}

// patterns finds the groups whose orders of the later period come back or are
// cancelled more, or less, often than those of all others.
func (m *moves) patterns(d *deals) {
	var all board
	for _, by := range dimensions {
		s := d.by[by]
		if len(s.Names) < 2 {
			continue
		}
		refunds, cancels := make(retention.Cells, len(s.Names)), make(retention.Cells, len(s.Names))
		for row, g := range s.of {
			if day := d.orders.Day[row]; g < 0 || day < m.After.From || day > m.After.To {
				continue
			}
			cancels[g].Cases++
			if d.cancelled[row] {
				cancels[g].Hits++
				continue
			}
			refunds[g].Cases++
			refunds[g].RevenueMinor += d.orders.AmountMinor[row]
			if d.refunded[row] {
				refunds[g].Hits++
			}
		}
		all.add("refund", by, s.Names, retention.Patterns(refunds), nil, refunds)
		if by == byPromise {
			continue // what was cancelled in time was never to be delivered
		}
		all.add("cancel", by, s.Names, retention.Patterns(cancels), nil, refunds)
	}
	m.Checked, m.Odd = len(all.causes), all.told()
}

// board collects causes of several questions, so that all are judged together:
// the more is asked, the more stands out by chance.
type board struct {
	causes []retention.Cause
	moves  []move
}

// add takes the groups with most revenue of one question.
func (b *board) add(figure, by string, labels []string, causes []retention.Cause, before, after retention.Cells) {
	revenue := func(c retention.Cause) (sum int64) {
		for _, cells := range []retention.Cells{before, after} {
			if c.Group < len(cells) {
				sum += cells[c.Group].RevenueMinor
			}
		}
		return sum
	}
	causes = slices.DeleteFunc(causes, func(c retention.Cause) bool { return !numbers(c.Before, c.After, c.Change, c.Rate, c.Mix, c.P) })
	slices.SortStableFunc(causes, func(x, y retention.Cause) int { return cmp.Compare(revenue(y), revenue(x)) })
	var totals [2]int64
	for i, cells := range []retention.Cells{before, after} {
		for _, cell := range cells {
			totals[i] += cell.RevenueMinor
		}
	}
	for _, c := range causes[:min(len(causes), mostGroups)] {
		m := move{Figure: figure, By: by, Label: labels[c.Group], Cause: c}
		if was := float64(totals[0]) - c.Before; figure == "revenue" && was > 0 {
			m.Rest = (float64(totals[1])-c.After)/was - 1
		}
		c.Group = len(b.moves)
		b.causes, b.moves = append(b.causes, c), append(b.moves, m)
	}
}

// told are the groups that stand out.
func (b *board) told() []move {
	var all []move
	for _, c := range retention.StandOut(b.causes, falsely) {
		all = append(all, b.moves[c.Group])
	}
	slices.SortStableFunc(all, func(x, y move) int { return cmp.Compare(y.Figure, x.Figure) }) // revenue, then repeat
	return all
}
