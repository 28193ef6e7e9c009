package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Join is one merge: Other was merged into Survivor.
type Join struct {
	ID       int64
	Survivor id.Customer
	Other    id.Customer
	At       time.Time
	By       id.User
	UndoneAt time.Time // zero: it stands
}

// MergeInto makes one customer of two: everything of other becomes the
// survivor's, and other stays behind as a tombstone that leads to them.
// Nothing is lost: what cannot be had twice (a tag, a birthday) is put aside,
// and UndoMerge brings everything back. It records customer.merged. Merging a
// customer into themselves is errs.Invalid; one who was merged or erased
// already, errs.Conflict.
func MergeInto(ctx context.Context, tx *store.Tx, tables []Table, survivor, other id.Customer, by By) (int64, error) {
	to, from, err := lockPair(ctx, tx, survivor, other)
	if err != nil {
		return 0, err
	}
	m := merging{tx: tx, id: tx.NewID(), to: to.ID, from: from.ID}
	if err := m.fill(ctx, to, from); err != nil {
		return 0, err
	}
	for _, t := range tables {
		if err := m.table(ctx, t); err != nil {
			return 0, fmt.Errorf("merge %s into %s: %s: %w", other, survivor, t.Name, err)
		}
	}
	if _, err := tx.Exec(ctx, `
		insert into customer_merges (customer_id, id, other_id, merged_at, merged_by, undone_at, undone_by, origin_customer_id)
		values ($1, $2, $3, $4, $5, null, null, null)`,
		int64(to.ID), m.id, int64(from.ID), tx.Now.UnixMicro(), int64(by.Actor)); err != nil {
		return 0, fmt.Errorf("merge %s into %s: %w", other, survivor, err)
	}
	if err := m.putAside(ctx); err != nil {
		return 0, err
	}
	if err := recompute(ctx, tx, tables, to.ID, from.ID); err != nil {
		return 0, err
	}
	e := by.event(to.ID, kindMerged, Merged{Other: from.ID})
	e.Ref = m.id
	return m.id, timeline.Record(ctx, tx, e)
}

// lockPair locks two customers that are to be merged and refuses who cannot
// be.
func lockPair(ctx context.Context, tx *store.Tx, survivor, other id.Customer) (to, from Customer, err error) {
	if survivor == other {
		return to, from, errs.Wrong("other", "customers.wrong.merge-self")
	}
	if err = Lock(ctx, tx, survivor, other); err != nil {
		return to, from, err
	}
	if to, err = ByID(ctx, tx, survivor); err != nil {
		return to, from, err
	}
	if from, err = ByID(ctx, tx, other); err != nil {
		return to, from, err
	}
	for _, c := range []Customer{to, from} {
		if c.MergedInto != 0 {
			return to, from, errs.Clash("", "customers.wrong.merge-merged")
		}
		if !c.ErasedAt.IsZero() {
			return to, from, errs.Clash("", "customers.wrong.merge-erased")
		}
	}
	return to, from, nil
}

// merging is one merge under way.
type merging struct {
	tx       *store.Tx
	id       int64
	to, from id.Customer
	aside    []aside
}

// aside is a row that could not stay in its place.
type aside struct {
	mergeID  int64
	position int64
	table    string
	made     bool
	row      row
}

func (m *merging) keep(table string, r row, made bool) {
	m.aside = append(m.aside, aside{mergeID: m.id, position: int64(len(m.aside)), table: table, made: made, row: r})
}

func (m *merging) putAside(ctx context.Context) error {
	b := m.tx.Bulk(ctx, "customer_merged_rows", "customer_id, merge_id, position, table_name, made, kept, origin_customer_id", "")
	for _, a := range m.aside {
		text, err := a.row.encode()
		if err != nil {
			return fmt.Errorf("put a row of %s aside: %w", a.table, err)
		}
		if err := b.Add(int64(m.to), a.mergeID, a.position, a.table, a.made, text, nil); err != nil {
			return fmt.Errorf("put a row of %s aside: %w", a.table, err)
		}
	}
	return b.Close()
}

// table moves the rows of one table.
func (m *merging) table(ctx context.Context, t Table) error {
	switch t.Merge {
	case Move:
		return m.move(ctx, t.Name)
	case KeepFirst:
		return m.keepFirst(ctx, t)
	case Sum:
		return m.sum(ctx, t)
	case Recompute:
		_, err := m.tx.Exec(ctx, `delete from `+t.Name+` where customer_id = $1`, int64(m.from))
		return err
	case Follow:
		_, err := m.tx.Exec(ctx, `
			update `+t.Name+` set customer_id = $1, origin_customer_id = coalesce(origin_customer_id, $2) where customer_id = $2`,
			int64(m.to), int64(m.from))
		return err
	case Stay:
		return nil
	}
	return errors.New("the table does not say how its rows merge")
}

