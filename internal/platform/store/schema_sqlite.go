package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Our types, from what the runner made of them.
var fromSQLite = map[string]string{
	"INTEGER": "bigint", "INT": "boolean", "REAL": "double precision", "TEXT": "text", "BLOB": "bytea",
}

var (
	jsonCheck  = regexp.MustCompile(`(?i)^json_valid\((\w+)\)$`)
	checkWord  = regexp.MustCompile(`(?i)\bcheck\s*\(`)
	indexWords = regexp.MustCompile(`(?is)^create (?:unique )?index \w+ on \w+\s*`)
	whereWord  = regexp.MustCompile(`(?i)^\s*where\s+`)
)

func sqliteSchema(ctx context.Context, q Querier) ([]table, error) {
	made, err := scanned(ctx, q, 2, `
		select name, sql from sqlite_master
		where type = 'table' and name not like 'sqlite!_%' escape '!' and name <> 'schema_migrations'
		  and name in (select name from pragma_table_list where type = 'table')`)
	if err != nil {
		return nil, err
	}
	var all []table
	for _, m := range made {
		t := table{name: m[0]}
		if err := t.readSQLite(ctx, q, m[1]); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func (t *table) readSQLite(ctx context.Context, q Querier, text string) error {
	isJSON := map[string]bool{}
	for rest := text; ; {
		at := checkWord.FindStringIndex(rest)
		if at == nil {
			break
		}
		var inner string
		inner, rest = bracketed(rest[at[0]:])
		if m := jsonCheck.FindStringSubmatch(inner); m != nil {
			isJSON[m[1]] = true
		} else {
			t.rules = append(t.rules, "check ("+plain(inner)+")")
		}
	}
	columns, err := scanned(ctx, q, 4, `select name, type, "notnull", dflt_value from pragma_table_xinfo($1) order by cid`, t.name)
	if err != nil {
		return err
	}
	for _, c := range columns {
		kind, known := fromSQLite[c[1]]
		if !known {
			kind = "unknown type " + c[1]
		}
		if isJSON[c[0]] {
			kind = "jsonb"
		}
		t.columns = append(t.columns, column{name: c[0], kind: kind, notNull: c[2] == "1", def: c[3]})
	}
	key, err := scanned(ctx, q, 1, `select name from pragma_table_xinfo($1) where pk > 0 order by pk`, t.name)
	if err != nil {
		return err
	}
	for _, k := range key {
		t.key = append(t.key, k[0])
	}
	if err := t.readSQLiteIndexes(ctx, q); err != nil {
		return err
	}
	foreign, err := scanned(ctx, q, 4, `
		select string_agg("from", ', ' order by seq), "table", string_agg("to", ', ' order by seq), on_delete
		from pragma_foreign_key_list($1) group by id, "table", on_delete`, t.name)
	if err != nil {
		return err
	}
	for _, f := range foreign {
		t.rules = append(t.rules, foreignRule(f[0], f[1], f[2], f[3]))
	}
	return nil
}

func (t *table) readSQLiteIndexes(ctx context.Context, q Querier) error {
	indexes, err := scanned(ctx, q, 4, `
		select l.name, l."unique", l.origin, m.sql
		from pragma_index_list($1) l left join sqlite_master m on m.type = 'index' and m.name = l.name
		where l.origin <> 'pk'`, t.name)
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if i[2] == "u" {
			names, err := scanned(ctx, q, 1, `select name from pragma_index_info($1) order by seqno`, i[0])
			if err != nil {
				return err
			}
			var list []string
			for _, n := range names {
				list = append(list, n[0])
			}
			t.rules = append(t.rules, "unique ("+strings.Join(list, ", ")+")")
			continue
		}
		list, rest := bracketed(indexWords.ReplaceAllString(i[3], ""))
		t.rules = append(t.rules, indexRule(i[0], i[1] == "1", terms(list), whereWord.ReplaceAllString(rest, "")))
	}
	return nil
}

func foreignRule(from, to, columns, onDelete string) string {
	rule := fmt.Sprintf("foreign key (%s) references %s (%s)", from, to, columns)
	if onDelete = strings.ToLower(onDelete); onDelete != "no action" {
		rule += " on delete " + onDelete
	}
	return rule
}
