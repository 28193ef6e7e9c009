package retention

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// cdnowSummary reads the rows of the BG/NBD paper: one tenth of CDNOW's
// customers, time in weeks.
func cdnowSummary(t testing.TB) Buyers {
	t.Helper()
	rows, err := csv.NewReader(data(t, "cdnow_customers_summary.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b Buyers
	for _, row := range rows[1:] {
		var v [3]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		b.Add(v[0], v[1], v[2], 1)
	}
	return b.Collapse()
}

// near fails unless got is within half a unit of want's last digit.
func near(t *testing.T, name string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.10g, published %g", name, got, want)
	}
}

func TestBGNBDOnCDNOWAsPublished(t *testing.T) {
	b := cdnowSummary(t)
	m, f, err := FitBGNBD(b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "r", m.R, 0.243, 0.0005)
	near(t, "alpha", m.Alpha, 4.414, 0.0005)
	near(t, "a", m.A, 0.793, 0.0005)
	near(t, "b", m.B, 2.426, 0.0005)
	near(t, "log-likelihood", f.LogLikelihood, -9582.43, 0.005)
	near(t, "log-likelihood at the fit", m.LogLikelihood(b), f.LogLikelihood, 1e-7)
	if f.Customers != 2357 || f.Edge || len(f.Errors) != 4 {
		t.Errorf("%+v", f)
	}
	// The worked example of the paper: x = 2, tx = 30.43, T = 38.86, t = 39.
	near(t, "expected", m.Expected(2, 30.43, 38.86, 39), 1.226, 0.0005)
	t.Logf("%+v %+v", m, f)
}

func TestStandardErrorsComeFromTheInformation(t *testing.T) {
	b := cdnowSummary(t)
	m, f, err := FitBGNBD(b)
	if err != nil {
		t.Fatal(err)
	}
	// In weeks, not in the scaled time of the fit: covariance times
	// information is one.
	h := geometricLikelihood(b, 0)(vec{m.R, m.Alpha, m.A, m.B}).h
	for i := range 4 {
		for j := range 4 {
			var sum, want float64
			for k := range 4 {
				sum -= f.Covariance[i][k] * h[k][j]
			}
			if i == j {
				want = 1
				exact(t, "error", i, f.Errors[i]*f.Errors[i], f.Covariance[i][i])
			}
			near(t, "covariance times information", sum, want, 1e-4)
		}
	}
}

func TestMBGNBDOnCDNOWAsPublished(t *testing.T) {
	m, f, err := FitMBGNBD(cdnowSummary(t))
	if err != nil {
		t.Fatal(err)
	}
	// Platzer, BTYDplus (R package), on the same rows.
	near(t, "r", m.R, 0.525, 0.0005)
	near(t, "alpha", m.Alpha, 6.183, 0.0005)
	near(t, "a", m.A, 0.891, 0.0005)
	near(t, "b", m.B, 1.614, 0.0005)
	t.Logf("%+v %+v", m, f)
}

func TestParetoNBDOnCDNOWAsPublished(t *testing.T) {
	b := cdnowSummary(t)
	m, f, err := FitParetoNBD(b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log-likelihood", f.LogLikelihood, -9594.98, 0.01)
	near(t, "r", m.R, 0.553, 0.0015)
	near(t, "alpha", m.Alpha, 10.578, 0.01)
	near(t, "s", m.S, 0.606, 0.005)
	near(t, "beta", m.Beta, 11.669, 0.1)
	t.Logf("%+v %+v", m, f)
	// The BTYD package's walkthrough: 26 repeats, the last in week 30.86 of 31.
	r := ParetoNBD{R: 0.5534, Alpha: 10.5802, S: 0.6061, Beta: 11.6562}
	near(t, "alive", r.Alive(26, 30.86, 31), 0.9979, 0.00005)
	near(t, "expected", r.Expected(26, 30.86, 31, 52), 25.46, 0.006)
}

func TestShiftedBetaGeometricAsPublished(t *testing.T) {
	// Fader and Hardie (2007), table 1: survivors of 1,000 over seven years.
	for _, c := range []struct {
		name        string
		survivors   []int64
		alpha, beta float64
	}{
		{"regular", []int64{1000, 631, 468, 382, 326, 289, 262, 241}, 0.704, 1.182},
		{"high end", []int64{1000, 869, 743, 653, 593, 551, 517, 491}, 0.668, 3.806},
	} {
		r, err := RenewalsOf(c.survivors)
		if err != nil {
			t.Fatal(err)
		}
		m, f, err := FitShiftedBetaGeometric(r)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name+" alpha", m.Alpha, c.alpha, 0.0005)
		near(t, c.name+" beta", m.Beta, c.beta, 0.0005)
		t.Logf("%+v %+v survives 12 years %.4f", m, f, m.Survival(12))
	}
}

// donations are the 11,104 supporters of Fader, Hardie and Shang (2010), table
// 1: who first gave in 1995, by the years of 1996 to 2001 they gave in and the
// last of them.
func donations() Chances {
	var c Chances
	for _, row := range [][3]int64{
		{0, 0, 3464},
		{1, 1, 1091}, {1, 2, 277}, {1, 3, 129}, {1, 4, 78}, {1, 5, 119}, {1, 6, 129},
		{2, 2, 613}, {2, 3, 255}, {2, 4, 155}, {2, 5, 173}, {2, 6, 234},
		{3, 3, 322}, {3, 4, 181}, {3, 5, 225}, {3, 6, 357},
		{4, 4, 240}, {4, 5, 284}, {4, 6, 512},
		{5, 5, 335}, {5, 6, 728},
		{6, 6, 1203},
	} {
		c.Add(row[0], row[1], 6, float64(row[2]))
	}
	return c
}

func TestBGBBOnDonationsAsPublished(t *testing.T) {
	m, f, err := FitBGBB(donations())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "alpha", m.Alpha, 1.204, 0.0005)
	near(t, "beta", m.Beta, 0.750, 0.0005)
	near(t, "gamma", m.Gamma, 0.657, 0.0005)
	near(t, "delta", m.Delta, 2.783, 0.0005)
	near(t, "log-likelihood", f.LogLikelihood, -33225.6, 0.05)
	if f.Customers != 11104 {
		t.Errorf("%d supporters", f.Customers)
	}
	t.Logf("%+v %+v; expected of (6,6) %.4f", m, f, m.Expected(6, 6, 6, 5))
}

