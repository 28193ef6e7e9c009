package collect

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
)

// Source is a place from which things come in.
type Source struct {
	ID   id.Source
	Kind string
	Name string
	// Token is the write key, or the end of the address. It is no secret: it
	// stands in the pages of the shop for everybody to read.
	Token string
	// Space says whose ids it tells. The user 7 of two sources with one space
	// is one customer, known by the external identity "space:7".
	Space      string
	Secret     []byte // sealed by platform/secrets; nil: none
	Settings   map[string]string
	CreatedAt  time.Time
	DisabledAt time.Time // zero: it may send
	UsedAt     time.Time // when something came last, to the minute; zero: never
}

// Disabled reports whether what it sends is refused.
func (s Source) Disabled() bool { return !s.DisabledAt.IsZero() }

// NewSource is what a source is made of.
type NewSource struct {
	Kind     string
	Name     string
	Space    string // empty: the kind's name, for a tracking client "site"
	Secret   []byte // sealed
	Settings map[string]string
}

const (
	maxSourceName = 80
	maxSpace      = 40
	maxSources    = 200
)

// check cleans what was typed.
func (n *NewSource) check() error {
	n.Name, n.Space = text.Line(n.Name), strings.ToLower(text.Line(n.Space))
	if n.Space == "" {
		n.Space = defaultSpace(n.Kind)
	}
	switch {
	case n.Name == "" || len(n.Name) > maxSourceName:
		return errs.Wrong("name", "collect.error.name", "Max", maxSourceName)
	case len(n.Space) > maxSpace || strings.ContainsAny(n.Space, ": "):
		return errs.Wrong("space", "collect.error.space", "Max", maxSpace)
	}
	return nil
}

func defaultSpace(kind string) string {
	if kind == Segment {
		return "site"
	}
	return kind
}

// Add makes a source with a token of its own.
func Add(ctx context.Context, tx *store.Tx, by id.User, n NewSource) (id.Source, error) {
	if err := n.check(); err != nil {
		return 0, err
	}
	var have int
	if err := tx.QueryRow(ctx, `select count(*) from collect_sources`).Scan(&have); err != nil {
		return 0, err
	}
	if have >= maxSources {
		return 0, errs.Wrong("", "collect.error.many", "Max", maxSources)
	}
	s := id.Source(tx.NewID())
	_, err := tx.Exec(ctx, `
		insert into collect_sources (id, kind, name, token, space, secret, settings, created_by, created_at, disabled_at, used_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, null, null)`,
		int64(s), n.Kind, n.Name, newToken(), n.Space, n.Secret, settingsJSON(n.Settings), int64(by), tx.Now.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("add a source: %w", err)
	}
	tx.AfterCommit(forget)
	return s, users.Audit(ctx, tx, users.Change{By: by, Action: "source.added", Subject: s.String()})
}

// newToken is 130 random bits as letters and digits.
func newToken() string { return strings.ToLower(rand.Text()) }

func settingsJSON(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	b, _ := json.Marshal(m) // a map of strings always is JSON
	return string(b)
}

