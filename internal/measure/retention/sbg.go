package retention

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Renewals are contracts of one kind: for each number of periods, how many
// ended after it, and how many were still running when last seen after it.
type Renewals struct {
	Ended   []int64 // place t: ended at the t-th chance to renew, t ≥ 1
	Running []int64 // place t: renewed t times and running
}

// RenewalsOf reads a cohort's survivors: survivors[0] began, survivors[t] had
// renewed t times. It fails when they are negative or rise.
func RenewalsOf(survivors []int64) (Renewals, error) {
	var r Renewals
	if len(survivors) < 2 {
		return r, fmt.Errorf("survivors of at least one renewal are needed")
	}
	r.Ended = make([]int64, len(survivors))
	for t := 1; t < len(survivors); t++ {
		r.Ended[t] = survivors[t-1] - survivors[t]
		if r.Ended[t] < 0 || survivors[t] < 0 {
			return Renewals{}, fmt.Errorf("survivors cannot rise or be negative: %d after %d", survivors[t], survivors[t-1])
		}
	}
	r.Running = make([]int64, len(survivors))
	r.Running[len(survivors)-1] = survivors[len(survivors)-1]
	return r, nil
}

// Merge adds other contracts.
func (r Renewals) Merge(s Renewals) Renewals {
	return Renewals{
		Ended:   addInto(slices.Clone(r.Ended), s.Ended),
		Running: addInto(slices.Clone(r.Running), s.Running),
	}
}

// ShiftedBetaGeometric is the model of Fader and Hardie, "How to Project
// Customer Retention" (Journal of Interactive Marketing 21, 2007): at each
// renewal a customer leaves with their own chance, and the chances differ as a
// beta distribution. Retention therefore rises with age although nobody
// becomes more loyal.
type ShiftedBetaGeometric struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
}

// FitShiftedBetaGeometric finds the most likely parameters. The error is a
// *Trouble: too few contracts, or none or all of them ended at once.
func FitShiftedBetaGeometric(r Renewals) (ShiftedBetaGeometric, Fit, error) {
	var ended, kept, began float64
	for t, n := range r.Ended {
		if n < 0 || t == 0 && n > 0 {
			return ShiftedBetaGeometric{}, Fit{}, badRenewals()
		}
		ended += float64(n)
		kept += float64(n) * float64(max(0, t-1))
		began += float64(n)
	}
	for t, n := range r.Running {
		if n < 0 {
			return ShiftedBetaGeometric{}, Fit{}, badRenewals()
		}
		kept += float64(n) * float64(t)
		began += float64(n)
	}
	trouble := &Trouble{Customers: int64(began), Repeaters: int64(began - ended),
		still: "The share of contracts kept so far holds as it is counted."}
	switch {
	case began < LeastCustomers:
		trouble.Key = "few_customers"
		trouble.why = fmt.Sprintf("%.0f contracts are too few to learn from: the model needs at least %d.", began, LeastCustomers)
	case ended == 0:
		trouble.Key, trouble.why = "none_ended", "No contract has ended yet, so when they end cannot be learnt."
	case kept == 0:
		trouble.Key, trouble.why = "all_ended", "No contract has been renewed, so how renewals go on cannot be learnt."
	}
	if trouble.Key != "" {
		return ShiftedBetaGeometric{}, Fit{}, trouble
	}
	leave := ended / (ended + kept)
	at, e, steps, ok := climb(2, vec{2 * leave, 2 * (1 - leave)}, func(v vec) evaluation { return renewalLikelihood(r, v) })
	if !ok {
		return ShiftedBetaGeometric{}, Fit{}, noConvergence("shifted beta-geometric", began)
	}
	f := describe(2, at, &e, vec{1, 1})
	f.Customers, f.Rows, f.Steps = int64(began), len(r.Ended)+len(r.Running), steps
	return ShiftedBetaGeometric{Alpha: at[0], Beta: at[1]}, f, nil
}

func badRenewals() error {
	return &Trouble{Key: "bad_row", why: "Counts of contracts cannot be negative, and none can end before its first renewal.", still: stillCounts}
}

// LogLikelihood of contracts under the model.
func (m ShiftedBetaGeometric) LogLikelihood(r Renewals) float64 {
	return renewalLikelihood(r, vec{m.Alpha, m.Beta}).ll
}

