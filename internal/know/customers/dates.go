package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Date is a day that comes back every year.
type Date struct {
	Kind     string // one of DateKinds
	Label    string // of an anniversary: what of
	MonthDay string // MM-DD
	Year     int    // 0: not known
}

// DateKinds are the sorts of date.
var DateKinds = []string{"birthday", "name_day", "anniversary"}

// Day is the date as YYYY-MM-DD, or "" when the year is not known.
func (d Date) Day() string {
	if d.Year == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%s", d.Year, d.MonthDay)
}

// tidy checks a date. The 29th of February is a day of any year.
func (d *Date) tidy() error {
	if !slices.Contains(DateKinds, d.Kind) {
		return errs.Wrong("kind", "customers.wrong.date-kind")
	}
	if d.Kind != "anniversary" {
		d.Label = ""
	}
	if err := line("label", &d.Label, maxLabel); err != nil {
		return err
	}
	year := d.Year
	if year == 0 {
		year = 2000 // has a 29th of February
	}
	if _, err := time.Parse(time.DateOnly, fmt.Sprintf("%04d-%s", year, d.MonthDay)); err != nil || len(d.MonthDay) != 5 {
		return errs.Wrong("month_day", "customers.wrong.date-day")
	}
	if d.Year < 0 || d.Year != 0 && d.Year < 1800 || d.Year > 2200 {
		return errs.Wrong("year", "customers.wrong.date-year")
	}
	return nil
}

// SetDate notes a date of a customer; a second one of the same kind and label
// replaces the first. It records customer.changed.
func SetDate(ctx context.Context, tx *store.Tx, c id.Customer, by By, d Date) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	if err := d.tidy(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		insert into customer_dates (customer_id, kind, label, month_day, year, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, null)
		on conflict (customer_id, kind, label) do update set month_day = excluded.month_day, year = excluded.year`,
		int64(c), d.Kind, d.Label, d.MonthDay, null(int64(d.Year)), tx.Now.UnixMicro(), null(int64(by.Import)))
	if err != nil {
		return fmt.Errorf("set a date of %s: %w", c, err)
	}
	return changed(ctx, tx, c, by, []string{d.Kind})
}

// DropDate forgets a date. It records customer.changed.
func DropDate(ctx context.Context, tx *store.Tx, c id.Customer, by By, kind, label string) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from customer_dates where customer_id = $1 and kind = $2 and label = $3`, int64(c), kind, label)
	if err != nil || n == 0 {
		return err
	}
	return changed(ctx, tx, c, by, []string{kind})
}

// Dates returns a customer's dates.
func Dates(ctx context.Context, q store.Querier, c id.Customer) ([]Date, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (d Date, err error) {
		var year sql.NullInt64
		err = rows.Scan(&d.Kind, &d.Label, &d.MonthDay, &year)
		d.Year = int(year.Int64)
		return d, err
	}, `select kind, label, month_day, year from customer_dates where customer_id = $1 order by kind, month_day, label`, int64(c))
}

func writeDates(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_dates", "customer_id, kind, label, month_day, year, created_at, import_id, origin_customer_id",
		"on conflict (customer_id, kind, label) do nothing")
	for _, m := range fresh {
		for _, d := range m.Dates {
			if err := b.Add(int64(m.id), d.Kind, d.Label, d.MonthDay, null(int64(d.Year)), tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
		}
	}
	return b.Close()
}
