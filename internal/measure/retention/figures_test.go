package retention

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestOnlineRetailRepeatsAsPublished(t *testing.T) {
	h := onlineRetail(t)
	r := RepeatOf(h, h.Whole())
	if r.Customers != 4338 || r.Again != 2845 {
		t.Fatalf("%d customers, %d more than once; want 4338 and 2845", r.Customers, r.Again)
	}
	if rate, _ := r.Rate(); math.Abs(rate-0.65583) > 0.000005 {
		t.Fatalf("rate %.5f", rate)
	}
	if two, _ := r.AtLeast(2); two != float64(r.Again)/float64(r.Customers) {
		t.Fatal("at least two orders is not the repeat rate")
	}
}

func TestOnlineRetailDecemberCohortAsPublished(t *testing.T) {
	h := onlineRetail(t)
	c := CohortsOf(h, Month)
	if c.Label(0) != "2010-12" || c.Rows[0].Size != 885 {
		t.Fatalf("first cohort %s of %d", c.Label(0), c.Rows[0].Size)
	}
	if got := c.Rows[0].Customers[:3]; !slices.Equal(got, []int64{885, 324, 286}) {
		t.Fatalf("customers %v", got)
	}
	if kept, _ := c.Kept(0, 1); math.Abs(kept-0.3661) > 0.00005 {
		t.Fatalf("month 1 %.4f", kept)
	}
	if kept, _ := c.Kept(0, 2); math.Abs(kept-0.3232) > 0.00005 {
		t.Fatalf("month 2 %.4f", kept)
	}
	// The file ends on 9 December 2011: that month is running for all rows.
	if !c.Running(0, 12) || c.Running(0, 11) || !c.Running(12, 0) {
		t.Fatal("the running month is not marked")
	}
	if got := len(c.Average().Size); got != 12 {
		t.Fatalf("average row of %d months, want the 12 complete ones", got)
	}
}

func TestAverageRowWeighsCohortsBySize(t *testing.T) {
	h := onlineRetail(t)
	c := CohortsOf(h, Month)
	a := c.Average()
	for k := range a.Size {
		var size, came, revenue int64
		for i := range c.Rows {
			if k < len(c.Rows[i].Customers) && !c.Running(i, k) {
				size += c.Rows[i].Size
				came += c.Rows[i].Customers[k]
				revenue += c.Rows[i].RevenueMinor[k]
			}
		}
		kept, _ := a.Kept(k)
		alone, _ := a.RevenuePerCustomerMinor(k)
		exact(t, "kept", k, kept, float64(came)/float64(size))
		exact(t, "revenue", k, alone, float64(revenue)/float64(size))
		worth, _ := a.WorthMinor(k)
		if before, ok := a.WorthMinor(k - 1); k > 0 && (!ok || math.Abs(worth-before-alone) > 1e-6) {
			t.Error("worth does not add up")
		}
	}
	if _, ok := a.Kept(len(a.Size)); ok {
		t.Error("an average of a running period")
	}
	var orders int64
	for _, r := range RepeatsOf(h, Month, h.Whole()) {
		orders += r.Orders
	}
	if orders != RepeatOf(h, h.Whole()).Orders {
		t.Error("orders lost between months")
	}
}

func TestStandardFormulaKeepsNinetyPerCent(t *testing.T) {
	rate, err := RetentionRate(1000, 200, 1100)
	if err != nil || rate != 0.9 {
		t.Fatal(rate, err)
	}
	for _, bad := range [][3]int64{{0, 0, 0}, {10, 5, 4}, {10, 0, 11}, {-1, 0, 0}} {
		if _, err := RetentionRate(bad[0], bad[1], bad[2]); err == nil {
			t.Fatalf("%v gave a rate", bad)
		}
	}
}

