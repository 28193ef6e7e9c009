package retention

import (
	"maps"
	"slices"
)

// Tally counts equal values: the mergeable form of a distribution, from which
// medians and other quantiles come out exactly. Value ascends without repeats.
type Tally struct {
	Value []int64 `json:"value"`
	Count []int64 `json:"count"`
}

// TallyOf counts values; it keeps nothing of the slice.
func TallyOf(values []int64) Tally {
	if len(values) == 0 {
		return Tally{}
	}
	low, high := slices.Min(values), slices.Max(values)
	if span := high - low; span >= 0 && span < int64(4*len(values)+1024) {
		dense := make([]int64, span+1)
		for _, v := range values {
			dense[v-low]++
		}
		return tallyDense(dense, low)
	}
	counts := make(map[int64]int64)
	for _, v := range values {
		counts[v]++
	}
	t := Tally{Value: slices.Sorted(maps.Keys(counts))}
	t.Count = make([]int64, len(t.Value))
	for i, v := range t.Value {
		t.Count[i] = counts[v]
	}
	return t
}

// tallyDense reads counts of consecutive values from low on.
func tallyDense(dense []int64, low int64) Tally {
	var t Tally
	for i, n := range dense {
		if n > 0 {
			t.Value = append(t.Value, low+int64(i))
			t.Count = append(t.Count, n)
		}
	}
	return t
}

// Merge adds the counts of another tally.
func (t Tally) Merge(u Tally) Tally {
	size := len(t.Value) + len(u.Value)
	m := Tally{Value: make([]int64, 0, size), Count: make([]int64, 0, size)}
	i, j := 0, 0
	for i < len(t.Value) || j < len(u.Value) {
		switch {
		case j == len(u.Value) || i < len(t.Value) && t.Value[i] < u.Value[j]:
			m.Value, m.Count = append(m.Value, t.Value[i]), append(m.Count, t.Count[i])
			i++
		case i == len(t.Value) || u.Value[j] < t.Value[i]:
			m.Value, m.Count = append(m.Value, u.Value[j]), append(m.Count, u.Count[j])
			j++
		default:
			m.Value, m.Count = append(m.Value, t.Value[i]), append(m.Count, t.Count[i]+u.Count[j])
			i++
			j++
		}
	}
	return m
}

// N is how many values were counted.
func (t Tally) N() int64 {
	var n int64
	for _, c := range t.Count {
		n += c
	}
	return n
}

// Sum adds the values up.
func (t Tally) Sum() int64 {
	var s int64
	for i, v := range t.Value {
		s += v * t.Count[i]
	}
	return s
}

// Mean is the average value; unknown without values.
func (t Tally) Mean() (float64, bool) { return ratio(t.Sum(), t.N()) }

// Median is the middle value, or the mean of the two middle ones; unknown
// without values.
func (t Tally) Median() (float64, bool) {
	n := t.N()
	if n == 0 {
		return 0, false
	}
	return (float64(t.at((n-1)/2)) + float64(t.at(n/2))) / 2, true
}

// Quantile is the smallest value that at least the share q of all values do not
// exceed (the inverse of the empirical distribution: definition 1 of Hyndman
// and Fan, "Sample Quantiles in Statistical Packages", 1996); unknown without
// values.
func (t Tally) Quantile(q float64) (int64, bool) {
	n := t.N()
	if n == 0 {
		return 0, false
	}
	var upTo int64
	for i, c := range t.Count {
		upTo += c
		if float64(upTo) >= q*float64(n)*(1-1e-12) {
			return t.Value[i], true
		}
	}
	return t.Value[len(t.Value)-1], true
}

// at is the value at a place of the sorted values, from 0.
func (t Tally) at(place int64) int64 {
	for i, c := range t.Count {
		if place < c {
			return t.Value[i]
		}
		place -= c
	}
	return t.Value[len(t.Value)-1]
}
