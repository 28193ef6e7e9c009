package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"regulars/internal/app"
	"regulars/internal/doors/importers"
	"regulars/internal/doors/report"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
)

type reportCmd struct {
	reading
	Files    []string `arg:"" name:"file" type:"existingfile" help:"CSV, XLSX or fixed columns, also packed (.gz, .zst, .zip)."`
	HTML     string   `placeholder:"FILE" help:"Write the report as one page to keep, send or print."`
	JSON     bool     `help:"Say it as JSON."`
	CSV      string   `placeholder:"DIR" help:"Write the tables, and every customer, as CSV into a folder."`
	By       string   `enum:"week,month,quarter,year" default:"month" help:"The periods of cohorts and lines: ${enum}."`
	Split    string   `placeholder:"channel|country|category|product" help:"Set customers side by side by their country, or by the channel, category or product of their first order: the largest groups, and the others together."`
	Compare  string   `placeholder:"files|previous-period" help:"Set the second of two files beside the first, or the latest period beside the one before."`
	Models   string   `enum:"usual,all" default:"usual" help:"Fit the usual models or all of them: ${enum}."`
	Backtest bool     `help:"Repeat the forecast on the past, and learn its intervals from that."`
	Window   int32    `placeholder:"DAYS" help:"For how long after an order somebody counts as a customer; otherwise the customers' own gaps tell."`
	Top      int      `default:"20" help:"How many customers to list."`
	Today    string   `placeholder:"DAY" help:"Make it as of another day, as 2026-03-31."`
}

// reportMemory is what the Go runtime is asked to stay below while there is a
// choice: it collects more often instead of growing.
const reportMemory = 1 << 30

func (c *reportCmd) Run(ctx context.Context, out io.Writer) error {
	debug.SetMemoryLimit(reportMemory)
	o, err := c.options(ctx)
	if err != nil {
		return err
	}
	say := &stepTeller{quiet: !isTerminal(os.Stderr)}
	texts, err := app.Catalog(own)
	if err != nil {
		return err
	}
	p := texts.For("en")
	say.printer = p
	o.Step = say.step
	for i := range o.Sources {
		o.Sources[i].Progress = say.progress
	}
	var all *report.CustomersFile
	if c.CSV != "" {
		if err := os.MkdirAll(c.CSV, 0o750); err != nil {
			return errs.Wrong("csv", "regulars.folder", "Folder", c.CSV)
		}
		if all, err = report.NewCustomersFile(c.CSV); err != nil {
			return err
		}
		defer all.Close()
		o.Customers = all.Add
	}
	r, err := report.Make(ctx, o)
	say.end()
	if field := errs.FieldOf(err); err != nil && slices.Contains(importers.Fields, importers.Field(field)) {
		return fmt.Errorf("%w (with --map %s=COLUMN)", err, field)
	}
	if err != nil {
		return err
	}
	if all != nil {
		if err := errors.Join(all.Close(), report.CSV(c.CSV, r)); err != nil {
			return err
		}
	}
	return c.write(out, r, p)
}

// write shows the report in all the ways asked for.
func (c *reportCmd) write(out io.Writer, r *report.Report, p *locale.Printer) error {
	paper := report.Write(r, p)
	if c.HTML != "" {
		f, err := os.Create(c.HTML)
		if err != nil {
			return errs.Wrong("html", "regulars.file", "File", c.HTML)
		}
		if err := errors.Join(report.HTML(f, paper, p), f.Close()); err != nil {
			return err
		}
	}
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else if err := report.Text(out, paper, screen(out)); err != nil {
		return err
	}
	if r.Read.Bad > 0 {
		return errPartly
	}
	return nil
}

// screen is what the report is shown on.
func screen(out io.Writer) report.Screen {
	s := report.Screen{Width: 100, Colour: isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 60 {
		s.Width = min(n, 160)
	}
	return s
}

// options reads the flags and what the files say of themselves.
func (c *reportCmd) options(ctx context.Context) (report.Options, error) {
	o := report.Options{Today: time.Now(), Window: c.Window, Top: c.Top, All: c.Models == "all", Backtest: c.Backtest, Compare: report.Compare(c.Compare), Split: retention.Split(c.Split), Zone: c.Zone}
	var err error
	if o.By, err = retention.ParseGrain(c.By); err != nil {
		return o, errs.Wrong("by", "regulars.by")
	}
	if c.Today != "" {
		if o.Today, err = time.Parse(time.DateOnly, c.Today); err != nil {
			return o, errs.Wrong("today", "regulars.today", "Day", c.Today)
		}
		o.Today = o.Today.Add(12 * time.Hour)
	}
	if c.Currency != "" {
		if o.Currency, err = money.ParseCurrency(c.Currency); err != nil {
			return o, errs.Wrong("currency", "regulars.currency", "Currency", c.Currency)
		}
	}
	seen := map[string]bool{}
	for _, path := range c.Files {
		full, err := filepath.Abs(path)
		if err != nil {
			return o, err
		}
		if seen[full] {
			return o, errs.Wrong("file", "regulars.twice", "File", path)
		}
		seen[full] = true
		s, err := c.source(ctx, path)
		if err != nil {
			return o, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		o.Sources = append(o.Sources, s)
	}
	return o, nil
}

// source is a file with its settings: what it says of itself, and what was
// asked for, the latter being right.
func (c *reportCmd) source(ctx context.Context, path string) (importers.Source, error) {
	s, err := importers.FileSource(ctx, path)
	if err != nil {
		return s, err
	}
	s.Settings, err = c.over(s.Settings)
	return s, err
}

// stepTeller says on standard error what is being done, to a person who
// watches.
type stepTeller struct {
	quiet   bool
	printer *locale.Printer

	mu   sync.Mutex
	now  string
	last time.Time
}

func (t *stepTeller) step(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.last = t.printer.T(key), time.Now()
	t.show(t.now + "…")
}

func (t *stepTeller) progress(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if total <= 0 || time.Since(t.last) < 200*time.Millisecond {
		return
	}
	t.last = time.Now()
	t.show(t.now + ": " + t.printer.T("report.progress", "Percent", t.printer.Percent(min(1, float64(done)/float64(total)), 0)))
}

func (t *stepTeller) show(line string) {
	if !t.quiet {
		fmt.Fprint(os.Stderr, "\r\033[K"+line)
	}
}

func (t *stepTeller) end() { t.show("") }
