package sheet

import (
	"math"
	"regulars/internal/testkit"
	"strings"
	"testing"
	"time"
)

func TestAmountsAreReadExactly(t *testing.T) {
	cases := []struct {
		cell     string
		mark     Mark
		units    int64
		scale    int
		currency string
	}{
		{"0", NoMark, 0, 0, ""},
		{"2.55", NoMark, 255, 2, ""},
		{".50", NoMark, 50, 2, ""},
		{"-.50", NoMark, -50, 2, ""},
		{"5.", NoMark, 5, 0, ""},
		{"$1,240.00", NoMark, 124000, 2, "$"},
		{"-$45.00", NoMark, -4500, 2, "$"},
		{"$-45.00", NoMark, -4500, 2, "$"},
		{"(45.00)", NoMark, -4500, 2, ""},
		{"($45.00)", NoMark, -4500, 2, "$"},
		{"45.00-", NoMark, -4500, 2, ""},
		{"−12", NoMark, -12, 0, ""},
		{"1.240,50", NoMark, 124050, 2, ""},
		{"1.240,50 €", NoMark, 124050, 2, "EUR"},
		{"€ 1.240,50", NoMark, 124050, 2, "EUR"},
		{"1 240,50 Kč", NoMark, 124050, 2, "CZK"},
		{"1\u00a0240,50\u00a0Kč", NoMark, 124050, 2, "CZK"},
		{"1\u202f240,50", NoMark, 124050, 2, ""},
		{"240,- Kč", NoMark, 240, 0, "CZK"},
		{"CHF 1'240.50", NoMark, 124050, 2, "CHF"},
		{"1,23,456.50", NoMark, 12345650, 2, ""},
		{"12,50", NoMark, 1250, 2, ""},
		{"1,240", NoMark, 1240, 0, ""},
		{"1.240", NoMark, 1240, 3, ""},
		{"0,240", NoMark, 240, 3, ""},
		{"1,240,000", NoMark, 1240000, 0, ""},
		{"1.240.000", NoMark, 1240000, 0, ""},
		{"1.240", Comma, 1240, 0, ""},
		{"1,240", Comma, 1240, 3, ""},
		{"1,240", Point, 1240, 0, ""},
		{"₩12,000", NoMark, 12000, 0, "KRW"},
		{"US$ 5.00", NoMark, 500, 2, "USD"},
		{"$5.00 USD", NoMark, 500, 2, "USD"},
		{"19.90 EUR", NoMark, 1990, 2, "EUR"},
		{"12,50 лв.", NoMark, 1250, 2, "BGN"},
		{"100 kr", NoMark, 100, 0, "kr"},
		{"'12.50", NoMark, 1250, 2, ""},
		{`="12.50"`, NoMark, 1250, 2, ""},
		{"1.5E+05", NoMark, 150000, 0, ""},
		{"1E-3", NoMark, 1, 3, ""},
		{"0e999", NoMark, 0, 0, ""},
		{"9223372036854775807", NoMark, math.MaxInt64, 0, ""},
		{"92233720368547758.07", NoMark, math.MaxInt64, 2, ""},
	}
	for _, c := range cases {
		got, err := ParseAmount(c.cell, c.mark)
		if want := (Amount{Number{c.units, c.scale}, c.currency}); err != nil || got != want {
			t.Errorf("%q: want %+v, got %+v %v", c.cell, want, got, err)
		}
	}
}

func TestAmountsThatAreNoneAreRefused(t *testing.T) {
	for _, cell := range []string{
		"", " ", "free", "-", "$", "1e400", "1e", "1e99999", "1E-30", "--5", "(-5)", "5-5", "1,2,3", "1.2.3", "12,34,56", "1,2345",
		"1..2", "1,,2", "9223372036854775808", "99999999999999999999", "12abc", "5 pcs", "10%", "2024-05-01", "8/22/2026", "1 2", "NaN", "Inf", "0x10",
		"1.240,50.1", "#N/A", "1234,567",
	} {
		// With the mark known to be a point, "1234,567" groups wrongly.
		if got, err := ParseAmount(cell, Point); err == nil {
			t.Errorf("%q was read as %+v", cell, got)
		}
	}
	_, err := ParseAmount("1e400", NoMark)
	if err == nil || testkit.Sentence(err) != `"1e400" is larger than any amount that can be kept.` {
		t.Errorf("1e400: %v", err)
	}
}

