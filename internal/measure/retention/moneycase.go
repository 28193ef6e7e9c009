package retention

import "math"

// year in days.
const year = 365.25

// MoneyCase is what retention is worth in this shop over a year, from the
// fitted models and no rule of thumb. A point of retention is one more in a
// hundred customers who comes again within the year: one of those who would not
// have come, who then buys as often, and for as much, as their own history lets
// expect of them once they come.
type MoneyCase struct {
	Customers int64   `json:"customers"` // already had
	Won       float64 `json:"won"`       // to be won in the year
	// Return is the share of the customers already had who are expected to come
	// again within the year, and ReturnWon that of those won, up to its end.
	Return    float64 `json:"return"`
	ReturnWon float64 `json:"return_won"`
	// HadMinor and WonMinor are the year's expected revenue of customers
	// already had, and of the repeat visits of those won.
	HadMinor float64 `json:"had_minor"`
	WonMinor float64 `json:"won_minor"`
	// BackMinor is what one more of those already had brings who comes again;
	// BackWonMinor one of those won.
	BackMinor    float64 `json:"back_minor"`
	BackWonMinor float64 `json:"back_won_minor"`
	// NewMinor is what a customer won today brings in a year after the first
	// purchase, and FirstMinor what that is expected to be itself.
	NewMinor   float64 `json:"new_minor"`
	FirstMinor float64 `json:"first_minor"`
}

// Point is the worth of some points of retention.
type Point struct {
	Points   float64 `json:"points"` // as reckoned: no more than stay away
	HadMinor float64 `json:"had_minor"`
	WonMinor float64 `json:"won_minor"`
	// EachMinor is the worth for each customer had and won: at most this may
	// be spent on each to gain the points.
	EachMinor float64 `json:"each_minor"`
}

// TotalMinor is the year's worth.
func (p Point) TotalMinor() float64 { return p.HadMinor + p.WonMinor }

// moneySums are the sums over customers behind a money case.
type moneySums struct {
	customers                        int64
	returns, revenue, away, awayBack float64
}

func (m moneySums) Merge(n moneySums) moneySums {
	return moneySums{
		m.customers + n.customers, m.returns + n.returns, m.revenue + n.revenue,
		m.away + n.away, m.awayBack + n.awayBack,
	}
}

// MoneyCaseOf reckons with the customers of a history at its last day, and
// with newPerYear customers won evenly over the year.
func MoneyCaseOf(h *History, buying Buying, spending GammaGamma, newPerYear float64) MoneyCase {
	sums := Over(h, func(h *History) moneySums {
		var m moneySums
		for i := range h.ID {
			x, last, age, ok := Visits(h.Days(i), h.LastDay)
			if !ok {
				continue
			}
			X, L, T := float64(x), float64(last), float64(age)
			visits, _ := buying.Moments(X, L, T, year)
			returns := buying.Return(X, L, T, year)
			c := spentBy(h.Days(i), h.Amounts(i), h.LastDay, true)
			mean := spending.Spend(float64(c.visits), float64(c.total)/float64(c.visits))
			m.customers++
			m.returns += returns
			m.revenue += visits * mean
			if returns > 0 {
				m.away += 1 - returns
				m.awayBack += (1 - returns) * visits / returns * mean
			}
		}
		return m
	})
	c := MoneyCase{Customers: sums.customers, Won: newPerYear, HadMinor: sums.revenue, FirstMinor: spending.Spend(0, 0)}
	if sums.customers > 0 {
		c.Return = sums.returns / float64(sums.customers)
	}
	if sums.away > 0 {
		c.BackMinor = sums.awayBack / sums.away
	}
	c.won(buying)
	return c
}

// won reckons with customers won evenly over the year: each has what is left
// of it to come again in.
func (c *MoneyCase) won(buying Buying) {
	visits, _ := buying.Moments(0, 0, 0, year)
	c.NewMinor = visits * c.FirstMinor
	var all, returns, away, back float64
	for k, at := range legendre.at {
		left := year * at
		v, _ := buying.Moments(0, 0, 0, left)
		r := buying.Return(0, 0, 0, left)
		w := legendre.weight[k]
		all += w * v
		returns += w * r
		if r > 0 {
			away += w * (1 - r)
			back += w * (1 - r) * v / r
		}
	}
	c.ReturnWon = returns
	c.WonMinor = c.Won * all * c.FirstMinor
	if away > 0 {
		c.BackWonMinor = back / away * c.FirstMinor
	}
}

// Point is what so many points of retention are worth over the year.
func (c MoneyCase) Point(points float64) Point {
	had := min(points/100, 1-c.Return)
	won := min(points/100, 1-c.ReturnWon)
	p := Point{
		Points:   100 * max(had, won),
		HadMinor: had * float64(c.Customers) * c.BackMinor,
		WonMinor: won * c.Won * c.BackWonMinor,
	}
	if n := float64(c.Customers) + c.Won; n > 0 {
		p.EachMinor = p.TotalMinor() / n
	}
	return p
}

// Needed is how many customers must be won for revenue to reach a goal, when
// those already had bring an expected sum and each one won brings, with the
// first purchase, valueMinor; 0 when the goal is reached without, and false
// when winning brings nothing.
func Needed(goalMinor, expectedMinor, valueMinor float64) (customers float64, ok bool) {
	if expectedMinor >= goalMinor {
		return 0, true
	}
	if !(valueMinor > 0) {
		return 0, false
	}
	return math.Ceil((goalMinor - expectedMinor) / valueMinor), true
}

// Payback compares winning with keeping. Margin is the share of revenue that is
// left after the goods; costs are entered, or taken from what campaigns cost.
type Payback struct {
	// WinMinor is the first year's margin of a customer won, less the cost.
	WinMinor float64 `json:"win_minor"`
	// KeepMinor is the year's margin of one more customer who comes again, less
	// the cost.
	KeepMinor float64 `json:"keep_minor"`
}

// Payback reckons with what it costs to win one customer and to bring one back.
func (c MoneyCase) Payback(winMinor, keepMinor, margin float64) Payback {
	return Payback{
		WinMinor:  margin*(c.FirstMinor+c.NewMinor) - winMinor,
		KeepMinor: margin*c.BackMinor - keepMinor,
	}
}
