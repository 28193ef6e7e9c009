package customers

import (
	"context"
	"fmt"

	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
)

// Names returns what customers are called where people read it: by name, email
// or phone; who has none of them by their number elsewhere, or by ours; who
// was erased by that.
func Names(ctx context.Context, q store.Querier, p *locale.Printer, ids ...id.Customer) (map[id.Customer]string, error) {
	all, err := ByIDs(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	return naming(ctx, q, p, all)
}

// naming is Names of customers who have been read.
func naming(ctx context.Context, q store.Querier, p *locale.Printer, all []Customer) (map[id.Customer]string, error) {
	names, nameless := map[id.Customer]string{}, []id.Customer{}
	for _, c := range all {
		if names[c.ID] = c.Called(); names[c.ID] != "" {
			continue
		}
		nameless = append(nameless, c.ID)
		names[c.ID] = p.T("customers.nameless", "Number", c.ID.String()[len("cus_"):])
		if !c.ErasedAt.IsZero() {
			names[c.ID] = p.T("customers.erased.name")
		}
	}
	if len(nameless) == 0 {
		return names, nil
	}
	in, ids := origins(nameless, 1)
	rows, err := q.Query(ctx, `
		select customer_id, kind, value from customer_identities
		where customer_id in (`+in+`) order by kind desc, value desc`, ids...)
	if err != nil {
		return nil, fmt.Errorf("read by what customers are known: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c id.Customer
		var i Identity
		if err := rows.Scan(&c, &i.Kind, &i.Value); err != nil {
			return nil, err
		}
		names[c] = p.T("customers.nameless", "Number", Known{Identity: i}.label())
	}
	return names, rows.Err()
}

func customersOf(rows []Listed) []Customer {
	all := make([]Customer, len(rows))
	for i, l := range rows {
		all[i] = l.Customer
	}
	return all
}
