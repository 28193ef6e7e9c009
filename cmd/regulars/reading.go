package main

import (
	"slices"
	"strings"

	"regulars/internal/doors/importers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
)

// reading says how files are meant, where they do not say it themselves.
type reading struct {
	Layout   string            `help:"The kind of file, where it is not recognised: ${layouts}."`
	Map      map[string]string `placeholder:"FIELD=COLUMN" help:"Which column holds what, as in --map order='Invoice no'. Fields: ${fields}."`
	Currency string            `placeholder:"EUR" help:"The currency of amounts that name none, and of the sums if none was chosen yet."`
	Zone     string            `placeholder:"Europe/Prague" help:"The time zone of times that name none."`
	Dates    string            `enum:"auto,day-first,month-first" default:"auto" help:"How 3/4/2026 is meant: ${enum}."`
}

// over lays what was asked for over what a file says of itself.
func (r reading) over(s importers.Settings) (importers.Settings, error) {
	if r.Layout != "" {
		s = importers.Settings{Layout: r.Layout}
	}
	if len(r.Map) > 0 && s.Columns == nil {
		s.Columns = map[importers.Field]string{}
	}
	for field, column := range r.Map {
		if !slices.Contains(importers.Fields, importers.Field(field)) {
			return s, errs.Wrong("map", "regulars.no-field", "Field", field, "Fields", fieldNames())
		}
		s.Columns[importers.Field(field)] = column
	}
	if r.Currency != "" {
		c, err := money.ParseCurrency(r.Currency)
		if err != nil {
			return s, errs.Wrong("currency", "regulars.currency", "Currency", r.Currency)
		}
		s.Currency = c
	}
	if r.Zone != "" {
		s.Zone = r.Zone
	}
	switch r.Dates {
	case "day-first":
		s.Dates = sheet.DayFirst
	case "month-first":
		s.Dates = sheet.MonthFirst
	}
	return s, nil
}

func fieldNames() string {
	names := make([]string, len(importers.Fields))
	for i, f := range importers.Fields {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

func layoutNames() string {
	names := []string{importers.Mapping}
	for _, l := range importers.Layouts {
		names = append(names, l.Name)
	}
	return strings.Join(names, ", ")
}
