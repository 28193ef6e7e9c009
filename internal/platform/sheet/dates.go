package sheet

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
)

// DateOrder says how a column writes its days.
type DateOrder uint8

// The orders. 20110301, dates with a name of a month, and dates that begin with
// the year read the same in all of them; dotted ones are always DayFirst.
const (
	OrderUnknown DateOrder = iota // 3/4/2026 is refused, 22/8/2026 is not
	DayFirst                      // 22/8/2026
	MonthFirst                    // 8/22/2026
	Serial                        // days since 1899-12-30, as Excel counts
)

// When is a moment as a cell writes it.
type When struct {
	Wall  time.Time // the instant when Zoned; otherwise the reading of the clock, marked UTC
	Clock bool      // a time of day was written
	Zoned bool      // an offset was written
}

// In returns the instant, taking a clock without an offset for one in loc.
func (w When) In(loc *time.Location) time.Time {
	if w.Zoned {
		return w.Wall
	}
	y, m, d := w.Wall.Date()
	return time.Date(y, m, d, w.Wall.Hour(), w.Wall.Minute(), w.Wall.Second(), w.Wall.Nanosecond(), loc)
}

// AtClock puts the time of another cell, see ParseClock, on a day.
func (w When) AtClock(clock time.Duration) When {
	w.Wall = w.Wall.Truncate(24 * time.Hour).Add(clock)
	w.Clock = true
	return w
}

// ParseTime reads a day, perhaps with a time and an offset: 2024-05-01,
// 2024-05-01T10:00:00Z, 2024-05-01 10:00:00 -0400, 20110301, 8/22/2026 2:30 PM,
// 22.8.2026, 22. 8. 2026, 1 May 2024, May 1, 2024. Days that do not exist are
// refused, and so are days whose order is neither given nor plain.
func ParseTime(cell string, order DateOrder) (When, error) {
	s := bare(cell)
	if order == Serial {
		return parseSerial(s, cell)
	}
	shape := dateShape(s)
	if shape.kind == noDate {
		return When{}, errs.Wrong("", "sheet.wrong.date", "Cell", shown(cell))
	}
	y, m, d := shape.year, shape.month, shape.day
	if shape.kind == pairDate {
		switch {
		case shape.dotted || order == DayFirst:
			d, m = shape.a, shape.b
		case order == MonthFirst, shape.b > 12:
			m, d = shape.a, shape.b
		case shape.a > 12 || shape.a == shape.b:
			d, m = shape.a, shape.b
		default:
			return When{}, errs.Wrong("", "sheet.wrong.date-ambiguous", "Cell", shown(cell))
		}
	}
	if m < 1 || m > 12 {
		return When{}, errs.Wrong("", "sheet.wrong.date-month", "Cell", shown(cell), "Month", m)
	}
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if day.Day() != d || d < 1 || y < 1800 || y > 2200 {
		return When{}, errs.Wrong("", "sheet.wrong.no-such-day", "Day", fmt.Sprintf("%04d-%02d-%02d", y, m, d))
	}
	return parseRest(day, shape.rest, cell)
}

// parseRest reads a time and an offset after a day.
func parseRest(day time.Time, rest, cell string) (When, error) {
	w := When{Wall: day}
	rest = strings.TrimLeft(rest, " ,\u00a0\u202f")
	if len(rest) > 1 && (rest[0] == 'T' || rest[0] == 't') {
		rest = rest[1:]
	}
	if rest == "" {
		return w, nil
	}
	clock, rest, ok := parseClock(rest)
	if !ok {
		return When{}, errs.Wrong("", "sheet.wrong.date-rest", "Cell", shown(cell))
	}
	w.Wall, w.Clock = day.Add(clock), true
	offset, zoned, ok := parseOffset(strings.TrimSpace(rest))
	if !ok {
		return When{}, errs.Wrong("", "sheet.wrong.date-zone", "Cell", shown(cell))
	}
	if zoned {
		w.Wall, w.Zoned = w.Wall.Add(-offset), true
	}
	return w, nil
}

