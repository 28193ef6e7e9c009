package sheet

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"regulars/internal/platform/errs"
)

// The names of encodings, in Options and Format.
const (
	utf8Name    = "utf-8"
	utf16leName = "utf-16le"
	utf16beName = "utf-16be"
	win1250     = "windows-1250"
	win1251     = "windows-1251"
	win1252     = "windows-1252"
)

var charmaps = map[string]*charmap.Charmap{
	win1250: charmap.Windows1250,
	win1251: charmap.Windows1251,
	win1252: charmap.Windows1252,
}

// detectEncoding names the encoding of a sample and the length of its byte
// order mark.
//
// With a mark there is no doubt. Without one, text where more than two fifths of
// the even or of the odd bytes are NUL is UTF-16. What is valid UTF-8, or valid
// but for less than a tenth of what is beyond ASCII (a few damaged cells), is
// UTF-8. The rest is in a Windows code page: see codePage.
func detectEncoding(sample []byte) (name string, mark int) {
	switch {
	case bytes.HasPrefix(sample, []byte("\xef\xbb\xbf")):
		return utf8Name, 3
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		return utf16leName, 2
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		return utf16beName, 2
	}
	even, odd := 0, 0
	for i, c := range sample[:min(len(sample), 4096)] {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	half := min(len(sample), 4096) / 2
	switch {
	case half > 1 && odd*5 > half*2 && even*20 < half:
		return utf16leName, 0
	case half > 1 && even*5 > half*2 && odd*20 < half:
		return utf16beName, 0
	}
	var n census
	if n.count(sample); n.utf8() {
		return utf8Name, 0
	}
	return codePage(sample), 0
}

// census counts letters beyond ASCII, and what is none in UTF-8.
type census struct{ good, wrong int }

func (n *census) count(text []byte) {
	for rest := text[ascii(text):]; len(rest) > 0; rest = rest[ascii(rest):] {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			if len(rest) >= utf8.UTFMax || utf8.FullRune(rest) {
				n.wrong++
			}
		case size > 1:
			n.good++
		}
		rest = rest[size:]
	}
}

// ascii is how many bytes of ASCII a text begins with.
func ascii(text []byte) int {
	n := 0
	for n+8 <= len(text) && binary.LittleEndian.Uint64(text[n:])&^uint64(seven) == 0 {
		n += 8
	}
	for n < len(text) && text[n] < utf8.RuneSelf {
		n++
	}
	return n
}

func (n census) utf8() bool { return n.wrong == 0 || n.wrong*10 < n.good }

// farther names the encoding of a file whose sample is UTF-8 by windows from
// all over it, so that an accent far down is seen.
func farther(at io.ReaderAt, size int64, sample []byte) string {
	var n census
	n.count(sample)
	for piece := range windows(at, size, int64(len(sample))) {
		n.count(piece)
	}
	if n.utf8() {
		return utf8Name
	}
	all := bytes.Clone(sample)
	for piece := range windows(at, size, int64(len(sample))) {
		if !plain(piece) {
			all = append(all, piece...)
		}
	}
	return codePage(all)
}

// windows reads whole lines here and there behind the beginning of a file; a
// window is valid until the next one.
func windows(at io.ReaderAt, size, begin int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		const count, each = 64, 64 << 10
		buf := make([]byte, each)
		step := max((size-begin)/count, each)
		for off := begin; off < size; off += step {
			n, _ := at.ReadAt(buf, off)
			piece := buf[:n]
			// From line to line, so that no letter of several bytes is cut.
			i, j := bytes.IndexByte(piece, '\n'), bytes.LastIndexByte(piece, '\n')
			if i >= 0 && j > i && !yield(piece[i:j]) {
				return
			}
		}
	}
}

// plain reports whether text is all ASCII.
func plain(text []byte) bool {
	i, all := 0, uint64(0)
	for ; i+8 <= len(text); i += 8 {
		all |= binary.LittleEndian.Uint64(text[i:])
	}
	for ; i < len(text); i++ {
		all |= uint64(text[i]) << 56
	}
	return all&^uint64(seven) == 0
}

// codePage tells Windows-1251 (Cyrillic), 1250 (Central Europe) and 1252
// (Western Europe) apart by how their letters stand among others.
//
// Cyrillic words consist of high bytes; in the others most letters of a word are
// plain. 1250 and 1252 share á é í ó ú ý ä ö ü ß, š and ž; most other bytes are a
// consonant in one and a vowel in the other (č/è, ř/ø, ň/ò, ć/æ, ď/ï), and a
// consonant stands beside vowels while a vowel stands beside consonants. Where
// nothing decides, 1252 is the more common one.
func codePage(sample []byte) string {
	high, plain, central := 0, 0, 0 // letters of the words that have high ones
	wordHigh, wordPlain := 0, 0
	for i, c := range sample {
		switch {
		case c >= 0x80:
			wordHigh++
			central += votesCentral(c, at(sample, i-1), at(sample, i+1))
		case isLetter(c):
			wordPlain++
		default:
			if wordHigh > 0 {
				high, plain = high+wordHigh, plain+wordPlain
			}
			wordHigh, wordPlain = 0, 0
		}
	}
	if wordHigh > 0 {
		high, plain = high+wordHigh, plain+wordPlain
	}
	switch {
	case high > 2*plain:
		return win1251
	case central > 0:
		return win1250
	}
	return win1252
}

func at(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return ' '
	}
	return b[i]
}

