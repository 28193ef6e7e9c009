package webhooks

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
)

// delays are the pauses behind the failed attempts, three days in all.
var delays = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

const (
	// Patience is how long an endpoint may take to answer.
	Patience = 20 * time.Second
	// givenUpAfter is how long an endpoint may fail before nothing more is sent.
	givenUpAfter = 5 * 24 * time.Hour
	// firstRest and longestRest are how long an endpoint that is down or asks
	// for less is left in peace; then one delivery tries for all.
	firstRest   = 5 * time.Second
	longestRest = 15 * time.Minute
	// longestWish is how far a Retry-After is honoured.
	longestWish = 24 * time.Hour
	maxAnswer   = 500 // bytes of an answer that are kept
)

type sender struct {
	db     *store.DB
	client *http.Client
}

// send makes one attempt at a delivery. The program may die between the
// attempt and the note of it: then it is made again, under the same
// webhook-id.
func (s sender) send(ctx context.Context, job *jobs.Job) error {
	var k key
	if err := job.Args(&k); err != nil {
		return err
	}
	d, e, err := load(ctx, s.db, k)
	if errs.Is(err, errs.NotFound) {
		return nil // the endpoint was removed, or the import that brought the customer
	}
	if err != nil || d.Progress != Waiting {
		return err
	}
	if e.State != On {
		return s.finish(ctx, job, k, func(tx *store.Tx, d *Delivery, _ Endpoint) error {
			d.Progress, d.NextAt = Held, time.Time{}
			return nil
		})
	}
	wait, err := s.turn(ctx, e)
	if err != nil {
		return err
	}
	if !wait.IsZero() {
		return s.finish(ctx, job, k, func(tx *store.Tx, d *Delivery, _ Endpoint) error {
			d.NextAt = wait
			return nil
		})
	}
	a, wish, err := s.attempt(ctx, e, d)
	if err != nil {
		return err
	}
	return s.finish(ctx, job, k, func(tx *store.Tx, d *Delivery, e Endpoint) error {
		return d.settle(ctx, tx, e, a, wish)
	})
}

func load(ctx context.Context, q store.Querier, k key) (d Delivery, e Endpoint, err error) {
	if d, err = DeliveryOf(ctx, q, k.Endpoint, k.Customer, k.Event); err != nil {
		return d, e, err
	}
	e, err = ByID(ctx, q, k.Endpoint)
	return d, e, err
}

