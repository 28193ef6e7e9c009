package collect

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
)

// Failure is a part that could not be worked.
type Failure struct {
	ID         id.Failure
	Source     id.Source
	Topic      string
	Delivery   string
	ReceivedAt time.Time
	FailedAt   time.Time
	Reason     error // of errs: what is wrong with it
	Body       []byte
}

const (
	// maxFailures is how many of one source are kept: the newest.
	maxFailures = 10_000
	// seenFor is how long a message is remembered, so that it counts once.
	seenFor = 48 * time.Hour
)

func masked(err error) string { return text.Masked(err.Error(), 2000) }

// fail lays a part aside.
func fail(ctx context.Context, tx *store.Tx, p Part, reason error) error {
	if errs.KindOf(reason) == errs.Internal {
		reason = errs.Wrong("", "collect.error.internal")
	}
	noted, err := json.Marshal(p.Noted)
	if err != nil {
		return err
	}
	if p.Noted == nil {
		noted = []byte("{}")
	}
	_, err = tx.Exec(ctx, `
		insert into collect_failures (id, source_id, topic, delivery, received_at, failed_at, reason, reason_args, noted, body)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		tx.NewID(), int64(p.Source), p.Topic, p.Delivery, p.At.UnixMicro(), tx.Now.UnixMicro(), errs.KeyOf(reason), errs.Pack(reason), string(noted), p.body())
	if err != nil {
		return fmt.Errorf("lay a part of the inbox aside: %w", err)
	}
	return nil
}

// pretty is a body for people to read.
func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return text.Clean(string(body))
	}
	return text.Clean(b.String())
}

// Failures returns what of a source could not be worked, the newest first;
// before an id, or with 0 from the newest.
func Failures(ctx context.Context, q store.Querier, s id.Source, before id.Failure, limit int) ([]Failure, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (f Failure, err error) {
		var received, failed int64
		var key, reason string
		if err = rows.Scan(&f.ID, &f.Source, &f.Topic, &f.Delivery, &received, &failed, &key, &reason, &f.Body); err != nil {
			return f, err
		}
		f.ReceivedAt, f.FailedAt = time.UnixMicro(received).UTC(), time.UnixMicro(failed).UTC()
		f.Reason = errs.Unpack(reason)
		return f, nil
	}, `
		select id, source_id, topic, delivery, received_at, failed_at, reason, reason_args, body from collect_failures
		where source_id = $1 and (cast($2 as bigint) = 0 or id < $2) order by id desc limit $3`, int64(s), int64(before), limit)
}

// FailureCounts returns how many failures each source has.
func FailureCounts(ctx context.Context, q store.Querier) (map[id.Source]int, error) {
	type count struct {
		source id.Source
		n      int
	}
	all, err := store.All(ctx, q, func(rows *sql.Rows) (c count, err error) {
		return c, rows.Scan(&c.source, &c.n)
	}, `select source_id, count(*) from collect_failures group by source_id`)
	counts := make(map[id.Source]int, len(all))
	for _, c := range all {
		counts[c.source] = c.n
	}
	return counts, err
}

// failureSlice is how many failures one transaction moves or removes: they
// have whole bodies in them, and on SQLite whoever sends waits meanwhile.
const failureSlice = 50

// sliced hands do the failures of a source a few at a time, each time in a
// transaction of its own: those after one id up to another. With an id it is
// that one alone. What is laid aside meanwhile is not among them.
func sliced(ctx context.Context, db *store.DB, s id.Source, f id.Failure, do func(tx *store.Tx, after, last id.Failure) error) error {
	after, end := f-1, f
	if f == 0 {
		after = 0
		if err := db.QueryRow(ctx, `select coalesce(max(id), 0) from collect_failures where source_id = $1`, int64(s)).Scan(&end); err != nil {
			return fmt.Errorf("look for failures of %s: %w", s, err)
		}
	}
	for after < end {
		last := f
		if f == 0 {
			err := db.QueryRow(ctx, `
				select coalesce(max(id), 0) from (
					select id from collect_failures where source_id = $1 and id > $2 and id <= $3 order by id limit $4) as few`,
				int64(s), int64(after), int64(end), failureSlice).Scan(&last)
			if err != nil || last == 0 {
				return err
			}
		}
		if err := db.Tx(ctx, func(tx *store.Tx) error { return do(tx, after, last) }); err != nil {
			return err
		}
		after = last
	}
	return nil
}

// Retry puts failures of a source back into the inbox, one of them or, with 0,
// all, and returns how many. It goes a few at a time: what was put back before
// an error stays there.
func Retry(ctx context.Context, db *store.DB, by id.User, s id.Source, f id.Failure) (n int, err error) {
	err = sliced(ctx, db, s, f, func(tx *store.Tx, after, last id.Failure) error {
		// Locking the source keeps two who press the button from putting the
		// same back twice.
		if _, err := tx.Exec(ctx, `update collect_sources set name = name where id = $1`, int64(s)); err != nil {
			return fmt.Errorf("lock %s: %w", s, err)
		}
		moved, err := tx.Exec(ctx, `
			insert into collect_inbox (id, source_id, topic, delivery, received_at, noted, worked, body)
			select id, source_id, topic, delivery, received_at, noted, 0, body from collect_failures
			where source_id = $1 and id > $2 and id <= $3`, int64(s), int64(after), int64(last))
		if err != nil {
			return fmt.Errorf("try failures of %s again: %w", s, err)
		}
		if moved == 0 {
			return nil
		}
		if _, err := remove(ctx, tx, s, after, last); err != nil {
			return err
		}
		if n == 0 {
			if err := users.Audit(ctx, tx, users.Change{By: by, Action: "source.retried", Subject: s.String()}); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { n += int(moved) })
		return jobs.Enqueue(ctx, tx, jobs.New{Kind: drainJob, Key: "inbox"})
	})
	return n, err
}

// Discard removes all failures of a source, a few at a time.
func Discard(ctx context.Context, db *store.DB, by id.User, s id.Source) error {
	noted := false
	return sliced(ctx, db, s, 0, func(tx *store.Tx, after, last id.Failure) error {
		n, err := remove(ctx, tx, s, after, last)
		if err != nil || n == 0 || noted {
			return err
		}
		tx.AfterCommit(func() { noted = true })
		return users.Audit(ctx, tx, users.Change{By: by, Action: "source.emptied", Subject: s.String()})
	})
}

func remove(ctx context.Context, tx *store.Tx, s id.Source, after, last id.Failure) (int64, error) {
	n, err := tx.Exec(ctx, `delete from collect_failures where source_id = $1 and id > $2 and id <= $3`, int64(s), int64(after), int64(last))
	if err != nil {
		return 0, fmt.Errorf("remove failures of %s: %w", s, err)
	}
	return n, nil
}

// unseen returns which of the messages were not told before, and remembers
// them: asked again, in this transaction or another, they are seen.
func unseen(ctx context.Context, tx *store.Tx, s id.Source, messages []string) (map[string]bool, error) {
	fresh := make(map[string]bool, len(messages))
	for len(messages) > 0 {
		some := messages[:min(len(messages), 50)]
		messages = messages[len(some):]
		args := make([]any, 0, 2+len(some))
		args = append(args, int64(s), tx.Now.UnixMicro())
		values := ""
		for i, m := range some {
			if i > 0 {
				values += ","
			}
			values += fmt.Sprintf("($%d,$1,$2)", i+3)
			args = append(args, m)
		}
		rows, err := store.All(ctx, tx, store.Scalar[string], `
			insert into collect_seen (message, source_id, seen_at) values `+values+` on conflict do nothing returning message`, args...)
		if err != nil {
			return nil, fmt.Errorf("remember messages: %w", err)
		}
		for _, m := range rows {
			fresh[m] = true
		}
	}
	return fresh, nil
}

// tidy forgets messages that are older than anybody would send again, and
// removes failures of which a source has too many.
func tidy(ctx context.Context, db *store.DB) error {
	now := db.Now()
	if err := forgetSeen(ctx, db, now.Add(-seenFor)); err != nil {
		return err
	}
	if err := forgetVisitors(ctx, db, now.Add(-keepVisitors)); err != nil {
		return err
	}
	counts, err := FailureCounts(ctx, db)
	if err != nil {
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		for s, n := range counts {
			if n <= maxFailures {
				continue
			}
			if _, err := tx.Exec(ctx, `
				delete from collect_failures where source_id = $1 and id <= (
					select id from collect_failures where source_id = $1 order by id desc limit 1 offset $2)`, int64(s), maxFailures); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetSeen walks the table in the order of its key, a little at a time: an
// index by time would cost more with every message than this does each hour.
func forgetSeen(ctx context.Context, db *store.DB, before time.Time) error {
	const step = 5000
	after, source := "", int64(0)
	for {
		type key struct {
			message string
			source  int64
		}
		keys, err := store.All(ctx, db, func(rows *sql.Rows) (k key, err error) {
			return k, rows.Scan(&k.message, &k.source)
		}, `select message, source_id from collect_seen where (message, source_id) > ($1, $2)
			order by message, source_id limit $3`, after, source, step)
		if err != nil || len(keys) == 0 {
			return err
		}
		last := keys[len(keys)-1]
		err = db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `
				delete from collect_seen where seen_at < $1 and (message, source_id) > ($2, $3) and (message, source_id) <= ($4, $5)`,
				before.UnixMicro(), after, source, last.message, last.source)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget messages: %w", err)
		}
		after, source = last.message, last.source
	}
}
