package workspace

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"regulars/internal/platform/money"
	"regulars/internal/platform/web/kit"
)

//go:embed zones.txt
var zonesFile string

// zones are the time zones of each country, the usual one first.
var zones = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(zonesFile) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			all[f[0]] = f[1:]
		}
	}
	return all
})

func zonesOf(country string) []string { return zones()[country] }

// languages are those that a business can write to its customers in.
var languages = []string{
	"ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu", "it", "ja", "ko", "lt", "lv",
	"nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi", "zh",
}

// place guesses settings from a country: its zone, currency and language.
func place(country string) (s Settings, ok bool) {
	found := zonesOf(country)
	region, err := language.ParseRegion(country)
	if found == nil || err != nil {
		return Settings{}, false
	}
	s = Settings{Country: country, Zone: found[0], Currency: Guess.Currency, Languages: []string{"en"}}
	if unit, ok := currency.FromRegion(region); ok {
		if c, err := money.ParseCurrency(unit.String()); err == nil {
			s.Currency = c
		}
	}
	if country == "BG" {
		s.Currency = "EUR" // since 2026; the table of x/text is older
	}
	if tag, err := language.Compose(language.Und, region); err == nil {
		if base, _ := tag.Base(); slices.Contains(languages, base.String()) {
			s.Languages = []string{base.String()}
		}
	}
	return s, true
}

// guessPlace guesses a country from what a browser says of its languages.
func guessPlace(accept string) Settings {
	tags, _, _ := language.ParseAcceptLanguage(accept)
	for _, tag := range tags {
		region, sure := tag.Region()
		if sure >= language.High || tag.String() != "en" && sure > language.No {
			if s, ok := place(region.String()); ok {
				return s
			}
		}
	}
	s, _ := place(Guess.Country)
	return s
}

// countryOptions are all countries by their names in a language.
func countryOptions(lang string) []kit.Option {
	tag := language.Make(lang)
	names := display.Regions(tag)
	var all []kit.Option
	for code := range zones() {
		if region, err := language.ParseRegion(code); err == nil && names.Name(region) != "" {
			all = append(all, kit.Option{Value: code, Text: names.Name(region)})
		}
	}
	sortOptions(tag, all)
	return all
}

// CurrencyOptions are all currencies by their codes.
func CurrencyOptions() []kit.Option {
	var all []kit.Option
	for _, c := range money.Currencies() {
		all = append(all, kit.Option{Value: string(c), Text: string(c)})
	}
	return all
}

// ZoneOptions are all time zones, those of the country first.
func ZoneOptions(country, chosen string) []kit.Option {
	var rest []string
	for _, all := range zones() {
		rest = append(rest, all...)
	}
	rest = append(rest, "UTC", chosen)
	slices.Sort(rest)
	var options []kit.Option
	seen := map[string]bool{"": true}
	for _, zone := range slices.Concat(zonesOf(country), rest) {
		if !seen[zone] {
			seen[zone] = true
			options = append(options, kit.Option{Value: zone, Text: strings.ReplaceAll(zone, "_", " ")})
		}
	}
	return options
}

// languageOptions are the languages by their own names.
func languageOptions() []kit.Option {
	var all []kit.Option
	for _, l := range languages {
		all = append(all, kit.Option{Value: l, Text: display.Self.Name(language.Make(l))})
	}
	sortOptions(language.English, all)
	return all
}

func sortOptions(tag language.Tag, all []kit.Option) {
	c := collate.New(tag)
	slices.SortFunc(all, func(a, b kit.Option) int { return c.CompareString(a.Text, b.Text) })
}
