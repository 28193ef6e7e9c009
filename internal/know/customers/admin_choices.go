package customers

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// countries are the codes of all countries.
var countries = sync.OnceValue(func() []string {
	var all []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			if region, err := language.ParseRegion(code); err == nil && region.IsCountry() && region.String() == code && region.Canonicalize() == region {
				all = append(all, code)
			}
		}
	}
	return all
})

// languages are those offered; an import may bring others.
var languages = strings.Fields("ar bg bn bs ca cs da de el en es et fa fi fr ga he hi hr hu hy id is it ja ka kk ko lt lv mk mt nb nl pl pt ro ru sk sl sq sr sv ta th tr uk ur vi zh")

// countryChoices are all countries by name, and none.
func countryChoices(r *web.Request, now string) []kit.Option {
	all := []kit.Option{}
	for _, code := range countries() {
		all = append(all, kit.Option{Value: code, Text: countryName(r, code)})
	}
	return sorted(r, all, now)
}

func languageChoices(r *web.Request, now string) []kit.Option {
	all := []kit.Option{}
	for _, code := range languages {
		all = append(all, kit.Option{Value: code, Text: languageName(r, code)})
	}
	return sorted(r, all, now)
}

// sorted puts choices in order, "unknown" first, and keeps one that is chosen
// although it is not among them.
func sorted(r *web.Request, all []kit.Option, now string) []kit.Option {
	if now != "" && !slices.ContainsFunc(all, func(o kit.Option) bool { return o.Value == now }) {
		all = append(all, kit.Option{Value: now, Text: now})
	}
	slices.SortFunc(all, func(a, b kit.Option) int { return strings.Compare(folded(a.Text), folded(b.Text)) })
	return append([]kit.Option{{Value: "", Text: r.T("customers.unknown")}}, all...)
}
