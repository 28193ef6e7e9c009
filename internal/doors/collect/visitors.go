package collect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// visitor is a browser or an app by its anonymous id.
type visitor struct {
	key      string // space:anonymousId
	id       int64
	customer id.Customer // 0: nobody known
	waiting  int64       // events in visitor_events
	seen     time.Time

	changed bool
}

const (
	// maxWaiting is how many events of a visitor wait to become somebody's: the
	// newest. They are moved in one transaction.
	maxWaitingEvents = 400
	// keepVisitors is how long a visitor who does not come back is remembered.
	keepVisitors = 90 * 24 * time.Hour
)

// errTooMuch has the slice worked in halves: too much would move at once.
var errTooMuch = errors.New("more visitors became known at once than one transaction should move")

// visit ties anonymous ids to customers: whoever is told with both is the one
// from now on, and what the visitor did before becomes theirs.
func (t *telling) visit(ctx context.Context) error {
	if err := t.findVisitors(ctx); err != nil {
		return err
	}
	known := map[int64]*visitor{} // those with waiting events whom somebody turned out to be
	for _, m := range t.told {
		if m.anonymous == "" {
			continue
		}
		v := t.visitors[m.visitorKey()]
		m.visitor = v
		if m.at.Sub(v.seen) > 24*time.Hour {
			v.seen, v.changed = m.at, true
		}
		if m.customer != 0 && v.customer != m.customer {
			v.customer, v.changed = m.customer, true
			if v.waiting > 0 {
				known[v.id] = v
			}
		}
	}
	for _, m := range t.told {
		if m.customer == 0 {
			m.customer = m.visitor.customer
		}
	}
	moving := int64(0)
	for _, v := range known {
		moving += v.waiting
	}
	if moving > maxWaitingEvents+100 && len(t.told) > 1 {
		return errTooMuch
	}
	if err := t.move(ctx, known); err != nil {
		return err
	}
	if err := t.wait(ctx); err != nil {
		return err
	}
	return t.saveVisitors(ctx)
}

// findVisitors reads the visitors of the messages, and makes those that are
// new. Another worker may be as fast: whose row is there first counts.
func (t *telling) findVisitors(ctx context.Context) error {
	t.visitors = map[string]*visitor{}
	first := map[string]time.Time{}
	for _, m := range t.told {
		if m.anonymous != "" && first[m.visitorKey()].IsZero() {
			first[m.visitorKey()] = m.at
		}
	}
	keys := slices.Sorted(maps.Keys(first))
	if err := t.readVisitors(ctx, keys); err != nil {
		return err
	}
	missing := slices.DeleteFunc(keys, func(k string) bool { return t.visitors[k] != nil })
	if len(missing) == 0 {
		return nil
	}
	b := t.tx.Bulk(ctx, "collect_visitors", "visitor, visitor_id, customer_id, origin_customer_id, waiting, seen_at", "on conflict (visitor) do nothing")
	for _, k := range missing {
		if err := b.Add(k, t.tx.NewID(), nil, nil, 0, first[k].UnixMicro()); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("write %d visitors: %w", len(missing), err)
	}
	return t.readVisitors(ctx, missing)
}

func (t *telling) readVisitors(ctx context.Context, keys []string) error {
	for some := range slices.Chunk(keys, 100) {
		all, err := store.All(ctx, t.tx, func(rows *sql.Rows) (*visitor, error) {
			v := &visitor{}
			var c sql.NullInt64
			var seen int64
			err := rows.Scan(&v.key, &v.id, &c, &v.waiting, &seen)
			v.customer, v.seen = id.Customer(c.Int64), time.UnixMicro(seen).UTC()
			return v, err
		}, `select visitor, visitor_id, customer_id, waiting, seen_at from collect_visitors where visitor in (`+store.List(1, len(some))+`)`, store.Args(some)...)
		if err != nil {
			return fmt.Errorf("find visitors: %w", err)
		}
		for _, v := range all {
			t.visitors[v.key] = v
		}
	}
	return nil
}

// move makes what visitors did before they were known their customers' own.
// What they bought is seen to by trade.
func (t *telling) move(ctx context.Context, known map[int64]*visitor) error {
	ids := slices.Sorted(maps.Keys(known))
	for some := range slices.Chunk(ids, 100) {
		list := store.List(1, len(some))
		moved, err := store.All(ctx, t.tx, func(rows *sql.Rows) (a action, err error) {
			var v, at int64
			var props string
			if err = rows.Scan(&v, &at, &a.kind, &a.name, &a.source, &props); err != nil {
				return a, err
			}
			a.customer, a.at = known[v].customer, time.UnixMicro(at).UTC()
			a.props, err = readProps(props)
			return a, err
		}, `select visitor_id, occurred_at, kind, name, source_id, props from visitor_events
			where visitor_id in (`+list+`) order by visitor_id, occurred_at, id`, store.Args(some)...)
		if err != nil {
			return fmt.Errorf("read what visitors did: %w", err)
		}
		t.moved = append(t.moved, moved...)
		if _, err := t.tx.Exec(ctx, `delete from visitor_events where visitor_id in (`+list+`)`, store.Args(some)...); err != nil {
			return fmt.Errorf("move what visitors did: %w", err)
		}
	}
	for _, v := range known {
		v.waiting = 0
	}
	return nil
}

