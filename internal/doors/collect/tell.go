package collect

import (
	"context"
	"maps"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// fresh is how long after it happened something may still start a play or a
// message; what is told later is history.
const fresh = 7 * 24 * time.Hour

// segmentKind is tracking clients.
func segmentKind() Kind {
	return Kind{Name: Segment, Icon: "world", Parts: cutMessages,
		Work: func(ctx context.Context, tx *store.Tx, parts []Part) error {
			t := telling{tx: tx, people: map[string]id.Customer{}}
			for _, step := range []func(context.Context) error{
				func(ctx context.Context) error { return t.unseen(ctx, parts) },
				t.know, t.alias, t.visit, t.living, t.learn, t.write, t.trade,
			} {
				if err := step(ctx); err != nil {
					return err
				}
			}
			return nil
		}}
}

// telling is a slice of messages on its way into the store.
type telling struct {
	tx       *store.Tx
	told     []*told
	people   map[string]id.Customer // by space:userId
	visitors map[string]*visitor
	moved    []action // what visitors did who are known now
}

// told is a message with whom it is about.
type told struct {
	*message
	source   Source
	customer id.Customer // 0: nobody known
	visitor  *visitor    // nil: the message names none
}

// userKey and visitorKey say whose ids the ids are.
func (m *told) userKey() string    { return m.source.Space + ":" + m.user }
func (m *told) visitorKey() string { return m.source.Space + ":" + m.anonymous }

func (m *told) history(now time.Time) bool { return now.Sub(m.at) > fresh }

// unseen leaves out what was told before, and what stands twice in the slice.
// The rest comes in the order in which it happened.
func (t *telling) unseen(ctx context.Context, parts []Part) error {
	ids := map[id.Source][]string{}
	twice := map[string]bool{}
	for _, p := range parts {
		m := p.Value.(*message)
		if m.id != "" {
			key := p.Source.String() + m.id
			if twice[key] {
				continue
			}
			twice[key] = true
			ids[p.Source] = append(ids[p.Source], m.id)
		}
		t.told = append(t.told, &told{message: m, source: p.From})
	}
	for source, messages := range ids {
		fresh, err := unseen(ctx, t.tx, source, messages)
		if err != nil {
			return err
		}
		if len(fresh) < len(messages) {
			t.told = slices.DeleteFunc(t.told, func(m *told) bool { return m.source.ID == source && m.id != "" && !fresh[m.id] })
		}
	}
	slices.SortStableFunc(t.told, func(a, b *told) int { return a.at.Compare(b.at) })
	return nil
}

// know finds or makes the customers of the user ids.
func (t *telling) know(ctx context.Context) error {
	profiles := map[string]*customers.Profile{}
	for _, m := range t.told {
		if m.user == "" {
			continue
		}
		p := profiles[m.userKey()]
		if p == nil {
			p = &customers.Profile{Source: "collect", JoinedAt: m.at, History: true,
				Identities: []customers.Identity{{Kind: customers.External, Value: m.userKey()}}}
			profiles[m.userKey()] = p
		}
		p.History = p.History && m.history(t.tx.Now)
		m.profile(p)
	}
	keys := slices.Sorted(maps.Keys(profiles))
	list := make([]customers.Profile, len(keys))
	for i, k := range keys {
		list[i] = *profiles[k]
	}
	made, err := customers.CreateMany(ctx, t.tx, list)
	if err != nil {
		return err
	}
	for i, k := range keys {
		t.people[k] = made[i]
	}
	for _, m := range t.told {
		if m.user != "" {
			m.customer = t.people[m.userKey()]
		}
	}
	return nil
}

// alias gives an anonymous visitor to the customer they turned out to be. The
// key of a source stands in the shop's pages for everybody to read, so two
// customers who are known already are only offered for merging: a person
// decides.
func (t *telling) alias(ctx context.Context) error {
	for _, m := range t.told {
		if m.kind != "alias" {
			continue
		}
		former, known, err := customers.Find(ctx, t.tx, customers.Identity{Kind: customers.External, Value: m.source.Space + ":" + m.previous})
		if err != nil {
			return err
		}
		if known && former != m.customer {
			if err := customers.Offer(ctx, t.tx, m.customer, former); err != nil {
				return err
			}
		}
		// Before it was an anonymous id, most often.
		m.anonymous = m.previous
	}
	return nil
}

// living holds the customers until all is written, goes on with the survivor of
// who was merged meanwhile, and leaves out what is told of those who were
// erased: nothing is written about them any more.
func (t *telling) living(ctx context.Context) error {
	var all []id.Customer
	for _, m := range t.told {
		if m.customer != 0 {
			all = append(all, m.customer)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if err := customers.Hold(ctx, t.tx, all...); err != nil {
		return err
	}
	now := map[id.Customer]id.Customer{} // 0: erased
	for some := range slices.Chunk(all, 200) {
		changed, err := store.All(ctx, t.tx, store.Scalar[id.Customer], `
			select customer_id from customers where (erased_at is not null or merged_into is not null) and customer_id in (`+store.List(1, len(some))+`)`,
			store.Args(some)...)
		if err != nil {
			return err
		}
		for _, c := range changed {
			to, err := customers.Resolve(ctx, t.tx, c)
			if err != nil {
				return err
			}
			if to == c {
				to = 0
			} else if err := customers.Hold(ctx, t.tx, to); err != nil {
				return err
			}
			now[c] = to
		}
	}
	if len(now) == 0 {
		return nil
	}
	for _, m := range t.told {
		if to, ok := now[m.customer]; ok {
			m.customer = to
		}
	}
	t.told = slices.DeleteFunc(t.told, func(m *told) bool { return m.customer == 0 && m.user != "" })
	for i := range t.moved {
		if to, ok := now[t.moved[i].customer]; ok {
			t.moved[i].customer = to
		}
	}
	t.moved = slices.DeleteFunc(t.moved, func(a action) bool { return a.customer == 0 })
	for _, v := range t.visitors {
		if to, ok := now[v.customer]; ok {
			v.customer = to
		}
	}
	return nil
}

// acts are the kinds of message that are something a person did, with the
// kinds of event that they become; what is told of orders is told by the orders
// themselves.
var acts = map[string]string{"track": eventTracked, "page": eventPage, "screen": eventScreen}

// write writes down what customers did.
func (t *telling) write(ctx context.Context) error {
	var all []*action
	for i := range t.moved {
		all = append(all, &t.moved[i])
	}
	for _, m := range t.told {
		if m.act && m.customer != 0 {
			all = append(all, &action{customer: m.customer, at: m.at, kind: m.kind, name: m.name, source: m.source.ID, props: m.props})
		}
	}
	return write(ctx, t.tx, all)
}

// kept are the values that are kept of a message: its properties, and of its
// context the campaign and the page, but neither address nor device.
func (m *message) kept() []property {
	props := flat(m.properties, nil)
	if len(m.context) == 0 {
		return props
	}
	kept := object{}
	if c, ok := m.context["campaign"].(object); ok {
		kept["campaign"] = c
	}
	if page, ok := m.context["page"].(object); ok && m.kind == "track" {
		if v, ok := page["path"]; ok {
			kept["page"] = object{"path": v}
		}
	}
	if len(kept) > 0 {
		props = append(props, flat(object{"context": kept}, nil)...)
	}
	return props[:min(len(props), maxProperties)]
}
