package importers

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// status reads the words that shops use for what became of an order.
func status(s string) (cancelled, refunded bool) {
	switch plainName(s) {
	case "cancelled", "canceled", "voided", "void", "failed", "expired", "trash", "storno", "stornovano", "zruseno", "annullato", "отменен", "отказана", "취소":
		return true, false
	case "refunded", "vraceno", "rimborsato", "возвращен", "환불":
		return false, true
	}
	return false, false
}

// countries are ISO 3166 codes by the plain English name.
var countries = func() map[string]string {
	all := map[string]string{
		"eire": "IE", "rsa": "ZA", "usa": "US", "unitedstatesofamerica": "US", "uk": "GB", "greatbritain": "GB",
		"england": "GB", "scotland": "GB", "wales": "GB", "czechrepublic": "CZ", "korea": "KR", "southkorea": "KR",
		"hongkong": "HK", "holland": "NL", "thenetherlands": "NL", "russia": "RU",
	}
	names := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			region, err := language.ParseRegion(code)
			if err == nil && region.IsCountry() && region.Canonicalize().String() == code {
				all[plainName(names.Name(region))] = code
			}
		}
	}
	return all
}()

// country turns a name or code into an ISO code; what is none is unknown.
func country(s string) string {
	if len(s) == 2 {
		if region, err := language.ParseRegion(s); err == nil && region.IsCountry() {
			return region.Canonicalize().String()
		}
	}
	if s == "" {
		return ""
	}
	return countries[plainName(s)]
}

// tongue turns a locale (cs_CZ, en-GB) into its language.
func tongue(s string) string {
	if s == "" {
		return ""
	}
	tag, err := language.Parse(s)
	if err != nil {
		return ""
	}
	base, _ := tag.Base()
	return base.String()
}
