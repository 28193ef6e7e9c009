package retention

import "math"

// ParetoNBD is the Pareto/NBD model of Schmittlein, Morrison and Colombo
// ("Counting Your Customers", Management Science 33, 1987): customers visit at
// rates that differ as a gamma distribution (R, Alpha) and live for a time whose
// rate of ending differs as a gamma distribution (S, Beta). Alpha and Beta are
// in the unit of time of the rows.
type ParetoNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	S     float64 `json:"s"`
	Beta  float64 `json:"beta"`
}

// FitParetoNBD finds the most likely parameters. The surface is often flat in S
// and Beta: compare likelihoods, not these two. The error is a *Trouble.
func FitParetoNBD(b Buyers) (ParetoNBD, Fit, error) {
	rows, unit, err := b.fitable()
	if err != nil {
		return ParetoNBD{}, Fit{}, err
	}
	all, _ := rows.Customers()
	var visits float64
	for i, x := range rows.Repeats {
		visits += x * rows.Count[i]
	}
	start := vec{0.6, 0.6 / max(visits/all, 1e-3), 0.6, 0.6}
	if sample, ok := rows.sample(); ok {
		if at, _, _, ok := climb(4, start, paretoLikelihood(sample)); ok && !atEdge(4, at) {
			start = at
		}
	}
	at, e, steps, ok := climb(4, start, paretoLikelihood(rows))
	if !ok {
		return ParetoNBD{}, Fit{}, noConvergence("Pareto/NBD", all)
	}
	f := describe(4, at, &e, vec{1, unit, 1, unit})
	f.LogLikelihood -= visits * math.Log(unit)
	f.Customers, f.Rows, f.Steps = int64(all), rows.Len(), steps
	return ParetoNBD{R: at[0], Alpha: at[1] * unit, S: at[2], Beta: at[3] * unit}, f, nil
}

// LogLikelihood of rows under the model.
func (m ParetoNBD) LogLikelihood(b Buyers) float64 {
	return paretoLikelihood(b)(vec{m.R, m.Alpha, m.S, m.Beta}).ll
}

// paretoLikelihood is the individual likelihood of Fader and Hardie, "A Note on
// Deriving the Pareto/NBD Model and Related Expressions" (2005), kept as the
// integral over the time of death before it is turned into two hypergeometric
// functions:
//
//	Γ(r+x) α^r β^s / Γ(r) [ (α+T)^−(r+x) (β+T)^−s
//	                        + s ∫ₜₓᵀ (α+y)^−(r+x) (β+y)^−(s+1) dy ]
//
// The difference of hypergeometric functions cancels when α and β are near or
// tₓ is near T; the integrand is smooth and positive, so Gauss–Legendre
// quadrature gives the value, and under the integral sign its first and second
// derivatives, to nearly full precision.
func paretoLikelihood(rows Buyers) func(vec) evaluation {
	return func(p vec) evaluation {
		values, counts, _ := rows.runs()
		common := paretoCommon(p, values, counts)
		e := sumRows(rows.Len(), func(from, to int) evaluation {
			var e evaluation
			for i := from; i < to; i++ {
				m := newMixture()
				paretoRow(&m, p, rows.Repeats[i], rows.Last[i], rows.Age[i])
				m.into(&e, rows.Count[i], 4)
			}
			return e
		})
		e.add(&common)
		return e
	}
}

func paretoCommon(p vec, values, counts []float64) evaluation {
	r, alpha, s, beta := p[0], p[1], p[2], p[3]
	var e evaluation
	for i, x := range values {
		n := counts[i]
		e.ll += n * (lgamma(r+x) - lgamma(r) + r*math.Log(alpha) + s*math.Log(beta))
		e.g[0] += n * (digamma(r+x) - digamma(r) + math.Log(alpha))
		e.g[1] += n * r / alpha
		e.g[2] += n * math.Log(beta)
		e.g[3] += n * s / beta
		e.h[0][0] += n * (trigamma(r+x) - trigamma(r))
		e.h[0][1] += n / alpha
		e.h[1][1] -= n * r / (alpha * alpha)
		e.h[2][3] += n / beta
		e.h[3][3] -= n * s / (beta * beta)
	}
	e.h[1][0], e.h[3][2] = e.h[0][1], e.h[2][3]
	return e
}

// paretoRow adds the terms of one row: alive at T, or died at each node.
func paretoRow(m *mixture, p vec, x, last, age float64) {
	r, alpha, s, beta := p[0], p[1], p[2], p[3]
	k := r + x
	alive := -k*math.Log(alpha+age) - s*math.Log(beta+age)
	m.add(alive,
		&vec{-math.Log(alpha + age), -k / (alpha + age), -math.Log(beta + age), -s / (beta + age)},
		&mat{
			{0, -1 / (alpha + age), 0, 0},
			{-1 / (alpha + age), k / ((alpha + age) * (alpha + age)), 0, 0},
			{0, 0, 0, -1 / (beta + age)},
			{0, 0, -1 / (beta + age), s / ((beta + age) * (beta + age))},
		}, 4)
	paretoDeath(p, x, last, age, func(y, logWeight float64) {
		ay, by := alpha+y, beta+y
		la, lb := math.Log(ay), math.Log(by)
		t := math.Log(s) + logWeight - k*la - (s+1)*lb
		m.add(t, &vec{-la, -k / ay, 1/s - lb, -(s + 1) / by}, &mat{
			{0, -1 / ay, 0, 0},
			{-1 / ay, k / (ay * ay), 0, 0},
			{0, 0, -1 / (s * s), -1 / by},
			{0, 0, -1 / by, (s + 1) / (by * by)},
		}, 4)
	})
}

