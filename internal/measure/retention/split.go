package retention

import (
	"cmp"
	"slices"
)

// A Split is by what customers are set side by side: their country, or
// something of their Opening.
type Split string

// The splits.
const (
	Together   Split = "" // not at all
	ByChannel  Split = "channel"
	ByCountry  Split = "country"
	ByCategory Split = "category"
	ByProduct  Split = "product"
)

// Splits are all of them.
var Splits = []Split{Together, ByChannel, ByCountry, ByCategory, ByProduct}

// MostSplit is how many groups of a split are told one by one: the largest.
const MostSplit = 6

// Opening is the order by which a customer is put into a group: their first
// purchase of all.
type Opening struct {
	At    int64 // a moment in any unit
	Order int64 // tells orders of one moment apart
	Label int32 // the group: the order's channel, or what it holds most of
	Most  int64 // what the line comes to that Label is of
	Line  int64 // and its place in the order
}

// Before reports whether o was placed before p.
func (o Opening) Before(p Opening) bool {
	return o.At < p.At || o.At == p.At && o.Order < p.Order
}

// Hold tells of a line of goods, and reports whether it is what the order
// holds most of so far: its largest line, the first of equals. Lines of nothing
// or less are not.
func (o *Opening) Hold(label int32, minor, line int64) bool {
	if minor <= 0 || minor < o.Most || minor == o.Most && line >= o.Line {
		return false
	}
	o.Label, o.Most, o.Line = label, minor, line
	return true
}

// Labels numbers the names of groups as they turn up. The zero value is empty.
type Labels struct {
	Names []string
	known map[string]int32
}

// Known is the number of a name, and false where it has none.
func (l *Labels) Known(name string) (int32, bool) {
	n, ok := l.known[name]
	return n, ok
}

// Number is that of a name, which is added when it is new.
func (l *Labels) Number(name string) int32 {
	if n, ok := l.known[name]; ok {
		return n
	}
	if l.known == nil {
		l.known = map[string]int32{}
	}
	n := int32(len(l.Names))
	l.known[name], l.Names = n, append(l.Names, name)
	return n
}

// What stands for a label where a customer has none of those numbered.
const (
	Elsewhere int32 = -1 // in a group that has no number
	Uncounted int32 = -2 // in no group, and not looked at
)

// Grouped is customers in groups, of which the largest are told one by one.
type Grouped struct {
	Shown  []int32 // labels of the groups that are told, the largest first
	Sizes  []int64 // customers by label
	Others int64   // customers of all other groups
	Of     []int32 // each customer's label
}

// GroupBy puts the customers of a history into groups: label returns that of
// customer i, below labels, or Elsewhere or Uncounted. At most so many groups
// are shown; of equally large ones those that are numbered first.
func GroupBy(h *History, labels int, most int, label func(i int) int32) Grouped {
	g := Grouped{Of: make([]int32, len(h.ID)), Sizes: make([]int64, labels)}
	for i := range h.ID {
		n := label(i)
		g.Of[i] = n
		switch {
		case n >= 0:
			g.Sizes[n]++
		case n == Elsewhere:
			g.Others++
		}
	}
	order := make([]int32, labels)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(g.Sizes[b], g.Sizes[a]) })
	for place, n := range order {
		switch {
		case g.Sizes[n] == 0:
			return g
		case place < most:
			g.Shown = append(g.Shown, n)
		default:
			g.Others += g.Sizes[n]
		}
	}
	return g
}

// Of is the history of those customers alone whom keep says yes to.
func (h *History) Of(keep func(i int) bool) *History {
	customers, orders := 0, 0
	for i := range h.ID {
		if keep(i) {
			customers, orders = customers+1, orders+int(h.Start[i+1]-h.Start[i])
		}
	}
	part := &History{ID: make([]int64, 0, customers), Start: make([]int32, 1, customers+1), FirstDay: h.FirstDay, LastDay: h.LastDay,
		Day: make([]int32, 0, orders), AmountMinor: make([]int64, 0, orders), Row: make([]int32, 0, orders)}
	for i, id := range h.ID {
		if !keep(i) {
			continue
		}
		from, to := h.Start[i], h.Start[i+1]
		part.ID = append(part.ID, id)
		part.Day = append(part.Day, h.Day[from:to]...)
		part.AmountMinor = append(part.AmountMinor, h.AmountMinor[from:to]...)
		part.Row = append(part.Row, h.Row[from:to]...)
		part.Start = append(part.Start, int32(len(part.Day)))
	}
	return part
}
