package retention

import "math"

// BGBB is the beta-geometric/beta-Bernoulli model of Fader, Hardie and Shang,
// "Customer-Base Analysis in a Discrete-Time Noncontractual Setting" (Marketing
// Science 29, 2010): at each chance a living customer buys with their own
// probability (beta: Alpha, Beta), and before each chance dies with their own
// probability (beta: Gamma, Delta).
type BGBB struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Gamma float64 `json:"gamma"`
	Delta float64 `json:"delta"`
}

// FitBGBB finds the most likely parameters. The error is a *Trouble.
func FitBGBB(c Chances) (BGBB, Fit, error) {
	var all, repeaters, taken, chances float64
	for i, n := range c.Count {
		x, last, of := c.Taken[i], c.Last[i], c.Of[i]
		if x < 0 || last < x || of < last || x == 0 && last != 0 || n < 0 || of > 10000 {
			return BGBB{}, Fit{}, &Trouble{Key: "bad_row", still: stillCounts,
				why: "A customer's row cannot be: no more chances can be taken than there were, and the last one taken lies among them."}
		}
		all += n
		taken += n * float64(x)
		chances += n * float64(of)
		if x > 0 {
			repeaters += n
		}
	}
	if err := tooFew(all, repeaters); err != nil {
		return BGBB{}, Fit{}, err
	}
	share := min(0.95, 1.5*taken/chances)
	start := vec{2 * share, 2 * (1 - share), 0.7, 2.5}
	at, e, steps, ok := climb(4, start, func(v vec) evaluation { return chanceLikelihood(c, v) })
	if !ok {
		return BGBB{}, Fit{}, noConvergence("BG/BB", all)
	}
	f := describe(4, at, &e, vec{1, 1, 1, 1})
	f.Customers, f.Rows, f.Steps = int64(all), len(c.Count), steps
	return BGBB{Alpha: at[0], Beta: at[1], Gamma: at[2], Delta: at[3]}, f, nil
}

// LogLikelihood of rows under the model.
func (m BGBB) LogLikelihood(c Chances) float64 {
	return chanceLikelihood(c, vec{m.Alpha, m.Beta, m.Gamma, m.Delta}).ll
}

// chanceLikelihood is equation 8 of Fader, Hardie and Shang (2010) with its
// derivatives: alive after all n chances, or died before one after the last
// that was taken.
func chanceLikelihood(c Chances, v vec) evaluation {
	return sumRows(len(c.Count), func(from, to int) evaluation {
		var e evaluation
		buys, dies := [2]float64{v[0], v[1]}, [2]float64{v[2], v[3]}
		for i := from; i < to; i++ {
			x, last, of := float64(c.Taken[i]), float64(c.Last[i]), float64(c.Of[i])
			m := newMixture()
			term := func(misses, dead, lived float64) {
				var t evaluation
				betaRatio(&t, 1, buys, [2]float64{x, misses}, 0)
				betaRatio(&t, 1, dies, [2]float64{dead, lived}, 2)
				m.add(t.ll, &t.g, &t.h, 4)
			}
			term(of-x, 0, of)
			for k := last; k < of; k++ {
				term(k-x, 1, k)
			}
			m.into(&e, c.Count[i], 4)
		}
		return e
	})
}

// Alive is the chance that a customer is alive at chance n+1 (equation 11 of
// the paper).
func (m BGBB) Alive(taken, last, of int64) float64 {
	var c Chances
	c.Add(taken, last, of, 1)
	x, n := float64(taken), float64(of)
	alive := logBeta(m.Alpha+x, m.Beta+n-x) - logBeta(m.Alpha, m.Beta) +
		logBeta(m.Gamma, m.Delta+n+1) - logBeta(m.Gamma, m.Delta)
	return math.Exp(alive - m.LogLikelihood(c))
}

// Expected is the expected number of the next horizon chances that a customer
// takes (equation 13 of the paper, summed so that γ = 1 is no exception).
func (m BGBB) Expected(taken, last, of, horizon int64) float64 {
	x, n := float64(taken), float64(of)
	buy := (m.Alpha + x) / (m.Alpha + m.Beta + n)
	alive := m.Alive(taken, last, of)
	var sum float64
	for k := range horizon {
		sum += alive
		d := m.Delta + n + 1 + float64(k)
		alive *= d / (m.Gamma + d)
	}
	return buy * sum
}
