package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// UndoMerge makes two customers of one again: every row goes back to whom it
// came from, and what was put aside returns. What was written since the merge
// stays with the survivor. It records customer.unmerged on both. A merge that
// is undone already, or one beneath a later merge of the survivor, is
// errs.Conflict.
func UndoMerge(ctx context.Context, tx *store.Tx, tables []Table, survivor id.Customer, merge int64, by By) (id.Customer, error) {
	to, from, err := lockMerged(ctx, tx, survivor, merge)
	if err != nil {
		return 0, err
	}
	u := unmerging{tx: tx, id: merge, to: to, from: from}
	if u.members, err = family(ctx, tx, from.ID); err != nil {
		return 0, err
	}
	// Whose own the fields were must be read while the merge still stands.
	own, _, err := merged(ctx, tx, to)
	if err != nil {
		return 0, err
	}
	if u.aside, err = takeAside(ctx, tx, to.ID); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `update customers set merged_into = null where customer_id = $1`, int64(from.ID)); err != nil {
		return 0, err
	}
	for _, t := range tables {
		if err := u.table(ctx, t); err != nil {
			return 0, fmt.Errorf("undo the merge of %s into %s: %s: %w", from.ID, to.ID, t.Name, err)
		}
	}
	if err := u.settleFields(ctx, own, by); err != nil {
		return 0, err
	}
	if err := recompute(ctx, tx, tables, to.ID, from.ID); err != nil {
		return 0, err
	}
	one, two := by.event(to.ID, kindUnmerged, Merged{Other: from.ID}), by.event(from.ID, kindUnmerged, Merged{Other: to.ID})
	one.Ref, two.Ref = merge, merge
	return from.ID, timeline.Record(ctx, tx, one, two)
}

// lockMerged finds the merge and locks both customers.
func lockMerged(ctx context.Context, tx *store.Tx, survivor id.Customer, merge int64) (to, from Customer, err error) {
	var other int64
	err = tx.QueryRow(ctx, `select other_id from customer_merges where customer_id = $1 and id = $2`, int64(survivor), merge).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return to, from, errs.Missing("customers.wrong.no-merge")
	}
	if err != nil {
		return to, from, err
	}
	if err = Lock(ctx, tx, survivor, id.Customer(other)); err != nil {
		return to, from, err
	}
	if to, err = ByID(ctx, tx, survivor); err != nil {
		return to, from, err
	}
	if from, err = ByID(ctx, tx, id.Customer(other)); err != nil {
		return to, from, err
	}
	switch {
	case !to.ErasedAt.IsZero() || !from.ErasedAt.IsZero():
		err = errs.Clash("", "customers.wrong.unmerge-erased")
	case from.MergedInto == 0:
		err = errs.Clash("", "customers.wrong.unmerge-undone")
	case to.MergedInto != 0 || from.MergedInto != to.ID:
		err = errs.Clash("", "customers.wrong.unmerge-later")
	}
	return to, from, err
}

// family is a customer and everybody who was merged into them, at any depth.
func family(ctx context.Context, q store.Querier, c id.Customer) ([]id.Customer, error) {
	all := []id.Customer{c}
	for i := 0; i < len(all); i++ {
		more, err := store.All(ctx, q, store.Scalar[int64], `select customer_id from customers where merged_into = $1 order by customer_id`, int64(all[i]))
		if err != nil {
			return nil, fmt.Errorf("find who was merged into %s: %w", c, err)
		}
		for _, m := range more {
			all = append(all, id.Customer(m))
		}
	}
	return all, nil
}

// unmerging is one undoing under way.
type unmerging struct {
	tx       *store.Tx
	id       int64
	to, from Customer
	members  []id.Customer // from, and who was merged into them before
	aside    []aside       // of all merges into to
}

// takeAside reads what the merges into c themselves put aside.
func takeAside(ctx context.Context, q store.Querier, c id.Customer) ([]aside, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (a aside, err error) {
		var text string
		if err = rows.Scan(&a.mergeID, &a.position, &a.table, &a.made, &text); err == nil {
			a.row, err = decode(text)
		}
		return a, err
	}, `
		select merge_id, position, table_name, made, kept from customer_merged_rows
		where customer_id = $1 and origin_customer_id is null order by merge_id, position`, int64(c))
}

func (u *unmerging) table(ctx context.Context, t Table) error {
	switch t.Merge {
	case Move:
		_, err := u.moveBack(ctx, t)
		return err
	case KeepFirst:
		return u.keepFirst(ctx, t)
	case Sum:
		return u.sum(ctx, t)
	case Follow:
		list, args := origins(u.members, 3)
		_, err := u.tx.Exec(ctx, `
			update `+t.Name+` set customer_id = $2, origin_customer_id = case when origin_customer_id = $2 then null else origin_customer_id end
			where customer_id = $1 and origin_customer_id in (`+list+`)`,
			append([]any{int64(u.to.ID), int64(u.from.ID)}, args...)...)
		return err
	}
	return nil
}

