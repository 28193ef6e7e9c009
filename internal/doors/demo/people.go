package demo

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"regulars/internal/know/customers"
	"regulars/internal/platform/text"
)

//go:embed names.txt
var namesFile string

// called is a given name.
type called struct{ name, latin, nameDay string }

// tongue is the names of those who speak a language.
type tongue struct {
	female, male []called
	family       []string
}

// place is a country as customers live in it.
type place struct {
	country string
	share   float64
	langs   []string
	parts   []float64 // shares of langs
	phone   string    // n: any digit; "-": none is reserved for fiction
	cities  [][2]string
	streets []string
}

// crowd draws people, no two of one name in a language and no two of one
// address.
type crowd struct {
	tongues map[string]*tongue
	places  []place
	taken   map[string]bool // names, emails and phones
	cards   int
}

func readNames() (*crowd, error) {
	c := &crowd{tongues: map[string]*tongue{}, taken: map[string]bool{}}
	var in *tongue
	for line := range strings.Lines(namesFile) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		switch f[0] {
		case "language":
			in = &tongue{}
			c.tongues[f[1]] = in
		case "female":
			in.female = readCalled(f[1:])
		case "male":
			in.male = readCalled(f[1:])
		case "family":
			in.family = f[1:]
		case "country":
			p := place{country: f[1], phone: strings.Join(f[4:], " ")}
			p.share, _ = strconv.ParseFloat(f[2], 64)
			for _, l := range strings.Split(f[3], ",") {
				lang, part, _ := strings.Cut(l, ":")
				share, err := strconv.ParseFloat(part, 64)
				if err != nil {
					return nil, fmt.Errorf("names: %q: %w", line, err)
				}
				p.langs, p.parts = append(p.langs, lang), append(p.parts, share)
			}
			c.places = append(c.places, p)
		case "city":
			for _, w := range f[1:] {
				name, code, _ := strings.Cut(strings.ReplaceAll(w, "_", " "), "=")
				last := &c.places[len(c.places)-1]
				last.cities = append(last.cities, [2]string{name, code})
			}
		case "street":
			for _, w := range f[1:] {
				last := &c.places[len(c.places)-1]
				last.streets = append(last.streets, strings.ReplaceAll(w, "_", " "))
			}
		default:
			return nil, fmt.Errorf("names: a line begins with %q", f[0])
		}
	}
	return c, nil
}

func readCalled(words []string) []called {
	all := make([]called, len(words))
	for i, w := range words {
		name, day, _ := strings.Cut(w, ":")
		name, latin, _ := strings.Cut(name, "=")
		if day != "" {
			day = day[:2] + "-" + day[2:]
		}
		all[i] = called{name, latin, day}
	}
	return all
}

// person draws who somebody is. What a shop would not know of everybody, a
// birthday say, most do not have.
func (c *crowd) person(d dice) person {
	shares := make([]float64, len(c.places))
	for i, p := range c.places {
		shares[i] = p.share
	}
	at := &c.places[d.pick(shares...)]
	p := person{place: at}
	p.Country, p.Language = at.country, at.langs[d.pick(at.parts...)]
	t := c.tongues[p.Language]
	var given called
	var latin string
	for {
		female := d.chance(0.6)
		given = t.male[d.IntN(len(t.male))]
		if female {
			given = t.female[d.IntN(len(t.female))]
		}
		p.Given, latin = given.name, given.latin
		family := t.family[d.IntN(len(t.family))]
		p.Family = familyOf(p.Language, family, female)
		p.Name = p.Given + " " + p.Family
		if p.Language == "ko" {
			own, romanised, _ := strings.Cut(family, "=")
			p.Family, p.Name = own, own+p.Given
			latin += "." + romanised
		} else {
			latin = toLatin(p.Given) + "." + toLatin(p.Family)
		}
		if c.take(alike(latin)) {
			break
		}
		if d.chance(0.001) { // all names of a language may be given by now
			break
		}
	}
	p.latin = latin
	if given.nameDay != "" && d.chance(0.5) {
		p.Dates = append(p.Dates, customers.Date{Kind: "name_day", MonthDay: given.nameDay})
	}
	if d.chance(0.3) {
		born := time.Date(1950+int(d.gamma(6, 36)), 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, d.IntN(365))
		date := customers.Date{Kind: "birthday", MonthDay: born.Format("01-02"), Year: min(born.Year(), 2006)}
		if d.chance(0.7) {
			date.Year = 0
		}
		p.Dates = append(p.Dates, date)
	}
	return p
}

func (c *crowd) take(key string) bool {
	if c.taken[key] {
		return false
	}
	c.taken[key] = true
	return true
}

// email draws a free address on a domain that is kept for examples.
func (c *crowd) email(d dice, latin string) string {
	domain := [...]string{"example.com", "example.org", "example.net"}[d.pick(6, 3, 1)]
	first, last, _ := strings.Cut(latin, ".")
	local := [...]string{first + "." + last, first[:1] + "." + last, last + "." + first, first + last}[d.pick(5, 2, 1, 2)]
	for n := 1; ; n++ {
		address := local + "@" + domain
		if n > 1 {
			address = fmt.Sprintf("%s%d@%s", local, n, domain)
		}
		if c.take(address) {
			return address
		}
	}
}

// phone draws a free number of those that the country keeps for fiction; ""
// where there is none.
func (c *crowd) phone(d dice, at *place) string {
	if at.phone == "-" {
		return ""
	}
	for range 20 {
		number := strings.Map(func(r rune) rune {
			if r == 'n' {
				return rune('0' + d.IntN(10))
			}
			return r
		}, at.phone)
		if c.take(number) {
			return number
		}
	}
	return ""
}

func (c *crowd) card() string {
	c.cards++
	return fmt.Sprintf("BD %04d %04d", 4000+c.cards/10000, c.cards%10000)
}

func (at *place) address(d dice) customers.Address {
	city := at.cities[d.IntN(len(at.cities))]
	street, number := at.streets[d.IntN(len(at.streets))], d.between(1, 140)
	line := fmt.Sprintf("%s %d", street, number)
	if at.country == "GB" || at.country == "IE" || at.country == "US" || at.country == "FR" {
		line = fmt.Sprintf("%d %s", number, street)
	}
	return customers.Address{Street: line, City: city[0], Postcode: city[1], Country: at.country}
}

// familyOf is the form of a family name for a man or a woman.
func familyOf(language, family string, female bool) string {
	his, hers, two := strings.Cut(family, "/")
	switch {
	case two && female:
		return hers
	case two:
		return his
	case female && (language == "bg" || language == "ru"):
		return family + "а"
	}
	return family
}

var cyrillic = map[rune]string{'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ё': "e", 'ж': "zh", 'з': "z", 'и': "i",
	'й': "y", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "h",
	'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "sht", 'ъ': "a", 'ы': "y", 'ь': "y", 'э': "e", 'ю': "yu", 'я': "ya"}

// toLatin is a name as people write it in an email address.
func toLatin(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if s, ok := cyrillic[r]; ok {
			b.WriteString(s)
		} else {
			b.WriteRune(r)
		}
	}
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text.Fold(b.String()))
}

// alike is what two names have in common that a search for people who are
// there twice would take for one: the store is not to be full of them.
func alike(latin string) string {
	given, family, _ := strings.Cut(latin, ".")
	return given[:min(2, len(given))] + "." + family[:min(4, len(family))]
}
