package retention

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Fit says how a model was fitted.
type Fit struct {
	LogLikelihood float64 `json:"log_likelihood"`
	Customers     int64   `json:"customers"`
	Rows          int     `json:"rows"` // different rows, equal ones counted once
	Steps         int     `json:"steps"`
	// Errors are the standard errors of the parameters in the sequence of the
	// model's fields, from the inverse of the observed information; nil where
	// Edge.
	Errors []float64 `json:"errors"`
	// Covariance of the parameters; nil where Edge.
	Covariance [][]float64 `json:"covariance"`
	// Edge: a parameter ran off towards zero or infinity, where the likelihood
	// is flat. The customers are so alike, or so few, that a simpler model
	// would say the same; forecasts hold, the parameters mean nothing by
	// themselves.
	Edge bool `json:"edge"`
}

// Trouble is why a model could not be fitted, and what holds all the same. Key
// is for message catalogues; Error is English.
type Trouble struct {
	Key       string
	Customers int64
	Repeaters int64
	why       string
	still     string
}

// Error says why.
func (t *Trouble) Error() string { return t.why }

// Still says what can be said without the model.
func (t *Trouble) Still() string { return t.still }

// LeastCustomers and LeastRepeaters are what a model needs before its answer
// is more than chance.
const (
	LeastCustomers = 10
	LeastRepeaters = 3
)

const stillCounts = "Repeat rate, cohorts and the days between purchases hold as they are counted, without a model."

func tooFew(customers, repeaters float64) error {
	t := &Trouble{Customers: int64(customers), Repeaters: int64(repeaters), still: stillCounts}
	switch {
	case customers == 0:
		t.Key, t.why = "no_customers", "There are no customers to learn from."
		t.still = "Nothing can be said until somebody has bought."
	case customers < LeastCustomers:
		t.Key = "few_customers"
		t.why = fmt.Sprintf("%.0f customers are too few to learn from: a model needs at least %d.", customers, LeastCustomers)
	case repeaters == 0:
		t.Key, t.why = "one_purchase_each", "Nobody has bought on two different days, so how often people return cannot be learnt."
		t.still = "What can be said: how many bought, when, and for how much; the share who returned so far is 0 %."
	case repeaters < LeastRepeaters:
		t.Key = "few_repeaters"
		t.why = fmt.Sprintf("Only %.0f of %.0f customers have returned: a model needs at least %d who did.", repeaters, customers, LeastRepeaters)
	default:
		return nil
	}
	return t
}

func noConvergence(model string, customers float64) error {
	return &Trouble{
		Key: "no_convergence", Customers: int64(customers), still: stillCounts,
		why: fmt.Sprintf("The %s model found no best description of these customers.", model),
	}
}

// most is the largest number of parameters of a model.
const most = 4

type (
	vec [most]float64
	mat [most][most]float64
)

// evaluation is a log-likelihood with its gradient and Hessian.
type evaluation struct {
	ll float64
	g  vec
	h  mat
}

func (e *evaluation) add(o *evaluation) {
	e.ll += o.ll
	for i := range most {
		e.g[i] += o.g[i]
		for j := range most {
			e.h[i][j] += o.h[i][j]
		}
	}
}