func TestBaseCountsKeptNewAndWonBack(t *testing.T) {
	var in Orders
	in.Add(1, 95, 100) // customer at the start, lost
	in.Add(2, 99, 100) // kept
	in.Add(2, 125, 100)
	in.Add(3, 50, 100) // gone at the start, won back
	in.Add(3, 120, 100)
	in.Add(4, 110, 100) // new
	in.Add(5, 101, 100) // new, on the first day of the window of the end
	in.Add(8, 100, 100) // new, and no customer any more at the end
	in.Add(9, 69, 100)  // gone at the start by a day, won back
	in.Add(9, 101, 100)
	in.Add(6, 70, 100)  // bought on the first day of the window of the eve
	in.Add(7, 131, 100) // after the period
	h := build(t, in)
	b, err := BaseOf(h, Span{From: 100, To: 130}, 30)
	if err != nil {
		t.Fatal(err)
	}
	if b.Start != 3 || b.End != 5 || b.New != 2 || b.WonBack != 2 || b.Kept() != 1 {
		t.Fatalf("%+v", b)
	}
	if keep, _ := b.Retention(); keep != 1.0/3 {
		t.Fatal(keep)
	}
	if churn, _ := b.Churn(); churn != 2.0/3 {
		t.Fatal(churn)
	}
	if b.Warming || b.Running {
		t.Fatal("the period lies within the history")
	}
	if b, _ = BaseOf(h, Span{From: 60, To: 140}, 30); !b.Warming || !b.Running {
		t.Fatal("the edges of the history are not marked")
	}
}

func TestOrdersThatCannotCountAreCounted(t *testing.T) {
	var in Orders
	in.Add(0, 100, 5)
	in.Add(1, 100, -5)
	in.Add(1, 100, 0)
	in.Add(1, 200, 5)
	in.Add(1, 1<<30, 5)
	in.Add(1, 100, MaxAmountMinor+1)
	in.Add(1, 100, 5)
	h, left, err := Build(in, Rules{LastDay: 150})
	if err != nil || h.Orders() != 1 || h.LastDay != 150 {
		t.Fatal(h, err)
	}
	if want := (LeftOut{1, 1, 1, 1, 1, 1}); left != want || left.Total() != 6 {
		t.Fatalf("%+v", left)
	}
	if _, left, err = Build(Orders{[]int64{0}, []int32{1}, []int64{1}}, Rules{}); !errors.Is(err, ErrNoOrders) || left.Nobody != 1 {
		t.Fatal(left, err)
	}
	if _, _, err = Build(Orders{Customer: []int64{1}}, Rules{}); err == nil {
		t.Fatal("columns of different lengths were taken")
	}
}

func TestHistoryKeepsEveryOrderInPlace(t *testing.T) {
	in := randomOrders(7, 3000, 400)
	h := build(t, in)
	if !slices.IsSorted(h.ID) || h.Orders() != len(in.Day) {
		t.Fatal("customers out of order, or orders lost")
	}
	seen := make([]bool, len(in.Day))
	for i, id := range h.ID {
		if !slices.IsSorted(h.Days(i)) {
			t.Fatal("days out of order")
		}
		for k := h.Start[i]; k < h.Start[i+1]; k++ {
			row := h.Row[k]
			if seen[row] || in.Customer[row] != id || in.Day[row] != h.Day[k] || in.AmountMinor[row] != h.AmountMinor[k] {
				t.Fatalf("row %d is not where it belongs", row)
			}
			seen[row] = true
		}
	}
}

func TestSplitsAndFiltersLoseNobody(t *testing.T) {
	in := randomOrders(17, 9000, 900)
	h := build(t, in)
	whole := RepeatOf(h, h.Whole())
	var sum Repeat
	var base Base
	for g, part := range h.Split(3, func(i int) int { return int(h.ID[i]%4) - 1 }) {
		for i, id := range part.ID {
			if int(id%4)-1 != g || len(part.Days(i)) == 0 {
				t.Fatalf("customer %d is in group %d", id, g)
			}
		}
		sum = sum.Merge(RepeatOf(part, h.Whole()))
		b, _ := BaseOf(part, Span{From: h.FirstDay + 200, To: h.FirstDay + 300}, 90)
		base = base.Merge(b)
	}
	rest := h.Where(func(k int) bool { return in.Customer[h.Row[k]]%4 == 0 })
	sum = sum.Merge(RepeatOf(rest, h.Whole()))
	b, _ := BaseOf(rest, Span{From: h.FirstDay + 200, To: h.FirstDay + 300}, 90)
	base = base.Merge(b)
	want, _ := BaseOf(h, Span{From: h.FirstDay + 200, To: h.FirstDay + 300}, 90)
	if !reflect.DeepEqual(sum, whole) || base.Kept() != want.Kept() || base.Start != want.Start {
		t.Fatalf("%+v\n%+v", sum, whole)
	}
	past := h.Until(h.FirstDay + 99)
	if r := RepeatOf(h, Span{From: h.FirstDay, To: h.FirstDay + 99}); int64(past.Orders()) != r.Orders || past.LastDay != h.FirstDay+99 {
		t.Fatal("the past is not what was known then")
	}
}

