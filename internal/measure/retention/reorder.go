package retention

import (
	"fmt"
	"math"
)

// Things bought again and again (coffee, filters, pet food) have their own
// rhythm for each customer and product. Here a History holds pairs: its
// "customer" is one customer's purchases of one product or category, and its
// AmountMinor is how many pieces were bought, in thousandths.

// fixed is the unit in which logarithms are added up: whole numbers make
// sums over parts exactly the sum over all.
const fixed = 1e4

// QuantityEffect is how much longer a larger quantity lasts, within pairs.
type QuantityEffect struct {
	XY int64 `json:"xy"`
	XX int64 `json:"xx"`
}

// QuantityEffectOf compares, within each pair, the gaps after larger and
// smaller purchases.
func QuantityEffectOf(h *History) QuantityEffect {
	return Over(h, func(h *History) QuantityEffect {
		var q QuantityEffect
		for i := range h.ID {
			var n, x, y, xx, xy float64
			eachGap(h, i, func(gap, quantity float64) {
				u, v := math.Log(quantity), math.Log(gap)
				n, x, y, xx, xy = n+1, x+u, y+v, xx+u*u, xy+u*v
			})
			if n > 1 {
				q.XX += int64(math.Round((xx - x*x/n) * fixed))
				q.XY += int64(math.Round((xy - x*y/n) * fixed))
			}
		}
		return q
	})
}

// Merge adds other pairs.
func (q QuantityEffect) Merge(r QuantityEffect) QuantityEffect {
	return QuantityEffect{XY: q.XY + r.XY, XX: q.XX + r.XX}
}

// Elasticity is the power of the quantity that the gap grows with: 0, it does
// not matter; 1, twice as much lasts twice as long. Without enough to compare
// it is drawn to 0.
func (q QuantityEffect) Elasticity() float64 {
	const doubt = 20 * fixed
	return max(0, min(1, float64(q.XY)/(float64(q.XX)+doubt)))
}

// eachGap visits a pair's gaps between days of purchase, with the quantity
// bought at the beginning of each.
func eachGap(h *History, i int, gap func(days, quantity float64)) {
	days, amounts := h.Days(i), h.Amounts(i)
	quantity := float64(amounts[0])
	for k := 1; k < len(days); k++ {
		if days[k] == days[k-1] {
			quantity += float64(amounts[k])
			continue
		}
		gap(float64(days[k]-days[k-1]), max(1, quantity)/1000)
		quantity = float64(amounts[k])
	}
}

// Reorders are the gaps of each product, as sums of logarithms of days for one
// piece.
type Reorders struct {
	Elasticity float64       `json:"elasticity"`
	Products   []ProductGaps `json:"products"`
}

// ProductGaps are the sums of one product.
type ProductGaps struct {
	Pairs   int64 `json:"pairs"` // with at least one gap
	Gaps    int64 `json:"gaps"`
	Sum     int64 `json:"sum"`     // Σ y
	Squares int64 `json:"squares"` // Σ y²
	Means   int64 `json:"means"`   // Σ over pairs (Σ y)²/n
	Sizes   int64 `json:"sizes"`   // Σ over pairs n²
}

// ReordersOf adds the gaps of pairs up by product: product numbers pair i's
// product from 0 to n−1.
func ReordersOf(h *History, n int, product func(i int) int, elasticity float64) Reorders {
	sums := Reorders{Elasticity: elasticity, Products: make([]ProductGaps, n)}
	for i := range h.ID {
		own := OwnGaps{}
		var squares float64
		eachGap(h, i, func(gap, quantity float64) {
			y := math.Log(gap) - elasticity*math.Log(quantity)
			own.Gaps++
			own.Sum += y
			squares += y * y
		})
		if own.Gaps == 0 {
			continue
		}
		p := &sums.Products[product(i)]
		p.Pairs++
		p.Gaps += int64(own.Gaps)
		p.Sum += int64(math.Round(own.Sum * fixed))
		p.Squares += int64(math.Round(squares * fixed))
		p.Means += int64(math.Round(own.Sum * own.Sum / own.Gaps * fixed))
		p.Sizes += int64(own.Gaps * own.Gaps)
	}
	return sums
}

// Merge adds other pairs of the same products.
func (r Reorders) Merge(s Reorders) Reorders {
	m := Reorders{Elasticity: r.Elasticity, Products: make([]ProductGaps, max(len(r.Products), len(s.Products)))}
	for _, part := range []Reorders{r, s} {
		for i, p := range part.Products {
			q := &m.Products[i]
			q.Pairs += p.Pairs
			q.Gaps += p.Gaps
			q.Sum += p.Sum
			q.Squares += p.Squares
			q.Means += p.Means
			q.Sizes += p.Sizes
		}
	}
	return m
}

