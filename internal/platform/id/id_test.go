package id

import (
	"encoding/json"
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

func TestInJSONAnIdIsItsText(t *testing.T) {
	type row struct {
		Of    Customer      `json:"of"`
		Count map[Order]int `json:"count"`
	}
	b, err := json.Marshal(row{42, map[Order]int{7: 1}})
	if want := `{"of":"cus_000000000001a","count":{"ord_0000000000007":1}}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
	var back row
	if err := json.Unmarshal(b, &back); err != nil || back.Of != 42 || back.Count[7] != 1 {
		t.Errorf("read back %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"of":"ord_0000000000007"}`), &back); err == nil {
		t.Error("an order passed as a customer")
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
