// Package collect takes in what other programs tell as it happens: the calls
// of tracking clients (the Segment HTTP API) and the webhooks of shops.
//
// Its one rule: what was accepted is on disk, and what it tells is written
// down once. A request is committed to the inbox as it came before it is
// answered; a job works the inbox behind, and takes each part out of it in the
// transaction of its effect.
package collect

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Parcel is one request as it came.
type Parcel struct {
	ID       int64     // set by Accept; later ones are greater
	Source   id.Source // who sent it
	Topic    string    // what the sender calls it: batch, orders/create
	Delivery string    // the sender's own id of it; empty: none
	At       time.Time // when it came
	Noted    map[string]string
	Body     []byte

	From   Source // set by the drain
	worked int    // parts of it that are done
	kept   []byte // the body as it lies in the inbox
}

// Part is what is worked, and laid aside, by itself.
type Part struct {
	*Parcel
	Topic string // of the part: the Topic of its parcel, or the type of one message of a batch
	Body  []byte // as it is laid aside, and tried again; nil: Value as JSON
	Value any    // what Kind.Parts read it as
	// Weight is how much work it is beside others, for the length of slices.
	// 0: 1, which is an event that is only written down.
	Weight int
	Err    error // what is wrong with it: it is laid aside and never worked

	index int // its place in the parcel
	last  bool
}

// body is what is laid aside.
func (p Part) body() []byte {
	if p.Body != nil {
		return p.Body
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(p.Value); err != nil {
		return p.Parcel.Body
	}
	return b.Bytes()
}

// Kind is one sort of source: what becomes of its parcels.
type Kind struct {
	Name string // as in collect_sources
	Icon string
	// Signed says that its deliveries are signed: its form asks for the secret.
	Signed bool
	// Parts cuts a parcel into what is worked one by one. Nil: a parcel is one
	// part. It runs outside of any transaction, so what is costly to read is
	// read here, into Part.Value. An error lays the whole parcel aside.
	Parts func(p *Parcel) ([]Part, error)
	// Work writes down what parts tell, oldest first, in the transaction that
	// takes them out of the inbox. When it fails everything is rolled back and
	// the parts are tried in halves, until the one at fault stands alone: that
	// one is laid aside with the error's sentence. It changes nothing outside
	// of the database, as it may be run again.
	Work func(ctx context.Context, tx *store.Tx, parts []Part) error
}
