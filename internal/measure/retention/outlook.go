package retention

// Outlook is the distribution of a number of visits: place k is the chance of
// exactly k.
type Outlook []float64

// Mean is the expected number.
func (o Outlook) Mean() float64 {
	var mean float64
	for k, p := range o {
		mean += float64(k) * p
	}
	return mean
}

// Quantile is the smallest number that is not exceeded with at least chance q.
func (o Outlook) Quantile(q float64) int {
	var upTo float64
	for k, p := range o {
		if upTo += p; upTo >= q-1e-12 {
			return k
		}
	}
	return len(o) - 1
}

// Interval holds the middle share of the distribution, such as 0.5 or 0.9.
func (o Outlook) Interval(share float64) (low, high int) {
	return o.Quantile((1 - share) / 2), o.Quantile((1 + share) / 2)
}
