package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"regulars/internal/platform/money"
)

// CSV writes the tables of a report into a folder, one file each, with plain
// numbers: amounts in units of the currency with a point.
func CSV(dir string, r *Report) error {
	for name, rows := range tables(r) {
		if err := writeCSV(filepath.Join(dir, name+".csv"), rows); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(path string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	w := csv.NewWriter(f)
	err = w.WriteAll(rows)
	return errors.Join(err, f.Close())
}

// CustomersFile writes customers, one a row, as they are worked out.
type CustomersFile struct {
	file *os.File
	w    *csv.Writer
}

// NewCustomersFile makes customers.csv in a folder.
func NewCustomersFile(dir string) (*CustomersFile, error) {
	f, err := os.Create(filepath.Join(dir, "customers.csv"))
	if err != nil {
		return nil, fmt.Errorf("write the customers: %w", err)
	}
	c := &CustomersFile{file: f, w: csv.NewWriter(f)}
	return c, c.w.Write([]string{"customer", "first_day", "last_day", "orders", "revenue_minor", "alive", "expected_visits_year", "expected_minor_year", "at_stake_minor", "due", "late", "state"})
}

// Add writes one customer.
func (c *CustomersFile) Add(v Customer) error {
	return c.w.Write([]string{cell(v.Customer), v.FirstDay, v.LastDay, whole(v.Orders), whole(v.RevenueMinor), float(v.Alive), float(v.ExpectedYear), minor(v.ValueYear), minor(v.AtStake), v.Due, v.Late, v.State})
}

// Close ends the file.
func (c *CustomersFile) Close() error {
	c.w.Flush()
	return errors.Join(c.w.Error(), c.file.Close())
}

// cell keeps an id of a file from being taken for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

// float writes a figure exactly; nothing where it is not known.
func float(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

func minor(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(math.Round(*v), 'f', 0, 64)
}

// tables are the report's tables with their headings.
func tables(r *Report) map[string][][]string {
	amount := func(n int64) string { return money.Amount{Minor: n, Currency: r.Currency}.Decimal() }
	expected := func(v float64) string { return amount(int64(math.Round(v))) }
	all := map[string][][]string{
		"figures": {{"figure", "value"},
			{"customers", whole(r.Customers)}, {"orders", whole(r.Orders)}, {"revenue", amount(r.RevenueMinor)},
			{"customers_again", whole(r.Repeat.Again)}, {"repeat_rate", float(r.Repeat.Rate)},
			{"orders_per_customer", float(r.Repeat.OrdersPerCustomer)}, {"retention_from", r.Retention.From}, {"retention_to", r.Retention.To},
			{"retention_start", whole(r.Retention.Start)}, {"retention_end", whole(r.Retention.End)}, {"retention_new", whole(r.Retention.New)},
			{"retention_won_back", whole(r.Retention.WonBack)}, {"retention_rate", float(r.Retention.Rate)},
			{"median_days_between_purchases", float(r.Between.Median)}, {"customers_alive", float(r.Alive)}},
		"periods":  {{"period", "running", "start", "end", "retention", "new_customers", "returning_customers", "orders", "new_revenue", "returning_revenue"}},
		"cohorts":  {{"cohort", "size", "period", "customers", "kept", "revenue", "worth_per_customer_minor"}},
		"groups":   {{"group", "customers", "orders", "revenue", "mean_days_since"}},
		"slipping": {{"customer", "first_day", "last_day", "orders", "revenue", "alive", "expected_minor_year", "at_stake_minor", "due", "late"}},
		"forecast": {{"next", "days", "what", "expected", "low_50", "high_50", "low_90", "high_90"}},
	}
	add := func(name string, cells ...string) { all[name] = append(all[name], cells) }
	for _, p := range r.Periods {
		add("periods", p.Label, strconv.FormatBool(p.Running), whole(p.Start), whole(p.End), float(p.Retention), whole(p.NewCustomers),
			whole(p.ReturningCustomers), whole(p.Orders), amount(p.NewMinor), amount(p.ReturningMinor))
	}
	for _, c := range r.Cohorts {
		for k, n := range c.Customers {
			add("cohorts", c.Label, whole(c.Size), strconv.Itoa(k), whole(n), float(c.Kept[k]), amount(c.RevenueMinor[k]), minor(c.WorthMinor[k]))
		}
	}
	if r.Split != nil {
		parts(r, amount, add)
	}
	for _, g := range r.RFM {
		add("groups", g.Group, whole(g.Customers), whole(g.Orders), amount(g.RevenueMinor), float(g.RecencyDays))
	}
	if r.FollowUp != nil {
		for _, c := range r.FollowUp.List {
			add("slipping", cell(c.Customer), c.FirstDay, c.LastDay, whole(c.Orders), amount(c.RevenueMinor), float(c.Alive), minor(c.ValueYear), minor(c.AtStake), c.Due, c.Late)
		}
	}
	for _, f := range r.Forecast {
		o, m := f.Orders, f.Revenue
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
		add("forecast", f.Name, strconv.Itoa(f.Days), "orders", number(o.Expected), number(o.Low50), number(o.High50), number(o.Low90), number(o.High90))
		add("forecast", f.Name, strconv.Itoa(f.Days), "revenue", expected(m.Expected), expected(m.Low50), expected(m.High50), expected(m.Low90), expected(m.High90))
	}
	return all
}

// parts are the tables of the customers side by side.
func parts(r *Report, amount func(int64) string, add func(name string, cells ...string)) {
	add("split", string(r.Split.By), "kind", "customers", "share", "orders", "revenue", "repeat_rate", "retention_start", "retention_end",
		"retention_new", "retention_won_back", "retention_rate")
	add("split-cohorts", string(r.Split.By), "kind", "cohort", "size", "period", "customers", "kept", "revenue", "worth_per_customer_minor")
	for _, p := range r.Split.Parts {
		add("split", cell(p.Name), p.Kind, whole(p.Customers), float(p.Share), whole(p.Orders), amount(p.RevenueMinor), float(p.Repeat),
			whole(p.Retention.Start), whole(p.Retention.End), whole(p.Retention.New), whole(p.Retention.WonBack), float(p.Retention.Rate))
		for _, c := range p.Cohorts {
			for k, n := range c.Customers {
				add("split-cohorts", cell(p.Name), p.Kind, c.Label, whole(c.Size), strconv.Itoa(k), whole(n), float(c.Kept[k]),
					amount(c.RevenueMinor[k]), minor(c.WorthMinor[k]))
			}
		}
	}
}
