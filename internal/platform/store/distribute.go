package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"regulars/internal/platform/errs"
)

// Distribute spreads a database with data over the machines of a Citus
// cluster, as it would have been when it was made there: each table by the
// tag of its migration. What is spread already stays. It is one transaction
// and holds every table meanwhile, so nothing else should run. It returns the
// tables that it spread, and errs.Invalid where there is no Citus.
func Distribute(ctx context.Context, db *DB, dir fs.FS) ([]string, error) {
	if db.engine != citusEngine {
		return nil, errs.Wrong("db", "store.distribute.no-citus")
	}
	all, err := Migrations(dir)
	if err != nil {
		return nil, err
	}
	var done []string
	err = db.Tx(ctx, func(tx *Tx) error {
		done = nil
		spread, err := All(ctx, tx, Scalar[string], `select logicalrelid::text from pg_dist_partition`)
		if err != nil {
			return fmt.Errorf("look for spread tables: %w", err)
		}
		is := map[string]bool{}
		for _, t := range spread {
			is[t] = true
		}
		keys, err := foreignKeys(ctx, tx, is)
		if err != nil {
			return err
		}
		for _, k := range keys { // a spread table refuses keys of tables that are not, even for a moment
			if _, err := tx.Exec(ctx, fmt.Sprintf(`alter table %s drop constraint %s`, k.table, k.name)); err != nil {
				return fmt.Errorf("take the foreign key %s away: %w", k.name, err)
			}
		}
		first := firsts(all)
		for _, m := range all {
			for _, s := range statements(m.Postgres) {
				t := createTable.FindStringSubmatch(s.text)
				if t == nil || is[t[1]] {
					continue
				}
				for _, call := range distribute(t[1], s.tag, first[s.tag]) {
					if _, err := tx.Exec(ctx, call); err != nil {
						return fmt.Errorf("spread %s: %w", t[1], err)
					}
					done = append(done, t[1])
				}
			}
		}
		for _, k := range keys {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`alter table %s add constraint %s %s`, k.table, k.name, k.def)); err != nil {
				return fmt.Errorf("give the foreign key %s back: %w", k.name, err)
			}
		}
		return nil
	})
	return done, err
}

type foreignKey struct{ table, name, def string }

// foreignKeys are those of tables that are not spread yet.
func foreignKeys(ctx context.Context, q Querier, spread map[string]bool) ([]foreignKey, error) {
	all, err := All(ctx, q, func(rows *sql.Rows) (k foreignKey, err error) {
		return k, rows.Scan(&k.table, &k.name, &k.def)
	}, `select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
		where contype = 'f' and connamespace = 'public'::regnamespace order by conrelid::regclass::text, conname`)
	if err != nil {
		return nil, fmt.Errorf("look for foreign keys: %w", err)
	}
	var left []foreignKey
	for _, k := range all {
		if !spread[k.table] {
			left = append(left, k)
		}
	}
	return left, nil
}
