// Package secrets seals what must stay unreadable in a copy of the database:
// passwords of other systems, keys that sign, second factors.
//
// Its one rule: the key never lies in the database. It comes from the
// environment, or from a file of its own that is made on the first run.
package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeySize is how many bytes a key has.
const KeySize = 32

// ErrSealed says that none of a box's keys opens what was sealed, or that it
// was sealed for another purpose, or changed since.
var ErrSealed = errors.New("sealed with another key, for another purpose, or damaged")

// Box seals and opens. Its first key seals, all of its keys open: that is how
// a key is changed. It is safe for many goroutines.
type Box struct{ keys [][]byte }

// New makes a box of keys of KeySize bytes, the newest first.
func New(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key")
	}
	b := &Box{}
	for _, k := range keys {
		if len(k) != KeySize {
			return nil, fmt.Errorf("a key has %d bytes, this one %d", KeySize, len(k))
		}
		b.keys = append(b.keys, bytes.Clone(k))
	}
	return b, nil
}

// Parse reads what Format wrote: keys in base64, the newest first, with commas
// or line breaks between them.
func Parse(text string) (*Box, error) {
	var keys [][]byte
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		key, err := base64.StdEncoding.DecodeString(word)
		if err != nil {
			return nil, errors.New("a key is not base64")
		}
		keys = append(keys, key)
	}
	return New(keys...)
}

// Format writes a key as Parse reads it.
func Format(key []byte) string { return base64.StdEncoding.EncodeToString(key) }

// File reads the keys in a file. A file that is not there is made, with a
// fresh key and readable by its owner alone; of two programs that make it at
// once both get the same.
func File(path string) (*Box, error) {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil {
			body, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	box, err := Parse(string(body))
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be used: %w", path, err)
	}
	return box, nil
}

// create writes the file whole under another name and links it to its own,
// which only one program can.
func create(path string) error {
	key := make([]byte, KeySize)
	rand.Read(key)
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(Format(key) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// A sealed value is the form's number, then what AES-256-GCM makes of it
// under a key of its own for each purpose: a nonce, the bytes, a tag.
const form = 1

// Seal makes plain unreadable to whoever does not hold the key. Sealing the
// same twice gives two different values.
func (b *Box) Seal(purpose string, plain []byte) []byte {
	return cipherOf(b.keys[0], purpose).Seal([]byte{form}, nil, plain, nil)
}

// Open returns what was sealed for the same purpose, or ErrSealed.
func (b *Box) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != form {
		return nil, ErrSealed
	}
	for _, key := range b.keys {
		if plain, err := cipherOf(key, purpose).Open([]byte{}, nil, sealed[1:], nil); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

func cipherOf(key []byte, purpose string) cipher.AEAD {
	own, err := hkdf.Key(sha256.New, key, nil, "regulars "+purpose, KeySize)
	if err != nil {
		panic(err) // only for lengths that are not asked for
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}
