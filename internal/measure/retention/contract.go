package retention

import "fmt"

// Contracts compares what customers pay under contract at the start and at the
// end of a period. Customers who were not there at the start are not in it,
// except in New.
type Contracts struct {
	Customers       int64 `json:"customers"` // paid at the start
	Lost            int64 `json:"lost"`      // of them, pay nothing at the end
	New             int64 `json:"new"`       // pay at the end only
	StartMinor      int64 `json:"start_minor"`
	LostMinor       int64 `json:"lost_minor"`       // of those lost
	ContractedMinor int64 `json:"contracted_minor"` // less than before, of those who stay
	ExpandedMinor   int64 `json:"expanded_minor"`   // more than before, of those who stay
	NewMinor        int64 `json:"new_minor"`
}

// ContractsOf reads, place by place, what each customer pays a period at its
// start and at its end (zero: no contract). It fails on columns of different
// lengths and on negative amounts.
func ContractsOf(startMinor, endMinor []int64) (Contracts, error) {
	var c Contracts
	if len(startMinor) != len(endMinor) {
		return c, fmt.Errorf("columns differ in length: %d at the start, %d at the end", len(startMinor), len(endMinor))
	}
	for i, was := range startMinor {
		is := endMinor[i]
		switch {
		case was < 0 || is < 0:
			return Contracts{}, fmt.Errorf("contract %d has a negative amount", i)
		case was == 0 && is > 0:
			c.New++
			c.NewMinor += is
		case was > 0:
			c.Customers++
			c.StartMinor += was
			c.compare(was, is)
		}
	}
	return c, nil
}

func (c *Contracts) compare(was, is int64) {
	switch {
	case is == 0:
		c.Lost++
		c.LostMinor += was
	case is < was:
		c.ContractedMinor += was - is
	default:
		c.ExpandedMinor += is - was
	}
}

// Merge adds other customers.
func (c Contracts) Merge(d Contracts) Contracts {
	return Contracts{
		Customers: c.Customers + d.Customers, Lost: c.Lost + d.Lost, New: c.New + d.New,
		StartMinor: c.StartMinor + d.StartMinor, LostMinor: c.LostMinor + d.LostMinor,
		ContractedMinor: c.ContractedMinor + d.ContractedMinor,
		ExpandedMinor:   c.ExpandedMinor + d.ExpandedMinor, NewMinor: c.NewMinor + d.NewMinor,
	}
}

// Logo is the share of customers kept.
func (c Contracts) Logo() (float64, bool) { return ratio(c.Customers-c.Lost, c.Customers) }

// Gross is the share of the starting revenue kept, without expansion: never
// above 1.
func (c Contracts) Gross() (float64, bool) {
	return ratio(c.StartMinor-c.LostMinor-c.ContractedMinor, c.StartMinor)
}

// Net is the share of the starting revenue kept, with expansion.
func (c Contracts) Net() (float64, bool) {
	return ratio(c.StartMinor-c.LostMinor-c.ContractedMinor+c.ExpandedMinor, c.StartMinor)
}
