package demo

import (
	"math"
	"math/rand/v2"
)

// dice draw numbers from one seed. Each customer has dice of their own, so
// that what one does changes nothing for the others.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between is a whole number from a to b, both included.
func (d dice) between(a, b int) int { return a + d.IntN(b-a+1) }

// pick is a place in a list of weights.
func (d dice) pick(weights ...float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := d.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// gamma draws from the gamma distribution of a shape and a mean, after
// Marsaglia and Tsang (2000).
func (d dice) gamma(shape, mean float64) float64 {
	boost := 1.0
	k := shape
	if k < 1 {
		boost = math.Pow(1-d.Float64(), 1/k)
		k++
	}
	c := k - 1.0/3
	s := 1 / math.Sqrt(9*c)
	for {
		x := d.NormFloat64()
		v := 1 + s*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-d.Float64()) < 0.5*x*x+c-c*v+c*math.Log(v) {
			return boost * c * v / shape * mean
		}
	}
}

// beta draws from the beta distribution.
func (d dice) beta(a, b float64) float64 {
	x, y := d.gamma(a, a), d.gamma(b, b)
	return x / (x + y)
}

// lognormal draws a factor whose median is 1.
func (d dice) lognormal(sigma float64) float64 { return math.Exp(sigma * d.NormFloat64()) }

// few draws from the Poisson distribution of a small mean.
func (d dice) few(mean float64) int {
	n, p, limit := 0, d.Float64(), math.Exp(-mean)
	for p > limit && n < 20 {
		n++
		p *= d.Float64()
	}
	return n
}
