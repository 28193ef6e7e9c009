package store

import (
	"context"
	"fmt"
	"slices"
)

// Clear takes everything out of a database and leaves its schema, in one
// transaction: what was made for trying is gone, and nothing else was meant to
// be in it. On SQLite the file becomes small again. Node numbers stay, so that
// ids never come twice.
func Clear(ctx context.Context, db *DB) error {
	read := postgresSchema
	if db.engine == sqliteEngine {
		read = sqliteSchema
	}
	tables, err := read(ctx, db)
	if err != nil {
		return fmt.Errorf("read the schema of %s: %w", db.Name(), err)
	}
	names := make([]string, 0, len(tables))
	for _, t := range tables {
		if t.name != "nodes" && t.name != "customers" {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	names = append(names, "customers") // the others' foreign keys point to it
	err = db.Tx(ctx, func(tx *Tx) error {
		for _, name := range names {
			if _, err := tx.Exec(ctx, "delete from "+name); err != nil {
				return fmt.Errorf("empty %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil || db.engine != sqliteEngine {
		return err
	}
	if _, err := db.write.ExecContext(ctx, "vacuum"); err != nil {
		return fmt.Errorf("give back the room: %w", err)
	}
	return nil
}
