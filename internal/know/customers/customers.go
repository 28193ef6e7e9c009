// Package customers is people: by what they are known, what is known of them,
// and what they agreed to.
//
// Its one rule: every table that holds something of a customer is declared by
// a Table, so that merging, undoing a merge, exporting and erasing a person
// forget none.
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
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Profile is what a customer is made of. Empty fields are unknown; a name or
// one identity is needed.
type Profile struct {
	Name     string // as the person is addressed; empty: Given and Family
	Given    string
	Family   string
	Language string // a tag: cs
	Country  string // ISO 3166: CZ

	JoinedDay string    // YYYY-MM-DD in the business's time zone; empty: of JoinedAt
	JoinedAt  time.Time // zero: the start of JoinedDay, else now
	Source    string    // who told: staff, import, demo, api
	Actor     id.User
	Import    id.Import
	History   bool // long ago: starts no play and no message

	Region     string // of phones written without a country's code; empty: Country
	Identities []Identity
	Tags       []string
	Tastes     []Taste
	Dates      []Date
	Addresses  []Address
	Consents   []Consent
}

// Customer is one person as the customers table has them.
type Customer struct {
	ID         id.Customer
	Version    int64
	Name       string
	Given      string
	Family     string
	Language   string
	Country    string
	Email      string // the main one
	Phone      string // the main one, E.164
	JoinedAt   time.Time
	JoinedDay  string
	Source     string
	Import     id.Import
	CreatedAt  time.Time
	ChangedAt  time.Time
	MergedInto id.Customer // 0: lives
	ErasedAt   time.Time   // zero: not erased
}

const columns = `customer_id, version, name, given, family, language, country, email, phone,
	joined_at, joined_day, source, import_id, created_at, changed_at, merged_into, erased_at`

// Called is the name of the customer, or what they are known by instead.
func (c Customer) Called() string { return cmp.Or(c.Name, c.Email, c.Phone) }

// Create makes a customer and records customer.joined. An identity that
// belongs to someone else is errs.Conflict. One of somebody erased is free
// unless the profile is History: who comes back of their own will is a new
// customer, and files lead to that one from then on.
func Create(ctx context.Context, tx *store.Tx, p Profile) (id.Customer, error) {
	made, err := create(ctx, tx, []Profile{p})
	if err != nil {
		return 0, err
	}
	if !made[0].fresh {
		return 0, errs.Clash("", "customers.wrong.taken", "Identity", made[0].taken)
	}
	return made[0].id, nil
}

// CreateMany makes many customers at once, for importers. A profile of which
// an identity is claimed already, by an older customer or earlier in the same
// list, makes nobody: the owner of the first such identity is returned in its
// place. They get of the profile's name, language, country, identities, tags, dates and address what
// they lack and nobody else has, with a customer.changed, and keep the rest;
// doing it again changes nothing. A profile with History of somebody erased
// makes nobody and writes nothing: the nameless customer is returned.
func CreateMany(ctx context.Context, tx *store.Tx, ps []Profile) ([]id.Customer, error) {
	made, err := create(ctx, tx, ps)
	if err != nil {
		return nil, err
	}
	if err := learn(ctx, tx, made); err != nil {
		return nil, err
	}
	if err := suggest(ctx, tx, made); err != nil {
		return nil, err
	}
	ids := make([]id.Customer, len(made))
	for i, m := range made {
		ids[i] = m.id
	}
	return ids, nil
}

// ByID returns a customer, also a merged or an erased one.
func ByID(ctx context.Context, q store.Querier, c id.Customer) (Customer, error) {
	all, err := ByIDs(ctx, q, []id.Customer{c})
	if err != nil {
		return Customer{}, err
	}
	if len(all) == 0 {
		return Customer{}, errs.Missing("customers.wrong.gone")
	}
	return all[0], nil
}

