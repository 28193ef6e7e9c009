package app_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"regulars/internal/app"
	"regulars/internal/know/customers"
	"regulars/internal/testkit"
)

func TestEveryTableOfCustomersIsDeclared(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join(testkit.Root(t), "internal/app/migrations/schema.golden.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range undeclared(string(golden), app.Tables()) {
		t.Error(m)
	}
}

func TestADeclarationThatDoesNotFitItsTableIsCaught(t *testing.T) {
	const schema = `table pets
	customer_id bigint not null
	pet_id bigint not null
	name text not null
	visits bigint not null
	traits jsonb not null
	origin_customer_id bigint
	primary key (customer_id, pet_id)

table chips
	chip text not null
	customer_id bigint not null
	primary key (chip)

table breeds
	breed_id bigint not null
	primary key (breed_id)
`
	chips := customers.Table{Name: "chips", Merge: customers.Stay, Erase: customers.Empty}
	good := customers.Table{Name: "pets", Merge: customers.KeepFirst, Key: []string{"pet_id"}, Erase: customers.Keep,
		Blank: map[string]string{"name": "", "traits": "{}"}}
	if got := undeclared(schema, []customers.Table{good, chips}); len(got) > 0 {
		t.Fatal(got)
	}
	for want, spoil := range map[string]func(*customers.Table){
		"is declared by nobody":       func(t *customers.Table) { t.Name = "chips" },
		"is not in the schema":        func(t *customers.Table) { t.Name = "birds" },
		"no way to merge":             func(t *customers.Table) { t.Merge = 0 },
		"no way to erase":             func(t *customers.Table) { t.Erase = 0 },
		"its key is pet_id":           func(t *customers.Table) { t.Key = nil },
		"visit is no bigint column":   func(t *customers.Table) { t.Merge, t.Sums = customers.Sum, []string{"visit"} },
		"nothing to add up":           func(t *customers.Table) { t.Merge = customers.Sum },
		"nickname is no text":         func(t *customers.Table) { t.Blank = map[string]string{"nickname": ""} },
		"traits is blanked with \"\"": func(t *customers.Table) { t.Blank = map[string]string{"traits": ""} },
		"both emptied and blanked":    func(t *customers.Table) { t.Erase = customers.Empty },
	} {
		bad := good
		spoil(&bad)
		if got := strings.Join(undeclared(schema, []customers.Table{bad, chips}), "\n"); !strings.Contains(got, want) {
			t.Errorf("no message with %q: %s", want, got)
		}
	}
	moved := chips
	moved.Merge = customers.Follow
	if got := strings.Join(undeclared(schema, []customers.Table{good, moved}), "\n"); !strings.Contains(got, "origin_customer_id") {
		t.Errorf("a table that follows without remembering whose it was: %s", got)
	}
}

// made is a table as the golden schema shows it.
type made struct {
	columns map[string]string // name → type, with "not null"
	key     []string
}

func tablesOf(schema string) map[string]made {
	all := map[string]made{}
	var name string
	for line := range strings.Lines(schema) {
		line = strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(line, "table "); ok {
			name = after
			all[name] = made{columns: map[string]string{}}
			continue
		}
		first, rest, _ := strings.Cut(line, " ")
		t := all[name]
		switch first {
		case "", "check", "unique", "index", "foreign":
		case "primary":
			t.key = strings.Split(strings.Trim(strings.TrimPrefix(rest, "key "), "()"), ", ")
		default:
			t.columns[first] = rest
		}
		all[name] = t
	}
	return all
}

// undeclared lists what is missing or wrong in how tables say that they
// merge, are exported and erased.
func undeclared(schema string, declared []customers.Table) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	tables := tablesOf(schema)
	seen := map[string]bool{}
	for _, d := range declared {
		t, ok := tables[d.Name]
		switch {
		case !ok:
			say("table %s is declared, but is not in the schema", d.Name)
			continue
		case seen[d.Name]:
			say("table %s is declared twice", d.Name)
			continue
		}
		seen[d.Name] = true
		for _, w := range t.misfits(d) {
			say("table %s: %s", d.Name, w)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if _, ok := tables[name].columns["customer_id"]; ok && !seen[name] {
			say("table %s has rows of customers and is declared by nobody: say in its module's Tables how they merge, are exported and erased", name)
		}
	}
	return wrong
}

func (t made) misfits(d customers.Table) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if d.Merge == 0 {
		say("no way to merge is said")
	}
	if d.Erase == 0 {
		say("no way to erase is said")
	}
	switch d.Merge {
	case customers.Move, customers.KeepFirst, customers.Follow:
		if t.columns["origin_customer_id"] != "bigint" {
			say("it needs a column origin_customer_id bigint, or its merge cannot be undone")
		}
	case customers.Sum:
		if len(d.Sums) == 0 {
			say("it has nothing to add up")
		}
	}
	if d.Merge == customers.Move && len(t.key) < 2 {
		say("its key is the customer alone, so two customers' rows collide: KeepFirst, Sum or Recompute")
	}
	if d.Merge == customers.KeepFirst || d.Merge == customers.Sum {
		if want := t.key[1:]; !slices.Equal(want, d.Key) {
			say("its key is %s, not %s", strings.Join(want, ", "), strings.Join(d.Key, ", "))
		}
	}
	for _, c := range d.Sums {
		if !strings.HasPrefix(t.columns[c], "bigint") {
			say("%s is no bigint column", c)
		}
	}
	if d.Erase == customers.Empty && len(d.Blank) > 0 {
		say("it is both emptied and blanked")
	}
	for c, blank := range d.Blank {
		want := map[string]string{"": "text", "{}": "jsonb"}[blank]
		if kind, ok := t.columns[c]; !ok || want == "" {
			say("%s is no text or jsonb column", c)
		} else if !strings.HasPrefix(kind, want) {
			say("%s is blanked with %q, but is %s", c, blank, kind)
		}
	}
	return wrong
}
