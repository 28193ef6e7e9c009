package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
)

// Migration is one step of the schema: a file NNNN_name.sql, or a pair
// NNNN_name.sqlite.sql and NNNN_name.postgres.sql where the two must differ.
type Migration struct {
	Version  int
	Name     string
	SQLite   string
	Postgres string
}

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+?)(\.sqlite|\.postgres)?\.sql$`)

// Migrations reads the steps in order. A lone half of a pair, a number twice
// or a gap is an error.
func Migrations(dir fs.FS) ([]Migration, error) {
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	byVersion := map[int]*Migration{}
	for _, file := range files {
		parts := migrationName.FindStringSubmatch(file)
		if parts == nil {
			return nil, fmt.Errorf("migration %s: the name is not NNNN_name.sql", file)
		}
		body, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		version, _ := strconv.Atoi(parts[1])
		m := byVersion[version]
		if m == nil {
			m = &Migration{Version: version, Name: parts[2]}
			byVersion[version] = m
		}
		if m.Name != parts[2] || (parts[3] != ".postgres" && m.SQLite != "") || (parts[3] != ".sqlite" && m.Postgres != "") {
			return nil, fmt.Errorf("migration %s: its number is taken", file)
		}
		if parts[3] != ".postgres" {
			m.SQLite = string(body)
		}
		if parts[3] != ".sqlite" {
			m.Postgres = string(body)
		}
	}
	var all []Migration
	for _, m := range byVersion {
		all = append(all, *m)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Version < all[j].Version })
	for i, m := range all {
		if m.Version != i+1 {
			return nil, fmt.Errorf("migration %04d is missing", i+1)
		}
		if m.SQLite == "" || m.Postgres == "" {
			return nil, fmt.Errorf("migration %04d_%s: one half of the pair is missing", m.Version, m.Name)
		}
	}
	return all, nil
}

// migrationLock is the key of the PostgreSQL advisory lock that lets one
// program migrate at a time.
const migrationLock = 7347827

func (db *DB) migrate(ctx context.Context, dir fs.FS, upTo int) error {
	all, err := Migrations(dir)
	if err != nil {
		return err
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if db.engine != sqliteEngine {
		if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, migrationLock); err != nil {
			return fmt.Errorf("wait for other programs to migrate: %w", err)
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, migrationLock)
	}
	if _, err := conn.ExecContext(ctx, `
		create table if not exists schema_migrations (version bigint primary key, name text not null, applied_at bigint not null)`); err != nil {
		return fmt.Errorf("make the table of migrations: %w", err)
	}
	first := firsts(all)
	for _, m := range all {
		if upTo > 0 && m.Version > upTo {
			break
		}
		if err := db.migrateOne(ctx, conn, m, first); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", m.Version, m.Name, err)
		}
	}
	var newest int
	if err := conn.QueryRowContext(ctx, `select coalesce(max(version), 0) from schema_migrations`).Scan(&newest); err != nil {
		return err
	}
	if newest > len(all) {
		return errs.Of(errs.Unavailable, nil, "store.wrong.newer", "Schema", newest, "Known", len(all))
	}
	return nil
}

// migrateOne runs a step in a transaction of its own unless it has been run.
// The check is inside: on SQLite another program may have been first.
func (db *DB) migrateOne(ctx context.Context, conn *sql.Conn, m Migration, first map[string]string) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var done int
	if err := tx.QueryRowContext(ctx, `select count(*) from schema_migrations where version = $1`, m.Version).Scan(&done); err != nil || done > 0 {
		return err
	}
	text := m.Postgres
	if db.engine == sqliteEngine {
		text = m.SQLite
	}
	for _, s := range statements(text) {
		for _, q := range db.engine.ddl(s, first) {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("%s: %w", firstLine(q), err)
			}
		}
	}
	if _, err := tx.ExecContext(ctx, `insert into schema_migrations (version, name, applied_at) values ($1, $2, $3)`,
		m.Version, m.Name, db.Now().UnixMicro()); err != nil {
		return err
	}
	return tx.Commit()
}

// statement is one statement of a migration with the tag that stands behind
// its semicolon: customer_id, reference, local, or a key table's own column.
type statement struct{ text, tag string }

var tagged = regexp.MustCompile(`^;[ \t]*-- citus:(\w+)`)

// statements cuts a migration at its semicolons. Migrations hold no literal
// with a semicolon; a test holds them to that.
func statements(script string) []statement {
	var all []statement
	script = comment.ReplaceAllStringFunc(script, func(c string) string {
		if strings.HasPrefix(c, "-- citus:") {
			return c
		}
		return ""
	})
	for script != "" {
		end := strings.IndexByte(script, ';')
		if end < 0 {
			end = len(script)
		}
		s := statement{text: strings.TrimSpace(script[:end])}
		script = script[end:]
		if m := tagged.FindStringSubmatch(script); m != nil {
			s.tag = m[1]
			script = script[len(m[0]):]
		} else {
			script = strings.TrimPrefix(script, ";")
		}
		if s.text != "" {
			all = append(all, s)
		}
	}
	return all
}

var comment = regexp.MustCompile(`--[^\n]*`)

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

var (
	createTable = regexp.MustCompile(`(?is)^create table (\w+)\s*\((.*)\)$`)
	columnType  = regexp.MustCompile(`(?i)\b(bigint|boolean|double precision|bytea|jsonb)\b`)
	jsonColumn  = regexp.MustCompile(`(?im)^(\s*|alter table \w+ add column )(\w+)\s+jsonb\b`)
)

// firsts finds the first table of each tag: others of the tag lie with it.
func firsts(all []Migration) map[string]string {
	first := map[string]string{}
	for _, m := range all {
		for _, s := range statements(m.Postgres) {
			if t := createTable.FindStringSubmatch(s.text); t != nil && first[s.tag] == "" {
				first[s.tag] = t[1]
			}
		}
	}
	return first
}

// ddl turns a statement of a migration into what the engine is told; first
// are the tables that others of their tag lie with.
func (e engine) ddl(s statement, first map[string]string) []string {
	m := createTable.FindStringSubmatch(s.text)
	switch {
	case e == sqliteEngine && m != nil:
		body := jsonColumn.ReplaceAllString(m[2], "$1$2 text check (json_valid($2))")
		body = columnType.ReplaceAllStringFunc(body, func(t string) string { return sqliteTypes[strings.ToLower(t)] })
		// Rows of customers lie in the order of their key: reading one
		// customer, or adding up all, then touches no second tree.
		options := " strict, without rowid"
		if s.tag == "local" || s.tag == "reference" {
			options = " strict"
		}
		return []string{"create table " + m[1] + " (" + body + ")" + options}
	case e == sqliteEngine:
		text := jsonColumn.ReplaceAllString(s.text, "$1$2 text check (json_valid($2))")
		return []string{columnType.ReplaceAllStringFunc(text, func(t string) string { return sqliteTypes[strings.ToLower(t)] })}
	case e == citusEngine && m != nil:
		return append([]string{s.text}, distribute(m[1], s.tag, first[s.tag])...)
	}
	return []string{s.text}
}

// distribute spreads a new table over a Citus cluster by its tag; with is the
// first table of the same tag.
func distribute(table, tag, with string) []string {
	switch {
	case tag == "local" || tag == "":
		return nil
	case tag == "reference":
		return []string{fmt.Sprintf(`select create_reference_table('%s')`, table)}
	case table == with:
		return []string{fmt.Sprintf(`select create_distributed_table('%s', '%s', colocate_with => 'none')`, table, tag)}
	}
	return []string{fmt.Sprintf(`select create_distributed_table('%s', '%s', colocate_with => '%s')`, table, tag, with)}
}
