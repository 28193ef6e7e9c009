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

// answer is what the models say of customers with the same visits. What they
// do not know is not a number.
type answer struct {
	alive, back float64
	often       float64 // visits of those who come at all
	late        float64
	due, gap    float64 // days, from the last visit
}

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
		FirstDay: retention.DayText(days[0]), LastDay: retention.DayText(days[0] + last),
		Visits: int64(x) + 1, Orders: stood.Orders, Spend: stood.RevenueMinor,
	}}
	a := f.ask(x, last, age)
	r.visits(a)
	r.pace(a, days[0]+last)
	if f.spending != nil {
		r.spend(a, f.spending.Spend(float64(r.Visits), float64(r.Spend)/float64(r.Visits)))
	}
	if f.groups != nil {
		score := f.groups.Score(stood)
		r.R, r.F, r.M, r.Group = int64(score.R), int64(score.F), int64(score.M), score.Group().String()
	}
	return r, true
}

func (f *fit) ask(x, last, age int32) answer {
	key := [3]int32{x, last, age}
	a, ok := f.asked[key]
	if ok {
		return a
	}
	X, L, T, unknown := float64(x), float64(last), float64(age), math.NaN()
	a = answer{unknown, unknown, unknown, unknown, unknown, unknown}
	here := retention.Presence{Rhythm: f.rhythm, Buying: f.buying}
	if alive, ok := here.Alive(X, L, T); ok {
		a.alive = alive
		a.back, _ = here.Return(X, L, T, Horizon)
	}
	if often, ok := here.Often(X, T, Horizon); ok {
		a.often = often
	}
	if f.rhythm != nil {
		a.late, a.due = f.rhythm.Late(X, L, T), f.rhythm.Due(X, L, 0.5)
		a.gap, _ = f.rhythm.ExpectedGap(X, L)
	}
	if len(f.asked) >= most {
		clear(f.asked)
	}
	f.asked[key] = a
	return a
}

func (r *reckoned) visits(a answer) {
	if !known(a.alive, a.back) {
		return
	}
	r.HasAlive, r.Alive, r.Return = true, a.alive, a.back
	if known(a.back * a.often) {
		r.HasPurchases, r.Purchases = true, a.back*a.often
	}
}

func (r *reckoned) spend(a answer, each float64) {
	value, worth := a.back*a.often*each, a.back/a.alive*a.often*each
	// Unknown too: a shop in which no mean exists, or sums that nobody could pay.
	if !known(value, worth) || max(value, worth) > retention.MaxAmountMinor*1000 {
		return
	}
	r.value, r.worth = value, worth
	r.HasValue, r.Value, r.Worth = true, int64(math.Round(value)), int64(math.Round(worth))
}

func (r *reckoned) pace(a answer, last int32) {
	if !known(a.late) {
		return
	}
	r.HasRhythm, r.LateChance, r.Late = true, min(max(a.late, 0), 1), a.late < LateBelow
	if known(a.gap) && a.gap > 0 && a.gap <= longest {
		r.Gap = a.gap
	}
	if known(a.due) && a.due >= 0 && a.due <= longest {
		r.DueDay = retention.DayText(last + int32(math.Ceil(a.due)))
	}
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
	first, ok1 := retention.ParseDay(s.FirstDay)
	last, ok2 := retention.ParseDay(s.LastDay)
	if !ok1 || !ok2 || f.buying == nil || f.spending == nil || !s.HasValue || s.Purchases > tooMany {
		return 0, 0, false
	}
	a := f.ask(int32(s.Visits-1), last-first, f.asOf-first)
	age := float64(f.asOf - first)
	outlook := f.buying.Outlook(float64(s.Visits-1), age, age, Horizon)
	if len(outlook) > 10*tooMany || !(outlook[0] < 1) {
		return 0, 0, false
	}
	some := a.back / (1 - outlook[0])
	for k := range outlook {
		outlook[k] *= some
	}
	outlook[0] = 1 - a.back
	_, from, to := f.spending.Value(outlook, float64(s.Visits), float64(s.Spend)/float64(s.Visits), Share)
	if !known(from, to) || to > retention.MaxAmountMinor*1000 {
		return 0, 0, false
	}
	return int64(math.Round(from)), int64(math.Round(to)), true
}
