package insights

import "regulars/internal/measure/retention"

// Goal is the growth wanted held against what is to be expected of the
// customers already had, for the year to come. Money is in the smallest unit of
// the business's currency.
type Goal struct {
	Goal     float64  `json:"goal_minor" doc:"Last year's revenue with the growth that setCosts told"`
	Expected float64  `json:"expected_minor" doc:"Of the customers already had"`
	Each     float64  `json:"each_minor" doc:"What a new customer brings within the year"`
	Needed   *float64 `json:"needed,omitempty" doc:"New customers that the goal takes; 0: it is reached without. Left out: new customers bring too little for it"`
	Cost     *float64 `json:"cost_minor,omitempty" doc:"Of winning them; left out until setCosts told what one costs"`
}

// goal is nil where nothing can be said: without a whole year behind, without a
// case, or when nobody was won in that year.
func (a *ahead) goal(c Costs) *Goal {
	if !a.YearWhole || a.Case == nil || a.Won == 0 {
		return nil
	}
	g := Goal{Goal: float64(a.YearMinor) * (1 + float64(c.Growth)/1000), Expected: a.year().Revenue.Expected, Each: a.Case.FirstMinor + a.Case.WonMinor/a.Case.Won}
	if n, ok := retention.Needed(g.Goal, g.Expected, g.Each); ok {
		g.Needed = &n
		if cost := n * float64(c.WinMinor); c.WinMinor > 0 {
			g.Cost = &cost
		}
	}
	return &g
}

func (a *ahead) year() horizon {
	for _, z := range a.Horizons {
		if z.Key == "year" {
			return z
		}
	}
	return horizon{}
}
