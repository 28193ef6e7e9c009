// Package money counts money in whole minor units of ISO 4217 currencies.
//
// Its one rule: no floats. 12.50 EUR is 1250, 12 KRW is 12.
package money

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Currency is an ISO 4217 code in capitals.
type Currency string

// Amount is a number of minor units of a currency.
type Amount struct {
	Minor    int64
	Currency Currency
}

// exponents of the currencies whose minor unit is not a hundredth (ISO 4217
// list one, 2024).
var exponents = map[Currency]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0,
	"KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0,
	"XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// codes are all current ISO 4217 currencies of countries.
const codes = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD" +
	" CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD" +
	" HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD" +
	" MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG" +
	" QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS" +
	" UAH UGX USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG "

// ParseCurrency reads a code in any case.
func ParseCurrency(s string) (Currency, error) {
	c := strings.ToUpper(strings.TrimSpace(s))
	if len(c) != 3 || !strings.Contains(codes, " "+c+" ") {
		return "", errors.New("not a currency code such as EUR, GBP or KRW")
	}
	return Currency(c), nil
}

// Currencies returns every known code, in alphabetical order.
func Currencies() []Currency {
	var all []Currency
	for _, c := range strings.Fields(codes) {
		all = append(all, Currency(c))
	}
	return all
}

// Exponent returns the digits behind the point: 2 for EUR, 0 for KRW.
func (c Currency) Exponent() int {
	if e, ok := exponents[c]; ok {
		return e
	}
	return 2
}

// String writes the amount with a point and the code: 12.50 EUR.
func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

// Decimal writes the amount without the code: -12.50.
func (a Amount) Decimal() string {
	e := a.Currency.Exponent()
	if e == 0 {
		return strconv.FormatInt(a.Minor, 10)
	}
	sign, u := "", uint64(a.Minor)
	if a.Minor < 0 {
		sign, u = "-", -u
	}
	p := uint64(math.Pow10(e))
	return fmt.Sprintf("%s%d.%0*d", sign, u/p, e, u%p)
}

// ErrRange is an amount that does not fit into 63 bits of minor units.
var ErrRange = errors.New("the amount is too large")

// FromDecimal turns units × 10^-scale (12345, 3: 12.345) into minor units of
// c, rounding half away from zero. It fails only with ErrRange.
func FromDecimal(units int64, scale int, c Currency) (int64, error) {
	return mulDiv(units, 1, c.Exponent()-scale)
}

// Times multiplies a unit price by a quantity in thousandths, rounding half
// away from zero. price is units × 10^-scale.
func Times(units int64, scale int, quantityMilli int64, c Currency) (int64, error) {
	return mulDiv(units, quantityMilli, c.Exponent()-scale-3)
}

// Rate says what one unit of a foreign currency is worth in the business's
// own, in billionths: 1 EUR = 0.85 GBP is 850_000_000.
type Rate int64

// RateOne is the rate of a currency to itself.
const RateOne Rate = 1_000_000_000

// ParseRate reads a positive decimal number of at most nine decimals.
func ParseRate(s string) (Rate, error) {
	r, ok := new(big.Rat).SetString(strings.TrimSpace(s))
	if !ok || len(s) > 40 || r.Sign() <= 0 {
		return 0, errors.New("a rate is a positive number such as 1.0854")
	}
	n := new(big.Int).Quo(new(big.Int).Mul(r.Num(), big.NewInt(int64(RateOne))), r.Denom())
	if !n.IsInt64() || n.Sign() == 0 {
		return 0, ErrRange
	}
	return Rate(n.Int64()), nil
}

// Convert turns a into base at rate, rounding half away from zero.
func (a Amount) Convert(base Currency, rate Rate) (Amount, error) {
	if a.Currency == base {
		return a, nil
	}
	v, err := mulDiv(a.Minor, int64(rate), base.Exponent()-a.Currency.Exponent()-9)
	return Amount{v, base}, err
}

// mulDiv returns a × b × 10^exp, rounded half away from zero.
func mulDiv(a, b int64, exp int) (int64, error) {
	n := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	if exp < -60 || exp > 60 {
		return 0, ErrRange
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		n.Mul(n, ten)
	} else {
		neg := n.Sign() < 0
		n.Abs(n).Add(n, new(big.Int).Rsh(ten, 1)).Quo(n, ten)
		if neg {
			n.Neg(n)
		}
	}
	if !n.IsInt64() {
		return 0, ErrRange
	}
	return n.Int64(), nil
}