func TestCalendarAgreesWithTheStandardLibrary(t *testing.T) {
	for day := int32(firstDay); day <= finalDay; day++ {
		at := time.Unix(int64(day)*86400, 0).UTC()
		y, m, d := Civil(day)
		if y != at.Year() || m != int(at.Month()) || d != at.Day() || Day(y, m, d) != day {
			t.Fatalf("day %d is %v, not %d-%d-%d", day, at, y, m, d)
		}
		iy, iw := at.ISOWeek()
		if got, want := Week.Label(Week.PeriodOf(day)), time.Date(iy, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")+"-W"+string([]byte{byte('0' + iw/10), byte('0' + iw%10)}); got != want {
			t.Fatalf("%v is in %s, not %s", at, got, want)
		}
		for _, g := range []Grain{Week, Month, Quarter, Year} {
			p := g.PeriodOf(day)
			if g.First(p) > day || g.Last(p) < day || g.PeriodOf(g.First(p)) != p || g.PeriodOf(g.Last(p)) != p {
				t.Fatalf("%v: %s %d runs from %d to %d", at, g, p, g.First(p), g.Last(p))
			}
		}
	}
}

// TestPartsMergeToTheWhole is the promise of the package: any figure over
// parts of the customers, merged in any shape, is the figure over all.
func TestPartsMergeToTheWhole(t *testing.T) {
	h := build(t, randomOrders(11, 40000, 5000))
	span := Span{From: h.FirstDay + 100, To: h.LastDay - 100}
	fifths, _ := StandingsOf(h, span.To).Fifths()
	early, _ := StandingsOf(h, span.From).Fifths()
	merges(t, "repeat", h, func(h *History) Repeat { return RepeatOf(h, span) })
	merges(t, "base", h, func(h *History) Base { b, _ := BaseOf(h, span, 90); return b })
	merges(t, "gaps", h, func(h *History) Gaps { return GapsOf(h, span) })
	merges(t, "revenue", h, func(h *History) Revenue { return RevenueOf(h, Month) })
	merges(t, "concentration", h, func(h *History) Concentration { return ConcentrationOf(h, span) })
	merges(t, "standings", h, func(h *History) Standings { return StandingsOf(h, span.To) })
	merges(t, "rfm", h, func(h *History) RFM { return RFMOf(h, span.To, fifths) })
	merges(t, "buyers", h, func(h *History) Buyers { return BuyersOf(h, span.To) })
	merges(t, "spenders", h, func(h *History) Spenders { return SpendersOf(h, span.To, true) })
	merges(t, "chances", h, func(h *History) Chances { return ChancesOf(h, Month) })
	merges(t, "movement", h, func(h *History) Movement {
		return MovementOf(h, Cut{span.From, early}, Cut{span.To, fifths})
	})
	for _, g := range []Grain{Week, Month, Quarter, Year} {
		merges(t, "cohorts", h, func(h *History) Cohorts { return CohortsOf(h, g) })
		merges(t, "cohorts since", h, func(h *History) Cohorts {
			return CohortsSince(h, g, func(i int) int32 { return h.Days(i)[0] + int32(h.ID[i]%50) })
		})
	}
}

