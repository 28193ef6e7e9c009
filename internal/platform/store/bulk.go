package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Bulk inserts many rows into one table: one prepared row a statement on
// SQLite, hundreds a statement elsewhere. Rows sorted by primary key go in
// several times faster. Close must be called last, and its error looked at.
type Bulk struct {
	tx      *Tx
	ctx     context.Context
	quiet   context.Context // ctx without its end: watching it costs a goroutine a row on SQLite
	head    string
	tail    string
	columns int
	each    int // rows a statement
	stmt    *sql.Stmt
	args    []any
}

// Bulk starts an insert into the table's columns; suffix is put behind the
// values ("on conflict … do nothing"), or is empty.
func (tx *Tx) Bulk(ctx context.Context, table, columns, suffix string) *Bulk {
	n := strings.Count(columns, ",") + 1
	b := &Bulk{
		tx: tx, ctx: ctx, quiet: context.WithoutCancel(ctx), columns: n,
		head: fmt.Sprintf("insert into %s (%s) values ", table, columns), tail: " " + suffix,
		each: tx.db.engine.rowsPerStatement(n),
	}
	told(b.text(1))
	return b
}

// Add gives one row, its values in the order of the columns.
func (b *Bulk) Add(values ...any) error {
	if len(values) != b.columns {
		return fmt.Errorf("bulk insert: %d values for %d columns", len(values), b.columns)
	}
	b.args = append(b.args, values...)
	if len(b.args) < b.each*b.columns {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if b.stmt == nil {
		stmt, err := b.tx.tx.PrepareContext(b.ctx, b.text(b.each))
		if err != nil {
			return err
		}
		b.stmt = stmt
	}
	_, err := b.stmt.ExecContext(b.quiet, b.args...)
	b.args = b.args[:0]
	return err
}

// Close writes what is left.
func (b *Bulk) Close() error {
	if b.stmt != nil {
		defer b.stmt.Close()
	}
	if len(b.args) == 0 {
		return nil
	}
	_, err := b.tx.tx.ExecContext(b.ctx, b.text(len(b.args)/b.columns), b.args...)
	return err
}

func (b *Bulk) text(rows int) string {
	var t strings.Builder
	t.WriteString(b.head)
	for i := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString("(" + List(1+i*b.columns, b.columns) + ")")
	}
	return t.String() + b.tail
}
