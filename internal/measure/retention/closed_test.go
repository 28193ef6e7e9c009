package retention

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The vectors here were computed with 60 digits from the formulas as the
// papers print them, hypergeometric functions and all, by a library for
// arithmetic of any precision; nothing in them comes from this package.

// exact fails unless got agrees with want to nine digits.
func exact(t *testing.T, name string, at any, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(math.Abs(want), 1e-300)) {
		t.Errorf("%s at %v is %.17g, not %.17g", name, at, got, want)
	}
}

func one(x, last, age float64) (b Buyers) {
	b.Add(x, last, age, 1)
	return b
}

func TestBGNBDIsExact(t *testing.T) {
	for _, v := range [][11]float64{
		{0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39, -9.4586063070662712, 0.72657857008067291, 1.2260281747671444},
		{0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 39, -0.55471327643815845, 1.0, 0.19509805201126264},
		{0.243, 4.414, 0.793, 2.426, 26, 30.86, 31, 52, -37.726579473394441, 0.96891564971752508, 25.758195936483515},
		{0.5, 2, 1, 3, 4, 10, 12, 5, -10.20729580691659, 0.74990044704044314, 1.0784841318680677},
		{0.5, 2, 1.0000001, 3, 4, 10, 12, 5, -10.207295857859015, 0.74990042828546696, 1.078484094548634},
		{5, 100, 0.2, 0.3, 1, 1, 900, 365, -3.9717233982681963, 1.5922776905492192e-6, 3.0764712728082069e-6},
		{0.05, 0.01, 3, 40, 0, 0, 0, 365, 2.878144566010778e-60, 1.0, 6.3397238280060726},
		{12, 7, 8, 60, 400, 700, 730, 90, -650.6826259904925, 2.1033680438170948e-6, 7.1757434951572996e-5},
		{0.9, 30, 0.5, 0.25, 0, 0, 10, 10, -0.25891386520660283, 1.0, 0.19542266713901632},
		{0.3, 1.5, 0.02, 0.7, 500, 3000, 3000, 0.001, -1399.9780198906482, 0.99995997758744897, 0.00016667665337941153},
		{2, 400, 30, 900, 3, 100, 400, 3650, -18.061159366705809, 0.74142706461956079, 11.464775671987569},
		{0.25, 5, 0.8, 2.5, 1, 0.5, 700, 30, -4.5247166633759243, 0.0071933577768337073, 0.00037926987398312489},
		{0.4, 6, 0.5, 0.5, 3, 20, 40, 26, -12.296237947435092, 0.4181397464660404, 0.70658755674942269},
	} {
		m := BGNBD{v[0], v[1], v[2], v[3]}
		exact(t, "log-likelihood", v[:8], 1+m.LogLikelihood(one(v[4], v[5], v[6])), 1+v[8])
		exact(t, "alive", v[:8], m.Alive(v[4], v[5], v[6]), v[9])
		exact(t, "expected", v[:8], m.Expected(v[4], v[5], v[6], v[7]), v[10])
	}
}

func TestMBGNBDIsExact(t *testing.T) {
	for _, v := range [][11]float64{
		{0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39, -9.6871826362499614, 0.77441924262364617, 1.3404974284912132},
		{0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 39, -0.38695222057085345, 0.63725333796489528, 0.1274613825456613},
		{0.243, 4.414, 0.793, 2.426, 26, 30.86, 31, 52, -37.755188553274909, 0.96997633656095618, 26.020928233422553},
		{0.5, 2, 1, 3, 4, 10, 12, 5, -10.37720959240735, 0.77768600744099981, 1.1313552097845337},
		{0.5, 2, 1.0000001, 3, 4, 10, 12, 5, -10.377209658628331, 0.77768599015195207, 1.1313551747470035},
		{5, 100, 0.2, 0.3, 1, 1, 900, 365, -5.5811560031240801, 6.8998333708774667e-6, 1.3936154817893489e-5},
		{0.05, 0.01, 3, 40, 0, 0, 0, 365, 4.2783230035295349e-61, 0.93023255813953488, 6.0212107617227452},
		{12, 7, 8, 60, 400, 700, 730, 90, -650.7020440717671, 2.1079505353421956e-6, 7.1967437696992178e-5},
		{0.9, 30, 0.5, 0.25, 0, 0, 10, 10, -0.079083068624235763, 0.27847051798105743, 0.058887395140348243},
		{0.3, 1.5, 0.02, 0.7, 500, 3000, 3000, 0.001, -1399.9780599138616, 0.99996005751717527, 0.00016667666670347213},
		{2, 400, 30, 900, 3, 100, 400, 3650, -18.094128403907452, 0.74163943215551464, 11.47228604425337},
		{0.25, 5, 0.8, 2.5, 1, 0.5, 700, 30, -5.0641677427187305, 0.010041807162907684, 0.00053032895841192568},
		{0.4, 6, 0.5, 0.5, 3, 20, 40, 26, -12.611585968420175, 0.50151440293545676, 0.86716652945465893},
	} {
		m := MBGNBD{v[0], v[1], v[2], v[3]}
		exact(t, "log-likelihood", v[:8], 1+m.LogLikelihood(one(v[4], v[5], v[6])), 1+v[8])
		exact(t, "alive", v[:8], m.Alive(v[4], v[5], v[6]), v[9])
		exact(t, "expected", v[:8], m.Expected(v[4], v[5], v[6], v[7]), v[10])
	}
}

