package retention

// Thresholds cut recency, frequency and money into five scores each. A score
// is 1 plus the number of cuts passed; for recency the other way round, as
// fewer days are better. Scores by fifths of the customers follow Hughes,
// "Strategic Database Marketing" (1994); fixed cuts keep a score's meaning from
// month to month.
type Thresholds struct {
	RecencyDays    [4]int64 `json:"recency_days"`     // up to cut 0 scores 5
	Orders         [4]int64 `json:"orders"`           // up to cut 0 scores 1
	RevenueMinor   [4]int64 `json:"revenue_minor"`    // up to cut 0 scores 1
	FromQuantiles  bool     `json:"from_quantiles"`   // else fixed by the user
	OfCustomers    int64    `json:"of_customers"`     // how many they were taken from
	FrequencyIsOne bool     `json:"frequency_is_one"` // so many bought once that the lowest cut is 1
}

// Standing is one customer on one day.
type Standing struct {
	RecencyDays  int64 `json:"recency_days"` // since the last order
	Orders       int64 `json:"orders"`
	RevenueMinor int64 `json:"revenue_minor"`
}

// StandingOf says where a customer with these orders stood at the end of a day;
// false before the first order.
func StandingOf(days []int32, amounts []int64, asOf int32) (Standing, bool) {
	var s Standing
	last := int32(0)
	for k, day := range days {
		if day > asOf {
			break
		}
		s.Orders++
		s.RevenueMinor += amounts[k]
		last = day
	}
	s.RecencyDays = int64(asOf - last)
	return s, s.Orders > 0
}

// Standings are the distributions that quantile thresholds are read from.
type Standings struct {
	RecencyDays  Tally `json:"recency_days"`
	Orders       Tally `json:"orders"`
	RevenueMinor Tally `json:"revenue_minor"`
}

// StandingsOf counts where all customers stood at the end of a day.
func StandingsOf(h *History, asOf int32) Standings {
	return Over(h, func(h *History) Standings {
		n := len(h.ID)
		r, f, m := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
		for i := range h.ID {
			if s, ok := StandingOf(h.Days(i), h.Amounts(i), asOf); ok {
				r, f, m = append(r, s.RecencyDays), append(f, s.Orders), append(m, s.RevenueMinor)
			}
		}
		return Standings{RecencyDays: TallyOf(r), Orders: TallyOf(f), RevenueMinor: TallyOf(m)}
	})
}

// Merge adds other customers.
func (s Standings) Merge(t Standings) Standings {
	return Standings{
		RecencyDays:  s.RecencyDays.Merge(t.RecencyDays),
		Orders:       s.Orders.Merge(t.Orders),
		RevenueMinor: s.RevenueMinor.Merge(t.RevenueMinor),
	}
}

// Fifths are the thresholds at 20, 40, 60 and 80 % of the customers. Equal
// values always get equal scores, so the fifths are of unequal size where many
// customers are alike; false without customers.
func (s Standings) Fifths() (Thresholds, bool) {
	t := Thresholds{FromQuantiles: true, OfCustomers: s.Orders.N()}
	if t.OfCustomers == 0 {
		return t, false
	}
	for i := range 4 {
		q := float64(i+1) / 5
		t.RecencyDays[i], _ = s.RecencyDays.Quantile(q)
		t.Orders[i], _ = s.Orders.Quantile(q)
		t.RevenueMinor[i], _ = s.RevenueMinor.Quantile(q)
	}
	t.FrequencyIsOne = t.Orders[0] == 1
	return t, true
}

// Score holds three scores from 1 to 5.
type Score struct {
	R int `json:"r"`
	F int `json:"f"`
	M int `json:"m"`
}

// Score places a customer.
func (t Thresholds) Score(s Standing) Score {
	return Score{
		R: 5 - passed(t.RecencyDays, s.RecencyDays),
		F: 1 + passed(t.Orders, s.Orders),
		M: 1 + passed(t.RevenueMinor, s.RevenueMinor),
	}
}

func passed(cuts [4]int64, v int64) int {
	n := 0
	for _, cut := range cuts {
		if v > cut {
			n++
		}
	}
	return n
}

// Group is a named field of the map of recency by frequency.
type Group uint8

// The groups, best first, as they are usually named and drawn. NotYet is for
// movements: no customer on the earlier day.
const (
	Champions Group = iota
	Loyal
	PotentialLoyal
	NewCustomers
	Promising
	NeedAttention
	AboutToSleep
	CannotLose
	AtRisk
	Hibernating
	NotYet
	groups = int(NotYet) + 1
)