// move copies the rows under the survivor and deletes the others: Citus can
// not change whose a row is.
func (m *merging) move(ctx context.Context, table string) error {
	columns, err := columnsOf(ctx, m.tx, table)
	if err != nil {
		return err
	}
	if _, err := m.tx.Exec(ctx, fmt.Sprintf(`insert into %s (%s) select %s from %s where customer_id = $1`,
		table, strings.Join(columns, ", "), copied(columns, "coalesce(origin_customer_id, customer_id)"), table),
		int64(m.from), int64(m.to)); err != nil {
		return err
	}
	_, err = m.tx.Exec(ctx, `delete from `+table+` where customer_id = $1`, int64(m.from))
	return err
}

// copied is the list of columns to select for customer $2.
func copied(columns []string, origin string) string {
	terms := slices.Clone(columns)
	for i, c := range terms {
		switch c {
		case "customer_id":
			terms[i] = "cast($2 as bigint)"
		case "origin_customer_id":
			terms[i] = origin
		}
	}
	return strings.Join(terms, ", ")
}

// keepFirst puts the rows aside whose key the survivor has, and moves the
// rest.
func (m *merging) keepFirst(ctx context.Context, t Table) error {
	theirs, err := readRows(ctx, m.tx, t.Name, `customer_id = $1`, int64(m.to))
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, r := range theirs {
		has[r.key(t.Key)] = true
	}
	rows, err := readRows(ctx, m.tx, t.Name, `customer_id = $1 order by `+strings.Join(t.Key, ", "), int64(m.from))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !has[r.key(t.Key)] {
			continue
		}
		m.keep(t.Name, r, false)
		if err := deleteRow(ctx, m.tx, t, r); err != nil {
			return err
		}
	}
	return m.move(ctx, t.Name)
}

// sum adds each row to the survivor's of the same key, or makes that.
func (m *merging) sum(ctx context.Context, t Table) error {
	rows, err := readRows(ctx, m.tx, t.Name, `customer_id = $1 order by `+strings.Join(t.Key, ", "), int64(m.from))
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, err := addRow(ctx, m.tx, t, m.to, r, 1)
		if err != nil {
			return err
		}
		if n == 0 {
			made := row{r.columns, slices.Clone(r.values)}
			made.set("customer_id", int64(m.to))
			if err := insertRow(ctx, m.tx, t.Name, made); err != nil {
				return err
			}
		}
		m.keep(t.Name, r, n == 0)
		if err := deleteRow(ctx, m.tx, t, r); err != nil {
			return err
		}
	}
	return nil
}

// addRow adds sign times the sums of r to the row of c with r's key, and
// returns how many rows that were.
func addRow(ctx context.Context, tx *store.Tx, t Table, c id.Customer, r row, sign int64) (int64, error) {
	var terms []string
	var args []any
	for _, s := range t.Sums {
		n, _ := r.get(s).(int64)
		args = append(args, sign*n)
		terms = append(terms, fmt.Sprintf("%s = %s + $%d", s, s, len(args)))
	}
	where, more := t.where(c, r, len(args)+1)
	return tx.Exec(ctx, `update `+t.Name+` set `+strings.Join(terms, ", ")+where, append(args, more...)...)
}

// where finds the row of c that has r's key.
func (t Table) where(c id.Customer, r row, first int) (string, []any) {
	where, args := fmt.Sprintf(" where customer_id = $%d", first), []any{int64(c)}
	for _, k := range t.Key {
		args = append(args, r.get(k))
		where += fmt.Sprintf(" and %s = $%d", k, first+len(args)-1)
	}
	return where, args
}

func deleteRow(ctx context.Context, tx *store.Tx, t Table, r row) error {
	c, _ := r.get("customer_id").(int64)
	where, args := t.where(id.Customer(c), r, 1)
	_, err := tx.Exec(ctx, `delete from `+t.Name+where, args...)
	return err
}

// recompute makes what is derived anew, the customers' own rows first.
func recompute(ctx context.Context, tx *store.Tx, tables []Table, cs ...id.Customer) error {
	for _, c := range cs {
		if err := settle(ctx, tx, c); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if t.Recompute == nil {
			continue
		}
		if err := t.Recompute(ctx, tx, cs...); err != nil {
			return fmt.Errorf("recompute %s: %w", t.Name, err)
		}
	}
	return nil
}

// Merges returns the merges into a customer, also those undone and those of
// customers who were merged into them later, the newest first.
func Merges(ctx context.Context, q store.Querier, c id.Customer) ([]Join, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (j Join, err error) {
		var at int64
		var undone sql.NullInt64
		err = rows.Scan(&j.ID, &j.Survivor, &j.Other, &at, &j.By, &undone)
		j.At = moment(at)
		if undone.Valid {
			j.UndoneAt = moment(undone.Int64)
		}
		return j, err
	}, `
		select id, coalesce(origin_customer_id, customer_id), other_id, merged_at, merged_by, undone_at from customer_merges
		where customer_id = $1 order by id desc`, int64(c))
}
