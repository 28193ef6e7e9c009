package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// reserved are the traits with a place of their own in a profile; everything
// else is kept as it is told.
var reserved = []string{"id", "email", "phone", "name", "firstName", "lastName", "birthday", "address", "createdAt", "avatar", "language", "locale"}

func isReserved(key string) bool {
	return slices.ContainsFunc(reserved, func(r string) bool {
		return key == r || key == snake(r) || strings.HasPrefix(key, r+".")
	})
}

// traitsOf are the traits a message tells of its person: an identify's own,
// and those that another call carries along.
func (m *message) traitsOf() object {
	if m.kind == "identify" {
		return m.traits
	}
	return inner(m.context, "traits")
}

// profile adds what the message tells of its person. An email or phone that is
// none, and a date that is no day, are left out: one typing error must not
// lose the rest.
func (m *message) profile(p *customers.Profile) {
	if m.at.Before(p.JoinedAt) {
		p.JoinedAt = m.at
	}
	traits := m.traitsOf()
	if lang := language(cmp.Or(firstOf(traits, "language", "locale"), said(m.context, "locale"))); lang != "" {
		p.Language = lang
	}
	if traits == nil {
		return
	}
	address := inner(traits, "address")
	if c := said(address, "country"); len(c) == 2 {
		p.Country = strings.ToUpper(c)
	}
	for kind, value := range map[string]string{customers.Email: said(traits, "email"), customers.Phone: said(traits, "phone")} {
		if value == "" {
			continue
		}
		if _, err := customers.Normalise(customers.Identity{Kind: kind, Value: value}, p.Country); err == nil {
			p.Identities = append(p.Identities, customers.Identity{Kind: kind, Value: value})
		}
	}
	// The external id comes first, an email before a phone, whatever the map.
	slices.SortStableFunc(p.Identities[1:], func(a, b customers.Identity) int { return strings.Compare(a.Kind, b.Kind) })
	if name := within(traits, "name"); name != "" {
		p.Name = name
	}
	if given, family := within(traits, "firstName"), within(traits, "lastName"); given != "" || family != "" {
		p.Given, p.Family = given, family
		if said(traits, "name") == "" {
			p.Name = strings.TrimSpace(given + " " + family)
		}
	}
	if joined, ok := parseTime(said(traits, "createdAt")); ok && joined.Before(p.JoinedAt) && joined.Year() > 1990 {
		p.JoinedAt, p.History = joined, p.History || m.at.Sub(joined) > fresh
	}
}

// within is a trait of at most 200 letters, or none.
func within(traits object, name string) string {
	if s := said(traits, name); len([]rune(s)) <= 200 {
		return s
	}
	return ""
}

// language is the language of a locale: cs of cs-CZ.
func language(locale string) string {
	lang, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if len(lang) < 2 || len(lang) > 3 {
		return ""
	}
	return strings.ToLower(lang)
}

// trait is a value as it is written.
type trait struct {
	property
	at time.Time
}

// learn writes the traits, and what of birthdays and addresses is new.
func (t *telling) learn(ctx context.Context) error {
	rows := map[id.Customer]map[string]trait{}
	put := func(c id.Customer, p property, at time.Time) {
		if rows[c] == nil {
			rows[c] = map[string]trait{}
		}
		rows[c][p.key] = trait{p, at} // messages come in the order of time
	}
	for _, m := range t.told {
		if m.customer == 0 {
			continue
		}
		if m.kind == "group" {
			put(m.customer, property{key: "group", text: m.group}, m.at)
			for _, p := range joined(flat(m.traits, nil)) {
				p.key = "group." + p.key
				put(m.customer, p, m.at)
			}
			continue
		}
		traits := m.traitsOf()
		for _, p := range joined(flat(traits, isReserved)) {
			put(m.customer, p, m.at)
		}
		if err := t.dates(ctx, m, traits); err != nil {
			return err
		}
	}
	return t.writeTraits(ctx, rows)
}

