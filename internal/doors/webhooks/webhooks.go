// Package webhooks tells other programs what happens to customers, in the way
// of Standard Webhooks.
//
// Its one rule: what is to be sent is a row before it is sent and for a month
// after, so nothing is lost when either side falls over, and each event has
// one webhook-id however often it is sent, so whoever gets it twice can tell.
package webhooks

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// State says whether an endpoint is sent anything.
type State string

// The states. While an endpoint is not On, what happens is held back for it.
const (
	On      State = "on"
	Paused  State = "paused"   // by staff
	Gone    State = "gone"     // it answered 410
	GivenUp State = "given_up" // nothing has reached it for days
)

// Endpoint is an address that is told of events.
type Endpoint struct {
	ID          id.Endpoint
	URL         string
	Description string
	Kinds       []string // of events; empty: all
	History     bool     // also events that came too late to react to
	State       State
	FormerUntil time.Time // until when the secret before this one signs too; zero: there is none
	Failures    int       // in a row, until now
	Failing     time.Time // since when; zero: the latest attempt went well
	RestUntil   time.Time // left in peace until then
	CreatedAt   time.Time

	secret, former []byte // sealed
}

// Called is what staff say it is for, or else its host.
func (e Endpoint) Called() string {
	u, err := url.Parse(e.URL)
	if e.Description != "" || err != nil {
		return e.Description
	}
	return u.Host
}

// wants reports whether an event of a kind is for the endpoint.
func (e Endpoint) wants(kind string, history bool) bool {
	return (e.History || !history) && (len(e.Kinds) == 0 || slices.Contains(e.Kinds, kind))
}

// Edit is what staff say of an endpoint.
type Edit struct {
	URL         string
	Description string
	Kinds       []string // empty: all
	History     bool
}

const (
	// MaxEndpoints is how many endpoints there may be: each costs a row an
	// event.
	MaxEndpoints   = 20
	maxURL         = 500
	maxDescription = 200
)

// tidy checks what was said. Only https is accepted, and http for an address
// in a network of one's own, where outbound lets it through at all.
func (e *Edit) tidy() error {
	e.URL = strings.TrimSpace(e.URL)
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || outbound.Check(u) != nil || len(e.URL) > maxURL:
		return errs.Wrong("url", "webhooks.url.wrong")
	case u.Scheme == "http" && !local(u.Hostname()):
		return errs.Wrong("url", "webhooks.url.plain")
	}
	slices.Sort(e.Kinds)
	e.Kinds = slices.Compact(e.Kinds)
	return nil
}

func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && !outbound.Public(ip)
}

