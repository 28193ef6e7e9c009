package insights

import (
	"testing"

	"regulars/internal/measure/retention"
)

func TestAMillionCustomersAreForecastFromFewerPasts(t *testing.T) {
	for customers, want := range map[int]int{0: 12, 4_338: 12, 250_000: 12, 500_000: 6, 1_000_000: 4, 50_000_000: 4} {
		if got := testsFor(customers); got != want {
			t.Errorf("%d customers: %d tests, want %d", customers, got, want)
		}
	}
}

func TestTheGoalTakesAsManyNewCustomersAsAreMissing(t *testing.T) {
	a := &ahead{YearMinor: 1_000_000, YearWhole: true, Won: 50, Case: &retention.MoneyCase{FirstMinor: 1_500, WonMinor: 25_000, Won: 50},
		Horizons: []horizon{{Key: "month"}, {Key: "year", Revenue: retention.Range{Expected: 800_000}}}}
	g := a.goal(Costs{Growth: 100, WinMinor: 700}) // a tenth more: 1,100,000, of which 300,000 are missing, at 2,000 each
	if g == nil || g.Goal != 1_100_000 || g.Expected != 800_000 || g.Each != 2_000 || g.Needed == nil || *g.Needed != 150 || g.Cost == nil || *g.Cost != 105_000 {
		t.Errorf("%+v", g)
	}
	if m := a.money(Costs{Growth: 100}); m.Goal == nil || *m.Goal.Needed != 150 || m.Goal.Cost != nil {
		t.Errorf("to programs: %+v", m.Goal)
	}
	a.Case.FirstMinor, a.Case.WonMinor = 0, 0
	if g := a.goal(Costs{}); g == nil || g.Needed != nil || g.Cost != nil {
		t.Errorf("new customers who bring nothing are said to help: %+v", g)
	}
	a.Horizons[1].Revenue.Expected = 2_000_000
	if g := a.goal(Costs{WinMinor: 5}); g == nil || *g.Needed != 0 || *g.Cost != 0 {
		t.Errorf("a goal that is reached takes more: %+v", g)
	}
	for what, of := range map[string]*ahead{"young": {Case: a.Case, Won: 1}, "nobody won": {Case: a.Case, YearWhole: true}, "no case": {Won: 1, YearWhole: true}} {
		if of.goal(Costs{}) != nil {
			t.Errorf("%s: a goal is reckoned", what)
		}
	}
}
