package importers

import (
	"bytes"
	"hash/maphash"

	"regulars/internal/know/customers"
	"regulars/internal/platform/text"
)

// roster numbers people by what a row says they are known by. It is a hash
// table beside one arena of bytes: millions of people in few allocations, found
// with one look at memory. Two people with the same 64 bits of a hash whose
// seed nobody knows would be taken for one: of a million people that happens
// once in thirty million reports.
type roster struct {
	slots []slot
	small []int32 // place + 1 of those known by a small number alone, at it
	hash  []uint64
	end   []int // of each person's bytes in arena
	arena []byte
	first []int64 // where each person was first met
}

// slot holds the place of a person + 1; 0: empty.
type slot struct {
	hash  uint64
	place int32
}

func newRoster() *roster { return &roster{slots: make([]slot, 1024)} }

func (r *roster) key(i int32) []byte {
	from := 0
	if i > 0 {
		from = r.end[i-1]
	}
	return r.arena[from:r.end[i]]
}

// number returns the place of a person, who is added when not met before.
func (r *roster) number(key []byte, hash uint64, at int64) int32 {
	mask := uint64(len(r.slots) - 1)
	for s := hash & mask; ; s = (s + 1) & mask {
		found := &r.slots[s]
		if found.place == 0 {
			break
		}
		if found.hash == hash {
			return found.place - 1
		}
	}
	r.hash = append(r.hash, hash)
	r.arena = append(r.arena, key...)
	r.end = append(r.end, len(r.arena))
	r.first = append(r.first, at)
	if len(r.hash)*2 > len(r.slots) {
		r.slots = make([]slot, len(r.slots)*2)
		for i, hash := range r.hash[:len(r.hash)-1] {
			r.place(hash, int32(i))
		}
	}
	r.place(hash, int32(len(r.hash)-1))
	return int32(len(r.hash) - 1)
}

// mostSmall bounds the numbers that are looked up without a hash.
const mostSmall = 1 << 24

// external is number for a person known by the number of another system alone.
// Systems count their customers, so a table of the number itself is small, and
// finds them several times quicker.
func (r *roster) external(key []byte, number string, at int64) int32 {
	v := 0
	if number[0] != '0' && len(number) <= 8 {
		for i := range len(number) {
			d := number[i] - '0'
			if d > 9 {
				v = 0
				break
			}
			v = v*10 + int(d)
		}
	}
	if v == 0 || v >= mostSmall {
		return r.number(key, maphash.Bytes(hashing, key), at)
	}
	if v >= len(r.small) {
		r.small = append(r.small, make([]int32, max(v+1, min(2*len(r.small), mostSmall))-len(r.small))...)
	}
	if r.small[v] == 0 {
		r.small[v] = r.number(key, maphash.Bytes(hashing, key), at) + 1
	}
	return r.small[v] - 1
}

func (r *roster) place(hash uint64, i int32) {
	mask := uint64(len(r.slots) - 1)
	s := hash & mask
	for r.slots[s].place != 0 {
		s = (s + 1) & mask
	}
	r.slots[s] = slot{hash, i + 1}
}

// parts is what stands between the parts of a person's key: the source, then
// what they are known by. Clean text holds no such sign.
const parts = "\x1f"

// personKey writes what a person is known by.
func personKey(buf []byte, source string, p *Person) []byte {
	buf = append(append(buf[:0], source...), parts...)
	buf = append(buf, p.External...)
	if p.Email == "" && p.Phone == "" && p.Card == "" {
		return buf
	}
	for _, s := range []string{p.Email, p.Phone, p.Card} {
		buf = append(append(buf, parts...), s...)
	}
	return buf
}

// persons reads the key of a person back: source, external, email, phone,
// card.
func (r *roster) persons(i int32) [5]string {
	var out [5]string
	for n, part := range bytes.SplitN(r.key(i), []byte(parts), 5) {
		out[n] = string(part)
	}
	return out
}

func (r *roster) label(i int32) string {
	p := r.persons(i)
	for _, s := range p[1:] {
		if s != "" {
			return text.Line(s)
		}
	}
	return ""
}

// onlyExternal reports whether a person is known by the number of another
// system alone, written so that it is stored as it stands.
func onlyExternal(key []byte) bool {
	i := bytes.IndexByte(key, parts[0])
	blank := true // at the beginning
	for _, c := range key[i+1:] {
		if c < ' ' || c > '~' || c == ' ' && blank {
			return false
		}
		blank = c == ' '
	}
	return !blank
}

// identities are the keys by which the store would find a person, in the order
// in which it looks.
func (r *roster) identities(i int32, region string) []string {
	p := r.persons(i)
	var keys []string
	add := func(kind, value string) {
		n, err := customers.Normalise(customers.Identity{Kind: kind, Value: value}, region)
		if value != "" && err == nil {
			keys = append(keys, kind+":"+n.Value)
		}
	}
	add(customers.Email, p[2])
	add(customers.Phone, p[3])
	add(customers.Card, p[4])
	if p[1] != "" {
		add(customers.External, p[0]+":"+p[1])
	}
	return keys
}

// hashing is the seed of all tables of ledgers, so that they know each other's
// hashes.
var hashing = maphash.MakeSeed()
