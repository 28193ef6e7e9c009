package sheet

import (
	"strings"
	"time"
)

type dateKind uint8

const (
	noDate   dateKind = iota
	fullDate          // year, month and day are plain
	pairDate          // a and b are day and month in some order
)

// shape is a date taken apart, before it is known which number is the day.
type shape struct {
	kind             dateKind
	year, month, day int
	a, b             int
	dotted           bool
	rest             string // what follows the day
}

// dateShape takes the day at the beginning of a cell apart.
func dateShape(s string) shape {
	s = strings.TrimSpace(s)
	if len(s) < 6 {
		return shape{}
	}
	if c := s[0] | 0x20; c >= 'a' && c <= 'z' {
		return namedDate(s)
	}
	first, rest, n := leadingInt(s, 14)
	switch {
	case n == 8 && endsDay(rest):
		return shape{kind: fullDate, year: first / 10000, month: first / 100 % 100, day: first % 100, rest: rest}
	case n == 14 && rest == "":
		clock := first % 1000000
		day := first / 1000000
		return shape{kind: fullDate, year: day / 10000, month: day / 100 % 100, day: day % 100,
			rest: twoDigits(clock/10000) + ":" + twoDigits(clock/100%100) + ":" + twoDigits(clock%100)}
	case n == 4:
		return yearDate(first, rest)
	case n == 1 || n == 2:
		return pairOrNamed(s, first, rest)
	}
	return shape{}
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// endsDay reports whether what follows can be a time and not more of a number.
func endsDay(rest string) bool {
	return rest == "" || rest[0] == ' ' || rest[0] == 'T' || rest[0] == 't' || rest[0] == ',' || strings.HasPrefix(rest, "\u00a0")
}

// separator takes one of - / . off, with the blanks people put behind it.
func separator(s string) (sep byte, rest string) {
	if s == "" || s[0] != '-' && s[0] != '/' && s[0] != '.' {
		return 0, s
	}
	return s[0], strings.TrimLeft(s[1:], " \u00a0")
}

func yearDate(year int, rest string) shape {
	sep, rest := separator(rest)
	month, rest, n := leadingInt(rest, 2)
	again, rest := separator(rest)
	day, rest, k := leadingInt(rest, 2)
	if sep == 0 || again != sep || n == 0 || k == 0 {
		return shape{}
	}
	// "22.8.2026." is not met; "2026.08.22." is how Koreans and Hungarians end it.
	if sep == '.' {
		rest = strings.TrimPrefix(rest, ".")
	}
	if !endsDay(rest) {
		return shape{}
	}
	return shape{kind: fullDate, year: year, month: month, day: day, rest: rest}
}

func pairOrNamed(s string, a int, rest string) shape {
	sep, after := separator(rest)
	b, after, n := leadingInt(after, 2)
	if sep == 0 || n == 0 {
		return namedDate(s)
	}
	again, after := separator(after)
	year, after, k := leadingInt(after, 4)
	if again != sep || k != 2 && k != 4 || !endsDay(after) {
		return shape{}
	}
	if k == 2 {
		year = century(year)
	}
	return shape{kind: pairDate, year: year, a: a, b: b, dotted: sep == '.', rest: after}
}

func century(year int) int {
	if year < 70 {
		return 2000 + year
	}
	return 1900 + year
}

var monthNames = func() map[string]int {
	m := map[string]int{"sept": 9}
	for i := time.January; i <= time.December; i++ {
		name := strings.ToLower(i.String())
		m[name], m[name[:3]] = int(i), int(i)
	}
	return m
}()

// namedDate reads 1 May 2024, 01-May-2024, May 1, 2024 and Wed, 01 May 2024.
func namedDate(s string) shape {
	day, month, year, rest := 0, 0, 0, s
	for range 6 {
		rest = strings.TrimLeft(rest, " ,-/.\u00a0")
		if rest == "" {
			return shape{}
		}
		if v, after, n := leadingInt(rest, 4); n > 0 {
			switch {
			case n == 4 || day > 0 && month > 0 && n == 2:
				if year = v; n == 2 {
					year = century(v)
				}
			case n <= 2 && day == 0:
				day = v
				after = withoutOrdinal(after)
			default:
				return shape{}
			}
			rest = after
		} else {
			word := letters(rest)
			if word == "" {
				return shape{}
			}
			if m := monthNames[strings.ToLower(word)]; m > 0 && month == 0 {
				month = m
			} else if day > 0 || month > 0 || !weekday(word) {
				return shape{}
			}
			rest = rest[len(word):]
		}
		if day > 0 && month > 0 && year > 0 {
			if !endsDay(rest) {
				return shape{}
			}
			return shape{kind: fullDate, year: year, month: month, day: day, rest: rest}
		}
	}
	return shape{}
}

func letters(s string) string {
	i := 0
	for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z') {
		i++
	}
	return s[:i]
}

