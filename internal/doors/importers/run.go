package importers

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// opener opens the file of an import from its start.
type opener func(ctx context.Context) (*sheet.Reader, error)

// Run brings a file in from where it stopped until it is complete, telling
// progress after each slice (nil: nobody listens). It may be killed at any
// moment and run again; of two of it on one import only one goes on, the other
// returns an errs.Conflict. What is
// wrong with the file is kept with the import and returned as errs.Invalid.
func Run(ctx context.Context, db *store.DB, i id.Import, open opener, progress func(Import)) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update imports set started_at = $1 where id = $2 and started_at is null`, tx.Now.UnixMicro(), int64(i))
		if err != nil {
			return err
		}
		return setState(ctx, tx, i, Running, Waiting, Running, Failed, Stopped)
	})
	if err != nil {
		return err
	}
	err = run(ctx, db, i, open, progress)
	if err != nil && ctx.Err() == nil && !errs.Is(err, errs.Internal) && !errors.Is(err, errElsewhere) {
		// The file is at fault, not the moment: trying again would not help.
		return errors.Join(err, fail(ctx, db, i, err))
	}
	return err
}

// errElsewhere means that the import was stopped or taken further by another.
var errElsewhere = errs.Clash("", "importers.wrong.elsewhere")

func fail(ctx context.Context, db *store.DB, i id.Import, why error) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update imports set state = 'failed', message = $1, finished_at = $2 where id = $3 and state = 'running'`,
			errs.Pack(why), tx.Now.UnixMicro(), int64(i))
		return err
	})
}

func run(ctx context.Context, db *store.DB, i id.Import, open opener, progress func(Import)) error {
	im, err := ByID(ctx, db, i)
	if err != nil {
		return err
	}
	p, err := newPlacer(ctx, db, im)
	if err != nil {
		return err
	}
	scattered, err := p.survey(ctx, open)
	if err != nil {
		return err
	}
	in, err := open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	read, err := p.reader(in)
	if err != nil {
		return err
	}
	if err := p.keepHeader(ctx, in.Header()); err != nil {
		return err
	}
	_, p.im.BytesTotal = in.Progress()
	return p.all(ctx, newCutter(in, read, scattered, im.Position), progress)
}

// placer brings the slices of one import in.
type placer struct {
	db   *store.DB
	im   Import
	asOf time.Time // what the file says was so then: when it came in first
	shop workspace.Settings
}

func newPlacer(ctx context.Context, db *store.DB, im Import) (*placer, error) {
	shop, err := workspace.Load(ctx, db)
	if err != nil {
		return nil, err
	}
	asOf, err := firstTold(ctx, db, im)
	return &placer{db: db, im: im, asOf: asOf, shop: shop}, err
}

func (p *placer) reader(in *sheet.Reader) (*reader, error) {
	return newReader(p.im.Settings, in.Header(), p.shop.Currency, p.shop.Location(), p.asOf)
}

// survey reads the file once to see which orders are scattered over it.
func (p *placer) survey(ctx context.Context, open opener) (map[uint64]int, error) {
	in, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	read, err := p.reader(in)
	if err != nil {
		return nil, err
	}
	return scatter(in, read)
}

