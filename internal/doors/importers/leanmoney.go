package importers

import (
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
)

func (l *lean) money(cells [][]byte, rec *Record) bool {
	if l.where[fCurrency] >= 0 {
		if code := l.bytes(cells, fCurrency); len(code) > 0 && string(code) != string(rec.Currency) {
			c, err := money.ParseCurrency(str(code))
			if err != nil {
				return false
			}
			rec.Currency = c
		}
	}
	if l.where[fQuantity] >= 0 {
		if cell := l.bytes(cells, fQuantity); len(cell) > 0 {
			n, ok := plainNumber(cell, l.mark)
			if !ok || n.Scale > 3 || n.Units > 1e12 || n.Units < -1e12 {
				return false
			}
			rec.Quantity = n.Units * tens[3-n.Scale]
		}
	}
	hasPrice, hasLine := l.where[fPrice] >= 0, l.where[fLineTotal] >= 0
	if hasPrice {
		cell := l.bytes(cells, fPrice)
		if len(cell) > 0 || !hasLine {
			n, ok := plainNumber(cell, l.mark)
			if !ok {
				return false
			}
			rec.Price = n
		}
	}
	for _, f := range [...]int{fTotal, fLineTotal} {
		if l.where[f] < 0 || f == fTotal && (hasPrice || hasLine) {
			continue
		}
		if cell := l.bytes(cells, f); len(cell) > 0 {
			v, ok := l.minor(cell, rec.Currency)
			if !ok {
				return false
			}
			l.total = v
			rec.LineTotal = &l.total
		}
	}
	if rec.LineTotal == nil && !hasPrice {
		return false
	}
	return l.ofTheOrder(cells, rec, hasPrice || hasLine)
}

func (l *lean) ofTheOrder(cells [][]byte, rec *Record, adds bool) bool {
	for _, f := range [...]int{fDiscount, fShipping, fTax, fRefunded} {
		if l.where[f] < 0 || f != fRefunded && !adds {
			continue
		}
		cell := l.bytes(cells, f)
		if len(cell) == 0 {
			continue
		}
		v, ok := l.minor(cell, rec.Currency)
		if !ok {
			return false
		}
		switch f {
		case fDiscount:
			rec.Discount = max(v, -v)
		case fShipping:
			rec.Shipping = v
		case fTax:
			rec.Tax = v
		default:
			rec.Refunded = v
		}
	}
	return true
}

func (l *lean) minor(cell []byte, c money.Currency) (int64, bool) {
	n, ok := plainNumber(cell, l.mark)
	if !ok {
		return 0, false
	}
	return scaled(n.Units, exponent(c)-n.Scale)
}

// exponent is Currency.Exponent, quick for those asked for most.
func exponent(c money.Currency) int {
	if c == "EUR" || c == "GBP" || c == "USD" {
		return 2
	}
	return c.Exponent()
}

var tens = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// scaled is v × 10^by, rounded half away from zero; false when that is not
// plain.
func scaled(v int64, by int) (int64, bool) {
	switch {
	case by == 0:
		return v, true
	case by < -18 || by > 6 || v > 1e12 || v < -1e12:
		return 0, false
	case by > 0:
		return v * tens[by], true
	}
	p := tens[-by]
	if v < 0 {
		return -((-v + p/2) / p), true
	}
	return (v + p/2) / p, true
}

// plainNumber reads 12, -3 and 12.50, and leaves the rest to sheet.
func plainNumber(c []byte, mark byte) (sheet.Number, bool) {
	var n sheet.Number
	negative := len(c) > 1 && c[0] == '-'
	if negative {
		c = c[1:]
	}
	if len(c) == 0 || len(c) > 17 {
		return n, false
	}
	point := -1
	for i, d := range c {
		switch {
		case d >= '0' && d <= '9':
			n.Units = n.Units*10 + int64(d-'0')
		case d == mark && point < 0 && i > 0 && i < len(c)-1:
			point = i
		default:
			return n, false
		}
	}
	if point >= 0 {
		n.Scale = len(c) - 1 - point
	}
	if negative {
		n.Units = -n.Units
	}
	return n, true
}

// amounts are what a record's lines come to, and how much of it counts as
// goods: as Item.line and orders.Order tell it.
func amounts(rec *Record) (total, goods int64, err error) {
	if rec.Items != nil {
		for _, i := range rec.Items {
			t, g, err := whole(&i, rec.Currency)
			if err != nil {
				return 0, 0, err
			}
			total, goods = total+t, goods+g
		}
		return total, goods, nil
	}
	counts := rec.Quantity > 0 && rec.Price.Units > 0
	switch {
	case rec.LineTotal != nil && within(*rec.LineTotal):
		total = *rec.LineTotal
		if rec.Price.Units == 0 {
			// The price is worked out to four decimals.
			counts = rec.Quantity > 0 && total*tens[7-exponent(rec.Currency)] >= rec.Quantity
		}
	case rec.LineTotal == nil && within(rec.Price.Units) && within(rec.Quantity):
		var ok bool
		by := exponent(rec.Currency) - rec.Price.Scale - 3
		if total, ok = scaledProduct(rec.Price.Units*rec.Quantity, by); !ok {
			return whole(&rec.Item, rec.Currency)
		}
	default:
		return whole(&rec.Item, rec.Currency)
	}
	if counts {
		goods = total
	}
	return total, goods, nil
}

func within(v int64) bool { return v < 1e9 && v > -1e9 }

func scaledProduct(v int64, by int) (int64, bool) {
	if by > 0 || by < -18 {
		return 0, false
	}
	p := tens[-by]
	if v < 0 {
		return -((-v + p/2) / p), true
	}
	return (v + p/2) / p, true
}

// whole asks the code of the import.
func whole(i *Item, c money.Currency) (total, goods int64, err error) {
	line, err := i.line(nil, c)
	if err != nil {
		return 0, 0, err
	}
	if line.Quantity > 0 && line.Price > 0 {
		goods = line.Total
	}
	return line.Total, goods, nil
}
