package citus_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"regulars/internal/testkit/citus"
)

// tables are a small schema of every kind.
func tables(t *testing.T) citus.Tables {
	t.Helper()
	all, err := citus.ReadTables(fstest.MapFS{
		"0001_all.sql": {Data: []byte(`
create table customers (customer_id bigint primary key, name text, version bigint); -- citus:customer_id
create table orders (customer_id bigint, order_id bigint, product_id bigint, total bigint); -- citus:customer_id
create table order_lines (
	customer_id bigint, -- whose; never null
	order_id bigint, line bigint); -- citus:customer_id
create table order_keys (number text primary key, customer_id bigint, order_id bigint); -- citus:number
create table walkins (order_id bigint primary key, day text); -- citus:order_id
create table walkin_lines (order_id bigint, line bigint); -- citus:order_id
create table products (product_id bigint primary key, name text); -- citus:reference
create table jobs (id bigint primary key, due bigint); -- citus:local
`)},
		"0002_more.sql":         {Data: []byte(`alter table orders add column day text;`)},
		"0003_other.sqlite.sql": {Data: []byte(`no sql at all`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTablesAreReadFromTheMigrations(t *testing.T) {
	all := tables(t)
	if all["orders"].By != "customer_id" || all["order_keys"].By != "number" || all["products"].By != "" || !all["jobs"].Local || all["products"].Local {
		t.Errorf("%+v", all)
	}
	if got := strings.Join(all["orders"].Columns, " "); got != "customer_id order_id product_id total day" {
		t.Error(got)
	}
}

func TestWhatAClusterRunsIsNoBreach(t *testing.T) {
	all := tables(t)
	for _, statement := range []string{
		`select name from customers where customer_id = $1`,
		`select o.total from orders o join order_lines l on l.customer_id = o.customer_id and l.order_id = o.order_id join products p on p.product_id = o.product_id`,
		`select 1 from orders o join order_lines l on (l.customer_id, l.order_id) = (o.customer_id, o.order_id)`,
		`select 1 from orders join order_lines using (customer_id, order_id)`,
		`select 1 from orders o, order_lines l where o.customer_id = $1 and l.customer_id = $1`,
		`select 1 from orders o, order_lines l where o.customer_id = l.customer_id`,
		`select 1 from orders where customer_id in (select customer_id from order_keys where number = $1)`,
		`with k as materialized (select customer_id from order_keys where number = $1) select 1 from orders o join k on k.customer_id = o.customer_id`,
		`with v(x, y) as (values (cast($1 as bigint), $2)) select 1 from orders o join v on v.x = o.order_id`,
		`select 1 from customers c where exists (select 1 from orders o where o.customer_id = c.customer_id and o.total > 3)`,
		`select c.name, s.n from customers c left join (select customer_id, count(*) as n from orders group by customer_id) s on s.customer_id = c.customer_id`,
		`insert into orders (customer_id, order_id) values ($1, $2) on conflict (customer_id, order_id) do update set total = excluded.total returning order_id`,
		`insert into orders (customer_id) values ($1) on conflict do nothing`,
		`insert into order_keys (number, customer_id) values ($1, $2) on conflict (number) do nothing`,
		`insert into order_lines (customer_id, order_id) select customer_id, order_id from orders where total > $1`,
		`update orders set total = 1 where (customer_id, order_id) in (select customer_id, order_id from orders where total = 0 limit 10)`,
		`update orders o set total = l.line from order_lines l where l.customer_id = o.customer_id and l.order_id = o.order_id`,
		`delete from orders where customer_id = $1`,
		`select 1 from walkins w join walkin_lines l on l.order_id = w.order_id`,
		`select 1 from walkins w where exists (select 1 from walkin_lines l where l.order_id = w.order_id)`,
		`select id from jobs where due < $1 for update skip locked`,
		`with recursive days(d) as (select 1 union all select d + 1 from days where d < 9) select d from days`,
		`select order_id, row_number() over (partition by customer_id order by day) from orders union all select 1, 2 from products`,
	} {
		got, err := all.Breaches(statement)
		if err != nil || len(got) > 0 {
			t.Errorf("%s\n\t%v, %v", statement, got, err)
		}
	}
}

func TestWhatAClusterRefusesIsABreach(t *testing.T) {
	all := tables(t)
	for statement, want := range map[string]string{
		`select 1 from orders o join order_lines l on l.order_id = o.order_id`:                                                                            "not joined on customer_id",
		`select 1 from orders o, order_lines l where o.customer_id = $1 and l.customer_id = $2`:                                                           "not joined on customer_id",
		`select 1 from orders o join order_lines l on l.customer_id = o.customer_id or true`:                                                              "not joined on customer_id",
		`select 1 from orders o join order_keys k on k.customer_id = o.customer_id`:                                                                       "spread by different columns",
		`with k as (select customer_id, order_id from orders) select 1 from orders o join k on k.order_id = o.order_id`:                                   "keep one aside",
		`select 1 from products p where exists (select 1 from orders o where o.product_id = p.product_id)`:                                                "correlated with a small table",
		`select (select count(*) from orders o where o.product_id = p.product_id) from products p`:                                                        "correlated with a small table",
		`select 1 from orders o where exists (select 1 from order_lines l where l.order_id = o.order_id)`:                                                 "not on what both",
		`select 1 from customers c where exists (select 1 from order_keys k where k.order_id = c.version)`:                                                "not on what both",
		`select 1 from walkins w join walkin_lines l on l.line = w.order_id`:                                                                              "not joined on order_id",
		`select 1 from walkins w join orders o on o.order_id = w.order_id`:                                                                                "spread by different columns",
		`select 1 from walkins w where exists (select 1 from orders o where o.order_id = w.order_id)`:                                                     "not on what both",
		`select count(*), (select count(*) from orders) from customers`:                                                                                   "ask twice",
		`update orders set customer_id = $1 where customer_id = $2`:                                                                                       "lies where its customer_id says",
		`update order_keys set number = $1 where number = $2`:                                                                                             "lies where its number says",
		`update orders o set total = l.line from order_lines l where l.order_id = o.order_id`:                                                             "not joined on customer_id",
		`insert into orders (customer_id, order_id) values ($1, $2) on conflict (order_id) do nothing`:                                                    "does not name customer_id",
		`insert into order_keys (number) values ($1) on conflict (customer_id) do nothing`:                                                                "does not name number",
		`insert into orders (customer_id) values ((select max(customer_id) from customers))`:                                                              "subquery",
		`insert into orders (customer_id) values ($1) on conflict (customer_id) do update set total = (select 1)`:                                         "subquery",
		`select distinct on (customer_id) total from orders`:                                                                                              "distinct on",
		`select 1 from orders group by rollup (customer_id)`:                                                                                              "rollup",
		`select 1 from customers c, lateral (select 1 from orders o where o.customer_id = c.customer_id) x`:                                               "lateral",
		`select 1 from orders where customer_id = $1 for update`:                                                                                          "for update",
		`with gone as (delete from orders returning 1) select 1 from gone`:                                                                                "changes stand alone",
		`with recursive r(c) as (select customer_id from orders union all select o.customer_id from orders o join r on r.c = o.order_id) select c from r`: "recursive",
	} {
		got, err := all.Breaches(statement)
		if err != nil || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s\n\t%v, %v; want %s", statement, got, err, want)
		}
	}
}
