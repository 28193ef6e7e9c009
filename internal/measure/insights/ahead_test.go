package insights

import "testing"

func TestAMillionCustomersAreForecastFromFewerPasts(t *testing.T) {
	for customers, want := range map[int]int{0: 12, 4_338: 12, 250_000: 12, 500_000: 6, 1_000_000: 4, 50_000_000: 4} {
		if got := testsFor(customers); got != want {
			t.Errorf("%d customers: %d tests, want %d", customers, got, want)
		}
	}
}
