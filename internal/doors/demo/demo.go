// Package demo makes a store to try everything in: Bora & Daughters, coffee,
// tea and gifts, with two years of customers who come back or do not.
//
// Its one rule: the store is made through the modules' own verbs, and every
// draw comes from a seed, so that it is the same on every machine and on every
// engine; only the calendar it lies on ends where it is told to.
package demo

import (
	"context"
	"embed"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/workspace"
)

// Files are the sentences of the demo store.
//
//go:embed text
var Files embed.FS

// Source is who told of everything in the demo store.
const Source = "demo"

// OwnerEmail is the address with which one signs in.
const OwnerEmail = "demo@example.com"

// Settings are those of the business.
var Settings = workspace.Settings{
	Name: "Bora & Daughters", Colour: "#9a3412", Country: "IT", Zone: "Europe/Rome", Currency: "EUR",
	Languages: []string{"en", "it", "cs", "bg", "ko", "ru", "de", "fr"}, Demo: true,
}

// Days is how long the store's history is.
const Days = 730

// Options say what to make. The zero value, with Tables, is the store that
// the documentation describes.
type Options struct {
	Customers int            // 0: 6000
	Seed      uint64         // 0: the store's own
	Until     string         // the last day, YYYY-MM-DD; empty: yesterday, so that nothing lies in the future
	Password  users.Password // the owner's; zero: they have none, and need a link
	Tables    []customers.Table
	Report    func(done, of int) // told of the progress, in days; may be nil
}

// Made says what there is now.
type Made struct {
	Customers, Orders, Returns, WalkIns, Lines int
	From, Until                                string
}

const (
	allCustomers = 6000
	ownSeed      = 1719 // the year in which Trieste became a free port
)

// Make writes the demo store into an empty database, all in one transaction:
// one that is broken off leaves nothing. A database that somebody uses is
// refused with errs.Conflict.
func Make(ctx context.Context, db *store.DB, o Options) (Made, error) {
	if err := refuse(ctx, db); err != nil {
		return Made{}, err
	}
	p, err := newPlan(db.Now(), o)
	if err != nil {
		return Made{}, err
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := refuse(ctx, tx); err != nil {
			return err
		}
		return p.write(ctx, tx, o)
	})
	if err != nil {
		return Made{}, fmt.Errorf("make the demo store: %w", err)
	}
	return p.made(), nil
}

// newPlan draws the whole store.
func newPlan(now time.Time, o Options) (*plan, error) {
	zone := Settings.Location()
	if o.Customers == 0 {
		o.Customers = allCustomers
	}
	if o.Seed == 0 {
		o.Seed = ownSeed
	}
	if o.Customers < 100 || o.Customers > 100_000 {
		return nil, errs.Wrong("customers", "demo.wrong.customers")
	}
	if o.Until == "" {
		o.Until = now.In(zone).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	last, err := time.ParseInLocation(time.DateOnly, o.Until, zone)
	if err != nil {
		return nil, errs.Wrong("until", "demo.wrong.until")
	}
	if !last.AddDate(0, 0, 1).Before(now.Add(time.Minute)) {
		return nil, errs.Wrong("until", "demo.wrong.until-over")
	}
	return simulate(last, o.Seed, o.Customers)
}

// Is reports whether a database holds the demo store.
func Is(ctx context.Context, q store.Querier) (bool, error) {
	s, err := workspace.Load(ctx, q)
	return s.Demo, err
}

// refuse fails unless nobody has begun to use the database.
func refuse(ctx context.Context, q store.Querier) error {
	s, err := workspace.Load(ctx, q)
	if err != nil {
		return err
	}
	if s.Demo {
		return errs.Clash("", "demo.wrong.there")
	}
	staff, err := users.Count(ctx, q)
	if err != nil {
		return err
	}
	var people, sales int
	if err := q.QueryRow(ctx, `select count(*) from customers`).Scan(&people); err != nil {
		return err
	}
	if err := q.QueryRow(ctx, `select (select count(*) from orders) + (select count(*) from walkin_orders)`).Scan(&sales); err != nil {
		return err
	}
	if s.Saved || staff+people+sales > 0 {
		return errs.Clash("", "demo.wrong.in-use", "Customers", people, "Orders", sales, "Staff", staff)
	}
	return nil
}

// made counts the plan.
func (p *plan) made() Made {
	m := Made{Customers: len(p.people), From: p.day(0).Format(time.DateOnly), Until: p.day(Days - 1).Format(time.DateOnly)}
	for _, s := range p.sales {
		m.Lines += len(s.lines)
		switch {
		case s.of != nil:
			m.Returns++
		case s.who < 0:
			m.WalkIns++
		default:
			m.Orders++
		}
	}
	return m
}
