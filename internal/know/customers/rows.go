package customers

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// row is one row of any table: what merging, exporting and undoing handle
// without knowing what it means.
type row struct {
	columns []string // shared by the rows of one reading
	values  []any    // nil, int64, float64, bool, string or []byte
}

func (r row) get(column string) any { return r.values[slices.Index(r.columns, column)] }

func (r row) set(column string, v any) { r.values[slices.Index(r.columns, column)] = v }

// key is what tells the row apart from the others of its customer.
func (r row) key(columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf("%q", fmt.Sprint(r.get(c)))
	}
	return strings.Join(parts, " ")
}

// readRows reads whole rows of a table. The condition is ours, never a user's.
func readRows(ctx context.Context, q store.Querier, table, where string, args ...any) ([]row, error) {
	rows, err := q.Query(ctx, `select * from `+table+` where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read rows of %s: %w", table, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	columns := make([]string, len(types))
	for i, t := range types {
		columns[i] = t.Name()
	}
	var all []row
	for rows.Next() {
		values, into := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("read rows of %s: %w", table, err)
		}
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				if kind := types[i].DatabaseTypeName(); kind != "BLOB" && kind != "BYTEA" {
					values[i] = string(v)
				}
			case int64:
				if types[i].DatabaseTypeName() == "INT" { // SQLite's word for our booleans
					values[i] = v != 0
				}
			}
		}
		all = append(all, row{columns, values})
	}
	return all, rows.Err()
}

// columnsOf returns the names of a table's columns.
func columnsOf(ctx context.Context, q store.Querier, table string) ([]string, error) {
	rows, err := q.Query(ctx, `select * from `+table+` where customer_id = -1`)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	defer rows.Close()
	return rows.Columns()
}

// insertRow writes a row into a table; one that is there already is kept.
func insertRow(ctx context.Context, tx *store.Tx, table string, r row) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`insert into %s (%s) values (%s) on conflict do nothing`,
		table, strings.Join(r.columns, ", "), store.List(1, len(r.values))), r.values...)
	if err != nil {
		return fmt.Errorf("put back a row of %s: %w", table, err)
	}
	return nil
}

// encode writes a row as JSON from which decode makes it again, exactly.
func (r row) encode() (string, error) {
	cells := make(map[string]any, len(r.columns))
	for i, c := range r.columns {
		switch v := r.values[i].(type) {
		case nil, int64, bool, string:
			cells[c] = v
		case float64:
			n := strconv.FormatFloat(v, 'g', -1, 64)
			if !strings.ContainsAny(n, ".e") {
				n += ".0" // a point says that it is none of the whole numbers
			}
			cells[c] = json.RawMessage(n)
		case []byte:
			cells[c] = map[string]string{"base64": base64.StdEncoding.EncodeToString(v)}
		default:
			return "", fmt.Errorf("column %s holds a %T", c, v)
		}
	}
	b, err := json.Marshal(cells)
	return string(b), err
}

// decode reads what encode wrote, also when the database has rewritten it.
func decode(text string) (row, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var cells map[string]any
	if err := d.Decode(&cells); err != nil {
		return row{}, fmt.Errorf("read a row that was put aside: %w", err)
	}
	var r row
	for c, v := range cells {
		switch n := v.(type) {
		case json.Number:
			var err error
			if strings.ContainsAny(n.String(), ".eE") {
				v, err = n.Float64()
			} else {
				v, err = n.Int64()
			}
			if err != nil {
				return row{}, err
			}
		case map[string]any:
			b, err := base64.StdEncoding.DecodeString(fmt.Sprint(n["base64"]))
			if err != nil {
				return row{}, err
			}
			v = b
		}
		r.columns, r.values = append(r.columns, c), append(r.values, v)
	}
	return r, nil
}

// origins are the ids of customers as arguments for a list from $first, with
// the list.
func origins(members []id.Customer, first int) (string, []any) {
	return store.List(first, len(members)), args(members)
}