// ByIDs returns customers in ascending order of their ids; those that do not
// exist are left out.
func ByIDs(ctx context.Context, q store.Querier, ids []id.Customer) ([]Customer, error) {
	var all []Customer
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for part := range slices.Chunk(ids, 200) {
		some, err := store.All(ctx, q, scan, `
			select `+columns+` from customers where customer_id in (`+store.List(1, len(part))+`) order by customer_id`, args(part)...)
		if err != nil {
			return nil, fmt.Errorf("read %d customers: %w", len(part), err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func scan(rows *sql.Rows) (Customer, error) {
	var c Customer
	var imported, merged, erased sql.NullInt64
	var joined, created, changed int64
	err := rows.Scan(&c.ID, &c.Version, &c.Name, &c.Given, &c.Family, &c.Language, &c.Country, &c.Email, &c.Phone,
		&joined, &c.JoinedDay, &c.Source, &imported, &created, &changed, &merged, &erased)
	c.JoinedAt, c.CreatedAt, c.ChangedAt = moment(joined), moment(created), moment(changed)
	c.Import, c.MergedInto = id.Import(imported.Int64), id.Customer(merged.Int64)
	if erased.Valid {
		c.ErasedAt = moment(erased.Int64)
	}
	return c, err
}

// Resolve returns the customer that lives on for c: itself unless it was
// merged into another one. Every job and every address goes through it.
func Resolve(ctx context.Context, q store.Querier, c id.Customer) (id.Customer, error) {
	for range 1000 { // merges make no circle; should one be there, do not hang
		var into sql.NullInt64
		err := q.QueryRow(ctx, `select merged_into from customers where customer_id = $1`, int64(c)).Scan(&into)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, errs.Missing("customers.wrong.gone")
		}
		if err != nil {
			return 0, fmt.Errorf("follow merges of %s: %w", c, err)
		}
		if !into.Valid {
			return c, nil
		}
		c = id.Customer(into.Int64)
	}
	return 0, fmt.Errorf("follow merges of %s: they go in a circle", c)
}

// Lock holds the rows of customers until the transaction ends, in ascending
// order so that two transactions wait for each other in one direction only.
// It comes before anything is read that will be written.
func Lock(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	for part := range slices.Chunk(cs, 200) {
		if _, err := tx.Exec(ctx, `
			update customers set version = version + 1 where customer_id in (`+store.List(1, len(part))+`)`, args(part)...); err != nil {
			return fmt.Errorf("lock %d customers: %w", len(part), err)
		}
	}
	return nil
}

// Hold keeps customers as they are until the transaction ends, as Lock does, for
// whoever writes something about them and not themselves: it makes no new version
// of them where the engine can do without.
func Hold(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	cs = slices.Compact(slices.Sorted(slices.Values(cs)))
	for part := range slices.Chunk(cs, 200) {
		held, err := tx.Hold(ctx, `select customer_id from customers where customer_id in (`+store.List(1, len(part))+`) order by customer_id`, args(part)...)
		if err != nil {
			return fmt.Errorf("hold %d customers: %w", len(part), err)
		}
		if !held {
			return Lock(ctx, tx, cs...)
		}
	}
	return nil
}

// lockLiving locks one customer and refuses who was merged or erased.
func lockLiving(ctx context.Context, tx *store.Tx, c id.Customer) (Customer, error) {
	if err := Lock(ctx, tx, c); err != nil {
		return Customer{}, err
	}
	found, err := ByID(ctx, tx, c)
	switch {
	case err != nil:
		return found, err
	case found.MergedInto != 0:
		return found, errs.Clash("", "customers.wrong.merged-meanwhile")
	case !found.ErasedAt.IsZero():
		return found, errs.Clash("", "customers.wrong.erased")
	}
	return found, nil
}

// limits of a profile's texts, in characters.
const (
	maxName     = 200
	maxIdentity = 254
	maxLabel    = 80
	maxText     = 10_000
)

// tidy cleans a profile's texts and completes what was left out.
func (p *Profile) tidy(now time.Time) error {
	for _, f := range []struct {
		name string
		v    *string
		max  int
	}{{"name", &p.Name, maxName}, {"given", &p.Given, maxName}, {"family", &p.Family, maxName},
		{"language", &p.Language, 35}, {"country", &p.Country, 2}, {"source", &p.Source, maxLabel}} {
		if err := line(f.name, f.v, f.max); err != nil {
			return err
		}
	}
	p.Country = strings.ToUpper(p.Country)
	if p.Name == "" {
		p.Name = strings.TrimSpace(p.Given + " " + p.Family)
	}
	if p.Name == "" && len(p.Identities) == 0 {
		return errs.Wrong("name", "customers.wrong.nameless")
	}
	if p.JoinedDay != "" {
		day, err := time.Parse(time.DateOnly, p.JoinedDay)
		if err != nil {
			return errs.Wrong("joined_day", "customers.wrong.joined")
		}
		if p.JoinedAt.IsZero() {
			p.JoinedAt = day
		}
	}
	if p.JoinedAt.IsZero() {
		p.JoinedAt = now
	}
	p.JoinedAt = p.JoinedAt.UTC().Truncate(time.Microsecond)
	if p.JoinedDay == "" {
		p.JoinedDay = p.JoinedAt.Format(time.DateOnly)
	}
	return nil
}

// line cleans a text of one line and refuses one that is too long.
func line(field string, v *string, limit int) error {
	*v = text.Line(*v)
	if n := len([]rune(*v)); n > limit {
		return errs.Wrong(field, "customers.wrong.too-long", "Max", limit, "Now", n)
	}
	return nil
}

// area cleans a text of several lines.
func area(field string, v *string, limit int) error {
	*v = text.Clean(*v)
	if n := len([]rune(*v)); n > limit {
		return errs.Wrong(field, "customers.wrong.too-long", "Max", limit, "Now", n)
	}
	return nil
}

// joined is the event of a fresh customer.
func (p *Profile) joined(c id.Customer) timeline.Event {
	return timeline.Event{Customer: c, OccurredAt: p.JoinedAt, Kind: kindJoined, History: p.History, Source: p.Source,
		Actor: p.Actor, Import: p.Import, Payload: timeline.Payload(Joined{Source: p.Source})}
}

func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func args(ids []id.Customer) []any {
	all := make([]any, len(ids))
	for i, c := range ids {
		all[i] = int64(c)
	}
	return all
}

func null(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}
