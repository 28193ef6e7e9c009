package importers

import (
	"context"
	"io"
	"slices"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// Preview is what can be said of a file before it comes in.
type Preview struct {
	Format     sheet.Format
	Header     []string
	Profile    sheet.Profile
	Notices    []error
	Settings   Settings // as chosen, or as proposed
	Layout     string   // the one that knows the header; empty: none
	Remembered bool     // somebody has chosen for such a header before
	Columns    map[string]Field
	AskDates   bool           // whether 3/4/2026 is in April or in March cannot be told
	Currency   money.Currency // of amounts that name none
	Zone       string         // of clocks that name none
	NoRate     money.Currency // amounts in it are not counted, for want of a rate; empty: all are
	Shop       workspace.Settings
	Records    []Told // what the first rows mean
	Wrong      error  // why it cannot be read so; an errs.Invalid
	Before     Import // of the same file; zero: none
}

// Told is what a row means, or why it cannot be read.
type Told struct {
	Record Record
	Bad    error
}

// told is how many rows a preview explains.
const told = 8

// Check looks at the file of an import that waits and changes nothing. A file
// that is no table is errs.Invalid.
func Check(ctx context.Context, q store.Querier, im Import) (Preview, error) {
	var p Preview
	var err error
	if p.Shop, err = workspace.Load(ctx, q); err != nil {
		return p, err
	}
	in, err := openSpooled(ctx, q, im)
	if err != nil {
		return p, err
	}
	defer in.Close()
	p.Format, p.Notices, p.Header = in.Format(), in.Notices(), slices.Clone(own(in.Header()))
	if p.Profile, err = sheet.Sample(in, sampled); err != nil {
		return p, err
	}
	if err := p.propose(ctx, q, im); err != nil {
		return p, err
	}
	p.understand()
	if p.Currency != p.Shop.Currency && p.Shop.Saved {
		if err := p.lookForRate(ctx, q); err != nil {
			return p, err
		}
	}
	if p.Before, _, err = Before(ctx, q, im.Hash, im.ID); err != nil {
		return p, err
	}
	return p, p.tell(ctx, q, im)
}

// propose takes what was chosen, or else what is known of such files, or else
// a guess.
func (p *Preview) propose(ctx context.Context, q store.Querier, im Import) error {
	if l, ok := Recognise(p.Header); ok {
		p.Layout = l.Name
	}
	s, found, err := known(ctx, q, p.Header, p.Profile)
	if err != nil {
		return err
	}
	p.Remembered = found && p.Layout == ""
	switch {
	case im.Settings.Layout != "":
		p.Settings = im.Settings
		return nil
	case found:
		p.Settings = s
	default:
		p.Settings = Guess(p.Profile)
	}
	p.Settings.Table, p.Settings.Encoding = im.Settings.Table, im.Settings.Encoding
	return nil
}

// understand works out what the settings mean for this header.
func (p *Preview) understand() {
	l, err := layoutOf(p.Settings, p.Header)
	p.Wrong = err
	p.Columns = map[string]Field{}
	for field, names := range l.Columns {
		p.Columns[names[0]] = field
	}
	p.Currency, p.Zone = p.Settings.Currency, p.Settings.Zone
	if p.Currency == "" {
		p.Currency = p.Shop.Currency
	}
	if p.Zone == "" {
		p.Zone = p.Shop.Zone
	}
	p.AskDates = false
	for _, c := range p.Profile.Columns {
		switch p.Columns[c.Name] {
		case Date, Promised, Delivered, Started, Ended, TrialEnd, PaidUntil:
			p.AskDates = p.AskDates || c.Dates.Ambiguous && p.Settings.Dates == sheet.OrderUnknown
		}
	}
}

// lookForRate notes when nothing is known of what the file's currency is
// worth.
func (p *Preview) lookForRate(ctx context.Context, q store.Querier) error {
	rates, err := orders.Rates(ctx, q, 100_000)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(rates, func(r orders.Rate) bool { return r.Currency == p.Currency }) {
		p.NoRate = p.Currency
	}
	return nil
}

// tell reads the first rows as the import would.
func (p *Preview) tell(ctx context.Context, q store.Querier, im Import) error {
	if p.Wrong != nil {
		return nil
	}
	read, err := newReader(p.Settings, p.Header, p.Shop.Currency, p.Shop.Location(), im.CreatedAt)
	if err != nil {
		p.Wrong = err
		return nil
	}
	in, err := openSpooled(ctx, q, im)
	if err != nil {
		return err
	}
	defer in.Close()
	c := newCutter(in, read, nil, 0)
	for range told {
		s := &slice{products: map[string]Item{}}
		rec, err := c.record(s)
		if err != nil {
			if err != io.EOF && ctx.Err() != nil {
				return err
			}
			return nil // what is wrong further down stands in the profile
		}
		if rec != nil {
			p.Records = append(p.Records, Told{Record: *rec})
		}
		for _, e := range s.errors {
			p.Records = append(p.Records, Told{Record: Record{Line: e.line}, Bad: e.why()})
		}
	}
	return nil
}

// why is the reason with its column.
func (e rowError) why() error {
	if e.column == "" {
		return e.reason
	}
	return errs.Wrong("", "importers.wrong.cell", "Column", e.column, "Reason", e.reason)
}

// Begin starts an import as it was chosen, remembering the choice for files
// with the same header. When nobody has said yet in which currency and zone
// the business counts, place is kept first: both are fixed with the first
// data.
func Begin(ctx context.Context, tx *store.Tx, by id.User, i id.Import, header []string, s Settings, place Place) error {
	shop, err := workspace.Load(ctx, tx)
	if err != nil {
		return err
	}
	if !shop.Saved {
		shop.Currency, shop.Zone = place.Currency, place.Zone
		if err := workspace.Save(ctx, tx, by, shop); err != nil {
			return err
		}
	}
	if _, err := newReader(s, header, shop.Currency, shop.Location(), tx.Now); err != nil {
		return err
	}
	if err := Choose(ctx, tx, i, s); err != nil {
		return err
	}
	if err := Remember(ctx, tx, header, s); err != nil {
		return err
	}
	return Start(ctx, tx, by, i)
}

// Place is where a business counts: its own currency and time zone.
type Place struct {
	Currency money.Currency
	Zone     string
}

// Speed is how an import gets on.
type Speed struct {
	Rows float64       // a second
	Left time.Duration // 0: cannot be told yet
}

// SpeedSince compares an import with where it was at a moment.
func (i Import) SpeedSince(rows, bytes int64, at, now time.Time) Speed {
	took := now.Sub(at).Seconds()
	if took <= 0 || i.Position <= rows {
		return Speed{}
	}
	s := Speed{Rows: float64(i.Position-rows) / took}
	if done := i.BytesDone - bytes; done > 0 && i.BytesTotal > i.BytesDone {
		s.Left = time.Duration(float64(i.BytesTotal-i.BytesDone) / float64(done) * took * float64(time.Second))
	}
	return s
}