func merges[T Partial[T]](t *testing.T, name string, h *History, figure func(*History) T) {
	t.Helper()
	whole := figure(h)
	r := rand.New(rand.NewPCG(3, 5))
	for range 5 {
		cuts := []int{0, h.Customers()}
		for range 1 + r.IntN(6) {
			cuts = append(cuts, r.IntN(h.Customers()))
		}
		slices.Sort(cuts)
		var parts []T
		for i := 1; i < len(cuts); i++ {
			if cuts[i] > cuts[i-1] {
				parts = append(parts, figure(h.Slice(cuts[i-1], cuts[i])))
			}
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		for len(parts) > 1 { // as a tree, not only one after the other
			var next []T
			for i := 0; i+1 < len(parts); i += 2 {
				next = append(next, parts[i].Merge(parts[i+1]))
			}
			if len(parts)%2 == 1 {
				next = append(next, parts[len(parts)-1])
			}
			parts = next
		}
		if !reflect.DeepEqual(parts[0], whole) {
			t.Fatalf("%s: the parts give\n%+v\nand the whole\n%+v", name, parts[0], whole)
		}
	}
}

func randomOrders(seed uint64, orders, customers int) Orders {
	r := rand.New(rand.NewPCG(seed, seed))
	var in Orders
	for range orders {
		c := int64(r.ExpFloat64() * float64(customers) / 4)
		in.Add(c*7919+1, int32(14000+r.IntN(900)), 1+int64(r.ExpFloat64()*5000))
	}
	return in
}

func TestTallyQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 60; n++ {
		values := make([]int64, n)
		for i := range values {
			values[i] = r.Int64N(20) * (1 + r.Int64N(2)*1_000_000_000)
		}
		tally := TallyOf(values)
		slices.Sort(values)
		if m, _ := tally.Median(); m != float64(values[(n-1)/2]+values[n/2])/2 {
			t.Fatal("median", m, values)
		}
		for i := 1; i <= n; i++ {
			if q, _ := tally.Quantile(float64(i) / float64(n)); q != values[i-1] {
				t.Fatalf("quantile %d/%d: %d of %v", i, n, q, values)
			}
		}
	}
	if _, ok := (Tally{}).Median(); ok {
		t.Fatal("a median of nothing")
	}
}

func TestConcentrationOfKnownPayments(t *testing.T) {
	var in Orders
	for c, paid := range []int64{800, 100, 50, 30, 20} {
		in.Add(int64(c+1), 100, paid)
	}
	h := build(t, in)
	c := ConcentrationOf(h, h.Whole())
	if share, _ := c.TopShare(0.2); share != 0.8 {
		t.Fatal(share)
	}
	if n, of, _ := c.Bring(0.8); n != 1 || of != 0.2 {
		t.Fatal(n, of)
	}
	if n, _, _ := c.Bring(0.81); n != 2 {
		t.Fatal(n)
	}
	var alike Orders
	for id := range int64(10) {
		alike.Add(id+1, 100, 10)
	}
	if n, of, _ := ConcentrationOf(build(t, alike), Span{From: 0, To: 200}).Bring(0.75); n != 8 || of != 0.8 {
		t.Fatal(n, of)
	}
	// Mean absolute difference of all pairs over twice the mean.
	if g, _ := c.Gini(); math.Abs(g-0.652) > 1e-12 {
		t.Fatal(g)
	}
}

func TestMoneyIsNeitherLostNorDoubled(t *testing.T) {
	h := onlineRetail(t)
	want := RepeatOf(h, h.Whole()).RevenueMinor
	var revenue, cohorts, rfm int64
	for _, p := range RevenueOf(h, Month).Rows {
		revenue += p.NewMinor + p.ReturningMinor
	}
	for _, row := range CohortsOf(h, Week).Rows {
		for _, v := range row.RevenueMinor {
			cohorts += v
		}
	}
	fifths, _ := StandingsOf(h, h.LastDay).Fifths()
	for _, g := range RFMOf(h, h.LastDay, fifths).Groups {
		rfm += g.RevenueMinor
	}
	if revenue != want || cohorts != want || rfm != want {
		t.Fatalf("orders %d, periods %d, cohorts %d, groups %d", want, revenue, cohorts, rfm)
	}
}

func TestFixedThresholdsScoreAsWritten(t *testing.T) {
	fixed := Thresholds{
		RecencyDays: [4]int64{30, 60, 90, 180}, Orders: [4]int64{1, 2, 4, 9},
		RevenueMinor: [4]int64{1000, 5000, 10000, 50000},
	}
	for _, c := range []struct {
		standing Standing
		score    Score
		group    Group
	}{
		{Standing{30, 10, 50001}, Score{5, 5, 5}, Champions},
		{Standing{31, 5, 50000}, Score{4, 4, 4}, Loyal},
		{Standing{1, 1, 1000}, Score{5, 1, 1}, NewCustomers},
		{Standing{181, 10, 1}, Score{1, 5, 1}, CannotLose},
		{Standing{400, 1, 1}, Score{1, 1, 1}, Hibernating},
		{Standing{180, 3, 5001}, Score{2, 3, 3}, AtRisk},
	} {
		got := fixed.Score(c.standing)
		if got != c.score || got.Group() != c.group {
			t.Errorf("%+v: %+v %s", c.standing, got, got.Group())
		}
	}
}

