package retention

import "math"

// promiseLevels is how finely kept promises are counted.
const promiseLevels = 200

// Promises count, for each level, how often customers who were given that
// chance to return by a day did return by it. A rhythm whose promises are kept
// as often as it says is calibrated.
type Promises struct {
	// Given[l] and Kept[l] are for a chance of l/200. Only promises whose day
	// has passed are counted.
	Given [promiseLevels]int64 `json:"given"`
	Kept  [promiseLevels]int64 `json:"kept"`
	// Origins is from how many days promises were made; the same customer
	// counts once for each.
	Origins int `json:"origins"`
}

// PromisesOf looks back: what the rhythm, knowing only what was known at the
// end of each origin day, would have promised each customer, and what they did
// until the end of the history.
func PromisesOf(h *History, m Rhythm, origins []int32) Promises {
	return Over(h, func(h *History) Promises {
		p := Promises{Origins: len(origins)}
		for i := range h.ID {
			days := h.Days(i)
			for _, origin := range origins {
				if x, last, age, ok := Visits(days, origin); ok && origin < h.LastDay {
					p.count(m, [3]float64{float64(x), float64(last), float64(age)}, followed(days, origin), float64(h.LastDay-origin))
				}
			}
		}
		return p
	})
}

// followed is how many days after origin the next visit came, or 0 for never.
func followed(days []int32, origin int32) float64 {
	for _, day := range days {
		if day > origin {
			return float64(day - origin)
		}
	}
	return 0
}

func (p *Promises) count(m Rhythm, c [3]float64, came, horizon float64) {
	most := int(m.Return(c[0], c[1], c[2], horizon) * promiseLevels)
	from := promiseLevels
	if came > 0 {
		// A day is named whole: it is kept by coming up to and on it.
		from = int(math.Floor(m.Return(c[0], c[1], c[2], came-1)*promiseLevels)) + 1
	}
	for l := 1; l <= min(most, promiseLevels-1); l++ {
		p.Given[l]++
		if l >= from {
			p.Kept[l]++
		}
	}
}

// Merge adds other customers, for the same origins.
func (p Promises) Merge(q Promises) Promises {
	for l := range p.Given {
		p.Given[l] += q.Given[l]
		p.Kept[l] += q.Kept[l]
	}
	p.Origins = max(p.Origins, q.Origins)
	return p
}

// Share is how many of the promises at a chance were kept; false without any.
func (p Promises) Share(q float64) (float64, bool) {
	l := int(math.Round(q * promiseLevels))
	if l < 1 || l >= promiseLevels {
		return 0, false
	}
	return ratio(p.Kept[l], p.Given[l])
}

// Level is the chance that the rhythm must be asked for so that the share q of
// the promises is kept, judged by those around q that have been tested; few of
// them move it little.
func (p Promises) Level(q float64) float64 {
	const around, enough = 0.05, 200
	var bias, given float64
	for l := range p.Given {
		c := float64(l) / promiseLevels
		if math.Abs(c-q) <= around+1e-9 {
			bias += float64(p.Kept[l]) - c*float64(p.Given[l])
			given += float64(p.Given[l])
		}
	}
	if given == 0 {
		return q
	}
	n := given / (2*around*promiseLevels + 1) / float64(max(1, p.Origins))
	return max(q/2, min((1+q)/2, q-bias/given*n/(n+enough)))
}

// PromiseOrigins are the days to look back from at the end of a history: every
// other week of the last half year, leaving the first four weeks of the history
// to learn from.
func PromiseOrigins(h *History) []int32 {
	var origins []int32
	for back := int32(14); back <= 182 && h.LastDay-back >= h.FirstDay+28; back += 14 {
		origins = append(origins, h.LastDay-back)
	}
	return origins
}
