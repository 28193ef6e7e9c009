package customers

import (
	"regexp/syntax"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"regulars/internal/platform/errs"
)

// phone brings a phone into E.164, or keeps its digits where it cannot be one.
func phone(i Identity, v, region string) (Identity, error) {
	if isE164(v) {
		i.Value = v
		return i, nil
	}
	return parsePhone(i, v, region)
}

func parsePhone(i Identity, v, region string) (Identity, error) {
	if n, err := phonenumbers.Parse(v, strings.ToUpper(region)); err == nil && phonenumbers.IsPossibleNumber(n) {
		i.Value = phonenumbers.Format(n, phonenumbers.E164)
		return i, nil
	}
	plus := strings.HasPrefix(v, "+")
	v = digits(v)
	if len(v) < 3 || len(v) > 20 {
		return i, errs.Wrong(Phone, "customers.wrong.phone")
	}
	if plus {
		v = "+" + v
	}
	i.Value = v
	return i, nil
}

// digits keeps the digits of any script, written as 0 to 9.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		if unicode.Is(unicode.Nd, r) {
			for d := rune(0); d <= 9; d++ { // the digits of a script stand in a row
				if !unicode.Is(unicode.Nd, r-d-1) {
					return '0' + d
				}
			}
		}
		return -1
	}, s)
}

// isE164 reports whether a phone is in E.164 already, so plainly that parsing
// it could only give it back: a known country's code, a length that is possible
// there, and a first digit with which no prefix begins that would be taken off.
// A test holds it against the parser.
func isE164(v string) bool {
	if len(v) < 4 || len(v) > 16 || v[0] != '+' {
		return false
	}
	code := 0
	for i := 1; i < len(v); i++ {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	for i := 1; i <= 3; i++ {
		code = code*10 + int(v[i]-'0')
		if plan := callingPlans()[code]; plan.lengths != 0 {
			national := v[i+1:]
			return national != "" && plan.lengths>>len(national)&1 == 1 && plan.prefixes>>(national[0]-'0')&1 == 0
		}
	}
	return false
}

// callingPlan is what numbers behind a country's code look like.
type callingPlan struct {
	lengths  uint32 // bit n: n digits are possible
	prefixes uint16 // bit d: a prefix that is no part of the number may begin with d
}

// callingPlans are those of all countries by their calling codes.
var callingPlans = sync.OnceValue(func() *[1000]callingPlan {
	all := &[1000]callingPlan{}
	known, err := phonenumbers.MetadataCollection()
	if err != nil {
		return all // every number is parsed
	}
	for _, m := range known.GetMetadata() {
		code := int(m.GetCountryCode())
		if code < 1 || code > 999 || m.GetId() != phonenumbers.GetRegionCodeForCountryCode(code) {
			continue
		}
		plan := callingPlan{prefixes: firstDigits(m.GetNationalPrefixForParsing())}
		for _, n := range m.GetGeneralDesc().GetPossibleLength() {
			if n > 0 && n < 16 {
				plan.lengths |= 1 << n
			}
		}
		all[code] = plan
	}
	return all
})

// firstDigits are the digits with which a text may begin that matches a pattern
// from its start; all of them where it may match nothing.
func firstDigits(pattern string) uint16 {
	const every = 1<<10 - 1
	if pattern == "" {
		return 0
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return every
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return every
	}
	found, seen := uint16(0), map[uint32]bool{}
	next := []uint32{uint32(prog.Start)}
	for len(next) > 0 {
		at := next[len(next)-1]
		next = next[:len(next)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		switch in := &prog.Inst[at]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			next = append(next, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			next = append(next, in.Out)
		case syntax.InstMatch:
			return every
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			for d := range rune(10) {
				if in.MatchRune('0' + d) {
					found |= 1 << d
				}
			}
		}
	}
	return found
}
