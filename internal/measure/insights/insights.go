// Package insights shows what the orders mean: how many customers come back,
// when, and what they bring, as pages, tables and files.
//
// Its one rule: no page computes. A job does, and keeps what came out by
// question, filter and version of the data; a page shows it with its time,
// and an old one, marked as such, rather than none. All figures come from
// measure/retention.
package insights

import (
	"embed"
	"net/url"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Filter says of which orders the figures are. The zero value is all of them,
// by week; Standing is what everybody looks at.
type Filter struct {
	From     string          `json:"from,omitempty"` // YYYY-MM-DD; empty: from the first order on
	To       string          `json:"to,omitempty"`   // empty: up to the last day known
	Channel  string          `json:"channel,omitempty"`
	Country  string          `json:"country,omitempty"`  // the customer's
	Category id.Category     `json:"category,omitempty"` // orders that hold something of it
	By       retention.Grain `json:"by"`                 // the periods of cohorts and lines
	Window   int32           `json:"window,omitempty"`   // days; 0: chosen by the customers' own gaps
}

// Standing is the filter of the figures that are kept up to date without being
// asked for.
var Standing = Filter{By: retention.Month}

// key writes a filter in one way.
func (f Filter) key() string {
	q := url.Values{"by": {f.By.String()}}
	for name, v := range map[string]string{"from": f.From, "to": f.To, "channel": f.Channel, "country": f.Country} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Category != 0 {
		q.Set("category", f.Category.String())
	}
	if f.Window != 0 {
		q.Set("window", strconv.Itoa(int(f.Window)))
	}
	return q.Encode()
}

// figuresQuestion is the question that all pages are answered by. Others, with
// an answer of another shape, stand beside it in the same table.
const figuresQuestion = "figures"
