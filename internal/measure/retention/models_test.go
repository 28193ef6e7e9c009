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
