package retention

import "math"

// Survival counts how long until something happened, and how long one has
// waited where it has not: the partial of the Kaplan–Meier curve.
type Survival struct {
	Happened Tally `json:"happened"` // by days
	Waiting  Tally `json:"waiting"`  // still open, by days so far
}

// ReturnsOf follows each customer's k-th visit (1: the first) to the next one,
// up to the end of a day. Unlike Gaps it hears those who are still away.
func ReturnsOf(h *History, asOf int32, k int32) Survival {
	return Over(h, func(h *History) Survival {
		var happened, waiting []int64
		for i := range h.ID {
			visit, since := int32(0), NoDay
			days := h.Days(i)
			for _, day := range days {
				if day > asOf {
					break
				}
				if visit == k && day > since {
					happened = append(happened, int64(day-since))
					visit++
					break
				}
				if visit < k && (visit == 0 || day > since) {
					visit++
					since = day
				}
			}
			if visit == k {
				waiting = append(waiting, int64(asOf-since))
			}
		}
		return Survival{Happened: TallyOf(happened), Waiting: TallyOf(waiting)}
	})
}

// Merge adds other customers.
func (s Survival) Merge(t Survival) Survival {
	return Survival{Happened: s.Happened.Merge(t.Happened), Waiting: s.Waiting.Merge(t.Waiting)}
}

// Step is a point of the curve: after Days, the share Still has not returned,
// give or take Error (one standard error).
type Step struct {
	Days   int64   `json:"days"`
	AtRisk int64   `json:"at_risk"`
	Still  float64 `json:"still"`
	Error  float64 `json:"error"`
}

// Curve is the product-limit estimate of Kaplan and Meier, "Nonparametric
// Estimation from Incomplete Observations" (JASA 53, 1958), with Greenwood's
// standard error. Somebody who has waited d days is at risk up to and on day d.
func (s Survival) Curve() []Step {
	atRisk := s.Happened.N() + s.Waiting.N()
	still, sum := 1.0, 0.0
	w := 0
	var curve []Step
	for i, days := range s.Happened.Value {
		for w < len(s.Waiting.Value) && s.Waiting.Value[w] < days {
			atRisk -= s.Waiting.Count[w]
			w++
		}
		d := s.Happened.Count[i]
		still *= 1 - float64(d)/float64(atRisk)
		if atRisk > d {
			sum += float64(d) / (float64(atRisk) * float64(atRisk-d))
		}
		curve = append(curve, Step{Days: days, AtRisk: atRisk, Still: still, Error: still * math.Sqrt(sum)})
		atRisk -= d
	}
	return curve
}

// MedianDays is when half have returned; false when fewer than half have.
func (s Survival) MedianDays() (int64, bool) {
	for _, step := range s.Curve() {
		if step.Still <= 0.5 {
			return step.Days, true
		}
	}
	return 0, false
}
