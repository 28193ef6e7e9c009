// Package importers brings files in: a store's orders, customers and refunds
// from its own exports, through a layout that knows the file or a mapping that
// a person chose.
//
// Its one rule: nothing is half in. A file is done in slices of whole orders,
// each in one transaction with the place where to go on; the same file again
// changes nothing; and an import can be undone whole.
package importers

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
)

// State is how far an import has come.
type State string

// The states.
const (
	Waiting  State = "waiting" // uploaded, nobody has said go
	Running  State = "running"
	Complete State = "complete"
	Failed   State = "failed"  // the rows before stand; it can go on or be undone
	Stopped  State = "stopped" // by a person; likewise
	Undoing  State = "undoing"
	Undone   State = "undone"
)

// Settings are what was chosen for a file.
type Settings struct {
	Layout   string           `json:"layout"`            // name of one of Layouts
	Columns  map[Field]string `json:"columns,omitempty"` // which column holds what, by name; of a layout that knows: empty
	Currency money.Currency   `json:"currency,omitempty"`
	Zone     string           `json:"zone,omitempty"` // of clocks without an offset; empty: the business's own
	Dates    sheet.DateOrder  `json:"dates,omitempty"`
	Mark     sheet.Mark       `json:"mark,omitempty"`
	Source   string           `json:"source,omitempty"` // whose numbers: orders are known by source and number
	Channel  string           `json:"channel,omitempty"`
	Table    string           `json:"table,omitempty"` // the worksheet
	Encoding string           `json:"encoding,omitempty"`
}

// Sells reports whether the file tells of sales, and not of customers alone.
func (s Settings) Sells() bool {
	return s.Layout != Mapping || s.Columns[Date] != "" || s.Columns[Plan] != ""
}

// same reports whether a file is read in the same way by both.
func (s Settings) same(o Settings) bool {
	a, _ := json.Marshal(s) // of texts: it cannot fail
	b, _ := json.Marshal(o)
	return bytes.Equal(a, b)
}

// Import is one file on its way in.
type Import struct {
	ID         id.Import
	State      State
	File       string
	Size       int64
	Hash       string
	Settings   Settings
	Position   int64 // rows done
	BytesDone  int64
	BytesTotal int64
	Counts     Counts
	Failure    error // why it failed, in words of errs
	CreatedBy  id.User
	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
}

// Counts say what an import did.
type Counts struct {
	Bad       int64 // rows that could not be read
	New       int64 // orders and returns that were not there
	Changed   int64 // those that are fuller now
	Same      int64 // those that were there as told
	Lines     int64 // lines written
	Customers int64 // customers that were not there
	Skipped   int64 // rows in which nothing counts: payments that failed
	Words     int64 // consents, objections and dead addresses written down

	Subscriptions orders.Subscribers
}

func (c *Counts) add(o Counts) {
	c.Bad, c.New, c.Changed, c.Same = c.Bad+o.Bad, c.New+o.New, c.Changed+o.Changed, c.Same+o.Same
	c.Lines, c.Customers = c.Lines+o.Lines, c.Customers+o.Customers
	c.Skipped, c.Words = c.Skipped+o.Skipped, c.Words+o.Words
	c.Subscriptions.New += o.Subscriptions.New
	c.Subscriptions.Changed += o.Subscriptions.Changed
	c.Subscriptions.Same += o.Subscriptions.Same
}

// Done is the share of the file that is in, 0 to 1.
func (i Import) Done() float64 {
	switch {
	case i.State == Complete:
		return 1
	case i.BytesTotal <= 0:
		return 0
	}
	return min(1, float64(i.BytesDone)/float64(i.BytesTotal))
}

// Active reports whether work is going on.
func (i Import) Active() bool { return i.State == Running || i.State == Undoing }

const columns = `id, state, file_name, file_size, file_hash, settings, position, bytes_done, bytes_total,
	rows_bad, orders_new, orders_changed, orders_same, lines_new, customers_new, message, created_by, created_at, started_at, finished_at,
	rows_skipped, words_new, subscriptions_new, subscriptions_changed, subscriptions_same`

