package workspace

import (
	"slices"
	"testing"
	"time"

	"regulars/internal/platform/money"
)

func TestACountryGivesCurrencyZoneAndLanguage(t *testing.T) {
	for country, want := range map[string]Settings{
		"CZ": {Zone: "Europe/Prague", Currency: "CZK", Languages: []string{"cs"}},
		"BG": {Zone: "Europe/Sofia", Currency: "EUR", Languages: []string{"bg"}},
		"HR": {Zone: "Europe/Zagreb", Currency: "EUR", Languages: []string{"hr"}},
		"KR": {Zone: "Asia/Seoul", Currency: "KRW", Languages: []string{"ko"}},
		"RU": {Zone: "Europe/Moscow", Currency: "RUB", Languages: []string{"ru"}},
		"AU": {Zone: "Australia/Sydney", Currency: "AUD", Languages: []string{"en"}},
		"GB": {Zone: "Europe/London", Currency: "GBP", Languages: []string{"en"}},
	} {
		got, ok := place(country)
		if !ok || got.Zone != want.Zone || got.Currency != want.Currency || !slices.Equal(got.Languages, want.Languages) {
			t.Errorf("%s: %+v", country, got)
		}
	}
	if _, ok := place("XX"); ok {
		t.Error("XX is no country")
	}
}

func TestEveryCountryOfferedCanBeSaved(t *testing.T) {
	for country, all := range zones() {
		for _, zone := range all {
			if _, err := time.LoadLocation(zone); err != nil {
				t.Errorf("%s: %v", country, err)
			}
		}
		s, ok := place(country)
		if !ok {
			t.Errorf("%s is no region of x/text", country)
			continue
		}
		if _, err := money.ParseCurrency(string(s.Currency)); err != nil {
			t.Errorf("%s: %s", country, s.Currency)
		}
	}
}

func TestTheBrowserLanguagesGiveACountry(t *testing.T) {
	for accept, country := range map[string]string{
		"cs":                        "CZ",
		"en-US,en;q=0.9":            "US",
		"en,de-AT;q=0.5":            "AT",
		"en":                        "GB",
		"":                          "GB",
		"*":                         "GB",
		"ko-KR,ko;q=0.9,en;q=0.8":   "KR",
		"not a language; q=x; \xff": "GB",
	} {
		if s := guessPlace(accept); s.Country != country {
			t.Errorf("%q gives %s", accept, s.Country)
		}
	}
}

func TestZonesOfTheCountryComeFirstAndNoneTwice(t *testing.T) {
	options := ZoneOptions("PT", "Etc/GMT+5")
	if options[0].Value != "Europe/Lisbon" || options[2].Value != "Atlantic/Azores" {
		t.Errorf("%v", options[:3])
	}
	seen := map[string]bool{}
	for _, o := range options {
		if seen[o.Value] {
			t.Errorf("%s twice", o.Value)
		}
		seen[o.Value] = true
	}
	if !seen["UTC"] || !seen["Etc/GMT+5"] || !seen["Asia/Seoul"] {
		t.Error("one is missing")
	}
}
