package users

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Change is what a member of staff did, for the audit log.
type Change struct {
	By      id.User  // 0: the command line, or the program itself
	Action  string   // noun.verb_past; the catalogues have audit.<action>
	Subject string   // the id as in addresses; empty: the business as a whole
	Fields  []string // names of what was changed, never what stood in them
}

// Audit writes a line of the audit log, in the transaction of the change. It
// is called for what staff do to the house: settings, staff, rates, products,
// categories, walk-ins, imports, background work; and for exporting customers
// and orders, merging and erasing. What else they do to a customer stands with
// their name in that customer's timeline.
func Audit(ctx context.Context, tx *store.Tx, c Change) error {
	_, err := tx.Exec(ctx, `insert into audit (id, at, user_id, action, subject, fields) values ($1, $2, $3, $4, $5, $6)`,
		tx.NewID(), tx.Now.UnixMicro(), int64(c.By), c.Action, c.Subject, strings.Join(c.Fields, ","))
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// AuditExport writes a line in a transaction of its own, before what was asked
// for is sent: an export that cannot be noted is not given out.
func AuditExport(ctx context.Context, db *store.DB, c Change) error {
	return db.Tx(ctx, func(tx *store.Tx) error { return Audit(ctx, tx, c) })
}

// Changed names the fields that differ, given as name, before and after in
// turn.
func Changed(triples ...string) []string {
	var names []string
	for i := 0; i+2 < len(triples); i += 3 {
		if triples[i+1] != triples[i+2] {
			names = append(names, triples[i])
		}
	}
	return names
}

// Line is a line of the audit log as it is read.
type Line struct {
	Change
	ID   int64
	At   time.Time
	Name string // of who did it; empty: the command line or the program
}

// AuditLog reads the log backwards: at most limit lines older than the line
// before (0: from the newest), of one member of staff or of all (0).
func AuditLog(ctx context.Context, q store.Querier, user id.User, before int64, limit int) ([]Line, error) {
	lines, err := store.All(ctx, q, func(rows *sql.Rows) (Line, error) {
		var l Line
		var at int64
		var fields string
		err := rows.Scan(&l.ID, &at, &l.By, &l.Action, &l.Subject, &fields, &l.Name)
		l.At = time.UnixMicro(at).UTC()
		if fields != "" {
			l.Fields = strings.Split(fields, ",")
		}
		return l, err
	}, `
		select a.id, a.at, a.user_id, a.action, a.subject, a.fields, coalesce(u.name, '')
		from audit a left join users u on u.id = a.user_id
		where (cast($1 as bigint) = 0 or a.user_id = $1) and (cast($2 as bigint) = 0 or a.id < $2)
		order by a.id desc limit $3`, int64(user), before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return lines, nil
}