func TestMinorUnitsRoundHalfAwayFromZero(t *testing.T) {
	cases := []struct {
		n      Number
		digits int
		minor  int64
		exact  bool
	}{
		{Number{255, 2}, 2, 255, true},
		{Number{2, 0}, 2, 200, true},
		{Number{12000, 0}, 0, 12000, true},
		{Number{1005, 3}, 2, 101, false},
		{Number{1004, 3}, 2, 100, false},
		{Number{-1005, 3}, 2, -101, false},
		{Number{-1004, 3}, 2, -100, false},
		{Number{math.MaxInt64, 18}, 0, 9, false},
		{Number{1240500, 3}, 2, 124050, true},
	}
	for _, c := range cases {
		minor, exact, err := c.n.Minor(c.digits)
		if err != nil || minor != c.minor || exact != c.exact {
			t.Errorf("%+v in %d digits: want %d %v, got %d %v %v", c.n, c.digits, c.minor, c.exact, minor, exact, err)
		}
	}
	if _, _, err := (Number{math.MaxInt64 / 10, 0}).Minor(2); err == nil {
		t.Error("an amount that does not fit has to be refused")
	}
}

func TestMarkIsDecidedOverTheColumn(t *testing.T) {
	cases := []struct {
		cells string
		want  Mark
	}{
		{"1,240|12,50", Comma},
		{"1.240|12.50", Point},
		{"1.240|2.500", NoMark},
		{"1.240,50|7", Comma},
		{"1.240.000|5", Comma},
		{"12,50|12.50", NoMark},
		{"|x", NoMark},
	}
	for _, c := range cases {
		if got := DetectMark(strings.Split(c.cells, "|")); got != c.want {
			t.Errorf("%s: want %q, got %q", c.cells, c.want, got)
		}
	}
}

func TestDaysAndTimesInEveryListedForm(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		cell  string
		order DateOrder
		want  string
	}{
		{"2024-05-01", OrderUnknown, "2024-05-01T00:00:00+02:00"},
		{"2024-05-01 10:00:00", OrderUnknown, "2024-05-01T10:00:00+02:00"},
		{"2024-05-01T10:00:00Z", OrderUnknown, "2024-05-01T12:00:00+02:00"},
		{"2024-05-01T10:00:00.123456+05:30", OrderUnknown, "2024-05-01T06:30:00.123456+02:00"},
		{"2024-05-01 10:00:00 +0000", OrderUnknown, "2024-05-01T12:00:00+02:00"},
		{"2024-05-01 10:00:00 -0400", OrderUnknown, "2024-05-01T16:00:00+02:00"},
		{"2024-05-01 10:00:00 UTC", OrderUnknown, "2024-05-01T12:00:00+02:00"},
		{"2024/5/1 9:05", OrderUnknown, "2024-05-01T09:05:00+02:00"},
		{"2026. 8. 22.", OrderUnknown, "2026-08-22T00:00:00+02:00"},
		{"8/22/2026", OrderUnknown, "2026-08-22T00:00:00+02:00"},
		{"8/7/2026", MonthFirst, "2026-08-07T00:00:00+02:00"},
		{"8/7/2026", DayFirst, "2026-07-08T00:00:00+02:00"},
		{"7/7/2026", OrderUnknown, "2026-07-07T00:00:00+02:00"},
		{"22.8.2026", OrderUnknown, "2026-08-22T00:00:00+02:00"},
		{"1. 8. 2026 14:30", OrderUnknown, "2026-08-01T14:30:00+02:00"},
		{"1.8.2026", MonthFirst, "2026-08-01T00:00:00+02:00"},
		{"12/1/2010 8:26", MonthFirst, "2010-12-01T08:26:00+01:00"},
		{"12/1/10 8:26", DayFirst, "2010-01-12T08:26:00+01:00"},
		{"20110301", OrderUnknown, "2011-03-01T00:00:00+01:00"},
		{"20110301083000", OrderUnknown, "2011-03-01T08:30:00+01:00"},
		{"8/22/2026 2:30:00 PM", MonthFirst, "2026-08-22T14:30:00+02:00"},
		{"8/22/2026, 12:30 a.m.", MonthFirst, "2026-08-22T00:30:00+02:00"},
		{"8/22/2026 12 PM", MonthFirst, "2026-08-22T12:00:00+02:00"},
		{"1 May 2024", OrderUnknown, "2024-05-01T00:00:00+02:00"},
		{"01-May-24 10:00", OrderUnknown, "2024-05-01T10:00:00+02:00"},
		{"May 1st, 2024", OrderUnknown, "2024-05-01T00:00:00+02:00"},
		{"Wed, 01 May 2024 10:00:00 GMT", OrderUnknown, "2024-05-01T12:00:00+02:00"},
		{"45413", Serial, "2024-05-01T00:00:00+02:00"},
		{"45413.4166666667", Serial, "2024-05-01T10:00:00+02:00"},
		{"'2024-05-01", OrderUnknown, "2024-05-01T00:00:00+02:00"},
		{"29.2.2024", OrderUnknown, "2024-02-29T00:00:00+01:00"},
	}
	for _, c := range cases {
		w, err := ParseTime(c.cell, c.order)
		if err != nil {
			t.Errorf("%q: %v", c.cell, err)
		} else if got := w.In(prague).In(prague).Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%q: want %s, got %s", c.cell, c.want, got)
		}
	}
}

