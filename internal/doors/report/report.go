// Package report turns files of orders straight into a report: no server and
// no database, for the terminal, as one page to print, as JSON and as CSV.
//
// Its one rule: a figure is the one that importing the files and looking at
// the insights would show, and none is shown without what it is counted from;
// what cannot be known is said in words.
package report

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
)

// Files holds the page and the texts of this module.
//
//go:embed pages text
var Files embed.FS

// Options are what is asked of a report.
type Options struct {
	Sources  []importers.Source
	Currency money.Currency // of the business; empty: the first file's
	Zone     string         // of the business; empty: the first file's
	Today    time.Time
	By       retention.Grain // of cohorts and lines
	Window   int32           // days within which a buyer counts as a customer; 0: by their own gaps
	Top      int             // how many customers are listed
	All      bool            // fit the other models too
	Backtest bool            // repeat the forecast on the past
	Compare  Compare
	Split    retention.Split // by what customers are set side by side
	// Customers is given every customer, in no sequence that means anything,
	// from one goroutine; nil: not wanted.
	Customers func(Customer) error
	// Step is told what is being done, as the key of a text; nil: nobody
	// listens.
	Step func(key string)
}

// Compare is what the figures stand beside.
type Compare string

// The comparisons.
const (
	Alone      Compare = ""
	TwoFiles   Compare = "files"           // the second of two files beside the first
	TwoPeriods Compare = "previous-period" // the latest period beside the one before
)

// Report is everything that is said. Money is in minor units of Currency; a
// figure that cannot be known is null.
type Report struct {
	Files    []string       `json:"files"`
	Currency money.Currency `json:"currency"`
	Zone     string         `json:"zone"`
	Today    string         `json:"today"`
	FirstDay string         `json:"first_day,omitempty"`
	LastDay  string         `json:"last_day,omitempty"` // the last one known
	By       string         `json:"by"`

	Read    importers.LedgerCounts `json:"read"`
	Unread  []importers.UnreadRow  `json:"unread_rows,omitempty"` // the first of them
	LeftOut retention.LeftOut      `json:"left_out"`
	// Empty: there is no order to count; all that follows is zero.
	Empty bool `json:"empty,omitempty"`

	Customers     int64          `json:"customers"`
	Orders        int64          `json:"orders"`
	RevenueMinor  int64          `json:"revenue_minor"`
	Repeat        Repeat         `json:"repeat"`
	Retention     Retention      `json:"retention"`
	Periods       []Period       `json:"periods"`
	Cohorts       []Cohort       `json:"cohorts"`
	Average       []*float64     `json:"cohort_average"` // share kept in each period after the first
	Split         *Split         `json:"split,omitempty"`
	RFM           []Group        `json:"rfm"`
	Map           [5][5]int64    `json:"rfm_map"` // customers by [R-1][F-1]
	Between       Between        `json:"between_purchases"`
	Concentration *Concentration `json:"concentration"`

	Trouble  *Trouble   `json:"model_trouble,omitempty"`
	Models   []Model    `json:"models"`
	Alive    *float64   `json:"customers_alive"` // expected number who have not left
	FollowUp *FollowUp  `json:"follow_up,omitempty"`
	Forecast []Forecast `json:"forecast"`
	Backtest *Backtest  `json:"backtest,omitempty"`
	Money    *MoneyCase `json:"money_case,omitempty"`
	Compared *Compared  `json:"compared,omitempty"`

	// ReadSeconds is how long reading the files took, of Seconds in all.
	ReadSeconds float64 `json:"read_seconds"`
	Seconds     float64 `json:"seconds"`
}

// Make reads the files and works everything out. What is wrong with them is
// errs.Invalid; nothing to count is a report that says so.
func Make(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	started := time.Now()
	if o.Compare == TwoFiles {
		return makeBeside(ctx, o, started)
	}
	r, _, err := makeOne(ctx, o)
	if err != nil {
		return nil, err
	}
	r.Seconds = time.Since(started).Seconds()
	return r, nil
}

func (o *Options) check() error {
	switch {
	case len(o.Sources) == 0:
		return errs.Wrong("file", "report.wrong.file")
	case o.Compare == TwoFiles && len(o.Sources) != 2:
		return errs.Wrong("compare", "report.wrong.two-files")
	case o.Compare != Alone && o.Compare != TwoFiles && o.Compare != TwoPeriods:
		return errs.Wrong("compare", "report.wrong.compare")
	case !slices.Contains(retention.Splits, o.Split):
		return errs.Wrong("split", "report.wrong.split")
	case o.Window < 0 || o.Window > 3650:
		return errs.Wrong("window", "report.wrong.window")
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	o.Top = min(max(o.Top, 0), 10_000)
	return nil
}

// makeOne makes the report of all files together.
func makeOne(ctx context.Context, o Options) (*Report, *figures, error) {
	r := &Report{By: o.By.String()}
	for _, s := range o.Sources {
		r.Files = append(r.Files, s.Name)
	}
	o.Step("report.step.read")
	started := time.Now()
	ledger, err := importers.ReadLedger(ctx, o.Sources, importers.LedgerOptions{Currency: o.Currency, Zone: o.Zone, Now: o.Today, Split: o.Split})
	if err != nil {
		return nil, nil, err
	}
	r.ReadSeconds = time.Since(started).Seconds()
	r.Currency, r.Zone = ledger.Currency, ledger.Zone.String()
	r.Read, r.Unread = ledger.Counts, ledger.Bad
	today := dayOf(o.Today.In(ledger.Zone))
	r.Today = dayText(today)
	o.Step("report.step.sort")
	f := &figures{options: o, report: r, ledger: ledger}
	if err := f.build(today); err != nil {
		if errors.Is(err, retention.ErrNoOrders) {
			r.Empty = true
			return r, f, nil
		}
		return nil, nil, fmt.Errorf("sort the orders: %w", err)
	}
	return r, f, f.all(ctx)
}

// dayOf is the calendar day of a moment, in its zone.
func dayOf(t time.Time) int32 {
	y, m, d := t.Date()
	return retention.Day(y, int(m), d)
}

// dayText writes a day as YYYY-MM-DD.
func dayText(day int32) string {
	y, m, d := retention.Civil(day)
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}