// joined makes one value of the values of a list.
func joined(all []property) []property {
	var one []property
	for _, p := range all {
		if n := len(one); n > 0 && p.ordinal > 0 && one[n-1].key == p.key {
			one[n-1].text, one[n-1].number = one[n-1].text+", "+p.text, nil
			continue
		}
		p.ordinal = 0
		one = append(one, p)
	}
	return one
}

// maxTraits is how many traits of a customer are kept: the newest.
const maxTraits = 100

func (t *telling) writeTraits(ctx context.Context, all map[id.Customer]map[string]trait) error {
	if len(all) == 0 {
		return nil
	}
	type row struct {
		c id.Customer
		trait
	}
	var rows []row
	cs := make([]id.Customer, 0, len(all))
	for c, traits := range all {
		cs = append(cs, c)
		for _, v := range traits {
			rows = append(rows, row{c, v})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.c, b.c), strings.Compare(a.key, b.key)) })
	b := t.tx.Bulk(ctx, "customer_traits", "customer_id, trait, text_value, number_value, told_at, origin_customer_id", `
		on conflict (customer_id, trait) do update set text_value = excluded.text_value, number_value = excluded.number_value, told_at = excluded.told_at
		where customer_traits.told_at <= excluded.told_at`)
	for _, r := range rows {
		if err := b.Add(int64(r.c), r.key, r.text, r.number, r.at.UnixMicro(), nil); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("write traits of %d customers: %w", len(cs), err)
	}
	slices.Sort(cs)
	for some := range slices.Chunk(cs, 200) {
		full, err := store.All(ctx, t.tx, store.Scalar[int64], `
			select customer_id from customer_traits where customer_id in (`+store.List(1, len(some))+`)
			group by customer_id having count(*) > `+fmt.Sprint(maxTraits), store.Args(some)...)
		if err != nil {
			return err
		}
		for _, c := range full {
			if _, err := t.tx.Exec(ctx, `
				delete from customer_traits where customer_id = $1 and (told_at, trait) <= (
					select told_at, trait from customer_traits where customer_id = $1 order by told_at desc, trait desc limit 1 offset $2)`,
				c, maxTraits); err != nil {
				return err
			}
		}
	}
	return nil
}

// dates writes a birthday and an address that a message tells and the customer
// has not. What they have stays: staff may have put it right.
func (t *telling) dates(ctx context.Context, m *told, traits object) error {
	by := customers.By{Source: "collect", History: m.history(t.tx.Now)}
	if day, ok := parseTime(said(traits, "birthday")); ok {
		have, err := customers.Dates(ctx, t.tx, m.customer)
		if err != nil {
			return err
		}
		date := customers.Date{Kind: "birthday", MonthDay: day.Format("01-02"), Year: day.Year()}
		if !slices.ContainsFunc(have, func(d customers.Date) bool { return d.Kind == "birthday" }) && date.Year >= 1800 && date.Year <= 2200 {
			if err := customers.SetDate(ctx, t.tx, m.customer, by, date); err != nil {
				return err
			}
		}
	}
	a := inner(traits, "address")
	if a == nil {
		return nil
	}
	address := customers.Address{Street: within(a, "street"), City: within(a, "city"), Region: within(a, "state"), Postcode: within(a, "postalCode")}
	if c := said(a, "country"); len(c) == 2 {
		address.Country = strings.ToUpper(c)
	}
	if address.Street == "" && address.City == "" && address.Postcode == "" || len(address.Postcode) > 20 {
		return nil
	}
	have, err := customers.Addresses(ctx, t.tx, m.customer)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(have, func(h customers.Address) bool {
		return h.Street == address.Street && h.City == address.City && h.Postcode == address.Postcode
	}) {
		return nil
	}
	return customers.WriteAddress(ctx, t.tx, m.customer, by, address)
}
