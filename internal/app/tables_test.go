package app

import (
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// TestEveryTableOfCustomersSaysWhatBecomesOfItsRows fails for a table with a
// customer_id that nobody declared: merging, exporting and erasing a person
// would forget it.
func TestEveryTableOfCustomersSaysWhatBecomesOfItsRows(t *testing.T) {
	db := testkit.DB(t)
	schema, err := store.Schema(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	live := tablesOf(schema)
	declared := map[string]customers.Table{}
	for _, d := range Tables() {
		if _, twice := declared[d.Name]; twice {
			t.Errorf("%s is declared twice", d.Name)
		}
		declared[d.Name] = d
		if live[d.Name] == nil {
			t.Errorf("%s is declared and does not exist", d.Name)
		}
	}
	for name, lines := range live {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "customer_id ") }) {
			continue
		}
		d, ok := declared[name]
		if !ok {
			t.Errorf("%s holds something of customers: declare it in its module's list of customers.Table", name)
			continue
		}
		checkTable(t, d, lines)
	}
}

// checkTable holds a declaration to the columns of its table.
func checkTable(t *testing.T, d customers.Table, lines []string) {
	has := func(begin string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, begin) })
	}
	switch d.Merge {
	case customers.Move, customers.KeepFirst, customers.Follow:
		if !has("origin_customer_id bigint") {
			t.Errorf("%s moves with its customer: it needs origin_customer_id, so that it can go back", d.Name)
		}
	case customers.Sum:
		for _, s := range d.Sums {
			if !has(s + " bigint") {
				t.Errorf("%s adds up %s, which is no bigint of it", d.Name, s)
			}
		}
	case customers.Recompute, customers.Stay:
	default:
		t.Errorf("%s does not say how its rows merge", d.Name)
	}
	if d.Merge == customers.KeepFirst || d.Merge == customers.Sum {
		if want := "primary key (customer_id, " + strings.Join(d.Key, ", ") + ")"; !has(want) {
			t.Errorf("%s: its Key is not what follows customer_id in its primary key", d.Name)
		}
	}
	if d.Erase != customers.Empty && d.Erase != customers.Keep {
		t.Errorf("%s does not say what becomes of an erased person's rows", d.Name)
	}
	for column := range d.Blank {
		if !has(column + " ") {
			t.Errorf("%s blanks %s, which is no column of it", d.Name, column)
		}
	}
}

// tablesOf cuts the text of a schema into the lines of each table.
func tablesOf(schema string) map[string][]string {
	tables, name := map[string][]string{}, ""
	for line := range strings.Lines(schema) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "table "); ok {
			name = rest
			continue
		}
		if line != "" {
			tables[name] = append(tables[name], line)
		}
	}
	return tables
}
