package users

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/text"
)

// Password is a password that was found good and hashed. It is made outside
// of any transaction, as hashing takes tens of milliseconds on purpose.
type Password struct{ hash string }

const (
	minPassword = 10  // characters
	maxPassword = 256 // characters: what is longer only makes the server work
)

// NewPassword checks and hashes a password. Owner are the name and the email
// address of whose it is: a password that repeats one of them, or is shorter
// than ten characters, is errs.Invalid. There are no other rules.
func NewPassword(plain string, owner ...string) (Password, error) {
	n := utf8.RuneCountInString(plain)
	switch {
	case n < minPassword:
		return Password{}, errs.Wrong("password", "users.wrong.password-short", "Min", minPassword)
	case n > maxPassword:
		return Password{}, errs.Wrong("password", "users.wrong.password-long", "Max", maxPassword)
	}
	for _, own := range owner {
		name, _, _ := strings.Cut(own, "@")
		if l := letters(plain); l != "" && (l == letters(own) || l == letters(name)) {
			return Password{}, errs.Wrong("password", "users.wrong.password-own")
		}
	}
	return Password{current.hash(plain)}, nil
}

// letters is s without case, accents, spaces and signs.
func letters(s string) string { return strings.Join(text.Words(s), "") }

// cost is what hashing takes; it stands in every hash, so that it can be
// raised and old hashes still be read.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// current follows OWASP's advice for argon2id (2025): 19 MiB, two passes.
var current = cost{memory: 19 << 10, time: 2, threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

// hashing bounds the memory that people trying passwords can make us use.
var hashing = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

func (c cost) key(plain string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(plain), salt, c.time, c.memory, c.threads, hashBytes)
}

var b64 = base64.RawStdEncoding

// hash writes the form that argon2's own tools use.
func (c cost) hash(plain string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads,
		b64.EncodeToString(salt), b64.EncodeToString(c.key(plain, salt)))
}

// decoy is compared when there is no such user, so that the time taken does
// not tell who works here.
var decoy = sync.OnceValue(func() string { return current.hash("nobody has this password") })

// verify reports whether plain is the password, and whether its hash should
// be made anew at the current cost.
func verify(hash, plain string) (ok, stale bool) {
	known := hash != ""
	if !known {
		hash = decoy()
	}
	c, salt, want, err := parseHash(hash)
	if err != nil || utf8.RuneCountInString(plain) > maxPassword {
		return false, false
	}
	ok = subtle.ConstantTimeCompare(c.key(plain, salt), want) == 1 && known
	return ok, ok && c != current
}

func parseHash(hash string) (c cost, salt, key []byte, err error) {
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, fmt.Errorf("not an argon2id hash")
	}
	if _, err = fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, nil, fmt.Errorf("an argon2 version we do not know")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil ||
		c.memory > 1<<20 || c.time < 1 || c.time > 100 || c.threads < 1 {
		return c, nil, nil, fmt.Errorf("argon2 parameters out of bounds")
	}
	if salt, err = b64.DecodeString(parts[4]); err != nil {
		return c, nil, nil, err
	}
	key, err = b64.DecodeString(parts[5])
	if err == nil && len(key) != hashBytes {
		err = fmt.Errorf("an argon2 key of another length")
	}
	return c, salt, key, err
}
