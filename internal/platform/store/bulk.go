package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// Bulk inserts many rows into one table: ten a prepared statement on SQLite, a
// thousand as one array a column on PostgreSQL (so that there is one
// statement to plan, however many rows), hundreds a statement on Citus. Rows
// sorted by primary key go in several times faster. Close must be called last,
// and its error looked at.
type Bulk struct {
	tx      *Tx
	ctx     context.Context
	quiet   context.Context // ctx without its end: watching it costs a goroutine a row on SQLite
	table   string
	names   string
	tail    string
	columns int
	each    int // rows a statement
	stmt    *sql.Stmt
	own     bool // stmt is of this insert alone
	args    []any
}

// Bulk starts an insert into the table's columns; suffix is put behind the
// values ("on conflict … do nothing"), or is empty.
func (tx *Tx) Bulk(ctx context.Context, table, columns, suffix string) *Bulk {
	n := strings.Count(columns, ",") + 1
	b := &Bulk{
		tx: tx, ctx: ctx, quiet: context.WithoutCancel(ctx), columns: n,
		table: table, names: columns, tail: " " + suffix,
		each: tx.db.engine.rowsPerStatement(n),
	}
	told("insert into " + table + " (" + columns + ") values (" + List(1, n) + ")" + b.tail)
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
	if b.tx.db.engine == postgresEngine {
		return b.arrays()
	}
	if b.stmt == nil {
		text := b.text(b.each)
		if b.stmt = b.tx.statement(b.ctx, text); b.stmt == nil {
			stmt, err := b.tx.tx.PrepareContext(b.ctx, text)
			if err != nil {
				return err
			}
			b.stmt, b.own = stmt, true
		}
	}
	_, err := b.stmt.ExecContext(b.quiet, b.args...)
	b.args = b.args[:0]
	return err
}

// Close writes what is left.
func (b *Bulk) Close() error {
	if b.own {
		defer b.stmt.Close()
	}
	if len(b.args) == 0 {
		return nil
	}
	if b.tx.db.engine == postgresEngine {
		return b.arrays()
	}
	_, err := b.tx.exec(b.ctx, b.text(len(b.args)/b.columns), b.args...)
	return err
}

func (b *Bulk) text(rows int) string {
	var t strings.Builder
	t.WriteString("insert into " + b.table + " (" + b.names + ") values ")
	for i := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		if b.tx.db.engine == sqliteEngine { // which looks a parameter with a name up among all others
			t.WriteString("(?" + strings.Repeat(",?", b.columns-1) + ")")
		} else {
			t.WriteString("(" + List(1+i*b.columns, b.columns) + ")")
		}
	}
	return t.String() + b.tail
}

// arrays writes what has gathered as one array a column.
func (b *Bulk) arrays() error {
	types, err := b.tx.columnTypes(b.ctx, b.table, b.names)
	if err != nil {
		return err
	}
	var from strings.Builder
	columns := make([]any, b.columns)
	for c, kind := range types {
		if c > 0 {
			from.WriteByte(',')
		}
		fmt.Fprintf(&from, "$%d::%s[]", c+1, kind)
		values := make(pgtype.FlatArray[any], 0, len(b.args)/b.columns)
		for i := c; i < len(b.args); i += b.columns {
			values = append(values, b.args[i])
		}
		columns[c] = values
	}
	_, err = b.tx.tx.ExecContext(b.ctx, "insert into "+b.table+" ("+b.names+") select * from unnest("+from.String()+")"+b.tail, columns...)
	clear(b.args)
	b.args = b.args[:0]
	return err
}

// columnTypes are the types of a table's columns, in the order of the names.
func (tx *Tx) columnTypes(ctx context.Context, table, names string) ([]string, error) {
	key := table + " " + names
	if known, ok := tx.db.types.Load(key); ok {
		return known.([]string), nil
	}
	all, err := All(ctx, tx, func(rows *sql.Rows) (c [2]string, err error) { return c, rows.Scan(&c[0], &c[1]) }, `
		select cast(attname as text), format_type(atttypid, null) from pg_attribute
		where attrelid = cast($1 as regclass) and attnum > 0 and not attisdropped`, table)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	var types []string
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(c [2]string) bool { return c[0] == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("bulk insert: %s has no column %s", table, strings.TrimSpace(name))
		}
		types = append(types, all[i][1])
	}
	tx.db.types.Store(key, types)
	return types, nil
}
