package insights

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// contracts are what customers pay under contract, from period to period.
// Money is in minor units of the business's own currency, of each period at
// the rates of its last day, so that a rate that moves is no growth.
type contracts struct {
	Empty     bool             `json:"empty,omitempty"` // nobody ever paid under contract
	AsOf      int32            `json:"as_of"`
	First     int32            `json:"first"`         // the first day on which anybody paid
	Customers int64            `json:"customers"`     // who pay on the last day
	Monthly   int64            `json:"monthly_minor"` // what they pay a month
	Period    contractPeriod   `json:"period"`        // the one asked for
	By        retention.Grain  `json:"by"`
	Periods   []contractPeriod `json:"periods"`
	Shortened bool             `json:"shortened,omitempty"` // earlier ones were left out
	Renewing  renewing         `json:"renewing"`
}

// contractPeriod compares the evening before a period with its last day.
type contractPeriod struct {
	Span retention.Span `json:"span"`
	retention.Contracts
	Paused   int64 `json:"paused"`   // of those lost: they pause
	Unvalued int64 `json:"unvalued"` // customers left out: a currency of theirs has no rate
	Running  bool  `json:"running,omitempty"`
}

func (c *contracts) count() int64 { return c.Customers }

// stretch is a time in which a customer pays a sum a month, or pauses.
type stretch struct {
	from, to int32 // days; to is the first on which it is not so any more
	monthly  money.Amount
	paused   bool
}

func (s stretch) on(day int32) bool { return s.from <= day && day < s.to }

// open is the end of a stretch that goes on.
const openEnd = int32(math.MaxInt32)

// contractOf is one subscription that was ever paid for.
type contractOf struct {
	began, ended int32 // ended: openEnd while it runs; a later day where notice was given
	unit         string
	every        int64
	price        money.Amount // each period
}

// terms are what is read of all subscriptions.
type terms struct {
	customers [][]stretch
	contracts []contractOf
	first     int32
}

// readTerms reads when each customer paid what, and the contracts as they stood
// on a day.
func readTerms(ctx context.Context, q store.Querier, f Filter, zone *time.Location, asOf int32) (*terms, error) {
	query, args := `select customer_id, subscription_id, since_at, until_at, cancel_at, status, monthly_minor, amount_minor, currency, interval_unit, interval_count
		from subscription_states where (monthly_minor > 0 or status in ('active', 'past_due', 'paused'))`, []any{}
	if f.Country != "" {
		query += ` and customer_id in (select customer_id from customers where country = $1)`
		args = append(args, f.Country)
	}
	rows, err := q.Query(ctx, query+` order by customer_id, subscription_id, told_at`, args...)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	defer rows.Close()
	t := &terms{first: openEnd}
	dayOf := func(us int64) int32 {
		y, m, d := time.UnixMicro(us).In(zone).Date()
		return retention.Day(y, int(m), d)
	}
	var before [2]int64 // customer and subscription of the row before
	paid := false       // the subscription of the row before was paid for
	var of int64        // the customer of the last stretch
	for rows.Next() {
		var who [2]int64
		var since, monthly, amount, every int64
		var until, cancel sql.NullInt64
		var status, unit string
		var currency money.Currency
		if err := rows.Scan(&who[0], &who[1], &since, &until, &cancel, &status, &monthly, &amount, &currency, &unit, &every); err != nil {
			return nil, err
		}
		s := stretch{from: dayOf(since), to: openEnd, monthly: money.Amount{Minor: monthly, Currency: currency}, paused: status == orders.Paused}
		if until.Valid {
			s.to = dayOf(until.Int64)
		}
		ended := s.to
		if ended > asOf { // nobody knew of what followed
			ended = openEnd
		}
		if cancel.Valid {
			day := max(s.from, dayOf(cancel.Int64))
			s.to, ended = min(s.to, day), min(ended, day)
		}
		paid, before = paid && who == before, who
		if monthly > 0 || s.paused {
			if who[0] != of {
				t.customers, of = append(t.customers, nil), who[0]
			}
			last := len(t.customers) - 1
			t.customers[last] = append(t.customers[last], s)
		}
		switch {
		case s.from > asOf:
		case !paid && monthly == 0: // a trial that paused, or what is free, was never paid for
		case !paid:
			t.contracts = append(t.contracts, contractOf{s.from, ended, unit, every, money.Amount{Minor: amount, Currency: currency}})
			paid = true
			t.first = min(t.first, s.from)
		default:
			c := &t.contracts[len(t.contracts)-1]
			c.ended, c.unit, c.every = ended, unit, every
			if !s.paused {
				c.price = money.Amount{Minor: amount, Currency: currency}
			}
		}
	}
	return t, rows.Err()
}

