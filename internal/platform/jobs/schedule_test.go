package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func every(d time.Duration) func(time.Time) time.Time {
	return func(after time.Time) time.Time { return after.Truncate(d).Add(d) }
}

// timetable is one schedule, its clock, and how often it ran.
type timetable struct {
	*testing.T
	db    *store.DB
	clock *testkit.Clock
	kinds []jobs.Kind
	runs  int
	fail  error
}

func eachTimetable(t *testing.T, next func(time.Time) time.Time, test func(s *timetable)) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := &timetable{T: t, db: db, clock: clock}
		s.kinds = []jobs.Kind{{Name: "a.do", Attempts: 2, Next: next, Do: func(context.Context, *jobs.Job) error { s.runs++; return s.fail }}}
		test(s)
	})
}

// after lets time pass, tends, works, and checks how often it has run by then.
func (s *timetable) after(d time.Duration, want int) {
	s.Helper()
	s.clock.Advance(d)
	if err := jobs.Tend(s.Context(), s.db, s.kinds); err != nil {
		s.Fatal(err)
	}
	if err := jobs.Drain(s.Context(), s.db, s.kinds); err != nil && s.fail == nil {
		s.Fatal(err)
	}
	if s.runs != want {
		s.Fatalf("at %v: %d runs, want %d", s.db.Now(), s.runs, want)
	}
	only(s, s.db)
}

func TestAScheduleRunsAtItsTimesAndMissedOnesOnce(t *testing.T) {
	eachTimetable(t, every(time.Minute), func(s *timetable) {
		s.after(0, 0)
		s.after(59*time.Second, 0)
		s.after(time.Second, 1)
		s.after(0, 1)
		s.after(time.Minute, 2)
		s.after(10*time.Hour, 3) // 600 were missed
		s.after(59*time.Second, 3)
		s.after(time.Second, 4)
	})
}

func TestAScheduleGoesOnWhenTheClockIsSetBackAnHour(t *testing.T) {
	eachTimetable(t, every(time.Minute), func(s *timetable) {
		s.after(0, 0)
		s.after(time.Minute, 1)
		s.after(-time.Hour, 1)
		s.after(time.Minute, 2)
		s.after(time.Minute, 3)
	})
}

func TestADailyScheduleDoesNotRunTwiceWhenTheClockIsSetBackAnHour(t *testing.T) {
	eachTimetable(t, every(24*time.Hour), func(s *timetable) { // Start is 9:00
		s.after(0, 0)
		s.after(15*time.Hour+5*time.Minute, 1)
		s.after(-time.Hour, 1)
		s.after(2*time.Hour, 1)
		s.after(23*time.Hour, 2)
	})
}

func TestAScheduleThatFailsIsTriedAgainButNeverGivenUp(t *testing.T) {
	eachTimetable(t, every(time.Hour), func(s *timetable) {
		s.fail = errors.New("no")
		s.after(0, 0)
		s.after(time.Hour, 1)
		s.after(2*time.Second, 2) // the second and last attempt
		if l := only(s, s.db); l.State != jobs.Waiting || !l.Scheduled || l.Failure == "" || l.Due.Sub(s.db.Now()) < 50*time.Minute {
			s.Errorf("%+v", l)
		}
		s.fail = nil
		s.after(time.Hour, 3)
		if l := only(s, s.db); l.Failure != "" {
			s.Errorf("%+v", l)
		}
	})
}

func TestACancelledScheduleComesBackAtItsNextTime(t *testing.T) {
	eachTimetable(t, every(time.Hour), func(s *timetable) {
		s.after(0, 0)
		testkit.Do(s, s.db, func(tx *store.Tx) error {
			_, err := jobs.Cancel(s.Context(), tx, jobs.Filter{Kind: "a.do"})
			return err
		})
		s.after(time.Minute, 0)
		s.after(time.Hour, 1)
	})
}

func TestTwoRunnersMakeOneJobOfASchedule(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		kinds := []jobs.Kind{{Name: "a.do", Next: every(time.Hour), Do: func(context.Context, *jobs.Job) error { return nil }}}
		for range 3 {
			start(t, db, kinds, jobs.Options{})
		}
		soon(t, "the schedule has its job", func() bool { return len(list(t, db)) > 0 })
		time.Sleep(20 * time.Millisecond)
		if l := only(t, db); !l.Scheduled || !l.Due.Equal(testkit.Start.Add(time.Hour)) {
			t.Errorf("%+v", l)
		}
	})
}

// A worker dies, and then the clock is set back a day: nobody may wait a day
// for its lease to run out.
func TestALeaseFromBeforeTheClockWasSetBackRunsOutSoon(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		runs := 0
		kinds := []jobs.Kind{{Name: "a.do", Do: func(context.Context, *jobs.Job) error { runs++; return nil }}}
		enqueue(t, db, jobs.New{Kind: "a.do"})
		seize(t, db, kinds, 1)
		clock.Advance(-24 * time.Hour)
		if err := jobs.Tend(t.Context(), db, kinds); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
		seize(t, db, kinds, 0)
		if l := only(t, db); l.State != jobs.Waiting {
			t.Errorf("%+v", l)
		}
	})
}
