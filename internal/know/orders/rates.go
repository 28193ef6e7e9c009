package orders

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// rateDays is how old a rate may be: banks publish none at weekends and on
// holidays.
const rateDays = 7

// Rate is what one unit of a currency was worth on a day.
type Rate struct {
	Currency money.Currency
	Day      string
	Rate     money.Rate
	Source   string // staff, import
}

type dayRate struct {
	day  string
	rate money.Rate
}

// rate returns the newest rate of at most a week before the day; 0 when there
// is none.
func (b *books) rate(ctx context.Context, q store.Querier, c money.Currency, day string) (money.Rate, error) {
	if c == b.base {
		return money.RateOne, nil
	}
	known, read := b.rates[c]
	if !read {
		var err error
		known, err = store.All(ctx, q, func(rows *sql.Rows) (r dayRate, err error) {
			return r, rows.Scan(&r.day, &r.rate)
		}, `select day, rate from rates where currency = $1 order by day`, string(c))
		if err != nil {
			return 0, fmt.Errorf("read rates of %s: %w", c, err)
		}
		b.rates[c] = known
	}
	i := sort.Search(len(known), func(i int) bool { return known[i].day > day }) - 1
	if i < 0 || known[i].day < addDays(day, -rateDays) {
		return 0, nil
	}
	return known[i].rate, nil
}

func addDays(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// Rates returns the newest rates, at most limit.
func Rates(ctx context.Context, q store.Querier, limit int) ([]Rate, error) {
	return RatesAfter(ctx, q, RateCursor{}, limit)
}

// RateCursor names the last rate of a page; zero: none came before.
type RateCursor struct {
	Day      string         `json:"d"`
	Currency money.Currency `json:"c"`
}

// RatesAfter returns the newest rates that come after another, at most limit.
func RatesAfter(ctx context.Context, q store.Querier, after RateCursor, limit int) ([]Rate, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (r Rate, err error) {
		return r, rows.Scan(&r.Currency, &r.Day, &r.Rate, &r.Source)
	}, `select currency, day, rate, source from rates where day < $1 or day = $1 and currency > $2 order by day desc, currency limit $3`,
		cmp.Or(after.Day, "9999-99-99"), string(after.Currency), limit)
}

// SetRates stores rates, replacing those of the same currency and day, and
// starts the job that values the orders which waited for them. Orders that
// were valued before keep their rate.
func SetRates(ctx context.Context, tx *store.Tx, rates []Rate) error {
	b, err := openBooks(ctx, tx)
	if err != nil {
		return err
	}
	byKey := map[[2]string]Rate{}
	for _, r := range rates {
		if r.Currency == b.base {
			return errs.Wrong("currency", "orders.wrong.rate-own", "Currency", r.Currency)
		}
		if c, err := money.ParseCurrency(string(r.Currency)); err != nil || c != r.Currency {
			return errs.Wrong("currency", "orders.wrong.rate-currency")
		}
		if !isDay(r.Day) {
			return errs.Wrong("day", "orders.wrong.rate-day")
		}
		if r.Rate <= 0 {
			return errs.Wrong("rate", "orders.wrong.rate")
		}
		byKey[[2]string{string(r.Currency), r.Day}] = r
	}
	if len(byKey) == 0 {
		return nil
	}
	rows := tx.Bulk(ctx, "rates", "currency, day, rate, source, added_at",
		"on conflict (currency, day) do update set rate = excluded.rate, source = excluded.source, added_at = excluded.added_at")
	for _, r := range byKey {
		if err := rows.Add(string(r.Currency), r.Day, int64(r.Rate), r.Source, tx.Now.UnixMicro()); err != nil {
			return fmt.Errorf("store a rate: %w", err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("store rates: %w", err)
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: valueJob, Key: valueJob})
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// Waiting is how many orders of a currency have no rate yet.
type Waiting struct {
	Currency    money.Currency
	Orders      int
	First, Last string // days
}

// WaitingForRates returns the currencies whose orders are in no sum.
func WaitingForRates(ctx context.Context, q store.Querier) ([]Waiting, error) {
	sums := map[money.Currency]Waiting{}
	for _, table := range []string{"orders", "walkin_orders"} {
		all, err := store.All(ctx, q, func(rows *sql.Rows) (w Waiting, err error) {
			return w, rows.Scan(&w.Currency, &w.Orders, &w.First, &w.Last)
		}, `select currency, count(*), min(placed_day), max(placed_day) from `+table+` where rate is null group by currency`)
		if err != nil {
			return nil, fmt.Errorf("count orders without a rate: %w", err)
		}
		for _, w := range all {
			if had, ok := sums[w.Currency]; ok {
				w = Waiting{w.Currency, w.Orders + had.Orders, min(w.First, had.First), max(w.Last, had.Last)}
			}
			sums[w.Currency] = w
		}
	}
	var all []Waiting
	for _, w := range sums {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Waiting) int { return b.Orders - a.Orders })
	return all, nil
}

const valueJob = "orders.value"

// Jobs is the background work of orders.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{{Name: valueJob, Do: func(ctx context.Context, _ *jobs.Job) error { return Value(ctx, db) }}, endSubscriptions(db)}
}

