package importers

import (
	"context"
	"errors"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// slice writes a slice with the place where to go on. An order that cannot be
// is left out and told of, like a row that cannot be read.
func (p *placer) slice(ctx context.Context, s *slice) error {
	err := p.write(ctx, s)
	if !errs.Is(err, errs.Invalid) {
		return err
	}
	good, err := p.sift(ctx, s, s.drafts)
	if err != nil {
		return err
	}
	s.drafts = good
	return p.write(ctx, s)
}

// errTried rolls a trial back.
var errTried = errors.New("only tried")

// sift tries drafts in transactions that are rolled back and returns those
// that can be. It halves what fails until the order at fault stands alone,
// whose rows then go among the bad ones.
func (p *placer) sift(ctx context.Context, s *slice, drafts []*draft) ([]*draft, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := p.place(ctx, tx, s.only(drafts)); err != nil {
			return err
		}
		return errTried
	})
	switch {
	case errors.Is(err, errTried):
		return drafts, nil
	case !errs.Is(err, errs.Invalid):
		return nil, err
	case len(drafts) == 1:
		for _, l := range drafts[0].lines {
			s.errors = append(s.errors, rowError{line: l.Line, reason: err, row: l.cells})
		}
		return nil, nil
	}
	half := len(drafts) / 2
	first, err := p.sift(ctx, s, drafts[:half:half])
	if err != nil {
		return nil, err
	}
	second, err := p.sift(ctx, s, drafts[half:])
	return append(first[:len(first):len(first)], second...), err
}

// only is the slice with some of its drafts, and what belongs to them.
func (s *slice) only(drafts []*draft) *slice {
	some := &slice{products: map[string]Item{}}
	people := map[Person]int{}
	for _, d := range drafts {
		alike := *d
		if d.person >= 0 {
			alike.person = some.person(people, s.people[d.person])
		}
		for _, l := range d.lines {
			for _, i := range l.items() {
				some.products[i.sku()] = s.products[i.sku()]
			}
		}
		some.drafts = append(some.drafts, &alike)
	}
	return some
}
