package customers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Upsert makes the customer a profile tells of, or brings the one who has any
// of its identities up to it: what the profile says replaces what was known,
// what it leaves empty stays, and lists only grow. Doing it again changes
// nothing. An identity of yet another customer is errs.Conflict.
func Upsert(ctx context.Context, tx *store.Tx, p Profile) (c id.Customer, made bool, err error) {
	for range 2 { // somebody else may be making them just now
		c, err = holder(ctx, tx, p)
		if err != nil || c != 0 {
			break
		}
		if c, err = Create(ctx, tx, p); !errs.Is(err, errs.Conflict) {
			return c, err == nil, err
		}
	}
	if err != nil {
		return 0, false, err
	}
	return c, false, complete(ctx, tx, c, p)
}

// holder is who has the first identity of a profile that is anybody's; 0:
// nobody.
func holder(ctx context.Context, tx *store.Tx, p Profile) (id.Customer, error) {
	region := cmp.Or(p.Region, p.Country)
	for _, given := range p.Identities {
		i, err := Normalise(given, region)
		if err != nil {
			return 0, err
		}
		c, ok, err := Find(ctx, tx, i)
		if err != nil || ok {
			return c, err
		}
	}
	return 0, nil
}

// complete writes down of a profile what its customer has not.
func complete(ctx context.Context, tx *store.Tx, c id.Customer, p Profile) error {
	who, err := lockLiving(ctx, tx, c)
	if err != nil {
		return err
	}
	by := p.by()
	if p.Name == "" && (p.Given != "" || p.Family != "") {
		p.Name = who.Name
		if who.Name == "" || who.Name == trimmedName(who.Given, who.Family) {
			p.Name = "" // it follows from the other two
		}
	} else {
		p.Name = cmp.Or(p.Name, who.Name)
	}
	if err := Change(ctx, tx, c, by, Edit{Name: p.Name, Given: cmp.Or(p.Given, who.Given), Family: cmp.Or(p.Family, who.Family),
		Language: cmp.Or(p.Language, who.Language), Country: cmp.Or(p.Country, who.Country)}); err != nil {
		return err
	}
	var own []Identity
	for _, given := range p.Identities {
		i, err := Normalise(given, cmp.Or(p.Region, p.Country, who.Country))
		if err != nil {
			return err
		}
		own = append(own, i)
	}
	if err := Claim(ctx, tx, c, by, own...); err != nil {
		return err
	}
	if err := Tag(ctx, tx, c, by, p.Tags...); err != nil {
		return err
	}
	for _, t := range p.Tastes {
		if err := Like(ctx, tx, c, by, t); err != nil {
			return err
		}
	}
	return completeLists(ctx, tx, c, p)
}

func trimmedName(given, family string) string {
	switch {
	case given == "":
		return family
	case family == "":
		return given
	}
	return given + " " + family
}

// completeLists writes dates, addresses and consents that are not there yet.
func completeLists(ctx context.Context, tx *store.Tx, c id.Customer, p Profile) error {
	by := p.by()
	dates, err := Dates(ctx, tx, c)
	if err != nil {
		return err
	}
	for _, d := range p.Dates {
		if err := d.tidy(); err != nil {
			return err
		}
		if !slices.Contains(dates, d) {
			if err := SetDate(ctx, tx, c, by, d); err != nil {
				return err
			}
		}
	}
	addresses, err := Addresses(ctx, tx, c)
	if err != nil {
		return err
	}
	for _, a := range p.Addresses {
		if err := a.tidy(); err != nil {
			return err
		}
		if !slices.ContainsFunc(addresses, func(had Address) bool { had.ID = a.ID; return had == a }) {
			if err := WriteAddress(ctx, tx, c, by, a); err != nil {
				return err
			}
		}
	}
	for _, d := range p.Consents {
		stands, err := Allows(ctx, tx, c, d.Channel)
		if err != nil {
			return err
		}
		proofs, err := Proofs(ctx, tx, c)
		if err != nil {
			return fmt.Errorf("read what %s agreed to: %w", c, err)
		}
		known := slices.ContainsFunc(proofs, func(had Proof) bool {
			return had.Channel == d.Channel && had.Given == d.Given && (had.At.Equal(d.At) || d.At.IsZero() && stands == d.Given)
		})
		if !known {
			if err := Decide(ctx, tx, c, by, d); err != nil {
				return err
			}
		}
	}
	return nil
}