func scan(rows *sql.Rows) (Import, error) {
	var i Import
	var settings, failure string
	var created int64
	var started, finished sql.NullInt64
	c := &i.Counts
	err := rows.Scan(&i.ID, &i.State, &i.File, &i.Size, &i.Hash, &settings, &i.Position, &i.BytesDone, &i.BytesTotal,
		&c.Bad, &c.New, &c.Changed, &c.Same, &c.Lines, &c.Customers, &failure, &i.CreatedBy, &created, &started, &finished, &c.Skipped, &c.Words,
		&c.Subscriptions.New, &c.Subscriptions.Changed, &c.Subscriptions.Same)
	if err != nil {
		return i, err
	}
	i.Failure = errs.Unpack(failure)
	i.CreatedAt = time.UnixMicro(created).UTC()
	if started.Valid {
		i.StartedAt = time.UnixMicro(started.Int64).UTC()
	}
	if finished.Valid {
		i.FinishedAt = time.UnixMicro(finished.Int64).UTC()
	}
	return i, json.Unmarshal([]byte(settings), &i.Settings)
}

// ByID returns an import, or errs.NotFound.
func ByID(ctx context.Context, q store.Querier, i id.Import) (Import, error) {
	all, err := store.All(ctx, q, scan, `select `+columns+` from imports where id = $1`, int64(i))
	if err != nil {
		return Import{}, fmt.Errorf("read an import: %w", err)
	}
	if len(all) == 0 {
		return Import{}, errs.Missing("importers.wrong.gone")
	}
	return all[0], nil
}

// List returns the newest imports first, at most limit.
func List(ctx context.Context, q store.Querier, limit int) ([]Import, error) {
	return Older(ctx, q, math.MaxInt64, limit)
}

// Older is List from behind an import on.
func Older(ctx context.Context, q store.Querier, than id.Import, limit int) ([]Import, error) {
	return store.All(ctx, q, scan, `select `+columns+` from imports where id < $1 order by id desc limit $2`, int64(than), limit)
}

// Before returns the newest import of the same file that is not undone, or
// none: a person is told, though importing it again would change nothing.
func Before(ctx context.Context, q store.Querier, hash string, except id.Import) (Import, bool, error) {
	all, err := store.All(ctx, q, scan, `select `+columns+` from imports
		where file_hash = $1 and id <> $2 and state <> 'undone' order by id desc limit 1`, hash, int64(except))
	if err != nil || len(all) == 0 {
		return Import{}, false, err
	}
	return all[0], true, nil
}

// Create writes down a file that is to come in. Its body is added with
// AddPart under an id that the caller made, or lies on the disk of the command
// line and the id is made here.
func Create(ctx context.Context, tx *store.Tx, i Import) (id.Import, error) {
	if i.ID == 0 {
		i.ID = id.Import(tx.NewID())
	}
	settings, err := json.Marshal(i.Settings)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `
		insert into imports (id, state, file_name, file_size, file_hash, header, settings, position, bytes_done, bytes_total,
			rows_bad, orders_new, orders_changed, orders_same, lines_new, customers_new, message, created_by, created_at)
		values ($1, 'waiting', $2, $3, $4, '', $5, 0, 0, $3, 0, 0, 0, 0, 0, 0, '', $6, $7)`,
		int64(i.ID), i.File, i.Size, i.Hash, string(settings), int64(i.CreatedBy), tx.Now.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("write down an import: %w", err)
	}
	return i.ID, nil
}

// Choose keeps what was chosen for a file that waits.
func Choose(ctx context.Context, tx *store.Tx, i id.Import, s Settings) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `update imports set settings = $1 where id = $2 and state = 'waiting'`, string(settings), int64(i))
	if err == nil && n == 0 {
		err = errs.Clash("", "importers.wrong.started")
	}
	return err
}

// setState moves an import on from one of the states given; anything else is
// errs.Conflict.
func setState(ctx context.Context, tx *store.Tx, i id.Import, to State, from ...State) error {
	args := []any{string(to), int64(i)}
	for _, f := range from {
		args = append(args, string(f))
	}
	n, err := tx.Exec(ctx, `update imports set state = $1, message = '' where id = $2 and state in (`+store.List(3, len(from))+`)`, args...)
	if err == nil && n == 0 {
		err = errs.Clash("", "importers.wrong.moved-on")
	}
	return err
}
