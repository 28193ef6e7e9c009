package users

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Line is a line of the audit log as it is read.
type Line struct {
	Change
	ID   int64
	At   time.Time
	Name string // of who did it; empty: the command line or the program

	seq          int64
	digest, hash string
}

// Lines says which lines of the audit log are asked for.
type Lines struct {
	By       id.User   // 0: of everybody
	Action   string    // empty: all
	Subject  string    // empty: all
	From, To time.Time // zero: any; To is not included
	Text     string    // in the subject, or in what stood in the fields
	Before   int64     // only lines older than this one; 0: from the newest
	Limit    int
}

// AuditLog reads the log backwards.
func AuditLog(ctx context.Context, q store.Querier, f Lines) ([]Line, error) {
	from, to := int64(0), int64(1)<<62
	if !f.From.IsZero() {
		from = f.From.UnixMicro()
	}
	if !f.To.IsZero() {
		to = f.To.UnixMicro()
	}
	like := ""
	if words := text.Fold(text.Line(f.Text)); words != "" {
		like = "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(words) + "%"
	}
	lines, err := store.All(ctx, q, scanLine, `
		select a.id, a.at, a.user_id, a.action, a.subject, a.fields, coalesce(u.name, ''), a.seq, a.digest, a.hash
		from audit a left join users u on u.id = a.user_id
		where (cast($1 as bigint) = 0 or a.user_id = $1) and (cast($2 as text) = '' or a.action = $2)
			and (cast($3 as text) = '' or a.subject = $3) and a.at >= $4 and a.at < $5
			and (cast($6 as text) = '' or lower(a.subject) like $6 escape '!'
				or a.id in (select audit_id from audit_values where words like $6 escape '!')
				or a.id in (select audit_id from customer_changes where words like $6 escape '!'))
			and (cast($7 as bigint) = 0 or a.id < $7)
		order by a.id desc limit $8`,
		int64(f.By), f.Action, f.Subject, from, to, like, f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return lines, fillValues(ctx, q, lines)
}

func scanLine(rows *sql.Rows) (Line, error) {
	var l Line
	var at int64
	var fields string
	err := rows.Scan(&l.ID, &at, &l.By, &l.Action, &l.Subject, &fields, &l.Name, &l.seq, &l.digest, &l.hash)
	l.At = time.UnixMicro(at).UTC()
	if fields != "" {
		l.Fields = strings.Split(fields, ",")
	}
	return l, err
}

// fillValues reads what stood in the fields, as far as it is still there.
func fillValues(ctx context.Context, q store.Querier, lines []Line) error {
	bodies, err := bodiesOf(ctx, q, lines)
	if err != nil {
		return err
	}
	for i := range lines {
		if stored, ok := bodies[lines[i].ID]; ok {
			if lines[i].Values, err = valuesOf(stored); err != nil {
				return err
			}
		}
	}
	return nil
}

// bodiesOf reads the values of lines as they are stored, by line.
func bodiesOf(ctx context.Context, q store.Querier, lines []Line) (map[int64]string, error) {
	bodies := map[int64]string{}
	var ids []any
	for _, l := range lines {
		if l.digest != "" {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		return bodies, nil
	}
	keep := func(rows *sql.Rows) (line int64, err error) {
		var stored string
		err = rows.Scan(&line, &stored)
		bodies[line] = stored
		return line, err
	}
	in := store.List(1, len(ids))
	if _, err := store.All(ctx, q, keep, `select audit_id, body from audit_values where audit_id in (`+in+`)`, ids...); err != nil {
		return nil, fmt.Errorf("read the values of the audit log: %w", err)
	}
	if _, err := store.All(ctx, q, keep, `select audit_id, body from customer_changes where audit_id in (`+in+`)`, ids...); err != nil {
		return nil, fmt.Errorf("read the values of the audit log: %w", err)
	}
	return bodies, nil
}

// Actions are all that the log has lines of, in alphabetical order.
func Actions(ctx context.Context, q store.Querier) ([]string, error) {
	return store.All(ctx, q, store.Scalar[string], `select distinct action from audit order by action`)
}