func withoutOrdinal(s string) string {
	for _, end := range []string{"st", "nd", "rd", "th"} {
		if rest, ok := strings.CutPrefix(s, end); ok {
			return rest
		}
	}
	return s
}

func weekday(word string) bool {
	word = strings.ToLower(word)
	for i := time.Sunday; i <= time.Saturday; i++ {
		if name := strings.ToLower(i.String()); word == name || word == name[:3] {
			return true
		}
	}
	return false
}

// DateGuess is what a column of dates looks like.
type DateGuess struct {
	Order     DateOrder // the likely order, OrderUnknown where none of the cells needs one
	Ambiguous bool      // the cells do not prove the order, or contradict each other: ask
	Dates     int       // cells that are dates
	Cells     int       // cells that are not empty
	Clock     bool      // some have a time of day
	Zoned     bool      // some have an offset
}

// DetectDates finds the order of day and month from a sample of a column. A day
// above 12 proves it, dots mean that the day comes first. Where nothing proves
// it, Ambiguous is set, and Order is the one that leaves the cells better sorted
// (exports mostly are); AM and PM speak for MonthFirst.
func DetectDates(samples []string) DateGuess {
	var g DateGuess
	var pairs []shape
	dayFirst, monthFirst, serial, halves := 0, 0, 0, 0
	for _, cell := range samples {
		s := bare(cell)
		if s == "" {
			continue
		}
		g.Cells++
		sh := dateShape(s)
		if sh.kind == noDate {
			if _, ok := asSerial(s); ok {
				serial++
			}
			continue
		}
		if w, err := parseRest(time.Time{}, sh.rest, ""); err == nil {
			g.Dates++
			g.Clock, g.Zoned = g.Clock || w.Clock, g.Zoned || w.Zoned
		}
		if sh.kind != pairDate {
			continue
		}
		pairs = append(pairs, sh)
		if half := strings.ToLower(sh.rest); strings.Contains(half, "am") || strings.Contains(half, "pm") {
			halves++
		}
		switch {
		case sh.dotted || sh.a > 12 && sh.b <= 12:
			dayFirst++
		case sh.b > 12 && sh.a <= 12:
			monthFirst++
		}
	}
	switch {
	case serial == g.Cells && serial > 0:
		g.Order, g.Dates = Serial, serial
	case len(pairs) == 0:
	case dayFirst > 0 && monthFirst == 0:
		g.Order = DayFirst
	case monthFirst > 0 && dayFirst == 0:
		g.Order = MonthFirst
	default:
		g.Ambiguous = true
		g.Order = likelyOrder(pairs, halves)
		if dayFirst != monthFirst {
			g.Order = DayFirst
			if monthFirst > dayFirst {
				g.Order = MonthFirst
			}
		}
	}
	return g
}

// likelyOrder is the order in which fewer neighbours go back in time.
func likelyOrder(pairs []shape, halves int) DateOrder {
	back := func(key func(shape) int) (n int) {
		up, down := 0, 0
		for i := 1; i < len(pairs); i++ {
			switch x, y := key(pairs[i-1]), key(pairs[i]); {
			case y > x:
				up++
			case y < x:
				down++
			}
		}
		return min(up, down)
	}
	byDay := back(func(s shape) int { return s.year*10000 + s.b*100 + s.a })
	byMonth := back(func(s shape) int { return s.year*10000 + s.a*100 + s.b })
	if byMonth < byDay || byMonth == byDay && halves > 0 {
		return MonthFirst
	}
	return DayFirst
}
