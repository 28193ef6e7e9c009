package scores

import (
	"context"
	"math"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// reckoned is a score with its sums before they are rounded to minor units.
type reckoned struct {
	Score
	value, worth float64
}

// visits is what the model of buying says of customers with the same history.
type visits struct{ alive, back, expected, ifAlive float64 }

// pace is what the rhythm says of them, silence left aside.
type pace struct{ due, gap float64 }

// most is how many different customers are remembered, to bound the memory.
const most = 200_000

// longest is the number of days after which a visit is not waited for.
const longest = 3650

// reckon asks the models about customer i of a history; false when they had not
// bought by the models' day.
func (f *fit) reckon(h *retention.History, i int) (reckoned, bool) {
	days := h.Days(i)
	x, last, age, ok := retention.Visits(days, f.asOf)
	if !ok {
		return reckoned{}, false
	}
	stood, _ := retention.StandingOf(days, h.Amounts(i), f.asOf)
	r := reckoned{Score: Score{
		Customer: id.Customer(h.ID[i]), Model: f.id, AsOfDay: f.day,
		FirstDay: dayText(days[0]), LastDay: dayText(days[0] + last),
		Visits: int64(x) + 1, Orders: stood.Orders, Spend: stood.RevenueMinor,
	}}
	f.judgeBuying(&r, x, last, age)
	f.judgeRhythm(&r, x, last, age)
	if f.groups != nil {
		score := f.groups.Score(stood)
		r.R, r.F, r.M, r.Group = int64(score.R), int64(score.F), int64(score.M), score.Group().String()
	}
	return r, true
}

func (f *fit) judgeBuying(r *reckoned, x, last, age int32) {
	if f.buying == nil {
		return
	}
	v := f.visitsOf(x, last, age)
	if !known(v.alive, v.back, v.expected, v.ifAlive) {
		return
	}
	r.HasBuying, r.Alive, r.Return, r.Purchases = true, v.alive, v.back, v.expected
	if f.spending == nil {
		return
	}
	each := f.spending.Spend(float64(r.Visits), float64(r.Spend)/float64(r.Visits))
	r.value, r.worth = v.expected*each, v.ifAlive*each
	// A shop in which no mean exists, or no sum that anybody could pay.
	if !known(r.value, r.worth) || r.worth > retention.MaxAmountMinor*1000 {
		r.value, r.worth = 0, 0
		return
	}
	r.HasValue, r.Value, r.Worth = true, int64(math.Round(r.value)), int64(math.Round(r.worth))
}

func (f *fit) visitsOf(x, last, age int32) visits {
	key := [3]int32{x, last, age}
	v, ok := f.asked[key]
	if ok {
		return v
	}
	X, L, T := float64(x), float64(last), float64(age)
	v.alive, v.back = f.buying.Alive(X, L, T), f.buying.Return(X, L, T, Horizon)
	v.expected = f.buying.Expected(X, L, T, Horizon)
	v.ifAlive = v.expected / v.alive
	if v.alive < 1e-6 {
		// Somebody with as many visits who came today: of a chance that is
		// nearly nothing too few digits are left.
		v.ifAlive = f.buying.Expected(X, T, T, Horizon) / f.buying.Alive(X, T, T)
	}
	if len(f.asked) >= most {
		clear(f.asked)
	}
	f.asked[key] = v
	return v
}

func (f *fit) judgeRhythm(r *reckoned, x, last, age int32) {
	if f.rhythm == nil {
		return
	}
	late := f.rhythm.Late(float64(x), float64(last), float64(age))
	if !known(late) {
		return
	}
	r.HasRhythm, r.LateChance, r.Late = true, min(max(late, 0), 1), late < LateBelow
	p := f.paceOf(x, last)
	if known(p.gap) && p.gap > 0 && p.gap <= longest {
		r.Gap = p.gap
	}
	if known(p.due) && p.due >= 0 && p.due <= longest {
		first, _ := parseDay(r.LastDay)
		r.DueDay = dayText(first + int32(math.Ceil(p.due)))
	}
}

func (f *fit) paceOf(x, last int32) pace {
	key := [2]int32{x, last}
	p, ok := f.paced[key]
	if ok {
		return p
	}
	X, L := float64(x), float64(last)
	p.due = f.rhythm.Due(X, L, 0.5)
	p.gap, _ = f.rhythm.ExpectedGap(X, L)
	if len(f.paced) >= most {
		clear(f.paced)
	}
	f.paced[key] = p
	return p
}

// known says whether all of the figures are numbers.
func known(figures ...float64) bool {
	for _, v := range figures {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// Share is the chance with which an Interval holds what comes.
const Share = 0.8

// Interval holds what a customer brings within Horizon with the chance Share,
// by the models they were scored with; false where those cannot say. It is
// computed when asked for: for everybody it would take longer than all the
// scores.
func Interval(ctx context.Context, q store.Querier, s Score) (low, high int64, ok bool, err error) {
	if !s.HasValue {
		return 0, 0, false, nil
	}
	f, err := load(ctx, q, s.Model)
	if err != nil || f == nil {
		return 0, 0, false, err
	}
	low, high, ok = f.interval(s)
	return low, high, ok, nil
}

// tooMany visits have a distribution too long to wait for.
const tooMany = 400

func (f *fit) interval(s Score) (low, high int64, ok bool) {
	first, ok1 := parseDay(s.FirstDay)
	last, ok2 := parseDay(s.LastDay)
	if !ok1 || !ok2 || f.buying == nil || f.spending == nil || !s.HasValue || s.Purchases > tooMany {
		return 0, 0, false
	}
	outlook := f.buying.Outlook(float64(s.Visits-1), float64(last-first), float64(f.asOf-first), Horizon)
	if len(outlook) > 10*tooMany {
		return 0, 0, false
	}
	_, from, to := f.spending.Value(outlook, float64(s.Visits), float64(s.Spend)/float64(s.Visits), Share)
	if !known(from, to) || to > retention.MaxAmountMinor*1000 {
		return 0, 0, false
	}
	return int64(math.Round(from)), int64(math.Round(to)), true
}
