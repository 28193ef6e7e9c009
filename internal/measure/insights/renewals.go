package insights

import (
	"errors"
	"fmt"
	"slices"

	"regulars/internal/measure/retention"
)

// renewing is how contracts of the most usual period are renewed, and what is
// to be expected of those that run.
type renewing struct {
	Unit      string `json:"unit"` // of the period: day, week, month, year
	Every     int64  `json:"every"`
	Contracts int64  `json:"contracts"` // that were ever paid for
	Ended     int64  `json:"ended"`     // of them
	Others    int64  `json:"others"`    // contracts of another period

	// Trouble is why nothing can be expected; empty: the rest is there.
	Trouble  string                         `json:"trouble,omitempty"`
	Model    retention.ShiftedBetaGeometric `json:"model"`
	Horizon  int                            `json:"horizon"`        // renewals due of each within a year
	Due      int64                          `json:"due"`            // renewals within the horizon, were nobody to leave; of those with notice: before it
	Expected float64                        `json:"expected"`       // of all those due: how many will come
	Minor    int64                          `json:"expected_minor"` // and what they bring, at the prices of the last day
	Unvalued int64                          `json:"unvalued"`       // running contracts whose currency has no rate: not in Minor
	Ages     []age                          `json:"ages"`
}

// age is what is to be expected on average of contracts that were renewed so
// often.
type age struct {
	From    int     `json:"from"`
	To      int     `json:"to"` // 0: or more
	Running int64   `json:"running"`
	Next    float64 `json:"next"` // the chance of the next renewal
	Left    float64 `json:"left"` // renewals to be expected within the horizon
}

// ages are the rows of the table, by the numbers of renewals.
var ages = []age{{From: 0}, {From: 1, To: 1}, {From: 2, To: 2}, {From: 3, To: 5}, {From: 6, To: 11}, {From: 12, To: 23}, {From: 24, To: 35}, {From: 36}}

// holds reports whether contracts that were renewed so often are of the row.
func (a *age) holds(renewed int) bool {
	return renewed >= a.From && (renewed <= a.To || a.To == 0 && a.From > 0)
}

// renewing fits the model of renewals to the contracts of the most usual
// period.
func (k *comparing) renewing(asOf int32) (renewing, error) {
	type kind struct {
		unit  string
		every int64
	}
	kinds := map[kind]int64{}
	var usual kind
	for _, c := range k.terms.contracts {
		at := kind{c.unit, c.every}
		kinds[at]++
		if n, most := kinds[at], kinds[usual]; n > most || n == most && (at.unit < usual.unit || at.unit == usual.unit && at.every < usual.every) {
			usual = at
		}
	}
	r := renewing{Unit: usual.unit, Every: usual.every, Contracts: kinds[usual], Horizon: dueInAYear(usual.unit, usual.every)}
	var all retention.Renewals
	var running []contractOf
	for _, c := range k.terms.contracts {
		switch {
		case c.unit != usual.unit || c.every != usual.every:
			r.Others++
		case c.ended <= asOf:
			r.Ended++
			add(&all.Ended, c.endedAt())
		default:
			running = append(running, c)
			add(&all.Running, c.renewed(asOf))
		}
	}
	model, _, err := retention.FitShiftedBetaGeometric(all)
	var trouble *retention.Trouble
	if errors.As(err, &trouble) {
		r.Trouble = trouble.Key
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("fit the model of renewals: %w", err)
	}
	r.Model = model
	return r, k.expect(&r, running, asOf)
}

// expect looks ahead for the contracts that run.
func (k *comparing) expect(r *renewing, running []contractOf, asOf int32) error {
	r.Ages = slices.Clone(ages)
	var sum float64
	for _, c := range running {
		renewed := c.renewed(asOf)
		due, next := r.Horizon, r.Model.Retention(renewed+1)
		if c.ended < openEnd { // notice was given: what falls due until then
			if due = min(due, c.renewed(c.ended-1)-renewed); due == 0 {
				next = 0
			}
		}
		left := r.Model.Left(renewed, due)
		r.Due += int64(due)
		r.Expected += left
		a := &r.Ages[slices.IndexFunc(r.Ages, func(a age) bool { return a.holds(renewed) })]
		a.Running++
		a.Next += (next - a.Next) / float64(a.Running)
		a.Left += (left - a.Left) / float64(a.Running)
		worth, ok, err := k.exchange.Worth(k.ctx, k.q, c.price, retention.DayText(asOf))
		if err != nil {
			return fmt.Errorf("value a subscription: %w", err)
		}
		if !ok {
			r.Unvalued++
			continue
		}
		sum += left * float64(worth)
	}
	r.Minor = int64(sum + 0.5)
	return nil
}

func add(counts *[]int64, place int) {
	for len(*counts) <= place {
		*counts = append(*counts, 0)
	}
	(*counts)[place]++
}

// periodDays is about how long a period is.
func periodDays(unit string, every int64) float64 {
	return float64(every) * map[string]float64{"day": 1, "week": 7, "month": 30.436875, "year": 365.2425}[unit]
}

// dueInAYear is how many renewals of a contract fall due within a year.
func dueInAYear(unit string, every int64) int {
	return min(366, max(1, int(365.2425/periodDays(unit, every)+0.01)))
}

// renewed is how often a contract was renewed up to a day.
func (c *contractOf) renewed(day int32) int {
	if day < c.began {
		return 0
	}
	switch c.unit {
	case "day", "week":
		length := int64(1)
		if c.unit == "week" {
			length = 7
		}
		return int(int64(day-c.began) / (length * c.every))
	}
	every := int(c.every)
	if c.unit == "year" {
		every *= 12
	}
	y, m, d := retention.Civil(c.began)
	toY, toM, toD := retention.Civil(day)
	months := (toY-y)*12 + toM - m
	// One that began on the 31st is renewed on the last day of a shorter month.
	if _, _, lastD := retention.Civil(retention.Month.Last(retention.Month.PeriodOf(day))); toD < min(d, lastD) {
		months--
	}
	return months / every
}

// endedAt is at which chance to renew a contract ended. A source may say so a
// little late, after it tried in vain to collect: a fifth of a period is none.
func (c *contractOf) endedAt() int {
	late := int32(periodDays(c.unit, c.every) / 5)
	return c.renewed(c.ended-1-late) + 1
}