func TestModelsFitBehaviourTheyWereDrawnFrom(t *testing.T) {
	// Parameters are found again from customers simulated with them.
	r := rand.New(rand.NewPCG(1, 8))
	truth := BGNBD{R: 0.8, Alpha: 60, A: 0.7, B: 2.5}
	b := simulate(r, truth, 60000, func() float64 { return 200 + 500*r.Float64() })
	m, f, err := FitBGNBD(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range [][2]float64{{m.R, truth.R}, {m.Alpha, truth.Alpha}, {m.A, truth.A}, {m.B, truth.B}} {
		if off := math.Abs(c[0]-c[1]) / f.Errors[i]; off > 4 {
			t.Errorf("parameter %d is %g, %.1f standard errors from %g", i, c[0], off, c[1])
		}
	}
	t.Logf("%+v %+v", m, f.Errors)
}

// simulate draws customers from a BG/NBD world.
func simulate(r *rand.Rand, m BGNBD, customers int, age func() float64) Buyers {
	var b Buyers
	for range customers {
		rate := gammaDraw(r, m.R) / m.Alpha
		stopA, stopB := gammaDraw(r, m.A), gammaDraw(r, m.B)
		stop := stopA / (stopA + stopB)
		end := age()
		x, last, now := 0.0, 0.0, 0.0
		for {
			now += r.ExpFloat64() / rate
			if now > end {
				break
			}
			x, last = x+1, now
			if r.Float64() < stop {
				break
			}
		}
		b.Add(x, last, end, 1)
	}
	return b
}

// gammaDraw draws from a gamma distribution (Marsaglia and Tsang, 2000).
func gammaDraw(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gammaDraw(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := r.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(r.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

func TestFitsEndInWordsOrNumbersButNeverInNaN(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	shapes := map[string]func() (x, last, age float64){
		"one purchase each": func() (float64, float64, float64) { return 0, 0, 100 * r.Float64() },
		"all alike":         func() (float64, float64, float64) { return 5, 80, 100 },
		"all just now":      func() (float64, float64, float64) { return 3, 100, 100 },
		"all today":         func() (float64, float64, float64) { return 0, 0, 0 },
		"one regular":       func() (float64, float64, float64) { return math.Floor(1e4 * r.Float64()), 3000, 3000 },
		"clockwork": func() (float64, float64, float64) {
			age := math.Floor(700 * r.Float64())
			return math.Floor(age / 30), math.Floor(age/30) * 30, age
		},
		"twice and gone": func() (float64, float64, float64) { return 1, 1, 500 },
		"nearly nobody": func() (float64, float64, float64) {
			if r.IntN(50) == 0 {
				return 1, 5, 300
			}
			return 0, 0, 300
		},
	}
	for name, shape := range shapes {
		for _, customers := range []int{0, 1, 9, 10, 30, 500} {
			var b Buyers
			for range customers {
				x, last, age := shape()
				b.Add(x, last, age, 1)
			}
			check := func(model string, f Fit, err error, numbers ...float64) {
				if err != nil {
					var trouble *Trouble
					if !errors.As(err, &trouble) || trouble.Error() == "" || trouble.Still() == "" || trouble.Key == "" {
						t.Errorf("%s of %d %s: %v is not in words", model, customers, name, err)
					}
					t.Logf("%s of %d %s: %v", model, customers, name, err)
					return
				}
				for _, n := range append(numbers, f.LogLikelihood) {
					if math.IsNaN(n) || math.IsInf(n, 0) {
						t.Errorf("%s of %d %s: %v", model, customers, name, numbers)
						return
					}
				}
				t.Logf("%s of %d %s: %v edge %v steps %d", model, customers, name, numbers, f.Edge, f.Steps)
			}
			bg, f, err := FitBGNBD(b)
			check("BG/NBD", f, err, bg.R, bg.Alpha, bg.A, bg.B, bg.Expected(3, 50, 60, 100), bg.Alive(1, 1, 500))
			mbg, f, err := FitMBGNBD(b)
			check("MBG/NBD", f, err, mbg.R, mbg.Alpha, mbg.A, mbg.B, mbg.Expected(3, 50, 60, 100))
			rhythm, f, err := FitRhythm(Paces{Buyers: b})
			check("rhythm", f, err, rhythm.R, rhythm.Alpha, rhythm.A, rhythm.B, rhythm.Return(3, 50, 60, 100), rhythm.Late(0, 0, 9))
			pareto, f, err := FitParetoNBD(b)
			check("Pareto/NBD", f, err, pareto.Return(3, 50, 60, 100), pareto.R, pareto.Alpha, pareto.S, pareto.Beta, pareto.Expected(3, 50, 60, 100))
		}
	}
}

func BenchmarkBGNBDOnAMillionDistinctCustomers(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 8))
	rows := simulate(r, BGNBD{R: 0.8, Alpha: 60, A: 0.7, B: 2.5}, 1_000_000, func() float64 { return 10 + 700*r.Float64() })
	b.ResetTimer()
	for b.Loop() {
		m, f, err := FitBGNBD(rows)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%+v %d rows %d steps %v", m, f.Rows, f.Steps, f.Errors)
	}
}

// cdnowSample keeps the customers of the papers' one-in-ten sample;
// testdata/cdnow_sample.txt lists their numbers in the whole file, in the
// sequence of the sample.
func cdnowSample(t testing.TB) (h *History, ids []int64) {
	t.Helper()
	text, err := os.ReadFile("testdata/cdnow_sample.txt")
	if err != nil {
		t.Fatal(err)
	}
	in := map[int64]bool{}
	for _, word := range strings.Fields(string(text)) {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		in[id] = true
	}
	whole := cdnow(t)
	of := make([]bool, whole.Orders())
	for i, id := range whole.ID {
		for k := whole.Start[i]; k < whole.Start[i+1]; k++ {
			of[k] = in[id]
		}
	}
	return whole.Where(func(k int) bool { return of[k] }), ids
}

func TestPurchasesOfCDNOWReduceToThePublishedRows(t *testing.T) {
	h, _ := cdnowSample(t)
	got := BuyersOf(h, Day(1997, 9, 30))
	var weeks Buyers
	for i := range got.Count {
		// The published file has two decimals.
		weeks.Add(got.Repeats[i], math.Round(got.Last[i]/7*100)/100, math.Round(got.Age[i]/7*100)/100, got.Count[i])
	}
	want, have := cdnowSummary(t), weeks.Collapse()
	if want.Len() != have.Len() {
		t.Fatalf("%d different rows, published %d", have.Len(), want.Len())
	}
	for i := range want.Count {
		if want.compare(i, have, i) != 0 || want.Count[i] != have.Count[i] {
			t.Fatalf("row %d: %v %v %v ×%v, published %v %v %v ×%v", i,
				have.Repeats[i], have.Last[i], have.Age[i], have.Count[i],
				want.Repeats[i], want.Last[i], want.Age[i], want.Count[i])
		}
	}
}

func TestGammaGammaOnCDNOWAsPublished(t *testing.T) {
	h, _ := cdnowSample(t)
	s := SpendersOf(h, Day(1997, 9, 30), false)
	m, f, err := FitGammaGamma(s)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "p", m.P, 6.25, 0.005)
	near(t, "q", m.Q, 3.74, 0.005)
	near(t, "gamma", m.Gamma/100, 15.44, 0.005)
	if f.Customers+s.Free != 946 {
		t.Errorf("%d customers with repeats, published 946", f.Customers+s.Free)
	}
	// The note's spreadsheet, for customers 1, 2, 3 and 6 of the sample.
	published := GammaGamma{P: 6.25, Q: 3.74, Gamma: 15.44}
	near(t, "customer 1", published.Spend(2, 22.35), 24.65, 0.02)
	near(t, "customer 2", published.Spend(1, 11.77), 18.91, 0.02)
	near(t, "customer 3", published.Spend(0, 0), 35.17, 0.1)
	t.Logf("%+v %+v, %d free", m, f, s.Free)
}

func TestNoOtherStartFindsABetterFit(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 3))
	for world := range 4 {
		truth := BGNBD{
			R: math.Exp(r.NormFloat64()), Alpha: 30 * math.Exp(r.NormFloat64()),
			A: math.Exp(r.NormFloat64()), B: 2 * math.Exp(r.NormFloat64()),
		}
		b := simulate(r, truth, 300+r.IntN(500), func() float64 { return 20 + 600*r.Float64() })
		rows, _, err := b.fitable()
		if err != nil {
			continue
		}
		paces := Paces{Buyers: b}
		for name, m := range map[string]struct {
			fit func() (vec, Fit, error)
			f   func(vec) evaluation
		}{
			"BG/NBD": {func() (vec, Fit, error) {
				m, f, err := FitBGNBD(b)
				return vec{m.R, m.Alpha, m.A, m.B}, f, err
			}, geometricLikelihood(rows, 0)},
			"MBG/NBD": {func() (vec, Fit, error) {
				m, f, err := FitMBGNBD(b)
				return vec{m.R, m.Alpha, m.A, m.B}, f, err
			}, geometricLikelihood(rows, 1)},
			"Pareto/NBD": {func() (vec, Fit, error) {
				m, f, err := FitParetoNBD(b)
				return vec{m.R, m.Alpha, m.S, m.Beta}, f, err
			}, paretoLikelihood(rows)},
		} {
			p, fit, err := m.fit()
			if err != nil {
				t.Errorf("world %d %+v: %s: %v", world, truth, name, err)
				continue
			}
			_, unit, _ := b.fitable()
			p[1] /= unit
			if name == "Pareto/NBD" {
				p[3] /= unit
			}
			best := m.f(p).ll
			for range 3 {
				var start vec
				for i := range start {
					start[i] = math.Exp(2 * r.NormFloat64())
				}
				if _, e, _, ok := climb(4, start, m.f); ok && e.ll > best+1e-4 {
					t.Errorf("world %d %+v: %s %v (edge %v) has %.6f, from %v %.6f", world, truth, name, p, fit.Edge, best, start, e.ll)
				}
			}
		}
		if _, _, err := FitRhythm(paces); err != nil {
			t.Errorf("world %d: rhythm: %v", world, err)
		}
	}
}

