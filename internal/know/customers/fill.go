package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// A survivor's own fields stay; what they leave blank is filled by those who
// were merged into them, in the order of the merges, and the earliest joining
// counts. So that any merge can be undone in any order, what was the
// survivor's own is put aside with each merge, and what stands in the row is
// always folded from it.

// texts are the fields of a customer that others fill.
func (c *Customer) texts() []*string {
	return []*string{&c.Name, &c.Given, &c.Family, &c.Language, &c.Country, &c.Email, &c.Phone}
}

// fold is own with its blanks filled by others.
func fold(own Customer, others []Customer) Customer {
	for _, o := range others {
		for i, v := range own.texts() {
			if *v == "" {
				*v = *o.texts()[i]
			}
		}
		if o.JoinedAt.Before(own.JoinedAt) {
			own.JoinedAt, own.JoinedDay = o.JoinedAt, o.JoinedDay
		}
	}
	return own
}

// ownOf is what is the customer's own of the row as it stands: what differs
// from the fold was edited since.
func ownOf(now, own Customer, others []Customer) Customer {
	folded := fold(own, others)
	result := own
	for i, v := range now.texts() {
		if *v != *folded.texts()[i] {
			*result.texts()[i] = *v
		}
	}
	if !now.JoinedAt.Equal(folded.JoinedAt) {
		result.JoinedAt, result.JoinedDay = now.JoinedAt, now.JoinedDay
	}
	return result
}

// merged returns the customers merged into c themselves, in the order of the
// merges, and what is c's own.
func merged(ctx context.Context, q store.Querier, c Customer) (own Customer, others []Customer, err error) {
	others, err = mergedInto(ctx, q, c.ID)
	if err != nil || len(others) == 0 {
		return c, nil, err
	}
	own, err = ownAside(ctx, q, c)
	return ownOf(c, own, others), others, err
}

// mergedInto returns the customers merged into c themselves, in the order of
// the merges.
func mergedInto(ctx context.Context, q store.Querier, c id.Customer) ([]Customer, error) {
	all, err := store.All(ctx, q, store.Scalar[int64], `
		select other_id from customer_merges
		where customer_id = $1 and origin_customer_id is null and undone_at is null order by id`, int64(c))
	if err != nil {
		return nil, err
	}
	var others []Customer
	for _, o := range all {
		other, err := ByID(ctx, q, id.Customer(o))
		if err != nil {
			return nil, err
		}
		others = append(others, other)
	}
	return others, nil
}

// refold alters what is a customer's own, and folds it anew into everybody
// they were merged into.
func refold(ctx context.Context, tx *store.Tx, c id.Customer, alter func(own *Customer)) error {
	var chain []Customer // what is own of c, of the one c was merged into, …
	for c != 0 {
		who, err := ByID(ctx, tx, c)
		if err != nil {
			return err
		}
		own, _, err := merged(ctx, tx, who)
		if err != nil {
			return err
		}
		chain = append(chain, own)
		c = who.MergedInto
	}
	alter(&chain[0])
	for _, own := range chain {
		if err := rewriteAside(ctx, tx, own); err != nil {
			return err
		}
		others, err := mergedInto(ctx, tx, own.ID)
		if err != nil {
			return err
		}
		if err := writeFields(ctx, tx, fold(own, others)); err != nil {
			return err
		}
	}
	return nil
}

// rewriteAside brings what merges put aside of a customer's own fields up to
// date.
func rewriteAside(ctx context.Context, tx *store.Tx, own Customer) error {
	text, err := ownRow(own).encode()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		update customer_merged_rows set kept = $2 where customer_id = $1 and table_name = 'customers' and origin_customer_id is null`,
		int64(own.ID), text)
	return err
}

// ownAside reads what the latest merge put aside of c's own fields.
func ownAside(ctx context.Context, q store.Querier, c Customer) (Customer, error) {
	var text string
	err := q.QueryRow(ctx, `
		select kept from customer_merged_rows
		where customer_id = $1 and table_name = 'customers' and origin_customer_id is null
		order by merge_id desc limit 1`, int64(c.ID)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	r, err := decode(text)
	if err != nil {
		return c, err
	}
	for i, column := range textColumns {
		*c.texts()[i], _ = r.get(column).(string)
	}
	joined, _ := r.get("joined_at").(int64)
	c.JoinedAt = moment(joined)
	c.JoinedDay, _ = r.get("joined_day").(string)
	return c, nil
}

// textColumns are the columns of Customer.texts.
var textColumns = []string{"name", "given", "family", "language", "country", "email", "phone"}

// ownRow is what is put aside of c's own fields.
func ownRow(c Customer) row {
	r := row{columns: append([]string{"joined_at", "joined_day"}, textColumns...), values: []any{c.JoinedAt.UnixMicro(), c.JoinedDay}}
	for _, v := range c.texts() {
		r.values = append(r.values, *v)
	}
	return r
}

func writeFields(ctx context.Context, tx *store.Tx, c Customer) error {
	_, err := tx.Exec(ctx, `
		update customers set name = $2, given = $3, family = $4, language = $5, country = $6, email = $7, phone = $8,
			joined_at = $9, joined_day = $10 where customer_id = $1`,
		int64(c.ID), c.Name, c.Given, c.Family, c.Language, c.Country, c.Email, c.Phone, c.JoinedAt.UnixMicro(), c.JoinedDay)
	if err != nil {
		return fmt.Errorf("write the fields of %s: %w", c.ID, err)
	}
	return nil
}

// fill gives the survivor what they leave blank and makes the other one a
// tombstone.
func (m *merging) fill(ctx context.Context, to, from Customer) error {
	own, others, err := merged(ctx, m.tx, to)
	if err != nil {
		return fmt.Errorf("read earlier merges: %w", err)
	}
	m.keep("customers", ownRow(own), false)
	if err := writeFields(ctx, m.tx, fold(own, append(others, from))); err != nil {
		return err
	}
	_, err = m.tx.Exec(ctx, `update customers set merged_into = $2 where customer_id = $1`, int64(from.ID), int64(to.ID))
	return err
}
