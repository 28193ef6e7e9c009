package report

import (
	"cmp"
	"container/heap"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"regulars/internal/measure/retention"
)

// Customer is one customer, as far as the models see them.
type Customer struct {
	Customer     string   `json:"customer"` // as the file calls them
	FirstDay     string   `json:"first_day"`
	LastDay      string   `json:"last_day"`
	Orders       int64    `json:"orders"`
	RevenueMinor int64    `json:"revenue_minor"`
	Alive        *float64 `json:"alive"`                // chance not to have left
	ExpectedYear *float64 `json:"expected_visits_year"` // in the year to come
	ValueYear    *float64 `json:"expected_minor_year"`  //
	AtStake      *float64 `json:"at_stake_minor"`       // a year's value, if they have not left
	Due          string   `json:"due,omitempty"`        // half of their gaps end by then
	Late         string   `json:"late,omitempty"`       // nine of ten do
	State        string   `json:"state,omitempty"`
}

// The states of a customer in their own rhythm.
const (
	stateLate    = "late"    // silent for longer than nine in ten of their gaps
	stateOverdue = "overdue" // for longer than half of them
	stateWeek    = "week"    // due in the next 7 days
	stateMonth   = "month"   // in 30
	stateQuarter = "quarter" // in 91
	stateLater   = "later"
)

var states = []string{stateOverdue, stateWeek, stateMonth, stateQuarter, stateLater, stateLate}

// FollowUp is who needs attention.
type FollowUp struct {
	// Slipping customers have bought on several days, are late in their own
	// rhythm, and may still be won back.
	Slipping      int64      `json:"slipping"`
	SlippingMinor int64      `json:"slipping_revenue_minor"` // what they brought so far
	AtStakeMinor  float64    `json:"at_stake_minor"`
	List          []Customer `json:"list"` // most at stake first
	Due           []Due      `json:"due,omitempty"`
}

// Due is how many customers are due when.
type Due struct {
	State     string  `json:"state"`
	Customers int64   `json:"customers"`
	YearMinor float64 `json:"expected_minor_year"`
}

// scorer says of each customer what the models do.
type scorer struct {
	h        *retention.History
	buying   *remembered // nil: could not be learnt
	spending retention.GammaGamma
	rhythm   *retention.Rhythm // nil: could not be learnt
	// How long a gap is, at most, of half and of nine in ten, by number of
	// visits: times (alpha + last).
	half, most []float64
}

func newScorer(h *retention.History, buying *remembered, spending retention.GammaGamma) *scorer {
	return &scorer{h: h, buying: buying, spending: spending}
}

// setRhythm works out once for each number of visits what is the same for all
// who have it.
func (s *scorer) setRhythm(m retention.Rhythm, b retention.Buyers) {
	top := 0
	for _, x := range b.Repeats {
		top = max(top, int(x))
	}
	s.rhythm = &m
	s.half, s.most = make([]float64, top+1), make([]float64, top+1)
	inParallel(top+1, func(from, to int) {
		for x := from; x < to; x++ {
			s.half[x] = m.Due(float64(x), 0, 0.5) / m.Alpha
			s.most[x] = m.Due(float64(x), 0, 0.9) / m.Alpha
		}
	})
}

// standing is what is worked out of a customer before words are made of it.
type standing struct {
	i                      int
	x, last, age           float64
	visits, total          int64
	alive, year, each      float64 // each: what a visit is expected to bring
	here                   float64 // the chance to be alive of the forecast's own model
	half, most             float64 // days after the last visit
	state                  string
	slipping               bool
	atStake, expectedMinor float64 // of a year: if they have not left, and as it is
}

func (s *scorer) of(i int) standing {
	h := s.h
	days, amounts := h.Days(i), h.Amounts(i)
	x, last, age, _ := retention.Visits(days, h.LastDay)
	v := standing{i: i, x: float64(x), last: float64(last), age: float64(age), visits: int64(x) + 1}
	for _, a := range amounts {
		v.total += a
	}
	if s.buying == nil {
		return v
	}
	here := retention.Presence{Rhythm: s.rhythm, Buying: &s.buying.BGNBD}
	v.here = s.buying.Alive(v.x, v.last, v.age)
	v.alive, _ = here.Alive(v.x, v.last, v.age)
	back, _ := here.Return(v.x, v.last, v.age, yearAhead)
	v.year = back * s.buying.often(len(horizons), v.x, v.age)
	v.each = s.spending.Spend(float64(v.visits), float64(v.total)/float64(v.visits))
	v.expectedMinor = v.year * v.each
	if v.alive > 0 {
		v.atStake = v.expectedMinor / v.alive
	}
	if s.rhythm == nil {
		v.slipping = x > 0 && v.alive >= retention.GoneBelow && v.alive < 0.5
		return v
	}
	scale := s.rhythm.Alpha + v.last
	v.half, v.most = s.half[x]*scale, s.most[x]*scale
	silence := v.age - v.last
	switch left := v.half - silence; {
	case silence > v.most:
		v.state = stateLate
		v.slipping = x > 0 && v.alive >= retention.GoneBelow
	case left < 0:
		v.state = stateOverdue
	case left <= 7:
		v.state = stateWeek
	case left <= 30:
		v.state = stateMonth
	case left <= quarter:
		v.state = stateQuarter
	default:
		v.state = stateLater
	}
	return v
}