func TestDaysThatDoNotExistAreRefused(t *testing.T) {
	cases := map[string]string{
		"31.2.2024":            "2024-02-31 does not exist. Correct the date.",
		"2023-02-29":           "2023-02-29 does not exist. Correct the date.",
		"20240231":             "2024-02-31 does not exist. Correct the date.",
		"2024-13-01":           `"2024-13-01" has no month 13. Check whether the day or the month comes first.`,
		"3/4/2026":             `"3/4/2026" can be read in two ways. Choose whether the day or the month comes first.`,
		"":                     "An empty cell is not a date. Write it like 2026-08-22.",
		"yesterday":            `"yesterday" is not a date. Write it like 2026-08-22.`,
		"2024-05-01 25:00":     `"2024-05-01 25:00" has no proper time after the day. Write it like 14:30 or 2:30 PM.`,
		"2024-05-01 10:00 CET": `"2024-05-01 10:00 CET" ends in something that is no time zone. Write it like +02:00 or UTC.`,
		"0000-00-00":           `"0000-00-00" has no month 0. Check whether the day or the month comes first.`,
	}
	for cell, want := range cases {
		if w, err := ParseTime(cell, OrderUnknown); err == nil || testkit.Sentence(err) != want {
			t.Errorf("%q: want %s, got %v %v", cell, want, w, err)
		}
	}
	for _, cell := range []string{"2024-05", "1/2", "1/2/3", "2024-05/01", "12345", "1.5", "123456789", "2024-05-011", "1-2-2024-3", "May", "May 2024", "Monday", "45413"} {
		if w, err := ParseTime(cell, DayFirst); err == nil {
			t.Errorf("%q was read as %v", cell, w)
		}
	}
	if _, err := ParseTime("13/13/2024", DayFirst); err == nil {
		t.Error("13/13 is no day")
	}
}

func TestClockIsPutOnADay(t *testing.T) {
	day, err := ParseTime("8/22/2026", MonthFirst)
	if err != nil {
		t.Fatal(err)
	}
	clock, err := ParseClock("2:30:00 PM")
	if err != nil {
		t.Fatal(err)
	}
	if got := day.AtClock(clock).In(time.UTC).Format(time.DateTime); got != "2026-08-22 14:30:00" {
		t.Errorf("got %s", got)
	}
	for _, cell := range []string{"", "25:00", "13:00 PM", "0:30 AM", "1430", "2:3", "14:30:61", "14:30 h"} {
		if d, err := ParseClock(cell); err == nil {
			t.Errorf("%q was read as %s", cell, d)
		}
	}
}

