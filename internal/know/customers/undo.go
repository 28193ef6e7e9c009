package customers

import (
	"context"
	"fmt"
	"slices"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// UndoImport takes back what an import told of customers, at most limit of
// them at once; more says that there are others, so call it again in a new
// transaction. It comes after the undoing of what other modules imported.
//
// A customer who came with the import and of whom nobody else has told
// anything goes away whole. The others live on: what the import told of them
// goes; who they are stays of those who came with it, since what stays hangs
// on it. A customer who lost something gets a customer.changed.
func UndoImport(ctx context.Context, tx *store.Tx, tables []Table, i id.Import, limit int) (more bool, err error) {
	if i == 0 {
		return false, errs.Wrong("import", "customers.wrong.undo")
	}
	u := undoing{tx: tx, i: i, tables: tables}
	if _, err := tx.Exec(ctx, `delete from customer_duplicates where import_id = $1 and dismissed_at is null`, int64(i)); err != nil {
		return false, fmt.Errorf("take back whom %s named as one: %w", i, err)
	}
	// First of all: what follows forgets which identities the import wrote.
	if more, err := u.unlearn(ctx, limit); more || err != nil {
		return more, err
	}
	if u.came, err = u.list(ctx, `select customer_id from customers where import_id = $1 order by customer_id limit $2`, limit); err != nil {
		return false, err
	}
	if u.told, err = u.list(ctx, `
		select distinct customer_id from events where import_id = $1
		order by customer_id limit $2`, limit); err != nil {
		return false, err
	}
	more = len(u.came) == limit || len(u.told) == limit
	all := slices.Concat(u.came, u.told)
	if len(all) == 0 {
		return false, nil
	}
	if err := Lock(ctx, tx, all...); err != nil {
		return false, err
	}
	if err := u.sort(ctx); err != nil {
		return false, fmt.Errorf("undo %s: %w", i, err)
	}
	if err := u.remove(ctx); err != nil {
		return false, fmt.Errorf("undo %s: %w", i, err)
	}
	return more, u.clean(ctx)
}

// undoing is one slice of an import being undone.
type undoing struct {
	tx     *store.Tx
	i      id.Import
	tables []Table
	came   []id.Customer // made by the import
	told   []id.Customer // of whom it told something
	gone   []id.Customer
	stay   []id.Customer
}

func (u *undoing) list(ctx context.Context, query string, limit int) ([]id.Customer, error) {
	all, err := store.All(ctx, u.tx, store.Scalar[int64], query, int64(u.i), limit)
	if err != nil {
		return nil, fmt.Errorf("find the customers of %s: %w", u.i, err)
	}
	ids := make([]id.Customer, len(all))
	for i, c := range all {
		ids[i] = id.Customer(c)
	}
	return ids, nil
}

// sort finds out who goes and who stays.
func (u *undoing) sort(ctx context.Context) error {
	others := map[id.Customer]bool{}
	for part := range slices.Chunk(u.came, 200) {
		if err := u.hold(ctx, part, others); err != nil {
			return err
		}
	}
	for _, c := range u.came {
		if others[c] {
			u.stay = append(u.stay, c)
		} else {
			u.gone = append(u.gone, c)
		}
	}
	for _, c := range u.told {
		if _, ok := slices.BinarySearch(u.came, c); !ok { // both lists ascend
			u.stay = append(u.stay, c)
		}
	}
	return nil
}

// hold notes the customers of whom somebody else told something, or who took
// part in a merge or were erased.
func (u *undoing) hold(ctx context.Context, part []id.Customer, others map[id.Customer]bool) error {
	note := func(query string, args ...any) error {
		all, err := store.All(ctx, u.tx, store.Scalar[int64], query, args...)
		for _, c := range all {
			others[id.Customer(c)] = true
		}
		return err
	}
	in, ids := origins(part, 1)
	if err := note(`select customer_id from customers where customer_id in (`+in+`) and (merged_into is not null or erased_at is not null)`, ids...); err != nil {
		return err
	}
	for _, t := range u.tables {
		if t.Merge == Recompute || t.Merge == Stay || t.Merge == Follow {
			continue
		}
		columns, err := columnsOf(ctx, u.tx, t.Name)
		if err != nil {
			return err
		}
		if t.Name == "events" {
			// But for those that undoing other imports left behind.
			err = note(`select distinct customer_id from events where customer_id in (`+in+`)
				and import_id is distinct from $`+fmt.Sprint(len(part)+1)+` and not (import_id is null and source = 'import' and kind = 'customer.changed')`,
				append(slices.Clone(ids), int64(u.i))...)
		} else if slices.Contains(columns, "import_id") {
			err = note(`select distinct customer_id from `+t.Name+` where customer_id in (`+in+`)
				and import_id is distinct from $`+fmt.Sprint(len(part)+1), append(slices.Clone(ids), int64(u.i))...)
		} else {
			err = note(`select distinct customer_id from `+t.Name+` where customer_id in (`+in+`)`, ids...)
		}
		if err != nil {
			return fmt.Errorf("look for others' rows in %s: %w", t.Name, err)
		}
	}
	return nil
}

// remove deletes whole customers, the customers' own rows last: the others
// refer to them.
func (u *undoing) remove(ctx context.Context) error {
	tables := slices.Clone(u.tables)
	slices.SortStableFunc(tables, func(a, b Table) int {
		switch {
		case a.Name == "customers":
			return 1
		case b.Name == "customers":
			return -1
		}
		return 0
	})
	for part := range slices.Chunk(u.gone, 200) {
		in, ids := origins(part, 1)
		if _, err := u.tx.Exec(ctx, `delete from customer_duplicates where other_id in (`+in+`)`, ids...); err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := u.tx.Exec(ctx, `delete from `+t.Name+` where customer_id in (`+in+`)`, ids...); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
	}
	return nil
}

// clean takes from those who live on what the import told of them.
func (u *undoing) clean(ctx context.Context) error {
	for part := range slices.Chunk(u.stay, 200) {
		in, ids := origins(part, 2)
		ids = append([]any{int64(u.i)}, ids...)
		for _, t := range u.tables {
			columns, err := columnsOf(ctx, u.tx, t.Name)
			if err != nil {
				return err
			}
			if !slices.Contains(columns, "import_id") {
				continue
			}
			query := `delete from ` + t.Name + ` where import_id = $1 and customer_id in (` + in + `)`
			if t.Name == "customers" || t.Name == "customer_identities" {
				query = `update ` + t.Name + ` set import_id = null where import_id = $1 and customer_id in (` + in + `)`
			}
			if _, err := u.tx.Exec(ctx, query, ids...); err != nil {
				return fmt.Errorf("undo %s: %s: %w", u.i, t.Name, err)
			}
		}
		if err := u.settle(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (u *undoing) settle(ctx context.Context, part []id.Customer) error {
	if err := settleConsents(ctx, u.tx, part...); err != nil {
		return err
	}
	var events []timeline.Event
	for _, c := range part {
		by := By{Source: "import", History: true}
		events = append(events, by.event(c, kindChanged, Changed{Fields: []string{"import"}}))
	}
	return timeline.Record(ctx, u.tx, events...)
}