func TestMovementFollowsEveryCustomer(t *testing.T) {
	h := onlineRetail(t)
	middle := Day(2011, 6, 1)
	before, _ := StandingsOf(h, middle).Fifths()
	after, _ := StandingsOf(h, h.LastDay).Fifths()
	m := MovementOf(h, Cut{middle, before}, Cut{h.LastDay, after})
	var all, fresh int64
	for from := range m.Moved {
		for _, n := range m.Moved[from] {
			all += n
			if Group(from) == NotYet {
				fresh += n
			}
		}
	}
	then := RepeatOf(h, Span{From: h.FirstDay, To: middle}).Customers
	if all != 4338 || fresh != 4338-then {
		t.Fatalf("%d moved, %d of them new; %d were there", all, fresh, then)
	}
}

func TestGapsLeaveOrdersOfOneDayOut(t *testing.T) {
	var in Orders
	for _, day := range []int32{10, 10, 13, 20} {
		in.Add(1, day, 1)
	}
	in.Add(2, 5, 1)
	g := GapsOf(build(t, in), Span{From: 0, To: 100})
	if m, _ := g.MedianDays(); m != 5 || g.SameDay != 1 || g.Customers != 1 {
		t.Fatalf("%+v", g)
	}
}

func TestContractsKeepLogosGrossAndNet(t *testing.T) {
	c, err := ContractsOf([]int64{100, 100, 100, 0}, []int64{0, 30, 180, 40})
	if err != nil {
		t.Fatal(err)
	}
	logo, _ := c.Logo()
	gross, _ := c.Gross()
	net, _ := c.Net()
	if logo != 2.0/3 || gross != 130.0/300 || net != 210.0/300 || c.New != 1 || c.NewMinor != 40 {
		t.Fatalf("%+v", c)
	}
}

func TestNothingBoughtGivesNoFigureInsteadOfNaN(t *testing.T) {
	var in Orders
	in.Add(1, 100, 5)
	h := build(t, in).Until(99)
	r := RepeatOf(h, h.Whole())
	_, a := r.Rate()
	_, b := GapsOf(h, h.Whole()).MedianDays()
	_, c := ConcentrationOf(h, h.Whole()).TopShare(0.2)
	_, _, d := ConcentrationOf(h, h.Whole()).Bring(0.8)
	_, e := ConcentrationOf(h, h.Whole()).Gini()
	_, f := StandingsOf(h, 99).Fifths()
	if a || b || c || d || e || f || len(CohortsOf(h, Month).Rows) != 0 || len(RevenueOf(h, Month).Rows) != 1 {
		t.Fatal("a figure of nothing")
	}
}

func TestRevenueIsNewInTheMonthOfTheFirstOrder(t *testing.T) {
	var in Orders
	in.Add(1, Day(2024, 1, 5), 100)
	in.Add(1, Day(2024, 1, 20), 30)
	in.Add(1, Day(2024, 2, 2), 7)
	in.Add(1, Day(2024, 2, 3), 2)
	in.Add(2, Day(2024, 2, 10), 50)
	r := RevenueOf(build(t, in), Month)
	want := []PeriodRevenue{
		{NewCustomers: 1, NewOrders: 2, NewMinor: 130, FirstOrdersMinor: 100},
		{NewCustomers: 1, ReturningCustomers: 1, NewOrders: 1, ReturningOrders: 2, NewMinor: 50, ReturningMinor: 9, FirstOrdersMinor: 50},
	}
	if !slices.Equal(r.Rows, want) || r.Label(1) != "2024-02" || r.Running(0) || !r.Running(1) {
		t.Fatalf("%+v", r)
	}
	if b := r.Between(Span{From: Day(2024, 2, 1), To: Day(2024, 5, 1)}); len(b.Rows) != 1 || b.Rows[0] != want[1] {
		t.Fatalf("%+v", b)
	}
}

func TestADayIsReadAsItWasWritten(t *testing.T) {
	for _, s := range []string{"1970-01-01", "2011-12-09", "2024-02-29", "0001-03-01"} {
		if day, ok := ParseDay(s); !ok || DayText(day) != s {
			t.Errorf("%s was read as %s, %v", s, DayText(day), ok)
		}
	}
	for _, s := range []string{"", "2011-13-01", "2011-00-01", "2011-1-01", "2011-12-9x", "20111209"} {
		if _, ok := ParseDay(s); ok {
			t.Errorf("%q was taken for a day", s)
		}
	}
}
