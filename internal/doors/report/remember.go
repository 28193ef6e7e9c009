package report

import (
	"regulars/internal/measure/retention"
)

// remembered is a fitted model that has worked out the visits of a customer
// who has not left, which depend on the number of visits and the age alone,
// once for each pair: a million customers have far fewer of them.
type remembered struct {
	retention.BGNBD
	ages   int
	tables []table // one a horizon
}

type table struct {
	horizon float64
	places  []moment // x × ages + age
}

// moment is the mean and the mean square of the visits of one who has not
// left, and how many those make who make any.
type moment struct{ mean, square, often float64 }

// mostVisits bounds the tables; who came more often is worked out each time.
const mostVisits = 256

func remember(m retention.BGNBD, b retention.Buyers, horizons ...float64) *remembered {
	r := &remembered{BGNBD: m}
	for _, age := range b.Age {
		r.ages = max(r.ages, int(age)+1)
	}
	used := make([]bool, mostVisits*r.ages)
	for i, x := range b.Repeats {
		if x < mostVisits {
			used[int(x)*r.ages+int(b.Age[i])] = true
		}
	}
	for _, horizon := range horizons {
		places := make([]moment, len(used))
		inParallel(len(used), func(from, to int) {
			for i := from; i < to; i++ {
				if !used[i] {
					continue
				}
				x, age := float64(i/r.ages), float64(i%r.ages)
				mean, square, often := m.Staying(x, age, horizon)
				places[i] = moment{mean, square, often}
			}
		})
		r.tables = append(r.tables, table{horizon, places})
	}
	return r
}

// Moments are those of the model.
func (r *remembered) Moments(x, last, age, horizon float64) (mean, variance float64) {
	for i := range r.tables {
		if r.tables[i].horizon == horizon {
			return r.ahead(i, r.Alive(x, last, age), x, last, age)
		}
	}
	return r.BGNBD.Moments(x, last, age, horizon)
}

// ahead is Moments by the place of the horizon, for whom the chance to be
// alive is known.
func (r *remembered) ahead(i int, alive, x, last, age float64) (mean, variance float64) {
	t := &r.tables[i]
	if x < mostVisits && int(age) < r.ages {
		if m := t.places[int(x)*r.ages+int(age)]; m.mean > 0 {
			mean = alive * m.mean
			return mean, max(0, alive*m.square-mean*mean)
		}
	}
	return r.BGNBD.Moments(x, last, age, t.horizon)
}

// often is Presence.Often by the place of the horizon.
func (r *remembered) often(i int, x, age float64) float64 {
	t := &r.tables[i]
	if x < mostVisits && int(age) < r.ages {
		if m := t.places[int(x)*r.ages+int(age)]; m.mean > 0 {
			return m.often
		}
	}
	_, _, often := r.Staying(x, age, t.horizon)
	return often
}