// renewalLikelihood is equation 6 of Fader and Hardie (2007), with derivatives:
// P(T=t) = B(α+1, β+t−1)/B(α, β) and S(t) = B(α, β+t)/B(α, β).
func renewalLikelihood(r Renewals, v vec) evaluation {
	var e evaluation
	a, b := v[0], v[1]
	row := func(n int64, da, db float64) {
		if n > 0 {
			betaRatio(&e, float64(n), [2]float64{a, b}, [2]float64{da, db}, 0)
		}
	}
	for t, n := range r.Ended {
		row(n, 1, float64(t-1))
	}
	for t, n := range r.Running {
		row(n, 0, float64(t))
	}
	return e
}

// betaRatio adds n times ln B(a+da, b+db)/B(a, b) to the parameters from place
// i on.
func betaRatio(e *evaluation, n float64, at, by [2]float64, i int) {
	a, b, c, d := at[0], at[1], at[0]+by[0], at[1]+by[1]
	e.ll += n * (logBeta(c, d) - logBeta(a, b))
	both := digamma(a+b) - digamma(c+d)
	e.g[i] += n * (digamma(c) - digamma(a) + both)
	e.g[i+1] += n * (digamma(d) - digamma(b) + both)
	mixed := trigamma(a+b) - trigamma(c+d)
	e.h[i][i] += n * (trigamma(c) - trigamma(a) + mixed)
	e.h[i+1][i+1] += n * (trigamma(d) - trigamma(b) + mixed)
	e.h[i][i+1] += n * mixed
	e.h[i+1][i] += n * mixed
}

// Survival is the share of contracts that outlive t renewals: S(t).
func (m ShiftedBetaGeometric) Survival(t int) float64 {
	return math.Exp(logBeta(m.Alpha, m.Beta+float64(t)) - logBeta(m.Alpha, m.Beta))
}

// Retention is the share kept at the t-th renewal of those there before it:
// r(t) = (β+t−1)/(α+β+t−1), equation 8 of the paper.
func (m ShiftedBetaGeometric) Retention(t int) float64 {
	return (m.Beta + float64(t) - 1) / (m.Alpha + m.Beta + float64(t) - 1)
}

// Left is the expected number of renewals still to come among the next horizon
// for a contract that has been renewed t times: Σ S(t+k)/S(t).
func (m ShiftedBetaGeometric) Left(t, horizon int) float64 {
	sum, s := 0.0, 1.0
	for k := 1; k <= horizon; k++ {
		s *= m.Retention(t + k)
		sum += s
	}
	return sum
}

// Chances are what the model of discrete chances needs of each customer: how
// many of their chances to buy they took, and the last one taken.
type Chances struct {
	Taken []int64 // x
	Last  []int64 // tₓ, 0 when none was taken
	Of    []int64 // n
	Count []float64
}

// Add appends a row.
func (c *Chances) Add(taken, last, of int64, count float64) {
	c.Taken = append(c.Taken, taken)
	c.Last = append(c.Last, last)
	c.Of = append(c.Of, of)
	c.Count = append(c.Count, count)
}

// Merge adds other customers, equal rows counted once.
func (c Chances) Merge(d Chances) Chances {
	all := Chances{}
	for _, part := range []Chances{c, d} {
		for i := range part.Count {
			all.Add(part.Taken[i], part.Last[i], part.Of[i], part.Count[i])
		}
	}
	order := make([]int, len(all.Count))
	for i := range order {
		order[i] = i
	}
	by := func(i, j int) int {
		return cmp.Or(cmp.Compare(all.Of[i], all.Of[j]), cmp.Compare(all.Taken[i], all.Taken[j]), cmp.Compare(all.Last[i], all.Last[j]))
	}
	slices.SortFunc(order, by)
	var m Chances
	for k, i := range order {
		if k > 0 && by(order[k-1], i) == 0 {
			m.Count[len(m.Count)-1] += all.Count[i]
			continue
		}
		m.Add(all.Taken[i], all.Last[i], all.Of[i], all.Count[i])
	}
	return m
}

// ChancesOf counts, for each customer, the periods after that of their first
// purchase up to the last one that is over, and in how many of them they
// bought.
func ChancesOf(h *History, g Grain) Chances {
	last := g.PeriodOf(h.LastDay)
	if g.Running(last, h.LastDay) {
		last--
	}
	return Over(h, func(h *History) Chances {
		rows := map[[3]int64]float64{}
		for i := range h.ID {
			days := h.Days(i)
			began := g.PeriodOf(days[0])
			if began > last {
				continue
			}
			row := [3]int64{0, 0, int64(last - began)}
			at := began
			for _, day := range days {
				if p := g.PeriodOf(day); p > at && p <= last {
					at = p
					row[0]++
					row[1] = int64(p - began)
				}
			}
			rows[row]++
		}
		var c Chances
		for row, n := range rows {
			c.Add(row[0], row[1], row[2], n)
		}
		return c.Merge(Chances{})
	})
}
