package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/errs"
)

// input is the source of a table with what it is packed in taken off.
type input struct {
	ctx     context.Context
	size    int64 // of the source, -1 unknown
	done    atomic.Int64
	limits  Limits
	table   string
	packing []string
	closers []io.Closer
}

// opened is what was inside: text, or a workbook.
type opened struct {
	text *bufio.Reader
	at   io.ReaderAt // the whole text, when it lies unpacked in a file
	book *zip.Reader
	name string // inside a zip
}

func (in *input) close() error {
	var all []error
	for _, c := range slices.Backward(in.closers) {
		all = append(all, c.Close())
	}
	in.closers = nil
	return errors.Join(all...)
}

// sampleBytes is how much of the text is looked at to detect what it is.
const sampleBytes = 1 << 20

const packedLayers = 3

// unpack takes off compression and archives, told by their first bytes.
func (in *input) unpack(src io.Reader) (opened, error) {
	at, _ := src.(io.ReaderAt)
	if in.size < 0 {
		at = nil
	}
	now := opened{text: bufio.NewReaderSize(counter{src, &in.done}, sampleBytes), at: at}
	for range packedLayers + 1 {
		head, err := now.text.Peek(512)
		if len(head) == 0 {
			if err == io.EOF {
				err = errs.Wrong("", "sheet.wrong.empty")
			}
			return opened{}, packedError(err)
		}
		switch {
		case bytes.HasPrefix(head, []byte("\x1f\x8b")):
			now, err = in.gunzip(now)
		case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
			now, err = in.unzstd(now)
		case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
			now, err = in.unzip(now)
		default:
			return now, nil
		}
		if err != nil {
			return opened{}, packedError(unexpected(err))
		}
		if now.book != nil {
			return now, nil
		}
	}
	return opened{}, errs.Wrong("", "sheet.wrong.packed-often", "Most", packedLayers)
}

func (in *input) gunzip(o opened) (opened, error) {
	z, err := gzip.NewReader(o.text)
	if err != nil {
		return opened{}, err
	}
	in.packing = append(in.packing, "gzip")
	return opened{text: in.guarded(z, in.done.Load), name: o.name}, nil
}

func (in *input) unzstd(o opened) (opened, error) {
	z, err := zstd.NewReader(o.text, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return opened{}, err
	}
	in.closers = append(in.closers, z.IOReadCloser())
	in.packing = append(in.packing, "zstd")
	return opened{text: in.guarded(z, in.done.Load), name: o.name}, nil
}

// unzip opens a workbook, or the one table inside a zip.
func (in *input) unzip(o opened) (opened, error) {
	at, size := o.at, in.size
	if at == nil {
		var err error
		if at, size, err = in.spool(o.text); err != nil {
			return opened{}, err
		}
	}
	archive, err := openZip(at, size)
	if err != nil {
		return opened{}, err
	}
	switch documentKind(archive) {
	case docWorkbook:
		return opened{book: archive}, nil
	case docBinary:
		return opened{}, errs.Wrong("", "sheet.wrong.xlsb")
	case docOther:
		return opened{}, errs.Wrong("", "sheet.wrong.office")
	}
	entry, err := onlyTable(archive, in.table)
	if err != nil {
		return opened{}, err
	}
	r, err := entry.Open()
	if err != nil {
		return opened{}, err
	}
	in.closers = append(in.closers, r)
	in.packing = append(in.packing, "zip")
	in.size = entryTotal(entry)
	in.done.Store(0)
	packed := int64(entry.CompressedSize64)
	text := in.guarded(counter{r, &in.done}, func() int64 { return packed })
	return opened{text: text, name: entry.Name}, nil
}

// guarded bounds what a packed stream may unpack to.
func (in *input) guarded(r io.Reader, packed func() int64) *bufio.Reader {
	return bufio.NewReaderSize(&guard{ctx: in.ctx, r: r, packed: packed, limits: in.limits}, sampleBytes)
}

// guard refuses a stream that unpacks to absurdly more than was packed, and
// tells broken streams in a sentence.
type guard struct {
	ctx    context.Context
	r      io.Reader
	out    int64
	packed func() int64
	limits Limits
}

// ratioFrom is where the ratio begins to matter: below it any ratio is harmless.
const ratioFrom = 64 << 20

