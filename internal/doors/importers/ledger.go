package importers

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/text"
)

// Ledger is what files tell of who bought when and for how much, read without
// a database: the purchases that would be stored were the files imported, one
// after the other, into an empty business. A test holds the two equal.
type Ledger struct {
	// Purchases are those of known customers, numbered from 1.
	Purchases retention.Orders
	Currency  money.Currency // of Purchases
	Zone      *time.Location
	FirstDay  int32 // of any sale or return up to now; NoSales: none
	LastDay   int32
	Counts    LedgerCounts
	Bad       []UnreadRow // the first rows that cannot be read

	// Groups are what the customers are split by, and Group says whose is
	// which; the one without a name is of who is without it.
	Groups []string

	roster *roster
	books  []*book
	group  []int32 // of each customer
}

// NoSales is the day of a ledger in which nothing happened.
const NoSales = int32(math.MinInt32)

// LedgerCounts say what stands in the files beside purchases of customers.
type LedgerCounts struct {
	Rows      int64 `json:"rows"`
	Bad       int64 `json:"bad_rows"`
	Again     int64 `json:"orders_again"` // told by an earlier file, or row, already
	Walkins   int64 `json:"walkin_orders"`
	WalkinSum int64 `json:"walkin_minor"`
	Returns   int64 `json:"returns"`
	ReturnSum int64 `json:"returned_minor"`
	Cancelled int64 `json:"cancelled"`
	Nothing   int64 `json:"nothing_sold"` // no line with a quantity and a price
	Unvalued  int64 `json:"unvalued"`     // of Purchases: in a currency without a rate, and so worth nothing
	Customers int64 `json:"customers"`    // who are known by anything
}

// UnreadRow is a row that is left out.
type UnreadRow struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Column string `json:"column,omitempty"`
	Reason error  `json:"-"`
	Said   string `json:"reason"` // the reason, once somebody has said it
}

// maxUnread is how many bad rows a ledger explains; all are counted.
const maxUnread = 20

// Source is a file of a ledger.
type Source struct {
	Name     string // said with its bad rows
	Settings Settings
	Open     func(ctx context.Context) (*sheet.Reader, error)
	// Progress is told how many of how many bytes are read (-1: not known),
	// now and then, from any goroutine; nil: nobody listens.
	Progress func(done, total int64)
}

// FileSource is a file of this machine with the settings that it proposes.
func FileSource(ctx context.Context, path string) (Source, error) {
	open := func(ctx context.Context) (*sheet.Reader, error) { return sheet.Open(ctx, path, sheet.Options{}) }
	in, err := open(ctx)
	if err != nil {
		return Source{}, err
	}
	defer in.Close()
	s, err := ProposeFor(in)
	return Source{Name: filepath.Base(path), Settings: s, Open: open}, err
}

// ProposeFor is Propose without a database: a layout that knows the file, or a
// guess from its first rows. The reader is used up.
func ProposeFor(in *sheet.Reader) (Settings, error) {
	header := in.Header()
	profile, err := sheet.Sample(in, sampled)
	if err != nil {
		return Settings{}, err
	}
	if l, ok := Recognise(header); ok {
		return l.learned(header, profile), nil
	}
	return Guess(profile), nil
}

// LedgerOptions are what is asked of a ledger.
type LedgerOptions struct {
	Currency money.Currency // of the business; empty: the first file's
	Zone     string         // of the business; empty: the first file's
	Now      time.Time      // orders after its day are in Purchases, but not in anything else
	Split    retention.Split
}

// ReadLedger reads files into one ledger, on all cores. What is wrong with a
// file is errs.Invalid.
func ReadLedger(ctx context.Context, sources []Source, o LedgerOptions) (*Ledger, error) {
	zone := o.Zone
	l := &Ledger{Currency: o.Currency, FirstDay: NoSales, LastDay: NoSales, roster: newRoster()}
	for i, s := range sources {
		if l.Currency == "" {
			l.Currency = s.Settings.Currency
		}
		if zone == "" {
			zone = s.Settings.Zone
		}
		if i > 0 {
			continue
		}
		var err error
		if l.Zone, err = time.LoadLocation(zone); err != nil {
			return nil, errs.Wrong("zone", "importers.wrong.zone", "Zone", text.Short(zone, 40))
		}
		if l.Currency == "" {
			l.Currency = "EUR"
		}
	}
	for _, s := range sources {
		b, err := l.readFile(ctx, s, o.Split)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		l.books = append(l.books, b)
	}
	if err := l.join(dayIn(o.Now, l.Zone), o.Split); err != nil {
		return nil, err
	}
	l.books = nil
	return l, nil
}

// Label is how the file calls a customer: the number there, else the email,
// phone or card.
func (l *Ledger) Label(customer int64) string { return l.roster.label(int32(customer - 1)) }

// Group is the place in Groups of what a customer is split by, or
// retention.Elsewhere where there were too many to tell apart.
func (l *Ledger) Group(customer int64) int32 { return l.group[customer-1] }

// book is what one file told: runs of rows of an order, by worker.
type book struct {
	file  string
	pages []*page
}

// readFile reads one file on all cores.
func (l *Ledger) readFile(ctx context.Context, s Source, by retention.Split) (*book, error) {
	in, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	workers := runtime.GOMAXPROCS(0)
	b := &book{file: s.Name}
	source := s.Settings.Source
	if source == "" {
		source = "import"
	}
	for range workers {
		read, err := newReader(s.Settings, in.Header(), l.Currency, l.Zone, time.Time{})
		if err != nil {
			return nil, err
		}
		if read.layout.subscribes() {
			return nil, errs.Wrong("plan", "importers.wrong.list-subscriptions")
		}
		if !read.has(Date) {
			return nil, errs.Wrong("date", "importers.wrong.list")
		}
		b.pages = append(b.pages, newPage(read, l.Zone, source, by))
	}
	told := s.Progress
	err = in.Scan(workers, func(worker int, row sheet.RowBytes) error {
		p := b.pages[worker]
		if p.rows++; p.rows%65536 == 0 {
			done, total := in.Progress()
			if told != nil {
				told(done, total)
			}
			if left := float64(total-done) / float64(done); p.rows == 65536 && left > 0 && left < 1e5 {
				p.reserve(int(float64(len(p.hash)) * left * 1.1))
			}
		}
		p.row(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if told != nil {
		if done, total := in.Progress(); total >= 0 {
			told(max(done, total), total)
		}
	}
	for _, p := range b.pages {
		p.end()
	}
	return b, nil
}