// Change changes a source's name, space, secret (nil: as it was) and settings.
func Change(ctx context.Context, tx *store.Tx, by id.User, s id.Source, n NewSource) error {
	if err := n.check(); err != nil {
		return err
	}
	was, err := SourceByID(ctx, tx, s)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		update collect_sources set name = $1, space = $2, secret = coalesce($3, secret), settings = $4 where id = $5`,
		n.Name, n.Space, n.Secret, settingsJSON(n.Settings), int64(s))
	if err != nil {
		return fmt.Errorf("change %s: %w", s, err)
	}
	tx.AfterCommit(forget)
	change := users.Change{By: by, Action: "source.changed", Subject: s.String()}
	for _, v := range []users.Value{{Field: "name", Before: was.Name, After: n.Name}, {Field: "space", Before: was.Space, After: n.Space}} {
		if v.Before != v.After {
			change.Values = append(change.Values, v)
		}
	}
	if n.Secret != nil {
		change.Fields = []string{"secret"}
	}
	return users.Audit(ctx, tx, change)
}

// Disable refuses from now on what a source sends; Enable takes it again.
// What came before is worked either way.
func Disable(ctx context.Context, tx *store.Tx, by id.User, s id.Source) error {
	return setDisabled(ctx, tx, s, tx.Now.UnixMicro(), users.Change{By: by, Action: "source.disabled", Subject: s.String()})
}

// Enable takes what a disabled source sends again.
func Enable(ctx context.Context, tx *store.Tx, by id.User, s id.Source) error {
	return setDisabled(ctx, tx, s, nil, users.Change{By: by, Action: "source.enabled", Subject: s.String()})
}

func setDisabled(ctx context.Context, tx *store.Tx, s id.Source, at any, change users.Change) error {
	n, err := tx.Exec(ctx, `update collect_sources set disabled_at = $1 where id = $2`, at, int64(s))
	if err != nil {
		return fmt.Errorf("switch %s: %w", s, err)
	}
	if n == 0 {
		return noSource()
	}
	tx.AfterCommit(forget)
	return users.Audit(ctx, tx, change)
}

func noSource() error { return errs.Missing("collect.error.none") }

const sourceColumns = `id, kind, name, token, space, secret, settings, created_at, disabled_at, used_at`

// Sources returns all sources, the oldest first.
func Sources(ctx context.Context, q store.Querier) ([]Source, error) {
	return store.All(ctx, q, scanSource, `select `+sourceColumns+` from collect_sources order by id`)
}

// SourceByID returns one source.
func SourceByID(ctx context.Context, q store.Querier, s id.Source) (Source, error) {
	all, err := store.All(ctx, q, scanSource, `select `+sourceColumns+` from collect_sources where id = $1`, int64(s))
	if err != nil {
		return Source{}, err
	}
	if len(all) == 0 {
		return Source{}, noSource()
	}
	return all[0], nil
}

func scanSource(rows *sql.Rows) (Source, error) {
	var s Source
	var settings string
	var created int64
	var disabled, used sql.NullInt64
	err := rows.Scan(&s.ID, &s.Kind, &s.Name, &s.Token, &s.Space, &s.Secret, &settings, &created, &disabled, &used)
	if err != nil {
		return s, err
	}
	s.CreatedAt = time.UnixMicro(created).UTC()
	if disabled.Valid {
		s.DisabledAt = time.UnixMicro(disabled.Int64).UTC()
	}
	if used.Valid {
		s.UsedAt = time.UnixMicro(used.Int64).UTC()
	}
	return s, json.Unmarshal([]byte(settings), &s.Settings)
}

// touch notes when something of the sources came last, once a minute: the
// page tells it, and a row written with every slice would be all it costs.
func touch(ctx context.Context, tx *store.Tx, last map[id.Source]time.Time) error {
	for s, at := range last {
		if _, err := tx.Exec(ctx, `update collect_sources set used_at = $1 where id = $2 and (used_at is null or used_at < $3)`,
			at.UnixMicro(), int64(s), at.Add(-time.Minute).UnixMicro()); err != nil {
			return fmt.Errorf("note when %s was used: %w", s, err)
		}
	}
	return nil
}

// changes counts what this process changed of sources, so that its books look
// again at once. Other processes look every few seconds.
var changes atomic.Int64

func forget() { changes.Add(1) }

// lookEvery is how long another process may go on with a source that was
// disabled here.
const lookEvery = 3 * time.Second

// book knows all sources without asking the database each time.
type book struct {
	db   *store.DB
	mu   sync.Mutex
	page atomic.Pointer[listing]
}

type listing struct {
	byToken map[string]Source
	read    time.Time
	version int64
}

// ErrUnknown means that no source that may send has the token.
var ErrUnknown = errors.New("no source has this key")

// find returns the source of a token, if it is of the kind and may send.
func (b *book) find(ctx context.Context, kind, token string) (Source, error) {
	p := b.page.Load()
	if p == nil || p.version != changes.Load() || time.Since(p.read) > lookEvery {
		var err error
		if p, err = b.look(ctx); err != nil {
			return Source{}, err
		}
	}
	s, ok := p.byToken[token]
	if !ok || s.Kind != kind || s.Disabled() {
		return Source{}, ErrUnknown
	}
	return s, nil
}

func (b *book) look(ctx context.Context) (*listing, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	version := changes.Load()
	if p := b.page.Load(); p != nil && p.version == version && time.Since(p.read) <= lookEvery {
		return p, nil // somebody else has just looked
	}
	all, err := Sources(ctx, b.db)
	if err != nil {
		return nil, fmt.Errorf("read the sources: %w", err)
	}
	p := &listing{byToken: make(map[string]Source, len(all)), read: time.Now(), version: version}
	for _, s := range all {
		p.byToken[s.Token] = s
	}
	b.page.Store(p)
	return p, nil
}
