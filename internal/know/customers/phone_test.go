package customers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// same reports whether a phone is plainly E.164, and fails where the parser
// would make another one of it.
func same(t testing.TB, v, region string) bool {
	t.Helper()
	if !isE164(v) {
		return false
	}
	got, err := parsePhone(Identity{Kind: Phone, Value: v}, v, region)
	if err != nil || got.Value != v {
		t.Fatalf("%s in %q is parsed to %q (%v)", v, region, got.Value, err)
	}
	return true
}

var phoneRegions = []string{"", "CZ", "US", "GB", "IT", "AR", "nowhere"}

func TestAPhoneInE164IsWhatTheParserMakesOfIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 13))
	plain := 0
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for try := range 400 {
			v := fmt.Sprintf("+%d", code)
			for range 1 + rng.IntN(15) {
				v += string(rune('0' + rng.IntN(10)))
			}
			if same(t, v, phoneRegions[try%len(phoneRegions)]) {
				plain++
			}
		}
	}
	if plain < 10_000 {
		t.Errorf("only %d numbers were in E.164", plain)
	}
	// Any digits at all: codes that nobody has, too.
	for range 20_000 {
		v := "+"
		for range 1 + rng.IntN(17) {
			v += string(rune('0' + rng.IntN(10)))
		}
		same(t, v, phoneRegions[rng.IntN(len(phoneRegions))])
	}
}

func TestMobilePhonesOfMostCountriesNeedNoParser(t *testing.T) {
	all, plain := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE} {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			v := phonenumbers.Format(n, phonenumbers.E164)
			fast := same(t, v, region)
			same(t, v, "DE")
			if kind == phonenumbers.MOBILE {
				all++
				if fast {
					plain++
				}
			}
		}
	}
	if all < 200 || plain*10 < all*8 {
		t.Errorf("%d of %d mobile phones need no parser", plain, all)
	}
}

func FuzzPhonesInE164(f *testing.F) {
	for _, seed := range []string{"+420601123456", "+447700900123", "+15550100", "+3906698", "+541187654321", "+999123", "+", "+44 7700", "00420601123456"} {
		f.Add(seed, "CZ")
	}
	f.Fuzz(func(t *testing.T, v, region string) { same(t, v, region) })
}

func TestFirstDigitsOfAPattern(t *testing.T) {
	for pattern, want := range map[string]uint16{"": 0, "0": 1, "(183[12])|0": 1 | 1<<1, "8?": 1<<10 - 1, "0?(?:(11|2)3)": 1 | 1<<1 | 1<<2, `\d`: 1<<10 - 1, "(": 1<<10 - 1, "[^0-7]": 1<<8 | 1<<9} {
		if got := firstDigits(pattern); got != want {
			t.Errorf("%q begins with %b, want %b", pattern, got, want)
		}
	}
}
