package api

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

const (
	flushAfter = time.Second
	maxPending = 10_000 // requests that wait to be written; further ones are not noted
)

// Request is a line of the log: nothing of what was sent or answered.
type Request struct {
	ID        int64
	Key       id.Key
	KeyName   string // as it is read
	User      id.User
	At        time.Time
	Method    string
	Route     string
	Status    int
	Took      time.Duration
	RequestID string
}

// requestLog gathers lines and writes them together once a second: a line a
// request would cost more than the request. A process that dies loses the
// lines of its last second.
type requestLog struct {
	db      *store.DB
	mu      sync.Mutex
	pending []Request
	waiting bool
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) < maxPending {
		l.pending = append(l.pending, r)
	}
	if !l.waiting {
		l.waiting = true
		time.AfterFunc(flushAfter, func() {
			if err := l.flush(context.Background()); err != nil {
				slog.Warn("the log of API requests was not written", "error", err)
			}
		})
	}
}

// Flush writes the lines of the log that wait: at the end, and in tests.
func (d *Door) Flush(ctx context.Context) error { return d.log.flush(ctx) }

func (l *requestLog) flush(ctx context.Context) error {
	l.mu.Lock()
	lines := l.pending
	l.pending, l.waiting = nil, false
	l.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	return l.db.Tx(ctx, func(tx *store.Tx) error {
		rows := tx.Bulk(ctx, "api_requests", "id, key_id, user_id, at, method, route, status, took, request_id", "")
		used := map[id.Key]time.Time{}
		for _, r := range lines {
			if err := rows.Add(tx.NewID(), int64(r.Key), int64(r.User), r.At.UnixMicro(), r.Method, r.Route, int64(r.Status), r.Took.Microseconds(), r.RequestID); err != nil {
				return fmt.Errorf("write the log of requests: %w", err)
			}
			if r.At.After(used[r.Key]) {
				used[r.Key] = r.At
			}
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("write the log of requests: %w", err)
		}
		for key, at := range used {
			if err := users.KeyUsed(ctx, tx, key, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sought says which lines of the log are wanted. The zero value: all.
type Sought struct {
	Key    id.Key
	Class  int    // of the status: 2, 4, 5; 0: any
	Method string // GET
	Text   string // a part of the route, or the whole request id
	Before int64  // only older ones
	Limit  int
}

// Requests returns lines of the log, the newest first: of everybody's keys to
// an owner of the business, to others of their own.
func Requests(ctx context.Context, q store.Querier, who web.Staff, s Sought) ([]Request, error) {
	var where []string
	var args []any
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
	}
	if who.Role < web.Owner {
		add("r.user_id = ?", int64(who.ID))
	}
	if s.Key != 0 {
		add("r.key_id = ?", int64(s.Key))
	}
	if s.Class != 0 {
		add("r.status / 100 = ?", int64(s.Class))
	}
	if s.Method != "" {
		add("r.method = ?", s.Method)
	}
	if s.Before != 0 {
		add("r.id < ?", s.Before)
	}
	if typed := strings.ToLower(text.Short(text.Line(s.Text), 100)); typed != "" {
		add("(r.request_id = ? or lower(r.route) like '%' || ? || '%' escape '!')", strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed))
	}
	clause := ""
	if len(where) > 0 {
		clause = "where " + strings.Join(where, " and ")
	}
	args = append(args, s.Limit)
	return store.All(ctx, q, func(rows *sql.Rows) (r Request, err error) {
		var at, took int64
		err = rows.Scan(&r.ID, &r.Key, &r.KeyName, &r.User, &at, &r.Method, &r.Route, &r.Status, &took, &r.RequestID)
		r.At, r.Took = time.UnixMicro(at).UTC(), time.Duration(took)*time.Microsecond
		return r, err
	}, fmt.Sprintf(`
		select r.id, r.key_id, coalesce(k.name, ''), r.user_id, r.at, r.method, r.route, r.status, r.took, r.request_id
		from api_requests r left join user_keys k on k.id = r.key_id %s order by r.id desc limit $%d`, clause, len(args)), args...)
}