// sumRows adds evaluations of rows up over the processors, always in the same
// blocks, so that the sum is the same on every machine.
func sumRows(rows int, block func(from, to int) evaluation) evaluation {
	const size = 512
	blocks := (rows + size - 1) / size
	if blocks <= 1 {
		return block(0, rows)
	}
	sums := make([]evaluation, blocks)
	var taken atomic.Int64
	work := func() {
		for b := int(taken.Add(1)) - 1; b < blocks; b = int(taken.Add(1)) - 1 {
			sums[b] = block(b*size, min(rows, (b+1)*size))
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	total := sums[0]
	for b := range sums[1:] {
		total.add(&sums[b+1])
	}
	return total
}

// mixture gathers ln Σ exp(tⱼ) of terms with their derivatives, the form that
// all the models' likelihoods share: the gradient is the weighted mean of the
// terms' gradients, the Hessian the weighted mean of their Hessians plus the
// weighted covariance of their gradients.
type mixture struct {
	top   float64 // the largest term so far
	sum   float64 // Σ exp(t − top)
	first vec     // Σ exp(t − top) ∇t
	outer mat     // Σ exp(t − top) (∇∇t + ∇t ∇tᵀ), its upper half
}

func newMixture() mixture { return mixture{top: math.Inf(-1)} }

func (m *mixture) add(t float64, g *vec, h *mat, n int) {
	if t > m.top {
		scale := math.Exp(m.top - t)
		m.top = t
		m.sum *= scale
		for i := range n {
			m.first[i] *= scale
			for j := i; j < n; j++ {
				m.outer[i][j] *= scale
			}
		}
	}
	w := math.Exp(t - m.top)
	m.sum += w
	for i := range n {
		m.first[i] += w * g[i]
		for j := i; j < n; j++ {
			m.outer[i][j] += w * (h[i][j] + g[i]*g[j])
		}
	}
}

// into adds the finished logarithm, count times.
func (m *mixture) into(e *evaluation, count float64, n int) {
	e.ll += count * (m.top + math.Log(m.sum))
	for i := range n {
		gi := m.first[i] / m.sum
		e.g[i] += count * gi
		for j := i; j < n; j++ {
			v := count * (m.outer[i][j]/m.sum - gi*m.first[j]/m.sum)
			e.h[i][j] += v
			if i != j {
				e.h[j][i] += v
			}
		}
	}
}

// The logarithm of a parameter, in scaled units, stays within bound, beyond
// which the likelihood no longer changes; past edge it means nothing by itself.
const (
	bound = 9.0
	edge  = 7.5
)

// climb maximises a log-likelihood of n positive parameters by Newton's method
// on their logarithms, damped as by Levenberg and Marquardt where the surface
// is not concave. A parameter that runs away is held at its bound while the
// others go on. It returns false when it does not settle.
func climb(n int, start vec, f func(vec) evaluation) (at vec, e evaluation, steps int, ok bool) {
	at = start
	for i := range n {
		at[i] = within(at[i])
	}
	e = f(at)
	damp := 0.0
	for steps = 1; steps <= 400; steps++ {
		g, h := inLogs(n, at, &e)
		step, gain, solved := solve(n, g, h, damp)
		if !solved {
			damp = max(4*damp, 1e-3)
			continue
		}
		// Predicted gain of nothing on a concave surface: this is the top, and
		// one last full step squares the remaining error.
		done := gain < 1e-9 && damp == 0
		next := at
		for i := range n {
			next[i] = within(at[i] * math.Exp(max(-3, min(3, step[i]))))
		}
		tried := f(next)
		if !(tried.ll >= e.ll-1e-13*math.Abs(e.ll)) { // not a number counts as worse
			// Where less is to be gained than rounding hides, this is the top;
			// small steps along a bent ridge are not.
			if flat := gain < 1e-7; done || flat && damp < 1e-2 || damp > 1e8 {
				return at, e, steps, done || flat
			}
			damp = max(4*damp, 1e-3)
			continue
		}
		at, e = next, tried
		if done {
			return at, e, steps, true
		}
		if damp /= 10; damp < 1e-7 {
			damp = 0
		}
	}
	return at, e, steps, false
}

func within(p float64) float64 {
	return max(math.Exp(-bound), min(math.Exp(bound), p))
}

// held says whether a parameter is at its bound and would go further.
func held(p, slope float64) bool {
	l := math.Log(p)
	return l >= bound-1e-9 && slope > 0 || l <= -bound+1e-9 && slope < 0
}

func atEdge(n int, at vec) bool {
	for i := range n {
		if math.Abs(math.Log(at[i])) > edge {
			return true
		}
	}
	return false
}

// inLogs turns derivatives by parameters into derivatives by their logarithms,
// and takes parameters that are held out of the reckoning.
func inLogs(n int, at vec, e *evaluation) (g vec, h mat) {
	for i := range n {
		g[i] = at[i] * e.g[i]
		for j := range n {
			h[i][j] = at[i] * at[j] * e.h[i][j]
		}
		h[i][i] += g[i]
	}
	for i := range n {
		if held(at[i], g[i]) {
			for j := range n {
				h[i][j], h[j][i] = 0, 0
			}
			g[i], h[i][i] = 0, -1
		}
	}
	return g, h
}

// solve finds the damped Newton step and the gain it predicts; false where the
// damped surface is not concave.
func solve(n int, g vec, h mat, damp float64) (step vec, gain float64, ok bool) {
	var a mat
	var largest float64
	for i := range n {
		largest = max(largest, math.Abs(h[i][i]))
	}
	for i := range n {
		for j := range n {
			a[i][j] = -h[i][j]
		}
		a[i][i] += damp * (math.Abs(h[i][i]) + 1e-6*largest)
	}
	l, ok := cholesky(n, a)
	if !ok {
		return step, 0, false
	}
	step = substitute(n, l, g)
	for i := range n {
		gain += step[i] * g[i]
	}
	return step, gain, true
}

func cholesky(n int, a mat) (l mat, ok bool) {
	for i := range n {
		for j := 0; j <= i; j++ {
			sum := a[i][j]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i != j {
				l[i][j] = sum / l[j][j]
				continue
			}
			if !(sum > 1e-14*math.Abs(a[i][i])) {
				return l, false
			}
			l[i][i] = math.Sqrt(sum)
		}
	}
	return l, true
}

func substitute(n int, l mat, g vec) vec {
	var x vec
	for i := range n {
		x[i] = g[i]
		for k := range i {
			x[i] -= l[i][k] * x[k]
		}
		x[i] /= l[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= l[k][i] * x[k]
		}
		x[i] /= l[i][i]
	}
	return x
}

// describe writes down the fit at its best parameters, with standard errors
// from the observed information. scale turns a scaled parameter into its own
// unit.
func describe(n int, at vec, e *evaluation, scale vec) Fit {
	f := Fit{LogLikelihood: e.ll, Edge: atEdge(n, at)}
	if f.Edge {
		return f
	}
	var a mat
	for i := range n {
		for j := range n {
			// In units of the parameters themselves, so that large and small
			// ones weigh alike.
			a[i][j] = -e.h[i][j] * at[i] * at[j]
		}
	}
	l, ok := cholesky(n, a)
	if !ok {
		f.Edge = true
		return f
	}
	f.Errors = make([]float64, n)
	f.Covariance = make([][]float64, n)
	for i := range n {
		var unit vec
		unit[i] = 1
		column := substitute(n, l, unit)
		f.Covariance[i] = make([]float64, n)
		for j := range n {
			f.Covariance[i][j] = column[j] * at[i] * at[j] * scale[i] * scale[j]
		}
		f.Errors[i] = math.Sqrt(f.Covariance[i][i])
	}
	return f
}
