package retention

import (
	"encoding/csv"
	"math"
	"strconv"
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
