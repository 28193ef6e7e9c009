package money

import (
	"math"
	"testing"
)

func TestDecimalWritesTheDigitsOfTheCurrency(t *testing.T) {
	for want, a := range map[string]Amount{
		"12.50 EUR": {1250, "EUR"}, "-0.05 GBP": {-5, "GBP"}, "12 KRW": {12, "KRW"},
		"1.234 KWD": {1234, "KWD"}, "-92233720368547758.08 USD": {math.MinInt64, "USD"},
	} {
		if got := a.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAmountsRoundHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		units, milli int64
		scale        int
		cur          Currency
		want         int64
	}{
		{255, 6000, 2, "GBP", 1530}, {1, 1000, 3, "GBP", 0}, {5, 1000, 3, "GBP", 1},
		{-5, 1000, 3, "GBP", -1}, {15, 1000, 1, "KRW", 2}, {-15, 1000, 1, "KRW", -2},
		{100, 333, 0, "EUR", 3330},
	} {
		got, err := Times(c.units, c.scale, c.milli, c.cur)
		if err != nil || got != c.want {
			t.Errorf("%d e-%d × %d = %d, %v; want %d", c.units, c.scale, c.milli, got, err, c.want)
		}
	}
}

func TestAnAmountThatDoesNotFitIsAnErrorNotAWrongNumber(t *testing.T) {
	if _, err := Times(math.MaxInt64, 0, 1000, "EUR"); err != ErrRange {
		t.Errorf("got %v", err)
	}
	if _, err := FromDecimal(1, -400, "EUR"); err != ErrRange {
		t.Errorf("got %v", err)
	}
}

func TestConvertingGoesThroughBothExponents(t *testing.T) {
	rate, err := ParseRate("0.00068") // one won in euros
	if err != nil {
		t.Fatal(err)
	}
	got, err := Amount{25000, "KRW"}.Convert("EUR", rate)
	if err != nil || got != (Amount{1700, "EUR"}) {
		t.Errorf("25000 KRW = %v, %v", got, err)
	}
	if got, _ := (Amount{199, "EUR"}).Convert("EUR", 1); got.Minor != 199 {
		t.Errorf("a currency in itself changed: %v", got)
	}
}

func TestOnlyRealCurrenciesAreCurrencies(t *testing.T) {
	for _, s := range []string{"", "EU", "XXX", "EURO", "   "} {
		if _, err := ParseCurrency(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
	if c, err := ParseCurrency(" gbp "); err != nil || c != "GBP" {
		t.Errorf("got %q, %v", c, err)
	}
}
