package retention

import "math"

// BGNBD is the BG/NBD model of Fader, Hardie and Lee, "Counting Your Customers
// the Easy Way" (Marketing Science 24, 2005): customers visit at rates that
// differ as a gamma distribution (R, Alpha), and after each repeat visit stop
// for good with a chance that differs as a beta distribution (A, B). Alpha is
// in the unit of time of the rows.
type BGNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

// MBGNBD is the modified BG/NBD model of Batislam, Denizel and Filiztekin
// ("Empirical validation and comparison of models for customer base analysis",
// IJRM 24, 2007): customers may also stop right after their first visit.
type MBGNBD BGNBD

// FitBGNBD finds the most likely parameters. The error is a *Trouble that says
// what cannot be learnt, and why.
func FitBGNBD(b Buyers) (BGNBD, Fit, error) {
	return geometricFit("BG/NBD", b, 0)
}

// FitMBGNBD is FitBGNBD for the modified model.
func FitMBGNBD(b Buyers) (MBGNBD, Fit, error) {
	m, f, err := geometricFit("MBG/NBD", b, 1)
	return MBGNBD(m), f, err
}

func geometricFit(name string, b Buyers, early float64) (BGNBD, Fit, error) {
	rows, unit, err := b.fitable()
	if err != nil {
		return BGNBD{}, Fit{}, err
	}
	all, repeaters := rows.Customers()
	// A start that cannot fail: half of the parameters neutral, the rate by
	// the mean number of visits. A sample is fitted first, so that millions of
	// rows need only the last few steps.
	var visits float64
	for i, x := range rows.Repeats {
		visits += x * rows.Count[i]
	}
	start := vec{0.5, 0.5 / max(visits/all, 1e-3), 0.7, 0.7 * max(1, visits/repeaters)}
	if sample, ok := rows.sample(); ok {
		if at, _, _, ok := climb(4, start, geometricLikelihood(sample, early)); ok && !atEdge(4, at) {
			start = at
		}
	}
	at, e, steps, ok := climb(4, start, geometricLikelihood(rows, early))
	if !ok {
		return BGNBD{}, Fit{}, noConvergence(name, all)
	}
	f := describe(4, at, &e, vec{1, unit, 1, 1})
	f.LogLikelihood -= visits * math.Log(unit) // densities of time in its own unit
	f.Customers, f.Rows, f.Steps = int64(all), rows.Len(), steps
	return BGNBD{R: at[0], Alpha: at[1] * unit, A: at[2], B: at[3]}, f, nil
}

// LogLikelihood of rows under the model.
func (m BGNBD) LogLikelihood(b Buyers) float64 { return geometricLL(m, b, 0) }

// LogLikelihood of rows under the model.
func (m MBGNBD) LogLikelihood(b Buyers) float64 { return geometricLL(BGNBD(m), b, 1) }

func geometricLL(m BGNBD, b Buyers, early float64) float64 {
	return geometricLikelihood(b, early)(vec{m.R, m.Alpha, m.A, m.B}).ll
}

// geometricLikelihood is equation 6 of Fader, Hardie and Lee (2005) with its
// first and second derivatives; with early = 1, equation 4 of Batislam et al.
// (2007). Per row it is a common factor that only depends on x, and
//
//	ln[ (α+T)^−(r+x) + a/(b+early+x−1) (α+tₓ)^−(r+x) ]
//
// where the second term is missing for x = 0 unless customers stop early.
func geometricLikelihood(rows Buyers, early float64) func(vec) evaluation {
	values, counts, of := rows.runs()
	var all float64
	for _, n := range rows.Count {
		all += n
	}
	logStop := make([]float64, len(values))
	return func(p vec) evaluation {
		common := geometricCommon(p, early, values, counts, all)
		for i, x := range values {
			logStop[i] = math.Inf(-1)
			if x > 0 || early > 0 {
				logStop[i] = math.Log(p[2] / (p[3] + early + x - 1))
			}
		}
		e := sumRows(rows.Len(), func(from, to int) evaluation {
			var e evaluation
			for i := from; i < to; i++ {
				e.geometricRow(p, rows, i, early, logStop[of[i]])
			}
			return e
		})
		e.add(&common)
		for s := range 4 {
			for t := range s {
				e.h[s][t] = e.h[t][s]
			}
		}
		return e
	}
}

