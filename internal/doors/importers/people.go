package importers

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// people returns the customers of the slice and how many were not there.
func (p *placer) people(ctx context.Context, tx *store.Tx, s *slice) (ids []id.Customer, fresh int64, err error) {
	if len(s.people) == 0 {
		return nil, 0, nil
	}
	since := make([]time.Time, len(s.people))
	for _, d := range s.drafts {
		if i := d.person; i >= 0 && (since[i].IsZero() || d.rec.At.Before(since[i])) {
			since[i] = d.rec.At
		}
	}
	for _, w := range s.words {
		if i := w.person; !w.joined.IsZero() && (since[i].IsZero() || w.joined.Before(since[i])) {
			since[i] = w.joined
		}
	}
	profiles := make([]customers.Profile, len(s.people))
	for i, person := range s.people {
		profiles[i] = p.profile(person, since[i])
	}
	before := id.Customer(tx.NewID())
	ids, err = customers.CreateMany(ctx, tx, profiles)
	if err != nil {
		return nil, 0, err
	}
	made := slices.Clone(ids)
	slices.Sort(made)
	for _, c := range slices.Compact(made) {
		if c > before {
			fresh++
		}
	}
	return ids, fresh, nil
}

func (p *placer) profile(person Person, since time.Time) customers.Profile {
	profile := customers.Profile{Name: person.Name, Given: person.Given, Family: person.Family, Language: person.Language,
		Country: person.Country, JoinedAt: since, Source: p.source(), Import: p.im.ID, History: true, Region: p.shop.Country}
	add := func(kind, value string) {
		i := customers.Identity{Kind: kind, Value: value}
		// What is no email or phone is not known by it; the order still counts.
		if _, err := customers.Normalise(i, p.shop.Country); value != "" && err == nil {
			profile.Identities = append(profile.Identities, i)
		}
	}
	add(customers.Email, person.Email)
	add(customers.Phone, person.Phone)
	add(customers.Card, person.Card)
	for _, more := range []struct{ kind, values string }{{customers.Email, person.Emails}, {customers.Phone, person.Phones}} {
		for value := range strings.SplitSeq(more.values, ";") {
			add(more.kind, strings.TrimSpace(value))
		}
	}
	if person.External != "" {
		add(customers.External, p.source()+":"+person.External)
	}
	person.describe(&profile)
	return profile
}

// describe adds what else is known of a person, as far as it can be kept.
func (p Person) describe(to *customers.Profile) {
	if p.Street != "" || p.City != "" || p.Postcode != "" {
		to.Addresses = []customers.Address{{Street: text.Short(p.Street, 300), City: text.Short(p.City, 150), Region: text.Short(p.Region, 150),
			Postcode: text.Short(p.Postcode, 20), Country: p.Country}}
	}
	to.Tags = splitTags(p.Tags)
	if month, year := p.born(); month != "" {
		to.Dates = []customers.Date{{Kind: "birthday", MonthDay: month, Year: year}}
	}
}

// words writes down what people agreed to and took back, and which of their
// addresses cannot be reached.
func (p *placer) words(ctx context.Context, tx *store.Tx, s *slice, people []id.Customer) (written int64, err error) {
	by := customers.By{Source: p.source(), Import: p.im.ID, History: true}
	var words []customers.Word
	var bounces []customers.Bounce
	for _, w := range s.words {
		for _, c := range w.given {
			if c.Place = cmp.Or(c.Place, p.im.File); c.At.IsZero() && w.firm {
				c.At = tx.Now
			}
			words = append(words, customers.Word{Customer: people[w.person], Consent: c})
		}
		if w.bounced != nil {
			b := *w.bounced
			b.Customer = people[w.person]
			bounces = append(bounces, b)
		}
	}
	said, err := customers.DecideMany(ctx, tx, by, words)
	if err != nil {
		return 0, err
	}
	bounced, err := customers.BounceMany(ctx, tx, by, bounces)
	return int64(said + bounced), err
}
