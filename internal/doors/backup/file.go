package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Manifest is the first file of a backup: what it is and what it must hold.
type Manifest struct {
	Format  int              `json:"format"` // 1
	Program string           `json:"program"`
	Schema  int              `json:"schema"`
	MadeAt  time.Time        `json:"made_at"`
	Size    int64            `json:"size"`
	SHA256  string           `json:"sha256"`
	Rows    map[string]int64 `json:"rows"`
}

const (
	format       = 1
	manifestName = "manifest.json"
	databaseName = "regulars.db"
	maxManifest  = 4 << 20
)

// Made is a backup that was written.
type Made struct {
	Manifest
	File  string
	Bytes int64
}

// Write copies the database of a running program into one file: a tar of the
// manifest and the database, packed with zstd and, with a key, encrypted by
// age. The file appears when it is whole and on the disk; until then, and
// after any fault, there is none.
func Write(ctx context.Context, db *store.DB, file, program string, key Key) (made Made, err error) {
	recipients, err := key.recipients()
	if err != nil {
		return made, err
	}
	defer func() { err = full(err, filepath.Dir(file)) }()
	out, err := begin(file)
	if err != nil {
		return made, err
	}
	defer out.Close()
	copied, part := file+copyEnding, file+partEnding
	defer os.Remove(part)
	defer clear(copied)
	clear(copied)
	made = Made{File: file, Manifest: Manifest{Format: format, Program: program, MadeAt: db.Now()}}
	if err := db.Snapshot(ctx, copied); err != nil {
		return made, err
	}
	if err := made.measure(ctx, copied); err != nil {
		return made, err
	}
	err = recipients.encrypt(out, func(w io.Writer) error { return pack(ctx, w, made.Manifest, copied) })
	if err == nil {
		err = out.Sync()
	}
	if err != nil {
		return made, fmt.Errorf("write the backup %s: %w", part, err)
	}
	info, err := out.Stat()
	if err != nil {
		return made, err
	}
	made.Bytes = info.Size()
	return made, appear(part, file)
}

// measure fills in what the manifest says of a copy.
func (m *Manifest) measure(ctx context.Context, copied string) error {
	contents, err := store.Inspect(ctx, copied)
	if err != nil {
		return err
	}
	if err := store.Settle(ctx, copied); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if m.Size, err = io.Copy(sum, reader{ctx, f}); err != nil {
		return err
	}
	m.Schema, m.Rows, m.SHA256 = contents.Schema, contents.Rows, hex.EncodeToString(sum.Sum(nil))
	return nil
}

func pack(ctx context.Context, w io.Writer, m Manifest, copied string) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), ModTime: m.MadeAt}); err != nil {
		return err
	}
	if _, err := t.Write(text); err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: databaseName, Mode: 0o600, Size: m.Size, ModTime: m.MadeAt}); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(t, reader{ctx, f}); err != nil {
		return err
	}
	return errors.Join(t.Close(), z.Close())
}

// Unpack writes the database of a backup into a new file and proves that it is
// what was backed up: every byte by its checksum, the database by its own
// check, each table by its rows. A backup of a newer program than known is
// refused. What is wrong is errs.Invalid, and nothing is left then.
func Unpack(ctx context.Context, file, into string, known int, key Key) (m Manifest, err error) {
	defer func() {
		err = full(err, filepath.Dir(into))
		if err != nil {
			clear(into)
		}
	}()
	clear(into)
	f, err := os.Open(file)
	if err != nil {
		return m, errs.Of(errs.Invalid, err, "backup.open.file", "File", file)
	}
	defer f.Close()
	in := bufio.NewReaderSize(reader{ctx, f}, 64<<10)
	plain, err := key.open(in, file)
	if err != nil {
		return m, err
	}
	if m, err = unpack(plain, file, into, known); err != nil {
		return m, err
	}
	found, err := store.Inspect(ctx, into)
	if err != nil {
		return m, errs.Of(errs.Invalid, err, "backup.damaged", "File", file)
	}
	if found.Schema != m.Schema {
		return m, errs.Of(errs.Invalid, fmt.Errorf("schema %d, not %d", found.Schema, m.Schema), "backup.damaged", "File", file)
	}
	for table, n := range m.Rows {
		if got, there := found.Rows[table]; !there || got != n {
			return m, errs.Of(errs.Invalid, fmt.Errorf("%s holds %d rows, not %d", table, got, n), "backup.damaged", "File", file)
		}
	}
	return m, nil
}

func unpack(plain io.Reader, file, into string, known int) (m Manifest, err error) {
	damaged := func(err error) error { return errs.Of(errs.Invalid, err, "backup.damaged", "File", file) }
	z, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return m, damaged(err)
	}
	defer z.Close()
	t := tar.NewReader(z)
	head, err := t.Next()
	if err != nil || head.Name != manifestName || head.Size > maxManifest {
		return m, damaged(err)
	}
	text, err := io.ReadAll(t)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, damaged(err)
	}
	if m.Format > format || m.Schema > known {
		return m, errs.Wrong("", "backup.newer", "File", file, "Program", m.Program)
	}
	if head, err = t.Next(); err != nil || head.Name != databaseName || head.Size != m.Size {
		return m, damaged(err)
	}
	out, err := os.OpenFile(into, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	defer out.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), t); err != nil {
		if store.Full(err) {
			return m, err
		}
		return m, damaged(err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return m, damaged(errors.New("the checksum is another one"))
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) { // what age and zstd say of the end comes here
		return m, damaged(err)
	}
	if rest, err := io.Copy(io.Discard, z); err != nil || rest > 64<<10 {
		return m, damaged(err)
	}
	return m, out.Sync()
}

// Kinds of files that may be given for a backup, by their first bytes.
var (
	ageMagic    = []byte("age-encryption.org/v1")
	zstdMagic   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	sqliteMagic = []byte("SQLite format 3\x00")
	dumpMagic   = []byte("PGDMP")
)

// open decrypts what begins as age does, and refuses what is no backup with a
// sentence that says what it is.
func (k Key) open(in *bufio.Reader, file string) (io.Reader, error) {
	head, err := in.Peek(len(ageMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, errs.Wrong("", "backup.empty", "File", file)
	case bytes.HasPrefix(head, ageMagic):
		return k.decrypt(in, file)
	case bytes.HasPrefix(head, zstdMagic):
		return in, nil
	case bytes.HasPrefix(head, sqliteMagic):
		return nil, errs.Wrong("", "backup.database", "File", file)
	case bytes.HasPrefix(head, dumpMagic):
		return nil, errs.Wrong("", "backup.dump", "File", file)
	}
	return nil, errs.Wrong("", "backup.none", "File", file)
}

// appear gives a finished file its name, and makes the name last.
func appear(part, file string) error {
	if err := os.Rename(part, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// clear removes a database that is not to stay, with its journals.
func clear(path string) {
	for _, p := range append(store.Journals(path), path) {
		_ = os.Remove(p)
	}
}

// full says it plainly when the disk is.
func full(err error, dir string) error {
	if err != nil && store.Full(err) {
		return errs.Of(errs.Unavailable, err, "backup.full", "Folder", dir)
	}
	return err
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