// geometricRow adds what depends on time, to the upper half of the Hessian;
// stop is ln a/(b+early+x−1), or −∞ where the term is missing.
func (e *evaluation) geometricRow(p vec, rows Buyers, i int, early, stop float64) {
	r, alpha, a, b := p[0], p[1], p[2], p[3]
	n, x := rows.Count[i], rows.Repeats[i]
	k := r + x
	age := alpha + rows.Age[i]
	logAge := math.Log(age)
	e.ll -= n * k * logAge
	e.g[0] -= n * logAge
	e.g[1] -= n * k / age
	e.h[0][1] -= n / age
	e.h[1][1] += n * k / (age * age)
	if math.IsInf(stop, -1) {
		return
	}
	// ln(e^A + e^B) = A + ln(1 + e^(B−A)), whose derivatives are w and w(1−w)
	// times those of B−A.
	last := alpha + rows.Last[i]
	apart := logAge - math.Log(last)
	d := stop + k*apart
	small := math.Exp(-math.Abs(d))
	e.ll += n * (max(d, 0) + math.Log1p(small))
	w := 1 / (1 + small)
	if d < 0 {
		w = small * w
	}
	slope := 1/age - 1/last
	stopBy := b + early + x - 1
	gd := vec{apart, k * slope, 1 / a, -1 / stopBy}
	nw, nv := n*w, n*w*(1-w)
	for s := range 4 {
		e.g[s] += nw * gd[s]
		for t := s; t < 4; t++ {
			e.h[s][t] += nv * gd[s] * gd[t]
		}
	}
	e.h[0][1] += nw * slope
	e.h[1][1] += nw * k * (1/(last*last) - 1/(age*age))
	e.h[2][2] -= nw / (a * a)
	e.h[3][3] += nw / (stopBy * stopBy)
}

// geometricCommon is the factor of the likelihood that depends on x alone.
func geometricCommon(p vec, early float64, values, counts []float64, all float64) evaluation {
	r, alpha, a, b := p[0], p[1], p[2], p[3]
	var e evaluation
	e.ll = all * (r*math.Log(alpha) - lgamma(r) + lgamma(a+b) - lgamma(b))
	e.g[0] = all * (math.Log(alpha) - digamma(r))
	e.g[1] = all * r / alpha
	e.g[2] = all * digamma(a+b)
	e.g[3] = all * (digamma(a+b) - digamma(b))
	e.h[0][0] = -all * trigamma(r)
	e.h[0][1] = all / alpha
	e.h[1][1] = -all * r / (alpha * alpha)
	e.h[2][2] = all * trigamma(a+b)
	e.h[2][3] = all * trigamma(a+b)
	e.h[3][3] = all * (trigamma(a+b) - trigamma(b))
	for i, x := range values {
		n, bx := counts[i], b+early+x
		e.ll += n * (lgamma(r+x) + lgamma(bx) - lgamma(a+bx))
		e.g[0] += n * digamma(r+x)
		e.g[2] -= n * digamma(a+bx)
		e.g[3] += n * (digamma(bx) - digamma(a+bx))
		e.h[0][0] += n * trigamma(r+x)
		e.h[2][2] -= n * trigamma(a+bx)
		e.h[2][3] -= n * trigamma(a+bx)
		e.h[3][3] += n * (trigamma(bx) - trigamma(a+bx))
	}
	return e
}

// Alive is the chance that a customer with x repeat visits, the last at time
// last, has not stopped at time age (Fader and Hardie, "Computing P(alive)
// Using the BG/NBD Model", 2008).
func (m BGNBD) Alive(x, last, age float64) float64 {
	if x == 0 {
		return 1
	}
	return m.alive(0, x, last, age)
}

// Alive is the chance that a customer has not stopped, at once or later.
func (m MBGNBD) Alive(x, last, age float64) float64 {
	return BGNBD(m).alive(1, x, last, age)
}

func (m BGNBD) alive(early, x, last, age float64) float64 {
	d := math.Log(m.A/(m.B+early+x-1)) + (m.R+x)*math.Log1p((age-last)/(m.Alpha+last))
	return 1 / (1 + math.Exp(d))
}

// Expected is the expected number of visits in the next horizon (equation 10
// of Fader, Hardie and Lee, 2005).
func (m BGNBD) Expected(x, last, age, horizon float64) float64 {
	return m.Alive(x, last, age) * m.ifAlive(0, x, age, horizon)
}

// Expected is the expected number of visits in the next horizon.
func (m MBGNBD) Expected(x, last, age, horizon float64) float64 {
	return m.Alive(x, last, age) * BGNBD(m).ifAlive(1, x, age, horizon)
}

// Return is the chance of at least one visit in the next horizon.
func (m BGNBD) Return(x, last, age, horizon float64) float64 {
	return -m.Alive(x, last, age) * math.Expm1(-(m.R+x)*math.Log1p(horizon/(m.Alpha+age)))
}

