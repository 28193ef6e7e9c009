package retention

import (
	"cmp"
	"math"
	"slices"
)

// Spenders are what the model of spending needs to know of each customer: how
// many visits, and what they paid on average.
type Spenders struct {
	Visits []float64
	Mean   []float64 // per visit, above zero
	Count  []float64
	// Free counts customers left out because they paid nothing at all: the
	// model knows no gifts.
	Free int64
}

// SpendersOf reads everybody's visits up to the end of a day. With first false
// the first visit is left out, as in the published examples; with first true
// those who came once speak too.
func SpendersOf(h *History, asOf int32, first bool) Spenders {
	return Over(h, func(h *History) Spenders {
		var s Spenders
		rows := make([]spent, 0, len(h.ID))
		for i := range h.ID {
			switch c := spentBy(h.Days(i), h.Amounts(i), asOf, first); {
			case c.visits == 0:
			case c.total <= 0:
				s.Free++
			default:
				rows = append(rows, c)
			}
		}
		slices.SortFunc(rows, func(a, b spent) int {
			if a.visits != b.visits {
				return cmp.Compare(a.visits, b.visits)
			}
			return cmp.Compare(a.total, b.total)
		})
		for i, c := range rows {
			if i > 0 && c == rows[i-1] {
				s.Count[len(s.Count)-1]++
				continue
			}
			s.Add(float64(c.visits), float64(c.total)/float64(c.visits), 1)
		}
		return s
	})
}

type spent struct{ visits, total int64 }

func spentBy(days []int32, amounts []int64, asOf int32, first bool) spent {
	var c spent
	last := int32(0)
	for k, day := range days {
		if day > asOf {
			break
		}
		if !first && day == days[0] {
			continue
		}
		if c.visits == 0 || day != last {
			c.visits++
		}
		c.total += amounts[k]
		last = day
	}
	return c
}

// Add appends a row.
func (s *Spenders) Add(visits, mean, count float64) {
	s.Visits = append(s.Visits, visits)
	s.Mean = append(s.Mean, mean)
	s.Count = append(s.Count, count)
}

// Merge adds other customers.
func (s Spenders) Merge(t Spenders) Spenders {
	m := Spenders{Free: s.Free + t.Free}
	i, j := 0, 0
	for i < len(s.Count) || j < len(t.Count) {
		order := 0
		switch {
		case i == len(s.Count):
			order = 1
		case j == len(t.Count):
			order = -1
		default:
			order = cmp.Or(cmp.Compare(s.Visits[i], t.Visits[j]), cmp.Compare(s.Mean[i], t.Mean[j]))
		}
		if order > 0 {
			m.Add(t.Visits[j], t.Mean[j], t.Count[j])
			j++
			continue
		}
		m.Add(s.Visits[i], s.Mean[i], s.Count[i])
		i++
		if order == 0 {
			m.Count[len(m.Count)-1] += t.Count[j]
			j++
		}
	}
	return m
}

// GammaGamma is the gamma-gamma model of spending: what a customer pays at a
// visit is gamma distributed (shape P) around their own mean, and the means
// differ as an inverse gamma distribution (Q, Gamma). Fader and Hardie, "The
// Gamma-Gamma Model of Monetary Value" (2013). Gamma is in the unit of money
// of the rows. It supposes that how much somebody spends does not depend on how
// often they come.
type GammaGamma struct {
	P     float64 `json:"p"`
	Q     float64 `json:"q"`
	Gamma float64 `json:"gamma"`
}

// FitGammaGamma finds the most likely parameters. The error is a *Trouble.
func FitGammaGamma(s Spenders) (GammaGamma, Fit, error) {
	var all, several, visits, total float64
	for i, n := range s.Count {
		if !(s.Mean[i] > 0) || math.IsInf(s.Mean[i], 0) || !(s.Visits[i] > 0) {
			return GammaGamma{}, Fit{}, &Trouble{
				Key: "bad_row", still: stillCounts,
				why: "A customer's row cannot be: visits and what was paid must be above zero.",
			}
		}
		all += n
		visits += n * s.Visits[i]
		total += n * s.Visits[i] * s.Mean[i]
		if s.Visits[i] > 1 {
			several += n
		}
	}
	if err := tooFew(all, several); err != nil {
		return GammaGamma{}, Fit{}, err
	}
	unit := total / visits
	scaled := Spenders{Visits: s.Visits, Mean: make([]float64, len(s.Mean)), Count: s.Count}
	for i, m := range s.Mean {
		scaled.Mean[i] = m / unit
	}
	f := spendLikelihood(scaled)
	at, e, steps, ok := climb(3, vec{3, 4, 1}, f)
	if !ok {
		return GammaGamma{}, Fit{}, noConvergence("gamma-gamma", all)
	}
	if at[1] <= 1 {
		return GammaGamma{}, Fit{}, &Trouble{
			Key: "no_mean", Customers: int64(all), Repeaters: int64(several),
			why:   "A few customers spend so much more than the others that no average can be expected of a new one.",
			still: "What customers paid so far, and how much of it the largest bring, holds as it is counted.",
		}
	}
	fit := describe(3, at, &e, vec{1, 1, unit})
	fit.LogLikelihood -= all * math.Log(unit)
	fit.Customers, fit.Rows, fit.Steps = int64(all), len(s.Count), steps
	return GammaGamma{P: at[0], Q: at[1], Gamma: at[2] * unit}, fit, nil
}

