package customers

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Word is a yes or no that another system tells of a customer. Its At is zero
// where the system does not say when.
type Word struct {
	Customer id.Customer
	Consent
}

// DecideMany writes down what other systems tell of what customers agreed to
// and took back, as far as it is new, and returns how much that was; again, it
// changes nothing. Of whom the same was known at that time already, or the same
// system said it next, nothing is written. What has no time never overrides what somebody said: such a yes
// counts only of whom nothing is known on that channel, and such a no only
// takes back a yes that the same system told. The erased are left alone.
func DecideMany(ctx context.Context, tx *store.Tx, by By, words []Word) (written int, err error) {
	told := map[id.Customer][]Word{}
	for _, w := range words {
		if err := w.tidy(); err != nil {
			return 0, err
		}
		told[w.Customer] = append(told[w.Customer], w)
	}
	who, err := living(ctx, tx, told)
	if err != nil || len(who) == 0 {
		return 0, err
	}
	had, err := decisions(ctx, tx, who)
	if err != nil {
		return 0, err
	}
	d := deciding{tx: tx, by: by,
		log: tx.Bulk(ctx, "customer_consent_log", `customer_id, id, channel, given, decided_at, place, words, source, author_id,
			created_at, import_id, origin_customer_id`, ""),
		now: tx.Bulk(ctx, "customer_consents", "customer_id, channel, given, decided_at, log_id", `
			on conflict (customer_id, channel) do update set given = excluded.given, decided_at = excluded.decided_at, log_id = excluded.log_id`)}
	for _, c := range who {
		if err := d.customer(c, told[c], had[c]); err != nil {
			return 0, fmt.Errorf("write down what %s agreed to: %w", c, err)
		}
	}
	if err := errors.Join(d.log.Close(), d.now.Close()); err != nil {
		return 0, fmt.Errorf("write down consents: %w", err)
	}
	return len(d.events), timeline.Record(ctx, tx, d.events...)
}

// living locks the customers and returns those who live, in order; what was
// told of somebody merged goes to the survivor.
func living[T any](ctx context.Context, tx *store.Tx, told map[id.Customer][]T) ([]id.Customer, error) {
	delete(told, 0)
	all := make([]id.Customer, 0, len(told))
	for c := range told {
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, nil
	}
	if err := Lock(ctx, tx, all...); err != nil {
		return nil, err
	}
	who, err := ByIDs(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	var lives []id.Customer
	for _, c := range who {
		to := c.ID
		if c.MergedInto != 0 {
			if to, err = Resolve(ctx, tx, c.ID); err != nil {
				return nil, err
			}
			if err := Lock(ctx, tx, to); err != nil {
				return nil, err
			}
			told[to] = append(told[to], told[c.ID]...)
		}
		if c.ErasedAt.IsZero() {
			lives = append(lives, to)
		}
	}
	slices.Sort(lives)
	return slices.Compact(lives), nil
}

// decision is a line of the consent log, as far as it decides.
type decision struct {
	customer id.Customer
	channel  string
	given    bool
	at       time.Time
	source   string
	log      int64
}

func decisions(ctx context.Context, q store.Querier, who []id.Customer) (map[id.Customer][]decision, error) {
	had := map[id.Customer][]decision{}
	for part := range slices.Chunk(who, 200) {
		in, args := origins(part, 1)
		all, err := store.All(ctx, q, func(rows *sql.Rows) (d decision, err error) {
			var at int64
			err = rows.Scan(&d.customer, &d.channel, &d.given, &at, &d.source, &d.log)
			d.at = moment(at)
			return d, err
		}, `select customer_id, channel, given, decided_at, source, id from customer_consent_log where customer_id in (`+in+`)
			order by customer_id, channel, decided_at, id`, args...)
		if err != nil {
			return nil, fmt.Errorf("read what was agreed to: %w", err)
		}
		for _, d := range all {
			had[d.customer] = append(had[d.customer], d)
		}
	}
	return had, nil
}

// deciding is one call of DecideMany.
type deciding struct {
	tx       *store.Tx
	by       By
	log, now *store.Bulk
	events   []timeline.Event
}

// customer writes what is new of one customer, channel by channel in the order
// of time.
func (d *deciding) customer(c id.Customer, words []Word, had []decision) error {
	slices.SortStableFunc(words, func(a, b Word) int {
		switch {
		case a.At.IsZero() && !b.At.IsZero(): // those without a time see all others
			return 1
		case b.At.IsZero() && !a.At.IsZero():
			return -1
		}
		return a.At.Compare(b.At)
	})
	for _, channel := range Channels {
		known := slices.DeleteFunc(slices.Clone(had), func(k decision) bool { return k.channel != channel })
		before := len(known)
		for _, w := range words {
			if w.Channel != channel || !d.news(&w.Consent, known) {
				continue
			}
			w.complete(d.tx, d.by)
			log := d.tx.NewID()
			if err := d.log.Add(int64(c), log, channel, w.Given, w.At.UnixMicro(), w.Place, w.Words, w.Source, int64(w.Author),
				d.tx.Now.UnixMicro(), null(int64(d.by.Import)), nil); err != nil {
				return err
			}
			known = append(known, decision{c, channel, w.Given, w.At, w.Source, log})
			d.events = append(d.events, w.event(c, d.by, log))
		}
		if len(known) == before {
			continue
		}
		last := slices.MaxFunc(known, func(a, b decision) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.log, b.log)) })
		if err := d.now.Add(int64(c), channel, last.given, last.at.UnixMicro(), last.log); err != nil {
			return err
		}
	}
	return nil
}

// news reports whether a word says something beside what is known of its
// channel.
func (d *deciding) news(w *Consent, known []decision) bool {
	source := cmp.Or(w.Source, d.by.Source)
	if w.At.After(d.tx.Now) {
		w.At = time.Time{} // nobody decides tomorrow
	}
	if w.At.IsZero() {
		if len(known) == 0 {
			return w.Given
		}
		last := slices.MaxFunc(known, func(a, b decision) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.log, b.log)) })
		return !w.Given && last.given && strings.EqualFold(last.source, source)
	}
	at := w.At.UTC().Truncate(time.Microsecond)
	var last, next decision // known at that time, and said next
	for _, k := range known {
		switch {
		case !k.at.After(at) && (last.log == 0 || cmp.Or(k.at.Compare(last.at), cmp.Compare(k.log, last.log)) > 0):
			last = k
		case k.at.After(at) && (next.log == 0 || k.at.Before(next.at)):
			next = k
		}
	}
	if next.log != 0 && next.given == w.Given && strings.EqualFold(next.source, source) {
		return false // files begin with the newest: one proof is enough
	}
	return last.log == 0 || last.given != w.Given
}
