package customers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// maker is one profile on its way to a customer.
type maker struct {
	*Profile
	known []Known
	id    id.Customer
	fresh bool          // made now, not found
	blank bool          // an erased customer's: nothing may be written
	taken string        // the identity by which it was found
	news  []Known       // of who was found: identities that were nobody's
	also  []id.Customer // whose the profile's other identities are
	logs  []int64       // of Consents
}

// create makes or finds a customer for each profile.
func create(ctx context.Context, tx *store.Tx, ps []Profile) ([]maker, error) {
	all := make([]maker, len(ps))
	var keys []string
	for i := range ps {
		p := ps[i]
		if err := p.tidy(tx.Now); err != nil {
			return nil, err
		}
		all[i].Profile = &p
		if err := all[i].normalise(); err != nil {
			return nil, err
		}
		for _, k := range all[i].known {
			keys = append(keys, k.key())
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	taken, err := owners(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	gone, err := marked(ctx, tx, slices.DeleteFunc(keys, func(k string) bool { return taken[k] != 0 }))
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].decide(tx, taken, gone)
	}
	if err := wipe(ctx, tx, slices.DeleteFunc(slices.Sorted(maps.Keys(gone)), func(k string) bool { return taken[k] == 0 })); err != nil {
		return nil, err
	}
	if err := claimAll(ctx, tx, all); err != nil {
		return nil, err
	}
	if err := writeAll(ctx, tx, all); err != nil {
		return nil, err
	}
	return all, nil
}

// normalise brings the identities and everything beside them into their
// stored form, once each.
func (m *maker) normalise() error {
	region := m.Region
	if region == "" {
		region = m.Country
	}
	for _, given := range m.Identities {
		n, err := Normalise(given, region)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(m.known, func(k Known) bool { return k.Identity == n }) {
			m.known = append(m.known, Known{Identity: n, Shown: text.Line(given.Value)})
		}
	}
	return m.tidyParts()
}

// decide gives the profile the owner of the first identity that has one, or a
// fresh id, and that one takes all that are nobody's. Who was erased owns what
// was long ago, and nothing of what happens now.
func (m *maker) decide(tx *store.Tx, taken, gone map[string]id.Customer) {
	if !m.History {
		gone = nil
	}
	for _, k := range m.known {
		if c, ok := taken[k.key()]; ok {
			m.id, m.taken = c, k.Value
			break
		}
		if c, ok := gone[k.key()]; ok {
			m.id, m.taken, m.blank = c, k.Value, true
			return
		}
	}
	if m.id == 0 {
		m.id, m.fresh = id.Customer(tx.NewID()), true
	}
	for _, k := range m.known {
		if c := taken[k.key()]; c != 0 && c != m.id {
			m.also = append(m.also, c)
		}
		if taken[k.key()] != 0 || gone[k.key()] != 0 {
			continue
		}
		taken[k.key()] = m.id
		if !m.fresh {
			m.news = append(m.news, k)
		}
	}
}

// claimAll writes the keys and looks who has them: another transaction may
// have been faster since they were read.
func claimAll(ctx context.Context, tx *store.Tx, all []maker) error {
	wanted := map[string]*maker{}
	for i := range all {
		if m := &all[i]; m.fresh {
			for _, k := range m.known {
				wanted[k.key()] = m
			}
		}
	}
	keys := slices.Sorted(maps.Keys(wanted))
	b := tx.Bulk(ctx, "customer_keys", "key, customer_id, origin_customer_id", "on conflict (key) do nothing")
	for _, key := range keys {
		if err := b.Add(key, int64(wanted[key].id), nil); err != nil {
			return fmt.Errorf("claim identities: %w", err)
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("claim %d identities: %w", len(keys), err)
	}
	now, err := owners(ctx, tx, keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		m := wanted[key]
		if m.fresh && now[key] != m.id {
			if err := m.yield(ctx, tx, all, key, now[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// yield gives way to a customer that was made meanwhile with the same key.
func (m *maker) yield(ctx context.Context, tx *store.Tx, all []maker, key string, to id.Customer) error {
	if _, err := tx.Exec(ctx, `delete from customer_keys where customer_id = $1`, int64(m.id)); err != nil {
		return fmt.Errorf("give identities back: %w", err)
	}
	lost := m.id
	for i := range all {
		if all[i].id == lost {
			all[i].id, all[i].fresh, all[i].taken, all[i].news = to, false, key, all[i].known
		}
	}
	return nil
}

// writeAll inserts the fresh customers, table by table in the order of their
// ids, and records that they joined.
func writeAll(ctx context.Context, tx *store.Tx, all []maker) error {
	var fresh []*maker
	for i := range all {
		if all[i].fresh {
			fresh = append(fresh, &all[i])
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	for _, write := range []func(context.Context, *store.Tx, []*maker) error{
		writeCustomers, writeIdentities, writeTerms, writeTags, writeTastes, writeDates, writeAddresses, writeConsents} {
		if err := write(ctx, tx, fresh); err != nil {
			return fmt.Errorf("create %d customers: %w", len(fresh), err)
		}
	}
	events := make([]timeline.Event, 0, len(fresh))
	for _, m := range fresh {
		events = append(events, m.joined(m.id))
		events = append(events, m.consentEvents()...)
	}
	return timeline.Record(ctx, tx, events...)
}

// first returns the first identity of a kind, or "".
func (m *maker) first(kind string) string {
	for _, k := range m.known {
		if k.Kind == kind {
			return k.Value
		}
	}
	return ""
}

func writeCustomers(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customers", `customer_id, version, merged_into, erased_at, name, sort_name, given, family, language, country,
		email, phone, joined_at, joined_day, source, import_id, created_at, changed_at`, "")
	now := tx.Now.UnixMicro()
	for _, m := range fresh {
		if err := b.Add(int64(m.id), int64(1), nil, nil, m.Name, sortName(m.Name, m.known), m.Given, m.Family, m.Language, m.Country,
			m.first(Email), m.first(Phone), m.JoinedAt.UnixMicro(), m.JoinedDay, m.Source, null(int64(m.Import)), now, now); err != nil {
			return err
		}
	}
	return b.Close()
}

// sortName is where the customer stands in a list by name.
func sortName(name string, known []Known) string {
	if name != "" {
		return text.Short(text.Fold(name), maxName)
	}
	for _, kind := range []string{Email, External, Card, Phone} {
		for _, k := range known {
			if k.Kind == kind {
				return text.Fold(k.label())
			}
		}
	}
	return ""
}

// label is the identity as a name: of an external one only the id.
func (k Known) label() string {
	if k.Kind == External {
		for i := range len(k.Value) {
			if k.Value[i] == ':' {
				return k.Value[i+1:]
			}
		}
	}
	return k.Value
}

func writeIdentities(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_identities", "customer_id, kind, value, shown, created_at, import_id, origin_customer_id", "")
	for _, m := range fresh {
		for _, k := range m.known {
			if err := b.Add(int64(m.id), k.Kind, k.Value, k.Shown, tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
		}
	}
	return b.Close()
}

func writeTerms(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_terms", "customer_id, term", "")
	for _, m := range fresh {
		for _, t := range terms(Customer{Name: m.Name, Given: m.Given, Family: m.Family}, m.known) {
			if err := b.Add(int64(m.id), t); err != nil {
				return err
			}
		}
	}
	return b.Close()
}
