package locale

import (
	"embed"
	"math"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/money"
)

//go:embed text
var own embed.FS

// Int writes a whole number with its digits grouped: 1,234.
func (p *Printer) Int(n int64) string {
	return p.grouped(strconv.FormatInt(n, 10))
}

// Decimal writes x rounded to the given number of digits: 1,234.50. What is
// no number is written as an en dash.
func (p *Printer) Decimal(x float64, digits int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	return p.grouped(strconv.FormatFloat(x, 'f', digits, 64))
}

// Percent writes the share x (0.9 is 90 %) rounded to the given digits.
func (p *Printer) Percent(x float64, digits int) string {
	text := p.Decimal(x*100, digits)
	if text == "–" {
		return text
	}
	return text + p.style.percent + "%"
}

// Money writes an amount with its currency: £1,234.50, 1 234,50 Kč, ₩12,000.
func (p *Printer) Money(a money.Amount) string {
	return p.priced(a.Currency, a.Decimal())
}

// priced puts the currency to a plain number such as -12.50.
func (p *Printer) priced(currency money.Currency, plain string) string {
	text, minus := p.grouped(strings.TrimPrefix(plain, "-")), strings.HasPrefix(plain, "-")
	sign := ""
	if minus {
		sign = "−"
	}
	symbol, ok := symbols[currency]
	switch {
	case !ok && p.style.moneyFirst:
		return sign + string(currency) + nbsp + text
	case !ok:
		return sign + text + nbsp + string(currency)
	case p.style.moneyFirst && before[symbol]:
		return sign + symbol + text
	case p.style.moneyFirst:
		return sign + symbol + nbsp + text
	}
	return sign + text + nbsp + symbol
}

// MoneyWhole writes an amount rounded to whole units, for tiles and axes.
func (p *Printer) MoneyWhole(a money.Amount) string {
	whole, err := money.FromDecimal(a.Minor, a.Currency.Exponent(), "KRW")
	if err != nil {
		return p.Money(a)
	}
	return p.priced(a.Currency, strconv.FormatInt(whole, 10))
}

// before are the symbols that stand against the number: £5, but Kč 5.
var before = map[string]bool{"€": true, "£": true, "$": true, "¥": true, "₩": true, "₹": true, "₪": true, "₫": true, "₺": true, "₽": true, "₴": true}

// grouped puts the language's marks into a plain number such as -1234.5.
func (p *Printer) grouped(plain string) string {
	sign := ""
	if strings.HasPrefix(plain, "-") {
		sign, plain = "−", plain[1:]
	}
	whole, rest, has := strings.Cut(plain, ".")
	if strings.Trim(plain, "0.") == "" {
		sign = "" // −0 is 0 to a person
	}
	if len(whole) > 4 || len(whole) == 4 && p.style.group4 {
		var b strings.Builder
		for i, d := range whole {
			if i > 0 && (len(whole)-i)%3 == 0 {
				b.WriteString(p.style.group)
			}
			b.WriteRune(d)
		}
		whole = b.String()
	}
	if has {
		whole += p.style.point + rest
	}
	return sign + whole
}

// Day writes a calendar day given as YYYY-MM-DD: 9 Dec 2011. Anything else is
// returned as it is.
func (p *Printer) Day(day string) string { return p.calendar(p.style.day, "2006-01-02", day) }

// DayLong writes a calendar day in full: 9 December 2011.
func (p *Printer) DayLong(day string) string { return p.calendar(p.style.dayLong, "2006-01-02", day) }

// DayMonth writes a calendar day without its year: 9 Dec.
func (p *Printer) DayMonth(day string) string { return p.calendar(p.style.dayMonth, "2006-01-02", day) }

// Month writes a month given as YYYY-MM (or a day in it): Dec 2011.
func (p *Printer) Month(month string) string { return p.monthOf(p.style.month, month) }

// MonthLong writes a month in full: December 2011.
func (p *Printer) MonthLong(month string) string { return p.monthOf(p.style.monthLong, month) }

// Weekday writes the short name of the weekday: Fri.
func (p *Printer) Weekday(d time.Weekday) string { return p.style.weekdays[d] }

// WeekdayLong writes the name of the weekday: Friday.
func (p *Printer) WeekdayLong(d time.Weekday) string { return p.style.weekdaysLong[d] }

// Time writes a moment in the printer's zone: 9 Dec 2011, 14:05.
func (p *Printer) Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(p.zone)
	return p.date(p.style.day, t) + p.style.dateTime + t.Format("15:04")
}

// Clock writes the time of day in the printer's zone: 14:05.
func (p *Printer) Clock(t time.Time) string { return t.In(p.zone).Format("15:04") }

// Ago writes how long before now a moment was, in its largest unit: 3 days
// ago, in 2 hours, just now.
func (p *Printer) Ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < time.Minute && d > -time.Minute {
		return p.T("locale.now")
	}
	if d < 0 {
		return p.T("locale.in", "Time", p.Duration(-d))
	}
	return p.T("locale.ago", "Time", p.Duration(d))
}

// Duration writes a length of time in its largest whole unit: 3 days, 20
// minutes, 45 seconds.
func (p *Printer) Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 730*day:
		return p.N("locale.years", int(d/(365*day)))
	case d >= 60*day:
		return p.N("locale.months", int(d/(30*day)))
	case d >= day:
		return p.N("locale.days", int(d/day))
	case d >= time.Hour:
		return p.N("locale.hours", int(d/time.Hour))
	case d >= time.Minute:
		return p.N("locale.minutes", int(d/time.Minute))
	case d < time.Second:
		return p.T("locale.instant")
	}
	return p.N("locale.seconds", int(d/time.Second))
}

func (p *Printer) calendar(pattern, layout, day string) string {
	if day == "" {
		return "–"
	}
	t, err := time.Parse(layout, day)
	if err != nil {
		return day
	}
	return p.date(pattern, t)
}

func (p *Printer) monthOf(pattern, month string) string {
	return p.calendar(pattern, "2006-01", month[:min(len(month), len("2006-01"))])
}

func (p *Printer) date(pattern string, t time.Time) string {
	var b strings.Builder
	quoted := false
	for i, c := range pattern {
		month := t.Month() - 1
		switch {
		case c == '\'':
			quoted = !quoted
		case quoted:
			b.WriteRune(c)
		case c == 'd':
			b.WriteString(strconv.Itoa(t.Day()))
		case c == 'm' && strings.HasPrefix(pattern[i:], "mm"):
			b.WriteString(t.Format("01"))
		case c == 'm' && i > 0 && pattern[i-1] == 'm': // the second of two
		case c == 'm':
			b.WriteString(strconv.Itoa(int(t.Month())))
		case c == 'M':
			b.WriteString(p.style.months[month])
		case c == 'L':
			b.WriteString(p.style.monthsLong[month])
		case c == 'A':
			b.WriteString(p.style.monthsAlone[month])
		case c == 'S':
			b.WriteString(russianAlone[month])
		case c == 'y':
			b.WriteString(strconv.Itoa(t.Year()))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Point is the language's decimal mark.
func (p *Printer) Point() string { return p.style.point }

// Bytes is a size of a file as people say it: 4.2 MB.
func (p *Printer) Bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, u := float64(n), 0
	for v >= 1000 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	digits := 0
	if u > 0 && v < 10 {
		digits = 1
	}
	return p.Decimal(v, digits) + "\u00a0" + units[u]
}
