package collect

import "regulars/internal/platform/errs"

// outline is what the door must know of a body before it takes it in.
type outline struct {
	writeKey string
	batch    bool
	messages int // in the batch; 1 when it is none
	longest  int // bytes of the longest message
}

// maxDepth is how deep lists and objects may stand in each other.
const maxDepth = 100

// outlined reads a body once and takes note of what the door asks. Reading it
// into values is left to the drain: at the door every microsecond is paid by
// whoever waits. What is no JSON object is errs.Invalid.
func outlined(body []byte) (outline, error) {
	s := scanner{b: body}
	o := outline{messages: 1}
	s.space()
	if s.at() != '{' || !s.body(&o) {
		return o, errs.Wrong("", "collect.error.json")
	}
	if s.space(); s.i != len(s.b) {
		return o, errs.Wrong("", "collect.error.json")
	}
	if !o.batch {
		o.longest = len(body)
	}
	return o, nil
}

// scanner walks JSON; its methods report whether what they walked over is
// well-formed.
type scanner struct {
	b []byte
	i int
}

// at is the byte here; 0 at the end.
func (s *scanner) at() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// body walks over the outermost object.
func (s *scanner) body(o *outline) bool {
	return s.members(func(key []byte) bool {
		switch {
		case string(key) == "writeKey" && s.at() == '"':
			from := s.i
			ok := s.text()
			if ok {
				o.writeKey = string(s.b[from+1 : s.i-1]) // a key has nothing to escape
			}
			return ok
		case string(key) == "batch" && s.at() == '[':
			o.batch, o.messages, o.longest = true, 0, 0
			return s.elements(func() bool {
				from := s.i
				ok := s.value(2)
				o.messages++
				o.longest = max(o.longest, s.i-from)
				return ok
			})
		}
		return s.value(1)
	})
}

// members walks over an object; each is called at the value of a member.
func (s *scanner) members(each func(key []byte) bool) bool {
	s.i++ // {
	s.space()
	if s.at() == '}' {
		s.i++
		return true
	}
	for {
		from := s.i
		if s.at() != '"' || !s.text() {
			return false
		}
		key := s.b[from+1 : s.i-1]
		s.space()
		if s.at() != ':' {
			return false
		}
		s.i++
		s.space()
		if !each(key) {
			return false
		}
		s.space()
		switch s.at() {
		case ',':
			s.i++
			s.space()
		case '}':
			s.i++
			return true
		default:
			return false
		}
	}
}

// elements walks over a list; each is called at an element.
func (s *scanner) elements(each func() bool) bool {
	s.i++ // [
	s.space()
	if s.at() == ']' {
		s.i++
		return true
	}
	for {
		if !each() {
			return false
		}
		s.space()
		switch s.at() {
		case ',':
			s.i++
			s.space()
		case ']':
			s.i++
			return true
		default:
			return false
		}
	}
}

func (s *scanner) value(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch s.at() {
	case '{':
		return s.members(func([]byte) bool { return s.value(depth + 1) })
	case '[':
		return s.elements(func() bool { return s.value(depth + 1) })
	case '"':
		return s.text()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// text walks over a string.
func (s *scanner) text() bool {
	b, i := s.b, s.i+1
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return true
		case c < ' ':
			return false
		case c != '\\':
			i++
		case i+1 >= len(b):
			return false
		case b[i+1] == 'u':
			if i+6 > len(b) {
				return false
			}
			for _, h := range b[i+2 : i+6] {
				if (h < '0' || h > '9') && (h|0x20 < 'a' || h|0x20 > 'f') {
					return false
				}
			}
			i += 6
		default:
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			default:
				return false
			}
		}
	}
	return false
}

// number walks over a number as RFC 8259 has them.
func (s *scanner) number() bool {
	if s.at() == '-' {
		s.i++
	}
	switch c := s.at(); {
	case c == '0':
		s.i++
	case !s.digits():
		return false
	}
	if s.at() == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.at()|0x20 == 'e' {
		s.i++
		if c := s.at(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.i
	for c := s.at(); c >= '0' && c <= '9'; c = s.at() {
		s.i++
	}
	return s.i > from
}