var groupNames = [groups]string{
	"champions", "loyal", "potential_loyal", "new", "promising", "need_attention",
	"about_to_sleep", "cannot_lose", "at_risk", "hibernating", "not_yet",
}

// String is the key of the group's name in message catalogues.
func (g Group) String() string { return groupNames[g] }

// MarshalText writes the key, so that files read champions, not 0.
func (g Group) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Groups lists the ten named groups.
func Groups() []Group {
	list := make([]Group, NotYet)
	for i := range list {
		list[i] = Group(i)
	}
	return list
}

// groupMap is read [R-1][F-1].
var groupMap = [5][5]Group{
	{Hibernating, Hibernating, AtRisk, AtRisk, CannotLose},
	{Hibernating, Hibernating, AtRisk, AtRisk, CannotLose},
	{AboutToSleep, AboutToSleep, NeedAttention, Loyal, Loyal},
	{Promising, PotentialLoyal, PotentialLoyal, Loyal, Loyal},
	{NewCustomers, PotentialLoyal, PotentialLoyal, Champions, Champions},
}

// Group names the field of the map that the score is in.
func (s Score) Group() Group { return groupMap[s.R-1][s.F-1] }

// RFM is the map of customers by recency and frequency, and its groups.
type RFM struct {
	AsOf       int32            `json:"as_of"`
	Thresholds Thresholds       `json:"thresholds"`
	Map        [5][5]RFMField   `json:"map"` // [R-1][F-1]
	Groups     [NotYet]RFMField `json:"groups"`
	// ByMoney counts customers by money score, place M-1.
	ByMoney [5]int64 `json:"by_money"`
}

// RFMField is one field of the map, or one group.
type RFMField struct {
	Customers    int64 `json:"customers"`
	Orders       int64 `json:"orders"`
	RevenueMinor int64 `json:"revenue_minor"`
	RecencyDays  int64 `json:"recency_days"` // the sum, for the mean
}

func (f *RFMField) add(g RFMField) {
	f.Customers += g.Customers
	f.Orders += g.Orders
	f.RevenueMinor += g.RevenueMinor
	f.RecencyDays += g.RecencyDays
}

// RFMOf maps all customers as they stood at the end of a day.
func RFMOf(h *History, asOf int32, t Thresholds) RFM {
	return Over(h, func(h *History) RFM {
		r := RFM{AsOf: asOf, Thresholds: t}
		for i := range h.ID {
			s, ok := StandingOf(h.Days(i), h.Amounts(i), asOf)
			if !ok {
				continue
			}
			score := t.Score(s)
			one := RFMField{1, s.Orders, s.RevenueMinor, s.RecencyDays}
			r.Map[score.R-1][score.F-1].add(one)
			r.Groups[score.Group()].add(one)
			r.ByMoney[score.M-1]++
		}
		return r
	})
}

// Merge adds other customers, mapped by the same thresholds on the same day.
func (r RFM) Merge(s RFM) RFM {
	for i := range r.Map {
		for k := range r.Map[i] {
			r.Map[i][k].add(s.Map[i][k])
		}
		r.ByMoney[i] += s.ByMoney[i]
	}
	for g := range r.Groups {
		r.Groups[g].add(s.Groups[g])
	}
	return r
}

// Movement counts customers by their group on an earlier and on a later day:
// Moved[from][to]. From NotYet are those who first bought in between.
type Movement struct {
	Before int32                 `json:"before"`
	After  int32                 `json:"after"`
	Moved  [groups][NotYet]int64 `json:"moved"`
}

// Cut is a day with the thresholds used on it. With the same thresholds on both
// days a movement shows customers changing; with each day's own fifths it shows
// them changing places.
type Cut struct {
	Day        int32
	Thresholds Thresholds
}

// MovementOf follows every customer from one day to a later one.
func MovementOf(h *History, before, after Cut) Movement {
	return Over(h, func(h *History) Movement {
		m := Movement{Before: before.Day, After: after.Day}
		for i := range h.ID {
			now, ok := StandingOf(h.Days(i), h.Amounts(i), after.Day)
			if !ok {
				continue
			}
			from := NotYet
			if then, ok := StandingOf(h.Days(i), h.Amounts(i), before.Day); ok {
				from = before.Thresholds.Score(then).Group()
			}
			m.Moved[from][after.Thresholds.Score(now).Group()]++
		}
		return m
	})
}

// Merge adds other customers of the same two days.
func (m Movement) Merge(n Movement) Movement {
	for i := range m.Moved {
		for k := range m.Moved[i] {
			m.Moved[i][k] += n.Moved[i][k]
		}
	}
	return m
}
