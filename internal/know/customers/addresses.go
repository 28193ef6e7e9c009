package customers

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Address is where post reaches a customer.
type Address struct {
	ID        int64  // 0: a new one
	Recipient string // empty: the customer
	Street    string // one or several lines
	City      string
	Region    string
	Postcode  string
	Country   string // ISO 3166
}

func (a *Address) tidy() error {
	for _, f := range []struct {
		name string
		v    *string
		max  int
	}{{"recipient", &a.Recipient, maxName}, {"city", &a.City, maxName}, {"region", &a.Region, maxName},
		{"postcode", &a.Postcode, 20}, {"address_country", &a.Country, 2}} {
		if err := line(f.name, f.v, f.max); err != nil {
			return err
		}
	}
	a.Country = strings.ToUpper(a.Country)
	if err := area("street", &a.Street, 500); err != nil {
		return err
	}
	if a.Street == "" && a.City == "" && a.Postcode == "" {
		return errs.Wrong("street", "customers.wrong.address")
	}
	return nil
}

// WriteAddress writes an address of a customer: a new one, or that with its ID
// anew. It records customer.changed.
func WriteAddress(ctx context.Context, tx *store.Tx, c id.Customer, by By, a Address) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	if err := a.tidy(); err != nil {
		return err
	}
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	_, err := tx.Exec(ctx, `
		insert into customer_addresses (customer_id, id, recipient, street, city, region, postcode, country, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null)
		on conflict (customer_id, id) do update set recipient = excluded.recipient, street = excluded.street, city = excluded.city,
			region = excluded.region, postcode = excluded.postcode, country = excluded.country`,
		int64(c), a.ID, a.Recipient, a.Street, a.City, a.Region, a.Postcode, a.Country, tx.Now.UnixMicro(), null(int64(by.Import)))
	if err != nil {
		return fmt.Errorf("write an address of %s: %w", c, err)
	}
	return changed(ctx, tx, c, by, []string{"address"})
}

// DropAddress forgets an address. It records customer.changed.
func DropAddress(ctx context.Context, tx *store.Tx, c id.Customer, by By, address int64) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from customer_addresses where customer_id = $1 and id = $2`, int64(c), address)
	if err != nil || n == 0 {
		return err
	}
	return changed(ctx, tx, c, by, []string{"address"})
}

// Addresses returns a customer's addresses, the newest first.
func Addresses(ctx context.Context, q store.Querier, c id.Customer) ([]Address, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (a Address, err error) {
		return a, rows.Scan(&a.ID, &a.Recipient, &a.Street, &a.City, &a.Region, &a.Postcode, &a.Country)
	}, `
		select id, recipient, street, city, region, postcode, country from customer_addresses
		where customer_id = $1 order by created_at desc, id desc`, int64(c))
}

// Lines is the address as it is written on an envelope, without the name.
func (a Address) Lines() []string {
	var all []string
	for _, l := range append(strings.Split(a.Street, "\n"), strings.TrimSpace(a.Postcode+" "+a.City), a.Region, a.Country) {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

func writeAddresses(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_addresses", "customer_id, id, recipient, street, city, region, postcode, country, created_at, import_id, origin_customer_id", "")
	for _, m := range fresh {
		for _, a := range m.Addresses {
			if err := b.Add(int64(m.id), tx.NewID(), a.Recipient, a.Street, a.City, a.Region, a.Postcode, a.Country,
				tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
		}
	}
	return b.Close()
}

// tidyParts checks what hangs on a profile beside its identities.
func (m *maker) tidyParts() error {
	for i := range m.Tags {
		if err := tidyLabel("tag", &m.Tags[i]); err != nil {
			return err
		}
	}
	for i := range m.Tastes {
		if err := m.Tastes[i].tidy(); err != nil {
			return err
		}
	}
	for i := range m.Dates {
		if err := m.Dates[i].tidy(); err != nil {
			return err
		}
	}
	for i := range m.Addresses {
		if err := m.Addresses[i].tidy(); err != nil {
			return err
		}
	}
	for i := range m.Consents {
		if err := m.Consents[i].tidy(); err != nil {
			return err
		}
	}
	return nil
}
