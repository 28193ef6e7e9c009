package retention

import "math"

// Paces are what a rhythm is learnt from: each customer's visits, and the days
// between visits of all of them.
type Paces struct {
	Buyers Buyers `json:"-"`
	Gaps   Tally  `json:"gaps"` // days
}

// PacesOf reads everybody's visits up to the end of a day.
func PacesOf(h *History, asOf int32) Paces {
	return Over(h, func(h *History) Paces {
		return Paces{
			Buyers: BuyersOf(h, asOf),
			Gaps:   GapsOf(h, Span{From: h.FirstDay, To: asOf}).Days,
		}
	})
}

// Merge adds other customers.
func (p Paces) Merge(q Paces) Paces {
	return Paces{Buyers: p.Buyers.Merge(q.Buyers), Gaps: p.Gaps.Merge(q.Gaps)}
}

// Rhythm is when customers come again: the MBG/CNBD-k model of Reutterer,
// Platzer and Schröder, "Leveraging purchase regularity for predicting customer
// behavior the easy way" (IJRM 38, 2021), after Platzer and Reutterer, "Ticking
// Away the Moments" (Marketing Science 35, 2016). A customer's gaps are Erlang
// distributed with their own rate; K says how regular the shop's customers are
// (1: not at all). Rates differ as a gamma distribution (R, Alpha in days),
// which is what one customer's few gaps are weighed against: empirical Bayes
// towards the shop's own gaps. After each visit, the first one too, customers
// stop with their own chance (beta: A, B).
type Rhythm struct {
	K     int     `json:"k"`
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

// mostRegular is the largest K tried; buying more regular than that is a
// contract.
const mostRegular = 6

// FitRhythm finds the most likely parameters and regularity. The error is a
// *Trouble.
func FitRhythm(p Paces) (Rhythm, Fit, error) {
	rows, unit, err := p.Buyers.fitable()
	if err != nil {
		return Rhythm{}, Fit{}, err
	}
	all, _ := rows.Customers()
	var visits, logGaps float64
	for i, x := range rows.Repeats {
		visits += x * rows.Count[i]
	}
	for i, gap := range p.Gaps.Value {
		logGaps += float64(p.Gaps.Count[i]) * math.Log(float64(gap))
	}
	sample, many := rows.sample()
	start := vec{0.6, 0.6 / max(visits/all, 1e-3), 0.7, 1.4}
	best, bestFit := Rhythm{}, Fit{LogLikelihood: math.Inf(-1)}
	for k := 1; k <= mostRegular; k++ {
		first := vec{start[0], start[1] * float64(k), start[2], start[3]}
		if many {
			if at, _, _, ok := climb(4, first, rhythmLikelihood(sample, k)); ok {
				first = at
			}
		}
		at, e, steps, ok := climb(4, first, rhythmLikelihood(rows, k))
		if !ok {
			continue
		}
		f := describe(4, at, &e, vec{1, unit, 1, 1})
		// What the rows leave out: the gaps themselves.
		f.LogLikelihood += float64(k-1)*logGaps - visits*(lgamma(float64(k))+float64(k)*math.Log(unit))
		f.Customers, f.Rows, f.Steps = int64(all), rows.Len(), steps
		if f.LogLikelihood < bestFit.LogLikelihood {
			break // one top: more regular is less likely still
		}
		best = Rhythm{K: k, R: at[0], Alpha: at[1] * unit, A: at[2], B: at[3]}
		bestFit = f
	}
	if best.K == 0 {
		return Rhythm{}, Fit{}, noConvergence("rhythm", all)
	}
	return best, bestFit, nil
}

// rhythmLikelihood has, for each row, the terms of having stopped at the last
// visit and of being alive with j of K steps towards the next one done:
//
//	B(a+1, b+x)/B(a,b) Γ(r+kx)/Γ(r) α^r (α+tₓ)^−(r+kx)
//	B(a, b+x+1)/B(a,b) Γ(r+kx+j)/Γ(r) α^r (T−tₓ)^j/j! (α+T)^−(r+kx+j), j < k
//
// without the factor of the gaps themselves, which no parameter changes.
func rhythmLikelihood(rows Buyers, k int) func(vec) evaluation {
	values, _, of := rows.runs()
	return func(p vec) evaluation {
		tables := make([]rhythmTerms, len(values))
		for i, x := range values {
			tables[i] = rhythmTermsOf(p, x, k)
		}
		return sumRows(rows.Len(), func(from, to int) evaluation {
			var e evaluation
			for i := from; i < to; i++ {
				m := newMixture()
				tables[of[i]].add(&m, p, rows.Last[i], rows.Age[i])
				m.into(&e, rows.Count[i], 4)
			}
			return e
		})
	}
}

// rhythmTerms are the parts of a row's terms that depend on x alone.
type rhythmTerms struct {
	n       float64      // r + kx
	stopped evaluation   // without time
	alive   []evaluation // without time, by j
}

func rhythmTermsOf(p vec, x float64, k int) rhythmTerms {
	ab := [2]float64{p[2], p[3]}
	t := rhythmTerms{n: p[0] + float64(k)*x, alive: make([]evaluation, k)}
	betaRatio(&t.stopped, 1, ab, [2]float64{1, x}, 2)
	t.stopped.gammaRatio(p, t.n)
	for j := range t.alive {
		betaRatio(&t.alive[j], 1, ab, [2]float64{0, x + 1}, 2)
		t.alive[j].gammaRatio(p, t.n+float64(j))
		t.alive[j].ll -= lgamma(float64(j + 1))
	}
	return t
}

// gammaRatio adds ln Γ(n)/Γ(r) α^r, n moving with r.
func (e *evaluation) gammaRatio(p vec, n float64) {
	r, alpha := p[0], p[1]
	e.ll += lgamma(n) - lgamma(r) + r*math.Log(alpha)
	e.g[0] += digamma(n) - digamma(r) + math.Log(alpha)
	e.g[1] += r / alpha
	e.h[0][0] += trigamma(n) - trigamma(r)
	e.h[0][1] += 1 / alpha
	e.h[1][0] += 1 / alpha
	e.h[1][1] -= r / (alpha * alpha)
}

func (t *rhythmTerms) add(m *mixture, p vec, last, age float64) {
	timed := func(e evaluation, n, at, logAt float64) {
		e.ll -= n * logAt
		e.g[0] -= logAt
		e.g[1] -= n / at
		e.h[0][1] -= 1 / at
		e.h[1][0] -= 1 / at
		e.h[1][1] += n / (at * at)
		m.add(e.ll, &e.g, &e.h, 4)
	}
	timed(t.stopped, t.n, p[1]+last, math.Log(p[1]+last))
	now, silence := math.Log(p[1]+age), math.Log(age-last)
	for j, e := range t.alive {
		if j > 0 {
			if age <= last {
				break
			}
			e.ll += float64(j) * silence
		}
		timed(e, t.n+float64(j), p[1]+age, now)
	}
}

// odds are the weights of being alive and silent at a time, and of having
// stopped at the last visit.
func (m Rhythm) odds(x, last, age float64) (alive, stopped float64) {
	n := m.R + float64(m.K)*x
	// Relative to the factors that both share; logarithms of the ratio
	// ((α+tₓ)/(α+T))^n keep large numbers of visits in range.
	silence := age - last
	z := silence / (m.Alpha + age)
	p := math.Exp(-n * math.Log1p(silence/(m.Alpha+last)))
	for j := 0; j < m.K; j++ {
		alive += p
		p *= z * (n + float64(j)) / float64(j+1)
	}
	return alive * (m.B + x), m.A
}

// Alive is the chance that a customer with x repeat visits, the last at day
// last since the first, has not stopped by day age.
func (m Rhythm) Alive(x, last, age float64) float64 {
	alive, stopped := m.odds(x, last, age)
	return alive / (alive + stopped)
}

// Return is the chance that a customer visits within the next days.
func (m Rhythm) Return(x, last, age, days float64) float64 {
	alive, stopped := m.odds(x, last, age)
	later, _ := m.odds(x, last, age+days)
	return max(0, alive-later) / (alive + stopped)
}

// Gap is the chance that a customer who has not stopped comes again within
// days of the last visit: the cumulated distribution of their own gap.
func (m Rhythm) Gap(x, last, days float64) float64 {
	n := m.R + float64(m.K)*x
	return betaCDF(days/(days+m.Alpha+last), float64(m.K), n)
}

// Due is the number of days after the last visit within which the share q of
// the visits of such a customer come, if they have not stopped: with q = 0.5
// the day they are due.
func (m Rhythm) Due(x, last, q float64) float64 {
	n := m.R + float64(m.K)*x
	z := invert(func(z float64) float64 { return betaCDF(z, float64(m.K), n) }, q, 0, 1)
	if z >= 1 {
		return math.Inf(1)
	}
	return (m.Alpha + last) * z / (1 - z)
}

// ExpectedGap is the mean of a customer's own gap; false where it has none, as
// for one visit in a shop where gaps differ without measure.
func (m Rhythm) ExpectedGap(x, last float64) (days float64, ok bool) {
	n := m.R + float64(m.K)*x
	if n <= 1 {
		return 0, false
	}
	return float64(m.K) * (m.Alpha + last) / (n - 1), true
}

// Late is how improbable a customer's silence is if they had not stopped: 0.05
// means that only one in twenty of their gaps is as long. Call them late below
// a share of your choice.
func (m Rhythm) Late(x, last, age float64) float64 {
	return 1 - m.Gap(x, last, age-last)
}

// Within is the number of days by which a customer returns with chance q, from
// now; false when the chance never gets there within ten years.
func (m Rhythm) Within(x, last, age, q float64) (days float64, ok bool) {
	const long = 3650
	if m.Return(x, last, age, long) < q {
		return 0, false
	}
	return invert(func(d float64) float64 { return m.Return(x, last, age, d) }, q, 0, long), true
}
