package orders

import (
	"cmp"
	"math"
	"slices"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/text"
)

// Limits of what a sale may hold.
const (
	maxLines  = 100_000
	maxText   = 200
	maxAmount = math.MaxInt64 / 1000
)

// take checks a sale and makes it an entry; the second of an order is laid
// over the first.
func (p *placing) take(i int, s *Sale) error {
	e := &entry{sale: *s, given: []int{i}}
	s = &e.sale
	if err := s.check(p.books); err != nil {
		return err
	}
	if p.byKey == nil {
		p.byKey = make(map[orderKey]*entry, cap(p.done.IDs))
	}
	first := p.same(s)
	if first == nil {
		for _, name := range s.names() {
			p.byKey[name] = e
		}
		p.entries = append(p.entries, e)
		return nil
	}
	first.given = append(first.given, i)
	first.sale.overlay(s)
	return nil
}

// same returns the entry of the order that the sale is of too, or nil. Two
// orders of one number are two when both have ids and share none.
func (p *placing) same(s *Sale) *entry {
	names := s.names()
	for _, name := range names[:len(names)-1] {
		if first := p.byKey[name]; first != nil {
			return first
		}
	}
	first := p.byKey[names[len(names)-1]]
	if first != nil && len(first.sale.Keys) > 0 && len(s.Keys) > 0 {
		return nil
	}
	return first
}

// check cleans a sale and refuses what cannot be one.
func (s *Sale) check(b *books) error {
	for _, t := range []*string{&s.Number, &s.Source, &s.Channel, &s.Staff, &s.ReturnsNumber} {
		*t = text.Line(*t)
		if len(*t) > maxText {
			return errs.Wrong("", "orders.wrong.text-long", "Max", maxText)
		}
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	s.Note = text.Short(text.Clean(s.Note), 2000)
	s.Reason, s.Note = knownReason(s.Reason, s.Note)
	if s.Currency == "" {
		s.Currency = b.base
	}
	switch {
	case s.Number == "":
		return errs.Wrong("number", "orders.wrong.number")
	case s.At.IsZero() || s.At.Year() < 1900 || s.At.Year() > 2200:
		return errs.Wrong("at", "orders.wrong.time", "Number", s.Number)
	case len(s.Lines) > maxLines:
		return errs.Wrong("lines", "orders.wrong.many-lines", "Number", s.Number, "Max", maxLines)
	}
	for _, day := range []string{s.PromisedDay, s.DeliveredDay} {
		if day != "" && !isDay(day) {
			return errs.Wrong("day", "orders.wrong.day", "Number", s.Number)
		}
	}
	sum := float64(0)
	for _, v := range []int64{s.Discount, s.Shipping, s.Tax} {
		sum += math.Abs(float64(v))
	}
	if s.Whole != nil {
		sum += math.Abs(float64(*s.Whole))
	}
	for _, l := range s.Lines {
		if l.Product == 0 {
			return errs.Wrong("lines", "orders.wrong.line-product", "Number", s.Number)
		}
		sum += math.Abs(float64(l.Total))
	}
	if sum > maxAmount {
		return errs.Wrong("total", "orders.wrong.total-large", "Number", s.Number)
	}
	s.At = s.At.UTC().Truncate(time.Microsecond)
	return nil
}

// yield leaves the lines and amounts to a fuller account.
func (s *Sale) yield() {
	s.Lines, s.Whole, s.Discount, s.Shipping, s.Tax = nil, nil, 0, 0, 0
}

// overlay takes over what another account of the same sale knows.
func (s *Sale) overlay(o *Sale) {
	s.Customer = cmp.Or(s.Customer, o.Customer)
	switch {
	case o.Rough && len(s.Lines) > 0 && !s.Rough:
		o.yield()
	case s.Rough && !o.Rough && len(o.Lines) > 0:
		s.Lines, s.Rough = o.Lines, false
	case !s.Rough:
		s.Lines = append(slices.Clip(s.Lines), surplus(s.Lines, o.Lines)...)
	}
	if o.Whole != nil {
		s.Discount, s.Shipping, s.Tax = o.Discount, o.Shipping, o.Tax
		if s.Return && s.Whole != nil {
			grown := max(*s.Whole, *o.Whole)
			s.Whole = &grown
		} else {
			s.Whole = o.Whole
		}
	} else {
		s.Discount, s.Shipping, s.Tax = cmp.Or(o.Discount, s.Discount), cmp.Or(o.Shipping, s.Shipping), cmp.Or(o.Tax, s.Tax)
	}
	s.Channel, s.Staff = cmp.Or(o.Channel, s.Channel), cmp.Or(o.Staff, s.Staff)
	s.PromisedDay, s.DeliveredDay = cmp.Or(o.PromisedDay, s.PromisedDay), cmp.Or(o.DeliveredDay, s.DeliveredDay)
	s.Reason, s.Note = cmp.Or(o.Reason, s.Reason), cmp.Or(o.Note, s.Note)
	s.ReturnsNumber = cmp.Or(s.ReturnsNumber, o.ReturnsNumber)
	if s.CancelledAt.IsZero() {
		s.CancelledAt = o.CancelledAt
	}
}
