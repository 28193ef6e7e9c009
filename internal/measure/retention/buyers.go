package retention

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Buyers are what the models of buying need to know: for each different row,
// how many customers have it. A visit is a day with at least one order; time
// is counted from a customer's first visit, in any one unit (BuyersOf counts
// days).
type Buyers struct {
	Repeats []float64 // visits after the first: x
	Last    []float64 // time of the last visit: tₓ, 0 without repeats
	Age     []float64 // time up to now: T
	Count   []float64 // customers with this row
}

// BuyersOf reads the rows of everybody who had bought by the end of a day.
func BuyersOf(h *History, asOf int32) Buyers {
	return Over(h, func(h *History) Buyers {
		keys := make([]int64, 0, len(h.ID))
		for i := range h.ID {
			x, last, age, ok := Visits(h.Days(i), asOf)
			if ok {
				// 17 bits hold any span of days between 1900 and 2199.
				keys = append(keys, int64(x)<<34|int64(last)<<17|int64(age))
			}
		}
		slices.Sort(keys)
		var b Buyers
		for i, key := range keys {
			if i > 0 && key == keys[i-1] {
				b.Count[len(b.Count)-1]++
				continue
			}
			b.Add(float64(key>>34), float64(key>>17&(1<<17-1)), float64(key&(1<<17-1)), 1)
		}
		return b
	})
}

// Visits reduces a customer's days to the number of repeat visits, the day of
// the last one and the age at the end of asOf, both counted from the first;
// false before the first visit.
func Visits(days []int32, asOf int32) (repeats, last, age int32, ok bool) {
	if len(days) == 0 || days[0] > asOf {
		return 0, 0, 0, false
	}
	first := days[0]
	for _, day := range days[1:] {
		if day > asOf {
			break
		}
		if day-first > last {
			repeats++
			last = day - first
		}
	}
	return repeats, last, asOf - first, true
}

// Add appends a row; Collapse puts rows in order.
func (b *Buyers) Add(repeats, last, age, count float64) {
	b.Repeats = append(b.Repeats, repeats)
	b.Last = append(b.Last, last)
	b.Age = append(b.Age, age)
	b.Count = append(b.Count, count)
}

// Len is the number of rows.
func (b Buyers) Len() int { return len(b.Count) }

func (b Buyers) compare(i int, c Buyers, j int) int {
	switch {
	case b.Repeats[i] != c.Repeats[j]:
		return cmp.Compare(b.Repeats[i], c.Repeats[j])
	case b.Last[i] != c.Last[j]:
		return cmp.Compare(b.Last[i], c.Last[j])
	}
	return cmp.Compare(b.Age[i], c.Age[j])
}

// Collapse sorts the rows and counts equal ones once.
func (b Buyers) Collapse() Buyers {
	if n := b.Len(); n > 50_000 && runtime.GOMAXPROCS(0) > 1 {
		var left, right Buyers
		var wg sync.WaitGroup
		wg.Go(func() { left = b.slice(0, n/2).collapse() })
		wg.Go(func() { right = b.slice(n/2, n).collapse() })
		wg.Wait()
		return left.Merge(right)
	}
	return b.collapse()
}

func (b Buyers) collapse() Buyers {
	type row struct{ x, last, age, count float64 }
	rows := make([]row, b.Len())
	for i := range rows {
		rows[i] = row{b.Repeats[i], b.Last[i], b.Age[i], b.Count[i]}
	}
	by := func(r, s row) int {
		switch {
		case r.x != s.x:
			return cmp.Compare(r.x, s.x)
		case r.last != s.last:
			return cmp.Compare(r.last, s.last)
		}
		return cmp.Compare(r.age, s.age)
	}
	if !slices.IsSortedFunc(rows, by) {
		slices.SortFunc(rows, by)
	}
	out := sized(len(rows))
	for k, r := range rows {
		if k > 0 && by(rows[k-1], r) == 0 {
			out.Count[out.Len()-1] += r.count
			continue
		}
		out.Add(r.x, r.last, r.age, r.count)
	}
	return out
}

