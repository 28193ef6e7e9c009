package sheet

import (
	"errors"
	"math"
	"strings"
	"unicode"

	"regulars/internal/platform/errs"
)

// Number is an exact decimal: Units / 10^Scale, with as many decimals as were
// written.
type Number struct {
	Units int64
	Scale int // 0 to 18
}

// Amount is a number with its currency.
type Amount struct {
	Number
	// Currency is an ISO 4217 code, or the sign where several currencies share
	// it ("$", "¥", "kr"), or "" where none is written.
	Currency string
}

// Mark is the sign between units and decimals.
type Mark byte

// The marks. With NoMark each cell decides for itself: of two different signs
// the last is the mark; one that stands several times groups thousands; one
// comma before exactly three digits groups thousands; any other one is the mark.
const (
	NoMark Mark = 0
	Point  Mark = '.'
	Comma  Mark = ','
)

const maxScale = 18

// Minor returns the number in units of 10^-digits, as money is kept, rounded
// half away from zero, and whether that was exact. It fails when the result
// does not fit.
func (n Number) Minor(digits int) (minor int64, exact bool, err error) {
	minor, exact = n.Units, true
	for s := n.Scale; s < digits; s++ {
		if minor > math.MaxInt64/10 || minor < math.MinInt64/10 {
			return 0, false, errs.Wrong("", "sheet.wrong.number-large")
		}
		minor *= 10
	}
	if n.Scale > digits {
		if n.Scale-digits > maxScale {
			return 0, false, errs.Wrong("", "sheet.wrong.number-decimals")
		}
		p := pow10(n.Scale - digits)
		rest := minor % p
		minor /= p
		exact = rest == 0
		if rest >= p-p/2 {
			minor++
		} else if rest <= -(p - p/2) {
			minor--
		}
	}
	return minor, exact, nil
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// signs are what is written for currencies besides their codes.
var signs = map[string]string{
	"$": "$", "¥": "¥", "kr": "kr", "kr.": "kr", "Kr": "kr", "Kr.": "kr",
	"€": "EUR", "£": "GBP", "₩": "KRW", "원": "KRW", "円": "JPY", "元": "CNY",
	"₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "р": "RUB",
	"Kč": "CZK", "kč": "CZK", "zł": "PLN", "лв": "BGN", "лв.": "BGN", "Ft": "HUF",
	"lei": "RON", "₺": "TRY", "₹": "INR", "₪": "ILS", "₴": "UAH", "₫": "VND", "฿": "THB",
	"R$": "BRL", "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
	"NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN", "Fr.": "CHF", "Fr": "CHF",
}

// ParseAmount reads an amount of money as people and programs write it:
// "$1,240.00", "-$45.00", "(45.00)", "1.240,50 €", "1 240,50 Kč", "5,- Kč",
// "CHF 1'240.50". It is exact, and refuses what does not fit 63 bits.
func ParseAmount(cell string, mark Mark) (Amount, error) {
	a, err := asAmount(cell, mark)
	if err == errNoAmount {
		return Amount{}, errs.Wrong("", "sheet.wrong.amount", "Cell", shown(cell))
	}
	return a, err
}

// errNoAmount is said in words by ParseAmount: most cells are none, and those
// who ask what a column holds do not read why.
var errNoAmount = errors.New("no amount")

func asAmount(cell string, mark Mark) (Amount, error) {
	s := bare(cell)
	negative := false
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		negative, s = true, strings.TrimSpace(s[1:len(s)-1])
	}
	first, last := digitSpan(s)
	if first < 0 {
		return Amount{}, errNoAmount
	}
	before, body, after := s[:first], s[first:last], s[last:]
	for _, dashes := range []string{",-", ",–", ",—", ".-", ".–", ".—"} {
		if rest, ok := strings.CutPrefix(after, dashes); ok {
			after = rest
			break
		}
	}
	if after == "." {
		after = ""
	}
	var a Amount
	count := 0
	for _, side := range []string{before, after} {
		sign, minus := withoutMinus(side)
		count += minus
		code, ok := currencyOf(sign)
		if !ok {
			return Amount{}, errNoAmount
		}
		// "$5.00 USD": the code says more than the sign.
		if code != "" && len(a.Currency) < 3 {
			a.Currency = code
		}
	}
	if count > 1 || count == 1 && negative {
		return Amount{}, errNoAmount
	}
	n, err := parseBody(body, mark, cell)
	if err != nil {
		return Amount{}, err
	}
	if negative || count == 1 {
		n.Units = -n.Units
	}
	a.Number = n
	return a, nil
}

// ParseQuantity reads a number without a currency.
func ParseQuantity(cell string, mark Mark) (Number, error) {
	a, err := ParseAmount(cell, mark)
	if err != nil || a.Currency != "" {
		return Number{}, errs.Wrong("", "sheet.wrong.number", "Cell", shown(cell))
	}
	return a.Number, nil
}

// digitSpan finds the number in s: from its first digit, or the mark before it
// as in ".50", to its last.
func digitSpan(s string) (first, last int) {
	first = strings.IndexAny(s, "0123456789")
	if first < 0 {
		return -1, 0
	}
	last = strings.LastIndexAny(s, "0123456789") + 1
	if first > 0 && (s[first-1] == '.' || s[first-1] == ',') {
		if before := s[:first-1]; before == "" || strings.ContainsAny(before[len(before)-1:], "-+ $") {
			first--
		}
	}
	return first, last
}

