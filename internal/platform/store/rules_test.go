package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/store"
)

// The rules that keep the schema fit for three sizes of database, held over
// the text of the migrations from the first table on. docs/sql.md explains
// them; each message says why.

func TestEveryMigrationKeepsTheRules(t *testing.T) {
	all, err := store.Migrations(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	onSQLite, onPostgres := map[string]shape{}, map[string]shape{}
	for _, m := range all {
		broken := breaches(m.SQLite, onSQLite)
		if m.Postgres != m.SQLite {
			broken = append(broken, breaches(m.Postgres, onPostgres)...)
		} else {
			breaches(m.Postgres, onPostgres)
		}
		for _, b := range broken {
			t.Errorf("migration %04d_%s: %s", m.Version, m.Name, b)
		}
	}
}

func TestEachRuleOfTheSchemaCatchesItsBreach(t *testing.T) {
	const good = `
create table pets (
	customer_id  bigint not null references customers (customer_id),
	pet_id       bigint not null,
	born_day     text,
	price_minor  bigint,
	told_at      bigint,
	traits       jsonb not null, -- it's a comment; nothing more
	state        text not null check (state in ('alive', 'gone')),
	primary key (customer_id, pet_id),
	unique (customer_id, born_day)
); -- citus:customer_id
create index pets_told on pets (told_at, customer_id) where told_at is not null;
create unique index pets_customer_id_state on pets (customer_id, lower(state));
create table pet_keys (chip text primary key, customer_id bigint not null, pet_id bigint not null); -- citus:chip
create table breeds (breed_id bigint primary key, name text not null); -- citus:reference
alter table pets add column visits bigint not null default 0;
update pets set visits = 0 where visits < 0;
`
	if got := breaches(good, map[string]shape{}); len(got) > 0 {
		t.Fatalf("the good migration breaks: %s", strings.Join(got, "\n"))
	}
	for _, c := range []struct{ old, new, want string }{
		{"); -- citus:customer_id", ");", "has no tag"},
		{"citus:chip", "citus:colour", "is tagged by colour"},
		{"primary key (customer_id, pet_id)", "primary key (pet_id)", "primary key begins with customer_id"},
		{"	customer_id  bigint not null", "	customer_id  bigint", "customer_id bigint not null"},
		{"unique (customer_id, born_day)", "unique (born_day)", "without customer_id first"},
		{"pet_id       bigint not null,", "pet_id       bigint not null unique,", "without customer_id first"},
		{"pets_customer_id_state on pets (customer_id, ", "pets_state on pets (", "without customer_id first"},
		{"references customers (customer_id)", "references breeds (breed_id)", "refers to breeds"},
		{"references customers (customer_id)", "references customers (customer_id) on delete set null", "set null"},
		{"name text not null)", "name text not null, customer_id bigint references customers (customer_id))", "only a customer table"},
		{"(chip text primary key, customer_id", "(chip text, customer_id bigint primary key, x", "begins with chip"},
		{"pet_id bigint not null); -- citus:chip", "pet_id bigint not null unique); -- citus:chip", "without chip"},
		{"(chip text primary key", "(chip text", "has no primary key"},
		{"price_minor  bigint", "price_minor  double precision", "price_minor"},
		{"told_at      bigint", "told_at      text", "told_at"},
		{"born_day     text", "born_day     bigint", "born_day"},
		{"pet_id       bigint", "pet_id       serial", "serial"},
		{"pet_id       bigint", "pet_id       integer", "integer"},
		{"price_minor  bigint", "price_minor  numeric(10, 2)", "numeric"},
		{"told_at      bigint", "told_at      timestamp", "timestamp"},
		{"name text", "name varchar(20)", "varchar"},
		{"state        text not null", "state        text not null default 'alive'", "default"},
		{"visits = 0 where", "visits = extract(epoch from now()) where", "now("},
		{"visits = 0 where", "visits = current_timestamp where", "current_timestamp"},
		{"update pets", "create view x as select 1; update pets", "create view"},
		{"update pets", "create trigger x after insert on pets begin select 1; end; update pets", "create trigger"},
		{"update pets", "create sequence x; update pets", "create sequence"},
		{"traits       jsonb", "data         jsonb", "data says nothing"},
		{"born_day     text,\n\tprice_minor", "born_day text, taste jsonb,\n\tprice_minor", "line of its own"},
		{"create index pets_told", "create index by_time", "is to be called"},
		{"'alive', 'gone'", "'alive;', 'gone'", "semicolon"},
		{"'alive', 'gone'", "'--', 'gone'", "two dashes"},
		{"'alive', 'gone'", "'jsonb', 'gone'", "a type's name"},
		{"create table breeds", "create table if not exists breeds", "create table name ("},
		{"create table breeds", "CREATE TABLE breeds", "lower case"},
		{"create table breeds", "create table myPets", "lower case"},
		{"state in ('alive', 'gone')", "state between 'a' and 'b'", "between"},
		{"visits bigint not null default 0", "visits bigint not null", "a default"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Errorf("%q is not in the good migration", c.old)
			continue
		}
		if got := strings.Join(breaches(bad, map[string]shape{}), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%q for %q is not caught by a message with %q; the messages: %s", c.new, c.old, c.want, got)
		}
	}
}

var (
	allowed = regexp.MustCompile(`^(create table \w+ ?\(|create (unique )?index \w+ on \w+ ?\(|alter table \w+ (add column|drop column|rename) |drop (table|index) \w+$|insert into |update |delete from )`)
	kind    = regexp.MustCompile(`(?i)^\w+( table| (unique )?index| view| trigger| sequence| \w+)?`)
	literal = regexp.MustCompile(`'[^'\n]*'`)
	remark  = regexp.MustCompile(`--[^\n]*`)
	inline  = regexp.MustCompile(`(?m)^.*\S[ \t]*[,(][ \t]*\w+[ \t]+jsonb\b`)

	forbidden = map[*regexp.Regexp]string{
		regexp.MustCompile(`\b(serial|bigserial|identity|autoincrement|sequence|nextval)\b`):                                      "ids come from tx.NewID: they are made before the row is, and on many machines",
		regexp.MustCompile(`\b(integer|int|smallint|numeric|decimal|money|real|float|varchar|char|citext|uuid|json|date|enum)\b`): "the types are bigint, boolean, double precision, text, bytea and jsonb: they mean the same on every engine",
		regexp.MustCompile(`\b(timestamp|timestamptz|time|interval)\b`):                                                           "a time is a bigint of microseconds (…_at), a day a text (…_day)",
		regexp.MustCompile(`\b(now\(|current_timestamp|current_date|localtime|clock_timestamp)`):                                  "times come from tx.Now, so that tests, demo and replay own the clock",
		regexp.MustCompile(`\b(trigger|procedure|function|create view|materialized view)\b`):                                      "what happens is written in Go, where it is read and tested",
		regexp.MustCompile(`\bset null\b`): "Citus cannot set a distribution key to null",
		regexp.MustCompile(`\bbetween\b`):  "PostgreSQL rewrites between; write >= and <=",
		regexp.MustCompile(`\b(collate|partition|inherits|generated|tablespace|unlogged|temporary|without rowid|strict|using|concurrently)\b`): "this is one engine's word; the runner adds what an engine needs",
	}
	vague = []string{"data", "json", "info", "misc", "extra", "meta", "blob", "stuff", "content"}
	types = []string{"bigint", "boolean", "double precision", "text", "bytea", "jsonb"}
)

// breaches lists how a migration breaks the rules; tables are those of the
// migrations before it, and get its own.
func breaches(script string, tables map[string]shape) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	for _, l := range literal.FindAllString(remark.ReplaceAllString(script, ""), -1) {
		if strings.Contains(l, ";") {
			say("the literal %s holds a semicolon, at which the runner cuts statements", l)
		}
	}
	for _, l := range literal.FindAllString(script, -1) {
		if strings.Contains(l, "--") && !strings.Contains(l, "-- ") {
			say("the literal %s holds two dashes, which the runner takes for a comment", l)
		}
	}
	for _, s := range store.Statements(script) {
		statement{text: s[0], tag: s[1]}.check(tables, say)
	}
	return all
}

