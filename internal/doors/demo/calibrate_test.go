package demo

import (
	"testing"
	"time"

	"regulars/internal/measure/retention"
)

func demoFigures(t *testing.T, p *plan) figures {
	t.Helper()
	var in retention.Orders
	lines := 0
	first := p.day(Days - window)
	for _, s := range p.sales {
		if s.who < 0 || s.of != nil || !s.cancelled.IsZero() || s.at.Before(first) {
			continue
		}
		amount := s.sum()
		if s.koruna {
			amount /= 25
		}
		day, _ := time.Parse(time.DateOnly, s.at.Format(time.DateOnly))
		in.Add(int64(s.who+1), int32(day.Unix()/86400), amount)
		lines += len(s.lines)
	}
	return figuresOf(t, in, lines)
}

func TestFit(t *testing.T) {
	p, err := simulate(time.Date(2025, 12, 9, 0, 0, 0, 0, Settings.Location()), ownSeed, allCustomers)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", p.made())
	t.Logf("%+v", realStore(t))
	t.Logf("%+v", demoFigures(t, p))
}
