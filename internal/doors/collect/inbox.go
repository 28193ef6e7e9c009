package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// packer and unpacker make large bodies small on their way over the disk: what
// tracking clients and shops send says the same names over and over.
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(64<<20))
)

// packFrom is the size from which packing is worth its time.
const packFrom = 2 << 10

// packed is a body as the inbox keeps it. JSON begins with no byte of zstd's, so
// that each says itself which it is.
func packed(body []byte) []byte {
	if len(body) < packFrom {
		return body
	}
	return packer.EncodeAll(body, make([]byte, 0, len(body)/4))
}

// unpacked is the body as it came. What only looks like packed is left as it is:
// whoever reads it says what is wrong with it.
func unpacked(body []byte) []byte {
	if !bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return body
	}
	plain, err := unpacker.DecodeAll(body, nil)
	if err != nil {
		return body
	}
	return plain
}

// Inbox commits parcels, many in one transaction: a commit costs the disk as
// much for one as for hundreds. There is one for a program; it is safe for
// many goroutines.
type Inbox struct {
	db *store.DB

	mu      sync.Mutex
	waiting *group // gathers until the running commit is over; nil: nobody waits
	busy    bool   // a goroutine commits
}

// NewInbox returns the inbox of a database.
func NewInbox(db *store.DB) *Inbox { return &Inbox{db: db} }

// group are parcels that are committed together.
type group struct {
	parcels []*Parcel
	bytes   int
	done    chan struct{} // closed once err is set
	err     error
}

const (
	// maxWaiting is how many bytes wait in memory for a commit before more is
	// refused.
	maxWaiting = 32 << 20
	// maxGroup is how many bytes one transaction takes.
	maxGroup = 2 << 20
	// commitWithin ends a commit that a database does not answer.
	commitWithin = 30 * time.Second
)

// Accept returns nil once p is committed: from then on it is worked whatever
// happens. It sets p.ID. When more waits than can be held, errs.TooLarge says
// to come again in a while.
func (b *Inbox) Accept(ctx context.Context, p *Parcel) error {
	p.kept = packed(p.Body)
	b.mu.Lock()
	if b.waiting == nil {
		b.waiting = &group{done: make(chan struct{})}
	}
	g := b.waiting
	if g.bytes > maxWaiting {
		b.mu.Unlock()
		return errs.Of(errs.TooLarge, nil, "collect.error.busy")
	}
	g.parcels = append(g.parcels, p)
	g.bytes += len(p.Body)
	if !b.busy {
		b.busy = true
		go b.commitAll(context.WithoutCancel(ctx))
	}
	b.mu.Unlock()
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err() // it may be committed all the same: who asked has gone
	}
}

// commitAll commits group after group until nobody waits.
func (b *Inbox) commitAll(ctx context.Context) {
	for {
		b.mu.Lock()
		g := b.waiting
		b.waiting = nil
		if g == nil {
			b.busy = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		g.err = b.commit(ctx, g.parcels)
		close(g.done)
	}
}

// commit writes parcels, in several transactions when they are many bytes:
// others wait for the writer. When one fails all are refused, and those that
// were written are seen again by their ids when they are sent again.
func (b *Inbox) commit(ctx context.Context, parcels []*Parcel) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	for len(parcels) > 0 {
		n, size := 0, 0
		for n < len(parcels) && (n == 0 || size+len(parcels[n].kept) <= maxGroup) {
			size += len(parcels[n].kept)
			n++
		}
		if err := b.db.Tx(ctx, func(tx *store.Tx) error { return insert(ctx, tx, parcels[:n]) }); err != nil {
			return fmt.Errorf("write %d parcels to the inbox: %w", n, err)
		}
		parcels = parcels[n:]
	}
	return nil
}

// insert writes parcels and sees to it that the inbox is worked.
func insert(ctx context.Context, tx *store.Tx, parcels []*Parcel) error {
	rows := tx.Bulk(ctx, "collect_inbox", "id, source_id, topic, delivery, received_at, noted, worked, body", "")
	for _, p := range parcels {
		p.ID = tx.NewID()
		noted := "{}"
		if len(p.Noted) > 0 {
			b, err := json.Marshal(p.Noted)
			if err != nil {
				return err
			}
			noted = string(b)
		}
		if err := rows.Add(p.ID, int64(p.Source), p.Topic, p.Delivery, p.At.UnixMicro(), noted, 0, p.kept); err != nil {
			return err
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: drainJob, Key: "inbox"})
}
