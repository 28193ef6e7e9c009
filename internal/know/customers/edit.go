package customers

import (
	"context"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Edit is what a person can change of a customer's own fields.
type Edit struct {
	Name     string
	Given    string
	Family   string
	Language string
	Country  string
	Seen     time.Time // ChangedAt when the form was shown; zero: not checked
}

// Change writes a customer's fields anew. It records customer.changed with the
// names of those that differ, or nothing. When somebody else changed the
// customer since Seen, it is errs.Conflict.
func Change(ctx context.Context, tx *store.Tx, c id.Customer, by By, e Edit) error {
	who, err := lockLiving(ctx, tx, c)
	if err != nil {
		return err
	}
	if !e.Seen.IsZero() && !e.Seen.Equal(who.ChangedAt) {
		return errs.Clash("", "customers.wrong.changed-meanwhile")
	}
	for _, f := range []struct {
		name string
		v    *string
		max  int
	}{{"name", &e.Name, maxName}, {"given", &e.Given, maxName}, {"family", &e.Family, maxName}, {"language", &e.Language, 35}, {"country", &e.Country, 2}} {
		if err := line(f.name, f.v, f.max); err != nil {
			return err
		}
	}
	e.Country = strings.ToUpper(e.Country)
	if e.Name == "" {
		e.Name = strings.TrimSpace(e.Given + " " + e.Family)
	}
	var fields []string
	if e.Name != who.Name || e.Given != who.Given || e.Family != who.Family {
		fields = append(fields, "name")
	}
	if e.Language != who.Language {
		fields = append(fields, "language")
	}
	if e.Country != who.Country {
		fields = append(fields, "country")
	}
	if len(fields) == 0 {
		return nil
	}
	who.Name, who.Given, who.Family, who.Language, who.Country = e.Name, e.Given, e.Family, e.Language, e.Country
	if err := writeFields(ctx, tx, who); err != nil {
		return err
	}
	return changed(ctx, tx, c, by, fields)
}