// paretoDeath visits the nodes of the integral over the time of death.
func paretoDeath(p vec, x, last, age float64, node func(y, logWeight float64)) {
	d := decay{a: p[1] + last, b: p[3] + last, p: p[0] + x, q: p[2] + 1, length: age - last}
	d.nodes(func(u, logWeight float64) { node(last+u, logWeight) })
}

// Alive is the chance that a customer is still alive at time age (equation 11
// of Fader and Hardie, 2005).
func (m ParetoNBD) Alive(x, last, age float64) float64 {
	p := vec{m.R, m.Alpha, m.S, m.Beta}
	k := m.R + x
	alive := -k*math.Log(m.Alpha+age) - m.S*math.Log(m.Beta+age)
	var dead float64 // relative to alive
	paretoDeath(p, x, last, age, func(y, logWeight float64) {
		dead += math.Exp(math.Log(m.S) + logWeight - k*math.Log(m.Alpha+y) - (m.S+1)*math.Log(m.Beta+y) - alive)
	})
	return 1 / (1 + dead)
}

// Expected is the expected number of visits in the next horizon (equation 41 of
// Fader and Hardie, 2005, written so that s = 1 is no exception).
func (m ParetoNBD) Expected(x, last, age, horizon float64) float64 {
	return m.Alive(x, last, age) * m.ifAlive(x, age, horizon)
}

// New is the expected number of repeat visits of a new customer.
func (m ParetoNBD) New(horizon float64) float64 { return m.ifAlive(0, 0, horizon) }

func (m ParetoNBD) ifAlive(x, age, horizon float64) float64 {
	if horizon <= 0 {
		return 0
	}
	shrink := -math.Log1p(horizon / (m.Beta + age))
	return -(m.R + x) * (m.Beta + age) / (m.Alpha + age) * powm1Over(shrink, m.S-1)
}

// Return is the chance of at least one visit in the next horizon: the integral
// of the chance to live up to the first visit.
func (m ParetoNBD) Return(x, last, age, horizon float64) float64 {
	a, b, shape := m.Alpha+age, m.Beta+age, m.R+x
	var sum float64
	decay{a: a, b: b, p: shape + 1, q: m.S, length: horizon}.nodes(func(u, logWeight float64) {
		sum += shape / a * math.Exp(logWeight-(shape+1)*math.Log1p(u/a)-m.S*math.Log1p(u/b))
	})
	return m.Alive(x, last, age) * sum
}

// Moments are the mean and the variance of a customer's number of visits in the
// next horizon. For a life of l within it E[Y(Y−1)] is R(R+1) l²/(α+T)², and
// E[l²] is the integral of 2l times the chance to live longer than l.
func (m ParetoNBD) Moments(x, last, age, horizon float64) (mean, variance float64) {
	alive := m.Alive(x, last, age)
	mean = alive * m.ifAlive(x, age, horizon)
	a, b, shape := m.Alpha+age, m.Beta+age, m.R+x
	var squares float64 // E[l²]
	decay{a: b, b: b, p: -1, q: m.S, length: horizon}.nodes(func(u, logWeight float64) {
		squares += 2 * u * math.Exp(logWeight-m.S*math.Log1p(u/b))
	})
	return mean, max(0, mean+alive*shape*(shape+1)*squares/(a*a)-mean*mean)
}

// Outlook is the distribution of a customer's visits in the next horizon: a
// negative binomial up to their death, mixed over the time of death by
// quadrature.
func (m ParetoNBD) Outlook(x, last, age, horizon float64) Outlook {
	alive := m.Alive(x, last, age)
	shape, a, b := m.R+x, m.Alpha+age, m.Beta+age
	type life struct {
		visits
		weight float64
	}
	lives := make([]life, 0, 65)
	add := func(lived, weight float64) {
		lives = append(lives, life{newVisits(shape, a, lived), weight})
	}
	add(horizon, math.Exp(-m.S*math.Log1p(horizon/b)))
	decay{a: a, b: b, p: shape, q: m.S + 1, length: horizon, whole: true}.nodes(func(u, logWeight float64) {
		add(u, m.S/b*math.Exp(logWeight-(m.S+1)*math.Log1p(u/b)))
	})
	var out Outlook
	for k, above := 0, 1.0; above > 1e-9 && k < 1e5; k++ {
		var p float64
		above = 0
		for i := range lives {
			p += lives[i].weight * lives[i].next()
			above += lives[i].weight * lives[i].above
		}
		p *= alive
		if k == 0 {
			p += 1 - alive
		}
		out = append(out, p)
	}
	return out
}