// tell makes words and days of a standing.
func (f *figures) tell(s *scorer, v standing) Customer {
	days := f.h.Days(v.i)
	c := Customer{Customer: f.ledger.Label(f.h.ID[v.i]), FirstDay: dayText(days[0]), LastDay: dayText(days[len(days)-1]),
		Orders: int64(len(days)), RevenueMinor: v.total}
	if s.buying == nil {
		return c
	}
	c.Alive, c.ExpectedYear, c.ValueYear = known(v.alive, true), known(v.year, true), known(v.expectedMinor, true)
	c.AtStake = known(v.atStake, true)
	if s.rhythm == nil {
		return c
	}
	after := func(d float64) string {
		if !(d < 36525) {
			return ""
		}
		return dayText(days[0] + int32(v.last) + int32(math.Ceil(d)))
	}
	c.Due, c.Late, c.State = after(v.half), after(v.most), v.state
	return c
}

// watch is what is counted of all customers.
type watch struct {
	slipping, revenue int64
	atStake, alive    float64
	due               [6]Due
	top               topList
	ahead             []retention.Prospect // by horizon
	most              int
}

func (w watch) Merge(o watch) watch {
	w.slipping += o.slipping
	w.revenue += o.revenue
	w.atStake += o.atStake
	w.alive += o.alive
	for i := range w.due {
		w.due[i].Customers += o.due[i].Customers
		w.due[i].YearMinor += o.due[i].YearMinor
	}
	for _, v := range o.top {
		w.top.offer(v, w.most)
	}
	ahead := make([]retention.Prospect, len(w.ahead))
	for i := range ahead {
		ahead[i] = w.ahead[i].Merge(o.ahead[i])
	}
	w.ahead = ahead
	return w
}

// followUp finds who needs attention, and adds up what all are expected to
// bring, by horizon.
func (f *figures) followUp(s *scorer) []retention.Prospect {
	w := retention.Over(f.h, func(part *retention.History) watch {
		w := watch{most: f.options.Top}
		for _, ahead := range horizons {
			w.ahead = append(w.ahead, retention.Prospect{Days: float64(ahead.Days)})
		}
		own := *s
		own.h = part
		first, _ := slices.BinarySearch(f.h.ID, part.ID[0])
		for i := range part.ID {
			v := own.of(i)
			v.i += first
			for n := range w.ahead {
				visits, variance := s.buying.ahead(n+1, v.here, v.x, v.last, v.age)
				w.ahead[n].Add(v.here, visits, variance, v.each, s.spending)
			}
			w.alive += v.alive
			if n := slices.Index(states, v.state); n >= 0 {
				w.due[n].Customers++
				w.due[n].YearMinor += v.expectedMinor
			}
			if v.slipping {
				w.slipping++
				w.revenue += v.total
				w.atStake += v.atStake
				w.top.offer(v, w.most)
			}
		}
		return w
	})
	up := &FollowUp{Slipping: w.slipping, SlippingMinor: w.revenue, AtStakeMinor: w.atStake, List: []Customer{}}
	slices.SortFunc(w.top, func(a, b standing) int { return cmp.Or(cmp.Compare(b.atStake, a.atStake), cmp.Compare(a.i, b.i)) })
	for _, v := range w.top {
		up.List = append(up.List, f.tell(s, v))
	}
	if s.rhythm != nil {
		for n, state := range states {
			w.due[n].State = state
			up.Due = append(up.Due, w.due[n])
		}
	}
	f.report.FollowUp, f.report.Alive = up, known(w.alive, true)
	return w.ahead
}

// everybody gives each customer to who asked for them.
func (f *figures) everybody(s *scorer) error {
	for i := range f.h.ID {
		if err := f.options.Customers(f.tell(s, s.of(i))); err != nil {
			return err
		}
	}
	return nil
}

// topList is a heap of those with most at stake, the least on top.
type topList []standing

func (t topList) Len() int      { return len(t) }
func (t topList) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t topList) Less(i, j int) bool {
	if t[i].atStake != t[j].atStake {
		return t[i].atStake < t[j].atStake
	}
	return t[i].i > t[j].i
}
func (t *topList) Push(v any) { *t = append(*t, v.(standing)) }
func (t *topList) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

func (t *topList) offer(v standing, most int) {
	switch {
	case len(*t) < most:
		heap.Push(t, v)
	case most > 0 && (*t)[0].atStake < v.atStake:
		(*t)[0] = v
		heap.Fix(t, 0)
	}
}

// inParallel shares n things out between the processors, a few at a time, as
// some take longer than others.
func inParallel(n int, work func(from, to int)) {
	blocks := min(n, 64)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		wg.Go(func() {
			for b := int(taken.Add(1)); b <= blocks; b = int(taken.Add(1)) {
				work(n*(b-1)/blocks, n*b/blocks)
			}
		})
	}
	wg.Wait()
}