// SameForAll expects the same spending of everybody: what is left where a
// model of spending cannot be fitted.
func SameForAll(mean float64) GammaGamma {
	const sure = 1e9
	return GammaGamma{P: 1, Q: sure + 1, Gamma: sure * mean}
}

// mean is the average paid at a visit; zero without visits.
func (s Spenders) mean() float64 {
	var visits, total float64
	for i, n := range s.Count {
		visits += n * s.Visits[i]
		total += n * s.Visits[i] * s.Mean[i]
	}
	if visits == 0 {
		return 0
	}
	return total / visits
}

// LogLikelihood of rows under the model (equation 1a of the note).
func (m GammaGamma) LogLikelihood(s Spenders) float64 {
	return spendLikelihood(s)(vec{m.P, m.Q, m.Gamma}).ll
}

// spendLikelihood is equation 1a of Fader and Hardie (2013) with its first and
// second derivatives.
func spendLikelihood(s Spenders) func(vec) evaluation {
	logs := make([]float64, len(s.Mean)) // ln m, ln x
	logVisits := make([]float64, len(s.Mean))
	for i, m := range s.Mean {
		logs[i] = math.Log(m)
		logVisits[i] = math.Log(s.Visits[i])
	}
	return func(v vec) evaluation {
		p, q, gamma := v[0], v[1], v[2]
		lq, dq, tq, lg := lgamma(q), digamma(q), trigamma(q), math.Log(gamma)
		e := sumRows(len(s.Count), func(from, to int) evaluation {
			var e evaluation
			seen := math.NaN()
			var l1, l2, d1, d2, t1, t2 float64
			for i := from; i < to; i++ {
				n, x := s.Count[i], s.Visits[i]
				if x != seen { // gamma functions once for each number of visits
					seen = x
					l1, d1, t1 = lgamma(p*x+q), digamma(p*x+q), trigamma(p*x+q)
					l2, d2, t2 = lgamma(p*x), digamma(p*x), trigamma(p*x)
				}
				sum := gamma + x*s.Mean[i]
				ls := math.Log(sum)
				e.ll += n * (l1 - l2 - lq + q*lg + (p*x-1)*logs[i] + p*x*logVisits[i] - (p*x+q)*ls)
				e.g[0] += n * x * (d1 - d2 + logs[i] + logVisits[i] - ls)
				e.g[1] += n * (d1 - dq + lg - ls)
				e.g[2] += n * (q/gamma - (p*x+q)/sum)
				e.h[0][0] += n * x * x * (t1 - t2)
				e.h[0][1] += n * x * t1
				e.h[0][2] -= n * x / sum
				e.h[1][1] += n * (t1 - tq)
				e.h[1][2] += n * (1/gamma - 1/sum)
				e.h[2][2] += n * ((p*x+q)/(sum*sum) - q/(gamma*gamma))
			}
			return e
		})
		e.h[1][0], e.h[2][0], e.h[2][1] = e.h[0][1], e.h[0][2], e.h[1][2]
		return e
	}
}

// Spend is what a customer with these visits is expected to pay at a visit
// (equation 5 of the note). Without visits it is the mean of all customers; it
// is infinite where Q and P are so small that no mean exists.
func (m GammaGamma) Spend(visits, mean float64) float64 {
	if m.P*visits+m.Q <= 1 {
		return math.Inf(1)
	}
	return m.P * (m.Gamma + visits*mean) / (m.P*visits + m.Q - 1)
}

// SpendInterval holds, with the chance share, what the customer pays at a visit
// in the long run: their mean is P over a rate that is gamma distributed given
// what they paid.
func (m GammaGamma) SpendInterval(visits, mean, share float64) (low, high float64) {
	shape, rate := m.Q+m.P*visits, m.Gamma+visits*mean
	at := func(q float64) float64 {
		top := shape + 10
		for gammaCDF(shape, top) < q {
			top *= 2
		}
		return m.P * rate / invert(func(v float64) float64 { return gammaCDF(shape, v) }, q, 0, top)
	}
	return at((1 + share) / 2), at((1 - share) / 2)
}

// Value is the expected value of a customer's visits in an outlook, with the
// interval that holds the middle share of it. The chance that k visits bring at
// most s is a regularised incomplete beta function, as k gamma distributed
// payments of an unknown scale add up to a beta distribution of the second
// kind.
func (m GammaGamma) Value(o Outlook, visits, mean, share float64) (expected, low, high float64) {
	expected = o.Mean() * m.Spend(visits, mean)
	low = m.valueQuantile(o, visits, mean, (1-share)/2)
	high = m.valueQuantile(o, visits, mean, (1+share)/2)
	return expected, low, high
}

func (m GammaGamma) valueQuantile(o Outlook, visits, mean, q float64) float64 {
	if o[0] >= q {
		return 0
	}
	shape, scale := m.Q+m.P*visits, m.Gamma+visits*mean
	cdf := func(s float64) float64 {
		total := o[0]
		for k := 1; k < len(o); k++ {
			if o[k] > 1e-12 {
				total += o[k] * betaCDF(s/(s+scale), m.P*float64(k), shape)
			}
		}
		return total
	}
	high := scale
	for range 200 {
		if cdf(high) >= q {
			break
		}
		high *= 4
	}
	return invert(cdf, q, 0, high)
}
