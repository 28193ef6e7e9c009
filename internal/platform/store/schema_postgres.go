package store

import (
	"context"
	"fmt"
	"strings"
)

func postgresSchema(ctx context.Context, q Querier) ([]table, error) {
	names, err := scanned(ctx, q, 1, `
		select c.relname from pg_class c
		where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace and c.relname <> 'schema_migrations'`)
	if err != nil {
		return nil, err
	}
	var all []table
	for _, n := range names {
		t := table{name: n[0]}
		if err := t.readPostgres(ctx, q); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func (t *table) readPostgres(ctx context.Context, q Querier) error {
	columns, err := scanned(ctx, q, 4, `
		select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid)
		from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
		order by a.attnum`, t.name)
	if err != nil {
		return err
	}
	for _, c := range columns {
		t.columns = append(t.columns, column{name: c[0], kind: c[1], notNull: c[2] == "true", def: c[3]})
	}
	rules, err := scanned(ctx, q, 5, `
		select c.contype::text, pg_get_constraintdef(c.oid, true),
		       (select string_agg(a.attname, ', ' order by k.n)
		        from unnest(c.conkey) with ordinality k(num, n) join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num),
		       coalesce((select string_agg(a.attname, ', ' order by k.n)
		        from unnest(c.confkey) with ordinality k(num, n) join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num), ''),
		       coalesce(f.relname, '') || ' ' || case c.confdeltype
		         when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' when 'r' then 'restrict' else 'no action' end
		from pg_constraint c left join pg_class f on f.oid = c.confrelid
		where c.conrelid = $1::text::regclass and c.contype in ('p', 'u', 'f', 'c')`, t.name)
	if err != nil {
		return err
	}
	for _, r := range rules {
		switch r[0] {
		case "p":
			t.key = strings.Split(r[2], ", ")
		case "u":
			t.rules = append(t.rules, "unique ("+r[2]+")")
		case "f":
			to, onDelete, _ := strings.Cut(r[4], " ")
			t.rules = append(t.rules, foreignRule(r[2], to, r[3], onDelete))
		case "c":
			inner, _ := bracketed(r[1])
			t.rules = append(t.rules, "check ("+plain(inner)+")")
		}
	}
	return t.readPostgresIndexes(ctx, q)
}

func (t *table) readPostgresIndexes(ctx context.Context, q Querier) error {
	indexes, err := scanned(ctx, q, 5, `
		select c.relname, i.indisunique::text,
		       (select string_agg(pg_get_indexdef(i.indexrelid, n, true) || case when i.indoption[n - 1] & 1 = 1 then ' desc' else '' end, ', ' order by n)
		        from generate_series(1, i.indnkeyatts) n),
		       coalesce(pg_get_expr(i.indpred, i.indrelid, true), ''), ''
		from pg_index i join pg_class c on c.oid = i.indexrelid
		where i.indrelid = $1::text::regclass
		  and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))`, t.name)
	if err != nil {
		return err
	}
	for _, i := range indexes {
		t.rules = append(t.rules, indexRule(i[0], i[1] == "true", terms(i[2]), i[3]))
	}
	return nil
}
