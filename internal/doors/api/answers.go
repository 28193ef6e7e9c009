package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
)

const (
	answersFor = 24 * time.Hour  // how long an answer is kept
	workFor    = 2 * time.Minute // after which a request that was never finished may be done again
	maxAgain   = 255             // bytes of a client's Idempotency-Key
	maxHashed  = 1 << 20         // bytes of a body that are compared; larger ones are told apart by their length
	maxKept    = 1 << 20         // bytes of an answer that are kept
	tidySlice  = 1000            // rows
	replayed   = "Idempotency-Replayed"
)

// kept are the headers of an answer that are given again.
var kept = []string{"Content-Type", "Etag", "Location"}

// retry is one request that carried an Idempotency-Key.
type retry struct {
	key     id.Key
	again   string // the hash of what the client sent
	request string // the hash of method, address and body
	about   id.Customer
	until   time.Time
	seal    cipher.AEAD
}

// once serves a request that carries an Idempotency-Key: the first time it is
// done and its answer kept; then the same is answered again. The answer is
// sealed with a key made of the API key's secret, which we do not have.
func (d *Door) once(w http.ResponseWriter, c *rest.Call, op rest.Operation, secret, again string) error {
	if len(again) > maxAgain {
		return errs.Wrong("", "api.wrong.again-long", "Max", maxAgain)
	}
	t, err := newRetry(c, op, secret, again)
	if err != nil {
		return err
	}
	was, err := d.claim(c.Context(), t)
	if err != nil {
		return err
	}
	switch {
	case was == nil:
	case was.request != t.request:
		return errs.Wrong("", "api.wrong.again-other")
	case was.status != 0:
		return was.replay(w, t)
	case was.done:
		return errs.Clash("", "api.wrong.again-lost")
	default:
		return errs.Clash("", "api.wrong.again-now")
	}
	if !op.Replays {
		c.Settle = t.settle
	}
	held := &held{header: w.Header()}
	defer func() {
		if held.status == 0 { // a panic: what was not done may be tried again
			_ = d.forget(context.WithoutCancel(c.Context()), t)
		}
	}()
	d.rest.Serve(op.Name, held, c)
	t.about = c.About
	ctx := context.WithoutCancel(c.Context()) // done is done, though the client has gone
	if held.status/100 == 2 {
		err = d.keep(ctx, t, held)
	} else {
		err = d.forget(ctx, t)
	}
	if err != nil {
		c.LogFault(err) // the answer stands all the same
	}
	w.WriteHeader(held.status)
	_, _ = w.Write(held.body.Bytes())
	return nil
}

func newRetry(c *rest.Call, op rest.Operation, secret, again string) (*retry, error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s\n%d\n", op.Pattern, c.URL.RequestURI(), c.ContentLength)
	if op.MaxBody <= maxHashed {
		body, err := io.ReadAll(c.Body)
		if err != nil {
			return nil, err
		}
		c.Body = io.NopCloser(bytes.NewReader(body))
		hash.Write(body)
	}
	own := sha256.Sum256([]byte(again))
	sealing, err := hkdf.Key(sha256.New, []byte(secret), own[:], "answers of the API", 32)
	if err != nil {
		return nil, fmt.Errorf("make a key for an answer: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("make a key for an answer: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a key for an answer: %w", err)
	}
	return &retry{key: c.Key, again: hex.EncodeToString(own[:]), request: hex.EncodeToString(hash.Sum(nil)), about: c.About, seal: seal}, nil
}

// answer is a request as it was asked before.
type answer struct {
	request string
	until   int64
	done    bool
	status  int
	sealed  []byte
}

// claim says that the request is ours to do, by returning nil, or returns what
// became of it before.
func (d *Door) claim(ctx context.Context, t *retry) (was *answer, err error) {
	err = d.db.Tx(ctx, func(tx *store.Tx) error {
		was, t.until = nil, tx.Now.Add(workFor)
		n, err := tx.Exec(ctx, `
			insert into api_answers (key_id, idempotency, request, about_id, until_at, done, status, answer, created_at)
			values ($1, $2, $3, $4, $5, $6, 0, null, $7) on conflict (key_id, idempotency) do nothing`,
			int64(t.key), t.again, t.request, int64(t.about), t.until.UnixMicro(), false, tx.Now.UnixMicro())
		if err != nil || n == 1 {
			return err
		}
		var a answer
		if err := tx.QueryRow(ctx, `
			select request, until_at, done, status, answer from api_answers where key_id = $1 and idempotency = $2`,
			int64(t.key), t.again).Scan(&a.request, &a.until, &a.done, &a.status, &a.sealed); err != nil {
			return err
		}
		was = &a
		if a.done || a.status != 0 || a.until > tx.Now.UnixMicro() || a.request != t.request {
			return nil
		}
		// Whoever worked on it is gone. One of those who come now takes over.
		n, err = tx.Exec(ctx, `
			update api_answers set until_at = $3 where key_id = $1 and idempotency = $2 and until_at = $4 and not done`,
			int64(t.key), t.again, t.until.UnixMicro(), a.until)
		if n == 1 {
			was = nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim a request: %w", err)
	}
	return was, nil
}

// settle notes, in the transaction of the effect, that it is done. Who has
// taken so long that somebody else took over does nothing.
func (t *retry) settle(ctx context.Context, tx *store.Tx) error {
	n, err := tx.Exec(ctx, `
		update api_answers set done = $4 where key_id = $1 and idempotency = $2 and until_at = $3 and not done`,
		int64(t.key), t.again, t.until.UnixMicro(), true)
	if err == nil && n == 0 {
		return errs.Clash("", "api.wrong.again-late")
	}
	return err
}

// keep keeps the answer.
func (d *Door) keep(ctx context.Context, t *retry, h *held) error {
	headers := map[string]string{}
	for _, name := range kept {
		if v := h.header.Get(name); v != "" {
			headers[name] = v
		}
	}
	plain, err := json.Marshal(told{headers, h.body.Bytes()})
	if err != nil {
		return err
	}
	var sealed any
	if len(plain) <= maxKept {
		sealed = t.seal.Seal(nil, nil, plain, nil)
	}
	return d.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `
			update api_answers set done = $4, status = $5, answer = $6, about_id = $7
			where key_id = $1 and idempotency = $2 and until_at = $3`,
			int64(t.key), t.again, t.until.UnixMicro(), true, h.status, sealed, int64(t.about))
		return err
	})
}

// forget lets a request that was refused, or failed, be sent again.
func (d *Door) forget(ctx context.Context, t *retry) error {
	return d.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `
			delete from api_answers where key_id = $1 and idempotency = $2 and until_at = $3 and not done`,
			int64(t.key), t.again, t.until.UnixMicro())
		return err
	})
}

// told is what an answer said.
type told struct {
	Header map[string]string
	Body   []byte
}

// replay gives an answer again. Of one that was not kept, because it was large
// or told of somebody who was erased since, the status is left.
func (a *answer) replay(w http.ResponseWriter, t *retry) error {
	var was told
	if len(a.sealed) > 0 {
		plain, err := t.seal.Open(nil, nil, a.sealed, nil)
		if err == nil {
			err = json.Unmarshal(plain, &was)
		}
		if err != nil {
			return fmt.Errorf("open a kept answer: %w", err)
		}
	}
	for name, v := range was.Header {
		w.Header().Set(name, v)
	}
	w.Header().Set(replayed, "true")
	w.WriteHeader(a.status)
	_, _ = w.Write(was.Body)
	return nil
}

// held is an answer that waits until it is kept.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}
