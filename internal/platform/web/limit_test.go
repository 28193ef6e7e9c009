package web

import (
	"fmt"
	"testing"
	"time"
)

func TestALimiterFillsAgainEvenly(t *testing.T) {
	at, l := time.Unix(1_000_000, 0), NewLimiter(60)
	for i := range 60 {
		if q := l.Take("a", at); !q.OK || q.Left != 59-i {
			t.Fatalf("try %d: %+v", i, q)
		}
	}
	if q := l.Take("a", at); q.OK || q.Wait != time.Second || Seconds(q.Reset) != 60 {
		t.Errorf("%+v", q)
	}
	if q := l.Take("b", at); !q.OK {
		t.Error("somebody else is refused")
	}
	if q := l.Take("a", at.Add(999*time.Millisecond)); q.OK {
		t.Error("a wait that was cut short")
	}
	if q := l.Take("a", at.Add(time.Second)); !q.OK {
		t.Errorf("a wait that was kept: %+v", q)
	}
	if q := l.Take("a", at.Add(-time.Hour)); q.OK {
		t.Error("a clock that went back gave tries away")
	}
}

func TestALimiterRemembersOnlySoMany(t *testing.T) {
	at, l := time.Unix(1_000_000, 0), NewLimiter(2)
	for i := range 3 * maxBuckets / 2 {
		l.Take(fmt.Sprint(i), at)
	}
	if n := len(l.buckets); n > maxBuckets {
		t.Errorf("%d are remembered", n)
	}
}