// moveBack gives the rows that came with the merge back, and returns those of
// a KeepFirst table as they stood.
func (u *unmerging) moveBack(ctx context.Context, t Table) ([]row, error) {
	columns, err := columnsOf(ctx, u.tx, t.Name)
	if err != nil {
		return nil, err
	}
	var moved []row
	in, members := origins(u.members, 2)
	mine, args := `customer_id = $1 and origin_customer_id in (`+in+`)`, append([]any{int64(u.to.ID)}, members...)
	if t.Merge == KeepFirst {
		if moved, err = readRows(ctx, u.tx, t.Name, mine, args...); err != nil {
			return nil, err
		}
	}
	list, members := origins(u.members, 3)
	if _, err := u.tx.Exec(ctx, fmt.Sprintf(`insert into %s (%s) select %s from %s where customer_id = $1 and origin_customer_id in (%s)`,
		t.Name, strings.Join(columns, ", "), copied(columns, "case when origin_customer_id = $2 then null else origin_customer_id end"), t.Name, list),
		append([]any{int64(u.to.ID), int64(u.from.ID)}, members...)...); err != nil {
		return nil, err
	}
	_, err = u.tx.Exec(ctx, `delete from `+t.Name+` where `+mine, args...)
	return moved, err
}

// keepFirst gives rows back and restores what was put aside. A key that left
// the survivor is filled by the next of those who are still merged into them.
func (u *unmerging) keepFirst(ctx context.Context, t Table) error {
	moved, err := u.moveBack(ctx, t)
	if err != nil {
		return err
	}
	for _, a := range u.of(t.Name, u.id) {
		if err := insertRow(ctx, u.tx, t.Name, a.row); err != nil {
			return err
		}
	}
	for _, gone := range moved {
		for _, a := range u.aside {
			if a.table != t.Name || a.mergeID == u.id || a.row.key(t.Key) != gone.key(t.Key) {
				continue
			}
			next := row{a.row.columns, slices.Clone(a.row.values)}
			if next.get("origin_customer_id") == nil {
				next.set("origin_customer_id", next.get("customer_id"))
			}
			next.set("customer_id", int64(u.to.ID))
			if err := insertRow(ctx, u.tx, t.Name, next); err != nil {
				return err
			}
			if err := u.forget(ctx, a); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// sum takes off what the merge had added. A row that only a merge had made
// goes when nothing is left in it, unless another merge needs it.
func (u *unmerging) sum(ctx context.Context, t Table) error {
	for _, a := range u.of(t.Name, u.id) {
		if _, err := addRow(ctx, u.tx, t, u.to.ID, a.row, -1); err != nil {
			return err
		}
		if a.made {
			if err := u.unmake(ctx, t, a); err != nil {
				return err
			}
		}
		if err := insertRow(ctx, u.tx, t.Name, a.row); err != nil {
			return err
		}
	}
	return nil
}

func (u *unmerging) unmake(ctx context.Context, t Table, gone aside) error {
	for i, a := range u.aside {
		if a.table == t.Name && a.mergeID != u.id && a.row.key(t.Key) == gone.row.key(t.Key) {
			u.aside[i].made = true
			_, err := u.tx.Exec(ctx, `
				update customer_merged_rows set made = true where customer_id = $1 and merge_id = $2 and position = $3`,
				int64(u.to.ID), a.mergeID, a.position)
			return err
		}
	}
	where, args := t.where(u.to.ID, gone.row, 1)
	for _, s := range t.Sums {
		where += " and " + s + " = 0"
	}
	_, err := u.tx.Exec(ctx, `delete from `+t.Name+where, args...)
	return err
}

// of returns what one merge put aside of a table.
func (u *unmerging) of(table string, merge int64) []aside {
	var all []aside
	for _, a := range u.aside {
		if a.table == table && a.mergeID == merge {
			all = append(all, a)
		}
	}
	return all
}

// forget deletes a row that is back in its place.
func (u *unmerging) forget(ctx context.Context, a aside) error {
	u.aside = slices.DeleteFunc(u.aside, func(b aside) bool { return b.mergeID == a.mergeID && b.position == a.position })
	_, err := u.tx.Exec(ctx, `delete from customer_merged_rows where customer_id = $1 and merge_id = $2 and position = $3`,
		int64(u.to.ID), a.mergeID, a.position)
	return err
}

// settleFields folds the survivor's fields without the one who left, and
// closes the merge.
func (u *unmerging) settleFields(ctx context.Context, own Customer, by By) error {
	if _, err := u.tx.Exec(ctx, `
		update customer_merges set undone_at = $3, undone_by = $4 where customer_id = $1 and id = $2`,
		int64(u.to.ID), u.id, u.tx.Now.UnixMicro(), int64(by.Actor)); err != nil {
		return err
	}
	if _, err := u.tx.Exec(ctx, `delete from customer_merged_rows where customer_id = $1 and merge_id = $2`, int64(u.to.ID), u.id); err != nil {
		return err
	}
	if err := rewriteAside(ctx, u.tx, own); err != nil {
		return err
	}
	others, err := mergedInto(ctx, u.tx, u.to.ID)
	if err != nil {
		return err
	}
	return writeFields(ctx, u.tx, fold(own, others))
}