type statement struct{ text, tag string }

// shape is a table as far as the rules ask.
type shape struct {
	name, tag string
	columns   [][2]string // name and the rest
	key       []string
	uniques   [][]string
}

func (s statement) check(tables map[string]shape, say func(string, ...any)) {
	bare := literal.ReplaceAllString(s.text, "''")
	flat := strings.Join(strings.Fields(bare), " ")
	first := kind.FindString(flat)
	if bare != strings.ToLower(bare) {
		say("%q is not in lower case", first)
	}
	for words, why := range forbidden {
		if m := words.FindString(flat); m != "" {
			say("%q holds %q: %s", first, m, why)
		}
	}
	if !allowed.MatchString(flat) {
		say("%q is not one of: create table name (…), create index, alter table … add, drop or rename column, drop, insert, update, delete; the runner and the three engines know no more", first)
		return
	}
	for _, l := range literal.FindAllString(s.text, -1) {
		if slices.Contains(types, strings.Trim(l, "'")) {
			say("the literal %s is a type's name, which the runner would translate", l)
		}
	}
	switch {
	case strings.HasPrefix(flat, "create table"):
		t := tableOf(s)
		tables[t.name] = t
		t.check(s.text, say)
	case s.tag != "":
		say("a tag stands behind %q; only a table has one", first)
	case strings.HasPrefix(flat, "create") && strings.Contains(flat[:min(len(flat), 20)], " index "):
		checkIndex(strings.Join(strings.Fields(s.text), " "), tables, say)
	case strings.Contains(flat, " add column "):
		if strings.Contains(flat, "not null") && !strings.Contains(flat, " default ") {
			say("%q adds a column that is not null without a default; a table with rows refuses it", flat)
		}
		_, definition, _ := strings.Cut(flat, " add column ")
		name, rest, _ := strings.Cut(definition, " ")
		checkColumn(name, rest, say)
	}
}