func TestParetoNBDIsExact(t *testing.T) {
	for _, v := range [][11]float64{
		{0.553, 10.578, 0.606, 11.669, 2, 30.43, 38.86, 39, -9.5542832451504058, 0.86916755915301119, 1.4551231932576024},
		{0.553, 10.578, 0.606, 11.669, 0, 0, 38.86, 39, -0.52104629408089031, 0.29528660461689415, 0.10708146821530885},
		{0.553, 10.578, 0.606, 11.669, 26, 30.86, 31, 52, -39.131671540302775, 0.99791873105515829, 25.458472951428768},
		{0.5, 10, 1, 10, 3, 20, 40, 30, -12.425870006183225, 0.33428972585726568, 0.54991084530366906},
		{2, 0.5, 1.5, 80, 0, 0, 300, 100, -4.7256993595476483, 3.0168644438069651e-5, 1.6823169403067827e-5},
		{2, 300, 0.1, 0.3, 5, 10, 365, 365, -24.521156998561905, 0.024698684434710164, 0.091319263338466075},
		{1, 10, 0.5, 10.0001, 7, 39, 40, 1, -21.262192327312287, 0.98909962606277497, 0.15747247727201697},
		{15, 60, 4, 900, 300, 700, 730, 30, -565.58382819501745, 0.00078089762201140899, 0.0090075358460744353},
		{0.3, 2, 0.02, 0.01, 0, 0, 700, 700, -1.2772392519170905, 0.49454263597820155, 0.14680270111280082},
		{0.6, 5, 0.4, 9, 12, 60, 60, 0.01, -33.861321129635327, 1.0, 0.0019384053549703448},
		{0.05, 1000, 20, 2000, 1, 1, 3000, 30, -10.010498919973825, 2.8543766634388813e-9, 2.1184349447700856e-11},
		{3.0554, 0.2644, 60.4476, 41.3859, 0, 0, 1, 0.7, -1.9158968457116304, 0.013451221615291057, 0.014423088229947846},
		{3.0554, 0.2644, 60.4476, 41.3859, 4, 0.5, 1.3, 0.7, 1.157725253512182, 0.013422952835299422, 0.02694008891780342},
		{0.3, 0.01, 300, 9000, 0, 0, 400, 365, -2.1451200900241826, 7.6804968511393997e-7, 1.8108875279978816e-8},
		{0.3, 0.01, 300, 9000, 2, 100, 400, 365, -16.697773458725829, 3.9124543242458283e-6, 7.072256833119812e-7},
		{0.5, 4000, 0.9, 0.5, 3, 100, 400, 30, -29.232057931148205, 0.25351233169050163, 0.0058549805604370492},
		{0.8, 20, 8000, 1000000.0, 500, 700, 730, 365, -692.63058979561436, 9.1398345658459588e-8, 7.2221937706461893e-6},
		{200, 3000, 5, 2, 30, 300, 700, 90, -127.85160441933501, 2.9428037382467169e-13, 1.2288568709770074e-12},
	} {
		m := ParetoNBD{v[0], v[1], v[2], v[3]}
		exact(t, "log-likelihood", v[:8], m.LogLikelihood(one(v[4], v[5], v[6])), v[8])
		exact(t, "alive", v[:8], m.Alive(v[4], v[5], v[6]), v[9])
		exact(t, "expected", v[:8], m.Expected(v[4], v[5], v[6], v[7]), v[10])
	}
}

func TestGammaGammaIsExact(t *testing.T) {
	for _, v := range [][7]float64{
		{6.25, 3.74, 15.44, 2, 22.35, -3.5513167597317047, 24.663713910761155},
		{6.25, 3.74, 15.44, 1, 11.77, -3.73770967874084, 18.916852057842047},
		{0.4, 1.5, 9000, 300, 12345.5, -11.440576115304498, 12324.149377593361},
		{30, 12, 2500000, 7, 190000, -192.41601590477986, 519909.50226244344},
	} {
		m := GammaGamma{v[0], v[1], v[2]}
		var s Spenders
		s.Add(v[3], v[4], 1)
		exact(t, "log-likelihood", v[:5], m.LogLikelihood(s), v[5])
		exact(t, "spend", v[:5], m.Spend(v[3], v[4]), v[6])
	}
}

