package collect

import (
	"fmt"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// wander sends n events of a visitor.
func (s *site) wander(visitor string, n int) {
	s.t.Helper()
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"type":"track","anonymousId":%q,"event":"E%d","timestamp":%q}`, visitor, i, at(-n+i))
	}
	s.tell(all...)
}

func TestManyVisitorsKnownAtOnceAreMovedALittleAtATime(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		for _, v := range []string{"a", "b", "c"} {
			s.wander(v, 300)
		}
		s.tell(`{"type":"identify","userId":"1","anonymousId":"a"}`, `{"type":"identify","userId":"2","anonymousId":"b"}`, `{"type":"identify","userId":"1","anonymousId":"c"}`)
		for user, want := range map[string]int{"1": 600, "2": 300} {
			if got := s.story(s.customer(customers.External, "site:"+user).ID); len(got) != want {
				t.Errorf("the customer %s has %d events, want %d", user, len(got), want)
			}
		}
		if n := s.count(`select count(*) from visitor_events`) + s.count(`select cast(sum(waiting) as bigint) from collect_visitors`); n != 0 {
			t.Errorf("%d events still wait", n)
		}
	})
}

func TestOfAVisitorWhoNeverStopsTheNewestAreKept(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.wander("robot", 1200)
		n := s.count(`select count(*) from visitor_events`)
		if n < maxWaitingEvents || n > maxWaitingEvents+100+mostSlice {
			t.Errorf("%d events wait, want about %d", n, maxWaitingEvents)
		}
		if got := s.count(`select cast(waiting as bigint) from collect_visitors`); got != n {
			t.Errorf("%d are said to wait, %d do", got, n)
		}
		if s.count(`select count(*) from visitor_events where name = 'E1199'`) != 1 || s.count(`select count(*) from visitor_events where name = 'E0'`) != 0 {
			t.Error("it is not the oldest that went")
		}
	})
}

func TestAVisitorWhoDoesNotComeBackIsForgotten(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := open(t, db)
		s.wander("gone", 3)
		clock.Advance(keepVisitors - time.Hour)
		s.tell(`{"type":"page","anonymousId":"here"}`)
		clock.Advance(2 * time.Hour)
		if err := tidy(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if v, e := s.count(`select count(*) from collect_visitors`), s.count(`select count(*) from visitor_events`); v != 1 || e != 1 {
			t.Errorf("%d visitors and %d events are left, want one each", v, e)
		}
	})
}