func tableOf(s statement) shape {
	body, _ := store.Bracketed(s.text)
	t := shape{name: strings.Fields(strings.ReplaceAll(s.text, "(", " "))[2], tag: s.tag}
	for _, term := range store.Terms(body) {
		words := strings.Join(strings.Fields(term), " ")
		name, rest, _ := strings.Cut(words, " ")
		list, _ := store.Bracketed(words)
		switch name {
		case "primary":
			t.key = store.Terms(list)
		case "unique":
			t.uniques = append(t.uniques, store.Terms(list))
		case "check", "foreign", "constraint":
		default:
			t.columns = append(t.columns, [2]string{name, rest})
			if strings.Contains(rest, "primary key") {
				t.key = []string{name}
			}
			if strings.Contains(rest, " unique") {
				t.uniques = append(t.uniques, []string{name})
			}
		}
	}
	return t
}

var reference = regexp.MustCompile(`\breferences (\w+) ?(\(\w+\))?`)

func (t shape) check(text string, say func(string, ...any)) {
	flat := strings.Join(strings.Fields(literal.ReplaceAllString(text, "''")), " ")
	if inline.MatchString(text) {
		say("table %s: a jsonb column stands on a line of its own: the runner finds it there and adds SQLite's check", t.name)
	}
	if strings.Contains(flat, " default ") {
		say("table %s has a default: whoever inserts a row says all of it; only a column added later may have one", t.name)
	}
	if len(t.key) == 0 {
		say("table %s has no primary key", t.name)
	}
	var names []string
	for _, c := range t.columns {
		names = append(names, c[0])
		checkColumn(t.name+"."+c[0], c[1], say)
	}
	for _, r := range reference.FindAllStringSubmatch(flat, -1) {
		switch {
		case r[1] != "customers" || r[2] != "(customer_id)":
			say("table %s refers to %s: foreign keys point to customers (customer_id) only; anything else cannot be spread over machines", t.name, r[1])
		case t.tag != "customer_id":
			say("table %s refers to customers, which only a customer table may: the others live on another machine", t.name)
		}
	}
	switch t.tag {
	case "":
		say("table %s has no tag behind its semicolon; write -- citus:customer_id, :reference, :local, or a key table's own column", t.name)
	case "local", "reference":
	case "customer_id":
		if !slices.ContainsFunc(t.columns, func(c [2]string) bool {
			return c[0] == "customer_id" && strings.HasPrefix(c[1], "bigint not null")
		}) && t.name != "customers" {
			say("table %s: a customer table has the column customer_id bigint not null; its rows are spread by it", t.name)
		}
		if len(t.key) > 0 && t.key[0] != "customer_id" {
			say("table %s: a customer table's primary key begins with customer_id: its rows lie together, on one machine", t.name)
		}
		for _, u := range t.uniques {
			t.checkUnique(u, say)
		}
	default:
		if !slices.Contains(names, t.tag) {
			say("table %s is tagged by %s, which is no column of it", t.name, t.tag)
		} else if len(t.key) > 0 && t.key[0] != t.tag {
			say("table %s: a key table's primary key begins with %s, the column it is spread by", t.name, t.tag)
		}
		for _, u := range t.uniques {
			t.checkUnique(u, say)
		}
	}
}

