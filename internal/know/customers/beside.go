package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// beside is what a customer has of tags, addresses and dates.
type beside struct {
	tags, dates []string
	address     bool
}

// extra reports whether a profile tells anything that hangs beside a customer.
func (m *maker) extra() bool { return len(m.Tags)+len(m.Addresses)+len(m.Dates) > 0 }

// lacking is the profile with those of its tags, addresses and dates alone
// that the customer lacks; nil: none. Who has an address keeps it.
func (m *maker) lacking(b *beside) *maker {
	if b == nil {
		b = &beside{}
	}
	p := *m.Profile
	p.Tags = slices.DeleteFunc(slices.Clone(p.Tags), func(t string) bool { return slices.Contains(b.tags, text.Fold(t)) })
	p.Dates = slices.DeleteFunc(slices.Clone(p.Dates), func(d Date) bool { return slices.Contains(b.dates, d.Kind+":"+d.Label) })
	if b.address {
		p.Addresses = nil
	}
	less := *m
	if less.Profile = &p; !less.extra() {
		return nil
	}
	return &less
}

// add notes what a profile brings.
func (b *beside) add(m *maker) {
	for _, t := range m.Tags {
		b.tags = append(b.tags, text.Fold(t))
	}
	for _, d := range m.Dates {
		b.dates = append(b.dates, d.Kind+":"+d.Label)
	}
	b.address = b.address || len(m.Addresses) > 0
}

// readBeside reads what those customers have of whom the makers tell such.
func readBeside(ctx context.Context, q store.Querier, told map[id.Customer][]*maker) (map[id.Customer]*beside, error) {
	var who []id.Customer
	for c, ms := range told {
		if slices.ContainsFunc(ms, (*maker).extra) {
			who = append(who, c)
		}
	}
	found := map[id.Customer]*beside{}
	for part := range slices.Chunk(who, 200) {
		in, args := origins(part, 1)
		for _, c := range part {
			found[c] = &beside{}
		}
		for query, take := range map[string]func(b *beside, v string){
			`select customer_id, tag from customer_tags`:                   func(b *beside, v string) { b.tags = append(b.tags, v) },
			`select customer_id, kind || ':' || label from customer_dates`: func(b *beside, v string) { b.dates = append(b.dates, v) },
			`select customer_id, 'has' from customer_addresses`:            func(b *beside, _ string) { b.address = true },
		} {
			_, err := store.All(ctx, q, func(rows *sql.Rows) (struct{}, error) {
				var c id.Customer
				var v string
				err := rows.Scan(&c, &v)
				if b := found[c]; err == nil && b != nil {
					take(b, v)
				}
				return struct{}{}, err
			}, query+` where customer_id in (`+in+`)`, args...)
			if err != nil {
				return nil, fmt.Errorf("read what hangs beside customers: %w", err)
			}
		}
	}
	return found, nil
}

// beside gives locked customers the tags, addresses and dates they lack.
func (l *learning) beside(ctx context.Context, who []Customer) error {
	had, err := readBeside(ctx, l.tx, l.told)
	if err != nil {
		return err
	}
	var news []*maker
	for _, c := range who {
		for _, m := range l.told[c.ID] {
			if !m.extra() {
				continue
			}
			less := m.lacking(had[c.ID])
			if less == nil {
				continue
			}
			less.id = c.ID
			had[c.ID].add(less)
			news = append(news, less)
			l.changes(c.ID, len(less.Tags) > 0, "tags")
			l.changes(c.ID, len(less.Addresses) > 0, "address")
			for _, d := range less.Dates {
				l.changes(c.ID, true, d.Kind)
			}
		}
	}
	for _, write := range []func(context.Context, *store.Tx, []*maker) error{writeTags, writeDates, writeAddresses} {
		if err := write(ctx, l.tx, news); err != nil {
			return err
		}
	}
	return nil
}

// changes notes a field for customer.changed.
func (l *learning) changes(c id.Customer, so bool, field string) {
	if so && !slices.Contains(l.fields[c], field) {
		l.fields[c] = append(l.fields[c], field)
	}
}
