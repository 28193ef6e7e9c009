package collect

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/text"
)

// Shops write ids as numbers or as text, amounts as text or as numbers, and
// leave out or set to null what they do not know. These types read all of it.

// shopID is an id: a number or a text.
type shopID string

// UnmarshalJSON implements json.Unmarshaler.
func (v *shopID) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if len(s) > 100 {
		return errShape
	}
	*v = shopID(text.Line(s))
	return err
}

// zero reports whether it names nothing: WooCommerce's guests are 0.
func (v shopID) zero() bool { return v == "" || v == "0" }

// shopAmount is a decimal number as it was written.
type shopAmount string

// UnmarshalJSON implements json.Unmarshaler.
func (v *shopAmount) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if len(s) > 40 {
		return errShape
	}
	*v = shopAmount(strings.TrimSpace(s))
	return err
}

// scalar is a JSON text, number or null as text.
func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null":
		return "", nil
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		return s, err
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		return string(b), nil
	}
	return "", errShape
}

// units reads units × 10^-scale; nothing is 0.
func (v shopAmount) units() (units int64, scale int, err error) {
	s := string(v)
	if s == "" {
		return 0, 0, nil
	}
	whole, part, _ := strings.Cut(s, ".")
	part = strings.TrimRight(part, "0")
	if len(part) > 6 {
		part = part[:6]
	}
	n, err := strconv.ParseInt(whole+part, 10, 64)
	if err != nil || len(whole) > 13 || strings.ContainsAny(part, "+-") {
		return 0, 0, errs.Wrong("", "collect.shop.error.amount", "Amount", text.Short(s, 40))
	}
	return n, len(part), nil
}

// minor is the amount in minor units of c.
func (v shopAmount) minor(c money.Currency) (int64, error) {
	units, scale, err := v.units()
	if err != nil {
		return 0, err
	}
	m, err := money.FromDecimal(units, scale, c)
	if err != nil {
		return 0, errs.Wrong("", "collect.shop.error.amount", "Amount", text.Short(string(v), 40))
	}
	return m, nil
}

// sums reads amounts into places, and stops at the first that is none.
func sums(c money.Currency, pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		m, err := pairs[i+1].(shopAmount).minor(c)
		if err != nil {
			return err
		}
		*pairs[i].(*int64) = m
	}
	return nil
}

// shopTime is a time with its offset, or local without one.
type shopTime struct {
	at    time.Time
	local bool
}

// UnmarshalJSON implements json.Unmarshaler. What is no time is none: shops
// write 0000-00-00 too.
func (v *shopTime) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	*v = shopTime{}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		at, err := time.Parse(layout, s)
		if err == nil && at.Year() > 1970 && at.Year() < 2200 {
			*v = shopTime{at, layout != time.RFC3339Nano}
			break
		}
	}
	return nil
}

func (v shopTime) zero() bool { return v.at.IsZero() }

// utc reads it as UTC where it has no offset.
func (v shopTime) utc() time.Time { return v.at.UTC() }

// in reads it as a clock of the zone where it has no offset.
func (v shopTime) in(zone *time.Location) time.Time {
	if !v.local || v.zero() {
		return v.at.UTC()
	}
	t := v.at
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UTC()
}

func (v shopTime) micros() int64 {
	if v.zero() {
		return 0
	}
	return v.at.UnixMicro()
}

// firstTime is the first that is not zero.
func firstTime(ts ...time.Time) time.Time {
	for _, t := range ts {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// unixTime is seconds since 1970.
func unixTime(s int64) time.Time {
	if s <= 0 || s > 7e9 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// shopCurrency reads a code in any case.
func shopCurrency(s string) (money.Currency, error) {
	c, err := money.ParseCurrency(s)
	if err != nil {
		return "", errs.Wrong("", "collect.shop.error.currency", "Currency", text.Short(text.Line(s), 20))
	}
	return c, nil
}

// label is a text of a person or a product, of a length that is kept.
func label(s string) string { return text.Short(text.Line(s), 200) }

// nation is an ISO 3166 code, or nothing.
func nation(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// language is the language of a locale such as cs-CZ, or nothing.
func languageOf(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "_", "-")), "-")
	if len(s) < 2 || len(s) > 3 {
		return ""
	}
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return ""
		}
	}
	return s
}

// parseShop reads a body; what cannot be read is the sender's fault, said in a
// sentence.
func parseShop(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return errs.Of(errs.Invalid, err, "collect.shop.error.shape")
	}
	return nil
}

// misshapen is the error of a body that lacks what it must have.
func misshapen() error { return errs.Of(errs.Invalid, errShape, "collect.shop.error.shape") }

// ranked is a time with a rank among what happened in the same second.
func ranked(at time.Time, rank int64) int64 {
	if at.IsZero() {
		return rank
	}
	return at.Truncate(time.Second).UnixMicro() + min(max(rank, 0), 999_999)
}
