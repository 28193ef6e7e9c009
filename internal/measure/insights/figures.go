package insights

import (
	"errors"
	"fmt"
	"math"

	"regulars/internal/measure/retention"
)

// Figures are everything that the pages show of one filter. Money is in minor
// units of the business's own currency.
type Figures struct {
	// Empty: nobody bought in these days. The rest but AsOf and LeftOut is zero.
	Empty   bool              `json:"empty,omitempty"`
	AsOf    int32             `json:"as_of"`    // the last day that counts
	Today   int32             `json:"today"`    // at the business
	Span    retention.Span    `json:"span"`     // the days that the figures are of
	First   int32             `json:"first"`    // the day of the first order of all
	LeftOut retention.LeftOut `json:"left_out"` // orders that cannot count
	// Unvalued purchases wait for a rate: orders of nothing until then.
	Unvalued int64 `json:"unvalued"`

	Ever   int64             `json:"ever"` // customers up to AsOf, whenever they bought
	Orders int64             `json:"orders"`
	Repeat retention.Repeat  `json:"repeat"` // in Span
	Gaps   retention.Gaps    `json:"gaps"`   // ended in Span
	Window Window            `json:"window"`
	Base   retention.Base    `json:"base"` // of the period of the retention rate
	Bases  []retention.Base  `json:"bases"`
	Rows   retention.Cohorts `json:"cohorts"`
	RFM    retention.RFM     `json:"rfm"` // as of AsOf
	Money  retention.Revenue `json:"revenue"`
	Beside []Takings         `json:"beside"` // one a row of Money
	// Periods before these were left out: the tables end somewhere.
	Shortened bool     `json:"shortened,omitempty"`
	Channels  []string `json:"channels,omitempty"` // of Standing: all in use
}

// Window is the number of days within which a buyer counts as a customer.
type Window struct {
	Days   int32 `json:"days"`
	Chosen bool  `json:"chosen"` // by a person
	// Within is how many of all gaps between purchases are no longer.
	Within int64 `json:"within"`
	Of     int64 `json:"of"`
}

// Takings are what a period brought beside the purchases of customers.
type Takings struct {
	WalkinMinor   int64 `json:"walkin_minor"`
	WalkinOrders  int64 `json:"walkin_orders"`
	ReturnedMinor int64 `json:"returned_minor"`
	Returns       int64 `json:"returns"`
	OtherMinor    int64 `json:"other_minor"`
}

// longest is how many periods a table shows.
const longest = 104

// figure computes what the columns of a filter come to.
func figure(f Filter, c *columns) (*Figures, error) {
	fig := &Figures{AsOf: c.asOf, Today: c.today, Unvalued: c.unvalued, Channels: c.channels}
	h, left, err := c.purchases.History()
	fig.LeftOut = left
	if err != nil && !errors.Is(err, retention.ErrNoOrders) {
		return nil, fmt.Errorf("build the history: %w", err)
	}
	if to, ok := retention.ParseDay(f.To); ok {
		fig.AsOf = min(fig.AsOf, to)
	}
	if err == nil {
		if fig.AsOf < c.today {
			h = h.Until(fig.AsOf)
		}
		fig.Empty = h.Orders() == 0
	} else {
		fig.Empty = true
	}
	if fig.Empty {
		return fig, nil
	}
	fig.First = h.FirstDay
	fig.Span = retention.Span{From: h.FirstDay, To: fig.AsOf}
	if from, ok := retention.ParseDay(f.From); ok {
		fig.Span.From = max(from, h.FirstDay)
	}
	fig.Repeat = retention.RepeatOf(h, fig.Span)
	if fig.Repeat.Customers == 0 {
		return &Figures{Empty: true, AsOf: fig.AsOf, Today: fig.Today, LeftOut: left, Channels: c.channels}, nil
	}
	fig.Ever, fig.Orders = int64(h.Customers()), int64(h.Orders())
	fig.Gaps = retention.GapsOf(h, fig.Span)
	fig.Window = windowOf(h, f.Window)
	if fig.Base, err = retention.BaseOf(h, period(f, fig, h), fig.Window.Days); err != nil {
		return nil, fmt.Errorf("count the customers of a period: %w", err)
	}
	if err := fig.lines(f, h); err != nil {
		return nil, err
	}
	if t, ok := retention.StandingsOf(h, fig.AsOf).Fifths(); ok {
		fig.RFM = retention.RFMOf(h, fig.AsOf, t)
	}
	fig.Beside = beside(fig.Money, c.days, fig.AsOf)
	return fig, nil
}