// Add makes an endpoint and returns its secret.
func Add(ctx context.Context, tx *store.Tx, by id.User, e Edit) (id.Endpoint, string, error) {
	if err := e.tidy(); err != nil {
		return 0, "", err
	}
	// Its line in the audit log comes first: it locks the log's end, so that
	// two who add at once count one after the other.
	endpoint := id.Endpoint(tx.NewID())
	if err := users.Audit(ctx, tx, users.Change{By: by, Action: "webhook.added", Subject: endpoint.String()}); err != nil {
		return 0, "", err
	}
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from webhook_endpoints`).Scan(&n); err != nil {
		return 0, "", fmt.Errorf("count endpoints: %w", err)
	}
	if n >= MaxEndpoints {
		return 0, "", errs.Wrong("", "webhooks.too-many")
	}
	secret := newSecret()
	sealed, err := seal(tx, secret)
	if err != nil {
		return 0, "", err
	}
	if _, err := tx.Exec(ctx, `
		insert into webhook_endpoints (id, url, description, kinds, history, state, secret, failures, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, 0, $8)`, int64(endpoint), e.URL, e.Description, strings.Join(e.Kinds, " "), e.History,
		string(On), sealed, tx.Now.UnixMicro()); err != nil {
		return 0, "", fmt.Errorf("add an endpoint: %w", err)
	}
	return endpoint, secret, nil
}

// Change says anew what an endpoint is. What waits for it goes to the new
// address.
func Change(ctx context.Context, tx *store.Tx, by id.User, endpoint id.Endpoint, e Edit) error {
	if err := e.tidy(); err != nil {
		return err
	}
	was, err := ByID(ctx, tx, endpoint)
	if err != nil {
		return err
	}
	fields := users.Changed("url", was.URL, e.URL, "description", was.Description, e.Description,
		"kinds", strings.Join(was.Kinds, " "), strings.Join(e.Kinds, " "), "history", fmt.Sprint(was.History), fmt.Sprint(e.History))
	if len(fields) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `update webhook_endpoints set url = $2, description = $3, kinds = $4, history = $5 where id = $1`,
		int64(endpoint), e.URL, e.Description, strings.Join(e.Kinds, " "), e.History); err != nil {
		return fmt.Errorf("change %s: %w", endpoint, err)
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "webhook.changed", Subject: endpoint.String(), Values: fields})
}

// Pause holds back from now on what happens, until Resume.
func Pause(ctx context.Context, tx *store.Tx, by id.User, endpoint id.Endpoint) error {
	return turn(ctx, tx, users.Change{By: by, Action: "webhook.paused"}, endpoint, Paused)
}

// Resume sends again, from the next event on. What was held back waits for
// Replay.
func Resume(ctx context.Context, tx *store.Tx, by id.User, endpoint id.Endpoint) error {
	return turn(ctx, tx, users.Change{By: by, Action: "webhook.resumed"}, endpoint, On)
}

// turn gives an endpoint another state, and a new start.
func turn(ctx context.Context, tx *store.Tx, c users.Change, endpoint id.Endpoint, to State) error {
	n, err := tx.Exec(ctx, `
		update webhook_endpoints set state = $2, failures = 0, failing_since_at = null, rest_until_at = null
		where id = $1 and state <> $2`, int64(endpoint), string(to))
	if err != nil {
		return fmt.Errorf("turn %s %s: %w", endpoint, to, err)
	}
	if n == 0 {
		return nil
	}
	c.Subject = endpoint.String()
	return users.Audit(ctx, tx, c)
}

// Remove takes an endpoint away, and then what was to be sent to it.
func Remove(ctx context.Context, tx *store.Tx, by id.User, endpoint id.Endpoint) error {
	n, err := tx.Exec(ctx, `delete from webhook_endpoints where id = $1`, int64(endpoint))
	if err != nil || n == 0 {
		return err
	}
	if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: clearJob, Args: clearArgs{endpoint}, Key: endpoint.String()}); err != nil {
		return err
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "webhook.removed", Subject: endpoint.String()})
}

const endpointColumns = `id, url, description, kinds, history, state, secret, former_secret, former_until_at, failures,
	failing_since_at, rest_until_at, created_at`

// List returns all endpoints, the oldest first.
func List(ctx context.Context, q store.Querier) ([]Endpoint, error) {
	all, err := store.All(ctx, q, scanEndpoint, `select `+endpointColumns+` from webhook_endpoints order by id`)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return all, nil
}

// ByID returns an endpoint; errs.NotFound when it is not there.
func ByID(ctx context.Context, q store.Querier, endpoint id.Endpoint) (Endpoint, error) {
	all, err := store.All(ctx, q, scanEndpoint, `select `+endpointColumns+` from webhook_endpoints where id = $1`, int64(endpoint))
	if err != nil {
		return Endpoint{}, fmt.Errorf("read %s: %w", endpoint, err)
	}
	if len(all) == 0 {
		return Endpoint{}, errs.Missing("webhooks.not-found")
	}
	return all[0], nil
}

func scanEndpoint(rows *sql.Rows) (e Endpoint, err error) {
	var kinds string
	var formerUntil, failing, rest sql.NullInt64
	var created int64
	err = rows.Scan(&e.ID, &e.URL, &e.Description, &kinds, &e.History, &e.State, &e.secret, &e.former, &formerUntil, &e.Failures,
		&failing, &rest, &created)
	e.Kinds = strings.Fields(kinds)
	e.FormerUntil, e.Failing, e.RestUntil, e.CreatedAt = moment(formerUntil), moment(failing), moment(rest), time.UnixMicro(created).UTC()
	return e, err
}

func moment(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}
