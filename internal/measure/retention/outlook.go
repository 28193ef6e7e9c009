package retention

import "math"

// Outlook is the distribution of a number of visits: place k is the chance of
// exactly k.
type Outlook []float64

// Mean is the expected number.
func (o Outlook) Mean() float64 {
	var mean float64
	for k, p := range o {
		mean += float64(k) * p
	}
	return mean
}

// Quantile is the smallest number that is not exceeded with at least chance q.
func (o Outlook) Quantile(q float64) int {
	var upTo float64
	for k, p := range o {
		if upTo += p; upTo >= q-1e-12 {
			return k
		}
	}
	return len(o) - 1
}

// Interval holds the middle share of the distribution, such as 0.5 or 0.9.
func (o Outlook) Interval(share float64) (low, high int) {
	return o.Quantile((1 - share) / 2), o.Quantile((1 + share) / 2)
}

// visits are the chances of 0, 1, 2, … visits of a customer who does not stop:
// negative binomial, with a shape, a rate per time and a length of time.
type visits struct {
	z     float64 // length / (rate + length)
	above float64 // the chance of more visits than the last next spoke of
	shape float64
	k     float64
	p     float64 // the chance of exactly k
	log   float64 // its logarithm, while sunk
	sunk  bool    // the chance is still too small for a float
}

func newVisits(shape, rate, length float64) visits {
	v := visits{
		z: length / (rate + length), shape: shape,
		log: -shape * math.Log1p(length/rate),
	}
	v.above = -math.Expm1(v.log)
	v.surface()
	return v
}

// surface leaves logarithms once the chance is large enough for a float.
func (v *visits) surface() {
	if v.sunk = v.log < -600; !v.sunk {
		v.p = math.Exp(v.log)
	}
}

// next is the chance of exactly k visits, k rising by one from 0.
func (v *visits) next() float64 {
	p := v.p
	if v.k > 0 {
		v.above = max(0, v.above-p)
	}
	v.k++
	ratio := v.z * (v.shape + v.k - 1) / v.k
	if v.sunk {
		v.log += math.Log(ratio)
		v.surface()
	} else {
		v.p *= ratio
		// Subtraction leaves rounding behind where the tail has ended; a
		// geometric series above it has not.
		if most := max(ratio, v.z); most < 1 {
			v.above = min(v.above, v.p/(1-most))
		}
	}
	return p
}