// Return is the chance of at least one visit in the next horizon.
func (m MBGNBD) Return(x, last, age, horizon float64) float64 {
	return -m.Alive(x, last, age) * math.Expm1(-(m.R+x)*math.Log1p(horizon/(m.Alpha+age)))
}

// New is the expected number of repeat visits of a new customer in their first
// horizon (equation 9 of Fader, Hardie and Lee, 2005).
func (m BGNBD) New(horizon float64) float64 { return m.ifAlive(0, 0, 0, horizon) }

// New is the expected number of repeat visits of a new customer.
func (m MBGNBD) New(horizon float64) float64 { return m.Expected(0, 0, 0, horizon) }

// ifAlive is the expected number of visits in the next horizon of a customer
// who has not stopped. The papers write it
//
//	c/(a−1) [1 − (1−z)^(r+x) ₂F₁(r+x, b+x; c; z)],  c = a+b+x−1,  z = t/(α+T+t)
//
// which loses its digits near a = 1 and overflows for many visits. It is also
// the sum over k of the chance of at least k visits: not to have stopped after
// any of the first k−1, times a negative binomial tail. All terms are positive,
// so nothing cancels.
func (m BGNBD) ifAlive(early, x, age, horizon float64) float64 {
	mean, _ := m.momentsIfAlive(early, x, age, horizon)
	return mean
}

// momentsIfAlive are the mean and the mean square: Σ P(≥k) and Σ (2k−1) P(≥k).
func (m BGNBD) momentsIfAlive(early, x, age, horizon float64) (mean, square float64) {
	if horizon <= 0 {
		return 0, 0
	}
	b := m.B + early + x
	visits := newVisits(m.R+x, m.Alpha+age, horizon)
	stay := 1.0
	for k := 0.0; k < 1e7; k++ {
		visits.next()
		term := stay * visits.above
		mean += term
		square += (2*k + 1) * term
		if term <= 1e-17*mean*(1-visits.z) {
			break
		}
		stay *= (b + k) / (m.A + b + k)
	}
	return mean, square
}

// Staying is the next horizon of a customer who has not stopped: the mean and
// the mean square of their visits, and how many those make who make any.
func (m BGNBD) Staying(x, age, horizon float64) (mean, square, often float64) {
	mean, square = m.momentsIfAlive(0, x, age, horizon)
	return mean, square, -mean / math.Expm1(-(m.R+x)*math.Log1p(horizon/(m.Alpha+age)))
}

// Moments are the mean and the variance of a customer's number of visits in the
// next horizon.
func (m BGNBD) Moments(x, last, age, horizon float64) (mean, variance float64) {
	return m.moments(0, m.Alive(x, last, age), x, age, horizon)
}

// Moments are the mean and the variance of a customer's number of visits.
func (m MBGNBD) Moments(x, last, age, horizon float64) (mean, variance float64) {
	return BGNBD(m).moments(1, m.Alive(x, last, age), x, age, horizon)
}

func (m BGNBD) moments(early, alive, x, age, horizon float64) (mean, variance float64) {
	mean, square := m.momentsIfAlive(early, x, age, horizon)
	mean *= alive
	return mean, max(0, alive*square-mean*mean)
}

// Outlook is the distribution of a customer's visits in the next horizon: the
// chance of 0, 1, 2, … visits, in closed form by mixing the Poisson counts over
// the customer's own rate and chance to stop, given what they did (Fader,
// Hardie and Lee, 2005, give the sums before mixing; the tail above the last
// place is below 1e-9 of the chance to be alive).
func (m BGNBD) Outlook(x, last, age, horizon float64) Outlook {
	return m.outlook(0, m.Alive(x, last, age), x, age, horizon)
}

// Outlook is the distribution of a customer's visits in the next horizon.
func (m MBGNBD) Outlook(x, last, age, horizon float64) Outlook {
	return BGNBD(m).outlook(1, m.Alive(x, last, age), x, age, horizon)
}

func (m BGNBD) outlook(early, alive, x, age, horizon float64) Outlook {
	b := m.B + early + x
	visits := newVisits(m.R+x, m.Alpha+age, horizon)
	out := Outlook{1 - alive + alive*visits.next()}
	stay := 1.0 // has not stopped after any of k−1 visits
	for k := 1.0; stay*visits.above > 1e-9 && k < 1e6; k++ {
		// Stopped after visit k with as many or more, or goes on with exactly k.
		stop := stay * m.A / (m.A + b + k - 1) * visits.above
		stay *= (b + k - 1) / (m.A + b + k - 1)
		out = append(out, alive*(stop+stay*visits.next()))
	}
	return out
}