// OwnGaps are one pair's gaps: how many, and the sum of their logarithms for
// one piece.
type OwnGaps struct {
	Gaps float64
	Sum  float64
}

// Own reads the gaps of pair i.
func (m Reordering) Own(h *History, i int) OwnGaps {
	var own OwnGaps
	eachGap(h, i, func(gap, quantity float64) {
		own.Gaps++
		own.Sum += math.Log(gap) - m.Elasticity*math.Log(quantity)
	})
	return own
}

// Reordering is how long a piece of each product lasts, and how much that
// differs: logarithms of gaps are normal around the pair's own mean (Within),
// these around the product's (Between), these around the shop's (Products), so
// that few gaps are drawn towards the many: empirical Bayes by the method of
// moments, as in Efron and Morris, "Data Analysis Using Stein's Estimator and
// its Generalizations" (JASA 70, 1975).
type Reordering struct {
	Elasticity float64         `json:"elasticity"`
	Shop       float64         `json:"shop"`    // mean logarithm of days
	Within     float64         `json:"within"`  // variances
	Between    float64         `json:"between"` //
	Among      float64         `json:"among"`
	Products   []ProductRhythm `json:"products"`
}

// ProductRhythm is the mean of a product and how sure it is.
type ProductRhythm struct {
	Mean     float64 `json:"mean"`
	Variance float64 `json:"variance"`
}

// Fit learns the rhythms. The error is a *Trouble: fewer than ten gaps.
func (r Reorders) Fit() (Reordering, error) {
	m := Reordering{Elasticity: r.Elasticity, Products: make([]ProductRhythm, len(r.Products))}
	var gaps, pairs, sum, squares, means, products, between, room float64
	for _, p := range r.Products {
		if p.Gaps == 0 {
			continue
		}
		n := float64(p.Gaps)
		gaps += n
		pairs += float64(p.Pairs)
		products++
		sum += float64(p.Sum) / fixed
		squares += float64(p.Squares) / fixed
		means += float64(p.Means) / fixed
		between += float64(p.Means)/fixed - math.Pow(float64(p.Sum)/fixed, 2)/n
		room += n - float64(p.Sizes)/n
	}
	if gaps < LeastCustomers {
		return m, &Trouble{
			Key: "few_gaps", Customers: int64(pairs), Repeaters: int64(gaps), still: stillCounts,
			why: fmt.Sprintf("Things were bought again only %.0f times: a rhythm needs at least %d.", gaps, LeastCustomers),
		}
	}
	m.Shop = sum / gaps
	m.Within = 0.25
	if gaps > pairs {
		m.Within = max(1e-3, (squares-means)/(gaps-pairs))
	}
	m.Between = 0.25
	if room > 0 {
		m.Between = max(1e-3, (between-(pairs-products)*m.Within)/room)
	}
	m.among(r, products)
	return m, nil
}

// among learns how products differ, and draws each towards the shop.
func (m *Reordering) among(r Reorders, products float64) {
	noise := func(p ProductGaps) float64 {
		n := float64(p.Gaps)
		return m.Between*float64(p.Sizes)/(n*n) + m.Within/n
	}
	// DerSimonian and Laird's moment estimate: weights by what is known of
	// each product's mean.
	var w, ww, wy, wyy float64
	for _, p := range r.Products {
		if p.Gaps > 0 {
			y, weight := float64(p.Sum)/fixed/float64(p.Gaps), 1/noise(p)
			w, ww, wy, wyy = w+weight, ww+weight*weight, wy+weight*y, wyy+weight*y*y
		}
	}
	if products > 1 {
		m.Among = max(0, (wyy-wy*wy/w-(products-1))/(w-ww/w))
	}
	for i, p := range r.Products {
		m.Products[i] = ProductRhythm{Mean: m.Shop, Variance: m.Among}
		if p.Gaps > 0 {
			v := noise(p)
			trust := m.Among / (m.Among + v)
			mean := float64(p.Sum) / fixed / float64(p.Gaps)
			m.Products[i] = ProductRhythm{Mean: m.Shop + trust*(mean-m.Shop), Variance: trust * v}
		}
	}
}

// Due is within how many days of the last purchase, of so many pieces, the
// share q of such purchases is followed by the next: with q = 0.5 the day the
// pair is due. A pair without gaps is answered from its product, wider.
func (m Reordering) Due(product int, own OwnGaps, pieces, q float64) float64 {
	p := m.Products[product]
	prior := m.Between + p.Variance
	mean, variance := p.Mean, prior
	if own.Gaps > 0 {
		trust := prior / (prior + m.Within/own.Gaps)
		mean += trust * (own.Sum/own.Gaps - p.Mean)
		variance = trust * m.Within / own.Gaps
	}
	log := mean + m.Elasticity*math.Log(max(1e-3, pieces)) + normalQuantile(q)*math.Sqrt(m.Within+variance)
	return math.Exp(log)
}
