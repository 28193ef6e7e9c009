package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"regulars/internal/platform/money"
	"regulars/internal/platform/web/kit"
)

// funcs are the functions that templates call, speaking for the request the
// set is bound to.
func (b *bound) funcs(s *Server) template.FuncMap {
	return template.FuncMap{
		// t "key" "Name" .Name: a message; n "key" .Count: its plural.
		"t": func(key string, args ...any) string { return b.r.Print.T(key, args...) },
		"n": func(key string, count int, args ...any) string { return b.r.Print.N(key, count, args...) },

		"int":     func(n any) (string, error) { return b.int(n) },
		"decimal": func(x float64, digits int) string { return b.r.Print.Decimal(x, digits) },
		"percent": func(x float64, digits int) string { return b.r.Print.Percent(x, digits) },
		"money":   func(a money.Amount) string { return b.r.Print.Money(a) },
		"amount": func(minor int64, c money.Currency) string {
			return b.r.Print.Money(money.Amount{Minor: minor, Currency: c})
		},
		"whole": func(minor int64, c money.Currency) string {
			return b.r.Print.MoneyWhole(money.Amount{Minor: minor, Currency: c})
		},
		"day":       func(day string) string { return b.r.Print.Day(day) },
		"daylong":   func(day string) string { return b.r.Print.DayLong(day) },
		"month":     func(month string) string { return b.r.Print.Month(month) },
		"time":      func(t time.Time) string { return b.r.Print.Time(t) },
		"ago":       func(t time.Time) string { return b.r.Print.Ago(t, b.r.Now) },
		"duration":  func(d time.Duration) string { return b.r.Print.Duration(d) },
		"isotime":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"staff":     func() Staff { return b.r.Staff },
		"shop":      func() Shop { return b.r.Shop },
		"can":       b.can,
		"path":      func() string { return b.r.URL.RequestURI() },
		"theme":     func() string { return b.r.theme },
		"lang":      func() string { return b.r.Print.Lang },
		"url":       func(pattern string, args ...any) string { return s.base + pathf(pattern, args...) },
		"href":      func(path string) string { return s.base + path },
		"asset":     s.assets.href,
		"icon":      icon,
		"avatar":    kit.Avatar,
		"badge":     kit.Badge,
		"dict":      dict,
		"alert":     alert,
		"datalist":  func(items ...string) []string { return items },
		"hasPrefix": strings.HasPrefix,
		"mod6":      func(n int) int { return n % 6 },
		"levels":    func() []int { return []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10} },
		"spark":     kit.Spark,
		"formatted": formatted,
		"pct":       func(n int) float64 { return float64(n) / 100 },
	}
}

func (b *bound) int(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return b.r.Print.Int(int64(n)), nil
	case int64:
		return b.r.Print.Int(n), nil
	case int32:
		return b.r.Print.Int(int64(n)), nil
	}
	return "", fmt.Errorf("int is for whole numbers, not %T", n)
}

func (b *bound) can(role string) (bool, error) {
	r, err := ParseRole(role)
	return err == nil && b.r.Can(r), err
}

// pathf writes args into the %s and %d places of a path, each escaped so that
// it stays one segment.
func pathf(pattern string, args ...any) string {
	for i, a := range args {
		args[i] = url.PathEscape(fmt.Sprint(a))
	}
	return fmt.Sprintf(strings.ReplaceAll(pattern, "%d", "%s"), args...)
}

// alert is a message for {{template "kit/alert" (alert "warn" (t "…") (t "…"))}}.
func alert(tone, title, text string) kit.Alert {
	return kit.Alert{Tone: kit.Tone(tone), Title: title, Text: text}
}

// formatted is the address of an export in one of its forms.
func formatted(address, format string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return kit.With(u.Path, u.Query(), "format", format), nil
}

// dict makes a map of names and values in turn, to hand several things to one
// template.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict takes names and values in turn")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict takes names and values in turn, not %T as a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
