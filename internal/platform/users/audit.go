package users

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Change is what a member of staff did, for the audit log.
type Change struct {
	By      id.User  // 0: the command line, or the program itself
	Action  string   // noun.verb_past; the catalogues have audit.<action>
	Subject string   // the id as in addresses; empty: the business as a whole
	Fields  []string // names of what was changed, never what stood in them
	Values  []Value  // what stood in them; their names need not be in Fields
}

// Value is a field that changed, with what stood in it before and after.
type Value struct{ Field, Before, After string }

// Audit writes a line of the audit log, in the transaction of the change. It
// is called for everything that staff change. Values must say nothing of a
// customer; where they do, customers.Audit keeps them so that erasure finds
// them.
func Audit(ctx context.Context, tx *store.Tx, c Change) error {
	return AuditApart(ctx, tx, c, func(line int64, body, words string) error {
		_, err := tx.Exec(ctx, `insert into audit_values (audit_id, body, words) values ($1, $2, $3)`, line, body, words)
		return err
	})
}

// AuditApart is Audit for values that another module keeps, as they are of a
// person: keep gets the line's id and what belongs to it, unless there are no
// values.
func AuditApart(ctx context.Context, tx *store.Tx, c Change, keep func(line int64, body, words string) error) error {
	l := Line{Change: c, ID: tx.NewID(), At: tx.Now}
	for _, v := range c.Values {
		l.Fields = append(l.Fields, v.Field)
	}
	body := ""
	if len(c.Values) > 0 {
		body = bodyOf(c.Values)
		l.digest = sum(body)
	}
	if err := chain(ctx, tx, &l); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if body == "" {
		return nil
	}
	if err := keep(l.ID, body, wordsOf(c.Values)); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// AuditExport writes a line in a transaction of its own, before what was asked
// for is sent: an export that cannot be noted is not given out.
func AuditExport(ctx context.Context, db *store.DB, c Change) error {
	return db.Tx(ctx, func(tx *store.Tx) error { return Audit(ctx, tx, c) })
}

// Changed are the fields that differ, given as name, before and after in
// turn.
func Changed(triples ...string) []Value {
	var all []Value
	for i := 0; i+2 < len(triples); i += 3 {
		if triples[i+1] != triples[i+2] {
			all = append(all, Value{triples[i], triples[i+1], triples[i+2]})
		}
	}
	return all
}

// maxValue is how many characters of a value are kept.
const maxValue = 2_000

// body is the form in which values are stored. The salt keeps who reads the
// digest in the log from guessing what stood in a field that was erased.
type body struct {
	Salt   string      `json:"salt"`
	Values [][3]string `json:"values"`
}

func bodyOf(values []Value) string {
	b := body{Salt: rand.Text()}
	for _, v := range values {
		b.Values = append(b.Values, [3]string{v.Field, cut(v.Before), cut(v.After)})
	}
	bytes, _ := json.Marshal(b) // texts: cannot fail
	return string(bytes)
}

func cut(s string) string {
	s = text.Clean(s)
	if r := []rune(s); len(r) > maxValue {
		return string(r[:maxValue]) + "…"
	}
	return s
}

func wordsOf(values []Value) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(text.Fold(cut(v.Before)) + " " + text.Fold(cut(v.After)) + " ")
	}
	return b.String()
}

// valuesOf reads what bodyOf wrote.
func valuesOf(stored string) ([]Value, error) {
	var b body
	if err := json.Unmarshal([]byte(stored), &b); err != nil {
		return nil, fmt.Errorf("read the values of the audit log: %w", err)
	}
	all := make([]Value, len(b.Values))
	for i, v := range b.Values {
		all[i] = Value{v[0], v[1], v[2]}
	}
	return all, nil
}

// chain numbers a line, hashes it with the one before it and writes it. The
// head's row is locked until the transaction ends: lines are written one
// after the other.
func chain(ctx context.Context, tx *store.Tx, l *Line) error {
	var before string
	err := tx.QueryRow(ctx, `
		insert into audit_head (id, seq, hash, sealed) values (1, 1, '', $1)
		on conflict (id) do update set seq = audit_head.seq + 1
		returning seq, hash`, []byte{}).Scan(&l.seq, &before)
	if err != nil {
		return fmt.Errorf("lock the end of the chain: %w", err)
	}
	l.hash = l.hashed(before)
	_, err = tx.Exec(ctx, `
		insert into audit (id, at, user_id, action, subject, fields, seq, digest, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		l.ID, l.At.UnixMicro(), int64(l.By), l.Action, l.Subject, strings.Join(l.Fields, ","), l.seq, l.digest, l.hash)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update audit_head set hash = $1, sealed = $2 where id = 1`,
		l.hash, tx.Seal(headPurpose, []byte(headText(l.seq, l.hash))))
	if err != nil {
		return fmt.Errorf("seal the end of the chain: %w", err)
	}
	return nil
}

const headPurpose = "audit head"

func headText(seq int64, hash string) string { return fmt.Sprintf("%d %s", seq, hash) }

// hashed is the line's hash, given that of the line before. Each part has its
// length before it, so that no two lines give one text.
func (l Line) hashed(before string) string {
	var b strings.Builder
	for _, part := range []string{before, fmt.Sprint(l.seq), fmt.Sprint(l.ID), fmt.Sprint(l.At.UnixMicro()), fmt.Sprint(int64(l.By)),
		l.Action, l.Subject, strings.Join(l.Fields, ","), l.digest} {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	return sum(b.String())
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