// valueSlice is how many orders one transaction values: under 50 ms.
const valueSlice = 200

// Value values every order whose rate has become known, in slices, and
// records order.valued for each of a customer's. It can be repeated.
func Value(ctx context.Context, db *store.DB) error {
	waiting, err := WaitingForRates(ctx, db)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		days, err := store.All(ctx, db, store.Scalar[string], `select day from rates where currency = $1 order by day`, string(w.Currency))
		if err != nil {
			return err
		}
		for i, day := range days {
			last := addDays(day, rateDays)
			if i+1 < len(days) {
				last = min(last, addDays(days[i+1], -1))
			}
			for _, walkin := range []bool{false, true} {
				if err := valueDays(ctx, db, walkin, w.Currency, day, last); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// valueDays values the orders of days that one rate is for.
func valueDays(ctx context.Context, db *store.DB, walkin bool, c money.Currency, first, last string) error {
	for {
		n := 0
		err := db.Tx(ctx, func(tx *store.Tx) error {
			n = 0
			b, err := openBooks(ctx, tx)
			if err != nil {
				return err
			}
			all, err := read(ctx, tx, walkin, `where rate is null and currency = $1 and placed_day >= $2 and placed_day <= $3
				order by placed_day, order_id limit $4`, string(c), first, last, valueSlice)
			if err != nil {
				return err
			}
			if err := lockOwners(ctx, tx, all); err != nil {
				return err
			}
			var events []timeline.Event
			for i := range all {
				e, err := b.value(ctx, tx, &all[i])
				if err != nil {
					return err
				}
				events = append(events, e...)
				n++
			}
			return timeline.Record(ctx, tx, events...)
		})
		if err != nil {
			return fmt.Errorf("value orders in %s: %w", c, err)
		}
		if n < valueSlice {
			return nil
		}
	}
}

func (b *books) value(ctx context.Context, tx *store.Tx, o *Order) ([]timeline.Event, error) {
	rate, err := b.rate(ctx, tx, o.Currency, o.Day)
	if err != nil || rate == 0 {
		return nil, err
	}
	// A return is valued as its order was.
	if o.Of != 0 {
		of, err := ByID(ctx, tx, o.Customer, o.Of)
		if err == nil && of.Rate != 0 {
			rate = of.Rate
		}
	}
	o.Rate = rate
	if err := o.settle(b.base); err != nil {
		return nil, err
	}
	if err := rewrite(ctx, tx, o); err != nil || o.Customer == 0 {
		return nil, err
	}
	return []timeline.Event{{Customer: o.Customer, Kind: EventValued, History: true, Source: "rates", Ref: int64(o.ID), Import: 0,
		Payload: timeline.Payload(Valued{o.Number, o.Return, o.Currency, b.base, o.Rate, o.Total, o.Base})}}, nil
}

// owners are the customers of orders, each once, ascending: the order in
// which they are locked.
func owners(all []Order) []id.Customer {
	var ids []id.Customer
	for i := range all {
		if all[i].Customer != 0 {
			ids = append(ids, all[i].Customer)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