// ParseClock reads a time of day: 14:30, 8:26, 2:30:00 PM.
func ParseClock(cell string) (time.Duration, error) {
	clock, ok := asClock(cell)
	if !ok {
		return 0, errs.Wrong("", "sheet.wrong.time", "Cell", shown(cell))
	}
	return clock, nil
}

func asClock(cell string) (time.Duration, bool) {
	clock, rest, ok := parseClock(bare(cell))
	return clock, ok && strings.TrimSpace(rest) == ""
}

func parseClock(s string) (clock time.Duration, rest string, ok bool) {
	h, rest, n := leadingInt(s, 2)
	if n == 0 {
		return 0, s, false
	}
	var m, sec int
	var frac time.Duration
	colons := false
	if strings.HasPrefix(rest, ":") {
		colons = true
		if m, rest, n = leadingInt(rest[1:], 2); n != 2 {
			return 0, s, false
		}
		if strings.HasPrefix(rest, ":") {
			if sec, rest, n = leadingInt(rest[1:], 2); n != 2 {
				return 0, s, false
			}
			if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && rest[1] >= '0' && rest[1] <= '9' {
				frac, rest = parseFraction(rest[1:])
			}
		}
	}
	half := strings.ToLower(strings.TrimLeft(rest, " \u00a0\u202f"))
	switch {
	case strings.HasPrefix(half, "am"), strings.HasPrefix(half, "pm"), strings.HasPrefix(half, "a.m."), strings.HasPrefix(half, "p.m."):
		if h < 1 || h > 12 {
			return 0, s, false
		}
		h %= 12
		if half[0] == 'p' {
			h += 12
		}
		rest = strings.TrimLeft(rest, " \u00a0\u202f")[2:]
		if half[1] == '.' {
			rest = rest[2:]
		}
	case !colons:
		return 0, s, false
	}
	if h > 23 || m > 59 || sec > 59 {
		return 0, s, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second + frac, rest, true
}

// parseFraction reads decimals of a second, to the nanosecond.
func parseFraction(s string) (time.Duration, string) {
	var ns, scale time.Duration = 0, time.Second
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		scale /= 10
		ns += time.Duration(s[i]-'0') * scale
	}
	return ns, s[i:]
}

func parseOffset(s string) (offset time.Duration, zoned, ok bool) {
	switch strings.ToUpper(s) {
	case "":
		return 0, false, true
	case "Z", "UTC", "GMT":
		return 0, true, true
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "UTC"), "GMT")
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, false, false
	}
	h, rest, n := leadingInt(s[1:], 2)
	m := 0
	if n == 0 || h > 14 {
		return 0, false, false
	}
	if rest != "" {
		if m, rest, n = leadingInt(strings.TrimPrefix(rest, ":"), 2); n != 2 || rest != "" || m > 59 {
			return 0, false, false
		}
	}
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// leadingInt reads up to most digits and says how many there were.
func leadingInt(s string, most int) (v int, rest string, n int) {
	for n < len(s) && n < most && s[n] >= '0' && s[n] <= '9' {
		v = v*10 + int(s[n]-'0')
		n++
	}
	return v, s[n:], n
}

// Excel's days, from 1920 to 2120: what is outside is rather a count.
const serialFrom, serialTo = 7306, 80354

func parseSerial(s, cell string) (When, error) {
	f, ok := asSerial(s)
	if !ok {
		return When{}, errs.Wrong("", "sheet.wrong.date-serial", "Cell", shown(cell))
	}
	return When{Wall: serialTime(f, false), Clock: f != math.Trunc(f)}, nil
}

func asSerial(s string) (f float64, ok bool) {
	if s == "" || s[0] > '9' {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	return f, err == nil && f >= serialFrom && f <= serialTo
}

// serialTime is the moment of an Excel serial, to the second; 1904 is the other
// beginning of time, of old Macintosh workbooks. Excel believes in a
// 29 February 1900, so before March 1900 it is a day off.
func serialTime(f float64, since1904 bool) time.Time {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case since1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case f < 61:
		epoch = epoch.AddDate(0, 0, 1)
	}
	days := math.Floor(f)
	seconds := math.Round((f - days) * 86400)
	return epoch.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second)
}
