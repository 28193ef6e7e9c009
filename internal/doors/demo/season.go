package demo

import (
	"sort"
	"time"
)

// season turns time as a customer's habit counts it, which runs evenly from 0
// to Days, into days of the calendar, where December is busy and Sunday quiet.
// A whole history always holds the same amount of habit, so the same customers
// order as often whatever day it ends.
type season struct{ upTo []float64 } // habit spent by the end of each day

// byMonth is how busy months are; what is drunk every day hardly varies.
var (
	everyday = [12]float64{1.02, 1, 1, 0.98, 0.97, 0.93, 0.87, 0.83, 0.98, 1.08, 1.32, 1.24}
	giving   = [12]float64{0.4, 0.7, 0.6, 0.7, 0.8, 0.5, 0.45, 0.45, 0.7, 1.1, 3.4, 4.2}
)

// byWeekday begins on Sunday.
var byWeekday = [7]float64{0.62, 1.02, 0.95, 0.97, 1.05, 1.18, 1.21}

func newSeason(day func(int) time.Time, byMonth [12]float64) season {
	s := season{make([]float64, Days)}
	sum := 0.0
	for i := range Days {
		t := day(i)
		weight := byMonth[t.Month()-1] * byWeekday[t.Weekday()]
		if t.Month() == time.December && t.Day() > 22 { // presents are bought by now
			weight *= 0.35
		}
		sum += weight
		s.upTo[i] = sum
	}
	for i := range s.upTo {
		s.upTo[i] *= Days / sum
	}
	return s
}

// day is the day on which a moment of habit falls.
func (s season) day(habit float64) int {
	return min(sort.SearchFloat64s(s.upTo, habit), Days-1)
}
