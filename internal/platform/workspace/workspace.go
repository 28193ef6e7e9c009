// Package workspace holds the business's own settings: name, colour, country,
// time zone, base currency and languages.
//
// Its one rule: the time zone and the base currency are fixed with the first
// data, as every stored day and base amount was computed with them.
package workspace

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a static program finds its time zones on any machine
	"unicode/utf8"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// Settings are what a business says of itself.
type Settings struct {
	Name      string
	Colour    string         // of the brand, #rrggbb
	Country   string         // ISO 3166, two capitals
	Zone      string         // "Europe/London"
	Currency  money.Currency // what sums are in
	Languages []string       // spoken with customers, the main one first
	Demo      bool           // the customers are made up
	Saved     bool           // false: nobody has chosen yet, these are guesses
}

// Guess is what holds until somebody chooses.
var Guess = Settings{
	Name: "Regulars", Colour: "#0f766e", Country: "GB", Zone: "UTC", Currency: "EUR", Languages: []string{"en"},
}

const maxName = 80

// Location is the time zone in which the business's days begin and end.
func (s Settings) Location() *time.Location {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.UTC // not reached: Save lets no unknown zone in
	}
	return zone
}

// Day is the calendar day of a moment at the business, YYYY-MM-DD.
func (s Settings) Day(t time.Time) string { return t.In(s.Location()).Format(time.DateOnly) }

// Load reads the settings, or Guess when nobody has chosen yet.
func Load(ctx context.Context, q store.Querier) (Settings, error) {
	s := Settings{Saved: true}
	var languages string
	err := q.QueryRow(ctx, `select name, colour, country, zone, currency, languages, demo from workspace where id = 1`).
		Scan(&s.Name, &s.Colour, &s.Country, &s.Zone, &s.Currency, &languages, &s.Demo)
	if errors.Is(err, sql.ErrNoRows) {
		guess := Guess
		guess.Languages = slices.Clone(Guess.Languages)
		return guess, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read the business's settings: %w", err)
	}
	s.Languages = strings.Split(languages, ",")
	return s, nil
}

// Save keeps the settings; by is the member of staff who chose them (0: the
// command line). Whatever cannot be, and another zone or currency once there
// is data (Guess counts, when it came before any choice), is errs.Invalid with its field. The demo mark is kept as given.
func Save(ctx context.Context, tx *store.Tx, by id.User, s Settings) error {
	s.Name = text.Line(s.Name)
	if err := check(s); err != nil {
		return err
	}
	before, err := Load(ctx, tx)
	if err != nil {
		return err
	}
	if err := keepFixed(ctx, tx, before, s); err != nil {
		return err
	}
	languages := strings.Join(s.Languages, ",")
	_, err = tx.Exec(ctx, `
		insert into workspace (id, name, colour, country, zone, currency, languages, demo, version, changed_at)
		values (1, $1, $2, $3, $4, $5, $6, $7, 1, $8)
		on conflict (id) do update set name = excluded.name, colour = excluded.colour, country = excluded.country,
			zone = excluded.zone, currency = excluded.currency, languages = excluded.languages, demo = excluded.demo,
			version = workspace.version + 1, changed_at = excluded.changed_at`,
		s.Name, s.Colour, s.Country, s.Zone, string(s.Currency), languages, s.Demo, tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("save the business's settings: %w", err)
	}
	changed := users.Changed("name", before.Name, s.Name, "colour", before.Colour, s.Colour, "country", before.Country, s.Country,
		"zone", before.Zone, s.Zone, "currency", string(before.Currency), string(s.Currency),
		"languages", strings.Join(before.Languages, ","), languages, "demo", fmt.Sprint(before.Demo), fmt.Sprint(s.Demo))
	if before.Saved && len(changed) == 0 {
		return nil
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "workspace.changed", Values: changed})
}

// Fixed reports whether there is data by now that was computed with the time
// zone and the base currency.
func Fixed(ctx context.Context, q store.Querier) (bool, error) {
	var fixed bool
	err := q.QueryRow(ctx, `
		select exists (select 1 from events) or exists (select 1 from walkin_orders) or exists (select 1 from orders)`).Scan(&fixed)
	if err != nil {
		return false, fmt.Errorf("look for data: %w", err)
	}
	return fixed, nil
}

// Shop reads what every page shows of the business; it fits web.Config.
func Shop(db *store.DB) func(context.Context) (web.Shop, error) {
	return func(ctx context.Context) (web.Shop, error) {
		s, err := Load(ctx, db)
		if err != nil {
			return web.Shop{}, err
		}
		return web.Shop{Name: s.Name, Language: s.Languages[0], Zone: s.Location(), Currency: s.Currency, Demo: s.Demo}, nil
	}
}

func keepFixed(ctx context.Context, q store.Querier, before, s Settings) error {
	if before.Zone == s.Zone && before.Currency == s.Currency {
		return nil
	}
	fixed, err := Fixed(ctx, q)
	switch {
	case err != nil || !fixed:
		return err
	case before.Zone != s.Zone:
		return errs.Wrong("zone", "workspace.wrong.zone-fixed", "Zone", before.Zone)
	}
	return errs.Wrong("currency", "workspace.wrong.currency-fixed", "Currency", before.Currency)
}

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

func check(s Settings) error {
	switch {
	case s.Name == "":
		return errs.Wrong("business", "workspace.wrong.business")
	case utf8.RuneCountInString(s.Name) > maxName:
		return errs.Wrong("business", "workspace.wrong.business-long", "Max", maxName)
	case !colour.MatchString(s.Colour):
		return errs.Wrong("colour", "workspace.wrong.colour")
	case zonesOf(s.Country) == nil:
		return errs.Wrong("country", "workspace.wrong.country")
	}
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "" || s.Zone == "Local" {
		return errs.Wrong("zone", "workspace.wrong.zone")
	}
	if c, err := money.ParseCurrency(string(s.Currency)); err != nil || c != s.Currency {
		return errs.Wrong("currency", "workspace.wrong.currency")
	}
	if len(s.Languages) == 0 {
		return errs.Wrong("language", "workspace.wrong.language")
	}
	for i, l := range s.Languages {
		if !slices.Contains(languages, l) || slices.Contains(s.Languages[:i], l) {
			return errs.Wrong("language", "workspace.wrong.languages")
		}
	}
	return nil
}
