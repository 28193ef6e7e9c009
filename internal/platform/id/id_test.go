package id

import (
	"math/rand/v2"
	"sync"
	"testing"
)

func TestShownIdIsReadBackAndSortsAsTheNumberDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		a, b := r.Int64(), r.Int64()
		for _, v := range []int64{a, b, 0, 1<<63 - 1} {
			got, err := Parse("cus", Show("cus", v))
			if err != nil || got != v {
				t.Fatalf("Parse(Show(%d)) = %d, %v", v, got, err)
			}
		}
		if (a < b) != (Show("cus", a) < Show("cus", b)) {
			t.Fatalf("%d and %d sort otherwise as text", a, b)
		}
	}
}

func TestWrongIdsAreRefused(t *testing.T) {
	good := Show("cus", 42)
	for _, s := range []string{"", "cus_", "ord_" + good[4:], good + "0", good[:len(good)-1],
		"cus_zzzzzzzzzzzzz", "cus_000000000000l", "CUS_0000000000000"} {
		if _, err := ParseCustomer(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestIdsOnlyGrowWhenTheClockRunsBackOrABurstFillsAMillisecond(t *testing.T) {
	m := NewMaker(7, Epoch)
	last := int64(-1)
	for i := range 100_000 {
		at := int64(Epoch + 5000)
		if i > 50_000 {
			at -= 3_600_000
		}
		v := m.New(at)
		if v <= last {
			t.Fatalf("id %d after %d", v, last)
		}
		last = v
	}
}

func TestManyGoroutinesNeverShareAnId(t *testing.T) {
	m, seen, mu := NewMaker(1, Epoch), map[int64]bool{}, sync.Mutex{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 5000 {
				v := m.New(Epoch + int64(i/100))
				mu.Lock()
				if seen[v] {
					t.Errorf("id %d twice", v)
				}
				seen[v] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestANewHolderOfANodeStartsAfterTheOldOne(t *testing.T) {
	old := NewMaker(3, Epoch)
	var last int64
	for range 20_000 {
		last = old.New(Epoch + 1000)
	}
	if v := NewMaker(3, old.LastMs()).New(Epoch); v <= last {
		t.Fatalf("new holder made %d, the old one had %d", v, last)
	}
}

func FuzzParseNeverPanics(f *testing.F) {
	f.Add("cus_0000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseCustomer(s); err == nil && v.String() != s {
			t.Errorf("%q became %s", s, v)
		}
	})
}