func TestDateOrderIsDecidedOverTheColumn(t *testing.T) {
	cases := []struct {
		cells     string
		order     DateOrder
		ambiguous bool
	}{
		{"12/1/2010 8:26|12/13/2010 9:02", MonthFirst, false},
		{"1/12/2010|13/12/2010", DayFirst, false},
		{"1.2.2026|3.4.2026", DayFirst, false},
		{"2026-01-02|2026-02-03", OrderUnknown, false},
		{"1/2/2026|3/2/2026|5/2/2026|2/3/2026", DayFirst, true},
		{"2/1/2026|2/3/2026|2/5/2026|3/2/2026", MonthFirst, true},
		{"1/2/2026 2:30 PM", MonthFirst, true},
		{"13/1/2026|1/13/2026|14/1/2026", DayFirst, true},
		{"45413|45414.5|", Serial, false},
		{"|", OrderUnknown, false},
	}
	for _, c := range cases {
		g := DetectDates(strings.Split(c.cells, "|"))
		if g.Order != c.order || g.Ambiguous != c.ambiguous {
			t.Errorf("%s: want %d %v, got %+v", c.cells, c.order, c.ambiguous, g)
		}
	}
}

func TestYesAndNoInManyLanguages(t *testing.T) {
	for cell, want := range map[string]bool{"yes": true, "NO": false, "Ano": true, "ne": false, "да": true, "Нет": false, "예": true, "아니요": false, "sì": true, "TRUE": true, "0": false, " 1 ": true} {
		if got, err := ParseBool(cell); err != nil || got != want {
			t.Errorf("%q: want %v, got %v %v", cell, want, got, err)
		}
	}
	for _, cell := range []string{"", "maybe", "2"} {
		if _, err := ParseBool(cell); err == nil {
			t.Errorf("%q was read", cell)
		}
	}
}

func TestIDsLoseWhatSpreadsheetsAdd(t *testing.T) {
	for cell, want := range map[string]string{
		"'7210448301122": "7210448301122", "'+31612345678": "+31612345678", `="00123"`: "00123", " #1001 ": "#1001",
		"17850.0": "17850", "85123A": "85123A", "10E5": "10E5", "": "", "'": "'", "O'Neil": "O'Neil",
	} {
		if got, err := CleanID(cell); err != nil || got != want {
			t.Errorf("%q: want %q, got %q %v", cell, want, got, err)
		}
	}
	if _, err := CleanID("7.21045E+12"); err == nil {
		t.Error("a rounded number is no id")
	}
}

func FuzzCellsNeverPanic(f *testing.F) {
	for _, s := range []string{"$1,240.00", "8/22/2026 2:30:00 PM", "May 1st, 2024", "2024-05-01T10:00:00.123+02:00", "1e400", "(1'240.50)", "2026. 8. 22.", "Wed, 01 May 2024", `="1"`, "20110301083000", "45413.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, mark := range []Mark{NoMark, Point, Comma} {
			if a, err := ParseAmount(s, mark); err == nil && (a.Scale < 0 || a.Scale > maxScale) {
				t.Errorf("%q: scale %d", s, a.Scale)
			} else if err == nil {
				_, _, _ = a.Minor(2)
			}
		}
		for _, order := range []DateOrder{OrderUnknown, DayFirst, MonthFirst, Serial} {
			if w, err := ParseTime(s, order); err == nil && !w.Zoned && (w.Wall.Year() < 1800 || w.Wall.Year() > 2200) {
				t.Errorf("%q: %v", s, w)
			}
		}
		DetectDates([]string{s, s})
		DetectMark([]string{s})
		_, _ = ParseClock(s)
		_, _ = CleanID(s)
		isPhone(s)
		looksLikeData(s)
	})
}