// lines are the figures by period: those that the span touches, whole.
func (fig *Figures) lines(f Filter, h *retention.History) error {
	shown := fig.Span
	earliest := f.By.First(f.By.PeriodOf(fig.AsOf) - longest + 1)
	if shown.From < earliest {
		shown.From, fig.Shortened = earliest, true
	}
	first := f.By.First(f.By.PeriodOf(shown.From))
	fig.Rows = retention.CohortsSince(h, f.By, func(i int) int32 {
		if began := h.Days(i)[0]; began >= first {
			return began
		}
		return retention.NoDay
	})
	fig.Money = retention.RevenueOf(h, f.By).Between(shown)
	var err error
	if fig.Bases, err = retention.BasesOf(h, f.By, shown, fig.Window.Days); err != nil {
		return fmt.Errorf("count the customers of each period: %w", err)
	}
	return nil
}

// windowOf is the window asked for, or the shortest that holds four of five
// gaps between two purchases of a customer.
func windowOf(h *retention.History, asked int32) Window {
	gaps := retention.GapsOf(h, h.Whole()).Days
	w := Window{Days: asked, Chosen: asked > 0, Of: gaps.N()}
	if asked <= 0 {
		w.Days = retention.WindowFor(gaps)
	}
	for i, days := range gaps.Value {
		if days <= int64(w.Days) {
			w.Within += gaps.Count[i]
		}
	}
	return w
}

// period is the period of the retention rate: the range asked for, or else
// the longest of a year, a quarter and a month up to now before which a whole
// window is known.
func period(f Filter, fig *Figures, h *retention.History) retention.Span {
	if _, ok := retention.ParseDay(f.From); ok {
		return fig.Span
	}
	span := retention.Span{To: fig.AsOf}
	for _, months := range []int{12, 3, 1} {
		span.From = back(fig.AsOf, months) + 1
		if h.FirstDay <= span.From-fig.Window.Days {
			break
		}
	}
	return span
}

// beside folds days into the periods of the revenue.
func beside(money retention.Revenue, days map[int32]*sales, asOf int32) []Takings {
	rows := make([]Takings, len(money.Rows))
	for day, s := range days {
		i := int(money.Grain.PeriodOf(day) - money.First)
		if i < 0 || i >= len(rows) || day > asOf {
			continue
		}
		t := &rows[i]
		t.WalkinMinor += s.walkin
		t.WalkinOrders += s.walkinOrders
		t.ReturnedMinor += s.returned
		t.Returns += s.returns
		t.OtherMinor += s.other
	}
	return rows
}

// total adds the periods up.
func (fig *Figures) total() (money retention.PeriodRevenue, rest Takings) {
	for i, p := range fig.Money.Rows {
		money.NewMinor += p.NewMinor
		money.ReturningMinor += p.ReturningMinor
		money.NewOrders += p.NewOrders
		money.ReturningOrders += p.ReturningOrders
		t := fig.Beside[i]
		rest.WalkinMinor += t.WalkinMinor
		rest.WalkinOrders += t.WalkinOrders
		rest.ReturnedMinor += t.ReturnedMinor
		rest.Returns += t.Returns
		rest.OtherMinor += t.OtherMinor
	}
	return money, rest
}

// net is what is left of a period's takings when returns are taken off.
func net(p retention.PeriodRevenue, t Takings) int64 {
	return p.NewMinor + p.ReturningMinor + t.WalkinMinor + t.OtherMinor - t.ReturnedMinor
}

// known turns a figure that may be unknown into a point of a line, or a gap.
func known(v float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return v
}