// all reads ahead on one core while slices are written on another.
func (p *placer) all(ctx context.Context, c *cutter, progress func(Import)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type cut struct {
		s   *slice
		err error
	}
	cuts := make(chan cut, 1)
	rows := p.db.SliceRows()
	if c.read.layout.subscribes() {
		rows /= 20 // each is some statements of its own
	}
	go func() {
		defer close(cuts)
		for {
			s, err := c.next(rows)
			select {
			case cuts <- cut{s, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for cut := range cuts {
		if err := p.slice(ctx, cut.s); err != nil {
			return err
		}
		if progress != nil {
			progress(p.im)
		}
		switch {
		case cut.err == io.EOF:
			return p.complete(ctx, progress)
		case cut.err != nil:
			return cut.err
		}
	}
	return ctx.Err()
}

func (p *placer) write(ctx context.Context, s *slice) error {
	next := p.im
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		next = p.im
		next.Position, next.BytesDone = s.rows, s.bytes
		counts, err := p.place(ctx, tx, s)
		if err != nil {
			return err
		}
		counts.Bad, counts.Skipped = int64(len(s.errors)), s.skipped
		if err := p.keepErrors(ctx, tx, s.errors); err != nil {
			return err
		}
		next.Counts.add(counts)
		c := next.Counts
		n, err := tx.Exec(ctx, `
			update imports set position = $1, bytes_done = $2, bytes_total = $3, rows_bad = $4, orders_new = $5,
				orders_changed = $6, orders_same = $7, lines_new = $8, customers_new = $9, rows_skipped = $10, words_new = $11,
				subscriptions_new = $12, subscriptions_changed = $13, subscriptions_same = $14
			where id = $15 and position = $16 and state = 'running'`,
			next.Position, next.BytesDone, next.BytesTotal, c.Bad, c.New, c.Changed, c.Same, c.Lines, c.Customers, c.Skipped, c.Words,
			c.Subscriptions.New, c.Subscriptions.Changed, c.Subscriptions.Same, int64(p.im.ID), p.im.Position)
		if err == nil && n == 0 {
			err = errElsewhere
		}
		return err
	})
	if err == nil {
		p.im = next
	}
	return err
}

// place writes the customers, products and orders of a slice.
func (p *placer) place(ctx context.Context, tx *store.Tx, s *slice) (Counts, error) {
	var counts Counts
	var news []orders.NewProduct
	for sku, r := range s.products {
		news = append(news, orders.NewProduct{SKU: sku, Name: r.Product, Kind: r.Kind, Category: r.Category, Import: p.im.ID})
	}
	products, err := orders.EnsureProducts(ctx, tx, news)
	if err != nil {
		return counts, err
	}
	people, fresh, err := p.people(ctx, tx, s)
	if err != nil {
		return counts, err
	}
	counts.Customers = fresh
	if counts.Words, err = p.words(ctx, tx, s, people); err != nil {
		return counts, err
	}
	var sales []orders.Sale
	for _, d := range s.drafts {
		made, err := p.sales(d, people, products)
		if err != nil {
			return counts, err
		}
		sales = append(sales, made...)
	}
	placed, err := orders.PlaceMany(ctx, tx, sales)
	counts.New, counts.Changed, counts.Same = int64(placed.New), int64(placed.Changed), int64(placed.Same)
	counts.Lines = int64(placed.Lines)
	if err != nil {
		return counts, err
	}
	counts.Subscriptions, err = p.subscriptions(ctx, tx, s, people)
	return counts, err
}

func (p *placer) source() string {
	if p.im.Settings.Source != "" {
		return p.im.Settings.Source
	}
	return "import"
}

// sales makes the orders and returns of a draft.
func (p *placer) sales(d *draft, people []id.Customer, products map[string]id.Product) ([]orders.Sale, error) {
	r := d.rec
	s := orders.Sale{Number: r.Number, Source: p.source(), At: r.At, Currency: r.Currency, Channel: r.Channel, Staff: r.Staff,
		Return: r.Return, ReturnsNumber: r.Of, Rough: r.Rough, Discount: r.Discount, Shipping: r.Shipping, Tax: r.Tax, PromisedDay: r.Promised, DeliveredDay: r.Delivered,
		Reason: r.Reason, Import: p.im.ID, History: true}
	if d.person >= 0 {
		s.Customer = people[d.person]
	}
	if r.Key != "" && r.Key != r.Number {
		s.Keys = []string{r.Key}
	}
	if r.Cancelled {
		if s.CancelledAt = r.CancelledAt; s.CancelledAt.IsZero() {
			s.CancelledAt = r.At
		}
	}
	sum := int64(0)
	for _, l := range d.lines {
		for _, i := range l.items() {
			line, err := i.line(products, r.Currency)
			if err != nil {
				return nil, errs.Wrong("total", "importers.wrong.order-large")
			}
			s.Lines = append(s.Lines, line)
			sum += line.Total
		}
	}
	s.Whole = d.whole()
	if s.Return && r.Of != "" && s.Whole == nil {
		s.Whole = &sum // all that came back of that order so far
	}
	if sum < 0 && !s.Return && r.Number != "" && turned(s.Lines) {
		s.Return = true
		for i := range s.Lines {
			l := &s.Lines[i]
			l.Total = -l.Total
			l.Quantity, l.Price = abs(l.Quantity), abs(l.Price)
		}
	}
	sales := []orders.Sale{s}
	if (r.Refunded > 0 || r.GivenBack) && !s.Return {
		sales = append(sales, refund(s, r))
	}
	return sales, nil
}

// refund is what came back of an order, as its own row says: one return that
// stands for all so far, so that a later file only makes it grow.
func refund(s orders.Sale, r Record) orders.Sale {
	back := orders.Sale{Customer: s.Customer, Number: s.Number + returned, ReturnsNumber: s.Number, Source: s.Source, At: s.At,
		Currency: s.Currency, Channel: s.Channel, Return: true, Reason: r.Reason, Import: s.Import, History: true}
	total := s.Shipping + s.Tax - s.Discount
	for _, l := range s.Lines {
		total += l.Total
	}
	if s.Whole != nil {
		total = *s.Whole
	}
	given := r.Refunded
	if given == 0 {
		given = total
	}
	if given >= total {
		back.Lines, back.Rough, back.Discount, back.Shipping, back.Tax = s.Lines, s.Rough, s.Discount, s.Shipping, s.Tax
	}
	back.Whole = &given
	return back
}

// returned is what the number of such a return has behind that of its order.
const returned = "-R"

// whole adds up what the rows of an order say that it comes to; nil: none does.
func (d *draft) whole() *int64 {
	var sum *int64
	for _, l := range d.lines {
		if l.Whole != nil {
			if sum == nil {
				sum = new(int64)
			}
			*sum += *l.Whole
		}
	}
	return sum
}

// turned reports whether every line gives money back by its quantity.
func turned(lines []orders.Line) bool {
	return !slices.ContainsFunc(lines, func(l orders.Line) bool { return l.Quantity >= 0 && l.Total >= 0 })
}

func abs(v int64) int64 { return max(v, -v) }

// keepHeader writes down what heads the rows that are to be mended.
func (p *placer) keepHeader(ctx context.Context, header []string) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update imports set header = $1 where id = $2`, csvRow(own(header)), int64(p.im.ID))
		return err
	})
}

// complete ends an import: those who react are told now.
func (p *placer) complete(ctx context.Context, progress func(Import)) error {
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `update imports set state = 'complete', bytes_done = bytes_total, finished_at = $1, message = ''
			where id = $2 and state = 'running'`, tx.Now.UnixMicro(), int64(p.im.ID))
		if err == nil && n == 0 {
			err = errElsewhere
		}
		if err != nil {
			return err
		}
		return timeline.Release(ctx, tx, p.im.ID)
	})
	if err != nil {
		return err
	}
	p.im.State = Complete
	if progress != nil {
		progress(p.im)
	}
	return nil
}
