package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Shape is a live table as it is on every engine: its columns in our types.
type Shape struct {
	Name    string
	Columns []Field
	Key     []string
}

// Field is one column: bigint, boolean, double precision, text, bytea or jsonb.
type Field struct {
	Name, Kind string
	NotNull    bool
}

// Shapes are all live tables in the order of their names, the migration
// runner's own left out.
func Shapes(ctx context.Context, db *DB) ([]Shape, error) {
	tables, err := db.tables(ctx)
	if err != nil {
		return nil, err
	}
	var all []Shape
	for _, t := range tables {
		s := Shape{Name: t.name, Key: t.key}
		for _, c := range t.columns {
			s.Columns = append(s.Columns, Field{c.name, c.kind, c.notNull || slices.Contains(t.key, c.name)})
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Shape) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Names are the names of the columns.
func (s Shape) Names() []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Name
	}
	return names
}

// Read lets fn see the database as it is at one moment, however long it reads,
// without holding up those who write.
func (db *DB) Read(ctx context.Context, fn func(q Querier) error) error {
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if db.engine == sqliteEngine {
		options = nil // a transaction of a reader is that already
	}
	tx, err := db.read.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer tx.Rollback()
	return fn(reading{tx})
}

type reading struct{ tx *sql.Tx }

func (r reading) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.tx.QueryContext(ctx, query, args...)
}

func (r reading) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return r.tx.QueryRowContext(ctx, query, args...)
}

// Rows gives every row of a table in the order of its key, each value nil or
// an int64, float64, bool, string or []byte as its column says, the same on
// every engine. The slice is used again for the next row.
func (s Shape) Rows(ctx context.Context, q Querier, each func(values []any) error) error {
	rows, err := q.Query(ctx, `select `+strings.Join(s.Names(), ", ")+` from `+s.Name+` order by `+strings.Join(s.Key, ", "))
	if err != nil {
		return fmt.Errorf("read %s: %w", s.Name, err)
	}
	defer rows.Close()
	values, into := make([]any, len(s.Columns)), make([]any, len(s.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read %s: %w", s.Name, err)
		}
		for i, c := range s.Columns {
			values[i] = c.value(values[i])
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// value is what a driver gave, as the column means it.
func (f Field) value(v any) any {
	switch v := v.(type) {
	case []byte:
		if f.Kind != "bytea" {
			return string(v)
		}
	case int64:
		switch f.Kind {
		case "boolean":
			return v != 0
		case "double precision":
			return float64(v)
		}
	}
	return v
}

// Insert writes rows into the table as Rows gives them; next returns nil after
// the last.
func (s Shape) Insert(ctx context.Context, tx *Tx, next func() ([]any, error)) (n int64, err error) {
	b := tx.Bulk(ctx, s.Name, strings.Join(s.Names(), ", "), "")
	for {
		values, err := next()
		if err != nil {
			return n, err
		}
		if values == nil {
			break
		}
		if err := b.Add(values...); err != nil {
			return n, fmt.Errorf("write %s: %w", s.Name, err)
		}
		n++
	}
	if err := b.Close(); err != nil {
		return n, fmt.Errorf("write %s: %w", s.Name, err)
	}
	return n, nil
}

// Empty takes every row out of the table.
func (s Shape) Empty(ctx context.Context, tx *Tx) error {
	if _, err := tx.Exec(ctx, `delete from `+s.Name); err != nil {
		return fmt.Errorf("empty %s: %w", s.Name, err)
	}
	return nil
}
