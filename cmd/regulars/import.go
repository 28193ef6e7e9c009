package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"regulars/internal/app"
	"regulars/internal/doors/archive"
	"regulars/internal/doors/importers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

type importCmd struct {
	Files []string `arg:"" name:"file" type:"existingfile" help:"CSV, XLSX or fixed columns, also packed (.gz, .zst, .zip); or the archive of a whole database, into an empty one."`
	reading
	Source string `placeholder:"NAME" help:"Whose order numbers these are; the same number of two sources is two orders."`
	Errors string `placeholder:"FILE" help:"Write rows that cannot be read to FILE, to be mended and imported again."`
	DryRun bool   `help:"Only say what the file is and what its first rows mean; write nothing."`
	JSON   bool   `help:"Say what was done as JSON."`
}

func (c *importCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	if len(c.Files) == 1 && archive.Is(c.Files[0]) {
		return takeArchive(ctx, config, c.Files[0], out)
	}
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.DB.UseAlone(ctx); err != nil {
		return err
	}
	var done []importers.Import
	for _, file := range c.Files {
		im, err := c.file(ctx, a, file, out)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		done = append(done, im)
	}
	if c.DryRun {
		return nil
	}
	if err := c.tellWaiting(ctx, a.DB, out); err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprint(out, "Counting what this means for each customer… ")
	}
	started := time.Now()
	if err := a.Drain(ctx); err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(out).Encode(summaries(done))
	} else {
		fmt.Fprintf(out, "done in %s.\n", time.Since(started).Round(time.Millisecond))
	}
	if err == nil && slices.ContainsFunc(done, func(i importers.Import) bool { return i.Counts.Bad > 0 }) {
		err = errPartly
	}
	return err
}

// file brings one file in.
func (c *importCmd) file(ctx context.Context, a *app.App, path string, out io.Writer) (importers.Import, error) {
	settings, err := c.settings(ctx, a.DB, path, out)
	if err != nil {
		return importers.Import{}, err
	}
	open := func(ctx context.Context) (*sheet.Reader, error) {
		return sheet.Open(ctx, path, sheet.Options{Encoding: settings.Encoding, Table: settings.Table})
	}
	if c.DryRun {
		return importers.Import{}, importers.Explain(ctx, a.DB, settings, open, a.Modules.Catalog.For("en"), out)
	}
	i, err := c.begin(ctx, a.DB, path, settings)
	if err != nil {
		return importers.Import{}, err
	}
	say := newTeller(out, filepath.Base(path), c.JSON)
	err = importers.Run(ctx, a.DB, i, open, say.progress)
	im, readErr := importers.ByID(context.WithoutCancel(ctx), a.DB, i)
	if readErr != nil || err != nil {
		return im, errors.Join(err, readErr)
	}
	say.summary(im)
	if im.Counts.Bad > 0 && c.Errors != "" {
		err = c.writeErrors(ctx, a, im, open)
	}
	return im, err
}

// settings are what the file says of itself, what was remembered of files
// like it, and what was asked for, the last being right.
func (c *importCmd) settings(ctx context.Context, db *store.DB, path string, out io.Writer) (importers.Settings, error) {
	in, err := sheet.Open(ctx, path, sheet.Options{})
	if err != nil {
		return importers.Settings{}, err
	}
	defer in.Close()
	s, err := importers.Propose(ctx, db, in)
	if err != nil {
		return s, err
	}
	if s, err = c.over(s); err != nil {
		return s, err
	}
	if c.Source != "" {
		s.Source = c.Source
	}
	return s, c.settle(ctx, db, s, in.Header(), out)
}