func (g *guard) Read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := g.r.Read(p)
	g.out += int64(n)
	if g.out > g.limits.UnpackedBytes || g.out > ratioFrom && g.out/g.limits.Ratio > g.packed() {
		return 0, errs.Wrong("", "sheet.wrong.bomb", "Most", bytesText(g.out))
	}
	return n, packedError(err)
}

// packedError is the sentence for a stream that cannot be unpacked.
func packedError(err error) error {
	var known *errs.Error
	switch {
	case err == nil, err == io.EOF, errors.As(err, &known),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errs.Of(errs.Invalid, err, "sheet.wrong.breaks-off")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return errs.Of(errs.Invalid, err, "sheet.wrong.window")
	case errors.Is(err, zip.ErrAlgorithm):
		return errs.Of(errs.Invalid, err, "sheet.wrong.zip-kind")
	}
	return errs.Of(errs.Invalid, err, "sheet.wrong.damaged")
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d kB", n>>10)
}

// spool keeps a stream in a temporary file, because the directory of a zip is
// at its end.
func (in *input) spool(r io.Reader) (io.ReaderAt, int64, error) {
	f, err := os.CreateTemp("", "regulars-sheet-*")
	if err != nil {
		return nil, 0, fmt.Errorf("keep the upload: %w", err)
	}
	in.closers = append(in.closers, removing{f})
	n, err := io.Copy(f, io.LimitReader(r, in.limits.SpoolBytes+1))
	if err != nil {
		return nil, 0, packedError(err)
	}
	if n > in.limits.SpoolBytes {
		return nil, 0, errs.Of(errs.TooLarge, nil, "sheet.wrong.book-large", "Most", bytesText(in.limits.SpoolBytes))
	}
	return f, n, nil
}

// removing is a temporary file that goes when it is closed.
type removing struct{ f *os.File }

func (r removing) Close() error {
	return errors.Join(r.f.Close(), os.Remove(r.f.Name()))
}

// directoryBytes bounds the directory of a zip, which is read into memory.
const directoryBytes = 16 << 20

// openZip opens a zip whose directory is of a reasonable size. archive/zip
// reads entries until the directory stops, whatever length it declares, so
// both its declared length and the room it has are held to the bound.
func openZip(at io.ReaderAt, size int64) (*zip.Reader, error) {
	tail := make([]byte, min(size, 65<<10+22))
	if _, err := at.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read the end of the zip: %w", err)
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || i+22 > len(tail) {
		return nil, errs.Wrong("", "sheet.wrong.zip-breaks-off")
	}
	declared := int64(binary.LittleEndian.Uint32(tail[i+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[i+16:]))
	room := size - int64(len(tail)) + int64(i) - offset
	if declared > directoryBytes || room > directoryBytes {
		return nil, errs.Wrong("", "sheet.wrong.zip-many")
	}
	z, err := zip.NewReader(at, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, packedError(err)
	}
	return z, nil
}

func entryTotal(f *zip.File) int64 { return int64(min(f.UncompressedSize64, 1<<62)) }

// onlyTable is the one file of a zip that can hold a table, or the one called
// name.
func onlyTable(z *zip.Reader, name string) (*zip.File, error) {
	var found []*zip.File
	var names []string
	for _, f := range z.File {
		base := path.Base(strings.ReplaceAll(f.Name, "\\", "/"))
		if f.FileInfo().IsDir() || strings.HasPrefix(base, ".") || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		if name != "" && (f.Name == name || base == name) {
			return f, nil
		}
		found = append(found, f)
		names = append(names, f.Name)
	}
	switch {
	case len(found) == 0:
		return nil, errs.Wrong("", "sheet.wrong.zip-empty")
	case name != "":
		return nil, errs.Wrong("", "sheet.wrong.zip-name", "Name", name, "Names", listed(names))
	case len(found) > 1:
		return nil, errs.Wrong("", "sheet.wrong.zip-files", "Files", len(found), "Names", listed(names))
	}
	return found[0], nil
}

// listed joins up to five names.
func listed(names []string) any {
	if len(names) > 5 {
		return errs.Wrong("", "sheet.wrong.listed", "Names", names[:5], "More", len(names)-5)
	}
	return names
}
