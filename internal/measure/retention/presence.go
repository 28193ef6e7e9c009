package retention

// GoneBelow is the chance to be a customer still under which nobody is
// followed up.
const GoneBelow = 0.05

// Presence says of customers whether they are there still and what they will
// do. Whether and when they come is the rhythm's answer, where one could be
// learnt: BG/NBD knows no leaving after the first visit, and in shops whose
// customers buy regularly hardly any at all. How often those come who come is
// BG/NBD's.
type Presence struct {
	Rhythm *Rhythm // nil: could not be learnt
	Buying *BGNBD  // nil: could not be learnt
}

// Alive is the chance that a customer with x repeat visits, the last at day
// last since the first, is one still at day age; false without any model.
func (p Presence) Alive(x, last, age float64) (chance float64, ok bool) {
	switch {
	case p.Rhythm != nil:
		return p.Rhythm.Alive(x, last, age), true
	case p.Buying != nil:
		return p.Buying.Alive(x, last, age), true
	}
	return 0, false
}

// Return is the chance that they come within the next days.
func (p Presence) Return(x, last, age, days float64) (chance float64, ok bool) {
	switch {
	case p.Rhythm != nil:
		return p.Rhythm.Return(x, last, age, days), true
	case p.Buying != nil:
		return p.Buying.Return(x, last, age, days), true
	}
	return 0, false
}

// Often is how many visits those make within the next days who make any;
// false where BG/NBD could not be learnt.
func (p Presence) Often(x, age, days float64) (visits float64, ok bool) {
	if p.Buying == nil {
		return 0, false
	}
	_, _, visits = p.Buying.Staying(x, age, days)
	return visits, true
}

// Windows are the lengths, in days, of the window within which who bought
// counts as a customer.
var Windows = []int32{30, 60, 90, 180, 365, 730}

// windowShare is the share of gaps that the window chosen by itself holds.
const windowShare = 0.8

// WindowFor is the shortest window that holds four in five of the gaps between
// two purchases of a customer; a year where there are none.
func WindowFor(gaps Tally) int32 {
	most, ok := gaps.Quantile(windowShare)
	if !ok {
		return 365
	}
	for _, days := range Windows {
		if int64(days) >= most {
			return days
		}
	}
	return Windows[len(Windows)-1]
}
