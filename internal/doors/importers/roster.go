package importers

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"

	"regulars/internal/know/customers"
	"regulars/internal/platform/text"
)

// roster numbers people by what a row says they are known by. It is two tables
// and one arena of bytes: millions of people in few allocations.
type roster struct {
	// small has place + 1 of those known by the number of another system
	// alone, at that number: systems count their customers, and a table without
	// hashes finds them several times quicker. They are all of one source.
	small  []int32
	source []byte
	// slots is a hash table of all others. Two people with the same 64 bits of a
	// hash whose seed nobody knows would be taken for one: of a million people
	// that happens once in thirty million reports.
	slots []slot
	used  int

	// known has each person's small number; of all others the place of their
	// key among the keys, less than zero.
	known []int32
	end   []int // of each key in arena
	arena []byte
	first []int64 // where each person was first met
}

// slot holds the place of a person + 1; 0: empty.
type slot struct {
	hash  uint64
	place int32
}

func newRoster() *roster { return &roster{slots: make([]slot, 1024)} }

// count is how many people there are.
func (r *roster) count() int { return len(r.known) }

// key appends what a person is known by.
func (r *roster) key(buf []byte, i int32) []byte {
	known := r.known[i]
	if known > 0 {
		return strconv.AppendInt(append(append(buf, r.source...), parts...), int64(known), 10)
	}
	n, from := -1-known, 0
	if n > 0 {
		from = r.end[n-1]
	}
	return append(buf, r.arena[from:r.end[n]]...)
}

func (r *roster) add(known int32, at int64) int32 {
	r.known, r.first = append(r.known, known), append(r.first, at)
	return int32(len(r.known) - 1)
}

// number returns the place of a person, who is added when not met before.
func (r *roster) number(key []byte, at int64) int32 {
	if i := bytes.IndexByte(key, parts[0]); r.takes(key[:i]) {
		if v := smallNumber(key[i+1:]); v > 0 {
			return r.bySmall(key[:i], v, at)
		}
	}
	hash := maphash.Bytes(hashing, key)
	found := r.slot(hash)
	if found.place == 0 {
		if r.used++; r.used*2 > len(r.slots) {
			old := r.slots
			r.slots = make([]slot, len(old)*2)
			for _, s := range old {
				if s.place > 0 {
					*r.slot(s.hash) = s
				}
			}
			found = r.slot(hash)
		}
		r.arena = append(r.arena, key...)
		r.end = append(r.end, len(r.arena))
		*found = slot{hash, r.add(int32(-len(r.end)), at) + 1}
	}
	return found.place - 1
}

// takes reports whether the people of a source are found by small numbers.
func (r *roster) takes(source []byte) bool { return r.small == nil || bytes.Equal(source, r.source) }

// slot is that of a hash, or the empty one where it belongs.
func (r *roster) slot(hash uint64) *slot {
	mask := uint64(len(r.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s := &r.slots[i]; s.place == 0 || s.hash == hash {
			return s
		}
	}
}

// mostSmall bounds the numbers that are looked up without a hash.
const mostSmall = 1 << 24

// smallNumber reads a number that bySmall takes; 0: it is none.
func smallNumber[T string | []byte](number T) int32 {
	if len(number) == 0 || len(number) > 8 || number[0] == '0' {
		return 0
	}
	v := int32(0)
	for i := range len(number) {
		d := number[i] - '0'
		if d > 9 {
			return 0
		}
		v = v*10 + int32(d)
	}
	if v >= mostSmall {
		return 0
	}
	return v
}

// bySmall is number for a person known by a small number alone.
func (r *roster) bySmall(source []byte, v int32, at int64) int32 {
	if int(v) >= len(r.small) {
		r.source = append(r.source[:0], source...)
		r.small = append(r.small, make([]int32, max(int(v)+1, min(2*len(r.small), mostSmall))-len(r.small))...)
	}
	if r.small[v] == 0 {
		r.small[v] = r.add(v, at) + 1
	}
	return r.small[v] - 1
}

// met are the people in the order in which they were first met.
func (r *roster) met() []int32 {
	all := make([]int32, len(r.first))
	for i := range all {
		all[i] = int32(i)
	}
	if !slices.IsSorted(r.first) {
		slices.SortStableFunc(all, func(a, b int32) int { return cmp.Compare(r.first[a], r.first[b]) })
	}
	return all
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
	for n, part := range bytes.SplitN(r.key(nil, i), []byte(parts), 5) {
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
		if value == "" {
			return
		}
		if n, err := customers.Normalise(customers.Identity{Kind: kind, Value: value}, region); err == nil {
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
