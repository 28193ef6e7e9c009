package locale

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/platform/money"
)

func catalog(t *testing.T) *Catalog {
	t.Helper()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	c, err := Load(fstest.MapFS{
		"text/en.json": file(`{"hello": "Hello, {{.Name}}", "visits": {"one": "{{.Count}} visit", "other": "{{.Count}} visits"}, "only": "English only"}`),
		"text/cs.json": file(`{"hello": "Dobrý den, {{.Name}}", "visits": {"one": "{{.Count}} návštěva", "few": "{{.Count}} návštěvy", "many": "{{.Count}} návštěvy", "other": "{{.Count}} návštěv"}}`),
		"text/ru.json": file(`{"visits": {"one": "{{.Count}} визит", "few": "{{.Count}} визита", "many": "{{.Count}} визитов", "other": "{{.Count}} визита"}}`),
		"text/bg.json": file(`{"hello": "Здравейте, {{.Name}}"}`), "text/it.json": file(`{"hello": "Ciao, {{.Name}}"}`), "text/ko.json": file(`{"hello": "안녕하세요, {{.Name}}"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMessagesSpeakTheirLanguageAndFallBackToEnglish(t *testing.T) {
	c := catalog(t)
	for _, x := range []struct{ got, want string }{
		{c.For("cs").T("hello", "Name", "Ano"), "Dobrý den, Ano"},
		{c.For("cs-CZ").T("hello", "Name", "Ano"), "Dobrý den, Ano"},
		{c.For("de-DE,de;q=0.9,cs;q=0.8,en;q=0.7").T("hello", "Name", "Ano"), "Dobrý den, Ano"},
		{c.For("", "ko").T("hello", "Name", "Ano"), "안녕하세요, Ano"},
		{c.For("tlh").T("hello", "Name", "Ano"), "Hello, Ano"},
		{c.For("not a language!").T("hello", "Name", "Ano"), "Hello, Ano"},
		{c.For("cs").T("only"), "English only"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
}

func TestPluralsFollowTheLanguage(t *testing.T) {
	c := catalog(t)
	for lang, want := range map[string][]string{
		"en": {"0 visits", "1 visit", "2 visits", "5 visits", "21 visits", "1,234 visits"},
		"cs": {"0 návštěv", "1 návštěva", "2 návštěvy", "5 návštěv", "21 návštěv", "1 234 návštěv"},
		"ru": {"0 визитов", "1 визит", "2 визита", "5 визитов", "21 визит", "1 234 визита"},
	} {
		for i, n := range []int{0, 1, 2, 5, 21, 1234} {
			if got := strings.ReplaceAll(c.For(lang).N("visits", n), nbsp, " "); got != want[i] {
				t.Errorf("%s %d: %q, want %q", lang, n, got, want[i])
			}
		}
	}
}

func TestAMissingMessageIsLoud(t *testing.T) {
	p := catalog(t).For("cs")
	for name, got := range map[string]string{
		"no such key": p.T("nope"), "no argument": p.T("hello"), "half a pair": p.T("hello", "Name"),
		"a name that is no text": p.T("hello", 1, 2), "no plural": p.N("nope", 2),
	} {
		if !strings.HasPrefix(got, "⟦") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestABrokenCatalogueStopsTheStart(t *testing.T) {
	for want, files := range map[string]fstest.MapFS{
		"there already":        {"text/en.json": {Data: []byte(`{"locale.now": "x"}`)}},
		"English":              {"text/cs.json": {Data: []byte(`{"foreign": "x"}`)}},
		"not a language":       {"text/x!.json": {Data: []byte(`{}`)}},
		"catalogue text/en.js": {"text/en.json": {Data: []byte(`{`)}},
	} {
		if _, err := Load(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestNumbersAreWrittenAsTheLanguageDoes(t *testing.T) {
	c := catalog(t)
	for lang, want := range map[string][]string{
		"en": {"1,234", "−1,234,567", "1,234.50", "90.0%", "£1,234.50", "−₩12,000", "Kč_0.05", "CHF_1,234.50", "£1,235"},
		"cs": {"1_234", "−1_234_567", "1_234,50", "90,0_%", "1_234,50_£", "−12_000_₩", "0,05_Kč", "1_234,50_CHF", "1_235_£"},
		"bg": {"1234", "−1_234_567", "1234,50", "90,0_%", "1234,50_£", "−12_000_₩", "0,05_Kč", "1234,50_CHF", "1235_£"},
		"ko": {"1,234", "−1,234,567", "1,234.50", "90.0%", "£1,234.50", "−₩12,000", "Kč_0.05", "CHF_1,234.50", "£1,235"},
		"it": {"1.234", "−1.234.567", "1.234,50", "90,0%", "1.234,50_£", "−12.000_₩", "0,05_Kč", "1.234,50_CHF", "1.235_£"},
		"ru": {"1_234", "−1_234_567", "1_234,50", "90,0_%", "1_234,50_£", "−12_000_₩", "0,05_Kč", "1_234,50_CHF", "1_235_£"},
	} {
		p := c.For(lang)
		got := []string{
			p.Int(1234), p.Int(-1234567), p.Decimal(1234.5, 2), p.Percent(0.9, 1),
			p.Money(money.Amount{Minor: 123450, Currency: "GBP"}), p.Money(money.Amount{Minor: -12000, Currency: "KRW"}),
			p.Money(money.Amount{Minor: 5, Currency: "CZK"}), p.Money(money.Amount{Minor: 123450, Currency: "CHF"}),
			p.MoneyWhole(money.Amount{Minor: 123450, Currency: "GBP"}),
		}
		for i := range got {
			if got := strings.ReplaceAll(got[i], nbsp, "_"); got != want[i] {
				t.Errorf("%s: %q, want %q", lang, got, want[i])
			}
		}
	}
	p := c.For("en")
	for _, x := range [][2]string{
		{p.Decimal(math.NaN(), 1), "–"}, {p.Percent(math.Inf(1), 1), "–"}, {p.Decimal(-0.001, 1), "0.0"}, {p.Int(math.MinInt64), "−9,223,372,036,854,775,808"},
		{p.Money(money.Amount{Minor: math.MinInt64, Currency: "EUR"}), "−€92,233,720,368,547,758.08"},
	} {
		if x[0] != x[1] {
			t.Errorf("%q, want %q", x[0], x[1])
		}
	}
}

func TestDaysAndMonthsAreWrittenAsTheLanguageDoes(t *testing.T) {
	c := catalog(t)
	at := time.Date(2011, 12, 9, 23, 5, 0, 0, time.UTC)
	prague := time.FixedZone("CET", 3600)
	for lang, want := range map[string][]string{
		"en": {"9 Dec 2011", "9 December 2011", "9 Dec", "Dec 2011", "December 2011", "10 Dec 2011, 00:05", "Fri", "Friday"},
		"cs": {"9. 12. 2011", "9. prosince 2011", "9. 12.", "pro 2011", "prosinec 2011", "10. 12. 2011 00:05", "pá", "pátek"},
		"bg": {"9.12.2011 г.", "9 декември 2011 г.", "9.12", "дек 2011 г.", "декември 2011 г.", "10.12.2011 г., 00:05", "пт", "петък"},
		"ko": {"2011. 12. 9.", "2011년 12월 9일", "12. 9.", "2011년 12월", "2011년 12월", "2011. 12. 10. 00:05", "금", "금요일"},
		"it": {"9 dic 2011", "9 dicembre 2011", "9 dic", "dic 2011", "dicembre 2011", "10 dic 2011, 00:05", "ven", "venerdì"},
		"ru": {"9 дек. 2011 г.", "9 декабря 2011 г.", "9 дек.", "дек. 2011 г.", "декабрь 2011 г.", "10 дек. 2011 г., 00:05", "пт", "пятница"},
	} {
		p := c.For(lang).In(prague)
		day := "2011-12-09"
		got := []string{p.Day(day), p.DayLong(day), p.DayMonth(day), p.Month(day), p.MonthLong("2011-12"), p.Time(at), p.Weekday(at.Weekday()), p.WeekdayLong(at.Weekday())}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", lang, got[i], want[i])
			}
		}
	}
	p := c.For("en")
	if p.Day("") != "–" || p.Day("soon") != "soon" || p.Month("x") != "x" || p.Time(time.Time{}) != "–" {
		t.Error("what is no day is not left as it is")
	}
	for lang, s := range styles {
		for i, month := range s.months {
			if month == "" || s.monthsLong[i] == "" || s.monthsAlone[i] == "" || s.weekdays[i%7] == "" || s.weekdaysLong[i%7] == "" {
				t.Errorf("%s lacks a name at %d", lang, i)
			}
		}
	}
}

func TestLengthsOfTimeAreSaidInTheirLargestUnit(t *testing.T) {
	p := catalog(t).For("en")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		10 * time.Second: "just now", time.Minute: "1 minute ago", 90 * time.Minute: "1 hour ago", 47 * time.Hour: "1 day ago",
		59 * 24 * time.Hour: "59 days ago", 90 * 24 * time.Hour: "3 months ago", 800 * 24 * time.Hour: "2 years ago", -2 * time.Hour: "in 2 hours",
	} {
		if got := p.Ago(now.Add(-ago), now); got != want {
			t.Errorf("%v: %q, want %q", ago, got, want)
		}
	}
	if got := p.Duration(45 * time.Second); got != "45 seconds" {
		t.Errorf("%q", got)
	}
}
