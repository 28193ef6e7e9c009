package locale

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country is what a country is called, by its ISO code; the code itself where
// it is none, or has no name in this language.
func (p *Printer) Country(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	if names := display.Regions(language.Make(p.Lang)); names != nil {
		if name := names.Name(region); name != "" {
			return name
		}
	}
	return code
}