// withoutMinus takes signs and blanks off what stands beside a number.
func withoutMinus(s string) (rest string, minus int) {
	rest = strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '−' || r == '–':
			minus++
			return -1
		case r == '+' || unicode.IsSpace(r):
			return -1
		}
		return r
	}, s)
	return rest, minus
}

func currencyOf(s string) (code string, ok bool) {
	if s == "" {
		return "", true
	}
	if code, ok := signs[s]; ok {
		return code, true
	}
	s = strings.TrimSuffix(s, ".")
	if len(s) != 3 {
		return "", false
	}
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return "", false
		}
	}
	return s, true
}

// parseBody reads digits with marks, grouping and perhaps an exponent.
func parseBody(body string, mark Mark, cell string) (Number, error) {
	exponent := 0
	if i := strings.IndexAny(body, "eE"); i >= 0 {
		e, ok := smallInt(body[i+1:])
		if !ok {
			return Number{}, errNoAmount
		}
		exponent, body = e, body[:i]
	}
	if mark == NoMark {
		mark = markOf(body)
	}
	var n Number
	seenMark, groups, run := false, 0, 0
	for i, r := range body {
		switch {
		case r >= '0' && r <= '9':
			d := int64(r - '0')
			if n.Units > (math.MaxInt64-d)/10 {
				return Number{}, tooLarge(cell)
			}
			n.Units = n.Units*10 + d
			run++
			if seenMark {
				n.Scale++
			}
		case byte(mark) == byte(r) && r < 0x80 && !seenMark:
			if groups > 0 && run != 3 {
				return Number{}, errNoAmount
			}
			seenMark, run = true, 0
		case isGrouping(r) && !seenMark && i > 0:
			// Groups are of three, or of two as in India; the last is of three.
			if groups > 0 && run != 3 && run != 2 || groups == 0 && (run == 0 || run > 3) {
				return Number{}, errNoAmount
			}
			groups, run = groups+1, 0
		default:
			return Number{}, errNoAmount
		}
	}
	if groups > 0 && !seenMark && run != 3 {
		return Number{}, errNoAmount
	}
	return n.shift(exponent, cell)
}

// shift multiplies by 10^exponent.
func (n Number) shift(exponent int, cell string) (Number, error) {
	n.Scale -= exponent
	for n.Scale > maxScale && n.Units%10 == 0 && n.Units != 0 {
		n.Units /= 10
		n.Scale--
	}
	if n.Units == 0 {
		n.Scale = min(max(n.Scale, 0), maxScale)
	}
	for ; n.Scale < 0; n.Scale++ {
		if n.Units > math.MaxInt64/10 {
			return Number{}, tooLarge(cell)
		}
		n.Units *= 10
	}
	if n.Scale > maxScale {
		return Number{}, errs.Wrong("", "sheet.wrong.amount-decimals", "Cell", shown(cell))
	}
	return n, nil
}

func tooLarge(cell string) error {
	return errs.Wrong("", "sheet.wrong.amount-large", "Cell", shown(cell))
}

// smallInt reads an exponent of at most four digits.
func smallInt(s string) (int, bool) {
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	if s == "" || len(s) > 4 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

func isGrouping(r rune) bool {
	switch r {
	case '.', ',', '\'', '’', ' ', '\u00a0', '\u202f', '\u2009':
		return true
	}
	return false
}

// markOf is the decimal mark of one number on its own; Point where it has none.
func markOf(body string) Mark {
	mark, sure := markVote(body)
	if !sure && strings.IndexByte(body, ',') >= 0 {
		return Point // one comma before three digits groups thousands
	}
	return mark
}

// markVote says which mark a number shows, and whether it shows one at all:
// "1,240" and "1.240" do not.
func markVote(body string) (mark Mark, sure bool) {
	point, comma := strings.Count(body, "."), strings.Count(body, ",")
	switch {
	case point > 0 && comma > 0:
		if strings.LastIndexByte(body, ',') > strings.LastIndexByte(body, '.') {
			return Comma, true
		}
		return Point, true
	case point > 1:
		return Comma, true
	case comma > 1:
		return Point, true
	case point+comma == 0:
		return Point, false
	}
	i := strings.IndexAny(body, ".,")
	whole, decimals := body[:i], body[i+1:]
	sure = len(decimals) != 3 || len(whole) > 3 || whole == "" || whole[0] == '0' || strings.ContainsAny(whole, " '")
	return Mark(body[i]), sure
}

// DetectMark finds the decimal mark of a column from a sample of its cells, or
// NoMark where the cells do not show it or contradict each other.
func DetectMark(samples []string) Mark {
	var point, comma int
	for _, cell := range samples {
		s := bare(cell)
		first, last := digitSpan(s)
		if first < 0 {
			continue
		}
		switch mark, sure := markVote(s[first:last]); {
		case sure && mark == Point:
			point++
		case sure:
			comma++
		}
	}
	switch {
	case point > 0 && comma == 0:
		return Point
	case comma > 0 && point == 0:
		return Comma
	}
	return NoMark
}