// checkUnique holds a unique rule to its table's tag: uniqueness can only be
// promised within one machine.
func (t shape) checkUnique(columns []string, say func(string, ...any)) {
	switch t.tag {
	case "local", "reference", "":
	case "customer_id":
		if columns[0] != "customer_id" {
			say("table %s: unique (%s) without customer_id first; what is unique across customers is claimed in a key table", t.name, strings.Join(columns, ", "))
		}
	default:
		if !slices.Contains(columns, t.tag) {
			say("table %s: unique (%s) without %s, the column it is spread by", t.name, strings.Join(columns, ", "), t.tag)
		}
	}
}

func checkColumn(name, rest string, say func(string, ...any)) {
	t := ""
	for _, known := range types {
		if rest == known || strings.HasPrefix(rest, known+" ") {
			t = known
		}
	}
	_, column, found := strings.Cut(name, ".")
	if !found {
		column = name
	}
	switch {
	case t == "":
		say("column %s is %q: the types are %s", name, rest, strings.Join(types, ", "))
	case strings.HasSuffix(column, "_at") && t != "bigint":
		say("column %s is a time: bigint, microseconds", name)
	case strings.HasSuffix(column, "_minor") && t != "bigint":
		say("column %s is money: bigint, minor units", name)
	case strings.HasSuffix(column, "_day") && t != "text":
		say("column %s is a calendar day: text, YYYY-MM-DD", name)
	case t == "jsonb" && slices.Contains(vague, column):
		say("column %s says nothing: name the object it holds (payload, arguments, …)", name)
	case slices.Contains(types, column):
		say("column %s has a type's name, which the runner would translate", name)
	}
}

var (
	indexName = regexp.MustCompile(`^create (unique )?index (\w+) on (\w+)`)
	word      = regexp.MustCompile(`[a-z_]\w*`)
)

// checkIndex holds an index to its table's tag and to its name: the table,
// then its leading columns (shortened at a word) or a word for its condition,
// so that an error or a plan that names it says enough.
func checkIndex(flat string, tables map[string]shape, say func(string, ...any)) {
	m := indexName.FindStringSubmatch(flat)
	list, after := store.Bracketed(flat)
	columns := store.Terms(list)
	if t, ok := tables[m[3]]; ok && m[1] != "" {
		t.checkUnique(columns, say)
	}
	name, ok := strings.CutPrefix(m[2], m[3]+"_")
	rest := "_" + name
	for _, c := range columns {
		for _, w := range word.FindAllString(c, -1) {
			for w != "" && !strings.HasPrefix(rest+"_", "_"+w+"_") {
				w = w[:max(0, strings.LastIndexByte(w, '_'))]
			}
			if w != "" {
				rest = strings.TrimPrefix(rest, "_"+w)
			}
		}
	}
	if strings.Contains(after, " where ") { // a word for its condition
		rest = ""
	}
	if !ok || rest != "" || len(m[2]) > 63 {
		say("index %s is to be called %s_ and its leading columns (a partial one may end in a word for its condition), 63 characters at most", m[2], m[3])
	}
}
