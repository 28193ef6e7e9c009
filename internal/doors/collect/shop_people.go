package collect

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/text"
)

// meet finds the customer of a shop's record, or makes one, and takes over
// what the record tells. 0: there is nothing to know them by.
func (w *shopWork) meet(ctx context.Context, p *person) (id.Customer, error) {
	p.tidy()
	is, err := w.identities(ctx, p)
	if err != nil || len(is) == 0 {
		return 0, err
	}
	profile := customers.Profile{Name: p.Name, Given: p.Given, Family: p.Family, Language: p.Language, Country: p.Country, JoinedAt: firstTime(p.Joined, p.At),
		Source: w.space(), History: w.old(firstTime(p.Joined, p.At)), Region: w.region, Identities: is}
	made, err := customers.CreateMany(ctx, w.tx, []customers.Profile{profile})
	if err != nil {
		return 0, err
	}
	c, err := w.oneOf(ctx, made[0], is)
	if err != nil {
		return 0, err
	}
	who, err := customers.ByID(ctx, w.tx, c)
	if err != nil || !who.ErasedAt.IsZero() {
		return c, err
	}
	if err := w.tell(ctx, who, p); err != nil {
		return 0, fmt.Errorf("take over what is told of %s: %w", c, err)
	}
	return c, w.decide(ctx, c, p)
}

// tidy cleans what a shop says of a person.
func (p *person) tidy() {
	for _, s := range []*string{&p.Name, &p.Given, &p.Family} {
		*s = label(*s)
	}
	p.Name = cmp.Or(p.Name, label(p.Given+" "+p.Family))
	p.External, p.Email, p.Phone = text.Line(p.External), text.Line(p.Email), text.Line(p.Phone)
}

// identities are by what the person can be known. A phone may be a family's:
// it finds somebody only when there is nothing else.
func (w *shopWork) identities(ctx context.Context, p *person) ([]customers.Identity, error) {
	var is []customers.Identity
	add := func(kind, value string) bool {
		i, err := customers.Normalise(customers.Identity{Kind: kind, Value: value}, cmp.Or(w.region, p.Country))
		if value != "" && err == nil {
			is = append(is, i)
		}
		return value != "" && err == nil
	}
	if p.External != "" {
		add(customers.External, w.space()+":"+p.External)
	}
	add(customers.Email, p.Email)
	if known := len(is) > 0; add(customers.Phone, p.Phone) && known {
		_, taken, err := customers.Find(ctx, w.tx, is[len(is)-1])
		if err != nil {
			return nil, err
		}
		if taken {
			is = is[:len(is)-1]
		}
	}
	return is, nil
}

// oneOf makes one customer of those who hold the identities of one record: the
// shop says that they are one person. Two who have different names stay two,
// for a person to look at.
func (w *shopWork) oneOf(ctx context.Context, c id.Customer, is []customers.Identity) (id.Customer, error) {
	found, err := customers.FindMany(ctx, w.tx, is)
	if err != nil {
		return 0, err
	}
	for _, i := range is {
		other, ok := found[i]
		if !ok || other == c {
			continue
		}
		a, err := customers.ByID(ctx, w.tx, min(c, other))
		if err != nil {
			return 0, err
		}
		b, err := customers.ByID(ctx, w.tx, max(c, other))
		if err != nil {
			return 0, err
		}
		if !a.ErasedAt.IsZero() || !b.ErasedAt.IsZero() || a.Name != "" && b.Name != "" && text.Fold(a.Name) != text.Fold(b.Name) {
			continue
		}
		if _, err := customers.MergeInto(ctx, w.tx, w.tables, a.ID, b.ID, customers.By{Source: w.space(), History: true}); err != nil {
			return 0, err
		}
		for key, whose := range found {
			if whose == b.ID {
				found[key] = a.ID
			}
		}
		c = a.ID
	}
	return c, nil
}

// saidField is one field of a person as the shop told it last.
type saidField struct {
	name, value string
}

// fields are what is told of a person, those that are not empty.
func (p *person) fields() []saidField {
	var all []saidField
	if p.Name != "" {
		all = append(all, saidField{"name", strings.Join([]string{p.Name, p.Given, p.Family}, "\n")})
	}
	if p.Language != "" {
		all = append(all, saidField{"language", p.Language})
	}
	if p.Country != "" {
		all = append(all, saidField{"country", p.Country})
	}
	return all
}

// tell takes over the fields that the shop tells newer than before. What
// somebody here wrote in the place of the shop's word stays.
func (w *shopWork) tell(ctx context.Context, who customers.Customer, p *person) error {
	e := customers.Edit{Name: who.Name, Given: who.Given, Family: who.Family, Language: who.Language, Country: who.Country}
	changed := false
	for _, f := range p.fields() {
		var before string
		var at int64
		err := w.tx.QueryRow(ctx, `select value, told_at from collect_told where customer_id = $1 and space = $2 and field = $3`,
			int64(who.ID), w.space(), f.name).Scan(&before, &at)
		if err != nil && err != sql.ErrNoRows {
			return err
		}
		first := err == sql.ErrNoRows
		if now := p.At.UnixMicro(); !first && (now < at || now == at && f.value <= before) {
			continue
		}
		if _, err := w.tx.Exec(ctx, `
			insert into collect_told (customer_id, space, field, value, told_at, origin_customer_id) values ($1, $2, $3, $4, $5, null)
			on conflict (customer_id, space, field) do update set value = excluded.value, told_at = excluded.told_at`,
			int64(who.ID), w.space(), f.name, f.value, p.At.UnixMicro()); err != nil {
			return err
		}
		if now := current(who, f.name); f.value != now && (now == "" || !first && now == before) {
			put(&e, f)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return customers.Change(ctx, w.tx, who.ID, w.by(p.At), e)
}

func put(e *customers.Edit, f saidField) {
	switch f.name {
	case "language":
		e.Language = f.value
	case "country":
		e.Country = f.value
	default:
		parts := strings.SplitN(f.value, "\n", 3)
		e.Name, e.Given, e.Family = parts[0], parts[1], parts[2]
	}
}

// current is how a field of the customer stands, as fields writes it.
func current(c customers.Customer, field string) string {
	switch field {
	case "language":
		return c.Language
	case "country":
		return c.Country
	}
	if c.Name == "" {
		return ""
	}
	return strings.Join([]string{c.Name, c.Given, c.Family}, "\n")
}

// decide writes down the person's yes and no, each once.
func (w *shopWork) decide(ctx context.Context, c id.Customer, p *person) error {
	if len(p.Consents) == 0 {
		return nil
	}
	proofs, err := customers.Proofs(ctx, w.tx, c)
	if err != nil {
		return err
	}
	for _, d := range p.Consents {
		newest := slices.IndexFunc(proofs, func(had customers.Proof) bool { return had.Channel == d.Channel })
		if w.source.Kind == Square && newest >= 0 && !proofs[newest].Given {
			continue // Square says that it is so, and not since when
		}
		if d.At.After(w.tx.Now) {
			d.At = w.tx.Now
		}
		if d.Place = cmp.Or(d.Place, w.source.Name); slices.ContainsFunc(proofs, func(had customers.Proof) bool {
			return had.Channel == d.Channel && had.Given == d.Given && had.At.Equal(d.At)
		}) {
			continue
		}
		d.Source = w.space()
		if err := customers.Decide(ctx, w.tx, c, w.by(d.At), d); err != nil {
			return err
		}
	}
	return nil
}