// settle makes the file's currency and zone the business's own when nobody
// has chosen any yet, and says so: they are fixed with the first data. What
// was chosen on the command line is remembered for files with the same header.
func (c *importCmd) settle(ctx context.Context, db *store.DB, s importers.Settings, header []string, out io.Writer) error {
	shop, err := workspace.Load(ctx, db)
	if err == nil && shop.Demo {
		err = errs.Clash("", "regulars.demo-store")
	}
	if err != nil || c.DryRun {
		return err
	}
	chosen := !shop.Saved && s.Sells()
	if chosen {
		if s.Currency == "" {
			return errs.Wrong("currency", "regulars.currency-unsaid")
		}
		shop.Currency, shop.Zone = s.Currency, cmp.Or(s.Zone, shop.Zone)
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if chosen {
			if err := workspace.Save(ctx, tx, 0, shop); err != nil {
				return err
			}
		}
		if c.Layout == "" && len(c.Map) == 0 {
			return nil
		}
		return importers.Remember(ctx, tx, header, s)
	})
	if err == nil && chosen && !c.JSON {
		fmt.Fprintf(out, "Your sums are in %s and your days are those of %s, fixed with this first data. (--currency, --zone)\n", shop.Currency, shop.Zone)
	}
	return err
}

// begin writes the import down, or goes on with one of the same file that was
// broken off.
func (c *importCmd) begin(ctx context.Context, db *store.DB, path string, s importers.Settings) (id.Import, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return 0, err
	}
	hash := hex.EncodeToString(h.Sum(nil))
	before, found, err := importers.Before(ctx, db, hash, 0)
	if err != nil {
		return 0, err
	}
	if found && before.CreatedBy == 0 && (before.State == importers.Running || before.State == importers.Waiting) {
		return before.ID, nil
	}
	var i id.Import
	err = db.Tx(ctx, func(tx *store.Tx) error {
		i, err = importers.Create(ctx, tx, importers.Import{File: filepath.Base(path), Size: size, Hash: hash, Settings: s})
		return err
	})
	return i, err
}

func (c *importCmd) writeErrors(ctx context.Context, a *app.App, im importers.Import, open func(context.Context) (*sheet.Reader, error)) error {
	in, err := open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.Create(c.Errors)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	err = importers.WriteErrors(ctx, a.DB, im.ID, in.Header(), a.Modules.Catalog.For("en"), w)
	w.Flush()
	return errors.Join(err, w.Error(), f.Close())
}

// tellWaiting says which orders are in no sum for want of a rate.
func (c *importCmd) tellWaiting(ctx context.Context, db *store.DB, out io.Writer) error {
	waiting, err := orders.WaitingForRates(ctx, db)
	if err != nil || c.JSON {
		return err
	}
	for _, w := range waiting {
		fmt.Fprintf(out, "%d orders in %s are in no sum yet: give the rates under Orders, Exchange rates.\n", w.Orders, w.Currency)
	}
	return nil
}

// summary is an import as --json tells of it.
type summary struct {
	Import    id.Import `json:"import"`
	File      string    `json:"file"`
	Layout    string    `json:"layout"`
	Rows      int64     `json:"rows"`
	Bad       int64     `json:"bad_rows"`
	Orders    int64     `json:"orders_new"`
	Changed   int64     `json:"orders_changed"`
	Same      int64     `json:"orders_same"`
	Lines     int64     `json:"lines_new"`
	Customers int64     `json:"customers_new"`
	Words     int64     `json:"consents_new"`
	Skipped   int64     `json:"rows_skipped"`

	SubscriptionsNew     int `json:"subscriptions_new"`
	SubscriptionsChanged int `json:"subscriptions_changed"`
	SubscriptionsSame    int `json:"subscriptions_same"`
}

func summaries(done []importers.Import) []summary {
	var all []summary
	for _, i := range done {
		c := i.Counts
		all = append(all, summary{i.ID, i.File, i.Settings.Layout, i.Position, c.Bad, c.New, c.Changed, c.Same, c.Lines, c.Customers, c.Words, c.Skipped,
			c.Subscriptions.New, c.Subscriptions.Changed, c.Subscriptions.Same})
	}
	return all
}