func TestBGBBIsExact(t *testing.T) {
	for _, v := range [][11]float64{
		{1.204, 0.75, 0.657, 2.783, 6, 6, 6, 5, -2.1822484476182998, 0.93040254237288136, 3.7521156075998148},
		{1.204, 0.75, 0.657, 2.783, 2, 4, 6, 5, -5.195697601042647, 0.58951411643369789, 1.0573489419096806},
		{1.204, 0.75, 0.657, 2.783, 0, 0, 6, 5, -1.1672624726738938, 0.1080165841686742, 0.072802877475043012},
		{0.3, 4.0, 1.0, 9.0, 3, 20, 52, 52, -12.594656920042475, 0.10784846177115486, 0.2401596793813912},
		{20.0, 30.0, 0.01, 0.5, 40, 90, 100, 12, -67.866024644819705, 0.94789724567575679, 4.5475191377212045},
	} {
		m := BGBB{v[0], v[1], v[2], v[3]}
		x, last, n := int64(v[4]), int64(v[5]), int64(v[6])
		var c Chances
		c.Add(x, last, n, 1)
		exact(t, "log-likelihood", v[:8], m.LogLikelihood(c), v[8])
		exact(t, "alive", v[:8], m.Alive(x, last, n), v[9])
		exact(t, "expected", v[:8], m.Expected(x, last, n, int64(v[7])), v[10])
	}
}

func TestSpecialFunctionsAreExact(t *testing.T) {
	for _, v := range [][3]float64{
		{1e-06, -1000000.57721402, 1000000000001.6449},
		{0.1, -10.423754940411077, 101.43329915079276},
		{0.5, -1.9635100260214235, 4.9348022005446793},
		{1, -0.57721566490153286, 1.6449340668482264},
		{1.4616321449683622, -1.3669595495722517e-16, 0.9676722454476213},
		{3.7, 1.1671535393615114, 0.31003785767003832},
		{9.99, 2.2507003728312011, 0.10527695014824179},
		{10, 2.2517525890667211, 0.10516633568168575},
		{50.5, 3.912039670928392, 0.01999933342663716},
		{12345.6, 9.4210145024653966, 8.1003799033883785e-5},
	} {
		exact(t, "digamma", v[0], 1+digamma(v[0]), 1+v[1])
		exact(t, "trigamma", v[0], trigamma(v[0]), v[2])
	}
	for _, v := range [][4]float64{
		{0.3, 2, 5, 0.579825},
		{0.9, 0.2, 0.4, 0.85093836644827787},
		{0.001, 0.5, 30, 0.19276269384046288},
		{0.5, 300, 310, 0.65732518251491629},
		{0.999, 40, 0.01, 0.026643879145180675},
		{0.2, 1000, 4000.5, 0.50423146942563302},
	} {
		exact(t, "incomplete beta", v[:3], betaCDF(v[0], v[1], v[2]), v[3])
	}
	for _, v := range [][3]float64{
		{0.3, 0.1, 0.54591284959179648},
		{2, 5, 0.9595723180054872},
		{50, 40, 0.070335066659394954},
		{50, 80, 0.99986921602340859},
		{0.001, 1e-05, 0.98912304469578267},
		{1000, 1010.5, 0.63360481075358833},
	} {
		exact(t, "incomplete gamma", v[:2], gammaCDF(v[0], v[1]), v[2])
	}
}

func TestNewCustomersAreThoseWithoutAPast(t *testing.T) {
	for _, horizon := range []float64{0, 0.01, 5, 52, 5000} {
		bg, mbg := BGNBD{0.3, 5, 0.8, 2}, MBGNBD{0.3, 5, 0.8, 2}
		pareto := ParetoNBD{0.5, 10, 0.6, 12}
		exact(t, "BG/NBD", horizon, bg.New(horizon), bg.Expected(0, 0, 0, horizon))
		exact(t, "MBG/NBD", horizon, mbg.New(horizon), mbg.Expected(0, 0, 0, horizon))
		exact(t, "Pareto/NBD", horizon, pareto.New(horizon), pareto.Expected(0, 0, 0, horizon))
	}
}

