package retention

import (
	"fmt"
	"slices"
)

// Grain is the length of a calendar period.
type Grain uint8

// The grains. A week begins on Monday.
const (
	Week Grain = iota
	Month
	Quarter
	Year
)

// String names the grain as it is written in addresses and files.
func (g Grain) String() string {
	return [...]string{"week", "month", "quarter", "year"}[g]
}

// ParseGrain reads what String writes.
func ParseGrain(s string) (Grain, error) {
	i := slices.Index([]string{"week", "month", "quarter", "year"}, s)
	if i < 0 {
		return 0, fmt.Errorf("unknown period %q: use week, month, quarter or year", s)
	}
	return Grain(i), nil
}

// Period counts calendar periods of one grain; consecutive periods have
// consecutive numbers, so the difference of two is the distance between them.
type Period int32

// PeriodOf returns the period of the grain that holds the day.
func (g Grain) PeriodOf(day int32) Period {
	if g == Week {
		return Period(floorDiv(day+3, 7)) // 1970-01-01 was a Thursday
	}
	y, m, _ := Civil(day)
	switch g {
	case Quarter:
		return Period(y*4 + (m-1)/3)
	case Year:
		return Period(y)
	default:
		return Period(y*12 + m - 1)
	}
}

// First returns the first day of a period.
func (g Grain) First(p Period) int32 {
	n := int32(p)
	switch g {
	case Week:
		return n*7 - 3
	case Month:
		return Day(int(floorDiv(n, 12)), int(n-12*floorDiv(n, 12))+1, 1)
	case Quarter:
		return Day(int(floorDiv(n, 4)), int(n-4*floorDiv(n, 4))*3+1, 1)
	default:
		return Day(int(n), 1, 1)
	}
}

// Last returns the last day of a period.
func (g Grain) Last(p Period) int32 { return g.First(p+1) - 1 }

// Running says whether the period holds days after asOf, so that its figures
// may still grow.
func (g Grain) Running(p Period, asOf int32) bool { return g.Last(p) > asOf }

// Label names a period: 2011-W07 (ISO 8601), 2011-02, 2011-Q1, 2011.
func (g Grain) Label(p Period) string {
	y, m, _ := Civil(g.First(p))
	switch g {
	case Week:
		// The ISO year of a week is the year of its Thursday.
		thursday := g.First(p) + 3
		y, _, _ = Civil(thursday)
		return fmt.Sprintf("%04d-W%02d", y, (thursday-Day(y, 1, 1))/7+1)
	case Month:
		return fmt.Sprintf("%04d-%02d", y, m)
	case Quarter:
		return fmt.Sprintf("%04d-Q%d", y, (m-1)/3+1)
	default:
		return fmt.Sprintf("%04d", y)
	}
}

// Day counts the days from 1970-01-01 to a date of the Gregorian calendar.
func Day(year, month, day int) int32 {
	// Years are counted from March, so that the leap day is the last of a year
	// (H. Hinnant, "chrono-compatible low-level date algorithms", 2013).
	if month <= 2 {
		year--
	}
	era := floorDiv(int32(year), 400)
	yoe := int32(year) - era*400
	doy := (153*int32((month+9)%12)+2)/5 + int32(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// Civil is the inverse of Day.
func Civil(days int32) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	month = int(mp+2)%12 + 1
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, int(doy-(153*mp+2)/5) + 1
}

// ParseDay counts the days from 1970-01-01 to YYYY-MM-DD, or reports that the
// text is no such day.
func ParseDay(s string) (int32, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	n := [3]int{}
	for i, part := range [3]string{s[:4], s[5:7], s[8:]} {
		for _, d := range []byte(part) {
			if d < '0' || d > '9' {
				return 0, false
			}
			n[i] = n[i]*10 + int(d-'0')
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 {
		return 0, false
	}
	return Day(n[0], n[1], n[2]), true
}

// DayText writes a day as ParseDay reads it.
func DayText(day int32) string {
	y, m, d := Civil(day)
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}

// calendar looks periods up by day, which is ten times quicker than dividing.
type calendar struct {
	from    int32
	periods []Period
}

func (g Grain) calendar(from, to int32) calendar {
	c := calendar{from: from, periods: make([]Period, 0, to-from+1)}
	for p := g.PeriodOf(from); from <= to; p++ {
		for last := min(g.Last(p), to); from <= last; from++ {
			c.periods = append(c.periods, p)
		}
	}
	return c
}

func (c calendar) of(day int32) Period { return c.periods[day-c.from] }

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