// contractsOf answers for a filter, as of a day of the business. Channels and
// categories are of orders; here they are nothing.
func contractsOf(ctx context.Context, q store.Querier, f Filter, today string) (*contracts, error) {
	settings, err := workspace.Load(ctx, q)
	if err != nil {
		return nil, err
	}
	c := &contracts{By: f.By}
	var ok bool
	if c.AsOf, ok = retention.ParseDay(today); !ok {
		return nil, fmt.Errorf("today is %q, which is no day", today)
	}
	if to, ok := retention.ParseDay(f.To); ok {
		c.AsOf = min(c.AsOf, to)
	}
	t, err := readTerms(ctx, q, f, settings.Location(), c.AsOf)
	if err != nil {
		return nil, err
	}
	if c.Empty = len(t.contracts) == 0; c.Empty {
		return c, nil
	}
	c.First = t.first
	exchange, err := orders.OpenExchange(ctx, q)
	if err != nil {
		return nil, err
	}
	k := comparing{ctx: ctx, q: q, exchange: exchange, terms: t}
	if c.Period, err = k.compare(contractSpan(f, c)); err != nil {
		return nil, err
	}
	now, err := k.compare(retention.Span{From: c.AsOf + 1, To: c.AsOf})
	if err != nil {
		return nil, err
	}
	c.Customers, c.Monthly = now.Customers, now.StartMinor
	if err := k.periods(f, c); err != nil {
		return nil, err
	}
	c.Renewing, err = k.renewing(c.AsOf)
	return c, err
}

// contractSpan is the range asked for, or else the longest of a year, a
// quarter and a month before which there were contracts.
func contractSpan(f Filter, c *contracts) retention.Span {
	span := retention.Span{To: c.AsOf}
	if from, ok := retention.ParseDay(f.From); ok {
		span.From = min(from, c.AsOf)
		return span
	}
	for _, months := range []int{12, 3, 1} {
		span.From = back(c.AsOf, months) + 1
		if c.First < span.From {
			break
		}
	}
	return span
}

// comparing compares what customers pay on two days.
type comparing struct {
	ctx      context.Context
	q        store.Querier
	exchange orders.Exchange
	terms    *terms
}

// compare compares the evening before a span with its last day.
func (k *comparing) compare(span retention.Span) (contractPeriod, error) {
	p := contractPeriod{Span: span}
	day := retention.DayText(span.To)
	var start, end []int64
	for _, all := range k.terms.customers {
		var was, is int64
		known, paused := true, false
		for _, s := range all {
			before, after := s.on(span.From-1), s.on(span.To)
			if !before && !after {
				continue
			}
			if s.paused {
				paused = paused || after
				continue
			}
			worth, ok, err := k.exchange.Worth(k.ctx, k.q, s.monthly, day)
			if err != nil {
				return p, fmt.Errorf("value a subscription: %w", err)
			}
			known = known && ok
			if before {
				was += worth
			}
			if after {
				is += worth
			}
		}
		switch {
		case !known:
			p.Unvalued++
			continue
		case was == 0 && is == 0:
			continue
		case was > 0 && is == 0 && paused:
			p.Paused++
		}
		start, end = append(start, was), append(end, is)
	}
	var err error
	p.Contracts, err = retention.ContractsOf(start, end)
	return p, err
}

// periods are the figures by period: those that the span touches, whole.
func (k *comparing) periods(f Filter, c *contracts) error {
	from := c.First
	if day, ok := retention.ParseDay(f.From); ok {
		from = max(from, min(day, c.AsOf))
	}
	last := f.By.PeriodOf(c.AsOf)
	first := f.By.PeriodOf(from)
	if first < last-longest+1 {
		first, c.Shortened = last-longest+1, true
	}
	for p := first; p <= last; p++ {
		span := retention.Span{From: f.By.First(p), To: min(f.By.Last(p), c.AsOf)}
		one, err := k.compare(span)
		if err != nil {
			return err
		}
		one.Running = f.By.Running(p, c.AsOf)
		c.Periods = append(c.Periods, one)
	}
	return nil
}