// TestGradientsAreTheSlopesOfTheLikelihood compares the analytic derivatives
// with differences of the likelihood and of the gradient.
func TestGradientsAreTheSlopesOfTheLikelihood(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	var b Buyers
	var c Chances
	var s Spenders
	for range 60 {
		age := 1 + r.Float64()*100
		x := math.Floor(r.ExpFloat64() * 3)
		last := 0.0
		if x > 0 {
			last = age * r.Float64()
		}
		b.Add(x, last, age, 1+float64(r.IntN(3)))
		n := 3 + r.Int64N(6)
		tx := r.Int64N(n + 1)
		taken := int64(0)
		if tx > 0 {
			taken = 1 + r.Int64N(tx)
		}
		c.Add(taken, tx, n, 1+float64(r.IntN(3)))
		s.Add(1+x, 1+r.ExpFloat64()*50, 1+float64(r.IntN(3)))
	}
	b = b.Collapse()
	renewals := Renewals{Ended: []int64{0, 5, 3, 2}, Running: []int64{4, 0, 7, 9}}
	for _, l := range []struct {
		name string
		n    int
		at   vec
		f    func(vec) evaluation
	}{
		{"BG/NBD", 4, vec{0.4, 7, 0.9, 2}, geometricLikelihood(b, 0)},
		{"MBG/NBD", 4, vec{0.4, 7, 0.9, 2}, geometricLikelihood(b, 1)},
		{"Pareto/NBD", 4, vec{0.4, 7, 0.9, 12}, paretoLikelihood(b)},
		{"BG/BB", 4, vec{1.2, 0.7, 0.6, 2}, func(v vec) evaluation { return chanceLikelihood(c, v) }},
		{"sBG", 2, vec{0.7, 1.3}, func(v vec) evaluation { return renewalLikelihood(renewals, v) }},
		{"gamma-gamma", 3, vec{4, 3, 20}, spendLikelihood(s)},
	} {
		e := l.f(l.at)
		for i := range l.n {
			up, down := l.at, l.at
			h := 1e-5 * l.at[i]
			up[i] += h
			down[i] -= h
			a, z := l.f(up), l.f(down)
			slope := (a.ll - z.ll) / (2 * h)
			if math.Abs(slope-e.g[i]) > 1e-6*(1+math.Abs(slope)) {
				t.Errorf("%s: slope %d is %g, gradient %g", l.name, i, slope, e.g[i])
			}
			for j := range l.n {
				bend := (a.g[j] - z.g[j]) / (2 * h)
				if math.Abs(bend-e.h[i][j]) > 1e-5*(1+math.Abs(bend)) {
					t.Errorf("%s: bend %d %d is %g, Hessian %g", l.name, i, j, bend, e.h[i][j])
				}
			}
		}
	}
}

// TestOutlooksAddUpToTheExpectation holds the distribution of visits against
// the separate formula for its mean.
func TestOutlooksAddUpToTheExpectation(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 80 {
		age := r.Float64() * 500
		x := math.Floor(r.ExpFloat64() * []float64{6, 300}[r.IntN(2)])
		last := 0.0
		if x > 0 {
			last = age * (0.3 + 0.7*r.Float64())
		}
		horizon := r.Float64() * 200
		p := [4]float64{0.1 + r.ExpFloat64(), 5 + 40*r.ExpFloat64(), 0.2 + r.ExpFloat64(), 0.3 + 3*r.ExpFloat64()}
		bg, mbg := BGNBD{p[0], p[1], p[2], p[3]}, MBGNBD{p[0], p[1], p[2], p[3]}
		pareto := ParetoNBD{p[0], p[1], p[2] * math.Exp(2*r.NormFloat64()), p[3] * 20 * math.Exp(2*r.NormFloat64())}
		for name, c := range map[string]struct {
			o    Outlook
			mean float64
			m    Buying
		}{
			"BG/NBD":     {bg.Outlook(x, last, age, horizon), bg.Expected(x, last, age, horizon), bg},
			"MBG/NBD":    {mbg.Outlook(x, last, age, horizon), mbg.Expected(x, last, age, horizon), mbg},
			"Pareto/NBD": {pareto.Outlook(x, last, age, horizon), pareto.Expected(x, last, age, horizon), pareto},
		} {
			var sum, square float64
			for k, chance := range c.o {
				square += float64(k*k) * chance
				if chance < 0 {
					t.Fatal(name, "has a negative chance")
				}
				sum += chance
			}
			if math.Abs(sum-1) > 2e-9 {
				t.Errorf("%s: chances add up to %.12f at %v %v %v %v", name, sum, p, x, last, age)
			}
			if math.Abs(c.o.Mean()-c.mean) > 1e-6*(1+c.mean) {
				t.Errorf("%s: outlook %g, expected %g at %v x %v last %v age %v", name, c.o.Mean(), c.mean, p, x, last, age)
			}
			if r := c.m.Return(x, last, age, horizon); math.Abs(r-1+c.o[0]) > 1e-8 {
				t.Errorf("%s: returns with %g, outlook %g", name, r, 1-c.o[0])
			}
			mean, variance := c.m.Moments(x, last, age, horizon)
			if want := square - c.mean*c.mean; math.Abs(mean-c.mean) > 1e-9*(1+mean) || math.Abs(variance-want) > 1e-3*(1+want) {
				t.Errorf("%s: variance %g, of the outlook %g", name, variance, want)
			}
		}
	}
}