// finish changes a delivery, enqueues its next attempt and completes the job,
// in one transaction.
func (s sender) finish(ctx context.Context, job *jobs.Job, k key, change func(*store.Tx, *Delivery, Endpoint) error) error {
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		d, e, err := load(ctx, tx, k)
		if err != nil {
			return err
		}
		if err := change(tx, &d, e); err != nil {
			return err
		}
		log, err := json.Marshal(deliveryLog{d.Log})
		if err != nil {
			return fmt.Errorf("write the log of %s: %w", d.Event, err)
		}
		var next any
		if d.Progress == Waiting {
			next = d.NextAt.UnixMicro()
			again := k.job(sendJob)
			again.At = d.NextAt
			if err := jobs.Enqueue(ctx, tx, again); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
			update webhook_deliveries set state = $4, attempts = $5, status = $6, log = $7, next_at = $8
			where customer_id = $1 and endpoint_id = $2 and event_id = $3`, int64(k.Customer), int64(k.Endpoint), int64(k.Event),
			string(d.Progress), d.Attempts, d.Status, string(log), next); err != nil {
			return fmt.Errorf("note the delivery of %s: %w", d.Event, err)
		}
		return job.Done(ctx, tx)
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// turn says whether a delivery may try its endpoint now (zero), or when. Of an
// endpoint that is down one delivery tries at a time, and the others wait for
// what comes of it.
func (s sender) turn(ctx context.Context, e Endpoint) (wait time.Time, err error) {
	if e.RestUntil.IsZero() {
		return time.Time{}, nil
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		wait = e.RestUntil.Add(rand.N(peace(e.Failures)))
		if tx.Now.Before(e.RestUntil) {
			return nil
		}
		n, err := tx.Exec(ctx, `update webhook_endpoints set rest_until_at = $2 where id = $1 and rest_until_at = $3`,
			int64(e.ID), tx.Now.Add(2*Patience).UnixMicro(), e.RestUntil.UnixMicro())
		if err != nil {
			return fmt.Errorf("try %s anew: %w", e.ID, err)
		}
		if wait = tx.Now.Add(2*Patience + rand.N(peace(e.Failures))); n > 0 {
			wait = time.Time{}
		}
		return nil
	})
	return wait, err
}

// peace is how long an endpoint is left in peace after failures in a row.
func peace(failures int) time.Duration {
	return min(firstRest<<min(failures, 10), longestRest)
}

// attempt sends once. An error is a fault of ours; what goes wrong out there
// is in the Attempt. wish is how long the endpoint asks to be left in peace.
func (s sender) attempt(ctx context.Context, e Endpoint, d Delivery) (a Attempt, wish time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	a.At = s.db.Now()
	webhook := d.Event.String()
	signature, err := e.signature(s.db, webhook, a.At, d.Body)
	if errors.Is(err, secrets.ErrSealed) {
		a.Failure = "secret"
		return a, 0, nil
	}
	if err != nil {
		return a, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(d.Body))
	if err != nil {
		a.Failure = "address"
		return a, 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Regulars-Webhooks")
	req.Header.Set("webhook-id", webhook)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(a.At.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	began := time.Now()
	res, err := s.client.Do(req)
	a.Took = time.Since(began).Milliseconds()
	if err != nil {
		if context.Cause(ctx) != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return a, 0, err // we are stopping, or the job is no longer ours
		}
		a.Failure = failureOf(err)
		return a, 0, nil
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 4*maxAnswer)) // half an answer is one too
	a.Took = time.Since(began).Milliseconds()
	a.Status, a.Answer = res.StatusCode, text.Masked(text.Clean(string(b)), maxAnswer)
	return a, wished(res.Header.Get("Retry-After"), a.At), nil
}

// failureOf says in a word, as the catalogue has it, why there was no answer.
func failureOf(err error) string {
	var timeout interface{ Timeout() bool }
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var refused *net.OpError
	switch {
	case errors.Is(err, outbound.ErrInternal):
		return "internal"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &dns):
		return "name"
	case errors.As(err, &certificate):
		return "certificate"
	case errors.As(err, &refused) && refused.Op == "dial":
		return "refused"
	}
	return "broken"
}

// wished reads a Retry-After, which is seconds or a date.
func wished(header string, now time.Time) time.Duration {
	wish := time.Duration(0)
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		wish = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wish = at.Sub(now)
	}
	return min(max(wish, 0), longestWish)
}

// settle notes what came of an attempt: with the delivery, and with the
// endpoint where something changes for it.
func (d *Delivery) settle(ctx context.Context, tx *store.Tx, e Endpoint, a Attempt, wish time.Duration) error {
	d.Attempts++
	d.Status = a.Status
	d.Log = append(d.Log, a)
	d.Log = d.Log[max(0, len(d.Log)-maxLog):]
	d.NextAt = time.Time{}
	switch {
	case a.good():
		d.Progress = Delivered
		return heard(ctx, tx, e)
	case a.Status == http.StatusGone:
		d.Progress = Failed
		return turn(ctx, tx, users.Change{Action: "webhook.gone"}, e.ID, Gone)
	case d.Attempts > len(delays):
		d.Progress = Failed
	default:
		pause := delays[d.Attempts-1]
		d.NextAt = tx.Now.Add(max(pause+rand.N(pause/5), wish))
	}
	return missed(ctx, tx, e, a, wish)
}

// heard notes that an endpoint that failed works again.
func heard(ctx context.Context, tx *store.Tx, e Endpoint) error {
	if e.Failures == 0 && e.RestUntil.IsZero() {
		return nil
	}
	_, err := tx.Exec(ctx, `update webhook_endpoints set failures = 0, failing_since_at = null, rest_until_at = null where id = $1`, int64(e.ID))
	if err != nil {
		return fmt.Errorf("note that %s works: %w", e.ID, err)
	}
	return nil
}

// missed notes that an endpoint failed. One that is down or asks for less is
// left in peace for a while, one that fails for days for good.
func missed(ctx context.Context, tx *store.Tx, e Endpoint, a Attempt, wish time.Duration) error {
	if !e.Failing.IsZero() && tx.Now.Sub(e.Failing) >= givenUpAfter && e.State == On {
		return turn(ctx, tx, users.Change{Action: "webhook.given_up"}, e.ID, GivenUp)
	}
	var until any
	switch a.Status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		until = tx.Now.Add(max(peace(e.Failures), wish)).UnixMicro()
	default:
		if wish > 0 {
			until = tx.Now.Add(wish).UnixMicro()
		}
	}
	_, err := tx.Exec(ctx, `
		update webhook_endpoints set failures = failures + 1, failing_since_at = coalesce(failing_since_at, $2), rest_until_at = $3
		where id = $1`, int64(e.ID), tx.Now.UnixMicro(), until)
	if err != nil {
		return fmt.Errorf("note that %s failed: %w", e.ID, err)
	}
	return nil
}
