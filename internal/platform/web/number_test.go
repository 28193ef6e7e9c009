package web

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
	"regulars/internal/platform/web/kit"
)

var sixLanguages = []string{"en", "cs", "bg", "ko", "it", "ru"}

func formOf(t testing.TB, language, x string) *Form {
	t.Helper()
	files := fstest.MapFS{}
	for _, l := range sixLanguages[1:] {
		files["text/"+l+".json"] = &fstest.MapFile{Data: []byte(`{"web.menu": "x"}`)}
	}
	catalog, err := locale.Load(Text(), files)
	if err != nil {
		t.Fatal(err)
	}
	return &Form{Form: kit.Form{Values: url.Values{"x": {x}}}, print: catalog.For(language)}
}

func TestMoneyAsShownIsReadBackInEveryLanguage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, language := range sixLanguages {
		f := formOf(t, language, "")
		for range 2000 {
			for _, c := range []money.Currency{"GBP", "KRW"} {
				want := money.Amount{Minor: r.Int64N(1 << r.IntN(50)), Currency: c}
				shown := strings.NewReplacer("£", "", "₩", "").Replace(f.print.Money(want))
				f.Set("x", shown)
				if got := f.Money("x", c); got != want || !f.OK() {
					t.Fatalf("%s: %q was read as %v, want %v (%v)", language, shown, got, want, f.Errors)
				}
			}
		}
	}
}

func FuzzMoneyIsReadOrRefusedWithWords(fz *testing.F) {
	for _, s := range []string{"1,234.50", "1 234,50", "-1", "1e400", "..", ",", "٣", "0x10", "1_000", "\x00"} {
		fz.Add(s)
	}
	f := formOf(fz, "en", "")
	fz.Fuzz(func(t *testing.T, s string) {
		f.Errors = nil
		f.Set("x", s)
		a := f.Money("x", "GBP")
		if a.Minor < 0 || a.Minor != 0 && !f.OK() {
			t.Errorf("%q became %v with %v", s, a, f.Errors)
		}
		f.Int("x", 0, 10)
		f.Decimal("x", 0, 10)
		f.Day("x")
		f.Email("x")
	})
}