func sized(rows int) Buyers {
	return Buyers{
		Repeats: make([]float64, 0, rows), Last: make([]float64, 0, rows),
		Age: make([]float64, 0, rows), Count: make([]float64, 0, rows),
	}
}

func (b Buyers) slice(from, to int) Buyers {
	return Buyers{b.Repeats[from:to], b.Last[from:to], b.Age[from:to], b.Count[from:to]}
}

// Merge adds other customers. Both must be in order, as BuyersOf and Collapse
// leave them.
func (b Buyers) Merge(c Buyers) Buyers {
	m := sized(b.Len() + c.Len())
	i, j := 0, 0
	for i < b.Len() || j < c.Len() {
		var order int
		switch {
		case i == b.Len():
			order = 1
		case j == c.Len():
			order = -1
		default:
			order = b.compare(i, c, j)
		}
		if order <= 0 {
			m.Add(b.Repeats[i], b.Last[i], b.Age[i], b.Count[i])
			i++
		} else {
			m.Add(c.Repeats[j], c.Last[j], c.Age[j], c.Count[j])
			j++
			continue
		}
		if order == 0 {
			m.Count[m.Len()-1] += c.Count[j]
			j++
		}
	}
	return m
}

// Customers is how many there are, and how many of them returned.
func (b Buyers) Customers() (all, repeaters float64) {
	for i, n := range b.Count {
		all += n
		if b.Repeats[i] > 0 {
			repeaters += n
		}
	}
	return all, repeaters
}

// fitable checks the rows and returns what is needed of them for a fit: in
// order, with time in units of the mean age.
func (b Buyers) fitable() (Buyers, float64, error) {
	all, repeaters := b.Customers()
	if err := tooFew(all, repeaters); err != nil {
		return b, 0, err
	}
	var ages float64
	for i, x := range b.Repeats {
		last, age, n := b.Last[i], b.Age[i], b.Count[i]
		if x < 0 || x != math.Floor(x) || last < 0 || last > age || n < 0 || math.IsInf(age, 0) ||
			x == 0 && last != 0 || math.IsNaN(x+last+age+n) {
			return b, 0, &Trouble{
				Key: "bad_row", Customers: int64(all), still: stillCounts,
				why: "A customer's row cannot be: repeats are whole and not negative, and the last visit lies between the first and now.",
			}
		}
		ages += age * n
	}
	unit := ages / all
	if unit == 0 {
		return b, 0, &Trouble{
			Key: "one_day", Customers: int64(all), still: stillCounts,
			why: "All customers bought on one and the same day, so no time has passed to learn from.",
		}
	}
	scaled := b.Collapse()
	for i := range scaled.Count {
		scaled.Last[i] /= unit
		scaled.Age[i] /= unit
	}
	return scaled, unit, nil
}

// sampled is how many rows a quick start looks at.
const sampled = 4000

// sample keeps some rows, evenly over the sorted rows, for a quick start; false
// where there are so few that all of them are as quick.
func (b Buyers) sample() (Buyers, bool) {
	if b.Len() <= 4*sampled {
		return b, false
	}
	var s Buyers
	step := float64(b.Len()) / sampled
	for k := range sampled {
		i := int((float64(k) + 0.5) * step)
		s.Add(b.Repeats[i], b.Last[i], b.Age[i], b.Count[i])
	}
	return s, true
}

// runs lists the different numbers of repeats and which one each row has, so
// that gamma functions are computed once for each number.
func (b Buyers) runs() (values, counts []float64, of []int32) {
	of = make([]int32, b.Len())
	for i, x := range b.Repeats {
		if len(values) == 0 || values[len(values)-1] != x {
			values = append(values, x)
			counts = append(counts, 0)
		}
		of[i] = int32(len(values) - 1)
		counts[len(values)-1] += b.Count[i]
	}
	return values, counts, of
}
