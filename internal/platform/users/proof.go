package users

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Chain is what CheckAudit found.
type Chain struct {
	Lines  int64    `json:"lines"`  // of the chain
	Before int64    `json:"before"` // lines from before there was a chain
	Erased int64    `json:"erased"` // lines whose values went with an erased customer
	Aged   int64    `json:"aged"`   // lines whose values went as their keeping period was over
	Faults []string `json:"faults"` // what does not fit, at most maxFaults
}

const (
	maxFaults  = 20
	checkSlice = 500
)

// CheckAudit goes through the audit log from its first line and says where a
// line was changed, taken out or put in since it was written.
func CheckAudit(ctx context.Context, db *store.DB) (Chain, error) {
	var c Chain
	err := db.QueryRow(ctx, `select count(*) from audit where seq = 0`).Scan(&c.Before)
	if err != nil {
		return c, fmt.Errorf("check the audit log: %w", err)
	}
	end, err := c.end(ctx, db)
	if err != nil {
		return c, err
	}
	last := Line{}
	for {
		lines, err := store.All(ctx, db, scanLine, `
			select id, at, user_id, action, subject, fields, '', seq, digest, hash from audit
			where seq > $1 and seq <= $2 order by seq limit $3`, last.seq, end.seq, checkSlice)
		if err != nil {
			return c, fmt.Errorf("check the audit log: %w", err)
		}
		for _, l := range lines {
			c.follow(last, l)
			last = l
		}
		if err := c.checkValues(ctx, db, lines); err != nil {
			return c, err
		}
		if len(lines) < checkSlice {
			break
		}
	}
	if end.seq != last.seq || end.hash != last.hash {
		c.fault("the chain ends with line %d, and %d were written", last.seq, end.seq)
	}
	return c, nil
}

func (c *Chain) fault(format string, args ...any) {
	if len(c.Faults) < maxFaults {
		c.Faults = append(c.Faults, fmt.Sprintf(format, args...))
	}
}

// follow holds a line to the one before it.
func (c *Chain) follow(before, l Line) {
	c.Lines++
	if l.seq != before.seq+1 {
		c.fault("lines %d to %d are missing", before.seq+1, l.seq-1)
	}
	if l.hash != l.hashed(before.hash) {
		c.fault("line %d (%s) is not as it was written", l.seq, l.Action)
	}
}

// checkValues holds what stood in the fields to the lines. It may be missing
// only of a customer who was erased.
func (c *Chain) checkValues(ctx context.Context, q store.Querier, lines []Line) error {
	bodies, err := bodiesOf(ctx, q, lines)
	if err != nil {
		return err
	}
	ofCustomers, ofOthers, err := forgotten(ctx, q)
	if err != nil {
		return err
	}
	for _, l := range lines {
		stored, there := bodies[l.ID]
		switch {
		case l.digest == "":
		case there && sum(stored) != l.digest:
			c.fault("what stood in the fields of line %d (%s) is not as it was written", l.seq, l.Action)
		case !there && (l.At.Before(ofCustomers) && strings.HasPrefix(l.Subject, "cus_") || l.At.Before(ofOthers) && !strings.HasPrefix(l.Subject, "cus_")):
			c.Aged++
		case !there:
			gone, err := erasedSubject(ctx, q, l.Subject)
			if err != nil {
				return err
			}
			if gone {
				c.Erased++
			} else {
				c.fault("what stood in the fields of line %d (%s) is missing", l.seq, l.Action)
			}
		}
	}
	return nil
}

// end reads the end of the chain and holds it to its seal. Lines written from
// now on are not looked at.
func (c *Chain) end(ctx context.Context, db *store.DB) (end Line, err error) {
	var sealed []byte
	err = db.QueryRow(ctx, `select seq, hash, sealed from audit_head where id = 1`).Scan(&end.seq, &end.hash, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		var lines int64
		if err = db.QueryRow(ctx, `select count(*) from audit where seq > 0`).Scan(&lines); err == nil && lines > 0 {
			c.fault("the end of the chain is missing, of %d lines", lines)
		}
		return end, err
	}
	if err != nil {
		return end, fmt.Errorf("check the audit log: %w", err)
	}
	if plain, err := db.Unseal(headPurpose, sealed); err != nil || string(plain) != headText(end.seq, end.hash) {
		c.fault("the end of the chain was not sealed with this program's key")
	}
	return end, nil
}

// erasedSubject reports whether a line is of a customer who was erased since.
func erasedSubject(ctx context.Context, q store.Querier, subject string) (bool, error) {
	c, err := id.ParseCustomer(subject)
	if err != nil {
		return false, nil // of something else
	}
	var n int
	err = q.QueryRow(ctx, `select count(*) from customer_erasures where customer_id = $1`, int64(c)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("check the audit log: %w", err)
	}
	return n > 0, nil
}