func TestSpendingAndContractsThatCannotBeLearntAreSaidInWords(t *testing.T) {
	var few, wild, wrong, alike Spenders
	for i := range 5 {
		few.Add(2, 10+float64(i), 1)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for range 400 {
		wild.Add(5, 1000*gammaDraw(r, 20)/gammaDraw(r, 0.5), 1)
		alike.Add(3, 25, 1)
	}
	wrong.Add(2, -5, 20)
	for want, s := range map[string]Spenders{"few_customers": few, "no_mean": wild, "bad_row": wrong, "no_customers": {}} {
		var trouble *Trouble
		if m, _, err := FitGammaGamma(s); !errors.As(err, &trouble) || trouble.Key != want {
			t.Errorf("%s: %+v %v", want, m, err)
		}
	}
	if m, f, err := FitGammaGamma(alike); err != nil || !f.Edge || math.Abs(m.Spend(3, 25)-25) > 0.1 {
		t.Errorf("all alike: %+v %+v %v", m, f, err)
	}
	exact(t, "same for all", 7, SameForAll(1234).Spend(7, 99999), 1234*(1+7*(99999.0/1234-1)/(1e9+7)))
	for want, survivors := range map[string][]int64{"few_customers": {5, 4}, "none_ended": {50, 50, 50}, "all_ended": {50, 0}} {
		r, err := RenewalsOf(survivors)
		if err != nil {
			t.Fatal(err)
		}
		var trouble *Trouble
		if _, _, err := FitShiftedBetaGeometric(r); !errors.As(err, &trouble) || trouble.Key != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := RenewalsOf([]int64{5, 6}); err == nil {
		t.Error("survivors rose")
	}
	var c Chances
	c.Add(3, 2, 6, 40) // three taken by the second
	if _, _, err := FitBGBB(c); err == nil {
		t.Error("more chances taken than there were")
	}
}
