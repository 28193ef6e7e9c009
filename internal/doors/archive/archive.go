// Package archive writes the whole database as text that any program reads,
// and reads such an archive into an empty one: how a business moves from one
// size of database to another, or away. docs/archive.md describes each file.
//
// Its one rule: an archive is the same whichever engine wrote it, holds the
// ids as they are, and no password, key or session.
package archive

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// Manifest says what an archive is and what it must hold.
type Manifest struct {
	Format   string    `json:"format"` // regulars-archive
	Version  int       `json:"version"`
	Program  string    `json:"program"`
	Schema   int       `json:"schema"`
	MadeAt   time.Time `json:"made_at"`
	Business string    `json:"business"`
	Currency string    `json:"currency"`
	Zone     string    `json:"zone"`
	Tables   []Table   `json:"tables"`
}

// Table is one file of an archive.
type Table struct {
	Name    string   `json:"table"`
	File    string   `json:"file"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"`
}

const (
	formatName   = "regulars-archive"
	version      = 1
	manifestName = "manifest.json"
)

// Plan says what of the schema goes into an archive.
type Plan struct {
	// Out are tables that stay: sessions, secrets, what belongs to one machine.
	Out map[string]string // with the reason, for docs/archive.md
	// Blank are columns of other tables that are emptied.
	Blank map[string]string // "users.password_hash": why
	// Jobs are the modules whose waiting work comes along: what only computes.
	Jobs []string
}

// Includes reports whether a table goes into an archive.
func (p Plan) Includes(table string) bool { return p.Out[table] == "" }

// Write writes the archive of a database as it is at this moment.
func Write(ctx context.Context, db *store.DB, w io.Writer, plan Plan, program string) (Manifest, error) {
	m := Manifest{Format: formatName, Version: version, Program: program, MadeAt: db.Now()}
	shapes, err := store.Shapes(ctx, db)
	if err != nil {
		return m, err
	}
	z := zip.NewWriter(w)
	err = db.Read(ctx, func(q store.Querier) error {
		if err := m.describe(ctx, q); err != nil {
			return err
		}
		for _, s := range shapes {
			if !plan.Includes(s.Name) {
				continue
			}
			t, err := plan.table(ctx, q, z, s)
			if err != nil {
				return err
			}
			m.Tables = append(m.Tables, t)
		}
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("write an archive: %w", err)
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return m, err
	}
	for _, part := range [][2]string{{"README.txt", readme}, {manifestName, string(text)}} {
		f, err := z.Create(part[0])
		if err == nil {
			_, err = io.WriteString(f, part[1])
		}
		if err != nil {
			return m, fmt.Errorf("write an archive: %w", err)
		}
	}
	return m, z.Close()
}

func (m *Manifest) describe(ctx context.Context, q store.Querier) error {
	shop, err := workspace.Load(ctx, q)
	if err != nil {
		return err
	}
	m.Business, m.Currency, m.Zone = shop.Name, string(shop.Currency), shop.Zone
	if err := q.QueryRow(ctx, `select coalesce(max(version), 0) from schema_migrations`).Scan(&m.Schema); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	return nil
}

// table writes one table as JSON Lines.
func (p Plan) table(ctx context.Context, q store.Querier, z *zip.Writer, s store.Shape) (Table, error) {
	t := Table{Name: s.Name, File: "tables/" + s.Name + ".jsonl", Columns: s.Names()}
	f, err := z.Create(t.File)
	if err != nil {
		return t, err
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10)
	var line []byte
	err = s.Rows(ctx, q, func(values []any) error {
		keep, err := p.prepare(s, values)
		if err != nil || !keep {
			return err
		}
		t.Rows++
		if line, err = appendRow(line[:0], s, values); err != nil {
			return fmt.Errorf("write %s: %w", s.Name, err)
		}
		_, err = out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	t.SHA256 = sumText(sum)
	return t, err
}

// prepare blanks what is secret, and says whether the row comes along at all.
func (p Plan) prepare(s store.Shape, values []any) (bool, error) {
	for i, c := range s.Columns {
		if p.Blank[s.Name+"."+c.Name] == "" {
			continue
		}
		switch {
		case !c.NotNull:
			values[i] = nil
		case c.Kind == "text":
			values[i] = ""
		case c.Kind == "bigint":
			values[i] = int64(0)
		default:
			return false, fmt.Errorf("%s.%s cannot be blank", s.Name, c.Name)
		}
	}
	if s.Name != "jobs" {
		return true, nil
	}
	return p.prepareJob(s, values), nil
}

// prepareJob lets waiting work come along that only computes, as nobody's. What
// acts on the world (sends, calls, backs up) stays: it must not happen twice.
func (p Plan) prepareJob(s store.Shape, values []any) bool {
	at := func(column string) int { return slices.Index(s.Names(), column) }
	kind, _ := values[at("kind")].(string)
	module, _, _ := strings.Cut(kind, ".")
	key, _ := values[at("unique_key")].(string)
	if !slices.Contains(p.Jobs, module) || key == "schedule" || values[at("state")] == "dead" {
		return false
	}
	values[at("state")], values[at("attempt")], values[at("claim")], values[at("again")] = "waiting", int64(0), int64(0), false
	for _, column := range []string{"leased_until_at", "worker", "last_error", "started_at"} {
		values[at(column)] = nil
	}
	return true
}

func sumText(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

const readme = `This is the whole database of a Regulars, as text.

manifest.json   what this is: version, schema, time, and each file with its rows and SHA-256
tables/         one file a table, one JSON object a line, a name for each column

It can be read into an empty Regulars: regulars import FILE.zip
Each file and each field is described in docs/archive.md of the program.

It holds personal data. Keep it as you would keep the database.
`
