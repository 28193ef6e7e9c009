package store_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenSchemaIsTheSameOnEveryEngine(t *testing.T) {
	golden := filepath.Join(testkit.Root(t), "internal/app/migrations/schema.golden.txt")
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		got, err := store.Schema(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if *update && db.Embedded() {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the schema is not the one in internal/app/migrations/schema.golden.txt.\n"+
				"If a migration meant that, run: make golden, and look at the difference before you commit it.\n"+
				"If only one engine differs, write the migration so that both give the same text.\n%s", difference(string(want), got))
		}
	})
}

func TestTheSchemaShowsEverythingARuleIsMadeOf(t *testing.T) {
	migrations := fstest.MapFS{
		"0001_nodes.sql": {Data: []byte(`
create table nodes (node bigint primary key, leased_until_at bigint not null, last_ms bigint not null); -- citus:local
create table customers (
	customer_id bigint primary key, -- why
	spent_minor bigint not null check (spent_minor >= 0 and (spent_minor <> 7 or spent_minor is not null)),
	state       text not null check (state in ('a', 'b', 'c')),
	traits      jsonb not null,
	vip         boolean not null
); -- citus:customer_id
create table things (
	customer_id bigint not null references customers (customer_id),
	thing_id    bigint not null,
	rate        double precision,
	seal        bytea,
	day         text not null,
	primary key (customer_id, thing_id),
	unique (customer_id, day)
); -- citus:customer_id
create unique index customers_customer_id_state on customers (customer_id, lower(state)) where vip and state <> 'gone';
create index things_rate on things (rate desc, day) where rate is not null;
create index customers_state on customers (state) where state in ('a', 'b') and not vip;
alter table customers add column told_at bigint;
alter table customers add column visits bigint not null default 0;
alter table customers add column note text not null default '';
alter table things add column taste jsonb;
`)},
	}
	want := `table customers
	customer_id bigint not null
	spent_minor bigint not null
	state text not null
	traits jsonb not null
	vip boolean not null
	told_at bigint
	visits bigint not null default 0
	note text not null default ''
	primary key (customer_id)
	check (spent_minor >= 0 and spent_minor <> 7 or spent_minor is not null)
	check (state in ('a', 'b', 'c'))
	index customers_state (state) where state in ('a', 'b') and not vip
	unique index customers_customer_id_state (customer_id, lower(state)) where vip and state <> 'gone'

table nodes
	node bigint not null
	leased_until_at bigint not null
	last_ms bigint not null
	primary key (node)

table things
	customer_id bigint not null
	thing_id bigint not null
	rate double precision
	seal bytea
	day text not null
	taste jsonb
	primary key (customer_id, thing_id)
	foreign key (customer_id) references customers (customer_id)
	index things_rate (rate desc, day) where rate is not null
	unique (customer_id, day)

`
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := testkit.Open(t, testkit.Empty(t, engine), store.Options{Migrations: migrations})
			got, err := store.Schema(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Error(difference(want, got))
			}
		})
	}
}

// difference lists the lines that only one of two texts has, with the table
// they stand in.
func difference(want, got string) string {
	lines := func(text string) map[string]bool {
		all := map[string]bool{}
		table := ""
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "table ") {
				table = line
			}
			all[table+": "+strings.TrimSpace(line)] = true
		}
		return all
	}
	var b strings.Builder
	a, c := lines(want), lines(got)
	only := func(word string, here, there map[string]bool) {
		for _, l := range slices.Sorted(maps.Keys(here)) {
			table, rest, _ := strings.Cut(l, ": ")
			whole := !there[table+": "+table] // a table that is wholly new is named once
			if !there[l] && (!whole || rest == table) {
				b.WriteString(word + l + "\n")
			}
		}
	}
	only("missing: ", a, c)
	only("new:     ", c, a)
	if b.Len() == 0 {
		return "the same lines in another order"
	}
	return b.String()
}