// votesCentral is above 0 when the byte, read between its neighbours, speaks for
// Windows-1250, below 0 when it speaks for 1252.
func votesCentral(c, before, after byte) int {
	vowel, letter := isVowel, isLetter
	vote := func(central bool) int {
		if central {
			return 1
		}
		return -1
	}
	switch c {
	case 0x8d, 0x8f, 0x9d: // Ť Ź ť; not used in 1252
		return 3
	case 0x8a, 0x8e, 0x9a, 0x9e: // Š Ž š ž in both, rare in the West
		return 1
	case 0xb9, 0xb3, 0xbf, 0xa5, 0xa3, 0x9c, 0x9f: // ą ł ż Ą Ł ś ź; signs in 1252
		if letter(after) || letter(before) && c != 0xb3 && c != 0xb9 {
			return 2
		}
	case 0xe8, 0xf8, 0xf2, 0xef, 0xe5, 0xe0, 0xe6, 0xc8, 0xd8: // č ř ň ď ĺ ŕ ć Č Ř; è ø ò ï å à æ È Ø
		switch {
		case letter(after):
			return vote(vowel(after))
		case letter(before):
			return vote(vowel(before))
		}
		return -1 // "à" alone
	case 0xec, 0xf9, 0xcc: // ě ů Ě; ì ù Ì, which end words
		if letter(after) {
			return 1
		}
	case 0xea: // ę; ê, which never ends a word
		if letter(before) && !letter(after) {
			return 1
		}
	case 0xf5: // ő; õ, in -õe-
		return vote(!vowel(after))
	case 0xe3: // ă, which ends words; ã, in -ão
		return vote(!vowel(after))
	case 0xf1: // ń; ñ, between vowels
		return vote(!(vowel(before) && vowel(after)))
	case 0xe7, 0xf4, 0xee, 0xe2: // ç and ô î â are more of the West, but Slovak and Romanian have three of them
		if c == 0xe7 {
			return -2
		}
	}
	return 0
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0xc0 || c == 0x9a || c == 0x9e
}

func isVowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y',
		0xe1, 0xe9, 0xed, 0xf3, 0xfa, 0xfd, 0xe4, 0xf6, 0xfc, 0xec, 0xf9, 0xeb,
		0xc1, 0xc9, 0xcd, 0xd3, 0xda, 0xdd, 0xc4, 0xd6, 0xdc:
		return true
	}
	return false
}

// decodeTable maps the bytes of a code page to UTF-8.
func decodeTable(name string) *[256][]byte {
	m := charmaps[name]
	if m == nil {
		return nil
	}
	var t [256][]byte
	for i := range t {
		t[i] = []byte(string(m.DecodeByte(byte(i))))
	}
	return &t
}

// magics are the beginnings of files that are no tables, with what to do.
var magics = []struct {
	magic  string
	reason error
}{
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", errs.Wrong("", "sheet.wrong.xls")},
	{"%PDF-", errs.Wrong("", "sheet.wrong.pdf")},
	{"\x89PNG", errs.Wrong("", "sheet.wrong.picture")},
	{"\xff\xd8\xff", errs.Wrong("", "sheet.wrong.picture")},
	{"GIF8", errs.Wrong("", "sheet.wrong.picture")},
	{"7z\xbc\xaf\x27\x1c", errs.Wrong("", "sheet.wrong.packed", "Kind", "7-Zip")},
	{"Rar!", errs.Wrong("", "sheet.wrong.packed", "Kind", "RAR")},
	{"BZh", errs.Wrong("", "sheet.wrong.packed", "Kind", "bzip2")},
	{"\xfd7zXZ", errs.Wrong("", "sheet.wrong.packed", "Kind", "xz")},
	{"SQLite format 3\x00", errs.Wrong("", "sheet.wrong.database")},
	{"PAR1", errs.Wrong("", "sheet.wrong.parquet")},
	{"\x7fELF", errs.Wrong("", "sheet.wrong.program")},
	{"MZ\x90", errs.Wrong("", "sheet.wrong.program")},
	{"{\\rtf", errs.Wrong("", "sheet.wrong.rtf")},
	{"\xff\xfe\x00\x00", errs.Wrong("", "sheet.wrong.utf32")},
	{"\x00\x00\xfe\xff", errs.Wrong("", "sheet.wrong.utf32")},
}

// refuseForeign refuses a sample that is no table of text at all.
func refuseForeign(sample []byte) error {
	for _, m := range magics {
		if bytes.HasPrefix(sample, []byte(m.magic)) {
			return m.reason
		}
	}
	text := bytes.ToLower(bytes.TrimLeftFunc(bytes.TrimPrefix(sample[:min(len(sample), 512)], []byte("\xef\xbb\xbf")), unicode.IsSpace))
	for _, begin := range []string{"<!doctype html", "<html", "<?xml", "<table"} {
		if bytes.HasPrefix(text, []byte(begin)) {
			return errs.Wrong("", "sheet.wrong.html")
		}
	}
	if bytes.HasPrefix(text, []byte("{\"")) || bytes.HasPrefix(text, []byte("[{")) {
		return errs.Wrong("", "sheet.wrong.json")
	}
	return nil
}

// refuseBinary refuses text of which more than a hundredth are control signs.
func refuseBinary(sample []byte) error {
	control := 0
	for _, c := range sample {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v' && c != 0x1a {
			control++
		}
	}
	if control*100 > len(sample) {
		return errs.Wrong("", "sheet.wrong.binary")
	}
	return nil
}
