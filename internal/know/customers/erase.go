package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Erasure says that somebody was erased, and nothing of who it was.
type Erasure struct {
	Customer id.Customer
	At       time.Time
	By       id.User
}

// EraseForGood makes a person unknown: rows of personal tables are deleted,
// personal columns of the others blanked, and nothing finds the customer any
// more, nor those who were merged into them. What accounting needs, the
// amounts of orders, stays without the person. It cannot be undone. It records
// customer.erased. Erasing somebody twice changes nothing.
//
// Files from before still name the person. CreateMany knows them by marks from
// which nothing of the person can be read, and does not make them anew.
func EraseForGood(ctx context.Context, tx *store.Tx, tables []Table, c id.Customer, by By) error {
	members, err := family(ctx, tx, c)
	if err != nil {
		return err
	}
	if err := Lock(ctx, tx, members...); err != nil {
		return err
	}
	who, err := ByID(ctx, tx, c)
	switch {
	case err != nil:
		return err
	case who.MergedInto != 0:
		return errs.Clash("", "customers.wrong.erase-merged")
	case !who.ErasedAt.IsZero():
		return nil
	}
	in, ids := origins(members, 1)
	keys, err := store.All(ctx, tx, store.Scalar[string], `select key from customer_keys where customer_id in (`+in+`)`, ids...)
	if err != nil {
		return err
	}
	var wiped []Wiped
	for _, t := range tables {
		w, err := t.erase(ctx, tx, in, ids)
		if err != nil {
			return fmt.Errorf("erase %s: %s: %w", c, t.Name, err)
		}
		if w.Removed+w.Emptied+w.Kept > 0 {
			wiped = append(wiped, w)
		}
	}
	if _, err := tx.Exec(ctx, `delete from customer_duplicates where other_id in (`+in+`)`, ids...); err != nil {
		return err
	}
	if err := mark(ctx, tx, c, keys); err != nil {
		return fmt.Errorf("erase %s: %w", c, err)
	}
	text, digest, err := writeReceipt(ctx, tx, c, by, wiped)
	if err != nil {
		return fmt.Errorf("erase %s: %w", c, err)
	}
	for _, m := range members {
		if err := erased(ctx, tx, m, by, text, digest); err != nil {
			return err
		}
	}
	return timeline.Record(ctx, tx, by.event(c, kindErased, struct{}{}))
}

// erase empties or blanks one table, and tells how much that was.
func (t Table) erase(ctx context.Context, tx *store.Tx, in string, ids []any) (w Wiped, err error) {
	w.Table = t.Name
	switch {
	case t.Erase == Empty:
		w.Removed, err = tx.Exec(ctx, `delete from `+t.Name+` where customer_id in (`+in+`)`, ids...)
		return w, err
	case t.Erase == Keep && len(t.Blank) > 0:
		var set []string
		args := slices.Clone(ids)
		for _, column := range slices.Sorted(maps.Keys(t.Blank)) {
			args = append(args, t.Blank[column])
			set = append(set, fmt.Sprintf("%s = $%d", column, len(args)))
		}
		w.Columns = slices.Sorted(maps.Keys(t.Blank))
		w.Emptied, err = tx.Exec(ctx, `update `+t.Name+` set `+strings.Join(set, ", ")+` where customer_id in (`+in+`)`, args...)
		return w, err
	case t.Erase == Keep:
		err = tx.QueryRow(ctx, `select count(*) from `+t.Name+` where customer_id in (`+in+`)`, ids...).Scan(&w.Kept)
		return w, err
	}
	return w, errors.New("the table does not say what becomes of an erased person's rows")
}

func erased(ctx context.Context, tx *store.Tx, c id.Customer, by By, receipt, digest string) error {
	if _, err := tx.Exec(ctx, `update customers set erased_at = $2, changed_at = $2 where customer_id = $1`, int64(c), tx.Now.UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		insert into customer_erasures (customer_id, erased_at, erased_by, receipt, digest) values ($1, $2, $3, $4, $5)
		on conflict (customer_id) do nothing`,
		int64(c), tx.Now.UnixMicro(), int64(by.Actor), receipt, digest)
	return err
}

// Erasures returns every erasure there was: what a restore saves from the
// database it replaces, to apply it again.
func Erasures(ctx context.Context, q store.Querier) ([]Erasure, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (e Erasure, err error) {
		var at int64
		err = rows.Scan(&e.Customer, &at, &e.By)
		e.At = moment(at)
		return e, err
	}, `select customer_id, erased_at, erased_by from customer_erasures order by erased_at, customer_id`)
}

// ReapplyErasures erases again who had been erased before an older backup was
// restored, and returns how many that were. Those whom the backup does not
// know, or knows as erased, are passed over. Each is a transaction of its own;
// doing it again changes nothing.
func ReapplyErasures(ctx context.Context, db *store.DB, tables []Table, list []Erasure) (int, error) {
	n := 0
	for _, e := range list {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			all, err := ByIDs(ctx, tx, []id.Customer{e.Customer})
			if err != nil || len(all) == 0 || !all[0].ErasedAt.IsZero() {
				return err
			}
			// In the backup they may have been merged into somebody, or not yet.
			c, err := Resolve(ctx, tx, e.Customer)
			if err != nil {
				return err
			}
			n++
			return EraseForGood(ctx, tx, tables, c, By{Actor: e.By, Source: "restore"})
		})
		if err != nil {
			return n, fmt.Errorf("erase %s again: %w", e.Customer, err)
		}
	}
	return n, nil
}
