// Package id makes and shows the numbers by which things are known.
//
// Its one rule: an id is 63 bits, ordered by the time it was made, and is
// shown outside only with its prefix, in base 32.
package id

import (
	"fmt"
	"strings"
	"sync"
)

// The typed ids. A module that owns a thing owns its type here, so that a
// customer can never be passed where an order is meant.
type (
	Customer int64
	Order    int64
	Product  int64
	Event    int64
	Job      int64
	Import   int64
	User     int64
	Category int64
	Source   int64
	Failure  int64
	Endpoint int64 // of an outgoing webhook
	Key      int64 // of the API

	Subscription int64 // of a customer: what is paid under contract
)

func (i Customer) String() string { return Show("cus", int64(i)) }
func (i Order) String() string    { return Show("ord", int64(i)) }
func (i Product) String() string  { return Show("prd", int64(i)) }
func (i Event) String() string    { return Show("evt", int64(i)) }
func (i Job) String() string      { return Show("job", int64(i)) }
func (i Import) String() string   { return Show("imp", int64(i)) }
func (i User) String() string     { return Show("usr", int64(i)) }
func (i Category) String() string { return Show("cat", int64(i)) }
func (i Source) String() string   { return Show("src", int64(i)) }
func (i Failure) String() string  { return Show("fail", int64(i)) }
func (i Endpoint) String() string { return Show("whk", int64(i)) }
func (i Key) String() string      { return Show("key", int64(i)) }

func (i Subscription) String() string { return Show("sub", int64(i)) }

// ParseCustomer reads what Customer.String wrote.
func ParseCustomer(s string) (Customer, error) { v, err := Parse("cus", s); return Customer(v), err }

// ParseOrder reads what Order.String wrote.
func ParseOrder(s string) (Order, error) { v, err := Parse("ord", s); return Order(v), err }

// ParseProduct reads what Product.String wrote.
func ParseProduct(s string) (Product, error) { v, err := Parse("prd", s); return Product(v), err }

// ParseImport reads what Import.String wrote.
func ParseImport(s string) (Import, error) { v, err := Parse("imp", s); return Import(v), err }

// ParseJob reads what Job.String wrote.
func ParseJob(s string) (Job, error) { v, err := Parse("job", s); return Job(v), err }

// ParseUser reads what User.String wrote.
func ParseUser(s string) (User, error) { v, err := Parse("usr", s); return User(v), err }

// ParseCategory reads what Category.String wrote.
func ParseCategory(s string) (Category, error) { v, err := Parse("cat", s); return Category(v), err }

// ParseSource reads what Source.String wrote.
func ParseSource(s string) (Source, error) { v, err := Parse("src", s); return Source(v), err }

// ParseFailure reads what Failure.String wrote.
func ParseFailure(s string) (Failure, error) { v, err := Parse("fail", s); return Failure(v), err }

// ParseEndpoint reads what Endpoint.String wrote.
func ParseEndpoint(s string) (Endpoint, error) { v, err := Parse("whk", s); return Endpoint(v), err }

// ParseEvent reads what Event.String wrote.
func ParseEvent(s string) (Event, error) { v, err := Parse("evt", s); return Event(v), err }

// ParseKey reads what Key.String wrote.
func ParseKey(s string) (Key, error) { v, err := Parse("key", s); return Key(v), err }

// ParseSubscription reads what Subscription.String wrote.
func ParseSubscription(s string) (Subscription, error) {
	v, err := Parse("sub", s)
	return Subscription(v), err
}

// alphabet is Crockford's base 32 in lower case: no i, l, o or u to misread.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// digits holds 63 bits: 13 digits of 5.
const digits = 13

// Show writes v as prefix_ and 13 digits; the text sorts as the number does.
func Show(prefix string, v int64) string {
	b := make([]byte, 0, len(prefix)+1+digits)
	b = append(append(b, prefix...), '_')
	for shift := 5 * (digits - 1); shift >= 0; shift -= 5 {
		b = append(b, alphabet[(v>>shift)&31])
	}
	return string(b)
}

// Parse reads what Show wrote with the same prefix; anything else is an error
// that does not repeat the input.
func Parse(prefix, s string) (int64, error) {
	rest, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(rest) != digits || rest[0] > '7' {
		return 0, fmt.Errorf("not an id of the form %s_…", prefix)
	}
	var v int64
	for i := range len(rest) {
		d := strings.IndexByte(alphabet, rest[i])
		if d < 0 {
			return 0, fmt.Errorf("not an id of the form %s_…", prefix)
		}
		v = v<<5 | int64(d)
	}
	return v, nil
}

func unmarshal(to *int64, prefix string, b []byte) error {
	v, err := Parse(prefix, string(b))
	*to = v
	return err
}

// The layout of an id: 41 bits of milliseconds since Epoch, 10 of node, 12
// of sequence. 41 bits last until the year 2089.
const (
	Epoch    = 1704067200000 // 2024-01-01T00:00:00Z in Unix milliseconds
	MaxNode  = 1<<10 - 1
	maxInMs  = 1<<12 - 1
	nodeBits = 10
	seqBits  = 12
)

// Maker makes ids for one node. It is safe for use by many goroutines.
type Maker struct {
	mu   sync.Mutex
	node int64
	last int64 // milliseconds since Epoch of the newest id
	seq  int64
}

// NewMaker returns a maker for the leased node whose first id is later than
// the given Unix millisecond: a node's earlier holder has used ids up to it.
func NewMaker(node int, afterMs int64) *Maker {
	return &Maker{node: int64(node), last: max(afterMs-Epoch, 0), seq: maxInMs}
}

// New returns the next id at the given Unix millisecond. Ids of one maker
// only grow: when the clock stands still, runs back, or a millisecond is
// full, they spill into the next millisecond.
func (m *Maker) New(unixMs int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch now := unixMs - Epoch; {
	case now > m.last:
		m.last, m.seq = now, 0
	case m.seq < maxInMs:
		m.seq++
	default:
		m.last, m.seq = m.last+1, 0
	}
	return m.last<<(nodeBits+seqBits) | m.node<<seqBits | m.seq
}

// LastMs returns the Unix millisecond of the newest id, which may lie ahead
// of the clock after a burst.
func (m *Maker) LastMs() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last + Epoch
}
