package retention

import "math"

// lgamma is the logarithm of the gamma function for positive x.
func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// digamma is the derivative of lgamma, for positive x: recurrence up to 10,
// then the asymptotic series (Abramowitz and Stegun, 6.3.5 and 6.3.18).
func digamma(x float64) float64 {
	var shift float64
	for x < 10 {
		shift -= 1 / x
		x++
	}
	z := 1 / (x * x)
	series := z * (1.0/12 - z*(1.0/120-z*(1.0/252-z*(1.0/240-z*(1.0/132-z*(691.0/32760-z/12))))))
	return shift + math.Log(x) - 0.5/x - series
}

// trigamma is the derivative of digamma, for positive x (Abramowitz and Stegun,
// 6.4.6 and 6.4.12).
func trigamma(x float64) float64 {
	var shift float64
	for x < 10 {
		shift += 1 / (x * x)
		x++
	}
	z := 1 / (x * x)
	series := z * (1.0/6 - z*(1.0/30-z*(1.0/42-z*(1.0/30-z*(5.0/66-z*(691.0/2730-z*7.0/6))))))
	return shift + (1+0.5/x+series)/x
}

// logBeta is the logarithm of the beta function.
func logBeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

// powm1Over is ((1−z)^e − 1) / e, which at e = 0 is ln(1−z).
func powm1Over(log1mz, e float64) float64 {
	if math.Abs(e*log1mz) < 1e-9 {
		return log1mz * (1 + e*log1mz/2)
	}
	return math.Expm1(e*log1mz) / e
}

// betaCDF is the regularised incomplete beta function I_x(a, b), by the
// continued fraction of Abramowitz and Stegun 26.5.8 in Lentz's form.
func betaCDF(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - betaCDF(1-x, b, a)
	}
	front := math.Exp(a*math.Log(x)+b*math.Log1p(-x)-logBeta(a, b)) / a
	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	f := d
	for m := 1.0; m < 10000; m++ {
		for _, num := range [2]float64{
			m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)),
			-(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1)),
		} {
			d = 1 + num*d
			c = 1 + num/c
			if math.Abs(d) < tiny {
				d = tiny
			}
			if math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			f *= c * d
		}
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return front * f
}

// gammaCDF is the regularised lower incomplete gamma function P(a, x), by its
// series below a+1 and its continued fraction above (Abramowitz and Stegun
// 6.5.29 and 6.5.31).
func gammaCDF(a, x float64) float64 {
	if x <= 0 {
		return 0
	}
	front := math.Exp(a*math.Log(x) - x - lgamma(a))
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := a + 1; term > sum*1e-17; n++ {
			term *= x / n
			sum += term
		}
		return front * sum
	}
	b := x + 1 - a
	c, d := 1e300, 1/b
	f := d
	for i := 1.0; i < 100000; i++ {
		num := -i * (i - a)
		b += 2
		d = 1 / (num*d + b)
		c = b + num/c
		f *= c * d
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return 1 - front*f
}

// normalQuantile inverts the standard normal distribution.
func normalQuantile(p float64) float64 {
	return -math.Sqrt2 * math.Erfcinv(2*p)
}

// invert finds x in [low, high] with cdf(x) = p for a rising cdf, to 1e-13 of
// it: by inverse quadratic interpolation where three points promise that it
// helps and by halving elsewhere (Chandrupatla, "A new hybrid quadratic/bisection
// algorithm", Advances in Engineering Software 28, 1997). Where cdf stays below
// p it is high.
func invert(cdf func(float64) float64, p, low, high float64) float64 {
	x1, f1 := high, cdf(high)-p
	if !(f1 > 0) {
		return high
	}
	x2, f2 := low, cdf(low)-p
	if f2 >= 0 {
		return low
	}
	share := 0.5 // of the way from x1 to x2, which have the answer between them
	for range 200 {
		x := x1 + share*(x2-x1)
		f := cdf(x) - p
		x3, f3 := x1, f1
		if (f > 0) != (f1 > 0) {
			x3, f3 = x2, f2
			x2, f2 = x1, f1
		}
		x1, f1 = x, f
		best := x1
		if math.Abs(f2) < math.Abs(f1) {
			best = x2
		}
		near := 1e-13 * math.Abs(best) / math.Abs(x2-x1)
		if near > 0.5 || f1 == 0 || x1 == x2 {
			return best
		}
		share = 0.5
		if xi, phi := (x1-x2)/(x3-x2), (f1-f2)/(f3-f2); phi*phi < xi && (1-phi)*(1-phi) < 1-xi {
			share = f1/(f2-f1)*f3/(f2-f3) + (x3-x1)/(x2-x1)*f1/(f3-f1)*f2/(f3-f2)
		}
		share = max(near, min(1-near, share))
	}
	return x1
}

// legendre holds the nodes on [0, 1] and weights of Gauss–Legendre quadrature
// with 16 points.
var legendre = func() (q struct{ at, weight [16]float64 }) {
	const n = 16
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (n + 0.5))
		var slope float64
		for range 10 { // Newton on the Legendre polynomial
			p0, p1 := 1.0, x
			for k := 2.0; k <= n; k++ {
				p0, p1 = p1, ((2*k-1)*x*p1-(k-1)*p0)/k
			}
			slope = n * (x*p1 - p0) / (x*x - 1)
			x -= p1 / slope
		}
		q.at[i] = (1 - x) / 2
		q.weight[i] = 1 / ((1 - x*x) * slope * slope)
	}
	return q
}()

// decay integrates functions that fall like (a+u)^−p (b+u)^−q over u from 0 to
// length, times anything smoother: it visits nodes with the logarithm of their
// weight. In v = ln(κ+u), κ the smaller of a and b, the logarithm of such a
// function is concave and changes slowly; panels are short enough for 16 nodes
// to be exact. Where whole is false the integral ends when nothing is left to
// add.
type decay struct {
	a, b, p, q float64
	length     float64
	whole      bool
}

func (d decay) nodes(node func(u, logWeight float64)) {
	if d.length <= 0 {
		return
	}
	small := min(d.a, d.b)
	value := func(v float64) float64 {
		u := small * math.Expm1(v)
		return v - d.p*math.Log(d.a+u) - d.q*math.Log(d.b+u)
	}
	steep := func(v float64) float64 {
		up := small * math.Exp(v)
		u := up - small
		return 1 + math.Abs(1-d.p*up/(d.a+u)-d.q*up/(d.b+u))
	}
	const most = 6 // by which the logarithm may change in a panel
	peak := math.Inf(-1)
	end := math.Log1p(d.length / small)
	for v := 0.0; v < end; {
		step := min(1, most/steep(v))
		step = min(step, most/steep(v+step))
		if v+step > end*(1-1e-12) {
			step = end - v
		}
		for k, at := range legendre.at {
			x := v + at*step
			node(small*math.Expm1(x), math.Log(legendre.weight[k]*step*small)+x)
		}
		v += step
		now := value(v)
		if peak = max(peak, now); !d.whole && now < peak-50 {
			return
		}
	}
}
