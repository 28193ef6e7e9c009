package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Health is what whoever keeps the server running asks of a database.
type Health struct {
	Engine   string // "SQLite", "PostgreSQL", "Citus"
	Schema   int    // number of the newest migration that was run
	Bytes    int64  // what it takes on disk, on all machines
	Free     int64  // bytes free on the disk of the database's file; -1: not known from here
	Programs int    // how many have it open, this one included
	Took     time.Duration
}

// Look reads the health of the database. An error means that it does not
// answer.
func (db *DB) Look(ctx context.Context) (Health, error) {
	h := Health{Engine: [...]string{sqliteEngine: "SQLite", postgresEngine: "PostgreSQL", citusEngine: "Citus"}[db.engine], Free: -1}
	begun := time.Now()
	if err := db.QueryRow(ctx, `select coalesce(max(version), 0) from schema_migrations`).Scan(&h.Schema); err != nil {
		return h, fmt.Errorf("ask the database: %w", err)
	}
	h.Took = time.Since(begun)
	err := db.QueryRow(ctx, `select count(*) from nodes where leased_until_at > $1`, db.clock().UnixMicro()).Scan(&h.Programs)
	if err != nil {
		return h, fmt.Errorf("count programs: %w", err)
	}
	if db.engine != sqliteEngine {
		size := `select pg_database_size(current_database())`
		if db.engine == citusEngine { // of this machine, and what the others hold
			size += ` + (select coalesce(sum(citus_total_relation_size(logicalrelid)), 0) from pg_dist_partition where partmethod = 'h')`
		}
		if err := db.QueryRow(ctx, size).Scan(&h.Bytes); err != nil {
			return h, fmt.Errorf("ask for the database's size: %w", err)
		}
		return h, nil
	}
	for _, file := range []string{db.name, db.name + "-wal"} {
		info, err := os.Stat(file)
		if err == nil {
			h.Bytes += info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return h, fmt.Errorf("ask for the file's size: %w", err)
		}
	}
	h.Free = freeBytes(db.name)
	return h, nil
}

// Pools are the connections in use, by what they are for.
func (db *DB) Pools() map[string]*sql.DB {
	if db.read == db.write {
		return map[string]*sql.DB{"all": db.write}
	}
	return map[string]*sql.DB{"read": db.read, "write": db.write}
}
