package customers

import (
	"context"
	"fmt"
	"slices"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// fill gives a customer what they lack and the profile knows, and returns the
// columns. A given and a family name come with the same whole name only.
func (p *Profile) fill(who *Customer) []string {
	var filled []string
	put := func(column string, to *string, from string) {
		if *to == "" && from != "" {
			*to = from
			filled = append(filled, column)
		}
	}
	if who.Name == "" || text.Fold(who.Name) == text.Fold(p.Name) {
		put("name", &who.Name, p.Name)
		put("given", &who.Given, p.Given)
		put("family", &who.Family, p.Family)
	}
	put("language", &who.Language, p.Language)
	put("country", &who.Country, p.Country)
	return filled
}

// learn completes customers who were found by what their profiles tell
// beyond, tags, dates and an address too. When nothing is new it reads them, many at once, and no more.
func learn(ctx context.Context, tx *store.Tx, all []maker) error {
	told := map[id.Customer][]*maker{}
	for i := range all {
		m := &all[i]
		if !m.fresh && !m.blank && (len(m.news) > 0 || m.Name+m.Language+m.Country != "" || m.extra()) {
			told[m.id] = append(told[m.id], m)
		}
	}
	who, err := ByIDs(ctx, tx, ids(told))
	if err != nil {
		return err
	}
	had, err := readBeside(ctx, tx, told)
	if err != nil {
		return err
	}
	for _, c := range who {
		if !slices.ContainsFunc(told[c.ID], func(m *maker) bool {
			return len(m.news) > 0 || len(m.fill(&c)) > 0 || m.extra() && m.lacking(had[c.ID]) != nil
		}) {
			delete(told, c.ID)
		}
	}
	if len(told) == 0 {
		return nil
	}
	if err := Lock(ctx, tx, ids(told)...); err != nil {
		return err
	}
	if who, err = ByIDs(ctx, tx, ids(told)); err != nil {
		return err
	}
	// Whoever was merged or erased before the lock learns nothing.
	who = slices.DeleteFunc(who, func(c Customer) bool { return c.MergedInto != 0 || !c.ErasedAt.IsZero() })
	l := learning{tx: tx, told: told, fields: map[id.Customer][]string{},
		fills: tx.Bulk(ctx, "customer_fills", "customer_id, import_id, field, value", "on conflict do nothing")}
	if err := l.write(ctx, who); err != nil {
		return fmt.Errorf("complete %d customers: %w", len(who), err)
	}
	for _, c := range who {
		if err := changed(ctx, tx, c.ID, told[c.ID][0].by(), l.fields[c.ID]); err != nil {
			return err
		}
	}
	return nil
}

func ids(told map[id.Customer][]*maker) []id.Customer {
	all := make([]id.Customer, 0, len(told))
	for c := range told {
		all = append(all, c)
	}
	return all
}

// learning is the completing of locked customers.
type learning struct {
	tx     *store.Tx
	told   map[id.Customer][]*maker
	fields map[id.Customer][]string // for customer.changed
	fills  *store.Bulk
}

func (l *learning) write(ctx context.Context, who []Customer) error {
	if err := l.claim(ctx, who); err != nil {
		return err
	}
	for _, c := range who {
		was := c
		for _, m := range l.told[c.ID] {
			before := c
			for _, column := range m.fill(&c) {
				if err := l.note(m, before, column, *c.texts()[slices.Index(textColumns, column)]); err != nil {
					return err
				}
			}
		}
		if c == was {
			continue
		}
		if err := writeFields(ctx, l.tx, c); err != nil {
			return err
		}
	}
	if err := l.beside(ctx, who); err != nil {
		return err
	}
	return l.fills.Close()
}

// claim gives the customers the identities that are still nobody's.
func (l *learning) claim(ctx context.Context, who []Customer) error {
	wanted := map[string]id.Customer{}
	var keys []string
	for _, c := range who {
		for _, m := range l.told[c.ID] {
			for _, k := range m.news {
				if _, twice := wanted[k.key()]; !twice {
					wanted[k.key()] = c.ID
					keys = append(keys, k.key())
				}
			}
		}
	}
	slices.Sort(keys)
	b := l.tx.Bulk(ctx, "customer_keys", "key, customer_id, origin_customer_id", "on conflict (key) do nothing")
	for _, key := range keys {
		if err := b.Add(key, int64(wanted[key]), nil); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return err
	}
	now, err := owners(ctx, l.tx, keys)
	if err != nil {
		return err
	}
	b = l.tx.Bulk(ctx, "customer_identities", "customer_id, kind, value, shown, created_at, import_id, origin_customer_id", "on conflict do nothing")
	for _, c := range who {
		for _, m := range l.told[c.ID] {
			for _, k := range m.news {
				if now[k.key()] != c.ID {
					continue
				}
				if err := b.Add(int64(c.ID), k.Kind, k.Value, k.Shown, l.tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
					return err
				}
				if err := l.note(m, c, k.Kind, k.Value); err != nil {
					return err
				}
			}
		}
	}
	return b.Close()
}

// note remembers what an import wrote of a customer who had not come with it,
// so that undoing it can take that away and nothing else.
func (l *learning) note(m *maker, who Customer, field, value string) error {
	told := field
	if field == "given" || field == "family" {
		told = "name"
	}
	if !slices.Contains(l.fields[who.ID], told) {
		l.fields[who.ID] = append(l.fields[who.ID], told)
	}
	if m.Import == 0 || m.Import == who.Import {
		return nil
	}
	return l.fills.Add(int64(who.ID), int64(m.Import), field, value)
}

// unlearn takes from at most limit customers what the import added to them and
// still stands, also when they were merged into somebody since; some says that
// there were any.
func (u *undoing) unlearn(ctx context.Context, limit int) (some bool, err error) {
	filled, err := u.list(ctx, `
		select distinct customer_id from customer_fills where import_id = $1
		order by customer_id limit $2`, limit)
	if err != nil || len(filled) == 0 {
		return false, err
	}
	all := slices.Clone(filled)
	for _, c := range filled {
		to, err := Resolve(ctx, u.tx, c)
		if err != nil {
			return false, err
		}
		all = append(all, to)
	}
	if err := Lock(ctx, u.tx, all...); err != nil {
		return false, err
	}
	for _, c := range filled {
		if err := u.takeBack(ctx, c); err != nil {
			return false, fmt.Errorf("undo what %s added to %s: %w", u.i, c, err)
		}
	}
	return true, nil
}

// takeBack takes what the import added to one customer.
func (u *undoing) takeBack(ctx context.Context, c id.Customer) error {
	rows, err := readRows(ctx, u.tx, "customer_fills", `customer_id = $1 and import_id = $2`, int64(c), int64(u.i))
	if err != nil {
		return err
	}
	to, err := Resolve(ctx, u.tx, c)
	if err != nil {
		return err
	}
	wrote := map[string][]string{}
	for _, r := range rows {
		field, value := fmt.Sprint(r.get("field")), fmt.Sprint(r.get("value"))
		wrote[field] = append(wrote[field], value)
		if slices.Contains(IdentityKinds, field) {
			if err := u.release(ctx, to, Identity{field, value}); err != nil {
				return err
			}
		}
	}
	if err := refold(ctx, u.tx, c, func(own *Customer) {
		for i, v := range own.texts() {
			if slices.Contains(wrote[textColumns[i]], *v) {
				*v = ""
			}
		}
	}); err != nil {
		return err
	}
	if err := settle(ctx, u.tx, to); err != nil {
		return err
	}
	_, err = u.tx.Exec(ctx, `delete from customer_fills where customer_id = $1 and import_id = $2`, int64(c), int64(u.i))
	return err
}

// release takes an identity away that only the import told.
func (u *undoing) release(ctx context.Context, c id.Customer, i Identity) error {
	n, err := u.tx.Exec(ctx, `
		delete from customer_identities where customer_id = $1 and kind = $2 and value = $3 and import_id = $4`,
		int64(c), i.Kind, i.Value, int64(u.i))
	if err != nil || n == 0 {
		return err
	}
	_, err = u.tx.Exec(ctx, `delete from customer_keys where key = $1 and customer_id = $2`, i.key(), int64(c))
	return err
}
