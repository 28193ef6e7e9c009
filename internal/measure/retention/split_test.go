package retention

import (
	"reflect"
	"slices"
	"testing"
)

func TestAnOpeningIsTheFirstPurchaseAndHoldsItsLargestLine(t *testing.T) {
	early, late := Opening{At: 5, Order: 9}, Opening{At: 6, Order: 1}
	if !early.Before(late) || late.Before(early) || early.Before(early) || !(Opening{At: 5, Order: 8}).Before(early) {
		t.Error("the earlier moment is first, and of one moment the lower order")
	}
	var o Opening
	for _, line := range []struct {
		label       int32
		minor, line int64
		most        bool
	}{{1, 0, 1, false}, {2, -5, 2, false}, {3, 700, 5, true}, {4, 699, 1, false}, {5, 700, 6, false}, {6, 700, 4, true}, {7, 701, 9, true}} {
		if got := o.Hold(line.label, line.minor, line.line); got != line.most || got && o.Label != line.label {
			t.Errorf("%+v: %t, and the order holds most of %d", line, got, o.Label)
		}
	}
}

func TestTheLargestGroupsAreShownAndTheRestAreOthers(t *testing.T) {
	var in Orders
	of := map[int64]int32{}
	for customer, label := range []int32{2, 0, 2, 1, 3, 2, 1, Elsewhere, Uncounted, 3, 4} {
		in.Add(int64(customer)+100, 20_000+int32(customer), 500)
		in.Add(int64(customer)+100, 20_100, 700)
		of[int64(customer)+100] = label
	}
	h, _, err := Build(in, Rules{LastDay: 20_200})
	if err != nil {
		t.Fatal(err)
	}
	g := GroupBy(h, 6, 2, func(i int) int32 { return of[h.ID[i]] })
	// 1 and 3 are equally large: the one numbered first is shown.
	if !slices.Equal(g.Shown, []int32{2, 1}) || g.Others != 2+1+1+1 || !slices.Equal(g.Sizes, []int64{1, 2, 3, 2, 1, 0}) {
		t.Errorf("%+v", g)
	}
	if all := GroupBy(h, 6, 9, func(i int) int32 { return of[h.ID[i]] }); !slices.Equal(all.Shown, []int32{2, 1, 3, 0, 4}) || all.Others != 1 {
		t.Errorf("none of nobody is shown: %+v", all)
	}
	part := h.Of(func(i int) bool { return g.Of[i] == 2 })
	want := h.Split(1, func(i int) int {
		if g.Of[i] == 2 {
			return 0
		}
		return -1
	})[0]
	if part.Customers() != 3 || !reflect.DeepEqual(part, want) {
		t.Errorf("%+v\n%+v", part, want)
	}
}