// wait keeps what visitors do whom nobody knows.
func (t *telling) wait(ctx context.Context) error {
	type waiting struct {
		*told
		id int64
	}
	var all []waiting
	for _, m := range t.told {
		if m.customer == 0 && m.act {
			all = append(all, waiting{m, t.tx.NewID()})
			m.visitor.waiting++
			m.visitor.changed = true
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b waiting) int { return int(min(max(a.visitor.id-b.visitor.id, -1), 1)) })
	b := t.tx.Bulk(ctx, "visitor_events", "visitor_id, occurred_at, id, kind, name, source_id, props", "")
	for _, w := range all {
		if err := b.Add(w.visitor.id, w.at.UnixMicro(), w.id, w.kind, text.Short(w.name, maxName), int64(w.source.ID), writeProps(w.props)); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("write what %d visitors did: %w", len(all), err)
	}
	for _, v := range t.visitors {
		if v.waiting <= maxWaitingEvents+100 {
			continue
		}
		n, err := t.tx.Exec(ctx, `
			delete from visitor_events where visitor_id = $1 and (occurred_at, id) <= (
				select occurred_at, id from visitor_events where visitor_id = $1 order by occurred_at desc, id desc limit 1 offset $2)`,
			v.id, maxWaitingEvents)
		if err != nil {
			return fmt.Errorf("forget the oldest of what a visitor did: %w", err)
		}
		v.waiting -= n
	}
	return nil
}

func (t *telling) saveVisitors(ctx context.Context) error {
	var all []*visitor
	for _, k := range slices.Sorted(maps.Keys(t.visitors)) {
		if t.visitors[k].changed {
			all = append(all, t.visitors[k])
		}
	}
	b := t.tx.Bulk(ctx, "collect_visitors", "visitor, visitor_id, customer_id, origin_customer_id, waiting, seen_at", `
		on conflict (visitor) do update set customer_id = excluded.customer_id, waiting = excluded.waiting, seen_at = excluded.seen_at,
			origin_customer_id = case when collect_visitors.customer_id = excluded.customer_id then collect_visitors.origin_customer_id end`)
	for _, v := range all {
		var c any
		if v.customer != 0 {
			c = int64(v.customer)
		}
		if err := b.Add(v.key, v.id, c, nil, v.waiting, v.seen.UnixMicro()); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("write %d visitors: %w", len(all), err)
	}
	return nil
}

// stored is a value of an event that waits.
type stored struct {
	Key     string `json:"k"`
	Ordinal int    `json:"o,omitempty"`
	Text    string `json:"t"`
	Number  any    `json:"n,omitempty"`
}

func writeProps(all []property) string {
	list := make([]stored, len(all))
	for i, p := range all {
		list[i] = stored{p.key, p.ordinal, p.text, p.number}
	}
	b, _ := json.Marshal(map[string]any{"props": list}) // texts and numbers always are JSON
	return string(b)
}

func readProps(s string) ([]property, error) {
	var in struct{ Props []stored }
	if err := json.Unmarshal([]byte(s), &in); err != nil {
		return nil, fmt.Errorf("read what a visitor did: %w", err)
	}
	all := make([]property, len(in.Props))
	for i, p := range in.Props {
		all[i] = property{p.Key, p.Ordinal, p.Text, p.Number}
	}
	return all, nil
}

// forgetVisitors removes whoever did not come back, a few at a time.
func forgetVisitors(ctx context.Context, db *store.DB, before time.Time) error {
	after := ""
	for {
		type seen struct {
			key string
			id  int64
			old bool
		}
		all, err := store.All(ctx, db, func(rows *sql.Rows) (s seen, err error) {
			var at int64
			err = rows.Scan(&s.key, &s.id, &at)
			s.old = at < before.UnixMicro()
			return s, err
		}, `select visitor, visitor_id, seen_at from collect_visitors where visitor > $1 order by visitor limit 2000`, after)
		if err != nil || len(all) == 0 {
			return err
		}
		after = all[len(all)-1].key
		old := slices.DeleteFunc(all, func(s seen) bool { return !s.old })
		for some := range slices.Chunk(old, 20) {
			err := db.Tx(ctx, func(tx *store.Tx) error {
				for _, s := range some {
					n, err := tx.Exec(ctx, `delete from collect_visitors where visitor = $1 and seen_at < $2`, s.key, before.UnixMicro())
					if err != nil {
						return err
					}
					if n == 0 {
						continue // seen meanwhile
					}
					if _, err := tx.Exec(ctx, `delete from visitor_events where visitor_id = $1`, s.id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("forget visitors: %w", err)
			}
		}
	}
}
