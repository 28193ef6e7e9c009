package insights

import (
	"testing"

	"regulars/internal/measure/retention"
)

func dayOf(t *testing.T, s string) int32 {
	t.Helper()
	d, ok := retention.ParseDay(s)
	if !ok {
		t.Fatalf("%s is no day", s)
	}
	return d
}

func TestRenewalsFollowTheCalendar(t *testing.T) {
	for _, k := range []struct {
		began, day, unit string
		every            int64
		want             int
	}{
		{"2026-01-15", "2026-02-14", "month", 1, 0}, {"2026-01-15", "2026-02-15", "month", 1, 1}, {"2026-01-15", "2027-01-15", "month", 1, 12},
		{"2026-01-31", "2026-02-27", "month", 1, 0}, {"2026-01-31", "2026-02-28", "month", 1, 1}, {"2026-01-31", "2026-03-30", "month", 1, 1},
		{"2026-01-31", "2026-03-31", "month", 1, 2}, {"2026-01-15", "2026-07-14", "month", 3, 1}, {"2026-01-15", "2026-07-15", "month", 3, 2},
		{"2024-02-29", "2025-02-28", "year", 1, 1}, {"2024-02-29", "2025-02-27", "year", 1, 0}, {"2024-02-29", "2027-02-28", "year", 2, 1},
		{"2026-01-01", "2026-01-14", "week", 1, 1}, {"2026-01-01", "2026-01-15", "week", 2, 1}, {"2026-01-01", "2026-01-31", "day", 10, 3},
		{"2026-01-15", "2025-12-31", "month", 1, 0},
	} {
		c := contractOf{began: dayOf(t, k.began), unit: k.unit, every: k.every}
		if got := c.renewed(dayOf(t, k.day)); got != k.want {
			t.Errorf("from %s every %d %s it was renewed %d times by %s, not %d", k.began, k.every, k.unit, got, k.day, k.want)
		}
	}
	for _, k := range []struct {
		began, ended, unit string
		want               int
	}{
		{"2026-01-15", "2026-01-15", "month", 1}, {"2026-01-15", "2026-01-20", "month", 1}, {"2026-01-15", "2026-02-15", "month", 1},
		{"2026-01-15", "2026-02-19", "month", 1}, {"2026-01-15", "2026-02-25", "month", 2}, {"2026-01-15", "2026-03-15", "month", 2},
		{"2025-01-15", "2026-01-15", "year", 1}, {"2025-01-15", "2026-06-15", "year", 2},
	} {
		c := contractOf{began: dayOf(t, k.began), ended: dayOf(t, k.ended), unit: k.unit, every: 1}
		if got := c.endedAt(); got != k.want {
			t.Errorf("from %s to %s it ended at chance %d, not %d", k.began, k.ended, got, k.want)
		}
	}
	for unit, want := range map[string]int{"day": 365, "week": 52, "month": 12, "year": 1} {
		if got := dueInAYear(unit, 1); got != want {
			t.Errorf("by the %s %d renewals fall due in a year, not %d", unit, got, want)
		}
	}
	if got := dueInAYear("year", 2); got != 1 {
		t.Errorf("every two years %d", got)
	}
}
