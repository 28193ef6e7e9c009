// Package text cleans and folds what people and files write.
//
// Its one rule: what comes in is cleaned once, at the door, so that every
// database stores the same.
package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Clean makes s fit for every database: valid UTF-8, in composed form, no NUL
// or other control characters but line breaks and tabs, no white space around.
func Clean(s string) string {
	if plain(s) {
		return strings.TrimSpace(s)
	}
	// Composing comes last: what is taken out may have stood between a letter
	// and its accent.
	s = norm.NFC.String(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD")))
	return strings.TrimSpace(s)
}

// Line is Clean for text of one line: runs of white space become one space.
func Line(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// plain reports whether s is printable ASCII, which needs no cleaning.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Fold makes s fit for comparing: lower case, without accents (Zoë and zoe,
// Ångström and angstrom are equal). Hangul syllables stay whole.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	t := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	folded, _, err := transform.String(t, strings.ToLower(s))
	if err != nil {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if l, ok := letters[r]; ok {
			return l
		}
		return r
	}, folded)
}

// letters that Unicode does not take apart, but people type without.
var letters = map[rune]rune{'ł': 'l', 'ø': 'o', 'đ': 'd', 'ħ': 'h', 'ı': 'i', 'ß': 's'}

// Words folds s and cuts it into its words: letters and digits, any script.
func Words(s string) []string {
	return strings.FieldsFunc(Fold(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// Short cuts s after n runes, with an ellipsis when something was cut.
func Short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimRightFunc(string(r[:n-1]), unicode.IsSpace) + "…"
}

// personal matches what the text of an error may repeat of a person: addresses,
// also as they stand in a URL, and phone numbers.
var personal = regexp.MustCompile(`[^\s"'<>()=]+(?:@|%40)[^\s"'<>()=/&]+|(?:\+|%2B)\d[\d ()/-]{6,}\d`)

// maxMasked is how many bytes Masked looks at.
const maxMasked = 64 << 10

// Masked makes the text of an error fit for logs: valid UTF-8 without NUL, with
// an ellipsis for every address and phone number, at most n bytes and one more
// ellipsis when something was cut.
func Masked(s string, n int) string {
	cut := len(s) > maxMasked
	s = strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), maxMasked)], "\x00", ""), "")
	if strings.ContainsAny(s, "@%+") { // else there is neither
		s = personal.ReplaceAllString(s, "…")
	}
	if len(s) > n {
		s, cut = strings.ToValidUTF8(s[:n], ""), true
	}
	if cut {
		s += "…"
	}
	return s
}
